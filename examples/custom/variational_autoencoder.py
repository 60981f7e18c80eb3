"""A variational autoencoder: images are encoded as points of a plane, and points are decoded to images.

The encoder returns a mean and a variance for each image; a point is drawn from this normal
distribution and decoded. The loss is the error of the decoded image plus the Kullback-Leibler
divergence from the standard normal distribution, which keeps the points together, so that every
point of the plane decodes to something like a digit.

Both parts fit into the built-in step: the layer `Sampling` adds the divergence with `add_loss`, and
`fit(x, x)` compares the output with the input. The step itself is the built-in one.

Writes variational_autoencoder.png: the digits that a grid of points of the plane decodes to.

Reference: Kingma and Welling, Auto-Encoding Variational Bayes, https://arxiv.org/abs/1312.6114
"""

import argparse
from statistics import NormalDist

import numpy as np

import cornu
from cornu import layers, ops


class Sampling(layers.Layer):
    """Draws a point from a normal distribution, and adds the divergence of the distribution to the loss.

    Args:
        weight: Weight of the divergence in the loss.
    """

    def __init__(self, weight: float, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.seed = cornu.random.SeedGenerator(1)

    def call(self, inputs):
        mean, log_variance = inputs
        divergence = -0.5 * ops.sum(1 + log_variance - mean**2 - ops.exp(log_variance), axis=-1)
        self.add_loss(self.weight * ops.mean(divergence))
        return mean + ops.exp(0.5 * log_variance) * cornu.random.normal(ops.shape(mean), seed=self.seed)


def make_models() -> tuple[cornu.Model, cornu.Model]:
    """Return the autoencoder, and its second half, the decoder."""
    image = cornu.Input((8, 8, 1))
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    point = Sampling(weight=1 / 64)([layers.Dense(2, name="mean")(x), layers.Dense(2, name="log_variance")(x)])

    decoder = cornu.Sequential(
        [
            cornu.Input((2,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(4 * 4 * 32, activation="relu"),
            layers.Reshape((4, 4, 32)),
            layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ],
        name="decoder",
    )
    return cornu.Model(image, decoder(point)), decoder


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a variational autoencoder on images of digits.")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--output", default="variational_autoencoder.png", help="PNG file for decoded images")
    options = parser.parse_args()

    cornu.utils.set_random_seed(0)
    (images, _), _ = cornu.datasets.digits.load_data()
    images = images[..., None].astype("float32") / 16

    model, decoder = make_models()
    model.compile(cornu.optimizers.Adam(2e-3), "binary_crossentropy")
    model.fit(images, images, batch_size=32, epochs=options.epochs, verbose=2)

    steps = [NormalDist().inv_cdf(fraction) for fraction in np.linspace(0.04, 0.96, 11)]  # equally probable points
    points = np.array([(x, y) for y in steps for x in steps], "float32")
    cornu.plots.image_grid(decoder.predict(points, verbose=0), columns=len(steps), path=options.output)
    print(f"Wrote the plane of digits to {options.output}.")


if __name__ == "__main__":
    main()
