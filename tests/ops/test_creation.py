"""Ops of `creation.py` and `conversion.py`."""

import keras
import numpy as np
import pytest

import cornu
from cornu import backends, config, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError


@pytest.fixture(autouse=True)
def default_backend(backend):
    before = config.backend()
    config.set_backend(backend)
    yield
    config.set_backend(before)


def test_python_data_goes_to_the_default_backend(check):
    check(ops.convert_to_tensor([1.5, 2]), np.float32([1.5, 2]))
    check(ops.convert_to_tensor([1, 2]), np.int32([1, 2]))
    check(ops.array([True]), np.bool_([True]))
    check(ops.convert_to_tensor([1, 2], dtype="float16"), np.float16([1, 2]))


def test_numpy_data_goes_to_the_default_backend(check):
    check(ops.convert_to_tensor(np.int8([1, 2])), np.int8([1, 2]))


def test_an_array_can_be_moved_to_a_named_backend(backend, engine_name):
    assert backends.owner(ops.convert_to_tensor([1.0], backend=backend)) == backend
    assert backends.owner(ops.convert_to_tensor(backends.get(engine_name).asarray([1.0]), backend=backend)) == backend


def test_an_engines_array_stays_where_it_is(engine_name):
    assert backends.owner(ops.convert_to_tensor(backends.get(engine_name).asarray([1.0]))) == engine_name


def test_a_float64_is_not_rounded_on_its_way():
    assert float(ops.convert_to_tensor(0.1, dtype="float64", backend="numpy")) == 0.1


def test_what_is_no_array_is_refused():
    with pytest.raises(InvalidTypeError, match=r"An op received None where it expects an array"):
        ops.convert_to_tensor(None)


def test_convert_to_numpy(make):
    result = ops.convert_to_numpy(make(np.float32([1, 2])))
    assert type(result) is np.ndarray and result.tolist() == [1, 2]
    assert ops.convert_to_numpy([1, 2]).dtype == "int32"


def test_cast(make, check):
    check(ops.cast(make([1.7, -1.7]), "int32"), np.int32([1, -1]))
    check(ops.cast([1, 0], bool), np.bool_([True, False]))
    with pytest.raises(InvalidArgumentError, match=r"Did you mean 'float32'"):
        ops.cast([1], "float23")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "uint32", "float16"])
def test_saturate_cast_stays_in_range(dtype, make, check):
    x = np.float32([-1e12, -5, 0, 5.5, 300, 1e12])
    if dtype == "float16":
        expected = x.clip(-65504, 65504).astype("float16")
        check(ops.saturate_cast(make(x), dtype), expected)
        return
    bounds = np.iinfo(dtype)
    result = ops.convert_to_numpy(ops.saturate_cast(make(x), dtype)).astype("float64")
    np.testing.assert_allclose(result, np.trunc(x.astype("float64").clip(bounds.min, bounds.max)), rtol=1e-6)


def test_saturate_cast_between_integers(make, check):
    check(ops.saturate_cast(make(np.int32([-1, 70000, 5])), "uint8"), np.uint8([0, 255, 5]))
    check(ops.saturate_cast(make(np.uint8([200, 5])), "int8"), np.int8([127, 5]))


def test_facts_about_an_array(make):
    x = make(np.zeros((2, 3), "float16"))
    assert (ops.shape(x), ops.ndim(x), ops.size(x), ops.dtype(x)) == ((2, 3), 2, 6, "float16")
    assert ops.is_tensor(x) and not ops.is_tensor([1.0])
    assert ops.shape(1.5) == () and ops.dtype(True) == "bool"


def test_a_numpy_array_is_a_tensor_of_the_numpy_backend_only(backend):
    assert ops.is_tensor(np.ones(2)) == (backend == "numpy")
    assert not ops.is_tensor(cornu.Variable([1.0])) and not ops.is_tensor(cornu.Input((2,)))


@pytest.mark.parametrize("kind", ["sparse", "ragged"])
def test_sparse_and_ragged_arrays_are_refused(kind):
    assert ops.convert_to_tensor([1.0], **{kind: False}).shape == (1,)
    with pytest.raises(InvalidArgumentError, match=f"`{kind}=True` was given. Cornu has no {kind} arrays"):
        ops.convert_to_tensor([1.0], **{kind: True})


def test_filled_arrays(check):
    check(ops.zeros((2, 1)), np.zeros((2, 1), "float32"))
    check(ops.ones(3, dtype="int32"), np.ones(3, "int32"))
    check(ops.full((2,), 1.5), np.float32([1.5, 1.5]))
    check(ops.full((2, 2), [1, 2]), np.int32([[1, 2], [1, 2]]))
    check(ops.empty((2,), "int32"), np.zeros(2, "int32"))


def test_arrays_like_another(make, check):
    x = make(np.float16([[1, 2]]))
    check(ops.zeros_like(x), np.float16([[0, 0]]))
    check(ops.ones_like(x, dtype="int32"), np.int32([[1, 1]]))
    check(ops.full_like(x, 7), np.float16([[7, 7]]))
    check(ops.full_like(x, make([3.0, 4.0])), np.float16([[3, 4]]))
    check(ops.empty_like(x), np.float16([[0, 0]]))


