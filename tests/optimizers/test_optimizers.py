"""Every optimizer compared with that of real Keras: ten steps with and without each option, names, variables, configs."""

import inspect

import jax
import keras
import numpy as np
import pytest

import cornu
from cornu import Input, Sequential, Variable, backends, layers, optimizers
from cornu.errors import InvalidArgumentError, InvalidTypeError

SHAPES = [(3, 4), (4,), (2, 2, 3, 5)]
NEW = ["Adafactor", "Muon", "ScheduleFreeAdamW"]
NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion", "Lamb", "Ftrl", *NEW]
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
    ("Adafactor", {"learning_rate": 0.5, "beta_2_decay": -0.6, "epsilon_1": 1e-3, "epsilon_2": 0.1, "clip_threshold": 0.7}),
    ("Adafactor", {"learning_rate": 0.5, "relative_step": False}),
    ("Muon", {"learning_rate": 0.1, "momentum": 0.7, "ns_steps": 3, "muon_a": 3.0, "muon_b": -4.0, "muon_c": 2.2}),
    ("Muon", {"learning_rate": 0.1, "nesterov": False, "rms_rate": None, "weight_decay": 0.1, "adam_weight_decay": None}),
    ("Muon", {"exclude_layers": ["0$"], "adam_lr_ratio": 0.3, "adam_beta_1": 0.8, "adam_beta_2": 0.7, "epsilon": 1e-3}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1, "beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-3, "warmup_steps": 4}),
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
CASES += [(name, each) for name in NEW for each in SHARED]
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
            optimizer = getattr(keras.optimizers, name)(**arguments)
            found = [keras.Variable(w, name=f"w{place}") for place, w in enumerate(weights)]
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


OUTSIDE_OF_UPDATE = {"use_ema", "gradient_accumulation_steps", "loss_scale_factor", "exclude_layers"}


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
    ("Adafactor", {"learning_rate": 0.1}, {"learning_rate": 0.1}),
    ("Muon", {"learning_rate": 0.1, "adam_weight_decay": None}, {"learning_rate": 0.01, "adam_weight_decay": None}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1}, {"learning_rate": 0.02}),
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
    assert {v.dtype for v in optimizer.variables[2:]} <= {"bfloat16", *(["int32"] if name == "Adafactor" else [])}
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
        lambda: optimizers.Adafactor(0.05),
        lambda: optimizers.Muon(0.05),
        lambda: optimizers.ScheduleFreeAdamW(0.05, weight_decay=0.1),
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


# --- Adafactor, Muon, schedule-free AdamW ---------------------------------------------------------------------------------


def network(library):
    """A network with weights of one, two and four axes, an embedding-like path and an output layer."""
    make, of = (keras.Sequential, keras.layers) if library is keras else (Sequential, layers)
    parts = [of.Conv2D(3, 2), of.Flatten(), of.Dense(4, name="embedding_like"), of.Dense(5), of.Dense(2, name="out")]
    model = make([library.Input((4, 4, 1)), *parts])
    rng = np.random.default_rng(8)
    model.set_weights([rng.normal(size=w.shape) * 0.5 for w in model.get_weights()])
    return model


OPTIONS = [
    {"clipnorm": 0.5, "weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.7, "loss_scale_factor": 4.0},
    {"gradient_accumulation_steps": 2, "global_clipnorm": 1.0},
]


def trained(library, name, arguments, model=None, epochs=5):
    """Train 20 steps, with a schedule unless a model is given."""
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(16, 4, 4, 1)).astype("float32"), rng.normal(size=(16, 2)).astype("float32")
    if model is None:
        model, of = network(library), library.optimizers
        model.compile(getattr(of, name)(of.schedules.CosineDecay(0.05, 15, alpha=0.1), **arguments), "mse")
    model.fit(x, y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return model


@pytest.fixture(scope="module")
def networks_of_keras():
    known = {}

    def run(name, place):
        if (name, place) not in known:
            known[name, place] = trained(keras, name, arguments_of(name, place))
        return known[name, place]

    return run


def arguments_of(name, place):
    return OPTIONS[place] | ({"exclude_layers": ["out"]} if name == "Muon" else {})


OF_KERAS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras


@OF_KERAS
@pytest.mark.parametrize("place", range(len(OPTIONS)))
@pytest.mark.parametrize("name", NEW)
def test_twenty_compiled_steps_with_a_schedule_are_those_of_keras(name, place, default_backend, networks_of_keras, tmp_path):
    theirs, ours = networks_of_keras(name, place), trained(cornu, name, arguments_of(name, place))
    for mine, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-4, atol=2e-5)
    for mine, expected in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), np.asarray(expected.value), rtol=2e-4, atol=2e-5)
    ours.save(tmp_path / "m.keras")
    again = cornu.models.load_model(tmp_path / "m.keras")
    weights = [trained(cornu, name, {}, model=model, epochs=1).get_weights() for model in (ours, again)]
    for mine, expected in zip(*weights, strict=True):
        np.testing.assert_array_equal(mine, expected)


