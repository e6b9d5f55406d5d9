"""Domains: boxes, from the command line, from bounds files and from VNNLIB properties."""

from nnce_cli.domain.bounds_file import read_bounds
from nnce_cli.domain.box import Box
from nnce_cli.domain.command_line import parse_box
from nnce_cli.domain.fixed_inputs import fix_inputs
from nnce_cli.domain.slices import Slice, on_slice, read_slice
from nnce_cli.domain.vnnlib import read_vnnlib

__all__ = [
    "Box",
    "Slice",
    "fix_inputs",
    "on_slice",
    "parse_box",
    "read_bounds",
    "read_slice",
    "read_vnnlib",
]
