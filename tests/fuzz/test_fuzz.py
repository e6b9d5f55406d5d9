"""The targets of `make fuzz`, for a moment each, without coverage and so without atheris."""

from __future__ import annotations

import random
import time

import pytest

from tests.fuzz.targets import TARGETS, attempt

SECONDS = 1.0


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name):
    """A target whose seeds are refused would look at nothing but the refusal."""
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_seeds_are_read_or_refused(name):
    generator = random.Random(0)
    seeds = TARGETS[name].seeds()
    end, tries = time.monotonic() + SECONDS, 0
    while time.monotonic() < end or tries < 10:
        attempt(name, damaged(generator.choice(seeds), generator))
        tries += 1


def damaged(data: bytes, generator: random.Random) -> bytes:
    """Return the bytes with a few of them changed, left out, or doubled."""
    changed = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 4, 16))):
        start = generator.randrange(len(changed) + 1)
        end = min(len(changed), start + generator.choice((1, 1, 2, 8, 64)))
        changed[start:end] = generator.choice(
            (
                generator.randbytes(end - start),
                b"",
                changed[start:end] * 2,
                bytes(x ^ 1 << generator.randrange(8) for x in changed[start:end]),
                generator.choice((b"0", b"-1", b"1e999", b'"a"', b"null", b"(", b"\xff" * 9)),
            )
        )
    return bytes(changed)
