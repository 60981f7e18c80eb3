"""The ONNX backend: each forward primitive recorded and run by ONNX Runtime, against the NumPy reference."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cornu import backends, config, ops
from cornu.backends import contract
from cornu.backends.onnx.graph_builder import Graph, OnnxArray, recording
from cornu.backends.onnx.symbolic_sizes import Size, of_axis
from cornu.errors import BackendError, InvalidTypeError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ONNX, NUMPY = backends.get("onnx"), backends.get("numpy")

CANNOT = {
    "multi_step": "the loop of training",
    **dict.fromkeys(
        (
            *("cholesky", "qr", "qr of wide matrices", "qr, complete", "svd", "svd of wide matrices", "svd of a square matrix"),
            *("svd, singular values", "svd, singular values of one", "eigh", "eig", "lu", "lu, pivots"),
            *("solve", "solve_triangular", "solve_triangular, lower"),
        ),
        "ONNX has no matrix decompositions",
    ),
    **dict.fromkeys(("complex", "complex_parts", "complex_parts, imaginary"), "ONNX has no complex numbers"),
    **dict.fromkeys(
        (
            *("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "right_shift of unsigned integers"),
            *("bitcast", "bitcast to shorter elements", "bitcast to longer elements"),
        ),
        "the operators for bits are newer than the version of ONNX that is written",
    ),
    "max_pool of minus infinity": "ONNX Runtime pools with the lowest finite number in the place of padding",
}
"""Cases of the table that ONNX cannot express, with the reasons."""

REFUSED = {
    "value_and_grad": lambda b: b.value_and_grad(lambda x: x),
    "multi_step": lambda b: b.multi_step(lambda *_: None, lambda x: x),
    "fold_in": lambda b: b.fold_in(np.zeros(2, "uint32"), 1),
    "random_uniform": lambda b: b.random_uniform(np.zeros(2, "uint32"), (2,), "float32"),
    "random_normal": lambda b: b.random_normal(np.zeros(2, "uint32"), (2,), "float32"),
}
"""Primitives that raise an error."""


def agreement():
    """The module with the table of all primitives."""
    path = Path(__file__).parents[1] / "test_agreement.py"
    spec = importlib.util.spec_from_file_location("table_of_primitives", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = agreement()


def record(f, arrays, open_axes=()):
    """The result of a function for inputs like some arrays, and the file; some sizes of the first input are left open."""
    graph = Graph()
    with config.placement_scope("onnx"), recording(graph):
        inputs = []
        for number, array in enumerate(arrays):
            axes = enumerate(array.shape)
            shape = [of_axis(size, f"x{number}", axis) if not number and axis in open_axes else size for axis, size in axes]
            inputs.append(graph.add_input(f"x{number}", tuple(shape), array.dtype.name))
        result = f(*inputs)
        graph.add_output(result, "y")
    ONNX.optimize_graph(graph)
    return result, ONNX.model_proto(graph, "test", "0", {})


def run(model, arrays):
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["y"], {f"x{number}": array for number, array in enumerate(arrays)})[0]


def operations(model):
    return [node.op_type for node in model.graph.node]


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


# --- Every primitive --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", ["fixed", "open"])
@pytest.mark.parametrize("case", [case for case in TABLE.CASES if case not in CANNOT])
def test_onnx_runtime_gives_what_numpy_gives(case, sizes):
    f, *arrays = TABLE.CASES[case]
    arrays = [NUMPY.asarray(array) for array in arrays]
    expected = f(NUMPY, *arrays)

    result, model = record(lambda *xs: f(ONNX, *xs), arrays, (0,) if sizes == "open" else ())
    found = run(model, arrays)

    assert tuple(result.shape) == expected.shape
    assert found.dtype == expected.dtype == result.dtype
    assert_allclose(found, expected, rtol=1e-5, atol=3e-6)


def assert_as_in_numpy(f, arrays):
    """Asserts that ONNX Runtime returns the dtype and the values of NumPy."""
    expected = f(NUMPY, *arrays)

    found = run(record(lambda *xs: f(ONNX, *xs), arrays)[1], arrays)

    assert found.dtype == expected.dtype, [array.dtype for array in arrays]
    assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("name", TABLE.OF_TWO)
def test_two_dtypes_meet_as_in_numpy(name):
    for pair in TABLE.pairs_for(name):
        assert_as_in_numpy(lambda b, x, y: TABLE.applied(b, name, x, y), [NUMPY.full((2, 2), 1, dtype) for dtype in pair])


@pytest.mark.parametrize("number", [2, 2.5, True])
@pytest.mark.parametrize("name", [name for name in TABLE.with_arguments("x", "y") if name not in TABLE.OF_BITS | {"matmul"}])
def test_a_number_takes_on_the_dtype_beside_it_as_in_numpy(name, number):
    booleans = [] if number is True and name in TABLE.NOT_SETTLED else ["bool"]
    for dtype in ["float16", "float32", "float64", "int32", "int64", "uint8", *booleans]:
        assert_as_in_numpy(lambda b, x: getattr(b, name)(x, number), [NUMPY.full((2,), 1, dtype)])


@pytest.mark.parametrize("name", TABLE.OF_ONE)
def test_one_argument_keeps_its_dtype_as_in_numpy(name):
    for dtype in TABLE.dtypes_for(name, "float16", "float64", "int8", "int64", "uint8", "bool"):
        assert_as_in_numpy(lambda b, x: TABLE.applied(b, name, x), [NUMPY.asarray([1, 0, 1], dtype)])


@pytest.mark.parametrize("primitive", REFUSED)
def test_what_cannot_be_recorded_is_refused_by_name_and_place(primitive):
    text = f"`{primitive}` was called in 'model/noise' while a model was recorded for ONNX"

    with recording(Graph(lambda name: f"model/noise/{name}")), pytest.raises(BackendError, match=text):
        REFUSED[primitive](ONNX)


def test_the_list_of_what_cannot_be_expressed_is_right():
    f, *arrays = TABLE.CASES["max_pool of minus infinity"]

    found = run(record(lambda x: f(ONNX, x), arrays)[1], arrays)

    assert np.isfinite(found).all(), "take the case off CANNOT"


def test_a_computed_mask_is_refused():
    with pytest.raises(BackendError, match="How many places a computed mask takes"):
        record(lambda x: x[x > 0], [normal(3)])


def test_numbers_of_a_recorded_array_are_refused():
    for use in (bool, float, np.asarray, ops.convert_to_numpy):
        with pytest.raises(InvalidTypeError, match="recorded arrays have no values"):
            record(use, [normal()])


def test_abstract_eval_records_and_throws_away():
    specs = ({"x": contract.ArraySpec((4, 3), "float32")}, contract.ArraySpec((2,), "int32"))

    found = ONNX.abstract_eval(lambda tree, i: {"sum": ONNX.sum(tree["x"], 0), "rows": ONNX.take(tree["x"], i, 0)}, *specs)

    assert found == {"sum": contract.ArraySpec((3,), "float32"), "rows": contract.ArraySpec((2, 3), "float32")}


# --- Arrays -----------------------------------------------------------------------------------------------------------


def test_the_array_decides_and_other_arrays_are_constants():
    jax = backends.get("jax")

    for matrix in (np.eye(3, dtype="float32") * 2, jax.asarray(np.eye(3) * 2)):
        result, model = record(lambda x, m=matrix: ops.matmul(x, m), [normal(2, 3)])

        assert isinstance(result, OnnxArray)
        assert_allclose(run(model, [normal(2, 3)]), 2 * normal(2, 3), rtol=1e-6)


def test_operators_record():
    def f(x):
        y = np.float32(1) + x - 2 * x / 3 + (-x) ** 2 % 5 + abs(x) @ x.T @ x
        return ops.where((x > 0) & ~(y < 0) | (x == y), y, np.exp(x))

    x = normal(3, 3)

    assert_allclose(run(record(f, [x])[1], [x]), f(x), rtol=1e-5)


def test_what_depends_on_no_input_is_computed_at_once():
    factor = ONNX.rsqrt(ONNX.add(ONNX.asarray([3.0]), 1))
    _, model = record(lambda x: ONNX.multiply(x, factor), [normal(2, 1)])

    assert factor.numbers().tolist() == [0.5]
    assert operations(model) == ["Mul"]


def test_a_constant_is_a_number():
    assert float(ONNX.asarray(2.5)) == 2.5
    assert [0, 1, 2][ONNX.asarray(2)] == 2
    assert ONNX.to_numpy(ONNX.asarray([1, 2])).tolist() == [1, 2]


def test_a_weight_keeps_its_name_when_its_axes_are_turned():
    kernel = ONNX.weight(normal(3, 3, 2, 4), "conv/kernel")
    _, model = record(lambda x: ONNX.conv(x, kernel, (1, 1), ((0, 0), (0, 0)), (1, 1)), [normal(1, 5, 5, 2)])

    assert [(w.name, list(w.dims)) for w in model.graph.initializer] == [("conv/kernel", [4, 2, 3, 3])]


# --- Transposes -------------------------------------------------------------------------------------------------------


def convolved(x, seed=0, strides=(1, 1)):
    channels = x.shape[-1]
    kernel = np.random.default_rng(seed).normal(size=(3, 3, channels, 4)).astype("float32")
    return backends.of(x).conv(x, kernel, strides, ((1, 1), (1, 1)), (1, 1))


def both(f, *arrays):
    """The operations of the recorded function, after its answer was compared with NumPy's."""
    _, model = record(f, list(arrays))
    assert_allclose(run(model, arrays), f(*arrays), rtol=1e-4, atol=1e-5)
    return operations(model)


