"""Datasets in Python: what ``fit`` asks of them, compared with real Keras."""

import keras
import numpy as np
import pytest

import cornu
from cornu.errors import InvalidTypeError

X = np.arange(12, dtype="float32").reshape(12, 1)


def dataset(module, **attributes):
    class Noting(module.utils.PyDataset):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.calls = []

        def __len__(self):
            return 3

        def __getitem__(self, index):
            self.calls.append(index)
            return X[4 * index : 4 * index + 4], X[4 * index : 4 * index + 4]

        def on_epoch_begin(self):
            self.calls.append("begin")

        def on_epoch_end(self):
            self.calls.append("end")

    return Noting(**attributes)


def model(module):
    made = module.Sequential([module.Input((1,)), module.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def test_the_attributes_are_those_of_keras():
    for module in (cornu, keras):
        given = dataset(module, workers=3, use_multiprocessing=False, max_queue_size=7)
        assert (given.workers, given.use_multiprocessing, given.max_queue_size, given.num_batches) == (3, False, 7, 3)
        given.workers = 5
        assert given.workers == 5
        assert [batch[0][0, 0] for batch in given] == [0, 4, 8]


def test_sequence_is_another_name():
    assert cornu.utils.Sequence is cornu.utils.PyDataset


def test_an_epoch_without_shuffling_takes_the_batches_in_order():
    given = dataset(cornu)
    model(cornu).fit(given, epochs=2, shuffle=False, verbose=0)
    assert [call for call in given.calls if isinstance(call, int)] == [0, 1, 2, 0, 1, 2]


def test_shuffling_takes_every_batch_once_in_another_order():
    cornu.utils.set_random_seed(1)
    given = dataset(cornu)
    model(cornu).fit(given, epochs=8, verbose=0)
    indices = [call for call in given.calls if isinstance(call, int)]
    epochs = [tuple(indices[start : start + 3]) for start in range(0, 24, 3)]
    assert all(sorted(epoch) == [0, 1, 2] for epoch in epochs) and len(set(epochs)) > 1


def test_epochs_begin_and_end():
    given = dataset(cornu)
    model(cornu).fit(given, epochs=2, verbose=0)
    assert [call for call in given.calls if isinstance(call, str)] == ["begin", "end"] * 2


def test_predictions_and_measures_take_the_batches_in_order(default_backend):
    one = model(cornu)
    np.testing.assert_allclose(one.predict(dataset(cornu), verbose=0), one.predict(X, verbose=0), rtol=1e-5)
    assert one.evaluate(dataset(cornu), verbose=0) == pytest.approx(one.evaluate(X, X, verbose=0), rel=1e-5)


def test_training_is_that_of_keras():
    losses = []
    for module in (cornu, keras):
        one = model(module)
        one.set_weights([np.array([[0.5]]), np.array([0.25])])
        losses.append(one.fit(dataset(module), epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-4)


class Endless(cornu.utils.PyDataset):
    """Has no last batch."""

    @property
    def num_batches(self):
        return None

    def __getitem__(self, index):
        return X[:4], X[:4] + index


def test_a_dataset_without_end_takes_the_steps_that_were_asked_for():
    history = model(cornu).fit(Endless(), steps_per_epoch=2, epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3
    assert model(cornu).predict(Endless(), steps=5, verbose=0).shape == (20, 1)


def test_a_dataset_whose_constructor_does_not_call_that_of_the_base_class_works():
    class Plain(cornu.utils.PyDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return X[:4], X[:4]

    assert model(cornu).fit(Plain(), verbose=0).history["loss"]


def test_missing_methods_are_named():
    with pytest.raises(InvalidTypeError, match=r"must define `__len__` or the property `num_batches`"):
        iter(cornu.utils.PyDataset())
    with pytest.raises(InvalidTypeError, match=r"whose class defines no `__getitem__`"):
        cornu.utils.PyDataset()[0]
