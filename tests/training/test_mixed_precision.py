"""Training in mixed precision: the loss is scaled, training goes as in ``float32``, and resumes exactly from a file."""

import keras
import numpy as np
import pytest

import cornu
from cornu import config, layers, optimizers
from cornu.core.dtype_policy import dtype_policy_scope
from cornu.errors import NonFiniteError
from cornu.optimizers import LossScaleOptimizer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras

POLICIES = ["mixed_float16", "mixed_bfloat16"]


@pytest.fixture(autouse=True)
def as_before():
    yield
    config.set_dtype_policy(None)
    keras.config.set_dtype_policy("float32")


def needs_dtype(backend: str, policy: str) -> None:
    if (backend, policy) == ("numpy", "mixed_bfloat16"):
        pytest.skip("NumPy has no bfloat16")


def images(count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Images with a bright corner, and the number of the corner."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(count, 8, 8, 1)).astype("float32"), rng.integers(0, 4, count)
    for image, corner in zip(x, y, strict=True):
        image[4 * (corner // 2) :, 4 * (corner % 2) :][:4, :4] += 1.5
    return x, y


def sequences(count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Sequences, and which third of one has the largest sum."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(count, 6, 3)).astype("float32")
    return x, x.sum(2).reshape(count, 3, 2).sum(2).argmax(1)


def convnet() -> cornu.Sequential:
    stack = [layers.Conv2D(4, 3, kernel_initializer=draw(1)), layers.BatchNormalization(momentum=0.8), layers.ReLU()]
    end = [layers.MaxPooling2D(), layers.Flatten(), layers.Dense(4, kernel_initializer=draw(2))]
    return cornu.Sequential([cornu.Input((8, 8, 1)), *stack, *end, layers.Softmax(dtype="float32")])


def recurrent() -> cornu.Sequential:
    first = layers.LSTM(6, kernel_initializer=draw(1), recurrent_initializer=draw(2))
    return cornu.Sequential(
        [cornu.Input((6, 3)), first, layers.Dense(3, "softmax", kernel_initializer=draw(3), dtype="float32")]
    )


def draw(seed: int) -> cornu.initializers.RandomNormal:
    return cornu.initializers.RandomNormal(stddev=0.3, seed=seed)


NETWORKS = {"convnet": (convnet, images), "lstm": (recurrent, sequences)}


def made(network: str, policy: str, backend: str) -> cornu.Sequential:
    with dtype_policy_scope(policy):
        model = NETWORKS[network][0]()
    model.to_backend(backend).compile(optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("network", NETWORKS)
def test_training_reaches_the_loss_of_float32(network, policy, backend):
    needs_dtype(backend, policy)
    losses = {}
    for each in ("float32", policy):
        model = made(network, each, backend)
        losses[each] = model.fit(*NETWORKS[network][1](), 16, 8, verbose=0, shuffle=False).history["loss"]
    assert losses["float32"][-1] < 0.6 * losses["float32"][0]
    np.testing.assert_allclose(losses[policy], losses["float32"], rtol=0.1)
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert {variable.dtype for variable in model.optimizer.variables} <= {"float32", "int32"}
    assert isinstance(model.optimizer, LossScaleOptimizer) == (policy == "mixed_float16")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_checkpoint_in_the_middle_resumes_exactly(network, policy, backend, tmp_path):
    needs_dtype(backend, policy)
    data = NETWORKS[network][1](32)
    model, other = made(network, policy, backend), made(network, policy, backend)
    model.fit(*data, 8, 3, verbose=0, shuffle=False)
    other.fit(*data, 8, 1, verbose=0, shuffle=False)
    other.save(tmp_path / "model.keras")
    again = cornu.models.load_model(tmp_path / "model.keras").to_backend(backend)
    again.fit(*data, 8, epochs=3, initial_epoch=1, verbose=0, shuffle=False)
    assert again.dtype_policy == model.dtype_policy
    for one, two in zip(
        [*again.variables, *again.optimizer.variables], [*model.variables, *model.optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(one.numpy(), two.numpy(), err_msg=two.path)


# --- When the loss is scaled ------------------------------------------------------------------------------------------


def vanishing(library) -> object:
    """A network whose gradient is about 1e-8 times that of the loss, less than ``float16`` can represent."""
    stack = [library.layers.Dense(4), library.layers.Dense(1), library.layers.Rescaling(1e-8, dtype="float32")]
    model = library.Sequential([library.Input((5,)), *stack])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    return model


def data(count: int = 16) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(count, 5)).astype("float32"), rng.normal(size=(count, 1)).astype("float32")


@pytest.mark.parametrize("scaled", [True, False])
def test_small_gradients_do_not_vanish_as_in_keras(scaled, default_backend):
    weights = []
    for library in (keras, cornu):
        library.config.set_dtype_policy("mixed_float16")
        model = vanishing(library)
        model.compile(library.optimizers.SGD(1e6), "mae", auto_scale_loss=scaled)
        assert type(model.optimizer).__name__ == ("LossScaleOptimizer" if scaled else "SGD")
        before = np.array(model.get_weights()[0])
        model.fit(*data(), batch_size=4, epochs=2, verbose=0, shuffle=False)
        weights.append(model.get_weights()[0])
        assert (weights[-1] != before).any() == scaled
    np.testing.assert_allclose(*weights, rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize("policy", ["float32", "float16", "mixed_bfloat16"])
def test_the_loss_is_not_scaled_under_other_policies(policy):
    config.set_dtype_policy(policy)
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert type(model.optimizer) is optimizers.SGD


def test_an_optimizer_that_scales_the_loss_is_not_wrapped_again():
    config.set_dtype_policy("mixed_float16")
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(1)])
    optimizer = LossScaleOptimizer(optimizers.SGD())
    model.compile(optimizer, "mse")
    assert model.optimizer is optimizer


def overflowing(backend: str, **arguments) -> cornu.Sequential:
    """A compiled model with a scale so large that gradients of ``float16`` overflow, while the loss is finite."""
    config.set_dtype_policy("mixed_float16")
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.to_backend(backend).compile(LossScaleOptimizer(optimizers.SGD(0.01), 2.0**24, **arguments), "mse", metrics=["mae"])
    return model


def test_steps_whose_gradients_overflow_are_skipped_and_nothing_is_reported(backend):
    model = overflowing(backend)
    before = [w.copy() for w in model.get_weights()]
    model.train_on_batch(*data())
    assert float(model.optimizer.dynamic_scale) == 2.0**23
    assert all((a == b).all() for a, b in zip(model.get_weights(), before, strict=True))
    losses = model.fit(*data(), batch_size=4, epochs=10, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    assert float(model.optimizer.dynamic_scale) < 2.0**20 and int(model.optimizer.step_counter) > 10
    assert 41 - 24 + 12 <= int(model.optimizer.iterations) < 40


def test_the_scale_grows_during_training(backend):
    model = overflowing(backend, dynamic_growth_steps=4)
    model.optimizer.initial_scale = 8.0
    model.fit(*data(), batch_size=4, epochs=3, verbose=0)
    assert float(model.optimizer.dynamic_scale) == 64.0 and int(model.optimizer.step_counter) == 0


def test_a_scale_is_applied_to_micro_batches_too(default_backend):
    found = []
    for size in (None, 4):
        config.set_dtype_policy("mixed_float16")
        model = vanishing(cornu)
        model.compile(optimizers.SGD(1e6), "mae", micro_batch_size=size)
        model.fit(*data(), batch_size=16, epochs=3, verbose=0, shuffle=False)
        found.append(model.get_weights()[0])
    np.testing.assert_allclose(*found, rtol=1e-2, atol=1e-3)


def test_a_gradient_that_is_nan_by_itself_is_still_reported(backend):
    """Keras skips every step without a word."""

    class Root(layers.Layer):
        def call(self, x):
            return cornu.ops.sqrt(x * 0)  # finite, with an infinite gradient

    config.set_dtype_policy("mixed_float16")
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(1), Root()])
    model.to_backend(backend).compile(optimizers.SGD(0.1), "mse")
    before = model.get_weights()
    with pytest.raises(NonFiniteError, match="the loss or its gradient was not"):
        model.fit(*data(64), batch_size=1, epochs=1, verbose=0)
    assert all((a == b).all() for a, b in zip(model.get_weights(), before, strict=True))


# --- Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["sequential", "functional"])
def test_the_scale_goes_to_keras_and_back_with_the_model(form, tmp_path):
    """Also a functional model of Keras, which has no policy in its file, is scaled as before."""

    def compiled(library):
        library.config.set_dtype_policy("mixed_float16")
        start, stack = library.Input((5,)), [library.layers.Dense(4, "tanh"), library.layers.Dense(1)]
        functional = library.Model(start, stack[1](stack[0](start))) if form == "functional" else None
        model = functional or library.Sequential([start, *stack])
        model.compile(library.optimizers.Adam(0.01), "mse")
        model.optimizer.initial_scale = 2.0**24
        model.fit(*data(), batch_size=4, epochs=4, verbose=0, shuffle=False)
        library.config.set_dtype_policy("float32")
        return model

    for library, other in ((cornu, keras), (keras, cornu)):
        model = compiled(library)
        assert float(model.optimizer.dynamic_scale) < 2.0**24
        model.save(tmp_path / "model.keras")
        for reader in {id(cornu): cornu, id(other): other}.values():
            again = reader.models.load_model(tmp_path / "model.keras")
            assert type(again.optimizer).__name__ == "LossScaleOptimizer"
            mine, saved = again.optimizer.variables, model.optimizer.variables
            assert [v.name for v in mine[:4]] == ["iteration", "learning_rate", "step_counter", "dynamic_scale"]
            for one, two in zip(mine, saved, strict=True):
                np.testing.assert_array_equal(np.asarray(one.numpy()), np.asarray(two.numpy()))


def test_a_model_that_does_not_scale_the_loss_is_loaded_as_it_was(tmp_path):
    config.set_dtype_policy("mixed_float16")
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(1)])
    model.compile("adam", "mse", auto_scale_loss=False)
    model.fit(*data(), verbose=0)
    model.save(tmp_path / "model.keras")
    again = cornu.models.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is optimizers.Adam and int(again.optimizer.iterations) == 1
    assert keras.models.load_model(tmp_path / "model.keras").optimizer.name.startswith("adam")


def test_a_weights_file_holds_each_array_once(tmp_path):
    config.set_dtype_policy("mixed_float16")
    model = cornu.Sequential([cornu.Input((100,)), layers.Dense(100, use_bias=False)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 100), "float32"), np.ones((4, 100), "float32"), verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    assert 3 * 40_000 < (tmp_path / "model.weights.h5").stat().st_size < 4 * 40_000
    model.optimizer.dynamic_scale.assign(2.0)
    model.load_weights(tmp_path / "model.weights.h5")
    assert float(model.optimizer.dynamic_scale) == 2.0**15


def test_a_file_from_before_training_is_read(tmp_path):
    config.set_dtype_policy("mixed_float16")
    for library in (cornu, keras):
        library.config.set_dtype_policy("mixed_float16")
        model = library.Sequential([library.Input((5,)), library.layers.Dense(1)])
        model.compile(library.optimizers.Adam(0.125), "mse")
        model.save(tmp_path / "model.keras")
        again = cornu.models.load_model(tmp_path / "model.keras")
        assert float(again.optimizer.learning_rate) == 0.125 and float(again.optimizer.dynamic_scale) == 2.0**15
