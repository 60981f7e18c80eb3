"""Networks with weights that make every stage count, and the same networks of Keras.

With fresh weights, two different networks agree: every output is 0.001. Here kernels keep the spread of features near 1, scales
and offsets are distinct, and the statistics of batch normalization are those of random images, so that the features of every
stage, and the logits, depend on all weights before them.
"""

from typing import Any

import keras
import numpy as np

import cornu
from cornu import applications, layers
from cornu.core import layer_tree


def randomize(model: Any, seed: int = 0) -> None:
    """Set random weights, and the statistics of batch normalization for random images."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name, shape = weight.path.rsplit("/", 1)[-1], weight.shape
        if name in ("gamma", "moving_variance", "variance"):
            value = rng.uniform(0.6, 1.4, shape)
        elif name in ("beta", "bias", "moving_mean", "mean"):
            value = rng.normal(0, 0.1, shape)
        elif name == "count":
            continue
        else:
            fan_in = np.prod(shape[:2] if name == "depthwise_kernel" else shape[:-1])
            value = rng.normal(0, np.sqrt(2 / fan_in), shape)
        weight.assign(value.astype("float32"))
    normalizations = [layer for layer in layer_tree.flatten(model) if isinstance(layer, layers.BatchNormalization)]
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0
    model(images_for(model, 8, seed=1), training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum
        mean, variance = (np.asarray(weight) for weight in (layer.moving_mean, layer.moving_variance))
        layer.moving_mean.assign(mean + rng.normal(0, 0.05, mean.shape).astype("float32"))
        layer.moving_variance.assign(variance * rng.uniform(0.8, 1.25, mean.shape).astype("float32") + 1e-3)


def images_for(model: Any, batch: int, seed: int = 0, size: int = 64) -> np.ndarray:
    """Return images of different brightness and colors, in the range of a network: 0 to 255 if it scales them itself."""
    images = colored_images(batch, *(length or size for length in model.inputs[0].shape[1:]), seed=seed)
    scales = any(isinstance(layer, layers.Rescaling | layers.Normalization) for layer in model.layers)
    return images if scales else images / np.float32(127.5) - 1


def colored_images(batch: int, height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Return images of different brightness and colors, from 0 to 255."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (batch, 4, 4, channels)).repeat(-(-height // 4), axis=1).repeat(-(-width // 4), axis=2)
    images = coarse[:, :height, :width] * 0.7 + rng.uniform(0, 255 * 0.3, (batch, height, width, channels))
    return images.astype("float32")


def pair(name: str, seed: int = 0, **arguments: Any) -> tuple[Any, Any]:
    """Return a network of Cornu with random weights, and that of Keras with the same weights."""
    keras.backend.clear_session()
    cornu.backend.clear_session()
    ours, theirs = (getattr(module, name)(weights=None, **arguments) for module in (applications, keras.applications))
    randomize(ours, seed)
    theirs.set_weights(ours.get_weights())
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            layer.finalize_state()  # Keras reads the weights only here, and when it loads a file
    return ours, theirs
