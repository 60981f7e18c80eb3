"""Layout of a directed graph in layers: each node below the nodes that lead to it, with few crossings of edges.

K. Sugiyama, S. Tagawa, M. Toda: "Methods for Visual Understanding of Hierarchical System Structures" (1981).
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_SWEEPS = 8
"""Number of times that the layers are sorted and moved, downward and upward in turn."""

_LAYER_GAP, _NODE_GAP, _EDGE_GAP = 34.0, 26.0, 12.0
"""Distances in points: between layers, between nodes of a layer, and between an edge and its neighbors."""


class Layout(NamedTuple):
    """Positions in a graph, from the top left.

    Attributes:
        centers: Array of shape ``(nodes, 2)``, the positions ``(x, y)`` of the centers of the nodes.
        paths: List of an array of shape ``(points, 2)`` for each edge: the points through which it runs.
        size: Pair of floats, width and height of the graph.
    """

    centers: np.ndarray
    paths: list[np.ndarray]
    size: tuple[float, float]


def layered_layout(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Compute the positions of the nodes and edges of a graph without cycles; edges run downward.

    Args:
        sizes: List of the width and height of each node.
        edges: List of pairs of node numbers. A node must have a smaller number than those it leads to.

    Returns:
        The positions.

    Example:
        >>> from cornu.plots.layered_layout import layered_layout
        >>> layout = layered_layout([(40, 20), (40, 20), (40, 20)], [(0, 1), (0, 2)])
        >>> layout.centers.tolist()
        [[53.0, 10.0], [20.0, 64.0], [86.0, 64.0]]
    """
    ranks = _ranks(len(sizes), edges)
    chains, ranks = _chains(ranks, edges)
    widths = np.array([width for width, _ in sizes] + [0.0] * (len(ranks) - len(sizes)))
    links = [pair for chain in chains for pair in itertools.pairwise(chain)]
    above: list[list[int]] = [[] for _ in ranks]
    below: list[list[int]] = [[] for _ in ranks]
    for first, second in links:
        below[first].append(second)
        above[second].append(first)
    layers = _sorted_layers(ranks, above, below)
    x = _horizontal(layers, widths, above, below)
    heights = np.array(
        [max([height for node, (_, height) in enumerate(sizes) if ranks[node] == rank]) for rank in range(len(layers))]
    )
    tops = np.concatenate([[0.0], np.cumsum(heights + _LAYER_GAP)[:-1]])
    middles = tops + heights / 2
    centers = np.array([(x[node], middles[ranks[node]]) for node in range(len(sizes))])
    paths = [_path(chain, ranks, x, tops, heights, centers, sizes) for chain in chains]
    return Layout(centers, paths, (float((x + widths / 2).max()), float(tops[-1] + heights[-1])))


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the layer of each node: the length of the longest path that leads to it."""
    ranks = [0] * count
    for first, second in sorted(edges, key=lambda edge: edge[1]):
        ranks[second] = max(ranks[second], ranks[first] + 1)
    return ranks


def _chains(ranks: list[int], edges: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[int]]:
    """Return each edge as a chain of nodes of successive layers, with additional nodes of no size, and the layers of all."""
    ranks, chains = list(ranks), []
    for first, second in edges:
        between = range(ranks[first] + 1, ranks[second])
        chains.append([first, *range(len(ranks), len(ranks) + len(between)), second])
        ranks += between
    return chains, ranks


def _sorted_layers(ranks: list[int], above: list[list[int]], below: list[list[int]]) -> list[list[int]]:
    """Return the nodes of each layer, sorted by the mean position of their neighbors in the layer before."""
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for node, rank in enumerate(ranks):
        layers[rank].append(node)
    place = {node: number for layer in layers for number, node in enumerate(layer)}
    for sweep in range(_SWEEPS):
        neighbors = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = {node: np.mean([place[other] for other in neighbors[node]] or [place[node]]) for node in layer}
            layer.sort(key=wanted.__getitem__)
            place.update({node: number for number, node in enumerate(layer)})
    return layers


def _horizontal(layers: list[list[int]], widths: np.ndarray, above: list[list[int]], below: list[list[int]]) -> np.ndarray:
    """Return the horizontal positions of the nodes: close to their neighbors, at least a gap apart."""
    x = np.zeros(len(widths))
    for sweep in range(_SWEEPS + 1):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = [
                np.mean([x[other] for other in (above if sweep % 2 == 0 else below)[node]] or [x[node]]) for node in layer
            ]
            x[layer] = _apart(np.array(wanted), widths[layer])
    return x - (x - widths / 2).min()


def _apart(wanted: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return the positions closest to the wanted ones, in the sense of least squares, at which nodes do not overlap.

    Without the necessary distances, positions must not decrease: the solution is that of the pool-adjacent-violators algorithm.
    """
    gaps = np.where((widths[1:] > 0) & (widths[:-1] > 0), _NODE_GAP, _EDGE_GAP)
    offsets = np.concatenate([[0.0], np.cumsum((widths[1:] + widths[:-1]) / 2 + gaps)])
    blocks: list[tuple[float, int]] = []
    for value in wanted - offsets:
        mean, count = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, others = blocks.pop()
            mean, count = (mean * count + before * others) / (count + others), count + others
        blocks.append((mean, count))
    return np.repeat([mean for mean, _ in blocks], [count for _, count in blocks]) + offsets


def _path(
    chain: list[int],
    ranks: list[int],
    x: np.ndarray,
    tops: np.ndarray,
    heights: np.ndarray,
    centers: np.ndarray,
    sizes: Sequence[tuple[float, float]],
) -> np.ndarray:
    """Return the points of an edge: the bottom of its node, both ends of each layer it crosses, and the top of the other."""
    first, *between, last = chain
    points = [(x[first], centers[first][1] + sizes[first][1] / 2)]
    for node in between:
        top = tops[ranks[node]]
        points += [(x[node], top), (x[node], top + heights[ranks[node]])]
    return np.array([*points, (x[last], centers[last][1] - sizes[last][1] / 2)])
