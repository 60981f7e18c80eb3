"""TensorBoard and its event files (`io/event_file.py`), read with its own reader and compared with those of Keras."""

import io
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.graph import keras_util
from tensorboard.plugins.projector import projector_plugin
from tensorboard.util import tensor_util

import cornu
from cornu import validation
from cornu.callbacks import TensorBoard
from cornu.callbacks.tensorboard import _as_images
from cornu.errors import InvalidArgumentError, MissingPackageError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(12, 4, 4, 1)).astype("float32"), RNG.normal(size=(12, 2)).astype("float32")
SHAPES = [(2, 2, 1, 5), (5,), (45, 2), (2,)]
WEIGHTS = [(RNG.normal(size=shape) / 2).astype("float32") for shape in SHAPES]


def trained(k, folder, fits=1, **options):
    """Train a network of fixed names with the callback; Keras computes on JAX and writes with TensorFlow."""
    inputs = k.Input((4, 4, 1), name="images")
    hidden = k.layers.Flatten(name="flat")(k.layers.Conv2D(5, 2, name="conv")(inputs))
    model = k.Model(inputs, k.layers.Dense(2, name="dense")(hidden), name="network")
    model.set_weights(WEIGHTS)
    model.compile(k.optimizers.SGD(k.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5)), "mse", metrics=["mae"])
    callback = k.callbacks.TensorBoard(str(folder), **options)
    for _ in range(fits):
        data = {"epochs": 2, "batch_size": 4, "shuffle": False, "validation_data": (X[:8], Y[:8])}
        model.fit(X, Y, verbose=0, callbacks=[callback], **data)
    return model


def events(folder):
    """Return the values of a folder by tag: pairs of a step and an array, with the name of the plugin."""
    reader = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    reader.Reload()
    found = {}
    for tag in reader.Tags()["tensors"]:
        plugin = reader.SummaryMetadata(tag).plugin_data
        values = [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in reader.Tensors(tag)]
        found[tag] = (plugin.plugin_name, plugin.content), values
    return found


def pixels(values):
    return [np.asarray(Image.open(io.BytesIO(png))) for png in values[2:]]


def agree(mine, theirs, without=()):
    """Compare two folders: tags in their order, steps and values."""
    assert [tag for tag in mine if tag not in without] == [tag for tag in theirs if tag not in without]
    for tag, (plugin, values) in mine.items():
        if tag in without:
            continue
        expected_plugin, expected = theirs[tag]
        assert plugin == expected_plugin
        assert [step for step, _ in values] == [step for step, _ in expected]
        for (_, one), (_, other) in zip(values, expected, strict=True):
            if tag == "keras":
                assert json.loads(one.item())["config"]["name"] == json.loads(other.item())["config"]["name"] == "network"
            elif tag.endswith("/image"):
                assert list(one[:2]) == list(other[:2])
                for left, right in zip(pixels(one), pixels(other), strict=True):
                    np.testing.assert_allclose(left.astype(int), right.astype(int), atol=1)
            elif tag.endswith("/histogram"):
                assert one.dtype == other.dtype and one.shape == other.shape == (30, 3)
                np.testing.assert_allclose(one[:, :2], other[:, :2], rtol=1e-4, atol=1e-5)
                assert np.abs(np.cumsum(one[:, 2] - other[:, 2])).max() <= 2  # values at a limit
            else:
                assert one.dtype == other.dtype == np.float32 and one.shape == other.shape == ()
                np.testing.assert_allclose(one, other, rtol=1e-4)


