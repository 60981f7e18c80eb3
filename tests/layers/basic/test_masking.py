"""The layer that makes a mask of padding."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cornu import layers
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {"masking": ("Masking", {"mask_value": 0.5}, (2, 3, 2))}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


def test_masking_marks_padding_for_the_layers_after_it(backend: str) -> None:
    seen = []

    class See(layers.Layer):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            seen.append(np.asarray(mask).tolist())
            return inputs

    class Both(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.masking, self.see = layers.Masking(), See()

        def call(self, inputs: Any) -> Any:
            return self.see(self.masking(inputs))

    Both().to_backend(backend)(np.array([[[0.0, 0.0], [0.0, 1.0]]]))
    assert seen == [[[False, True]]]
