"""Boxes of a layout do not overlap, edges run downward, and simple graphs have no crossings."""

import itertools

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from cornu.plots.layered_layout import layered_layout


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 9))
    pairs = list(itertools.combinations(range(count), 2))
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    sizes = draw(st.lists(st.tuples(st.integers(10, 90), st.integers(10, 40)), min_size=count, max_size=count))
    return sizes, edges


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_boxes_are_inside_the_graph_and_do_not_overlap(graph):
    sizes, edges = graph
    layout = layered_layout(sizes, edges)
    low, high = layout.centers - np.array(sizes) / 2, layout.centers + np.array(sizes) / 2
    assert low.min() >= -1e-6 and (high.max(axis=0) <= np.array(layout.size) + 1e-6).all()
    for first, second in itertools.combinations(range(len(sizes)), 2):
        assert (low[first] > high[second] - 1e-6).any() or (low[second] > high[first] - 1e-6).any()


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_edges_run_downward_from_box_to_box_and_through_no_other(graph):
    sizes, edges = graph
    layout = layered_layout(sizes, edges)
    for (first, last), path in zip(edges, layout.paths, strict=True):
        np.testing.assert_allclose(path[0], layout.centers[first] + [0, sizes[first][1] / 2])
        np.testing.assert_allclose(path[-1], layout.centers[last] - [0, sizes[last][1] / 2])
        assert (np.diff(path[:, 1]) >= 0).all()
        for (x, top), (_, bottom) in zip(path[1:-1:2], path[2:-1:2], strict=True):  # where it crosses a layer
            for (cx, cy), (width, _) in zip(layout.centers, sizes, strict=True):
                assert not top <= cy <= bottom or abs(x - cx) >= width / 2


def test_a_chain_is_a_straight_line():
    layout = layered_layout([(40, 20), (90, 20), (10, 20)], [(0, 1), (1, 2)])
    assert len(set(layout.centers[:, 0].round(6))) == 1


def test_neighbors_are_sorted_so_that_edges_do_not_cross():
    layout = layered_layout([(20, 10)] * 6, [(0, 4), (1, 3), (2, 5)])
    x = layout.centers[:, 0]
    assert np.argsort(x[[0, 1, 2]]).tolist() == np.argsort(x[[4, 3, 5]]).tolist()
