"""Everyday mistakes, and the whole text that each of them gets, or what is done silently because it is what was meant.

``docs/mistakes.py`` writes this table as a page.
"""

import importlib.util
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import CornuError


class Mistake(NamedTuple):
    """Code with a mistake, and what comes of it.

    Attributes:
        code: The code, which runs after ``PROLOG``.
        kind: Name of the error, ``"UserWarning"``, or ``"right"`` if nothing is said.
        text: The whole text; or, in words, what is right about what is done, which asserts in the code check.
    """

    code: str
    kind: str
    text: str


PROLOG = """
rng = np.random.default_rng(0)
x = rng.normal(size=(32, 4)).astype("float32")
y = rng.integers(0, 3, 32)
images = rng.uniform(size=(32, 8, 8, 3)).astype("float32")

def network(units=3, activation="softmax", loss="sparse_categorical_crossentropy", **arguments):
    inner = [layers.Dense(5, "relu", name="hidden"), layers.Dense(units, activation, name="out")]
    model = keras.Sequential([keras.Input((4,)), *inner], name="network")
    model.compile("adam", loss, **arguments)
    return model

def image_network(*last):
    inner = [layers.Conv2D(4, 3, name="conv"), *last, layers.Dense(3, "softmax", name="out")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *inner])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model

def word_network():
    model = keras.Sequential([keras.Input((3,)), layers.Embedding(10, 2, name="words"), layers.GlobalAveragePooling1D()])
    model.compile("adam", "mse")
    return model

def batches(count):
    for _ in range(count):
        yield x[:8], y[:8]

class Scale(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor
"""
"""What the code of the mistakes uses; ``keras`` is Cornu."""

