"""Functions mapped over arrays, associative scans, directional derivatives and patterns of axes."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import BackendError, InvalidArgumentError, InvalidTypeError, ShapeError


def test_vectorized_map_is_map(make, check, rng):
    x, y = rng.normal(size=(5, 3)).astype("float32"), rng.normal(size=5).astype("float32")
    check(ops.vectorized_map(lambda row: ops.cumsum(row) * 2, make(x)), np.cumsum(x, 1) * 2)
    found = ops.vectorized_map(lambda pair: {"sum": pair[0] + pair[1], "one": 1}, [make(x), make(y)])
    check(found["sum"], x + y[:, None])
    check(found["one"], np.ones(5, "int32"))


def test_gradient_of_vectorized_map(check_gradients, rng):
    x = rng.normal(size=(4, 3)).astype("float32")
    check_gradients(lambda x: ops.vectorized_map(ops.softmax, x), lambda x: jax.nn.softmax(x, -1), x)


def test_vectorized_map_of_symbolic_tensors():
    assert ops.vectorized_map(lambda row: ops.sum(row, keepdims=True), cornu.Input((4,))).shape == (None, 1)


def test_vectorize_broadcasts_scalars(make, check, rng):
    x, y = rng.normal(size=(4, 1)).astype("float32"), rng.normal(size=3).astype("float32")
    larger = ops.vectorize(lambda a, b: ops.where(a > b, a, b))
    check(larger(make(x), make(y)), np.maximum(x, y))
    check(larger(make(x), 0.5), np.maximum(x, np.float32(0.5)))


@pytest.mark.parametrize("signature", ["(m,n),(n)->(m)", " ( m , n ) , ( n ) -> ( m ) "])
def test_vectorize_with_a_signature_is_that_of_numpy(signature, make, check, rng):
    x, y = rng.normal(size=(2, 1, 3, 4)).astype("float32"), rng.normal(size=(5, 4)).astype("float32")
    expected = np.vectorize(lambda a, b: a @ b, signature="(m,n),(n)->(m)")(x, y)
    check(ops.vectorize(ops.matmul, signature=signature)(make(x), make(y)), expected)
    two = ops.vectorize(lambda a: (ops.min(a), ops.max(a)), signature="(n)->(),()")(make(y))
    for one, wanted in zip(two, (y.min(1), y.max(1)), strict=True):
        check(one, wanted)


def test_vectorize_passes_excluded_arguments_as_they_are(make, check):
    power = ops.vectorize(lambda x, exponents, sign=1: sign * sum(x**e for e in exponents), excluded={1})
    check(power(make(np.float32([1, 2])), [1, 2], sign=-1), np.float32([-2, -6]))


def test_mistakes_in_vectorize_are_named():
    with pytest.raises(InvalidTypeError, match="`vectorize` received `pyfunc=3`"):
        ops.vectorize(3)
    for signature in ("n->n", "(n)", "(n)->(m", "(n),->()"):
        with pytest.raises(InvalidArgumentError, match="a text that names the last axes of each argument"):
            ops.vectorize(ops.sum, signature=signature)
    with pytest.raises(ShapeError, match=r"Its signature has the last axes \(m,n\), \(n\)"):
        ops.vectorize(ops.matmul, signature="(m,n),(n)->(m)")(np.ones((2, 3)), np.ones(4))


@pytest.mark.parametrize("size", [1, 2, 5, 8, 13])
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_is_that_of_keras(size, reverse, make, check, rng):
    values = [rng.normal(size=(2, size, 3)).astype("float32") for _ in range(2)]

    def both(a, b):  # of linear functions, which do not commute
        return [a[0] * b[0], b[0] * a[1] + b[1]]

    for axis in (1, -2):
        found = ops.associative_scan(both, [make(x) for x in values], reverse, axis)
        expected = keras.ops.associative_scan(both, values, reverse, 1)  # Keras on JAX fails for a negative axis
        for one, other in zip(found, expected, strict=True):
            check(one, other)


def test_gradient_of_associative_scan(check_gradients, rng):
    x = rng.uniform(0.5, 2, size=6).astype("float32")
    check_gradients(lambda x: ops.associative_scan(lambda a, b: a * b, x), jnp.cumprod, x)


def test_different_sizes_in_associative_scan_are_named():
    with pytest.raises(ShapeError, match=r"`associative_scan` received arrays of shapes \(2,\) and \(3,\)"):
        ops.associative_scan(lambda a, b: a, [np.ones(2), np.ones(3)])


def test_jvp_is_that_of_jax(make, check, backend, rng):
    values = [rng.normal(size=4).astype("float32") for _ in range(4)]

    def ours(a, b):
        return {"first": ops.sin(a) * b["b"], "second": ops.softmax(a)[:2]}, "more"

    def theirs(a, b):
        return {"first": jnp.sin(a) * b["b"], "second": jax.nn.softmax(a)[:2]}, {}

    a, b, da, db = map(make, values)
    if backend == "numpy":
        with pytest.raises(BackendError, match="The gradient of a gradient was requested"):
            ops.jvp(ours, (a, {"b": b}), (da, {"b": db}), has_aux=True)
        return
    value, derivative, aux = ops.jvp(ours, (a, {"b": b}), (da, {"b": db}), has_aux=True)
    expected = jax.jvp(theirs, (values[0], {"b": values[1]}), (values[2], {"b": values[3]}), has_aux=True)
    assert aux == "more"
    for found, wanted in ((value, expected[0]), (derivative, expected[1])):
        for name in ("first", "second"):
            check(found[name], wanted[name], rtol=1e-4)
    assert ops.linalg.jvp is ops.jvp


def test_tangents_of_another_shape_are_named():
    with pytest.raises(ShapeError, match="`jvp`"):
        ops.jvp(ops.sin, (np.ones(2),), (np.ones(3),))


PATTERNS = [
    ("b h w c -> b c h w", {}),
    ("b h w c -> (b h) w c", {}),
    ("b h w c -> h (b w) c", {}),
    ("b h w c -> b (c h w)", {}),
    ("b (h1 h) (w1 w) c -> (b h1 w1) h w c", {"h1": 2, "w1": 3}),
    ("b (h h1) (w w1) c->b h w (c h1 w1)", {"h1": 2, "w1": 3}),
    ("b (h1 h2 h3) w c -> h2 (c w) b (h3 h1)", {"h1": 2, "h2": 1}),
    ("b ( h1 h2 ) w c -> (b h1 h2 w c)", {"h1": 2, "h2": 2}),
]


@pytest.mark.parametrize(("pattern", "sizes"), PATTERNS)
def test_rearrange_is_that_of_keras(pattern, sizes, make, check, rng):
    x = rng.normal(size=(2, 4, 6, 3)).astype("float32")
    check(ops.rearrange(make(x), pattern, **sizes), np.asarray(keras.ops.rearrange(x, pattern, **dict(sizes))))


def test_rearrange_of_symbolic_tensors():
    x = cornu.Input((None, 6, 3))
    assert ops.rearrange(x, "b (h1 h) w c -> (b h1) h w c", h1=2).shape == (None, None, 6, 3)
    assert ops.rearrange(x, "b (h h1) w c -> b h (w h1 c)", h1=4).shape == (None, None, 72)
    model = cornu.Model(x, ops.rearrange(x, "b (h h1) w c -> b h (w h1 c)", h1=2))
    assert model(np.ones((1, 4, 6, 3))).shape == (1, 2, 36)


@pytest.mark.parametrize(
    "pattern", ["b h w c", "b h w c -> b h w", "b h w c -> b h w c d", "b b w c -> b w c", "b (h w c -> b h w c"]
)
def test_patterns_that_are_none_are_named(pattern):
    with pytest.raises(InvalidArgumentError, match="It must have the same names on both sides"):
        ops.rearrange(np.ones((2, 4, 6, 3)), pattern)


@pytest.mark.parametrize(
    ("pattern", "sizes"),
    [
        ("b h w -> w h b", {}),
        ("b (h h1) w c -> b h h1 w c", {"h1": 3}),
        ("b (h h1) w c -> b h h1 w c", {}),
        ("b h w c -> c h w b", {"x": 3}),
    ],
)
def test_sizes_that_do_not_fit_are_named(pattern, sizes):
    with pytest.raises(ShapeError, match=r"`rearrange` received an array of shape \(2, 4, 6, 3\)"):
        ops.rearrange(np.ones((2, 4, 6, 3)), pattern, **sizes)


@pytest.mark.parametrize("name", ["map", "vectorized_map"])
def test_elements_without_a_first_axis_are_refused(name):
    with pytest.raises(ShapeError, match=rf"`{name}` received elements of shapes \[\(\)\]"):
        getattr(ops, name)(lambda x: x, 3.0)
