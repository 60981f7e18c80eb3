"""Mistakes in the user's code: an error in three parts, and the model stays at its last good step, on every engine."""

import copy

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.callbacks import Callback, EarlyStopping
from cornu.errors import CornuError, InvalidTypeError, ShapeError

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(20, 3)).astype("float32"), RNG.normal(size=(20, 1)).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") / 2 for shape in [(3, 4), (4,), (4, 1), (1,)]]


class Net(cornu.Model):
    """Two dense layers with fixed initial weights."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(4, activation="tanh"), layers.Dense(1)
        self.calls = [0]

    def call(self, inputs):
        return self.second(self.first(inputs))

    def fails(self):
        """Count the calls, and return whether it is the third."""
        self.calls[0] += 1
        return self.calls[0] == 3


def made(kind, backend, **options):
    model = kind()
    model.to_backend(backend)
    model.build((None, 3))
    model.set_weights(WEIGHTS)
    model.compile(**{"optimizer": cornu.optimizers.SGD(0.1, momentum=0.5), "loss": "mse", "metrics": ["mae"], **options})
    return model


def state_of(model):
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables, *model.metrics_variables]]


def same_state(model, wanted):
    found, expected = state_of(model), state_of(wanted)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def after_two_steps(backend):
    """A model whose epoch ended after two steps of four samples."""
    model = made(Net, backend)
    model.fit(X[:8], Y[:8], batch_size=4, verbose=0, shuffle=False)
    return model


class RaisesInStep(Net):
    def train_step(self, data):
        logs = super().train_step(data)
        if self.fails():
            raise KeyError("mine")
        return logs


class ReturnsNoneLater(Net):
    def train_step(self, data):
        logs = super().train_step(data)
        return None if self.fails() else logs


class RaisesInFunction(Net):
    def make_train_function(self, force=False):
        super().make_train_function(force)
        step = self.train_function

        def function(*args):
            found = step(*args)
            if self.fails():
                raise KeyError("mine")
            return found

        self.train_function = function


class RaisesInCall(Net):
    def call(self, inputs):
        if self.fails():
            raise KeyError("mine")
        return super().call(inputs)


@pytest.mark.parametrize("kind", [RaisesInStep, ReturnsNoneLater, RaisesInFunction, RaisesInCall])
def test_a_step_that_fails_later_leaves_the_last_good_step(backend, kind):
    model = made(kind, backend, run_eagerly=kind is not RaisesInFunction)
    model.calls[0] = -100  # what runs before training does not count
    with pytest.raises((KeyError, InvalidTypeError), match=r"mine|returned None. It must return a dict"):
        model.fit(X, Y, batch_size=4, verbose=0, shuffle=False, callbacks=[CountsFromHere()])
    same_state(model, after_two_steps(backend))
    model.fit(X, Y, batch_size=4, verbose=0)


class CountsFromHere(Callback):
    def on_train_begin(self, logs=None):
        self.model.calls[0] = 0


class RaisesAtBatch(Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise KeyError("mine")


class RaisesAtEpoch(Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyError("mine")


@pytest.mark.parametrize("kind", [Net, ReturnsNoneLater, RaisesInFunction])
@pytest.mark.parametrize("callback", [RaisesAtBatch, RaisesAtEpoch])
def test_a_callback_that_raises_leaves_the_last_step(backend, callback, kind):
    model = made(kind, backend)
    model.calls[0] = -100
    rows = slice(0, 8) if callback is RaisesAtEpoch else slice(0, 20)
    with pytest.raises(KeyError, match="mine"):
        model.fit(X[rows], Y[rows], batch_size=4, verbose=0, shuffle=False, callbacks=[callback()])
    same_state(model, after_two_steps(backend))


class NoLogs(Net):
    def train_step(self, data):
        super().train_step(data)


class VectorLoss(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return (y - y_pred) ** 2


class VectorInStep(Net):
    def train_step(self, data):
        x, y = data
        loss, gradients = cornu.value_and_grad(lambda: (y - self(x)) ** 2, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


class ScalarLogs(Net):
    def train_step(self, data):
        return super().train_step(data)["loss"]


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        (NoLogs, InvalidTypeError, r"`NoLogs.train_step` returned None. It must return a dict .* `return \{\"loss\": loss\}`"),
        (ScalarLogs, InvalidTypeError, r"`ScalarLogs.train_step` returned .* It must return a dict"),
        (VectorLoss, ShapeError, r"`VectorLoss.compute_loss` returned an array of shape \(4, 1\).* a scalar.*ops.mean"),
        (VectorInStep, ShapeError, r"shape \(4, 1\).*scalar"),
    ],
)
def test_a_step_that_is_wrong_is_refused_before_training(backend, kind, error, text):
    model = made(kind, backend)
    model.metrics[0].update_state(3.0)
    with pytest.raises(error, match=text):
        model.fit(X, Y, batch_size=4, verbose=0)
    if kind is not VectorInStep:  # on some engines it fails in the first step, for which the metrics were reset
        assert float(model.metrics[0].result()) == 3.0
    for found, wanted in zip(model.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert all(float(np.abs(variable.numpy()).max()) == 0 for variable in model.optimizer.variables[2:])


def test_a_monitored_value_that_a_step_does_not_return_is_a_warning(backend):
    class Mine(Net):
        def train_step(self, data):
            return {"mine": super().train_step(data)["loss"]}

    model = made(Mine, backend)
    with pytest.warns(UserWarning, match="'loss' is not in the logs, which contain mine; training will not end early"):
        history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[EarlyStopping("loss")]).history
    assert list(history) == ["mine"] and len(history["mine"]) == 2


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("steps_per_execution", "many", "steps_per_execution='many'.*positive integer"),
        ("steps_per_execution", 0, "steps_per_execution=0.*positive integer"),
        ("run_eagerly", "yes", "run_eagerly='yes'.*True or False"),
        ("jit_compile", 3, "jit_compile=3.*True or False or 'auto'"),
        ("optimizer", 3, "3"),
        ("optimizer", "sdg", "Did you mean 'sgd'"),
    ],
)
def test_an_attribute_of_a_wrong_type_is_refused_and_changes_nothing(backend, name, value, text):
    model = made(Net, backend)
    model.train_on_batch(X, Y)
    before, kept = state_of(model), getattr(model, name)
    with pytest.raises(CornuError, match=text):
        setattr(model, name, value)
    assert getattr(model, name) is kept
    for one, other in zip(state_of(model), before, strict=True):
        np.testing.assert_array_equal(one, other)
    model.train_on_batch(X, Y)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, r"`Net.train_function` is 3, and the model is on \w+. It must be a function that can be called as"),
        (lambda: None, r"`Net.train_function` is a function with the arguments \(\), .* called as `function\("),
        (lambda a, b, c: None, r"a function with the arguments \(a, b, c\), .* Let `make_train_function` set"),
    ],
)
def test_a_train_function_of_a_wrong_form_is_refused_before_training(backend, value, text):
    model = made(Net, backend)
    model.train_function = value
    with pytest.raises(InvalidTypeError, match=text):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], WEIGHTS[0])


def test_a_make_function_that_sets_nothing_is_refused_before_training(backend):
    class Forgets(Net):
        def make_test_function(self, force=False):
            return lambda *args: {}

    text = r"`Forgets.test_function` is None.*`make_test_function` set `self.test_function`"
    with pytest.raises(InvalidTypeError, match=text):
        made(Forgets, backend).fit(X, Y, verbose=0, validation_data=(X, Y))


def test_a_function_that_returns_no_state_is_refused_and_changes_nothing():
    class Drops(Net):
        def make_train_function(self, force=False):
            super().make_train_function(force)
            step = self.train_function
            self.train_function = lambda state, iterator: step(state, iterator)[0]

    model = made(Drops, "jax")
    text = r"`Drops.train_function` returned \{.* `\(logs, state\)`, with a state of the form that it received"
    with pytest.raises(InvalidTypeError, match=text):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], WEIGHTS[0])


def test_the_numpy_engine_runs_a_wrapped_function():
    model = made(RaisesInFunction, "numpy")
    model.calls[0] = -100
    wanted = made(Net, "numpy")
    for each in (model, wanted):
        each.fit(X, Y, batch_size=8, verbose=0, shuffle=False)
    same_state(model, wanted)
    assert model.calls[0] == -97


def test_layers_that_add_a_vector_to_the_loss_count_its_sum(backend):
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(inputs**2, axis=-1))
            return inputs

    model = cornu.Sequential([cornu.Input((3,)), Adds()]).to_backend(backend)
    model.compile("sgd", "mse")
    expected = (X**2).mean(axis=-1).sum() + 0
    assert model.evaluate(X, X, batch_size=20, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", ["mse", lambda: 1.0])
def test_a_loss_of_a_layer_that_is_no_number_is_refused_with_the_name_of_the_layer(backend, loss):
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(loss)
            return inputs

    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3)]).to_backend(backend)
    before = model.get_weights()
    with pytest.raises(InvalidTypeError, match=r"`add_loss` of the layer 'adder' received .* must be a number or an array"):
        model.add(Adds(name="adder"))
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def returns_none():
    ops.mean(X)


@pytest.mark.parametrize(
    ("function", "options", "text"),
    [
        (returns_none, {}, "`value_and_grad` returned None. It must return the loss, a scalar. End it with `return loss`"),
        (lambda: (ops.mean(X), X), {}, "returned 2 values. Without `has_aux=True` it must return the loss alone"),
        (lambda: 1.0, {"has_aux": True}, "an object of type float. With `has_aux=True` it must return a tuple of the loss"),
        (3.0, {}, "`value_and_grad` received 3.0 as its function.*Pass a function, such as `lambda: loss_fn"),
    ],
)
def test_functions_without_a_gradient(backend, function, options, text):
    model = made(Net, backend)
    with pytest.raises(InvalidTypeError, match=text):
        cornu.value_and_grad(function, model.trainable_variables, **options)


def test_a_model_without_return(backend):
    class Silent(Net):
        def call(self, inputs):
            self.second(self.first(inputs))

    model = made(Silent, backend)
    with pytest.raises(InvalidTypeError, match=r"'silent.*' returned None.*End `Silent\.call` with `return`"):
        model.fit(X, Y, verbose=0)


# --- Functions without `return` -------------------------------------------------------------------------------------------


class Silent(layers.Layer):
    def call(self, inputs):
        ops.mean(inputs)


def returns_nothing(*args, **kwargs):
    ops.mean(X)


class SilentLoss(cornu.losses.Loss):
    def call(self, y_true, y_pred):
        ops.mean(y_pred)


class SilentCall(cornu.losses.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        ops.mean(y_pred)


class SilentResult(cornu.metrics.Metric):
    def __init__(self):
        super().__init__(name="mine")
        self.total = self.add_weight(name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(ops.mean(y_pred))

    def result(self):
        self.total.value  # noqa: B018 - that it is not returned is the mistake


class SilentComputeLoss(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        super().compute_loss(x, y, y_pred, sample_weight, training)


class SilentComputeMetrics(Net):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        super().compute_metrics(x, y, y_pred, sample_weight)


class SilentMetricsResult(Net):
    def get_metrics_result(self):
        super().get_metrics_result()


class SilentSchedule(cornu.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        ops.cast(step, "float32")

    def get_config(self):
        return {}


def fails_unchanged(model, error, text, call):
    """Check the error of a call, and that the weights and the outputs of the model are those from before it."""
    weights, outputs = model.get_weights(), model.predict(X, verbose=0)
    with pytest.raises(error, match=text):
        call(model)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(model.predict(X, verbose=0), outputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "options", "name", "expected"),
    [
        (Net, {"loss": returns_nothing}, "returns_nothing", "one value for each sample"),
        (Net, {"loss": SilentLoss()}, "SilentLoss.call", "one value for each sample"),
        (Net, {"loss": SilentCall()}, "SilentCall.__call__", "the loss, a scalar"),
        (Net, {"metrics": [returns_nothing]}, "returns_nothing", "one value for each sample"),
        (Net, {"metrics": [SilentResult()]}, "SilentResult.result", "an array, or a dict from names to arrays"),
        (SilentComputeLoss, {}, "SilentComputeLoss.compute_loss", "the loss, a scalar"),
        (SilentComputeMetrics, {}, "SilentComputeMetrics.compute_metrics", "a dict from the names of the logs"),
        (SilentMetricsResult, {}, "SilentMetricsResult.get_metrics_result", "a dict from the names of the logs"),
        (Net, {"optimizer": cornu.optimizers.SGD(SilentSchedule())}, "SilentSchedule.__call__", "the learning rate of a step"),
        (Net, {"optimizer": cornu.optimizers.SGD(returns_nothing)}, "returns_nothing", "the learning rate"),
    ],
)
def test_a_function_without_return_is_named(backend, kind, options, name, expected):
    options = copy.deepcopy(options)  # an optimizer belongs to one model
    text = rf"`{name}` returned None\. It must return {expected}.*\. End it with `return`, for example `return "
    fails_unchanged(
        made(kind, backend, **options), InvalidTypeError, text, lambda model: model.fit(X, Y, batch_size=4, verbose=0)
    )


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("kernel_initializer", "`returns_nothing` returned None. It must return the initial value of '.*/kernel'"),
        ("kernel_regularizer", "`returns_nothing` returned None. It must return the penalty of '.*/kernel', a scalar"),
        ("kernel_constraint", "`returns_nothing` returned None. It must return the constrained value of '.*/kernel'"),
        (
            "activity_regularizer",
            "`returns_nothing` returned None. It must return the penalty of the outputs of 'head', a scalar",
        ),
        ("activation", r"The layer 'head' \(Dense\) returned None, and .* such as its `activation`, end with `return`"),
    ],
)
def test_a_function_of_a_layer_without_return_is_named(backend, argument, text):
    with pytest.raises(InvalidTypeError, match=text):
        model = cornu.Sequential(
            [cornu.Input((3,)), layers.Dense(2, name="head", **{argument: returns_nothing}), layers.Dense(1)]
        ).to_backend(backend)
        model.compile("sgd", "mse")
        model.fit(X, Y, verbose=0)


SILENT = r"The layer 'mine' \(Silent\) returned None{}\. A layer must return an array.* End `Silent\.call` with `return`"


def test_a_layer_without_return_inside_a_model_is_named(backend):
    class Inside(Net):
        def __init__(self):
            super().__init__()
            self.middle = Silent(name="mine")

        def call(self, inputs):
            return self.second(self.middle(self.first(inputs)))

    model = Inside().to_backend(backend)
    model.compile("sgd", "mse")
    for call in (
        lambda: model.build((None, 3)),
        lambda: model.fit(X, Y, verbose=0),
        lambda: model(X),
        lambda: model.predict(X),
    ):
        with pytest.raises(InvalidTypeError, match=SILENT.format(", and the layer 'dense.*' was called on it")):
            call()


def test_a_layer_without_return_is_named_where_another_function_receives_none(backend):
    class Inside(Net):
        def __init__(self):
            super().__init__()
            self.middle = Silent(name="mine")

        def call(self, inputs):
            return self.middle(inputs) + 1

    with pytest.raises(TypeError) as caught:
        Inside().to_backend(backend)(X)
    assert "The layer 'mine' (Silent), called before, returned None." in caught.value.__notes__


def test_a_symbolic_call_of_a_layer_without_return_is_refused():
    with pytest.raises(InvalidTypeError, match=SILENT.format("")):
        Silent(name="mine")(cornu.Input((3,)))
    with pytest.raises(InvalidTypeError, match=SILENT.format("")):
        cornu.Sequential([cornu.Input((3,)), layers.Dense(2), Silent(name="mine")])


def test_a_layer_that_returns_nothing_may_be_called_for_what_it_does(backend):
    class Counts(layers.Layer):
        def __init__(self):
            super().__init__()
            self.mean = cornu.metrics.Mean(name="size")

        def call(self, inputs):
            self.mean.update_state(ops.mean(ops.abs(inputs)))

    class Inside(Net):
        def __init__(self):
            super().__init__()
            self.counts = Counts()

        def call(self, inputs):
            self.counts(inputs)
            return super().call(inputs)

    model = made(Inside, backend)
    history = model.fit(X, Y, batch_size=20, verbose=0).history
    assert history["size"][0] == pytest.approx(np.abs(X).mean(), rel=1e-5)
    assert Silent()(X) is None and SilentResult().result() is None  # as in Keras


@pytest.mark.parametrize("method", ["call", "predict_step"])
def test_predict_of_nothing_is_refused(backend, method):
    class Mine(Net):
        pass

    setattr(Mine, method, lambda self, data: None)
    model = Mine().to_backend(backend)
    named = r"\(Mine\) returned None\..*End `Mine\.call`" if method == "call" else r"`Mine\.predict_step` returned None\."
    with pytest.raises(InvalidTypeError, match=named):
        model.predict(X, verbose=0)


# --- Logs -----------------------------------------------------------------------------------------------------------------


def with_log(value):
    class Logs(Net):
        def train_step(self, data):
            return {**super().train_step(data), "mine": value(self) if callable(value) else value}

    return Logs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            None,
            r"`Logs.train_step` returned None for the log 'mine'. A log must be a number. End the function .* with `return`",
        ),
        ("high", r"`Logs.train_step` returned 'high' for the log 'mine'. A log must be a number. Return a number or an array"),
        (
            lambda self: self.metrics[0],
            r"returned <Mean name=loss> for the log 'mine'.* Return its result, `metric.result\(\)`",
        ),
        (
            lambda self: self.metrics[0].result,
            r"for the log 'mine'. A log must be a number. Call the function: `result\(\)`",
        ),
    ],
)
def test_logs_that_are_no_numbers_are_refused(backend, value, text):
    model = made(with_log(value), backend)
    fails_unchanged(model, InvalidTypeError, text, lambda model: model.fit(X, Y, batch_size=4, verbose=0))


def test_logs_that_are_arrays_stay_arrays_as_in_keras(backend, capsys):
    model = made(with_log(lambda self: ops.arange(8)), backend)
    history = model.fit(X, Y, batch_size=4, verbose=2).history
    assert isinstance(history["mine"][0], np.ndarray)
    np.testing.assert_array_equal(history["mine"][0], np.arange(8))
    assert "mine: [0, 1, 2, 3, 4, 5, 6, 7]" in capsys.readouterr().out


# --- Constructors that forget the base class ------------------------------------------------------------------------------


class LossWithoutInit(cornu.losses.Loss):
    def __init__(self, factor=2):
        self.factor = factor

    def call(self, y_true, y_pred):
        return ops.mean((y_true - y_pred) ** 2, axis=-1)


class WrapperWithoutInit(cornu.losses.MeanSquaredError):
    def __init__(self, factor=2):
        self.factor = factor


class MetricWithoutInit(cornu.metrics.Metric):
    def __init__(self, factor=2):
        self.factor = factor

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return ops.array(1.0)


class OptimizerWithoutInit(cornu.optimizers.Optimizer):
    def __init__(self, factor=2):
        self.factor = factor

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient)


class OptimizerWithoutBuild(cornu.optimizers.Optimizer):
    def build(self, variables):
        self.means = self.add_optimizer_variables(variables, "mean")

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, gradient)


@pytest.mark.parametrize(
    ("argument", "value", "text"),
    [
        ("loss", LossWithoutInit, r"loss `LossWithoutInit` .*Begin `LossWithoutInit.__init__` with `super\(\).__init__\(\)`"),
        ("loss", WrapperWithoutInit, r"loss `WrapperWithoutInit` was used before it was initialized"),
        ("metrics", MetricWithoutInit, r"metric `MetricWithoutInit` .* `super\(\).__init__\(\)`"),
        ("optimizer", OptimizerWithoutInit, r"optimizer `OptimizerWithoutInit` .* with `super\(\).__init__\(learning_rate\)`"),
    ],
)
def test_a_constructor_that_forgets_its_base_class_is_named(backend, argument, value, text):
    with pytest.raises(InvalidTypeError, match=text):
        made(Net, backend, **{argument: [value()] if argument == "metrics" else value()}).fit(X, Y, verbose=0)
    assert value().factor == 2 and not hasattr(value(), "other")


def test_an_optimizer_whose_build_forgets_its_base_class_is_named(backend):
    model = made(Net, backend, optimizer=OptimizerWithoutBuild(0.1))
    text = r"`OptimizerWithoutBuild.build` did not call `build` of its base class.* with `super\(\).build\(variables\)`"
    fails_unchanged(model, InvalidTypeError, text, lambda model: model.fit(X, Y, verbose=0))


@pytest.mark.parametrize("base", [layers.Layer, layers.Dense, cornu.Model])
def test_a_layer_that_forgets_its_base_class_is_named(base):
    class Mine(base):
        def __init__(self):
            self.factor = 2

        def call(self, inputs):
            return inputs

    with pytest.raises(InvalidTypeError, match=r"layer `Mine` was used before .* Begin `Mine.__init__` with `super\(\)"):
        Mine()(X)


# --- Micro-batches --------------------------------------------------------------------------------------------------------


class OwnLoss(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, y, y_pred, sample_weight, training)


class OwnMetric(Net):
    def __init__(self):
        super().__init__()
        self.mean = cornu.metrics.Mean()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (OwnLoss, "`OwnLoss.compute_loss` replaces a part of the step, which receives whole batches"),
        (with_log(1.0), "`Logs.train_step` replaces a part of the step, which receives whole batches"),
        (OwnMetric, "a metric is an attribute of it or of one of its layers"),
    ],
)
def test_a_number_of_samples_of_micro_batches_is_refused_with_own_steps(backend, kind, reason):
    model = made(kind, backend, micro_batch_size=8)
    text = rf"`compile` received micro_batch_size=8\. Batches of this model are not split: {reason}\. Remove the argument"
    fails_unchanged(model, cornu.errors.InvalidArgumentError, text, lambda model: model.fit(X, Y, verbose=0))
    model.evaluate(X, Y, verbose=0)
    for size in ("auto", None):
        made(kind, backend, micro_batch_size=size).fit(X, Y, verbose=0)
