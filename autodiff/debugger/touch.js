// What a hand can change on a page that computes: numbers of leaves, a curve over one of them, and the steps of a descent.

const wholeGradient = place => recording.gradient(place, LENGTH) ?? 0;
const leaves = live.leaves;
const ticked = new Set(d.ticked);
const plain = x => number(x).replace("−", "-");
const SVG = "http://www.w3.org/2000/svg";
let leaf = d.ticked[0] ?? leaves[0], target = LOSS;
let undoable = [], lastChanged = -1, lastTime = 0;
let descent = [], at = 0, rowTimer = null, addressTimer = null;

// ---- numbers ----

function typed(text) {  // what was typed into a field, or undefined
  try { return Number(expression(text.trim())({})); } catch { return undefined; }
}

function change(changes, kept = true) {
  const now = performance.now(), dragged = changes.length === 1 && changes[0][0] === lastChanged && now - lastTime < 800;
  const state = { rows: descent.length, at };
  const before = live.set(changes);
  if (kept && !dragged) undoable.push({ ...state, before });
  if (undoable.length > 1000) undoable.shift();
  lastChanged = changes.length === 1 ? changes[0][0] : -1;
  lastTime = now;
  followed();
}

function followed() {  // the numbers have changed
  for (const stop of stops) stop.at = stop.find();
  drawAll();
  show();
  showStops();
  if (!$("detail").hidden) detail(d.names.indexOf($("detail-title").textContent));
  drawTouch();
  clearTimeout(addressTimer);
  addressTimer = setTimeout(writeAddress, 250);
}

function stepOf(place) {  // what an arrow key adds
  const size = Math.max(Math.abs(d.data[place]), Math.abs(live.recorded.data[place])) || 1;
  return Number.isFinite(size) ? 10 ** Math.floor(Math.log10(size)) / 10 : 1;
}

function nudged(x, by) { return Number((x + by).toPrecision(12)); }

function addInputs(row, place) {
  const tick = element("input"), slide = element("input"), field = element("input");
  tick.type = "checkbox";
  tick.checked = ticked.has(place);
  tick.setAttribute("aria-label", `Descend over ${name(place)}`);
  tick.addEventListener("change", () => { if (tick.checked) ticked.add(place); else ticked.delete(place); drawTouch(); });
  slide.type = "range";
  slide.step = "any";
  slide.setAttribute("aria-label", `Slide ${name(place)}`);
  slide.addEventListener("input", () => { choose(place); change([[place, Number(Number(slide.value).toPrecision(4))]]); });
  field.type = "text";
  field.inputMode = "decimal";
  field.autocomplete = "off";
  field.setAttribute("role", "spinbutton");
  field.setAttribute("aria-label", name(place));
  field.addEventListener("focus", () => choose(place));
  field.addEventListener("input", () => {
    const x = typed(field.value);
    field.setAttribute("aria-invalid", String(x === undefined));
    if (x !== undefined) change([[place, x]]);
  });
  field.addEventListener("blur", () => { field.removeAttribute("aria-invalid"); drawInputs(row, place); });
  field.addEventListener("keydown", event => {
    const sign = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (event.key === "Enter") { field.removeAttribute("aria-invalid"); drawInputs(row, place, true); }
    if (!sign) return;
    event.preventDefault();
    change([[place, nudged(d.data[place], sign * stepOf(place) / (event.shiftKey ? 10 : 1))]]);
    drawInputs(row, place, true);
  });
  row.cells[0].prepend(tick, " ");
  row.cells[1].append(slide);
  row.cells[2].append(field);
}

function drawInputs(row, place, whoever = false) {
  const field = row.cells[2].firstElementChild, slide = row.cells[1].querySelector("input"), x = d.data[place];
  if (whoever || document.activeElement !== field) field.value = plain(x);
  field.setAttribute("aria-valuenow", String(x));
  const [low, high] = rangeOf(place);
  slide.min = low;
  slide.max = high;
  slide.value = x;
  slide.setAttribute("aria-valuetext", plain(x));
}