def test_there_is_no_transpose_between_convolutions():
    def f(x):
        x = ops.relu(convolved(x) + np.float32([1, 2, 3, 4]))
        x = ops.max_pool(x, 2) * np.float32(0.5)
        x = convolved(ops.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0))), 1)
        return ops.mean(convolved(ops.concatenate([x, ops.sigmoid(x)], -1), 2), (1, 2))

    found = both(f, normal(2, 6, 6, 3))

    assert found.count("Transpose") == 1 and found[0] == "Transpose"


def test_a_value_that_is_wanted_twice_is_turned_once():
    found = both(lambda x: ops.matmul(convolved(x), convolved(x)) + ops.matmul(y := convolved(x, 1), y), normal(2, 4, 4, 3))

    assert found.count("Transpose") == 4  # in, two different results, and none for the sum of a bias


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ops.max(convolved(x), -1),
        lambda x: ops.sum(convolved(x), (0, 3), keepdims=True),
        lambda x: ops.flip(convolved(x), 1)[:, ::2, 1:, ::-1],
        lambda x: ops.transpose(ops.transpose(convolved(x), (2, 0, 3, 1)), (3, 1, 2, 0)),
        lambda x: convolved(x) + ops.sum(x, -1, keepdims=True),
        lambda x: ops.sum(x) * convolved(x),
        lambda x: convolved(x) * ops.mean(convolved(x, 1), (1, 2), keepdims=True) + ops.mean(convolved(x, 2), (0, 1, 2)),
        lambda x: ops.split(convolved(x), 2, axis=-1)[1],
        lambda x: ops.where(convolved(x) > 0, x[..., :1], np.float32(0)),
    ],
)
def test_numbers_that_lie_otherwise_are_the_right_ones(f):
    both(f, normal(2, 4, 5, 3))


