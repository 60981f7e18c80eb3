"""A web server on this machine that misbehaves as told, and an empty cache for every test."""

import io
import struct
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest


class Server(ThreadingHTTPServer):
    """Serves ``body`` at every address. ``requests`` are the ``Range`` headers of the requests that came."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = bytes(range(256)) * 1000
        self.cuts: list[int] = []
        """For each coming request, after how many bytes of the answer the connection breaks."""
        self.honours_ranges = True
        self.always_partial = False
        self.announces_length = True
        self.redirects_to = ""
        self.status = 200
        self.pause = 0.0
        """Seconds between pieces of 10,000 bytes."""
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if server.redirects_to:
            return self.answer(302, {"Location": server.redirects_to})
        if server.status != 200:
            return self.answer(server.status, {})
        start = int(self.headers["Range"].split("=")[1].rstrip("-")) if self.headers["Range"] and server.honours_ranges else 0
        if start > len(server.body):
            return self.answer(416, {})
        rest = server.body[start:]
        headers = {"Content-Length": str(len(rest))} if server.announces_length else {}
        partial = start > 0 or server.always_partial
        if partial:
            headers["Content-Range"] = f"bytes {start}-{len(server.body) - 1}/{len(server.body)}"
        self.answer(206 if partial else 200, headers)
        sent = rest[: server.cuts.pop(0)] if server.cuts else rest
        for place in range(0, len(sent), 10000):
            self.wfile.write(sent[place : place + 10000])
            time.sleep(server.pause)

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        running.handle_error = lambda *_: None  # a client that is gone is part of the tests
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no folder of Keras's."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("CORNU_DATASETS", str(folder))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return folder


@pytest.fixture
def pack() -> Callable[[Path, dict[str, bytes]], Path]:
    """A function that makes a ``.tar.gz`` of content by name."""

    def write(path: Path, files: dict[str, bytes]) -> Path:
        with tarfile.open(path, "w:gz", compresslevel=1) as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def batch_of_python_2() -> Callable[[np.ndarray, list[int]], bytes]:
    """A function that makes a batch of CIFAR."""

    def write(pixels: np.ndarray, labels: list[int]) -> bytes:
        """Instruction by instruction what Python 2's cPickle and NumPy of 2009 wrote into the published files."""
        count, width = pixels.shape
        return b"".join(
            [
                b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05(",
                *(b"K" + bytes([label]) for label in labels),
                b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09(K\x01",
                b"J"
                + struct.pack("<i", count)
                + b"M"
                + struct.pack("<H", width)
                + b"\x86cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b(",
                b"K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
                + struct.pack("<i", pixels.size)
                + pixels.tobytes()
                + b"tb",
                b"U\tfilenamesq\x0c]q\r(U\x05a.pngq\x0eU\x05b.pngq\x0feu.",
            ]
        )

    return write
