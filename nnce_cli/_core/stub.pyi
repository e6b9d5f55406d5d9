"""
The core of nnce: walks through the cells of a network, and their proofs.
"""

from collections.abc import Sequence
import enum
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


class Stop(enum.Enum):
    """Why a walk stopped."""

    DONE = 0
    """The subtree is walked."""

    PAUSED = 1
    """The limit of nodes or of time is reached."""

    ROWS_FULL = 2
    """There is no room for rows until they are taken."""

    UNSURE = 3
    """Exact arithmetic has to answer."""

class Network:
    """
    A network on a box.

    ``Network(lower, upper, magnitude, layers)``: the box (d,), a bound on |x| over it (d,), and for each hidden layer the tuple (weight (n_out, n_in), bias (n_out,), number of units, slope (units,) of each unit on its inactive side, sign_error (units,), whether the weights are rounded, whether any bias is not 0 before it is rounded, maxima (the first unit of each max of three or more, and its numbers)). Neurons behind the units are pass-throughs. All float64.

    Raises:
        ValueError: sizes are at odds, or numbers not finite.
    """

    def __init__(self, lower: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], upper: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], magnitude: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], layers: Sequence[tuple[Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], int, Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], bool, bool, Sequence[tuple[int, int]]]]) -> None: ...

    @property
    def d(self) -> int: ...

    @property
    def units(self) -> int: ...

    def exact_layers(self) -> list[bool]:
        """Tell of which layers float64 holds all forms exactly."""

class Preimage(enum.Enum):
    """
    Whether a cell of the relaxed image holds an image of the inside of the box.
    """

    UNSURE = 0

    EXISTS = 1

    EMPTY = 2

class Zonotope:
    """The image of a box of m inputs under a linear map into d dimensions."""

    def __init__(self, *, linear: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], inexact: float, magnitude: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], lower: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], upper: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], centre: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], half: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], middle: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], generator: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], gram: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], inverse: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], transform: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], metric: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], reach: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], radius: float) -> None:
        """
        Copy the arrays, float64 and C-contiguous, of `dictionary.image.Image` and its body.

        Raises:
            ValueError: shapes are at odds, or numbers are not finite.
        """

class ImageCell:
    """A cell in the image, given by its slacks."""

    def __init__(self, image: Zonotope, forms: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], sizes: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], errors: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None:
        """
        Copy the slacks: signed forms (n, 1 + d) over u, constant first, bounds (n,) on their
        sizes over the box, and (n,) on what they are off by.

        Raises:
            ValueError: shapes are at odds, or numbers are not finite.
        """

    def settle(self, point: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], wants_input: bool) -> Preimage:
        """
        Tell whether the cell holds an image of the inside of the box; all answers are proved.

        `point` (d,) is a point inside the cell. Where one exists and `wants_input`, an input
        is in `x`.
        """

    def input_holds(self, x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bool:
        """
        Prove that `x` (m,) is inside the box and its image strictly inside the cell.
        """

    def multipliers_hold(self, slacks: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], multipliers: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bool:
        """
        Prove that no input of the box has its image in the cell, by Farkas' lemma.

        `slacks` (k,) are the places of some slacks (int64), with a multiplier each. Modifies
        `x`.

        Raises:
            IndexError: there is no such slack.
            ValueError: shapes are at odds, or numbers are not finite.
        """

    @property
    def x(self) -> NDArray[numpy.float64]:
        """A copy of the input (m,) that was found last."""

    def nearest(self, n: int) -> tuple[NDArray[numpy.float64], NDArray[numpy.int64], NDArray[numpy.float64]] | None:
        """
        Project the middle of the image onto the first n slacks, in the metric of the body.

        Starts from the tight slacks of the call before. Returns the point (d,), the tight
        slacks (k,) and their multipliers (k,); None where rounding stops it.
        """

def reoptimise(table: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], basic: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')], columns: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu')], flipped: Annotated[NDArray[numpy.bool_], dict(shape=(None,), order='C', device='cpu')], limit: int) -> int:
    """
    Pivot from a dual feasible dictionary to an optimal one; return how many pivots.

    `table` (m + 1, 1 + d) float64 writes the basic variables, and the cost in its last
    row, over the nonbasic ones, which are 0; the constant comes first. `basic` (m,) and
    `columns` (d,) int64 name them: v < d is input v, measured from 0, or from 1 where
    `flipped[v]` (d,) bool; others are slacks. All are modified. Returns -1 where no point
    satisfies the rows, or after `limit` pivots.

    Raises:
        ValueError: sizes are at odds.
    """

