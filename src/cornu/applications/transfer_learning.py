"""Transfer learning: features of a trained network, computed once; and layers that are trained again."""

import contextlib
import fnmatch
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from cornu import ops
from cornu.core import layer_tree
from cornu.errors import InvalidArgumentError, ModelFormatError, ShapeError, did_you_mean, warn
from cornu.io.atomic import atomic_write
from cornu.layers import BatchNormalization
from cornu.models import Model
from cornu.training.batch import unpack_x_y_sample_weight
from cornu.training.loop.progbar import Progbar
from cornu.typing import ArrayLike
from cornu.validation import as_path, check_int

__all__ = ["extract_features", "unfreeze"]

Data: TypeAlias = ArrayLike | Iterable
"""An array of images, or an iterable of batches."""

Parts: TypeAlias = "np.ndarray | tuple[np.ndarray, ...]"
"""Features, or a tuple of features, targets and possibly weights of samples."""

_INDEX = "features.json"
_BATCHES_AT_A_TIME = 16
_ROWS_AT_A_TIME = 256


def extract_features(
    model: Model,
    x: ArrayLike | Iterable,
    y: ArrayLike | None = None,
    batch_size: int = 32,
    cache: str | PathLike | None = None,
    verbose: str | int = "auto",
) -> Parts:
    """Compute the outputs of a network for all images, to train a small model on them.

    A frozen network has the same outputs in every epoch. To compute them once and train a linear classifier on them takes a
    small part of the time that training with the images takes. Layers for augmentation have no effect.

    Args:
        model: The network, such as ``applications.MobileNetV2(include_top=False, pooling="avg")``.
        x: The images as an array, or an iterable of batches such as a dataset of ``image_dataset_from_directory``: arrays of
            images, tuples ``(x, y)`` or ``(x, y, sample_weight)``.
        y: Targets, if ``x`` is an array. Defaults to None.
        batch_size: Integer, images at a time, if ``x`` is an array. Defaults to 32.
        cache: Path of a folder to which the features are written, and from which they are read when the function is called
            again with the same network and the same data. The arrays are then memory-mapped, so they may be larger than the
            memory. Data are the same if the array has the same values; of other data, the files, the number of batches and
            the images of the first batch are compared. Defaults to None (nothing is written).
        verbose: ``"auto"`` or 1 for a progress bar, 2 for one line at the end, 0 for no output. Defaults to ``"auto"``.

    Returns:
        The features, an array whose first axis is that of the images; with targets, a tuple ``(features, y)``, or
        ``(features, y, sample_weight)``. A dataset that shuffles returns both in the order in which they came.

    Raises:
        InvalidArgumentError: If the data are empty, the model has several outputs, or ``cache`` is a folder with other files.
        ShapeError: If ``x`` and ``y`` differ in length.

    Example:
        >>> import numpy as np
        >>> from cornu import applications
        >>> network = applications.MobileNetV2(weights=None, include_top=False, pooling="avg", input_shape=(32, 32, 3))
        >>> features, y = applications.extract_features(network, np.zeros((4, 32, 32, 3)), np.arange(4), verbose=0)
        >>> features.shape, y
        ((4, 1280), array([0, 1, 2, 3]))
    """
    check_int("extract_features", "batch_size", batch_size)
    if not hasattr(x, "shape") and (y is not None or isinstance(x, dict) or not isinstance(x, Iterable)):
        raise InvalidArgumentError(
            f"`extract_features` received `x` of the type {type(x).__name__}{'' if y is None else ' and `y`'}.",
            "`x` must be an array, with targets in `y`, or an iterable of batches that contain their targets.",
            "Pass an array: `np.stack(images)`; or batches `(images, targets)` without `y`.",
        )
    if len(model.outputs) != 1:
        raise InvalidArgumentError(
            f"`extract_features` received the model {model.name!r} with {len(model.outputs)} outputs.",
            "It must have one output.",
            "Pass `cornu.Model(model.input, output)` for one of them.",
        )
    bar = Progbar(_number_of_batches(x, batch_size), verbose=1 if verbose == "auto" else int(verbose))
    if cache is None:
        chunks = list(_computed(model, _batches(x, y, batch_size), bar))
        return _result([np.concatenate(parts) for parts in zip(*chunks, strict=True)])
    folder, batches = as_path(cache), _batches(x, y, batch_size)
    key = {"network": _digest_of_network(model), "data": _digest_of_data(x, y)}
    found = _stored(folder, key)
    if found is not None and not hasattr(x, "shape"):
        first = list(itertools.islice(batches, 1))
        batches = itertools.chain(first, batches)
        computed = next(_computed(model, iter(first), Progbar(None, verbose=0)), None)
        found = found if computed is not None and _contains(found, computed) else None
    if found is None and (folder / _INDEX).exists():
        warn(f"The features in {str(folder)!r} are of another network or of other data; they are computed again.")
    return _result(found or _write(folder, key, _computed(model, batches, bar)))


