"""Codes of cells as people write them."""

from __future__ import annotations

from nnce_cli.base.errors import InputError
from nnce_cli.base.layout import Layout


def parse_signs(layout: Layout, text: str) -> list[list[int]]:
    """Return the codes of all units, layer by layer, of a text such as "0110 01/2,0".

    It is as `Layout.texts` writes it, with spaces between layers; where no unit has more than two
    pieces, the bits of all layers may also stand together.

    Raises:
        InputError: it is none of this network.
    """
    layers = text.split()
    if len(layers) != layout.depth and not layout.has_pieces and len(layers) == 1:
        layers = _divided(layers[0], layout)
    if len(layers) != layout.depth:
        raise InputError(
            f"the signs {text!r} have {len(layers)} layers, and the network has {layout.depth}; "
            "write a group of 0 and 1 for each layer, with spaces between"
        )
    return [
        _layer(part, bits, pieces, k)
        for k, (part, bits, pieces) in enumerate(
            zip(layers, layout.bits, layout.pieces, strict=True), start=1
        )
    ]


def _divided(text: str, layout: Layout) -> list[str]:
    if len(text) != sum(layout.bits):
        return [text]
    found, start = [], 0
    for width in layout.bits:
        found.append(text[start : start + width])
        start += width
    return found


def _layer(text: str, bits: int, pieces: tuple[int, ...], number: int) -> list[int]:
    plain, _, rest = text.partition("/")
    many = rest.split(",") if rest else []
    if len(plain) != bits or set(plain) - {"0", "1"} or len(many) != len(pieces):
        wanted = f"{bits} digits 0 or 1" + (
            f", a stroke and {len(pieces)} numbers with commas between" if pieces else ""
        )
        raise InputError(f"the signs {text!r} of layer {number} are not {wanted}")
    if not all(
        piece.isascii() and piece.isdigit() and len(piece) < 4 and int(piece) < most
        for piece, most in zip(many, pieces, strict=True)
    ):
        raise InputError(f"the signs {text!r} of layer {number} name a piece that is not there")
    return [int(bit) for bit in plain] + [int(piece) for piece in many]
