"""Digests of networks tell units apart, and are what they were for chains of ReLU layers."""

from __future__ import annotations

import numpy as np

from nnce_cli.network import CLIP, MAX, AffineMap, PieceUnit, Units, weights_digest


def test_units_are_part_of_the_digest():
    layer = AffineMap(np.arange(10.0).reshape(5, 2), np.ones(5))
    kinds = [
        Units(np.zeros(5)),
        Units(np.zeros(4)),
        Units(np.array([0.0, 0.0, 0.0, 0.0, 0.1])),
        Units(np.array([0.0, 0.0, 0.0, 0.0, -0.1])),
        Units(np.zeros(3), (PieceUnit(CLIP, 3),)),
        Units(np.zeros(1), (PieceUnit(CLIP, 3), PieceUnit(CLIP, 3))),
        Units(np.zeros(1), (PieceUnit(MAX, 3, 4),)),
        Units(np.zeros(2), (PieceUnit(MAX, 3, 4),)),
    ]
    digests = [weights_digest([layer], None, (units,)) for units in kinds]
    assert len(set(digests)) == len(kinds)
    assert digests[0] == weights_digest([layer], None)
