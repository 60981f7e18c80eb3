"""Small functions of ``utils`` against those of Keras."""

import keras
import numpy as np
import pytest

import cornu

X, Y, WEIGHT = np.ones((2, 3)), np.zeros(2), np.ones(2)


@pytest.mark.parametrize("given", [(X,), (X, Y), (X, Y, WEIGHT), ([X, X],)], ids=str)
def test_parts_of_a_batch_are_packed_and_unpacked_as_in_keras(given):
    for library in (cornu, keras):
        packed = library.utils.pack_x_y_sample_weight(*given)
        assert isinstance(packed, tuple) == (len(given) > 1 or isinstance(given[0], list))
    ours, theirs = (
        library.utils.unpack_x_y_sample_weight(library.utils.pack_x_y_sample_weight(*given)) for library in (cornu, keras)
    )
    assert [part is None for part in ours] == [part is None for part in theirs]
    assert all(one is other for one, other in zip(ours, theirs, strict=True) if not isinstance(one, list))


def test_symbolic_tensors_are_told_apart_from_arrays():
    for library in (cornu, keras):
        for home in (library.utils, library.backend):
            assert home.is_keras_tensor(library.Input((3,)))
            assert not home.is_keras_tensor(library.ops.ones(3))
