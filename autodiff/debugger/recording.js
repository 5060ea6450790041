// The recording behind a page: what is known at a position, and what is said about an event. It touches no document.
// The history comes as flat lists of numbers, as the engine has them: the local derivatives, from which the backward pass is
// summed up here as Python does it, to the last bit; of a scope, to which more comes from outside, the sums as well.
// What is said is written once, in words.py: d.lines are the templates for each kind of event, d.numbers those of operations.

function recordingOf(d) {
  const N = d.names.length, E = d.operand.length, LENGTH = N + E, LOSS = N - 1;
  const additions = d.names.map(() => []), actions = d.names.map(() => []);
  d.operand.forEach((operand, e) => { additions[operand].push(e); actions[d.result[e]].push(e); });
  const operands = d.names.map((_, place) => actions[place].map(e => d.operand[e]));
  const names = new Map();  // every way to call a Value, to the places of those called so
  d.names.forEach((name, place) => {
    for (const key of new Set([name, d.given[place], "v" + place])) if (key) names.set(key, [...(names.get(key) ?? []), place]);
  });

  // ---- what is known ----

  function sweep() {
    const gradients = new Float64Array(N), { result, operand, local, before, after, upstream } = d;
    gradients[LOSS] = d.seed;
    for (let e = 0, place = LOSS; place >= 0; place--) {
      upstream[place] = gradients[place];
      for (; e < E && result[e] === place; e++) {
        const x = operand[e];
        before[e] = gradients[x];
        after[e] = gradients[x] += gradients[place] * local[e];
      }
    }
  }

  if (!d.upstream) {
    [d.upstream, d.before, d.after] = [new Array(N), new Array(E), new Array(E)];
    sweep();
  }

  function lastAddition(place, at) {  // the last backward event before a position that added to a gradient, or −1
    const list = additions[place];
    let low = 0, high = list.length;
    while (low < high) { const middle = (low + high) >> 1; if (list[middle] < at - N) low = middle + 1; else high = middle; }
    return low ? list[low - 1] : -1;
  }

  function gradient(place, at) {  // undefined where nothing has been added yet
    if ((actions[place].length && actions[place][0] < at - N) || (place === LOSS && d.seeded && at >= N)) return d.upstream[place];
    const e = lastAddition(place, at);
    return e < 0 ? undefined : d.after[e];
  }

  const datum = (place, at) => place < at ? d.data[place] : undefined;
  const acting = at => at <= N ? at - 1 : d.result[at - N - 1];
  const changed = at => at <= N ? at - 1 : d.operand[at - N - 1];
  const phase = at => at <= N ? `forward ${at}/${N}` : `backward ${at - N}/${E}`;

  // ---- what is said ----

  function number(x) {  // number_text() of Python's symbols.py
    if (x === undefined) return "";
    if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "−inf";
    let [mantissa, exponent] = x.toExponential(d.digits - 1).split("e");
    if (Number(x.toPrecision(d.digits + 1)) === x) {  // it may be a tie, which goes to the even digit
      const [all, power] = x.toExponential(60).split("e"), kept = all.slice(0, all.indexOf(".") + d.digits);
      if (power === exponent && /[02468]$/.test(kept) && /^50*$/.test(all.slice(kept.length))) mantissa = kept;
    }
    const short = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
    if (x === 0) return "0";
    if (exponent < -4 || exponent >= d.digits) return (short(mantissa) + "e" + +exponent).replaceAll("-", "−");
    return short(Number(mantissa + "e" + exponent).toFixed(d.digits - 1 - exponent)).replace("-", "−");
  }

  function filled(kind, says) {  // the lines about an event of some kind; what is in […] goes where a place in it says nothing
    const fill = text => text.replace(/\{(\w+)\}/g, (_, slot) => says[slot]);
    const optional = (_, part) => [...part.matchAll(/\{(\w+)\}/g)].every(([, slot]) => says[slot]) ? part : "";
    return d.lines[kind].map(([label, text]) => [label, fill(text.replace(/\[(.*?)\]/g, optional))]);
  }

  function inNumbers(place) {
    return d.numbers[place].replace(/\{(\(?)(\d+)\}/g, (_, bracket, operand) => {
      const text = number(d.data[operand]);
      return bracket && text.startsWith("−") ? `(${text})` : text;
    });
  }

  function lines(at, asked = false) {  // label and text of each line about the event before a position; what is asked for hidden
    if (!at) return filled("start", {});
    const place = changed(at), name = d.names[place];
    if (at <= N) {
      const says = { name, data: number(d.data[place]), operation: d.made[place] };
      if (!d.made[place]) return filled("given", { ...says, given: d.whence[d.ops[place] ? 1 : 0] });
      const few = actions[place].slice(0, d.locals), more = actions[place].length - few.length;
      return [
        ...filled("made", { ...says, numbers: inNumbers(place) }),
        ...few.flatMap(e => filled("local", { name, operand: d.names[d.operand[e]], symbols: d.texts[d.symbol[e]], local: number(d.local[e]) })),
        ...(more ? filled("more", { more }) : []),
      ];
    }
    const e = at - N - 1, by = d.result[e], list = additions[place], upstream = d.upstream[by], local = d.local[e];
    const hidden = x => asked ? "?" : number(x);
    return filled("added", {
      name, loss: d.loss, by: d.names[by], operation: d.made[by], symbols: d.texts[d.symbol[e]], rule: d.texts[d.rule[e]],
      upstream: number(upstream), local: hidden(local), contribution: hidden(upstream * local),
      before: number(d.before[e]), after: hidden(d.after[e]), which: list.indexOf(e) + 1, of: list.length,
    });
  }

  // ---- where to stop ----

  function find(text) {  // the positions that a place stands for
    const at = new Set();
    const add = place => { at.add(place + 1); for (const e of actions[place]) at.add(N + e + 1); };
    if (names.has(text)) for (const place of names.get(text)) { at.add(place + 1); for (const e of additions[place]) at.add(N + e + 1); }
    else if (text.startsWith("op:")) d.ops.forEach((op, place) => { if (op && op === text.slice(3)) add(place); });
    else if (text.startsWith("scope:")) d.scopes.forEach((scope, place) => { if (scope && `.${scope}.`.includes(`.${text.slice(6)}.`)) add(place); });
    else if (/^(.*:)?\d+$/.test(text)) {  // FILE:LINE or LINE
      const [, file, line] = /^(?:(.*):)?(\d+)$/.exec(text);
      d.sources.forEach((source, place) => { if (source && source[1] === +line && (!file || d.files[source[0]].name === file)) add(place); });
    }
    return [...at].sort((a, b) => a - b);
  }

  const isNan = Number.isNaN, isInf = x => Math.abs(x) === Infinity;

  function caught(what, limit) {  // the positions after the events that make it, not those that pass it on
    const at = [], is = { nan: isNan, inf: isInf }[what];
    if (is) d.data.forEach((x, place) => { if (is(x) && !operands[place].some(operand => is(d.data[operand]))) at.push(place + 1); });
    for (let e = 0; e < E; e++) {
      const upstream = d.upstream[d.result[e]], local = d.local[e], before = d.before[e], after = d.after[e];
      const found = is ? is(after) && !is(before) && !is(upstream)
        : what === "vanishing" ? Math.abs(upstream * local) < limit && limit <= Math.abs(upstream)
        : Math.abs(after) > limit && !(Math.abs(before) > limit) && !(Math.abs(upstream) > limit);
      if (found) at.push(N + e + 1);
    }
    return at;
  }

  function stop(text) {  // what a person wrote, as the terminal has it: the positions now, or what is wrong with it
    const wanted = /^catch\s+(\w+)\s*(\S*)$/.exec(text);
    if (wanted) {
      const [, what, limit] = wanted, needs = ["vanishing", "exploding"].includes(what);
      if (!needs && !["nan", "inf"].includes(what)) return { problem: "There are catch nan, catch inf, catch vanishing 1e-6 and catch exploding 1e3." };
      if (needs ? !(Number(limit) > 0) : limit) return { problem: needs ? `Say a limit: catch ${what} ${what === "vanishing" ? "1e-6" : "1e3"}.` : `catch ${what} takes no limit.` };
      return { at: () => caught(what, Number(limit)) };
    }
    const [, place, condition] = names.has(text) ? [0, text] : /^(.*?)(?:\s+if\s+(.*))?$/.exec(text);
    const there = find(place);
    if (!there.length) return { problem: `There is no ${place || "place given"}: write a Value's name, op:NAME or scope:NAME.` };
    if (condition === undefined) return { at: () => there };
    try {
      const holds = expression(condition);
      return { at: () => there.filter(at => {
        const quantities = { data: d.data[changed(at)] }, e = at - N - 1;
        if (e >= 0) Object.assign(quantities, { grad: d.after[e], local: d.local[e], upstream: d.upstream[d.result[e]], contribution: d.upstream[d.result[e]] * d.local[e] });
        try { return Boolean(holds(quantities)); } catch { return false; }
      }) };
    } catch (error) { return { problem: error.message }; }
  }

  function lastChange(place, at) {  // the last change of a gradient before the event that is shown, or −1
    const list = additions[place].filter(e => N + e + 1 < at && !Object.is(d.before[e], d.after[e]));
    return list.length ? list[list.length - 1] : -1;
  }

  return { N, E, LENGTH, LOSS, sweep, additions, actions, names, gradient, datum, acting, changed, phase, number, lines, find, stop, lastChange };
}

// A condition or a number that a person writes, as Python writes it: a function of the quantities in it. Nothing is handed to eval.
function expression(text) {
  const tokens = text.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|[A-Za-z_]\w*|\*\*|[<>=!]=|[-+*\/%()<>,·×−]|\S/gi) ?? [];
  const constants = { pi: Math.PI, e: Math.E, nan: NaN, inf: Infinity, True: true, False: false };
  const functions = { isnan: Number.isNaN, isinf: x => Math.abs(x) === Infinity, isfinite: Number.isFinite, max: Math.max, min: Math.min, pow: Math.pow };
  for (const name of ["abs", "exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh", "log2", "log10", "cbrt"]) functions[name] = Math[name];
  let next = 0;
  const wrong = () => new Error(`${text} is no expression: write arithmetic and comparisons, such as abs(grad) > 1 and grad < 0.`);
  const taken = (...wanted) => wanted.includes(tokens[next]) ? tokens[next++] : undefined;
  const need = token => { if (!taken(token)) throw wrong(); };
  const chain = (part, operators) => () => {
    let left = part();
    for (let token; (token = taken(...Object.keys(operators)));) { const [f, x, y] = [operators[token], left, part()]; left = q => f(x, y, q); }
    return left;
  };

  function atom() {
    const token = tokens[next++];
    if (token === "(") { const inner = either(); need(")"); return inner; }
    if (/^[\d.]/.test(token ?? "")) { const x = Number(token); if (Number.isNaN(x)) throw wrong(); return () => x; }
    if (!/^[A-Za-z_]/.test(token ?? "") || ["and", "or", "not", "if"].includes(token)) throw wrong();
    if (taken("(")) {
      const f = Object.hasOwn(functions, token) ? functions[token] : undefined, given = [either()];
      if (!f) throw new Error(`There is no function ${token}.`);
      while (taken(",")) given.push(either());
      need(")");
      return q => f(...given.map(x => x(q)));
    }
    if (Object.hasOwn(constants, token)) return () => constants[token];
    if (!["data", "grad", "local", "upstream", "contribution"].includes(token)) throw new Error(`There is no ${token} in a condition; there are data, grad, local, upstream and contribution.`);
    return q => { if (!Object.hasOwn(q, token)) throw wrong(); return q[token]; };
  }

  function power() {
    const base = atom();
    if (!taken("**")) return base;
    const exponent = sign();
    return q => Math.pow(base(q), exponent(q));
  }

  function sign() {
    if (taken("-", "−")) { const x = sign(); return q => -x(q); }
    return taken("+") ? sign() : power();
  }

  const times = (x, y, q) => x(q) * y(q), less = (x, y) => x < y;
  const product = chain(sign, { "*": times, "·": times, "×": times, "/": (x, y, q) => x(q) / y(q), "%": (x, y, q) => ((x(q) % y(q)) + y(q)) % y(q) });
  const sum = chain(product, { "+": (x, y, q) => x(q) + y(q), "-": (x, y, q) => x(q) - y(q), "−": (x, y, q) => x(q) - y(q) });
  const compared = { "<": less, "<=": (x, y) => x <= y, ">": (x, y) => x > y, ">=": (x, y) => x >= y, "==": (x, y) => x === y, "!=": (x, y) => x !== y };

  function comparison() {
    const parts = [sum()], operators = [];
    for (let token; (token = taken(...Object.keys(compared)));) { operators.push(compared[token]); parts.push(sum()); }
    return operators.length ? q => operators.every((f, i) => f(parts[i](q), parts[i + 1](q))) : parts[0];
  }

  function not() { if (!taken("not")) return comparison(); const x = not(); return q => !x(q); }
  const both = chain(not, { and: (x, y, q) => x(q) && y(q) });
  function either() { return chain(both, { or: (x, y, q) => x(q) || y(q) })(); }

  const whole = either();
  if (next !== tokens.length) throw wrong();
  return whole;
}
