"""What feeds the steps: which rows go into which batch, for arrays and for everything that yields batches."""

from typing import Any

import numpy as np
import pytest

from cornu import backends, config, seeds
from cornu.errors import DataError
from cornu.training.batch import Batch, batch_of
from cornu.training.data_adapters import array_data_adapter, data_adapter
from cornu.training.data_adapters.array_data_adapter import ArrayDataAdapter
from cornu.training.data_adapters.iterable_data_adapter import IterableDataAdapter

PLACE = config.Placement("numpy")


def array_feed(samples: int, batch_size: int, pad: bool = True, **options: Any) -> ArrayDataAdapter:
    data = Batch(np.arange(samples, dtype="float32")[:, None], np.arange(samples), None, None)
    return ArrayDataAdapter(data, batch_size, **{"shuffle": False, "place": PLACE, "may_pad": lambda: pad, **options})


def batches_of(adapter: Any, prefetch: bool = False) -> list[list[int]]:
    """The samples of each batch of an epoch, without padding."""
    found = []
    for chunk in adapter.epoch(prefetch):
        for step in range(chunk.steps):
            batch = batch_of(chunk.data, chunk.indices, step)
            rows = [int(row) for row in np.asarray(batch.x).ravel()]
            mask = [1.0] * len(rows) if batch.sample_mask is None else list(batch.sample_mask)
            assert mask == sorted(mask, reverse=True)
            found.append([row for row, real in zip(rows, mask, strict=True) if real])
    return found


def rows_of(adapter: Any) -> list[int]:
    return [row for batch in batches_of(adapter) for row in batch]


def shapes_of(adapter: Any) -> set:
    return {(chunk.indices.rows.shape, chunk.indices.counts is None) for chunk in adapter.epoch()}


# --- Arrays -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pad", [True, False])
def test_an_epoch_takes_every_sample_once(pad):
    assert batches_of(array_feed(7, 3, pad=pad)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_batches_that_come_out_even_have_no_mask():
    assert shapes_of(array_feed(6, 3)) == {((2, 3), True)}


def test_padding_keeps_one_shape():
    assert shapes_of(array_feed(7, 3)) == {((3, 3), False)}


def test_without_padding_the_last_batch_is_smaller():
    assert shapes_of(array_feed(7, 3, pad=False)) == {((3, 3), True), ((1, 1), True)}  # a plan may be longer than its steps


def test_a_batch_larger_than_the_data_is_all_of_it():
    adapter = array_feed(4, 32)
    assert (adapter.batch_size, adapter.steps, batches_of(adapter)) == (4, 1, [[0, 1, 2, 3]])


def test_shuffling_takes_all_in_another_order_each_epoch():
    adapter = array_feed(50, 8, shuffle=True)
    first, second = (rows_of(adapter) for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second != list(range(50))


def test_seeds_and_draws_during_training_do_not_change_the_orders():
    def orders(disturb):
        seeds.set_seed(5)
        adapter, found = array_feed(50, 8, shuffle=True), []
        for number in range(3):
            found.append(rows_of(adapter))
            disturb(number)
        return found

    undisturbed = orders(lambda number: None)
    assert undisturbed == orders(seeds.set_seed) == orders(lambda number: seeds.next_key())
    assert len({tuple(order) for order in undisturbed}) == 3


def test_the_same_seed_gives_the_same_order():
    orders = []
    for _ in range(2):
        seeds.set_seed(5)
        orders.append(batches_of(array_feed(50, 8, shuffle=True)))
    assert orders[0] == orders[1]


def test_the_order_is_that_of_philox_on_every_backend(backend):
    seeds.set_seed(5)
    adapter = array_feed(20, 20, shuffle=True, place=config.Placement(backend))
    order = np.random.Generator(np.random.Philox(key=np.array([5, 0], dtype=np.uint64))).permutation(20)
    assert batches_of(adapter) == [order.tolist()]


def test_steps_of_training_go_on_where_the_last_epoch_stopped_and_end_with_the_data():
    adapter = array_feed(9, 2, steps=2, resumable=True)
    assert adapter.steps == 2
    assert batches_of(adapter) == [[0, 1], [2, 3]]
    assert batches_of(adapter) == [[4, 5], [6, 7]]
    with pytest.warns(UserWarning, match="The data ended after 1 of the 2 requested batches."):
        assert batches_of(adapter) == [[8]]
    assert batches_of(adapter) == [[0, 1], [2, 3]]


def test_steps_that_come_out_even_do_not_warn():
    adapter = array_feed(8, 2, steps=2, resumable=True)
    assert [batches_of(adapter) for _ in range(3)] == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[0, 1], [2, 3]]]