class TreeWalk:
    """The walk of a subtree on simplex dictionaries."""

    def __init__(self, network: Network, image: Zonotope | None, rows: bool, witness: bool, certify: bool, log: bool) -> None: ...

    def begin(self, prefix: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], counted: int) -> None: ...

    def advance(self, nodes: int) -> Stop:
        """Walk on, at most so many nodes and about 50 ms; return why it stopped."""

    def take(self) -> tuple[NDArray[numpy.uint8], NDArray[numpy.uint16], NDArray[numpy.float64], NDArray[numpy.int32]]:
        """
        Return packed signs, active units, witnesses and decisions since the last call.
        """

    def question(self) -> tuple[int, bool, NDArray[numpy.int64], tuple[NDArray[numpy.int8], NDArray[numpy.int8], NDArray[numpy.int64], NDArray[numpy.float64], NDArray[numpy.int32], NDArray[numpy.int32]]]:
        """
        Return the unit that is asked about (-1: the leaf), whether at the root of its layer, the free units, and the path of the top frame.
        """

    def answer_constant(self, sign: int, basis: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    @overload
    def answer_cuts(self) -> None: ...

    @overload
    def answer_cuts(self, high: tuple[Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]], low: tuple[Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]]) -> None: ...

    def answer_leaf(self, witness: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], exactly: bool) -> None: ...

    def answer_nothing(self, splits: int) -> None:
        """
        There is no such cell, nor any whose path begins with the same ``splits`` splits.
        """

    def path_to(self, t: int) -> tuple[NDArray[numpy.int8], NDArray[numpy.int8], NDArray[numpy.int64], NDArray[numpy.float64], NDArray[numpy.int32], NDArray[numpy.int32]]: ...

    def turn_to(self, t: int) -> None:
        """
        Put the path on what frame t goes on with; to be followed by `turn_back`.
        """

    def turn_back(self) -> None: ...

    def interior(self, t: int) -> bool | None:
        """Tell whether the cell of frame t has an interior; None: unsure."""

    def prefix(self, t: int) -> NDArray[numpy.uint8]:
        """Return the bits of the units that are decided where frame t goes on."""

    @property
    def is_choosing(self) -> bool:
        """Whether a winner is being looked for: then `prefix` says nothing yet."""

    def entered(self, t: int) -> int: ...

    def is_counted(self, arg: int, /) -> bool: ...

    def slacks(self, t: int) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64], NDArray[numpy.float64]]:
        """
        Return the forms (splits, 1 + d) that are positive on the cell of frame t, bounds on their sizes over the box, and on what they are off by.
        """

    @property
    def top(self) -> int: ...

    @property
    def done(self) -> bool: ...

    @property
    def nodes(self) -> int: ...

    @property
    def cells(self) -> int: ...

    @property
    def share(self) -> float: ...

    @property
    def layer_cells(self) -> list[int]: ...

    @property
    def proofs(self) -> int: ...

    @property
    def witnesses(self) -> int: ...

    @property
    def by_structure(self) -> int: ...

    @property
    def cone_proofs(self) -> int: ...

    @property
    def integer_proofs(self) -> int: ...

    @property
    def fine_proofs(self) -> int: ...

    @property
    def fine_witnesses(self) -> int: ...

    @property
    def linear_programs(self) -> int: ...

    @property
    def pivots(self) -> int: ...

    @property
    def rebuilds(self) -> int: ...

class FacetWalk(TreeWalk):
    """The walk of a subtree that finds facets too."""

    def __init__(self, network: Network, sides: bool) -> None: ...

    def take_facets(self) -> tuple[NDArray[numpy.int64], NDArray[numpy.int32], NDArray[numpy.int32], NDArray[numpy.uint8]]:
        """
        Return, of the rows since the last call, where the facets of each end, and how many
        sides of the box are facets (-1: left open); and of the facets the unit, and the packed
        signs beyond if nothing else changes there.
        """

class ThinnedWalk(TreeWalk):
    """The walk of a random part of the tree."""

    def __init__(self, network: Network, image: Zonotope | None, window: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], turn: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], quota: int, growth: float, seed: int, samples: int) -> None: ...

    @property
    def weighted_splits(self) -> NDArray[numpy.float64]: ...

    @property
    def weighted_layer_cells(self) -> NDArray[numpy.float64]: ...

    @property
    def dropped(self) -> NDArray[numpy.int64]: ...

    @property
    def sample(self) -> NDArray[numpy.uint8]: ...

    @property
    def sampled(self) -> NDArray[numpy.float64]: ...

