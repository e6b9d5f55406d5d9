// WebGL: facets of cells, the polygons of a cut, and lines, in one picture with depth.

const WIDTH = 2048; // of textures that hold lists
const MOST_STROKES = 16, MOST_CLASSES = 30;
const SEEN = "vec4((v.xy - shift) * fit, -v.z / reach, 1.0)";
const LISTS = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
ivec2 spot(int i) { return ivec2(i % ${WIDTH}, i / ${WIDTH}); }
`;
const MOVED = `
uniform mat3 turn;
uniform vec2 fit, shift;
uniform float reach, apart;
uniform sampler2D centres;
vec3 viewed(vec3 place, int row) { return turn * (place + apart * texelFetch(centres, spot(row), 0).xyz); }
`;
const FACE_VERTICES = `${LISTS}${MOVED}
in vec3 place;
in float cell;
out vec3 at, seen;
flat out int row;
void main() {
  row = int(cell + 0.5);
  at = place;
  vec3 v = seen = viewed(place, row);
  gl_Position = ${SEEN};
}`;
// The class and its border are found at each pixel, from the outputs' affine maps on the cell.
const FACE_PIXELS = `${LISTS}
uniform vec4 plane;
uniform bool isCut, showBoundary, byClass, byOutput;
uniform int outputs, component, task; // 1: argmax, -1: argmin, 2: sign, 0: regression
uniform vec2 range;
uniform vec3 boundary, classes[${MOST_CLASSES}];
uniform sampler2D shades, maps, scale;
in vec3 at, seen;
flat in int row;
out vec4 colour;
float value(int k) {
  vec4 map = texelFetch(maps, spot(row * outputs + k), 0);
  return dot(map.xyz, at) + map.w;
}
void main() {
  int winner = 0;
  float best = value(0), lead = 0.0;
  if (task == 2) {
    winner = best > 0.0 ? 1 : 0;
    lead = abs(best);
  } else if (task != 0) {
    float sign = float(task), second = -1e38;
    best *= sign;
    for (int k = 1; k < outputs; k++) {
      float next = sign * value(k);
      if (next > best) { second = best; best = next; winner = k; } else second = max(second, next);
    }
    lead = best - second;
  }
  float step = fwidth(lead);
  vec3 across = cross(dFdx(seen), dFdy(seen));
  if (!isCut && dot(plane.xyz, at) > plane.w) discard;
  vec3 found = texelFetch(shades, spot(row), 0).rgb;
  if (byClass) found = classes[winner % ${MOST_CLASSES}];
  if (byOutput) {
    float share = (value(component) - range.x) / max(range.y - range.x, 1e-30);
    found = texture(scale, vec2(share, 0.5)).rgb;
  }
  if (!isCut) found *= 0.8 + 0.2 * dot(abs(normalize(across)), vec3(0.35, 0.95, 0.8));
  if (showBoundary && task != 0 && step > 0.0 && lead < 1.3 * step) found = boundary;
  colour = vec4(min(found, 1.0), 1.0);
}`;
// A line is a strip of some pixels' width, and lies a little before what it lies on.
const LINE_VERTICES = `${LISTS}${MOVED}
uniform vec2 pixels;
uniform float widths[${MOST_STROKES}], wider;
in vec3 start, end;
in vec2 about;
out vec3 at;
flat out int stroke;
void main() {
  int row = int(about.x + 0.5), layer = int(about.y + 0.5);
  stroke = layer < ${MOST_STROKES} ? layer : 1 + (layer - 1) % ${MOST_STROKES - 1};
  vec3 a = viewed(start, row), b = viewed(end, row);
  vec2 along = (b.xy - a.xy) * fit * pixels;
  along = length(along) > 0.0 ? normalize(along) : vec2(1.0, 0.0);
  bool isEnd = (gl_VertexID & 1) == 1;
  vec3 v = isEnd ? b : a;
  at = isEnd ? end : start;
  vec2 aside = (gl_VertexID < 2 ? -1.0 : 1.0) * vec2(-along.y, along.x) * (widths[stroke] + wider);
  gl_Position = ${SEEN} + vec4(aside / pixels, -0.0012, 0.0);
}`;
const LINE_PIXELS = `${LISTS}
uniform vec4 plane, strokes[${MOST_STROKES}];
uniform bool isCut;
in vec3 at;
flat in int stroke;
out vec4 colour;
void main() {
  if (!isCut && dot(plane.xyz, at) > plane.w) discard;
  colour = strokes[stroke];
}`;

const channels = (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16) / 255);

// Return null where the browser has no WebGL 2.
function makePainter(canvas, solids) {
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: true, preserveDrawingBuffer: true });
  if (gl === null) return null;

  function compiled(vertices, pixels, attributes) {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertices], [gl.FRAGMENT_SHADER, pixels]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    attributes.forEach((name, k) => gl.bindAttribLocation(program, k, name));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const logs = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader));
      throw new Error(`${gl.getProgramInfoLog(program)} ${logs.join(" ")}`);
    }
    const places = new Map();
    const at = (name) => {
      if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
      return places.get(name);
    };
    return { program, at };
  }
  const faces = compiled(FACE_VERTICES, FACE_PIXELS, ["place", "cell"]);
  const lines = compiled(LINE_VERTICES, LINE_PIXELS, ["start", "end", "about"]);

  // Lists of numbers, as textures.
  function listed(unit, values, type) {
    const count = values.length / 4, height = Math.max(1, Math.ceil(count / WIDTH));
    const whole = new values.constructor(4 * WIDTH * height);
    whole.set(values);
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, listed[unit] ??= gl.createTexture());
    const format = type === gl.FLOAT ? gl.RGBA32F : gl.RGBA8;
    gl.texImage2D(gl.TEXTURE_2D, 0, format, WIDTH, height, 0, gl.RGBA, type, whole);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }
  const CENTRES = 0, MAPS = 1, SHADES = 2, SCALE = 3;
  const centres = new Float32Array(4 * solids.cells);
  for (let cell = 0; cell < solids.cells; cell++) centres.set(solids.centreOf(cell), 4 * cell);
  listed(CENTRES, centres, gl.FLOAT);
  listed(MAPS, solids.maps, gl.FLOAT);

  function paintCells(colours, shades) { // a colour for each cell
    const bytes = new Uint8Array(4 * solids.cells).fill(255);
    const known = colours.map((colour) => channels(colour).map((x) => 255 * x));
    for (let cell = 0; cell < solids.cells; cell++) bytes.set(known[shades[cell]], 4 * cell);
    listed(SHADES, bytes, gl.UNSIGNED_BYTE);
  }
  const scaleTexture = gl.createTexture();
  function paintScale(scale) {
    const bytes = Uint8Array.from(scale.flatMap((c) => [...channels(c).map((x) => 255 * x), 255]));
    gl.activeTexture(gl.TEXTURE0 + SCALE);
    gl.bindTexture(gl.TEXTURE_2D, scaleTexture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, scale.length, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    for (const name of ["MIN_FILTER", "MAG_FILTER"]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl.LINEAR);
    for (const name of ["WRAP_S", "WRAP_T"]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl.CLAMP_TO_EDGE);
  }

  // Shapes that stay, or are replaced: [sizes of the attributes], and how many numbers an item has.
  function makeShapes(sizes, divisor) {
    const buffer = gl.createBuffer(), array = gl.createVertexArray();
    const stride = sizes.reduce((a, b) => a + b, 0);
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    let offset = 0;
    sizes.forEach((size, k) => {
      gl.enableVertexAttribArray(k);
      gl.vertexAttribPointer(k, size, gl.FLOAT, false, 4 * stride, 4 * offset);
      gl.vertexAttribDivisor(k, divisor);
      offset += size;
    });
    const shapes = { array, count: 0 };
    shapes.set = (values) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
      shapes.count = values.length / stride;
    };
    return shapes;
  }
  const surface = solids.surface();
  const [facets, cut] = [0, 1].map(() => makeShapes([3, 1], 0));
  const [edges, cutEdges, frame, chosen] = [0, 1, 2, 3].map(() => makeShapes([3, 3, 2], 1));
  facets.set(surface.triangles);
  edges.set(surface.edges);
  frame.set(surface.frame);

  function drawFaces(shapes, isCut, count = shapes.count) {
    gl.uniform1i(faces.at("isCut"), isCut ? 1 : 0);
    gl.bindVertexArray(shapes.array);
    gl.drawArrays(gl.TRIANGLES, 0, count);
  }
  function drawLines(shapes, isCut, count = shapes.count) {
    if (count === 0) return;
    gl.uniform1i(lines.at("isCut"), isCut ? 1 : 0);
    gl.bindVertexArray(shapes.array);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
  }
  function place({ at }, look) {
    gl.uniformMatrix3fv(at("turn"), true, look.turn.flat());
    gl.uniform2f(at("fit"), ...look.fit);
    gl.uniform2f(at("shift"), ...look.shift);
    gl.uniform1f(at("reach"), look.reach);
    gl.uniform1f(at("apart"), look.apart);
    gl.uniform1i(at("centres"), CENTRES);
    const { plane } = look;
    gl.uniform4f(at("plane"), ...(plane === null ? [0, 0, 0, 1] : [...plane.normal, plane.d]));
  }

  function draw(look) {
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    const whole = look.apart === 0; // what is inside is hidden
    gl.useProgram(faces.program);
    place(faces, look);
    gl.uniform1i(faces.at("maps"), MAPS);
    gl.uniform1i(faces.at("shades"), SHADES);
    gl.uniform1i(faces.at("scale"), SCALE);
    gl.uniform1i(faces.at("outputs"), solids.outputs);
    gl.uniform1i(faces.at("task"), { argmax: 1, argmin: -1, sign: 2, regression: 0 }[look.task]);
    gl.uniform1i(faces.at("byClass"), look.byClass ? 1 : 0);
    gl.uniform1i(faces.at("byOutput"), look.output === undefined ? 0 : 1);
    gl.uniform1i(faces.at("component"), look.output ?? 0);
    gl.uniform2f(faces.at("range"), ...(look.range ?? [0, 1]));
    gl.uniform1i(faces.at("showBoundary"), look.boundary === null ? 0 : 1);
    gl.uniform3f(faces.at("boundary"), ...channels(look.boundary ?? "#000000"));
    gl.uniform3fv(faces.at("classes"), look.classes.slice(0, MOST_CLASSES).flatMap(channels));
    drawFaces(facets, false, whole ? surface.outer : facets.count);
    drawFaces(cut, true);

    gl.useProgram(lines.program);
    place(lines, look);
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthMask(false);
    gl.uniform2f(lines.at("pixels"), canvas.width, canvas.height);
    const stroke = (strokes, wider) => {
      gl.uniform1fv(lines.at("widths"), strokes.map(({ width }) => width * look.ratio));
      gl.uniform4fv(lines.at("strokes"), strokes.flatMap(({ colour, opacity }) => [...channels(colour), opacity]));
      gl.uniform1f(lines.at("wider"), wider * look.ratio);
    };
    if (whole) {
      stroke(look.strokes.map((each) => ({ ...each, opacity: each.opacity * 0.45 })), 0);
      drawLines(frame, true);
    }
    stroke(look.strokes, 0);
    if (look.lines) {
      drawLines(edges, false, whole ? surface.outerEdges : edges.count);
      drawLines(cutEdges, true);
    }
    if (chosen.count > 0) { // seen through all that is before it
      gl.disable(gl.DEPTH_TEST);
      for (const [colour, wider] of [[look.paper, 4], [look.ink, 2]]) {
        stroke(look.strokes.map(() => ({ colour, width: 0, opacity: 1 })), wider);
        drawLines(chosen, true);
      }
    }
    gl.depthMask(true);
    gl.disable(gl.BLEND);
  }
  return { draw, paintCells, paintScale, cut, cutEdges, chosen, surface };
}
