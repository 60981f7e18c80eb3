"""Features are computed once, and layers are trained again from a named one on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.applications.conftest import randomize

import cornu
from cornu import applications, layers
from cornu.errors import InvalidArgumentError, ModelFormatError, ShapeError

extract_features, unfreeze = applications.extract_features, applications.unfreeze
X = np.random.default_rng(0).uniform(0, 255, (150, 8, 8, 3)).astype("float32")
Y = np.arange(150)


def network(seed: int = 0, size: int | None = 8) -> Any:
    cornu.utils.set_random_seed(seed)
    inputs = cornu.Input((size, size, 3))
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="conv")(layers.RandomFlip()(inputs)))
    return cornu.Model(inputs, layers.GlobalAveragePooling2D(name="pool")(x))


def wanted(model: Any, x: np.ndarray = X) -> np.ndarray:
    return model.predict(x, verbose=0)


def same(found: Any, features: np.ndarray, *others: np.ndarray) -> None:
    found = found if isinstance(found, tuple) else (found,)
    np.testing.assert_allclose(found[0], features, rtol=1e-5, atol=1e-5)
    for one, other in zip(found[1:], others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_arrays(backend: str) -> None:
    model = network().to_backend(backend)
    same(extract_features(model, X, batch_size=2, verbose=0), wanted(model))
    same(extract_features(model, X, Y, verbose=0), wanted(model), Y)


def batches(weighted: bool = False) -> Iterator[tuple]:
    for start in range(0, 150, 40):
        part = slice(start, start + 40)
        yield (X[part], Y[part], np.ones(len(Y[part]))) if weighted else (X[part], Y[part])


def test_batches() -> None:
    model = network()
    same(extract_features(model, batches(), verbose=0), wanted(model), Y)
    same(extract_features(model, batches(weighted=True), verbose=0), wanted(model), Y, np.ones(150))
    same(extract_features(model, (images for images, _ in batches()), verbose=0), wanted(model))


def test_datasets_of_tensorflow() -> None:
    tf = pytest.importorskip("tensorflow")
    model = network()
    same(extract_features(model, tf.data.Dataset.from_tensor_slices((X, Y)).batch(32), verbose=0), wanted(model), Y)


def counted(model: Any, monkeypatch: pytest.MonkeyPatch) -> list:
    calls, predict = [], type(model).predict
    monkeypatch.setattr(type(model), "predict", lambda *args, **kwargs: calls.append(1) or predict(*args, **kwargs))
    return calls


def test_the_features_of_a_folder_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    expected, calls = wanted(model), counted(model, monkeypatch)
    for _ in range(2):
        found = extract_features(model, X, Y, batch_size=1, cache=tmp_path / "features", verbose=0)
        same(found, expected, Y)
        assert isinstance(found[0], np.memmap)
    assert len(calls) == 10  # of the first call: 16 batches at a time
    assert len(list((tmp_path / "features").iterdir())) == 3


@pytest.mark.parametrize("change", ["network", "data", "targets"])
def test_the_features_of_something_else_are_computed_again(change: str, tmp_path: Path) -> None:
    extract_features(network(), X, Y, cache=tmp_path / "features", verbose=0)
    model = network(1 if change == "network" else 0)
    x, y = (X + 1 if change == "data" else X), (Y + 1 if change == "targets" else Y)
    with pytest.warns(UserWarning, match="are of another network or of other data"):
        same(extract_features(model, x, y, cache=tmp_path / "features", verbose=0), wanted(model, x), y)
    assert len(list((tmp_path / "features").iterdir())) == 3


@pytest.mark.parametrize("format", ["cornu", "tf"])
def test_files_that_change_are_read_again(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, label in enumerate(("a", "b")):
        (tmp_path / "images" / label).mkdir(parents=True)
        for image in range(3):
            cornu.utils.save_img(tmp_path / "images" / label / f"{image}.png", X[3 * number + image], scale=False)
    data = cornu.utils.image_dataset_from_directory(
        tmp_path / "images", image_size=(8, 8), batch_size=4, verbose=False, format=format
    )
    model = network()
    calls = counted(model, monkeypatch)
    for _ in range(2):
        features, y = extract_features(model, data, cache=tmp_path / "features", verbose=0)
        assert features.shape == (6, 4) and sorted(y) == [0, 0, 0, 1, 1, 1]
    assert len(calls) == 2  # and one for the first batch, which is compared
    os.utime(tmp_path / "images" / "a" / "0.png", (1, 1))
    with pytest.warns(UserWarning, match="computed again"):
        extract_features(model, data, cache=tmp_path / "features", verbose=0)
    assert len(calls) == 3
    changed = data.map(lambda images, labels: (255 - images, labels))
    with pytest.warns(UserWarning, match="computed again"):
        extract_features(model, changed, cache=tmp_path / "features", verbose=0)


def test_an_interrupted_computation_leaves_the_old_features(tmp_path: Path) -> None:
    model = network()
    extract_features(model, X, cache=tmp_path / "features", verbose=0)
    before = {file.name: file.read_bytes() for file in (tmp_path / "features").iterdir()}

    def broken() -> Iterator[np.ndarray]:
        yield X[:40]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning, match="computed again"):
        extract_features(model, broken(), cache=tmp_path / "features", verbose=0)
    assert {file.name: file.read_bytes() for file in (tmp_path / "features").iterdir()} == before
    same(extract_features(model, X, cache=tmp_path / "features", verbose=0), wanted(model))


def test_other_generators_are_computed_again(tmp_path: Path) -> None:
    model = network()
    for _ in range(2):
        same(extract_features(model, batches(), cache=tmp_path / "features", verbose=0), wanted(model), Y)
    with pytest.warns(UserWarning, match="computed again"):
        found = extract_features(model, ((x[:, ::-1], y) for x, y in batches()), cache=tmp_path / "features", verbose=0)
    same(found, wanted(model, X[:, ::-1]), Y)


def test_folders_with_other_files_are_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("text")
    with pytest.raises(InvalidArgumentError, match="which contains something else"):
        extract_features(network(), X, cache=tmp_path, verbose=0)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_cache_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(InvalidArgumentError, match="which contains something else"):
        extract_features(network(), X, cache=tmp_path / "file", verbose=0)


def test_other_targets_of_the_same_images_are_computed_again(tmp_path: Path) -> None:
    """Targets belong to images, whatever the order of a dataset is."""
    model, order = network(), np.random.default_rng(1).permutation(150)
    extract_features(model, [(X, Y)], cache=tmp_path / "features", verbose=0)
    same(extract_features(model, [(X[order], Y[order])], cache=tmp_path / "features", verbose=0), wanted(model), Y)
    for targets in (Y + 1, Y.astype("float32"), np.eye(150)):
        with pytest.warns(UserWarning, match="computed again"):
            found = extract_features(model, [(X, targets)], cache=tmp_path / "features", verbose=0)
        same(found, wanted(model), targets)


@pytest.mark.parametrize("damage", ["index", "array", "empty", "name"])
def test_damaged_folders_are_refused(damage: str, tmp_path: Path) -> None:
    extract_features(network(), X, cache=tmp_path / "features", verbose=0)
    index, array = tmp_path / "features" / "features.json", next((tmp_path / "features").glob("*.npy"))
    if damage == "index":
        index.write_text(index.read_text()[:-5])
    elif damage in ("array", "empty"):
        array.write_bytes(array.read_bytes()[: 200 if damage == "array" else 0])
    else:
        index.write_text(json.dumps(json.loads(index.read_text()) | {"files": ["../../secret.npy"]}))
    with pytest.raises(ModelFormatError, match="Delete the folder to compute the features again"):
        extract_features(network(), X, cache=tmp_path / "features", verbose=0)


def test_a_progress_bar_is_printed(capsys: pytest.CaptureFixture) -> None:
    for data in (X, (X[start : start + 32] for start in range(0, 150, 32))):
        extract_features(network(), data, verbose=2)
        assert capsys.readouterr().out.startswith("5 steps - ")
    extract_features(network(), X, verbose=0)
    assert capsys.readouterr().out == ""


def test_invalid_arguments_are_refused() -> None:
    model = network()
    with pytest.raises(ShapeError, match="150 images and 149 targets"):
        extract_features(model, X, Y[1:], verbose=0)
    with pytest.raises(InvalidArgumentError, match=r"received no images.*generator can be read once"):
        extract_features(model, iter(()), verbose=0)
    for x, y in ((batches(), Y), ({"x": X}, None), (None, None)):
        with pytest.raises(InvalidArgumentError, match=r"`x` must be an array.*np.stack"):
            extract_features(model, x, y, verbose=0)
    with pytest.raises(ShapeError, match="10 images and 9 targets"):
        extract_features(model, [(X[:10], Y[:9])], verbose=0)
    with pytest.raises(InvalidArgumentError, match="batch_size"):
        extract_features(model, X, batch_size=0)
    two = cornu.Model(model.input, [model.output, model.output])
    with pytest.raises(InvalidArgumentError, match="with 2 outputs"):
        extract_features(two, X, verbose=0)


def test_features_of_several_shapes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cornu.applications.transfer_learning._BATCHES_AT_A_TIME", 1)
    inputs = cornu.Input((None, None, 3))
    model = cornu.Model(inputs, layers.Conv2D(2, 3)(inputs))
    with pytest.raises(ShapeError, match=r'\(6, 6, 2\) and \(7, 7, 2\).*pooling="avg"'):
        extract_features(model, iter([np.zeros((1, 8, 8, 3)), np.zeros((1, 9, 9, 3))]), verbose=0)


# --- Training again -----------------------------------------------------------------------------------------------------------


def test_layers_are_trained_from_a_named_one_on(backend: str) -> None:
    base = applications.MobileNetV2(weights=None, include_top=False, pooling="avg", input_shape=(32, 32, 3), alpha=0.35)
    randomize(base)
    base.trainable = False
    unfreeze(base, "block_16_depthwise")
    model = cornu.Sequential([base, layers.Dense(2, activation="softmax")]).to_backend(backend)
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = {weight.path: weight.numpy() for weight in base.weights}
    model.fit(np.random.default_rng(0).normal(size=(4, 32, 32, 3)), np.array([0, 1, 0, 1]), epochs=2, verbose=0)
    changed = {weight.path for weight in base.weights if not np.array_equal(weight.numpy(), before[weight.path])}
    assert {path.split("/")[-2] for path in changed} == {"block_16_depthwise", "block_16_project", "Conv_1"}


def test_a_block_is_named_as_the_summary_shows_it() -> None:
    base = applications.MobileNetV2(weights=None, include_top=False)
    unfreeze(base, "block_16_*")
    assert next(layer.name for layer in base.layers if layer.trainable_weights) == "block_16_expand"


def test_batch_normalization_is_trained_if_requested() -> None:
    model = network()
    unfreeze(model)
    assert [layer.name for layer in model.layers if layer.trainable_weights] == ["conv"]
    unfreeze(model, batch_normalization=True)
    assert [layer.name for layer in model.layers if layer.trainable_weights] == ["conv", "norm"]
    unfreeze(model, "norm", batch_normalization=True)
    assert [layer.name for layer in model.layers if layer.trainable_weights] == ["norm"]


def test_unknown_layers_are_refused_and_nothing_is_changed() -> None:
    model = network()
    model.trainable = False
    with pytest.raises(InvalidArgumentError, match=r"from_layer='conv1'.*Did you mean 'conv'"):
        unfreeze(model, "conv1")
    outer = cornu.Sequential([model])
    with pytest.raises(InvalidArgumentError, match=f"It is a layer of '{model.name}': call `unfreeze` with that network"):
        unfreeze(outer, "conv")
    assert not model.trainable_weights
