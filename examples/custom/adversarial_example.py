"""Adversarial examples: small changes of images that mislead a network.

The gradient of the loss with respect to the *image* says how to change each pixel so that the loss
grows. A step of a fixed size along the sign of this gradient misleads a network that is right for
almost all images ("fast gradient sign method"). `cornu.value_and_grad` differentiates with respect
to arrays as well as variables.

Writes adversarial_example.png: images, their changes, and changed images, each with the answer of
the network.

Reference: Goodfellow et al., Explaining and Harnessing Adversarial Examples, https://arxiv.org/abs/1412.6572
"""

import argparse

import numpy as np

import cornu
from cornu import layers, ops


def make_model() -> cornu.Model:
    """Return a small convolutional network; it returns logits, one for each digit."""
    return cornu.Sequential(
        [
            cornu.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPool2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def adversarial(model: cornu.Model, images: np.ndarray, labels: np.ndarray, size: float) -> np.ndarray:
    """Return images changed by `size` in each pixel, in the direction in which the loss grows."""
    loss_fn = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    _, gradient = cornu.value_and_grad(lambda x: loss_fn(labels, model(x, training=False)), ops.array(images))
    return np.clip(images + size * np.sign(ops.convert_to_numpy(gradient)), 0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Mislead a network that classifies digits.")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--output", default="adversarial_example.png", help="PNG file for images and changed images")
    options = parser.parse_args()

    cornu.utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
    x_train, x_test = (images[..., None].astype("float32") / 16 for images in (x_train, x_test))
    model = make_model()
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=options.epochs, verbose=2)

    for size in (0, 0.05, 0.1, 0.15, 0.2):
        changed = adversarial(model, x_test, y_test, size)
        print(f"Pixels changed by {size:4}: accuracy {model.evaluate(changed, y_test, verbose=0)[1]:.1%}")

    changed = adversarial(model, x_test, y_test, 0.15)
    before, after = (model.predict(images, verbose=0).argmax(-1) for images in (x_test, changed))
    shown = np.flatnonzero((before == y_test) & (after != y_test))[:8]
    rows = [x_test[shown], (changed - x_test)[shown] / 0.3 + 0.5, changed[shown]]
    titles = [f"{digit}" for digit in before[shown]] + ["change"] * len(shown) + [f"{digit}?" for digit in after[shown]]
    cornu.plots.image_grid(np.concatenate(rows), titles, columns=len(shown), path=options.output)
    print(f"Wrote images, changes and changed images to {options.output}.")


if __name__ == "__main__":
    main()
