"""Points on pictures: those of a slice, and data projected onto the plane."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex

from nnce_cli.base.errors import InputError
from nnce_cli.domain import Box, Polyhedron, Slice, on_slice
from nnce_cli.plotting import Marks, Plane, draw_cells, our_style, read_data
from nnce_cli.plotting.classes import classes
from nnce_cli.plotting.map_data import map_data
from nnce_cli.plotting.style import class_colour
from tests.cases import cube
from tests.oracles.naive import stack_of
from tests.plotting.test_plot_figures import assert_whole
from tests.plotting.test_polyhedra import drawn
from tests.strategies import examples

POINTS = [[0.0, 0, 0, 0], [2.0, 0, 0, 0], [0.0, 1, 1, 0]]


def network(inputs: int = 4, neurons: int = 5, seed: int = 0):
    generator = np.random.default_rng(seed)
    layer = (generator.integers(-3, 4, (neurons, inputs)), generator.integers(-3, 4, neurons))
    return stack_of(layer)


def plane_of(points=POINTS, domain=None) -> Plane:
    plane = Slice(np.array(points))
    return Plane.of(on_slice(network(), plane), domain or cube(plane.dimension, 0, 1))


def test_the_points_of_a_slice_and_data_by_hand():
    data = np.array([[1.0, 0.5, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0], [4.0, 0.0, 0.0, -3.0]])
    marks = Marks.of(plane_of(), data)
    assert marks.labels == ("p0", "p1", "p2")
    assert marks.places[:3].tolist() == [[0, 0], [1, 0], [0, 1]]
    # (0, 1, 0, 0) is half-way between (0, 1/2, 1/2, 0), on the plane, and (0, 1/2, -1/2, 0).
    assert marks.places[3:] == pytest.approx(np.array([[0.5, 0.5], [0, 0.5], [2, 0]]))
    assert marks.distances == pytest.approx([0, 0, 0, 0, 0.5**0.5, 3])
    assert marks.within(plane_of()).tolist() == [True] * 5 + [False]
    assert marks.opacities[:4] == pytest.approx(1)
    assert 1 > marks.opacities[4] > marks.opacities[5] > 0


@examples(36)
@given(st.data())
def test_a_projection_is_orthogonal_and_nearest(data):
    """What is left of a point is orthogonal to the steps of the slice, and as long as it says."""
    seed, n = data.draw(st.integers(0, 10**6)), data.draw(st.integers(2, 6))
    generator = np.random.default_rng(seed)
    points = generator.integers(-3, 4, (data.draw(st.integers(2, 3)), n)).astype(float)
    steps = points[1:] - points[0]
    if np.linalg.matrix_rank(steps) < len(steps):
        return
    stack = on_slice(network(n, seed=seed), Slice(points))
    inputs = generator.normal(size=(5, n))
    marks = Marks.of(Plane.of(stack, cube(len(steps), -1, 2)), inputs)
    assert marks.places[: len(points), : len(steps)] == pytest.approx(
        np.eye(len(points))[:, 1:], abs=1e-9
    )
    u = marks.places[len(points) :, : len(steps)]
    rest = inputs - points[0] - u @ steps
    assert np.abs(rest @ steps.T).max() < 1e-9
    assert marks.distances[len(points) :] == pytest.approx(np.linalg.norm(rest, axis=1))


def test_data_on_a_box_with_fixed_inputs():
    domain = Box(np.array([-1.0, 0.5, -1]), np.array([1.0, 0.5, 1]))
    marks = Marks.of(Plane.of(network(3), domain), np.array([[0.25, 2.5, -0.75]]))
    assert marks.labels == ()
    assert marks.places == pytest.approx(np.array([[0.25, -0.75]]))
    assert marks.distances == pytest.approx([2])


@pytest.mark.parametrize("points", [POINTS, POINTS[:2]])
def test_the_window_of_an_unbounded_slice_has_the_points(points):
    plane = Slice(np.array(points))
    found = drawn(on_slice(network(), plane), Polyhedron.space(plane.dimension))
    marks = Marks.of(found.plane)
    assert marks.within(found.plane).all()
    with our_style():
        assert_whole(draw_cells(found, "layer1", "t"))


@pytest.mark.parametrize("points", [POINTS, POINTS[:2]])
def test_what_is_drawn(points):
    plane = Slice(np.array(points))
    found = drawn(on_slice(network(), plane), cube(plane.dimension, 0, 1))
    data = np.array([[1.0, 0.5, 0.5, 0.0], [9.0, 9.0, 9.0, 9.0]])
    with our_style():
        figure = draw_cells(found, "layer1", "t", marks=Marks.of(found.plane, data))
        assert_whole(figure)
    axes = figure.axes[-1]
    assert [text.get_text() for text in axes.texts] == [f"p{i}" for i in range(len(points))]
    labels = ["coordinate u1", "coordinate u2"][: plane.dimension]
    assert {axes.get_xlabel(), axes.get_ylabel()} >= set(labels)
    names = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert "2 points, paler where farther off, 1 outside" in names


def test_the_map_has_the_marks():
    plane = Slice(np.array(POINTS))
    found = drawn(on_slice(network(), plane), cube(2, -1, 1))
    data = np.array([[1.0, 0.5, 0.5, 2.0], [9.0, 9.0, 9.0, 9.0]])
    marks = map_data(found, classes(found), Marks.of(found.plane, data))["marks"]
    assert [mark["label"] for mark in marks] == ["p0", "p1", "p2", "point 0"]
    assert [mark["own"] for mark in marks] == [True, True, True, False]
    assert np.array([mark["at"] for mark in marks]) == pytest.approx(
        np.array([[0.5, 0.5], [1, 0.5], [0.5, 1], [0.75, 0.75]])
    )
    assert marks[3]["distance"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,2,3\n", "3 coordinates and the network has 4 inputs"),
        ("1,2,3,4\n1,2\n", "different numbers of coordinates"),
        ("1,2,3,x\n", "x"),
        ("0,0,0,0\n" * 10_001, "give at most 10,000"),
    ],
)
def test_data_that_is_refused(tmp_path, content, words):
    path = tmp_path / "data.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        read_data(path, 4)
    assert str(caught.value).startswith(f"{path}: ")


def test_data_that_is_not_finite(tmp_path):
    np.save(tmp_path / "data.npy", np.full((2, 4), np.nan))
    with pytest.raises(InputError, match="not finite"):
        read_data(tmp_path / "data.npy", 4)


def test_data_of_any_shape(tmp_path):
    images = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    (tmp_path / "data.json").write_text(json.dumps(images))
    np.save(tmp_path / "data.npy", np.array(images))
    for name in ("data.json", "data.npy"):
        points, labels = read_data(tmp_path / name, 4)
        assert points.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
        assert not labels


@pytest.mark.parametrize(
    ("content", "points", "labels"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]], []),
        ("x,y\n1,2\n", [[1, 2]], []),
        ("1,2,7\n3,4,7.0\n", [[1, 2], [3, 4]], ["7", "7"]),
        ("1,2,cat\n3,4,\n", [[1, 2], [3, 4]], ["cat", ""]),
        ("Label, x0 ,x1\n0,1.5,2\n-1,3,4\n", [[1.5, 2], [3, 4]], ["0", "-1"]),
        ("x0,x1,kind\n1,2,0.5\n", [[1, 2]], ["0.5"]),
    ],
)
def test_labels_of_data(tmp_path, content, points, labels):
    path = tmp_path / "data.csv"
    path.write_text(content)
    found, said = read_data(path, 2)
    assert found.tolist() == points
    assert said == labels


@pytest.mark.parametrize(
    "content", ["x0,x1,label\n", "a,b\n1,2\n3,c\n", "1,2,0\n1,2\n", "1,nan,0\n"]
)
def test_labelled_data_that_is_refused(tmp_path, content):
    (tmp_path / "data.csv").write_text(content)
    with pytest.raises(InputError, match=r"data\.csv: "):
        read_data(tmp_path / "data.csv", 2)


def test_labels_that_are_classes_have_their_colours():
    """Whichever labels occur: a 2 is drawn as the class 2, a word as no class."""
    found = drawn(network(2, 6), cube(2, -1, 1))
    assert found.plane.classes == 6
    data = np.array([[0.0, 0.1], [0.2, 0.3], [0.4, 0.5], [0.6, 0.7]])
    marks = Marks.of(found.plane, data, ["10", "2", "cat", "2"])
    assert marks.names == ("2", "10", "cat")
    assert marks.groups.tolist() == [1, 0, 2, 0]
    with our_style():
        figure = draw_cells(found, "class", "t", marks=marks)
        assert_whole(figure)
    names = {text.get_text() for legend in figure.legends for text in legend.get_texts()}
    assert names >= {"4 points", "label 2", "label 10", "label cat"}
    dots = [c for c in figure.axes[0].collections if len(c.get_offsets())]
    by_place = {tuple(c.get_offsets()[0].tolist()): to_hex(c.get_facecolors()[0]) for c in dots}
    assert by_place[0.2, 0.3].upper() == class_colour(2).upper()
    classes_seen = {class_colour(i).upper() for i in range(6)}
    assert by_place[0.0, 0.1].upper() not in classes_seen
    assert by_place[0.4, 0.5].upper() not in classes_seen
