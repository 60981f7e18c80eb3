"""Training steps and loops in the style of TensorFlow."""

from typing import Any

import keras
import step_programs
import tensorflow as tf
from keras import ops
from step_programs import register


@register
class OwnStep(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


@register
class OwnLossAndMetrics(keras.Model):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data: Any) -> dict:
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self) -> list:
        return [self.loss_tracker, self.mae_metric]


@register
class WeightedStep(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y, sample_weight = data if len(data) == 3 else (*data, None)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {m.name: m.result() for m in self.metrics}


@register
class OwnTestAndPredictStep(keras.Model):
    def test_step(self, data: Any) -> dict:
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        for metric in self.metrics:
            if metric.name != "loss":
                metric.update_state(y, y_pred)
            else:
                metric.update_state(loss)
        return {m.name: m.result() for m in self.metrics}

    def predict_step(self, data: Any) -> Any:
        x = data[0] if isinstance(data, tuple) else data
        return 10 * self(x, training=False)


@register
class GradientsOfTwoHalves(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data
        half = x.shape[0] // 2 if x.shape[0] is not None else tf.shape(x)[0] // 2
        total, losses = [tf.zeros(v.shape) for v in self.trainable_variables], []
        for part in (slice(None, half), slice(half, None)):
            with tf.GradientTape() as tape:
                losses.append(self.compute_loss(y=y[part], y_pred=self(x[part], training=True)))
            gradients = tape.gradient(losses[-1], self.trainable_variables)
            total = [one + other / 2 for one, other in zip(total, gradients, strict=True)]
        self.optimizer.apply(total, self.trainable_variables)
        return {"mean": (losses[0] + losses[1]) / 2}


@register
class AdversarialTraining(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data
        with tf.GradientTape() as tape:
            tape.watch(x)
            clean = self.compute_loss(y=y, y_pred=self(x, training=False))
        x = x + 0.2 * tf.sign(tape.gradient(clean, x))
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"clean": clean, "loss": loss}


@register
class Autoencoder(step_programs.VAE):
    def train_step(self, data: Any) -> dict:
        images, noise = data
        with tf.GradientTape() as tape:
            mean, log_variance = self.encoder(images)
            reconstruction = self.decoder(mean + ops.exp(0.5 * log_variance) * noise)
            total, reconstruction_loss, kl_loss = step_programs.vae_losses(images, reconstruction, mean, log_variance)
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.total_loss_tracker.update_state(total)
        self.reconstruction_loss_tracker.update_state(reconstruction_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return {m.name: m.result() for m in self.metrics}


@register
class AdversarialNet(step_programs.GAN):
    def train_step(self, data: Any) -> dict:
        real, noise = data
        fake = self.generator(noise)
        both = tf.concat([fake, real], axis=0)
        labels = tf.concat([tf.ones((tf.shape(fake)[0], 1)), tf.zeros((tf.shape(real)[0], 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(both))
        gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_weights, strict=True))
        with tf.GradientTape() as tape:
            g_loss = self.loss_fn(tf.zeros((tf.shape(fake)[0], 1)), self.discriminator(self.generator(noise)))
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_weights, strict=True))
        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


@register
class TwoOptimizers(step_programs.Split):
    def train_step(self, data: Any) -> dict:
        x, y = data
        body, head = self.body.trainable_variables, self.head.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, [*body, *head])
        self.optimizers["body"].apply(gradients[: len(body)], body)
        self.optimizers["head"].apply(gradients[len(body) :], head)
        return {"last": loss}


def own_loop(model: Any, optimizer: Any, loss_fn: Any, batches: list) -> list:
    accuracy, losses = keras.metrics.SparseCategoricalAccuracy(), []

    @tf.function
    def train_step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_fn(y, logits) + sum(model.losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights, strict=True))
        accuracy.update_state(y, logits)
        return loss

    for x, y in batches:
        losses.append(float(train_step(tf.constant(x), tf.constant(y))))
    return [losses, float(accuracy.result())]


PROGRAMS = step_programs.programs(
    {
        "OwnStep": OwnStep,
        "OwnLossAndMetrics": OwnLossAndMetrics,
        "WeightedStep": WeightedStep,
        "OwnTestAndPredictStep": OwnTestAndPredictStep,
        "GradientsOfTwoHalves": GradientsOfTwoHalves,
        "AdversarialTraining": AdversarialTraining,
        "Autoencoder": Autoencoder,
        "AdversarialNet": AdversarialNet,
        "TwoOptimizers": TwoOptimizers,
        "OwnLoop": own_loop,
    }
)
