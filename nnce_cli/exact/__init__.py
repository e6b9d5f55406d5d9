"""Rational arithmetic for what floating point leaves unsure (DESIGN: "exact")."""

from nnce_cli.exact.deepest import Guess
from nnce_cli.exact.door import ExactDoor
from nnce_cli.exact.forward import signs_at
from nnce_cli.exact.pullback import Pullback
from nnce_cli.exact.rank import exact_rank

__all__ = ["ExactDoor", "Guess", "Pullback", "exact_rank", "signs_at"]
