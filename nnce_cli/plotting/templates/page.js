// The page: its data, the map or the slices, and the list.

const MOST_RANKS = 4; // layers whose ranks are columns of the list
const data = JSON.parse(byId("report-data").textContent);
if (!window.DecompressionStream) {
  byId("cell").textContent = "This browser is too old for the map.";
  return;
}
const source = data.map ?? data.space;
const network = await makeNetwork(source);
const map = makeMap(network, data.colours, data.colouring);

const repaint = () => document.querySelectorAll(".classes [data-class]").forEach((swatch) => {
  const { classes } = map.paper();
  swatch.style.background = classes[Number(swatch.dataset.class) % classes.length];
});
map.darkness.addEventListener("change", repaint);
repaint();

// The scene of a domain of two inputs, whose cells were cut when the page was written.
async function wholeScene(d) {
  const shares = async (values) => Float64Array.from(
    await decoded(Uint32Array, values), (x) => x / 4294967295,
  );
  const sizes = async (values) => Array.from(await decoded(Uint16Array, values));
  const cells = polygons(await shares(d.corners), await sizes(d.counts));
  const maps = await decoded(Float32Array, d.maps), last = network.depth - 1;
  const perCell = (f) => Array.from({ length: d.cells }, (_, row) => f(row));
  return {
    lower: d.lower, upper: d.upper, names: d.names, axes: d.axes,
    aspect: (d.upper[1] - d.lower[1]) / (d.upper[0] - d.lower[0]),
    inputs: [[1, 0, 0], [0, 1, 0]],
    holds: ([x, y]) => d.halfspaces.every(([a, b, c]) => a * x + b * y + c <= 0),
    cells,
    pieces: polygons(await shares(d.pieceCorners), await sizes(d.pieceCounts)),
    classes: await sizes(d.classes), pieceClasses: await sizes(d.pieceClasses),
    maps, mapped: maps.length / 3 / d.cells,
    cuts: await shares(d.cuts), cutLayers: await decoded(Uint16Array, d.cutLayers),
    boundary: await shares(d.boundary),
    ranks: perCell((row) => (last < 0 ? 2 : network.rankOf(row, last))),
    active: perCell(network.activeOf),
    first: perCell((row) => network.firstColour(network.firstCode(row), data.colours.mapColours)),
    shapeOf: (row) => row,
    marks: d.marks,
  };
}

const columns = [{ name: "cell", values: (row) => row }];
for (let layer = Math.max(0, network.depth - MOST_RANKS); layer < network.depth; layer++) {
  columns.push({ name: `rank ${layer + 1}`, values: (row) => network.rankOf(row, layer) });
}
columns.push({ name: `active ${network.noun}`, values: network.activeOf });
let showCell = null;
if (data.map !== null) {
  const scene = await wholeScene(data.map), areas = await decoded(Float32Array, data.map.areas);
  map.show(scene);
  if (network.task !== "regression") columns.push({ name: "class", values: (row) => scene.classes[row] });
  columns.push({ name: "area", values: (row) => areas[row], words: short });
  showCell = (row) => {
    const { points, starts } = scene.cells, first = starts[row], count = starts[row + 1] - first;
    if (count === 0) return;
    const sum = [0, 0];
    for (let j = first; j < first + count; j++) [0, 1].forEach((k) => { sum[k] += points[2 * j + k]; });
    map.select(sum.map((x) => x / count));
  };
} else {
  const slices = await makeSlices(network, data.space, data.colours, map);
  const { classes } = slices;
  if (classes !== null) columns.push({ name: "class", values: (row) => classes[row] });
  showCell = slices.showCell;
}
makeList(network.cells, columns, showCell);
