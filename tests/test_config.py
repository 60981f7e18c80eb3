"""Settings of the whole library."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from cornu import config
from cornu.errors import InvalidArgumentError, MissingPackageError, UnsafeModelError
from cornu.scopes import Scope


@pytest.fixture(autouse=True)
def as_before():
    saved = [(value, value.get()) for value in vars(config).values() if isinstance(value, Scope)]
    yield
    for scope, value in saved:
        scope.set_default(value)


def run(code, **environment):
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    return finished.stdout.strip() or finished.stderr.strip().splitlines()[-1]


def test_the_defaults_are_those_of_keras():
    from keras import config as keras_config

    assert config.floatx() == keras_config.floatx() == "float32"
    assert config.epsilon() == keras_config.epsilon() == 1e-7
    assert config.image_data_format() == keras_config.image_data_format() == "channels_last"


def test_the_best_installed_backend_is_the_default():
    assert run("from cornu import config; print(config.backend())") == "jax"


def test_the_environment_names_the_backend():
    assert run("from cornu import config; print(config.backend())", CORNU_BACKEND="numpy") == "numpy"


@pytest.mark.parametrize("variable", ["CORNU_BACKEND", "KERAS_BACKEND"])
def test_a_wrong_name_in_the_environment_is_told(variable):
    last = run("from cornu import config; config.backend()", **{variable: "nunpy"})
    assert f"`{variable}='nunpy'` was given." in last and "Did you mean 'numpy'?" in last


def test_the_best_device_is_the_default(monkeypatch):
    monkeypatch.delenv("CORNU_DEVICE", raising=False)
    assert config.device() is None


def test_the_environment_names_the_device_unless_it_is_set(monkeypatch):
    monkeypatch.setenv("CORNU_DEVICE", "gpu:1")
    assert config.device() == "gpu:1"
    config.set_device("cpu")
    assert config.device() == "cpu"


def test_the_device_of_the_model_that_runs_is_that_of_its_backend_alone():
    config.set_device("cpu")
    with config.placement_scope("torch", "gpu:1"):
        assert config.place() == ("torch", "gpu:1")
        assert config.device("torch") == "gpu:1"
        assert config.device("jax") == "cpu"
        with config.placement_scope("torch"):
            assert config.device() is None
    assert config.device() == "cpu"


def test_what_runs_in_one_thread_does_not_run_in_another():
    found = []
    with config.placement_scope("numpy", "cpu:7"):
        thread = threading.Thread(target=lambda: found.append(config.device("numpy")))
        thread.start()
        thread.join()
    assert found == [None]


@pytest.mark.parametrize(
    ("setter", "getter", "value"),
    [
        (config.set_backend, config.backend, "numpy"),
        (config.set_device, config.device, "gpu:1"),
        (config.set_floatx, config.floatx, "float64"),
        (config.set_epsilon, config.epsilon, 1e-5),
        (config.set_image_data_format, config.image_data_format, "channels_first"),
    ],
)
def test_what_is_set_is_what_is_got(setter, getter, value):
    setter(value)
    assert getter() == value


@pytest.mark.parametrize(
    ("setter", "wrong", "guess"),
    [
        (config.set_backend, "jaxx", "jax"),
        (config.set_floatx, "float23", "float32"),
        (config.set_image_data_format, "channel_first", "channels_first"),
        (config.standardize_data_format, "chanels_last", "channels_last"),
    ],
)
def test_an_unknown_setting_is_refused_with_a_guess(setter, wrong, guess):
    with pytest.raises(InvalidArgumentError, match=f"Did you mean '{guess}'"):
        setter(wrong)


def test_a_backend_that_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setattr(config.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install jax"):
        config.set_backend("jax")


def test_no_layout_means_the_setting():
    assert config.standardize_data_format(None) == "channels_last"
    config.set_image_data_format("channels_first")
    assert config.standardize_data_format(None) == "channels_first"
    assert config.standardize_data_format("channels_last") == "channels_last"


# --- What Keras's settings mean -------------------------------------------------------------------------------------------


def test_the_variable_of_keras_names_the_backend_unless_that_of_cornu_does():
    code = "from cornu import config; print(config.backend())"
    assert run(code, KERAS_BACKEND="numpy") == "numpy"
    assert run(code, KERAS_BACKEND="numpy", CORNU_BACKEND="jax") == "jax"
    assert run("from cornu import config; config.set_backend('jax'); print(config.backend())", KERAS_BACKEND="numpy") == "jax"


def test_a_preferred_backend_counts_only_if_none_was_chosen():
    code = "from cornu import config; {}config.prefer_backend('numpy'); print(config.backend())"
    assert run(code.format("")) == "numpy"
    assert run(code.format("config.set_backend('jax'); ")) == run(code.format("config.backend(); ")) == "jax"
    assert run(code.format(""), CORNU_BACKEND="jax") == run(code.format(""), KERAS_BACKEND="jax") == "jax"


@pytest.mark.parametrize("name", ["set_backend", "set_floatx", "set_epsilon", "set_image_data_format"])
def test_the_arguments_of_setters_are_those_of_keras(name):
    import inspect

    from keras import config as keras_config

    assert list(inspect.signature(getattr(config, name)).parameters) == list(
        inspect.signature(getattr(keras_config, name)).parameters
    )


@pytest.mark.parametrize("name", ["max_epochs", "max_steps_per_epoch"])
def test_limits_come_from_a_call_or_the_environment(name, monkeypatch):
    assert getattr(config, name)() is None
    monkeypatch.setenv(f"KERAS_{name.upper()}", "7")
    assert getattr(config, name)() == 7
    getattr(config, f"set_{name}")(3)
    assert getattr(config, name)() == 3
    getattr(config, f"set_{name}")(None)
    assert getattr(config, name)() == 7
    monkeypatch.setenv(f"KERAS_{name.upper()}", "many")
    with pytest.raises(InvalidArgumentError, match=f"`KERAS_{name.upper()}='many'` was given. It must be a positive integer."):
        getattr(config, name)()
    with pytest.raises(InvalidArgumentError, match=f"`{name}=0` was given"):
        getattr(config, f"set_{name}")(0)


def test_logging_is_interactive_by_default():
    assert config.is_interactive_logging_enabled()
    config.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    config.enable_interactive_logging()
    assert config.is_interactive_logging_enabled()


def test_tracebacks_are_never_filtered():
    config.disable_traceback_filtering()
    with pytest.warns(UserWarning, match="`enable_traceback_filtering` has no effect"):
        config.enable_traceback_filtering()
    assert not config.is_traceback_filtering_enabled()


@pytest.mark.parametrize("value", ["x", "1e-3", None, float("nan"), float("inf"), -1.0])
def test_an_epsilon_that_is_no_small_number_is_refused(value):
    with pytest.raises(InvalidArgumentError, match=r"^`set_epsilon` received value=.*\. It must be a finite number .* Pass"):
        config.set_epsilon(value)
    assert config.epsilon() == 1e-7


@pytest.mark.parametrize("limit", [True, 0, -1, 2.0, "3"])
def test_a_limit_that_is_no_positive_integer_is_refused(limit):
    with pytest.raises(InvalidArgumentError, match=r"^`max_epochs=.*` was given\. It must be a positive integer\."):
        config.set_max_epochs(limit)


def test_a_limit_may_be_an_integer_of_numpy():
    try:
        config.set_max_epochs(np.int64(3))
        assert config.max_epochs() == 3
    finally:
        config.set_max_epochs(None)


# --- What Cornu does not have ---------------------------------------------------------------------------------------------


def test_flash_attention_is_enabled_and_disabled_as_in_keras():
    from keras import config as keras_config

    def states(module):
        found = [module.is_flash_attention_enabled()]
        for change in (module.disable_flash_attention, module.enable_flash_attention):
            change()
            found.append(module.is_flash_attention_enabled())
        return found

    assert states(config) == states(keras_config) == [None, False, None]


def test_nnx_is_not_enabled():
    from keras import config as keras_config

    assert config.is_nnx_enabled() is keras_config.is_nnx_enabled() is False


def test_files_stay_data():
    with pytest.raises(UnsafeModelError, match=r"never runs code that a file contains.*Pass the functions and classes"):
        config.enable_unsafe_deserialization()
