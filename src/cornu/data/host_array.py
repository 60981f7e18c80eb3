"""NumPy arrays that answer ``.numpy()``, as tensors do."""

import numpy as np


class HostArray(np.ndarray):
    """NumPy array with the method ``numpy``, so that programs written for tensors can read batches.

    Example:
        >>> import numpy as np
        >>> from cornu.data.host_array import HostArray
        >>> batch = np.arange(3).view(HostArray)
        >>> batch.numpy().tolist(), type(batch.numpy()).__name__
        ([0, 1, 2], 'ndarray')
    """

    def numpy(self) -> np.ndarray:
        """Return the array as a plain NumPy array; both share their memory."""
        return self.view(np.ndarray)
