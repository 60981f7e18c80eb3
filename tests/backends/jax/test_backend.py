"""What is particular to the JAX backend: conversion, compilation, its cache on disk, and the fast paths on a CPU."""

import os
import re
import subprocess
import sys
import time
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from filelock import FileLock
from jax import lax
from numpy.testing import assert_allclose, assert_array_equal

from cornu import backends, config
from cornu.backends.contract import ArraySpec
from cornu.backends.jax import compilation, convolution
from cornu.errors import InvalidArgumentError

B = backends.get("jax")
rng = np.random.default_rng(0)
ONE, NO = (1, 1), ((0, 0), (0, 0))


def normal(*shape):
    return B.asarray(rng.normal(size=shape))


# --- Conversion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        *[(1.5, "float32"), ([1, 2], "int32"), (True, "bool"), (np.float64(1), "float32"), (np.arange(3), "int32")],
        *[(np.ones(2), "float32"), (np.ones(2, "float16"), "float16"), (np.ones(2, "uint8"), "uint8")],
        *[(np.ones(2, "uint64"), "uint32"), (jnp.ones(2, "bfloat16"), "bfloat16"), (np.zeros((0, 3)), "float32")],
    ],
)
def test_data_without_a_stated_dtype_gets_at_most_32_bits(data, dtype):
    assert B.dtype(B.asarray(data)) == dtype


@pytest.mark.parametrize("dtype", [None, "float32", "float16", "bfloat16", "int32"])
def test_large_data_is_a_copy_too(dtype):
    data = np.arange(2**18, dtype="float32").reshape(2, -1)[:, ::-1] % 200
    array = B.asarray(data, dtype)
    expected = data.copy()
    data[:] = -1
    assert B.dtype(array) == (dtype or "float32") and array.shape == data.shape
    assert_array_equal(np.asarray(array).astype("float32"), expected)


def test_floats_become_the_float_type_of_the_settings():
    config.set_floatx("float16")
    try:
        assert B.dtype(B.asarray(np.ones(2))) == "float16"
        assert B.dtype(B.divide(B.asarray([1]), B.asarray([2]))) == "float16"
        assert B.dtype(B.mean(B.asarray([1]))) == "float16"
    finally:
        config.set_floatx("float32")


def test_64_bits_mean_32_while_jaxs_switch_is_off():
    assert B.dtype(B.asarray([1.5], "float64")) == "float32"
    assert B.dtype(B.cast(B.asarray([1.5]), "int64")) == "int32"
    assert B.dtype(B.full((2,), 1, "float64")) == "float32"
    assert B.dtype(B.random_normal(B.asarray([0, 1], "uint32"), (2,), "float64")) == "float32"


def test_64_bits_are_64_with_jaxs_switch_on():
    jax.config.update("jax_enable_x64", True)
    try:
        assert B.dtype(B.asarray([1.5], "float64")) == "float64"
        assert B.dtype(B.asarray([1.5])) == "float32"
    finally:
        jax.config.update("jax_enable_x64", False)


def test_integers_that_do_not_fit_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"integers from 0 to 1099511627776\. They are converted to 'int32'"):
        B.asarray([0, 2**40])


def test_data_that_is_no_numbers_is_refused():
    with pytest.raises(InvalidArgumentError, match="must contain numbers or booleans"):
        B.asarray(["cat", "dog"])


def test_an_unknown_dtype_is_named():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'float32'"):
        B.asarray([1.5], "flaot32")


def test_a_jax_array_comes_back_as_it_is():
    x = B.asarray([1.5])

    assert B.asarray(x) is x
    assert B.asarray(x, "float32") is x
    assert B.dtype(B.asarray(x, "int32")) == "int32"


def test_a_list_may_hold_arrays():
    assert B.to_numpy(B.asarray([[B.asarray(1), 2], [3, B.asarray(4)]])).tolist() == [[1, 2], [3, 4]]


def test_what_the_user_does_to_the_array_later_changes_nothing():
    for size in range(1000, 1040):  # whether JAX takes over NumPy's memory depends on where it lies
        host = np.zeros(size, "float32")
        x = B.asarray(host)
        host[:] = 7
        assert not np.any(B.to_numpy(x))


