"""Evaluation with the moving averages of the weights, compared with real Keras."""

import keras
import numpy as np
import pytest

import cornu
from cornu.errors import InvalidArgumentError

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(24, 3)).astype("float32"), RNG.normal(size=(24, 1)).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in [(3, 4), (4,), (4, 1), (1,)]]


def trained(k, backend=None, swap_on_epoch=False, epochs=3):
    """Return a model after training, its logs, and the weights at the end of each epoch."""
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="tanh"), k.layers.Dense(1)])
    if backend is not None:
        model.to_backend(backend)
    model.set_weights(WEIGHTS)
    model.compile(k.optimizers.SGD(0.2, use_ema=True, ema_momentum=0.8), "mse")
    seen = []
    watching = k.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()))
    callbacks = [k.callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch), watching]
    options = {"epochs": epochs, "batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (X[:8], Y[:8])}
    return model, model.fit(X, Y, callbacks=callbacks, **options).history, seen


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_it_evaluates_and_ends_as_in_keras(swap_on_epoch, backend):
    model, logs, seen = trained(cornu, backend, swap_on_epoch)
    theirs, expected, expected_seen = trained(keras, swap_on_epoch=swap_on_epoch)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(logs[name], expected[name], rtol=1e-4)
    for mine, others in zip([*seen, model.get_weights()], [*expected_seen, theirs.get_weights()], strict=True):
        for one, other in zip(mine, others, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_evaluation_and_prediction_leave_the_weights_as_they_are(backend):
    model, _, _ = trained(cornu, backend)
    model.set_weights([2 * weight for weight in WEIGHTS])
    swap = cornu.callbacks.SwapEMAWeights()
    averaged = model.predict(X, verbose=0, callbacks=[swap])
    loss = model.evaluate(X, Y, verbose=0, callbacks=[swap])
    assert loss == pytest.approx(float(((averaged - Y) ** 2).mean()), rel=1e-4)
    assert np.abs(averaged - model.predict(X, verbose=0)).max() > 0.1
    for mine, weight in zip(model.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(mine, 2 * weight)


def test_an_optimizer_without_averages_is_refused():
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(
        InvalidArgumentError, match=r"used with SGD, which keeps no moving averages.*`optimizer=SGD\(use_ema=True\)`"
    ):
        model.fit(X, Y, verbose=0, callbacks=[cornu.callbacks.SwapEMAWeights()])
