"""Folders of images are the datasets that Keras makes of them: files, classes, order, labels and pixels."""

import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import cornu
from cornu import config
from cornu.data.dataset import Dataset
from cornu.errors import DataError, InvalidArgumentError, MissingFileError
from cornu.utils import image_dataset_from_directory

SIZE = {"image_size": (16, 13), "batch_size": 4}

CALLS = {
    "in order": {"shuffle": False},
    "shuffled": {"seed": 3},
    "training": {"seed": 3, "validation_split": 0.3, "subset": "training"},
    "validation": {"seed": 3, "validation_split": 0.3, "subset": "validation"},
    "both": {"seed": 3, "validation_split": 0.3, "subset": "both"},
    "both, in order": {"shuffle": False, "validation_split": 0.25, "subset": "both"},
    "categorical": {"label_mode": "categorical", "seed": 1},
    "binary": {"label_mode": "binary", "class_names": ["b", "a"], "seed": 1},
    "no label mode": {"label_mode": None, "shuffle": False},
    "no labels": {"labels": None, "seed": 4},
    "labels": {"labels": list(range(30, 0, -1)), "seed": 4},
    "classes": {"class_names": ["b", "a"], "shuffle": False},
    "no batches": {"batch_size": None, "seed": 2},
    "gray": {"color_mode": "grayscale", "shuffle": False},
    "alpha": {"color_mode": "rgba", "shuffle": False},
    "cropped": {"crop_to_aspect_ratio": True, "shuffle": False},
    "padded": {"pad_to_aspect_ratio": True, "shuffle": False},
    "channels first": {"data_format": "channels_first", "shuffle": False},
    "cropped, channels first": {"data_format": "channels_first", "crop_to_aspect_ratio": True, "shuffle": False},
    "padded, channels first": {"data_format": "channels_first", "pad_to_aspect_ratio": True, "shuffle": False},
    "bicubic": {"interpolation": "bicubic", "shuffle": False, "pad_to_aspect_ratio": True},
}


def elements(dataset) -> list[tuple[np.ndarray, ...]]:
    return [tuple(np.asarray(part) for part in (element if isinstance(element, tuple) else (element,))) for element in dataset]


def samples(dataset) -> list[bytes]:
    """The samples without their order."""
    return sorted(b"".join(part.tobytes() for part in row) for batch in elements(dataset) for row in zip(*batch, strict=True))


def made(package, folder: Path, capsys, **arguments):
    """The datasets that a call makes, as a list, and what it prints."""
    found = package.utils.image_dataset_from_directory(folder, **{**SIZE, **arguments})
    return list(found) if isinstance(found, (tuple, list)) else [found], capsys.readouterr().out


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder of two classes with images of different sizes, a class without images, and what is no class."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("images")
    for name in ("b", "a", ".hidden", "empty"):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "notes.txt").write_text("no image")
        for number in range(8 if name != "empty" else 0):
            Image.fromarray(rng.integers(0, 256, (20 + number, 30, 3), "uint8")).save(folder / name / f"{number}.png")
            if number < 2:
                Image.fromarray(rng.integers(0, 256, (17, 12 + number, 3), "uint8")).save(
                    folder / name / "deep" / f"{number}.PNG"
                )
    return folder


@pytest.mark.parametrize("call", CALLS)
def test_datasets_of_tensorflow_are_those_of_keras(call, folder, capsys):
    pytest.importorskip("tensorflow")
    (mine, printed), (theirs, expected) = (made(package, folder, capsys, **CALLS[call]) for package in (cornu, keras))
    assert printed == expected
    for one, other in zip(mine, theirs, strict=True):
        assert (one.class_names, one.file_paths) == (other.class_names, other.file_paths)
        assert type(one) is type(other)
        assert one.element_spec == other.element_spec
        for element, wanted in zip(elements(one), elements(other), strict=True):
            for part, right in zip(element, wanted, strict=True):
                np.testing.assert_array_equal(part, right)


