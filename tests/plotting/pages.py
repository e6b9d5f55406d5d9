"""What tests of pages have in common: waiting, screens, and what must not be on a page."""

from __future__ import annotations

import time


def errors(driver) -> list[str]:
    """Return what the console says that is wrong, a breach of the page's policy for instance."""
    return [e["message"] for e in driver.get_log("browser") if e["level"] == "SEVERE"]


def wait(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page does not get there"
        time.sleep(0.02)


class Screen:
    """A window of some width, light or dark, and the whole screen or paper."""

    def __init__(self, driver) -> None:
        self.driver = driver

    def __call__(self, width: int = 1200, scheme: str = "light", media: str = "screen") -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        emulated = {"media": media, "features": features}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
        if self.driver.find_elements("css selector", "[data-frame]"):  # drawn anew when laid out
            frame = "return JSON.parse(document.querySelector('[data-frame]').dataset.frame)[2]"
            wait(lambda: self.driver.execute_script(frame) < width)


# What is wrong with a layout: things that lie over each other, or are cut off.
FAULTS = """
const faults = [], wide = innerWidth + 0.5, boxes = [];
const rolls = (e) => e.closest(".scroll, pre, #slider-list, .stage, select") !== null;
const blocks = "h1, h2, p, figure, pre, .pairs, .scroll, .controls > *, .stage, #map-key, "
  + ".cell-panel, .summary, .classes li, .sliders";
for (const e of document.querySelectorAll("body *")) {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  if (!box.width || !box.height || style.visibility === "hidden") continue;
  const name = `${e.tagName}#${e.id}.${e.className}`;
  if (!rolls(e) && (box.left < -0.5 || box.right > wide)) faults.push(`outside: ${name}`);
  if (!rolls(e) && e.clientWidth && e.scrollWidth > e.clientWidth + 1) faults.push(`cut: ${name}`);
  if (e.matches(blocks)) boxes.push([e, box, name]);
}
for (const [i, [a, p, one]] of boxes.entries()) {
  for (const [b, q, two] of boxes.slice(i + 1)) {
    if (a.contains(b) || b.contains(a)) continue;
    const x = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (x > 1 && y > 1) faults.push(`over each other: ${one} and ${two}`);
  }
}
const found = document.documentElement.scrollWidth > wide ? ["the page is too wide"] : [];
return [...found, ...faults];
"""
AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then((found) => done(
  found.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html).slice(0, 3).join(" "))));
"""
