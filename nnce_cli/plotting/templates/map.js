// The map: cells of a plane that can be panned and zoomed, and what the one under the pointer is.

// Polygons: their corners one after the other, where each begins, and boxes around them.
function polygons(points, sizes) {
  const starts = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, i) => { starts[i + 1] = starts[i] + size; });
  const boxes = new Float64Array(4 * sizes.length);
  for (let i = 0; i < sizes.length; i++) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let j = starts[i]; j < starts[i + 1]; j++) {
      box[0] = Math.min(box[0], points[2 * j]);
      box[1] = Math.min(box[1], points[2 * j + 1]);
      box[2] = Math.max(box[2], points[2 * j]);
      box[3] = Math.max(box[3], points[2 * j + 1]);
    }
    boxes.set(box, 4 * i);
  }
  return { points, starts, boxes, length: sizes.length };
}

// A scene is what is drawn. All its coordinates are shares of the frame's width, from 0 to 1:
// `cells` and what is known of each (`rows` of the table, `ranks`, `active`, `first`, `classes`,
// `maps` of the first `mapped` outputs), `pieces` of those with several classes, the neurons' `cuts`,
// the `boundary` and `marks`. `inputs` are the network's inputs as maps of the plane's coordinates
// from `lower` to `upper`, which are called `names`; `holds` tells whether a point is in the domain.
function makeMap(network, colours, usual) {
  let scene = null;
  const layers = network.depth, singleOutput = network.outputs === 1;
  const darkness = window.matchMedia("screen and (prefers-color-scheme: dark)");
  const paper = () => (darkness.matches ? colours.dark : colours.light);
  const place = (share, i) => scene.lower[i] + share * (scene.upper[i] - scene.lower[i]);

  // ---- colours: a shade for each cell

  const { scaled, byNames, byScale } = makeShades(paper);
  const colourings = {
    layer1: () => ({ colours: paper().areas, shades: scene.first }),
    rank: () => byNames(scene.ranks, (r) => `rank ${r}`),
    active: () => byScale(scene.active, `active ${network.noun}`),
    class: () => {
      const { classes } = paper(), shade = (c) => c % classes.length;
      return {
        colours: classes,
        shades: Int32Array.from(scene.classes, shade),
        pieceShades: Int32Array.from(scene.pieceClasses, shade),
        key: distinct([...scene.classes, ...scene.pieceClasses])
          .map((c) => [classes[shade(c)], classWords(network.task, c)]),
      };
    },
  };
  const outputColouring = (m) => () => {
    const { cells, maps, mapped } = scene, middles = new Float64Array(cells.length), all = [];
    for (let row = 0; row < cells.length; row++) {
      const at = 3 * (row * mapped + m);
      let sum = 0;
      for (let j = cells.starts[row]; j < cells.starts[row + 1]; j++) {
        const value = maps[at] * cells.points[2 * j] + maps[at + 1] * cells.points[2 * j + 1]
          + maps[at + 2];
        all.push(value);
        sum += value;
      }
      middles[row] = sum / Math.max(1, cells.starts[row + 1] - cells.starts[row]);
    }
    const centred = network.task === "sign", range = scaled(all, centred ? 0 : null);
    const scale = centred ? paper().diverging : paper().scale;
    const label = singleOutput ? "output" : `output ${m}`;
    return { colours: scale, scale, shades: Int32Array.from(middles, range.at), range, label, output: m };
  };
  let colouring = null;
  // A regression has no boundary to be shown.
  const isShown = (id) => byId(id) !== null && byId(id).checked;

  // ---- the view: which part of the domain is in the frame

  const canvas = byId("map"), overlay = byId("map-overlay");
  const margin = { left: 58, right: 10, top: 8, bottom: 40 };
  const frame = { width: 0, height: 0 };
  const view = { x: 0, y: 0, zoom: 1 }; // the lower left corner, and how much is enlarged
  const MOST_ZOOM = 1e6;
  const MOST_HEIGHT = 0.78; // of the window
  const aspect = () => Math.min(4, Math.max(0.25, scene.aspect));
  const toX = (u, v = view) => margin.left + (u - v.x) * v.zoom * frame.width;
  const toY = (u, v = view) => margin.top + frame.height - (u - v.y) * v.zoom * frame.height;
  const fromX = (px) => view.x + (px - margin.left) / (view.zoom * frame.width);
  const fromY = (py) => view.y + (margin.top + frame.height - py) / (view.zoom * frame.height);

  function limit() {
    view.zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom));
    const most = 1 - 1 / view.zoom;
    view.x = Math.min(most, Math.max(0, view.x));
    view.y = Math.min(most, Math.max(0, view.y));
    canvas.style.touchAction = view.zoom > 1 ? "none" : "pan-y";
  }
  function zoomAt(factor, px, py) {
    const x = fromX(px), y = fromY(py);
    view.zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom * factor));
    view.x += x - fromX(px);
    view.y += y - fromY(py);
    changed();
  }
  function panBy(dx, dy) {
    view.x -= dx / (view.zoom * frame.width);
    view.y += dy / (view.zoom * frame.height);
    changed();
  }

  // ---- drawing

  const context = canvas.getContext("2d"), above = overlay.getContext("2d");
  const style = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();
  let shot = null; // the last whole drawing, shown moved and scaled until the next is ready
  let waiting = 0, idle = 0;
  const BATCH = 32; // shapes in one path; the time that a path takes grows faster than its length
  const QUICK = 4000; // polygons that are drawn while the view moves

  function changed() {
    limit();
    if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; show(); });
  }
  function show() {
    clearTimeout(idle);
    if (scene.cells.length <= QUICK || shot === null) { draw(); return; }
    const { v } = shot;
    const zoom = view.zoom / v.zoom, ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    clearAll(context);
    clipped(context, () => {
      const left = margin.left + (v.x - view.x) * view.zoom * frame.width;
      const top = margin.top + frame.height
        - (v.y + 1 / v.zoom - view.y) * view.zoom * frame.height;
      context.drawImage(
        shot.image,
        margin.left * ratio, margin.top * ratio, frame.width * ratio, frame.height * ratio,
        left, top, frame.width * zoom, frame.height * zoom,
      );
    });
    axes(context);
    highlight();
    idle = setTimeout(draw, 90);
  }
  function clearAll(ctx) { ctx.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight); }
  function clipped(ctx, paint) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(margin.left, margin.top, frame.width, frame.height);
    ctx.clip();
    paint();
    ctx.restore();
  }

  function visible(boxes, i) {
    const right = view.x + 1 / view.zoom, top = view.y + 1 / view.zoom;
    return boxes[4 * i] <= right && boxes[4 * i + 2] >= view.x
      && boxes[4 * i + 1] <= top && boxes[4 * i + 3] >= view.y;
  }
  function outline(ctx, shapes, i) {
    for (let j = shapes.starts[i]; j < shapes.starts[i + 1]; j++) {
      const x = toX(shapes.points[2 * j]), y = toY(shapes.points[2 * j + 1]);
      if (j === shapes.starts[i]) ctx.moveTo(x, y); else ctx.lineTo(x, y);
    }
    ctx.closePath();
  }
  function fillFlat(ctx, shapes, shades) {
    const byShade = colouring.colours.map(() => []);
    for (let i = 0; i < shapes.length; i++) {
      if (visible(shapes.boxes, i)) byShade[shades[i]].push(i);
    }
    ctx.lineWidth = 0.7; // hides the seams between neighbours
    byShade.forEach((members, shade) => {
      ctx.fillStyle = ctx.strokeStyle = colouring.colours[shade];
      for (let first = 0; first < members.length; first += BATCH) {
        ctx.beginPath();
        members.slice(first, first + BATCH).forEach((i) => outline(ctx, shapes, i));
        ctx.fill();
        ctx.stroke();
      }
    });
    return byShade.reduce((sum, members) => sum + members.length, 0);
  }
  function fillSmoothly(ctx, row) { // a gradient shows an affine function as it is
    const at = 3 * (row * scene.mapped + colouring.output);
    const gx = scene.maps[at] / (view.zoom * frame.width);
    const gy = -scene.maps[at + 1] / (view.zoom * frame.height);
    const size = gx * gx + gy * gy;
    const box = scene.cells.boxes.subarray(4 * row, 4 * row + 4);
    const x = toX((box[0] + box[2]) / 2), y = toY((box[1] + box[3]) / 2);
    const value = scene.maps[at] * (box[0] + box[2]) / 2 + scene.maps[at + 1] * (box[1] + box[3]) / 2
      + scene.maps[at + 2];
    const { low, high, at: shade } = colouring.range, { scale } = colouring;
    ctx.beginPath();
    outline(ctx, scene.cells, row);
    if (size > 0 && high > low) {
      const t0 = (low - value) / size, t1 = (high - value) / size;
      const ends = [x + t0 * gx, y + t0 * gy, x + t1 * gx, y + t1 * gy];
      if (ends.every((e) => Math.abs(e) < 1e6)) {
        const gradient = ctx.createLinearGradient(...ends);
        for (let k = 0; k <= 8; k++) {
          gradient.addColorStop(k / 8, scale[Math.round((k / 8) * (scale.length - 1))]);
        }
        ctx.fillStyle = ctx.strokeStyle = gradient;
        ctx.lineWidth = 0.7;
        ctx.fill();
        ctx.stroke();
        return;
      }
    }
    ctx.fillStyle = scale[shade(value)];
    ctx.fill();
  }
  // As in the pictures: lines that would cover too much become thinner, then they fade.
  const INK_SHARE = 0.07, THINNEST = 0.35, PALEST = 0.12, FADING = 0.85, WIDEST = [1.2, 0.9, 0.7, 0.55];
  function drawLines(ctx) {
    const { cuts, cutLayers } = scene, { lines } = paper(), lengths = new Float64Array(layers);
    const right = view.x + 1 / view.zoom, top = view.y + 1 / view.zoom;
    const within = (a, b, low, high) => {
      const length = Math.abs(b - a);
      return length === 0 ? 1 : Math.max(0, Math.min(high, Math.max(a, b)) - Math.max(low, Math.min(a, b))) / length;
    };
    for (let i = 0; i < cutLayers.length; i++) {
      const [x0, y0, x1, y1] = cuts.subarray(4 * i, 4 * i + 4);
      const share = Math.min(within(x0, x1, view.x, right), within(y0, y1, view.y, top));
      lengths[cutLayers[i]] += share * view.zoom * Math.hypot((x1 - x0) * frame.width, (y1 - y0) * frame.height);
    }
    const widest = (layer) => WIDEST[Math.min(layer, WIDEST.length - 1)];
    const covered = lengths.reduce((sum, length, layer) => sum + length * widest(layer), 0)
      / (frame.width * frame.height);
    const factor = Math.min(1, INK_SHARE / Math.max(covered, 1e-300));
    for (let layer = layers - 1; layer >= 0; layer--) {
      const width = widest(layer) * factor, fade = FADING ** Math.min(layer, WIDEST.length - 1);
      ctx.globalAlpha = Math.max(PALEST, Math.min(1, width / THINNEST) * fade);
      strokeSegments(ctx, cuts, (i) => cutLayers[i] === layer, lines[layer % lines.length], Math.max(THINNEST, width));
    }
    ctx.globalAlpha = 1;
  }
  function strokeSegments(ctx, segments, chosen, colour, width) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.lineCap = "round";
    ctx.beginPath();
    const right = view.x + 1 / view.zoom, top = view.y + 1 / view.zoom;
    let count = 0;
    for (let i = 0; 4 * i < segments.length; i++) {
      if (!chosen(i)) continue;
      const x0 = segments[4 * i], y0 = segments[4 * i + 1];
      const x1 = segments[4 * i + 2], y1 = segments[4 * i + 3];
      if (Math.max(x0, x1) < view.x || Math.min(x0, x1) > right) continue;
      if (Math.max(y0, y1) < view.y || Math.min(y0, y1) > top) continue;
      ctx.moveTo(toX(x0), toY(y0));
      ctx.lineTo(toX(x1), toY(y1));
      if (++count % BATCH === 0) {
        ctx.stroke();
        ctx.beginPath();
      }
    }
    ctx.stroke();
  }

  const sees = ({ at: [u, v] }) => u >= view.x - 1e-9 && u <= view.x + 1 / view.zoom + 1e-9
    && v >= view.y - 1e-9 && v <= view.y + 1 / view.zoom + 1e-9;
  const markColour = ({ group }) => { // labels that are classes have their colours
    const { classes } = colours.light;
    return /^\d+$/.test(group) && Number(group) < Math.max(2, network.outputs) && network.task !== "regression"
      ? classes[Number(group) % classes.length] : "#222222";
  };
  function drawMarks(ctx) { // data as dots, paler far from the plane; those of the slice by name
    ctx.font = "bold 13px system-ui, sans-serif";
    ctx.textBaseline = "middle";
    for (const mark of scene.marks.filter(sees).sort((a, b) => a.own - b.own)) {
      const x = toX(mark.at[0]), y = toY(mark.at[1]);
      ctx.globalAlpha = mark.own ? 1 : mark.opacity;
      ctx.beginPath();
      ctx.arc(x, y, mark.own ? 4.5 : 3, 0, 2 * Math.PI);
      ctx.fillStyle = mark.own ? "#ffffff" : markColour(mark);
      ctx.fill();
      ctx.lineWidth = 1;
      ctx.strokeStyle = mark.own || mark.group !== "" ? "#222222" : "#ffffff";
      ctx.stroke();
      ctx.globalAlpha = 1;
      if (!mark.own) continue;
      ctx.strokeStyle = "#222222";
      ctx.lineWidth = 1.4;
      ctx.stroke();
      const left = x > margin.left + frame.width / 2, up = y > margin.top + frame.height / 2;
      ctx.textAlign = left ? "right" : "left";
      const place = [x + (left ? -8 : 8), y + (up ? -10 : 10)];
      ctx.lineWidth = 3;
      ctx.strokeStyle = "#ffffff";
      ctx.strokeText(mark.label, ...place);
      ctx.fillStyle = "#222222";
      ctx.fillText(mark.label, ...place);
    }
  }

  function draw() {
    if (!frame.width) return;
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    clearAll(context);
    clipped(context, () => {
      let count = fillFlat(context, scene.cells, colouring.shades);
      if (colouring.pieceShades) fillFlat(context, scene.pieces, colouring.pieceShades);
      if (colouring.output !== undefined && count <= QUICK) {
        for (let i = 0; i < scene.cells.length; i++) {
          if (visible(scene.cells.boxes, i)) fillSmoothly(context, i);
        }
      }
      if (isShown("show-lines")) drawLines(context);
      if (isShown("show-boundary")) {
        const { boundary } = scene, { paper: halo, boundary: colour } = paper();
        strokeSegments(context, boundary, () => true, halo, 4);
        strokeSegments(context, boundary, () => true, colour, 2.2);
      }
    });
    drawMarks(context);
    axes(context);
    if (scene.cells.length > QUICK) {
      const image = document.createElement("canvas");
      image.width = canvas.width;
      image.height = canvas.height;
      image.getContext("2d").drawImage(canvas, 0, 0);
      shot = { image, v: { ...view } };
    }
    highlight();
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn || 0) + 1);
  }

  function ticks(low, high, most) {
    const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((s) => s * power >= rough);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-12) + 1e-300; k++) {
      found.push(k * step);
      if (found.length > 20) break; // numbers too near each other for float64
    }
    const digits = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
    return found.map((t) => [t, Math.abs(t) >= 1e6 || digits > 8 ? t.toPrecision(8) : t.toFixed(digits)])
      .map(([t, words]) => [t, words.replace("-", "−")]);
  }
  function axes(ctx) {
    ctx.strokeStyle = ctx.fillStyle = style("--muted");
    ctx.lineWidth = 1;
    ctx.strokeRect(margin.left, margin.top, frame.width, frame.height);
    ctx.font = "12px system-ui, sans-serif";
    const bottom = margin.top + frame.height;
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    const span = 1 / view.zoom;
    for (const [t, text] of ticks(place(view.x, 0), place(view.x + span, 0), frame.width / 90)) {
      const x = toX((t - scene.lower[0]) / (scene.upper[0] - scene.lower[0]));
      ctx.fillRect(x, bottom, 1, 4);
      ctx.fillText(text, x, bottom + 6);
    }
    ctx.fillText(scene.axes[0], margin.left + frame.width / 2, bottom + 23);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const [t, text] of ticks(place(view.y, 1), place(view.y + span, 1), frame.height / 60)) {
      const y = toY((t - scene.lower[1]) / (scene.upper[1] - scene.lower[1]));
      ctx.fillRect(margin.left - 4, y, 4, 1);
      ctx.fillText(text, margin.left - 7, y, margin.left - 20);
    }
    ctx.save();
    ctx.translate(8, margin.top + frame.height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(scene.axes[1], 0, 0);
    ctx.restore();
  }

  // ---- the cell under the pointer

  let selected = null; // { row, u, v, keyboard }
  function highlight() {
    const ratio = window.devicePixelRatio || 1;
    above.setTransform(ratio, 0, 0, ratio, 0, 0);
    clearAll(above);
    if (selected === null) return;
    clipped(above, () => {
      above.lineJoin = "round";
      if (selected.shape >= 0) {
        above.beginPath();
        outline(above, scene.cells, selected.shape);
        for (const [colour, width] of [["#ffffff", 5], ["#000000", 2.5]]) {
          above.strokeStyle = colour;
          above.lineWidth = width;
          above.stroke();
        }
      }
      if (selected.keyboard) {
        const x = toX(selected.u), y = toY(selected.v);
        above.strokeStyle = "#000000";
        above.lineWidth = 1.5;
        above.strokeRect(x - 4, y - 4, 8, 8);
      }
    });
  }
  function describe(u, v, keyboard) {
    const point = [place(u, 0), place(v, 1)];
    const input = scene.inputs.map(([a, b, c]) => a * point[0] + b * point[1] + c);
    const codes = network.codesAt(input), inside = scene.holds(input);
    const row = inside ? network.rowOf(codes) : -1;
    selected = { shape: scene.shapeOf(row), u, v, keyboard };
    highlight();
    const panel = byId("cell");
    panel.replaceChildren();
    const where = scene.names.map((name, k) => `${name} = ${short(point[k])}`).join(", ");
    panel.append(text("p", where, { id: "cell-point" }));
    const near = scene.marks.filter(({ at }) => Math.hypot(toX(at[0]) - toX(u), toY(at[1]) - toY(v)) < 8);
    for (const mark of near.slice(0, 8)) {
      const away = mark.own ? "on the slice" : `${short(mark.distance)} from the plane`;
      const label = mark.group === "" ? "" : ` (label ${mark.group})`;
      panel.append(text("p", `${mark.label}${label}: ${away}`, { class: "mark" }));
    }
    if (row < 0) {
      panel.dataset.row = "";
      panel.append(text("p", inside
        ? "No cell of the table: a border between cells, or the table is incomplete."
        : "Outside of the domain."));
      return;
    }
    describeCell(network, panel, row, codes, network.outputMaps(codes, scene.inputs), scene.names, point);
  }
  function hover(px, py) {
    const u = fromX(px), v = fromY(py);
    if (u >= view.x && u <= view.x + 1 / view.zoom && v >= view.y && v <= view.y + 1 / view.zoom) {
      describe(u, v, false);
    }
  }

  // ---- hands

  const pointers = new Map();
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, position(event));
    canvas.setPointerCapture(event.pointerId);
    if (event.pointerType !== "mouse") hover(...position(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = position(event), before = pointers.get(event.pointerId);
    if (before === undefined) { hover(...now); return; }
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    pointers.set(event.pointerId, now);
    if (others.length === 1) {
      const [x, y] = others[0];
      const spread = ([a, b]) => Math.max(10, Math.hypot(a - x, b - y));
      panBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
      zoomAt(spread(now) / spread(before), (now[0] + x) / 2, (now[1] + y) / 2);
    } else if (others.length === 0) {
      panBy(now[0] - before[0], now[1] - before[1]);
    }
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => pointers.delete(event.pointerId));
  }
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 20 : 1;
    zoomAt(Math.exp(-0.0015 * lines * event.deltaY), ...position(event));
    hover(...position(event));
  }, { passive: false });
  const middle = () => [margin.left + frame.width / 2, margin.top + frame.height / 2];
  const whole = () => { view.zoom = 1; changed(); };
  byId("zoom-in").addEventListener("click", () => zoomAt(1.6, ...middle()));
  byId("zoom-out").addEventListener("click", () => zoomAt(1 / 1.6, ...middle()));
  byId("zoom-reset").addEventListener("click", whole);
  canvas.addEventListener("keydown", (event) => {
    const step = 0.1 * Math.min(frame.width, frame.height);
    const moves = {
      ArrowLeft: () => panBy(step, 0), ArrowRight: () => panBy(-step, 0),
      ArrowUp: () => panBy(0, step), ArrowDown: () => panBy(0, -step),
      "+": () => zoomAt(1.6, ...middle()), "=": () => zoomAt(1.6, ...middle()),
      "-": () => zoomAt(1 / 1.6, ...middle()), 0: whole,
    };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moves[event.key]();
    limit();
    describe(fromX(middle()[0]), fromY(middle()[1]), true);
  });

  // ---- controls

  function key() {
    const swatch = showKey(byId("map-key"), colouring);
    const { lines, boundary } = paper();
    if (isShown("show-lines")) {
      distinct(scene.cutLayers).forEach((layer) => {
        swatch(lines[layer % lines.length], `${network.noun} of layer ${layer + 1}`, true);
      });
    }
    if (scene.boundary.length && isShown("show-boundary")) {
      swatch(boundary, network.task === "sign" ? "output = 0" : "decision boundary", true);
    }
  }
  function choose() {
    if (scene === null) return;
    colouring = colourings[byId("colouring").value]();
    shot = null;
    key();
    draw();
  }
  const add = (value, words) => byId("colouring").append(text("option", words, { value }));
  if (network.task !== "regression") {
    add("class", network.task === "sign" ? "sign of the output" : "predicted class");
  }
  for (let m = 0; m < Math.min(4, network.outputs); m++) {
    colourings[`output${m}`] = outputColouring(m);
    add(`output${m}`, singleOutput ? "output" : `output ${m}`);
  }
  add("layer1", "layer-1 cell");
  add("rank", `rank at layer ${layers}`);
  add("active", `active ${network.noun}`);
  byId("colouring").value = usual === "output" ? "output0" : usual;
  byId("colouring").addEventListener("change", choose);
  for (const id of ["show-lines", "show-boundary"]) {
    byId(id)?.addEventListener("change", () => { key(); draw(); });
  }

  function resize() {
    const stage = canvas.parentElement;
    stage.style.maxWidth = "";
    const room = stage.getBoundingClientRect().width;
    // The whole map is to be seen at once.
    const least = 260, most = Math.max(least, MOST_HEIGHT * window.innerHeight) / aspect();
    frame.width = Math.max(100, Math.min(room - margin.left - margin.right, most));
    frame.height = frame.width * aspect();
    const width = frame.width + margin.left + margin.right;
    const height = frame.height + margin.top + margin.bottom;
    stage.style.maxWidth = `${width}px`;
    const ratio = window.devicePixelRatio || 1;
    for (const each of [canvas, overlay]) {
      each.style.height = `${height}px`;
      each.width = Math.round(width * ratio);
      each.height = Math.round(height * ratio);
    }
    canvas.dataset.frame = JSON.stringify([margin.left, margin.top, frame.width, frame.height]);
    shot = null;
    limit();
    if (colouring !== null) draw();
  }
  let known = 0;
  new ResizeObserver(([entry]) => {
    const width = entry.contentRect.width;
    if (scene !== null && Math.abs(width - known) > 0.5) { known = width; resize(); }
  }).observe(canvas.parentElement.parentElement);
  darkness.addEventListener("change", choose);
  window.addEventListener("beforeprint", choose);

  return {
    show(next) { // another scene, seen as a whole
      const same = scene !== null && scene.aspect === next.aspect;
      scene = next;
      selected = null;
      view.zoom = 1;
      colouring = null;
      if (same) limit(); else resize();
      choose();
    },
    select(point) { // the cell around a point of the plane, in shares
      view.zoom = 1;
      limit();
      describe(point[0], point[1], true);
      draw();
    },
    paper,
    darkness,
  };
}
