"""The crossentropy of outputs that are 0 or 1 to the last digit."""

import keras
import numpy as np

from cornu import losses, ops


def test_saturated_outputs_have_the_loss_of_keras_on_jax(backend):
    targets, outputs = np.float32([[0, 1]]), np.float32([[1, 0]])
    for name in ("CategoricalCrossentropy", "BinaryCrossentropy"):
        found = getattr(losses, name)()(
            ops.convert_to_tensor(targets, backend=backend), ops.convert_to_tensor(outputs, backend=backend)
        )
        wanted = getattr(keras.losses, name)()(targets, outputs)
        np.testing.assert_allclose(ops.convert_to_numpy(found), np.asarray(wanted), rtol=1e-5)
        assert 15 < float(wanted) < 17
