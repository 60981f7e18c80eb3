"""Programs whose models have training steps of their own. The steps are written once for each engine, and once for all.

``steps_jax.py``, ``steps_tensorflow.py``, ``steps_torch.py`` and ``steps_neutral.py`` contain the models by the names of the
programs here, and must train them in the same way.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from program import IMAGES, NOISE, Program, X, Y, Z, mlp

register = keras.saving.register_keras_serializable("programs")


def programs(models: dict[str, type]) -> list[type]:
    """Return the programs of this file with models of one style."""
    return [type(name, (globals()[name],), {"kind": kind}) for name, kind in models.items()]


class StepProgram(Program):
    kind: Any
    """Class of the model."""


class OwnStep(StepProgram):
    """The first step of Keras's guide: the same as the built-in one."""

    def model(self) -> Any:
        return mlp(1, self.kind)


class OwnLossAndMetrics(StepProgram):
    """The second one: nothing is passed to ``compile`` but the optimizer."""

    def model(self) -> Any:
        return mlp(1, self.kind)

    def compile(self, model: Any) -> None:
        model.compile(optimizer=keras.optimizers.Adam(0.02))


class WeightedStep(StepProgram):
    """The third one: weights of samples."""

    def model(self) -> Any:
        return mlp(1, self.kind)

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.RMSprop(0.01), keras.losses.MeanSquaredError(), weighted_metrics=["mae"])

    def data(self) -> tuple:
        return X, Z, np.linspace(0.5, 2, 24).astype("float32")


class OwnTestAndPredictStep(StepProgram):
    """The steps of evaluation and prediction."""

    def model(self) -> Any:
        return mlp(1, self.kind)

    def train(self, model: Any) -> Any:
        history = super().train(model)
        return [history, model.evaluate(X, Z, batch_size=10, verbose=0, return_dict=True), model.predict(X, verbose=0)]


class GradientsOfTwoHalves(StepProgram):
    """Gradient accumulation inside a step: the mean of the gradients of both halves of a batch is applied.

    The log is not called "loss", for which Keras would show the metric of this name, which the step does not update.
    """

    def model(self) -> Any:
        return mlp(1, self.kind)

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9), keras.losses.MeanSquaredError())


class AdversarialTraining(StepProgram):
    """Trains on inputs that were changed along the sign of the gradient with respect to them."""

    def model(self) -> Any:
        x = keras.Input((4,))
        return self.kind(x, layers.Dense(3)(layers.Dense(6, "tanh")(x)))

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def data(self) -> tuple:
        return X, Y


# --- A variational autoencoder ------------------------------------------------------------------------------------------------


class VAE(keras.Model):
    """Base class of the autoencoder of Keras's guide; subclasses have the step. The noise is the target."""

    def __init__(self, encoder: Any, decoder: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
        self.reconstruction_loss_tracker = keras.metrics.Mean(name="reconstruction_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self) -> list:
        return [self.total_loss_tracker, self.reconstruction_loss_tracker, self.kl_loss_tracker]

    def call(self, images: Any) -> Any:
        return self.decoder(self.encoder(images)[0])

    def get_config(self) -> dict:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("encoder", "decoder")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        parts = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("encoder", "decoder")}
        return cls(**parts, **config)


def vae_losses(images: Any, reconstruction: Any, mean: Any, log_variance: Any) -> tuple:
    """Return the loss, and its two parts."""
    crossentropy = keras.losses.binary_crossentropy(images, reconstruction)
    reconstruction_loss = ops.mean(ops.sum(crossentropy, axis=(1, 2)))
    divergence = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
    kl_loss = ops.mean(ops.sum(divergence, axis=1))
    return reconstruction_loss + kl_loss, reconstruction_loss, kl_loss


class Autoencoder(StepProgram):
    def model(self) -> Any:
        image = keras.Input((6, 6, 1))
        hidden = layers.Dense(5, "relu")(layers.Flatten()(layers.Conv2D(3, 3, strides=2, activation="relu")(image)))
        encoder = keras.Model(image, [layers.Dense(2, name="mean")(hidden), layers.Dense(2, name="log_variance")(hidden)])
        code = keras.Input((2,))
        grown = layers.Reshape((3, 3, 2))(layers.Dense(18, "relu")(code))
        decoder = keras.Model(code, layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(grown))
        model = self.kind(encoder, decoder)
        model(IMAGES[:2])
        return model

    def compile(self, model: Any) -> None:
        model.compile(optimizer=keras.optimizers.Adam(0.02))

    def data(self) -> tuple:
        return IMAGES, NOISE


# --- Two optimizers -----------------------------------------------------------------------------------------------------------


class GAN(keras.Model):
    """Base class of the adversarial network of Keras's guide; subclasses have the step. The noise is the target."""

    def __init__(self, discriminator: Any, generator: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.discriminator, self.generator = discriminator, generator
        self.built = True
        self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
        self.g_loss_tracker = keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self) -> list:
        return [self.d_loss_tracker, self.g_loss_tracker]

    def compile(self, d_optimizer: Any, g_optimizer: Any, loss_fn: Any) -> None:
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.generator.trainable_variables)

    def get_config(self) -> dict:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("discriminator", "generator")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        parts = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("discriminator", "generator")}
        return cls(**parts, **config)


