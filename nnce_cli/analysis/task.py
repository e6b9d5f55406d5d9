"""The task of a network, and the scores that its classes have."""

from __future__ import annotations

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.base.task import MEANINGS, Task
from nnce_cli.network import AffineMap, LayerStack, rationals


def task_of(outputs: int, meaning: str, wanted: Task | None = None) -> Task:
    """Return the task of a network with so many outputs: what is wanted, else what they mean.

    Where ``meaning``, as in the metadata of a table, says nothing that suits them, the largest of
    several outputs is the class, and the sign of a single one.

    Raises:
        InputError: the outputs are too few or too many for what is wanted.
    """
    if wanted is None:
        meant = MEANINGS.get(meaning)
        usual = Task.ARGMAX if outputs > 1 else Task.SIGN
        return usual if meant is None or not _fits(meant, outputs) else meant
    if not _fits(wanted, outputs):
        needs = "a single output" if wanted is Task.SIGN else "several outputs"
        raise InputError(f"--task {wanted} is for {needs}, and the model has {outputs}")
    return wanted


def output_map(stack: LayerStack) -> AffineMap:
    """Return the map from the last activations to the outputs."""
    if stack.output is not None:
        return stack.output
    width = stack.hidden[-1].n_out
    return AffineMap(np.eye(width), np.zeros(width))


def score_map(stack: LayerStack, task: Task) -> AffineMap:
    """Return the map from the last activations to the scores: the class has the first largest one.

    The scores are the outputs; for an argmin the outputs with their signs turned. A single output f
    stands for the classes 0 and 1 with the scores 0 and f, so class 1 is predicted where f > 0. Of
    a regression they are the outputs.
    """
    output = output_map(stack)
    if task in (Task.ARGMAX, Task.REGRESSION):
        return output
    weight, bias = (rationals(values) for values in output.exact_arrays)
    if task is Task.ARGMIN:
        return AffineMap.of(-weight, -bias, output.nodes)
    nothing = rationals(np.zeros((1, output.n_in + 1)))
    return AffineMap.of(
        np.concatenate([nothing[:, 1:], weight]),
        np.concatenate([nothing[0, :1], bias]),
        output.nodes,
    )


def _fits(task: Task, outputs: int) -> bool:
    return task is Task.REGRESSION or (outputs == 1) == (task is Task.SIGN)
