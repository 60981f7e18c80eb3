"""One signature: compile, ONNX files and SavedModels call the inputs and outputs of a model the same."""

from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.core.signature import signature_of
from cornu.export import onnx_writer, saved_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
tf = pytest.importorskip("tensorflow")


class Own(cornu.Model):
    """A subclassed model with two dense layers, whose ``call`` is the function it was given."""

    def __init__(self, function: Any, dtype: str | None = None) -> None:
        super().__init__(dtype=dtype)
        self.function, self.left, self.right = function, layers.Dense(2, dtype=dtype), layers.Dense(2)

    def call(self, inputs: Any) -> Any:
        return self.function(self, inputs)


def functional(outputs: Any) -> tuple[Any, Any]:
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    one, other = layers.Dense(2, name="one")(a), layers.Dense(2, name="other")(b)
    return cornu.Model([a, b], outputs(one, other)), [np.ones((4, 3), "float32")] * 2


X = np.ones((4, 3), "float32")
MODELS = {
    "one array": (lambda: (Own(lambda self, x: self.left(x)), X), ["input_1"], ["output_1"]),
    "lists": (
        lambda: (Own(lambda self, x: [self.left(x[0]), self.right(x[1])]), [X, X]),
        ["input_1", "input_2"],
        ["output_1", "output_2"],
    ),
    "dicts": (
        lambda: (Own(lambda self, x: {"kind": self.left(x["p"]), "size": self.right(x["q"])}), {"p": X, "q": X}),
        ["p", "q"],
        ["kind", "size"],
    ),
    "functional": (lambda: functional(lambda one, other: [one, other]), ["a", "b"], ["one", "other"]),
    "functional, dict": (lambda: functional(lambda one, other: {"x": one, "y": other}), ["a", "b"], ["x", "y"]),
}


@pytest.mark.parametrize("kind", MODELS)
def test_all_call_them_the_same(kind, tmp_path):
    make, inputs, outputs = MODELS[kind]
    model, x = make()
    model.to_backend("numpy")
    expected = cornu.trees.leaves(model.predict(x, verbose=0))
    assert (signature_of(model).input_names, signature_of(model).output_names) == (inputs, outputs)

    model.compile("sgd", {name: "mse" for name in outputs})
    logs = model.evaluate(x, {name: np.ones((4, 2)) for name in outputs}, verbose=0, return_dict=True)
    assert list(logs) == sorted(["loss", *(f"{name}_loss" for name in outputs if len(outputs) > 1)])

    onnx_writer.write(model, tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert ([end.name for end in graph.input], [end.name for end in graph.output]) == (inputs, outputs)

    saved_model.write(model, tmp_path / "saved")
    serve = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    found = serve(**{name: tf.constant(array) for name, array in zip(inputs, cornu.trees.leaves(x), strict=True)})
    assert set(found) == set(outputs)
    for name, array in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(found[name].numpy(), array, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
def test_a_subclassed_model_takes_the_dtype_of_its_variables(policy, tmp_path):
    model = Own(lambda self, x: self.left(x), policy).to_backend("numpy")
    model(X)
    dtype = {"mixed_float16": "float32", "float16": "float16"}[policy]
    onnx_writer.write(model, tmp_path / "model.onnx")
    (entrance,) = onnx.load(tmp_path / "model.onnx").graph.input
    assert onnx.helper.tensor_dtype_to_np_dtype(entrance.type.tensor_type.elem_type) == dtype
    saved_model.write(model, tmp_path / "saved")
    serve = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    assert serve.structured_input_signature[1]["input_1"].dtype == dtype
