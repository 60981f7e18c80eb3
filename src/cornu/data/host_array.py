"""NumPy arrays that answer ``.numpy()``, as tensors do."""

from typing import Any

import numpy as np

from cornu.typing import ArrayLike


class HostArray(np.ndarray):
    """NumPy array with the method ``numpy``, so that programs written for tensors can read batches.

    Example:
        >>> import numpy as np
        >>> from cornu.data.host_array import HostArray
        >>> batch = np.arange(3).view(HostArray)
        >>> batch.numpy().tolist(), type(batch.numpy()).__name__
        ([0, 1, 2], 'ndarray')
    """

    def numpy(self) -> Any:
        """Return the array as a plain NumPy array that shares its memory; a single value as a scalar of NumPy or ``bytes``."""
        return self.view(np.ndarray)[()]


def host_array(value: ArrayLike | bytes | str) -> HostArray:
    """Return an array, a number or a text as a ``HostArray``.

    Example:
        >>> from cornu.data.host_array import host_array
        >>> host_array(b"a text").numpy(), host_array([1, 2]).numpy().tolist()
        (b'a text', [1, 2])
    """
    return np.asarray(value, dtype=object if isinstance(value, (bytes, str)) else None).view(HostArray)