def test_full_like_of_a_list_of_another_backends_array_stays_there(engine_name):
    assert backends.owner(ops.zeros_like(backends.get(engine_name).asarray([1.0]))) == engine_name


@pytest.mark.parametrize("args", [(5,), (2, 7), (7, 2, -2), (0, 1, 0.25), (1.0,), (0.5, 3)])
def test_arange_is_that_of_keras(args, check):
    check(ops.arange(*args), keras.ops.arange(*args))


def test_arange_to_a_size_that_is_known_when_tf_data_runs():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(np.ones((5, 2), "float32")).batch(3)
    numbers = data.map(lambda x: ops.arange(1, ops.shape(x)[0] + 1) * ops.arange(ops.shape(x)[0], dtype="int32"))
    assert [batch.numpy().tolist() for batch in numbers] == [[0, 2, 6], [0, 2]]
    halves = data.map(lambda x: ops.arange(0.5, ops.shape(x)[0], 0.5) + ops.arange(ops.sum(x), 10, 4)[:1])
    assert [batch.numpy().tolist() for batch in halves] == [[6.5, 7.0, 7.5, 8.0, 8.5], [4.5, 5.0, 5.5]]


def test_arange_of_scalar_arrays(make, check):
    check(ops.arange(make(np.int32(1)), make(np.int32(4))), np.arange(1, 4, dtype="int32"))
    check(ops.arange(make(np.float32(1.5)), 4), np.arange(1.5, 4, dtype="float32"))


def test_arange_of_a_dtype(check):
    check(ops.arange(3, dtype="float16"), np.arange(3, dtype="float16"))


@pytest.mark.parametrize("options", [{}, {"endpoint": False}, {"num": 1}, {"num": 7, "dtype": "int32"}], ids=str)
def test_linspace_is_that_of_keras(options, check):
    check(ops.linspace(-2, 9, **options), keras.ops.linspace(-2, 9, **options), rtol=1e-3, atol=1e-3)


def test_linspace_in_half_precision_is_rounded_once(check):
    check(ops.linspace(-2, 9, dtype="float16"), np.linspace(-2, 9).astype("float16"), rtol=0, atol=0)


def test_linspace_of_arrays(make, check):
    start, stop = np.float32([0, 10]), np.float32([[1, 20], [2, 40]])
    for axis in (0, 1, -1):
        check(ops.linspace(make(start), make(stop), 5, axis=axis), np.linspace(start, stop, 5, axis=axis).astype("float32"))
    _, step = ops.linspace(0, 1, 5, retstep=True)
    check(step, np.float32(0.25))


def test_logspace(check):
    check(ops.logspace(0, 2, 5), np.logspace(0, 2, 5).astype("float32"))
    check(ops.logspace(0, 3, 4, base=2, dtype="int32"), np.int32([1, 2, 4, 8]))


def test_matrices(check):
    check(ops.eye(3), np.eye(3, dtype="float32"))
    check(ops.eye(2, 4, k=1, dtype="int32"), np.eye(2, 4, 1, "int32"))
    check(ops.identity(2), np.eye(2, dtype="float32"))
    check(ops.tri(3, 4, 1), np.tri(3, 4, 1, "float32"))


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(k, make, check, rng):
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    check(ops.tril(make(x), k), np.tril(x, k))
    check(ops.triu(make(x), k), np.triu(x, k))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_meshgrid_is_that_of_numpy(indexing, count, make, check):
    rows = [np.arange(2 + i, dtype="float32") for i in range(count)]
    for found, wanted in zip(
        ops.meshgrid(*(make(row) for row in rows), indexing=indexing), np.meshgrid(*rows, indexing=indexing), strict=True
    ):
        check(found, wanted)


MISTAKES = {
    "a negative size": (
        lambda x: ops.zeros((-1, 2)),
        ShapeError,
        r"`shape=\(-1, 2\)` was given. A size must be 0",
    ),
    "no size": (lambda x: ops.zeros((None, 2)), InvalidTypeError, r"The shape \(None, 2\) was given. .* `x.shape\[0\]`"),
    "a value that does not fit": (lambda x: ops.full((2, 2), x), ShapeError, r"`full` received arrays of shapes \(3,\) and"),
    "a value too large": (lambda x: ops.full((1,), x), ShapeError, r"`fill_value` of shape \(3,\) and `shape` of shape \(1,\)"),
    "no step": (lambda x: ops.arange(0, 3, 0), InvalidArgumentError, r"`step=0` was given"),
    "a negative number": (lambda x: ops.linspace(0, 1, -1), ShapeError, r"`num=-1` was given"),
    "negative rows": (lambda x: ops.eye(-1), ShapeError, r"`N=-1` was given"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_the_same_words_on_every_backend(mistake, make):
    use, kind, text = MISTAKES[mistake]
    with pytest.raises(kind, match=text) as caught:
        use(make(np.ones(3, "float32")))
    assert type(caught.value) is kind


@pytest.mark.parametrize("name", ["jax", "tensorflow"])  # PyTorch runs such a function operation by operation
def test_numbers_that_are_not_computed_yet_cannot_be_had(name):
    pytest.importorskip(name)
    engine = backends.get(name)
    with pytest.raises(InvalidTypeError, match="values of an array were read inside a function that is being"):
        engine.compile(lambda x: ops.array(ops.convert_to_numpy(x)))(engine.asarray(np.ones(2, "float32")))
