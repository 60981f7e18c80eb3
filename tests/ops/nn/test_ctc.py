"""CTC loss and decoding, against those of Keras and PyTorch, and by listing all paths."""

import itertools

import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.backends.contract import ArraySpec
from cornu.errors import InvalidArgumentError, ShapeError

LABELS = np.int32([[1, 1, 2, 3], [4, 2, 0, 0], [0, 0, 0, 0]])
LABEL_COUNTS, STEPS = np.int32([4, 2, 0]), np.int32([9, 6, 3])


def logits(dtype="float32", steps=9, classes=5):
    return (2 * np.random.default_rng(0).normal(size=(3, steps, classes))).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_loss_is_that_of_keras(dtype, make, check):
    x = logits(dtype)
    found = ops.ctc_loss(make(LABELS), make(x), make(LABEL_COUNTS), make(STEPS))
    expected = np.asarray(keras.ops.ctc_loss(LABELS, x, LABEL_COUNTS, STEPS))
    check(found, expected, dtype=dtype != "float64")  # where JAX has no float64


@pytest.mark.parametrize("blank", [0, 4])
def test_loss_is_that_of_torch(blank, make, check):
    torch = pytest.importorskip("torch")
    labels = np.where(blank == LABELS, 3, LABELS)
    theirs = torch.nn.functional.ctc_loss(
        torch.log_softmax(torch.tensor(logits()), -1).transpose(0, 1),
        *(torch.tensor(x) for x in (labels, STEPS, LABEL_COUNTS)),
        blank=blank,
        reduction="none",
    )
    found = ops.ctc_loss(make(labels), make(logits()), make(LABEL_COUNTS), make(STEPS), mask_index=blank)
    check(found, theirs.numpy())


def labels_of(path, blank=0):
    merged = [label for label, _ in itertools.groupby(path)]
    return tuple(label for label in merged if label != blank)


def test_loss_is_the_sum_over_all_paths(make, check):
    x = np.random.default_rng(4).normal(size=(1, 5, 3)).astype("float32")
    log = x[0] - np.log(np.exp(x[0]).sum(-1, keepdims=True))
    paths = [path for path in itertools.product(range(3), repeat=5) if labels_of(path) == (1, 1, 2)]
    total = sum(np.exp(log[np.arange(5), path].sum()) for path in paths)
    check(ops.ctc_loss(make(np.int32([[1, 1, 2]])), make(x), make([3]), make([5])), [np.float32(-np.log(total))])


def test_gradient_is_that_of_keras(make, check_gradients):
    check_gradients(
        lambda x: ops.ctc_loss(LABELS, x, LABEL_COUNTS, STEPS),
        lambda x: keras.ops.ctc_loss(LABELS, x, LABEL_COUNTS, STEPS),
        logits(),
    )


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_gradients_are_finite_for_labels_that_do_not_fit_and_for_large_logits(scale, gradient):
    found = gradient(lambda x: ops.sum(ops.ctc_loss([[1, 1, 2]] * 3, x, [3, 3, 3], [2, 9, 0])), scale * logits())
    assert np.isfinite(found).all()


def test_loss_compiles_and_its_shape_is_told_before(engine, make, check):
    def loss(x):
        return ops.ctc_loss(LABELS, x, LABEL_COUNTS, STEPS)

    check(engine.compile(loss)(make(logits())), loss(make(logits())))
    spec = engine.abstract_eval(loss, ArraySpec((3, 9, 5), "float32"))
    assert (tuple(spec.shape), spec.dtype) == ((3,), "float32")


def test_greedy_decoding_is_that_of_keras(make, check):
    for merge, blank in itertools.product([True, False], [0, 2]):
        found = ops.ctc_decode(make(logits()), make(STEPS), merge_repeated=merge, mask_index=blank)
        expected = keras.ops.ctc_decode(logits(), STEPS, merge_repeated=merge, mask_index=blank)
        for one, other in zip(found, expected, strict=True):
            check(one, other)


