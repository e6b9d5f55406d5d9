"""Fill the tables of docs/performance.md from what was measured: ``python -m benchmarks.page``.

The text between ``<!-- NAME -->`` and ``<!-- end of NAME -->`` is written here, from the last line
of benchmarks/history.jsonl and from benchmarks/growth.json; the rest of the page is by hand.
"""

from __future__ import annotations

import argparse
import re
from typing import Any

from benchmarks import growth, history, peers, rungs
from benchmarks.bench import COLUMNS, row

PAGE = history.ROOT / "docs" / "performance.md"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    PAGE.write_text(stored_page(), encoding="utf-8")


def stored_page() -> str:
    """Return the page with the tables of what is stored."""
    return page(PAGE.read_text(encoding="utf-8"), history.read()[-1], growth.read())


def page(text: str, state: history.State, grown: list[growth.Row]) -> str:
    """Return a page with its tables written anew.

    Raises:
        ValueError: a place for a table is missing, or is there twice.
    """
    tables = {
        "the networks": networks(state),
        "the rungs": decisions(state),
        "the programs": programs(state),
        "the growth": growing(grown),
    }
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        block = "\n".join([begin, *lines, end])
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        text, count = pattern.subn(lambda _, block=block: block, text)
        if count != 1:
            raise ValueError(f"the page has {count} places for {name}")
    return text


def networks(state: history.State) -> list[str]:
    """Return the table of the networks, and where it was measured."""
    head = list(COLUMNS)
    return [
        f"Measured at {state.title}, on {_machine(state.machine)}; load at the beginning "
        f"{state.load:g}.",
        "",
        _line(head),
        _line(["---", "---", *["--:"] * (len(head) - 2)]),
        *(_line(row(figures)) for figures in state.networks.values()),
    ]


def decisions(state: history.State) -> list[str]:
    """Return the table of the rungs that took the decisions, where they were counted."""
    counted = [figures for figures in state.networks.values() if "decisions" in figures]
    return [
        "In the same run:",
        "",
        _line(rungs.HEAD),
        _line(["---", *["--:"] * (len(rungs.HEAD) - 1)]),
        *(_line(rungs.row(figures)) for figures in counted),
    ]


def programs(state: history.State) -> list[str]:
    """Return the table of the programs beside, with ratios."""
    return ["In the same run:", "", *peers.table(state.peers)]


def growing(rows: list[growth.Row]) -> list[str]:
    """Return the table of the family of networks that grow, and the fitted power."""
    head = ["network", "cells", "seconds", "processor seconds", "cells a second", "exact",
            "peak MB", "USS", "RSS"]  # fmt: skip
    lines = [_line(head), _line(["---", *["--:"] * (len(head) - 1)])]
    lines += [_line(_grown(each)) for each in rows]
    if len(rows) > 1:
        _, slope = growth.power(rows)
        last = rows[-1]
        machine = _machine(last["machine"])
        lines += [
            "",
            f"Fitted: time grows like cells^{slope:.2f}. The last was counted on {machine}.",
        ]
    return lines


def _grown(each: growth.Row) -> list[str]:
    from benchmarks.measure import exact_share

    return [
        each["network"],
        f"{each['cells']:,}",
        f"{each['seconds']:,.2f}",
        f"{each['processor_seconds']:,.1f}",
        f"{each['cells'] / each['seconds']:,.0f}",
        f"{exact_share(each['decisions']):.2%}",
        *(f"{each['memory'][kind] / 1e6:,.0f}" for kind in ("pss", "uss", "rss")),
    ]


def _machine(about: dict[str, Any]) -> str:
    return f"{about['cpu']}, {about['cores']} cores (Python {about['python']})"


def _line(values: list[str]) -> str:
    return f"| {' | '.join(values)} |"


if __name__ == "__main__":
    main()
