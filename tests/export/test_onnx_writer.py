"""ONNX files: every layer, every kind of model, and what becomes of a file that would be wrong.

``export`` verifies each file against the model itself; these tests do so once more, on other data and other sizes of a batch.
"""

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, config, layers, ops, trees
from cornu.errors import BackendError, CornuError, InvalidArgumentError, InvalidTypeError, MissingPackageError, NotBuiltError
from cornu.export import onnx_writer

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

TABLES = Path(__file__).parents[1] / "layers"
WITHOUT_TABLE = {"Embedding", "Lambda", "Masking", "TorchModuleWrapper"}  # the last one computes with PyTorch alone
WITHOUT_TABLE |= {"GroupQueryAttention", "MultiHeadAttention"}  # these take two inputs that are no list
WITHOUT_TABLE |= {"CategoryEncoding", "Discretization"}  # exported in tests/layers/preprocessing/test_files.py
WITHOUT_TABLE |= {"HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"}  # compute in Python
WITHOUT_TABLE |= {"FlaxLayer", "JaxLayer", "TFSMLayer"}  # compute with one engine
WITHOUT_TABLE |= {"ReversibleEmbedding", "SpectralNormalization"}  # like the layer that they extend or wrap
WITHOUT_TABLE |= {name for name in layers.__all__ if getattr(layers, name).__module__.startswith("cornu.layers.augmentation")}
"""Layers that tests of their own export, below, or that cannot be exported."""
ABSTRACT = {"InputSpec", "InputLayer", "Layer", "Wrapper"}


@pytest.fixture(autouse=True)
def on_numpy():
    """The reference runs the models: nothing is compiled."""
    before = config.backend()
    config.set_backend("numpy")
    yield
    config.set_backend(before)


def table(name: str) -> Any:
    """A module of the tests of layers, for its tables."""
    (path,) = TABLES.rglob(f"test_{name}.py")
    spec = importlib.util.spec_from_file_location(f"table_of_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def cases():
    """Name to what makes a layer and the shapes of its inputs."""
    found = {}
    for path in sorted(TABLES.rglob("test_*.py")):
        module = table(path.stem.removeprefix("test_"))
        for name, (kind, arguments, shape, *_) in getattr(module, "AGAINST_KERAS", {}).items():
            make = lambda kind=kind, arguments=arguments: getattr(layers, kind)(**arguments)  # noqa: E731
            found[f"{path.stem[5:]}, {name}"] = make, shape if isinstance(shape, list) else [shape]
    for kind, (arguments, shape) in table("regularization").ALL.items():
        found[f"regularization, {kind}"] = lambda k=kind, a=arguments: getattr(layers, k)(**a), [shape]
    recurrent, wrappers = table("rnn"), table("wrappers")
    for name, make in recurrent.CASES.items():
        found[f"rnn, {name}"] = lambda make=make: make(layers), [(4, 5, 3)]
    for name, make in recurrent.MASKED.items():
        found[f"rnn masked, {name}"] = lambda make=make: masked(make(layers)), [(4, 5, 3)]
    for name, (make, shape, mask) in wrappers.CASES.items():
        makes = (lambda make=make: make(layers)) if mask is None or len(shape) > 3 else lambda make=make: masked(make(layers))
        found[f"wrappers, {name}"] = makes, [shape]
    return found


def masked(layer):
    """The layer behind one that masks: steps of zeros are padding."""
    return lambda x: layer(layers.Masking(0.0)(ops.where(x > 0.5, x, 0) * 0 + ops.relu(x - 0.5)))


CASES = cases()


def with_weights(model):
    """The model with numbers that are all different; variances are positive."""
    rng = np.random.default_rng(3)
    values = [rng.normal(size=weight.shape) for weight in model.weights]
    model.set_weights([np.abs(v) + 0.1 if "variance" in w.path else v for w, v in zip(model.weights, values, strict=True)])
    return model


def random_like(model, count):
    rng = np.random.default_rng(5)
    return [rng.normal(size=(count, *[size or 7 for size in t.shape[1:]])).astype("float32") for t in model.inputs]


def exported(model, folder, **arguments):
    path = folder / "model.onnx"
    model.export(path, **{"verbose": False} | arguments)
    return path


def run(path, arrays):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([one.name for one in session.get_inputs()], arrays, strict=True)))


