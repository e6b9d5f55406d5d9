"""Whether a table is one of a model."""

from __future__ import annotations

from nnce_cli.base.errors import InputError
from nnce_cli.network import LayerStack
from nnce_cli.table import Metadata


def refuse_other_model(metadata: Metadata, stack: LayerStack, name: str = "this model") -> None:
    """Refuse a model that a table was not made from; ``name`` is how it is called.

    Raises:
        InputError: their digests or sizes differ.
    """
    if stack.digest != metadata.model or stack.sizes != metadata.sizes:
        raise InputError(
            f"the table was not made from {name}: their digests differ; "
            "give the model that nnce enumerate read"
        )
