"""The signature of a model: one answer to what its inputs and outputs are called, for every part of the library."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.core.signature import TensorSpec, input_specs, output_names, signature_of
from cornu.core.symbolic_tensor import SymbolicTensor


class Plain(cornu.Model):
    """A subclassed model whose ``call`` does what it was given."""

    def __init__(self, call, **kwargs):
        super().__init__(**kwargs)
        self.function, self.dense = call, layers.Dense(3)

    def call(self, inputs):
        return self.function(self.dense, inputs)


def called(call, *shapes, form=lambda arrays: arrays[0], **kwargs):
    model = Plain(call, **kwargs)
    model(form([np.ones((2, *shape), "float32") for shape in shapes]))
    return model


def two_branches():
    left, right = cornu.Input((3,), name="left"), cornu.Input((None, 4), dtype="int32", name="right")
    a = layers.Dense(2, name="a")(left)
    b = layers.GlobalMaxPooling1D(name="b")(right)
    return left, right, a, b


def test_a_functional_model_has_the_names_of_its_layers():
    left, right, a, b = two_branches()
    found = signature_of(cornu.Model([left, right], [a, b]))
    assert found.inputs == [TensorSpec("left", (None, 3), "float32"), TensorSpec("right", (None, None, 4), "int32")]
    assert found.outputs == [TensorSpec("a", (None, 2), "float32"), TensorSpec("b", (None, 4), "float32")]
    assert (found.input_names, found.output_names) == (["left", "right"], ["a", "b"])


def test_inputs_keep_their_layers_names_and_outputs_take_the_keys_of_a_dict():
    left, right, a, b = two_branches()
    found = signature_of(cornu.Model({"one": left, "other": right}, {"first": a, "second": b}))
    assert {key: spec.name for key, spec in found.inputs.items()} == {"one": "left", "other": "right"}
    assert {key: spec.name for key, spec in found.outputs.items()} == {"first": "first", "second": "second"}


def test_the_shapes_of_data_in_the_order_of_the_graph():
    left, right, a, b = two_branches()
    model = cornu.Model({"one": left, "other": right}, [a, b])
    data = {"other": SymbolicTensor((None, 7, 4), "int32"), "one": SymbolicTensor((None, 3), "float64")}
    found = signature_of(model, data)
    assert found.inputs["other"] == TensorSpec("right", (None, 7, 4), "int32")
    assert found.inputs["one"] == TensorSpec("left", (None, 3), "float32")  # which the model casts to its own


def test_a_subclassed_model_is_numbered():
    one = called(lambda dense, x: dense(x), (4,))
    assert signature_of(one).inputs == TensorSpec("input_1", (None, 4), "float32")
    assert signature_of(one).outputs == TensorSpec("output_1", (None, 3), "float32")
    two = called(lambda dense, x: (dense(x[0]), [x[1]]), (4,), (5,), form=list)
    assert signature_of(two).input_names == ["input_1", "input_2"]
    assert signature_of(two).outputs == (
        TensorSpec("output_1", (None, 3), "float32"),
        [TensorSpec("output_2", (None, 5), "float32")],
    )


def test_a_subclassed_model_of_dicts_has_their_keys():
    model = called(
        lambda dense, x: {"kind": dense(x["image"]), "noise": x["noise"]},
        (4,),
        (2,),
        form=lambda arrays: dict(zip(("image", "noise"), arrays, strict=True)),
    )
    assert signature_of(model).input_names == ["image", "noise"]
    assert signature_of(model).output_names == ["kind", "noise"]


def test_a_dict_with_more_than_tensors_in_it_is_numbered():
    model = called(lambda dense, x: {"kind": dense(x), "more": [x, x]}, (4,))
    assert signature_of(model).output_names == ["output_1", "output_2", "output_3"]
    assert output_names(model, {"kind": 0, "none": None}) == ["output_1"]


@pytest.mark.parametrize(
    ("policy", "dtype"),
    [("float64", "float64"), ("float16", "float16"), ("mixed_float16", "float32"), ("bfloat16", "float32")],
)
def test_a_subclassed_model_takes_data_of_the_dtype_of_its_variables(policy, dtype):
    assert input_specs(called(lambda dense, x: x, (4,), dtype=policy)).dtype == dtype


def test_the_dtype_of_data_is_its_own():
    model = called(lambda dense, x: dense(x), (4,))
    assert input_specs(model, SymbolicTensor((None, 4), "uint8")) == TensorSpec("input_1", (None, 4), "uint8")


def test_every_backend_gives_the_same(backend):
    model = called(lambda dense, x: [dense(x), x], (4,)).to_backend(backend)
    assert signature_of(model).outputs == [
        TensorSpec("output_1", (None, 3), "float32"),
        TensorSpec("output_2", (None, 4), "float32"),
    ]
