"""Gradient accumulation: an update for a batch that is larger than what the memory holds at a time.

The gradient of the mean loss of 128 images is the mean of the gradients of four parts of 32 images.
This example trains the same network in three ways, which result in the same weights:

1. with batches of 128,
2. with a custom `train_step` that sums the gradients of four parts of the batch,
3. with batches of 32 and `gradient_accumulation_steps=4`, an argument of every optimizer, which
   updates the weights with the mean gradient of four steps.

(For 1, Cornu splits a batch into parts automatically, as large as the cache of the processor: see
`micro_batch_size` of `compile`.)
"""

import argparse

import numpy as np

import cornu
from cornu import layers

PARTS = 4


class SumsGradients(cornu.Model):
    """A model whose training step processes a batch in equal parts."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mean_loss = cornu.metrics.Mean(name="loss")

    def train_step(self, data: tuple) -> dict:
        x, y = data
        size = x.shape[0] // PARTS
        variables = self.trainable_variables
        loss, gradients = 0.0, None
        for start in range(0, PARTS * size, size):

            def loss_of(part: slice = slice(start, start + size)):  # a default, so that each function keeps its own part
                return self.compute_loss(x[part], y[part], self(x[part], training=True)) / PARTS

            part_loss, found = cornu.value_and_grad(loss_of, variables)
            loss = loss + part_loss
            gradients = found if gradients is None else [old + new for old, new in zip(gradients, found, strict=True)]
        self.optimizer.apply(gradients, variables)
        self.mean_loss.update_state(loss)
        return {"loss": self.mean_loss.result()}


def train(cls: type, x: np.ndarray, y: np.ndarray, batch_size: int, epochs: int, **options: int) -> cornu.Model:
    """Return a trained network; it always starts with the same weights and sees the images in the same order."""
    cornu.utils.set_random_seed(0)
    image = cornu.Input((8, 8, 1))
    features = layers.Flatten()(layers.Conv2D(16, 3, activation="relu")(image))
    model = cls(image, layers.Dense(10)(features))
    model.compile(
        cornu.optimizers.SGD(0.05, momentum=0.9, **options), cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    print("loss of each epoch:", *(f"{loss:.4f}" for loss in history.history["loss"]))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a network in three ways that result in the same weights.")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()

    (x, y), _ = cornu.datasets.digits.load_data()
    x, y = x[:1280, ..., None].astype("float32") / 16, y[:1280]

    print("Batches of 128:")
    whole = train(cornu.Model, x, y, 128, options.epochs)
    print("A custom step with the gradients of four parts:")
    own = train(SumsGradients, x, y, 128, options.epochs)
    print("Batches of 32 and an optimizer that accumulates gradients:")
    accumulated = train(cornu.Model, x, y, 32, options.epochs, gradient_accumulation_steps=PARTS)

    for name, model in (("the custom step", own), ("the accumulating optimizer", accumulated)):
        pairs = zip(model.get_weights(), whole.get_weights(), strict=True)
        print(f"Largest difference of a weight with {name}: {max(np.abs(one - other).max() for one, other in pairs):.1e}")


if __name__ == "__main__":
    main()