# --- Simpler graphs ---------------------------------------------------------------------------------------------------


def test_a_bias_goes_into_the_product_before_it():
    weights, bias = normal(3, 5), normal(5)

    assert both(lambda x: ops.matmul(x, weights) + bias, normal(2, 3)) == ["Gemm"]
    assert both(lambda x: convolved(x) + np.float32([1, 2, 3, 4]), normal(1, 4, 4, 3)) == ["Transpose", "Conv", "Transpose"]


def test_a_bias_stays_outside_where_it_is_none():
    weights, rows = normal(3, 5), normal(2, 5)

    assert both(lambda x: ops.matmul(x, weights) + rows, normal(2, 3)) == ["MatMul", "Add"]
    assert both(lambda x: ops.matmul(x, weights) + rows[0], normal(4, 2, 3)) == ["MatMul", "Add"]
    assert "Add" in both(lambda x: (y := convolved(x)) * (y + np.float32([1, 2, 3, 4])), normal(1, 4, 4, 3))
    assert "Add" in both(lambda x: convolved(x) + normal(4, 1, 1), normal(1, 4, 4, 3))


@pytest.mark.parametrize("axis", [-1, 1])
def test_softmax_is_one_node(axis):
    assert both(lambda x: ops.softmax(x, axis), normal(2, 3, 4)) == ["Softmax"]
    assert both(lambda x: ops.log_softmax(x, axis), normal(2, 3, 4)) == ["LogSoftmax"]


def test_softmax_over_two_axes_stays_as_it_is():
    assert "Softmax" not in both(lambda x: ops.softmax(x, (1, 2)), normal(2, 3, 4))


def test_what_nobody_takes_is_not_written():
    def f(x):
        ops.exp(x)
        return ops.cond(ops.sum(x) > 0, lambda: ops.sin(x) + 0 * x, lambda: (ops.cos(x), ops.sin(x))[1])

    _, model = record(f, [normal(3)])

    assert "Exp" not in operations(model)
    bodies = [[node.op_type for node in a.g.node] for node in model.graph.node for a in node.attribute if a.HasField("g")]
    assert sorted(bodies) == [["Sin"], ["Sin", "Mul", "Add"]]