@pytest.mark.parametrize("call", CALLS)
def test_own_datasets_have_the_files_labels_and_pixels_of_keras(call, folder, capsys):
    pytest.importorskip("tensorflow")
    arguments = CALLS[call]
    mine, printed = made(cornu, folder, capsys, format="cornu", **arguments)
    theirs, expected = made(keras, folder, capsys, **arguments)
    assert printed == expected
    for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        assert isinstance(one, Dataset)
        assert (one.class_names, one.file_paths) == (other.class_names, other.file_paths)
        assert len(one) == len(other)
        if arguments.get("shuffle", True) and number == 0:  # the order within a pass is not that of tf.data
            assert call == "no batches" or samples(one) == samples(other)
            continue
        tolerance = 0.2 if call == "bicubic" else 1.001 if call == "gray" else 0  # TensorFlow tabulates the cubic filter
        for element, wanted in zip(elements(one), elements(other), strict=True):
            for part, right in zip(element, wanted, strict=True):
                assert (part.dtype, part.shape) == (right.dtype, right.shape)
                np.testing.assert_allclose(part, right, atol=tolerance, rtol=0)


def test_without_tensorflow_the_default_is_the_own_dataset(folder, monkeypatch):
    monkeypatch.setattr(config, "installed_backends", lambda: ["jax", "numpy"])
    assert isinstance(image_dataset_from_directory(folder, verbose=False), Dataset)


def test_a_dataset_of_grain_is_the_own_dataset(folder):
    assert isinstance(image_dataset_from_directory(folder, format="grain", verbose=False), Dataset)


def test_each_pass_is_shuffled_again_and_follows_from_the_seed(folder):
    passes = []
    for _ in range(2):
        dataset = image_dataset_from_directory(folder, seed=5, format="cornu", verbose=False, **SIZE)
        passes.append([np.concatenate([x.numpy() for x, _ in dataset]) for _ in range(2)])
    assert not np.array_equal(passes[0][0], passes[0][1])
    np.testing.assert_array_equal(passes[0], passes[1])


def test_the_subset_for_validation_of_both_keeps_its_order(folder):
    _, dataset = image_dataset_from_directory(
        folder, seed=5, validation_split=0.5, subset="both", format="cornu", verbose=False, **SIZE
    )
    np.testing.assert_array_equal(*[np.concatenate([x.numpy() for x, _ in dataset]) for _ in range(2)])


def test_nearest_pixels_are_floats_too(folder):
    for form in ("tf", "cornu"):
        dataset = image_dataset_from_directory(folder, interpolation="nearest", format=form, verbose=False, **SIZE)
        assert elements(dataset.take(1))[0][0].dtype == "float32"


def test_labels_may_be_an_array(folder):
    labels = np.arange(30)[::-1]
    dataset = image_dataset_from_directory(folder, labels=labels, shuffle=False, verbose=False, format="cornu")
    np.testing.assert_array_equal(np.concatenate([y for _, y in dataset]), labels)
    assert dataset.class_names == [str(number) for number in range(30)]


