"""Runs that are killed at a moment of their own choosing, and damage to the files they leave."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from pathlib import Path

Damage = Callable[[Path], None]  # to a copy of a run folder


def files_of(run: Path) -> list[Path]:
    """Return the files of a run folder, by their places in it."""
    return sorted(path.relative_to(run) for path in run.rglob("*") if path.is_file())


def damages(run: Path, flips: int, cuts: int, generator: random.Random) -> Iterator[tuple]:
    """Iterate over damage to each file of a run: what it is, and a function that does it."""
    files = files_of(run)
    for file in files:
        size = (run / file).stat().st_size
        yield f"{file} removed", _remove(file)
        yield f"{file} empty", _cut(file, 0)
        yield f"{file} with more at its end", _append(file)
        for _ in range(flips if size else 0):
            bit = generator.randrange(8 * size)
            yield f"bit {bit} of {file}", _flip(file, bit)
        for _ in range(cuts if size else 0):
            length = generator.randrange(size)
            yield f"{file} cut to {length} bytes", _cut(file, length)
    for one, other in combinations(files, 2):
        yield f"{one} and {other} swapped", _swap(one, other)
    for one, other in pairwise([*files, files[0]]):
        yield f"{one} a copy of {other}", _copy(other, one)


def _remove(file: Path) -> Damage:
    return lambda run: (run / file).unlink()


def _cut(file: Path, length: int) -> Damage:
    def cut(run: Path) -> None:
        with (run / file).open("r+b") as opened:
            opened.truncate(length)

    return cut


def _append(file: Path) -> Damage:
    return lambda run: (run / file).write_bytes((run / file).read_bytes() + b"PAR1") and None


def _flip(file: Path, bit: int) -> Damage:
    def flip(run: Path) -> None:
        content = bytearray((run / file).read_bytes())
        content[bit // 8] ^= 1 << bit % 8
        (run / file).write_bytes(content)

    return flip


def _copy(source: Path, target: Path) -> Damage:
    return lambda run: shutil.copyfile(run / source, run / target) and None


def _swap(one: Path, other: Path) -> Damage:
    def swap(run: Path) -> None:
        first, second = (run / one).read_bytes(), (run / other).read_bytes()
        (run / one).write_bytes(second)
        (run / other).write_bytes(first)

    return swap
