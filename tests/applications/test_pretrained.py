"""Trained weights: where they are found, how they are checked, and what is said if they do not fit."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.applications.conftest import pair

import cornu
from cornu import applications
from cornu.applications import pretrained
from cornu.applications.pretrained import WeightsFile
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ModelFormatError, ShapeError

SIZE = 32


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras's folder, which is empty."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[np.ndarray]]:
    """A file of weights of MobileNet with the classifier, as Keras writes it, and its weights."""
    path = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    ours, theirs = pair("MobileNet", alpha=0.25)
    with warnings.catch_warnings():  # of NumPy, about Keras
        warnings.simplefilter("ignore")
        theirs.save_weights(path)
    return path, ours.get_weights()


def test_weights_of_a_path_are_loaded(written: tuple) -> None:
    path, wanted = written
    model = applications.MobileNet(weights=path, alpha=0.25)
    for found, value in zip(model.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(found, value)


@pytest.fixture
def published(written: tuple, server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The published file of MobileNet, on a server of this machine."""
    server.body = written[0].read_bytes()
    checksum = hashlib.md5(server.body).hexdigest()
    address = server.url.replace("data.bin", "mobilenet_2_5_224_tf.weights.h5")
    monkeypatch.setattr(applications.mobilenet, "WeightsFile", lambda _: WeightsFile(address, checksum))
    return server


def test_published_weights_are_downloaded_once(published: Any, written: tuple, home: Path) -> None:
    for _ in range(2):
        model = applications.MobileNet(alpha=0.25)
        np.testing.assert_array_equal(model.get_weights()[0], written[1][0])
    assert len(published.requests) == 1
    assert [file.name for file in (home / "models").glob("*.h5")] == ["mobilenet_2_5_224_tf.weights.h5"]


def test_a_broken_download_is_resumed(published: Any, written: tuple, home: Path) -> None:
    published.cuts = [100_000]
    model = applications.MobileNet(alpha=0.25)
    np.testing.assert_array_equal(model.get_weights()[-1], written[1][-1])
    assert published.requests == [None, "bytes=100000-"]


def test_a_file_in_the_folder_of_keras_is_used(published: Any, written: tuple, home: Path) -> None:
    (home / "models").mkdir(parents=True)
    (home / "models" / "mobilenet_2_5_224_tf.weights.h5").write_bytes(published.body)
    applications.MobileNet(alpha=0.25)
    assert published.requests == []


def test_another_file_is_refused_and_not_kept(published: Any, home: Path) -> None:
    published.body = published.body[:-1] + b"x"
    with pytest.raises(DataError, match="has the MD5 checksum"):
        applications.MobileNet(alpha=0.25)
    assert not list((home / "models").glob("*.h5"))


def test_without_a_network_the_error_says_where_to_put_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "BASE", "http://127.0.0.1:1/")
    monkeypatch.setattr(applications.mobilenet, "BASE", "http://127.0.0.1:1/")
    warned = pytest.warns(UserWarning, match="no checksum of `mobilenet_1_0_224_tf.h5` was published")
    with warned, pytest.raises(DataError, match=rf"{home}/models/mobilenet_1_0_224_tf.h5"):
        applications.MobileNet()


def test_a_file_of_another_network_gets_a_table(written: tuple) -> None:
    with pytest.raises(ModelFormatError, match=r"do(es)? not match the model 'mobilenet_0.50_224'") as caught:
        applications.MobileNet(weights=written[0], alpha=0.5)
    assert "(3, 3, 3, 8) float32" in str(caught.value) and "(3, 3, 3, 16) float32" in str(caught.value)


# --- Arguments that are refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"weights": "imagnet"}, InvalidArgumentError, r'received weights=\'imagnet\'.*Did you mean "?\'?imagenet'),
        ({"weights": "no/such/file.h5"}, InvalidArgumentError, "path of a file that exists"),
        ({"classes": 10}, InvalidArgumentError, r"has 1000 classes.*include_top=False"),
        ({"classifier_activation": "sigmoid"}, InvalidArgumentError, 'must be "softmax", or None for logits'),
        ({"input_shape": (64, 64, 3)}, ShapeError, r"was trained on images of 224 x 224 pixels.*include_top=False"),
        ({"input_shape": (31, 64, 3), "include_top": False, "weights": None}, ShapeError, "at least 32 x 32 pixels"),
        ({"input_shape": (64, 64), "weights": None}, ShapeError, r"three numbers, \(height, width, channels\)"),
        ({"input_shape": (None, None, 3), "weights": None}, ShapeError, "requires images of a known size"),
        ({"input_shape": (64, 64, 1), "include_top": False}, ShapeError, "Repeat the channel of gray images three times"),
        ({"pooling": "mean", "include_top": False, "weights": None}, InvalidArgumentError, "`pooling=.mean.` was given"),
        ({"input_tensor": np.zeros((1, 64, 64, 3)), "weights": None}, InvalidTypeError, "must be a symbolic tensor"),
        ({"classes": 0, "weights": None}, InvalidArgumentError, "`classes=0`"),
    ],
)
def test_invalid_arguments_are_refused_before_anything_is_built(arguments: dict, error: type, text: str, home: Path) -> None:
    with pytest.raises(error, match=text):
        applications.ResNet50(**arguments)


def test_widths_without_weights_are_refused(home: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"alpha=0.3.*Weights were published for alpha=0.35 or 0.5"):
        applications.MobileNetV2(alpha=0.3)
    with pytest.raises(InvalidArgumentError, match=r"minimalistic=True"):
        applications.MobileNetV3Small(alpha=0.75, minimalistic=True)


@pytest.mark.parametrize("name", ["DenseNet121", "ConvNeXtTiny", "NASNetMobile"])
def test_networks_for_channels_last_say_so(name: str) -> None:
    cornu.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(InvalidArgumentError, match=r"set_image_data_format\(\"channels_last\"\)"):
            getattr(applications, name)(weights=None)
    finally:
        cornu.config.set_image_data_format("channels_last")
