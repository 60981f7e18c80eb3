"""The contract's check finds what is wrong with planted bad layers, and lets a good one pass."""

from typing import Any

import numpy as np
import pytest

from cornu import layers, ops
from cornu.core import call_context
from cornu.core.dtype_policy import dtype_policy, set_dtype_policy
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.models import load_model
from cornu.optimizers import SGD
from cornu.testing import layer_checks
from cornu.testing.harness import ContractError
from cornu.testing.layer_checks import CLAUSES, check_layer


class Scale(Layer):
    """A good layer, from which the bad ones differ in one thing."""

    batch_coupling = "none"

    def __init__(self, factor: float = 2.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale * self.factor


class WrongShape(Scale):
    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], input_shape[-1] + 1)


class UnnamedConfig(Scale):
    def __init__(self, depth: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.depth = depth

    def get_config(self) -> dict:
        return {name: value for name, value in super().get_config().items() if name != "depth"}


class ForgetfulConfig(Scale):
    def get_config(self) -> dict:
        return super().get_config() | {"factor": 3.0}


class ConfigOfArrays(Scale):
    def get_config(self) -> dict:
        return super().get_config() | {"factor": np.ones(2)}


class WrongGradient(Scale):
    def call(self, inputs: Any) -> Any:
        @ops.custom_gradient
        def doubled(x: Any) -> Any:
            return x * 2, lambda upstream: upstream * 3

        return doubled(inputs) * self.scale


class LostGradient(Scale):
    def call(self, inputs: Any) -> Any:
        return inputs * ops.stop_gradient(self.scale.value)


class AnotherAnswerOnJax(Scale):
    def call(self, inputs: Any) -> Any:
        return inputs * self.scale * (2.0 if self.backend_name == "numpy" else 2.01)


class AnotherGradientOnJax(Scale):
    def call(self, inputs: Any) -> Any:
        outputs = inputs * self.scale
        if self.backend_name == "numpy":
            return outputs
        return outputs / 2 + ops.stop_gradient(outputs) / 2


class MemoryOutsideTheWeights(Scale):
    def call(self, inputs: Any) -> Any:
        self.calls = getattr(self, "calls", 0) + 1
        return inputs * self.scale * self.calls


class OneDtype(Scale):
    def call(self, inputs: Any) -> Any:
        return ops.cast(inputs, self.variable_dtype) * 2


class OverflowsInHalfPrecision(Scale):
    def call(self, inputs: Any) -> Any:
        return inputs * 500 * 500 / 500 / 500 * self.scale


class SamplesMeet(Scale):
    batch_coupling = "none"

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale - ops.mean(inputs, axis=0)


class CountsThePadding(SamplesMeet):
    batch_coupling = "masked"


class LeavesThePaddingOut(Scale):
    batch_coupling = "masked"

    def call(self, inputs: Any) -> Any:
        mask = call_context.current().sample_mask
        weights = ops.ones((inputs.shape[0], 1)) if mask is None else ops.reshape(mask, (-1, 1))
        weights = ops.cast(ops.convert_to_tensor(weights, backend=self.backend_name), self.compute_dtype)
        return inputs * self.scale - ops.sum(inputs * weights, axis=0) / ops.sum(weights)


class Broken(Scale):
    def call(self, inputs: Any) -> Any:
        raise KeyError("a slip")


@pytest.mark.parametrize("good", [Scale, LeavesThePaddingOut])
def test_a_good_layer_passes(good: type) -> None:
    check_layer(good, {"factor": 1.5}, input_shape=(3, 4))


def test_a_function_that_makes_a_layer_passes() -> None:
    check_layer(lambda factor: Scale(factor), {"factor": 1.5}, input_data=np.ones((3, 4), "float32"))


BAD = {
    WrongShape: ("shapes", "compute_output_shape"),
    UnnamedConfig: ("config", "argument"),
    ForgetfulConfig: ("config", "different outputs"),
    ConfigOfArrays: ("config", "cannot be written as JSON"),
    WrongGradient: ("gradients", "the input"),
    LostGradient: ("gradients", "/scale'"),
    AnotherAnswerOnJax: ("backends", "the output on 'jax'"),
    AnotherGradientOnJax: ("backends", "the gradient on 'jax'"),
    MemoryOutsideTheWeights: ("weights", "outputs differ"),
    OneDtype: ("half precision", "float32"),
    OverflowsInHalfPrecision: ("half precision", "mixed_float16"),
    SamplesMeet: ("batch coupling", "'none'"),
    CountsThePadding: ("batch coupling", "'masked'"),
    Broken: ("call", "a slip"),
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_a_bad_layer_is_found_out(bad: type) -> None:
    clause, words = BAD[bad]
    with pytest.raises(ContractError) as raised:
        check_layer(bad, {"depth": 1} if bad is UnnamedConfig else None, input_shape=(3, 4))
    assert f"`{bad.__name__}` violates the clause {clause!r}" in str(raised.value)
    assert words in str(raised.value)


def test_a_file_that_loses_weights_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_without_weights(path: Any, custom_objects: Any) -> Any:
        model = load_model(path, custom_objects)
        model.set_weights([value * 0 for value in model.get_weights()])
        return model

    monkeypatch.setattr(layer_checks, "load_model", load_without_weights)
    with pytest.raises(ContractError, match="violates the clause 'file': after saving and loading, its outputs are"):
        check_layer(Scale, input_shape=(3, 4))


def test_training_that_takes_something_else_than_the_gradient_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cornu.testing.gradient_checks.SGD", lambda rate: SGD(rate * 1.01))
    with pytest.raises(ContractError, match=r"violates the clause 'training': the weight '.*scale' after `fit`"):
        check_layer(Scale, input_shape=(3, 4))


def test_a_file_that_cannot_be_loaded_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_checks, "load_model", lambda path, custom_objects: load_model(path))
    with pytest.raises(ContractError, match="violates the clause 'file': a saved model with the layer cannot be loaded: Un"):
        check_layer(Scale, input_shape=(3, 4))


def test_it_is_an_assertion_error_that_says_what_to_do() -> None:
    with pytest.raises(AssertionError, match=r"They must be equal.*Correct `compute_output_shape`, or remove it"):
        check_layer(WrongShape, input_shape=(3, 4))


def test_a_clause_can_be_left_out() -> None:
    check_layer(AnotherAnswerOnJax, input_shape=(3, 4), skip=["backends"])


def test_an_unknown_clause_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"Did you mean 'gradients'\?"):
        check_layer(Scale, input_shape=(3, 4), skip=["gradient"])


