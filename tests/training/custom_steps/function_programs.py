"""Programs that run with Cornu and with real Keras: functions of steps that a subclass replaces, metrics, logs and their order.

``python function_programs.py keras`` prints the results of all programs as JSON; the engine is the one of ``KERAS_BACKEND``. A
second argument, 0, 1 or 2, chooses every third program of those that are the same on each engine.
"""

import importlib
import json
import os
import sys

import numpy as np

ENGINE = os.environ["KERAS_BACKEND"]
PART = slice(int(sys.argv[2]), None, 3) if len(sys.argv) > 2 else slice(None)
keras = importlib.import_module(sys.argv[1])
RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 3)).astype("float32")
Y = (X @ np.array([[1.0], [2.0], [-1.0]]) + RNG.normal(size=(20, 1)) / 10).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") / 2 for shape in [(3, 4), (4,), (4, 1), (1,)]]


class Net(keras.Model):
    """Two dense layers with fixed initial weights."""

    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)
        self.calls = []

    def call(self, inputs, training=None):
        return self.second(self.first(inputs))


def made(kind=Net, **options):
    model = kind()
    model(X[:1])
    model.set_weights(WEIGHTS)
    model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": "mse", "metrics": ["mse", "mae"], **options})
    return model


def numbers(values):
    return [float(np.sum(np.asarray(keras.ops.convert_to_numpy(value)) ** 2)) for value in values]


def outcome(model, **arguments):
    """The history with its order, and the weights after training."""
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0, shuffle=False, **arguments).history
    return [list(history), list(history.values()), numbers(model.get_weights())]


# --- Functions of steps -------------------------------------------------------------------------------------------------------


class WrapsTrainFunction(Net):
    """The common case: the function of the base class, and something before it."""

    def make_train_function(self, force=False):
        super().make_train_function(force)
        step = self.train_function

        def function(*args):
            self.calls.append(len(args))
            return step(*args)

        self.train_function = function


class OwnFunctions(Net):
    """All three functions again, in the style of each engine."""

    def make_train_function(self, force=False):
        self.calls.append("train")
        self.train_function = _own_function(self.train_step, "train")

    def make_test_function(self, force=False):
        self.calls.append("test")
        self.test_function = _own_function(self.test_step, "test")

    def make_predict_function(self, force=False):
        self.calls.append("predict")
        self.predict_function = _own_predict_function(self)


def _own_function(step, kind):
    if ENGINE == "jax":
        import jax

        compiled = jax.jit(step)
        return lambda state, iterator: compiled(state, next(iterator))
    if ENGINE == "tensorflow":
        import tensorflow as tf

        @tf.function
        def function(iterator):
            return step(next(iterator))

        return function
    import torch

    def function(data):
        with torch.enable_grad() if kind == "train" else torch.no_grad():
            return step(data[0])

    return function


def _own_predict_function(model):
    if ENGINE == "jax":

        def function(state, iterator):
            outputs, rest = model.predict_step(state, next(iterator))
            return -outputs, (state[0], rest)

        return function
    if ENGINE == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda data: -model.predict_step(data[0]))
    return lambda data: -model.predict_step(data[0]).detach()


def a_wrapped_train_function():
    model = made(WrapsTrainFunction)
    assert model.train_function is None and model.test_function is None and model.predict_function is None
    found = outcome(model)
    return [*found, model.calls, callable(model.train_function), model.test_function is None]


def own_functions():
    model = made(OwnFunctions)
    found = outcome(model, validation_data=(X[:8], Y[:8]))
    calls = sorted(set(model.calls))
    return [*found, calls, numbers([model.predict(X, batch_size=8, verbose=0)]), numbers([model.predict_on_batch(X)])]


def own_functions_for_single_batches():
    # Keras passes no `tf.data` iterator here, and in a `tf.function` the next batch of another iterator is drawn only once.
    model = made(OwnFunctions if ENGINE != "tensorflow" else WrapsTrainFunction)
    logs = [model.train_on_batch(X[:8], Y[:8], return_dict=True) for _ in range(2)]
    logs.append(model.test_on_batch(X[:8], Y[:8], return_dict=True))
    return [logs, numbers(model.get_weights())]


def a_function_that_is_assigned():
    model, calls = made(), []
    model.make_train_function()
    step = model.train_function

    def function(*args):
        calls.append(len(args))
        return step(*args)

    model.train_function = function
    return [*outcome(model), calls]


def functions_are_made_again_by_compile():
    model = made()
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    before = [callable(getattr(model, f"{kind}_function")) for kind in ("train", "test", "predict")]
    model.compile("sgd", "mse")
    return [before, [getattr(model, f"{kind}_function") is None for kind in ("train", "test", "predict")]]


