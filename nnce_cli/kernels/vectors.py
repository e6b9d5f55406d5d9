"""Two loops as vector instructions: a weighted sum of rows, and the ratio test.

A pivot waits for the ratio test, and that for the pivot before it, so what counts is how long
these take from their first load to their result. The compiler keeps a minimum in order, a few
cycles for each row, and sums that end in memory go through memory for each term. Here they are
written in LLVM's own terms: eight numbers at once, sums in registers, and a tree at the end.

Arrays are contiguous along the rows, and padded to a multiple of 8 (`padded`). Each function has a
plain form beside it, which says what it does, is what runs where numba is switched off, and what
tests compare it with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., object])

LANES = 8
SMALL_PIVOT = 1e-11  # smaller entries take no part in the ratio test
TIE = 1.0 + 1e-12  # steps this close count as one; of these the largest pivot is taken

DOUBLE, INT = ir.DoubleType(), ir.IntType(64)
DOUBLES, INTS = ir.VectorType(DOUBLE, LANES), ir.VectorType(INT, LANES)
CONTRACT = ("contract",)
variable: Any = cgutils.alloca_once_value  # numba has no types for these
pair: Any = types.Tuple


def plain_weighted_sum(
    out: np.ndarray, start: np.ndarray, rows: np.ndarray, weights: np.ndarray, count: int, n: int
) -> None:
    """Write ``start + sum_i weights[i] * rows[i]`` over the first ``count`` rows to ``out``.

    Along the first ``n`` entries, a multiple of 8. ``rows`` is (at least count, at least n).
    """
    out[:n] = start[:n] + weights[:count] @ rows[:count, :n]


def plain_ratio_test(
    constant: np.ndarray, slope: np.ndarray, cap: np.ndarray, first: int, end: int
) -> tuple[int, float]:
    """Return the row from ``first`` to ``end`` that reaches 0 or its cap first, and the step.

    Row r moves from ``constant[r]`` by ``slope[r]`` for each unit. Where it is outside its bounds
    already, it blocks at once. Ties go to the steepest; -1 and infinity where no row blocks.
    Reads whole blocks of 8 from row 0 on, as a pivot writes them: a processor waits where a load
    takes parts of two stores.
    """
    step, row, steepest = np.inf, -1, 0.0
    ratio = np.full(end, np.inf)
    for r in range(first, end):
        size = abs(slope[r])
        if size > SMALL_PIVOT:
            down = max(constant[r], 0.0)
            ratio[r] = max(down if slope[r] < 0.0 else cap[r] - down, 0.0) / size
    step = float(ratio.min(initial=np.inf))
    for r in range(first, end):
        if ratio[r] <= step * TIE and ratio[r] < np.inf and abs(slope[r]) > steepest:
            row, steepest = r, abs(slope[r])
    return row, step


def _compiled(function: Function) -> Callable[[Callable[..., Any]], Function]:
    """Take the plain ``function`` where numba is switched off, else the intrinsic."""

    def choose(typed: Callable[..., Any]) -> Function:
        off = numba.config.DISABLE_JIT  # type: ignore[attr-defined]
        return function if off else cast(Function, intrinsic(typed))

    return choose


def _constant(x: float) -> Any:
    return ir.Constant(DOUBLES, [x] * LANES)


def _spread(builder: Any, x: Any, kind: Any) -> Any:
    """Return a vector whose entries are all ``x``."""
    nothing = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(nothing, x, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, nothing, zeros)


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the address of an array's first entry."""
    return context.make_array(kind)(context, builder, value).data


def _place(builder: Any, base: Any, index: Any) -> Any:
    return builder.bitcast(builder.gep(base, [index]), DOUBLES.as_pointer())


def _load(builder: Any, base: Any, index: Any) -> Any:
    vector = builder.load(_place(builder, base, index))
    vector.align = 8
    return vector


def _pick(builder: Any, comparison: str, a: Any, b: Any) -> Any:
    """Return the smaller ("<") or larger (">") of ``a`` and ``b``, entry by entry."""
    return builder.select(builder.fcmp_ordered(comparison, a, b), a, b)


