"""Whatever it is given, the core works or raises: it never reads or writes where it should not.

What comes out of nonsense does not matter here. A build with checks of memory (`make
test-sanitized`) ends at the first wrong access; an ordinary one might crash.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnce_cli import _core
from tests.strategies import examples

REFUSED = (ValueError, TypeError, IndexError, OverflowError, MemoryError)
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 1e300, -1e300, 1e-310, 5e-324]
NONSENSE = [*NUMBERS, np.nan, np.inf, -np.inf]
COUNTS = [-(2**63), -(2**31), -1, 0, 1, 2, 3, 7, 40, 2**31, 2**62, 2**63 - 1, 2**64]
PLACES = [-(2**63), -7, -1, 0, 1, 2, 3, 5, 30, 2**31 - 1, 2**62]


def attempt(call, *args, **keywords):
    """Return what a call gives; None where it refuses its arguments."""
    try:
        return call(*args, **keywords)
    except REFUSED:
        return None


@st.composite
def arrays(draw, *shape, numbers=NUMBERS, dtype=np.float64):
    """Draw an array of this shape and type; now and then another one, or laid out otherwise."""
    kind = draw(
        st.sampled_from([*["right"] * 12, "shape", "axes", "type", "strides", "order", "none"])
    )
    if kind == "shape":
        shape = tuple(max(0, n + draw(st.integers(-2, 2))) for n in shape)
    if kind == "axes":
        shape = draw(st.sampled_from([(), (0,), (*shape, 2), shape[:-1]]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = random.choice(np.array(numbers), size=shape)
    made = made.astype(dtype)
    if kind == "type":
        return made.astype(draw(st.sampled_from(["f4", "i8", "u1", "c16", "O", "U3"])))
    if kind == "strides" and made.ndim:
        return np.repeat(made, 2, axis=-1)[..., ::-2]
    if kind == "order":
        made = np.asfortranarray(made)
        made.flags.writeable = False
    return None if kind == "none" else made


def drawn(draw, *shape, **how):
    return draw(arrays(*shape, **how))


pytestmark = pytest.mark.filterwarnings(
    "ignore::numpy.exceptions.ComplexWarning", "ignore::RuntimeWarning"
)


# Networks --------------------------------------------------------------------------------------


def draw_layer(draw, n_in, numbers):
    """Draw the tuple of a layer, and how many neurons it should have."""
    n_out = draw(st.integers(0, 6))
    units = draw(st.sampled_from([n_out, n_out, n_out, max(0, n_out - 1), *COUNTS]))
    n_units = min(max(units, 0), 7)
    layer = (
        drawn(draw, n_out, n_in, numbers=numbers),
        drawn(draw, n_out, numbers=numbers),
        units,
        drawn(draw, n_units, numbers=[0.0, 0.0, 0.0, *numbers]),
        drawn(draw, n_units, numbers=[1e-12, np.inf, np.nan, 0.0, -1.0]),
        draw(st.booleans()),
        draw(
            st.lists(
                st.tuples(st.sampled_from(COUNTS), st.sampled_from([*COUNTS, 3, 4])), max_size=2
            )
        ),
    )
    return layer, n_out


@examples(150)
@given(st.data())
def test_networks(data):
    draw = data.draw
    d = draw(st.integers(0, 6))
    numbers = draw(st.sampled_from([NUMBERS, NONSENSE]))
    box = drawn(draw, d, numbers=[-1.0, -2.0]), drawn(draw, d, numbers=[1.0, 1e308, np.nan, np.inf])
    layers, n_in = [], d
    for _ in range(draw(st.integers(0, 3))):
        layer, n_in = draw_layer(draw, n_in, numbers)
        layers.append(layer)
    network = attempt(_core.Network, *box, drawn(draw, d, numbers=[2.0, np.inf, -1.0]), layers)
    if network is not None:
        walk = _core.TreeWalk(network, None, rows=True, witness=True, certify=True, log=False)
        do_anything(draw, walk, d, network.units)


def network_of(weights, biases, slopes=None, maxima=()):
    """Return a well-formed network on [-1, 1]^d; ``maxima`` are those of its first layer."""
    d = weights[0].shape[1]
    layers = [
        (
            w,
            b,
            len(b),
            np.zeros(len(b)) if slopes is None else slopes,
            np.full(len(b), 1e-12),
            False,
            bool(b.any()),
            list(maxima) if k == 0 else [],
        )
        for k, (w, b) in enumerate(zip(weights, biases, strict=True))
    ]
    return _core.Network(-np.ones(d), np.ones(d), np.ones(d), layers)


def small_network(draw, log):
    """Draw a network of small integers without biases, whose walk has many questions.

    A walk with a log knows no maxima.
    """
    d, widths = draw(
        st.sampled_from([(1, (3,)), (2, (4, 3)), (3, (5, 4)), (5, (9, 2)), (2, (3, 3, 3))])
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights, n_in = [], d
    for n in widths:
        weights.append(random.integers(-1, 2, (n, n_in)) * 1.0)
        n_in = n
    maxima = [(0, 3)] if not log and draw(st.booleans()) else []
    return network_of(weights, [np.zeros(n) for n in widths], maxima=maxima)


# Walks -----------------------------------------------------------------------------------------


def draw_frame(draw, d, units, rows):
    """Draw a dictionary, as exact arithmetic would give it for `answer_cuts`."""
    free = draw(st.integers(0, 4))
    variables = [*range(d + units), -1, d + units, 2**31 - 1]
    return (
        drawn(draw, rows, 1 + d, numbers=NONSENSE),
        drawn(draw, max(0, rows - free), numbers=variables, dtype=np.int32),
        drawn(draw, d, numbers=variables, dtype=np.int32),
        drawn(draw, d, numbers=[0, 1, 255], dtype=np.uint8),
    )


def draw_fitting(draw):
    """Draw how many rows more a frame of the right sizes has, and where its numbers come from.

    A walk also stops after a time, so nothing that is drawn may depend on where it stands.
    """
    return draw(st.integers(0, 4)), draw(st.integers(0, 2**32 - 1))


def fitting_frame(d, units, walk, more, seed):
    """Return a dictionary of the right sizes, with other numbers and variables."""
    free = len(walk.question()[2])
    random = np.random.default_rng(seed)
    return (
        random.choice(NONSENSE, size=(free + more, 1 + d)),
        random.integers(0, d + units, more).astype(np.int32),
        random.integers(0, d + units, d).astype(np.int32),
        random.integers(0, 2, d).astype(np.uint8),
    )


def draw_basis(draw, d, units):
    size = draw(st.sampled_from([0, 1, 2, 2 * d, 2 * d + 2, 50]))
    return drawn(draw, size, numbers=[-1, 0, d, units, 2**31 - 1], dtype=np.int32)


OPERATIONS = [
    *["advance"] * 6, "begin", "take", "question", "constant", "cuts", "frames", "fitting", "leaf",
    "nothing", "read", "turn",
]  # fmt: skip


def do_one(draw, walk, d, units):
    """Ask something of a walk, or answer it, in turn or not."""
    operation, t = draw(st.sampled_from(OPERATIONS)), draw(st.sampled_from(PLACES))
    if operation == "advance":
        attempt(walk.advance, draw(st.sampled_from([1, 1, 3, *COUNTS])))
    elif operation == "begin":
        length = draw(st.sampled_from([0, 1, units, units + 1]))
        prefix = drawn(draw, length, numbers=[0, 1, 2, 255], dtype=np.uint8)
        attempt(walk.begin, prefix, draw(st.sampled_from(PLACES)))
    elif operation == "take":
        walk.take()
    elif operation == "question":
        attempt(walk.question)
    elif operation == "constant":
        attempt(walk.answer_constant, draw(st.integers(-2, 2)), draw_basis(draw, d, units))
    elif operation == "cuts":
        attempt(walk.answer_cuts)
    elif operation == "frames":
        rows = draw(st.integers(0, d + units + 8))
        attempt(walk.answer_cuts, *(draw_frame(draw, d, units, rows) for _ in range(2)))
    elif operation == "fitting":
        how = [draw_fitting(draw) for _ in range(2)]
        if not walk.done:
            attempt(walk.answer_cuts, *(fitting_frame(d, units, walk, *h) for h in how))
    elif operation == "leaf":
        witness = drawn(draw, d, numbers=NONSENSE)
        attempt(walk.answer_leaf, witness, exactly=draw(st.booleans()))
    elif operation == "nothing":
        attempt(walk.answer_nothing, draw(st.integers(-1, units + 1)))
    elif operation == "read":
        for read in (
            walk.path_to,
            walk.interior,
            walk.prefix,
            walk.entered,
            walk.is_counted,
            walk.slacks,
        ):
            attempt(read, t)
        _core.patterns(walk)
    elif operation == "turn":
        attempt(walk.turn_to, t)
        if draw(st.booleans()):
            walk.turn_back()


def do_anything(draw, walk, d, units):
    for _ in range(draw(st.integers(1, 25))):
        do_one(draw, walk, d, units)
    assert walk.cells >= 0


@examples(150)
@given(st.data())
def test_answers_out_of_turn(data):
    flags = data.draw(st.tuples(*[st.booleans()] * 4))
    network = small_network(data.draw, log=flags[3])
    names = ("rows", "witness", "certify", "log")
    walk = _core.TreeWalk(network, None, **dict(zip(names, flags, strict=True)))
    do_anything(data.draw, walk, network.d, network.units)


@examples(150)
@given(st.data())
def test_wrong_answers(data):
    """Every question is answered, by whatever would be possible: mostly wrong."""
    log = data.draw(st.booleans())
    network = small_network(data.draw, log)
    walk = _core.TreeWalk(network, None, rows=True, witness=True, certify=True, log=log)
    for _ in range(40):
        answer = data.draw(st.sampled_from(["nothing", *["constant"] * 2, *["cuts"] * 2]))
        side, share = data.draw(st.integers(-1, 1)), data.draw(st.floats(0, 1))
        number = data.draw(st.sampled_from(NONSENSE))
        how = [draw_fitting(data.draw) for _ in range(2)]
        if walk.advance(20) == _core.Stop.UNSURE:
            unit, at_root, _, arrays = walk.question()
            if answer == "nothing":
                walk.answer_nothing(round(share * len(arrays[2])))
            elif unit < 0:
                walk.answer_leaf(np.full(network.d, number), exactly=True)
            elif answer == "constant":
                walk.answer_constant(side, np.zeros(0, np.int32))
            elif at_root:
                walk.answer_cuts()
            else:
                frames = (fitting_frame(network.d, network.units, walk, *h) for h in how)
                attempt(walk.answer_cuts, *frames)
        if data.draw(st.booleans()):
            walk.take()
        for t in range(walk.top + 1):
            walk.interior(t)


def test_a_walk_that_is_done_has_no_question():
    network = network_of([np.ones((1, 1))], [np.zeros(1)])
    walk = _core.TreeWalk(network, None, rows=True, witness=True, certify=False, log=False)
    while walk.advance(10) != _core.Stop.DONE:
        pass
    for call in (
        walk.question,
        walk.answer_cuts,
        lambda: walk.answer_constant(1, np.zeros(0, np.int32)),
        lambda: walk.answer_leaf(np.zeros(1), True),
        lambda: walk.answer_nothing(0),
        lambda: walk.path_to(0),
        lambda: walk.slacks(-1),
        lambda: walk.is_counted(1),
    ):
        with pytest.raises((ValueError, IndexError)):
            call()
    assert walk.top == -1


def test_only_what_was_asked_is_answered():
    """Cutting is no answer to a walk that paused, nor twice the same to one that asked."""
    network = network_of([np.eye(2)], [np.zeros(2)])
    walk = _core.TreeWalk(network, None, rows=True, witness=True, certify=True, log=False)
    with pytest.raises(ValueError, match="not asked"):
        walk.answer_constant(1, np.zeros(0, np.int32))
    # Three lines that meet in a point, of numbers too far apart for elimination in 128 bits.
    weight = np.array([[1.0 + 2.0**-20, 2.0**-40], [1.0, -(2.0**-40)]])
    bias = np.array([2.0**-41, -(2.0**-41)])
    weight, bias = np.vstack([weight, weight.sum(axis=0)]), np.append(bias, bias.sum())
    walk = _core.TreeWalk(
        network_of([weight], [bias]), None, rows=True, witness=True, certify=True, log=False
    )
    while walk.advance(10) != _core.Stop.UNSURE:
        assert not walk.done
    walk.answer_constant(1, np.zeros(0, np.int32))
    with pytest.raises(ValueError, match="not asked"):
        walk.answer_constant(1, np.zeros(0, np.int32))


@examples(100)
@given(st.data())
def test_thinned_walks(data):
    draw = data.draw
    network = small_network(draw, log=False)
    stages = network.units + draw(st.sampled_from([1, 2, 2, 2, 3]))
    walk = attempt(
        _core.ThinnedWalk, network, None,
        drawn(draw, stages, numbers=NONSENSE), drawn(draw, stages, numbers=NONSENSE),
        draw(st.sampled_from([1, 2, *COUNTS])), draw(st.sampled_from(NONSENSE)),
        draw(st.sampled_from([0, 1, 2**64 - 1])), draw(st.sampled_from([1, 5, -1, 0, 2**62])),
    )  # fmt: skip
    if walk is not None:
        do_anything(draw, walk, network.d, network.units)
        assert walk.sample.shape[0] == walk.sampled.size


# Images ----------------------------------------------------------------------------------------


@st.composite
def images(draw):
    """Draw the arguments of an image."""
    d, m = draw(st.integers(0, 5)), draw(st.integers(0, 9))
    numbers = draw(st.sampled_from([NUMBERS, NUMBERS, NONSENSE]))
    shapes = {
        "linear": (d, m), "magnitude": (d,), "lower": (m,), "upper": (m,), "centre": (m,),
        "half": (m,), "middle": (d,), "generator": (d, m), "gram": (d, d), "inverse": (d, d),
        "transform": (d, d), "metric": (d, d), "reach": (d, m),
    }  # fmt: skip
    made = {name: drawn(draw, *shape, numbers=numbers) for name, shape in shapes.items()}
    made |= {name: draw(st.sampled_from([0.0, 1.0, *NONSENSE])) for name in ("inexact", "radius")}
    return made


@examples(200)
@given(st.data())
def test_images_and_cells_in_them(data):
    draw = data.draw
    arguments = draw(images())
    image = attempt(_core.Zonotope, **arguments)
    if image is None:
        return
    d, m = arguments["linear"].shape
    n = draw(st.integers(0, 6))
    cell = attempt(_core.ImageCell, image, drawn(draw, n, 1 + d), drawn(draw, n), drawn(draw, n))
    if cell is not None:
        attempt(cell.settle, drawn(draw, d), draw(st.booleans()))
        attempt(cell.input_holds, drawn(draw, m, numbers=NONSENSE))
        count = draw(st.integers(0, 12))
        slacks = drawn(draw, count, numbers=[-1, 0, 1, 5, n, 2**62], dtype=np.int64)
        attempt(cell.multipliers_hold, slacks, drawn(draw, count))
        attempt(cell.nearest, draw(st.sampled_from([*PLACES, n])))
        assert cell.x.shape == (m,)
    weights = np.random.default_rng(n).normal(size=(4, d))
    network = network_of([weights, np.eye(4)], [np.zeros(4), -np.ones(4)])
    walk = attempt(_core.TreeWalk, network, image, rows=True, witness=True, certify=True, log=False)
    if walk is not None:
        do_anything(draw, walk, m, network.units)


# Vertices --------------------------------------------------------------------------------------


PLACES = [0, 1, 2, 3, 4, -1, 2**62]


@st.composite
def vertex_networks(draw):
    """Draw the arguments of a network for the walk on vertices, mostly scaled as it should be."""
    inputs = draw(st.sampled_from([1, 2, 2, 3, 3, 0, 4]))
    dimension = max(inputs, 2) if draw(st.integers(0, 9)) else draw(st.integers(0, 5))
    numbers = draw(st.sampled_from([[0.125, -0.125, 0.0, -0.0625], NONSENSE]))
    weights, biases, exponents, slopes, maxima, n_in = [], [], [], [], [], dimension
    for _ in range(draw(st.integers(0, 3))):
        width = draw(st.integers(0, 7))
        units = draw(st.sampled_from([width, max(0, width - 1), 0]))
        weights.append(draw_entries(draw, width, n_in, numbers))
        biases.append(drawn(draw, width, numbers=numbers))
        exponents.append(drawn(draw, width, numbers=[0, 1, -1, -(2**31)], dtype=np.int32))
        slopes.append(drawn(draw, units, numbers=[0.0, 0.0, 0.0, -1.0, np.nan]))
        most = draw(st.sampled_from([3, 3, 4, *COUNTS]))
        fits = [(draw(st.sampled_from([0, 0, 1, *COUNTS])), most, max(0, width - 1))]
        maxima.append(fits if draw(st.booleans()) else [])
        n_in = width
    errors = draw(
        st.lists(
            st.sampled_from([0.0, 1e-15, 1.0, np.nan]), min_size=len(weights), max_size=len(weights)
        )
    )
    bound = draw(st.sampled_from([1.0, 1.0, 0.5, 2.0, -1.0, np.nan]))
    roundings = [(error, draw(st.booleans()), draw(st.booleans())) for error in errors]
    box = [-bound] * dimension, [bound] * dimension
    return inputs, *box, weights, biases, exponents, slopes, roundings, maxima


def draw_entries(draw, width, n_in, numbers):
    """Draw the entries of a matrix, mostly in order."""
    dense = drawn(draw, width, n_in, numbers=numbers)
    if np.shape(dense) != (width, n_in) or draw(st.integers(0, 19)) == 0:
        return tuple(
            np.array(draw(st.lists(st.sampled_from(some), max_size=4)), kind)
            for some, kind in [(PLACES, np.int64), (PLACES, np.int64), (numbers, np.float64)]
        )
    row, column = np.nonzero(dense)
    return np.searchsorted(row, np.arange(width + 1)), column, dense[row, column].copy()


@examples(200)
@given(st.data())
def test_walks_on_vertices(data):
    draw = data.draw
    network = attempt(_core.VertexNetwork, *draw(vertex_networks()))
    if network is None:
        return
    depth = draw(st.integers(0, 3))
    signs = [bytes(draw(st.lists(st.integers(0, 2), max_size=5))) for _ in range(depth)]
    attempt(_core.vertex_forms, network, signs)
    attempt(_core.vertex_signs, network, draw(st.lists(st.sampled_from(NONSENSE), max_size=4)), 0.0)
    kind = draw(st.sampled_from([_core.VertexWalk2, _core.VertexWalk3]))
    walk = attempt(kind, network, draw(st.sampled_from([0, 1, 2, 64, -1, 2**62])))
    if walk is None:
        return
    for _ in range(draw(st.integers(1, 20))):
        operation = draw(
            st.sampled_from(
                ["advance", "advance", "begin", "begin", "give_up", "take", "skip", "rest"]
            )
        )
        if operation == "advance":
            attempt(walk.advance, draw(st.sampled_from([1, 3, 40, *COUNTS])))
        elif operation == "begin":
            prefix = bytes(draw(st.lists(st.integers(0, 2), max_size=8)))
            attempt(walk.begin, draw(st.sampled_from([b"", prefix])), draw(st.integers(-1, 4)))
        elif operation == "skip":
            walk.skip(draw(st.sampled_from(NONSENSE)))
        else:
            getattr(walk, operation)()
    assert walk.cells >= 0


# Small parts -----------------------------------------------------------------------------------


@examples(200)
@given(st.data())
def test_the_workbench(data):
    draw = data.draw
    network = small_network(draw, log=False)
    d, units, bench = network.d, network.units, _core.Workbench(network)
    variables = [*range(d + units), -1, d + units, 2**62]
    for _ in range(draw(st.integers(1, 25))):
        operation = draw(st.sampled_from([
            "pull_back", "follow", "rebuild", "add_layer", "put_rows", "pivot", "step_along",
            "descend", "holds", "proofs", "look", "points",
        ]))  # fmt: skip
        place, side = draw(st.sampled_from(PLACES)), draw(st.sampled_from(NONSENSE))
        if operation == "follow":
            signs = draw(st.lists(st.integers(-1, 1), max_size=units + 1))
            attempt(bench.follow, signs, draw(st.lists(st.integers(-1, units), max_size=units)))
        elif operation == "rebuild":
            column = draw(st.permutations(variables))[: d + draw(st.sampled_from([0, 0, 0, 1]))]
            attempt(bench.rebuild, column, draw(st.lists(st.booleans(), min_size=d, max_size=d)))
        elif operation == "put_rows":
            rows = draw(st.integers(0, units + 1))
            caps = drawn(draw, rows, numbers=[np.inf, 1.0, np.nan, -1.0])
            attempt(bench.put_rows, drawn(draw, rows, 1 + d, numbers=NONSENSE), caps, place)
        elif operation == "pivot":
            attempt(bench.pivot, place, draw(st.sampled_from(PLACES)))
        elif operation == "descend":
            attempt(bench.entering, place, side)
            attempt(bench.descend, place, side)
        elif operation == "holds":
            attempt(bench.holds, place, draw(st.sampled_from(PLACES)), side)
        elif operation == "proofs":
            point = drawn(draw, d, numbers=NONSENSE)
            attempt(bench.has_signs_of_path, point)
            attempt(bench.is_inside, point)
        elif operation == "look":
            attempt(bench.look)
            attempt(bench.ceiling_in_box, place)
            bench.ceilings()
        elif operation == "points":
            bench.inner_point()
            bench.mean_of_vertices()
        else:
            attempt(getattr(bench, operation), place)
    assert bench.dictionary[0].shape[1] == 1 + d


@examples(150)
@given(st.data())
def test_small_functions(data):
    draw = data.draw
    n, m = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    columns = [drawn(draw, n, numbers=NONSENSE) for _ in range(3)]
    attempt(_core.ratio_test, *columns, *draw(st.tuples(*[st.sampled_from(PLACES)] * 2)))
    wide = 4 * m + draw(st.sampled_from([0, 0, 1]))
    attempt(_core.weighted_sum, drawn(draw, wide), drawn(draw, n, wide), drawn(draw, n))
    attempt(_core.locate_vertex, drawn(draw, n, n + 1, numbers=NONSENSE), 1e-15)
    attempt(
        _core.locate_vertex, drawn(draw, 2, 3, numbers=NONSENSE), draw(st.sampled_from(NONSENSE))
    )
    affine = attempt(_core.LayerMap, drawn(draw, n, m, numbers=NONSENSE), drawn(draw, n))
    if affine is not None:
        attempt(affine.apply, drawn(draw, m))
        count = draw(st.integers(0, 9))
        inputs = drawn(draw, count, numbers=[*range(m), -1, m, 2**62], dtype=np.int64)
        attempt(affine.combine, inputs, drawn(draw, count), draw(st.booleans()))
    table = drawn(draw, m + 1, n + 1, numbers=NONSENSE)
    basic, nonbasic = (
        drawn(draw, k, numbers=[0, 1, 2, 9, -1, 2**62], dtype=np.int64) for k in (m, n)
    )
    flipped = drawn(draw, n, numbers=[False, True], dtype=bool)
    attempt(_core.reoptimise, table, basic, nonbasic, flipped, draw(st.integers(-1, 30)))


@examples(150)
@given(st.data())
def test_ranks(data):
    draw = data.draw
    inputs = draw(st.sampled_from([*COUNTS, 2, 3, 3]))
    residues = [0, 1, 2, _core.PRIME - 1, _core.PRIME, 2**32 - 1]
    weights, slopes, units, n_in = [], [], [], min(max(inputs, 0), 5)
    for _ in range(draw(st.integers(0, 3))):
        width = draw(st.integers(0, 5))
        weights.append(drawn(draw, width, n_in, numbers=residues[:4], dtype=np.uint32))
        slopes.append(drawn(draw, draw(st.integers(0, width)), numbers=residues, dtype=np.uint32))
        units.append(0 if slopes[-1] is None else slopes[-1].size)
        n_in = width
    numbers = st.sampled_from([*COUNTS, 3])
    clips = [draw(st.lists(numbers, max_size=2)) for _ in weights]
    maxima = [draw(st.lists(st.tuples(numbers, numbers, numbers), max_size=1)) for _ in weights]
    ranks = attempt(_core.Ranks, inputs, weights, slopes, clips, maxima)
    if ranks is not None:
        ranks.begin()
        width = sum((n + 7) // 8 for n in units)
        for rows in (0, 1, 5):
            attempt(
                ranks.rank_rows, drawn(draw, rows, width, numbers=[0, 128, 255], dtype=np.uint8)
            )
    attempt(_core.residue, draw(st.sampled_from([-1, 0, 2**62, 2**63, 2**64])))