def test_links_to_folders_are_followed_on_request(folder, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        os.symlink(folder / name, tmp_path / name / "link")
        Image.new("RGB", (4, 4)).save(tmp_path / name / "own.png")
    counts = [
        len(image_dataset_from_directory(tmp_path, follow_links=follow, verbose=False, format="cornu").file_paths)
        for follow in (False, True)
    ]
    assert counts == [2, 22]


def test_real_photographs_are_those_of_tensorflow_with_its_accurate_decoder(shared_data, tmp_path):
    """Keras uses the faster one, whose pixels differ from these by about 1 of 255."""
    tf = pytest.importorskip("tensorflow")
    paths = [
        path for name in ("cats", "dogs") for path in sorted((shared_data / "cats_and_dogs" / "test" / name).glob("*.jpg"))[:6]
    ]
    for path in paths:
        os.symlink(path, tmp_path / path.name)
    arguments = {"directory": tmp_path, "labels": None, "shuffle": False, "batch_size": None, "verbose": False}
    mine = elements(image_dataset_from_directory(**arguments, format="cornu"))
    theirs = elements(keras.utils.image_dataset_from_directory(**arguments))
    for path, (image,), (of_keras,) in zip(sorted(paths, key=lambda path: path.name), mine, theirs, strict=True):
        pixels = tf.io.decode_jpeg(path.read_bytes(), channels=3, dct_method="INTEGER_ACCURATE")
        np.testing.assert_array_equal(image, tf.image.resize(pixels, (256, 256)))
        assert np.abs(image - of_keras).mean() < 2


def test_a_model_is_trained_on_a_folder(folder, backend):
    arguments = {"validation_split": 0.25, "subset": "both", "seed": 1, "verbose": False, "class_names": ["a", "b"], **SIZE}
    training, validation = image_dataset_from_directory(folder, format="cornu", **arguments)
    with config.placement_scope(backend):
        model = cornu.Sequential(
            [cornu.Input((16, 13, 3)), cornu.layers.Rescaling(1 / 255), cornu.layers.Flatten(), cornu.layers.Dense(2)]
        )
    model.compile("sgd", cornu.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    history = model.fit(training, validation_data=validation, epochs=2, verbose=0)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert model.predict(validation, verbose=0).shape == (5, 2)


# --- Mistakes -----------------------------------------------------------------------------------------------------------------

MISTAKES = {
    "label mode": ({"label_mode": "integer"}, r"`label_mode='integer'`.*must be one of 'int', 'categorical', 'binary', None"),
    "subset": ({"subset": "train", "validation_split": 0.2}, r"`subset='train'`.*Did you mean 'training'"),
    "labels": ({"labels": "infer"}, r"`labels='infer'`.*Pass `labels='inferred'`"),
    "names and labels": ({"labels": [1], "class_names": ["a"]}, r"`class_names` was given together with `labels`"),
    "fraction": ({"validation_split": 20, "subset": "both"}, r"`validation_split=20`.*between 0 and 1.*`validation_split=0.2`"),
    "no subset": (
        {"validation_split": 0.2},
        r"`validation_split=0.2` and `subset=None`.*`validation_split=0.2, subset='both'`",
    ),
    "no split": ({"subset": "training"}, r"`validation_split=None` and `subset='training'`"),
    "no seed": ({"validation_split": 0.2, "subset": "training"}, r"without a seed.*some files would be in both.*`seed=0`"),
    "class": ({"class_names": ["a", "c"]}, r"`class_names` contains 'c', and there is no such subfolder.*'a', 'b', 'empty'"),
    "count": ({"labels": [1, 2]}, r"`labels` has 2 values, and there are 30 files.*one label for each file"),
    "binary": ({"label_mode": "binary"}, r"`label_mode='binary'`.*3 classes: a, b, empty.*`label_mode='categorical'`"),
    "color": ({"color_mode": "grey"}, r"`color_mode='grey'`.*must be one of 'grayscale'"),
    "interpolation": ({"interpolation": "cubic"}, r"`interpolation='cubic'`.*Did you mean 'bicubic'"),
    "size": ({"image_size": 180}, r"`image_dataset_from_directory` received `image_size=180`.*\(height, width\)"),
    "crop and pad": ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, r"either cropped or padded"),
    "format": ({"format": "torch"}, r"`format='torch'`.*must be one of 'tf', 'grain', 'cornu'"),
    "batch size": ({"batch_size": 0, "format": "cornu"}, r"`batch` received `batch_size=0`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake, folder):
    arguments, text = MISTAKES[mistake]
    with pytest.raises(InvalidArgumentError, match=text):
        image_dataset_from_directory(folder, **arguments)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no folder `.*none`.*a subfolder for each class.*current folder"):
        image_dataset_from_directory(tmp_path / "none")


def test_a_folder_without_images(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "a.tiff").write_bytes(b"")
    with pytest.raises(DataError, match=r"contains no images.*must end in .bmp, .gif, .jpeg, .jpg, .png.*subfolder for each"):
        image_dataset_from_directory(tmp_path, verbose=False)


def test_a_subset_without_images(folder):
    with pytest.raises(DataError, match=r"`validation_split=0.01` leaves no files for validation.*Of 20 files"):
        image_dataset_from_directory(folder, validation_split=0.01, subset="both", seed=0, verbose=False)


def test_a_damaged_image_is_named_while_a_model_is_trained(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "a" / "broken.jpg").write_text("no image")
    dataset = image_dataset_from_directory(tmp_path / "copy", format="cornu", seed=1, verbose=False, **SIZE)
    model = cornu.Sequential([cornu.Input((16, 13, 3)), cornu.layers.Flatten(), cornu.layers.Dense(3)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match=r"`.*broken.jpg` cannot be read as an image"):
        model.fit(dataset, verbose=0)


def test_a_damaged_image_is_named_when_it_is_read(folder, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.jpg").write_text("no image")
    dataset = image_dataset_from_directory(tmp_path, format="cornu", verbose=False)
    with pytest.raises(DataError, match=r"`.*broken.jpg` cannot be read as an image"):
        list(dataset)
