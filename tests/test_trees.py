"""Nested containers."""

import collections

import keras
import pytest

from cornu import trees

Pair = collections.namedtuple("Pair", ["left", "right"])

TREE = {"b": [1, (2, None)], "a": Pair(3, {"c": 4})}


def test_leaves_stand_from_left_to_right_and_those_of_a_dict_by_sorted_keys():
    assert trees.leaves(TREE) == [3, 4, 1, 2]
    assert trees.leaves({"b": 1, "a": 2}) == trees.leaves({"a": 2, "b": 1})


def test_keras_traverses_trees_in_the_same_order():
    tree = {"z": [1, {"y": 2, "x": (3, 4)}], "a": 5, "m": {"b": 6, "a": 7}}
    assert trees.leaves(tree) == keras.tree.flatten(tree)
    assert trees.map(lambda x: -x, tree) == keras.tree.map_structure(lambda x: -x, tree)


def test_keys_that_cannot_be_compared_keep_their_order():
    assert trees.leaves({"b": 1, 0: 2, "a": 3}) == [1, 2, 3]


def test_none_holds_no_leaf_and_an_empty_tree_none_either():
    assert trees.leaves(None) == trees.leaves([]) == trees.leaves({"a": []}) == []


def test_map_keeps_the_form_and_the_types_of_the_containers():
    mapped = trees.map(lambda x: x * 10, TREE)
    assert mapped == {"b": [10, (20, None)], "a": Pair(30, {"c": 40})}
    assert list(mapped) == ["b", "a"] and isinstance(mapped["a"], Pair)


def test_map_takes_the_leaves_of_several_trees_by_key_not_by_order():
    assert trees.map(lambda a, b: a - b, {"x": 1, "y": 2}, {"y": 20, "x": 10}) == {"x": -9, "y": -18}


def test_map_refuses_lists_of_different_lengths():
    with pytest.raises(ValueError, match="shorter"):
        trees.map(lambda a, b: a + b, [1, 2], [1])


def test_unflatten_undoes_leaves():
    assert trees.unflatten(TREE, trees.leaves(TREE)) == TREE


def test_a_leaf_alone_is_a_tree():
    assert trees.leaves("text") == ["text"] and trees.map(len, "text") == 4
