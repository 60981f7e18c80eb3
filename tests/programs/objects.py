"""Own layers, regularizers, constraints, initializers, losses, metrics, schedules, optimizers and callbacks."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from program import TOKENS, Program, X, Y, Z, classifier, mlp

register = keras.saving.register_keras_serializable("programs")


# --- Layers -------------------------------------------------------------------------------------------------------------------


@register
class SparseActivity(layers.Layer):
    """Adds the mean size of its inputs to the loss."""

    def __init__(self, rate: float = 0.01, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs: Any) -> Any:
        self.add_loss(self.rate * ops.mean(ops.abs(inputs)))
        return inputs

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate}


class LayerWithAddedLoss(Program):
    def model(self) -> Any:
        x = keras.Input((4,))
        return keras.Model(x, layers.Dense(1)(SparseActivity(0.1)(layers.Dense(5, "relu", kernel_regularizer="l2")(x))))


@register
class Linear(layers.Layer):
    """The layer of the guide on making layers: weights in ``build``, and another layer inside."""

    def __init__(self, units: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.inner = layers.Dense(units, activation="tanh")

    def build(self, input_shape: tuple) -> None:
        self.w = self.add_weight(shape=(self.units, self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)
        self.inner.build(input_shape)

    def call(self, inputs: Any) -> Any:
        return ops.matmul(self.inner(inputs), self.w) + self.b

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


class LayerWithLayersInside(Program):
    def model(self) -> Any:
        return keras.Sequential([keras.Input((4,)), Linear(3), layers.ReLU(), Linear(1)])


@register
class RunningMean(layers.Layer):
    """Subtracts a mean that is updated in training: a layer with state."""

    def build(self, input_shape: tuple) -> None:
        self.mean = self.add_weight(shape=(input_shape[-1],), initializer="zeros", trainable=False, name="mean")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * ops.mean(ops.stop_gradient(inputs), axis=0))
            self.calls.assign_add(1.0)
        return inputs - self.mean


class LayerWithState(Program):
    def model(self) -> Any:
        return keras.Sequential([keras.Input((4,)), RunningMean(), layers.Dense(3, "tanh"), RunningMean(), layers.Dense(1)])


@register
class Block(layers.Layer):
    """A block of a transformer with a mask of padding."""

    def __init__(self, heads: int = 2, size: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads, self.size = heads, size
        self.supports_masking = True
        self.attention = layers.MultiHeadAttention(heads, size)
        self.dense = keras.Sequential([layers.Dense(6, "relu"), layers.Dense(size)])
        self.norms = [layers.LayerNormalization(epsilon=1e-6), layers.LayerNormalization(epsilon=1e-6)]

    def call(self, inputs: Any, mask: Any = None) -> Any:
        both = None if mask is None else ops.cast(mask[:, None, :], "int32")
        x = self.norms[0](inputs + self.attention(inputs, inputs, attention_mask=both))
        return self.norms[1](x + self.dense(x))

    def get_config(self) -> dict:
        return {**super().get_config(), "heads": self.heads, "size": self.size}


class Transformer(Program):
    def model(self) -> Any:
        x = keras.Input((6,), dtype="int32")
        hidden = Block()(layers.Embedding(9, 4, mask_zero=True)(x))
        return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(hidden)))

    def compile(self, model: Any) -> None:
        model.compile(**{**classifier(), "optimizer": keras.optimizers.SGD(0.1)})  # see `DictsOfInputsAndOutputs`

    def data(self) -> tuple:
        return TOKENS, Y


# --- Regularizers, constraints, initializers, activations ---------------------------------------------------------------------


@register
class Cubic(keras.regularizers.Regularizer):
    def __init__(self, rate: float = 0.01):
        self.rate = rate

    def __call__(self, x: Any) -> Any:
        return self.rate * ops.sum(ops.abs(x) ** 3)

    def get_config(self) -> dict:
        return {"rate": self.rate}


@register
class Box(keras.constraints.Constraint):
    def __init__(self, size: float = 0.2):
        self.size = size

    def __call__(self, w: Any) -> Any:
        return ops.clip(w, -self.size, self.size)

    def get_config(self) -> dict:
        return {"size": self.size}


@register
class Waves(keras.initializers.Initializer):
    def __init__(self, scale: float = 1.0):
        self.scale = scale

    def __call__(self, shape: tuple, dtype: Any = None, **kwargs: Any) -> Any:
        size = int(np.prod(shape))
        return ops.cast(self.scale * ops.reshape(ops.sin(ops.arange(size, dtype="float32")), shape), dtype)

    def get_config(self) -> dict:
        return {"scale": self.scale}


@register
def softened(x: Any) -> Any:
    return x / (1 + ops.abs(x))


class RegularizerConstraintInitializer(Program):
    sets_weights = False

    def model(self) -> Any:
        options = {"kernel_initializer": Waves(0.3), "kernel_regularizer": Cubic(0.1), "kernel_constraint": Box(0.2)}
        stack = [layers.Dense(4, softened, **options), layers.Dense(1, kernel_initializer=Waves(), bias_regularizer=Cubic())]
        return keras.Sequential([keras.Input((4,)), *stack])


# --- Losses and metrics -------------------------------------------------------------------------------------------------------


@register
class Quantile(keras.losses.Loss):
    def __init__(self, quantile: float = 0.5, name: str = "quantile", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.quantile = quantile

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred
        return ops.mean(ops.maximum(self.quantile * error, (self.quantile - 1) * error), axis=-1)

    def get_config(self) -> dict:
        return {**super().get_config(), "quantile": self.quantile}


@register
class WithinOne(keras.metrics.Metric):
    def __init__(self, name: str = "within_one", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.right = self.add_weight(name="right", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        right = ops.cast(ops.abs(y_true - y_pred) < 1, "float32")
        weight = ops.ones_like(right) if sample_weight is None else ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1))
        self.right.assign_add(ops.sum(right * weight))
        self.count.assign_add(ops.sum(weight * ops.ones_like(right)))

    def result(self) -> Any:
        return self.right / self.count


@register
def largest_error(y_true: Any, y_pred: Any) -> Any:
    return ops.max(ops.abs(y_true - y_pred), axis=-1)


class LossAndMetric(Program):
    def model(self) -> Any:
        return mlp()

    def compile(self, model: Any) -> None:
        metrics = [WithinOne(), largest_error]
        model.compile("adam", Quantile(0.8), metrics=metrics, weighted_metrics=[WithinOne(name="weighted")])

    def data(self) -> tuple:
        return X, Z, np.linspace(0.5, 1.5, 24).astype("float32")


@register
class CountsActivity(layers.Layer):
    """Has a metric that is updated in ``call``."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.active = keras.metrics.Mean(name="active")

    def call(self, inputs: Any) -> Any:
        self.active.update_state(ops.cast(inputs > 0, "float32"))
        return inputs


