"""The dataset object does what ``tf.data.Dataset`` does, in the same order with any number of threads."""

import gc
import threading
import time

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import cornu
from cornu import layers, seeds
from cornu.data.dataset import INFINITE, UNKNOWN, Dataset, dataset_of
from cornu.data.host_array import HostArray
from cornu.data.ordered_threads import ordered_map
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError


def numbers(count: int) -> Dataset:
    return Dataset(lambda: iter(np.arange(count).view(HostArray)), count)


def pairs(count: int) -> Dataset:
    return dataset_of(count, lambda index: (np.full(3, index, "float32"), np.int32(index % 2)), seed=None)


def values(dataset) -> list:
    return [np.asarray(element).tolist() for element in dataset]


# --- Each method against tf.data ----------------------------------------------------------------------------------------------

STEPS = {
    "batch": st.tuples(st.integers(1, 5), st.booleans()),
    "take": st.tuples(st.integers(-1, 8)),
    "skip": st.tuples(st.integers(0, 8)),
    "repeat": st.tuples(st.integers(0, 3)),
    "cache": st.just(()),
    "prefetch": st.tuples(st.integers(1, 3)),
}


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(0, 9),
    steps=st.lists(st.sampled_from(sorted(STEPS)).flatmap(lambda name: st.tuples(st.just(name), STEPS[name])), max_size=4),
)
def test_chains_of_methods_yield_what_those_of_tf_data_yield(count, steps):
    tf = pytest.importorskip("tensorflow")
    mine, theirs, batched = numbers(count), tf.data.Dataset.range(count), False
    for name, arguments in steps:
        if name == "batch" and batched:
            continue
        batched = batched or name == "batch"
        mine, theirs = getattr(mine, name)(*arguments), getattr(theirs, name)(*arguments)
    found = values(mine)
    assert found == values(theirs.as_numpy_iterator())
    assert found == values(mine)
    assert mine.cardinality() == int(theirs.cardinality()) == len(mine) == len(found)


def test_the_parts_of_a_tuple_are_arguments_of_the_function():
    mapped = pairs(4).map(lambda x, y: (x * 2, y + 1))
    assert [(x.tolist(), int(y)) for x, y in mapped] == [([2.0 * n] * 3, n % 2 + 1) for n in range(4)]


def test_other_elements_are_one_argument():
    assert values(numbers(3).map(lambda x: x * 10)) == [0, 10, 20]
    assert list(numbers(2).map(lambda x: {"a": x}).map(lambda x: int(x["a"]))) == [0, 1]


def test_trees_are_batched_and_unbatched():
    dataset = numbers(5).map(lambda x: {"a": x, "b": (x * 2, [x, x])})
    batches = list(dataset.batch(2))
    assert [batch["b"][0].tolist() for batch in batches] == [[0, 2], [4, 6], [8]]
    again = list(dataset.batch(2).unbatch())
    assert [int(element["b"][1][1]) for element in again] == list(range(5))
    assert isinstance(again[0]["a"], HostArray)


def test_padded_batches_are_those_of_tf_data():
    tf = pytest.importorskip("tensorflow")

    arrays = [np.ones((n + 1, 4 - n)) for n in range(4)]
    mine = Dataset(lambda: iter(arrays), 4).padded_batch(3)
    theirs = tf.data.Dataset.from_generator(lambda: arrays, output_signature=tf.TensorSpec((None, None))).padded_batch(3)
    assert values(mine) == values(theirs.as_numpy_iterator())


def test_arrays_of_batches_answer_numpy():
    (x, y), *_ = pairs(4).batch(4)
    assert type(x.numpy()) is type(y.numpy()) is np.ndarray
    assert type((x * 2).numpy()) is np.ndarray
    assert type(next(iter(pairs(4).batch(2).as_numpy_iterator()))[0]) is np.ndarray


# --- Order --------------------------------------------------------------------------------------------------------------------


def test_a_buffer_that_is_large_enough_shuffles_everything():
    found = values(numbers(100).shuffle(100))
    assert sorted(found) == list(range(100)) != found