// ---- the curve ----

const round = x => { const power = 10 ** Math.floor(Math.log10(x)); return [1, 2, 5, 10].find(n => n * power >= x * 0.999) * power; };

function rangeOf(place) {  // from the number that was recorded as far to both sides as it is large, and further where a hand has gone
  const recorded = live.recorded.data[place], middle = Number.isFinite(recorded) ? recorded : 0;
  const reached = [d.data[place], ...descent.flatMap(row => [row.from[place], row.to[place]])].filter(Number.isFinite);
  let reach = round(Math.max(Math.abs(middle), 1e-300) === 1e-300 ? 1 : Math.abs(middle));
  const furthest = Math.max(0, ...reached.map(x => Math.abs(x - middle)));
  while (reach < furthest && reach < 1e300) reach *= 2;
  return [middle - reach, middle + reach];
}

function ticks(low, high) {
  const step = round((high - low) / 6), found = [];
  for (let i = Math.ceil(low / step); i * step <= high && found.length < 12; i++) found.push(Number((i * step).toPrecision(10)));
  return found;
}

function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const LEFT = 64, RIGHT = 548, TOP = 12, BOTTOM = 262;
let toX = x => x, fromX = x => x;

const secantStep = () => { const [low, high] = rangeOf(leaf), s = Number($("delta").value) / 100; return Math.sign(s) * Math.abs(s) ** 3 * (high - low) / 2; };

let fineTimer = null;

function drawCurve() {  // of a large graph in few points while a hand moves, and in many once it rests
  clearTimeout(fineTimer);
  const points = Math.round(8000 / live.dependingOn(leaf).length);
  plot(Math.max(20, Math.min(160, points)));
  if (points < 160) fineTimer = setTimeout(plot, 300, 160);
}

