"""Callback that writes event files for TensorBoard."""

import os
import re
import time
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from cornu import config
from cornu.callbacks.monitor_callback import checked_frequency
from cornu.callbacks.output_paths import prepare_folder
from cornu.errors import CornuError, InvalidArgumentError, warn
from cornu.io.event_file import EventFile
from cornu.layers import Embedding
from cornu.training.callback import Callback
from cornu.training.logs import as_number
from cornu.training.model_protocol import TrainableModel
from cornu.validation import invalid_value

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Callback that writes event files, which TensorBoard displays (``tensorboard --logdir logs``).

    It requires the package ``tensorboard``, and not TensorFlow. The folder ``train`` contains:

    * ``epoch_loss`` and so on: the logs and the learning rate of each epoch,
    * ``batch_loss`` and so on: the logs after every ``update_freq``-th step,
    * ``<weight>/histogram`` and ``<weight>/image``: the weights of the layers,
    * ``keras``: the graph of layers of a functional or sequential model.

    The folder ``validation`` contains ``epoch_loss`` and so on of the validation after each epoch, and
    ``evaluation_loss_vs_iterations`` and so on of each evaluation, with the number of updates in place of the epoch.

    Args:
        log_dir: Path of the folder. Defaults to ``"logs"``.
        histogram_freq: Integer, number of epochs between histograms of the weights. Defaults to 0 (none).
        write_graph: Whether to write the graph of layers. Defaults to True.
        write_images: Whether to write the weights as images, together with the histograms. Defaults to False.
        write_steps_per_second: Whether to write the number of steps per second of epochs and of steps. Defaults to False.
        update_freq: ``"epoch"``, ``"batch"``, or an integer number of steps between values of steps. Defaults to ``"epoch"``
            (no values of steps), which is the fastest.
        profile_batch: Integer, pair of integers or a string such as ``"10,20"``: the steps to profile. Nothing is profiled;
            for other values than 0 a warning says what to use instead. Defaults to 0.
        embeddings_freq: Integer, number of epochs between files of the weights of ``Embedding`` layers, which the projector of
            TensorBoard displays. Defaults to 0 (none).
        embeddings_metadata: Path of a file with a label for each row of an ``Embedding``, or a dict of names of layers to such
            paths. Defaults to None.

    Raises:
        InvalidArgumentError: If an argument is invalid, or ``embeddings_metadata`` names another layer.
        MissingFileError: Before training, if files cannot be written to ``log_dir``.
        MissingPackageError: If ``tensorboard`` is not installed.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.callbacks import TensorBoard
        >>> folder = tempfile.mkdtemp()
        >>> model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> _ = model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[TensorBoard(folder)])
        >>> os.listdir(folder)
        ['train']
    """

    def __init__(
        self,
        log_dir: str | os.PathLike = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Literal["epoch", "batch"] | int = "epoch",
        profile_batch: int | tuple[int, int] | str = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | dict[str, str] | None = None,
    ):
        super().__init__()
        self.log_dir, self.write_graph, self.write_images = str(log_dir), write_graph, write_images
        for name, value in (("histogram_freq", histogram_freq), ("embeddings_freq", embeddings_freq)):
            _ = value and checked_frequency("TensorBoard", name, value)
        self.histogram_freq, self.embeddings_freq = histogram_freq, embeddings_freq
        frequency = checked_frequency("TensorBoard", "update_freq", update_freq, "epoch", "batch")
        self.update_freq = 1 if frequency == "batch" else frequency
        self.write_steps_per_second, self.embeddings_metadata = write_steps_per_second, embeddings_metadata
        _check_profile(profile_batch)
        self._train_dir = os.path.join(self.log_dir, "train")
        self._files = EventFile(self._train_dir), EventFile(os.path.join(self.log_dir, "validation"))
        self._is_training = False
        self._steps = self._first_iteration = 0
        self._started = self._step_started = 0.0

    def wants_batches(self) -> bool:
        """Return whether the callback writes values of steps."""
        return self.update_freq != "epoch"

    def set_model(self, model: TrainableModel | None) -> None:
        """Set the model, and write its graph and the description of its embeddings."""
        super().set_model(model)
        prepare_folder("TensorBoard", "log_dir", self.log_dir)
        if self.write_graph and getattr(model, "cornu_graph", None) is not None:
            try:
                self._files[0].write_model("keras", self.model.to_json())
            except CornuError as error:  # of a layer without a config
                warn(f"`TensorBoard` does not write the graph of the model: {error}")
        if self.embeddings_freq and model is not None:
            self._describe_embeddings()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Count the steps from here."""
        self._is_training, self._steps = True, 0

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the files."""
        self._is_training = False
        self._close()

    def on_test_end(self, logs: dict | None = None) -> None:
        """Write the logs of an evaluation."""
        values = {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}
        self._files[1].write_scalars(_numbers(values), int(self.model.optimizer.iterations))
        if not self._is_training:
            self._close()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Count the step."""
        self._steps += 1
        self._step_started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Write the logs after every ``update_freq``-th step."""
        if self.update_freq == "epoch" or self._steps % int(self.update_freq):
            return
        values = {f"batch_{name}": value for name, value in (logs or {}).items()}
        if self.write_steps_per_second:
            values = {"batch_steps_per_second": 1 / (time.perf_counter() - self._step_started), **values}
        self._files[0].write_scalars(_numbers(values), self._steps)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Record the time."""
        self._started, self._first_iteration = time.perf_counter(), int(self.model.optimizer.iterations)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write the logs of the epoch, and the weights if they are due."""
        given = logs or {}
        values = {name: value for name, value in given.items() if not name.startswith("val_")} | self._learning_rates()
        if self.write_steps_per_second:
            steps = int(self.model.optimizer.iterations) - self._first_iteration
            values["steps_per_second"] = steps / (time.perf_counter() - self._started)
        measured = {name.removeprefix("val_"): value for name, value in given.items() if name.startswith("val_")}
        for file, of_file in zip(self._files, (values, measured), strict=True):
            file.write_scalars(_numbers({f"epoch_{name}": value for name, value in of_file.items()}), epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)

    def _close(self) -> None:
        for file in self._files:
            file.close()

    def _learning_rates(self) -> dict[str, float]:
        """Return the learning rate by name, or those of several optimizers."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if hasattr(optimizer, "optimizers"):
            return {f"learning_rate_{each.name}": float(each.learning_rate) for each in optimizer.optimizers}
        return {"learning_rate": float(optimizer.learning_rate)}

    def _write_weights(self, epoch: int) -> None:
        for weight in (weight for layer in self.model.layers for weight in layer.weights):
            tag, values = weight.path.replace(":", "_"), weight.numpy().astype("float32")
            self._files[0].write_histogram(f"{tag}/histogram", values, epoch)
            images = _as_images(values) if self.write_images else None
            if images is not None:
                self._files[0].write_images(f"{tag}/image", images, epoch)
        self._files[0].flush()

    def _embeddings(self) -> list[Embedding]:
        return [layer for layer in self.model.layers if isinstance(layer, Embedding)]

    def _describe_embeddings(self) -> None:
        """Write the file by which the projector finds the weights of the embeddings, and the labels of their rows."""
        from google.protobuf import text_format
        from tensorboard.plugins import projector

        description, labels, found = projector.ProjectorConfig(), self.embeddings_metadata, self._embeddings()
        unknown = set(labels) - {layer.name for layer in found} if isinstance(labels, dict) else set()
        if unknown:
            raise InvalidArgumentError(
                f"`TensorBoard` received `embeddings_metadata` for {sorted(unknown)}.",
                f"The `Embedding` layers of the model are {[layer.name for layer in found]}.",
                "Use their names as keys.",
            )
        for layer in found:
            path = labels.get(layer.name) if isinstance(labels, dict) else labels
            description.embeddings.add(tensor_name=f"{layer.name}/embeddings", tensor_path=_file_of(layer), metadata_path=path)
        os.makedirs(self.log_dir, exist_ok=True)
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w", encoding="utf-8") as file:
            file.write(text_format.MessageToString(description))

    def _write_embeddings(self, epoch: int) -> None:
        os.makedirs(self._train_dir, exist_ok=True)
        self.model.save_weights(os.path.join(self._train_dir, f"keras_embedding.ckpt-{epoch}.weights.h5"))
        for layer in self._embeddings():
            np.savetxt(os.path.join(self.log_dir, _file_of(layer)), layer.embeddings.numpy(), fmt="%.7g", delimiter="\t")


