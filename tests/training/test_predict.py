"""``predict``: the same for every number of samples, in every form."""

from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.core.layer import Layer
from cornu.errors import DataError, NonFiniteError, ShapeError

RNG = np.random.default_rng(0)


def small(on: Any) -> Any:
    stack = [layers.Conv2D(3, 2, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.5), layers.Flatten()]
    return on(cornu.Sequential([cornu.Input((4, 4, 1)), *stack, layers.Dense(2)]))


@pytest.mark.parametrize("count", [1, 7, 32, 33, 1000])
def test_every_number_of_samples(count, on):
    model = small(on)
    x = RNG.normal(size=(count, 4, 4, 1)).astype("float32")
    found = model.predict(x, verbose=0)
    assert type(found) is np.ndarray and found.dtype == "float32" and found.shape == (count, 2)
    some = np.unique(np.linspace(0, count - 1, 9).astype(int))
    alone = np.concatenate([model.predict(x[row : row + 1], verbose=0) for row in some])
    np.testing.assert_allclose(found[some], alone, 1e-5, 1e-6)
    np.testing.assert_allclose(found, model.predict_on_batch(x), 1e-5, 1e-6)


class Counts(Layer):
    """Updates a metric in ``call``."""

    def __init__(self):
        super().__init__()
        self.seen = cornu.metrics.Sum(name="seen")

    def call(self, inputs: Any) -> Any:
        self.seen.update_state(inputs)
        return 2 * inputs


def test_a_metric_that_is_updated_in_the_call(on):
    model, x = on(cornu.Sequential([cornu.Input((2,)), Counts()])), np.ones((5, 2), "float32")
    np.testing.assert_array_equal(model.predict(x, batch_size=3, verbose=0), 2 * x)
    assert float(model.layers[0].seen.result()) == 10


@pytest.mark.parametrize("size", [1, 5, 8, 64])
def test_every_batch_size(size, on):
    model = small(on)
    x = RNG.normal(size=(13, 4, 4, 1))
    np.testing.assert_allclose(model.predict(x, size, verbose=0), model(x.astype("float32")), 1e-5, 1e-6)


def test_few_sizes_compile(classifier, engine_name):
    sizes: list[int] = []

    class Seen(Layer):
        batch_coupling = "none"

        def call(self, inputs):
            sizes.append(inputs.shape[0])
            return inputs

        def compute_output_shape(self, input_shape):
            return input_shape

    model = classifier(Seen()).to_backend(engine_name)
    for count in [*range(1, 40), 100, 3, 17]:
        assert model.predict(RNG.normal(size=(count, 4)), verbose=0).shape == (count, 3)
    assert sorted(sizes) == [1, 2, 4, 8, 16, 32]


def test_a_layer_that_keeps_what_it_saw_compiles_once(engine_name):
    runs: list[int] = []

    class Keeping(Layer):
        def call(self, inputs):
            runs.append(1)
            self.seen = inputs * 2
            return inputs

    model = cornu.Sequential([cornu.Input((3,)), Keeping(), layers.Dense(2)]).to_backend(engine_name)
    x = np.ones((1, 3), "float32")
    model.predict(x, verbose=0)
    before = len(runs)
    for _ in range(5):
        model.predict(x, verbose=0)
    assert len(runs) == before


def test_what_couples_samples_is_not_padded(on):
    class Total(Layer):
        def call(self, inputs):
            return inputs * 0 + cornu.ops.sum(inputs)

        def compute_output_shape(self, input_shape):
            return input_shape

    model = on(cornu.Sequential([cornu.Input((1,)), Total()]))
    assert model.predict(np.ones((11, 1)), 4, verbose=0)[:, 0].tolist() == [4.0] * 8 + [3.0] * 3


def test_batches_of_all_kinds(on):
    model = small(on)
    x = RNG.normal(size=(11, 4, 4, 1)).astype("float32")
    expected = model.predict(x, verbose=0)
    parts = [x[:4], x[4:8], x[8:]]
    labels = [np.zeros(len(part)) for part in parts]
    for batches in (iter(parts), zip(parts, labels, strict=True), list(zip(parts, labels, strict=True))):
        np.testing.assert_allclose(model.predict(batches, verbose=0), expected, 1e-5, 1e-6)


