"""What ``compile`` settles, and what it refuses."""

import keras
import numpy as np
import pytest

import cornu
from cornu import layers, losses, metrics, optimizers
from cornu.errors import CornuError, InvalidArgumentError, InvalidTypeError, NotBuiltError
from cornu.training.batch import Batch, spec_of
from cornu.training.compile_state import compile_arguments

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)).astype("float32"), RNG.integers(0, 3, 12)


@pytest.mark.parametrize("function", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_that_is_not_compiled(function):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
    with pytest.raises(NotBuiltError, match=f"`{function}` was called on a model that is not compiled.*Call `model.compile"):
        getattr(model, function)(X, Y)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"run_eagerly": "yes"}, InvalidTypeError, "run_eagerly=.yes.. It must be True or False. Omit"),
        (
            {"jit_compile": "always"},
            InvalidTypeError,
            "jit_compile=.always.. It must be True or False or 'auto'",
        ),
        (
            {"steps_per_execution": 0},
            InvalidArgumentError,
            "steps_per_execution=0. .* Pass a positive integer",
        ),
        (
            {"micro_batch_size": -1},
            InvalidArgumentError,
            "micro_batch_size=-1. .* Pass a positive integer, None",
        ),
    ],
)
def test_an_argument_that_says_how_steps_run(classifier, arguments, error, text):
    with pytest.raises(error, match=text):
        classifier(**arguments)


def test_metrics_in_the_place_of_loss_weights(classifier):
    with pytest.raises(InvalidTypeError, match=r"loss_weights=\['accuracy'\].* Pass `metrics=\['accuracy'\]`"):
        cornu.Sequential([layers.Dense(1)]).compile("sgd", "mse", ["accuracy"])


def test_losses_and_metrics_are_made_once(classifier):
    model = classifier().to_backend("numpy")
    assert model.metrics_names == ["loss", "compile_metrics"] and model.metrics[1].metrics == []
    first = model.metrics
    model.fit(X, Y, verbose=0)
    made = model.metrics[1].metrics
    model.fit(X, Y, verbose=0)
    assert all(one is other for one, other in zip([*first, *made], [*model.metrics, *model.metrics[1].metrics], strict=True))


def test_compiling_anew_begins_anew(classifier):
    model = classifier(optimizer="adam").to_backend("numpy")
    model.fit(X, Y, verbose=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[])
    assert not model.optimizer.built and model.metrics_names == ["loss", "compile_metrics"]
    assert model.evaluate(X, Y, verbose=0) > 0


@pytest.mark.parametrize("rate", [0.01, 0.5])
def test_objects_are_taken_as_they_are(rate, classifier):
    optimizer, loss = optimizers.SGD(rate), losses.SparseCategoricalCrossentropy()
    model = classifier(optimizer=optimizer, loss=loss, metrics=[metrics.SparseCategoricalAccuracy("right")]).to_backend("numpy")
    history = model.fit(X, Y, verbose=0).history
    assert model.optimizer is optimizer and list(history) == ["loss", "right"]


def test_a_schedule_that_is_set_later_counts(classifier, on):
    model = on(classifier(optimizer="sgd"))
    model.fit(X, Y, verbose=0)
    model.optimizer.learning_rate = optimizers.schedules.PiecewiseConstantDecay([100], [0.0, 1.0])
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    for mine, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_another_optimizer_trains_from_then_on(classifier, on):
    model, twin = on(classifier(optimizer="sgd")), on(classifier(optimizer=optimizers.Adam(0.1)))
    model.fit(X, Y, verbose=0, shuffle=False)
    twin.set_weights(model.get_weights())
    model.optimizer = optimizers.Adam(0.1)
    model.fit(X, Y, verbose=0, shuffle=False)
    twin.fit(X, Y, verbose=0, shuffle=False)
    for mine, wanted in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-6)
    assert int(model.optimizer.iterations) == int(twin.optimizer.iterations)


@pytest.mark.parametrize("library", [cornu, keras])
def test_a_model_has_an_optimizer_once_it_is_compiled_or_once_it_is_set(library):
    model = library.Sequential([library.Input((2,)), library.layers.Dense(1)])
    assert not model.compiled and not hasattr(model, "optimizer")
    model.optimizer = mine = library.optimizers.SGD(0.5)
    assert model.optimizer is mine and not model.compiled
    model.compile("adam", "mse")
    assert type(model.optimizer) is library.optimizers.Adam


def test_the_error_for_the_optimizer_of_a_model_that_is_not_compiled():
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)], name="small")
    text = "`optimizer` of the model 'small' was requested, which is not compiled. .*Call `model.compile"
    with pytest.raises(NotBuiltError, match=text):
        model.optimizer.apply([])