# --- Open sizes -------------------------------------------------------------------------------------------------------


def sizes(first=29, second=64):
    return of_axis(first, "x", 0), of_axis(second, "x", 1)


def test_a_size_calculates_as_its_number():
    a, b = sizes()

    for f in (
        lambda n, m: n + m - 3,
        lambda n, m: 100 - n,
        lambda n, m: n * m * 2 + n,
        lambda n, m: -(-n // 2) + 7 // n + n // m,
        lambda n, m: n % 4 + 1000 % n + n % m,
    ):
        found = f(a, b)
        assert isinstance(found, Size) and found == f(29, 64)


def test_what_depends_on_no_input_after_all_is_a_plain_number():
    a, _ = sizes()

    for found in (a - a, a * 6 % 3, a * 4 // 4 - a, (a * 4 + 3) % 2):
        assert type(found) is int
    assert a * 4 // 4 == a and (a * 6 + 7) // 3 == 60


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ops.reshape(x, (x.shape[0] * x.shape[1], -1)),
        lambda x: ops.reshape(x, (x.shape[1], x.shape[0], x.shape[2])),
        lambda x: ops.zeros((x.shape[0], 2)) + ops.ones((x.shape[0], 1)),
        lambda x: ops.sum(x, 0) / x.shape[0],
        lambda x: ops.arange(x.shape[1]) * 2,
        lambda x: x[:, : x.shape[1] // 2] - x[:, -(x.shape[1] // 2) :],
        lambda x: x[:, :99] + ops.ones(x[:, :99].shape),
        lambda x: ops.repeat(ops.tile(x, (1, 2, 1)), 3, axis=0),
        lambda x: ops.take(x, [0, -1, 99], 1),
        lambda x: ops.argsort(x, 1),
        lambda x: ops.stack(ops.split(x, 2, axis=2), axis=1),
        lambda x: ops.concatenate([x, x[:1]], 0),
        lambda x: backends.of(x).pad(x, ((0, 0), (x.shape[1] % 3, 1), (0, 0))),
        lambda x: ops.einsum("abc,abd->dca", x, x),
        lambda x: ops.scan(lambda c, row: (c + row, c * row), x[0], x)[1],
        lambda x: ops.conv(x, np.ones((3, 4, 2), "float32"), 2, "same"),
        lambda x: ops.max_pool(x, 3, 2, "same"),
        lambda x: ops.average_pool(x, 3, 2, "valid"),
        lambda x: ops.conv_transpose(x, np.ones((3, 2, 4), "float32"), 2, "same"),
    ],
)
def test_a_file_takes_other_sizes_than_it_was_recorded_with(f):
    recorded, other = normal(6, 8, 4), normal(3, 10, 4)
    result, model = record(f, [recorded], open_axes=(0, 1))

    assert tuple(result.shape) == np.shape(f(recorded))
    for x in (recorded, other):
        assert_allclose(run(model, [x]), f(x), rtol=1e-5, atol=1e-6)


def test_padding_that_cannot_be_written_for_open_sizes_is_refused():
    with pytest.raises(BackendError, match="The padding depends on unknown sizes"):
        record(lambda x: ops.average_pool(x, 3, 2, "same"), [normal(1, 8, 4)], open_axes=(1,))


LACKING = {
    "cholesky": lambda b, x: b.cholesky(x),
    "qr": lambda b, x: b.qr(x),
    "svd": lambda b, x: b.svd(x),
    "eigh": lambda b, x: b.eigh(x),
    "eig": lambda b, x: b.eig(x),
    "lu": lambda b, x: b.lu(x),
    "solve": lambda b, x: b.solve(x, x),
    "solve_triangular": lambda b, x: b.solve_triangular(x, x),
    "complex": lambda b, x: b.complex(x, x),
    "bitcast": lambda b, x: b.bitcast(x, "int32"),
    "bitwise_and": lambda b, x: b.bitwise_and(b.cast(x, "int32"), b.cast(x, "int32")),
    "right_shift": lambda b, x: b.right_shift(b.cast(x, "int32"), b.cast(x, "int32")),
}


@pytest.mark.parametrize("name", LACKING)
def test_what_onnx_lacks_is_refused_for_inputs_and_computed_for_constants(name):
    x = np.float32([[4, 2], [2, 5]])

    with pytest.raises(BackendError, match=rf"`{name}` was called while a model was recorded for ONNX"):
        record(lambda x: LACKING[name](ONNX, x), [x])
    with config.placement_scope("onnx"), recording(Graph()):
        LACKING[name](ONNX, ONNX.asarray(x))
