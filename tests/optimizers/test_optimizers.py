"""Every optimizer compared with that of real Keras: ten steps with and without each option, names, variables, configs."""

import inspect

import jax
import keras
import numpy as np
import pytest

from cornu import Input, Sequential, Variable, backends, layers, optimizers
from cornu.errors import InvalidArgumentError, InvalidTypeError

SHAPES = [(3, 4), (4,), (2, 2, 3, 5)]
NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion", "Lamb", "Ftrl"]
UNKNOWN_TO_KERAS = ("Lamb",)
"""Optimizers that Keras does not find by their names."""

OWN = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"rho": 0.8}),
    ("RMSprop", {"momentum": 0.7, "centered": True, "epsilon": 1e-3}),
    ("Adam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"amsgrad": True, "beta_2": 0.5}),
    ("AdamW", {"weight_decay": 0.3, "learning_rate": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.3, "epsilon": 1e-2}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-3}),
    ("Adamax", {"beta_1": 0.8, "beta_2": 0.9}),
    ("Nadam", {"beta_1": 0.8, "beta_2": 0.9}),
    ("Lion", {"beta_1": 0.8, "beta_2": 0.7}),
    ("Lamb", {"beta_1": 0.8, "beta_2": 0.7, "epsilon": 1e-3, "weight_decay": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.3, "initial_accumulator_value": 0.2, "beta": 0.3}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "l1_regularization_strength": 0.5,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.3,
        },
    ),
]
SHARED = [
    {"weight_decay": 0.1},
    {"clipnorm": 0.7},
    {"clipvalue": 0.4},
    {"global_clipnorm": 1.5},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 2, "weight_decay": 0.1},
]
CASES = [(name, {}) for name in NAMES] + OWN + [("Adam", {"learning_rate": 0.01, **each}) for each in SHARED]
CASES += [("SGD", {"learning_rate": 0.1, "momentum": 0.5, **each}) for each in SHARED]
each_case = pytest.mark.parametrize(("name", "arguments"), CASES)


def weights_and_gradients(steps: int = 10) -> tuple[list, list]:
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
    return weights, [[rng.normal(size=shape).astype("float32") for shape in SHAPES] for _ in range(steps)]


def variables(weights: list) -> list[Variable]:
    return [Variable(w, name=f"w{place}") for place, w in enumerate(weights)]


