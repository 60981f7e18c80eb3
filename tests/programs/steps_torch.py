"""Training steps and loops in the style of PyTorch."""

from typing import Any

import keras
import step_programs
import torch
from keras import ops
from step_programs import register


def gradients_of(loss: Any, variables: list) -> list:
    """Return the gradients after ``loss.backward()``."""
    loss.backward()
    return [v.value.grad for v in variables]


@register
class OwnStep(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        loss.backward()
        trainable_weights = [v for v in self.trainable_weights]
        gradients = [v.value.grad for v in trainable_weights]
        with torch.no_grad():
            self.optimizer.apply(gradients, trainable_weights)
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
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.loss_fn(y, y_pred)
        gradients = gradients_of(loss, self.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply(gradients, self.trainable_weights)
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
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        gradients = gradients_of(loss, self.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply(gradients, self.trainable_weights)
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
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

    def predict_step(self, data: Any) -> Any:
        x = data[0] if isinstance(data, tuple) else data
        return 10 * self(x, training=False)


@register
class GradientsOfTwoHalves(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data
        half, losses = len(x) // 2, []
        self.zero_grad()
        for part in (slice(None, half), slice(half, None)):
            loss = self.compute_loss(y=y[part], y_pred=self(x[part], training=True)) / 2
            loss.backward()
            losses.append(loss.detach())
        gradients = [v.value.grad for v in self.trainable_weights]
        with torch.no_grad():
            self.optimizer.apply(gradients, self.trainable_weights)
        return {"mean": losses[0] + losses[1]}


@register
class AdversarialTraining(keras.Model):
    def train_step(self, data: Any) -> dict:
        x, y = data
        x = x.detach().clone().requires_grad_()
        clean = self.compute_loss(y=y, y_pred=self(x, training=False))
        (gradient,) = torch.autograd.grad(clean, x)
        self.zero_grad()
        loss = self.compute_loss(y=y, y_pred=self((x + 0.2 * gradient.sign()).detach(), training=True))
        gradients = gradients_of(loss, self.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply(gradients, self.trainable_weights)
        return {"clean": clean.detach(), "loss": loss.detach()}


@register
class Autoencoder(step_programs.VAE):
    def train_step(self, data: Any) -> dict:
        images, noise = data
        self.zero_grad()
        mean, log_variance = self.encoder(images)
        reconstruction = self.decoder(mean + ops.exp(0.5 * log_variance) * noise)
        total, reconstruction_loss, kl_loss = step_programs.vae_losses(images, reconstruction, mean, log_variance)
        gradients = gradients_of(total, self.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply(gradients, self.trainable_weights)
        self.total_loss_tracker.update_state(total)
        self.reconstruction_loss_tracker.update_state(reconstruction_loss)
        self.kl_loss_tracker.update_state(kl_loss)
        return {m.name: m.result() for m in self.metrics}


@register
class AdversarialNet(step_programs.GAN):
    def train_step(self, data: Any) -> dict:
        real, noise = data
        fake = self.generator(noise)
        both, labels = torch.concat([fake, real]), torch.concat([torch.ones((len(fake), 1)), torch.zeros((len(real), 1))])
        self.zero_grad()
        d_loss = self.loss_fn(labels, self.discriminator(both.detach()))
        gradients = gradients_of(d_loss, self.discriminator.trainable_weights)
        with torch.no_grad():
            self.d_optimizer.apply(gradients, self.discriminator.trainable_weights)
        self.zero_grad()
        g_loss = self.loss_fn(torch.zeros((len(fake), 1)), self.discriminator(self.generator(noise)))
        gradients = gradients_of(g_loss, self.generator.trainable_weights)
        with torch.no_grad():
            self.g_optimizer.apply(gradients, self.generator.trainable_weights)
        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


@register
class TwoOptimizers(step_programs.Split):
    def train_step(self, data: Any) -> dict:
        x, y = data
        self.zero_grad()
        loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        loss.backward()
        with torch.no_grad():
            for name, part in (("body", self.body), ("head", self.head)):
                self.optimizers[name].apply([v.value.grad for v in part.trainable_weights], part.trainable_weights)
        return {"last": loss}


def own_loop(model: Any, optimizer: Any, loss_fn: Any, batches: list) -> list:
    accuracy, losses = keras.metrics.SparseCategoricalAccuracy(), []
    for x, y in batches:
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        logits = model(x, training=True)
        loss = loss_fn(y, logits) + sum(model.losses)
        model.zero_grad()
        loss.backward()
        gradients = [v.value.grad for v in model.trainable_weights]
        with torch.no_grad():
            optimizer.apply(gradients, model.trainable_weights)
        accuracy.update_state(y, logits)
        losses.append(loss.item())
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
