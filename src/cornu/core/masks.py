"""Shapes of masks."""

from typing import Any

from cornu import ops
from cornu.typing import Array


def expand_mask(mask: Array, rank: int) -> Any:
    """Return a mask of the leading axes of an array with as many axes as the array, so that the two broadcast.

    Args:
        mask: Array of shape ``(batch, ...)``, of any dtype.
        rank: Number of axes of the array.

    Example:
        >>> import numpy as np
        >>> from cornu.core.masks import expand_mask
        >>> expand_mask(np.ones((2, 5)), 4).shape
        (2, 5, 1, 1)
    """
    return ops.reshape(mask, (-1, *mask.shape[1:], *(1,) * (rank - len(mask.shape))))