class ScoreWalk:
    """
    Tells which scores are the largest in cells of rows (core/scores.hpp).

    ``network`` has behind the layers of ``table`` the differences of the scores. Raises ValueError where sizes are at odds.
    """

    def __init__(self, network: Network, table: Network, scores: int) -> None: ...

    def begin(self, bits: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)], gaps: bool) -> None:
        """
        Begin with ascending rows (m, units of the table), a byte a unit; say whether the table
        may have cells between them.
        """

    def advance(self) -> bool:
        """Go on for about 50 ms; False where all rows are done."""

    @property
    def wins(self) -> NDArray[numpy.uint32]:
        """
        Of each row the scores that are the largest somewhere in its cell, as bits: one,
        proved; all that may be, where more than one is; or none, where that is left open.
        """

class VertexNetwork:
    """
    A network on a box, every quantity scaled to a size of at most 1 (read only).

    ``inputs`` inputs vary; ``lower`` and ``upper`` have an entry for each, or two for one. Of
    each layer: ``weights``, by neurons, as the places of each neuron's first entry and of the
    end (width + 1,) int64, and the entries' inputs (m,) int64 and float64 numbers (m,);
    ``biases`` (width,) float64; ``exponents`` (width,) int32 of the powers of two by which the
    neurons were divided; ``slopes`` (units,) float64 on the inactive side, the other
    neurons being pass-throughs; ``roundings``: how far a form may be from the true one,
    whether the weights are rounded, and whether all forms are exact; and ``maxima``: the first
    unit of each max of three or more, its numbers, and the pass-through that carries the first
    one. Raises ValueError where sizes do not
    fit, a number is not finite, or something is not scaled.
    """

    def __init__(self, inputs: int, lower: Sequence[float], upper: Sequence[float], weights: Sequence[tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]]], biases: Sequence[Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]], exponents: Sequence[Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)]], slopes: Sequence[Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]], roundings: Sequence[tuple[float, bool, bool]], maxima: Sequence[Sequence[tuple[int, int, int]]]) -> None: ...

    @property
    def dimension(self) -> int: ...

    @property
    def central(self) -> bool:
        """Whether there are no biases."""

class VertexWalk2:
    """
    The walk of a subtree on polytopes that are kept by their vertices.

    ``room`` is how many rows it finds until they are taken; where it is 0, it only
    counts. Raises ValueError where the network has another dimension.
    """

    def __init__(self, network: VertexNetwork, room: int) -> None: ...

    def begin(self, prefix: bytes, counted: int) -> None:
        """
        Begin the walk of a subtree: the signs of the first units, a byte (0 or 1) each, and for
        how many layers another subtree counts the layer-k cell on this path.
        """

    def give_up(self) -> None:
        """
        Leave the whole subtree to exact arithmetic; to be called right after `begin`.
        """

    def advance(self, nodes: int) -> Stop:
        """
        Walk on for at most ``nodes`` tree nodes, and about 50 ms; return why it stopped.
        """

    def take(self) -> tuple[NDArray[numpy.uint8], NDArray[numpy.uint16], NDArray[numpy.int32], NDArray[numpy.float64]]:
        """
        Take the rows found: packed signs (rows, bytes) uint8, active units (rows, layers)
        uint16, ranks (rows, layers) int32, -1 where unproved, and witnesses (rows, inputs).
        """

    def skip(self, share: float) -> None:
        """
        Go on behind the unsure subtree, of which exact arithmetic did this share.
        """

    def rest(self) -> list[tuple[bytes, int]]:
        """
        Return the subtrees that are not walked, as (prefix, counted), in table order; the
        first is the one in hand.
        """

    @property
    def done(self) -> bool: ...

    @property
    def unsure(self) -> bool:
        """Whether the cell in hand is left to exact arithmetic."""

    @property
    def found(self) -> int:
        """Rows that can be taken."""

    @property
    def cells(self) -> int: ...

    @property
    def layer_cells(self) -> list[int]: ...

    @property
    def nodes(self) -> int: ...

    @property
    def share(self) -> float:
        """The share of the domain's tree that is done."""

    @property
    def proved(self) -> int:
        """Signs of units on cells that were proved."""

    @property
    def touching(self) -> int:
        """Those of them that rest on a zero at a vertex."""

    @property
    def vertices(self) -> int:
        """Vertices computed."""

