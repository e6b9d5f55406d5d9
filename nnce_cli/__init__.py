"""nnce: exact enumeration of the activation regions (cells) of ReLU networks."""

__version__ = "0.1.0"
