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
    monkeypatch.setenv(keras_json._REPORTED, "")
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


def test_each_entry_has_effect(capsys):
    config._backend.set_default(None)
    write(backend="numpy", floatx="bfloat16", epsilon=1e-3, image_data_format="channels_first", other=1)
    keras_json.apply()
    assert (config.backend(), config.floatx(), config.epsilon(), config.image_data_format()) == (
        "numpy",
        "bfloat16",
        1e-3,
        "channels_first",
    )
    assert capsys.readouterr() == (
        "",
        f"cornu run: {keras_json.path()}: this file sets backend='numpy' instead of 'jax', floatx='bfloat16' instead of "
        "'float32', epsilon=0.001 instead of 1e-07, image_data_format='channels_first' instead of 'channels_last'.\n",
    )


def test_entries_that_are_the_defaults_are_not_reported(capsys):
    config._backend.set_default(None)
    write(backend="jax", floatx="float32", epsilon=1e-7, image_data_format="channels_last")
    keras_json.apply()
    assert config.backend() == "jax" and capsys.readouterr() == ("", "")


def test_a_backend_that_was_chosen_stays_and_is_not_reported(monkeypatch, capsys):
    config.set_backend("jax")
    write(backend="numpy")
    keras_json.apply()
    assert config.backend() == "jax"
    config._backend.set_default(None)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras_json.apply()
    assert config.backend() == "jax" and capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ('{"floatx": "float31"}', "floatx='float31' is not a valid setting, so 'float32' is used"),
        ('{"epsilon": [1]}', "epsilon=[1] is not a valid setting, so 1e-07 is used"),
        ('{"backend": "theano"}', "backend='theano' is not a valid setting, so 'jax' is used"),
        ("[1]", "it is not a JSON object, so it is ignored"),
        ("{", "it is not a JSON object, so it is ignored"),
        ("", "it is not a JSON object, so it is ignored"),
        ('{"nnx_enabled": false}', None),
    ],
)
def test_a_wrong_entry_is_reported_and_ignored(capsys, text, report):
    config._backend.set_default(None)
    keras_json.path().write_text(text)
    keras_json.apply()
    assert (config.backend(), config.floatx(), config.epsilon(), config.image_data_format()) == (
        "jax",
        "float32",
        1e-7,
        "channels_last",
    )
    assert capsys.readouterr().err == ("" if report is None else f"cornu run: {keras_json.path()}: {report}.\n")


def test_a_file_that_cannot_be_read_is_reported_and_ignored(capsys):
    keras_json.path().mkdir()
    keras_json.apply()
    assert capsys.readouterr().err == f"cornu run: {keras_json.path()}: it cannot be read (Is a directory), so it is ignored.\n"


def test_a_byte_order_mark_is_allowed(capsys):
    keras_json.path().write_bytes(b"\xef\xbb\xbf" + json.dumps({"epsilon": 1e-3}).encode())
    keras_json.apply()
    assert config.epsilon() == 1e-3 and "epsilon=0.001 instead of 1e-07" in capsys.readouterr().err
