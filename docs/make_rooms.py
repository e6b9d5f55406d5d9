"""Draw docs/figures/rooms.svg, the rooms of the house from the roof down: ``make docs``."""

from __future__ import annotations

from html import escape
from pathlib import Path

PICTURE = Path(__file__).parent / "figures" / "rooms.svg"

# From the top down: a room uses those below it. A test holds this order.
ROOMS = {
    "cli": "one file a command: options, messages and calls",
    "api": "what import nnce_cli has",
    "plotting": "pictures and the report",
    "verify": "a checker of its own: knows nothing of core, exact and enumeration",
    "analysis": "statistics, partition by rank, bounds, estimates",
    "atlas": "questions about cells: where a point is, neighbours, properties",
    "run": "one run, from request to table; it prints nothing",
    "parallel": "journal, budgets, coordinator; processes and Dask",
    "table": "schema, writer, reader and joining of cell tables",
    "enumeration": "subtrees, walks, and the registry of methods",
    "_core": "C++: the walks and their proofs on plain arrays",
    "exact": "rational arithmetic: the last rung of every decision",
    "domain": "boxes, half-spaces, slices, VNNLIB",
    "network": "ONNX file to a stack of affine layers, with exact weights",
    "base": "errors, files, processes, memory",
}
SEEN_BY_VERIFY = ("table", "domain", "network", "base")

WIDTH, LEFT, ROW, TOP = 720, 64, 40, 16
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2933 }
.name { font: 600 14px ui-monospace, monospace }
.room { fill: #eef2f6; stroke: #b8c4d0 }
.seen { fill: #dcecdc; stroke: #8fb68f }
.checker { fill: #f6ead2; stroke: #c9ac6a }
.arrow { stroke: #5b6b7b; stroke-width: 2; fill: none }
.small { font-size: 12px; fill: #5b6b7b }
"""


def picture() -> str:
    """Return the picture as SVG."""
    bottom = TOP + ROW * len(ROOMS)
    parts = [_room(k, name, text) for k, (name, text) in enumerate(ROOMS.items())]
    parts += [
        f'<path class="arrow" d="M24 {TOP + 4}V{bottom - 14}m-6 -8 6 9 6 -9"/>',
        f'<text class="small" transform="translate(46 {bottom - 12}) rotate(-90)">'
        "imports lead downwards only</text>",
        f'<text class="small" x="{LEFT}" y="{bottom + 18}">green: all that the checker shares with '
        "the rest</text>",
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 32}" role="img">'
    )
    title = "<title>The rooms of nnce, each above those that it uses</title>"
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", ground, *parts, "</svg>", ""])


def _room(k: int, name: str, text: str) -> str:
    kind = "checker" if name == "verify" else "seen" if name in SEEN_BY_VERIFY else "room"
    y = TOP + ROW * k
    return (
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{WIDTH - LEFT - 16}" height="{ROW - 8}" '
        f'rx="4"/><text class="name" x="{LEFT + 14}" y="{y + 21}">{name}</text>'
        f'<text x="{LEFT + 130}" y="{y + 21}">{escape(text)}</text>'
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