def functions_that_are_called_by_hand():
    model = made()
    model.fit(X[:4], Y[:4], epochs=1, verbose=0)  # builds all there is
    model.evaluate(X[:4], Y[:4], verbose=0)
    model.predict(X[:4], verbose=0)
    model.set_weights(WEIGHTS)
    model.reset_metrics()
    to_tensor = keras.ops.convert_to_tensor
    batch = to_tensor(X[:8]), to_tensor(Y[:8])
    if ENGINE != "jax":
        logs = [model.train_function(_batches(batch)), model.test_function(_batches(batch))]
        outputs = model.predict_function([batch])
        outputs = outputs.detach() if ENGINE == "torch" else outputs
        return [[_floats(each) for each in logs], numbers([outputs]), numbers(model.get_weights())]
    groups = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables, model.metrics_variables
    trainable, other, optimizer, metrics = ([variable.value for variable in group] for group in groups)
    trained, state = model.train_function((trainable, other, optimizer, metrics), iter([batch]))
    tested, state = model.test_function((state[0], state[1], state[3]), iter([batch]))
    outputs, rest = model.predict_function((state[0], state[1]), iter([batch]))
    return [[_floats(trained), _floats(tested)], numbers([outputs]), numbers(rest[0])]


def _batches(batch):
    if ENGINE == "torch":
        return [batch]
    import tensorflow as tf

    return iter(tf.data.Dataset.from_tensors(batch))


def _floats(logs):
    return {name: float(value) for name, value in sorted(logs.items())}


# --- Metrics ------------------------------------------------------------------------------------------------------------------


def two_outputs(**options):
    inputs = keras.Input((3,))
    first = keras.layers.Dense(1, name="size", kernel_initializer="ones")(inputs)
    second = keras.layers.Dense(1, name="age", kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, {"size": first, "age": second})
    model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": {"size": "mse", "age": "mae"}, **options})
    return model


def listed(model):
    return [[metric.name for metric in model.metrics], model.metrics_names, [len(each.variables) for each in model.metrics]]


def metrics_before_and_after_fit():
    found = []
    for options in ({}, {"metrics": None}, {"metrics": []}, {"metrics": None, "weighted_metrics": ["mae"]}):
        model = made(**options)
        found.append(listed(model))
        model.fit(X, Y, verbose=0)
        found.append(listed(model))
    model = two_outputs(metrics={"size": ["mse"], "age": ["mae", "mse"]})
    found.append(listed(model))
    model.fit(X, {"size": Y, "age": Y}, verbose=0)
    return [*found, listed(model), [metric.name for metric in model.metrics[1].metrics]]


def the_compiled_metrics_are_one_metric():
    model = made(weighted_metrics=["mae"])
    found = model.metrics[1]
    try:
        found.result()
        early = "a result"
    except ValueError:
        early = "an error"
    first = [early, found.built, list(found.metrics), list(found.variables)]
    model.evaluate(X, Y, sample_weight=np.linspace(0, 2, 20), batch_size=8, verbose=0)
    results = _floats(found.result())
    found.reset_state()
    zeros = _floats(found.result())
    found.update_state(keras.ops.convert_to_tensor(Y), keras.ops.convert_to_tensor(Y + 1))
    return [first, results, zeros, _floats(found.result()), [metric.name for metric in found.metrics]]


class LoopsOverMetrics(Net):
    """Metrics and logs as Keras's guides on own training steps have them."""

    if ENGINE == "jax":

        def train_step(self, state, data):
            import jax

            trainable, other, optimizer, metrics = state
            x, y = data

            def loss_of(trainable, other):
                y_pred, other = self.stateless_call(trainable, other, x, training=True)
                return self.compute_loss(x, y, y_pred), (y_pred, other)

            (loss, (y_pred, other)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable, other)
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
            after, logs = [], []
            for metric in self.metrics:
                own = metrics[len(after) : len(after) + len(metric.variables)]
                given = (loss,) if metric.name == "loss" else (y, y_pred)
                own = metric.stateless_update_state(own, *given)
                logs = metric.stateless_result(own)
                after += own
            return logs, (trainable, other, optimizer, after)

    elif ENGINE == "tensorflow":

        def train_step(self, data):
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return self._logs(y, y_pred, loss)

    else:

        def train_step(self, data):
            import torch

            x, y = data
            self.zero_grad()
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
            loss.backward()
            gradients = [variable.value.grad for variable in self.trainable_variables]
            with torch.no_grad():
                self.optimizer.apply(gradients, self.trainable_variables)
            return self._logs(y, y_pred, loss)

    def _logs(self, y, y_pred, loss):
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


def a_step_that_loops_over_the_metrics():
    return outcome(made(LoopsOverMetrics))


def a_step_that_loops_over_the_metrics_and_validation():
    return outcome(made(LoopsOverMetrics), validation_data=(X[:8], Y[:8]))


# --- Logs ---------------------------------------------------------------------------------------------------------------------


