"""Networks with the weights of files of torchvision and timm compute what the networks of PyTorch compute.

`benchmarks/torch_networks.py` has the networks of torchvision. Those of timm have the same arrays in the same order under other
names, which `timm_modules.txt` lists; those whose names begin with `tf_` have the padding of TensorFlow.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.applications.conftest import colored_images

import cornu
from cornu import applications, layers, ops
from cornu.applications.torch_networks import NETWORKS, PREPROCESSING
from cornu.errors import InvalidArgumentError, InvalidTypeError, MissingFileError, ModelFormatError

pytest.importorskip("torch")
from benchmarks import torch_networks

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SIZE, CLASSES = 64, 7
LARGER = 192
"""Size of the images of EfficientNet V2: at 64 pixels, its last features are 2 x 2, and rounding grows to 30 %."""
TIMM = {
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "efficientnet_b0": "efficientnet_b0",
    "convnext_tiny": "convnext_tiny",
}
"""Networks of timm, and the same ones of torchvision."""


def network(name: str, size: int = SIZE) -> Any:
    """Return a network of torchvision with random weights, whose features depend on all of them."""
    import torch

    torch.manual_seed(0)
    found = getattr(torch_networks, name)(num_classes=CLASSES).eval()
    normalizations = [module for module in found.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for name, array in found.state_dict().items():
        if name.endswith("layer_scale") or (name.endswith("weight") and array.ndim == 1):
            array.uniform_(0.6, 1.4)
        elif name.endswith("weight"):
            array.normal_(0, (2 / array[0].numel()) ** 0.5)
        elif name.endswith("bias"):
            array.normal_(0, 0.1)
    for module in normalizations:
        module.train().momentum = 1.0
    answer(found, colored_images(8, size, size, seed=1))
    for module in normalizations:
        module.eval()
        module.running_mean.add_(0.05 * torch.randn_like(module.running_mean))
        module.running_var.mul_(0.8 + 0.4 * torch.rand_like(module.running_var)).add_(1e-3)
    return found


def answer(network: Any, images: np.ndarray) -> np.ndarray:
    import torch

    prepared = ((images / 255 - MEAN) / STD).astype("float32").transpose(0, 3, 1, 2)
    with torch.no_grad():
        return network(torch.from_numpy(prepared.copy())).numpy()


def timm_state(name: str, network: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a network under the names of timm."""
    lines = (Path(__file__).parent / "timm_modules.txt").read_text().splitlines()
    start = lines.index(f"# {name}") + 1
    modules = lines[start : next((place for place in range(start, len(lines)) if lines[place].startswith("#")), None)]
    state: dict[str, np.ndarray] = {}
    theirs = iter(modules)
    renamed: dict[str, str] = {}
    for key, array in network.state_dict().items():
        module, _, part = key.rpartition(".")
        if part == "layer_scale":
            state[next(theirs)] = array.numpy().reshape(-1)
            continue
        if module not in renamed:
            renamed[module] = next(theirs)
        state[f"{renamed[module]}.{part}"] = array.numpy()
    assert next(theirs, None) is None
    return state


def same_logits(model: Any, network: Any, size: int = SIZE, tolerance: float = 1e-4) -> None:
    x = colored_images(3, size, size)
    wanted, found = answer(network, x), ops.convert_to_numpy(model(x))
    same(found, wanted, tolerance)


def same(found: np.ndarray, wanted: np.ndarray, tolerance: float = 1e-4) -> None:
    """Check that results agree to a part of the largest one, and differ from image to image."""
    assert wanted.std(axis=0).mean() > 0.02 * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


SMALL = ["mobilenet_v2", "mobilenet_v3_small", "convnext_tiny"]
LARGE = [
    pytest.param(name, marks=pytest.mark.thorough)
    for name in ("resnet50", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_v2_s")
]


@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_logits_are_those_of_torchvision(name: str, engine_name: str) -> None:
    size, tolerance = (LARGER, 1e-3) if name == "efficientnet_v2_s" else (SIZE, 1e-4)
    theirs, shape = network(name, size), (size, size, 3)
    model = applications.from_torch_state(theirs.state_dict(), name, input_shape=shape, classifier_activation=None)
    same_logits(model.to_backend(engine_name), theirs, size, tolerance)
    assert model.output_shape == (None, CLASSES) and model.name == name


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["vgg16"])
def test_features_are_flattened_channel_by_channel(name: str) -> None:
    theirs = network(name)
    for state in (theirs.state_dict(), timm_state(name, theirs)):
        model = applications.from_torch_state(state, name, classifier_activation=None)
        same_logits(model, theirs, size=224)


@pytest.mark.thorough
@pytest.mark.parametrize("name", TIMM)
def test_logits_are_those_of_timm(name: str) -> None:
    theirs = network(TIMM[name])
    for module in theirs.modules():
        if hasattr(module, "running_var"):
            module.eps = 1e-5
    state = timm_state(name, theirs)
    model = applications.from_torch_state(state, name, input_shape=(SIZE, SIZE, 3), classifier_activation=None)
    same_logits(model, theirs)


