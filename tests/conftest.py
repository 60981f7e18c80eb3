"""What all tests share: the backends by name, a fixed seed, the folder of real images, and what ``--sample`` leaves out."""

import hashlib
import itertools
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"  # before anything imports real Keras, the oracle
os.environ["OMP_NUM_THREADS"] = "1"  # a process a core runs the tests: more threads would wait for one another
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
# Most programs of the tests are compiled to run once: XLA's oldest and simplest code generator, which optimizes nothing, takes
# a quarter of the time. With an empty XLA_FLAGS in the environment they are compiled as for users. An XLA that does not know
# one of these flags ends the process and names the flag.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)

import pytest

from cornu import config, seeds
from cornu.backends import memory

ROOT = Path(__file__).resolve().parents[1]

IN_PAIRS = "tests/backends"
"""The folder where the sample of ``--sample`` has each pair of values, so each case on each engine: engines differ there."""

ON_TWO_ENGINES = "tests/training"
"""The folder where each test of the sample runs on two engines. Elsewhere it runs on one, which depends on its name."""

ENGINE_PARAMETERS = ("backend", "engine", "engine_name")
"""The parameters of tests that name an engine."""

ENGINES = [name for name in config.installed_backends() if name != "numpy"]
"""The engines that are installed here: each is compared with NumPy, the reference."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--sample`` and ``--rest``."""
    parser.addoption("--sample", action="store_true", help="of a test with many cases run a sample (tests/README.md)")
    parser.addoption("--rest", action="store_true", help="run only what --sample leaves out")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is not in the sample for ``--sample``, and the sample for ``--rest``."""
    if config.getoption("--sample") or config.getoption("--rest"):
        chosen = sample(items) if config.getoption("--sample") else {*items} - sample(items)
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = [item for item in items if item in chosen]


def sample(items: list[pytest.Item]) -> set[pytest.Item]:
    """Choose cases of each test function so that each value of each of its parameters is in one of them.

    Tests with the marker ``thorough`` are left out. Another case is chosen if it is on an engine of its test and has a value
    that no case before it had; in ``IN_PAIRS``, if it has a new pair of values, on any engine. The order is that of hashes of
    the names, so that the choice is the same everywhere and depends on no other test.

    Args:
        items: The collected tests.

    Returns:
        Those to run.
    """
    chosen, seen, engines = set(), defaultdict(set), defaultdict(set)
    items = [item for item in items if item.get_closest_marker("thorough") is None]
    for item in items:
        engines[function_of(item)].add(engine_of(item))
    tested = {function: engines_in_sample(function, found) for function, found in engines.items()}
    for item in sorted(items, key=lambda item: digest(item.nodeid)):
        function = function_of(item)
        if engine_of(item) not in tested[function]:
            continue
        values = list(enumerate(item.callspec._idlist)) if hasattr(item, "callspec") else []  # one for each parametrization
        size = min(len(values), 2 if function.startswith(IN_PAIRS) else 1)
        found = set(itertools.combinations(values, size))
        if not found <= seen[function]:
            chosen.add(item)
        seen[function] |= found
    return chosen


def digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def function_of(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def engine_of(item: pytest.Item) -> str | None:
    """The engine that a case is for; None if the test does not have one as its parameter."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return next((str(parameters[name]) for name in ENGINE_PARAMETERS if name in parameters), None)


def engines_in_sample(function: str, engines: set[str | None]) -> set[str | None]:
    """The engines on which the sample has a test."""
    if function.startswith(IN_PAIRS):
        return engines
    count = 2 if function.startswith(ON_TWO_ENGINES) else 1
    return set(sorted(engines, key=lambda engine: digest(f"{function} {engine}"))[:count])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which engines the tests ran on, at the end, where a quiet run and one of many processes show it too."""
    terminalreporter.write_line(engines_text(config.installed_backends()))


def engines_text(installed: list[str]) -> str:
    """Which engines are tested, and which cannot be."""
    missing = [name for name in config.BACKENDS if name not in installed]
    return f"engines: {', '.join(installed)}" + (f"; not installed, so not tested: {', '.join(missing)}" if missing else "")


@pytest.fixture(params=["numpy", *ENGINES])
def backend(request: pytest.FixtureRequest) -> str:
    """Name of a backend; the test runs once for each."""
    return request.param


@pytest.fixture
def default_backend(backend: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tested backend, as the default: Python and NumPy data goes there, and variables are made there."""
    monkeypatch.setattr(config._backend, "_default", backend)
    return backend


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name of a backend other than NumPy's; the test runs once for each."""
    return request.param


@pytest.fixture
def set_fast_paths() -> Iterator[Callable]:
    """``config.set_fast_paths``; after the test they are what the environment says."""
    yield config.set_fast_paths
    config.set_fast_paths(None)


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Every test starts from the same seed, whatever ran before it."""
    seeds.set_seed(0)


@pytest.fixture(autouse=True)
def without_autograd(request: pytest.FixtureRequest) -> Iterator[None]:
    """On PyTorch, eager results of variables require a gradient, and NumPy takes none that do: here autograd is off.

    Tests of ``loss.backward()`` turn it on with ``torch.enable_grad()``.
    """
    cases = getattr(request.node, "callspec", None)
    if cases is None or not any(isinstance(value, str) and value == "torch" for value in cases.params.values()):
        yield
        return
    import torch

    with torch.no_grad():
        yield


@pytest.fixture(scope="module", autouse=True)
def freed_memory() -> Iterator[None]:
    """After each file JAX forgets its programs, of 1.5 MB each, and freed memory goes back to the system."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    memory.give_back()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images: the environment's ``CORNU_TEST_DATA``, or ``../shared/data`` next to the repository."""
    folder = Path(os.environ.get("CORNU_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the folder of real images is not here (set CORNU_TEST_DATA to its path)")
    return folder


# --- A web server on this machine, and an empty cache -------------------------------------------------------------------------


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
