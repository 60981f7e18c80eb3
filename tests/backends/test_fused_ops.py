"""Every shortcut of every engine against what is derived where an engine has none."""

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers, ops, optimizers
from cornu.backends import fused_ops
from cornu.ops.image import warping

RNG = np.random.default_rng(0)
INSTALLED = config.installed_backends()


def engines_with(*names):
    """The installed engines that have one of some shortcuts; NumPy has none."""
    found = [name for name in INSTALLED if any(hasattr(backends.get(name), shortcut) for shortcut in names)]
    return pytest.mark.parametrize("engine", found or [pytest.param(None, marks=pytest.mark.skip("no engine has it"))])


@pytest.fixture
def asked(monkeypatch):
    """Which shortcuts are asked for once they are switched off by calling it."""
    names = []

    def switch_off():
        monkeypatch.setattr(fused_ops, "find", lambda name, *_: names.append(name))
        return names

    return switch_off


def answers(layer, x, upstream, training=True, **kwargs):
    """The outputs of a layer, its variables afterwards, and the gradients of its weights and its input, as NumPy arrays."""
    backend = layer.backend
    held = [variable.value for variable in layer.non_trainable_variables]

    def loss(trained_and_x):
        outputs, after = layer.stateless_call(trained_and_x[:-1], held, trained_and_x[-1], training=training, **kwargs)
        parts = outputs if isinstance(outputs, tuple) else (outputs,)
        weights = [backend.asarray(upstream[: np.prod(part.shape)].reshape(part.shape)) for part in parts]
        total = sum(backend.sum(part * weight) for part, weight in zip(parts, weights, strict=True))
        return total, (*parts, *after)

    trained_and_x = [*(variable.value for variable in layer.trainable_variables), backend.asarray(x)]
    (_, found), gradients = backend.compile(backend.value_and_grad(loss, has_aux=True))(trained_and_x)
    return [backend.to_numpy(array) for array in (*found, *gradients)]


@engines_with("adam")
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 3, 4, 5)])
def test_adam(engine, shape, asked):
    backend, weight, gradients = backends.get(engine), RNG.normal(size=shape), RNG.normal(size=(4, *shape))

    def trained():
        variable, adam = cornu.Variable(weight, dtype="float32", backend=engine), optimizers.Adam(0.01, 0.8, 0.95, 1e-3)
        for gradient in gradients:
            adam.apply([backend.asarray(gradient)], [variable])
        return [variable.numpy(), *(slot.numpy() for slot in adam.variables)]

    found, names = trained(), asked()
    for mine, derived in zip(found, trained(), strict=True):
        np.testing.assert_allclose(mine, derived, rtol=2e-6, atol=1e-7)
    assert set(names) == {"adam"}


@pytest.mark.filterwarnings("ignore:`softmax` received an array")
@engines_with("softmax", "log_softmax")
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((4, 3), -1), ((4, 3), 0), ((2, 3, 5), 1), ((3,), 0), ((0, 2), 1), ((0, 2), 0), ((4, 1), 1)]
)
def test_softmax(engine, name, shape, axis, asked):
    backend, x, upstream = backends.get(engine), RNG.normal(0, 30, size=shape), RNG.normal(size=shape)

    def answer():
        weighted = lambda x: backend.sum(getattr(ops, name)(x, axis) * backend.asarray(upstream, "float32"))  # noqa: E731
        found, gradient = backend.value_and_grad(weighted)(backend.asarray(x, "float32"))
        return [backend.to_numpy(each) for each in (getattr(ops, name)(backend.asarray(x, "float32"), axis), found, gradient)]

    found, names = answer(), asked()
    for mine, derived in zip(found, answer(), strict=True):
        np.testing.assert_allclose(mine, derived, rtol=1e-5, atol=1e-6)
    assert set(names) == ({name} if x.size else set())


@engines_with("normalized_batch")
@pytest.mark.parametrize("arguments", [{}, {"center": False}, {"scale": False, "epsilon": 1e-6}], ids=str)
@pytest.mark.parametrize("shape", [(8, 3), (1, 3), (5, 7, 3), (4, 6, 5, 3), (2, 3, 4, 2, 3)], ids=str)
def test_normalized_batch(engine, shape, arguments, asked):
    layer = layers.BatchNormalization(**arguments).to_backend(engine)
    layer.build(shape)
    layer.set_weights([RNG.uniform(0.5, 2, size=weight.shape) for weight in layer.weights])
    x, upstream = RNG.normal(2, 0.3, size=shape).astype("float32"), RNG.normal(size=np.prod(shape)).astype("float32")
    found, names = answers(layer, x, upstream), asked()
    for mine, derived in zip(found, answers(layer, x, upstream), strict=True):
        np.testing.assert_allclose(mine, derived, rtol=2e-4, atol=2e-5)
    assert names == ["normalized_batch"]