MISTAKES: dict[str, dict[str, Mistake]] = {
    "Shapes of the data": {
        "too few columns": Mistake(
            "network().fit(x[:, :3], y)",
            "ShapeError",
            (
                "`fit`: the samples in `x` are 3 values, and this model was built for 4 values (layer 1, `hidden`, "
                "expects 4 features). Check how `x` was created, or build the model with `Input((3,))`."
            ),
        ),
        "channels first": Mistake(
            "image_network(layers.Flatten()).fit(images.transpose(0, 3, 1, 2), y)",
            "ShapeError",
            (
                "`fit`: the images in `x` are 3 x 8 x 8, and this model was built for 8 x 8 x 3 (layer 1, `conv`, "
                "expects 3 channels). Move the channels to the last axis: `np.moveaxis(x, 1, -1)`."
            ),
        ),
        "gray images without a channel axis": Mistake(
            "image_network(layers.Flatten()).fit(images[..., 0], y)",
            "ShapeError",
            (
                "`fit`: the images in `x` are 8 x 8, and this model was built for 8 x 8 x 3. Add the channel axis, 3 "
                "times: `np.repeat(x[..., None], 3, axis=-1)`."
            ),
        ),
        "one image without a batch axis": Mistake(
            "image_network(layers.Flatten()).predict(images[0])",
            "ShapeError",
            (
                "`predict`: the images in `x` are 8 x 3, and this model was built for 8 x 8 x 3. If it is a single "
                "sample, add the batch axis: `x[None]`."
            ),
        ),
        "one row without a batch axis": Mistake(
            "network().predict(x[0])",
            "ShapeError",
            (
                "`predict`: the samples in `x` are single values, and this model was built for 4 values. If it is a "
                "single sample, add the batch axis: `x[None]`."
            ),
        ),
        "x and y in the wrong order": Mistake(
            "network().fit(y, x)",
            "ShapeError",
            (
                "`fit`: the samples in `x` are single values, and this model was built for 4 values. Pass an array of"
                " shape (samples, 4), and check the order of `x` and `y`."
            ),
        ),
        "arrays of different lengths": Mistake(
            "network().fit(x, y[:30])",
            "DataError",
            (
                "`fit` received 32 rows in `x` and 30 rows in `y`. They must have the same number of rows, one for "
                "each sample. Check how the arrays were created or sliced."
            ),
        ),
        "rows of different lengths": Mistake(
            "network().fit([[1.0, 2, 3, 4], [1.0, 2]], y[:2])",
            "DataError",
            (
                "`fit` received `x` as rows of different lengths. All samples must have the same shape. Truncate or "
                "pad them to the same length."
            ),
        ),
        "no data": Mistake(
            "network().fit(x[:0], y[:0])",
            "DataError",
            "`fit` received no samples. At least one sample is required. Check how the data was loaded.",
        ),
        "a batch larger than the data": Mistake(
            ('history = network().fit(x, y, batch_size=1000, verbose=0)\nassert np.isfinite(history.history["loss"]).all()'),
            "right",
            "one batch of all samples",
        ),
        "a batch of 0": Mistake(
            "network().fit(x, y, batch_size=0)",
            "InvalidArgumentError",
            (
                "`fit` received `batch_size=0`. It must be an integer greater than or equal to 1. Pass, for example, "
                "`batch_size=32`, or check the order of the arguments."
            ),
        ),
        "labels of shape (n, 1) with the sparse loss": Mistake(
            ("model = network()\nassert np.isclose(model.evaluate(x, y[:, None], verbose=0), model.evaluate(x, y, verbose=0))"),
            "right",
            "the same loss as with labels of shape (n,)",
        ),
        "labels of shape (n,) with one unit": Mistake(
            (
                'model = network(1, None, "mse")\n'
                "expected = np.mean((model.predict(x, verbose=0)[:, 0] - x[:, 0]) ** 2)\n"
                "assert np.isclose(model.evaluate(x, x[:, 0], verbose=0), expected)"
            ),
            "right",
            "the loss of corresponding labels and predictions, not of all pairs",
        ),
        "labels of shape (n, 1) with two units": Mistake(
            'network(2, None, "mse").fit(x, x[:, :1])',
            "ShapeError",
            (
                "`fit`: the labels in `y` are 1 value, and the output 'out' is 2 values: the loss 'mse' compares them"
                " element by element. Use 1 unit in the last layer, or check how `y` was created."
            ),
        ),
    },
    "Types and values of the data": {
        "NaN in the data": Mistake(
            ("x[3, 1] = np.nan\nnetwork().fit(x, y)"),
            "NonFiniteError",
            (
                "`fit`: `x` contains a value that is NaN or infinite, in sample 3, at [1]. All values must be finite."
                " Clean the data, for example with `np.nan_to_num(x)`, or remove these samples."
            ),
        ),
        "NaN in the labels": Mistake(
            ('target = x[:, 0].copy()\ntarget[3] = np.nan\nnetwork(1, None, "mse").fit(x, target)'),
            "NonFiniteError",
            (
                "`fit`: `y` contains a value that is NaN or infinite, in sample 3. All values must be finite. Clean "
                "the data, for example with `np.nan_to_num(y)`, or remove these samples."
            ),
        ),
        "pixels from 0 to 255": Mistake(
            "image_network(layers.Flatten()).fit(images * 255, y, verbose=0)",
            "UserWarning",
            (
                "`fit`: the values in `x` range from 0.0275417 to 254.999, and the model does not scale them. "
                "Training on such large values works poorly. Divide by 255 (`x / 255`) here and wherever the model is"
                " used, or start the model with `Rescaling(1 / 255)`."
            ),
        ),
        "a table with a column of strings": Mistake(
            ('table = pandas.DataFrame({"a": [1, 2], "b": ["u", "v"], "c": [1, 2], "d": [3, 4]})\nnetwork().fit(table, y[:2])'),
            "DataError",
            (
                "`fit` received `x` with the dtype object. Data must be real numbers. Convert its columns of strings "
                "to numbers, such as with `pandas.get_dummies(x)`."
            ),
        ),
        "words where a network expects numbers": Mistake(
            'network().fit(np.array([["a", "b", "c", "d"]]), y[:1])',
            "DataError",
            (
                "`fit` received `x` with the dtype string. Data must be real numbers. Convert strings to numbers "
                "first, such as words to indices with `TextVectorization`, or files to images."
            ),
        ),
        "complex numbers": Mistake(
            'network().fit(x.astype("complex64"), y)',
            "DataError",
            (
                "`fit` received `x` with the dtype complex64. Data must be real numbers. Pass real and imaginary "
                "parts as two values: `np.stack([x.real, x.imag], axis=-1)`."
            ),
        ),
        "lists instead of arrays": Mistake(
            "network().fit(x.tolist(), y.tolist(), verbose=0)",
            "right",
            "lists of numbers are converted to arrays",
        ),
        "an index beyond the vocabulary": Mistake(
            "word_network().fit(np.full((8, 3), 10), np.zeros((8, 2)))",
            "DataError",
            (
                "`fit`: `x` contains the value 10 in sample 0, at [0]. The layer 'words' (`Embedding`) accepts the "
                "integers from 0 to 9. Extend it to 11 indices (`input_dim=11` of an `Embedding`), or replace rare "
                "words by one index."
            ),
        ),
        "words numbered from -1": Mistake(
            "word_network().fit(np.full((8, 3), -1), np.zeros((8, 2)))",
            "DataError",
            (
                "`fit`: `x` contains the value -1 in sample 0, at [0]. The layer 'words' (`Embedding`) accepts the "
                "integers from 0 to 9. Number the words from 0, or from 1 if 0 is padding."
            ),
        ),
    },
    "Labels and losses": {
        "labels from 1": Mistake(
            "network().fit(x, np.arange(32) % 3 + 1)",
            "DataError",
            (
                "`fit`: `y` contains the label 3 in sample 2; 10 of 32 labels are out of range. The output 'out' has "
                "3 units, so labels range from 0 to 2. The labels start at 1: subtract 1, `y - 1`."
            ),
        ),
        "labels that are strings": Mistake(
            'network().fit(x, np.array(["cat", "dog", "fox"])[y])',
            "DataError",
            (
                "`fit` received `y` with the dtype <U3. Data must be real numbers. Convert names to class indices: "
                "`names, y = np.unique(y, return_inverse=True)`."
            ),
        ),
        "one-hot labels with the sparse loss": Mistake(
            "network().fit(x, np.eye(3)[y])",
            "ShapeError",
            (
                "`fit`: `y` has 3 columns, one for each class. The loss 'sparse_categorical_crossentropy' expects the"
                " class index instead: an integer from 0 to 2. Use `loss='categorical_crossentropy'`, or "
                "`y.argmax(axis=-1)`."
            ),
        ),
        "class indices with the loss of one-hot labels": Mistake(
            'network(loss="categorical_crossentropy").fit(x, y)',
            "ShapeError",
            (
                "`fit`: the labels in `y` are single values, and the output 'out' is 3 values: the loss "
                "'categorical_crossentropy' compares them element by element. If they are class indices, use "
                "`loss='sparse_categorical_crossentropy'`, or `y = cornu.utils.to_categorical(y, 3)`."
            ),
        ),
        "two softmaxes": Mistake(
            ("loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)\nnetwork(loss=loss).fit(x, y, verbose=0)"),
            "UserWarning",
            (
                "`fit`: the output 'out' has the activation 'softmax', and the loss 'sparse_categorical_crossentropy'"
                " with `from_logits=True` applies softmax again. Omit `from_logits=True`, or the activation."
            ),
        ),
        "no sigmoid": Mistake(
            'network(1, None, "binary_crossentropy").fit(x, y % 2, verbose=0)',
            "UserWarning",
            (
                "`fit`: the output 'out' has the activation 'linear', and the loss 'binary_crossentropy' expects "
                "probabilities. Use `activation='sigmoid'`, or pass `from_logits=True` to the loss."
            ),
        ),
        "tanh in the last layer": Mistake(
            'network(1, "tanh", "binary_crossentropy").fit(x, y % 2, verbose=0)',
            "UserWarning",
            (
                "`fit`: the output 'out' has the activation 'tanh', and the loss 'binary_crossentropy' expects "
                "probabilities. Use `activation='sigmoid'`, or pass `from_logits=True` to the loss."
            ),
        ),
        "softmax of one unit": Mistake(
            'network(1, "softmax", "binary_crossentropy").fit(x, y % 2)',
            "InvalidArgumentError",
            (
                "`fit`: the output 'out' has one unit with softmax. The softmax of a single unit is always 1, so "
                "nothing can be learned. For two classes, use `Dense(1, activation='sigmoid')` with "
                "`loss='binary_crossentropy'`; else one unit per class."
            ),
        ),
        "sigmoid with the loss of several classes": Mistake(
            'network(3, "sigmoid", "categorical_crossentropy").fit(x, np.eye(3)[y], verbose=0)',
            "UserWarning",
            (
                "`fit`: the output 'out' has the activation 'sigmoid', and the loss 'categorical_crossentropy' "
                "expects probabilities that sum to 1. Use `activation='softmax'`, or `loss='binary_crossentropy'` if "
                "a sample may belong to several classes."
            ),
        ),
        "one unit with the loss of several classes": Mistake(
            'network(1, "sigmoid", "categorical_crossentropy").fit(x, y % 2)',
            "ShapeError",
            (
                "`categorical_crossentropy` received `y_pred` of shape (32, 1). It requires at least "
                "two classes; for one class it is always 0. Use `binary_crossentropy` for binary labels, or give the "
                "last layer one unit per class."
            ),
        ),
        "two sigmoid units for two classes": Mistake(
            'network(2, "sigmoid", "binary_crossentropy").fit(x, y % 2)',
            "ShapeError",
            (
                "`fit`: `y` contains one class index per sample, and the output 'out' has two units with sigmoid. "
                "Sigmoid treats each unit independently, so two units are two separate binary outputs. For two "
                "classes, use `Dense(1, activation='sigmoid')` with `loss='binary_crossentropy'`, or `Dense(2, "
                "activation='softmax')` with `loss='sparse_categorical_crossentropy'`."
            ),
        ),
        "labels of -1 and 1": Mistake(
            'network(1, "sigmoid", "binary_crossentropy").fit(x, np.sign(x[:, 0]))',
            "DataError",
            (
                "`fit`: `y` contains -1 in sample 1; 18 of 32 labels are out of range. The loss 'binary_crossentropy'"
                " expects values of 0 and 1, or probabilities between them. Map labels of -1 and 1 to 0 and 1, `(y + "
                "1) / 2`, or use `loss='hinge'`."
            ),
        ),
        "a forgotten Flatten": Mistake(
            "image_network().fit(images, y)",
            "ShapeError",
            (
                "`fit`: the labels in `y` are single values, and the output 'out' is 6 x 6 x 3: the loss "
                "'sparse_categorical_crossentropy' expects labels of 6 x 6. Pass `y` with one class index for each "
                "position of the output, or put a `Flatten` or a global pooling layer before the last layer."
            ),
        ),
        "a validation_split that leaves out a class": Mistake(
            "network().fit(x, np.repeat([0, 1, 2, 2], 8), validation_split=0.5, verbose=0)",
            "UserWarning",
            (
                "`fit`: `validation_split` takes the last 16 samples, and `y` contains the label 2 only there. If "
                "these are classes, shuffle the samples first: `order = np.random.permutation(len(x)); x, y = "
                "x[order], y[order]`."
            ),
        ),
        "a class without a class_weight": Mistake(
            ('model = network()\nassert np.isfinite(model.fit(x, y, class_weight={0: 2.0}, verbose=0).history["loss"]).all()'),
            "right",
            "the weight of the class is 1, as in Keras",
        ),
        "labels for one of two outputs": Mistake(
            (
                "inputs = keras.Input((4,))\n"
                'model = keras.Model(inputs, [layers.Dense(1, name="a")(inputs), layers.Dense(1, name="b")(inputs)])\n'
                'model.compile("adam", "mse")\n'
                "model.fit(x, x[:, 0])"
            ),
            "DataError",
            (
                "`fit` received `y` as one array. The model has 2 outputs, ['a', 'b']. Pass a list or a dict with one"
                " array for each."
            ),
        ),
    },
    "Generators and data sets": {
        "a generator that ends early": Mistake(
            "network().fit(batches(2), steps_per_epoch=3, verbose=0)",
            "UserWarning",
            (
                "The data ended after 2 of the 3 requested batches. Provide more batches, or request fewer "
                "(`steps_per_epoch`, `validation_steps` or `steps`)."
            ),
        ),
        "a generator that ends before the last epoch": Mistake(
            "network().fit(batches(2), epochs=2, verbose=0)",
            "UserWarning",
            (
                "`fit`: the data ended after 1 of 2 epochs, so training stops: an iterator can be iterated over only "
                "once. Pass an infinite iterator with `steps_per_epoch`, or an iterable that can be iterated over "
                "repeatedly, such as a list."
            ),
        ),
        "a generator without batches": Mistake(
            "network().fit(batches(0))",
            "DataError",
            (
                "The data yielded no batches. At least one batch is required. Check the generator or list; an "
                "exhausted generator must be created again."
            ),
        ),
        "a data set that is not batched": Mistake(
            "network().fit(tf.data.Dataset.from_tensor_slices((x, y)))",
            "DataError",
            (
                "`fit` (batch 1) received `y` as a scalar. It must be an array whose first axis is the batch axis. If"
                " a data set yields single samples, batch it: `dataset.batch(32)`."
            ),
        ),
        "a data set that is batched twice": Mistake(
            (
                'data = keras.utils.timeseries_dataset_from_array(x[:, 0], y, 3, batch_size=4, format="cornu")\n'
                "network().fit(data.batch(2))"
            ),
            "ShapeError",
            (
                "`fit` (batch 1): the samples in `x` are 4 x 3, and this model was built for 4 values. Check how `x` "
                "was created, or build the model with `Input((4, 3))`."
            ),
        ),
        "validation_split of a data set": Mistake(
            "network().fit(batches(3), validation_split=0.2)",
            "DataError",
            (
                "`fit` received validation_split=0.2 together with an `x` that yields batches. `validation_split` is "
                "supported for arrays only. Pass the data for validation as `validation_data`."
            ),
        ),
        "validation_data without labels": Mistake(
            "network().fit(x, y, validation_data=x)",
            "DataError",
            (
                "`fit` (validation_data) received no `y`. The loss 'sparse_categorical_crossentropy' compares the "
                "output 'out' with it. Pass the labels as `y`, or yield `(x, y)` from an iterable of batches."
            ),
        ),
        "a folder that is not there": Mistake(
            'keras.utils.image_dataset_from_directory("photos")',
            "MissingFileError",
            (
                "There is no folder `photos`. It must be the folder that contains the files, or a subfolder for each "
                "class. Check the path; the current folder is `<folder>`."
            ),
        ),
    },
    "Compiling and training": {
        "fit without compile": Mistake(
            "keras.Sequential([keras.Input((4,)), layers.Dense(3)]).fit(x, y)",
            "NotBuiltError",
            (
                "`fit` was called on a model that is not compiled. It requires an optimizer and a loss. Call "
                "`model.compile(optimizer='adam', loss=...)` first."
            ),
        ),
        "compile without a loss": Mistake(
            "network(loss=None).fit(x, y)",
            "InvalidArgumentError",
            (
                "`fit` was called on a model that has no loss. Training requires a loss: `compile` received none, and"
                " no layer adds one. Pass one, such as `model.compile(optimizer='adam', loss='mse')`."
            ),
        ),
        "a misspelled loss": Mistake(
            'network(loss="sparse_categorical_crossentropie").fit(x, y)',
            "InvalidArgumentError",
            (
                "'sparse_categorical_crossentropie' was received. None of the losses has this name. Did you mean "
                "'sparse_categorical_crossentropy'? For a custom object, pass the object itself, or "
                "`custom_objects={...}` when loading."
            ),
        ),
        "a misspelled metric": Mistake(
            'network(metrics=["acuracy"]).fit(x, y)',
            "InvalidArgumentError",
            (
                "'acuracy' was received. None of the metrics has this name. Did you mean 'accuracy'? For a custom "
                "object, pass the object itself, or `custom_objects={...}` when loading."
            ),
        ),
        "a misspelled optimizer": Mistake(
            'keras.Sequential([layers.Dense(2)]).compile("adm", "mse")',
            "InvalidArgumentError",
            (
                "'adm' was received. None of the optimizers has this name. Did you mean 'adam'? For a custom object, "
                "pass the object itself, or `custom_objects={...}` when loading."
            ),
        ),
        "a learning rate that is a string": Mistake(
            'keras.optimizers.Adam(learning_rate="0.001")',
            "InvalidTypeError",
            (
                "`Adam` received `learning_rate='0.001'`. It must be a number, or a schedule from "
                "`cornu.optimizers.schedules`, or a function without arguments. For a function of the epoch, use the "
                "callback `LearningRateScheduler`."
            ),
        ),
        "the old name of the learning rate": Mistake(
            "keras.optimizers.Adam(lr=0.001)",
            "InvalidArgumentError",
            "`Adam` received an argument `lr`. It has no argument of this name. Did you mean 'learning_rate'?",
        ),
        "a learning rate that is far too large": Mistake(
            (
                'model = keras.Sequential([keras.Input((4,)), layers.Dense(1, name="out")])\n'
                'model.compile(keras.optimizers.SGD(1e30), "mse")\n'
                "model.fit(x * 0 + 100, x[:, 0] * 0 + 1, epochs=3, verbose=0)"
            ),
            "NonFiniteError",
            (
                "`fit`: step 2 resulted in a loss or a weight that is NaN or infinite: the outputs were finite, so "
                "the loss or its gradient was not. The learning rate is 1e+30; the inputs of the batch are between "
                "100 and 100. Lower the learning rate or scale the inputs. The model has the weights from before that"
                " step."
            ),
        ),
        "everything frozen": Mistake(
            (
                "model = network()\n"
                "model.trainable = False\n"
                'model.compile("adam", "sparse_categorical_crossentropy")\n'
                "model.fit(x, y, verbose=0)"
            ),
            "UserWarning",
            (
                "`fit`: the model 'network' has no trainable weights, so it learns nothing. If layers were frozen, "
                "set `layer.trainable = True` for those to train, and call `compile` again."
            ),
        ),
        "epochs that are no integer": Mistake(
            "network().fit(x, y, epochs=1.5)",
            "InvalidArgumentError",
            (
                "`fit` received `epochs=1.5`. It must be an integer greater than or equal to 0. Pass, for example, "
                "`epochs=10`, or check the order of the arguments."
            ),
        ),
        "a class instead of a callback": Mistake(
            "network().fit(x, y, callbacks=[keras.callbacks.EarlyStopping])",
            "InvalidTypeError",
            (
                "`callbacks` contains <class 'cornu.callbacks.early_stopping.EarlyStopping'>. Callbacks must be "
                "instances of a subclass of `cornu.callbacks.Callback`. Pass an instance: `EarlyStopping()`."
            ),
        ),
        "early stopping without validation data": Mistake(
            'network().fit(x, y, callbacks=[keras.callbacks.EarlyStopping("val_loss")], verbose=0)',
            "UserWarning",
            (
                "`EarlyStopping`: 'val_loss' is not in the logs, which contain loss; training will not end early. "
                "Pass `validation_data` or `validation_split` to `fit`, or monitor a training value."
            ),
        ),
        "a misspelled monitor": Mistake(
            (
                'callback = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_acuracy", mode="max", '
                "save_best_only=True)\n"
                "network().fit(x, y, validation_split=0.2, callbacks=[callback], verbose=0)"
            ),
            "UserWarning",
            (
                "`ModelCheckpoint`: 'val_acuracy' is not in the logs, which contain loss, val_loss; the model is "
                "saved regardless."
            ),
        ),
        "fit before the model has a shape": Mistake(
            (
                'model = keras.Sequential([layers.Dense(3, "softmax")])\n'
                'model.compile("adam", "sparse_categorical_crossentropy")\n'
                "model.fit(x, y, verbose=0)\n"
                "assert model.weights[0].shape == (4, 3)"
            ),
            "right",
            "the model is built for the shape of the data",
        ),
    },
    "Building models": {
        "a misspelled argument": Mistake(
            'layers.Dense(3, activaton="relu")',
            "InvalidTypeError",
            (
                "`Dense` received an unknown argument `activaton`. Its arguments are units, activation, use_bias, "
                "kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, "
                "kernel_constraint, bias_constraint, lora_rank, lora_alpha, trainable, dtype, name, autocast, "
                "input_shape, input_dim, batch_size, batch_input_shape. Did you mean 'activation'?"
            ),
        ),
        "a misspelled activation": Mistake(
            'layers.Dense(3, activation="rellu")',
            "InvalidArgumentError",
            (
                "'rellu' was received. None of the activations has this name. Did you mean 'relu'? For a custom "
                "object, pass the object itself, or `custom_objects={...}` when loading."
            ),
        ),
        "units that are no integer": Mistake(
            "layers.Dense(3.5)",
            "InvalidArgumentError",
            (
                "`Dense` received `units=3.5`. It must be an integer greater than or equal to 1. Pass, for example, "
                "`units=1`, or check the order of the arguments."
            ),
        ),
        "dropout in percent": Mistake(
            "layers.Dropout(50)",
            "InvalidArgumentError",
            (
                "`Dropout` received `rate=50`. It must be in [0, 1): it is the fraction of the values to drop, and 1 "
                "would drop all of them. For 50 percent, pass `rate=0.5`."
            ),
        ),
        "layers without a list": Mistake(
            "keras.Sequential(layers.Dense(2), layers.Dense(3))",
            "InvalidTypeError",
            (
                "`Sequential` received <Dense name=dense, built=False>. `layers` must be a list of layers. Pass the"
                " layer in a list: `Sequential([layer])`."
            ),
        ),
        "a class instead of a layer": Mistake(
            "keras.Sequential([layers.Dense])",
            "InvalidTypeError",
            (
                "`Sequential` received <class 'cornu.layers.basic.dense.Dense'>. Each element must be a layer. Pass a"
                " layer, or wrap a function in `layers.Lambda`."
            ),
        ),
        "a layer that was not called": Mistake(
            'keras.Model(keras.Input((3,)), layers.Dense(2, name="out"))',
            "InvalidTypeError",
            (
                "`Model` received outputs=<Dense name=out, built=False>. Inputs and outputs must be symbolic tensors,"
                " returned by `cornu.Input` and by layers called on them. Write `x = cornu.Input((28, 28, 1)); y = "
                "layer(x); cornu.Model(x, y)`."
            ),
        ),
        "an input that is not connected": Mistake(
            'keras.Model(keras.Input((3,), name="a"), layers.Dense(2)(keras.Input((3,), name="b")))',
            "InvalidTypeError",
            "The outputs depend on the input 'b'. It is not among the model's inputs ['a']. Add it to `inputs`.",
        ),
        "Dense on an unknown size": Mistake(
            'layers.Dense(2, name="dense")(keras.Input((None,)))',
            "ShapeError",
            (
                "The layer 'dense' received an input of shape (None, None). The size of the last axis must be known, "
                "since the weights depend on it. Specify this size in the input shape of the model, for example "
                "`cornu.Input((28, 28, 1))`."
            ),
        ),
        "Conv2D on rows": Mistake(
            'layers.Conv2D(2, 3, name="conv")(keras.Input((30,)))',
            "ShapeError",
            (
                "The layer 'conv' received an input of shape (None, 30). It needs 4 dimensions (batch, height, width,"
                " channels). Reshape the input, or use the layer for inputs of this rank."
            ),
        ),
        "a kernel larger than the image": Mistake(
            'layers.Conv2D(2, 9, name="conv")(keras.Input((8, 8, 3)))',
            "ShapeError",
            (
                "The layer 'conv' received inputs with spatial size 8 x 8. Its window of 9 x 9 must fit into the "
                "input, since `padding='valid'`. Use `padding='same'`, a smaller window, larger inputs, or fewer "
                "downsampling layers before this one."
            ),
        ),
        "LSTM without return_sequences": Mistake(
            'layers.LSTM(2, name="second")(layers.LSTM(2)(keras.Input((3, 4))))',
            "ShapeError",
            (
                "The layer 'second' received an input of shape (None, 2). It needs 3 dimensions (batch, steps, "
                "features). Add the feature axis, `x[..., None]`; for a single sequence, the batch axis, `x[None]`; "
                "after a recurrent layer, set `return_sequences=True` there."
            ),
        ),
        "shapes that cannot be added": Mistake(
            'layers.Add(name="add")([keras.Input((3,)), keras.Input((4,))])',
            "ShapeError",
            (
                "The layer 'add' received inputs of shapes (None, 3), (None, 4). They must have the same shape, or "
                "sizes of 1, which are broadcast. Match the shapes first: channels by a 1 x 1 `Conv2D`, sizes by "
                "`Cropping2D` or `UpSampling2D`."
            ),
        ),
        "Reshape to another size": Mistake(
            'layers.Reshape((5, 5), name="reshape")(keras.Input((24,)))',
            "ShapeError",
            (
                "The layer 'reshape' received an input of shape (None, 24). Its samples have 24 elements, but "
                "`target_shape=(5, 5)` needs 25. Change `target_shape`, or use -1 for one of its sizes."
            ),
        ),
        "attention without values": Mistake(
            'layers.MultiHeadAttention(2, 2, name="attention")(keras.Input((3, 4)))',
            "InvalidTypeError",
            (
                "The layer 'attention' cannot be called like this: missing a required argument: 'value'. It requires "
                "`query` and `value`. Write `layer(query=..., value=...)`."
            ),
        ),
        "a function of NumPy in a model": Mistake(
            'np.log(keras.Input((3,), name="a"))',
            "InvalidTypeError",
            (
                "A symbolic tensor (a, shape (None, 3)) was passed to a function that needs values. It represents an "
                "array that is not available yet; only layers and `cornu.ops` accept it. Use the function of the same"
                " name in `cornu.ops`, or move the code into the `call` of a layer."
            ),
        ),
        "if on a symbolic tensor": Mistake(
            ('if keras.Input((3,), name="a"):\n    pass'),
            "InvalidTypeError",
            (
                "The truth value of a symbolic tensor (a) was requested. Its value is known only when the model runs."
                " Use `cornu.ops.where` or `cornu.ops.cond` instead of `if`."
            ),
        ),
        "a vocabulary that was not learned": Mistake(
            'layers.TextVectorization()(["a b"])',
            "NotBuiltError",
            (
                "The layer 'text_vectorization' was called before it had a vocabulary. `TextVectorization` needs one to know "
                "the indices of tokens. Call `adapt(data)` on the training data first, or pass `vocabulary`."
            ),
        ),
        "a layer of another name": Mistake(
            'network().get_layer("hiden")',
            "InvalidArgumentError",
            (
                "`get_layer` of 'network' received name='hiden'. The model's layers are ['hidden', 'out']. Did you "
                "mean 'hidden'?"
            ),
        ),
    },
    "Saving and loading": {
        "a file that is not there": Mistake(
            'keras.models.load_model("model.keras")',
            "MissingFileError",
            "'model.keras' cannot be read. There is no such file. Check the path; the working directory is '<folder>'.",
        ),
        "weights of another model": Mistake(
            ('network(2).save_weights("a.weights.h5")\nmodel = network(3)\nmodel.load_weights("a.weights.h5")'),
            "ModelFormatError",
            (
                "'a.weights.h5' does not match the model 'network'; 1 of 4 groups differ:\n"
                "  path (layer)          file                          model\n"
                "  layers/dense_1 (out)  (5, 2) float32, (2,) float32  (5, 3) float32, (3,) float32\n"
                " The arrays of each layer must have the shapes of its variables. Build the model as it was saved, or"
                " pass `skip_mismatch=True` to `load_weights`. The model has not been changed."
            ),
        ),
        "a name without an ending": Mistake(
            'network().save("model")',
            "InvalidArgumentError",
            (
                "`save` received filepath='model'. The name of a model file must end in `.keras`, Keras's format "
                "(recommended), or in `.h5`. Pass 'model.keras', or use `model.export(filepath)` for a SavedModel or "
                "ONNX."
            ),
        ),
        "weights of a model without a shape": Mistake(
            'keras.Sequential([layers.Dense(3)], name="model").save_weights("a.weights.h5")',
            "NotBuiltError",
            (
                "`save_weights` was called on the model 'model', which is not built. The model must have weights. "
                "Call it on data, call `model.build((None, ...))` with its input shape, or add a "
                "`cornu.Input(shape)`."
            ),
        ),
        "a custom layer that loading does not know": Mistake(
            (
                'keras.Sequential([keras.Input((4,)), Scale(2.0)], name="model").save("a.keras")\n'
                'keras.models.load_model("a.keras")'
            ),
            "UnsafeModelError",
            (
                "In 'model' (None): In 'scale' (Scale): The config names 'Scale'. It is not one of the layers that a "
                "config may name. Did you mean 'LayerScale'? If it is a custom object, pass `custom_objects={'Scale': ...}` or "
                "register it with `register_keras_serializable`."
            ),
        ),
        "a custom layer without get_config": Mistake(
            (
                'keras.Sequential([keras.Input((4,)), Scale(2.0)]).save("a.keras")\n'
                'model = keras.models.load_model("a.keras", custom_objects={"Scale": Scale})\n'
                "assert model.layers[0].factor == 2.0"
            ),
            "right",
            "the arguments of the constructor are recorded, so the layer is restored",
        ),
        "classes numbered from 1 in to_categorical": Mistake(
            "keras.utils.to_categorical([1, 2, 3], 3)",
            "InvalidArgumentError",
            (
                "`to_categorical` received values from 1 to 3 for 3 classes. They must be integers from 0 to 2. Pass "
                "a larger `num_classes`, or number the classes from 0."
            ),
        ),
    },
}