def test_a_small_buffer_moves_elements_forward_by_less_than_its_size():
    found = values(numbers(200).shuffle(10))
    assert sorted(found) == list(range(200)) != found
    assert all(place > number - 10 for place, number in enumerate(found))


def test_all_orders_are_equally_likely():
    dataset = numbers(3).shuffle(3, seed=0)
    orders = [tuple(values(dataset)) for _ in range(600)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6 and min(counts) > 70


def test_each_pass_has_another_order_that_follows_from_the_seed():
    first, other = (numbers(50).shuffle(50, seed=3) for _ in range(2))
    passes = [values(first) for _ in range(3)]
    assert passes == [values(other) for _ in range(3)]
    assert passes[0] != passes[1] != passes[2]
    assert values(numbers(50).shuffle(50, seed=4)) != passes[0]


def test_the_order_may_stay_the_same():
    dataset = numbers(50).shuffle(50, reshuffle_each_iteration=False)
    assert values(dataset) == values(dataset) != list(range(50))


def test_the_global_seed_determines_the_order():
    seeds.set_seed(5)
    first = values(numbers(50).shuffle(50))
    seeds.set_seed(5)
    assert values(numbers(50).shuffle(50)) == first


def test_samples_that_are_loaded_are_shuffled_in_each_pass():
    dataset = dataset_of(30, lambda index: np.int32(index), seed=1)
    first, second = values(dataset), values(dataset)
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second != list(range(30))


def test_the_order_is_that_of_the_items_with_any_number_of_threads():
    def slow(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    expected = [item * item for item in range(40)]
    assert all(list(ordered_map(slow, range(40), threads)) == expected for threads in (1, 2, 7))
    assert list(numbers(40).map(lambda x: slow(int(x)), num_parallel_calls=4)) == expected


def test_threads_work_only_a_little_ahead():
    begun = []
    results = ordered_map(lambda item: begun.append(item), range(1000), threads=2)
    next(results)
    time.sleep(0.05)
    assert len(begun) < 20
    results.close()


def test_items_that_are_not_begun_are_dropped_when_the_results_are_closed():
    begun = []

    def slow(item: int) -> None:
        begun.append(item)
        time.sleep(0.03)

    results = ordered_map(slow, range(1000), threads=2)
    next(results)
    results.close()
    count = len(begun)
    time.sleep(0.2)
    assert len(begun) <= count + 1  # a thread may have begun one in between


def test_an_error_is_raised_at_its_position_and_ends_the_threads():
    def fail(item: int) -> int:
        if item == 5:
            raise ValueError("five")
        return item

    found = []
    with pytest.raises(ValueError, match="five"):
        for value in ordered_map(fail, range(100), threads=3):
            found.append(value)
    assert found == [0, 1, 2, 3, 4]
    gc.collect()
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("cornu-data") for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cornu-data")]


def test_a_dataset_that_is_left_ends_its_threads():
    iterator = iter(dataset_of(1000, lambda index: np.int32(index), seed=None).batch(4).prefetch(2))
    next(iterator)
    del iterator
    gc.collect()
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("cornu-data") for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cornu-data")]


# --- cache, repeat, length ----------------------------------------------------------------------------------------------------


def test_a_cache_computes_each_element_once():
    calls = []
    dataset = numbers(5).map(lambda x: (calls.append(int(x)), x)[1]).cache()
    assert values(dataset.take(2)) == [0, 1]
    calls.clear()
    assert values(dataset) == values(dataset) == values(dataset) == list(range(5))
    assert calls == list(range(5))


def test_a_shuffle_after_a_cache_is_new_in_each_pass():
    dataset = numbers(50).cache().shuffle(50)
    assert values(dataset) != values(dataset)


def test_repetition_without_end():
    dataset = numbers(3).repeat()
    assert values(dataset.take(7)) == [0, 1, 2, 0, 1, 2, 0]
    assert dataset.cardinality() == dataset.batch(2).cardinality() == INFINITE
    assert len(dataset.take(7)) == 7
    with pytest.raises(InvalidTypeError, match=r"a dataset that repeats without end was requested.*`.take\(count\)`"):
        len(dataset)


def test_the_repetition_of_an_empty_dataset_ends():
    assert values(numbers(0).repeat()) == []


def test_an_unknown_length():
    dataset = numbers(4).batch(3).unbatch()
    assert dataset.cardinality() == UNKNOWN
    assert repr(dataset) == "<Dataset: unknown elements>"
    with pytest.raises(TypeError, match=r"that has an unknown number of elements was requested.*`steps_per_epoch`"):
        len(dataset)


def test_an_empty_dataset_is_true_and_shows_its_length():
    assert numbers(0)
    assert repr(numbers(3)) == "<Dataset: 3 elements>"


def test_names_of_classes_and_files_are_kept():
    dataset = pairs(4)
    dataset.class_names, dataset.file_paths = ["a", "b"], list("abcd")
    derived = dataset.map(lambda x, y: (x, y)).batch(2).cache().prefetch().shuffle(2).take(1)
    assert derived.class_names == ["a", "b"] and derived.file_paths == list("abcd")


# --- Mistakes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "argument"), [("batch", "batch_size"), ("shuffle", "buffer_size"), ("skip", "count"), ("take", "count")]
)
def test_sizes_must_be_integers(method, argument):
    with pytest.raises(InvalidArgumentError, match=rf"`{method}` received `{argument}=-3`.*integer"):
        getattr(numbers(3), method)(-3)


def test_the_number_of_threads_must_be_an_integer():
    with pytest.raises(InvalidArgumentError, match=r"`map` received `num_parallel_calls=0`"):
        numbers(3).map(abs, num_parallel_calls=0)


def test_elements_of_different_shapes_make_no_batch():
    dataset = Dataset(lambda: iter([np.ones(2), np.ones(3)]), 2).batch(2)
    with pytest.raises(DataError, match=r"shapes \(2,\), \(3,\) were combined.*same shape.*Resize or pad"):
        list(dataset)


# --- Training -----------------------------------------------------------------------------------------------------------------


def line(count: int) -> Dataset:
    """Samples of y = 2 x + 1."""
    x = np.random.default_rng(0).random((count, 1), dtype="float32")
    return dataset_of(count, lambda index: (x[index], 2 * x[index] + 1), seed=None)


def test_models_are_fitted_evaluated_and_predict(backend):
    with cornu.config.placement_scope(backend):
        model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1)])
    model.compile("adam", "mse")
    dataset = line(22).batch(5)
    history = model.fit(dataset, epochs=2, validation_data=dataset, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]
    x, y = (np.concatenate(parts) for parts in zip(*dataset.as_numpy_iterator(), strict=True))
    np.testing.assert_allclose(model.evaluate(dataset, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(model.predict(dataset, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


def test_a_dataset_without_end_is_trained_on_for_some_steps():
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1)])
    model.compile("adam", "mse")
    dataset = line(6).shuffle(6).batch(2).repeat().prefetch()
    assert len(model.fit(dataset, steps_per_epoch=4, epochs=3, verbose=0).history["loss"]) == 3


def test_training_on_a_dataset_is_training_on_its_arrays():
    models = []
    for _ in range(2):
        seeds.set_seed(0)
        models.append(cornu.Sequential([cornu.Input((1,)), layers.Dense(1)]))
        models[-1].compile("sgd", "mse")
    dataset = line(22).batch(5)
    x, y = (np.concatenate(parts) for parts in zip(*dataset.as_numpy_iterator(), strict=True))
    models[0].fit(dataset, epochs=3, verbose=0)
    models[1].fit(x, y, epochs=3, batch_size=5, shuffle=False, verbose=0)
    np.testing.assert_allclose(models[0].get_weights()[0], models[1].get_weights()[0], rtol=1e-6)


def test_layers_transform_the_batches_of_a_dataset():
    dataset = line(8).batch(4)
    scale = layers.Rescaling(10.0)
    found = [x for x, _ in dataset.map(lambda x, y: (scale(x), y))]
    expected = [10 * x for x, _ in dataset]
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), rtol=1e-6)
