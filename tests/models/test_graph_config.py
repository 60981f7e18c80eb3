import importlib
import inspect

import keras
import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.errors import InvalidArgumentError, ModelFormatError, UnsafeModelError
from cornu.models import graph_config
from cornu.models.graph_config import OPS

WITHOUT_NAMES = ("kwargs", "operands", "axes_lengths")
"""Parameters of signatures that stand for any number of arguments."""


@pytest.mark.parametrize(("home", "op"), OPS.items(), ids=["".join(home) for home in OPS])
def test_keras_has_an_operation_of_the_same_arguments(home, op):
    """What Cornu writes into the config, Keras's constructor takes; what it writes into the call, Keras's ``call`` takes."""
    module, class_name = home
    theirs = getattr(importlib.import_module(f"keras.src.ops.{module}"), class_name)
    in_call = [name for name in inspect.signature(theirs.call).parameters if name not in ("self", *WITHOUT_NAMES)]
    in_config = [name for name in inspect.signature(theirs.__init__).parameters if name not in ("self", "name", "kwargs")]
    mine = [name for name in inspect.signature(op).parameters if name not in WITHOUT_NAMES]
    called = graph_config._call_parameters(op)
    assert called == in_call
    assert [name for name in mine if name not in called] == in_config


NOT_IN_FILES = {"Arange", "Array", "Full", "Linspace", "Logspace"} | {
    *("Select", "DotProductAttention", "DepthToSpace", "SpaceToDepth")  # a list of conditions, masks, and Keras's own forms
}
"""Classes of Keras's ops that no config of Cornu's names although it has the op: those that take no array, and a few."""


@pytest.mark.parametrize("module", ["numpy", "nn"])
def test_the_table_has_every_op_that_both_have(module):
    theirs = vars(importlib.import_module(f"keras.src.ops.{module}"))
    classes = [n for n, c in theirs.items() if inspect.isclass(c) and issubclass(c, keras.Operation) and c.__name__ == n]
    ours = {name.replace("_", "").lower() for name in ops.__all__}
    missing = [n for n in classes if n.lower() in ours and (module, n) not in OPS and n not in NOT_IN_FILES]
    assert not missing, f"give these ops a `keras_path` where they are defined: {missing}"


WRITTEN_SINCE_THE_FIRST_FILES = {
    "numpy": """
        abs absolute add all allclose amax amin any append arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin
        argsort average bincount broadcast_to cbrt ceil clip concatenate cos cosh count_nonzero cross cumprod cumsum deg2rad
        diag diagonal diff digitize divide divide_no_nan dot dstack einsum empty_like equal exp exp2 expand_dims expm1 flip
        fliplr flipud floor floor_divide full_like get_item greater greater_equal hstack hypot inner isclose isfinite
        isinf isnan
        isneginf isposinf kron less less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor
        matmul max maximum mean median meshgrid min minimum mod moveaxis multiply nan_to_num ndim negative not_equal ones_like
        outer pad percentile power prod ptp quantile rad2deg ravel reciprocal repeat reshape roll rot90 round searchsorted sign
        sin sinh size sort split sqrt square squeeze stack std subtract sum swapaxes take take_along_axis tan tanh
        tensordot tile trace transpose tril triu true_divide trunc var vdot vstack where zeros_like""",
    "nn": """
        average_pool binary_crossentropy categorical_crossentropy celu conv conv_transpose depthwise_conv elu gelu glu
        hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu log_sigmoid log_softmax max_pool moments multi_hot normalize
        one_hot relu relu6 selu separable_conv sigmoid silu soft_shrink softmax softplus softsign
        sparse_categorical_crossentropy sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink threshold""",
    "core": "cast saturate_cast scatter scatter_update slice slice_update stop_gradient unstack",
    "linalg": "norm",
    "math": "erf erfc erfinv in_top_k logsumexp rsqrt top_k",
}
"""Ops by module and name, as files have named them from the beginning: none of these may ever get another name."""


def class_name(name):
    unusual = {"allclose": "AllClose", "searchsorted": "SearchSorted"}
    return unusual.get(name, "".join(part.capitalize() for part in name.split("_")))


def test_files_name_the_ops_as_they_always_did():
    homes = {(m, class_name(n)): getattr(ops, n) for m, names in WRITTEN_SINCE_THE_FIRST_FILES.items() for n in names.split()}
    homes[("image", "Resize")] = ops.image.resize
    assert {home: OPS.get(home) for home in homes} == homes
    assert all(graph_config._HOMES[op] == home for home, op in homes.items())


def test_every_op_that_a_config_may_name_is_a_plain_function_of_ops():
    homes = (ops, ops.image)
    assert all(any(getattr(home, op.__name__, None) is op for home in homes) for op in OPS.values())


def entry(**changes):
    x = cornu.Input((4,), name="x")
    config = cornu.Model(x, layers.Dense(3, name="only")(x)).get_config()
    config["layers"][1].update(changes)
    return config


def refusal(config, kind=ModelFormatError):
    with pytest.raises(kind) as caught:
        cornu.Model.from_config(config)
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["Switch", "Cond", "WhileLoop", "Map", "Scan", "CustomGradient", "Save", "__class__", "add", "Operation", None, ["Add"]],
)
def test_an_op_that_is_not_in_the_table_is_refused(name):
    error = refusal(entry(module="keras.src.ops.core", class_name=name), UnsafeModelError)
    assert "not one of the ops that a config may name" in error.expected


