"""The settings file of Keras. ``tests/cli/test_run.py`` checks its effect in programs."""

import json

import pytest

from cornu import config
from cornu.legacy import keras_json
from cornu.scopes import Scope


@pytest.fixture(autouse=True)
def as_before(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("CORNU_BACKEND", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    saved = [(scope, scope.get()) for scope in vars(config).values() if isinstance(scope, Scope)]
    yield
    for scope, value in saved:
        scope.set_default(value)


def write(**entries):
    keras_json.path().write_text(json.dumps(entries))


def test_the_file_is_in_the_home_directory_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_json.path() == tmp_path / ".keras" / "keras.json"


def test_no_file_changes_nothing(capsys):
    before = config.floatx(), config.epsilon(), config.image_data_format()
    keras_json.apply()
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == before
    assert capsys.readouterr() == ("", "")


def test_each_entry_has_effect():
    config._backend.set_default(None)
    write(backend="numpy", floatx="bfloat16", epsilon=1e-3, image_data_format="channels_first", other=1)
    keras_json.apply()
    assert (config.backend(), config.floatx(), config.epsilon(), config.image_data_format()) == (
        "numpy",
        "bfloat16",
        1e-3,
        "channels_first",
    )


def test_a_backend_that_was_chosen_stays(monkeypatch):
    config.set_backend("jax")
    write(backend="numpy")
    keras_json.apply()
    assert config.backend() == "jax"
    config._backend.set_default(None)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras_json.apply()
    assert config.backend() == "jax"