CASES = {f"{area}: {name}": mistake for area, mistakes in MISTAKES.items() for name, mistake in mistakes.items()}


def outcome(code: str) -> tuple[str, str]:
    """Run code after ``PROLOG`` and return the kind and the text of what it says; of several warnings the texts in lines."""
    names = {"np": np, "keras": cornu, "layers": layers, "__name__": "mistake"}
    for module in {"pandas", "tf"}:
        if f"{module}." in code:
            names[module] = pytest.importorskip({"tf": "tensorflow"}.get(module, module))
    cornu.utils.clear_session(free_memory=False)  # names of layers are counted from the beginning
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            exec(PROLOG + code, names)
        except CornuError as error:
            return type(error).__name__, str(error)
    return ("UserWarning" if warned else "right"), "\n".join(str(warning.message) for warning in warned)


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_has_this_text(case, default_backend, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind, text = outcome(CASES[case].code)
    assert kind == CASES[case].kind
    if kind != "right":
        assert text.replace(str(Path.cwd()), "<folder>") == CASES[case].text


def test_there_are_enough_mistakes():
    assert len(CASES) >= 40


def test_the_page_is_what_the_script_writes():
    path = Path(__file__).parents[1] / "docs" / "mistakes.py"
    spec = importlib.util.spec_from_file_location("mistakes_for_tests", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run `make docs`"