def _file_of(layer: Embedding) -> str:
    """Return the name of the file with the weights of an embedding, one row per line."""
    return f"{layer.name.replace('/', '_')}.tsv"


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the values that are single numbers."""
    found = {name: as_number(value) for name, value in values.items()}
    return {name: value for name, value in found.items() if isinstance(value, (int, float))}


def _as_images(weight: np.ndarray) -> np.ndarray | None:
    """Return a weight as images of shape ``(images, height, width, channels)``, as Keras does; None if it has other axes."""
    weight = np.squeeze(weight)
    if weight.ndim == 1:
        weight = weight[:, None]
    if weight.ndim == 2:
        weight = (weight.T if weight.shape[1] < weight.shape[0] and weight.shape[1] > 1 else weight)[None]
    elif weight.ndim == 3 and config.image_data_format() == "channels_last":
        weight = weight.transpose(2, 0, 1)
    images = weight[..., None] if weight.ndim == 3 else weight
    return images if images.ndim == 4 and images.shape[-1] in (1, 3, 4) else None


def _check_profile(profile_batch: int | tuple[int, int] | str) -> None:
    """Warn that nothing is profiled; raise ``InvalidArgumentError`` for what are no steps."""
    found = re.fullmatch(r"(\d+)(?:,(\d+))?", ",".join(map(str, np.ravel(profile_batch))))
    first, last = map(int, found.groups(default=found[1])) if found else (1, 0)
    if first > last:
        expected = "an integer of at least 0, or the first and the last step"
        raise invalid_value("TensorBoard", "profile_batch", profile_batch, expected, 0)
    if last:
        warn(
            f"`TensorBoard` received `profile_batch={profile_batch!r}` and profiles nothing. Use the profiler of the engine "
            "around `fit`: `jax.profiler.trace`, `torch.profiler.profile` or `tf.profiler.experimental.Profile`."
        )