def test_an_op_of_another_module_is_refused():
    refusal(entry(module="keras.src.ops.evil.numpyx", class_name="Add"), UnsafeModelError)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {}},
        {"config": None},
        {"config": []},
        {"class_name": None},
        {"class_name": ["Dense"]},
        {"class_name": {}},
        {"class_name": "Sequential"},
        {"config": {"units": -3}},
        {"config": {"units": "many"}},
        {"config": {"units": {"class_name": "Dense", "config": {"units": 3}, "module": "keras.layers"}}},
        {"config": {"units": 3, "wings": 2}},
    ],
    ids=str,
)
def test_a_layer_that_cannot_be_made_is_named(changes):
    error = refusal(entry(**changes))
    assert "'only'" in error.received


def tensor(name, call=0, output=0):
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": [name, call, output]},
    }


@pytest.mark.parametrize(
    "calls",
    [
        [{"args": [tensor("only")], "kwargs": {}}],
        [{"args": [tensor("nobody")], "kwargs": {}}],
        [{"args": [tensor("x", 1)], "kwargs": {}}],
        [{"args": [tensor("x", 0, 7)], "kwargs": {}}],
        [{"args": [tensor(["x"])], "kwargs": {}}],
        [{"args": [], "kwargs": {}}],
        [{"args": [tensor("x")], "kwargs": {"wings": 3}}],
        [{"args": [tensor("x")], "kwargs": {"__class__": 3}}],
        [{"args": [3], "kwargs": {}}],
        [{"args": [{"class_name": "__numpy__", "config": {"value": "text", "dtype": "O"}}], "kwargs": {}}],
        [{"args": [{"class_name": "__numpy__", "config": {"value": [1], "dtype": "evil"}}], "kwargs": {}}],
        [{}],
        [3],
        3,
        None,
    ],
    ids=str,
)
def test_calls_that_cannot_be_made_are_refused(calls):
    refusal(entry(inbound_nodes=calls))


def test_calls_may_stand_in_any_order():
    x = cornu.Input((4,), name="x")
    y = x
    for number in range(30):
        y = layers.Dense(4, name=f"dense_{number}")(y)
    config = cornu.Model(x, y).get_config()
    config["layers"].reverse()
    assert cornu.Model.from_config(config).output_shape == (None, 4)


def test_an_op_that_no_file_can_hold_is_refused_when_the_config_is_made():
    x = cornu.Input((4,))
    model = cornu.Model(x, ops.random.dropout(x, 0.5))
    with pytest.raises(InvalidArgumentError, match="contains a call of the op `dropout`"):
        model.get_config()


@pytest.mark.parametrize(
    "value",
    [
        slice(1, None, -2),
        (slice(None), ..., None, 3),
        np.arange(6, dtype="int16").reshape(2, 3),
        {"a": (1, 2)},
        2.5,
        None,
        "same",
    ],
    ids=repr,
)
def test_values_in_calls_come_back(value):
    found = graph_config.value_from(graph_config.with_places(value, {}))
    if isinstance(value, np.ndarray):
        assert found.dtype == value.dtype
        np.testing.assert_array_equal(found, value)
    else:
        assert found == value


def test_constants_are_written_as_keras_writes_them():
    value = np.arange(3, dtype="float32")
    assert graph_config.with_places(value, {}) == keras.saving.serialize_keras_object(value)
    assert graph_config.with_places(slice(1, 5, 2), {}) == keras.saving.serialize_keras_object(slice(1, 5, 2))


def test_a_rearrangement_with_sizes_of_axes_is_read_by_keras_and_back(tmp_path):
    x = cornu.Input(batch_shape=(3, 4, 6))
    model = cornu.Model(x, ops.rearrange(x, "b (h w) c -> b w h c", h=2))
    model.save(tmp_path / "mine.keras")
    given = np.random.default_rng(0).normal(size=(3, 4, 6)).astype("float32")
    expected = given.reshape(3, 2, 2, 6).transpose(0, 2, 1, 3)
    for library in (cornu, keras):
        loaded = library.models.load_model(tmp_path / "mine.keras")
        np.testing.assert_array_equal(np.asarray(loaded(given)), expected)
    loaded.save(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(np.asarray(cornu.models.load_model(tmp_path / "theirs.keras")(given)), expected)


def test_ops_of_two_arrays_are_read_by_keras(tmp_path):
    """The second array is part of the call, not of the config."""
    x, y = cornu.Input((2,), dtype="int32"), cornu.Input((2,), dtype="int32")
    model = cornu.Model([x, y], [ops.bitwise_xor(x, y), ops.left_shift(x, y)])
    model.save(tmp_path / "mine.keras")
    given = [np.array([[5, 3]], "int32"), np.array([[1, 2]], "int32")]
    for library in (cornu, keras):
        found = library.models.load_model(tmp_path / "mine.keras")(given)
        assert [np.asarray(array).tolist() for array in found] == [[[4, 1]], [[10, 12]]]
