"""Where the units of the layers are in the graph, as the reader of the model says."""

from __future__ import annotations

from nnce_cli.verify.exact_network import ExactNetwork
from nnce_cli.verify.graph import GraphAtPoint

UnitPlace = tuple[int, int, int]
"""A unit, counted through all layers; the number of its node; and its entry among the node's."""


def unit_places(network: ExactNetwork, graph: GraphAtPoint) -> list[UnitPlace]:
    """Return the places of all units; none where the stack was not read from a file."""
    numbers = {node.label: number for number, node in enumerate(graph.nodes)}
    found = []
    for k, places in enumerate(network.stack.places):
        for place in places:
            first = network.starts[k] + place.first + (network.layers[k].bits if place.many else 0)
            entries = place.positions or range(place.count)
            for i, entry in enumerate(entries):
                found.append((first + i, numbers[place.node], entry))
    return found