def check(model, folder, arrays=None, count=6):
    """Exports a model and compares the file with it; returns the file's message."""
    arrays = random_like(model, count) if arrays is None else arrays
    path = exported(model, folder)
    found, expected = (
        run(path, arrays),
        trees.leaves(model.predict(arrays if len(arrays) > 1 else arrays[0], batch_size=len(arrays[0]))),
    )
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    return onnx.load(path)


# --- Layers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_a_layer_is_exported(case, tmp_path):
    make, shapes = CASES[case]
    inputs = [Input(shape[1:]) for shape in shapes]
    inputs = inputs if len(inputs) > 1 else inputs[0]

    check(with_weights(Model(inputs, make()(inputs))), tmp_path)


def test_every_layer_has_a_case():
    with_table = {type(make()).__name__ for case, (make, _) in CASES.items() if "masked" not in case}
    cells = {name for name in layers.__all__ if name.endswith(("Cell", "Cells"))}
    classes = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    aliases = {name for name in classes if getattr(layers, name).__name__ != name}

    missing = classes - with_table - cells - aliases - WITHOUT_TABLE - ABSTRACT
    assert not missing, f"no table of tests/layers has {sorted(missing)}"


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_words_are_looked_up_and_padding_is_masked(dtype, tmp_path):
    make = [layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3, return_sequences=True), layers.GRU(2)]
    model = with_weights(Sequential([Input((6,), dtype=dtype), *make]))

    check(model, tmp_path, [np.random.default_rng(0).integers(0, 9, (5, 6)).astype(dtype)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.MultiHeadAttention(2, 3, use_gate=True),
        lambda: layers.MultiHeadAttention(2, 3, value_dim=4, sliding_window=2),
        lambda: layers.GroupQueryAttention(3, 4, 2),
    ],
)
@pytest.mark.parametrize("call", [{}, {"use_causal_mask": True}, {"return_attention_scores": True}])
def test_attention_over_sequences_of_any_length(make, call, tmp_path):
    x, y = Input((None, 4)), Input((None, 6))
    model = with_weights(Model([x, y], make()(x, y, **call)))

    for steps in (3, 8):
        arrays = [np.random.default_rng(0).normal(size=(2, steps + more, size)) for more, size in ((0, 4), (1, 6))]
        check(model, tmp_path, [array.astype("float32") for array in arrays])


def test_attention_along_an_axis(tmp_path):
    x = Input((3, 4, 5))

    check(with_weights(Model(x, layers.MultiHeadAttention(2, 3, attention_axes=2)(x, x, use_causal_mask=True))), tmp_path)


def test_attention_to_words_that_are_no_padding(tmp_path):
    words = Input((5,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    model = with_weights(Model(words, layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 3)(x, x))))

    check(model, tmp_path, [np.random.default_rng(0).integers(0, 3, (6, 5)).astype("int32")])


def test_a_transformer(tmp_path):
    check(with_weights(table("attention").transformer()), tmp_path)