def test_more_steps_than_data_end_with_the_data():
    adapter = array_feed(4, 2, steps=5, resumable=True)
    assert adapter.steps == 2
    for _ in range(2):
        with pytest.warns(UserWarning, match="The data ended after 2 of the 5 requested batches."):
            assert batches_of(adapter) == [[0, 1], [2, 3]]


def test_steps_of_shuffled_data_use_every_sample_before_one_comes_again():
    adapter = array_feed(8, 2, steps=2, resumable=True, shuffle=True)
    taken = [row for _ in range(4) for row in rows_of(adapter)]
    assert sorted(taken[:8]) == sorted(taken[8:]) == list(range(8))


@pytest.mark.parametrize("pad", [True, False])
def test_steps_that_go_on_keep_their_shapes(pad):
    adapter = array_feed(7, 2, steps=2, resumable=True, pad=pad)
    shapes = [shapes_of(adapter) for _ in range(4)]
    assert len(set.union(*shapes)) == (1 if pad else 2)


def test_steps_of_measuring_begin_anew_and_end_with_the_data():
    adapter = array_feed(5, 2, steps=2)
    assert batches_of(adapter) == batches_of(adapter) == [[0, 1], [2, 3]]
    assert array_feed(5, 2, steps=9).steps == 3


def in_pieces(monkeypatch) -> None:
    """Lets arrays go to the device in pieces of six rows of 12 bytes."""
    monkeypatch.setattr(array_data_adapter, "_RESIDENT_BYTES", 12 * 6)
    monkeypatch.setattr(array_data_adapter, "_PIECE_BYTES", 12 * 6)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("pad", [True, False])
def test_large_arrays_go_to_the_device_in_pieces(shuffle, pad, monkeypatch):
    in_pieces(monkeypatch)
    adapter = array_feed(16, 2, shuffle=shuffle, pad=pad)
    chunks = list(adapter.epoch())
    assert {len(chunk.data.x) for chunk in chunks} <= {6, 4}
    assert sorted(rows_of(adapter)) == list(range(16))


def test_pieces_have_the_order_of_the_whole(monkeypatch):
    orders = []
    for _ in range(2):
        seeds.set_seed(4)
        orders.append(batches_of(array_feed(17, 3, shuffle=True)))
        in_pieces(monkeypatch)
    assert orders[0] == orders[1]


# --- Batches ----------------------------------------------------------------------------------------------------------------


def batch(*rows: int) -> tuple:
    return np.array(rows, dtype="float32")[:, None], np.array(rows)


def checked(given: Batch, number: int) -> Batch:
    return given


def batch_feed(source: Any, steps: int | None = None, pad: bool = True, **options: Any) -> IterableDataAdapter:
    return IterableDataAdapter(source, steps, checked, PLACE, lambda: pad, **options)


class Lengthy:
    """An object with a length and items, and without an iterator."""

    def __init__(self) -> None:
        self.ended = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int) -> tuple:
        return batch(2 * number, 2 * number + 1)

    def on_epoch_end(self) -> None:
        self.ended += 1


class Iterable:
    """An object that can be iterated over again and again."""

    def __iter__(self) -> Any:
        return iter([batch(0, 1), batch(2, 3), batch(4, 5)])


THREE = [[0, 1], [2, 3], [4, 5]]
SOURCES = {
    "a list": lambda: [batch(*rows) for rows in THREE],
    "a tuple": lambda: tuple(batch(*rows) for rows in THREE),
    "an iterable": Iterable,
    "an object with length and items": Lengthy,
}


@pytest.mark.parametrize("name", SOURCES)
def test_only_batches_with_numbers_are_shuffled(name):
    adapter = batch_feed(SOURCES[name](), shuffle=True)
    adapter.sample()
    epochs = [batches_of(adapter) for _ in range(8)]
    assert all(sorted(epoch) == THREE for epoch in epochs)
    assert (epochs == [THREE] * 8) == (name != "an object with length and items")


AHEAD = pytest.mark.parametrize("prefetch", [False, True], ids=["when needed", "ahead"])  # with `all_are_slow`


