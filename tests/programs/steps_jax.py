"""Training steps and loops in the style of JAX."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import step_programs
from keras import ops
from step_programs import batches, register


def update_metrics(metrics: list, variables: list, update: Any) -> tuple[dict, list]:
    """Return the logs and the new variables of metrics; ``update(metric, variables)`` returns those of one metric."""
    logs, new = {}, []
    for metric in metrics:
        own = update(metric, variables[len(new) : len(new) + len(metric.variables)])
        logs[metric.name] = metric.stateless_result(own)
        new += own
    return logs, new


@register
class OwnStep(keras.Model):
    def compute_loss_and_updates(
        self, trainable: list, non_trainable: list, x: Any, y: Any, sample_weight: Any, training: bool = False
    ) -> tuple:
        y_pred, non_trainable = self.stateless_call(trainable, non_trainable, x, training=training)
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        return loss, (y_pred, non_trainable)

    def train_step(self, state: tuple, data: Any) -> tuple:
        trainable, non_trainable, slots, metrics = state
        x, y, sample_weight = data if len(data) == 3 else (*data, None)
        grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, (y_pred, non_trainable)), grads = grad_fn(trainable, non_trainable, x, y, sample_weight, training=True)
        trainable, slots = self.optimizer.stateless_apply(slots, grads, trainable)

        def update(metric: Any, variables: list) -> list:
            if metric.name == "loss":
                return metric.stateless_update_state(variables, loss)
            return metric.stateless_update_state(
                variables, y, y_pred, **({} if sample_weight is None else {"sample_weight": sample_weight})
            )

        logs, metrics = update_metrics(self.metrics, metrics, update)
        return logs, (trainable, non_trainable, slots, metrics)


@register
class WeightedStep(OwnStep):
    pass


@register
class OwnLossAndMetrics(OwnStep):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def compute_loss_and_updates(
        self, trainable: list, non_trainable: list, x: Any, y: Any, sample_weight: Any, training: bool = False
    ) -> tuple:
        y_pred, non_trainable = self.stateless_call(trainable, non_trainable, x, training=training)
        return self.loss_fn(y, y_pred), (y_pred, non_trainable)

    @property
    def metrics(self) -> list:
        return [self.loss_tracker, self.mae_metric]


@register
class OwnTestAndPredictStep(keras.Model):
    def test_step(self, state: tuple, data: Any) -> tuple:
        x, y = data
        trainable, non_trainable, metrics = state
        y_pred, non_trainable = self.stateless_call(trainable, non_trainable, x, training=False)
        loss = self.compute_loss(x, y, y_pred)

        def update(metric: Any, variables: list) -> list:
            return metric.stateless_update_state(variables, *((loss,) if metric.name == "loss" else (y, y_pred)))

        logs, metrics = update_metrics(self.metrics, metrics, update)
        return logs, (trainable, non_trainable, metrics)

    def predict_step(self, state: tuple, data: Any) -> tuple:
        x = data[0] if isinstance(data, tuple) else data
        outputs, non_trainable = self.stateless_call(*state, x, training=False)
        return 10 * outputs, non_trainable


@register
class GradientsOfTwoHalves(OwnStep):
    def train_step(self, state: tuple, data: Any) -> tuple:
        trainable, non_trainable, slots, metrics = state
        x, y = data
        half, total, losses = x.shape[0] // 2, None, []
        grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        for part in (slice(None, half), slice(half, None)):
            (loss, (_, non_trainable)), grads = grad_fn(trainable, non_trainable, x[part], y[part], None, training=True)
            losses.append(loss)
            total = grads if total is None else jax.tree.map(lambda one, other: (one + other) / 2, total, grads)
        trainable, slots = self.optimizer.stateless_apply(slots, total, trainable)
        logs = {"mean": (losses[0] + losses[1]) / 2}
        return logs, (trainable, non_trainable, slots, metrics)


@register
class AdversarialTraining(OwnStep):
    def train_step(self, state: tuple, data: Any) -> tuple:
        trainable, non_trainable, slots, metrics = state
        x, y = data

        def loss_of_inputs(x: Any) -> Any:
            return self.compute_loss_and_updates(trainable, non_trainable, x, y, None)[0]

        clean, gradient = jax.value_and_grad(loss_of_inputs)(x)
        x = x + 0.2 * jnp.sign(gradient)
        grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, (_, non_trainable)), grads = grad_fn(trainable, non_trainable, x, y, None, training=True)
        trainable, slots = self.optimizer.stateless_apply(slots, grads, trainable)
        logs = {"clean": clean, "loss": loss}
        return logs, (trainable, non_trainable, slots, metrics)


@register
class Autoencoder(step_programs.VAE):
    def train_step(self, state: tuple, data: Any) -> tuple:
        trainable, non_trainable, slots, metrics = state
        images, noise = data
        count = len(self.encoder.trainable_variables)

        def losses_of(trainable: list) -> tuple:
            (mean, log_variance), _ = self.encoder.stateless_call(trainable[:count], [], images)
            code = mean + jnp.exp(0.5 * log_variance) * noise
            reconstruction, _ = self.decoder.stateless_call(trainable[count:], [], code)
            losses = step_programs.vae_losses(images, reconstruction, mean, log_variance)
            return losses[0], losses

        (_, losses), grads = jax.value_and_grad(losses_of, has_aux=True)(trainable)
        trainable, slots = self.optimizer.stateless_apply(slots, grads, trainable)
        values = dict(zip(("total_loss", "reconstruction_loss", "kl_loss"), losses, strict=True))

        def update(metric: Any, variables: list) -> list:
            return metric.stateless_update_state(variables, values[metric.name])

        logs, metrics = update_metrics(self.metrics, metrics, update)
        return logs, (trainable, non_trainable, slots, metrics)


def values_of(variables: list) -> list:
    return [v.value for v in variables]


def assign(variables: list, values: list) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@register
class AdversarialNet(step_programs.GAN):
    """Keras has no ``train_step`` with two optimizers on JAX: ``fit`` is a loop of its own."""

    def fit(self, x: Any, y: Any, batch_size: int, epochs: int, **options: Any) -> Any:
        d_variables, g_variables = self.discriminator.trainable_variables, self.generator.trainable_variables
        groups = (d_variables, g_variables, self.d_optimizer.variables, self.g_optimizer.variables)

        def generated(g: list, noise: Any) -> Any:
            return self.generator.stateless_call(g, [], noise)[0]

        def judged(d: list, images: Any) -> Any:
            return self.discriminator.stateless_call(d, [], images)[0]

        def d_loss_of(d: list, both: Any, labels: Any) -> Any:
            return self.loss_fn(labels, judged(d, both))

        def g_loss_of(g: list, d: list, noise: Any) -> Any:
            return self.loss_fn(jnp.zeros((noise.shape[0], 1)), judged(d, generated(g, noise)))

        @jax.jit
        def step(state: tuple, real: Any, noise: Any) -> tuple:
            d, g, d_slots, g_slots = state
            both = jnp.concatenate([generated(g, noise), real])
            labels = jnp.concatenate([jnp.ones((noise.shape[0], 1)), jnp.zeros((real.shape[0], 1))])
            d_loss, gradients = jax.value_and_grad(d_loss_of)(d, both, labels)
            d, d_slots = self.d_optimizer.stateless_apply(d_slots, gradients, d)
            g_loss, gradients = jax.value_and_grad(g_loss_of)(g, d, noise)
            g, g_slots = self.g_optimizer.stateless_apply(g_slots, gradients, g)
            return (d, g, d_slots, g_slots), (d_loss, g_loss)

        state, history = tuple(map(values_of, groups)), {"d_loss": [], "g_loss": []}
        for _ in range(epochs):
            losses = []
            for real, noise in batches(x, y, size=batch_size):
                state, found = step(state, real, noise)
                losses.append(np.asarray(found))
            for name, value in zip(history, np.mean(losses, axis=0), strict=True):
                history[name].append(float(value))
        for variables, values in zip(groups, state, strict=True):
            assign(variables, values)
        return SimpleNamespace(history=history)


@register
class TwoOptimizers(step_programs.Split):
    """As ``AdversarialNet``; the loss of an epoch is that of its last batch."""

    def fit(self, x: Any, y: Any, batch_size: int, epochs: int, **options: Any) -> Any:
        parts = [self.body.trainable_variables, self.head.trainable_variables]
        optimizers = list(self.optimizers.values())
        groups = [*parts, *(optimizer.variables for optimizer in optimizers)]

        def loss_of(trainable: list, x: Any, y: Any) -> Any:
            return ops.mean(ops.square(y - self.stateless_call(trainable, [], x)[0]))

        @jax.jit
        def step(body: list, head: list, body_slots: list, head_slots: list, x: Any, y: Any) -> tuple:
            loss, gradients = jax.value_and_grad(loss_of)([*body, *head], x, y)
            body_gradients, head_gradients = gradients[: len(body)], gradients[len(body) :]
            body, body_slots = optimizers[0].stateless_apply(body_slots, body_gradients, body)
            head, head_slots = optimizers[1].stateless_apply(head_slots, head_gradients, head)
            return (body, head, body_slots, head_slots), loss

        state, losses = tuple(map(values_of, groups)), []
        for _ in range(epochs):
            for batch in batches(x, y, size=batch_size):
                state, loss = step(*state, *batch)
            losses.append(float(loss))
        for variables, values in zip(groups, state, strict=True):
            assign(variables, values)
        return SimpleNamespace(history={"last": losses})


def own_loop(model: Any, optimizer: Any, loss_fn: Any, batches: list) -> list:
    accuracy, losses = keras.metrics.SparseCategoricalAccuracy(), []
    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables, accuracy.variables)

    def loss_and_updates(trainable: list, non_trainable: list, metrics: list, x: Any, y: Any) -> tuple:
        logits, non_trainable, penalties = model.stateless_call(trainable, non_trainable, x, training=True, return_losses=True)
        metrics = accuracy.stateless_update_state(metrics, y, logits)
        return loss_fn(y, logits) + sum(penalties), (non_trainable, metrics)

    @jax.jit
    def train_step(state: tuple, x: Any, y: Any) -> tuple:
        trainable, non_trainable, slots, metrics = state
        grad_fn = jax.value_and_grad(loss_and_updates, has_aux=True)
        (loss, (non_trainable, metrics)), gradients = grad_fn(trainable, non_trainable, metrics, x, y)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return loss, (trainable, non_trainable, slots, metrics)

    state = tuple(map(values_of, groups))
    for x, y in batches:
        loss, state = train_step(state, x, y)
        losses.append(float(loss))
    for variables, values in zip(groups, state, strict=True):
        assign(variables, values)
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
