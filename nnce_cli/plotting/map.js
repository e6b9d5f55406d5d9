// The map of a report: cells that can be panned and zoomed, and what the one under the pointer is.
"use strict";
(async () => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("map-data").textContent);
  if (!window.DecompressionStream) {
    byId("cell").textContent = "This browser is too old for the map.";
    return;
  }
  async function decoded(type, text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new type(await new Response(stream).arrayBuffer());
  }
  const layers = data.layers.length;
  const rowBytes = data.layers.reduce((a, l) => a + ((l.bits + 7) >> 3) + l.pieces.length, 0);
  const joined = await decoded(Uint8Array, data.codes); // of each row: bits and pieces, by layers
  const ranks = await decoded(Uint16Array, data.ranks);
  const cutLayers = await decoded(Uint16Array, data.cutLayers);
  const classes = await decoded(Uint16Array, data.classes);
  const pieceClasses = await decoded(Uint16Array, data.pieceClasses);
  const maps = await decoded(Float32Array, data.maps); // of the first outputs, on [0, 1]^2
  const mapped = maps.length / 3 / data.cells;
  const hidden = await Promise.all(data.hidden.map((text) => decoded(Float64Array, text)));
  const output = data.output === null ? null : await decoded(Float64Array, data.output);
  const singleOutput = data.outputs === 1;

  // ---- geometry: all coordinates are shares of the domain's width, from 0 to 1

  async function shares(text) {
    return Float64Array.from(await decoded(Uint32Array, text), (x) => x / 4294967295);
  }
  async function polygons(corners, counts) {
    const points = await shares(corners);
    const sizes = await decoded(Uint16Array, counts);
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
  const cells = await polygons(data.corners, data.counts);
  const pieces = await polygons(data.pieceCorners, data.pieceCounts);
  const cuts = await shares(data.cuts);
  const boundary = await shares(data.boundary);
  const extent = [0, 1].map((i) => data.upper[i] - data.lower[i]);
  const place = (share, i) => data.lower[i] + share * extent[i];

  // ---- the network: the codes and the affine map at a point, in float64 as NumPy has them

  // A layer's code is a list: the bits of its units with two pieces, then the pieces of the others.
  function codeOf(layer, z) {
    const code = Array.from(z.subarray(0, layer.bits), (value) => (value > 0 ? 1 : 0));
    let first = layer.bits;
    for (const [kind, pieces] of layer.pieces) {
      if (kind === "clip") {
        code.push((z[first] > 0 ? 1 : 0) + (z[first + 1] > 0 ? 1 : 0));
        first += 2;
        continue;
      }
      let winner = 0, most = 0; // the leads over the first number, of the last one at first
      for (let j = 1; j < pieces; j++) {
        const lead = z[first + pieces - 1 - j];
        if (lead > most) { winner = j; most = lead; }
      }
      code.push(winner);
      first += (pieces * (pieces - 1)) / 2;
    }
    return code;
  }
  function gainsOf(layer, code) { // by what each neuron is multiplied
    const gains = new Float64Array(layer.neurons).fill(1);
    for (let i = 0; i < layer.bits; i++) {
      if (!code[i]) gains[i] = layer.slopes === null ? 0 : layer.slopes[i];
    }
    let first = layer.bits;
    layer.pieces.forEach(([kind, pieces], p) => {
      const piece = code[layer.bits + p], count = kind === "clip" ? 2 : (pieces * (pieces - 1)) / 2;
      gains.fill(0, first, first + count);
      if (kind === "clip") gains.fill(1, first, first + piece);
      else if (piece > 0) gains[first + pieces - 1 - piece] = 1;
      first += count;
    });
    return gains;
  }

  function codesAt(x) {
    let activation = x;
    return hidden.map((weights, l) => {
      const layer = data.layers[l], n = activation.length;
      const z = new Float64Array(layer.neurons);
      for (let i = 0; i < layer.neurons; i++) {
        let sum = weights[i * (n + 1) + n];
        for (let j = 0; j < n; j++) sum += weights[i * (n + 1) + j] * activation[j];
        z[i] = sum;
      }
      const code = codeOf(layer, z);
      activation = gainsOf(layer, code).map((gain, i) => (gain === 0 ? 0 : gain * z[i]));
      return code;
    });
  }

  function packed(codes) {
    const row = new Uint8Array(rowBytes);
    let start = 0;
    codes.forEach((code, l) => {
      const { bits, pieces } = data.layers[l], behind = start + ((bits + 7) >> 3);
      for (let i = 0; i < bits; i++) row[start + (i >> 3)] |= code[i] << (7 - (i & 7));
      pieces.forEach((_, p) => { row[behind + p] = code[bits + p]; });
      start = behind + pieces.length;
    });
    return row;
  }

  function rowOf(wanted) { // by binary search: rows ascend, byte by byte
    let low = 0, high = data.cells - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      let difference = 0;
      for (let k = 0; k < rowBytes && difference === 0; k++) {
        difference = joined[middle * rowBytes + k] - wanted[k];
      }
      if (difference === 0) return middle;
      if (difference < 0) low = middle + 1; else high = middle - 1;
    }
    return -1;
  }

  function outputMaps(codes) { // rows (a, b, c) of a x + b y + c
    let rows = [[1, 0, 0], [0, 1, 0]];
    const through = (layer, count, gains) => {
      const n = rows.length, result = [];
      for (let i = 0; i < count; i++) {
        const row = [0, 0, layer[i * (n + 1) + n]];
        for (let j = 0; j < n; j++) {
          const w = layer[i * (n + 1) + j];
          for (let k = 0; k < 3; k++) row[k] += w * rows[j][k];
        }
        result.push(gains === null ? row : row.map((x) => (gains[i] === 0 ? 0 : gains[i] * x)));
      }
      rows = result;
    };
    hidden.forEach((weights, l) => {
      through(weights, data.layers[l].neurons, gainsOf(data.layers[l], codes[l]));
    });
    if (output !== null) through(output, data.outputs, null);
    return rows;
  }

  // ---- colours: a shade for each cell

  const scaled = (values) => {
    let low = Infinity, high = -Infinity;
    for (const v of values) { low = Math.min(low, v); high = Math.max(high, v); }
    const step = (high > low ? high - low : 1) / data.scale.length;
    const last = data.scale.length - 1;
    return { low, high, step, at: (v) => Math.min(last, Math.max(0, Math.floor((v - low) / step))) };
  };
  const firstCode = (row, i) => { // of unit i of the first layer
    const { bits } = data.layers[0], at = row * rowBytes;
    if (i >= bits) return joined[at + ((bits + 7) >> 3) + i - bits];
    return (joined[at + (i >> 3)] >> (7 - (i & 7))) & 1;
  };
  const perCell = (f) => Int32Array.from({ length: data.cells }, (_, i) => f(i));
  const ones = Uint8Array.from({ length: 256 }, (_, b) => b.toString(2).replaceAll("0", "").length);
  const isPiece = data.layers.flatMap(({ bits, pieces }) => [
    ...Array((bits + 7) >> 3).fill(false), ...pieces.map(() => true),
  ]);
  const activeOf = (row) => {
    let sum = 0;
    for (let k = 0; k < rowBytes; k++) {
      const byte = joined[row * rowBytes + k];
      sum += isPiece[k] ? Number(byte > 0) : ones[byte];
    }
    return sum;
  };
  function named(values, words) { // things to be told apart
    const present = [...new Set(values)].sort((a, b) => a - b);
    const colour = (k) => present.length <= data.areas.length ? data.areas[k]
      : data.scale[Math.floor((k * (data.scale.length - 1)) / (present.length - 1))];
    const index = new Map(present.map((value, k) => [value, k]));
    return {
      colours: present.map((_, k) => colour(k)),
      shade: (value) => index.get(value),
      key: present.map((value, k) => [colour(k), words(value)]),
    };
  }
  function byNames(values, words) {
    const names = named(values, words);
    return { colours: names.colours, shades: Int32Array.from(values, names.shade), key: names.key };
  }
  function byScale(values, label) {
    const scale = scaled(values);
    return { colours: data.scale, shades: Int32Array.from(values, scale.at), range: scale, label };
  }
  const classWords = (c) => data.task === "sign" ? (c ? "output > 0" : "output ≤ 0") : `class ${c}`;
  const colourings = {
    layer1: () => ({
      colours: data.areas,
      shades: perCell((row) => {
        let sum = 0;
        const units = layers ? data.layers[0].bits + data.layers[0].pieces.length : 0;
        for (let i = 0; i < units; i++) {
          sum += firstCode(row, i) * (1 + (i % (data.mapColours - 1)));
        }
        return sum % data.mapColours;
      }),
    }),
    rank: () => byNames(
      perCell((row) => layers ? ranks[row * layers + layers - 1] : 2), (r) => `rank ${r}`,
    ),
    active: () => byScale(perCell(activeOf), `active ${data.noun}`),
    class: () => {
      const names = named([...classes, ...pieceClasses], classWords);
      return {
        colours: names.colours,
        shades: Int32Array.from(classes, names.shade),
        pieceShades: Int32Array.from(pieceClasses, names.shade),
        key: names.key,
      };
    },
  };
  for (let m = 0; m < mapped; m++) {
    colourings[`output${m}`] = () => {
      const valueAt = (row, point) => {
        const at = 3 * (row * mapped + m);
        return maps[at] * cells.points[2 * point] + maps[at + 1] * cells.points[2 * point + 1]
          + maps[at + 2];
      };
      const middles = new Float64Array(data.cells), all = [];
      for (let row = 0; row < data.cells; row++) {
        let sum = 0;
        for (let j = cells.starts[row]; j < cells.starts[row + 1]; j++) {
          const value = valueAt(row, j);
          all.push(value);
          sum += value;
        }
        middles[row] = sum / (cells.starts[row + 1] - cells.starts[row]);
      }
      const range = scaled(all);
      const label = singleOutput ? "output" : `output ${m}`;
      return { colours: data.scale, shades: Int32Array.from(middles, range.at), range, label, output: m };
    };
  }
  let colouring = null;
  // A regression has no boundary to be shown.
  const isShown = (id) => byId(id) !== null && byId(id).checked;

  // ---- the view: which part of the domain is in the frame

  const canvas = byId("map"), overlay = byId("map-overlay");
  const margin = { left: 58, right: 10, top: 8, bottom: 40 };
  const frame = { width: 0, height: 0 };
  const view = { x: 0, y: 0, zoom: 1 }; // the lower left corner, and how much is enlarged
  const MOST_ZOOM = 1e6;
  const aspect = (() => {
    const ratio = extent[1] / extent[0];
    return ratio >= 1 / 3 && ratio <= 3 ? ratio : 1;
  })();
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
    if (data.cells <= QUICK || shot === null) { draw(); return; }
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
    const at = 3 * (row * mapped + colouring.output);
    const gx = maps[at] / (view.zoom * frame.width);
    const gy = -maps[at + 1] / (view.zoom * frame.height);
    const size = gx * gx + gy * gy;
    const box = cells.boxes.subarray(4 * row, 4 * row + 4);
    const x = toX((box[0] + box[2]) / 2), y = toY((box[1] + box[3]) / 2);
    const value = maps[at] * (box[0] + box[2]) / 2 + maps[at + 1] * (box[1] + box[3]) / 2
      + maps[at + 2];
    const { low, high, at: shade } = colouring.range;
    ctx.beginPath();
    outline(ctx, cells, row);
    if (size > 0 && high > low) {
      const t0 = (low - value) / size, t1 = (high - value) / size;
      const ends = [x + t0 * gx, y + t0 * gy, x + t1 * gx, y + t1 * gy];
      if (ends.every((e) => Math.abs(e) < 1e6)) {
        const gradient = ctx.createLinearGradient(...ends);
        for (let k = 0; k <= 8; k++) {
          gradient.addColorStop(k / 8, data.scale[Math.round((k / 8) * (data.scale.length - 1))]);
        }
        ctx.fillStyle = ctx.strokeStyle = gradient;
        ctx.lineWidth = 0.7;
        ctx.fill();
        ctx.stroke();
        return;
      }
    }
    ctx.fillStyle = data.scale[shade(value)];
    ctx.fill();
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
  function drawMarks(ctx) { // data as dots, paler far from the plane; those of the slice by name
    ctx.font = "bold 13px system-ui, sans-serif";
    ctx.textBaseline = "middle";
    for (const mark of data.marks.filter(sees).sort((a, b) => a.own - b.own)) {
      const x = toX(mark.at[0]), y = toY(mark.at[1]);
      ctx.globalAlpha = mark.own ? 1 : mark.opacity;
      ctx.beginPath();
      ctx.arc(x, y, mark.own ? 4.5 : 3, 0, 2 * Math.PI);
      ctx.fillStyle = mark.own ? "#ffffff" : "#222222";
      ctx.fill();
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
      let count = fillFlat(context, cells, colouring.shades);
      if (colouring.pieceShades) fillFlat(context, pieces, colouring.pieceShades);
      if (colouring.output !== undefined && count <= QUICK) {
        for (let i = 0; i < cells.length; i++) {
          if (visible(cells.boxes, i)) fillSmoothly(context, i);
        }
      }
      if (isShown("show-lines")) {
        const distance = Math.sqrt((frame.width * frame.height) / Math.max(1, count));
        const width = Math.min(0.9, Math.max(0.12, 0.1 * distance));
        for (let layer = layers - 1; layer >= 0; layer--) {
          const relative = [1.8, 1.2, 0.9, 0.7][Math.min(layer, 3)];
          const colour = data.lines[layer % data.lines.length];
          strokeSegments(context, cuts, (i) => cutLayers[i] === layer, colour, width * relative);
        }
      }
      if (isShown("show-boundary")) {
        strokeSegments(context, boundary, () => true, "#ffffff", 4);
        strokeSegments(context, boundary, () => true, data.boundaryColour, 2.2);
      }
    });
    drawMarks(context);
    axes(context);
    if (data.cells > QUICK) {
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
      const x = toX((t - data.lower[0]) / extent[0]);
      ctx.fillRect(x, bottom, 1, 4);
      ctx.fillText(text, x, bottom + 6);
    }
    ctx.fillText(data.axes[0], margin.left + frame.width / 2, bottom + 23);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const [t, text] of ticks(place(view.y, 1), place(view.y + span, 1), frame.height / 60)) {
      const y = toY((t - data.lower[1]) / extent[1]);
      ctx.fillRect(margin.left - 4, y, 4, 1);
      ctx.fillText(text, margin.left - 7, y, margin.left - 20);
    }
    ctx.save();
    ctx.translate(8, margin.top + frame.height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(data.axes[1], 0, 0);
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
      if (selected.row >= 0) {
        above.beginPath();
        outline(above, cells, selected.row);
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
  const text = (tag, content, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = content;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const short = (x) => String(Number(x.toPrecision(6))).replace("-", "−");
  function formula([a, b, c]) {
    const parts = [short(c)];
    [[a, data.names[0]], [b, data.names[1]]].forEach(([w, name]) => {
      parts.push(`${w < 0 ? "−" : "+"} ${short(Math.abs(w))} ${name}`);
    });
    return parts.join(" ");
  }
  function predicted(values) {
    if (data.task === "argmax") return values.indexOf(Math.max(...values));
    return data.task === "argmin" ? values.indexOf(Math.min(...values)) : null;
  }
  function describe(u, v, keyboard) {
    const point = [place(u, 0), place(v, 1)];
    const codes = codesAt(point), inside = data.halfspaces.every(
      ([a, b, c]) => a * point[0] + b * point[1] + c <= 0,
    );
    const row = inside ? rowOf(packed(codes)) : -1;
    selected = { row, u, v, keyboard };
    highlight();
    const panel = byId("cell");
    panel.replaceChildren();
    const where = data.names.map((name, k) => `${name} = ${short(point[k])}`).join(", ");
    panel.append(text("p", where, { id: "cell-point" }));
    const near = data.marks.filter(({ at }) => Math.hypot(toX(at[0]) - toX(u), toY(at[1]) - toY(v)) < 8);
    for (const mark of near.slice(0, 8)) {
      const away = mark.own ? "on the slice" : `${short(mark.distance)} from the plane`;
      panel.append(text("p", `${mark.label}: ${away}`, { class: "mark" }));
    }
    if (row < 0) {
      panel.dataset.row = "";
      panel.append(text("p", inside
        ? "No cell of the table: a border between cells, or the table is incomplete."
        : "Outside of the domain."));
      return;
    }
    panel.dataset.row = String(row);
    panel.append(text("h3", `Cell ${row.toLocaleString("en")}`));
    const list = document.createElement("dl");
    codes.forEach((code, l) => {
      const active = code.filter((piece) => piece > 0).length, { bits } = data.layers[l];
      const rank = ranks[row * layers + l];
      const about = `layer ${l + 1}: ${active} of ${code.length} active, rank ${rank}`;
      const signs = code.slice(0, bits).join("").replace(/(.{8})(?=.)/g, "$1 ");
      const pieces = code.length > bits ? ` / ${code.slice(bits).join(", ")}` : "";
      list.append(text("dt", about));
      list.append(text("dd", signs + pieces, { class: "signs", "data-layer": String(l + 1) }));
    });
    const rows = outputMaps(codes);
    const values = rows.map(([a, b, c]) => a * point[0] + b * point[1] + c);
    const best = predicted(values), extreme = data.task === "argmin" ? " (the least)" : " (the largest)";
    rows.slice(0, 16).forEach((map, m) => {
      const name = singleOutput ? "output" : `output ${m}`;
      list.append(text("dt", `${name} here: ${short(values[m])}${m === best ? extreme : ""}`));
      list.append(text("dd", formula(map), { class: "affine", "data-output": String(m) }));
    });
    if (rows.length > 16) list.append(text("dt", `… and ${rows.length - 16} more outputs`));
    if (best !== null) panel.dataset.predicted = String(best);
    panel.append(list);
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
    const legend = byId("map-key");
    legend.replaceChildren();
    const swatch = (colour, words, line) => {
      const item = text("span", "", { class: "key-item" });
      const mark = text("span", "", { class: line ? "key-line" : "key-area" });
      mark.style.background = colour;
      item.append(mark, words);
      legend.append(item);
    };
    if (colouring.key && colouring.key.length <= 12) {
      colouring.key.forEach(([colour, words]) => swatch(colour, words, false));
    } else if (colouring.range) {
      const item = text("span", "", { class: "key-item" });
      const bar = text("span", "", { class: "key-bar" });
      bar.style.background = `linear-gradient(to right, ${data.scale.join(",")})`;
      item.append(`${colouring.label}: ${short(colouring.range.low)} `, bar, ` ${short(colouring.range.high)}`);
      legend.append(item);
    }
    if (isShown("show-lines")) {
      [...new Set(cutLayers)].sort((a, b) => a - b).forEach((layer) => {
        swatch(data.lines[layer % data.lines.length], `${data.noun} of layer ${layer + 1}`, true);
      });
    }
    if (boundary.length && isShown("show-boundary")) {
      swatch(data.boundaryColour, data.task === "sign" ? "output = 0" : "decision boundary", true);
    }
  }
  function choose() {
    colouring = colourings[byId("colouring").value]();
    key();
    draw();
  }
  const add = (value, words) => byId("colouring").append(text("option", words, { value }));
  add("layer1", "layer-1 cell");
  add("rank", `rank at layer ${layers}`);
  if (data.task !== "regression") {
    add("class", data.task === "sign" ? "sign of the output" : "predicted class");
  }
  for (let m = 0; m < mapped; m++) add(`output${m}`, singleOutput ? "output" : `output ${m}`);
  add("active", `active ${data.noun}`);
  byId("colouring").addEventListener("change", choose);
  for (const id of ["show-lines", "show-boundary"]) {
    byId(id)?.addEventListener("change", () => { key(); draw(); });
  }

  function resize() {
    const box = canvas.parentElement.getBoundingClientRect();
    const width = Math.max(160, box.width);
    frame.width = width - margin.left - margin.right;
    frame.height = frame.width * aspect;
    const height = frame.height + margin.top + margin.bottom;
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
  new ResizeObserver(() => {
    const box = canvas.parentElement.getBoundingClientRect();
    if (Math.abs(box.width - frame.width - margin.left - margin.right) > 0.5) resize();
  }).observe(canvas.parentElement);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  resize();
  choose();
})();
