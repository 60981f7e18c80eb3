"""``cornu demo``: build, train, evaluate and save a convolutional network in one command."""

from pathlib import Path

import click

import cornu

_SEED = 1
_EPOCHS = 30


@click.command()
@click.option("--output", default="demo", show_default=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--epochs", default=_EPOCHS, show_default=True, help="Number of training epochs.")
def demo(output: Path, epochs: int) -> None:
    """Train, evaluate and save a network that classifies handwritten digits.

    The data are scikit-learn's 1,797 images of 8 x 8 pixels. Writes OUTPUT/model.keras, learning_curves.png and kernels.png.
    """
    (x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
    cornu.utils.set_random_seed(_SEED)
    model = digits_network()
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1)
    predictions = model.predict(x_test, verbose=0).argmax(axis=-1)
    click.echo(f"\nTest accuracy: {(predictions == y_test).mean():.2%} of {len(y_test)} test images.\n")
    click.echo(cornu.plots.plain_text(cornu.plots.confusion_table(cornu.plots.confusion_counts(y_test, predictions))))
    output.mkdir(parents=True, exist_ok=True)
    model.save(output / "model.keras")
    cornu.plots.learning_curves(history).savefig(output / "learning_curves.png")
    cornu.plots.kernels(model.layers[1]).savefig(output / "kernels.png")
    click.echo(f"\nWritten to {output}/: model.keras, learning_curves.png, kernels.png")


def digits_network() -> "cornu.Model":
    """Return the network of the demo: two convolutional and two dense layers, for 8 x 8 images with values from 0 to 16."""
    layers = cornu.layers
    return cornu.Sequential(
        [
            cornu.Input((8, 8, 1)),
            layers.Rescaling(1 / 16),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPool2D(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