def _across(builder: Any, comparison: str, vector: Any) -> Any:
    """Return the smallest ("<") or largest (">") entry of a vector, by a tree."""
    width = LANES // 2
    while width:
        order = [(lane + width) % LANES for lane in range(LANES)]
        turned = builder.shuffle_vector(
            vector, vector, ir.Constant(ir.VectorType(ir.IntType(32), LANES), order)
        )
        vector = _pick(builder, comparison, vector, turned)
        width //= 2
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def _blocks(builder: Any, end: Any) -> Any:
    """Loop over the first rows of all blocks up to ``end``."""
    return cgutils.for_range_slice(builder, INT(0), end, INT(LANES), intp=INT)


@_compiled(plain_weighted_sum)
def weighted_sum(
    typing: Any, out: Any, start: Any, rows: Any, weights: Any, count: Any, n: Any
) -> Any:
    """Do what `plain_weighted_sum` does."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target, first, factor = (
            _data(context, builder, signature.args[k], args[k]) for k in (0, 1, 3)
        )
        matrix = context.make_array(rows)(context, builder, args[2])
        stride = builder.extract_value(matrix.strides, 0)
        base = builder.bitcast(matrix.data, ir.IntType(8).as_pointer())
        with _blocks(builder, args[5]) as (i, _):
            total = variable(builder, _load(builder, first, i))
            with cgutils.for_range(builder, args[4], intp=INT) as loop:
                row = builder.gep(base, [builder.mul(loop.index, stride)])
                block = _load(builder, builder.bitcast(row, DOUBLE.as_pointer()), i)
                weight = builder.load(builder.gep(factor, [loop.index]))
                term = builder.fmul(_spread(builder, weight, DOUBLES), block, flags=CONTRACT)
                builder.store(builder.fadd(builder.load(total), term, flags=CONTRACT), total)
            store = builder.store(builder.load(total), _place(builder, target, i))
            store.align = 8
        return context.get_dummy_value()

    return types.void(out, start, rows, weights, types.int64, types.int64), generate


@_compiled(plain_ratio_test)
def ratio_test(typing: Any, constant: Any, slope: Any, cap: Any, first: Any, end: Any) -> Any:
    """Do what `plain_ratio_test` does."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        data = [_data(context, b, signature.args[k], args[k]) for k in range(3)]
        begin, stop = _spread(b, args[3], INTS), _spread(b, args[4], INTS)
        lanes = ir.Constant(INTS, list(range(LANES)))
        zero, never = _constant(0.0), _constant(np.inf)
        least_ratio = variable(b, never)
        steepest = variable(b, zero)
        place = variable(b, ir.Constant(INTS, [-1] * LANES))
        with _blocks(b, args[4]) as (i, _):
            value, change, limit = (_load(b, base, i) for base in data)
            row = b.add(_spread(b, i, INTS), lanes)
            falls = b.fcmp_ordered("<", change, zero)
            size = b.select(falls, b.fsub(zero, change), change)
            down = _pick(b, ">", value, zero)
            gap = _pick(b, ">", b.select(falls, down, b.fsub(limit, down)), zero)
            inside = b.and_(b.icmp_signed(">=", row, begin), b.icmp_signed("<", row, stop))
            moves = b.fcmp_ordered(">", size, _constant(SMALL_PIVOT))
            ratio = b.select(b.and_(inside, moves), b.fdiv(gap, size), never)
            old, old_size = b.load(least_ratio), b.load(steepest)
            ties = b.and_(b.fcmp_ordered("==", ratio, old), b.fcmp_ordered(">", size, old_size))
            better = b.or_(b.fcmp_ordered("<", ratio, old), ties)
            b.store(b.select(better, ratio, old), least_ratio)
            b.store(b.select(better, size, old_size), steepest)
            b.store(b.select(better, row, b.load(place)), place)
        ratio = b.load(least_ratio)
        step = _across(b, "<", ratio)
        limit = _spread(b, b.fmul(step, DOUBLE(TIE)), DOUBLES)
        near = b.and_(b.fcmp_ordered("<=", ratio, limit), b.fcmp_ordered("<", ratio, never))
        size = b.select(near, b.load(steepest), _constant(-1.0))
        largest = _spread(b, _across(b, ">", size), DOUBLES)
        chosen = b.and_(near, b.fcmp_ordered("==", size, largest))
        rows = b.sitofp(b.select(chosen, b.load(place), ir.Constant(INTS, [-1] * LANES)), DOUBLES)
        row = b.fptosi(_across(b, ">", rows), INT)
        return context.make_tuple(b, signature.return_type, [row, step])

    answer = pair((types.int64, types.float64))
    return answer(constant, slope, cap, types.int64, types.int64), generate