@OF_KERAS
@pytest.mark.parametrize("name", NEW)
def test_models_of_keras_continue_here_and_ours_there(name, networks_of_keras, tmp_path):
    theirs = networks_of_keras(name, 0)
    theirs.save(tmp_path / "theirs.keras")
    ours = cornu.models.load_model(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    back = keras.models.load_model(tmp_path / "ours.keras")
    for model in (ours, back):
        for mine, expected in zip(model.optimizer.variables, theirs.optimizer.variables, strict=True):
            np.testing.assert_array_equal(np.asarray(mine.value), np.asarray(expected.value))


@pytest.mark.parametrize("name", NEW)
def test_mixed_float16_trains_with_a_scaled_loss(name, default_backend):
    """Gradients in half precision differ from those of float32 by about 1e-3."""
    full = trained(cornu, name, {})
    try:
        cornu.mixed_precision.set_global_policy("mixed_float16")
        model = network(cornu)
        schedule = optimizers.schedules.CosineDecay(0.05, 15, alpha=0.1)
        model.compile(optimizers.LossScaleOptimizer(getattr(optimizers, name)(schedule), initial_scale=64.0), "mse")
        mixed = trained(cornu, name, {}, model=model)
    finally:
        cornu.mixed_precision.set_global_policy(None)
    assert float(mixed.optimizer.dynamic_scale) == 64.0  # no step was skipped
    for mine, expected in zip(mixed.get_weights(), full.get_weights(), strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, expected, atol=0.05)


def test_the_average_of_the_schedule_free_optimizer_starts_at_the_weight_it_trains(default_backend):
    """The weights may be loaded after the optimizer was built, and before training begins."""
    weight, optimizer = Variable([5.0, 5.0], name="w"), optimizers.ScheduleFreeAdamW(0.5)
    optimizer.build([weight])
    weight.assign([1.0, 1.0])
    optimizer.apply([[7.0, -0.1]], [weight])
    np.testing.assert_allclose(weight.numpy(), [0.5, 1.5], rtol=1e-5)


def test_the_variables_of_adafactor_have_names_of_their_own():
    """Keras names the averages as the weight, and creates the scalars in the places of those of a vector elsewhere."""
    paths = {}
    for k in (cornu, keras):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2, name="d")], name="m")
        optimizer = k.optimizers.Adafactor(name="o")
        optimizer.build(model.trainable_variables)
        paths[k] = [variable.path for variable in optimizer.variables[2:]]
    names = [f"o/m_d_{weight}_{slot}" for weight in ("kernel", "bias") for slot in ("r", "c", "velocity")]
    assert paths[cornu] == names
    assert paths[keras] == ["o/kernel", "o/kernel", names[2], "bias", "bias", names[5]]


def test_the_schedule_free_optimizer_refuses_a_weight_without_average():
    weight = keras.Variable([1.0, 2.0])
    keras.optimizers.ScheduleFreeAdamW(beta_1=0.0).apply([keras.ops.convert_to_tensor([1.0, 2.0])], [weight])
    assert np.isnan(np.asarray(weight.value)).all()
    with pytest.raises(InvalidArgumentError, match=r"`beta_1=0`\. It must be a number between 0 and 1, not 0\. Pass"):
        optimizers.ScheduleFreeAdamW(beta_1=0)


def test_embeddings_and_excluded_layers_are_updated_by_adam():
    model = network(cornu)
    optimizer = optimizers.Muon(exclude_layers=["out"])
    optimizer.build(model.trainable_variables)
    found = [variable.path for variable in optimizer.variables if variable.path.endswith("kernel_velocity")]
    assert len(found) == 3
    assert [part in path for part, path in zip(("conv2d", "embedding_like", "out"), found, strict=True)] == [True] * 3


@OF_KERAS
def test_shared_arguments_have_the_positions_of_keras():
    """The arguments of Muon after the shared ones follow them, and a subclass passes them on."""
    given = [0.1, 0.8, 0.7, None, 1e-3, 0.2, None, 0.5, None, True, 0.9, 3, 2.0, 2, "mine", ["out"], False, 3.0]
    assert optimizers.Muon(*given).get_config() == keras.optimizers.Muon(*given).get_config()

    class Mine(optimizers.AdamW):
        def __init__(self, rate):
            super().__init__(rate, 0.1, 0.8, 0.9, 1e-3, True, None, 0.5, name="mine")

    mine = Mine(0.25)
    assert (mine.weight_decay, mine.amsgrad, mine.clipnorm, mine.clipvalue, mine.name) == (0.1, True, None, 0.5, "mine")
    with pytest.raises(TypeError, match="too many positional arguments"):
        optimizers.SGD.__init__(optimizers.SGD(), *range(14))


@OF_KERAS
@pytest.mark.parametrize("library", [cornu, keras])
def test_muon_excludes_weights_from_either_weight_decay(library):
    named = [("kernel", [[1.0]]), ("kept_kernel", [[1.0]]), ("bias", [1.0]), ("kept_bias", [1.0])]
    weights = [library.Variable(np.array(value, "float32"), name=name) for name, value in named]
    optimizer = library.optimizers.Muon(0.5, weight_decay=0.5, adam_weight_decay=0.25)
    optimizer.exclude_from_weight_decay(var_names=["kept"])
    optimizer.apply([np.zeros(w.shape, "float32") for w in weights], weights)
    assert [float(np.ravel(w)[0]) for w in weights] == [0.75, 1.0, 0.875, 1.0]