@AHEAD
@pytest.mark.parametrize("name", SOURCES)
def test_what_can_be_iterated_over_anew_is_in_each_epoch(name, prefetch, all_are_slow):
    adapter = batch_feed(SOURCES[name]())
    adapter.sample()
    assert [batches_of(adapter, prefetch) for _ in range(3)] == [THREE] * 3
    assert adapter.ready()


def test_the_length_is_known_before_if_it_can_be():
    assert batch_feed(Lengthy()).steps == 3
    adapter = batch_feed(Iterable())
    assert adapter.steps is None
    batches_of(adapter)
    assert adapter.steps == 3


def test_an_object_is_told_that_the_epoch_ended():
    source = Lengthy()
    adapter = batch_feed(source)
    batches_of(adapter), batches_of(adapter)
    assert source.ended == 2


@AHEAD
def test_an_iterator_serves_all_epochs_together(prefetch, all_are_slow):
    adapter = batch_feed(iter(SOURCES["a list"]()), steps=1)
    adapter.sample()
    assert [batches_of(adapter, prefetch) for _ in range(3)] == [[[0, 1]], [[2, 3]], [[4, 5]]]
    assert not adapter.ready()


@AHEAD
def test_an_iterator_is_asked_for_no_more_than_it_must_give(prefetch, all_are_slow):
    asked = []

    def generator() -> Any:
        for number in range(100):
            asked.append(number)
            yield batch(number)

    adapter = batch_feed(generator(), steps=2)
    adapter.sample()
    for _ in range(3):
        assert adapter.ready()
        batches_of(adapter, prefetch)
    assert asked == [0, 1, 2, 3, 4, 5]


def test_an_iterator_that_ends_early_warns():
    adapter = batch_feed(iter(SOURCES["a list"]()), steps=5)
    with pytest.warns(UserWarning, match="The data ended after 3 of the 5 requested batches."):
        assert batches_of(adapter) == THREE


@AHEAD
@pytest.mark.parametrize("name", ["a list", "an iterable", "an object with length and items"])
def test_data_of_training_goes_on_and_ends_an_epoch_with_its_end(name, prefetch, all_are_slow):
    adapter = batch_feed(SOURCES[name](), steps=2, resumable=True)
    adapter.sample()
    assert batches_of(adapter, prefetch) == [[0, 1], [2, 3]]
    with pytest.warns(UserWarning, match="The data ended after 1 of the 2 requested batches."):
        assert batches_of(adapter, prefetch) == [[4, 5]]
    assert batches_of(adapter, prefetch) == [[0, 1], [2, 3]]


@AHEAD
def test_data_that_ends_with_an_epoch_begins_again_in_the_next(prefetch, all_are_slow):
    adapter = batch_feed(SOURCES["a list"](), steps=3, resumable=True)
    adapter.sample()
    assert [batches_of(adapter, prefetch) for _ in range(3)] == [THREE] * 3


def test_a_list_of_measuring_begins_anew():
    adapter = batch_feed(SOURCES["a list"](), steps=2)
    adapter.sample()
    assert [batches_of(adapter) for _ in range(2)] == [[[0, 1], [2, 3]]] * 2


@AHEAD
def test_an_epoch_that_is_left_early_draws_no_more(prefetch, all_are_slow):
    drawn = []

    def generator() -> Any:
        for number in range(100):
            drawn.append(number)
            yield batch(number)

    adapter = batch_feed(generator())
    adapter.sample()
    epoch = adapter.epoch(prefetch)
    next(epoch), next(epoch)
    epoch.close()
    assert len(drawn) <= (4 if prefetch else 2)


def test_smaller_batches_are_filled_up():
    adapter = batch_feed([batch(0, 1, 2), batch(3), batch(4, 5)])
    shapes = {(chunk.data.x.shape, chunk.indices.counts is None) for chunk in adapter.epoch()}
    assert shapes == {((3, 1), False)}
    assert batches_of(adapter) == [[0, 1, 2], [3], [4, 5]]


def test_larger_batches_are_taken_as_they_are():
    assert batches_of(batch_feed([batch(0), batch(1, 2, 3)])) == [[0], [1, 2, 3]]


def test_without_padding_batches_are_taken_as_they_are():
    adapter = batch_feed([batch(0, 1, 2), batch(3)], pad=False)
    assert [chunk.data.x.shape for chunk in adapter.epoch()] == [(3, 1), (1, 1)]


