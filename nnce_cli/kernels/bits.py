"""Sets of up to 64 things as the bits of an int64, by single instructions of the processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba import types
from numba.extending import intrinsic


def _lowest_bit(typingctx: Any, word: Any) -> Any:
    """Return the position of the lowest bit of ``word`` (int64) that is set; 64 if none is."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.int64(types.int64), codegen


def _count_bits(typingctx: Any, word: Any) -> Any:
    """Return the number of bits of ``word`` (int64) that are set."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.int64), codegen


lowest_bit = cast(Callable[[int], int], intrinsic(_lowest_bit))
count_bits = cast(Callable[[int], int], intrinsic(_count_bits))
