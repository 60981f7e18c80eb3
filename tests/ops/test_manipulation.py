"""Ops of `manipulation.py` and `indexing.py`."""

import jax.numpy as jnp
import keras
import numpy as np
import pytest

from cornu import backends, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError


@pytest.fixture
def x(rng):
    return rng.normal(size=(2, 3, 4)).astype("float32")


CASES = {
    "reshape": [((4, -1),), (24,), ([6, 4],)],
    "ravel": [()],
    "transpose": [(), ((2, 0, 1),)],
    "swapaxes": [(0, 2), (-1, 1)],
    "moveaxis": [(0, -1), ((0, 1), (-1, 0)), (2, 0)],
    "expand_dims": [(0,), (-1,), ((0, 3),)],
    "flip": [(), (1,), ((0, 2),)],
    "rot90": [(), (2,), (3, (1, 2)), (-1, (2, 0))],
    "repeat": [(2,), (3, 1), (np.array([1, 0, 2]), 1)],
    "tile": [(2,), ((2, 1, 3),), ((2, 1, 1, 1),)],
    "roll": [(5,), (1, 1), ((1, -2), (0, 2))],
    "take": [([0, 2, 1], 1), ([[5, 0]],), (1, -1)],
    "diagonal": [(), (1, 1, 2), (-1, 2, 0)],
    "diff": [(), (2, 1)],
    "broadcast_to": [((5, 2, 3, 4),)],
    "pad": [(1,), (((0, 1), (2, 0), (1, 1)),), (((1, 2),), "edge"), (1, "reflect"), (1, "symmetric"), (1, "constant", 5.0)],
}


@pytest.mark.parametrize(("name", "args"), [(name, args) for name, several in CASES.items() for args in several], ids=str)
def test_op_gives_what_keras_gives(name, args, make, check, x):
    check(getattr(ops, name)(make(x), *args), getattr(keras.ops, name)(x, *args))


@pytest.mark.parametrize("name", ["flipud", "fliplr", "vstack", "hstack", "dstack"])
def test_op_gives_what_numpy_gives(name, make, check, x):
    check(getattr(ops, name)(make(x)), getattr(np, name)(x))
    if name.endswith("stack"):
        for parts in ([[1.0, 2.0], [3.0, 4.0]], [x[0], x[1]], [1.0, 2.0]):
            parts = [np.float32(part) for part in parts]
            check(getattr(ops, name)([make(part) for part in parts]), getattr(np, name)(parts))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joining(axis, make, check, x):
    check(ops.concatenate([make(x), make(x * 2)], axis), np.concatenate([x, x * 2], axis))
    check(ops.stack([make(x), make(x * 2)], axis), np.stack([x, x * 2], axis))
    check(ops.append(make(x), make(x), axis), np.append(x, x, axis))


def test_append_flattens(make, check):
    check(ops.append(make([[1, 2]]), make([3])), np.int32([1, 2, 3]))


def test_splitting(make, check, x):
    for how, axis in ((2, 0), (3, 1), ([1, 3], 2), ([2], -1), ([-1], 2), ([1, 1, 9], 1), ([], 0)):
        for found, wanted in zip(ops.split(make(x), how, axis), np.split(x, how, axis), strict=True):
            check(found, wanted)
    for found, wanted in zip(ops.unstack(make(x), axis=1), np.moveaxis(x, 1, 0), strict=True):
        check(found, wanted)


def test_squeeze(make, check):
    x = np.arange(6, dtype="float32").reshape(1, 2, 1, 3)
    check(ops.squeeze(make(x)), np.squeeze(x))
    check(ops.squeeze(make(x), -2), np.squeeze(x, -2))
    with pytest.raises(ShapeError, match=r"`squeeze` received an array of shape \(1, 2, 1, 3\) and `axis=1`"):
        ops.squeeze(make(x), 1)


def test_parts(make, check, x):
    check(ops.get_item(make(x), (slice(None), 1, None)), x[:, 1, None])
    order = np.argsort(x, 1)
    check(ops.take_along_axis(make(x), make(order), 1), np.take_along_axis(x, order, 1))
    check(ops.take_along_axis(make(x), make([5, 0])), x.reshape(-1)[[5, 0]])


def test_indices_outside_are_taken_for_the_nearest(make, check):
    check(ops.take(make([1, 2, 3]), make([9, -1])), np.int32([3, 3]))