def test_an_optimizer_that_is_set_belongs_to_a_loop_of_ones_own(tmp_path, backend):
    class Agent(cornu.Model):
        def __init__(self):
            super().__init__()
            self.optimizer = optimizers.SGD(0.5, momentum=0.9)
            self.head = cornu.layers.Dense(1, kernel_initializer="zeros")

        def call(self, x):
            return self.head(x)

    agent = Agent()
    agent.build((None, 2))
    agent.optimizer.apply([np.ones((2, 1), "float32"), np.ones(1, "float32")], agent.trainable_variables)
    agent.to_backend(backend)
    assert {variable.place.backend for variable in agent.optimizer.variables} == {backend}
    np.testing.assert_allclose(agent.get_weights()[0], np.full((2, 1), -0.5))
    agent.save_weights(tmp_path / "agent.weights.h5")
    again = Agent()
    again.build((None, 2))
    again.optimizer.build(again.trainable_variables)
    again.load_weights(tmp_path / "agent.weights.h5")
    for mine, wanted in zip(again.optimizer.variables, agent.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), wanted.numpy())


def test_an_optimizer_of_another_model_is_refused(classifier, on):
    optimizer = optimizers.Adam()
    first, second = on(classifier(optimizer=optimizer)), on(classifier(optimizer=optimizer))
    first.fit(X, Y, verbose=0)
    before = second.get_weights()
    with pytest.raises(InvalidArgumentError, match=r"The optimizer 'adam\w*' of .* was built for a different set of weights"):
        second.fit(X, Y, verbose=0)
    assert all(np.array_equal(old, new) for old, new in zip(before, second.get_weights(), strict=True))


def test_freezing_without_compiling_is_refused(classifier):
    model = classifier().to_backend("numpy")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = False
    with pytest.raises(InvalidArgumentError, match="Compile the model again with a new optimizer after freezing"):
        model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)


def test_a_config_compiles_the_same(classifier):
    given = {"optimizer": optimizers.SGD(0.5), "loss": losses.SparseCategoricalCrossentropy(from_logits=True)}
    config = classifier(**given, metrics=["accuracy"])._compiled.get_config()
    arguments = compile_arguments(config)
    assert float(arguments["optimizer"].learning_rate) == 0.5
    assert arguments["loss"].kwargs["from_logits"] is True
    assert arguments["metrics"] == ["accuracy"]


def test_outputs_of_a_subclassed_model_are_inferred_once_for_each_shape(engine_name):
    runs = []

    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, "softmax")

        def call(self, inputs):
            runs.append(1)
            return self.dense(inputs)

    model = Own().to_backend(engine_name)
    model.compile("sgd", "sparse_categorical_crossentropy")
    batches = [(X[:4], Y[:4]), (X[4:8], Y[4:8]), (X[8:], Y[8:])]
    model.fit(batches, verbose=0)
    first = len(runs)
    model.fit(batches * 4, epochs=2, verbose=0)
    assert len(runs) == first


def test_data_that_is_refused_builds_no_losses_and_no_metrics(classifier):
    model = classifier().to_backend("numpy")
    with pytest.raises(CornuError):
        model.fit(X, Y + 3, verbose=0)
    assert not model.metrics[1].built and model._compiled.compiled_loss is None
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"][0])


def test_what_is_built_stays_for_other_data(classifier):
    compiled = classifier()._compiled
    first, second = (spec_of(Batch(x, Y, None, None)) for x in (X, X.astype("float64")))
    assert compiled.losses_for(first) is not compiled.losses_for(first)
    compiled.ensure_built(first)
    built = compiled.compiled_loss, compiled.compiled_metrics
    compiled.ensure_built(second)
    assert (compiled.compiled_loss, compiled.compiled_metrics) == built and compiled.losses_for(second) is built[0]
    assert compiled.compiled_metrics.compiled_loss is compiled.compiled_loss


RECOMPILED = [
    {},
    {"loss_weights": 3.0},
    {"loss": "mae"},
    {"metrics": []},
    {"metrics": ["mse"]},
    {"weighted_metrics": ["mse"]},
    {"loss": "mae", "loss_weights": 3.0, "weighted_metrics": []},
]


@pytest.mark.parametrize("arguments", RECOMPILED, ids=str)
def test_a_second_compile_keeps_the_loss_and_the_metrics_that_it_is_not_given_as_in_keras(arguments):
    def history(library):
        model = library.Sequential([library.Input((2,)), library.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse", loss_weights=2.0, metrics=["mae"], weighted_metrics=["mape"])
        model.compile(library.optimizers.SGD(0.1), **arguments)
        x = np.float32([[1, 2], [3, 4]])
        return model.fit(x, x[:, :1], epochs=2, verbose=0, sample_weight=np.float32([1, 3])).history

    mine, of_keras = history(cornu), history(keras)
    assert list(mine) == list(of_keras)
    for name, values in of_keras.items():
        np.testing.assert_allclose(mine[name], values, rtol=1e-4, err_msg=name)


def test_a_model_that_was_compiled_twice_is_loaded_with_its_loss(tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.compile("adam")
    model.save(tmp_path / "m.keras")
    loaded = cornu.models.load_model(tmp_path / "m.keras")
    history = loaded.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0).history
    assert list(history) == ["loss", "mae"]
