// Small things that all scripts of the page use.

const byId = (id) => document.getElementById(id);
const text = (tag, content, attributes = {}) => {
  const element = document.createElement(tag);
  element.textContent = content;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const short = (x) => String(Number(x.toPrecision(6))).replace("-", "−");
