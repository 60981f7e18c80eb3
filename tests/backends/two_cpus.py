"""Trains on the second of two CPUs that an engine was set to see, and prints what it found as JSON.

A script: how many CPUs there are must be said before an engine starts, so ``test_devices.py`` runs it in a process of its own.
Its argument is the name of the engine.
"""

import contextlib
import io
import json
import os
import sys

NAME = sys.argv[1]
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
if NAME == "tensorflow":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

import numpy as np  # noqa: E402

import cornu  # noqa: E402
from cornu import backends, callbacks, config, layers, ops  # noqa: E402
from cornu.errors import CornuError, NonFiniteError  # noqa: E402

RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(44, 6, 6, 2)).astype("float32"), RNG.integers(0, 3, 44)
ENGINE = backends.get(NAME)


def lies_on(arrays):
    """Names of the devices that arrays of JAX or TensorFlow lie on."""
    if NAME == "tensorflow":
        return sorted({array.device.rpartition("device:")[2].lower() for array in arrays})
    return sorted({f"{device.platform}:{device.id}" for array in arrays for device in array.devices()})


def made(device=None):
    cornu.utils.set_random_seed(1)
    stack = [layers.Conv2D(3, 3), layers.BatchNormalization(), layers.MaxPooling2D(), layers.Dropout(0.3), layers.Flatten()]
    model = cornu.Sequential([cornu.Input((6, 6, 2)), *stack, layers.Dense(3, activation="softmax")])
    if device is not None:
        model.to_backend(NAME, device=device)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(model, epochs, first=0):
    """Trains, with the same order and the same random values for each model; returns the line that fit begins with."""
    cornu.utils.set_random_seed(first)
    with contextlib.redirect_stdout(io.StringIO()) as written:
        model.fit(X, Y, batch_size=8, epochs=epochs, initial_epoch=first, verbose=2)
    return written.getvalue().partition("\n")[0]


def held_by(model):
    variables = [*model.variables, *model.optimizer.variables, *(v for metric in model.metrics for v in metric.variables)]
    return lies_on([variable.value for variable in variables])


def distance(one, other):
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


def refusal(function):
    try:
        function()
    except CornuError as error:
        return str(error)
    return ""


class NanAfterOneStep(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.layers[-1].kernel.assign(np.full((12, 3), np.nan))


def nan_on(model):
    try:
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[NanAfterOneStep()])
    except NonFiniteError as error:
        return str(error)
    return ""


def facts():
    config.set_backend(NAME)
    yield "devices", ENGINE.devices()

    first, second = made("cpu:0"), made("cpu:1")
    train(first, 1)
    yield "line", train(second, 1)
    yield "held", held_by(second)
    yield "weights differ by", distance(second.get_weights(), first.get_weights())
    yield "measures differ by", abs(second.evaluate(X, Y, verbose=0)[0] - first.evaluate(X, Y, verbose=0)[0])
    yield "predictions differ by", distance([second.predict(X, verbose=0)], [first.predict(X, verbose=0)])
    yield "compiled outputs", lies_on([second._cornu_forward_function(X[:4])])
    yield "called", lies_on([second(X[:4])])
    yield "called with an array from elsewhere", lies_on([second(ENGINE.to_device(ENGINE.asarray(X[:4]), "cpu:0"))])
    yield "assigned an array from elsewhere", assigned_from_elsewhere(second)

    second.to_backend(NAME, device="cpu:0")
    train(first, 2, 1)
    train(second, 2, 1)
    yield "held after moving back", held_by(second)
    yield "weights after moving back differ by", distance(second.get_weights(), first.get_weights())
    yield "held after moving away again", held_by(second.to_backend(NAME, device="cpu:1"))
    steps = {model: int(model.optimizer.iterations) for model in (first, second)}
    yield "steps", list(steps.values())

    config.set_device("cpu:1")
    yield "the old model after set_device", train(first, 3, 2)
    yield "the new model after set_device", train(model := made(), 1)
    yield "held after set_device", held_by(model)
    yield "made from nothing after set_device", lies_on([ops.zeros(2), ops.arange(2), ops.random.uniform((2,)), ops.array([1])])
    yield "moved without a device", held_by(made("cpu:0").to_backend(NAME).to_backend(NAME))
    config.set_device(None)

    os.environ["CORNU_DEVICE"] = "cpu:1"
    yield "held in such an environment", held_by_new()
    os.environ["CORNU_DEVICE"] = "gpu:7"
    yield "a wrong name in the environment", refusal(made)
    del os.environ["CORNU_DEVICE"]
    yield "a wrong name", refusal(lambda: first.to_backend(NAME, device="abacus"))
    yield "held after a wrong name", held_by(first)
    yield "NaN", nan_on(made("cpu:1"))


def assigned_from_elsewhere(model):
    kernel = model.layers[-1].kernel
    kernel.assign(ENGINE.to_device(kernel.value, "cpu:0"))
    return lies_on([kernel.value])


def held_by_new():
    model = made()
    train(model, 1)
    return held_by(model)


print(json.dumps(dict(facts())))
