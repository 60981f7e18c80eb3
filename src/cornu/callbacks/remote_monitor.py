"""Callback that sends the logs of each epoch to a server."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

import numpy as np

from cornu.errors import warn
from cornu.training.callback import Callback
from cornu.training.logs import as_number
from cornu.validation import invalid_value

__all__ = ["RemoteMonitor"]

_TIMEOUT = 10
"""Seconds to wait for the server."""


class RemoteMonitor(Callback):
    """Callback that sends the logs of each epoch to a server, by a POST request.

    A request contains the index of the epoch, as ``"epoch"``, and the logs. Training continues if the server does not answer.

    Args:
        root: Address of the server, which begins with ``http://`` or ``https://``. Defaults to ``"http://localhost:9000"``.
        path: Path on the server. Defaults to ``"/publish/epoch/end/"``.
        field: Name of the field of a form that contains the logs as JSON. Not used with ``send_as_json``. Defaults to
            ``"data"``.
        headers: Dict of further headers of the request. Defaults to None.
        send_as_json: Whether the request contains JSON instead of a form. Defaults to False.

    Raises:
        InvalidArgumentError: If the address has another scheme.

    Example:
        >>> from cornu.callbacks import RemoteMonitor
        >>> monitor = RemoteMonitor("http://localhost:9000", send_as_json=True)
        >>> # model.fit(x, y, epochs=100, callbacks=[monitor])
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        if urllib.parse.urlsplit(root).scheme not in ("http", "https"):
            raise invalid_value(self, "root", root, "an address that begins with http:// or https://", "http://localhost:9000")
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Send the logs."""
        values = {"epoch": epoch, **{name: _as_json(as_number(value)) for name, value in (logs or {}).items()}}
        if self.send_as_json:
            body, kind = json.dumps(values), "application/json"
        else:
            body, kind = urllib.parse.urlencode({self.field: json.dumps(values)}), "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        request = urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT):
                pass
        except OSError as error:  # errors of the network and of the server
            warn(f"`RemoteMonitor` could not send the logs to {self.root + self.path}: {error}.")


def _as_json(value: np.ndarray | float | str) -> list | float | str:
    """Return the value of a log as a value of JSON."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