def unfreeze(model: Model, from_layer: str | None = None, batch_normalization: bool = False) -> None:
    """Make the last layers of a network trainable, and freeze the ones before them.

    Compile the model that contains the network afterwards, with a small learning rate.

    Args:
        model: The network.
        from_layer: Name of the first layer that is trained, such as ``"block_13_expand"``, or of its block as ``summary`` shows
            it, such as ``"block_13_*"``. Defaults to None (all layers).
        batch_normalization: Whether batch normalization is trained, too. If not, it continues to use the statistics with which
            the network was trained, which is better for few images. Defaults to False.

    Raises:
        InvalidArgumentError: If there is no layer of this name.

    Example:
        >>> from cornu import applications
        >>> network = applications.MobileNetV2(weights=None, include_top=False)
        >>> applications.unfreeze(network, "block_16_project")
        >>> [layer.name for layer in network.layers if layer.trainable_weights]
        ['block_16_project', 'Conv_1']
    """
    names = [layer.name for layer in model.layers]
    found = [0] if from_layer is None else [place for place, name in enumerate(names) if fnmatch.fnmatch(name, from_layer)]
    if not found:
        inner = next(
            (each.name for each in model.layers if from_layer in [part.name for part in layer_tree.flatten(each)]), None
        )
        raise InvalidArgumentError(
            f"`unfreeze` received from_layer={from_layer!r} for the network {model.name!r}.",
            "It must be the name of one of its layers.",
            f"It is a layer of {inner!r}: call `unfreeze` with that network."
            if inner
            else did_you_mean(str(from_layer), names) or f"Its last layers are {', '.join(names[-5:])}.",
        )
    first = found[0]
    model.trainable = True
    for place, layer in enumerate(model.layers):
        layer.trainable = place >= first
    for layer in layer_tree.flatten(model):
        if isinstance(layer, BatchNormalization) and not batch_normalization:
            layer.trainable = False


# --- Batches ------------------------------------------------------------------------------------------------------------------


