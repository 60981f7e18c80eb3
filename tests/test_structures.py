"""The functions of ``keras.tree``, compared with those of real Keras."""

import collections

import keras
import pytest

import cornu
from cornu.errors import InvalidArgumentError, InvalidTypeError

Point = collections.namedtuple("Point", ["x", "y"])

STRUCTURES = {
    "leaf": 3,
    "none": None,
    "text": "abc",
    "list": [1, 2, 3],
    "tuple": (1, (2,), ()),
    "dict": {"b": 2, "a": [1, None], "c": {}},
    "ordered": collections.OrderedDict([("b", 2), ("a", (1,))]),
    "default": collections.defaultdict(list, {"b": 2, "a": 1}),
    "named": Point([1, 2], {"y": 3}),
    "deque": collections.deque([1, [2]], maxlen=4),
    "mixed": [{"z": (1, Point(2, 3)), "a": None}, [[], [4]]],
}
"""Nested structures of each kind."""


@pytest.fixture(params=STRUCTURES)
def structure(request):
    return STRUCTURES[request.param]


def same(mine, of_keras):
    assert mine == of_keras and type(mine) is type(of_keras) and repr(mine) == repr(of_keras)


@pytest.mark.parametrize("function", ["is_nested", "flatten", "flatten_with_path", "lists_to_tuples"])
def test_functions_of_one_structure_are_those_of_keras(function, structure):
    same(getattr(cornu.tree, function)(structure), getattr(keras.tree, function)(structure))


@pytest.mark.parametrize("none_is_leaf", [True, False])
def test_the_map_is_that_of_keras(structure, none_is_leaf):
    results = [module.tree.map_structure(repr, structure, none_is_leaf=none_is_leaf) for module in (cornu, keras)]
    same(*results)


def test_the_map_of_two_structures_is_that_of_keras(structure):
    results = [module.tree.map_structure(lambda a, b: (a, b), structure, structure) for module in (cornu, keras)]
    same(*results)


def test_packing_is_that_of_keras(structure):
    leaves = [f"leaf {number}" for number in range(len(keras.tree.flatten(structure)))]
    same(*(module.tree.pack_sequence_as(structure, leaves) for module in (cornu, keras)))


@pytest.mark.parametrize("top_down", [True, False])
def test_the_traversal_is_that_of_keras(structure, top_down):
    results = []
    for module in (cornu, keras):
        seen = []

        def visit(part, module=module, seen=seen):
            seen.append(part)
            if part == 1:
                return module.tree.MAP_TO_NONE
            return "two" if part in (2, [2]) else None

        results.append((module.tree.traverse(visit, structure, top_down), seen))
    assert results[0] == results[1]


@pytest.mark.parametrize("shallow", ["list", "mixed"])
def test_the_map_up_to_a_shallow_structure_is_that_of_keras(shallow):
    shallow, deep = {"list": ([0, 0], [[1, 2], {"a": 3}]), "mixed": ({"a": 0, "b": [0]}, {"b": [(1, 2)], "a": [5]})}[shallow]
    same(*(module.tree.map_structure_up_to(shallow, repr, deep) for module in (cornu, keras)))


def test_the_map_of_shapes_is_that_of_keras():
    shapes = {"a": (None, 3), "b": [(2, 4), (5,)], "c": [1, 2]}
    same(*(module.tree.map_shape_structure(lambda shape: ("shape", tuple(shape)), shapes) for module in (cornu, keras)))


PAIRS = {
    "equal": ([1, (2, 3)], [4, (5, 6)]),
    "type": ([1], (1,)),
    "length": ([1], [1, 2]),
    "keys": ({"a": 1}, {"b": 1}),
    "order of keys": ({"a": 1, "b": 2}, {"b": 1, "a": 2}),
    "kinds of dicts": ({"a": 1}, collections.OrderedDict(a=1)),
    "leaf": ([1], 1),
    "deep": ([[1]], [[1, 2]]),
    "named": (Point(1, 2), (1, 2)),
    "none": ([None], [1]),
}


@pytest.mark.parametrize("function", ["assert_same_structure", "assert_same_paths"])
@pytest.mark.parametrize("pair", PAIRS)
def test_structures_are_refused_where_keras_refuses_them(function, pair):
    outcomes = []
    for module in (cornu, keras):
        try:
            outcomes.append(getattr(module.tree, function)(*PAIRS[pair]))
        except ValueError as error:
            outcomes.append("refused")
            assert module is keras or isinstance(error, InvalidArgumentError)
    assert outcomes[0] == outcomes[1]


def test_the_error_for_structures_that_differ_shows_them():
    with pytest.raises(InvalidArgumentError, match=r"nested in different ways: \[1\] and \[1, 2\]. Corresponding parts must"):
        cornu.tree.map_structure(lambda a, b: a, [[1]], [[1, 2]])


def test_the_error_for_a_wrong_number_of_leaves():
    with pytest.raises(InvalidArgumentError, match=r"`pack_sequence_as` received 1 leaves. The structure has 2."):
        cornu.tree.pack_sequence_as([0, 0], [1])


@pytest.mark.parametrize(
    "call",
    [
        lambda tree: tree.map_structure(3, [1]),
        lambda tree: tree.map_structure(repr),
        lambda tree: tree.traverse(3, [1]),
        lambda tree: tree.pack_sequence_as([1], 5),
        lambda tree: tree.map_structure_up_to([1], repr),
    ],
)
def test_arguments_of_a_wrong_type_are_type_errors(call):
    with pytest.raises(InvalidTypeError):
        call(cornu.tree)
    with pytest.raises((TypeError, ValueError)):
        call(keras.tree)
