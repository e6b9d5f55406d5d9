"""Points in files of every form, and files that are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nnce_cli.atlas import read_data
from nnce_cli.base.errors import InputError


def test_points_come_in_every_form(tmp_path):
    points = np.array([[0.5, 0.1], [-0.25, 0.9], [3, 0]])
    np.save(tmp_path / "points.npy", points)
    np.save(tmp_path / "columns.npy", np.asfortranarray(points))
    (tmp_path / "images.json").write_text(json.dumps(points.reshape(3, 1, 2).tolist()))
    (tmp_path / "points.csv").write_text("0.5, .1\n-25e-2,0.9\n\n3,0\n")
    for path in tmp_path.iterdir():
        assert np.array_equal(read_data(str(path)), points), path
    np.save(tmp_path / "small.npy", points.astype(np.float32))
    assert read_data(str(tmp_path / "small.npy"))[0, 1] == np.float32(0.1)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"1,2\n3\n", "as many numbers"),
        (b"a,b\n", "as many numbers"),
        (b"", "no points"),
        (b"[1, 2]", "row of its own"),
        (b'{"a": 1}', "as many numbers"),
        (b"[[1], [2, 3]]", "of one size"),
        (b"[[", "not valid JSON"),
        (b"\x93NUMPY\x01\x00", "not an .npy"),
        (b"\xff\xfe", "neither text"),
    ],
)
def test_what_holds_no_points_is_refused(tmp_path, content, word):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(InputError, match=word):
        read_data(str(tmp_path / "bad"))


def test_an_array_that_claims_to_be_large_is_refused(tmp_path):
    """Before there is room for it."""
    path = tmp_path / "large.npy"
    np.save(path, np.zeros((2, 2)))
    content = path.read_bytes().replace(b"(2, 2), ", b"(9999999999, 2), ", 1)
    path.write_bytes(content.replace(b" " * 9 + b"\n", b"\n", 1))
    with pytest.raises(InputError, match="cut off"):
        read_data(str(path))
