"""Windows of a time series are those of Keras."""

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings

import cornu
from cornu import config, ops
from cornu.data.dataset import Dataset
from cornu.errors import InvalidArgumentError
from cornu.utils import timeseries_dataset_from_array


def elements(dataset) -> list[tuple[np.ndarray, ...]]:
    return [tuple(np.asarray(part) for part in (one if isinstance(one, tuple) else (one,))) for one in dataset]


def check(mine, theirs) -> None:
    mine, theirs = elements(mine), elements(theirs)
    for element, wanted in zip(mine, theirs, strict=True):
        for part, right in zip(element, wanted, strict=True):
            assert part.dtype == right.dtype
            np.testing.assert_array_equal(part, right)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.integers(20, 60),
    has_targets=st.booleans(),
    arguments=st.fixed_dictionaries(
        {
            "sequence_length": st.integers(1, 6),
            "sequence_stride": st.integers(1, 4),
            "sampling_rate": st.integers(1, 3),
            "batch_size": st.sampled_from([None, 1, 4, 100]),
            "start_index": st.sampled_from([None, 2]),
            "end_index": st.sampled_from([None, 19]),
        }
    ),
)
def test_windows_are_those_of_keras(steps, has_targets, arguments):
    pytest.importorskip("tensorflow")
    data = np.random.default_rng(0).random((steps, 2))
    targets = np.arange(steps, dtype="int32") if has_targets else None
    theirs = keras.utils.timeseries_dataset_from_array(data, targets, **arguments)
    for form in ("tf", "cornu"):
        check(timeseries_dataset_from_array(data, targets, **arguments, format=form), theirs)


@pytest.mark.parametrize("batch_size", [None, 7])
def test_shuffled_windows_of_tf_data_are_those_of_keras(batch_size):
    pytest.importorskip("tensorflow")
    arguments = {"sequence_length": 5, "shuffle": True, "seed": 4, "batch_size": batch_size}
    data = np.arange(100)
    mine, theirs = (package.utils.timeseries_dataset_from_array(data, 2 * data, **arguments) for package in (cornu, keras))
    check(mine, theirs)


def test_own_datasets_shuffle_all_windows_in_each_pass():
    arguments = {"sequence_length": 5, "shuffle": True, "seed": 4, "format": "cornu", "batch_size": 10}
    passes = []
    for _ in range(2):
        dataset = timeseries_dataset_from_array(np.arange(60), np.arange(60), **arguments)
        passes.append([np.concatenate([targets for _, targets in dataset]).tolist() for _ in range(2)])
    assert passes[0] == passes[1] and passes[0][0] != passes[0][1]
    assert sorted(passes[0][0]) == list(range(56))
    assert all((windows[:, 0] == targets).all() for windows, targets in dataset)


@settings(max_examples=30)
@given(steps=st.integers(5, 40), length=st.integers(1, 5), stride=st.integers(1, 3), rate=st.integers(1, 3))
def test_windows_follow_their_definition(steps, length, stride, rate):
    assume((length - 1) * rate < steps)
    dataset = timeseries_dataset_from_array(np.arange(steps), None, length, stride, rate, None, format="cornu")
    expected = [[start + number * rate for number in range(length)] for start in range(0, steps - (length - 1) * rate, stride)]
    assert [window.tolist() for window in dataset] == expected
    assert len(dataset) == len(expected)


def test_targets_are_counted_from_the_start_index_also_if_there_are_fewer_of_them():
    """Keras fails for them."""
    dataset = timeseries_dataset_from_array(np.arange(50), np.arange(20), 3, start_index=5, batch_size=None, format="cornu")
    assert [(window[0].item(), target.item()) for window, target in dataset] == [(number, number) for number in range(5, 20)]


def test_data_of_every_backend_and_lists(backend):
    with config.placement_scope(backend):
        x = ops.convert_to_tensor(np.arange(6), dtype="int32")
    for data in (x, list(range(6))):
        dataset = timeseries_dataset_from_array(data, None, 3, batch_size=2, format="cornu")
        assert next(iter(dataset)).tolist() == [[0, 1, 2], [1, 2, 3]]


def test_without_tensorflow_the_default_is_the_own_dataset(monkeypatch):
    monkeypatch.setattr(config, "installed_backends", lambda: ["jax", "numpy"])
    assert isinstance(timeseries_dataset_from_array(np.arange(6), None, 3), Dataset)


def test_a_recurrent_model_is_trained_on_windows():
    series = np.sin(np.arange(80) / 5).astype("float32")[:, None]
    dataset = timeseries_dataset_from_array(series[:-4], series[4:], 4, batch_size=16, format="cornu", shuffle=True, seed=0)
    model = cornu.Sequential([cornu.Input((4, 1)), cornu.layers.SimpleRNN(4), cornu.layers.Dense(1)])
    model.compile(cornu.optimizers.Adam(0.02), "mse")
    losses = model.fit(dataset, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2


MISTAKES = {
    "length": ({"sequence_length": 0}, r"`sequence_length=0`.*integer greater than or equal to 1"),
    "stride": ({"sequence_stride": -1}, r"`sequence_stride=-1`"),
    "rate": ({"sampling_rate": 1.5}, r"`sampling_rate=1.5`"),
    "batch size": ({"batch_size": 0}, r"`batch_size=0`"),
    "end": ({"end_index": 11}, r"`end_index=11`.*indices of the 10 steps"),
    "order": ({"start_index": 5, "end_index": 5}, r"`start_index=5` and `end_index=5`.*smaller than the second"),
    "too long": ({"sequence_length": 4, "sampling_rate": 4}, r"10 steps of data, `sequence_length=4`.*spans 13 steps.*smaller"),
    "format": ({"format": "x"}, r"`format='x'`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    arguments, text = MISTAKES[mistake]
    with pytest.raises(InvalidArgumentError, match=text):
        timeseries_dataset_from_array(np.arange(10), None, **{"sequence_length": 3, **arguments})