class WithOwnMetric(Net):
    """A metric that is an attribute, updated together with the loss."""

    def __init__(self):
        super().__init__()
        self.largest = keras.metrics.Mean(name="a_mean")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.largest.update_state(keras.ops.max(x))
        return super().compute_loss(x, y, y_pred, sample_weight, training)


class Seen(keras.callbacks.Callback):
    """The names of the logs, in their order, at each event."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(["train batch", list(logs)])

    def on_test_batch_end(self, batch, logs=None):
        self.seen.append(["test batch", list(logs)])

    def on_test_end(self, logs=None):
        self.seen.append(["test", list(logs)])

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(["epoch", list(logs)])
        logs["added"] = 1.0

    def on_train_end(self, logs=None):
        self.seen.append(["train", [name for name in logs if name != "added"]])


def _all_logs(model, x, y, **weights):
    seen = Seen()
    history = model.fit(
        x, y, batch_size=10, epochs=1, verbose=0, shuffle=False, validation_data=(x, y), callbacks=[seen], **weights
    ).history
    forms = [
        model.evaluate(x, y, verbose=0, return_dict=True),
        model.train_on_batch(x, y, return_dict=True),
        model.test_on_batch(x, y, return_dict=True),
    ]
    lists = [model.evaluate(x, y, verbose=0), model.test_on_batch(x, y), model.train_on_batch(x, y)]
    return [list(history), list(history.values()), [[*map(list, form.items())] for form in forms], lists, seen.seen]


def order_of_logs():
    return _all_logs(made(), X, Y)


def order_of_logs_with_weighted_metrics():
    weight = np.linspace(0, 2, 20).astype("float32")
    return _all_logs(made(metrics=["mae"], weighted_metrics=["mae", "mse"]), X, Y, sample_weight=weight)


def order_of_logs_with_a_metric_twice():
    return _all_logs(made(metrics=["mae", keras.metrics.MeanAbsoluteError(name="mae")]), X, Y)


def order_of_logs_with_an_own_metric():
    return _all_logs(made(WithOwnMetric), X, Y)


def order_of_logs_without_metrics():
    return _all_logs(made(metrics=None), X, Y)


def order_of_logs_of_two_outputs():
    model = two_outputs(metrics={"size": ["mse"], "age": ["mae", "mse"]}, weighted_metrics={"age": ["mse"]})
    return _all_logs(model, X, {"size": Y, "age": 2 * Y})


# --- Arguments of compile -----------------------------------------------------------------------------------------------------


def several_losses_for_one_of_two_outputs():
    return _all_logs(two_outputs(loss={"size": ["mse", "mae"], "age": "mae"}), X, {"size": Y, "age": 2 * Y})[:4]


def weighted_losses_for_one_of_two_outputs():
    model = two_outputs(loss={"size": ["mse", "mae"], "age": "mae"}, loss_weights={"size": [0.5, 2.0], "age": 3.0})
    return _all_logs(model, X, {"size": Y, "age": 2 * Y})[:4]


def a_loss_for_one_of_two_outputs():
    return _all_logs(two_outputs(loss={"size": "mse"}), X, {"size": Y, "age": 2 * Y})[:4]


def options_before_compile():
    model = Net()
    first = [model.steps_per_execution, model.run_eagerly]
    steps = 1 if ENGINE == "torch" else 3  # Keras has no more on PyTorch
    model.steps_per_execution, model.run_eagerly, model.jit_compile = steps, True, False
    second = [model.steps_per_execution, model.run_eagerly, model.jit_compile, model.predict(X[:4], verbose=0).shape]
    model.compile("sgd", "mse")
    return [first, second, [model.steps_per_execution, model.run_eagerly]]


PROGRAMS = [
    a_wrapped_train_function,
    own_functions,
    own_functions_for_single_batches,
    a_function_that_is_assigned,
    functions_are_made_again_by_compile,
    functions_that_are_called_by_hand,
]

OTHERS = [
    metrics_before_and_after_fit,
    the_compiled_metrics_are_one_metric,
    a_step_that_loops_over_the_metrics,
    a_step_that_loops_over_the_metrics_and_validation,
    order_of_logs,
    order_of_logs_with_weighted_metrics,
    order_of_logs_with_a_metric_twice,
    order_of_logs_with_an_own_metric,
    order_of_logs_without_metrics,
    order_of_logs_of_two_outputs,
    several_losses_for_one_of_two_outputs,
    weighted_losses_for_one_of_two_outputs,
    a_loss_for_one_of_two_outputs,
    options_before_compile,
]

if __name__ == "__main__":
    results = {}
    for program in PROGRAMS + OTHERS[PART]:
        keras.utils.set_random_seed(0)
        try:
            results[program.__name__] = program()
        except Exception as error:
            results[program.__name__] = f"{type(error).__name__}: {error}"[:2000]
    print(json.dumps(results))
