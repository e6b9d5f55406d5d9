// Slices of three or more inputs: the cells on a plane, cut here, in float64.

const NEAR = 1e-11; // to a line, as a share of the largest value at a corner
const MOST_SHAPES = 40000;

const valueAt = (row, [x, y]) => row[0] * x + row[1] * y + row[2];
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

// Cut a convex polygon along the zero line of a row [a, b, c]: what is below, above, and the cut.
function split(polygon, row) {
  const values = polygon.map((point) => valueAt(row, point));
  const size = NEAR * Math.max(...values.map(Math.abs), Math.abs(row[2]));
  const signs = values.map((v) => (Math.abs(v) <= size ? 0 : Math.sign(v)));
  if (!signs.includes(1)) return { below: polygon, above: null, cut: null, flat: !signs.includes(-1) };
  if (!signs.includes(-1)) return { below: null, above: polygon, cut: null, flat: false };
  const below = [], above = [], cut = [];
  polygon.forEach((point, i) => {
    const j = (i + 1) % polygon.length;
    if (signs[i] <= 0) below.push(point);
    if (signs[i] >= 0) above.push(point);
    if (signs[i] === 0) cut.push(point);
    if (signs[i] * signs[j] < 0) {
      const share = values[i] / (values[i] - values[j]), next = polygon[j];
      const crossing = [0, 1].map((k) => point[k] + share * (next[k] - point[k]));
      for (const list of [below, above, cut]) list.push(crossing);
    }
  });
  return { below, above, cut: cut.length === 2 ? cut : null, flat: false };
}

// Divide a polygon by which of several rows is the largest, the first one of equal ones.
function byLargest(polygon, rows) {
  const parts = [], borders = [];
  rows.forEach((row, winner) => {
    let part = polygon;
    for (let other = 0; other < rows.length && part !== null; other++) {
      if (other === winner) continue;
      const { below, flat } = split(part, minus(rows[other], row));
      part = flat && other < winner ? null : below;
    }
    if (part !== null && part.length > 2) parts.push([winner, part]);
  });
  parts.forEach(([winner, part], k) => {
    for (const [other] of parts.slice(k + 1)) { // each border once
      const gap = minus(rows[other], rows[winner]), values = part.map((p) => Math.abs(valueAt(gap, p)));
      const size = 10 * NEAR * Math.max(...values, Math.abs(gap[2]));
      part.forEach((point, i) => {
        const j = (i + 1) % part.length;
        if (values[i] <= size && values[j] <= size) borders.push([point, part[j]]);
      });
    }
  });
  return { parts, borders };
}

// The cells of a network on a polygon, whose inputs are maps [a, b, c] of its coordinates.
function cutUp(network, inputs, outline) {
  let nodes = [{ polygon: outline, rows: inputs, codes: [] }];
  const cuts = [], cutLayers = [];
  network.layers.forEach((layer, l) => {
    const next = [];
    const note = (segments) => segments.forEach((segment) => { cuts.push(segment); cutLayers.push(l); });
    for (const { polygon, rows, codes } of nodes) {
      const z = applied(network.hidden[l], layer.neurons, rows);
      let shapes = [polygon];
      const byLine = (row) => {
        shapes = shapes.flatMap((shape) => {
          const { below, above, cut } = split(shape, row);
          if (cut !== null) note([cut]);
          return [below, above].filter((part) => part !== null && part.length > 2);
        });
      };
      for (let i = 0; i < layer.bits; i++) byLine(z[i]);
      let first = layer.bits;
      for (const [kind, pieces] of layer.pieces) {
        if (kind === "clip") {
          byLine(z[first]);
          byLine(z[first + 1]);
          first += 2;
          continue;
        }
        const leads = [[0, 0, 0]];
        for (let j = 1; j < pieces; j++) leads.push(z[first + pieces - 1 - j]);
        shapes = shapes.flatMap((shape) => {
          const { parts, borders } = byLargest(shape, leads);
          note(borders);
          return parts.map(([, part]) => part);
        });
        first += (pieces * (pieces - 1)) / 2;
      }
      for (const shape of shapes) {
        const middle = [0, 1].map((k) => shape.reduce((sum, p) => sum + p[k], 0) / shape.length);
        const code = network.codeOf(layer, Float64Array.from(z, (row) => valueAt(row, middle)));
        next.push({
          polygon: shape, codes: [...codes, code], rows: network.passed(network.gainsOf(layer, code), z),
        });
      }
      if (next.length > MOST_SHAPES) return;
    }
    nodes = next;
  });
  return { nodes, cuts, cutLayers };
}

