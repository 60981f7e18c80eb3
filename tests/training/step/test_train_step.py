"""The step, and blocks of steps: pure functions of a state and a batch."""

import numpy as np
import pytest

import cornu
from cornu import backends, layers, optimizers
from cornu.training.batch import Batch, BatchIndices, batch_of, spec_of
from cornu.training.compile_state import CompileState

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 4)).astype("float32"), RNG.normal(size=(10, 2)).astype("float32")
SPEC = spec_of(Batch(X, Y, None, None))


def prepared(backend: str):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, kernel_regularizer="l2")]).to_backend(backend)
    compiled = CompileState(model, optimizers.SGD(0.1), "mse", None, ["mae"], None)
    engine = backends.get(backend)
    data = Batch(engine.asarray(X), engine.asarray(Y), None, None)
    compiled.ensure_built(SPEC)
    rows = BatchIndices(engine.asarray(np.arange(10, dtype="int32").reshape(5, 2)), None)
    return model, compiled, data, rows


def test_one_step_by_hand(backend):
    model, compiled, data, indices = prepared(backend)
    kernel, bias = model.get_weights()
    state, step_result = compiled.train_function(SPEC)(compiled.state_sync(True).pull(), data, indices, 1, 2)
    x, y = X[2:4], Y[2:4]
    error = x @ kernel + bias - y
    upstream = 2 * error / error.size
    np.testing.assert_allclose(state.trainable[0], kernel - 0.1 * (x.T @ upstream + 0.02 * kernel), 1e-5, 1e-6)
    np.testing.assert_allclose(state.trainable[1], bias - 0.1 * upstream.sum(axis=0), 1e-5, 1e-6)
    np.testing.assert_allclose(step_result.logs["loss"], (error**2).mean() + 0.01 * (kernel**2).sum(), 1e-5)
    np.testing.assert_allclose(step_result.logs["mae"], np.abs(error).mean(), 1e-5)
    assert bool(step_result.finite) and int(state.step) == 1 and list(step_result.logs) == ["loss", "mae"]


def test_a_block_is_its_steps(backend, close):
    _, compiled, data, indices = prepared(backend)
    multi_step, state = compiled.train_function(SPEC), compiled.state_sync(True).pull()
    whole, step_result = multi_step(state, data, indices, 0, 5)
    for step in range(5):
        state, single = multi_step(state, data, indices, step, step + 1)
    close([*whole.trainable, *whole.metrics], [*state.trainable, *state.metrics])
    np.testing.assert_allclose(step_result.logs["loss"], single.logs["loss"], 1e-6)


def test_a_step_changes_no_variable(backend, close):
    model, compiled, data, indices = prepared(backend)
    before = model.get_weights()
    compiled.train_function(SPEC)(compiled.state_sync(True).pull(), data, indices, 0, 5)
    close(model.get_weights(), before, 0, 0)


def test_measuring_changes_only_the_metrics(backend, close):
    _, compiled, data, indices = prepared(backend)
    state = compiled.state_sync(False).pull()
    after, step_result = compiled.test_function(SPEC)(state, data, indices, 0, 5)
    close([*after.trainable, *after.non_trainable], [*state.trainable, *state.non_trainable], 0, 0)
    assert after.optimizer == [] and float(step_result.logs["mae"]) > 0


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_report_says_whether_all_is_finite(poison, backend):
    _, compiled, data, indices = prepared(backend)
    y = Y.copy()
    y[5, 0] = poison
    data = data._replace(y=backends.get(backend).asarray(y))
    multi_step, state = compiled.train_function(SPEC), compiled.state_sync(True).pull()
    assert [bool(multi_step(state, data, indices, step, step + 1)[1].finite) for step in range(5)] == [
        True,
        True,
        False,
        True,
        True,
    ]


def test_the_batch_of_a_step(backend):
    engine = backends.get(backend)
    data = Batch({"a": engine.asarray(X)}, engine.asarray(Y), None, None)
    indices = BatchIndices(engine.asarray([[3, 1, 0], [2, 2, 2]]), engine.asarray([3, 1]))
    first, second = batch_of(data, indices, 0), batch_of(data, indices, 1)
    np.testing.assert_array_equal(first.x["a"], X[[3, 1, 0]])
    np.testing.assert_array_equal(second.y, Y[[2, 2, 2]])
    assert first.sample_weight is None
    assert [np.asarray(batch.sample_mask).tolist() for batch in (first, second)] == [[1, 1, 1], [1, 0, 0]]


def test_a_specification_has_the_form_of_the_data_and_leaves_the_batch_open():
    spec = spec_of(Batch({"a": X, "b": [Y]}, X.astype("uint8"), None, None))
    assert (spec.x["a"].shape, spec.x["b"][0].shape, spec.y.shape, spec.y.dtype) == ((None, 4), (None, 2), (None, 4), "uint8")
    assert spec.sample_weight is None and spec.sample_mask is None


def test_dropout_of_a_step_depends_on_its_number(backend, close):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dropout(0.5), layers.Dense(1)]).to_backend(backend)
    compiled = CompileState(model, optimizers.SGD(0.0), "mse", None, None, None)
    engine = backends.get(backend)
    sample = Batch(np.ones((2, 4), "float32"), np.zeros((2, 1), "float32"), None, None)
    compiled.ensure_built(spec_of(sample))
    data = Batch(engine.asarray(sample.x), engine.asarray(sample.y), None, None)
    indices = BatchIndices(engine.asarray([[0, 1]]), None)
    state, multi_step, losses = compiled.state_sync(True).pull(), compiled.train_function(spec_of(sample)), []
    for _ in range(4):
        state, step_result = multi_step(state._replace(metrics=compiled.state_sync(True).pull().metrics), data, indices, 0, 1)
        losses.append(float(step_result.logs["loss"]))
    assert len(set(losses)) > 1
