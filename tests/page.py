"""Run the code blocks of a page: ``python -m tests.page PAGE``, in a folder with sample models.

Blocks are run in the order of the page, all by this one process, so that its libraries are loaded
once: ``console`` blocks command by command, each held against what the page says it prints (… is
anything); ``python`` blocks in one namespace; ``sql`` blocks by DuckDB. What fails is printed, and
the exit code is the number of failures.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
PLAIN = re.compile(r"nnce( [\w./=,:+-]+)*")  # nothing in it that a shell would see to
TOLD = '; echo "exit code $?"'


class Block(NamedTuple):
    """A code block: the number of its first line, what stands behind the fence, and the code."""

    line: int
    language: str
    code: str


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page, those in lists too."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, found.start(3)) + 1,
            found[2].strip(),
            re.sub(f"^{found[1]}", "", found[3], flags=re.MULTILINE),
        )
        for found in FENCE.finditer(text)
    ]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with what it prints."""
    for example in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        first, _, rest = example.partition("\n")
        more = re.match(r"(> .*\n)*", rest)
        assert more is not None
        lines = [first, *re.findall(r"^> (.*)$", more[0], re.MULTILINE)]
        yield "\n".join(lines), rest[more.end() :]


def looks_like(printed: str, expected: str) -> bool:
    """Compare, where … stands for anything."""
    pattern = ".*?".join(map(re.escape, expected.split("…")))
    return re.fullmatch(pattern, printed, flags=re.DOTALL) is not None


def run_page(page: Path) -> int:
    """Run all blocks of a page; return how many commands and blocks failed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    failed = 0
    for block in blocks(page):
        place = f"{page.name}:{block.line}"
        try:
            if block.language == "console":
                for command, expected in commands(block):
                    _run_command(command, expected)
            elif block.language == "python":
                exec(compile("\n" * block.line + block.code, page.name, "exec"), namespace)
            elif block.language == "sql":
                _run_sql(block.code)
        except Exception:
            failed += 1
            print(f"{place}: {traceback.format_exc(limit=-2)}")
    return failed


def _run_command(command: str, expected: str) -> None:
    """Run a command of a console block and hold what it prints against the page."""
    plain = command.removesuffix(TOLD)
    if PLAIN.fullmatch(plain):
        code, printed = _in_process(plain)
        if plain != command:
            code, printed = 0, f"{printed}exit code {code}\n"
    else:
        code, printed = _in_shell(command)
    assert code == 0, f"$ {command}\nends with {code}, and prints:\n{printed}"
    assert looks_like(printed, expected), f"$ {command}\nprints:\n{printed}and not:\n{expected}"


def _in_shell(command: str) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", f"set -eo pipefail; {{ {command}\n}} 2>&1"],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.returncode, done.stdout


def _in_process(command: str) -> tuple[int, str]:
    """Run ``nnce`` as its script does, but for the start of Python."""
    from nnce_cli.cli import main

    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    code: Any = 0
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.argv = shlex.split(command)
        try:
            main()
        except SystemExit as ending:
            code = ending.code
        finally:
            sys.stdout.flush()
            for descriptor, copy in enumerate(kept, start=1):
                os.dup2(copy, descriptor)
                os.close(copy)
        file.seek(0)
        return int(code or 0), file.read().decode()


def _run_sql(code: str) -> None:
    """Run the statements of a block; each has to find something."""
    import duckdb

    for statement in duckdb.extract_statements(code):
        found = duckdb.execute(statement)
        if statement.type == duckdb.StatementType.SELECT:
            assert found.fetchall(), statement.query


if __name__ == "__main__":
    sys.exit(min(run_page(ROOT / sys.argv[1]), 100))
