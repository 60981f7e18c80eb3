"""Datasets are split as Keras splits them."""

import keras
import numpy as np
import pytest

import cornu
from cornu.data.dataset import Dataset
from cornu.data.split import Subset
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError
from cornu.utils import split_dataset

X, Y = np.arange(14.0).reshape(7, 2), np.arange(7)

DATA = {"array": X, "tuple": (X, Y), "list": [X, Y]}

SIZES = {
    "left": {"left_size": 0.6},
    "right": {"right_size": 0.33},
    "half": {"left_size": 0.5},
    "both": {"left_size": 0.2, "right_size": 0.3},
    "integers": {"left_size": 2, "right_size": 3},
    "mixed": {"left_size": 2, "right_size": 0.3},
    "shuffled": {"left_size": 0.6, "shuffle": True, "seed": 3},
}


def values(part) -> list:
    return [[np.asarray(leaf).tolist() for leaf in (one if isinstance(one, tuple) else (one,))] for one in part]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("kind", DATA)
def test_arrays_are_split_as_keras_splits_them(kind, sizes, backend):
    pytest.importorskip("tensorflow")
    theirs = keras.utils.split_dataset(DATA[kind], **SIZES[sizes])
    mine = split_dataset(DATA[kind], **SIZES[sizes], preferred_backend=backend)
    found = [[part[index] for index in range(len(part))] if isinstance(part, Subset) else part for part in mine]
    assert [values(part) for part in found] == [values(part) for part in theirs]
    assert [len(part) for part in mine] == [len(part) for part in theirs]


def test_the_kind_of_the_parts_follows_from_the_backend():
    tf = pytest.importorskip("tensorflow")
    kinds = {name: type(split_dataset(X, 0.5, preferred_backend=name)[0]) for name in ("jax", "numpy", "torch")}
    assert kinds == {"jax": Dataset, "numpy": Dataset, "torch": Subset}
    assert isinstance(split_dataset(X, 0.5, preferred_backend="tensorflow")[1], tf.data.Dataset)


def test_dicts_of_arrays_are_split_too():
    left, right = split_dataset({"x": X, "y": Y}, right_size=2, preferred_backend="numpy")
    assert [sample["y"].item() for sample in left] == [0, 1, 2, 3, 4]
    assert next(iter(right))["x"].tolist() == [10.0, 11.0]


@pytest.mark.parametrize("shuffle", [False, True])
def test_datasets_of_tf_data_are_split_as_keras_splits_them(shuffle):
    tf = pytest.importorskip("tensorflow")
    parts = split_dataset(tf.data.Dataset.from_tensor_slices((X, Y)), left_size=0.6, shuffle=shuffle, seed=1)
    assert all(isinstance(part, tf.data.Dataset) for part in parts)
    theirs = keras.utils.split_dataset(tf.data.Dataset.from_tensor_slices((X, Y)), left_size=0.6, shuffle=shuffle, seed=1)
    if shuffle:  # the order is not that of Keras
        assert sorted(values(parts[0]) + values(parts[1])) == sorted(values(theirs[0]) + values(theirs[1]))
        assert values(parts[0]) == values(parts[0]) != values(tf.data.Dataset.from_tensor_slices((X, Y)).take(4))
    else:
        assert [values(part) for part in parts] == [values(part) for part in theirs]


def test_own_datasets_are_split_into_their_first_and_last_elements():
    dataset = cornu.utils.timeseries_dataset_from_array(Y, None, 1, batch_size=1, format="cornu").unbatch()
    left, right = split_dataset(dataset, left_size=2, right_size=3)
    assert values(left) == [[[0]], [[1]]]
    assert values(right) == [[[4]], [[5]], [[6]]]


def test_parts_that_are_shuffled_have_no_element_in_common():
    dataset = Dataset(lambda: iter(Y), 7)
    left, right = split_dataset(dataset, left_size=0.5, shuffle=True)
    for _ in range(2):  # in each pass the same
        assert sorted(values(left) + values(right)) == [[number] for number in range(7)]


def test_datasets_of_torch_are_split_for_its_data_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
    parts = split_dataset(data, left_size=0.6)
    batches = [batch for part in parts for batch in torch.utils.data.DataLoader(part, batch_size=2)]
    np.testing.assert_array_equal(torch.cat([x for x, _ in batches]), X)
    np.testing.assert_array_equal(torch.cat([y for _, y in batches]), Y)


def test_a_model_is_trained_on_a_part():
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    left, right = (part.batch(2) for part in split_dataset((X / 14, Y / 7), left_size=5, preferred_backend="jax"))
    assert set(model.fit(left, validation_data=right, verbose=0).history) == {"loss", "val_loss"}


MISTAKES = {
    "no sizes": ({}, r"called without sizes.*At least one.*`left_size=0.8`"),
    "too many": ({"left_size": 7}, r"`left_size=7`.*integer from 1 to 6"),
    "negative": ({"right_size": -0.1}, r"`right_size=-0.1`.*fraction from 0.0 to 1.0"),
    "together": ({"left_size": 5, "right_size": 0.5}, r"`left_size=5` and `right_size=0.5`.*more than the 7 samples"),
    "backend": ({"left_size": 1, "preferred_backend": "keras"}, r"`preferred_backend='keras'`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_sizes(mistake):
    arguments, text = MISTAKES[mistake]
    with pytest.raises(InvalidArgumentError, match=text):
        split_dataset(X, **arguments)


def test_mistakes_in_data():
    with pytest.raises(InvalidTypeError, match=r"`dataset` of the type str.*It must be an array"):
        split_dataset("data", 0.5)
    with pytest.raises(InvalidTypeError, match=r"of the type int"):
        split_dataset(3, 0.5)
    with pytest.raises(DataError, match=r"arrays of the lengths \[2, 7\].*the same length"):
        split_dataset((X, Y[:2]), 0.5)
    with pytest.raises(DataError, match=r"repeats without end.*before `.repeat\(\)`"):
        split_dataset(Dataset(lambda: iter(Y), 7).repeat(), 0.5)
