"""Training steps and loops with ``cornu.value_and_grad``: one text for all engines, which Keras does not have.

They must train as the steps do that real Keras runs in the style of its engine.
"""

from typing import Any

import keras
import step_programs
from keras import ops

import cornu

register = keras.saving.register_keras_serializable("neutral")


@register
class OwnStep(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y, sample_weight = data if len(data) == 3 else (*data, None)

        def loss_of() -> tuple:
            y_pred = self(x, training=True)
            return self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight), y_pred

        (loss, y_pred), gradients = cornu.value_and_grad(loss_of, self.trainable_variables, has_aux=True)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            elif sample_weight is None:
                metric.update_state(y, y_pred)
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {m.name: m.result() for m in self.metrics}


@register
class WeightedStep(OwnStep):
    pass


@register
class OwnLossAndMetrics(keras.Model):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data: Any) -> dict:
        x, y = data

        def loss_of() -> tuple:
            y_pred = self(x, training=True)
            return self.loss_fn(y, y_pred), y_pred

        (loss, y_pred), gradients = cornu.value_and_grad(loss_of, self.trainable_variables, has_aux=True)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self) -> list:
        return [self.loss_tracker, self.mae_metric]


@register
class OwnTestAndPredictStep(keras.Model):
    def test_step(self, data: Any) -> dict:
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        for metric in self.metrics:
            metric.update_state(*((loss,) if metric.name == "loss" else (y, y_pred)))
        return {m.name: m.result() for m in self.metrics}

    def predict_step(self, data: Any) -> Any:
        x = data[0] if isinstance(data, tuple) else data
        return 10 * self(x, training=False)


@register
class GradientsOfTwoHalves(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data
        half, losses, found = ops.shape(x)[0] // 2, [], []
        for part in (slice(None, half), slice(half, None)):

            def loss_of(part: slice = part) -> Any:
                return self.compute_loss(y=y[part], y_pred=self(x[part], training=True))

            loss, gradients = cornu.value_and_grad(loss_of, self.trainable_variables)
            losses.append(loss)
            found.append(gradients)
        gradients = [(one + other) / 2 for one, other in zip(*found, strict=True)]
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"mean": (losses[0] + losses[1]) / 2}


@register
class AdversarialTraining(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data

        def loss_of_inputs(x: Any, training: bool = False) -> Any:
            return self.compute_loss(y=y, y_pred=self(x, training=training))

        clean, gradient = cornu.value_and_grad(loss_of_inputs, x)
        x = x + 0.2 * ops.sign(gradient)
        loss, gradients = cornu.value_and_grad(lambda: loss_of_inputs(x, training=True), self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"clean": clean, "loss": loss}


@register
class Autoencoder(step_programs.VAE):
    def train_step(self, data: Any) -> dict:
        images, noise = data

        def losses_of() -> tuple:
            mean, log_variance = self.encoder(images)
            reconstruction = self.decoder(mean + ops.exp(0.5 * log_variance) * noise)
            losses = step_programs.vae_losses(images, reconstruction, mean, log_variance)
            return losses[0], losses

        (_, losses), gradients = cornu.value_and_grad(losses_of, self.trainable_variables, has_aux=True)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric, loss in zip(self.metrics, losses, strict=True):
            metric.update_state(loss)
        return {m.name: m.result() for m in self.metrics}


@register
class AdversarialNet(step_programs.GAN):
    def train_step(self, data: Any) -> dict:
        real, noise = data
        count = ops.shape(real)[0]
        both = ops.concatenate([self.generator(noise), real], axis=0)
        labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))], axis=0)

        def d_loss_of() -> Any:
            return self.loss_fn(labels, self.discriminator(both))

        def g_loss_of() -> Any:
            return self.loss_fn(ops.zeros((count, 1)), self.discriminator(self.generator(noise)))

        d_loss, gradients = cornu.value_and_grad(d_loss_of, self.discriminator.trainable_variables)
        self.d_optimizer.apply(gradients, self.discriminator.trainable_variables)
        g_loss, gradients = cornu.value_and_grad(g_loss_of, self.generator.trainable_variables)
        self.g_optimizer.apply(gradients, self.generator.trainable_variables)
        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


@register
class TwoOptimizers(step_programs.Split):
    def train_step(self, data: Any) -> dict:
        x, y = data
        parts = {"body": self.body.trainable_variables, "head": self.head.trainable_variables}
        loss, gradients = cornu.value_and_grad(lambda: self.compute_loss(y=y, y_pred=self(x, training=True)), parts)
        for name, variables in parts.items():
            self.optimizers[name].apply(gradients[name], variables)
        return {"last": loss}


def own_loop(model: Any, optimizer: Any, loss_fn: Any, batches: list) -> list:
    accuracy, losses = keras.metrics.SparseCategoricalAccuracy(), []
    for x, y in batches:

        def loss_of(x: Any = x, y: Any = y) -> tuple:
            logits = model(x, training=True)
            return loss_fn(y, logits) + sum(model.losses), logits

        (loss, logits), gradients = cornu.value_and_grad(loss_of, model.trainable_variables, has_aux=True)
        optimizer.apply(gradients, model.trainable_variables)
        accuracy.update_state(y, logits)
        losses.append(float(loss))
    return [losses, float(accuracy.result())]


MODELS = {
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

PROGRAMS = step_programs.programs(MODELS)