def test_slices_and_their_update(make, check, x):
    check(ops.slice(make(x), (0, 1, 2), (2, 1, 2)), x[:, 1:2, 2:])
    check(ops.slice(make(x), make([0, 1, 2]), (2, 1, 2)), x[:, 1:2, 2:])
    check(ops.slice(make(x), (9, 9, 9), (2, 1, 2)), keras.ops.slice(x, (9, 9, 9), (2, 1, 2)))
    new = -np.arange(4, dtype="float32").reshape(1, 2, 2)
    for start in ((1, 0, 1), (9, 9, 9)):
        expected = keras.ops.slice_update(x, start, new)
        check(ops.slice_update(make(x), start, make(new)), expected)
        check(ops.slice_update(make(x), make(start), make(new)), expected)


def test_scatter(make, check, rng):
    indices = np.int32([[0, 1], [2, 3], [0, 1]])
    values = rng.normal(size=(3, 5)).astype("float32")
    check(ops.scatter(make(indices), make(values), (3, 4, 5)), keras.ops.scatter(indices, values, (3, 4, 5)))
    check(ops.scatter(make(indices), make(values[:, 0]), (3, 4)), keras.ops.scatter(indices, values[:, 0], (3, 4)))


def test_scatter_update(make, check, rng):
    x, values = rng.normal(size=(3, 4, 5)).astype("float32"), rng.normal(size=(2, 5)).astype("float32")
    indices = np.int32([[0, 1], [2, 3]])
    for reduction in (None, "add", "max", "min", "mul"):
        expected = keras.ops.scatter_update(x, indices, values, reduction)
        check(ops.scatter_update(make(x), make(indices), make(values), reduction), expected)
    with pytest.raises(InvalidArgumentError, match=r"`reduction='mull'` was given"):
        ops.scatter_update(make(x), make(indices), make(values), "mull")


@pytest.mark.parametrize("reduction", ["add", "max", "min", "mul"])
def test_updates_of_the_same_index_are_combined(reduction, make, check, rng):
    x, values = rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=(9, 3)).astype("float32")
    indices = np.int32([[2], [0], [2], [2], [-1], [3], [0], [2], [2]])
    expected = x.copy()
    getattr(np, {"add": "add", "max": "maximum", "min": "minimum", "mul": "multiply"}[reduction]).at(
        expected, indices[:, 0], values
    )
    check(ops.scatter_update(make(x), make(indices), make(values), reduction), expected)


@pytest.mark.parametrize(("reduction", "combine"), [("max", jnp.max), ("min", jnp.min), ("mul", jnp.prod)])
def test_gradient_of_combined_updates(reduction, combine, check_gradients, rng):
    x, values = (rng.normal(size=size).astype("float32") for size in ((4, 3), (6, 3)))
    rows = np.array([2, 0, 2, 2, 3, 0])
    check_gradients(
        lambda x, values: ops.scatter_update(x, np.int32(rows)[:, None], values, reduction),
        lambda x, values: jnp.stack([combine(jnp.vstack([x[row], values[rows == row]]), 0) for row in range(4)]),
        x,
        values,
    )


def test_no_updates_change_nothing(make, check, x):
    nothing = make(np.zeros((0, 1), "int32")), make(np.zeros((0, *x.shape[1:]), "float32"))
    for reduction in (None, "add", "max"):
        check(ops.scatter_update(make(x), *nothing, reduction), x)


def test_a_slice_to_the_end_of_an_axis(make, check, x):
    check(ops.slice(make(x), (0, 1, 2), (-1, -1, 1)), x[:, 1:, 2:3])
    with pytest.raises(ShapeError, match=r"a block of shape \(-2, 1, 1\)"):
        ops.slice(make(x), (0, 0, 0), (-2, 1, 1))


def test_a_slice_to_the_end_needs_a_known_start(engine_name):
    engine = backends.get(engine_name)
    x = engine.asarray(np.ones(3, "float32"))
    with pytest.raises(InvalidArgumentError, match=r"`slice` was used in compiled code.*Pass the start as an integer"):
        engine.compile(lambda start: ops.slice(x, [start], [-1]))(engine.asarray(1))


def test_an_array_of_places_to_split_at(make, check, x):
    for places in (np.array([1, 2]), make([1, 2])):
        for part, expected in zip(ops.split(make(x), places, axis=1), np.split(x, [1, 2], 1), strict=True):
            check(part, expected)


