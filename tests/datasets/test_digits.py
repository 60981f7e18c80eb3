"""The digits are scikit-learn's, split the same way for callback_list."""

import hashlib
import importlib.util

import numpy as np
import pytest

from cornu.datasets import digits
from cornu.errors import InvalidArgumentError, MissingPackageError


def test_shapes_and_range():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((1438, 8, 8), (1438,), (359, 8, 8), (359,))
    assert {array.dtype.name for array in (x_train, y_train, x_test, y_test)} == {"uint8"}
    assert (x_train.min(), x_train.max(), y_train.min(), y_train.max()) == (0, 16, 0, 9)


def test_every_image_is_there_once_with_its_label():
    from sklearn.datasets import load_digits

    (x_train, y_train), (x_test, y_test) = digits.load_data()
    ours = sorted(zip(np.concatenate([y_train, y_test]), map(bytes, np.concatenate([x_train, x_test])), strict=True))
    bunch = load_digits()
    assert ours == sorted(zip(bunch.target, map(bytes, bunch.images.astype("uint8")), strict=True))


def test_each_digit_has_its_share_in_both_parts():
    (_, y_train), (_, y_test) = digits.load_data(test_fraction=0.25)
    share = np.bincount(y_test) / (np.bincount(y_train) + np.bincount(y_test))
    np.testing.assert_allclose(share, 0.25, atol=0.5 / 170)


def test_both_parts_are_shuffled():
    (_, y_train), (_, y_test) = digits.load_data()
    assert np.mean(np.diff(y_train.astype(int)) == 0) < 0.2
    assert np.mean(np.diff(y_test.astype(int)) == 0) < 0.2


def test_the_split_never_changes():
    (x_train, y_train), _ = digits.load_data()
    content = hashlib.sha256(x_train.tobytes() + y_train.tobytes()).hexdigest()
    assert content == "ef71e5e64b0d3c004d7b23ad20dd1f8d7d95cb9b403836083a7b27f5751a8021"


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 20])
def test_a_fraction_outside_its_range_is_refused(fraction):
    with pytest.raises(InvalidArgumentError, match=rf"received test_fraction={fraction}.*between 0 and 1"):
        digits.load_data(fraction)


def test_a_missing_scikit_learn_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match="pip install scikit-learn"):
        digits.load_data()
