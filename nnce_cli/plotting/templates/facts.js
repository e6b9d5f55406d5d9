// What is said of a cell: its signs and ranks by layer, and its outputs at a point as affine maps.

const MOST_MAPS = 16;

function formula(row, names) {
  const parts = [short(row[names.length])];
  names.forEach((name, k) => {
    parts.push(`${row[k] < 0 ? "−" : "+"} ${short(Math.abs(row[k]))} ${name}`);
  });
  return parts.join(" ");
}

// `rows` are the outputs as affine maps of the coordinates that are called `names`.
function describeCell(network, panel, row, codes, rows, names, point) {
  const { task } = network;
  const predicted = (values) => {
    if (task === "argmax") return values.indexOf(Math.max(...values));
    return task === "argmin" ? values.indexOf(Math.min(...values)) : null;
  };
  panel.dataset.row = String(row);
  panel.append(text("h3", `Cell ${row.toLocaleString("en")}`));
  const list = document.createElement("dl");
  codes.forEach((code, l) => {
    const active = code.filter((piece) => piece > 0).length, { bits } = network.layers[l];
    const rank = network.rankOf(row, l);
    const about = `layer ${l + 1}: ${active} of ${code.length} active, rank ${rank}`;
    const signs = code.slice(0, bits).join("").replace(/(.{8})(?=.)/g, "$1 ");
    const pieces = code.length > bits ? ` / ${code.slice(bits).join(", ")}` : "";
    list.append(text("dt", about));
    list.append(text("dd", signs + pieces, { class: "signs", "data-layer": String(l + 1) }));
  });
  const values = rows.map((map) => point.reduce((sum, x, k) => sum + map[k] * x, map[point.length]));
  const best = predicted(values), extreme = task === "argmin" ? " (the least)" : " (the largest)";
  rows.slice(0, MOST_MAPS).forEach((map, m) => {
    const name = network.outputs === 1 ? "output" : `output ${m}`;
    list.append(text("dt", `${name} here: ${short(values[m])}${m === best ? extreme : ""}`));
    list.append(text("dd", formula(map, names), { class: "affine", "data-output": String(m) }));
  });
  if (rows.length > MOST_MAPS) list.append(text("dt", `… and ${rows.length - MOST_MAPS} more outputs`));
  if (best !== null) panel.dataset.predicted = String(best);
  panel.append(list);
}