@pytest.mark.parametrize("source", [[], iter([])], ids=["a list", "an iterator"])
def test_no_batch_at_all(source):
    with pytest.raises(DataError, match="The data yielded no batches"):
        batch_feed(source).sample()


def test_an_object_that_gives_nothing_the_second_time():
    class Once:
        def __init__(self) -> None:
            self.batches = [batch(0)]

        def __iter__(self) -> Any:
            while self.batches:
                yield self.batches.pop()

    adapter = batch_feed(Once())
    batches_of(adapter)
    with pytest.raises(DataError, match="The data yielded no batches for this epoch"):
        batches_of(adapter)


def test_batches_are_numbered():
    numbers: list[int] = []
    adapter = IterableDataAdapter(
        SOURCES["a list"](), None, lambda given, number: (numbers.append(number), given)[1], PLACE, bool
    )
    adapter.sample()
    batches_of(adapter), batches_of(adapter)
    assert numbers == [1, 2, 3, 1, 2, 3]


SIX = {"an iterator": lambda: iter([batch(0, 1), batch(2, 3), batch(4, 5)]), "an object": Lengthy}


@pytest.mark.parametrize("name", SIX)
def test_the_specification_is_that_of_the_first_batch_which_is_drawn_once(name):
    adapter = batch_feed(SIX[name]())
    first = adapter.sample()
    assert adapter.sample() is first and (adapter.spec.x.shape, adapter.spec.y.dtype) == ((None, 1), "int32")
    assert rows_of(adapter) == [0, 1, 2, 3, 4, 5]
    assert adapter.spec.x.shape == (None, 1)  # also when the data is used up


def test_arrays_carry_their_specification():
    assert (array_feed(7, 3).spec.x.shape, array_feed(7, 3).spec.x.dtype) == ((None, 1), "float32")


@pytest.mark.parametrize(
    "make", [lambda ask: ArrayDataAdapter(Batch(*batch(*range(7)), None, None), 3, False, PLACE, ask), None]
)
def test_whether_to_pad_is_asked_once_and_not_before_the_first_epoch(make):
    asked: list[int] = []
    ask = lambda: asked.append(1) or True  # noqa: E731
    adapter = make(ask) if make else IterableDataAdapter([batch(0, 1), batch(2)], None, checked, PLACE, ask)
    assert adapter.spec and not asked
    batches_of(adapter), batches_of(adapter)
    assert asked == [1]


# --- What is what -----------------------------------------------------------------------------------------------------------

X, Y = batch(1, 2, 3)

IS_BATCHES = {
    "an array": (X, False),
    "nested lists": ([[1.0, 2.0], [3.0, 4.0]], False),
    "rows of NumPy's numbers": ([list(row) for row in np.ones((3, 2))], False),
    "two inputs": ([X, X], False),
    "two inputs in a tuple": ((X, X), False),
    "a dict": ({"a": X}, False),
    "text": ("images/", False),
    "an empty list": ([], False),
    "batches in a list": ([(X, Y), (X, Y)], True),
    "batches with weights": ([(X, Y, Y)], True),
    "batches of several inputs": ([([X, X], Y)], True),
    "batches of dicts": ([({"a": X}, Y)], True),
    "a generator": (iter([(X, Y)]), True),
    "an object with items": (Lengthy(), True),
    "an iterable": (Iterable(), True),
}


def test_an_engines_array_is_data(engine_name):
    assert not data_adapter.is_batches(backends.get(engine_name).asarray(X))


@pytest.mark.parametrize("name", IS_BATCHES)
def test_is_batches(name):
    value, expected = IS_BATCHES[name]
    assert data_adapter.is_batches(value) == expected


def test_a_frame_is_data():
    assert not data_adapter.is_batches(pytest.importorskip("pandas").DataFrame(X))


def test_a_sparse_matrix_is_no_generator_of_rows():
    assert not data_adapter.is_batches(pytest.importorskip("scipy.sparse").csr_array(X))


def test_validation_data():
    assert data_adapter.as_validation((X, Y)) == Batch(X, Y, None, None)
    assert data_adapter.as_validation([X, Y])[:2] == (X, Y)
    batches = [(X, Y), (X, Y)]
    assert data_adapter.as_validation(batches).x is batches
    assert data_adapter.as_validation(([X, X], [Y, Y])).x[1] is X
