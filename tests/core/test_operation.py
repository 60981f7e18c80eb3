"""Operations that users define, and graphs as functions, against real Keras."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import Function, Input, KerasTensor, Model, Operation, Sequential, layers, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError
from cornu.registry import register_keras_serializable

X, Y = (np.random.default_rng(seed).normal(size=(4, 3)).astype("float32") for seed in (0, 1))


@register_keras_serializable(package="test_operation")
class Scale(Operation):
    def __init__(self, factor: float, name: str | None = None):
        super().__init__(name=name)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor


def test_an_operation_computes_arrays_and_records_symbols(backend: str) -> None:
    scale = Scale(3.0)
    with cornu.config.placement_scope(backend):
        np.testing.assert_allclose(ops.convert_to_numpy(scale(ops.array(X))), 3 * X, rtol=1e-6)
    with pytest.raises(NotBuiltError, match="It has none before its first call on symbolic tensors"):
        _ = scale.input
    inputs = Input((3,))
    outputs = scale(inputs)
    assert (outputs.shape, outputs.dtype) == ((None, 3), "float32")
    assert scale.input is inputs and scale.output is outputs


def test_an_operation_may_describe_its_outputs_itself() -> None:
    class Half(Operation):
        def call(self, x: Any) -> Any:
            return x[:, :1]

        def compute_output_spec(self, x: Any) -> Any:
            return KerasTensor((x.shape[0], 1), x.dtype)

    assert Half()(Input((3,))).shape == (None, 1)


def test_a_model_with_an_operation_trains_and_is_saved(backend: str, tmp_path: Path) -> None:
    inputs = Input((3,))
    model = Model(inputs, layers.Dense(2)(Scale(2.0, name="twice")(inputs))).to_backend(backend)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(X, verbose=0), 2 * X @ kernel + bias, rtol=1e-5, atol=1e-5)
    model.compile("sgd", "mse")
    model.fit(X, Y[:, :2], verbose=0)
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def test_layers_are_operations() -> None:
    assert isinstance(layers.Dense(2), Operation) and isinstance(Sequential([]), Operation)


def test_mistakes_in_operations_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="A name must be a string without `/`"):
        Scale(1.0, name="a/b")
    with pytest.raises(InvalidTypeError, match="its class `Operation` has no `call`"):
        Operation()(X)


# --- Functions ------------------------------------------------------------------------------------------------------------


def two_outputs(kit: Any) -> Any:
    a, b = kit.KerasTensor((None, 3)), kit.KerasTensor((None, 3))
    product = kit.ops.tanh(a * b)
    return kit.Function({"a": a, "b": b}, [kit.ops.sum(product, axis=-1), product + 1.0])


def test_a_function_is_that_of_keras(backend: str) -> None:
    import keras

    with cornu.config.placement_scope(backend):
        found = two_outputs(cornu)({"a": ops.array(X), "b": ops.array(Y)})
    wanted = two_outputs(keras)({"a": X, "b": Y})
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(mine), np.asarray(theirs), rtol=1e-5, atol=1e-6)


def test_shapes_of_a_function_follow_those_of_its_inputs() -> None:
    function = two_outputs(cornu)
    assert function.compute_output_shape({"a": (7, 3), "b": (7, 3)}) == [(7,), (7, 3)]
    symbols = {name: Input((3,)) for name in ("a", "b")}
    assert [tensor.shape for tensor in function(symbols)] == [(None,), (None, 3)]
    assert [type(operation).__name__ for operation in function.operations] == ["OpCall"] * 4


def test_a_function_calls_the_layers_between_its_tensors() -> None:
    inputs = Input((3,))
    hidden = layers.Dense(4, activation="tanh")(inputs)
    outputs = layers.Dense(1)(hidden)
    model, tail = Model(inputs, outputs), Function(hidden, outputs)
    first = Function(inputs, hidden)(X)
    np.testing.assert_allclose(np.asarray(tail(first)), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def test_mistakes_in_functions_are_refused() -> None:
    a, b = Input((3,), name="left"), Input((3,), name="right")
    with pytest.raises(InvalidTypeError, match=r"outputs that depend on \['.*'\]. They must be computed from `inputs` alone"):
        Function(a, a + b)
    with pytest.raises(InvalidArgumentError, match="Both must be symbolic tensors, at least one each"):
        Function([], a)
    with pytest.raises(InvalidArgumentError, match="Both must be symbolic tensors"):
        Function(a, X)
    with pytest.raises(ShapeError, match=r"received 1 inputs of the shapes.*It has 2 inputs"):
        Function([a, b], a + b)([X])
    with pytest.raises(ShapeError, match="received 1 inputs of the shapes"):
        Function(a, a + 1)(X[0])
