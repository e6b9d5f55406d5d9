// Polytopes that meet face to face: their facets and edges in the coordinates in which they are
// drawn, what a plane cuts out of them, and which one a ray meets first.

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const MOST_RATIO = 4; // of the sides of what is drawn

async function makeSolids(data) {
  const given = await decoded(Float64Array, data.points); // in the network's coordinates
  const facetCounts = await decoded(Uint16Array, data.facets);
  const cornerCounts = await decoded(Uint16Array, data.corners);
  const loops = await decoded(Uint32Array, data.loops);
  const layers = await decoded(Uint16Array, data.layers);
  const maps = await decoded(Float32Array, data.maps); // of shares of the frame
  const cells = facetCounts.length, facets = cornerCounts.length;
  const { lower, upper } = data, extent = upper.map((high, k) => high - lower[k]);
  const longest = Math.max(...extent);
  const sides = extent.map((x) => Math.max(x / longest, 1 / MOST_RATIO));
  const toDrawn = (x) => x.map((value, k) => ((value - lower[k]) / extent[k] - 0.5) * sides[k]);
  const fromDrawn = (p) => p.map((value, k) => lower[k] + (value / sides[k] + 0.5) * extent[k]);

  const points = new Float64Array(given.length);
  for (let i = 0; i < given.length; i += 3) points.set(toDrawn([given[i], given[i + 1], given[i + 2]]), i);
  const pointAt = (i) => [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
  const facetStarts = new Uint32Array(cells + 1), loopStarts = new Uint32Array(facets + 1);
  facetCounts.forEach((count, i) => { facetStarts[i + 1] = facetStarts[i] + count; });
  cornerCounts.forEach((count, i) => { loopStarts[i + 1] = loopStarts[i] + count; });
  const loopOf = (f) => loops.subarray(loopStarts[f], loopStarts[f + 1]);

  // Of each cell the mean of its corners and its volume, of each facet its plane n.p = d.
  const centres = new Float64Array(3 * cells), volumes = new Float64Array(cells);
  const planes = new Float64Array(4 * facets), isFlat = new Uint8Array(cells);
  for (let cell = 0; cell < cells; cell++) {
    const corners = new Set();
    for (let f = facetStarts[cell]; f < facetStarts[cell + 1]; f++) loopOf(f).forEach((i) => corners.add(i));
    const centre = [0, 0, 0];
    corners.forEach((i) => pointAt(i).forEach((x, k) => { centre[k] += x / corners.size; }));
    centres.set(centre, 3 * cell);
    for (let f = facetStarts[cell]; f < facetStarts[cell + 1]; f++) {
      const loop = loopOf(f), base = pointAt(loop[0]), normal = [0, 0, 0];
      for (let j = 1; j + 1 < loop.length; j++) {
        const a = pointAt(loop[j]), b = pointAt(loop[j + 1]);
        const u = a.map((x, k) => x - base[k]), v = b.map((x, k) => x - base[k]);
        [0, 1, 2].forEach((k) => {
          const [i, j2] = [(k + 1) % 3, (k + 2) % 3];
          normal[k] += u[i] * v[j2] - u[j2] * v[i];
        });
      }
      volumes[cell] += dot(normal, base.map((x, k) => x - centre[k])) / 6;
      const size = Math.hypot(...normal);
      if (size === 0) { isFlat[cell] = 1; continue; }
      const unit = normal.map((x) => x / size);
      planes.set([...unit, dot(unit, base)], 4 * f);
    }
  }
  const unit = extent.reduce((product, x, k) => product * (x / sides[k]), 1);
  volumes.forEach((volume, cell) => { volumes[cell] = volume * unit; });

  // Triangles and edges, those of the domain's border first: they alone are seen from outside.
  function surface() {
    const outer = [], inner = [], outerEdges = [], innerEdges = [], frame = [];
    for (let cell = 0; cell < cells; cell++) {
      const edges = new Map(); // by its ends: the deepest layer of its two facets, and whether outside
      for (let f = facetStarts[cell]; f < facetStarts[cell + 1]; f++) {
        const loop = loopOf(f), layer = layers[f], into = layer === 0 ? outer : inner;
        for (let j = 1; j + 1 < loop.length; j++) {
          for (const i of [loop[0], loop[j], loop[j + 1]]) into.push(...pointAt(i), cell);
        }
        loop.forEach((i, j) => {
          const next = loop[(j + 1) % loop.length];
          const ends = i < next ? `${i} ${next}` : `${next} ${i}`, known = edges.get(ends);
          edges.set(ends, {
            i, next, deepest: Math.max(layer, known?.deepest ?? 0),
            isOuter: layer === 0 || (known?.isOuter ?? false),
          });
        });
      }
      for (const { i, next, deepest, isOuter } of edges.values()) {
        const edge = [...pointAt(i), ...pointAt(next), cell, deepest];
        (isOuter ? outerEdges : innerEdges).push(...edge);
        if (deepest === 0) frame.push(...edge);
      }
    }
    return {
      triangles: Float32Array.from(outer.concat(inner)), outer: outer.length / 4,
      edges: Float32Array.from(outerEdges.concat(innerEdges)), outerEdges: outerEdges.length / 8,
      frame: Float32Array.from(frame),
    };
  }

  function edgesOf(cell) {
    const found = [];
    for (let f = facetStarts[cell]; f < facetStarts[cell + 1]; f++) {
      const loop = loopOf(f);
      loop.forEach((i, j) => {
        const next = loop[(j + 1) % loop.length];
        if (i < next) found.push(...pointAt(i), ...pointAt(next), cell, 0);
      });
    }
    return Float32Array.from(found);
  }

  const range = (normal) => {
    let low = Infinity, high = -Infinity;
    for (let i = 0; i < points.length; i += 3) {
      const value = normal[0] * points[i] + normal[1] * points[i + 1] + normal[2] * points[i + 2];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high];
  };

  // What the plane n.p = d cuts out: triangles from the middle of each polygon to its sides.
  function cutBy(normal, d) {
    const values = new Float64Array(points.length / 3).map(
      (_, i) => normal[0] * points[3 * i] + normal[1] * points[3 * i + 1] + normal[2] * points[3 * i + 2] - d,
    );
    const triangles = [], edges = [];
    let count = 0, area = 0;
    for (let cell = 0; cell < cells; cell++) {
      const sidesOfCell = [];
      for (let f = facetStarts[cell]; f < facetStarts[cell + 1]; f++) {
        const loop = loopOf(f), ends = [];
        loop.forEach((i, j) => {
          const next = loop[(j + 1) % loop.length];
          if ((values[i] > 0) === (values[next] > 0)) return;
          const [a, b] = i < next ? [i, next] : [next, i]; // the same point in all cells
          const share = values[a] / (values[a] - values[b]), p = pointAt(a), q = pointAt(b);
          ends.push(p.map((x, k) => x + share * (q[k] - x)));
        });
        if (ends.length === 2) sidesOfCell.push([...ends, layers[f]]);
      }
      if (sidesOfCell.length < 3) continue;
      const middle = [0, 0, 0];
      sidesOfCell.forEach(([p, q]) => p.forEach((x, k) => { middle[k] += (x + q[k]) / 2 / sidesOfCell.length; }));
      let own = 0;
      for (const [p, q, layer] of sidesOfCell) {
        triangles.push(...middle, cell, ...p, cell, ...q, cell);
        edges.push(...p, ...q, cell, layer);
        const u = p.map((x, k) => x - middle[k]), v = q.map((x, k) => x - middle[k]);
        own += Math.hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]) / 2;
      }
      area += own;
      if (own > 1e-15) count += 1;
    }
    return { triangles: Float32Array.from(triangles), edges: Float32Array.from(edges), count, area };
  }

  // The cell that a viewer sees along the line from `origin` toward `direction`, who is at its end;
  // cells are moved from the middle by `apart`, and what lies beyond a plane is cut off.
  function seenAt(origin, direction, apart, plane) {
    const slope = plane === null ? 0 : dot(plane.normal, direction);
    let found = null, nearest = -Infinity;
    for (let cell = 0; cell < cells; cell++) {
      if (isFlat[cell]) continue;
      const x = origin[0] - apart * centres[3 * cell], y = origin[1] - apart * centres[3 * cell + 1];
      const z = origin[2] - apart * centres[3 * cell + 2];
      let low = -Infinity, high = Infinity;
      const within = (along, room) => { // t * along <= room
        if (along > 0) high = Math.min(high, room / along);
        else if (along < 0) low = Math.max(low, room / along);
        else if (room < 0) low = Infinity;
      };
      for (let f = 4 * facetStarts[cell]; f < 4 * facetStarts[cell + 1] && low < high; f += 4) {
        const a = planes[f], b = planes[f + 1], c = planes[f + 2];
        within(a * direction[0] + b * direction[1] + c * direction[2], planes[f + 3] - a * x - b * y - c * z);
      }
      if (plane !== null) within(slope, plane.d - dot(plane.normal, [x, y, z]));
      if (high - low > 1e-9 && high > nearest) {
        nearest = high;
        found = { cell, point: [x, y, z].map((at, k) => at + high * direction[k]) };
      }
    }
    return found;
  }

  // The outputs' maps in drawn coordinates.
  const drawnMaps = new Float32Array(maps.length);
  for (let i = 0; i < maps.length; i += 4) {
    let constant = maps[i + 3];
    [0, 1, 2].forEach((k) => {
      constant += maps[i + k] / 2;
      drawnMaps[i + k] = maps[i + k] / sides[k];
    });
    drawnMaps[i + 3] = constant;
  }
  const outputs = maps.length / 4 / cells;
  function outputValues(m) { // at all corners
    const values = [];
    for (let cell = 0; cell < cells; cell++) {
      const at = 4 * (cell * outputs + m);
      for (let j = loopStarts[facetStarts[cell]]; j < loopStarts[facetStarts[cell + 1]]; j++) {
        const i = 3 * loops[j];
        values.push(drawnMaps[at] * points[i] + drawnMaps[at + 1] * points[i + 1]
          + drawnMaps[at + 2] * points[i + 2] + drawnMaps[at + 3]);
      }
    }
    return values;
  }
  return {
    cells, outputs, sides, centres, volumes, maps: drawnMaps,
    surface, edgesOf, range, cutBy, seenAt, outputValues, toDrawn, fromDrawn,
    centreOf: (cell) => Array.from(centres.subarray(3 * cell, 3 * cell + 3)),
  };
}
