"""Masks are brought to the rank of the arrays they belong to."""

import numpy as np
import pytest

from cornu import backends
from cornu.core.masks import expand_mask


@pytest.mark.parametrize(
    "shape, rank, expected", [((2,), 1, (2,)), ((2,), 3, (2, 1, 1)), ((2, 3), 4, (2, 3, 1, 1)), ((0,), 2, (0, 1))]
)
def test_axes_are_appended(backend, shape, rank, expected):
    mask = np.arange(np.prod(shape)).reshape(shape) % 2 == 0
    found = expand_mask(backends.get(backend).asarray(mask), rank)
    np.testing.assert_array_equal(np.asarray(found), mask.reshape(expected))


def test_a_mask_selects_whole_rows(backend):
    x = np.arange(12.0, dtype="float32").reshape(2, 3, 2)
    mask = np.array([[1, 0, 1], [0, 1, 0]], "float32")
    found = np.asarray(expand_mask(backends.get(backend).asarray(mask), 3)) * x
    np.testing.assert_array_equal(found[0, 1], [0, 0])
    np.testing.assert_array_equal(found[1, 1], x[1, 1])
