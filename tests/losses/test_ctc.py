"""The CTC loss: weights, masks and training."""

import keras
import numpy as np
import pytest

import cornu
from cornu import backends, losses, ops
from cornu.core import masks
from cornu.errors import DataError, ShapeError


def sequences(count=6, steps=9, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, classes, size=(count, 3)).astype("int32")
    labels[1, 2] = labels[-1, 1:] = 0
    return labels, rng.normal(size=(count, steps, classes)).astype("float32")


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
def test_weighted_means_are_those_of_keras(reduction, backend):
    labels, logits = sequences()
    weight = np.random.default_rng(3).uniform(0.1, 2, size=6).astype("float32")
    ours = losses.CTC(reduction=reduction)(labels, backends.get(backend).asarray(logits), weight)
    np.testing.assert_allclose(np.asarray(ours), keras.losses.CTC(reduction=reduction)(labels, logits, weight), rtol=1e-5)


def test_padding_counts_nowhere(backend):
    labels, logits = sequences()
    loss, array = losses.CTC(), backends.get(backend).asarray(logits)
    assert loss.is_per_sample
    np.testing.assert_allclose(
        float(loss(labels, array, sample_mask=[1, 1, 1, 0, 0, 0])), float(loss(labels[:3], array[:3])), rtol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_steps_that_the_mask_excludes_are_left_out(dtype, backend):
    labels, logits = sequences(2)
    lengths = np.int32([9, 5])
    array = backends.get(backend).asarray(logits.astype(dtype))
    masks.set_mask(array, backends.get(backend).asarray(np.arange(9) < lengths[:, None]))
    ours = losses.CTC(reduction="none")(labels, array)
    theirs = keras.ops.ctc_loss(labels, logits.astype(dtype), np.int32([3, 1]), lengths)
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-5 if dtype == "float32" else 2e-3)


def test_a_masked_model_trains_on_every_engine(backend):
    labels, _ = sequences(8)
    x = np.random.default_rng(1).normal(size=(8, 9, 2)).astype("float32")
    x[:, 7:] = 0
    cornu.utils.set_random_seed(0)
    with cornu.config.placement_scope(backend):
        model = cornu.Sequential(
            [cornu.Input((9, 2)), cornu.layers.Masking(), cornu.layers.SimpleRNN(8, return_sequences=True)]
        )
        model.add(cornu.layers.Dense(4))
        model.compile(cornu.optimizers.Adam(0.05), "ctc" if backend == "numpy" else losses.CTC())
        history = model.fit(x, labels, epochs=4, batch_size=3, verbose=0).history["loss"]
    assert np.isfinite(history).all() and history[-1] < history[0]


def test_labels_that_do_not_fit_give_a_large_loss_with_a_finite_gradient(backend):
    engine = backends.get(backend)
    logits = engine.asarray(np.zeros((1, 2, 3), "float32"))
    value, gradient = engine.value_and_grad(lambda x: ops.sum(losses.ctc(np.int32([[1, 1, 2]]), x)))(logits)
    assert 5e4 < float(value) < 1e6
    assert np.isfinite(engine.to_numpy(gradient)).all()


def test_wrong_shapes_are_named():
    with pytest.raises(ShapeError, match=r"`ctc` received `y_true` of shape \(2,\) and `y_pred` of shape \(2, 3, 4\)"):
        losses.ctc([1, 2], np.zeros((2, 3, 4), "float32"))


def test_labels_beyond_the_classes_are_named():
    model = cornu.Sequential([cornu.Input((9, 2)), cornu.layers.Dense(4)])
    model.compile("sgd", "ctc")
    with pytest.raises(DataError, match="`y` contains the label 4"):
        model.fit(np.zeros((2, 9, 2), "float32"), np.int32([[1, 2], [4, 0]]), verbose=0)
