"""Domains: boxes, polyhedra and slices, from the command line and from files; properties."""

from nnce_cli.domain.around import l1_ball, linf_ball, parse_around
from nnce_cli.domain.bounds_file import read_bounds
from nnce_cli.domain.box import Box
from nnce_cli.domain.command_line import parse_box
from nnce_cli.domain.confined import confined
from nnce_cli.domain.facets import dual_rays, primitive
from nnce_cli.domain.fixed_inputs import fix_inputs, fix_inputs_of
from nnce_cli.domain.halfspaces_file import read_halfspaces
from nnce_cli.domain.homogeneous import homogenised
from nnce_cli.domain.numbers import parse_decimal
from nnce_cli.domain.points_file import read_point, read_points
from nnce_cli.domain.polyhedron import Domain, Polyhedron, intersection, make_domain
from nnce_cli.domain.property import Case, Inequality, Property
from nnce_cli.domain.slices import Slice, on_slice, read_slice, widened
from nnce_cli.domain.text_file import parse_json
from nnce_cli.domain.vnnlib import read_property, read_vnnlib

__all__ = [
    "Box",
    "Case",
    "Domain",
    "Inequality",
    "Polyhedron",
    "Property",
    "Slice",
    "confined",
    "dual_rays",
    "fix_inputs",
    "fix_inputs_of",
    "homogenised",
    "intersection",
    "l1_ball",
    "linf_ball",
    "make_domain",
    "on_slice",
    "parse_around",
    "parse_box",
    "parse_decimal",
    "parse_json",
    "primitive",
    "read_bounds",
    "read_halfspaces",
    "read_point",
    "read_points",
    "read_property",
    "read_slice",
    "read_vnnlib",
    "widened",
]
