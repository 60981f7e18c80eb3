"""The progress bar, the summary, plots and the interrupt button in a notebook of Jupyter, with a real kernel."""

import signal
import threading
import time
import warnings

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the event loop of the client

MODEL = """
import numpy as np
import cornu
from cornu import layers

x = np.random.default_rng(0).normal(size=(512, 3)).astype("float32")
y = x.sum(axis=1, keepdims=True)
model = cornu.Sequential([cornu.Input((3,)), layers.Dense(4, "relu", name="first"), layers.Dense(1, name="last")])
model.compile(cornu.optimizers.SGD(0.01), "mse")
"""

FIT = """
class Stop(cornu.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        open("ready", "a").write(str(int(model.optimizer.iterations)) + "\\n")

before = model.get_weights()
model.fit(x, y, batch_size=32, epochs=1_000_000, callbacks=[Stop()])
"""

CHECK = """
assert all(np.isfinite(weight).all() for weight in model.get_weights())
assert any((old != new).any() for old, new in zip(before, model.get_weights()))
steps = int(model.optimizer.iterations)
assert steps >= int(open("ready").read().split()[0])
assert model.predict(x, verbose=0).shape == (512, 1)
model.fit(x, y, epochs=1, batch_size=32, verbose=0)
assert int(model.optimizer.iterations) == steps + 16
print("trained on")
"""


def run(folder, *cells: str, allow_errors: bool = False, interrupt: bool = False) -> list:
    """The outputs of the cells of a notebook that a new kernel runs; interrupted once the file `ready` exists."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=150, kernel_name="python3", allow_errors=allow_errors, resources={"metadata": {"path": str(folder)}}
    )
    ended = threading.Event()

    def press_the_button() -> None:
        while not (folder / "ready").exists():
            if ended.wait(0.05):
                return
        time.sleep(0.1)
        client.km.provisioner.process.send_signal(signal.SIGINT)  # what the interrupt button makes Jupyter do

    button = threading.Thread(target=press_the_button if interrupt else lambda: None)
    button.start()
    try:
        with warnings.catch_warnings(action="ignore"):
            client.execute()
    finally:
        ended.set()
        button.join()
    return [cell.outputs for cell in notebook.cells]


def texts(outputs: list) -> str:
    """What a cell printed, and the texts that it displayed."""
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.fixture(autouse=True)
def kernel_without_files_of_the_user(tmp_path, monkeypatch):
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("CORNU_BACKEND", "jax")


def test_bars_summaries_and_plots_are_shown(tmp_path):
    shown = run(tmp_path, MODEL, "model.fit(x, y, epochs=2);", "model.summary()", "cornu.utils.plot_model(model, 'model.png')")
    bars = [output for output in shown[1] if output.output_type == "display_data"]
    assert len(bars) == 2, "each epoch has one display, which is updated"
    for number, bar in enumerate(bars, 1):
        assert f"Epoch {number}/2" in bar["data"]["text/plain"]
        assert "16/16" in bar["data"]["text/plain"]
        assert "loss: " in bar["data"]["text/plain"]
    assert 'Model: "sequential"' in texts(shown[2])
    assert "first (Dense)" in texts(shown[2])
    assert all(output.output_type == "stream" for output in shown[2])
    assert "\x1b" not in texts(shown[2])
    assert "image/png" in shown[3][0]["data"]


def test_the_interrupt_button_leaves_the_last_good_state(tmp_path):
    shown = run(tmp_path, MODEL, FIT, CHECK, allow_errors=True, interrupt=True)
    assert [output.ename for output in shown[1] if output.output_type == "error"] == ["KeyboardInterrupt"]
    assert texts(shown[2]).strip() == "trained on", shown[2]
