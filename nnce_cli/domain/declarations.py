"""What a VNNLIB file declares: the inputs and outputs, and the names of their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from nnce_cli.base.errors import InputError
from nnce_cli.domain.linear_forms import INPUT, OUTPUT, Variable
from nnce_cli.domain.s_expressions import Expression, shown

VERSIONS = ("<1.0>", "<2.0>")
COMMANDS = {
    "<1.0>": ("declare-const", "declare-fun"),
    "<2.0>": ("declare-network",),
}
KINDS = {"declare-input": INPUT, "declare-output": OUTPUT}
WORDS = {INPUT: "input", OUTPUT: "output"}

_SCALAR = re.compile(r"([XY])_([0-9]{1,9})")
_TENSOR = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(?:\[([0-9,]{0,200})\])?")
_TYPE = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\[([0-9,]{0,200})\]")


@dataclass(frozen=True)
class Tensor:
    """A tensor of version 2.0: an input or an output, by its shape."""

    kind: str
    name: str
    type: str
    shape: tuple[int, ...]


class Declarations:
    """The declarations of a file, one after the other; ``find`` looks a variable up."""

    def __init__(self) -> None:
        self._version: str | None = None
        self._used: dict[str, int] = {INPUT: -1, OUTPUT: -1}  # the largest number
        self._scalars: dict[str, set[int]] = {INPUT: set(), OUTPUT: set()}
        self._tensors: dict[str, Tensor] = {}
        self._onnx_names: list[str] = []

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that declare something in the version that the file is in."""
        if self._version is None:
            return ("vnnlib-version", *COMMANDS["<1.0>"])
        return COMMANDS[self._version]

    def add(self, command: list[Expression]) -> None:
        """Take a declaration.

        Raises:
            InputError: it declares something that nnce does not know.
        """
        if command[0] == "vnnlib-version":
            self._set_version(command)
        elif command[0] == "declare-network":
            self._add_network(command)
        else:
            self._version = self._version or "<1.0>"
            self._add_scalar(command)

    def find(self, atom: str) -> Variable | None:
        """Return the variable that an atom names; None where it is a number, for instance.

        Raises:
            InputError: it is an index that a tensor does not have.
        """
        variable = self._scalar(atom) if self._version != "<2.0>" else self._element(atom)
        if variable is not None:
            kind, i = variable
            self._used[kind] = max(i, self._used[kind])
        return variable

    def notes(self, n_inputs: int, n_outputs: int | None) -> list[str]:
        """Hold what is declared and used against a network; return what does not matter.

        ``n_outputs`` is None where outputs are not used.

        Raises:
            InputError: it is about other inputs or outputs.
        """
        notes = [] if self._version == "<2.0>" else self._differing(n_inputs, n_outputs)
        for kind, n in ((INPUT, n_inputs), (OUTPUT, n_outputs)):
            if n is not None and self._used[kind] >= n:
                verb = "bounds" if kind == INPUT else "is about"
                raise InputError(
                    f"it {verb} {kind}_{self._used[kind]}, and the network has {n} {WORDS[kind]}s"
                )
        for tensor in self._tensors.values():
            n = n_inputs if tensor.kind == INPUT else n_outputs
            if n is not None and prod(tensor.shape) != n:
                raise InputError(
                    f"its {WORDS[tensor.kind]} {tensor.name} has {prod(tensor.shape)} numbers, and "
                    f"the network has {n} {WORDS[tensor.kind]}s"
                )
            if tensor.type.lower() != "real":
                notes.append(f"{tensor.name} of type {tensor.type} is taken for real numbers")
        if self._onnx_names:
            notes.append(f"the names {', '.join(self._onnx_names)} in the model are not looked at")
        return notes

    def _differing(self, n_inputs: int, n_outputs: int | None) -> list[str]:
        """Compare the scalars of version 1.0; outputs that are not used do not matter."""
        inputs, outputs = self._scalars[INPUT], self._scalars[OUTPUT]
        if inputs and inputs != set(range(n_inputs)):
            raise InputError(
                f"it declares {len(inputs)} inputs X_i, up to X_{max(inputs)}, and the network "
                f"has {n_inputs}"
            )
        if n_outputs is None or not outputs or outputs == set(range(n_outputs)):
            return []
        return [f"it declares {len(outputs)} outputs Y_i and the network has {n_outputs}"]

    def _set_version(self, command: list[Expression]) -> None:
        version = command[1] if len(command) == 2 and isinstance(command[1], str) else ""
        self._version = f"<{version.strip('<>')}>"
        if self._version not in VERSIONS:
            raise InputError(f"{shown(command)}: nnce reads VNNLIB {' and '.join(VERSIONS)}")

    def _add_scalar(self, command: list[Expression]) -> None:
        name = command[1] if len(command) > 1 else None
        match = _SCALAR.fullmatch(name) if isinstance(name, str) else None
        if match is None:
            raise InputError(f"{shown(command)} declares no input X_i and no output Y_i")
        self._scalars[match[1]].add(int(match[2]))

    def _scalar(self, atom: str) -> Variable | None:
        match = _SCALAR.fullmatch(atom)
        return None if match is None else (match[1], int(match[2]))

    def _add_network(self, command: list[Expression]) -> None:
        """Take a network of version 2.0: one input and one output."""
        if self._tensors:
            raise InputError(f"{shown(command)} is a second network, and nnce reads one")
        for part in command[2:]:
            tensor = self._tensor(part)
            if any(tensor.kind == other.kind for other in self._tensors.values()):
                word = WORDS[tensor.kind]
                raise InputError(
                    f"{shown(part)} is a second {word} of the network, and nnce reads one"
                )
            if tensor.name in self._tensors:
                raise InputError(f"{shown(part)} declares the name {tensor.name} again")
            self._tensors[tensor.name] = tensor
        if len(self._tensors) < 2:
            raise InputError(f"{shown(command)} has not an input and an output")

    def _tensor(self, part: Expression) -> Tensor:
        head, *rest = part if isinstance(part, list) and part else [part]
        if not isinstance(head, str) or head not in KINDS:
            raise InputError(
                f"{shown(part)}: nnce reads networks with one declare-input and one "
                "declare-output only"
            )
        words = [word for word in rest if isinstance(word, str)]
        match = _TYPE.fullmatch(words[1]) if len(words) > 1 else None
        if len(words) != len(rest) or not 2 <= len(words) <= 3 or match is None:
            raise InputError(f"{shown(part)} is not a name, a type, and a shape such as [1,5]")
        if _TENSOR.fullmatch(words[0]) is None or "[" in words[0]:
            raise InputError(f"{shown(part)}: {words[0]!r} is not a name")
        self._onnx_names += words[2:]
        return Tensor(KINDS[head], words[0], match[1], _numbers(match[2], part))

    def _element(self, atom: str) -> Variable | None:
        """Return the element of a tensor, by its place in the order of rows."""
        match = _TENSOR.fullmatch(atom)
        tensor = self._tensors.get(match[1]) if match is not None else None
        if match is None or tensor is None:
            return None
        place = _numbers(match[2] or "", atom)
        if len(place) != len(tensor.shape) or any(
            i >= n for i, n in zip(place, tensor.shape, strict=True)
        ):
            shape = ",".join(map(str, tensor.shape))
            raise InputError(f"{atom} is no element of {tensor.name}, whose shape is [{shape}]")
        number = 0
        for i, n in zip(place, tensor.shape, strict=True):
            number = number * n + i
        return tensor.kind, number


def _numbers(text: str, where: Expression) -> tuple[int, ...]:
    """Return the numbers of a shape or an index."""
    parts: Sequence[str] = text.split(",") if text else ()
    if not all(part and len(part) < 10 for part in parts):
        raise InputError(f"{shown(where)} has no shape or index such as [1,5]")
    return tuple(map(int, parts))
