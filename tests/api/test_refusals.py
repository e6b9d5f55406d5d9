"""Whatever is wrong with what is given is one line of `InputError`, and never SystemExit."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nnce_cli as nnce
from tests.api.test_python import TOY

NET = nnce.load(TOY)
NAN = float("nan")


@pytest.fixture(scope="module")
def atlas():
    return nnce.enumerate(NET, jobs=1)


BAD = {
    "load": [
        lambda a: nnce.load(None),
        lambda a: nnce.load("no such file.onnx"),
        lambda a: nnce.load(b"\x00\xff"),
        lambda a: nnce.load([1, 2]),
        lambda a: nnce.load(TOY, outputs=["nothing"]),
    ],
    "domains": [
        lambda a: nnce.enumerate(NET, None),
        lambda a: nnce.enumerate(NET, 1.0),
        lambda a: nnce.enumerate(NET, (1, 2, 3)),
        lambda a: nnce.enumerate(NET, nnce.Box(1, -1)),
        lambda a: nnce.enumerate(NET, nnce.Box(NAN, 1)),
        lambda a: nnce.enumerate(NET, nnce.Box([0, 1, 2], 3)),
        lambda a: nnce.enumerate(NET, nnce.Box({}, 3)),
        lambda a: nnce.enumerate(NET, nnce.HalfSpaces([[1, 2]])),
        lambda a: nnce.enumerate(NET, nnce.HalfSpaces([[1, 2], [1]])),
        lambda a: nnce.enumerate(NET, nnce.HalfSpaces([[NAN, 2, 1]])),
        lambda a: nnce.enumerate(NET, nnce.HalfSpaces([[1, 1, 1]], 5)),
        lambda a: nnce.enumerate(NET, nnce.Slice([[0, 0]])),
        lambda a: nnce.enumerate(NET, nnce.Slice([[0, 0, 0], [1, 1, 1]])),
        lambda a: nnce.enumerate(NET, nnce.Slice([[0, 0], [0, 0]])),
        lambda a: nnce.enumerate(NET, nnce.Slice(7)),
        lambda a: nnce.enumerate(NET, nnce.Slice([[0, 0], [1, 1]], "box")),
        lambda a: nnce.estimate(NET, "everywhere"),
    ],
    "enumerate": [
        lambda a: nnce.enumerate("net.onnx"),
        lambda a: nnce.enumerate(NET, jobs=0),
        lambda a: nnce.enumerate(NET, jobs=1.5),
        lambda a: nnce.enumerate(NET, max_cells=0),
        lambda a: nnce.enumerate(NET, max_cells="many"),
        lambda a: nnce.enumerate(NET, seconds=0),
        lambda a: nnce.enumerate(NET, seconds=NAN),
        lambda a: nnce.enumerate(NET, seconds="long"),
        lambda a: nnce.enumerate(NET, method="magic"),
        lambda a: nnce.enumerate(NET, method="magic", stream=True),
        lambda a: nnce.enumerate(NET, resume=True),
        lambda a: nnce.enumerate(NET, to="x.parquet", resume=True, force=True),
        lambda a: nnce.enumerate(NET, to="-"),
        lambda a: nnce.enumerate(NET, to="no/such/folder/x.parquet"),
    ],
    "open": [
        lambda a: nnce.open("no such file.parquet"),
        lambda a: nnce.open(TOY),
        lambda a: nnce.open(a.path, "net.onnx"),
        lambda a: nnce.open(None),
    ],
    "atlas": [
        lambda a: a.signs(0),
        lambda a: a.signs(3),
        lambda a: a.signs("one"),
        lambda a: a.pieces(9),
        lambda a: a.cell(),
        lambda a: a.cell(1, signs="0"),
        lambda a: a.cell(-1),
        lambda a: a.cell(279),
        lambda a: a.cell("first"),
        lambda a: a.cell(at=[2, 2]),
        lambda a: a.cell(at=[0, NAN]),
        lambda a: a.cell(at=[0]),
        lambda a: a.cell(at="here"),
        lambda a: a.cell(signs="01 10"),
        lambda a: a.cell(signs="0" * 16 + " " + "1" * 16),
        lambda a: a.cell(signs=[[0, 1], ["x"]]),
        lambda a: a.cell(signs=5),
        lambda a: a.locate([[0, 0, 0]]),
        lambda a: a.locate([[0, math.inf]]),
        lambda a: a.locate([[[0, 0]]]),
        lambda a: a.locate(3),
        lambda a: a.locate("x"),
        lambda a: a.graph(jobs=0),
        lambda a: a.topology("none"),
    ],
    "cell": [
        lambda a: a.cell(0).distance([1]),
        lambda a: a.cell(0).distance([1, math.inf]),
        lambda a: a.cell(0).distance("far"),
        lambda a: a.cell(0).border([9, 9]),
        lambda a: a.cell(0).next_cell([9, 9]),
    ],
    "verify": [
        lambda a: nnce.verify("cells.parquet"),
        lambda a: nnce.verify(nnce.open(a.path)),
        lambda a: nnce.verify(a, samples=-1),
        lambda a: nnce.verify(a, jobs=0),
        lambda a: nnce.verify(a, network=3),
    ],
    "estimate": [
        lambda a: nnce.estimate(None),
        lambda a: nnce.estimate(NET, seconds=-1),
        lambda a: nnce.estimate(NET, seed="x"),
        lambda a: nnce.estimate(NET, seed=-1),
    ],
    "check": [
        lambda a: nnce.check(NET, "no such file.vnnlib"),
        lambda a: nnce.check(NET, 5),
        lambda a: nnce.check(None, "x.vnnlib"),
    ],
}


@pytest.mark.parametrize(
    "ask", [pytest.param(ask, id=f"{name}-{k}") for name in BAD for k, ask in enumerate(BAD[name])]
)
def test_bad_input_is_one_line(ask, atlas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nnce.InputError) as error:
        ask(atlas)
    message = str(error.value)
    assert message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_all_that_can_be_asked_is_asked():
    """Of each public function, and of each method of an atlas and a cell that takes something."""
    functions = {name for name in nnce.__all__ if name[0].islower()}
    assert functions == {"check", "enumerate", "estimate", "load", "open", "verify"}
    assert functions <= BAD.keys()


def test_errors_have_a_family():
    assert issubclass(nnce.SavedError, nnce.InputError)
    assert not issubclass(nnce.InputError, SystemExit)
    assert np.all([issubclass(nnce.InputError, Exception)])