class VertexWalk3:
    """
    The walk of a subtree on polytopes that are kept by their vertices.

    ``room`` is how many rows it finds until they are taken; where it is 0, it only
    counts. Raises ValueError where the network has another dimension.
    """

    def __init__(self, network: VertexNetwork, room: int) -> None: ...

    def begin(self, prefix: bytes, counted: int) -> None:
        """
        Begin the walk of a subtree: the signs of the first units, a byte (0 or 1) each, and for
        how many layers another subtree counts the layer-k cell on this path.
        """

    def give_up(self) -> None:
        """
        Leave the whole subtree to exact arithmetic; to be called right after `begin`.
        """

    def advance(self, nodes: int) -> Stop:
        """
        Walk on for at most ``nodes`` tree nodes, and about 50 ms; return why it stopped.
        """

    def take(self) -> tuple[NDArray[numpy.uint8], NDArray[numpy.uint16], NDArray[numpy.int32], NDArray[numpy.float64]]:
        """
        Take the rows found: packed signs (rows, bytes) uint8, active units (rows, layers)
        uint16, ranks (rows, layers) int32, -1 where unproved, and witnesses (rows, inputs).
        """

    def skip(self, share: float) -> None:
        """
        Go on behind the unsure subtree, of which exact arithmetic did this share.
        """

    def rest(self) -> list[tuple[bytes, int]]:
        """
        Return the subtrees that are not walked, as (prefix, counted), in table order; the
        first is the one in hand.
        """

    @property
    def done(self) -> bool: ...

    @property
    def unsure(self) -> bool:
        """Whether the cell in hand is left to exact arithmetic."""

    @property
    def found(self) -> int:
        """Rows that can be taken."""

    @property
    def cells(self) -> int: ...

    @property
    def layer_cells(self) -> list[int]: ...

    @property
    def nodes(self) -> int: ...

    @property
    def share(self) -> float:
        """The share of the domain's tree that is done."""

    @property
    def proved(self) -> int:
        """Signs of units on cells that were proved."""

    @property
    def touching(self) -> int:
        """Those of them that rest on a zero at a vertex."""

    @property
    def vertices(self) -> int:
        """Vertices computed."""

def locate_vertex(forms: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], error: float) -> tuple[list[float], float]:
    """
    Return where the planes ``forms`` (D, D + 1) meet, and a bound on its distance to the
    vertex of the true planes, whose forms differ by up to ``error``; infinity if unknown.
    """

def vertex_forms(network: VertexNetwork, active: Sequence[bytes]) -> NDArray[numpy.float64]:
    """
    Return the forms (D + 1, at least width) of the layer behind those whose units' signs are
    given, a byte (0 or 1) each.
    """

def vertex_signs(network: VertexNetwork, point: Sequence[float], blur: float) -> tuple[list[int], list[int]]:
    """
    Return the units of the first layer that may cut the box, and the signs (+1, -1, or 0:
    not proved) they have at a vertex that is within ``blur`` of ``point``.
    """

PRIME: int = 2147483647

def residue(x: int) -> int:
    """Return x, which is below 2^63, modulo the prime."""

