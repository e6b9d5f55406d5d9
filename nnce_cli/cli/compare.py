"""The command ``nnce compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nnce_cli.base.errors import InputError
from nnce_cli.cli import exit_codes
from nnce_cli.cli.formats import Format, FormatOption, chosen_format
from nnce_cli.cli.options import json_option, quiet_option
from nnce_cli.cli.report import json_text, number, print_fields, print_table, show
from nnce_cli.cli.say import say

if TYPE_CHECKING:
    from nnce_cli.analysis import Comparison, Difference
    from nnce_cli.base.sizes import Sizes
    from nnce_cli.table import Metadata

TABLES = {"first": "only in the first", "second": "only in the second", "both": "numbers differ"}


def compare_tables(
    first: Annotated[
        str, typer.Argument(metavar="FIRST", help="A cell table; - is standard input.")
    ],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="Another one.")],
    show: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many differences to show.")
    ] = 10,
    output_format: FormatOption = Format.text,
    json: Annotated[bool, json_option("Print the comparison as JSON.")] = False,
    quiet: Annotated[bool, quiet_option("Print nothing; see the exit code.")] = False,
) -> None:
    """Compare two cell tables: whether they have the same cells.

    Shown are the cells that only one of them has, by layer, and the first differences as sign
    vectors, layer by layer (the pieces of units with more than two follow a stroke). Ranks and
    numbers of active neurons of the common cells are compared too; witnesses are not, since a cell
    has many. The tables are read once, side by side, so both may be larger than memory. Exit code 1
    if they differ.

    \b
    nnce compare model.cells.parquet other.cells.parquet
    nnce compare model.cells.parquet other.cells.parquet --show 100 --json
    nnce enumerate model.onnx -o - | nnce compare model.cells.parquet -
    """  # noqa: D301
    from nnce_cli.analysis import compare
    from nnce_cli.table import CellTableReader

    if first == second == "-":
        raise InputError("both tables cannot come from standard input; name a file for one of them")
    with CellTableReader(first) as a, CellTableReader(second) as b:
        _refuse_different_layouts(a.metadata, b.metadata)
        batches = a.batches(witness=False), b.batches(witness=False)
        result = compare(*batches, a.metadata.sizes.layout, show=show)
        notes = _notes(a.metadata, b.metadata)
    wrong = _wrong_counts(first, a.metadata, result.first_cells)
    wrong += _wrong_counts(second, b.metadata, result.second_cells)
    form = chosen_format(output_format, json=json)
    if form is Format.json:
        names = {"first": first, "second": second}
        print(json_text(names | result.to_dict() | {"notes": notes + wrong}))
    elif not quiet:
        tells_bounded = a.metadata.tells_bounded and b.metadata.tells_bounded
        _print_tables(
            result, a.metadata.sizes, notes, first, second, form, tells_bounded=tells_bounded
        )
    for text in wrong:
        say(text)
    if wrong or not result.same:
        raise typer.Exit(exit_codes.UNCERTIFIED)


def _refuse_different_layouts(first: Metadata, second: Metadata) -> None:
    if first.widths != second.widths:
        a, b = ("-".join(map(str, metadata.widths)) for metadata in (first, second))
        raise InputError(
            f"the tables are of networks of different widths, {a} and {b}; "
            "give two tables of the same network, or of networks of the same widths"
        )
    if first.pieces != second.pieces:
        raise InputError(
            "the tables are of networks whose units have different numbers of pieces; "
            "give two tables of the same network"
        )


def _notes(first: Metadata, second: Metadata) -> list[str]:
    """Return what else differs, or limits what the comparison says."""
    notes = []
    if first.model != second.model:
        notes.append("the tables are of different networks")
    if first.domain != second.domain:
        notes.append(f"the tables are of different domains{_domains(first, second)}")
    for name, metadata in (("first", first), ("second", second)):
        if not metadata.complete:
            notes.append(f"the {name} table is incomplete: it has the first cells only")
        if not metadata.certified:
            notes.append(f"the {name} table is not certified")
    return notes


def _domains(first: Metadata, second: Metadata) -> str:
    """Say which domains they are, where they are not just boxes of the inputs."""
    from nnce_cli.table import domain_words

    a, b = domain_words(first), domain_words(second)
    if a == b or all(table.is_of_a_box for table in (first, second)):
        return ""
    return f": {a}, and {b}"


def _wrong_counts(source: str, metadata: Metadata, found: list[int]) -> list[str]:
    """Return a message where a table does not have the cells that it says it has."""
    said = list(metadata.layer_cells) or [metadata.cells]
    if said == found:
        return []
    name = "standard input" if source == "-" else source
    return [
        f"{name} says that it has {said} cells after each layer, and {found} were read: "
        "it was changed after it was written"
    ]


def _print_tables(
    result: Comparison,
    sizes: Sizes,
    notes: list[str],
    first: str,
    second: str,
    form: Format,
    *,
    tells_bounded: bool,
) -> None:
    noun, layers = sizes.noun, range(1, sizes.layout.depth + 1)
    or_bounded = ", or bounded in one only" if tells_bounded else ""
    verdict = "the same cells" if result.same_cells else "different cells"
    if result.same_cells and not result.same:
        verdict += f", with different ranks or numbers of active {noun}{or_bounded}"
    print_fields({"first": first, "second": second, "verdict": verdict}, form=form)
    for note in notes:
        if form is Format.text:
            show(f"note: {note}")
        else:
            say(note)
    print_table(
        "Layer-k cells",
        ["", *([f"layer {k}" for k in layers] or ["cells"])],
        [
            ("in the first", *map(number, result.first_cells)),
            ("in the second", *map(number, result.second_cells)),
            (TABLES["first"], *map(number, result.only_first)),
            (TABLES["second"], *map(number, result.only_second)),
        ],
        words=("",),
        form=form,
    )
    if form is not Format.text:
        _print_differences(result, form)
        return
    if result.changed:
        what = f"ranks or active {noun}{or_bounded}"
        show("", f"Cells in both with other {what}: {number(result.changed)}")
    if result.differences:
        print("\nThe first differences")
        for difference in result.differences:
            show(f"  {' '.join(difference.signs)}  {TABLES[difference.table]}{_change(difference)}")
        total = result.only_first[-1] + result.only_second[-1] + result.changed
        if total > len(result.differences):
            show(f"  … and {number(total - len(result.differences))} more")


def _print_differences(result: Comparison, form: Format) -> None:
    columns = ["signs", "difference"]
    rows = [
        (" ".join(each.signs), f"{TABLES[each.table]}{_change(each)}")
        for each in result.differences
    ]
    if rows:
        print_table("The first differences", columns, rows, columns, form)


def _change(difference: Difference) -> str:
    """Write which numbers differ, and how."""
    changes = [
        f"{name} {before} and {after}"
        for name, pair in (
            ("active", difference.active),
            ("ranks", difference.ranks),
            ("bounded", difference.bounded and tuple(map(_yes_or_no, difference.bounded))),
        )
        if pair is not None
        for before, after in [pair]
        if before != after
    ]
    return f": {'; '.join(changes)}" if changes else ""


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
