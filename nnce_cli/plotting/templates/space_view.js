// The cells of space: turned by hand, moved apart, cut by a plane; and what the one in view is.

function makeView(network, solids, frame, colours, start) {
  const canvas = byId("cells"), overlay = byId("cells-overlay");
  const darkness = window.matchMedia("screen and (prefers-color-scheme: dark)");
  const paper = () => (darkness.matches ? colours.dark : colours.light);
  const painter = makePainter(canvas, solids);
  if (painter === null) {
    byId("cell").replaceChildren(text("p", "This browser has no WebGL 2, by which the cells are drawn."));
    return null;
  }
  const { scaled, byNames, byScale } = makeShades(paper);
  const { task } = network, names = frame.names, box = solids.sides.map((side) => side / 2);
  const radius = Math.hypot(...box);

  // ---- the look: a direction, an enlargement, a cut

  const FIRST = { yaw: 0.52, pitch: 0.42, zoom: 1 }, MOST_ZOOM = 1000;
  const look = { ...FIRST, apart: 0, x: 0, y: 0 };
  const size = { width: 0, height: 0 };
  function turned() { // rows: right, up, and toward the viewer
    const [a, b] = [Math.cos(look.yaw), Math.sin(look.yaw)];
    const [c, d] = [Math.cos(look.pitch), Math.sin(look.pitch)];
    return [[-b, a, 0], [-a * d, -b * d, c], [a * c, b * c, d]];
  }
  const scale = () => (0.48 * Math.min(size.width, size.height) * look.zoom) / (radius * (1 + look.apart));
  const toView = (p) => turned().map((row) => dot(row, p));
  function toPixel(p) {
    const [x, y] = toView(p);
    return [size.width / 2 + (x - look.x) * scale(), size.height / 2 - (y - look.y) * scale()];
  }
  function lineAt(px, py) { // through a pixel, toward the viewer
    const [right, up, direction] = turned();
    const x = (px - size.width / 2) / scale() + look.x, y = (size.height / 2 - py) / scale() + look.y;
    return { origin: right.map((r, k) => x * r + y * up[k]), direction };
  }

  let plane = null;
  const cutAlong = byId("cut-along"), cutAt = byId("cut-at"), apart = byId("apart");
  function cut() {
    const { value } = cutAlong, share = Number(cutAt.value);
    const normal = value === "view" ? turned()[2] : [0, 1, 2].map((k) => (k === Number(value) ? 1 : 0));
    const status = byId("cut-count");
    if (share >= 1) {
      plane = null;
      for (const shapes of [painter.cut, painter.cutEdges]) shapes.set(new Float32Array(0));
      status.textContent = "";
      byId("cut-value").textContent = "nothing is cut off";
      delete canvas.dataset.cut;
      return;
    }
    const [low, high] = solids.range(normal);
    plane = { normal, d: low + share * (high - low) };
    const found = solids.cutBy(normal, plane.d);
    painter.cut.set(found.triangles);
    painter.cutEdges.set(found.edges);
    canvas.dataset.cut = JSON.stringify([found.count, found.area]);
    status.textContent = `${found.count.toLocaleString("en")} ${found.count === 1 ? "cell" : "cells"} there`;
    const point = solids.fromDrawn(normal.map((n) => n * plane.d));
    byId("cut-value").textContent = value === "view" ? `${Math.round(100 * share)}%`
      : `${names[value]} ≤ ${short(point[value])}`;
  }

  // ---- colours

  const singleOutput = network.outputs === 1, last = network.depth - 1;
  const perCell = (f) => Array.from({ length: solids.cells }, (_, row) => f(row));
  const outputColouring = (m) => () => {
    const centred = task === "sign", range = scaled(solids.outputValues(m), centred ? 0 : null);
    const label = singleOutput ? "output" : `output ${m}`;
    return { scale: centred ? paper().diverging : paper().scale, range, label, output: m };
  };
  const present = () => { // the classes at corners, which all that occur in space are not
    const rows = Array.from({ length: network.outputs }, (_, m) => solids.outputValues(m));
    if (task === "sign") return [0, 1].filter((c) => rows[0].some((v) => (v > 0 ? 1 : 0) === c));
    const best = task === "argmin" ? Math.min : Math.max, found = new Set();
    for (let i = 0; i < rows[0].length; i++) {
      const values = rows.map((row) => row[i]);
      found.add(values.indexOf(best(...values)));
    }
    return [...found].sort((a, b) => a - b);
  };
  const colourings = {
    layer1: () => ({
      colours: paper().areas,
      shades: perCell((row) => network.firstColour(network.firstCode(row), colours.mapColours)),
    }),
    rank: () => byNames(perCell((row) => (last < 0 ? 3 : network.rankOf(row, last))), (r) => `rank ${r}`),
    active: () => byScale(perCell(network.activeOf), `active ${network.noun}`),
    class: () => ({
      byClass: true,
      key: present().map((c) => [paper().classes[c % paper().classes.length], classWords(task, c)]),
    }),
  };
  for (let m = 0; m < network.outputs; m++) colourings[`output${m}`] = outputColouring(m);
  let colouring = null;
  const isShown = (id) => byId(id) !== null && byId(id).checked;

  // As in the pictures: lines that would cover too much become thinner, then they fade.
  const INK_SHARE = 0.07, THINNEST = 0.5, PALEST = 0.12, FADING = 0.85, WIDEST = [1.4, 1.1, 0.9, 0.7];
  const lengths = [false, true].map((all) => { // of the edges by layer, outside and in all
    const { edges, outerEdges } = painter.surface, found = new Float64Array(network.depth + 1);
    const end = all ? edges.length / 8 : outerEdges;
    for (let i = 0; i < 8 * end; i += 8) {
      found[edges[i + 7]] += Math.hypot(edges[i + 3] - edges[i], edges[i + 4] - edges[i + 1], edges[i + 5] - edges[i + 2]);
    }
    return found;
  });
  function strokes() {
    const { lines, ink } = paper();
    const widest = (layer) => WIDEST[Math.min(layer - 1, WIDEST.length - 1)];
    const whole = look.apart === 0; // each edge outside belongs to two cells, and half are hidden
    const seen = lengths[whole ? 0 : 1], covered = seen.reduce(
      (sum, length, layer) => sum + (layer ? (length / 4) * scale() * widest(layer) : 0), 0,
    ) / ((2 * radius * scale()) ** 2 / 3);
    const factor = Math.min(1, INK_SHARE / Math.max(covered, 1e-300));
    return Array.from({ length: MOST_STROKES }, (_, layer) => {
      if (layer === 0) return { colour: ink, width: whole ? 1 : Math.max(THINNEST, 0.9 * factor), opacity: whole ? 1 : 0.6 };
      const width = widest(layer) * factor, fade = FADING ** Math.min(layer - 1, WIDEST.length - 1);
      return {
        colour: lines[(layer - 1) % lines.length], width: Math.max(THINNEST, width),
        opacity: Math.max(PALEST, Math.min(1, width / THINNEST) * fade),
      };
    });
  }

  // ---- drawing

  let waiting = 0;
  const changed = () => { waiting ||= requestAnimationFrame(() => { waiting = 0; draw(); }); };
  function draw() {
    if (!size.width || colouring === null) return;
    if (cutAlong.value === "view" && plane !== null) cut();
    const ratio = window.devicePixelRatio || 1, { boundary, classes } = paper();
    const fit = [(2 * scale()) / size.width, (2 * scale()) / size.height];
    const dark = darkness.matches;
    painter.draw({
      turn: turned(), fit, reach: 2 * radius * (1 + look.apart), apart: look.apart, plane, ratio,
      shift: [look.x, look.y],
      task, byClass: colouring.byClass === true, output: colouring.output,
      range: colouring.range && [colouring.range.low, colouring.range.high],
      boundary: isShown("show-boundary") ? boundary : null, classes,
      lines: isShown("show-lines"), strokes: strokes(),
      paper: dark ? "#16191d" : "#ffffff", ink: dark ? "#ffffff" : "#000000",
    });
    axes();
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn || 0) + 1);
  }

  // The edges of the frame at which its sides are told: each the border of what is seen of it.
  function axes() {
    const ctx = overlay.getContext("2d"), ratio = window.devicePixelRatio || 1;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, size.width, size.height);
    const style = getComputedStyle(canvas);
    const toward = turned()[2], grown = 1 + look.apart, middle = toPixel([0, 0, 0]);
    ctx.font = "12px system-ui, sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (let k = 0; k < 3; k++) {
      const [i, j] = [0, 1, 2].filter((other) => other !== k);
      const edges = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
        .filter(([s, t]) => (s * toward[i] > 0) !== (t * toward[j] > 0))
        .map(([s, t]) => [-1, 0, 1].map((end) => {
          const p = [0, 0, 0];
          p[i] = s * box[i] * grown;
          p[j] = t * box[j] * grown;
          p[k] = end * box[k] * grown;
          return toPixel(p);
        }));
      if (edges.length === 0) continue;
      edges.sort(([, a], [, b]) => (k === 2 ? a[0] - b[0] : b[1] - a[1]));
      const [from, half, to] = edges[0];
      if (Math.hypot(to[0] - from[0], to[1] - from[1]) < 40) continue; // seen end on
      const out = [half[0] - middle[0], half[1] - middle[1]], far = Math.hypot(...out) || 1;
      const write = ([x, y], words, away) => {
        const width = ctx.measureText(words).width / 2 + 3;
        const [px, py] = [x + (out[0] / far) * (away + width * Math.abs(out[0] / far)), y + (out[1] / far) * away];
        ctx.fillText(words, Math.min(size.width - width, Math.max(width, px)), Math.min(size.height - 8, Math.max(8, py)));
      };
      ctx.fillStyle = style.getPropertyValue("--muted");
      if (look.apart === 0) {
        const shares = [0.06, 0.94].map((t) => [0, 1].map((c) => from[c] + t * (to[c] - from[c])));
        write(shares[0], short(frame.lower[k]), 11);
        write(shares[1], short(frame.upper[k]), 11);
      }
      ctx.fillStyle = style.getPropertyValue("--ink");
      write(half, names[k], 16);
    }
  }

  // ---- the cell in view

  let chosen = null; // the row of the cell that is outlined
  function describe(row, point, words) {
    const panel = byId("cell");
    panel.replaceChildren();
    if (row !== chosen) {
      chosen = row;
      painter.chosen.set(row === null ? new Float32Array(0) : solids.edgesOf(row));
      changed();
    }
    if (row === null) {
      panel.dataset.row = "";
      panel.append(text("p", "No cell is there."));
      return;
    }
    const where = names.map((name, k) => `${name} = ${short(point[k])}`).join(", ");
    panel.append(text("p", words + where, { id: "cell-point" }));
    const codes = network.codesOf(row);
    const own = names.map((_, k) => Float64Array.from([0, 1, 2, 3], (c) => (c === k ? 1 : 0)));
    describeCell(network, panel, row, codes, network.outputMaps(codes, own), names, point);
    panel.append(text("p", `volume ${short(solids.volumes[row])}`, { class: "hint" }));
  }
  function hover([px, py]) {
    const { origin, direction } = lineAt(px, py);
    const found = solids.seenAt(origin, direction, look.apart, plane);
    if (found === null) { describe(null); return; }
    describe(found.cell, solids.fromDrawn(found.point), "");
  }
  const inTheMiddle = () => hover([size.width / 2, size.height / 2]);

  // ---- hands

  function turnBy(dx, dy) {
    look.yaw -= dx;
    look.pitch = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, look.pitch + dy));
    changed();
  }
  function zoomAt(factor, [px, py]) {
    const zoom = Math.min(MOST_ZOOM, Math.max(1, look.zoom * factor));
    const before = scale();
    look.zoom = zoom;
    const [dx, dy] = [px - size.width / 2, size.height / 2 - py];
    look.x += dx / before - dx / scale();
    look.y += dy / before - dy / scale();
    if (zoom === 1) look.x = look.y = 0;
    changed();
  }
  const whole = () => { Object.assign(look, FIRST, { x: 0, y: 0 }); changed(); };
  const pointers = new Map();
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, position(event));
    canvas.setPointerCapture(event.pointerId);
    if (event.pointerType !== "mouse") hover(position(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = position(event), before = pointers.get(event.pointerId);
    if (before === undefined) { hover(now); return; }
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    pointers.set(event.pointerId, now);
    if (others.length === 1) {
      const [x, y] = others[0], spread = ([a, b]) => Math.max(10, Math.hypot(a - x, b - y));
      zoomAt(spread(now) / spread(before), [(now[0] + x) / 2, (now[1] + y) / 2]);
    } else if (others.length === 0) {
      turnBy(0.008 * (now[0] - before[0]), 0.008 * (now[1] - before[1]));
    }
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => pointers.delete(event.pointerId));
  }
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-0.0015 * (event.deltaMode === 1 ? 20 : 1) * event.deltaY), position(event));
  }, { passive: false });
  const middle = () => [size.width / 2, size.height / 2];
  byId("zoom-in").addEventListener("click", () => zoomAt(1.6, middle()));
  byId("zoom-out").addEventListener("click", () => zoomAt(1 / 1.6, middle()));
  byId("zoom-reset").addEventListener("click", whole);
  canvas.addEventListener("keydown", (event) => {
    const step = Math.PI / 18;
    const moves = {
      ArrowLeft: () => turnBy(-step, 0), ArrowRight: () => turnBy(step, 0),
      ArrowUp: () => turnBy(0, -step), ArrowDown: () => turnBy(0, step),
      "+": () => zoomAt(1.6, middle()), "=": () => zoomAt(1.6, middle()),
      "-": () => zoomAt(1 / 1.6, middle()), 0: whole,
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moves[event.key]();
    inTheMiddle();
  });
  const cutChanged = () => { cut(); changed(); };
  cutAt.addEventListener("input", cutChanged);
  cutAlong.addEventListener("change", cutChanged);
  apart.addEventListener("input", () => { look.apart = Number(apart.value); changed(); });

  // ---- controls

  function key() {
    const swatch = showKey(byId("map-key"), colouring), { lines, boundary } = paper();
    if (isShown("show-lines")) {
      for (let layer = 0; layer < network.depth; layer++) {
        swatch(lines[layer % lines.length], `${network.noun} of layer ${layer + 1}`, true);
      }
    }
    if (isShown("show-boundary")) swatch(boundary, task === "sign" ? "output = 0" : "decision boundary", true);
  }
  function choose() {
    colouring = colourings[byId("colouring").value]();
    if (colouring.shades) painter.paintCells(colouring.colours, colouring.shades);
    if (colouring.output !== undefined) painter.paintScale(colouring.scale);
    key();
    draw();
  }
  const add = (list, value, words) => byId(list).append(text("option", words, { value }));
  if (task !== "regression") add("colouring", "class", task === "sign" ? "sign of the output" : "predicted class");
  for (let m = 0; m < network.outputs; m++) {
    if (m < 4 || m === start.component) add("colouring", `output${m}`, singleOutput ? "output" : `output ${m}`);
  }
  add("colouring", "layer1", "layer-1 cell");
  add("colouring", "rank", `rank at layer ${network.depth}`);
  add("colouring", "active", `active ${network.noun}`);
  names.forEach((name, k) => add("cut-along", String(k), name));
  add("cut-along", "view", "the view");
  byId("colouring").value = start.colouring === "output" ? `output${start.component}` : start.colouring;
  byId("colouring").addEventListener("change", choose);
  for (const id of ["show-lines", "show-boundary"]) {
    byId(id)?.addEventListener("change", () => { key(); draw(); });
  }

  const MOST_HEIGHT = 0.72, LEAST = 240, WIDEST_SHAPE = 1.4; // of the window; pixels; of the height
  function resize() {
    const stage = canvas.parentElement;
    stage.style.maxWidth = "";
    const room = stage.getBoundingClientRect().width;
    size.height = Math.min(room, Math.max(LEAST, MOST_HEIGHT * window.innerHeight));
    size.width = Math.min(room, WIDEST_SHAPE * size.height);
    stage.style.maxWidth = `${size.width}px`;
    const ratio = window.devicePixelRatio || 1;
    for (const each of [canvas, overlay]) {
      each.style.height = `${size.height}px`;
      each.width = Math.round(size.width * ratio);
      each.height = Math.round(size.height * ratio);
    }
    canvas.dataset.frame = JSON.stringify([0, 0, size.width, size.height]);
    draw();
  }
  let known = 0;
  new ResizeObserver(([entry]) => {
    const { width } = entry.contentRect;
    if (Math.abs(width - known) > 0.5) { known = width; resize(); }
  }).observe(canvas.parentElement.parentElement);
  darkness.addEventListener("change", choose);
  window.addEventListener("beforeprint", choose);
  cut();
  resize();
  choose();

  return {
    select(row) { describe(row, solids.fromDrawn(solids.centreOf(row)), "the middle of its corners: "); },
    toPixel: (x) => toPixel(solids.toDrawn(x)),
  };
}