@pytest.mark.parametrize("both", [{}, {"input_shape": (2, 3), "input_data": np.ones((2, 3))}])
def test_it_needs_a_shape_or_data(both: dict) -> None:
    with pytest.raises(InvalidArgumentError, match="exactly one of the two"):
        check_layer(Scale, **both)


def test_a_layer_that_gives_nan_is_found_out() -> None:
    with pytest.raises(ContractError, match="violates the clause 'call': its outputs contain NaN"):
        check_layer(Scale, {"factor": float("nan")}, input_shape=(3, 4))


def test_a_shape_in_the_place_of_arguments_is_refused() -> None:
    with pytest.raises(
        InvalidTypeError, match=r"init_kwargs=\(3, 4\).*`check_layer\(Dense, \{'units': 3\}, input_shape=\(2, 4\)\)`"
    ):
        check_layer(Scale, (3, 4))


def test_the_dtype_policy_stays_as_it_was() -> None:
    set_dtype_policy("float64")
    try:
        check_layer(Scale, input_shape=(3, 4), skip=[name for name in CLAUSES if name != "gradients"])
        assert dtype_policy().name == "float64"
    finally:
        set_dtype_policy(None)


def test_the_layer_keeps_no_trace_of_the_check() -> None:
    layer = Scale()
    check_layer(lambda: layer, input_shape=(3, 4), skip=["config", "gradients", "half precision"])
    assert layer.scale.shape == (4,)


@pytest.mark.parametrize("seed", [None, 1])
def test_random_layers_with_and_without_a_seed_are_checked(seed):
    check_layer(layers.Dropout, {"rate": 0.5, "seed": seed}, input_shape=(2, 3))
