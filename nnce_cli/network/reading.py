"""The walk along a graph that reads its nodes, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.network.affine_tensor import AffineTensor, Depths, NotAffineError, constant, variables
from nnce_cli.network.model_file import Graph, check_schema
from nnce_cli.network.node import Node
from nnce_cli.network.operators.conditions import Condition, as_number, chosen
from nnce_cli.network.operators.registry import CONSTANTS, TABLE, UNITS, Operator
from nnce_cli.network.operators.tails import REFUSED, TAILS
from nnce_cli.network.ports import Port
from nnce_cli.network.unit_blocks import Argument, Block, UnitMaker

# A small file must not be able to ask for much memory by many matrices, either: 1 GiB.
MAX_ENTRIES_IN_ALL = 2**27

CHOICES = {"Where", "Not", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
LAYERS = {"Gemm", "MatMul", "Conv", "ConvTranspose"}


@dataclass(frozen=True, eq=False)
class Tail:
    """A tensor of a tail: what it is computed from, and the node that began the tail."""

    sources: tuple[str, ...]
    begun_by: str
    reason: str


@dataclass(eq=False)
class Watched:
    """The tensors of the file that probes are made of, joined in one vector."""

    names: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    space: Depths = field(default_factory=Depths)
    _arguments: dict[str, Argument] = field(default_factory=dict)

    def argument(self, name: str, x: AffineTensor) -> Argument:
        """Return a tensor as an argument of units."""
        if x.is_constant:
            return Argument(x, x)
        if name not in self._arguments:
            self.names.append(name)
            self.sizes[name] = x.size
            columns = self.space.more(x.size, 0)
            probe = variables(columns, x.shape, x.element_type, self.space)
            self._arguments[name] = Argument(x, probe)
        return self._arguments[name]


@dataclass(frozen=True, eq=False)
class Reading:
    """What is in a graph: blocks of units in the order of the file, and the outputs.

    ``outputs`` are the tensors that leave the piecewise linear part, by name. ``labels`` has for
    each block and for the outputs the nodes that became their map; ``tail`` the nodes that were
    left out, ``notes`` what is a matter of definition. ``batch`` is how many samples the file's
    inputs and outputs have, of which these are one.
    """

    inputs: tuple[Port, ...]
    n_inputs: int
    depths: Depths
    blocks: list[Block]
    block_nodes: list[tuple[int, ...]]
    outputs: dict[str, AffineTensor]
    output_nodes: tuple[int, ...]
    nodes: tuple[Node, ...]
    tail: tuple[Node, ...]
    notes: tuple[str, ...]
    watched: Watched
    ends_in_units: bool
    batch: int = 1


def read_graph(graph: Graph, outputs: Sequence[str] = (), *, tracked: bool = False) -> Reading:
    """Read a graph as far as its outputs depend on it.

    Args:
        graph: what ``decode_graph`` found.
        outputs: the names of the outputs that are wanted, all where empty.
        tracked: whether to add up the magnitudes of terms, too.

    Raises:
        InputError: a node is not supported, or there is no such output.
    """
    return _Walk(graph, graph.chosen(outputs), tracked).run()


class _Walk:
    """The state of one walk: the tensors so far, and the units that they depend on.

    ``makers`` has the nodes that computed tensors which depend on the input, without those that
    made units, by those tensors' names; ``entries`` is the size of the matrices so far.
    """

    def __init__(self, graph: Graph, wanted: tuple[str, ...], tracked: bool) -> None:
        self.graph = graph
        self.wanted = wanted
        self.depths = Depths()
        self.tensors: dict[str, Any] = {}
        for port in graph.inputs:
            columns = self.depths.more(port.size, 0)
            self.tensors[port.name] = variables(
                columns, port.shape, port.element_type, self.depths, tracked=tracked
            )
        self.n_inputs = len(self.depths.of)
        self.make = UnitMaker(self.depths, tracked)
        self.watched = Watched()
        self.nodes = _ancestors(graph, wanted)
        self.makers: dict[str, int] = {}
        self.block_nodes: list[tuple[int, ...]] = []
        self.tail: dict[int, Node] = {}
        self.smooth: str = ""
        self.notes: dict[str, str] = {}
        self.entries = 0
        self.at = 0

    def run(self) -> Reading:
        for place, node in enumerate(self.nodes):
            with _naming(node):
                self.visit(place, node)
        found = self.finish()
        for node in self.graph.nodes:
            with _naming(node):
                check_schema(node, self.graph.opsets)
        return found

    def visit(self, place: int, node: Node) -> None:
        if node.op_type in REFUSED:
            raise InputError(f"{REFUSED[node.op_type]}; nnce does not read it")
        if not node.outputs or any(name in self.tensors for name in filter(None, node.outputs)):
            raise InputError("its output has no name, or the name of an earlier tensor")
        before, self.at = len(self.make.blocks), place
        results = self.results(node)
        for name, result in zip(node.outputs, results, strict=False):
            if name:
                self.tensors[name] = result
        if len(self.make.blocks) > before:
            labels = (*self.places(node.inputs), place)
            self.block_nodes += [labels] * (len(self.make.blocks) - before)
        elif any(not _is_constant(result) for result in results):
            self.makers.update(dict.fromkeys(node.outputs, place))

    def results(self, node: Node) -> Sequence[Any]:
        """Return the tensors that a node computes, its first outputs."""
        entry = TABLE.get(node.op_type)
        if any(isinstance(self.tensors.get(name), Tail) for name in node.inputs):
            return self.behind_tail(node, entry)
        inputs = [self.tensor(name) if name else None for name in node.inputs]
        varies = any(not _is_constant(x) for x in inputs if x is not None)
        if entry is None or (entry.kind == CONSTANTS and varies):
            if node.op_type in TAILS and varies:
                return self.begin_tail(node, f"{node.op_type} is not piecewise linear")
            if entry is not None:
                raise InputError("nnce reads it of constants only, and its input is none")
            raise InputError(
                f"the operator {node.op_type} is not supported; nnce reads "
                f"{', '.join(sorted({*TABLE, *TAILS}))}"
            )
        self.make.node = node.label
        try:
            found = self.apply(node, entry, inputs)
        except NotAffineError as error:
            return self.begin_tail(node, str(error))
        if found is None:
            return self.begin_tail(node, "it computes with truth values")
        if entry.note:
            self.notes[node.label] = entry.note
        results = found if isinstance(found, tuple) else (found,)
        self.count([x for x in results if x is not None], inputs)
        if any(x is None for x in results):
            return self.with_labels(node, results)
        return results

    def apply(self, node: Node, entry: Operator, inputs: list[Any]) -> Any:
        """Return what a node's handler makes of its inputs; None where it is for a tail."""
        given = entry.padded(inputs)
        if entry.kind == UNITS:
            if node.op_type not in ("Where", "Not") and _has_condition(inputs):
                return None
            arguments = [
                x if x is None or isinstance(x, Condition) else self.watched.argument(name, x)
                for name, x in zip(node.inputs, inputs, strict=True)
            ]
            given = entry.padded(arguments)
            before = len(self.make.blocks)
            found = entry.handler(node, self.make, *given)
            shape = found.shape
            for block in self.make.blocks[before:]:
                block.shape = shape
            return found
        if _has_condition(inputs):
            return self.of_condition(node, inputs)
        return entry.handler(node, *given)

    def of_condition(self, node: Node, inputs: list[Any]) -> Any:
        """Return what a node makes of truth values, None where it begins a tail."""
        first = inputs[0]
        if node.op_type == "Identity":
            return first
        if node.op_type == "Cast":
            return as_number(node, first)
        if node.op_type != "Mul":
            return None
        test, other = inputs if isinstance(first, Condition) else inputs[::-1]
        if isinstance(other, Condition) or not test.number:
            return None
        name = node.inputs[0] if other is first else node.inputs[1]
        value = self.watched.argument(name, other)
        zero = constant(np.zeros(()), other.element_type)
        return chosen(self.make, test, value, Argument(zero, zero))

    def with_labels(self, node: Node, results: Sequence[Any]) -> list[Any]:
        """Return the outputs of a classifier: labels are a tail of its scores."""
        self.tail[self.at] = node
        both = zip(node.outputs, results, strict=False)
        tail = Tail(
            tuple(name for name, x in both if x is not None), node.label, "it tells classes"
        )
        return [tail if x is None else x for x in results]

    def begin_tail(self, node: Node, reason: str) -> list[Tail]:
        sources: list[str] = []
        for name in filter(None, node.inputs):
            sources += self.sources_of(name)
        self.tail[self.at] = node
        tail = Tail(tuple(dict.fromkeys(sources)), node.label, reason)
        return [tail] * len(node.outputs)

    def sources_of(self, name: str) -> Sequence[str]:
        """Return the names of the affine tensors that a tail's tensor is computed from."""
        x = self.tensors.get(name)
        if isinstance(x, Tail):
            return x.sources
        if isinstance(x, Condition):
            return self.condition_sources(name)
        return [] if x is None or x.is_constant else [name]

    def condition_sources(self, name: str) -> list[str]:
        """Return the names of the tensors whose comparison a condition is."""
        wanted, found = [name], []
        while wanted:
            at = wanted.pop()
            if not isinstance(self.tensors[at], Condition):
                if not _is_constant(self.tensors[at]):
                    found.append(at)
                continue
            node = self.nodes[self.makers[at]]
            self.tail[self.makers[at]] = node
            wanted += reversed(node.inputs)
        return found

    def behind_tail(self, node: Node, entry: Operator | None) -> list[Tail]:
        """Return the tensors of a node that follows a tail."""
        tails = [self.tensors.get(name) for name in node.inputs]
        first = next(x for x in tails if isinstance(x, Tail))
        if entry is not None and entry.kind == UNITS and node.op_type not in CHOICES:
            raise InputError(
                f"it follows the node {first.begun_by}, which nnce can leave out only behind all "
                f"piecewise linear units: {first.reason}"
            )
        if node.op_type in LAYERS:
            self.smooth = self.smooth or first.begun_by
        sources: list[str] = []
        for name in node.inputs:
            sources += self.sources_of(name)
        self.tail[self.at] = node
        tail = Tail(tuple(dict.fromkeys(sources)), first.begun_by, first.reason)
        return [tail] * len(node.outputs)

    def tensor(self, name: str) -> Any:
        if name not in self.tensors:
            found = self.graph.constant(name)
            if found is None:
                raise InputError(f"it reads '{name}', which no node before it computes")
            self.tensors[name] = found
        return self.tensors[name]

    def count(self, results: Sequence[Any], inputs: Sequence[Any]) -> None:
        """Count the entries of tensors that share no memory with those they were made from."""
        old = [array for x in inputs if x is not None for array in _arrays(x)]
        for result in results:
            for new in _arrays(result):
                if not any(np.may_share_memory(new, array) for array in old):
                    self.entries += new.size
        if self.entries > MAX_ENTRIES_IN_ALL:
            raise InputError(
                f"the matrices up to it have {self.entries} entries, more than {MAX_ENTRIES_IN_ALL}"
            )

    def places(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the nodes that made tensors from the last units', in order."""
        wanted, found = list(names), set()
        while wanted:
            place = self.makers.get(wanted.pop(), -1)
            if place >= 0 and place not in found:
                found.add(place)
                wanted += self.nodes[place].inputs
        return tuple(sorted(found))

    def finish(self) -> Reading:
        names: list[str] = []
        for name in self.wanted:
            x = self.tensors.get(name)
            if x is None:
                raise InputError(f"no node computes the output '{name}'")
            names += [name] if _is_constant(x) else self.sources_of(name)
        outputs = {name: self.tensors[name] for name in names}  # each once
        if all(x.is_constant for x in outputs.values()):
            which = ", ".join(f"'{name}'" for name in self.wanted)
            raise InputError(f"the output {which} does not depend on the input")
        if self.smooth and not self.make.blocks:
            raise InputError(
                f"its hidden layers are smooth, as of node {self.smooth}; nnce reads piecewise "
                "linear networks"
            )
        return Reading(
            inputs=self.graph.inputs,
            n_inputs=self.n_inputs,
            depths=self.depths,
            blocks=self.make.blocks,
            block_nodes=self.block_nodes,
            outputs=outputs,
            output_nodes=self.places(list(outputs)),
            nodes=tuple(self.nodes),
            tail=tuple(self.tail[place] for place in sorted(self.tail)),
            notes=tuple(f"node {label}: {note}" for label, note in self.notes.items()),
            watched=self.watched,
            ends_in_units=self.ends_in_units(list(outputs)),
        )

    def ends_in_units(self, names: list[str]) -> bool:
        """Whether the only output is what the last node with units computes, as it stands."""
        if len(names) != 1 or not self.make.blocks:
            return False
        last = self.block_nodes[-1][-1]
        return self.nodes[last].outputs[0] == names[0]


def _is_constant(x: Any) -> bool:
    return isinstance(x, AffineTensor) and x.is_constant


def _has_condition(inputs: Sequence[Any]) -> bool:
    return any(isinstance(x, Condition) for x in inputs)


def _arrays(x: Any) -> list[Any]:
    if isinstance(x, Condition):
        x = x.difference.tensor
    if x.linear is None:
        return [x.offset]
    return [x.offset, x.linear.starts, x.linear.columns, x.linear.values]


@contextmanager
def _naming(node: Node) -> Iterator[None]:
    """Name the node in errors."""
    try:
        yield
    except InputError as error:
        raise InputError(f"node {node.label}: {error}") from error


def _ancestors(graph: Graph, outputs: Sequence[str]) -> list[Node]:
    """Return the nodes on which outputs depend, in the order of the file."""
    wanted = set(outputs)
    nodes = []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs):
            nodes.append(node)
            wanted.update(node.inputs)
    return nodes[::-1]
