// A network and the rows of its table, from the data of the page; in float64, as NumPy has them.

async function decoded(type, text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new type(await new Response(stream).arrayBuffer());
}

// Affine maps are rows [coefficients…, constant] of equal length.
function applied(weights, count, inputs) {
  const n = inputs.length, size = inputs[0].length, result = [];
  for (let i = 0; i < count; i++) {
    const row = new Float64Array(size), at = i * (n + 1);
    row[size - 1] = weights[at + n];
    for (let j = 0; j < n; j++) {
      const w = weights[at + j];
      if (w !== 0) for (let k = 0; k < size; k++) row[k] += w * inputs[j][k];
    }
    result.push(row);
  }
  return result;
}

async function makeNetwork(data) {
  const { layers } = data, depth = layers.length;
  const rowBytes = layers.reduce((a, l) => a + ((l.bits + 7) >> 3) + l.pieces.length, 0);
  const joined = await decoded(Uint8Array, data.codes); // of each row: bits and pieces, by layers
  const ranks = await decoded(Uint16Array, data.ranks);
  const hidden = await Promise.all(data.hidden.map((text) => decoded(Float64Array, text)));
  const output = data.output === null ? null : await decoded(Float64Array, data.output);

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
  const passed = (gains, rows) => rows.map(
    (row, i) => (gains[i] === 0 ? new Float64Array(row.length) : row.map((x) => gains[i] * x)),
  );

  function codesAt(x) {
    let activation = x;
    return hidden.map((weights, l) => {
      const layer = layers[l], n = activation.length;
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
      const { bits, pieces } = layers[l], behind = start + ((bits + 7) >> 3);
      for (let i = 0; i < bits; i++) row[start + (i >> 3)] |= code[i] << (7 - (i & 7));
      pieces.forEach((_, p) => { row[behind + p] = code[bits + p]; });
      start = behind + pieces.length;
    });
    return row;
  }
  function rowOf(codes) { // by binary search: rows ascend, byte by byte
    const wanted = packed(codes);
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
  // The outputs as affine maps of what the inputs are affine maps of.
  function outputMaps(codes, inputs) {
    let rows = inputs;
    hidden.forEach((weights, l) => {
      rows = passed(gainsOf(layers[l], codes[l]), applied(weights, layers[l].neurons, rows));
    });
    return output === null ? rows : applied(output, data.outputs, rows);
  }

  const ones = Uint8Array.from({ length: 256 }, (_, b) => b.toString(2).replaceAll("0", "").length);
  const isPiece = layers.flatMap(({ bits, pieces }) => [
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
  // Numbers of colours such that the two sides of a line of the first layer differ.
  const firstColour = (code, colours) => code.reduce(
    (sum, piece, i) => sum + piece * (1 + (i % (colours - 1))), 0,
  ) % colours;
  function codesOf(row, most = depth) { // of its first layers
    let at = row * rowBytes;
    return layers.slice(0, most).map(({ bits, pieces }) => {
      const start = at, behind = start + ((bits + 7) >> 3);
      const code = Array.from({ length: bits }, (_, i) => (joined[start + (i >> 3)] >> (7 - (i & 7))) & 1);
      at = behind + pieces.length;
      return code.concat(pieces.map((_, p) => joined[behind + p]));
    });
  }
  const firstCode = (row) => (depth ? codesOf(row, 1)[0] : []);
  const rankOf = (row, layer) => ranks[row * depth + layer];

  return {
    layers, depth, hidden, output, noun: data.noun, task: data.task, outputs: data.outputs,
    cells: data.cells, names: data.names,
    codeOf, gainsOf, passed, codesAt, rowOf, outputMaps, activeOf, firstColour, codesOf, firstCode, rankOf,
  };
}
