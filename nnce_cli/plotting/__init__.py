"""Pictures of cell tables; importing this needs matplotlib, which is an extra."""

from nnce_cli.plotting.cutting import Partition, partition
from nnce_cli.plotting.data_file import read_data
from nnce_cli.plotting.draw_cells import draw_cells
from nnce_cli.plotting.draw_stats import draw_layers, draw_ranks
from nnce_cli.plotting.fills import COLOURINGS, Colouring, refuse_colouring, usual_colouring
from nnce_cli.plotting.marks import Marks
from nnce_cli.plotting.page import report_page
from nnce_cli.plotting.plane import Plane
from nnce_cli.plotting.polytopes import polytopes_of, refuse_size
from nnce_cli.plotting.rows import all_rows
from nnce_cli.plotting.space import Space
from nnce_cli.plotting.space_page import First, space_page
from nnce_cli.plotting.style import DPI, FORMATS, Look, our_style, picture
from nnce_cli.plotting.subject import Subject
from nnce_cli.plotting.titles import seen_words, title

__all__ = [
    "COLOURINGS",
    "DPI",
    "FORMATS",
    "Colouring",
    "First",
    "Look",
    "Marks",
    "Partition",
    "Plane",
    "Space",
    "Subject",
    "all_rows",
    "draw_cells",
    "draw_layers",
    "draw_ranks",
    "our_style",
    "partition",
    "picture",
    "polytopes_of",
    "read_data",
    "refuse_colouring",
    "refuse_size",
    "report_page",
    "seen_words",
    "space_page",
    "title",
    "usual_colouring",
]