def test_a_function_as_a_layer(tmp_path):
    check(Sequential([Input((4,)), layers.Lambda(lambda x: np.exp(x) + x[:, ::-1])]), tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Conv2D(3, 3, padding="same"),
        lambda: layers.Conv2D(3, 3, strides=2, padding="same"),
        lambda: layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
        lambda: layers.MaxPooling2D(3, 2, padding="same"),
        lambda: layers.GlobalAveragePooling2D(),
        lambda: layers.UpSampling2D(2),
        *(lambda name=name: layers.UpSampling2D((2, 3), interpolation=name) for name in ("bilinear", "bicubic", "lanczos3")),
        lambda: layers.Lambda(lambda x: ops.image.resize(x, (5, 6), antialias=True)),
        lambda: layers.Lambda(lambda x: ops.image.resize(x, (5, 6), "nearest")),
    ],
)
def test_images_of_any_size(make, tmp_path):
    model = with_weights(Sequential([Input((None, None, 2), name="images"), make()]))

    for size in (7, 12):
        message = check(model, tmp_path, [np.random.default_rng(0).normal(size=(2, size, size + 1, 2)).astype("float32")])
    sizes = [dim.dim_param or dim.dim_value for dim in message.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == ["batch", "images_size_1", "images_size_2", 2]


def test_sequences_of_any_length(tmp_path):
    model = with_weights(Sequential([Input((None, 3)), layers.Bidirectional(layers.LSTM(4, return_sequences=True))]))

    for steps in (1, 9):
        message = check(model, tmp_path, [np.random.default_rng(0).normal(size=(2, steps, 3)).astype("float32")])
    assert [node.op_type for node in message.graph.node].count("Scan") == 2, "it must not be written out step by step"


# --- Models -----------------------------------------------------------------------------------------------------------


def convnet():
    convolutions = [
        layers.Conv2D(4, 3, padding="same", activation="relu", name="edges"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
    ]
    last = [layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(5, activation="softmax", name="kind")]
    return with_weights(Sequential([Input((8, 8, 1), name="images"), *convolutions, *last], name="net"))


def test_the_file_says_where_it_comes_from_and_names_things_as_the_model_does(tmp_path):
    message = check(convnet(), tmp_path)

    assert message.producer_name == "cornu" and message.producer_version == cornu.__version__
    assert [end.name for end in (*message.graph.input, *message.graph.output)] == ["images", "kind"]
    weights = {weight.name for weight in message.graph.initializer}
    assert {"net/edges/kernel", "net/edges/bias", "net/kind/kernel", "net/kind/bias"} <= weights
    assert message.graph.node[1].name == "net/edges/Conv"
    onnx.checker.check_model(message, full_check=True)


def test_a_network_of_convolutions_is_turned_at_its_ends_alone(tmp_path):
    kinds = [node.op_type for node in check(convnet(), tmp_path).graph.node]

    assert kinds == ["Transpose", "Conv", "Relu", "Mul", "Add", "MaxPool", "Conv", "Transpose", "Reshape", "Gemm", "Softmax"]


def test_several_inputs_and_outputs_keep_their_names(tmp_path):
    left, right = Input((4,), name="left"), Input((4,), name="right")
    shared = layers.Dense(3, name="shared")
    total = layers.Add(name="total")([shared(left), shared(right)])
    model = with_weights(Model([left, right], [total, layers.Dense(2, name="pair")(total)]))

    message = check(model, tmp_path)

    assert [end.name for end in message.graph.input] == ["left", "right"]
    assert [end.name for end in message.graph.output] == ["total", "pair"]
    assert len(message.graph.initializer) == 4, "the weights of the shared layer must stand in the file once"


def test_an_output_may_come_twice_and_may_be_an_input(tmp_path):
    x = Input((4,), name="x")
    y = layers.Dense(3, name="y")(x)

    message = check(with_weights(Model(x, [y, x, y])), tmp_path)

    assert len({end.name for end in (*message.graph.input, *message.graph.output)}) == 4


def test_models_in_models(tmp_path):
    inner = Sequential([Input((4,)), layers.Dense(3), layers.BatchNormalization()])

    check(with_weights(Sequential([Input((4,)), inner, layers.ReLU(), layers.Dense(2)])), tmp_path)


class Two(Model):
    """A subclassed model with dicts at both ends."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return {"kind": self.dense(inputs["image"]), "sum": inputs["image"] + inputs["noise"]}


def test_a_subclassed_model(tmp_path):
    model, x = Two(), {"image": np.ones((2, 4), "float32"), "noise": np.zeros((2, 4), "float32")}
    model(x)

    path = exported(with_weights(model), tmp_path)

    message = onnx.load(path)
    assert [end.name for end in message.graph.input] == ["image", "noise"]  # by name
    assert [end.name for end in message.graph.output] == ["kind", "sum"]
    for found, expected in zip(run(path, [x["image"], x["noise"]]), model.predict(x).values(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_ops_between_layers(tmp_path):
    x = Input((6,))

    check(Model(x, ops.softmax(ops.concatenate([x, ops.exp(x) * 2], -1)) @ np.ones((12, 2), "float32")), tmp_path)


class Mine(layers.Layer):
    """A user's layer: NumPy's functions, sizes, its own constants, a mask and a choice."""

    def build(self, input_shape):
        self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
        self.table = np.arange(input_shape[-1], dtype="float32")

    def call(self, inputs):
        batch, width = inputs.shape
        rows = ops.reshape(inputs * self.factor + self.table, (batch, 2, width // 2))
        rows = ops.concatenate([rows, ops.ones((batch, 1, width // 2))], 1)
        return ops.where(rows > 0, rows, np.exp(rows)) / ops.sum(rows, 0) + ops.mean(rows) * batch


def test_a_layer_of_ones_own(tmp_path):
    model = with_weights(Sequential([Input((4,)), Mine()]))

    for count in (1, 5):
        check(model, tmp_path, count=count)


def test_weights_beside_arrays_of_an_engine(tmp_path):
    class Shift(layers.Layer):
        def call(self, inputs):
            return inputs + constant

    config.set_backend("jax")
    constant = ops.array([1.0, 2.0])

    check(Sequential([Input((2,)), Shift()]), tmp_path)


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_float16", 2e-2), ("mixed_bfloat16", 1e-1), ("float64", 1e-5)])
def test_other_float_types(policy, tolerance, tmp_path):
    config.set_backend("jax")
    make = [
        layers.Conv2D(4, 3, dtype=policy),
        layers.Flatten(dtype=policy),
        layers.Dense(3, dtype=policy, activation="softmax"),
    ]
    model = Sequential([Input((6, 6, 2)), *make])
    x = random_like(model, 4)

    found = run(exported(model, tmp_path), x)[0]

    assert found.dtype == ("float16" if policy == "mixed_float16" else "float32")
    np.testing.assert_allclose(found, model.predict(x[0]).astype("float32"), atol=tolerance)


def test_a_fixed_batch_stays_fixed(tmp_path):
    model = with_weights(Sequential([Input(batch_shape=(4, 5, 3)), layers.LSTM(2)]))

    message = check(model, tmp_path, count=4)

    assert message.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4


def test_what_stands_beside_the_model_stands_in_the_file(tmp_path):
    model = convnet()
    model.meta = {"class_names": ["cat", "dog"]}

    said = {entry.key: entry.value for entry in check(model, tmp_path).metadata_props}

    assert json.loads(said["cornu.meta"]) == model.meta
    assert json.loads(said["cornu.inputs"]) == "images"


def test_the_model_is_as_it_was(tmp_path):
    model = convnet()
    before = [weight.numpy() for weight in model.weights]

    exported(model, tmp_path)

    assert {layer.backend_name for layer in model.flatten_layers()} == {"numpy"}
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


# --- What is said -----------------------------------------------------------------------------------------------------


def test_a_line_says_how_far_file_and_model_are_apart(tmp_path, capsys):
    exported(convnet(), tmp_path, verbose=True)

    line = r"Exported to model\.onnx \(opset 17\): largest difference \d\.\de-\d\d over 2 batches\n"
    assert re.fullmatch(line, capsys.readouterr().out)


def test_the_format_follows_from_the_name(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"`format='onxn'` was given.*Did you mean 'onnx'"):
        convnet().export(tmp_path / "model", format="onxn")

    convnet().export(tmp_path / "model", format="onnx", verbose=False)
    assert onnx.load(tmp_path / "model").producer_name == "cornu"


def test_a_model_that_is_not_built(tmp_path):
    with pytest.raises(NotBuiltError, match=r"Add a `cornu\.Input"):
        exported(Sequential([layers.Dense(3)]), tmp_path)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_package(missing, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == missing else find(name, *more))

    with pytest.raises(MissingPackageError, match=rf"{missing}, which is not installed.*cornu\[export\]"):
        exported(convnet(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_no_file_can_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_writer, "_MAX_BYTES", 100)

    with pytest.raises(InvalidArgumentError, match="An ONNX file can contain at most 2 GiB"):
        exported(convnet(), tmp_path)


# --- What fails leaves no file ----------------------------------------------------------------------------------------


class Noise(layers.Layer):
    def call(self, inputs):
        return inputs + ops.random.normal(inputs.shape)


class Looks(layers.Layer):
    def call(self, inputs):
        return inputs if ops.sum(inputs) > 0 else -inputs

    def compute_output_shape(self, input_shape):
        return input_shape


class Counts(layers.Layer):
    def build(self, input_shape):
        self.count = self.add_weight((), "zeros", trainable=False, name="count")

    def call(self, inputs):
        self.count.assign_add(1.0)
        return inputs


class Gradient(layers.Layer):
    def call(self, inputs):
        return self.backend.value_and_grad(lambda x: ops.sum(ops.square(x)))(inputs)[1]


class Loses(layers.Layer):
    def call(self, inputs):
        return ops.reshape(inputs, (int(inputs.shape[0]), 2, -1))


class Differs(layers.Layer):
    def call(self, inputs):
        return inputs / int(inputs.shape[0])


class Remembers(layers.Layer):
    calls = 0

    def call(self, inputs):
        self.calls += 1
        return inputs * self.calls


FAILURES = {
    "noise": (
        Noise,
        BackendError,
        "`fold_in` was called in 'sequential/noise'|`random_normal` was called in 'sequential/noise'",
    ),
    "looks": (Looks, InvalidTypeError, "were read in 'sequential/looks'.*cornu.ops.where"),
    "counts": (Counts, BackendError, "'sequential/counts/count' was assigned to"),
    "gradient": (Gradient, BackendError, "`value_and_grad` was called in 'sequential/gradient'"),
    "loses": (Loses, BackendError, "ONNX Runtime cannot run it for a batch of 3.*sequential/loses"),
    "differs": (Differs, BackendError, "For a batch of 3 the exported model returns values that differ by"),
    "remembers": (Remembers, BackendError, "differ by .* for the output 'remembers'"),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("earlier", [False, True])
def test_what_cannot_be_exported_names_layer_and_reason_and_leaves_no_file(name, earlier, tmp_path):
    kind, error, text = FAILURES[name]
    model = Sequential([Input((4,)), kind(name=name)], name="sequential")
    path = tmp_path / "model.onnx"
    if earlier:
        path.write_text("an earlier file")

    with pytest.raises(error, match=text) as caught:
        model.export(path)

    assert isinstance(caught.value, CornuError) and caught.value.hint
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"] * earlier
    assert not earlier or path.read_text() == "an earlier file"


def test_a_state_that_goes_from_call_to_call_is_refused(tmp_path):
    with pytest.raises(BackendError, match=r"rnn_state' was assigned to.*stateful=False"):
        exported(Sequential([Input(batch_shape=(4, 5, 3)), layers.LSTM(2, stateful=True)]), tmp_path)


def test_a_wrong_node_is_found(tmp_path, monkeypatch):
    engine = cornu.backends.get("onnx")
    monkeypatch.setattr(engine, "relu", engine.abs)

    with pytest.raises(BackendError, match="returns values that differ by"):
        exported(convnet(), tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"the folder .* does not exist"):
        convnet().export(tmp_path / "nowhere" / "model.onnx")
