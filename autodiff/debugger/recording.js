// The recording behind a page: what is known at a position, and what is said about an event. It touches no document.
// The history comes as flat lists of numbers, as the engine has them; nothing is computed anew here but upstream × local.
// What is said is written once, in words.py: d.lines are the templates for each kind of event, d.numbers those of operations.

function recordingOf(d) {
  const N = d.names.length, E = d.operand.length, LENGTH = N + E, LOSS = N - 1;
  const additions = d.names.map(() => []), actions = d.names.map(() => []);
  d.operand.forEach((operand, e) => { additions[operand].push(e); actions[d.result[e]].push(e); });
  const names = new Map();  // every way to call a Value, to the places of those called so
  d.names.forEach((name, place) => {
    for (const key of new Set([name, d.given[place], "v" + place])) if (key) names.set(key, [...(names.get(key) ?? []), place]);
  });

  // ---- what is known ----

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
    const [all, power] = x.toExponential(60).split("e"), kept = all.slice(0, all.indexOf(".") + d.digits);
    if (power === exponent && /[02468]$/.test(kept) && /^50*$/.test(all.slice(kept.length))) mantissa = kept;  // a tie goes to the even digit
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

  function lines(at) {  // label and text of each line about the event that has just happened at a position
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
    return filled("added", {
      name, loss: d.loss, by: d.names[by], operation: d.made[by], symbols: d.texts[d.symbol[e]], rule: d.texts[d.rule[e]],
      upstream: number(upstream), local: number(local), contribution: number(upstream * local),
      before: number(d.before[e]), after: number(d.after[e]), which: list.indexOf(e) + 1, of: list.length,
    });
  }

  // ---- where to stop ----

  function find(text) {  // the positions that a place stands for
    const at = new Set();
    const add = place => { at.add(place + 1); for (const e of actions[place]) at.add(N + e + 1); };
    if (names.has(text)) for (const place of names.get(text)) { at.add(place + 1); for (const e of additions[place]) at.add(N + e + 1); }
    else if (text.startsWith("op:")) d.ops.forEach((op, place) => { if (op && op === text.slice(3)) add(place); });
    else if (text.startsWith("scope:")) d.scopes.forEach((scope, place) => { if (scope && `.${scope}.`.includes(`.${text.slice(6)}.`)) add(place); });
    return [...at].sort((a, b) => a - b);
  }

  function lastChange(place, at) {  // the last change of a gradient before the event that is shown, or −1
    const list = additions[place].filter(e => N + e + 1 < at && !Object.is(d.before[e], d.after[e]));
    return list.length ? list[list.length - 1] : -1;
  }

  return { N, E, LENGTH, LOSS, additions, actions, names, gradient, datum, acting, changed, phase, number, lines, find, lastChange };
}