def hold(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare arrays; small elements are sums of large ones where the array has large elements."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * max(2, np.abs(expected).max()))


@pytest.fixture(scope="module")
def of_keras():
    """Weights and optimizer variables after ten steps of real Keras, computed once for both backends."""
    known = {}

    def run(name, arguments):
        key = repr((name, arguments))
        if key not in known:
            weights, gradients = weights_and_gradients()
            optimizer, found = getattr(keras.optimizers, name)(**arguments), [keras.Variable(w) for w in weights]
            for step in gradients:
                optimizer.apply(step, found)
            known[key] = [np.asarray(v.value) for v in found], [np.asarray(v.value) for v in optimizer.variables]
        return known[key]

    return run


@each_case
def test_ten_steps_are_those_of_keras(name, arguments, default_backend, of_keras):
    weights, gradients = weights_and_gradients()
    optimizer, ours = getattr(optimizers, name)(**arguments), variables(weights)
    for step in gradients:
        optimizer.apply(step, ours)
    expected_weights, expected_state = of_keras(name, arguments)
    for mine, expected in zip(ours, expected_weights, strict=True):
        hold(mine.numpy(), expected)
    for mine, expected in zip(optimizer.variables, expected_state, strict=True):
        assert mine.shape == expected.shape
        assert mine.dtype == expected.dtype
        assert backends.owner(mine.value) == default_backend
        hold(mine.numpy(), expected)


@pytest.mark.parametrize(("name", "arguments"), [("Adam", {"amsgrad": True}), ("Nadam", {}), ("RMSprop", {"momentum": 0.9})])
def test_variables_have_the_paths_of_keras(name, arguments):
    weights, _ = weights_and_gradients()
    ours, theirs = getattr(optimizers, name)(name="o", **arguments), getattr(keras.optimizers, name)(name="o", **arguments)
    ours.build(variables(weights))
    theirs.build([keras.Variable(w, name=f"w{place}") for place, w in enumerate(weights)])
    expected = ["o/u_product" if v.path.startswith("variable") else v.path for v in theirs.variables]
    assert [v.path for v in ours.variables] == expected


@each_case
def test_a_compiled_step_is_the_same_and_changes_nothing_outside(name, arguments, default_backend):
    weights, gradients = weights_and_gradients(4)
    engine = backends.get(default_backend)
    pure, eager, ours, others = (
        *(getattr(optimizers, name)(**arguments) for _ in range(2)),
        variables(weights),
        variables(weights),
    )
    pure.build(ours)
    step = engine.compile(pure.stateless_apply)
    state, values = [v.value for v in pure.variables], [engine.asarray(w) for w in weights]
    for each in gradients:
        values, state = step(state, [engine.asarray(g) for g in each], values)
        eager.apply(each, others)
    for value, expected in zip([*values, *state], [*others, *eager.variables], strict=True):
        hold(np.asarray(value), expected.numpy())
    np.testing.assert_array_equal(ours[0].numpy(), weights[0])
    assert int(pure.iterations) == 0


OUTSIDE_OF_UPDATE = {"use_ema", "gradient_accumulation_steps", "loss_scale_factor"}


@pytest.mark.parametrize(("name", "arguments"), [case for case in CASES if not OUTSIDE_OF_UPDATE & set(case[1])])
def test_init_and_update_are_a_pure_pair(name, arguments):
    weights, gradients = weights_and_gradients(3)
    optimizer, eager, others = *(getattr(optimizers, name)(**arguments) for _ in range(2)), variables(weights)
    slots, values = optimizer.init(weights), weights
    for number, step in enumerate(gradients, start=1):
        values, slots = optimizer.update(step, slots, values, float(optimizer.learning_rate), number)
        eager.apply(step, others)
    for value, expected in zip(values, others, strict=True):
        np.testing.assert_allclose(np.asarray(value), expected.numpy(), rtol=1e-5, atol=1e-6)


def descend(name: str, arguments: dict, loss, start: list, steps: int) -> np.ndarray:
    """The place that an optimizer reaches from a start, in one compiled loop."""
    engine, optimizer, weight = backends.get("jax"), getattr(optimizers, name)(**arguments), Variable(start, backend="jax")
    optimizer.build([weight])
    gradient = engine.value_and_grad(loss)

    def step(carry, _):
        state, values = carry
        values, state = optimizer.stateless_apply(state, [gradient(values[0])[1]], values)
        return (state, values), None

    carry = ([v.value for v in optimizer.variables], [weight.value])
    run = engine.compile(lambda carry: engine.scan(step, carry, engine.arange(0, steps, 1, "int32"))[0])
    return np.asarray(run(carry)[1][0])


def parabola(w):
    return (w[0] - 3.0) ** 2 + 10.0 * (w[1] + 2.0) ** 2


def rosenbrock(w):
    return (1.0 - w[0]) ** 2 + 100.0 * (w[1] - w[0] ** 2) ** 2


MINIMA = [
    ("SGD", {"learning_rate": 0.02}, {"learning_rate": 1e-3}),
    ("SGD", {"learning_rate": 0.02, "momentum": 0.8}, {"learning_rate": 1e-4, "momentum": 0.98, "nesterov": True}),
    ("RMSprop", {"learning_rate": 1e-2}, {"learning_rate": 1e-4}),
    ("Adam", {"learning_rate": 0.1}, {"learning_rate": 0.01}),
    ("AdamW", {"learning_rate": 0.1, "weight_decay": 1e-6}, {"learning_rate": 0.01, "weight_decay": 1e-6}),
    ("Adagrad", {"learning_rate": 1.0}, {"learning_rate": 0.5}),
    ("Adadelta", {"learning_rate": 1.0, "epsilon": 1e-4}, {"learning_rate": 1.0, "epsilon": 1e-10}),
    ("Adamax", {"learning_rate": 0.1}, {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.1}, {"learning_rate": 0.01}),
    ("Lion", {"learning_rate": 1e-3}, {"learning_rate": 1e-4}),
]


@pytest.mark.parametrize(("name", "on_parabola", "on_rosenbrock"), MINIMA)
def test_minima_are_reached(name, on_parabola, on_rosenbrock):
    np.testing.assert_allclose(descend(name, on_parabola, parabola, [0.0, 0.0], 8_000), [3.0, -2.0], atol=0.01)
    np.testing.assert_allclose(descend(name, on_rosenbrock, rosenbrock, [-0.5, 0.5], 40_000), [1.0, 1.0], atol=0.02)


@pytest.mark.parametrize("name", [*NAMES, "Optimizer"])
def test_classes_have_the_arguments_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name).__init__).parameters for module in (optimizers, keras.optimizers))
    assert [(p.name, p.default, p.kind) for p in ours.values()] == [(p.name, p.default, p.kind) for p in theirs.values()]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras
@each_case
def test_config_of_keras_is_read_and_ours_is_read_by_keras(name, arguments):
    theirs = keras.saving.serialize_keras_object(getattr(keras.optimizers, name)(name="o", **arguments))
    ours = optimizers.deserialize(theirs)
    assert ours.get_config() == theirs["config"] == optimizers.serialize(ours)["config"]
    if name not in UNKNOWN_TO_KERAS:
        assert keras.optimizers.deserialize(optimizers.serialize(ours)).get_config() == theirs["config"]


@pytest.mark.parametrize("name", [*NAMES, *[name.lower() for name in NAMES], "ADAM", "RMSPROP"])
def test_names_mean_what_they_mean_in_keras(name):
    known = {each.lower(): each for each in UNKNOWN_TO_KERAS}
    theirs = known.get(name.lower()) or type(keras.optimizers.get(name)).__name__
    assert type(optimizers.get(name)).__name__ == theirs


def test_get_gives_optimizers_back_and_refuses_other_things():
    adam = optimizers.Adam()
    assert optimizers.get(adam) is adam
    assert optimizers.get(None) is None
    assert isinstance(optimizers.get(optimizers.SGD), optimizers.SGD)
    with pytest.raises(InvalidArgumentError, match="Did you mean 'adam'"):
        optimizers.get("addam")
    with pytest.raises(InvalidTypeError, match="`optimizer` must be a name such as 'adam'"):
        optimizers.get(abs)


@pytest.mark.parametrize("name", NAMES)
def test_halves_stay_halves(name):
    rng = np.random.default_rng(0)
    weight = Variable(rng.normal(size=(3,)), dtype="bfloat16", backend="jax")
    optimizer = getattr(optimizers, name)()
    optimizer.apply([rng.normal(size=(3,))], [weight])
    assert {v.dtype for v in optimizer.variables[2:]} <= {"bfloat16"}
    assert weight.value.dtype == jax.numpy.bfloat16


@pytest.mark.parametrize("dtype", ["float64", "float16"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(0.1),
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0),
        lambda: optimizers.Adam(0.05),
        lambda: optimizers.Nadam(0.05),
        lambda: optimizers.AdamW(0.05, weight_decay=0.1, global_clipnorm=2.0),
        lambda: optimizers.RMSprop(0.05, momentum=0.5, use_ema=True, clipvalue=0.5),
        lambda: optimizers.Adam(0.05, gradient_accumulation_steps=2),
    ],
)
def test_weights_of_another_dtype_than_the_learning_rate_are_trained(engine_name, make, dtype):
    x, y = np.random.default_rng(0).normal(size=(2, 8, 3))

    def trained(backend):
        model = Sequential([Input((3,)), layers.Dense(3, dtype=dtype), layers.Dense(3)])
        model.set_weights([np.linspace(-1, 1, weight.size).reshape(weight.shape) for weight in model.weights])
        model.to_backend(backend)
        model.compile(make(), "mse")
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        assert [weight.dtype for weight in model.weights] == [dtype] * 2 + ["float32"] * 2
        return [np.asarray(weight, "float64") for weight in model.get_weights()]

    atol = {"float64": 1e-5, "float16": 5e-3}[dtype]
    for mine, expected in zip(trained(engine_name), trained("numpy"), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-3, atol=atol)