def test_what_the_user_does_to_a_result_changes_no_array():
    x = B.asarray([1.0, 2.0])
    B.to_numpy(x)[:] = 7

    assert B.to_numpy(x).tolist() == [1, 2]


def test_data_is_concrete_inside_traced_functions():
    seen = []

    def f(x):
        seen.append(B.to_numpy(B.asarray([1.0, 2.0])).tolist())
        return B.sum(x)

    B.compile(f)(B.asarray([1.0]))
    B.value_and_grad(f)(B.asarray([1.0]))
    B.abstract_eval(f, ArraySpec((2,), "float32"))
    assert seen == [[1.0, 2.0]] * 3


# --- Indexing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [3, -4, (0, 5), (slice(None), 2), (None, 3), np.array([0, 3]), [5]])
def test_an_index_outside_raises_as_numpy_does(index):
    with pytest.raises(IndexError, match="out of bounds"):
        B.getitem(B.asarray(np.zeros((3, 2))), index)


# --- Transforms -------------------------------------------------------------------------------------------------------


def test_a_compiled_function_is_traced_once_for_a_shape():
    traces = []

    @B.compile
    def f(x):
        traces.append(x.shape)
        return B.sum(x)

    for size in (2, 2, 3, 2):
        f(B.asarray(np.ones(size)))
    assert traces == [(2,), (3,)]


def test_compiled_functions_work_inside_traced_ones():
    f = B.compile(lambda x: B.square(x))

    assert float(B.compile(lambda x: f(x) + 1)(B.asarray(3.0))) == 10
    assert float(B.value_and_grad(lambda x: f(x))(B.asarray(3.0))[1]) == 6
    assert B.abstract_eval(f, ArraySpec((2,), "float32")) == ArraySpec((2,), "float32")


def test_compiled_functions_work_on_constants_inside_traced_ones():
    double, one = B.compile(lambda x: 2 * x), jnp.ones(3)
    assert_array_equal(jax.jit(lambda x: x + double(one))(one), [3, 3, 3])
    assert jax.eval_shape(lambda: double(one)).shape == (3,)
    assert_array_equal(jax.grad(lambda x: double(x).sum())(one), [2, 2, 2])
    assert_array_equal(jax.vmap(double)(one), [2, 2, 2])
    assert jax.grad(lambda w: B.compile(lambda x: x * w)(one).sum())(2.0) == 3


def test_an_error_of_a_compiled_function_is_raised_and_the_function_not_run_again():
    runs = []

    def fails(x):
        runs.append(x)
        raise ValueError("compiler_options can only be passed to top-level jax.jit")

    with pytest.raises(ValueError, match="top-level"):
        B.compile(fails)(jnp.ones(3))
    assert len(runs) == 1


def test_what_goes_into_a_compiled_function_stays_usable():
    x = B.asarray(np.ones(1000))
    B.compile(lambda x: x + 1)(x)

    assert float(B.sum(x)) == 1000


def test_while_loop_runs_as_often_as_an_array_says():
    run = B.compile(lambda n, x: B.while_loop(lambda v: v[0] < n, lambda v: (v[0] + 1, v[1] * 2), (0, x))[1])

    assert [float(run(B.asarray(n), B.asarray(1.0))) for n in (0, 3, 10)] == [1, 8, 1024]


def test_a_custom_gradient_may_be_a_list_and_ignore_integers():
    f = B.custom_gradient(lambda x, i: (B.multiply(x, i), lambda upstream: [upstream * 5, None]))

    value, gradient = B.value_and_grad(lambda x: B.sum(f(x, B.asarray([2, 3]))))(B.asarray([1.0, 1.0]))
    assert (float(value), gradient.tolist()) == (5, [5, 5])


# --- Keys and devices -------------------------------------------------------------------------------------------------


def test_keys_of_any_integer_differ():
    key = B.asarray([0, 2**32 - 1], "uint32")
    keys = {tuple(B.fold_in(key, data).tolist()) for data in (0, 1, -1, 2**31, 2**40 + 1)}

    assert len(keys) == 4  # 2**40 + 1 and 1 are the same 32 bits
    assert B.dtype(B.fold_in(key, B.asarray(3))) == "uint32"


def test_devices_have_names():
    assert "cpu:0" in B.devices()
    assert B.to_device(B.asarray([1.0]), "cpu:0").tolist() == [1]


