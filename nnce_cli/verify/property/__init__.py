"""Certificates of properties, replayed: this shares no code with the search that wrote them."""

from nnce_cli.verify.property.replay import Replayed, replay

__all__ = ["Replayed", "replay"]
