"""``cornu demo``: a convolutional network from nothing to a judged and saved model, in one command."""

from pathlib import Path

import click

import cornu

_SEED = 1
_EPOCHS = 30


@click.command()
@click.option("--output", default="demo", show_default=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--epochs", default=_EPOCHS, show_default=True, help="How often to go through the training pictures.")
def demo(output: Path, epochs: int) -> None:
    """Train a network on handwritten digits, judge it and save it.

    The data are scikit-learn's 1,797 pictures of 8 x 8 pixels. Writes OUTPUT/model.keras, learning_curves.png and kernels.png.
    """
    (x_train, y_train), (x_test, y_test) = cornu.datasets.digits.load_data()
    cornu.utils.set_random_seed(_SEED)
    model = digits_network()
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1)
    answers = model.predict(x_test, verbose=0).argmax(axis=-1)
    click.echo(f"\nTest accuracy: {(answers == y_test).mean():.2%} of {len(y_test)} pictures the network has never seen.\n")
    click.echo(cornu.plots.plain_text(cornu.plots.confusion_table(cornu.plots.confusion_counts(y_test, answers))))
    output.mkdir(parents=True, exist_ok=True)
    model.save(output / "model.keras")
    cornu.plots.learning_curves(history).savefig(output / "learning_curves.png")
    cornu.plots.kernels(model.layers[1]).savefig(output / "kernels.png")
    click.echo(f"\nWritten to {output}/: model.keras, learning_curves.png, kernels.png")


def digits_network() -> "cornu.Model":
    """The network of the demo: two convolutions and two dense layers, for pictures of 8 x 8 pixels with values from 0 to 16."""
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
