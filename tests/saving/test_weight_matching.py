import io

import h5py
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ModelFormatError
from cornu.saving.weight_matching import load_into
from cornu.saving.weight_paths import variable_groups
from cornu.saving.weights_h5 import WeightsFile, write_weights


def stack(*units, name="wide", **arguments):
    return cornu.Sequential([cornu.Input((4,)), *(layers.Dense(count, **arguments) for count in units)], name=name)


def written(model):
    file = io.BytesIO()
    write_weights(file, variable_groups(model))
    return file


def load(model, file, **arguments):
    with WeightsFile(file, "'w.h5'") as weights:
        load_into(variable_groups(model), weights, "'w.h5'", model.name, **arguments)


def test_a_mismatch_is_shown_as_a_table_of_file_and_model():
    model = stack(5, 2)
    before = model.get_weights()
    with pytest.raises(ModelFormatError) as caught:
        load(model, written(stack(5, 3)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "'w.h5' does not match the model 'wide'; 1 of 3 groups differ:"
    assert lines[1].split() == ["path", "(layer)", "file", "model"]
    assert lines[2].startswith("  layers/dense_1 (dense_")
    assert "(5, 3) float32, (3,) float32  (5, 2) float32, (2,) float32" in lines[2]
    assert "skip_mismatch=True" in lines[3]
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_table_says_where_the_wanted_shapes_stand():
    source = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
    file = written(source)
    renamed = written_under(source, "layers/other")
    with pytest.raises(ModelFormatError, match="the file has these shapes at `layers/other`"):
        load(stack(3), renamed)
    load(stack(3), file)


def written_under(model, path):
    file = io.BytesIO()
    write_weights(file, [place._replace(path=path) for place in variable_groups(model) if place.variables])
    return file


def test_a_long_table_is_cut():
    with pytest.raises(ModelFormatError, match=r"\.\.\. and 3 more"):
        load(stack(*[3] * 15), written(stack(*[2] * 15)))


def test_a_layer_without_a_bias_does_not_take_one():
    with pytest.raises(ModelFormatError, match=r"\(4, 3\) float32, \(3,\) float32  \(4, 3\) float32"):
        load(stack(3, use_bias=False), written(stack(3)))


def test_skip_mismatch_leaves_out_what_differs_with_a_warning():
    model, source = stack(5, 2), stack(5, 3)
    last = model.layers[1].get_weights()[0]
    with pytest.warns(UserWarning, match="weights of 'w.h5' were skipped:\n.*\n  layers/dense_1"):
        load(model, written(source), skip_mismatch=True)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], source.layers[0].get_weights()[0])
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], last)


def test_weights_without_a_place_are_named():
    with pytest.warns(UserWarning, match="also contains weights that are not in the model 'wide': layers/dense_1"):
        load(stack(5), written(stack(5, 2)))


def test_random_states_and_metrics_of_older_kerases_are_passed_over():
    file = written(stack(5))
    with h5py.File(file, "r+") as root:
        root["layers/dropout/seed_generator/vars/0"] = np.zeros(2, "uint32")
        root["_loss_tracker/vars/0"] = 1.0
    load(stack(5), file)


def test_the_names_of_keras_2_13_are_understood():
    source, model = stack(5), stack(5)
    load(model, written_under(source, "_layer_checkpoint_dependencies/dense"))
    np.testing.assert_array_equal(model.get_weights()[0], source.get_weights()[0])


def test_a_layer_that_is_not_built_is_called_so():
    class Later(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2)

        def call(self, inputs):
            return self.inner(inputs)

    built, fresh = Later(), Later()
    built(np.ones((1, 3)))
    with pytest.raises(ModelFormatError, match="not built yet"):
        load(fresh, written(built))


def test_integers_that_do_not_fit_are_refused():
    model = stack(3)
    model.compile("adam", "mse")
    file = written(model)
    with h5py.File(file, "r+") as root:
        del root["optimizer/vars/0"]
        root["optimizer/vars/0"] = np.int64(2**40)
    with pytest.raises(ModelFormatError, match="`optimizer/vars/0` contains integers that are out of range for int32"):
        load(model, file)


def test_the_step_count_of_another_width_is_taken():
    model = stack(3)
    model.compile("adam", "mse")
    file = written(model)
    with h5py.File(file, "r+") as root:
        del root["optimizer/vars/0"]
        root["optimizer/vars/0"] = np.int64(7)
    load(model, file)
    assert int(model.optimizer.iterations) == 7


def test_an_optimizer_of_another_kind_starts_anew_with_a_warning():
    model, source = stack(3), stack(3)
    for each, optimizer in ((source, "adam"), (model, "rmsprop")):
        each.compile(optimizer, "mse")
        each.optimizer.build(each.trainable_variables)
    with pytest.warns(UserWarning, match="contains 6 optimizer arrays, but '.*' has 4: its state is not loaded"):
        load(model, written(source))
    np.testing.assert_array_equal(model.get_weights()[0], source.get_weights()[0])
