// From numbers to colours, and the key that explains them.

const distinct = (values) => [...new Set(values)].sort((a, b) => a - b);
const classWords = (task, c) => task === "sign" ? (c ? "output > 0" : "output ≤ 0") : `class ${c}`;

function makeShades(paper) {
  function scaled(values, centre) {
    let low = Infinity, high = -Infinity;
    for (const v of values) { low = Math.min(low, v); high = Math.max(high, v); }
    if (centre !== null) {
      high = Math.max(high - centre, centre - low);
      low = centre - high;
      high += centre;
    }
    const count = paper().scale.length, step = (high > low ? high - low : 1) / count;
    return { low, high, at: (v) => Math.min(count - 1, Math.max(0, Math.floor((v - low) / step))) };
  }
  function byNames(values, words) { // few values, from less to more
    const present = distinct(values), { scale } = paper();
    const end = Math.min(1, 0.3 + 0.1 * present.length) * (scale.length - 1);
    const found = present.map((_, k) => scale[Math.round((k * end) / Math.max(1, present.length - 1))]);
    const index = new Map(present.map((value, k) => [value, k]));
    return {
      colours: found,
      shades: Int32Array.from(values, (value) => index.get(value)),
      key: present.map((value, k) => [found[k], words(value)]),
    };
  }
  function byScale(values, label) {
    const range = scaled(values, null);
    const { scale } = paper();
    return { colours: scale, scale, shades: Int32Array.from(values, range.at), range, label };
  }
  return { scaled, byNames, byScale };
}

// Explain a colouring; what is returned adds an area's or a line's colour.
function showKey(legend, colouring) {
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
    bar.style.background = `linear-gradient(to right, ${colouring.scale.join(",")})`;
    item.append(`${colouring.label}: ${short(colouring.range.low)} `, bar, ` ${short(colouring.range.high)}`);
    legend.append(item);
  }
  return swatch;
}