def test_an_unknown_device_is_named():
    with pytest.raises(InvalidArgumentError, match=r"`device='cpu:7'` was given\. It must be one of"):
        B.to_device(B.asarray([1.0]), "cpu:7")


def test_synchronize_takes_any_tree():
    B.synchronize({"a": [B.asarray([1.0]), None], "b": 3})


# --- The cache of compiled programs -----------------------------------------------------------------------------------


@pytest.fixture
def cache_settings(monkeypatch, tmp_path):
    """A process that looks as if the JAX backend had not been loaded, with its cache in ``tmp_path``."""
    names = ("compilation_cache_dir", "persistent_cache_min_compile_time_secs", "persistent_cache_min_entry_size_bytes")
    before = {f"jax_{name}": getattr(jax.config, f"jax_{name}") for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv("CORNU_CACHE", str(tmp_path))
    monkeypatch.delenv("CORNU_COMPILATION_CACHE", raising=False)
    yield monkeypatch
    for name, value in before.items():
        jax.config.update(name, value)


def test_the_cache_is_switched_on_for_programs_of_any_size(cache_settings, tmp_path):
    assert compilation.enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "jax")
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0
    assert jax.config.jax_persistent_cache_min_entry_size_bytes == 0


def test_the_cache_can_be_switched_off(cache_settings):
    cache_settings.setenv("CORNU_COMPILATION_CACHE", "0")

    assert not compilation.enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None


def test_a_cache_that_the_user_configured_stays(cache_settings, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "mine"))

    assert not compilation.enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "mine")


