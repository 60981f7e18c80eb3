"""A siamese network: one network for both images of a pair, which learns when two images show the same digit.

The network maps an image to a point. The contrastive loss, a custom function, pulls the
points of a pair together if both images show the same digit, and pushes them apart, up to a
distance of 1, if not. The network never sees the digits 8 and 9 in training. Afterwards it can compare
images of these digits too, though less well; a classifier has no output for them.

Reference: Hadsell et al., Dimensionality Reduction by Learning an Invariant Mapping (2006)
"""

import argparse

import numpy as np

import cornu
from cornu import layers, ops


class Distance(layers.Layer):
    """Euclidean distance between two points, an array of shape `(batch, 1)`."""

    def call(self, inputs):
        first, second = inputs
        return ops.sqrt(ops.sum((first - second) ** 2, axis=-1, keepdims=True) + 1e-9)


def contrastive_loss(y_true, y_pred):
    """Return the squared distance for a pair of the same digit, else the squared difference to a distance of at least 1."""
    too_near = ops.maximum(1 - y_pred, 0)
    return ops.mean(y_true * y_pred**2 + (1 - y_true) * too_near**2, axis=-1)


def make_model() -> cornu.Model:
    """Return the network from two images to their distance."""
    embed = cornu.Sequential(
        [
            cornu.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPool2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(16),
        ],
        name="embedding",
    )
    first, second = cornu.Input((8, 8, 1)), cornu.Input((8, 8, 1))
    return cornu.Model([first, second], Distance()([embed(first), embed(second)]))  # the same layers are called twice


def make_pairs(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return pairs of images, half of them of the same digit, and 1 for these, else 0."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(labels), count)
    second = rng.integers(0, len(labels), count)
    for row in range(0, count, 2):
        second[row] = rng.choice(np.flatnonzero(labels == labels[first[row]]))
    return [images[first], images[second]], (labels[first] == labels[second]).astype("float32")[:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a network that compares two images.")
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()

    cornu.utils.set_random_seed(0)
    (images, labels), _ = cornu.datasets.digits.load_data()
    images = images[..., None].astype("float32") / 16
    known = labels < 8
    x, y = make_pairs(images[known], labels[known], 4000, seed=0)

    def accuracy(y_true, y_pred):
        return ops.cast((y_pred < 0.5) == (y_true > 0.5), "float32")

    model = make_model()
    model.compile("adam", contrastive_loss, metrics=[accuracy])
    model.fit(x, y, batch_size=64, epochs=options.epochs, verbose=2)

    x, y = make_pairs(images[~known], labels[~known], 1000, seed=1)
    print(f"Pairs of the digits 8 and 9, never seen before: accuracy {model.evaluate(x, y, verbose=0)[1]:.1%}")


if __name__ == "__main__":
    main()