def test_an_object_with_length_and_items(on):
    class Lengthy:
        def __len__(self):
            return 2

        def __getitem__(self, number):
            return x[5 * number : 5 * number + 5]

    model = small(on)
    x = RNG.normal(size=(10, 4, 4, 1)).astype("float32")
    np.testing.assert_allclose(model.predict(Lengthy(), verbose=0), model.predict(x, verbose=0), 1e-5, 1e-6)


def test_steps_of_an_endless_generator():
    def generator():
        while True:
            given.append(1)
            yield np.zeros((3, 4, 4, 1))

    given: list[int] = []
    assert small(lambda model: model.to_backend("numpy")).predict(generator(), steps=2, verbose=0).shape == (6, 2)
    assert len(given) == 2


def test_steps_of_arrays():
    model = small(lambda model: model.to_backend("numpy"))
    assert model.predict(np.zeros((30, 4, 4, 1)), batch_size=4, steps=2, verbose=0).shape == (8, 2)


def test_what_fitted_once_is_still_looked_at():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    x = RNG.normal(size=(2, 3)).astype("float32")
    right = model.predict(x, verbose=0)

    for _ in range(2):
        np.testing.assert_array_equal(model.predict(x.astype(">f4"), verbose=0), right)
        with pytest.raises(NonFiniteError, match="NaN"):
            model.predict(np.float32([[1, 2, np.nan]]), verbose=0)
        with pytest.raises(ShapeError, match="4 values"):
            model.predict(np.zeros((2, 4), "float32"), verbose=0)
        with pytest.raises(DataError, match="no samples"):
            model.predict(x[:0], verbose=0)
        with pytest.raises(DataError, match="as a scalar"):
            model.predict(np.array(1, "float32"), verbose=0)


def test_numbers_for_an_embedding_are_looked_at_every_time():
    model = cornu.Sequential([cornu.Input((2,), dtype="int32"), layers.Embedding(5, 2)])
    model.predict(np.int32([[0, 4]]), verbose=0)

    with pytest.raises(DataError, match="the value 5"):
        model.predict(np.int32([[0, 5]]), verbose=0)


@pytest.mark.parametrize("nothing", [lambda: np.zeros((0, 4, 4, 1)), lambda: [], lambda: iter([]), lambda: None])
def test_nothing_to_predict(nothing):
    with pytest.raises(DataError, match=r"`predict`"):
        small(lambda model: model).predict(nothing(), verbose=0)


def test_several_outputs_keep_their_form(on):
    inputs = cornu.Input((4,))
    one, two = layers.Dense(1)(inputs), layers.Dense(2)(inputs)
    x = RNG.normal(size=(37, 4)).astype("float32")
    as_list = on(cornu.Model(inputs, [one, two])).predict(x, 8, verbose=0)
    as_dict = on(cornu.Model(inputs, {"b": one, "a": two})).predict(x, 8, verbose=0)
    assert isinstance(as_list, list) and list(as_dict) == ["b", "a"]
    np.testing.assert_allclose(as_list[0], as_dict["b"], 1e-6)
    np.testing.assert_allclose(as_list[1], as_dict["a"], 1e-6)


def test_predict_sees_weights_that_change(classifier, on):
    model = on(classifier())
    x = RNG.normal(size=(5, 4))
    before = model.predict(x, verbose=0)
    model.set_weights([weight * 2 + 1 for weight in model.get_weights()])
    assert np.abs(model.predict(x, verbose=0) - before).max() > 1e-3


def test_predict_of_a_model_without_input_builds_it(on):
    model = on(cornu.Sequential([layers.Dense(3)]))
    assert model.predict(np.ones((2, 5)), verbose=0).shape == (2, 3)


def test_predict_of_a_subclassed_model(on):
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs["a"]) * 2

    x = RNG.normal(size=(37, 4)).astype("float32")
    model = on(Own())
    found = model.predict({"a": x}, verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(found, (x @ kernel + bias) * 2, 1e-5, 1e-5)
