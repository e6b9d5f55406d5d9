"""What a network is for: which class its outputs stand for, if any."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from nnce_cli.base.errors import InputError
from nnce_cli.network import AffineMap, LayerStack, rationals


class Task(StrEnum):
    """How a class is read off the outputs; of a regression there is none."""

    ARGMAX = "argmax"
    ARGMIN = "argmin"
    SIGN = "sign"
    REGRESSION = "regression"


def task_of(stack: LayerStack, wanted: Task | None = None) -> Task:
    """Return the task of a network: the one that is wanted, else what its outputs mean.

    Where nothing says what they mean, the largest of several outputs is the class, and the sign of
    a single one.

    Raises:
        InputError: its outputs are too few or too many for what is wanted.
    """
    outputs = output_map(stack).n_out
    if wanted is None:
        meant = getattr(stack, "meaning", None)
        if meant and _fits(Task(meant), outputs):
            return Task(meant)
        return Task.ARGMAX if outputs > 1 else Task.SIGN
    if not _fits(wanted, outputs):
        needs = "a single output" if wanted is Task.SIGN else "several outputs"
        raise InputError(
            f"the task {wanted} is for {needs}, and the model has {outputs}; choose another --task"
        )
    return wanted


def output_map(stack: LayerStack) -> AffineMap:
    """Return the map from the last activations to the outputs."""
    if stack.output is not None:
        return stack.output
    width = stack.hidden[-1].n_out
    return AffineMap(np.eye(width), np.zeros(width))


def scores(stack: LayerStack, task: Task) -> AffineMap:
    """Return the map from the last activations to what the outputs are compared by.

    The class is where the first of the largest scores is: they are the outputs, or for an argmin
    what they are less than 0. A single output f stands for the classes 0 and 1 with the scores 0
    and f, so class 1 is predicted where f > 0. Of a regression they are its outputs.
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
