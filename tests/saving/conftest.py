"""Models written once for Cornu and for Keras: each function takes the library (``cornu`` or ``keras``) and returns a model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def dense(k: Any) -> Any:
    L = k.layers
    return k.Sequential([k.Input((6,)), L.Dense(5, activation="relu"), L.Dense(3, activation="softmax", use_bias=False)])


def regularized(k: Any) -> Any:
    L = k.layers
    layer = L.Dense(4, kernel_regularizer=k.regularizers.L2(0.01), kernel_constraint="max_norm", activity_regularizer="l1")
    return k.Sequential([k.Input((6,)), layer, L.ActivityRegularization(l2=0.1)])


def convolutions_1d(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((12, 3)),
            L.Conv1D(4, 3, padding="causal", dilation_rate=2),
            L.DepthwiseConv1D(3, depth_multiplier=2),
            L.SeparableConv1D(5, 3, padding="same"),
            L.MaxPooling1D(2),
            L.Conv1DTranspose(4, 3, strides=2),
            L.AveragePooling1D(2),
            L.GlobalMaxPooling1D(),
        ]
    )


def convolutions_2d(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((12, 12, 3)),
            L.Rescaling(1 / 255.0, offset=-0.5),
            L.Conv2D(4, (3, 2), strides=(1, 2), activation="relu"),
            L.DepthwiseConv2D(3, padding="same"),
            L.SeparableConv2D(6, 3),
            L.Conv2DTranspose(4, 3, strides=2, padding="same"),
            L.MaxPooling2D((2, 1)),
            L.AveragePooling2D(2, strides=1, padding="same"),
            L.GlobalAveragePooling2D(),
        ]
    )


def convolutions_3d(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((6, 6, 6, 2)),
            L.Conv3D(3, 2),
            L.MaxPooling3D(2, padding="same"),
            L.Conv3DTranspose(2, 2),
            L.AveragePooling3D(2),
            L.GlobalMaxPooling3D(keepdims=True),
        ]
    )


def normalizations(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((4, 8)),
            L.BatchNormalization(momentum=0.9),
            L.LayerNormalization(epsilon=1e-4),
            L.GroupNormalization(groups=2),
            L.UnitNormalization(),
            L.BatchNormalization(scale=False),
        ]
    )


def noise(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((4, 8)),
            L.Dropout(0.3, seed=3),
            L.GaussianNoise(0.1),
            L.GaussianDropout(0.1),
            L.SpatialDropout1D(0.2),
            L.Dense(3),
        ]
    )


def activations(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((4, 6)),
            L.Activation("gelu"),
            L.ReLU(max_value=3.0),
            L.LeakyReLU(negative_slope=0.2),
            L.PReLU(shared_axes=[1]),
            L.ELU(),
            L.Activation("hard_sigmoid"),
            L.Softmax(axis=-1),
        ]
    )


def shapes(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((4, 6)),
            L.Permute((2, 1)),
            L.Reshape((3, 2, 4)),
            L.ZeroPadding2D(((1, 0), (0, 2))),
            L.Cropping2D(1),
            L.UpSampling2D(2, interpolation="bilinear"),
            L.Flatten(),
            L.RepeatVector(2),
        ]
    )


def embedding(k: Any) -> Any:
    L = k.layers
    return k.Sequential([k.Input((7,), dtype="int32"), L.Embedding(11, 4, mask_zero=True), L.LSTM(5), L.Dense(2)])


def recurrent(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((6, 3)),
            L.SimpleRNN(4, return_sequences=True, dropout=0.1),
            L.GRU(5, return_sequences=True, recurrent_dropout=0.2),
            L.GRU(4, return_sequences=True, reset_after=False),
            L.LSTM(4, return_sequences=True, go_backwards=True),
            L.RNN([L.LSTMCell(3), L.GRUCell(4), L.SimpleRNNCell(2)], return_sequences=True),
            L.TimeDistributed(L.Dense(3)),
            L.LSTM(3, unit_forget_bias=False),
        ]
    )


def bidirectional(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((6, 3)),
            L.Bidirectional(L.LSTM(4, return_sequences=True)),
            L.Bidirectional(L.GRU(3), merge_mode="sum", backward_layer=L.LSTM(3, go_backwards=True)),
        ]
    )


def merging(k: Any) -> Any:
    L = k.layers
    a, b = k.Input((5,), name="a"), k.Input((5,), name="b")
    x, y = L.Dense(4)(a), L.Dense(4)(b)
    merged = [merge()([x, y]) for merge in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)]
    return k.Model([a, b], [L.Concatenate()(merged), L.Dot(axes=1, normalize=True)([x, y])])


def shared(k: Any) -> Any:
    """One layer called three times, inputs and outputs as dicts."""
    L = k.layers
    a, b = k.Input((5,), name="left"), k.Input((5,), name="right")
    same = L.Dense(5, activation="tanh", name="same")
    x, y = same(a), same(same(b))
    return k.Model({"left": a, "right": b}, {"sum": L.Add()([x, y]), "first": L.Dense(2)(x)})


def nested(k: Any) -> Any:
    L = k.layers
    inner_input = k.Input((5,))
    inner = k.Model(inner_input, [L.Dense(4)(inner_input), L.Dense(3)(inner_input)], name="inner")
    stack = k.Sequential([k.Input((4,)), L.Dense(6), L.BatchNormalization()], name="stack")
    x = k.Input((5,))
    four, three = inner(x)
    return k.Model(x, L.Concatenate()([stack(four), stack(four), three]))


def operations(k: Any) -> Any:
    """Ops as nodes of the graph, with constants, slices and axes."""
    ops = k.ops
    x = k.Input((4, 6), name="x")
    y = k.Input((4, 6), name="y")
    a = 2.0 * x + 1 - y / 4.0
    b = ops.mean(a, axis=[1], keepdims=True)
    c = ops.concatenate([a[:, 1:, ::2], ops.transpose(y, (0, 2, 1))[:, :3, :3]], axis=-1)
    d = ops.matmul(x, ops.swapaxes(y, 1, 2))
    e = ops.einsum("bij,bkj->bik", x, y)
    f = ops.where(ops.greater(x, 0.5), x, ops.zeros_like(y)) * np.arange(6, dtype="float32")
    g = ops.reshape(ops.max(ops.relu(-x), axis=-1), (-1, 2, 2))
    h = ops.softmax(x, axis=1)[..., 0]
    i = ops.pad(ops.expand_dims(x, -1), ((0, 0), (1, 0), (0, 0), (0, 0)), constant_values=3.0)
    j = ops.split(y, 2, axis=-1)
    p = ops.image.resize(ops.expand_dims(x, -1), (8, 9))
    q = ops.cast(ops.clip(x, 0.2, 0.8), "float32") ** 2
    return k.Model([x, y], [b, c, d, e, f, g, h, i, *j, p, q])


ALL = (
    dense,
    regularized,
    convolutions_1d,
    convolutions_2d,
    convolutions_3d,
    normalizations,
    noise,
    activations,
    shapes,
    embedding,
    recurrent,
    bidirectional,
    merging,
    shared,
    nested,
    operations,
)


@pytest.fixture(params=ALL, ids=lambda function: function.__name__)
def example(request: pytest.FixtureRequest) -> Callable:
    """A function that makes a model with the library that it is given."""
    return request.param


def inputs_for(model: Any, seed: int = 1) -> Any:
    """Random inputs of two samples in the form of a model's inputs."""
    generator = np.random.default_rng(seed)

    def draw(tensor):
        shape = (2, *tensor.shape[1:])
        if "int" in str(tensor.dtype):
            return generator.integers(0, 5, shape).astype("int32")
        return generator.uniform(-1, 1, shape).astype("float32")

    if len(model.inputs) == 1:
        return draw(model.inputs[0])
    names = model.functional.input_names if hasattr(model, "functional") else [tensor.name for tensor in model.inputs]
    return {name: draw(tensor) for name, tensor in zip(names, model.inputs, strict=True)}


def with_random_weights(model: Any, seed: int = 2) -> Any:
    """The model with distinct random weights, variances positive."""
    generator = np.random.default_rng(seed)
    values = [generator.uniform(0.05, 0.6, value.shape).astype(value.dtype) for value in model.get_weights()]
    model.set_weights(values)
    return model


@pytest.fixture
def draw_inputs() -> Callable:
    """Returns random inputs for a model."""
    return inputs_for


@pytest.fixture
def randomize() -> Callable:
    """Assigns random weights to a model."""
    return with_random_weights
