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
  const valueOf = d.kinds.map(kind => rows.values[kind]), partialsOf = d.kinds.map(kind => rows.partials[kind]);
  let placesOf = [];
  const inputs = place => { const given = d.arguments[place], xs = new Array(given.length); for (let i = 0; i < xs.length; i++) xs[i] = typeof given[i] === "number" ? d.data[given[i]] : given[i][0]; return xs; };
  const among = (place, marks) => { const places = placesOf[place]; for (let i = 0; i < places.length; i++) if (marks[places[i]]) return true; return false; };
  const find = () => { placesOf = d.arguments.map(given => given.filter(x => typeof x === "number")); };
  find();

  const compared = {
    ">": (x, y) => x > y, ">=": (x, y) => x >= y, "<": (x, y) => x < y, "<=": (x, y) => x <= y, "==": (x, y) => x === y, "!=": (x, y) => x !== y,
  };
  const side = x => typeof x === "number" ? d.data[x] : x[0];
  const otherwise = () => d.decisions.filter(({ op, left, right, outcome }) => compared[op](side(left), side(right)) !== outcome);

  function forward(all) {
    const moved = new Array(N).fill(all), doubt = doubtful.data.fill(false);
    for (let place = 0; place < N; place++) {
      if (!d.ops[place]) { moved[place] ||= !same(d.data[place], recorded.data[place]); continue; }
      moved[place] ||= among(place, moved);
      doubt[place] = (moved[place] && !valueOf[place]) || among(place, doubt);
      d.data[place] = moved[place] && valueOf[place] ? valueOf[place](inputs(place)) : recorded.data[place];
    }
    for (const { after } of otherwise()) for (const place of after) doubt[place] = true;
    for (let place = 0; place < N; place++) {
      doubt[place] ||= among(place, doubt);
      if (firstEdge[place] < 0) continue;
      if (!moved[place] || !valueOf[place]) {
        for (let e = firstEdge[place]; d.result[e] === place; e++) d.local[e] = recorded.local[e];
        continue;
      }
      const partials = partialsOf[place](inputs(place), d.data[place]), given = d.arguments[place];
      let e = firstEdge[place];
      for (let i = 0; i < given.length; i++) if (typeof given[i] === "number") d.local[e++] = partials[i];
    }
  }

  function backward() {
    sweep();
    doubtful.gradient.fill(false);
    for (let e = 0; e < E; e++) if (doubtful.gradient[d.result[e]] || doubtful.data[d.result[e]]) doubtful.gradient[d.operand[e]] = true;
  }

  function adopt(changes, numbers) {  // another recording of the same form: all of its numbers, or those of its leaves alone
    Object.assign(d, changes);
    find();
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
      for (let place = leaf + 1; place < N; place++) if (among(place, marked)) { marked[place] = true; dependents.push(place); }
      dependentsOf = leaf;
    }
    return dependents;
  }

  function curve(leaf, target, xs) {  // the numbers that a Value would have; nothing is changed
    const chain = dependingOn(leaf), before = [leaf, ...chain].map(place => d.data[place]);
    const ys = xs.map(x => {
      d.data[leaf] = x;
      for (const place of chain) if (valueOf[place]) d.data[place] = valueOf[place](inputs(place));
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