class Ranks:
    """
    Finds ranks of rows of a cell table, given in order, by elimination modulo a prime.

    ``inputs`` is their number. Of each layer: ``weights`` (width, inputs of the layer) uint32
    modulo the prime, and ``slopes`` (units,) uint32: the slopes on the inactive side modulo the
    prime, the prime itself for a multiple of it that is not 0; the other neurons are
    pass-throughs. ``clips`` has the first neuron of each clip, ``maxima`` the first neuron, the
    pieces and the base of each max. Raises ValueError where something does not fit.
    """

    def __init__(self, inputs: int, weights: Sequence[Annotated[NDArray[numpy.uint32], dict(shape=(None, None), order='C', device='cpu', writable=False)]], slopes: Sequence[Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)]], clips: Sequence[Sequence[int]], maxima: Sequence[Sequence[tuple[int, int, int]]]) -> None: ...

    def begin(self) -> None:
        """Begin with the rows of another table."""

    def rank_rows(self, signs: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> tuple[NDArray[numpy.uint16], NDArray[numpy.uint8]]:
        """
        Return the ranks (rows, layers) uint16 of packed sign vectors (rows, bytes) uint8, and
        where they are tight (rows, layers) uint8: proved, if the rank at the layer before is.
        """

class Ended(enum.Enum):
    """How a descent ended."""

    OPTIMAL = 0
    """At the lowest value, or surely above 0."""

    CROSSED = 1
    """Below 0."""

    STALLED = 2
    """Nowhere."""

class Workbench:
    """
    One dictionary and all that works on it, for tests (core/workbench.hpp).

    Raises ValueError or IndexError where something asked for is not there.
    """

    def __init__(self, network: Network) -> None: ...

    def pull_back(self, layer: int) -> None:
        """Compute the forms of a layer's units on the path's cell."""

    def follow(self, signs: Sequence[int], splits: Sequence[int]) -> None:
        """
        Put the path on a cell: signs of the first units (0: zero there), and its splits.
        """

    def rebuild(self, column: Sequence[int], at_upper: Sequence[bool]) -> None:
        """
        Write the slacks of the splits over a basis (d,) of nonbasic variables.
        """

    def add_layer(self, layer: int) -> None:
        """Put the units of a layer before the other rows, in descending order."""

    def put_rows(self, value: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], cap: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], free: int) -> None:
        """
        Put rows (rows, 1 + d), the constant first, and their caps in place of all rows.
        """

    def pivot(self, row: int, column: int) -> None: ...

    def step_along(self, column: int) -> bool:
        """Move along a column to the next vertex; False where nothing blocks."""

    def entering(self, row: int, side: float) -> tuple[int, float]:
        """
        Return the column that lowers side times a row most (-1: none), and a bound on it.
        """

    def descend(self, row: int, side: float) -> Ended: ...

    def holds(self, unit: int, row: int, side: float) -> bool:
        """Prove that side times a unit is positive on the cell, by its row."""

    def holds_at_basis(self, unit: int, row: int, side: float) -> bool:
        """The same inside the cell, by the multipliers of the basis."""

    def holds_in_integers(self, unit: int, row: int, side: float) -> bool:
        """The same inside the cell where forms are exact in float64."""

    def has_signs_of_path(self, x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bool:
        """Prove that a point is in the box and has the signs of the path."""

    def is_inside(self, x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bool:
        """Prove that a point is in the box, on the path's sides of its splits."""

    def look(self) -> list[int]:
        """Return the signs that the screen proves of the free rows (0: nothing)."""

    def ceilings(self) -> list[float]:
        """Return proved bounds on the displacement of each column in the cell."""

    def ceiling_in_box(self, variable: int) -> float: ...

    def inner_point(self) -> None: ...

    def mean_of_vertices(self) -> None:
        """Moves the dictionary."""

    @property
    def dictionary(self) -> tuple[NDArray[numpy.float64], int, NDArray[numpy.int32], NDArray[numpy.float64], NDArray[numpy.int32], NDArray[numpy.int32]]:
        """
        (value (rows, 1 + d), number of free rows, row, cap, column, at_upper).
        """

    @property
    def point(self) -> NDArray[numpy.float64]: ...

    @property
    def forms(self) -> NDArray[numpy.float64]:
        """The forms (units, 1 + d), constant first; bounds follow."""

    @property
    def form_size(self) -> NDArray[numpy.float64]: ...

    @property
    def form_error(self) -> NDArray[numpy.float64]: ...

    @property
    def scale(self) -> NDArray[numpy.float64]: ...

MOST_REMEMBERED_UNITS: int = 62

def patterns(walk: TreeWalk) -> list[list[tuple[int, int]]]:
    """
    Return what a walk remembers of the layer-k cells on its path: signs, as lists of (unit,
    1 or -1), that no cell in them has all together.
    """

def ratio_test(constant: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], slope: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], cap: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], first: int, end: int) -> tuple[int, float]:
    """
    Return the row from `first` to `end` that blocks first (-1: none), and the step.
    """

def weighted_sum(start: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], rows: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.float64]:
    """
    Return start + weights @ rows, term after term; rows are whole vectors.
    """

class LayerMap:
    """An affine map, dense or sparse (core/layer_map.hpp)."""

    def __init__(self, weight: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu', writable=False)], bias: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    @property
    def is_sparse(self) -> bool: ...

    def apply(self, a: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.float64]:
        """Return W a + b."""

    def combine(self, input: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], factor: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], sizes: bool) -> NDArray[numpy.float64]:
        """
        Return b plus factors times columns of W, or the sum of the columns' sizes.
        """