function plot(count) {
  const [low, high] = rangeOf(leaf);
  const xs = Array.from({ length: count + 1 }, (_, i) => low + (high - low) * i / count), x = d.data[leaf], step = secantStep();
  const ys = live.curve(leaf, target, [...xs, x, x + step]), y = ys[count + 1], second = ys[count + 2], slope = live.slope(leaf, target);
  const dots = target === LOSS ? descent.filter(row => row.over.includes(leaf)).map(row => [row.from[leaf], row.loss]) : [];
  const heights = [...ys.slice(0, count + 1), y, ...dots.map(dot => dot[1])].filter(Number.isFinite);
  let bottom = Math.min(...heights), top = Math.max(...heights);
  if (!(top > bottom)) { bottom = (heights[0] ?? 0) - 1; top = bottom + 2; }
  const room = (top - bottom) * 0.06;
  bottom -= room; top += room;
  toX = value => LEFT + (value - low) / (high - low) * (RIGHT - LEFT);
  fromX = pixel => low + (pixel - LEFT) / (RIGHT - LEFT) * (high - low);
  const toY = value => BOTTOM - (value - bottom) / (top - bottom) * (BOTTOM - TOP);
  const parts = [shape("clipPath", { id: "inside" })];
  parts[0].append(shape("rect", { x: LEFT, y: TOP, width: RIGHT - LEFT, height: BOTTOM - TOP }));
  for (const tick of ticks(low, high)) parts.push(shape("line", { class: "grid", x1: toX(tick), x2: toX(tick), y1: TOP, y2: BOTTOM }), shape("text", { class: "tick", x: toX(tick), y: BOTTOM + 16, "text-anchor": "middle" }, number(tick)));
  for (const tick of ticks(bottom, top)) parts.push(shape("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: toY(tick), y2: toY(tick) }), shape("text", { class: "tick", x: LEFT - 6, y: toY(tick) + 4, "text-anchor": "end" }, number(tick)));
  const inside = shape("g", { "clip-path": "url(#inside)" });
  let path = "", pen = false;
  xs.forEach((value, i) => { if (Number.isFinite(ys[i])) path += `${pen ? "L" : "M"}${toX(value).toFixed(1)} ${toY(ys[i]).toFixed(1)}`; pen = Number.isFinite(ys[i]); });
  inside.append(shape("path", { class: "f", d: path }));
  const straight = (kind, m) => { if (Number.isFinite(m) && Number.isFinite(y)) inside.append(shape("line", { class: kind, x1: toX(low), y1: toY(y + m * (low - x)), x2: toX(high), y2: toY(y + m * (high - x)) })); };
  const secant = (second - y) / step;
  if (step) straight("secant", secant);
  straight("tangent", slope);
  if (dots.length) inside.append(shape("path", { class: "path", d: dots.map(([u, v], i) => `${i ? "L" : "M"}${toX(u).toFixed(1)} ${toY(v).toFixed(1)}`).join("") }));
  for (const [u, v] of dots) if (Number.isFinite(v)) inside.append(shape("circle", { class: "dot", cx: toX(u), cy: toY(v), r: 4 }));
  if (Number.isFinite(second) && step) inside.append(shape("circle", { class: "second", cx: toX(x + step), cy: toY(second), r: 6 }));
  if (Number.isFinite(y)) inside.append(shape("circle", { class: "point", cx: toX(x), cy: toY(y), r: 7 }));
  parts.push(inside, shape("text", { x: (LEFT + RIGHT) / 2, y: 296, "text-anchor": "middle" }, name(leaf)), shape("text", { x: LEFT + 6, y: TOP + 14 }, name(target)));
  $("curve").replaceChildren(...parts);
  $("curve").setAttribute("aria-label", `${name(target)} as a function of ${name(leaf)}: at ${number(x)} it is ${number(y)}, its slope ${number(slope)}`);
  const doubt = inDoubt("data", target) || inDoubt("gradient", leaf);
  say($("slopes"), `Tangent ∂${name(target)}/∂${name(leaf)} = ${number(slope)}` + (step ? `; secant Δ${name(target)}/Δ${name(leaf)} = ${number(second - y)} / ${number(step)} = ${number(secant)}` : "; the secant has become the tangent"));
  $("slopes").classList.toggle("doubt", doubt);
  $("delta").setAttribute("aria-valuetext", `Δ${name(leaf)} = ${number(step)}`);
}

function choose(place) {
  if (place === leaf) return;
  leaf = place;
  $("over").value = place;
  drawCurve();
}

let pulled = null;

function pull(event) {
  const box = $("curve").getBoundingClientRect(), x = fromX((event.clientX - box.left) * 560 / box.width);
  if (pulled === "second") {
    const [low, high] = rangeOf(leaf), s = Math.cbrt((x - d.data[leaf]) / ((high - low) / 2));
    $("delta").value = Math.max(-100, Math.min(100, 100 * (Math.abs(s) < 0.08 ? 0 : s)));
    drawCurve();
  } else {
    const [low, high] = rangeOf(leaf);
    change([[leaf, Number(Math.max(low, Math.min(high, x)).toPrecision(4))]]);
  }
}

$("curve").addEventListener("pointerdown", event => {
  pulled = event.target.classList.contains("second") ? "second" : "point";
  $("curve").setPointerCapture(event.pointerId);
  pull(event);
});
$("curve").addEventListener("pointermove", event => { if (pulled) pull(event); });
for (const end of ["pointerup", "pointercancel"]) $("curve").addEventListener(end, () => { pulled = null; });

// ---- descent ----

const numbersNow = () => Object.fromEntries(leaves.map(place => [place, d.data[place]]));
const rate = () => typed($("rate").value);

function descend(r = rate(), over = leaves.filter(place => ticked.has(place)), shown = true) {
  if (r === undefined || !over.length) { say($("descent-says"), over.length ? "The rate is no number." : "No leaf is ticked to descend over."); return; }
  const state = { rows: descent.length, at, after: descent.slice(at) }, from = numbersNow(), loss = d.data[LOSS], gradients = over.map(wholeGradient);
  const before = live.set(over.map((place, i) => [place, d.data[place] - r * gradients[i]]));
  descent = [...descent.slice(0, at), { rate: r, over, from, to: numbersNow(), loss, gradients }];
  at = descent.length;
  undoable.push({ ...state, before });
  lastChanged = -1;
  if (!shown) return;
  const rose = d.data[LOSS] > loss || !Number.isFinite(d.data[LOSS]);
  say($("descent-says"), `${name(LOSS)} ${number(loss)} → ${number(d.data[LOSS])}` + (rose ? ": it rose, the rate is too large" : ""));
  followed();
}

function toRow(to) {  // to the numbers after so many presses
  at = Math.max(0, Math.min(descent.length, to));
  const numbers = at ? descent[at - 1].to : descent[0]?.from ?? numbersNow();
  change(leaves.map(place => [place, numbers[place]]));
}

function undo() {
  const last = undoable.pop();
  if (!last) return;
  if (last.after) descent = [...descent.slice(0, last.at), ...last.after];
  at = last.at;
  lastChanged = -1;
  live.set(last.before);
  say($("descent-says"), "");
  followed();
}

let drawnRows = [];

function drawDescent() {
  const over = descent.length ? descent[0].over : leaves.filter(place => ticked.has(place)), rows = [...descent, at, ...over];
  if (rows.length === drawnRows.length && rows.every((row, i) => row === drawnRows[i])) return;
  drawnRows = rows;
  const few = over.slice(0, 4), one = over.length === 1;
  const loss = name(LOSS), slope = one ? `∂${loss}/∂${name(over[0])}` : `‖∂${loss}‖`;
  const heads = ["step", ...few.map(name), ...(over.length > 4 ? ["…"] : []), loss, slope, ...(one ? [`${name(over[0])} − r·${slope}`] : [])];
  $("descent-head").replaceChildren(...heads.map((text, i) => { const head = element("th", text, i ? "number" : ""); head.scope = "col"; return head; }));
  $("descent").replaceChildren(...descent.map((row, i) => {
    const made = element("tr", undefined, i + 1 === at ? "now" : ""), head = element("th"), button = element("button", String(i + 1));
    button.type = "button";
    button.setAttribute("aria-label", `To row ${i + 1}`);
    if (i + 1 === at) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => { toRow(i + 1); $("descent").rows[i].querySelector("button").focus(); });
    head.scope = "row";
    head.append(button);
    const slope = one ? row.gradients[0] : Math.hypot(...row.gradients);
    const cells = [...few.map(place => row.from[place]), ...(over.length > 4 ? [undefined] : []), row.loss, slope, ...(one ? [row.to[over[0]]] : [])];
    made.append(head, ...cells.map(x => element("td", number(x), `number${isOdd(x) ? " odd" : ""}`)));
    return made;
  }));
  $("replay").hidden = !descent.length;
  $("row-back").disabled = at === 0;
  $("row-on").disabled = at === descent.length;
  const here = $("descent").querySelector(".now"), view = $("descent").closest(".scroll");
  if (here) view.scrollTop = here.offsetTop - view.clientHeight + here.offsetHeight;
}

function drawTouch() {
  const otherwise = live.otherwise();
  say($("branch"), otherwise.map(({ text, where }) => `recorded for ${text}${where ? ` (${where})` : ""}`).join("; ") + (otherwise.length ? ": that is no longer so, and what is grey belongs to the branch that was taken then" : ""));
  $("undo").disabled = !undoable.length;
  $("reset").disabled = !live.changed().length && !descent.length;
  drawCurve();
  drawDescent();
}

function playRows() {
  if (rowTimer !== null) { stopRows(); return; }
  if (at === descent.length) toRow(0);
  say($("row-play"), "Pause the rows");
  rowTimer = setInterval(() => { toRow(at + 1); if (at === descent.length) stopRows(); }, Math.min(+$("speed").value, 1000) / 2);
}

function stopRows() {
  clearInterval(rowTimer);
  rowTimer = null;
  say($("row-play"), "Play the rows");
}

function forget() {  // what was done with other numbers
  stopRows();
  descent = [];
  at = 0;
  undoable = [];
  say($("descent-says"), "");
  drawTouch();
}

// ---- the address ----

const written = pairs => pairs.map(([place, x]) => `${place}:${x}`).join(",");
const read = text => (text ?? "").split(",").filter(Boolean).map(pair => pair.split(":").map(Number)).filter(([place, x]) => leaves.includes(place) && x !== undefined);

function numbersInAddress() {  // the numbers that differ from the recorded ones, and of each row the rate, the leaves and what a hand changed before it
  const numbers = live.changed().map(place => [place, d.data[place]]);
  let before = Object.fromEntries(leaves.map(place => [place, live.recorded.data[place]])), over = [...d.ticked].join(",");
  const rowsIn = descent.map(row => {
    const moved = leaves.filter(place => !Object.is(row.from[place], before[place])).map(place => [place, row.from[place]]), own = row.over.join(",");
    const text = [row.rate, own === over ? "" : own, written(moved)].join("~");
    before = row.to;
    over = own;
    return text;
  });
  return (numbers.length ? `&numbers=${written(numbers)}` : "") + (rowsIn.length ? `&rows=${rowsIn.join(";")}&row=${at}` : "");
}

function takeNumbers(text) {
  const asked = new URLSearchParams(text.slice(1));
  live.reset();
  descent = [];
  at = 0;
  undoable = [];
  let over = d.ticked;
  for (const row of (asked.get("rows") ?? "").split(";").filter(Boolean)) {
    const [r, places, moved] = row.split("~");
    if (Number.isNaN(Number(r))) continue;
    live.set(read(moved));
    if (places) over = places.split(",").map(Number).filter(place => leaves.includes(place));
    descend(Number(r), over, false);
  }
  undoable = [];
  at = Math.min(Number(asked.get("row") ?? 0) || 0, descent.length);
  if (descent.length && over.length) { ticked.clear(); over.forEach(place => ticked.add(place)); madeRows.clear(); fillTable(); $("rate").value = String(descent[descent.length - 1].rate); }
  live.reset();
  live.set(read(asked.get("numbers")));
  followed();
}

// ---- the beginning ----

function option(list, place) {
  const made = element("option", name(place));
  made.value = place;
  list.append(made);
}

leaves.forEach(place => option($("over"), place));
d.names.forEach((_, place) => { if (place === LOSS || (d.ops[place] && d.given[place] && N < 2000)) option($("of"), place); });
$("over").value = leaf;
$("of").value = target;
$("over").addEventListener("change", () => choose(+$("over").value));
$("of").addEventListener("change", () => { target = +$("of").value; drawCurve(); });
$("delta").addEventListener("input", drawCurve);
$("reset").addEventListener("click", () => { live.reset(); forget(); followed(); $("reset").focus(); });
$("undo").addEventListener("click", undo);
$("descend").addEventListener("click", () => { stopRows(); descend(); });
$("row-back").addEventListener("click", () => { stopRows(); toRow(at - 1); });
$("row-on").addEventListener("click", () => { stopRows(); toRow(at + 1); });
$("row-play").addEventListener("click", playRows);
$("rate").addEventListener("keydown", event => {
  const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key], r = rate();
  if (!sign || r === undefined) return;
  event.preventDefault();
  const size = 10 ** Math.floor(Math.log10(Math.abs(r) || 1)) / (event.shiftKey ? 100 : 10);
  $("rate").value = String(nudged(r, sign * size));
});
if (live.unwritten.length) say($("refused"), `${live.unwritten.join(", ")}: no page can compute this; it stays as it was recorded, and what depends on it is grey once it no longer holds.`);
drawTouch();
