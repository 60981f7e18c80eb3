"""Programs by kinds of data, each with its preprocessing: images, texts, time series, sound, tables, and generated data."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from program import IMAGES, RNG, TOKENS, Program, X, Y, Z

COLORS = RNG.integers(0, 256, (24, 8, 8, 3)).astype("uint8")
WORDS = np.array(["cat", "dog", "fox", "hen", "Owl!", "pig", "rat", "yak"])
TEXTS = np.array([" ".join(WORDS[row % 8]) for row in TOKENS])
WAVES = np.sin(np.linspace(0, 20, 64) * (1 + Y[:, None]) + RNG.uniform(0, 6, (24, 1))).astype("float32")[..., None]
SPECKLES = np.random.default_rng(5).normal(size=IMAGES.shape) / 10
ENTROPY = "sparse_categorical_crossentropy"


class ClassesOfImages(Program):
    """Photographs from bytes to classes; the layers for images are a part of the model."""

    def model(self) -> Any:
        stack = [layers.Resizing(6, 6), layers.Rescaling(1 / 127.5, offset=-1), layers.Conv2D(4, 3, activation="relu")]
        stack += [layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(3, "softmax")]
        return keras.Sequential([keras.Input((8, 8, 3)), *stack])

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), ENTROPY, metrics=["accuracy"])

    def data(self) -> tuple:
        return COLORS, Y


class AugmentedImages(ClassesOfImages):
    """Augmentation, with ranges of one value: its results do not depend on what is drawn."""

    def model(self) -> Any:
        stack = [layers.RandomRotation((0.25, 0.25)), layers.RandomBrightness((0.1, 0.1)), layers.RandomZoom((0.2, 0.2))]
        stack += [layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
        return keras.Sequential([keras.Input((8, 8, 3)), *stack])


class FolderOfImages(ClassesOfImages):
    """``image_dataset_from_directory``, a folder for each class, with a part for validation."""

    def train(self, model: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            for number, (image, label) in enumerate(zip(COLORS, Y, strict=True)):
                (Path(folder) / f"class {label}").mkdir(exist_ok=True)
                keras.utils.save_img(Path(folder) / f"class {label}" / f"{number:02}.png", image, scale=False)
            options = {"image_size": (8, 8), "batch_size": 6, "validation_split": 0.25, "seed": 1, "shuffle": False}
            parts = [
                keras.utils.image_dataset_from_directory(folder, subset=name, **options) for name in ("training", "validation")
            ]
            assert parts[0].class_names == ["class 0", "class 1", "class 2"]
            return model.fit(parts[0], validation_data=parts[1], epochs=2, shuffle=False, verbose=0).history


class Segmentation(Program):
    """A class for each pixel, by a convolution and its transpose."""

    keras_is_wrong_on = ("torch",)  # "grad_input must be contiguous"

    def model(self) -> Any:
        x = keras.Input((6, 6, 1))
        small = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
        large = layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")(small)
        return keras.Model(x, layers.Conv2D(2, 1, activation="softmax")(layers.Concatenate()([large, x])))

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), ENTROPY, metrics=[keras.metrics.MeanIoU(2, sparse_y_pred=False)])

    def data(self) -> tuple:
        return IMAGES, (IMAGES[..., 0] > 0.5).astype("int32")


class ClassesOfTexts(Program):
    """Words to indices by ``TextVectorization``, and an embedding of them."""

    keras_is_wrong_on = ("tensorflow",)  # Adam squares the parts of the gradient of a repeated row separately

    def model(self) -> Any:
        self.words = layers.TextVectorization(max_tokens=8, output_sequence_length=5)
        self.words.adapt(TEXTS)
        stack = [layers.Embedding(8, 4, mask_zero=True), layers.GlobalAveragePooling1D(), layers.Dense(3, "softmax")]
        return keras.Sequential([keras.Input((5,), dtype="int32"), *stack])

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), ENTROPY, metrics=["accuracy"])

    def data(self) -> tuple:
        if not hasattr(self, "words"):
            self.model()
        return keras.ops.convert_to_numpy(self.words(TEXTS)).astype("int32"), Y


class WeightsOfWords(ClassesOfTexts):
    """Texts as rows of tf-idf weights of pairs of words."""

    keras_is_wrong_on = ()

    def model(self) -> Any:
        self.words = layers.TextVectorization(max_tokens=12, ngrams=2, output_mode="tf_idf")
        self.words.adapt(TEXTS)
        return keras.Sequential([keras.Input((12,)), layers.Dense(4, "tanh"), layers.Dense(3, "softmax")])

    def data(self) -> tuple:
        if not hasattr(self, "words"):
            self.model()
        return keras.ops.convert_to_numpy(self.words(TEXTS)), Y


class TableOfMixedColumns(Program):
    """Numbers, bins, names and crossed names of a table, encoded and concatenated."""

    def model(self) -> Any:
        return keras.Sequential([keras.Input((4 + 4 + 5 + 6,)), layers.Dense(5, "relu"), layers.Dense(1)])

    def data(self) -> tuple:
        names, others = WORDS[Y], WORDS[TOKENS[:, 0] % 4]
        normalization, bins = layers.Normalization(), layers.Discretization(num_bins=4, output_mode="one_hot")
        lookup = layers.StringLookup(output_mode="one_hot", max_tokens=5)
        normalization.adapt(X)
        bins.adapt(X[:, :1])
        lookup.adapt(WORDS[:4])
        crossed = layers.HashedCrossing(6, output_mode="one_hot")((names, others))
        columns = [normalization(X), bins(X[:, :1]), lookup(names), crossed]
        return np.concatenate([keras.ops.convert_to_numpy(column).astype("float32") for column in columns], axis=1), Z


class ForecastOfASeries(Program):
    """The next value of a series, from windows of it."""

    def model(self) -> Any:
        return keras.Sequential([keras.Input((6, 4)), layers.LSTM(4), layers.Dense(1)])

    def windows(self) -> Any:
        series = np.cumsum(X, axis=0) / 5
        make = keras.utils.timeseries_dataset_from_array
        return make(series, series[6:, :1], sequence_length=6, batch_size=5)

    def train(self, model: Any) -> Any:
        return model.fit(self.windows(), epochs=2, shuffle=False, verbose=0).history

    def outputs(self, model: Any) -> Any:
        return model.predict(self.windows().map(lambda x, y: x), verbose=0)


class ClassesOfSounds(Program):
    """Tones of three pitches, by convolutions over time."""

    def model(self) -> Any:
        stack = [layers.Conv1D(4, 8, strides=4, activation="relu"), layers.SeparableConv1D(4, 3), layers.RMSNormalization()]
        return keras.Sequential([keras.Input((64, 1)), *stack, layers.GlobalMaxPooling1D(), layers.Dense(3, "softmax")])

    def compile(self, model: Any) -> None:
        loss = keras.losses.CategoricalGeneralizedCrossEntropy(0.6)
        model.compile(keras.optimizers.Lamb(0.02), loss, metrics=["sparse_categorical_accuracy"])

    def data(self) -> tuple:
        return WAVES, Y


class Embeddings(Program):
    """Images near those of their class, by the circle loss."""

    def model(self) -> Any:
        return keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(4), layers.UnitNormalization()])

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.SGD(0.01), keras.losses.Circle(gamma=4.0))

    def data(self) -> tuple:
        return IMAGES, Y


class Denoising(Program):
    """An autoencoder that removes noise from images."""

    def model(self) -> Any:
        down = [layers.Conv2D(4, 3, padding="same", activation="relu"), layers.AveragePooling2D(2)]
        up = [layers.UpSampling2D(2), layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
        return keras.Sequential([keras.Input((6, 6, 1)), *down, *up])

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Ftrl(0.05), "binary_crossentropy", metrics=["mse"])

    def data(self) -> tuple:
        return np.clip(IMAGES + SPECKLES, 0, 1).astype("float32"), IMAGES


class GeneratedText(Program):
    """The next word of each text; then a text is generated word by word."""

    keras_is_wrong_on = ("tensorflow",)  # as for `ClassesOfTexts`

    def model(self) -> Any:
        stack = [layers.Embedding(9, 4), layers.GRU(5, return_sequences=True), layers.Dense(9, "softmax")]
        return keras.Sequential([keras.Input((None,), dtype="int32"), *stack])

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), ENTROPY)

    def data(self) -> tuple:
        return TOKENS[:, :-1].astype("int32"), TOKENS[:, 1:]

    def outputs(self, model: Any) -> Any:
        words = [1, 2]
        for _ in range(4):
            shares = model.predict(np.array([words], "int32"), verbose=0)[0, -1]
            words.append(int(shares.argmax()))
        return [words, shares]


PROGRAMS = [
    *(ClassesOfImages, AugmentedImages, FolderOfImages, Segmentation),
    *(ClassesOfTexts, WeightsOfWords, GeneratedText),
    *(TableOfMixedColumns, ForecastOfASeries, ClassesOfSounds, Embeddings, Denoising),
]
