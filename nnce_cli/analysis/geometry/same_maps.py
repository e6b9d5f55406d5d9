"""Which cells have exactly equal affine maps to the outputs.

Each map is taken modulo three primes at random points, in random combinations of the outputs, and
that makes a key of 64 bits: equal maps have equal keys, and different ones hardly ever do. What
the keys say is not believed but proved: of cells with the same key each is held against the first
one. Their maps are equal where the neurons that have a say have the same gains (`relevant.py`).
Else all entries are compared modulo many primes. Times the product D of all denominators, the
difference of two entries is a whole number of size at most 2 D M, where M bounds the entries; if
it is zero modulo primes with a product above that, it is zero (Chinese remainder theorem). Cells
that have the key of a first one and not its map are held against the first among themselves, and
so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from math import lcm

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nnce_cli.analysis.geometry.modular import BITS, MapsModulo, primes
from nnce_cli.analysis.geometry.relevant import RelevantGains
from nnce_cli.analysis.geometry.spool import spooled
from nnce_cli.base.errors import InputError
from nnce_cli.network import AffineMap, LayerStack
from nnce_cli.table import CodeFile

KEY_PRIMES = 3
KEY_SHIFTS = (40, 20, 0)  # of the residues, of 24 bits each, in a key
GROUPED = 1 << 22  # rows whose keys are sorted at a time
ENTRIES = 1 << 20  # numbers of maps in memory at a time
MOST_PRIMES = 4096

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]


class MapKeys:
    """Keys of the maps on cells: equal ones of equal maps."""

    def __init__(self, stack: LayerStack, output: AffineMap) -> None:
        generator = np.random.default_rng(0)
        self._parts = []
        for prime in islice(suitable_primes(stack, output), KEY_PRIMES):
            points = generator.integers(0, prime, (1 + stack.n_inputs, 1)).astype(np.float64)
            left = generator.integers(0, prime, (1, output.n_out)).astype(np.float64)
            self._parts.append((MapsModulo(stack, output, prime), points, left))

    def of(self, joined: Bytes) -> Keys:
        """Return the keys (m,) of cells by their joined rows (m, row_bytes)."""
        keys = np.zeros(len(joined), np.uint64)
        for (maps, points, left), shift in zip(self._parts, KEY_SHIFTS, strict=True):
            found = maps.on(joined, points, left)[:, 0, 0].astype(np.uint64)
            keys ^= found << np.uint64(shift)
        return keys


class EqualMaps:
    """Proves that cells have the same map, or that they do not."""

    def __init__(self, stack: LayerStack, output: AffineMap) -> None:
        self._stack, self._output = stack, output
        self._gains = RelevantGains(stack, output)
        widest = max(layer.n_out for layer in (*stack.hidden, output))
        self._step = max(1, ENTRIES // (widest * (1 + stack.n_inputs)))

    def of(self, first: Bytes, second: Bytes) -> Bools:
        """Return which pairs of cells (m,), by their joined rows (m, row_bytes), have one map.

        Raises:
            InputError: the weights have too many digits.
        """
        equal = np.asarray((self._gains.on(first) == self._gains.on(second)).all(axis=1))
        unsure = np.flatnonzero(~equal)
        for start in range(0, len(unsure), self._step):
            part = unsure[start : start + self._step]
            equal[part] = self._by_primes(first[part], second[part])
        return equal

    def _by_primes(self, first: Bytes, second: Bytes) -> Bools:
        equal = np.ones(len(first), np.bool_)
        for maps in self._maps:
            same = np.flatnonzero(equal)
            if not same.size:
                break
            one, other = (self._entries(maps, side[same]) for side in (first, second))
            equal[same] = (one == other).all(axis=(1, 2))
        return equal

    def _entries(self, maps: MapsModulo, joined: Bytes) -> NDArray[np.float64]:
        return maps.on(joined, np.eye(1 + self._stack.n_inputs), np.eye(self._output.n_out))

    @cached_property
    def _maps(self) -> list[MapsModulo]:
        count = _bits(self._stack, self._output) // BITS + 1
        if count > MOST_PRIMES:
            raise InputError(
                "the weights have too many digits to prove that maps are equal; leave out the "
                "column map_id with --columns"
            )
        found = islice(suitable_primes(self._stack, self._output), count)
        return [MapsModulo(self._stack, self._output, prime) for prime in found]


def first_rows_with(keys: Keys) -> Ints:
    """Return for each row (rows,) the first one with the same key; memory holds some at a time.

    The keys are gone through once for each part of the rows that are grouped at a time. What is
    kept are the different keys of a part.
    """
    rows = len(keys)
    first = spooled(rows, np.int64)
    parts = np.uint64(-(-rows // GROUPED) or 1)
    for part in range(int(parts)):
        known, where = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        for start in range(0, rows, GROUPED):
            some = np.asarray(keys[start : start + GROUPED])
            mine = np.flatnonzero(some % parts == part)
            found, at, back = np.unique(some[mine], return_index=True, return_inverse=True)
            place = np.searchsorted(known, found)
            is_new = np.append(known, 0)[place] != found
            is_new |= place == len(known)
            new = start + mine[at[is_new]]
            known = np.insert(known, place[is_new], found[is_new])
            where = np.insert(where, place[is_new], new)
            first[start + mine] = where[np.searchsorted(known, found)][back]
    return first


def split_unequal(first: Ints, unequal: Ints, codes: CodeFile, equal_maps: EqualMaps) -> None:
    """Mend ``first`` for rows (k,), ascending, whose map is not that of the first one."""
    while unequal.size:
        _, at, back = np.unique(first[unequal], return_index=True, return_inverse=True)
        others = unequal[at][back]
        equal = equal_maps.of(codes.at(unequal), codes.at(others))
        first[unequal[equal]] = others[equal]
        unequal = unequal[~equal]


def suitable_primes(stack: LayerStack, output: AffineMap) -> Iterator[int]:
    """Yield primes that divide no denominator of the weights."""
    denominators = 1
    for layer in (*stack.hidden, output):
        for values in layer.exact_arrays:
            if values.dtype == np.object_:
                denominators = lcm(denominators, *(int(x.q) for x in values.ravel().tolist()))
    return (prime for prime in primes() if denominators % prime)


def _bits(stack: LayerStack, output: AffineMap) -> int:
    """Return how many bits twice the largest entry of any map may have, times all denominators."""
    denominators, size = 1, fmpq(1)
    for k, layer in enumerate((*stack.hidden, output)):
        weight, bias = layer.rational
        rows = [[*row, *b] for row, b in zip(weight.tolist(), bias.tolist(), strict=True)]
        denominators *= lcm(1, *(int(x.q) for row in rows for x in row))
        # Of all rows (1, x) and the largest sum of sizes: no entry of a product is larger.
        size *= max([fmpq(1), *(sum(map(abs, row), fmpq(0)) for row in rows)])
        if k < len(stack.units):
            slopes = [fmpq(*s.as_integer_ratio()) for s in stack.units[k].slopes.tolist()]
            denominators *= lcm(1, *(int(s.q) for s in slopes))
            size *= max([fmpq(1), *map(abs, slopes)])
    whole = 2 * size * denominators
    return (int(whole.p) // int(whole.q)).bit_length() + 1
