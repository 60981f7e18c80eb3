"""Models with own losses and training steps, as the guides of Keras write them; the same classes for Cornu and Keras."""

from typing import Any


def updated(metrics: list, loss: Any, y: Any, y_pred: Any) -> dict[str, Any]:
    """Update the metrics of a model and return their results."""
    logs: dict[str, Any] = {}
    for metric in metrics:
        if metric.name == "loss":
            metric.update_state(loss)
        else:
            metric.update_state(y, y_pred)
        logs |= named(metric, metric.result())
    return logs


def named(metric: Any, result: Any) -> dict[str, Any]:
    """Return the results of a metric by name; the metric of what was passed to ``compile`` has several."""
    return result if isinstance(result, dict) else {metric.name: result}


def own_loss(library: Any) -> type:
    """Return a model class whose ``compute_loss`` computes the mean of a loss function."""

    class OwnLoss(library.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return library.ops.mean(library.losses.sparse_categorical_crossentropy(y, y_pred))

    return OwnLoss


def neutral_step(library: Any) -> type:
    """Return a model class whose ``train_step`` runs on every engine of Cornu."""

    class NeutralStep(library.Model):
        def train_step(self, data):
            x, y = data

            def loss_of():
                y_pred = self(x, training=True)
                return self.compute_loss(x, y, y_pred), y_pred

            (loss, y_pred), gradients = library.value_and_grad(loss_of, self.trainable_variables, has_aux=True)
            self.optimizer.apply(gradients, self.trainable_variables)
            return updated(self.metrics, loss, y, y_pred)

    return NeutralStep


def jax_step(library: Any) -> type:
    """Return a model class whose ``train_step`` is a pure function, in the style of Keras on JAX."""
    import jax

    class JaxStep(library.Model):
        def compute_loss_and_updates(self, trainable, non_trainable, x, y):
            y_pred, non_trainable = self.stateless_call(trainable, non_trainable, x, training=True)
            return self.compute_loss(x, y, y_pred), (y_pred, non_trainable)

        def train_step(self, state, data):
            trainable, non_trainable, optimizer_variables, metrics_variables = state
            x, y = data
            of = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
            (loss, (y_pred, non_trainable)), gradients = of(trainable, non_trainable, x, y)
            trainable, optimizer_variables = self.optimizer.stateless_apply(optimizer_variables, gradients, trainable)
            logs, after = {}, []
            for metric in self.metrics:
                count = len(metric.variables)
                values, metrics_variables = metrics_variables[:count], metrics_variables[count:]
                if metric.name == "loss":
                    values = metric.stateless_update_state(values, loss)
                else:
                    values = metric.stateless_update_state(values, y, y_pred)
                logs |= named(metric, metric.stateless_result(values))
                after += values
            return logs, (trainable, non_trainable, optimizer_variables, after)

    return JaxStep


def torch_step(library: Any) -> type:
    """Return a model class whose ``train_step`` calls ``loss.backward()``, in the style of Keras on PyTorch."""
    import torch

    class TorchStep(library.Model):
        def train_step(self, data):
            x, y = data
            self.zero_grad()
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
            loss.backward()
            weights = list(self.trainable_weights)
            gradients = [weight.value.grad for weight in weights]
            with torch.no_grad():
                self.optimizer.apply(gradients, weights)
            return updated(self.metrics, loss, y, y_pred)

    return TorchStep


def tensorflow_step(library: Any) -> type:
    """Return a model class whose ``train_step`` uses a ``GradientTape``, in the style of Keras on TensorFlow."""
    import tensorflow

    class TensorFlowStep(library.Model):
        def train_step(self, data):
            x, y = data
            with tensorflow.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return updated(self.metrics, loss, y, y_pred)

    return TensorFlowStep


STEPS = {"jax": jax_step, "torch": torch_step, "tensorflow": tensorflow_step}
"""The step in the style of each engine."""