def _number_of_batches(x: Data, batch_size: int) -> int | None:
    data = cast(Any, x)
    try:
        return -(-len(data) // batch_size) if hasattr(data, "shape") else len(data)
    except TypeError:  # a generator, or a dataset of unknown length
        return None


def _batches(x: Data, y: ArrayLike | None, batch_size: int) -> Iterator[tuple]:
    """Yield the batches: tuples of images and possibly targets and weights of samples."""
    if not hasattr(x, "shape"):
        for batch in cast(Iterable, x):
            yield tuple(part for part in unpack_x_y_sample_weight(batch) if part is not None)
        return
    arrays = [cast(Any, part) for part in (x, y) if part is not None]
    if len(arrays[-1]) != len(arrays[0]):
        raise ShapeError(
            f"`extract_features` received {len(arrays[0])} images and {len(arrays[-1])} targets.",
            "There must be one target for each image.",
            "Check how `x` and `y` were selected.",
        )
    for start in range(0, len(arrays[0]), batch_size):
        yield tuple(array[start : start + batch_size] for array in arrays)


def _computed(model: Model, batches: Iterator[tuple], bar: Progbar) -> Iterator[list[np.ndarray]]:
    """Yield the features and the other parts of the batches, many batches at a time."""
    done, shape = 0, None
    bar.update(0)  # starts the time
    for first in batches:
        others: list[tuple] = []
        images = _images(itertools.chain([first], itertools.islice(batches, _BATCHES_AT_A_TIME - 1)), others)
        features = np.asarray(model.predict(images, verbose=0))
        features = features.astype("float32") if features.dtype.name == "bfloat16" else features
        columns = [np.concatenate([_as_numpy(part) for part in parts]) for parts in zip(*others, strict=True)]
        _check_result(features, columns, shape)
        yield [features, *columns]
        done, shape = done + len(others), features.shape[1:]
        bar.update(done)
    if bar.target is None and done:
        bar.update(done, finalize=True)
    if not done:
        raise InvalidArgumentError(
            "`extract_features` received no images.",
            "The data must have at least one batch.",
            "Check the dataset; a generator can be read once only.",
        )


def _check_result(features: np.ndarray, columns: list[np.ndarray], shape: tuple | None) -> None:
    """Raise ``ShapeError`` for features of another shape than before, or if there is not one target for each image."""
    if shape is not None and features.shape[1:] != shape:
        raise ShapeError(
            f"`extract_features` computed features of the shapes {shape} and {features.shape[1:]}.",
            "The features of all images must have one shape.",
            'Create the network with `pooling="avg"`, or resize the images to one size.',
        )
    for column in columns:
        if len(column) != len(features):
            raise ShapeError(
                f"`extract_features` received batches with {len(features)} images and {len(column)} targets together.",
                "There must be one target for each image.",
                "Check the function that makes the batches.",
            )


def _as_numpy(part: ArrayLike) -> np.ndarray:
    """Return targets as an array; those of NumPy and lists keep their dtype."""
    return np.asarray(part if isinstance(part, np.ndarray | list) else ops.convert_to_numpy(part))


def _images(batches: Iterable[tuple], others: list[tuple]) -> Iterator[ArrayLike]:
    """Yield the images of batches, and append their other parts to a list."""
    for images, *rest in batches:
        others.append(tuple(rest))
        yield images


def _result(parts: list[np.ndarray]) -> Parts:
    return parts[0] if len(parts) == 1 else tuple(parts)


# --- The cache ----------------------------------------------------------------------------------------------------------------


def _digest_of_network(model: Model) -> str:
    digest = hashlib.sha256()
    for layer in layer_tree.flatten(model):
        digest.update(type(layer).__name__.encode())  # names of layers are numbered in each session
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return digest.hexdigest()


def _digest_of_data(*data: Data | None) -> str:
    """Return a digest of arrays, or of the files and the number of batches of a dataset."""
    digest = hashlib.sha256()
    for part in data:
        if part is None:
            continue
        if hasattr(part, "shape"):
            array = cast(Any, part)
            digest.update(f"{array.dtype} {tuple(array.shape)}".encode())
            for start in range(0, len(array), _ROWS_AT_A_TIME):
                digest.update(_bytes(_as_numpy(array[start : start + _ROWS_AT_A_TIME])))
        for path in getattr(part, "file_paths", None) or ():
            state = Path(path).stat()
            digest.update(f"{path} {state.st_size} {state.st_mtime_ns}".encode())
        digest.update(f"{_number_of_batches(part, 1)} {getattr(part, 'element_spec', None)}".encode())
    return digest.hexdigest()


def _bytes(array: np.ndarray) -> bytes:
    return str(array.tolist()).encode() if array.dtype.hasobject else np.ascontiguousarray(array).tobytes()


def _contains(stored: list[np.ndarray], parts: list[np.ndarray]) -> bool:
    """Return whether each sample is among stored ones, except for rounding; a dataset may have another order each time."""
    if [(part.shape[1:], part.dtype) for part in stored] != [(part.shape[1:], part.dtype) for part in parts]:
        return False
    features, rows = (array.reshape(len(array), -1) for array in (stored[0], parts[0]))
    others = list(zip(stored[1:], parts[1:], strict=True))
    tolerance = 1e-3 * max(float(np.abs(rows).max(initial=0)), 1e-6)
    for number, row in enumerate(rows):
        places = np.flatnonzero(np.abs(features[:, 0] - row[0]) <= tolerance)
        places = places[np.abs(features[places] - row).max(axis=1, initial=0) <= tolerance]
        if not any(all(np.array_equal(old[place], new[number]) for old, new in others) for place in places):
            return False
    return True


def _stored(folder: Path, key: dict[str, str]) -> list[np.ndarray] | None:
    """Return the arrays in a folder; None if there are none for this network and these data."""
    if not folder.exists():
        return None
    index = folder / _INDEX
    if not index.is_file():
        if not folder.is_dir() or any(folder.iterdir()):
            raise InvalidArgumentError(
                f"`extract_features` received cache={str(folder)!r}, which contains something else.",
                "It must be a folder for features only, or one that does not exist yet.",
                "Pass the path of a new folder.",
            )
        return None
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        if {name: content[name] for name in key} != key:
            return None
        return [np.load(folder / Path(name).name, mmap_mode="r", allow_pickle=False) for name in content["files"]]
    except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
        raise ModelFormatError(
            f"The features in {str(folder)!r} cannot be read: {error}.",
            "The folder must be as `extract_features` wrote it.",
            "Delete the folder to compute the features again.",
        ) from None


def _write(folder: Path, key: dict[str, str], chunks: Iterator[list[np.ndarray]]) -> list[np.ndarray]:
    """Write arrays chunk by chunk, and return them. What was in the folder remains until all are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    old = set(folder.glob("*.npy"))
    start = f"{key['network'][:8]}-{key['data'][:8]}"
    with contextlib.ExitStack() as stack:
        files: list[_GrowingArray] = []
        for chunk in chunks:
            while len(files) < len(chunk):
                temporary = stack.enter_context(atomic_write(folder / f"{start}-{len(files)}.npy"))
                files.append(stack.enter_context(_GrowingArray(temporary, chunk[len(files)])))
            for file, array in zip(files, chunk, strict=True):
                file.append(array)
    names = [f"{start}-{number}.npy" for number in range(len(files))]
    with atomic_write(folder / _INDEX) as temporary:
        temporary.write_text(json.dumps({**key, "files": names}), encoding="utf-8")
    for file in old - {folder / name for name in names}:
        file.unlink()
    return [np.load(folder / name, mmap_mode="r") for name in names]


class _GrowingArray(contextlib.AbstractContextManager):
    """A ``.npy`` file to which rows are appended. NumPy's header has enough spaces for any number of rows."""

    def __init__(self, path: Path, like: np.ndarray):
        self._file = open(path, "wb")  # noqa: SIM115 (closed by `__exit__`)
        self._dtype, self._row, self._count = like.dtype, like.shape[1:], 0
        self._write_header()

    def _write_header(self) -> None:
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._count, *self._row)}
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, rows: np.ndarray) -> None:
        """Append rows."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self._count += len(rows)

    def __exit__(self, *exception: BaseException | None) -> None:
        self._write_header()
        self._file.close()