@pytest.fixture(scope="module")
def of_keras(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras")
    options = {
        "epochs": {"histogram_freq": 1, "write_images": True},
        "steps": {"update_freq": "batch", "write_graph": False},
        "both": {"update_freq": 3, "histogram_freq": 2, "fits": 2},
    }
    for name, arguments in options.items():
        trained(keras, folder / name, **arguments)
    return folder, options


@pytest.mark.parametrize("name", ["epochs", "steps", "both"])
def test_tags_steps_and_values_are_those_of_keras(name, default_backend, of_keras, tmp_path):
    folder, options = of_keras
    trained(cornu, tmp_path / "mine", **options[name])
    assert sorted(os.listdir(tmp_path / "mine")) == sorted(os.listdir(folder / name)) == ["train", "validation"]
    # Keras 3.15 leaves out evaluations whose number of batches so far is no multiple of `update_freq`.
    evaluations = [f"evaluation_{log}_vs_iterations" for log in ("loss", "mae")] if name == "both" else []
    for part in ("train", "validation"):
        agree(events(tmp_path / "mine" / part), events(folder / name / part), evaluations)


def test_epochs_are_written_whatever_the_frequency_of_steps(tmp_path):
    """Keras 3.15 writes the values of an epoch only if the number of its last step is a multiple of ``update_freq``."""
    trained(cornu, tmp_path / "mine", update_freq=2)
    trained(keras, tmp_path / "theirs", update_freq=2)
    found, of_keras = (events(tmp_path / folder / "train") for folder in ("mine", "theirs"))
    for values in (found, of_keras):
        assert [step for step, _ in values["batch_loss"][1]] == [2, 4, 6]
    assert [step for step, _ in found["epoch_loss"][1]] == [0, 1]
    assert [step for step, _ in of_keras["epoch_loss"][1]] == [1]
    assert [step for step, _ in events(tmp_path / "mine" / "validation")["evaluation_loss_vs_iterations"][1]] == [3, 6]


def test_tensorboard_reads_the_graph_of_layers(tmp_path):
    trained(cornu, tmp_path)
    config = json.loads(events(tmp_path / "train")["keras"][1][0][1].item())
    graph = keras_util.keras_model_to_graph_def(config)
    inputs = {node.name: list(node.input) for node in graph.node}
    assert inputs == {
        "network/images": [],
        "network/conv": ["network/images"],
        "network/flat": ["network/conv"],
        "network/dense": ["network/flat"],
    }


@pytest.mark.parametrize("k", [cornu, keras], ids=["cornu", "keras"])
def test_the_graph_of_layers_is_written_for_a_subclass_too(k, tmp_path):
    """Keras writes it for the classes ``Functional`` and ``Sequential`` alone."""

    class Own(k.Model):
        pass

    inputs = k.Input((3,))
    k.callbacks.TensorBoard(str(tmp_path)).set_model(Own(inputs, k.layers.Dense(1)(inputs)))
    found = [events(tmp_path / "train")] if (tmp_path / "train").exists() else []
    assert any("keras" in tags for tags in found) == (k is cornu)


def test_steps_per_second_are_written(tmp_path):
    trained(cornu, tmp_path, write_steps_per_second=True, update_freq=1)
    found = events(tmp_path / "train")
    for tag, count in (("epoch_steps_per_second", 2), ("batch_steps_per_second", 6)):
        assert len(found[tag][1]) == count and all(value > 0 for _, value in found[tag][1])


def test_evaluation_alone_writes_to_validation(tmp_path):
    model = trained(cornu, tmp_path / "a")
    model.evaluate(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / "b", write_graph=False)])
    assert os.listdir(tmp_path / "b") == ["validation"]
    found = events(tmp_path / "b" / "validation")
    assert [step for step, _ in found["evaluation_mae_vs_iterations"][1]] == [6]