def test_reshape_takes_the_sizes_of_an_array_for_none(make, check, x):
    check(ops.reshape(make(x), (None, 12)), x.reshape(-1, 12))
    check(ops.reshape(make(x), (None, None, 2, x.shape[2] // 2)), x.reshape(*x.shape[:2], 2, -1))


def test_booleans_that_differ(make, check):
    check(ops.diff(make([True, False, False, True])), np.array([True, False, True]))


@pytest.mark.parametrize("k", [-2, 0, 1])
def test_diag(k, make, check, x):
    check(ops.diag(make(x[0]), k), np.diag(x[0], k))
    check(ops.diag(make(x[0, 0]), k), np.diag(x[0, 0], k))


def test_gradients_flow_through(check_gradients, x):
    check_gradients(lambda x: ops.roll(x, 1, 1), lambda x: keras.ops.roll(x, 1, 1), x)
    check_gradients(lambda x: ops.repeat(x, 2, 1), lambda x: keras.ops.repeat(x, 2, 1), x)
    check_gradients(lambda x: ops.tile(x, (2, 1, 2)), lambda x: keras.ops.tile(x, (2, 1, 2)), x)
    check_gradients(lambda x: ops.diagonal(x, 1, 1, 2), lambda x: keras.ops.diagonal(x, 1, 1, 2), x)
    update = lambda library: lambda x, u: library.slice_update(x, (1, 0, 1), u)  # noqa: E731
    check_gradients(update(ops), update(keras.ops), x, x[:1, :2, :2])


def test_mistakes_are_named(make, x):
    x = make(x)
    with pytest.raises(ShapeError, match=r"`reshape` received an array of shape \(2, 3, 4\) and `newshape=\(5, 5\)`. .*24.*25"):
        ops.reshape(x, (5, 5))
    with pytest.raises(ShapeError, match=r"`concatenate` received arrays of shapes \(2, 3, 4\) and \(2, 2\) and `axis=0`"):
        ops.concatenate([x, make([[1.0, 2.0], [3.0, 4.0]])], 0)
    with pytest.raises(ShapeError, match=r"`stack` received arrays of shapes \(2, 3, 4\) and \(1,\)"):
        ops.stack([x, make([1.0])])
    with pytest.raises(ShapeError, match=r"The size 4 of axis -1 must be a multiple of the number of parts"):
        ops.split(x, 3, -1)
    with pytest.raises(
        InvalidArgumentError,
        match=r"`indices_or_sections=\[3, 1\]`. The indices at which axis -1 is split must be in ascending order",
    ):
        ops.split(x, [3, 1], -1)
    with pytest.raises(
        ShapeError, match=r"A pair `\(before, after\)` of non-negative integers is required for each of the 3 axes"
    ):
        ops.pad(x, ((1, 1), (2, 2)))
    with pytest.raises(ShapeError, match=r"`pad_width=-1`"):
        ops.pad(x, -1)
    with pytest.raises(InvalidArgumentError, match=r"Did you mean 'reflect'"):
        ops.pad(x, 1, "reflection")
    with pytest.raises(ShapeError, match=r"must contain all 3 axes"):
        ops.transpose(x, (0, 1))
    with pytest.raises(InvalidArgumentError, match=r"`axis1=5` was given"):
        ops.swapaxes(x, 5, 0)
    with pytest.raises(ShapeError, match=r"can only enlarge"):
        ops.broadcast_to(x, (3, 4))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_depth_and_space_are_exchanged_as_in_keras(data_format, make, check, rng):
    deep = rng.normal(size=(2, 3, 2, 12) if data_format == "channels_last" else (2, 12, 3, 2)).astype("float32")
    if data_format == "channels_last":
        check(ops.depth_to_space(make(deep), 2), keras.ops.depth_to_space(deep, 2))
    wide = ops.depth_to_space(make(deep), 2, data_format)
    check(ops.space_to_depth(wide, 2, data_format), deep)
    with pytest.raises(ShapeError, match=r"must be multiples of 25"):
        ops.depth_to_space(make(deep), 5, data_format)
    with pytest.raises(ShapeError, match=r"It requires a batch of images"):
        ops.space_to_depth(make([1.0]), 2)


MISTAKES = {
    "two free sizes": (lambda x: ops.reshape(x, (-1, -1)), ShapeError, r"At most one size may be -1"),
    "a size that is None": (lambda x: ops.broadcast_to(x, (None, 4)), InvalidTypeError, r"The shape \(None, 4\) was given"),
    "too few repeats": (
        lambda x: ops.repeat(x, [1, 2], 1),
        InvalidArgumentError,
        r"one for each of the 3 elements along axis 1",
    ),
    "negative repeats": (
        lambda x: ops.repeat(x, -1, 1),
        InvalidArgumentError,
        r"`repeats=-1`. It must be a non-negative integer",
    ),
    "negative tiles": (
        lambda x: ops.tile(x, (1, -1)),
        ShapeError,
        r"`repeats=\(1, -1\)` was given. A size must be 0 or",
    ),
    "too many shifts": (lambda x: ops.roll(x, (1, 2), 1), InvalidArgumentError, r"`shift=\(1, 2\)` and `axis=\(1,\)`"),
    "one axis twice": (lambda x: ops.diagonal(x, 0, 1, -2), InvalidArgumentError, r"`axis1=1` and `axis2=-2` were given"),
    "a fraction as index": (lambda x: ops.get_item(x, 1.0), InvalidTypeError, r"received the index 1.0. .* Write 1."),
    "a name as index": (
        lambda x: ops.get_item(x, (0, "a")),
        InvalidTypeError,
        r"received the index 'a'. An index must be an int",
    ),
    "a dict as index": (lambda x: ops.get_item(x, {}), InvalidTypeError, r"received the index {}"),
    "fractions to take": (lambda x: ops.take(x, [0.5], 1), InvalidTypeError, r"`take` received `indices` of dtype float32"),
    "fractions to take along": (
        lambda x: ops.take_along_axis(x, x, 1),
        InvalidTypeError,
        r"`take_along_axis` received `indices` of dtype float32. Its elements must be int",
    ),
    "other sizes to take along": (
        lambda x: ops.take_along_axis(x, np.zeros((2, 1, 3), "int32"), 1),
        ShapeError,
        r"shape \(2, 3, 4\) and `indices` of shape \(2, 1, 3\). All sizes except those on axis 1",
    ),
    "fewer axes to take along": (lambda x: ops.take_along_axis(x, [0], 1), ShapeError, r"`indices` of shape \(1,\)"),
    "too few starts": (lambda x: ops.slice(x, (0, 0), (1, 1)), ShapeError, r"`slice` received .* 2 `start_indices`"),
    "a block too large": (lambda x: ops.slice(x, (0, 0, 0), (1, 1, 9)), ShapeError, r"a block of shape \(1, 1, 9\)"),
    "an update of fewer axes": (
        lambda x: ops.slice_update(x, (0, 0, 0), [[1.0]]),
        ShapeError,
        r"`slice_update` received .* 3 `start_indices` and a block of shape \(1, 1\)",
    ),
    "too few values": (
        lambda x: ops.scatter([[0], [1]], x[:1], (5, 3, 4)),
        ShapeError,
        r"`values` of shape \(1, 3, 4\), for an array of shape \(5, 3, 4\).* must have the shape \(2, 3, 4\)",
    ),
    "indices without vectors": (
        lambda x: ops.scatter([0, 9, 9, 9], x, (5, 3, 4)),
        ShapeError,
        r"Write indices into one axis as `\[\[0\], \[2\]\]`",
    ),
    "fractions as places": (
        lambda x: ops.scatter([[0.5], [1]], x, (5, 3, 4)),
        InvalidTypeError,
        "Its elements must be integers",
    ),
    "too few updates": (
        lambda x: ops.scatter_update(x, [[0], [1]], x[:1]),
        ShapeError,
        r"`scatter_update` received `indices` of shape \(2, 1\) and `updates` of shape \(1, 3, 4\)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_the_same_words_on_every_backend(mistake, make):
    use, kind, text = MISTAKES[mistake]
    with pytest.raises(kind, match=text) as caught:
        use(make(np.ones((2, 3, 4), "float32")))
    assert type(caught.value) is kind


def test_tile_takes_an_array_of_repeats_also_in_a_compiled_function(engine, make, check):
    x, repeats = np.float32([[1, 2], [3, 4]]), np.int32([2, 1])
    for given in (repeats, make(repeats)):
        check(ops.tile(make(x), given), np.tile(x, repeats))
        check(engine.compile(lambda x, given=given: ops.tile(x, given))(make(x)), np.tile(x, repeats))


def test_tile_by_repeats_that_are_arguments_of_a_compiled_function(engine, make, check):
    x, repeats = np.float32([[1, 2], [3, 4]]), np.int32([2, 1])
    compiled = engine.compile(ops.tile)
    if engine.NAME == "jax":
        with pytest.raises(InvalidTypeError, match="`tile` received `repeats` that are computed in a compiled function"):
            compiled(make(x), make(repeats))
    else:
        check(compiled(make(x), make(repeats)), np.tile(x, repeats))
