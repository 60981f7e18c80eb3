"""A weight with a low-rank adaptation (LoRA), as layers read it and files store it."""

from typing import Any

import numpy as np

from cornu import backends, ops
from cornu.core.layer_protocol import LayerLike
from cornu.core.operators import ArrayOperators
from cornu.core.variable import Variable
from cornu.typing import Array, ArrayLike


class AdaptedWeight(ArrayOperators):
    """The sum of a frozen variable and of the product of two small ones: ``base + scale * (a @ b)``.

    It takes the place of the variable among the attributes of a layer, which reads it like an array. Files hold its value in
    the place of the variable, so that they are those of a layer without adaptation.

    Args:
        base: Frozen variable of shape ``(..., columns)``.
        a: Variable of shape ``(..., rank)``.
        b: Variable of shape ``(rank, columns)``.
        scale: Factor of the product.
    """

    def __init__(self, base: Variable, a: Variable, b: Variable, scale: float):
        self.base, self.a, self.b, self.scale = base, a, b, scale
        self.name, self.path, self.shape, self.dtype = base.name, base.path, base.shape, base.dtype

    @property
    def value(self) -> Any:
        """The array."""
        return self._adapted(self.base.value, self.a.value)

    def rows(self, indices: Array) -> Any:
        """Return the rows of a table at some indices, without computing the others."""
        return self._adapted(ops.take(self.base, indices, axis=0), ops.take(self.a, indices, axis=0))

    def _adapted(self, base: Array, a: Array) -> Any:
        return base + ops.cast(ops.matmul(a, self.b) * self.scale, ops.dtype(base))

    def assign(self, value: ArrayLike) -> None:
        """Set the value: that of ``base``, whereas ``b`` becomes 0. Then ``a`` keeps its values, so that training can start."""
        self.base.assign(value)
        self.b.assign(np.zeros(self.b.shape, self.b.dtype))

    def numpy(self) -> np.ndarray:
        """Return the value as a NumPy array."""
        return ops.convert_to_numpy(self.value)

    def __cornu_array__(self) -> Any:
        return self.value

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype=dtype)


backends.register_variable_type(AdaptedWeight)


def adapted_weight_of(layer: LayerLike) -> AdaptedWeight | None:
    """Return the adapted weight among the attributes of a layer, or None."""
    return next((value for value in list(vars(layer).values()) if isinstance(value, AdaptedWeight)), None)


def stored_variables(layer: LayerLike) -> list:
    """Return what files hold of the variables that a layer owns: an adapted weight in the place of its three variables."""
    variables, adapted = layer._cornu_own_variables(), adapted_weight_of(layer)
    if adapted is None:
        return variables
    return [adapted if each is adapted.base else each for each in variables if each is not adapted.a and each is not adapted.b]


def rows_of(table: Variable | AdaptedWeight, indices: Array) -> Any:
    """Return the rows of a table at some indices."""
    return table.rows(indices) if isinstance(table, AdaptedWeight) else ops.take(table, indices, axis=0)
