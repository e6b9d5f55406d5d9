// The page of cells in space: its data, the view, and the list.

const MOST_RANKS = 4; // layers whose ranks are columns of the list
const data = JSON.parse(byId("cells-data").textContent);
if (!window.DecompressionStream) {
  byId("cell").textContent = "This browser is too old for the cells to be drawn.";
  return;
}
const network = await makeNetwork(data.space);
const solids = await makeSolids(data.polytopes);
const frame = { ...data.polytopes, names: data.space.names };
const view = makeView(network, solids, frame, data.colours, data);

const columns = [{ name: "cell", values: (row) => row }];
for (let layer = Math.max(0, network.depth - MOST_RANKS); layer < network.depth; layer++) {
  columns.push({ name: `rank ${layer + 1}`, values: (row) => network.rankOf(row, layer) });
}
columns.push({ name: `active ${network.noun}`, values: network.activeOf });
columns.push({ name: "volume", values: (row) => solids.volumes[row], words: short });
makeList(network.cells, columns, view === null ? null : view.select);