class MetricOfALayer(Program):
    keras_is_wrong_on = ("jax",)  # where a metric cannot be updated in a call

    def model(self) -> Any:
        return keras.Sequential([keras.Input((4,)), layers.Dense(5), CountsActivity(), layers.Dense(1)])


@register
class OwnMetrics(keras.Model):
    """``compute_loss``, ``compute_metrics`` and the property ``metrics`` of its own."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.first, self.second = layers.Dense(4, "tanh"), layers.Dense(1)
        self.error = keras.metrics.MeanAbsoluteError(name="error")
        self.spread = keras.metrics.Mean(name="spread")

    def call(self, inputs: Any) -> Any:
        return self.second(self.first(inputs))

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        loss = ops.mean(ops.log(ops.cosh(y - y_pred)))
        self.spread.update_state(ops.max(y_pred) - ops.min(y_pred))
        return loss + sum(self.losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict:
        self.error.update_state(y, y_pred)
        return {"error": self.error.result(), "spread": self.spread.result(), "largest": ops.max(ops.abs(y - y_pred))}

    @property
    def metrics(self) -> list:
        return [self.error, self.spread]


class ComputeLossAndMetrics(Program):
    def model(self) -> Any:
        model = OwnMetrics()
        model(X[:2])
        return model

    def compile(self, model: Any) -> None:
        model.compile(optimizer=keras.optimizers.RMSprop(0.02))


@register
class ResultIsADict(keras.metrics.Metric):
    """A metric with several values."""

    def __init__(self, name: str = "parts", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.low, self.high = (self.add_weight(name=name, initializer="zeros") for name in ("low", "high"))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.low.assign(ops.minimum(self.low, ops.min(y_pred)))
        self.high.assign(ops.maximum(self.high, ops.max(y_pred)))

    def result(self) -> dict:
        return {"low": self.low + 0.0, "high": self.high + 0.0}


class MetricOfSeveralValues(Program):
    def model(self) -> Any:
        return mlp()

    def compile(self, model: Any) -> None:
        model.compile("sgd", "mse", metrics=[ResultIsADict()])


# --- Schedules, optimizers, callbacks -----------------------------------------------------------------------------------------


@register
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, highest: float, steps: int):
        self.highest, self.steps = highest, steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32") + 1.0
        return self.highest * ops.minimum(step / self.steps, ops.rsqrt(step / self.steps))

    def get_config(self) -> dict:
        return {"highest": self.highest, "steps": self.steps}


class LearningRateSchedule(Program):
    def model(self) -> Any:
        return mlp()

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.SGD(WarmUp(0.05, 4), momentum=0.5), "mse")


@register
class SignDescent(keras.optimizers.Optimizer):
    """An optimizer with a state for each variable."""

    def __init__(self, learning_rate: float = 0.01, decay: float = 0.5, name: str = "sign_descent", **kwargs: Any):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.decay = decay

    def build(self, variables: list) -> None:
        if self.built:
            return
        super().build(variables)
        self.means = [self.add_variable_from_reference(variable, name="mean") for variable in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        mean = self.means[self._get_variable_index(variable)]
        self.assign(mean, self.decay * mean + (1 - self.decay) * ops.cast(gradient, variable.dtype))
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * ops.tanh(10 * mean))

    def get_config(self) -> dict:
        return {**super().get_config(), "decay": self.decay}


class OwnOptimizer(Program):
    def model(self) -> Any:
        return mlp()

    def compile(self, model: Any) -> None:
        model.compile(SignDescent(0.05), "mse")


class HalvesTheRate(keras.callbacks.Callback):
    """Halves the learning rate after each epoch, and records the weights after each batch; stops training in the third."""

    def __init__(self):
        super().__init__()
        self.seen: list = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.seen.append([batch, float(logs["loss"]), float(np.sum(self.model.get_weights()[0]))])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.model.optimizer.learning_rate = rate / 2
        logs["rate"] = rate
        if epoch == 2:
            self.model.stop_training = True


class OwnCallback(Program):
    def model(self) -> Any:
        return mlp()

    def train(self, model: Any) -> Any:
        watch = HalvesTheRate()
        history = model.fit(X, Z, batch_size=8, epochs=9, shuffle=False, verbose=0, callbacks=[watch], validation_split=0.34)
        return [history.history, watch.seen]


class OptimizerWithAccumulation(Program):
    """Gradient accumulation, clipping, weight decay and an average of the weights, which Keras's optimizers have built in."""

    def model(self) -> Any:
        return mlp()

    def compile(self, model: Any) -> None:
        options = {"gradient_accumulation_steps": 2, "clipnorm": 0.5, "weight_decay": 0.01}
        model.compile(keras.optimizers.AdamW(0.02, **options), "mse")


PROGRAMS = [
    LayerWithAddedLoss,
    LayerWithLayersInside,
    LayerWithState,
    Transformer,
    RegularizerConstraintInitializer,
    LossAndMetric,
    MetricOfALayer,
    ComputeLossAndMetrics,
    MetricOfSeveralValues,
    LearningRateSchedule,
    OwnOptimizer,
    OwnCallback,
    OptimizerWithAccumulation,
]