def test_each_optimizer_has_a_learning_rate(tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="a"), cornu.layers.Dense(1)])
    of = cornu.optimizers
    several = of.MultiOptimizer(of.OptimizerMap(of.SGD(0.5, name="one"), {".*/a/.*": of.Adam(0.25, name="two")}))
    model.compile(of.LossScaleOptimizer(several), "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0, callbacks=[TensorBoard(tmp_path)])
    found = events(tmp_path / "train")
    assert [float(found[f"epoch_learning_rate_{name}"][1][0][1]) for name in ("one", "two")] == [0.5, 0.25]


def test_values_that_are_no_numbers_are_left_out(tmp_path):
    board = TensorBoard(tmp_path, write_graph=False)
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    board.set_model(model)
    board.on_epoch_end(0, {"loss": 0.5, "text": "high", "per_class": np.ones(3)})
    assert list(events(tmp_path / "train")) == ["epoch_loss", "epoch_learning_rate"]


def test_fit_runs_many_steps_at_once_unless_steps_are_written():
    assert not TensorBoard(histogram_freq=1).wants_batches()
    assert TensorBoard(update_freq=100).wants_batches()


SHAPES_OF_IMAGES = [(3,), (5, 2), (2, 5), (7, 1), (2, 2, 1, 5), (3, 3, 2, 3), (3, 3, 2, 5), (4, 5, 6), (), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES_OF_IMAGES)
def test_images_are_those_of_keras(shape):
    weight, seen = RNG.normal(size=shape).astype("float32"), []
    theirs = keras.callbacks.TensorBoard()
    theirs._summary_module = type("Summary", (), {"image": lambda self, name, images, step: seen.append(images)})()
    found = _as_images(weight)
    theirs._log_weight_as_image(weight, "name", 0)
    assert (found is None) == (not seen)
    if seen:
        np.testing.assert_array_equal(found, seen[0])


# --- Embeddings -----------------------------------------------------------------------------------------------------------


def with_embedding():
    layers = [cornu.layers.Embedding(5, 3, name="words"), cornu.layers.GlobalAveragePooling1D(), cornu.layers.Dense(1)]
    model = cornu.Sequential([cornu.Input((4,), dtype="int32"), *layers])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("labels", ["labels.tsv", {"words": "labels.tsv"}])
def test_the_projector_reads_the_embeddings(labels, tmp_path):
    model, board = with_embedding(), TensorBoard(tmp_path, embeddings_freq=2, embeddings_metadata=labels)
    model.fit(np.ones((4, 4), int), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[board])
    text = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'metadata_path: "labels.tsv"' in text and 'tensor_path: "words.tsv"' in text
    read = projector_plugin._read_tensor_tsv_file(str(tmp_path / "words.tsv"))
    np.testing.assert_allclose(read, model.layers[0].embeddings.numpy(), rtol=1e-6)
    saved = [name for name in os.listdir(tmp_path / "train") if name.endswith(".weights.h5")]
    assert sorted(saved) == ["keras_embedding.ckpt-0.weights.h5", "keras_embedding.ckpt-2.weights.h5"]
    assert labels in ("labels.tsv", {"words": "labels.tsv"})  # Keras empties the dict


def test_labels_for_another_layer_are_refused(tmp_path):
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"word": "labels.tsv"})
    with pytest.raises(InvalidArgumentError, match=r"for \['word'\]\. The `Embedding` layers of the model are \['words'\]"):
        board.set_model(with_embedding())


# --- Arguments and packages -----------------------------------------------------------------------------------------------

BAD = [
    ({"update_freq": "step"}, "`update_freq='step'`. It must be 'epoch' or 'batch' or a positive integer. Pass"),
    ({"update_freq": 0}, "update_freq=0"),
    ({"histogram_freq": -1}, "`histogram_freq=-1`. It must be a positive integer. Pass"),
    ({"embeddings_freq": 1.5}, "embeddings_freq=1.5"),
    ({"profile_batch": (3, 2)}, "or the first and the last step"),
    ({"profile_batch": "a"}, "`profile_batch='a'`"),
    ({"profile_batch": -1}, "`profile_batch=-1`"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_arguments_are_refused(arguments, text):
    with pytest.raises(InvalidArgumentError) as caught:
        TensorBoard(**arguments)
    assert text in str(caught.value)


@pytest.mark.parametrize("steps", [5, (10, 20), "10,20"])
def test_profiling_is_warned_about(steps):
    with pytest.warns(UserWarning, match="profiles nothing. Use the profiler of the engine"):
        TensorBoard(profile_batch=steps)


def test_without_the_package_the_error_says_what_to_install(monkeypatch, tmp_path):
    util = validation.importlib.util
    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "tensorboard" else find(name))
    with pytest.raises(MissingPackageError, match=r"It requires tensorboard.*Run `pip install 'cornu\[tensorboard\]'`"):
        TensorBoard(tmp_path)


def test_tensorflow_is_not_loaded(tmp_path):
    code = """if True:
        import sys, numpy as np, cornu
        cornu.config.set_backend("numpy")
        model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        model.compile("sgd", "mse")
        board = cornu.callbacks.TensorBoard(sys.argv[1], histogram_freq=1, write_images=True, update_freq=1)
        model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, callbacks=[board])
        print("tensorflow" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert "sequential/dense/kernel/image" in events(tmp_path / "train")