@engines_with("normalized_batch")
@pytest.mark.parametrize("dtype", ["float64", "float16", "mixed_float16"])
def test_batches_of_other_dtypes_are_normalized_too(engine, dtype):
    layer = layers.BatchNormalization(dtype=dtype).to_backend(engine)
    x = RNG.normal(2, 3, size=(16, 3))
    found = layer.backend.to_numpy(layer(layer.backend.asarray(x), training=True))
    assert found.dtype == layer.compute_dtype
    np.testing.assert_allclose(found, (x - x.mean(0)) / np.sqrt(x.var(0) + layer.epsilon), rtol=1e-2, atol=1e-2)


STEPS, BATCH, FEATURES, UNITS = 4, 4, 3, 5
RECURRENT = {
    "lstm": lambda **arguments: layers.LSTM(UNITS, **arguments),
    "lstm of hard gates": lambda **arguments: layers.LSTM(UNITS, recurrent_activation="hard_sigmoid", **arguments),
    "gru": lambda **arguments: layers.GRU(UNITS, **arguments),
    "gru, reset before": lambda **arguments: layers.GRU(UNITS, reset_after=False, **arguments),
    "simple": lambda **arguments: layers.SimpleRNN(UNITS, **arguments),
}


@engines_with("lstm", "recurrence")
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"return_sequences": True, "return_state": True},
        {"use_bias": False, "go_backwards": True},
        {"recurrent_dropout": 0.5, "dropout": 0.3, "return_state": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_layers(engine, kind, masked, arguments, asked):
    x = RNG.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    upstream = RNG.normal(size=BATCH * STEPS * UNITS).astype("float32")
    kwargs = {"initial_state": [RNG.normal(size=(BATCH, UNITS)).astype("float32") for _ in range(2 if "lstm" in kind else 1)]}
    if masked:
        kwargs["mask"] = np.arange(STEPS) < np.array([[4], [1], [0], [3]])

    random = RNG.integers(1000)

    def found_by_a_new_layer():
        layer = RECURRENT[kind](seed=1, **arguments).to_backend(engine)  # draws what is dropped from the beginning
        layer.build(x.shape)
        layer.set_weights([np.random.default_rng(random).normal(size=weight.shape) for weight in layer.weights])
        return answers(layer, x, upstream, **kwargs)

    found, _ = found_by_a_new_layer(), asked()
    for mine, derived in zip(found, found_by_a_new_layer(), strict=True):
        np.testing.assert_allclose(mine, derived, rtol=2e-4, atol=2e-5)


@engines_with("lstm", "recurrence")
@pytest.mark.parametrize("kind", ["lstm", "gru", "simple"])
def test_the_gradient_of_a_recurrent_layers_gradient(engine, kind, asked):
    """That of the length of the gradient for the input, as penalties on it need."""
    layer = RECURRENT[kind]().to_backend(engine)
    layer.build((BATCH, STEPS, FEATURES))
    layer.set_weights([RNG.normal(size=weight.shape) for weight in layer.weights])
    backend = layer.backend
    x = backend.asarray(RNG.normal(size=(BATCH, STEPS, FEATURES)).astype("float32"))
    held = [variable.value for variable in layer.non_trainable_variables]

    def penalty(weights):
        total = lambda x: backend.sum(layer.stateless_call(weights, held, x)[0])  # noqa: E731
        return backend.sum(backend.square(backend.value_and_grad(total)(x)[1]))

    def gradients():
        found = backend.compile(backend.value_and_grad(penalty))([variable.value for variable in layer.trainable_variables])
        return [backend.to_numpy(array) for array in found[1]]

    found, _ = gradients(), asked()
    for mine, derived in zip(found, gradients(), strict=True):
        np.testing.assert_allclose(mine, derived, rtol=1e-3, atol=1e-4)


@engines_with("lstm", "recurrence")
def test_which_recurrent_layers_take_a_shortcut(engine, monkeypatch):
    """That the tests above compare two things: a shortcut is taken where there is one, and never for a custom cell."""
    taken = []
    for name in ("lstm", "recurrence"):
        if hasattr(backends.get(engine), name):
            real = getattr(backends.get(engine), name)
            note = lambda *args, name=name, real=real: taken.append(name) or real(*args)  # noqa: E731
            monkeypatch.setattr(backends.get(engine), name, note)

    class Cell(layers.LSTMCell):
        def advance(self, outer, inner, states):
            return [state + 1 for state in super().advance(outer, inner, states)]

    x = backends.get(engine).asarray(np.ones((2, 3, 4), "float32"))

    class Stepped(layers.GRUCell):
        def step(self, inputs, states, kept=None):
            return [state + 1 for state in super().step(inputs, states, kept)]

    class Called(layers.SimpleRNNCell):
        def call(self, *args, **kwargs):
            return super().call(*args, **kwargs)

    layers.LSTM(2).to_backend(engine)(x)
    assert len(taken) == 1
    changed = (layers.RNN(Cell(2)), layers.RNN(Stepped(2)), layers.RNN(Called(2)), layers.RNN(type("Heir", (Cell,), {})(2)))
    for layer in (*changed, layers.LSTM(2, unroll=True), layers.GRU(2, reset_after=False)):
        layer.to_backend(engine)(x)
    assert len(taken) == 1


@engines_with("lstm", "recurrence")
def test_a_cell_that_computes_as_its_base_takes_the_same_shortcut(engine, monkeypatch):
    """Also if its classes stand in another file."""
    taken = []
    for name in ("lstm", "recurrence"):
        if hasattr(backends.get(engine), name):
            real = getattr(backends.get(engine), name)
            note = lambda *args, name=name, real=real: taken.append(name) or real(*args)  # noqa: E731
            monkeypatch.setattr(backends.get(engine), name, note)

    class Cell(layers.LSTMCell):
        """As its base."""

    x = backends.get(engine).asarray(np.ones((2, 3, 4), "float32"))
    layers.RNN(layers.LSTMCell(2)).to_backend(engine)(x)
    layers.RNN(Cell(2)).to_backend(engine)(x)
    for base in layers.LSTMCell.__mro__[:2]:
        monkeypatch.setattr(base, "__module__", f"cornu.layers.another.{base.__name__}")
    layers.RNN(layers.LSTMCell(2)).to_backend(engine)(x)
    assert len(taken) == 3
    assert len(set(taken)) == 1


@engines_with("lstm", "recurrence")
@pytest.mark.parametrize("kind", ["lstm", "gru", "simple"])
def test_an_empty_batch(engine, kind):
    layer = RECURRENT[kind](return_sequences=True).to_backend(engine)
    assert layer(layer.backend.asarray(np.ones((0, STEPS, FEATURES), "float32"))).shape == (0, STEPS, UNITS)


@engines_with("lstm", "recurrence")
def test_an_activation_with_weights_is_trained(engine):
    activation = layers.PReLU(alpha_initializer="ones")
    activation.build((None, UNITS))
    layer = layers.LSTM(UNITS, activation=activation).to_backend(engine)
    layer.build((BATCH, STEPS, FEATURES))
    x, upstream = np.ones((BATCH, STEPS, FEATURES), "float32"), np.ones(BATCH * UNITS, "float32")
    assert np.isfinite(answers(layer, x, upstream)[0]).all()


@engines_with("lstm", "recurrence")
def test_a_cell_in_another_dtype_than_its_layer(engine):
    layer = layers.RNN(layers.LSTMCell(UNITS, dtype="float64")).to_backend(engine)
    layer.build((BATCH, STEPS, FEATURES))
    x, upstream = np.ones((BATCH, STEPS, FEATURES), "float32"), np.ones(BATCH * UNITS, "float32")
    assert all(np.isfinite(array).all() for array in answers(layer, x, upstream))


@engines_with("affine_warp")
@pytest.mark.parametrize("size", [(2, 6, 5, 3), (3, 1, 7, 1)], ids=str)
@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_affine_warp(engine, size, fill_mode, interpolation, asked):
    rng = np.random.default_rng(2)
    backend, x, upstream = (
        backends.get(engine),
        rng.normal(size=size).astype("float32"),
        rng.normal(size=size).astype("float32"),
    )
    rotated = [backend.asarray(rng.uniform(-1.3, 1.3, (size[0], 1, 1)).astype("float32")) for _ in range(3)]
    coefficients = [rotated[0], 0.3, -2.7, rotated[1], rotated[2], 4.1]

    def answer():
        def weighted(x):
            warped = warping.affine_warp(backend, x, coefficients, interpolation, fill_mode, 1.5)
            return backend.sum(warped * backend.asarray(upstream)), warped

        (_, warped), gradient = backend.value_and_grad(weighted, has_aux=True)(backend.asarray(x))
        return [backend.to_numpy(each) for each in (warped, gradient)]

    found, names = answer(), asked()
    for mine, derived in zip(found, answer(), strict=True):
        np.testing.assert_allclose(mine, derived, rtol=1e-4, atol=1e-4)
    assert names == ["affine_warp"]


@engines_with("mapped_at_once")
def test_mapped_at_once(engine, asked):
    backend, x, y = backends.get(engine), RNG.normal(size=(5, 3)).astype("float32"), RNG.normal(size=5).astype("float32")

    def mapped():
        found = ops.vectorized_map(
            lambda pair: {"sum": ops.softmax(pair[0]) + pair[1], "one": 1.0}, list(map(backend.asarray, (x, y)))
        )
        return [backend.to_numpy(found[name]) for name in ("sum", "one")]

    quick = mapped()
    names = asked()
    for one, other in zip(quick, mapped(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert "mapped_at_once" in names
