"""The walk on polytopes that are kept by their vertices, for one to three inputs."""

from nnce_cli.enumeration.vertex.walk import VertexWalk

__all__ = ["VertexWalk"]
