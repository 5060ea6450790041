// The engine behind a page that computes: the two loops, forward and back, over the recorded graph, by the rules as rows.
// It changes the numbers of the recording d in place, so that all that is known and said at a position follows.
//
// What cannot be computed anew is in doubt: an operation that JavaScript does not have and whose operands have changed, what
// was recorded after a comparison that is now decided otherwise, what was computed from these, and the gradients through them.

function liveOf(d, rows, sweep) {
  const N = d.names.length, E = d.operand.length;
  const recorded = { data: [...d.data], local: [...d.local] };
  const leaves = [], firstEdge = new Array(N).fill(-1);
  d.kinds.forEach((kind, place) => { if (!d.ops[place]) leaves.push(place); });
  d.result.forEach((result, e) => { if (firstEdge[result] < 0) firstEdge[result] = e; });
  const doubtful = { data: new Array(N).fill(false), gradient: new Array(N).fill(false) };
  const same = (x, y) => Object.is(x, y);
  const inputs = place => d.arguments[place].map(x => typeof x === "number" ? d.data[x] : x[0]);
  const places = place => d.arguments[place].filter(x => typeof x === "number");

  const compared = {
    ">": (x, y) => x > y, ">=": (x, y) => x >= y, "<": (x, y) => x < y, "<=": (x, y) => x <= y, "==": (x, y) => x === y, "!=": (x, y) => x !== y,
  };
  const side = x => typeof x === "number" ? d.data[x] : x[0];
  const otherwise = () => d.decisions.filter(({ op, left, right, outcome }) => compared[op](side(left), side(right)) !== outcome);

  function forward(all) {
    const moved = new Array(N).fill(all);
    doubtful.data.fill(false);
    for (let place = 0; place < N; place++) {
      if (!d.ops[place]) { moved[place] ||= !same(d.data[place], recorded.data[place]); continue; }
      moved[place] ||= places(place).some(x => moved[x]);
      doubtful.data[place] = places(place).some(x => doubtful.data[x]) || (moved[place] && !d.kinds[place]);
      d.data[place] = moved[place] && d.kinds[place] ? rows.values[d.kinds[place]](inputs(place)) : recorded.data[place];
    }
    for (const { after } of otherwise()) for (const place of after) doubtful.data[place] = true;
    for (let place = 0; place < N; place++) if (places(place).some(x => doubtful.data[x])) doubtful.data[place] = true;
    for (let place = 0; place < N; place++) {
      if (firstEdge[place] < 0) continue;
      if (!moved[place] || !d.kinds[place]) {
        for (let e = firstEdge[place]; d.result[e] === place; e++) d.local[e] = recorded.local[e];
        continue;
      }
      const partials = rows.partials[d.kinds[place]](inputs(place), d.data[place]);
      let e = firstEdge[place];
      d.arguments[place].forEach((x, i) => { if (typeof x === "number") d.local[e++] = partials[i]; });
    }
  }

  function backward() {
    sweep();
    doubtful.gradient.fill(false);
    for (let e = 0; e < E; e++) if (doubtful.gradient[d.result[e]] || doubtful.data[d.result[e]]) doubtful.gradient[d.operand[e]] = true;
  }

  function adopt(changes, numbers) {  // another recording of the same form: all of its numbers, or those of its leaves alone
    Object.assign(d, changes);
    if (numbers) {
      leaves.forEach((place, i) => { d.data[place] = numbers[i]; });
      forward(true);
    }
    for (const key of Object.keys(recorded)) recorded[key] = [...d[key]];
    set([]);
  }

  function set(changes) {  // the leaves that change, as pairs of place and number; what they were comes back
    const before = changes.map(([place]) => [place, d.data[place]]);
    for (const [place, x] of changes) d.data[place] = x;
    forward(false);
    backward();
    return before;
  }

  const reset = () => set(leaves.map(place => [place, recorded.data[place]]));
  const changed = () => leaves.filter(place => !same(d.data[place], recorded.data[place]));

  // ---- a Value as a function of a leaf ----

  let dependents = [], dependentsOf = -1;

  function dependingOn(leaf) {
    if (dependentsOf !== leaf) {
      const marked = new Array(N).fill(false);
      marked[leaf] = true;
      dependents = [];
      for (let place = leaf + 1; place < N; place++) if (places(place).some(x => marked[x])) { marked[place] = true; dependents.push(place); }
      dependentsOf = leaf;
    }
    return dependents;
  }

  function curve(leaf, target, xs) {  // the numbers that a Value would have; nothing is changed
    const chain = dependingOn(leaf), before = [leaf, ...chain].map(place => d.data[place]);
    const ys = xs.map(x => {
      d.data[leaf] = x;
      for (const place of chain) if (d.kinds[place]) d.data[place] = rows.values[d.kinds[place]](inputs(place));
      return d.data[target];
    });
    [leaf, ...chain].forEach((place, i) => { d.data[place] = before[i]; });
    return ys;
  }

  function slope(leaf, target) {  // ∂target/∂leaf, by the same loop from another seed
    const gradients = new Float64Array(N);
    gradients[target] = 1;
    for (let e = 0; e < E; e++) if (d.result[e] <= target) gradients[d.operand[e]] += gradients[d.result[e]] * d.local[e];
    return gradients[leaf];
  }

  const unwritten = [...new Set(d.ops.filter((op, place) => op && !d.kinds[place]))];
  return { leaves, set, adopt, reset, changed, curve, slope, doubtful, otherwise, recorded, unwritten, dependingOn };
}
