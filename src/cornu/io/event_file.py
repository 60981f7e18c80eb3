"""Event files, which TensorBoard displays. They are written with the package ``tensorboard``, without TensorFlow."""

import importlib
import io
import itertools
import os
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cornu.validation import require_packages

if TYPE_CHECKING:
    from tensorboard.summary.writer.record_writer import RecordWriter

_MOST_IMAGES = 3
"""The most images under one tag, as in TensorFlow."""

_numbers = itertools.count()


class Message(Protocol):
    """A message of protocol buffers."""

    def SerializeToString(self) -> bytes: ...  # noqa: D102


class EventFile:
    """An event file, which is created when the first event is written.

    Args:
        folder: Path of the folder.

    Raises:
        MissingPackageError: If ``tensorboard`` is not installed.

    Example:
        >>> import tempfile
        >>> from cornu.io.event_file import EventFile
        >>> folder = tempfile.mkdtemp()
        >>> file = EventFile(folder)
        >>> file.write_scalars({"loss": 0.5}, step=3)
        >>> file.close()
        >>> os.listdir(folder)[0].startswith("events.out.tfevents.")
        True
    """

    def __init__(self, folder: str):
        require_packages("write event files", "tensorboard", install="'cornu[tensorboard]'")
        self._folder = folder
        self._writer: RecordWriter | None = None

    def write_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write numbers by tag."""
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        for tag, value in values.items():
            self._write_summary(scalar_pb(tag, value), step)
        self.flush()

    def write_histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """Write the distribution of the elements of an array, in 30 intervals."""
        from tensorboard.plugins.histogram.summary_v2 import histogram_pb

        self._write_summary(histogram_pb(tag, values), step)

    def write_images(self, tag: str, images: np.ndarray, step: int) -> None:
        """Write the first three images of an array of shape ``(images, height, width, channels)`` with values of 0 to 1."""
        from PIL import Image
        from tensorboard.plugins.image import metadata

        pixels = np.clip(images * 255.5, 0, 255).astype("uint8")
        values = [str(images.shape[2]).encode(), str(images.shape[1]).encode()]
        for image in pixels[:_MOST_IMAGES]:
            file = io.BytesIO()
            Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG")
            values.append(file.getvalue())
        self._write_bytes(tag, values, metadata.create_summary_metadata(display_name=None, description=None), step)

    def write_model(self, tag: str, config: str) -> None:
        """Write the config of a model, JSON, as step 0."""
        metadata = _proto("summary").SummaryMetadata
        plugin = metadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        self._write_bytes(tag, config.encode(), metadata(plugin_data=plugin), 0)
        self.flush()

    def _write_bytes(self, tag: str, value: bytes | list[bytes], metadata: Message, step: int) -> None:
        from tensorboard.util.tensor_util import make_tensor_proto

        summary = _proto("summary").Summary
        entry = summary.Value(tag=tag, tensor=make_tensor_proto(value), metadata=metadata)
        self._write_summary(summary(value=[entry]), step)

    def _write_summary(self, summary: Message, step: int) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        event = _proto("event").Event
        if self._writer is None:
            os.makedirs(self._folder, exist_ok=True)
            name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}.v2"
            self._writer = RecordWriter(open(os.path.join(self._folder, name), "xb"))  # noqa: SIM115 (open while training)
            self._writer.write(event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        self._writer.write(event(wall_time=time.time(), step=step, summary=summary).SerializeToString())

    def flush(self) -> None:
        """Write what is buffered to the file."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Close the file. The next event is written to a new one."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def __del__(self) -> None:
        """Close the file of a training that an exception ended."""
        if "_writer" in vars(self):
            self.close()


def _proto(name: str) -> Any:
    """Return a module of messages, which is generated and therefore unknown to type checkers."""
    return importlib.import_module(f"tensorboard.compat.proto.{name}_pb2")
