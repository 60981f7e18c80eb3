"""Data that cannot be used: one clear error, the same on every backend, before anything changes. And data that can be."""

import re
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import cornu
from cornu import layers, losses
from cornu.errors import CornuError, DataError, InvalidArgumentError, InvalidTypeError, NonFiniteError, ShapeError
from cornu.training.data_validation import array_checks, finite_values

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)).astype("float32"), RNG.integers(0, 3, 12)


def changed(array: np.ndarray, place: Any, value: Any) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


REFUSED: dict[str, tuple[dict[str, Any], type[CornuError], str]] = {
    "batch_size 0": (
        {"batch_size": 0},
        InvalidArgumentError,
        "`fit` received `batch_size=0`. It must be an integer greater than or equal to 1. Pass, for example, `batch_size=32`",
    ),
    "batch_size -1": (
        {"batch_size": -1},
        InvalidArgumentError,
        "`fit` received `batch_size=-1`. It must be an integer greater than or equal to 1.",
    ),
    "batch_size 1.5": ({"batch_size": 1.5}, InvalidArgumentError, "batch_size=1.5`. It must be an integer"),
    "batch_size 4.0": ({"batch_size": 4.0}, InvalidArgumentError, "Pass, for example, `batch_size=4`"),
    "batch_size True": ({"batch_size": True}, InvalidArgumentError, "batch_size=True`. It must be an integer"),
    "batch_size of text": ({"batch_size": "8"}, InvalidArgumentError, "batch_size='8'`. It must be an integer"),
    "epochs -1": (
        {"epochs": -1},
        InvalidArgumentError,
        "`fit` received `epochs=-1`. It must be an integer greater than or equal to 0. Pass, for example, `epochs=10`",
    ),
    "epochs None": ({"epochs": None}, InvalidArgumentError, "epochs=None`. It must be an integer greater than or equal to 0."),
    "initial_epoch -1": ({"initial_epoch": -1}, InvalidArgumentError, "initial_epoch=-1"),
    "steps_per_epoch 0": (
        {"steps_per_epoch": 0},
        InvalidArgumentError,
        "steps_per_epoch=0`. It must be an integer greater than or equal to 1.",
    ),
    "validation_steps 0": ({"validation_steps": 0}, InvalidArgumentError, "validation_steps=0"),
    "validation_batch_size 0": ({"validation_batch_size": 0}, InvalidArgumentError, "validation_batch_size=0"),
    "validation_freq 0": (
        {"validation_freq": 0},
        InvalidArgumentError,
        "validation_freq=0`. It must be an integer greater than or equal to 1.",
    ),
    "validation_freq None": (
        {"validation_freq": None},
        InvalidTypeError,
        "validation_freq=None. It must be an integer, or a list of epochs",
    ),
    "validation_split 1": (
        {"validation_split": 1},
        InvalidArgumentError,
        "`fit` received validation_split=1 and 12 samples. Both parts must contain at least one sample.",
    ),
    "validation_split 1.5": ({"validation_split": 1.5}, InvalidArgumentError, "validation_split=1.5"),
    "validation_split of text": ({"validation_split": "0.2"}, InvalidArgumentError, "`fit` received validation_split='0.2'"),
    "a sparse matrix that is too large": (
        {"x": lambda: sparse.csr_array(([1.0], ([3], [7])), shape=(12, 2**40))},
        DataError,
        "`fit` received `x` as a sparse matrix of shape (12, 1099511627776). As a dense array, which training requires, "
        "it does not fit into memory. Pass batches instead: "
        "a `cornu.utils.PyDataset` whose batches are `x[start:stop].toarray()`.",
    ),
    "validation_split -0.5": ({"validation_split": -0.5}, InvalidArgumentError, "validation_split=-0.5"),
    "validation_split with too few samples": (
        {"x": X[:1], "y": Y[:1], "validation_split": 0.5},
        InvalidArgumentError,
        "validation_split=0.5 and 1 samples",
    ),
    "validation_split with batches": (
        {"x": lambda: iter([(X, Y)]), "y": None, "validation_split": 0.2},
        DataError,
        "`validation_split` is supported for arrays only. Pass the data for validation as `validation_data`.",
    ),
    "no x": ({"x": None}, DataError, "`fit` received no `x`."),
    "x of length 0": ({"x": X[:0], "y": Y[:0]}, DataError, "`fit` received no samples. At least one sample is required."),
    "an empty list": ({"x": [], "y": []}, DataError, "`fit` received no samples."),
    "samples of size 0": ({"x": X[:, :0]}, DataError, "with the shape (12, 0). Each sample must contain at least one value."),
    "a single number": (
        {"x": 3.0},
        DataError,
        "`x` as a scalar. It must be an array whose first axis is the batch axis.",
    ),
    "lengths differ": (
        {"y": Y[:11]},
        DataError,
        "`fit` received 12 rows in `x` and 11 rows in `y`. They must have the same number of rows",
    ),
    "lengths of weights differ": (
        {"sample_weight": np.ones(5)},
        DataError,
        "12 rows in `x`, 12 rows in `y` and 5 rows in `sample_weight`",
    ),
    "rows differ in length": (
        {"x": [[1.0, 2.0], [3.0]], "y": [0, 1]},
        DataError,
        "`x` as rows of different lengths. All samples must have the same shape.",
    ),
    "texts as labels": (
        {"y": ["cat", "dog", "owl"] * 4},
        DataError,
        "dtype <U3. Data must be real numbers. Convert names to class indices: `names, y = np.unique(y, return_inverse=True)`.",
    ),
    "texts in an object array": (
        {"y": np.array(["cat", "dog"] * 6, dtype=object)},
        DataError,
        "`names, y = np.unique(y, return_inverse=True)`",
    ),
    "texts as samples": ({"x": ["a.png"] * 12}, DataError, "Convert strings to numbers first"),
    "objects": (
        {"x": np.array([[1, None, 2, 3]] * 12, dtype=object)},
        DataError,
        "`x` with the dtype object. Data must be real numbers. Convert it",
    ),
    "dates": ({"x": np.zeros((12, 4), "datetime64[D]")}, DataError, "Convert dates to numbers"),
    "complex numbers": ({"x": X.astype(complex)}, DataError, "`np.stack([x.real, x.imag], axis=-1)`"),
    "NaN in x": (
        {"x": changed(X, (7, 2), np.nan)},
        NonFiniteError,
        "`fit`: `x` contains a value that is NaN or infinite, in sample 7, at [2]. All values must be finite.",
    ),
    "several infinite numbers": (
        {"x": changed(X, (slice(3, 6), 0), -np.inf)},
        NonFiniteError,
        "`x` contains 3 values that are NaN or infinite, the first in sample 3, at [0].",
    ),
    "NaN in labels": (
        {"y": changed(Y.astype(float), 4, np.nan)},
        NonFiniteError,
        "`y` contains a value that is NaN or infinite, in sample 4.",
    ),
    "infinite weights": (
        {"sample_weight": changed(np.ones(12), 2, np.inf)},
        NonFiniteError,
        "`sample_weight` contains a value that is NaN or infinite, in sample 2.",
    ),
    "too large for float32": (
        {"x": changed(X.astype("float64"), (5, 1), 1e300)},
        NonFiniteError,
        "`x` contains 1e+300 in sample 5, at [1]. It is infinite in float32, the dtype of the model's computations.",
    ),
    "y with batches": (
        {"x": lambda: iter([(X, Y)])},
        DataError,
        "`fit` received `y` together with an `x` that yields batches. Batches must contain their targets",
    ),
    "weights with batches": (
        {"x": lambda: iter([(X, Y)]), "y": None, "sample_weight": np.ones(12)},
        DataError,
        "received `sample_weight` together with an `x` that yields batches",
    ),
    "a generator of nothing": ({"x": lambda: iter([]), "y": None}, DataError, "The data yielded no batches."),
    "a batch of four things": (
        {"x": lambda: iter([(X, Y, Y, Y)]), "y": None},
        DataError,
        "A batch has 4 elements. A batch must be `x`, `(x, y)` or `(x, y, sample_weight)`.",
    ),
    "a class as callback": (
        {"callbacks": [cornu.callbacks.Callback]},
        InvalidTypeError,
        "instances of a subclass of `cornu.callbacks.Callback`. Pass an instance: `Callback()`.",
    ),
    "bad validation labels": ({"validation_data": (X, Y + 5)}, DataError, "`fit` (validation_data): `y` contains the label"),
    "bad labels in the first batch": (
        {"x": lambda: iter([(X, Y + 5)]), "y": None},
        DataError,
        "`fit` (batch 1): `y` contains the label",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_fit_refuses(name, on, classifier, close):
    arguments, error, text = REFUSED[name]
    arguments = {name: value() if callable(value) else value for name, value in arguments.items()}
    model = on(classifier())
    before = model.get_weights()
    with pytest.raises(error) as caught:
        model.fit(**{"x": X, "y": Y, "verbose": 0, **arguments})
    assert text in str(caught.value)
    close(model.get_weights(), before, 0, 0)


def test_a_refusal_has_three_parts(classifier):
    with pytest.raises(DataError) as caught:
        classifier().fit(X, Y[:3])
    assert caught.value.received and caught.value.expected and caught.value.hint


def test_a_refused_fit_does_not_hinder_the_next(on, classifier):
    model = on(classifier())
    with pytest.raises(ShapeError):
        model.fit(X, np.eye(3)[Y], verbose=0)
    assert model.fit(X, Y, verbose=0).history["accuracy"]


def test_metrics_are_chosen_for_labels_that_are_accepted(on, classifier):
    model = on(classifier(loss="categorical_crossentropy"))
    with pytest.raises(ShapeError):
        model.fit(X, Y, verbose=0)
    one_hot = np.eye(3)[Y]
    right = model.predict(X, verbose=0).argmax(axis=-1) == Y
    assert model.evaluate(X, one_hot, verbose=0)[1] == pytest.approx(right.mean())


@pytest.mark.parametrize("function", ["evaluate", "predict"])
@pytest.mark.parametrize("arguments", [{"batch_size": 0}, {"steps": 0}])
def test_other_functions_are_named(function, arguments, classifier):
    model = classifier()
    with pytest.raises(InvalidArgumentError, match=f"`{function}` received `{next(iter(arguments))}=0`\\."):
        getattr(model, function)(X, verbose=0, **arguments)


def test_predict_refuses_nan(classifier):
    with pytest.raises(NonFiniteError, match="`predict`: `x` contains a value"):
        classifier().predict(changed(X, (0, 0), np.nan))


def test_train_on_batch_refuses_labels_out_of_range(classifier):
    with pytest.raises(DataError, match=r"`train_on_batch`: `y` contains the label 3 in sample 0"):
        classifier().train_on_batch(X, np.full(12, 3))


# --- What is accepted ---------------------------------------------------------------------------------------------------------


def fortran_order(x: np.ndarray) -> np.ndarray:
    return np.asfortranarray(x)


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


def negative_strides(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]


ON_ENGINES = {
    f"an array of {name}": lambda x, name=name: cornu.backends.get(name).asarray(x)
    for name in cornu.config.installed_backends()
}


def as_frame(x: np.ndarray) -> Any:
    return pytest.importorskip("pandas").DataFrame(x)


def as_mixed_frame(x: np.ndarray) -> Any:
    """A table as ``pandas.get_dummies`` returns it: columns of floats, booleans and integers."""
    frame = as_frame(x)
    return frame.astype({0: "float64", 1: bool, 2: "int8", 3: bool})


def as_nullable_frame(x: np.ndarray) -> Any:
    return as_frame(x).astype({0: "Float32", 1: "boolean", 2: "Int64", 3: "float32"})


def as_sparse_of_jax(x: np.ndarray) -> Any:
    return pytest.importorskip("jax.experimental.sparse").BCOO.fromdense(x)


FORMS = {
    "lists": np.ndarray.tolist,
    "rows in a list": lambda x: [row.tolist() for row in x],
    "float16": lambda x: x.astype("float16"),
    "float64": lambda x: x.astype("float64"),
    "uint8": lambda x: x.astype("uint8"),
    "int64": lambda x: x.astype("int64"),
    "uint16": lambda x: x.astype("uint16"),
    "uint32": lambda x: x.astype("uint32"),
    "uint64": lambda x: x.astype("uint64"),
    "bool": lambda x: x.astype(bool),
    "objects": lambda x: np.array([[float(a), bool(b), int(c), np.float32(d)] for a, b, c, d in x], dtype=object),
    "big-endian": lambda x: x.astype(">f4"),
    "Fortran order": fortran_order,
    "negative strides": negative_strides,
    "read-only": read_only,
    **ON_ENGINES,
    "a DataFrame": as_frame,
    "a DataFrame of several dtypes": as_mixed_frame,
    "a DataFrame of nullable dtypes": as_nullable_frame,
    "a sparse matrix": sparse.csr_matrix,
    "a sparse array": sparse.coo_array,
    "a sparse array of JAX": as_sparse_of_jax,
}


TRAINED_ON_ARRAYS: dict[str, list] = {}
"""Weights and results of each engine for the data as ``float32`` arrays, which is trained once for all forms."""


@pytest.mark.parametrize("form", FORMS)
def test_data_is_accepted_as(form, backend, on, classifier, close):
    x = (X > 0).astype("float32")  # exact in every dtype

    def results_of(given):
        cornu.utils.set_random_seed(3)
        model = on(classifier())
        model.fit(given, Y, batch_size=5, verbose=0)
        return [*model.get_weights(), model.predict(given, verbose=0), *model.evaluate(given, Y, verbose=0)]

    if backend not in TRAINED_ON_ARRAYS:
        TRAINED_ON_ARRAYS[backend] = results_of(x)
    close(results_of(FORMS[form](x)), TRAINED_ON_ARRAYS[backend])


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse", "binary_crossentropy"])
def test_targets_of_unsigned_dtypes_train(dtype, loss, on):
    y = (Y if loss.startswith("sparse") else Y[:, None] % 2).astype("int64")
    results = []
    for given in (y, y.astype(dtype)):
        cornu.utils.set_random_seed(3)
        last = layers.Dense(3, "softmax") if loss.startswith("sparse") else layers.Dense(1, "sigmoid")
        model = on(cornu.Sequential([cornu.Input((4,)), last]))
        model.compile("sgd", loss, metrics=["accuracy"])
        results.append(model.fit(X, given, batch_size=5, verbose=0).history)
    assert results[0] == results[1]


def test_large_unsigned_integers_become_floats(on):
    y = np.full((4, 1), 2**63, "uint64")
    model = on(cornu.Sequential([cornu.Input((1,)), layers.Dense(1, kernel_initializer="zeros")]))
    model.compile("sgd", "mae")
    assert model.evaluate(np.ones((4, 1)), y, verbose=0) == pytest.approx(2.0**63, rel=1e-6)


@pytest.mark.parametrize("value", [None, "a", 1j])
def test_objects_that_are_no_real_numbers_are_refused(value, classifier):
    x = X.astype(object)
    x[3, 2] = value
    with pytest.raises(DataError, match=r"`x` with the dtype object. Data must be real numbers"):
        classifier().fit(x, Y)


LABELS = {
    "a list": np.ndarray.tolist,
    "a list of NumPy's numbers": list,
    "uint8": lambda y: y.astype("uint8"),
    "objects": lambda y: y.astype(object),
    "a sparse column": lambda y: sparse.csr_array(y[:, None]),
    "whole floats": lambda y: y.astype("float64"),
    "a column": lambda y: y[:, None],
    "a Series": lambda y: pytest.importorskip("pandas").Series(y, index=range(100, 112)),
    **ON_ENGINES,
}


@pytest.mark.parametrize("form", LABELS)
def test_labels_are_accepted_as(form, classifier, close):
    results = []
    for given in (Y, LABELS[form](Y)):
        cornu.utils.set_random_seed(3)
        model = classifier().to_backend("numpy")
        model.fit(X, given, batch_size=5, verbose=0)
        results.append(model.get_weights())
    close(*results)


def test_a_memory_map_is_read_where_it_lies(tmp_path, on, classifier):
    stored = np.memmap(tmp_path / "x", dtype="float32", mode="w+", shape=X.shape)
    stored[:] = X
    stored.flush()
    mapped = np.memmap(tmp_path / "x", dtype="float32", mode="r", shape=X.shape)
    assert on(classifier()).fit(mapped, Y, verbose=0).history["loss"]


def test_the_arrays_of_the_user_are_never_changed(on, classifier):
    x, y, weight = X.astype("float64"), Y.copy(), np.linspace(0.5, 2, 12)
    hashes = [hash(array.tobytes()) for array in (x, y, weight)]
    model = on(classifier(layers.BatchNormalization(), optimizer="adam"))
    model.fit(x, y, 5, 2, verbose=0, sample_weight=weight, class_weight={0: 2.0}, validation_split=0.3)
    model.evaluate(x, y, sample_weight=weight, verbose=0)
    model.predict(x, verbose=0)
    model.train_on_batch(x, y)
    assert [hash(array.tobytes()) for array in (x, y, weight)] == hashes


def test_one_sample_and_a_batch_larger_than_the_data(on, classifier):
    model = on(classifier())
    model.fit(X[:1], Y[:1], batch_size=64, verbose=0)
    assert model.predict(X[:1], verbose=0).shape == (1, 3)


# --- The looking itself -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (3000, 700), (2, 3, 4, 5)])
def test_extent_is_minimum_and_maximum(shape):
    array = np.random.default_rng(0).normal(size=shape)
    assert finite_values.extent(array) == (array.min(), array.max())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("place", [(0, 0), (11, 3)])
def test_a_quick_look_leaves_to_the_thorough_one_what_may_be_infinite(value, place):
    assert finite_values.is_surely_finite(X)
    assert not finite_values.is_surely_finite(changed(X, place, value))
    assert not finite_values.is_surely_finite(
        changed(X.astype("float64"), place, 1e100)
    )  # infinite as the float32 of the model


@pytest.mark.parametrize("row", [0, 1500, 2999])
def test_find_counts_and_gives_the_first_place(row):
    array = np.zeros((3000, 700), dtype="float32")
    array[row, 699] = array[2999, 699] = 7
    count, place, value = finite_values.find(array, lambda piece: piece == 7)
    assert (count, place, value) == (1 if row == 2999 else 2, (row, 699), 7)


@pytest.mark.parametrize("place", list(np.ndindex(5, 2, 2)))
def test_every_place_is_looked_at(place, monkeypatch):
    monkeypatch.setattr(finite_values, "_PIECE", 9)
    array = np.zeros((5, 2, 2))
    array[place] = np.nan
    assert np.isnan(finite_values.extent(array)).all()
    assert finite_values.find(array, np.isnan)[:2] == (1, place)


def test_find_finds_nothing():
    count, place, _ = finite_values.find(np.zeros(3), lambda piece: piece == 7)
    assert (count, place) == (0, ())


def test_named_leaves_are_named_as_in_code():
    tree = {"left": 1, "right": [2, (3, None)]}
    assert list(array_checks.named_leaves("x", tree)) == [("x['left']", 1), ("x['right'][0]", 2), ("x['right'][1][0]", 3)]


def test_looking_at_large_arrays_is_cheap():
    import time

    x = np.random.default_rng(0).random((2**24,), dtype="float32")
    began = time.perf_counter()
    finite_values.check_finite("fit", "x", x)
    copied = time.perf_counter()
    x.copy()
    assert copied - began < 10 * (time.perf_counter() - copied) + 0.05


def test_custom_losses_may_compare_anything(on, classifier):
    class Own(losses.Loss):
        def call(self, y_true, y_pred):
            return cornu.ops.sum(y_pred, axis=-1) * y_true[:, 0]

    model = on(classifier(loss=Own(), metrics=None))
    assert np.isfinite(model.fit(X, X[:, :2], verbose=0).history["loss"][0])


def test_texts_of_errors_have_no_paths(classifier):
    with pytest.raises(DataError) as caught:
        classifier().fit(X, Y + 5)
    assert not re.search(r"/\w+/", str(caught.value))
