"""A cell table and its network, as Python works with them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from nnce_cli.api.network import Network
from nnce_cli.api.numbers import floats, whole
from nnce_cli.api.numbers import point as point_of
from nnce_cli.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from numpy.typing import ArrayLike, NDArray

    from nnce_cli.analysis import Stats, Topology
    from nnce_cli.api.cell import Cell
    from nnce_cli.atlas import CellSpace, DualGraph, LayerNeurons, Located, Locator
    from nnce_cli.base.task import Task
    from nnce_cli.network import LayerStack
    from nnce_cli.table import CellTableReader, Metadata, Rows

    Floats = NDArray[np.float64]
    Bits = NDArray[np.uint8]


class Atlas:
    """The cells of a network on a domain; rows are in the order of their sign vectors.

    Arrays are read from the file when they are asked for, and kept.
    """

    def __init__(
        self,
        path: Path,
        network: Network | None = None,
        folder: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        """Open a table; ``folder`` is removed with it.

        Raises:
            InputError: it is no cell table, is damaged, or is another network's.
        """
        self.path = path
        self.network = network
        self._folder = folder
        with self._reader() as reader:
            self.metadata: Metadata = reader.metadata
        if network is not None:
            if not isinstance(network, Network):
                raise InputError(f"a {type(network).__name__} is no network: use nnce.load")
            from nnce_cli.analysis import refuse_other_model

            refuse_other_model(self.metadata, self._stack)

    @property
    def cells(self) -> int:
        """The number of cells."""
        return self.metadata.cells

    @property
    def layer_cells(self) -> list[int]:
        """The number of layer-k cells, for k = 1, …, L."""
        return list(self.metadata.layer_cells)

    @property
    def complete(self) -> bool:
        """Whether these are all cells."""
        return self.metadata.complete

    @property
    def certified(self) -> bool:
        """Whether every decision behind them was proved."""
        return self.metadata.certified

    @cached_property
    def table(self) -> pa.Table:
        """All columns, as a pyarrow table whose schema has the metadata too (key ``nnce``)."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            found = file.read()
        said = self.metadata.to_json().encode()  # tables of earlier versions lack it there
        return found.replace_schema_metadata({**(found.schema.metadata or {}), b"nnce": said})

    def to_pandas(self) -> pd.DataFrame:
        """Return the table as a pandas DataFrame.

        Raises:
            InputError: pandas is not installed.
        """
        _need("pandas")
        return self.table.to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """Return the table as a polars DataFrame.

        Raises:
            InputError: polars is not installed.
        """
        frame: pl.DataFrame = _need("polars").from_arrow(self.table)
        return frame

    def batches(self) -> Iterator[Rows]:
        """Yield the rows some at a time, in bounded memory; they are held against the digests."""
        with self._reader() as reader:
            yield from reader.batches()

    def signs(self, layer: int) -> Bits:
        """Return the bits (cells, n) of a layer's units with two pieces, as 0 and 1; from 1."""
        return self._codes[self._index(layer)][0]

    def pieces(self, layer: int) -> Bits:
        """Return the pieces (cells, p) of a layer's units that have three or more; from 1."""
        return self._codes[self._index(layer)][1]

    def _index(self, layer: int) -> int:
        if not 1 <= whole(layer, "the layer") <= len(self._codes):
            raise InputError(f"there are layers 1 to {len(self._codes)}, and no layer {layer}")
        return layer - 1

    @cached_property
    def _codes(self) -> list[tuple[Bits, Bits]]:
        return self.metadata.sizes.layout.split_layers(self._all.joined)

    @property
    def active(self) -> NDArray[np.uint16]:
        """The number of active units of each layer (cells, L)."""
        return self._all.active

    @property
    def ranks(self) -> NDArray[np.uint16]:
        """The ranks of the cells at each layer (cells, L)."""
        return self._all.ranks

    @property
    def witness(self) -> Floats:
        """A point strictly inside each cell (cells, n_0).

        Raises:
            InputError: the table has no witnesses.
        """
        if self._all.witness is None:
            raise InputError("the table has no witnesses: enumerate with witness=True")
        return self._all.witness

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """Which cells are bounded (cells,)."""
        import numpy as np

        found = self._all.bounded
        return np.ones(self.cells, np.bool_) if found is None else found

    @cached_property
    def _all(self) -> _Columns:
        return _Columns.of(list(self.batches()), self.metadata)

    def stats(self) -> Stats:
        """Return what ``nnce stats`` says: cells by layer and rank, and how cells divide."""
        from nnce_cli.analysis import stats

        return stats(self.batches(), self.metadata.sizes)

    @overload
    def locate(self, x: Sequence[float]) -> Cell: ...

    @overload
    def locate(self, x: Sequence[Sequence[float]]) -> Located: ...

    @overload
    def locate(self, x: ArrayLike) -> Any: ...

    def locate(self, x: ArrayLike) -> Cell | Located:
        """Find the cell that a point is in, or the rows of the cells that many points are in.

        It is decided exactly, each number being taken for the float64 that it is. Of a slice,
        points are given by their coordinates.

        Args:
            x: a point (n_0,), or points (m, n_0).

        Returns:
            Of a point its `Cell`. Of m points a `Located`: ``row`` (m,) int64 has -1 where there is
            none, ``is_outside`` (m,) says which points are outside of the domain, ``borders`` has
            all rows of the points that are on a border, ``rows_of(k)`` those of any point, and
            ``occupancy()`` the cells that have points, and how many.

        Raises:
            InputError: there is no network; or a single point is outside of the domain, on a
                border between cells, or in a cell that an incomplete table does not list.
        """
        points = floats(x, "the point")
        if points.ndim != 2:
            return self.cell(at=points)
        return self._locator.locate(points)

    def cell(
        self,
        row: int | None = None,
        *,
        at: ArrayLike | None = None,
        signs: str | Sequence[ArrayLike] | None = None,
    ) -> Cell:
        """Return one cell: of a row, at a point, or with a sign vector.

        Args:
            row: from 0.
            at: a point (n_0,), see `locate`.
            signs: the bits of each layer, as arrays or as text: `Cell.signs` or `Cell.code`.

        Raises:
            InputError: there is no such cell, or no network; or not one of the three is given.
        """
        from nnce_cli.api.cell import Cell
        from nnce_cli.atlas import cell_at, cell_of_row, cell_of_signs

        if sum(choice is not None for choice in (row, at, signs)) != 1:
            raise InputError("say which cell: give one of row, at and signs")
        space, reader = self._space, self._open
        if row is not None:
            return Cell(self, cell_of_row(space, reader, whole(row, "the row")))
        if at is not None:
            return Cell(self, cell_at(space, reader, point_of(at, space.given.n_inputs)))
        assert signs is not None
        return Cell(self, cell_of_signs(space, reader, _code(signs)))

    def neurons(self) -> list[LayerNeurons]:
        """Return what the units of each layer do: ``dead``, ``always_active``, and how often.

        Raises:
            InputError: there is no network, or the table is damaged.
        """
        from nnce_cli.atlas import neurons_of

        stack = self._stack
        with self._reader() as reader:
            return neurons_of(reader, stack)

    def graph(self, *, jobs: int = 1) -> DualGraph:
        """Return the dual graph: its nodes are rows, its edges the facets between cells.

        Returns:
            A `DualGraph`: ``matrix`` (cells, cells) is a sparse array of scipy, ``edges`` has the
            unit behind each facet, and ``to_networkx()`` gives a graph of networkx.

        Raises:
            InputError: there is no network, or the table is damaged.
        """
        from nnce_cli.atlas import dual_graph

        return dual_graph(self.path, self._stack, whole(jobs, "jobs", 1))

    def topology(self, task: str | None = None, *, jobs: int = 1) -> Topology:
        """Return the pieces and holes of each class and of the decision boundary, exactly.

        Args:
            task: what the outputs are taken for: "argmax", "argmin" or "sign"; by default what
                the network says.
            jobs: worker processes.

        Returns:
            A `Topology`: ``regions`` by class and the ``boundary``, each with a ``homology`` that
            has Betti numbers.

        Raises:
            InputError: there is no network; its outputs are no classes; more than three inputs
                vary; or gudhi is missing.
        """
        from nnce_cli.analysis import topology_of

        chosen = _task(task)
        return topology_of(self._stack, self.metadata, chosen, jobs=whole(jobs, "jobs", 1))

    def geometry(
        self, columns: Sequence[str] | None = None, task: str | None = None, *, jobs: int = 1
    ) -> pa.Table:
        """Return what is true of each cell by itself, a row for each row of the table.

        Args:
            columns: of ``nnce geometry --columns``: "facets", "inradius", "centre", "volume",
                "class", "crossed", "rank", "norms", "map_id" and "region"; by default all but
                "centre", and "volume" up to 6 inputs.
            task: what the outputs are taken for: "argmax", "argmin", "sign" or "regression"; by
                default what the network says.
            jobs: worker processes.

        Raises:
            InputError: there is no network; there is no such column, or it cannot be had.
        """
        import pyarrow.parquet as pq

        from nnce_cli.analysis import Geometry, chosen_columns, output_map, task_of
        from nnce_cli.table import Output

        stack = self._stack
        meant = task_of(output_map(stack).n_out, self.metadata.meaning, _task(task))
        chosen = chosen_columns(columns, self.metadata, meant)
        with tempfile.TemporaryDirectory(prefix="nnce-") as folder, self._reader() as reader:
            path = Path(folder) / "geometry.parquet"
            with Output(str(path), force=False) as file:
                Geometry(reader, stack, meant, chosen, whole(jobs, "jobs", 1)).write(file)
                file.commit()
            return pq.read_table(path)

    def _reader(self) -> CellTableReader:
        from nnce_cli.table import CellTableReader

        return CellTableReader(self.path)

    @cached_property
    def _open(self) -> CellTableReader:
        """The table, open as long as this is there."""
        from weakref import finalize

        reader = self._reader()
        finalize(self, reader.close)
        return reader

    @cached_property
    def _stack(self) -> LayerStack:
        """The network as the table has it."""
        from nnce_cli.table import load_as, placed_as

        if self.network is None:
            raise InputError("that needs the network, too: nnce.open(table, network)")
        stack = self.network.stack
        if stack.selected != self.metadata.outputs:
            return load_as(self.metadata, self.network.path)
        return placed_as(self.metadata, stack)

    @cached_property
    def _space(self) -> CellSpace:
        from nnce_cli.atlas import CellSpace
        from nnce_cli.table import domain_of

        return CellSpace(self._stack, domain_of(self.metadata))

    @cached_property
    def _locator(self) -> Locator:
        from nnce_cli.atlas import Locator

        return Locator(self._open, self._stack, self._space.domain)

    def __len__(self) -> int:
        """Return the number of cells."""
        return self.cells

    def __repr__(self) -> str:
        """Return a short text: how many cells of what."""
        widths = "-".join(map(str, self.metadata.widths))
        state = "" if self.complete else ", incomplete"
        return f"<Atlas of {widths}: {self.cells:,} cells{state}>"


