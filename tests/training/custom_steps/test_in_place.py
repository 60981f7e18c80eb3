"""Steps that the engine runs in place: what Ctrl-C in the middle of one leaves."""

import numpy as np
import pytest

import cornu
from cornu import layers

X, Y = np.arange(12.0, dtype="float32").reshape(6, 2) / 12, np.ones((6, 1), "float32")


def interrupted_model(module):
    """A model whose step changes, at its third call, one of its weights and is interrupted."""

    class Interrupted(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense, self.seen = layers.Dense(1), []

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            variables = [*self.weights, self.optimizer.iterations]
            self.seen.append([variable.numpy() for variable in variables])
            if len(self.seen) == 3:
                self.dense.kernel.assign_add(module.ones((2, 1)))
                raise KeyboardInterrupt
            if module.__name__ == "torch":
                loss = self.compute_loss(x, y, self(x))
                loss.backward()
                gradients = [variable.value.grad for variable in self.trainable_variables]
                with module.no_grad():
                    self.optimizer.apply(gradients, self.trainable_variables)
            else:
                with module.GradientTape() as tape:
                    loss = self.compute_loss(x, y, self(x))
                self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

    return Interrupted()


@pytest.mark.parametrize("engine", ["torch", "tensorflow"])
def test_an_interrupted_step_is_undone(engine):
    module = pytest.importorskip(engine)
    before = cornu.config.backend()
    cornu.config.set_backend(engine)
    try:
        model = interrupted_model(module)
        model.build((None, 2))
        model.compile("sgd", "mse", run_eagerly=True)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        assert len(model.seen) == 3 and not np.array_equal(model.seen[1][0], model.seen[2][0])
        for variable, expected in zip([*model.weights, model.optimizer.iterations], model.seen[2], strict=True):
            np.testing.assert_array_equal(variable.numpy(), expected)
    finally:
        cornu.config.set_backend(before)