// The scene of a plane: x = origin + p across + q up, between lower and upper in p and q.
function sliceScene(network, space, plane, colours) {
  const { origin, across, up, lower, upper } = plane;
  const inputs = origin.map((x, i) => [across[i], up[i], x]);
  const shared = inputs.map(([a, b, c]) => [ // of shares of the frame's width
    a * (upper[0] - lower[0]), b * (upper[1] - lower[1]), c + a * lower[0] + b * lower[1],
  ]);
  const along = (row) => shared.reduce(
    (sum, [a, b, c], i) => [sum[0] + row[i] * a, sum[1] + row[i] * b, sum[2] + row[i] * c],
    [0, 0, row[row.length - 1]],
  );
  let outline = [[0, 0], [1, 0], [1, 1], [0, 1]];
  const limits = shared.flatMap(([a, b, c], i) => [
    [-a, -b, space.lower[i] - c], [a, b, c - space.upper[i]],
  ]).concat(space.halfspaces.map(along));
  for (const limit of limits) if (outline !== null) outline = split(outline, limit).below;
  const empty = outline === null || outline.length < 3;
  const found = empty ? { nodes: [], cuts: [], cutLayers: [] } : cutUp(network, shared, outline);
  const { nodes } = found;

  const classes = [], pieces = [], pieceClasses = [], borders = [], maps = [];
  const mapped = Math.min(4, network.outputs);
  for (const { polygon, rows } of nodes) {
    const outputs = network.output === null ? rows : applied(network.output, network.outputs, rows);
    outputs.slice(0, mapped).forEach((row) => maps.push(...row));
    if (network.task === "regression") { classes.push(0); continue; }
    const scores = network.task === "sign" ? [[0, 0, 0], outputs[0]]
      : outputs.map((row) => (network.task === "argmin" ? row.map((x) => -x) : row));
    const { parts, borders: here } = byLargest(polygon, scores);
    classes.push(parts.length ? parts[0][0] : 0);
    borders.push(...here);
    if (parts.length > 1) parts.forEach(([c, part]) => { pieces.push(part); pieceClasses.push(c); });
  }
  const shapes = (list) => polygons(Float64Array.from(list.flat(2)), list.map((p) => p.length));
  const rows = nodes.map(({ codes }) => network.rowOf(codes));
  const shapeOf = new Map(rows.map((row, i) => [row, i]));
  const last = network.depth - 1;
  return {
    lower, upper, names: plane.names, axes: plane.axes, aspect: plane.aspect, inputs, empty,
    holds: (x) => x.every((value, i) => value >= space.lower[i] && value <= space.upper[i])
      && space.halfspaces.every((row) => x.reduce((sum, v, i) => sum + v * row[i], row[x.length]) <= 0),
    cells: shapes(nodes.map(({ polygon }) => polygon)),
    pieces: shapes(pieces),
    classes, pieceClasses,
    maps: Float32Array.from(maps), mapped,
    cuts: Float64Array.from(found.cuts.flat(2)), cutLayers: Uint16Array.from(found.cutLayers),
    boundary: Float64Array.from(borders.flat(2)),
    ranks: rows.map((row) => (row < 0 || last < 0 ? 0 : network.rankOf(row, last))),
    active: nodes.map(({ codes }) => codes.flat().filter((piece) => piece > 0).length),
    first: nodes.map(({ codes }) => network.firstColour(codes[0] ?? [], colours.mapColours)),
    shapeOf: (row) => (row < 0 ? -1 : shapeOf.get(row) ?? -1),
    marks: plane.marks.map(({ at, label }) => ({
      at: [0, 1].map((k) => (at[k] - lower[k]) / (upper[k] - lower[k])),
      label, own: true, group: "", distance: 0, opacity: 1,
    })),
  };
}

// What chooses a slice: a point, two directions, and a slider for each input that is fixed.
const MOST_SLIDERS = 64, FEW_INPUTS = 12, BEYOND = 0.25;

