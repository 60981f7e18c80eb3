"""A generative adversarial network with two optimizers, in one text for JAX, PyTorch and TensorFlow.

Two networks are trained against each other. The generator turns random numbers into images of
digits. The discriminator tells images of the data set from generated ones. A step consists of two
updates:

1. The discriminator learns to answer 1 for images of the data set and 0 for generated images.
2. The generator learns to make images for which the discriminator answers 1.

Each network has its own optimizer, so `fit` cannot use its built-in step. `GAN.train_step`
describes the step with `cornu.value_and_grad(function, variables)`, which returns the value of a
function and its gradients with respect to variables. It works on every engine, and `fit` compiles
the whole step:

    python gan.py                            # JAX
    CORNU_BACKEND=torch python gan.py        # the same with PyTorch; tensorflow likewise

Writes gan.png, a grid of generated digits.

Reference: Goodfellow et al., Generative Adversarial Networks, https://arxiv.org/abs/1406.2661
"""

import argparse

import numpy as np

import cornu
from cornu import layers, ops

LATENT = 16
"""How many random numbers an image is made from."""


def make_generator() -> cornu.Model:
    """Return the network from random numbers to images of 8 x 8 pixels with values between 0 and 1."""
    return cornu.Sequential(
        [
            cornu.Input((LATENT,)),
            layers.Dense(4 * 4 * 32),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Reshape((4, 4, 32)),
            layers.Conv2DTranspose(32, 4, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ],
        name="generator",
    )


def make_discriminator() -> cornu.Model:
    """Return the network from images to one number, the logit of "this image is from the data set"."""
    return cornu.Sequential(
        [
            cornu.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(64, 3, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(1),
        ],
        name="discriminator",
    )


class GAN(cornu.Model):
    """A generator and a discriminator that are trained together."""

    def __init__(self, generator: cornu.Model, discriminator: cornu.Model):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.seed = cornu.random.SeedGenerator(1)  # in an attribute, so that every step draws other values
        self.loss_fn = cornu.losses.BinaryCrossentropy(from_logits=True)

    def compile(self, generator_optimizer: cornu.Optimizer, discriminator_optimizer: cornu.Optimizer) -> None:
        super().compile()
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer

    def train_step(self, data: tuple) -> dict:
        """Update both networks with a batch of images."""
        images = data[0] if isinstance(data, tuple) else data
        count = ops.shape(images)[0]
        noise = cornu.random.normal((count, LATENT), seed=self.seed)
        generated = self.generator(noise, training=True)

        def discriminator_loss():
            real_logits = self.discriminator(images, training=True)
            fake_logits = self.discriminator(generated, training=True)
            real_loss = self.loss_fn(0.9 * ops.ones((count, 1)), real_logits)  # 0.9: not too sure
            return real_loss + self.loss_fn(ops.zeros((count, 1)), fake_logits)

        def generator_loss():
            fake_logits = self.discriminator(self.generator(noise, training=True), training=True)
            return self.loss_fn(ops.ones((count, 1)), fake_logits)

        variables = self.discriminator.trainable_variables
        d_loss, gradients = cornu.value_and_grad(discriminator_loss, variables)
        self.discriminator_optimizer.apply(gradients, variables)

        variables = self.generator.trainable_variables
        g_loss, gradients = cornu.value_and_grad(generator_loss, variables)
        self.generator_optimizer.apply(gradients, variables)
        return {"discriminator": d_loss, "generator": g_loss}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a GAN on images of digits.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--output", default="gan.png", help="PNG file for generated images")
    options = parser.parse_args()

    cornu.utils.set_random_seed(0)
    (images, _), _ = cornu.datasets.digits.load_data()
    images = images[..., None].astype("float32") / 16

    model = GAN(make_generator(), make_discriminator())
    adam = {"learning_rate": 1e-3, "beta_1": 0.5}
    model.compile(cornu.optimizers.Adam(**adam), cornu.optimizers.Adam(**adam))
    model.fit(images, batch_size=64, epochs=options.epochs, verbose=2)

    noise = np.random.default_rng(1).normal(size=(60, LATENT)).astype("float32")
    generated = model.generator.predict(noise, verbose=0)
    cornu.plots.image_grid(generated, columns=12, path=options.output)
    print(f"Wrote generated digits to {options.output}.")


if __name__ == "__main__":
    main()
