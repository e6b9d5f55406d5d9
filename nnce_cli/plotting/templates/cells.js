// The list of cells: columns of numbers, by each of which it can be sorted.

const ROWS_SHOWN = 20;

function makeList(count, columns, show) {
  const order = Uint32Array.from({ length: count }, (_, row) => row);
  let page = 0, sorted = 0, ascending = true;
  const head = byId("cell-list").querySelector("thead"), body = byId("cell-list").querySelector("tbody");
  const heads = text("tr", "");
  columns.forEach(({ name }, k) => {
    const cell = text("th", "", { scope: "col" }), button = text("button", name);
    button.addEventListener("click", () => {
      ascending = sorted === k ? !ascending : k === 0;
      sorted = k;
      const { values } = columns[k], sign = ascending ? 1 : -1;
      order.sort((a, b) => sign * (values(a) - values(b)) || a - b);
      page = 0;
      draw();
    });
    cell.append(button);
    heads.append(cell);
  });
  head.append(heads);

  function draw() {
    const first = page * ROWS_SHOWN, last = Math.min(count, first + ROWS_SHOWN);
    [...heads.children].forEach((cell, k) => {
      cell.setAttribute("aria-sort", k !== sorted ? "none" : ascending ? "ascending" : "descending");
    });
    body.replaceChildren(...Array.from(order.subarray(first, last), (row) => {
      const line = text("tr", "", { "data-row": row });
      columns.forEach(({ values, words }, k) => {
        const value = values(row), shown = words ? words(value) : value.toLocaleString("en");
        if (k > 0 || show === null) { line.append(text("td", shown)); return; }
        const cell = text("td", ""), button = text("button", shown, { "aria-label": `show cell ${row}` });
        button.addEventListener("click", () => show(row));
        cell.append(button);
        line.append(cell);
      });
      return line;
    }));
    byId("list-where").textContent =
      `${(first + 1).toLocaleString("en")}–${last.toLocaleString("en")} of ${count.toLocaleString("en")}`;
    byId("list-back").disabled = page === 0;
    byId("list-on").disabled = last === count;
  }
  byId("list-back").addEventListener("click", () => { page--; draw(); });
  byId("list-on").addEventListener("click", () => { page++; draw(); });
  byId("list-section").hidden = false;
  draw();
}