@pytest.mark.parametrize(
    ("name", "source", "names", "application"),
    [
        pytest.param("tf_efficientnet_b0", *["efficientnet_b0"] * 2, "EfficientNetB0", marks=pytest.mark.thorough),
        ("tf_mobilenetv3_small_100", "mobilenet_v3_small", "mobilenetv3_small_100", "MobileNetV3Small"),
        pytest.param(
            "tf_efficientnetv2_s", *["efficientnet_v2_s", "tf_efficientnetv2_s", "EfficientNetV2S"], marks=pytest.mark.thorough
        ),
    ],
)
def test_networks_of_tensorflow_in_timm_are_those_of_keras(name: str, source: str, names: str, application: str) -> None:
    size = LARGER if source == "efficientnet_v2_s" else SIZE
    state, shape = timm_state(names, network(source, size)), (size + 1, size, 3)
    model = applications.from_torch_state(state, name, include_top=False, input_shape=shape, pooling="avg")
    keras = getattr(applications, application)(weights=None, include_top=False, input_shape=shape, pooling="avg")
    for layer in keras.layers:
        if not isinstance(layer, layers.Normalization) and layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    start = [layer for layer in keras.layers if isinstance(layer, layers.Normalization | layers.Rescaling)][-1]
    rest = cornu.Model(start.output, keras.output)
    x = colored_images(2, *shape[:2])
    wanted = ops.convert_to_numpy(rest((x - 255 * MEAN) / (255 * STD)))
    same(ops.convert_to_numpy(model(x)), wanted, tolerance=1e-3)


def test_files_are_read(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    theirs = network("mobilenet_v3_small")
    torch.save(theirs.state_dict(), tmp_path / "network.pth")
    save_file(theirs.state_dict(), tmp_path / "network.safetensors")
    for name in ("network.pth", "network.safetensors"):
        model = applications.from_torch_state(tmp_path / name, "mobilenet_v3_small", classifier_activation=None)
        x = colored_images(2, 224, 224)
        same(ops.convert_to_numpy(model(x)), answer(theirs, x))


def test_features_are_those_of_a_file_with_a_classifier(tmp_path: Path) -> None:
    import torch

    theirs = network("mobilenet_v2")
    model = applications.from_torch_state(
        theirs.state_dict(), "mobilenet_v2", include_top=False, pooling="avg", name="features"
    )
    theirs.classifier = torch.nn.Identity()
    x = colored_images(2, SIZE, SIZE)
    wanted = answer(theirs, x)
    same(ops.convert_to_numpy(model(x)), wanted)
    assert model.name == "features" and [layer.name for layer in model.layers][1] == PREPROCESSING
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def test_every_architecture_has_a_module_for_each_layer() -> None:
    """The names are complete and distinct, so that no layer is left out and no array is used twice."""
    seen = set()
    for name, candidates in NETWORKS.items():
        assert len({candidate.application for candidate in candidates}) == 1
        if candidates[0].application in seen and name.startswith("tf_"):
            continue  # with the names of another row
        seen.add(candidates[0].application)
        for candidate in candidates:
            model = candidate.application(weights=None, **candidate.arguments)
            modules = candidate.modules(model)
            names = [
                layer.name for layer in cornu.core.layer_tree.flatten(model) if layer.weights and not hasattr(layer, "layers")
            ]
            names = [each for each in names if "normalization" not in each]
            assert set(names) <= set(modules), name
            assert len(set(modules.values())) == len(modules), name


# --- What is refused ----------------------------------------------------------------------------------------------------------


def test_unknown_architectures_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"architecture='resnet18'. It must be one of .*resnet50") as caught:
        applications.from_torch_state({}, "resnet18")
    assert "Did you mean" in str(caught.value)


def test_arrays_of_another_network_are_refused() -> None:
    state = network("mobilenet_v2").state_dict()
    with pytest.raises(ModelFormatError, match=r"no array for the layer 'conv1_conv'.*Expected: conv1.weight"):
        applications.from_torch_state(state, "resnet50")
    with pytest.raises(ModelFormatError, match=r"'features.0.0' has the shapes \[\(3, 3, 3, 32\)\]"):
        applications.from_torch_state(state, "mobilenet_v3_small")


def test_prefixes_and_checkpoints_are_read() -> None:
    state = network("mobilenet_v3_small").state_dict()
    prefixed = {f"module.model.{name}": array for name, array in state.items()}
    x = colored_images(1, SIZE, SIZE)
    outputs = []
    for each in (state, prefixed, {"epoch": 3, "state_dict": prefixed}):
        model = applications.from_torch_state(each, "mobilenet_v3_small", input_shape=(SIZE, SIZE, 3))
        outputs.append(ops.convert_to_numpy(model(x)))
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_array_equal(outputs[2], outputs[0])


def test_missing_arrays_are_named() -> None:
    state = dict(network("mobilenet_v3_small").state_dict())
    del state["classifier.0.bias"]
    with pytest.raises(ModelFormatError, match=r"Expected: classifier\.0\.bias"):
        applications.from_torch_state(state, "mobilenet_v3_small")
    del state["classifier.3.weight"]
    with pytest.raises(ModelFormatError, match=r"a network without a classifier.*Pass `include_top=False`"):
        applications.from_torch_state(state, "mobilenet_v3_small")
    with pytest.raises(MissingFileError, match="no such file"):
        applications.from_torch_state("nope.pth", "mobilenet_v3_small")


def test_arrays_without_a_layer_are_refused() -> None:
    state = dict(network("mobilenet_v2").state_dict()) | {"aux.weight": np.zeros(3)}
    with pytest.raises(ModelFormatError, match=r"it also contains 'aux\.weight'"):
        applications.from_torch_state(state, "mobilenet_v2")


def test_a_network_in_place_of_its_state_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match=r"Pass `network.state_dict\(\)`"):
        applications.from_torch_state(network("mobilenet_v2"), "mobilenet_v2")
