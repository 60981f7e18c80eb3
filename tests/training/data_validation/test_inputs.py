"""Whether ``x`` fits the model: shapes, names, numbers of words, and images that are not scaled."""

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import CornuError, DataError, ShapeError

RNG = np.random.default_rng(0)


def images(*shape: int) -> np.ndarray:
    return RNG.random((5, *shape)).astype("float32")


def convnet(*shape: int) -> Any:
    stack = [layers.Conv2D(3, 3, strides=2), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(4, "softmax")]
    model = cornu.Sequential([cornu.Input(shape), *stack])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_the_text_about_wrong_images():
    stack = [layers.Conv2D(12, 3, padding="same"), layers.MaxPooling2D(2, name="pool"), layers.Flatten(name="flatten")]
    model = cornu.Sequential([cornu.Input((32, 32, 3)), *stack, layers.Dense(10, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ShapeError) as caught:
        model.fit(images(30, 30, 3), np.zeros(5))
    assert str(caught.value) == (
        "`fit`: the images in `x` are 30 x 30 x 3, and this model was built for 32 x 32 x 3 (layer 3, `flatten`, is "
        "followed by a `Dense` with 3072 inputs). Resize the images, or build the model with `Input((30, 30, 3))`."
    )


SHAPES = {
    "other size": ((12, 12, 3), "Resize the images, or build the model with `Input((12, 12, 3))`."),
    "gray images without channels": (
        (16, 16),
        "Add the channel axis, 3 times: `np.repeat(x[..., None], 3, axis=-1)`.",
    ),
    "one channel": (
        (16, 16, 1),
        "Repeat the channel: `np.repeat(x, 3, axis=-1)`, or build the model with `Input((16, 16, 1))`.",
    ),
    "four channels": ((16, 16, 4), "Remove channels: `x[..., :3]`"),
    "two channels": ((16, 16, 2), "Pass 3 channels, or build the model with `Input((16, 16, 2))`."),
    "channels first": ((3, 16, 16), "Move the channels to the last axis: `np.moveaxis(x, 1, -1)`."),
    "flat": ((768,), "Reshape them: `x.reshape(-1, 16, 16, 3)`."),
    "nothing like it": ((5, 5, 5, 5), "Check how `x` was created, or build the model with `Input((5, 5, 5, 5))`."),
}


@pytest.mark.parametrize("name", SHAPES)
def test_advice_for_images_of(name):
    shape, advice = SHAPES[name]
    with pytest.raises(ShapeError) as caught:
        convnet(16, 16, 3).fit(images(*shape), np.zeros(5))
    assert advice in str(caught.value)


def test_one_image_without_a_batch():
    with pytest.raises(ShapeError, match=r"If it is a single sample, add the batch axis: `x\[None\]`."):
        convnet(16, 16, 3).predict(images(16, 16, 3)[0])


def test_colors_for_a_gray_model():
    with pytest.raises(
        ShapeError, match=r"\(layer 1, `conv2d\w*`, expects 1 channels\).*Convert them to grayscale: `x.mean\(axis=-1"
    ):
        convnet(16, 16, 1).fit(images(16, 16, 3), np.zeros(5))


def test_a_missing_axis_of_one_channel_is_added(on):
    model = on(convnet(16, 16, 1))
    x = images(16, 16)
    np.testing.assert_allclose(model.predict(x, verbose=0), model.predict(x[..., None], verbose=0), 1e-6)


def test_a_last_axis_of_size_1_is_removed_as_by_keras(on):
    model = on(cornu.Sequential([cornu.Input((3,)), layers.Dense(2)]))
    model.compile("sgd", "mse")
    x = images(3)
    np.testing.assert_allclose(model.predict(x[..., None], verbose=0), model.predict(x, verbose=0), 1e-6)
    np.testing.assert_allclose(cornu.ops.convert_to_numpy(model(x[..., None])), model.predict(x, verbose=0), 1e-6)
    losses = [model.evaluate(given, np.zeros((5, 2)), verbose=0) for given in (x, x[..., None])]
    assert losses[0] == pytest.approx(losses[1])
    assert model.fit(x[..., None], np.zeros((5, 2)), verbose=0).history["loss"] == pytest.approx(losses[:1])


def sizes_without_input() -> Any:
    return cornu.Sequential([layers.Conv1D(2, 3, padding="same"), layers.GlobalAveragePooling1D()])


def test_a_model_that_took_its_shape_from_data_accepts_sizes_that_its_layers_accept(on):
    model = on(sizes_without_input())
    model.compile("sgd", "mse")
    batches = [(images(size, 2), np.zeros((5, 2))) for size in (12, 20, 12)]
    assert model.fit(batches, verbose=0).history["loss"]
    assert model.evaluate(batches, verbose=0) > 0
    assert model(images(9, 2)).shape == model.predict(images(7, 2), verbose=0).shape == (5, 2)
    assert model.input_shape == (None, 12, 2)


def test_it_computes_for_another_size_what_a_model_of_open_sizes_computes(on):
    model, x = sizes_without_input(), images(20, 2)
    model(images(12, 2))
    opened = cornu.Sequential([cornu.Input((None, 2)), *sizes_without_input().layers])
    opened.set_weights(model.get_weights())
    np.testing.assert_allclose(on(model).predict(x, verbose=0), opened.predict(x, verbose=0), 1e-5, 1e-6)


def test_batches_of_several_shapes_are_predicted_if_the_outputs_fit_together(on):
    model = on(cornu.Sequential([layers.Flatten()]))
    parts = [images(5, 7), images(7, 5)]
    found = model.predict(((part,) for part in parts), verbose=0)
    np.testing.assert_array_equal(found, np.concatenate([part.reshape(5, 35) for part in parts]))


def test_it_refuses_sizes_that_a_layer_refuses():
    model = cornu.Sequential([layers.Flatten(), layers.Dense(2)])
    model.predict(images(5, 7), verbose=0)
    with pytest.raises(ShapeError, match=r"the samples in `x` are 5 x 8, and this model was built for 5 x 7"):
        model.predict(images(5, 8), verbose=0)
    assert model.predict(images(7, 5), verbose=0).shape == (5, 2)


def of_declared_sizes(module: Any) -> Any:
    one, two = module.Input((12, 2), name="one"), module.Input((3,), name="two")
    pooled = module.layers.GlobalAveragePooling1D()(one)
    return module.Model({"one": one, "two": two}, module.layers.Concatenate()([pooled, two]))


def test_other_sizes_than_the_declared_ones_are_accepted_if_the_layers_accept_them_as_by_keras(on):
    x = {"one": images(20, 2), "two": images(3)}
    expected = of_declared_sizes(keras).predict(x, verbose=0)
    np.testing.assert_allclose(on(of_declared_sizes(cornu)).predict(x, verbose=0), expected, 1e-5)


def test_other_sizes_than_the_declared_ones_are_refused_if_a_layer_refuses_them():
    with pytest.raises(ShapeError, match=r"the samples in `x\['one'\]` are 20 x 3 x 2, and this model was built for 12 x 2"):
        of_declared_sizes(cornu).predict({"one": images(20, 3, 2), "two": images(3)})


def test_rows_of_another_length(classifier):
    text = (
        r"the samples in `x` are 5 values, and this model was built for 4 values \(layer 1, `dense\w*`, expects 4 features\)."
    )
    with pytest.raises(ShapeError, match=text):
        classifier().fit(images(5), np.zeros(5))


def test_sizes_that_are_open_take_anything():
    model = cornu.Sequential([cornu.Input((None, None, 3)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    assert model.predict(images(9, 7, 3), verbose=0).shape == (5, 2)
    with pytest.raises(ShapeError, match="this model was built for any x any x 3"):
        model.predict(images(9, 7, 2))


def test_a_model_without_input_says_which_layer_refuses():
    model = cornu.Sequential([layers.Conv2D(3, 3, name="first"), layers.Flatten(), layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ShapeError, match=r"'first' received an input of shape .* Add the channel axis: `x\[..., None\]`"):
        model.fit(images(16, 16), np.zeros(5))


def test_a_model_without_input_is_built_by_the_next_fit_that_fits(on):
    model = on(cornu.Sequential([layers.Conv2D(3, 3), layers.Conv2D(2, 3, name="second"), layers.GlobalAveragePooling2D()]))
    model.compile("sgd", "mse")
    with pytest.raises(ShapeError, match="'second'"):
        model.fit(images(4, 4, 1), np.zeros((5, 2)), verbose=0)
    assert model.fit(images(9, 9, 1), np.zeros((5, 2)), verbose=0).history["loss"]
    assert model.layers[1].output_shape == (None, 5, 5, 2)


# --- Several inputs ---------------------------------------------------------------------------------------------------------


def two_inputs() -> Any:
    left, right = cornu.Input((4,), name="left"), cornu.Input((2,), name="right")
    model = cornu.Model([left, right], layers.Dense(1)(layers.Concatenate()([left, right])))
    model.compile("sgd", "mse")
    return model


LEFT, RIGHT, Y = images(4), images(2), np.zeros(5)

WRONG = {
    "a name": (
        {"left": LEFT, "rihgt": RIGHT},
        "with the keys ['left', 'rihgt']. The model's inputs are ['left', 'right']. Did you mean 'right'?",
    ),
    "a missing name": ({"left": LEFT}, "Pass one array for each of these names."),
    "one array": (LEFT, "`fit` received `x` as one array. The model has 2 inputs, ['left', 'right']. Pass a list or a dict"),
    "one of two": ([LEFT], "`x` as a list of 1 array. The model has 2 inputs, ['left', 'right']. Pass a list or a dict"),
    "None": ([LEFT, None], "`x` as a list of 1 array and None for 'right'. The model has 2 inputs, ['left', 'right']."),
    "three arrays": ([LEFT, RIGHT, RIGHT], "`x` as a list of 3 arrays. The model has 2 inputs"),
    "a shape": (
        {"left": LEFT, "right": LEFT},
        "the samples in `x['right']` are 4 values, and this model was built for 2 values",
    ),
    "the order": ([RIGHT, LEFT], "the samples in `x[0]` are 2 values, and this model was built for 4 values"),
    "lengths": ([LEFT, RIGHT[:3]], "`fit` received 5 rows in `x[0]`, 3 rows in `x[1]` and 5 rows in `y`."),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_inputs(name):
    x, text = WRONG[name]
    with pytest.raises(CornuError) as caught:
        two_inputs().fit(x, Y)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "x", [[LEFT, RIGHT], (LEFT, RIGHT), {"right": RIGHT, "left": LEFT}, {"left": LEFT.tolist(), "right": RIGHT}]
)
def test_inputs_come_in_lists_and_dicts(x, on):
    model = on(two_inputs())
    np.testing.assert_allclose(model.predict(x, verbose=0), model.predict([LEFT, RIGHT], verbose=0), 1e-6)


def test_a_list_of_samples_for_one_input(classifier):
    for y in (np.zeros(5), np.zeros(4)):
        with pytest.raises(DataError, match=r"`x` as a list of 5 arrays.* `np.stack\(x\)`."):
            classifier().fit(list(images(4)), y)


# --- Words ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "advice"), [(7, r"Extend it to 8 indices \(`input_dim=8`"), (-1, "Number the words from 0")])
def test_words_that_an_embedding_does_not_know(word, advice, on):
    model = on(cornu.Sequential([cornu.Input((3,), dtype="int32"), layers.Embedding(7, 2, name="words"), layers.Flatten()]))
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    x = RNG.integers(0, 7, (5, 3))
    x[3, 1] = word
    layer = r"The layer 'words' \(`Embedding`\) accepts the integers from 0 to 6."
    text = rf"`x` contains the value {word} in sample 3, at \[1\]. {layer} {advice}"
    for call in (lambda: model.fit(x, Y), lambda: model.predict(x)):
        with pytest.raises(DataError, match=text):
            call()


# --- Images in 0..255 -------------------------------------------------------------------------------------------------------


def trained_on(model: Any, x: np.ndarray) -> None:
    model.compile("sgd", "mse")
    model.to_backend("numpy").fit(x, np.zeros((5, *model.output_shape[1:])), epochs=0, verbose=0)


BRIGHT = (RNG.random((5, 8, 8, 3)) * 255).astype("float32")
BRIGHT[0, 0, 0] = [0, 100, 255]
RAW = [
    [layers.Conv2D(2, 3)],
    [layers.Flatten(), layers.Dense(2)],
    [layers.ZeroPadding2D(), layers.Dropout(0.1), layers.Dense(2)],
]
SCALED = {
    "Rescaling": [layers.Rescaling(1 / 255), layers.Conv2D(2, 3)],
    "BatchNormalization": [layers.BatchNormalization(), layers.Conv2D(2, 3)],
    "BatchNormalization after a convolution": [layers.Conv2D(2, 3), layers.BatchNormalization()],
    "LayerNormalization": [layers.Flatten(), layers.LayerNormalization(), layers.Dense(2)],
    "a function": [layers.Lambda(lambda x: x / 255), layers.Conv2D(2, 3)],
}


@pytest.mark.parametrize("stack", RAW, ids=lambda stack: type(stack[0]).__name__)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64"])
def test_images_in_0_to_255_are_warned_of(stack, dtype):
    model = cornu.models.clone_model(cornu.Sequential([cornu.Input((8, 8, 3)), *stack]))
    text = r"`fit`: the values in `x` range from 0 to 255, and the model does not scale them.*`x / 255`.*`Rescaling\(1 / 255\)`"
    with pytest.warns(UserWarning, match=text):
        trained_on(model, BRIGHT.astype(dtype))


@pytest.mark.parametrize("name", SCALED)
def test_no_warning_behind(name):
    trained_on(cornu.Sequential([cornu.Input((8, 8, 3)), *SCALED[name]]), BRIGHT)


@pytest.mark.parametrize("x", [BRIGHT / 255, BRIGHT - 128, BRIGHT * 100], ids=["0 to 1", "centered", "no images"])
def test_no_warning_of(x):
    trained_on(cornu.Sequential([cornu.Input((8, 8, 3)), layers.Conv2D(2, 3)]), x)


def test_no_warning_of_tables_in_large_numbers():
    trained_on(cornu.Sequential([cornu.Input((6,)), layers.Dense(2)]), RNG.random((5, 6)) * 200)


def test_bytes_of_words_are_no_images():
    model = cornu.Sequential([cornu.Input((6,), dtype="int32"), layers.Embedding(200, 2), layers.Flatten()])
    trained_on(model, RNG.integers(100, 200, (5, 6)).astype("uint8"))


def test_flat_bytes_are_images():
    with pytest.warns(UserWarning, match="the model does not scale them"):
        trained_on(cornu.Sequential([cornu.Input((64,)), layers.Dense(2)]), BRIGHT.astype("uint8")[:, :, :, 0].reshape(5, 64))


def test_the_warning_points_at_the_call_of_fit():
    model = cornu.Sequential([cornu.Input((8, 8, 3)), layers.Conv2D(2, 3)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(BRIGHT, np.zeros((5, 6, 6, 2)), epochs=0, verbose=0)
    assert [warning.filename for warning in caught] == [__file__]


def test_measuring_does_not_warn():
    model = cornu.Sequential([cornu.Input((8, 8, 3)), layers.Conv2D(2, 3)]).to_backend("numpy")
    model.compile("sgd", "mse")
    model.evaluate(BRIGHT, np.zeros((5, 6, 6, 2)), verbose=0)
    model.predict(BRIGHT, verbose=0)