def test_a_folder_that_cannot_be_made_means_no_cache(cache_settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache_settings.setenv("CORNU_CACHE", str(tmp_path / "file"))

    assert not compilation.enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None


def test_the_cache_lies_where_caches_lie(monkeypatch, tmp_path):
    monkeypatch.delenv("CORNU_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compilation.cache_folder() == tmp_path / "cornu" / "jax"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compilation.cache_folder() == tmp_path / ".cache" / "cornu" / "jax"


def fill(folder, ages):
    for name, age in ages.items():
        (folder / f"{name}-cache").write_bytes(b"x" * 10)
        os.utime(folder / f"{name}-cache", (time.time() - age,) * 2)


def test_the_oldest_programs_go_when_there_are_too_many(tmp_path):
    fill(tmp_path, {"old": 300, "new": 100, "middle": 200})

    compilation.prune_cache(tmp_path, limit=20)
    assert sorted(path.name for path in tmp_path.glob("*-cache")) == ["middle-cache", "new-cache"]


def test_the_cache_is_looked_through_once_a_day(tmp_path):
    compilation.prune_cache(tmp_path, limit=20)
    fill(tmp_path, {"a": 1, "b": 2, "c": 3})

    compilation.prune_cache(tmp_path, limit=20)
    assert len(list(tmp_path.glob("*-cache"))) == 3


def test_while_another_process_deletes_old_programs_nobody_waits(tmp_path):
    fill(tmp_path, {"a": 1, "b": 2, "c": 3})

    with FileLock(tmp_path / ".prune.lock"):
        compilation.prune_cache(tmp_path, limit=20)
    assert len(list(tmp_path.glob("*-cache"))) == 3
    compilation.prune_cache(tmp_path, limit=20)
    assert len(list(tmp_path.glob("*-cache"))) == 2


PROGRAM = "from cornu import backends; b = backends.get('jax'); print(b.compile(lambda x: b.exp(x) * 41)(b.asarray([0.0])))"


def run_with_cache(folder):
    environment = {**os.environ, "CORNU_CACHE": str(folder), "PYTHONWARNINGS": "default"}
    environment.pop("CORNU_COMPILATION_CACHE", None)
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)


def test_a_second_run_compiles_nothing_and_a_damaged_cache_disturbs_nobody(tmp_path):
    run_with_cache(tmp_path)
    entries = {path: path.stat().st_mtime for path in (tmp_path / "jax").glob("*-cache")}
    assert entries

    second = run_with_cache(tmp_path)
    assert {path: path.stat().st_mtime for path in (tmp_path / "jax").glob("*-cache")} == entries

    for path in entries:
        path.write_bytes(b"damaged")
    third = run_with_cache(tmp_path)
    assert [(run.stdout, run.stderr) for run in (second, third)] == [("[41.]\n", "")] * 2


# --- Convolution and pooling on a CPU ---------------------------------------------------------------------------------


def compiled_text(f, *args):
    return jax.jit(f, compiler_options=compilation.compiler_options()).lower(*args).compile().as_text()


def in_a_loop(step):
    """Runs ``weights = weights - gradient`` in a loop, as ``fit`` does."""

    def run(weights, x, count):
        def body(value):
            _, gradients = B.value_and_grad(lambda weights: B.sum(B.square(step(weights, x))))(value[1])
            return value[0] + 1, [w - g for w, g in zip(value[1], gradients, strict=True)]

        return B.while_loop(lambda value: value[0] < count, body, (0, weights))[1]

    return run


def test_all_convolutions_of_a_training_loop_have_the_plain_form():
    def network(weights, x):
        x = B.transpose(x, (0, 2, 3, 1))  # channels first at the door: XLA must not fold this into the convolution
        x = B.conv(x, weights[0], (1, 1), ((1, 1), (1, 1)), ONE)
        x = B.conv(x, weights[1], (2, 2), NO, ONE)
        x = B.conv_transpose(x, weights[2], (9, 9), (2, 2), NO, ONE)
        return B.transpose(x, (0, 3, 1, 2))

    weights = [normal(3, 3, 16, 20), normal(3, 3, 20, 24), normal(3, 3, 16, 24)]
    text = compiled_text(in_a_loop(network), weights, normal(8, 16, 9, 9), B.asarray(3))

    forms = re.findall(r" convolution\(.*dim_labels=([^,\s]*)", text)
    assert len(forms) == 8  # three forward, three for kernels, two for inputs
    assert set(forms) == {"b01f_01io->b01f"}


def test_the_gradient_for_the_data_is_not_computed():
    text = compiled_text(
        in_a_loop(lambda weights, x: B.conv(x, weights[0], ONE, NO, ONE)), [normal(3, 3, 8, 4)], normal(8, 9, 9, 8), 3
    )

    assert len(re.findall(r" convolution\(", text)) == 2  # forward, and for the kernel


def test_a_large_array_is_written_out_before_it_is_transposed():
    def blocks(weights, x):  # each adds to what came before, as those of a residual network do
        for kernel in weights:
            x = x + B.maximum(B.conv(x, kernel, ONE, ((1, 1), (1, 1)), ONE), 0)
        return x

    weights, size = [normal(3, 3, 16, 16) / 16 for _ in range(4)], convolution.LARGE // (4 * 16 * 8 * 8)

    def most_read(images):
        """How many arrays of the images' size a transposition reads, at most."""
        text = compiled_text(in_a_loop(blocks), weights, normal(images, 8, 8, 16), 3)
        turned = rf"f32\[(?:8,8,{images},16|16,8,8,{images})\]"
        return max(given.count(f"f32[{images},8,8,16]") for given in re.findall(rf"^%\S+ \((.*)\) -> {turned}", text, re.M))

    assert most_read(size) == 1
    assert most_read(size - 1) > 1  # what it must not be


def test_no_convolution_is_left_to_the_slow_library():
    x, kernel = normal(8, 13, 13, 32), normal(3, 3, 32, 64)

    assert "ynn" not in compiled_text(lambda x, kernel: B.conv(x, kernel, ONE, NO, ONE), x, kernel)


def test_compile_passes_the_options_on(monkeypatch):
    seen = []
    monkeypatch.setattr(jax, "jit", lambda f, **settings: seen.append(settings) or f)

    B.compile(lambda x: x)
    assert seen == [{}, {"compiler_options": compilation.compiler_options()}]  # without fast paths, and with them


def test_a_jaxlib_without_the_option_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(compilation, "_LIBRARY_OPTION", "xla_cpu_no_such_option")
    compilation.compiler_options.cache_clear()
    try:
        assert compilation.compiler_options() == {}
        assert float(B.compile(lambda x: x + 1)(B.asarray(1.0))) == 2
    finally:
        compilation.compiler_options.cache_clear()


def lax_conv(x, kernel, strides, padding):
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


@pytest.mark.parametrize("large", [convolution.LARGE, 0], ids=["as it is", "written out"])
@pytest.mark.parametrize("channels", [2, 8], ids=["few products", "many products"])
def test_second_derivatives_of_convolution_are_those_of_jax(channels, large, monkeypatch):
    monkeypatch.setattr(convolution, "LARGE", large)
    x, kernel = normal(2, 6, 7, channels), normal(3, 2, channels, 4)
    strides, padding = (2, 1), ((1, 0), (0, 1))

    def second(conv):
        inner = jax.grad(lambda x, kernel: jnp.sum(conv(x, kernel) ** 3), argnums=(0, 1))
        outer = jax.grad(lambda x, kernel: sum(jnp.sum(jnp.sin(part)) for part in inner(x, kernel)), argnums=(0, 1))
        return B.compile(outer)(x, kernel)

    found = second(lambda x, kernel: B.conv(x, kernel, strides, padding, ONE))
    for one, other in zip(found, second(lambda x, kernel: lax_conv(x, kernel, strides, padding)), strict=True):
        assert_allclose(one, other, rtol=1e-3, atol=1e-2 * float(jnp.abs(other).max()))


@pytest.mark.parametrize(("images", "filters"), [(0, 4), (2, 0)])
def test_gradients_of_nothing_have_the_right_shape(images, filters, monkeypatch):
    monkeypatch.setattr(convolution, "LARGE", 0)
    pair = [B.asarray(np.ones((images, 5, 5, 8))), B.asarray(np.ones((3, 3, 8, filters)))]
    _, gradients = B.compile(B.value_and_grad(lambda pair: B.sum(B.conv(*pair, ONE, NO, ONE))))(pair)
    assert [each.shape for each in gradients] == [each.shape for each in pair]


def test_second_derivatives_of_max_pooling_are_those_of_jax():
    x = normal(2, 6, 4, 3)

    def second(pool):
        inner = jax.grad(lambda x: jnp.sum(pool(x) ** 3))
        return B.compile(jax.grad(lambda x: jnp.sum(jnp.sin(inner(x)))))(x)

    def reference(x):
        return x.reshape(2, 3, 2, 2, 2, 3).max((2, 4))

    assert_allclose(second(lambda x: B.max_pool(x, (2, 2), (2, 2), NO)), second(reference), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_convolution_and_its_gradients_in_half_precision(dtype):
    x, kernel = normal(4, 8, 8, 8), normal(3, 3, 8, 8) / 8

    def gradients(dtype):
        def loss(pair):
            return B.sum(B.square(B.cast(B.conv(*(B.cast(part, dtype) for part in pair), (2, 2), NO, ONE), "float32")))

        return B.compile(B.value_and_grad(loss))([x, kernel])[1]

    for half, single in zip(gradients(dtype), gradients("float32"), strict=True):
        assert_allclose(half, single, atol=0.03 * float(jnp.abs(single).max()))


def test_the_first_of_equals_in_a_window_gets_the_gradient():
    x = B.reshape(B.asarray([[0.0, 5, 7, 7], [5, 5, 7, 7]]), (1, 2, 4, 1))

    _, gradient = B.compile(B.value_and_grad(lambda x: B.sum(B.max_pool(x, (2, 2), (2, 2), NO))))(x)
    assert_array_equal(B.to_numpy(gradient).reshape(2, 4), [[0, 1, 1, 0], [0, 0, 0, 0]])


def test_integers_are_convolved_exactly():
    x, kernel = B.asarray(rng.integers(0, 255, (2, 5, 5, 3)), "uint8"), B.asarray(rng.integers(-9, 9, (3, 3, 3, 2)))

    found = B.conv(x, kernel, ONE, NO, ONE)
    expected = lax_conv(B.cast(x, "float32"), B.cast(kernel, "float32"), ONE, NO)
    assert B.dtype(found) == "int32"
    assert_array_equal(found, expected)


def test_loading_the_backend_and_using_it_warns_of_nothing():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        B.conv(B.asarray(np.ones((1, 4, 4, 1))), B.asarray(np.ones((2, 2, 1, 1))), ONE, NO, ONE)
        B.random_uniform(B.asarray([0, 1], "uint32"), (2,), "float64")
        B.arange(0, 3, 1, "int64")
    assert not caught