async function makeSlices(network, space, colours, map) {
  const n = space.lower.length;
  const witness = space.witness === null ? null : await decoded(Float64Array, space.witness);
  const classes = space.classes === null ? null : await decoded(Int32Array, space.classes);
  const witnessOf = (row) => Array.from(witness.subarray(row * n, (row + 1) * n));
  const centre = space.lower.map((low, i) => (low + space.upper[i]) / 2);
  const places = new Map([["centre", { label: "the centre of the domain", short: "centre", at: centre }]]);
  space.points.forEach((at, i) => {
    const said = space.labels[i] ? ` (label ${space.labels[i]})` : "";
    places.set(`point${i}`, { label: `point ${i}${said}`, short: `point ${i}`, at });
  });
  const addCell = (row) => {
    const said = classes === null ? "" : ` (class ${classes[row]})`;
    places.set(`cell${row}`, { label: `cell ${row}${said}`, short: `cell ${row}`, at: witnessOf(row) });
    return `cell${row}`;
  };
  if (witness !== null) { // a cell of each class
    const seen = new Set();
    for (let row = 0; row < network.cells && seen.size < 10; row++) {
      const kind = classes === null ? row : classes[row];
      if (!seen.has(kind)) { seen.add(kind); addCell(row); }
    }
  }
  const base = byId("slice-base"), across = byId("slice-across"), up = byId("slice-up");
  let origin = centre.slice();

  function fill() { // the choices there are, and what was chosen
    const chosen = [base.value, across.value, up.value];
    const options = [...places].map(([value, { label }]) => [value, label]);
    const inputs = space.names.map((name, i) => [`input${i}`, `input ${name}`]);
    const toward = options.slice(1).map(([value, label]) => [value, `toward ${label}`]);
    [[base, options], [across, [...inputs, ...toward]], [up, [...inputs, ...toward]]].forEach(
      ([select, list], k) => {
        select.replaceChildren(...list.map(([value, label]) => text("option", label, { value })));
        if (chosen[k]) select.value = chosen[k];
      },
    );
  }
  function direction(value) {
    const input = value.startsWith("input") ? Number(value.slice(5)) : -1;
    if (input >= 0) {
      const step = origin.map((_, i) => Number(i === input));
      return {
        input, step, lower: space.lower[input], upper: space.upper[input], length: 1,
        name: space.names[input], axis: `input ${space.names[input]}`,
      };
    }
    const { at, short: name } = places.get(value), step = at.map((x, i) => x - origin[i]);
    return {
      input, step, lower: -BEYOND, upper: 1 + BEYOND, length: Math.hypot(...step), target: name,
      axis: `from ${places.get(base.value).short} (0) to ${name} (1)`,
    };
  }
  function independent(a, b) {
    const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
    const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
    return aa * bb - ab * ab > 1e-12 * aa * bb && aa * bb > 0;
  }
  function chosenPlane() {
    const [one, two] = [direction(across.value), direction(up.value)];
    if (!independent(one.step, two.step)) return null;
    const start = origin.map((x, i) => (i === one.input || i === two.input ? 0 : x));
    const here = [one, two].map(({ input }) => (input >= 0 ? origin[input] : 0));
    const marks = [{ at: here, label: places.get(base.value).short }];
    [one, two].forEach(({ input, target }, k) => {
      if (input < 0) marks.push({ at: here.map((x, i) => (i === k ? 1 : x)), label: target });
    });
    const both = [one, two], sizes = both.map(({ lower, upper, length }) => (upper - lower) * length);
    return {
      origin: start, across: one.step, up: two.step, marks,
      lower: both.map((d) => d.lower), upper: both.map((d) => d.upper),
      names: both.map((d, k) => d.name ?? ["s", "t"][k]), axes: both.map((d) => d.axis),
      aspect: (one.input < 0) === (two.input < 0) ? sizes[1] / sizes[0] : 1,
    };
  }
  function show() {
    const plane = chosenPlane(), said = byId("slice-count");
    if (plane === null) {
      said.textContent = "These directions span no plane.";
      return null;
    }
    const scene = sliceScene(network, space, plane, colours);
    map.show(scene);
    const count = scene.cells.length;
    said.textContent = scene.empty ? "Nothing of the domain is on this plane."
      : `${count.toLocaleString("en")} ${count === 1 ? "cell" : "cells"} on this plane.`;
    return scene;
  }
  let waiting = 0;
  const soon = () => { if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; show(); }); };
  function sliders() {
    const list = byId("slider-list"), axes = [across.value, up.value];
    const fixed = space.names.map((_, i) => i).filter((i) => !axes.includes(`input${i}`));
    list.replaceChildren();
    for (const i of fixed.slice(0, MOST_SLIDERS)) {
      const label = text("label", `${space.names[i]} `), value = text("output", short(origin[i]));
      const slider = text("input", "", {
        type: "range", min: space.lower[i], max: space.upper[i], step: "any", "data-input": i,
      });
      slider.value = origin[i];
      slider.addEventListener("input", () => {
        origin[i] = Number(slider.value);
        value.textContent = short(origin[i]);
        soon();
      });
      label.append(value, slider);
      list.append(label);
    }
    if (fixed.length > MOST_SLIDERS) {
      list.append(text("p", `… and ${fixed.length - MOST_SLIDERS} more inputs`, { class: "sub" }));
    }
  }
  function changed() { sliders(); return show(); }
  function rebase() { origin = places.get(base.value).at.slice(); return changed(); }

  fill();
  base.value = "centre";
  [across.value, up.value] = ["input0", "input1"];
  const inside = space.halfspaces.every(
    (row) => centre.reduce((sum, v, i) => sum + v * row[i], row[n]) <= 0,
  );
  const said = [...space.labels.keys()].filter((i) => space.labels.indexOf(space.labels[i]) === i);
  const points = said.length >= 3 ? said.map((i) => `point${i}`) : [...places.keys()].slice(1);
  if (points.length && !inside) base.value = points[0];
  if (points.length >= 3 && n > FEW_INPUTS) { // a plane along two of many inputs shows little
    [base.value, across.value, up.value] = points;
    origin = places.get(points[0]).at.slice();
    if (chosenPlane() === null) [across.value, up.value] = ["input0", "input1"];
  }
  rebase();
  base.addEventListener("change", rebase);
  for (const select of [across, up]) select.addEventListener("change", changed);

  return {
    classes,
    showCell: witness === null ? null : (row) => { // the slice through a cell's witness
      const value = addCell(row);
      fill();
      base.value = value;
      const scene = rebase();
      if (scene !== null) map.select(scene.marks[0].at);
    },
  };
}