@pytest.mark.parametrize(("width", "paths", "blank"), [(1, 1, 0), (4, 2, 0), (20, 3, 4)])
def test_beam_search_is_that_of_keras(width, paths, blank, make, check):
    arguments = {"strategy": "beam_search", "beam_width": width, "top_paths": paths, "mask_index": blank}
    found = ops.ctc_decode(make(logits()), make(STEPS), **arguments)
    expected = keras.ops.ctc_decode(logits(), STEPS, **arguments)
    for one, other in zip(found, expected, strict=True):
        check(one, other, rtol=1e-4)


def test_a_wide_beam_finds_the_most_probable_labels_of_all(make):
    x = np.random.default_rng(4).normal(size=(1, 5, 3)).astype("float32")
    log = x[0] - np.log(np.exp(x[0]).sum(-1, keepdims=True))
    totals = {}
    for path in itertools.product(range(3), repeat=5):
        totals[labels_of(path)] = totals.get(labels_of(path), 0) + np.exp(log[np.arange(5), path].sum())
    best = sorted(totals, key=totals.get, reverse=True)[:4]
    found, scores = ops.ctc_decode(make(x), make([5]), "beam_search", beam_width=100, top_paths=4)
    found = [tuple(row[row >= 0].tolist()) for row in ops.convert_to_numpy(found)[:, 0]]
    assert found == best
    np.testing.assert_allclose(ops.convert_to_numpy(scores)[0], np.log([totals[labels] for labels in best]), rtol=1e-4)


def test_results_beyond_those_that_exist_are_empty(make):
    found, scores = ops.ctc_decode(make(np.zeros((1, 1, 2), "float32")), make([1]), "beam_search", beam_width=5, top_paths=3)
    assert ops.convert_to_numpy(found)[2].tolist() == [[-1]]
    assert ops.convert_to_numpy(scores)[0, 2] == -np.inf


@pytest.mark.parametrize("strategy", ["greedy", "beam_search"])
def test_a_sequence_of_no_steps_has_no_labels(strategy, make):
    """In its beam search, Keras decodes the first step on JAX and PyTorch, and fails on TensorFlow."""
    labels, scores = ops.ctc_decode(make(logits()), make(np.int32([9, 4, 0])), strategy, beam_width=4, top_paths=1)
    assert (ops.convert_to_numpy(labels)[0, 2] == -1).all()
    assert ops.convert_to_numpy(scores)[2] == 0
    theirs, _ = keras.ops.ctc_decode(logits(), np.int32([9, 4, 0]), strategy, beam_width=4, top_paths=1)
    assert (np.asarray(theirs)[0, 2] == -1).all() == (strategy == "greedy")


def test_beam_search_compiles_and_works_for_symbolic_batches(engine, make, check):
    def decode(x):
        return ops.ctc_decode(x, STEPS, "beam_search", beam_width=4, top_paths=2)

    for one, other in zip(engine.compile(decode)(make(logits())), decode(make(logits())), strict=True):
        check(one, other)
    labels, scores = ops.ctc_decode(cornu.Input((9, 5)), cornu.Input((), dtype="int32"), "beam_search", 4, 2)
    assert (labels.shape, scores.shape) == ((2, None, 9), (None, 2))


def test_mistakes_are_named():
    with pytest.raises(InvalidArgumentError, match=r"`strategy='best'`"):
        ops.ctc_decode(logits(), STEPS, strategy="best")
    with pytest.raises(InvalidArgumentError, match=r"`top_paths=3` and `beam_width=2`"):
        ops.ctc_decode(logits(), STEPS, "beam_search", 2, 3)
    with pytest.raises(ShapeError, match=r"`ctc_loss` received arrays of shapes `target`: \(4,\), `output`: \(3, 9, 5\)"):
        ops.ctc_loss(LABELS[0], logits(), LABEL_COUNTS, STEPS)
    with pytest.raises(ShapeError, match=r"`ctc_decode` received arrays of shapes"):
        ops.ctc_decode(logits(), STEPS[:2])
