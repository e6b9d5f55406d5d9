"""The command line ``nnce``: one file a command, and nothing but options, messages and calls."""

from nnce_cli.cli.main import main

__all__ = ["main"]