class AdversarialNet(StepProgram):
    def model(self) -> Any:
        image, noise = keras.Input((6, 6, 1)), keras.Input((2,))
        seen = layers.LeakyReLU(0.2)(layers.Conv2D(3, 3, strides=2, padding="same")(image))
        discriminator = keras.Model(image, layers.Dense(1)(layers.GlobalMaxPooling2D()(seen)), name="discriminator")
        made = layers.Reshape((3, 3, 2))(layers.Dense(18, "relu")(noise))
        made = layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid")(made)
        return self.kind(discriminator, keras.Model(noise, made, name="generator"))

    def compile(self, model: Any) -> None:
        optimizers = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.02, beta_1=0.5)
        model.compile(*optimizers, keras.losses.BinaryCrossentropy(from_logits=True))

    def data(self) -> tuple:
        return IMAGES, NOISE

    def outputs(self, model: Any) -> Any:
        return [model.generator.predict(NOISE, verbose=0), model.discriminator.predict(IMAGES, verbose=0)]

    def load(self, path: Any) -> Any:
        model = keras.models.load_model(path)
        self.compile(model)
        model.load_weights(path)  # with the state of the optimizers, which exist now
        return model


class Split(keras.Model):
    """Base class of a model whose body and head have their own optimizers."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.body, self.head = layers.Dense(4, "tanh"), layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.head(self.body(inputs))

    def compile(self, body_optimizer: Any, head_optimizer: Any, **kwargs: Any) -> None:
        super().compile(**kwargs)
        self.optimizers = {"body": body_optimizer, "head": head_optimizer}
        body_optimizer.build(self.body.trainable_variables)
        head_optimizer.build(self.head.trainable_variables)


class TwoOptimizers(StepProgram):
    def model(self) -> Any:
        model = self.kind()
        model(X[:2])
        return model

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), keras.optimizers.Adam(0.05), loss="mse")

    def load(self, path: Any) -> Any:
        model = keras.models.load_model(path)
        self.compile(model)
        model.load_weights(path)
        return model


# --- A loop without fit -------------------------------------------------------------------------------------------------------


class OwnLoop(StepProgram):
    """The loops of Keras's guides on writing a training loop; ``kind`` is the function that trains."""

    def model(self) -> Any:
        x = keras.Input((4,))
        hidden = layers.BatchNormalization(momentum=0.5)(layers.Dense(5, "relu", kernel_regularizer="l2")(x))
        return keras.Model(x, layers.Dense(3)(hidden))

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.optimizer.build(model.trainable_variables)

    def data(self) -> tuple:
        return X, Y

    def train(self, model: Any) -> Any:
        return type(self).kind(model, model.optimizer, model.loss, batches(X, Y) * 2)


def batches(*arrays: Any, size: int = 8) -> list:
    """Return the batches of some arrays."""
    return [tuple(array[start : start + size] for array in arrays) for start in range(0, len(arrays[0]), size)]
