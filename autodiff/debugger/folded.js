// Folded boxes, opened in the picture: a panel over it with a box for each Value that is in one, in columns from operands to
// results. These boxes and their arrows join those of the drawing, and so are filled, lit and clicked as they are.

const MOST_INSIDE = 60, ROWS = 8, ACROSS = 5, BOX = { width: 132, height: 56, across: 36, down: 12 };
const panels = new Map();  // of the boxes that are open

function shapeOf(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function columnsOf(places) {  // by the longest way from an operand outside, and no higher than a screen
  const level = new Map(), columns = [];
  for (const place of places) {
    const inner = actions[place].map(e => level.get(d.operand[e])).filter(x => x !== undefined), own = Math.max(-1, ...inner) + 1;
    level.set(place, own);
    (columns[own] ??= []).push(place);
  }
  return columns.flatMap(column => Array.from({ length: Math.ceil(column.length / ROWS) }, (_, i) => column.slice(i * ROWS, (i + 1) * ROWS)));
}

function boxInside(place, x, y) {
  const group = shapeOf("g", { class: "node", id: "i" + place }), title = shapeOf("text", { x: x + 6, y: y + 15 });
  const cut = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text, called = cut(name(place), 14);
  title.append(shapeOf("tspan", { class: "name" }, called), d.made[place] ? cut(` = ${d.made[place]}`, 18 - called.length) : "");
  group.append(shapeOf("rect", { x, y, width: BOX.width, height: BOX.height, rx: 3 }), title);
  ["data", "grad"].forEach((key, i) => group.append(shapeOf("text", { x: x + 6, y: y + 32 + 16 * i, class: "key" }, key), shapeOf("text", { x: x + 28, y: y + 32 + 16 * i, class: key })));
  return group;
}

function arrowInside(e, from, to) {
  const x = from[0] + BOX.width, y = from[1] + BOX.height / 2, end = to[0] - 5, low = to[1] + BOX.height / 2, bend = Math.max(20, (end - x) / 2);
  const group = shapeOf("g", { class: "edge", id: "j" + e });
  group.append(shapeOf("path", { d: `M${x} ${y}C${x + bend} ${y} ${end - bend} ${low} ${end} ${low}` }), shapeOf("polygon", { points: `${end},${low - 2.5} ${end + 5},${low} ${end},${low + 2.5}`, fill: "#757d89" }));
  return group;
}

function panelOf(box) {
  const all = members.get(box), places = all.slice(0, MOST_INSIDE), columns = columnsOf(places), at = new Map();
  let top = 30;
  for (let i = 0; i < columns.length; i += ACROSS) {  // in as many rows of columns as it takes
    const band = columns.slice(i, i + ACROSS);
    band.forEach((column, k) => column.forEach((place, j) => at.set(place, [14 + k * (BOX.width + BOX.across), top + j * (BOX.height + BOX.down)])));
    top += Math.max(...band.map(column => column.length)) * (BOX.height + BOX.down) + BOX.down;
  }
  const width = Math.max(150, 28 + Math.min(columns.length, ACROSS) * (BOX.width + BOX.across) - BOX.across), height = top - BOX.down;
  const panel = shapeOf("g", { class: "inside" }), arrows = places.flatMap(place => actions[place].filter(e => at.has(d.operand[e])));
  const more = all.length > places.length ? `the first ${places.length} of ${all.length} Values` : `${all.length} Values`;
  panel.append(shapeOf("rect", { width, height, rx: 6 }), shapeOf("text", { x: 14, y: 19 }, more));
  panel.append(...arrows.map(e => arrowInside(e, at.get(d.operand[e]), at.get(d.result[e]))), ...places.map(place => boxInside(place, ...at.get(place))));
  const close = shapeOf("g", { class: "folded", tabindex: 0, role: "button", "aria-label": "Close the box" });
  close.append(shapeOf("rect", { x: width - 26, y: 4, width: 22, height: 22, rx: 3 }), shapeOf("text", { x: width - 15, y: 19, "text-anchor": "middle" }, "×"));
  panel.append(close);
  pressed(close, () => { fold(box); drawing.get(box).group.focus(); });
  return { panel, width, height, places, arrows };
}

function putAt(box, { panel, width, height }) {  // beside the box, inside the picture, which grows if it must
  const svg = $("graph").querySelector("svg"), root = svg.querySelector("g"), here = drawing.get(box).group.getBBox(), view = svg.viewBox.baseVal;
  const across = Math.max(view.width, width + 8), down = Math.max(view.height, height + 8);
  svg.setAttribute("viewBox", `0 0 ${across} ${down}`);
  for (const [key, size] of [["width", across], ["height", down]]) svg.setAttribute(key, `${size}pt`);
  const shift = root.transform.baseVal.consolidate()?.matrix ?? { e: 0, f: 0 };
  const x = Math.min(Math.max(here.x, 4 - shift.e), across - width - 4 - shift.e), y = Math.min(Math.max(here.y + here.height + 6, 4 - shift.f), down - height - 4 - shift.f);
  panel.setAttribute("transform", `translate(${x} ${y})`);
  root.append(panel);
}

function fold(box) {  // opens it, or closes it again
  const there = panels.get(box), { group } = drawing.get(box);
  group.setAttribute("aria-expanded", String(!there));
  if (there) {
    there.panel.remove();
    panels.delete(box);
    for (const inner of there.places) { drawing.delete("i" + inner); members.delete("i" + inner); }
    for (const e of there.arrows) { drawing.delete("j" + e); bundles.delete("j" + e); }
    return;
  }
  const made = panelOf(box);
  panels.set(box, made);
  putAt(box, made);
  for (const part of made.panel.querySelectorAll("g.node, g.edge")) drawing.set(part.id, partOf(part));
  for (const inner of made.places) { members.set("i" + inner, [inner]); drawBox("i" + inner); }
  for (const e of made.arrows) { bundles.set("j" + e, [e]); drawEdge("j" + e); }
  light();
  scrollToLit();
}

function pressed(group, act) {
  group.addEventListener("click", event => { event.stopPropagation(); act(); });
  group.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); } });
}

$("graph").querySelector("svg").setAttribute("role", "group");
for (const group of $("graph").querySelectorAll("g.folded")) {
  for (const [key, value] of Object.entries({ tabindex: 0, role: "button", "aria-expanded": false, "aria-label": `Open ${members.get(group.id)?.length ?? 0} Values: ${group.textContent.trim().slice(0, 60)}` })) group.setAttribute(key, value);
  pressed(group, () => fold(group.id));
}