def _code(signs: str | Sequence[ArrayLike]) -> str:
    """Return a sign vector as text."""
    if isinstance(signs, str):
        return signs
    if not isinstance(signs, Sequence):
        raise InputError("signs are a text such as '0110 01', or a list with bits for each layer")
    layers = [floats(layer, "the sign vector").ravel().tolist() for layer in signs]
    return " ".join("".join(f"{bit:g}" for bit in layer) for layer in layers)


def _task(name: str | None) -> Task | None:
    """Return what outputs are to be taken for, if that is said."""
    from nnce_cli.base.task import Task

    if name is not None and name not in list(Task):
        raise InputError(f"{name!r} is no task; they are {', '.join(Task)}")
    return None if name is None else Task(name)


def _need(module: str) -> Any:
    """Return a module that is there or not."""
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(f"{module} is not installed: pip install {module}") from error


class _Columns:
    """All columns of a table in memory."""

    def __init__(
        self,
        joined: Bits,
        active: NDArray[np.uint16],
        ranks: NDArray[np.uint16],
        witness: Floats | None,
        bounded: NDArray[np.bool_] | None,
    ) -> None:
        self.joined = joined
        self.active = active
        self.ranks = ranks
        self.witness = witness
        self.bounded = bounded

    @staticmethod
    def of(batches: list[Rows], said: Metadata) -> _Columns:
        """Join the rows of a table."""
        import numpy as np

        layers = len(said.widths) - 1
        none = np.zeros((0, said.sizes.layout.row_bytes), np.uint8)
        counts = np.zeros((0, layers), np.uint16)

        def joined(parts: list[Any]) -> Any:
            return (
                None if any(part is None for part in parts) or not parts else np.concatenate(parts)
            )

        return _Columns(
            np.concatenate([none, *(np.concatenate(b.signs, axis=1) for b in batches if layers)]),
            np.concatenate([counts, *(b.active for b in batches)]),
            np.concatenate([counts, *(b.ranks for b in batches)]),
            joined([b.witness for b in batches]),
            joined([b.bounded for b in batches]),
        )


def open_table(cells: str | Path, network: Network | None = None) -> Atlas:
    """Open a cell table, with the network that it is of where there are questions about that.

    Raises:
        InputError: it is no cell table, or another network's.
    """
    if not isinstance(cells, str | Path):
        raise InputError(f"a {type(cells).__name__} is no name of a table")
    return Atlas(Path(cells), network)
