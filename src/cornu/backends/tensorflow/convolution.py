"""Convolution and pooling for TensorFlow, made of the kernels that it has on every device with gradients.

On a CPU its convolution has no gradient for kernels with gaps (dilation) and for groups, and its pooling in three dimensions
gives all of equal numbers the gradient. So everything here is put down to plain convolution and to pooling in two dimensions:

* One dimension is two, the second of size 1.
* A convolution with gaps is a plain one of each of the pictures that take every n-th pixel; with strides, a plain one with a
  kernel that has zeros in the gaps.
* Groups are put together into plain convolutions whose kernels have zeros where one group would see another.
* Pooling in three dimensions is pooling along the last two and then along the first.
"""

import numpy as np

from cornu.backends.contract import Array, Padding, Shape
from cornu.backends.tensorflow.startup import tf

_BLOCK_CHANNELS = 32
"""So many input channels a convolution should have at least: narrower groups are put together."""


# --- Convolution ------------------------------------------------------------------------------------------------------


def conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> Array:
    """Convolution of floats of one dtype; see ``contract.conv``."""
    if len(strides) == 1:
        x, kernel = tf.expand_dims(x, 1), tf.expand_dims(kernel, 0)
        strides = (*strides, *strides)  # equal ones: the kernel for depthwise convolution takes no others
        return tf.squeeze(conv(x, kernel, strides, ((0, 0), *padding), (1, *dilation), groups), 1)
    if max(dilation) > 1 and max(strides) == 1:
        return _conv_of_every_nth(x, kernel, padding, dilation, groups)
    kernel = _with_gaps(kernel, dilation)
    if groups == 1:
        return _plain_conv(x, kernel, strides, padding)
    if kernel.shape[-2] == 1 and len(strides) == 2:
        return _depthwise_conv(x, kernel, strides, padding)
    return _grouped_conv(x, kernel, strides, padding, groups)


def _plain_conv(x: Array, kernel: Array, strides: Shape, padding: Padding) -> Array:
    """Padding told in numbers would switch off the fast gradients, with which ResNet-20 trains 1.7 times as fast on a CPU."""
    convolve = tf.nn.conv2d if len(strides) == 2 else tf.nn.conv3d
    steps = (1, *strides, 1)
    if np.any(padding) and tuple(map(tuple, padding)) == _same_padding(x.shape[1:-1], kernel.shape[:-2], strides):
        return convolve(x, kernel, steps, "SAME")  # type: ignore[arg-type]
    return convolve(pad_spatial(x, padding), kernel, steps, "VALID")  # type: ignore[arg-type]


def _same_padding(sizes: Shape, window: Shape, strides: Shape) -> Padding:
    """What TensorFlow pads with when it is told "SAME"; nothing for a size that is not known."""
    if None in sizes:
        return ()
    pads = []
    for size, width, step in zip(sizes, window, strides, strict=True):
        total = max((-(-size // step) - 1) * step + width - size, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def pad_spatial(x: Array, padding: Padding) -> Array:
    return tf.pad(x, [(0, 0), *padding, (0, 0)]) if np.any(padding) else x


def _conv_of_every_nth(x: Array, kernel: Array, padding: Padding, dilation: Shape, groups: int) -> Array:
    """A convolution with gaps and without strides, by way of the pictures that take every n-th pixel, as a larger batch."""
    pads, crops = [], []
    for axis, ((before, after), step) in enumerate(zip(padding, dilation, strict=True)):
        fill = -(x.shape[1 + axis] + before + after) % step  # what is missing to a whole number of steps
        pads.append((before, after + fill))
        crops.append((0, fill))
    ones, nothing = (1,) * len(dilation), ((0, 0),) * len(dilation)
    parts = tf.space_to_batch(x, dilation, pads)
    return tf.batch_to_space(conv(parts, kernel, ones, nothing, ones, groups), dilation, crops)


def _with_gaps(kernel: Array, dilation: Shape) -> Array:
    """The kernel with zeros between its places."""
    for axis, step in enumerate(dilation):
        if step > 1 and kernel.shape[axis] > 1:
            shape, width = kernel.shape.as_list(), kernel.shape[axis]
            spread = tf.pad(
                tf.expand_dims(kernel, axis + 1), [(0, (step - 1) * (n == axis + 1)) for n in range(len(shape) + 1)]
            )
            spread = tf.reshape(spread, [*shape[:axis], width * step, *shape[axis + 1 :]])
            kernel = spread[(slice(None),) * axis + (slice((width - 1) * step + 1),)]
    return kernel


def _depthwise_conv(x: Array, kernel: Array, strides: Shape, padding: Padding) -> Array:
    channels = x.shape[-1]
    kernel = tf.reshape(kernel, [*kernel.shape[:-2], channels, kernel.shape[-1] // channels])
    same = strides if strides[0] == strides[1] else (1, 1)  # TensorFlow takes no others
    # A padding told to TensorFlow would end the process: its optimizer of graphs fails on it if a bias is added.
    found = tf.nn.depthwise_conv2d(pad_spatial(x, padding), kernel, (1, *same, 1), "VALID")
    return found if same == strides else found[:, :: strides[0], :: strides[1]]


def _grouped_conv(x: Array, kernel: Array, strides: Shape, padding: Padding, groups: int) -> Array:
    """A convolution for each few groups, whose kernel has zeros where one group would see another."""
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    together = next(n for n in range(1, groups + 1) if groups % n == 0 and (n * inputs >= _BLOCK_CHANNELS or n == groups))
    own = np.kron(np.eye(together), np.ones((inputs, outputs)))
    results = []
    for part, narrow in zip(tf.split(x, groups // together, -1), tf.split(kernel, groups // together, -1), strict=True):
        wide = tf.concat([narrow] * together, -2) * tf.constant(own, kernel.dtype)
        results.append(_plain_conv(part, wide, strides, padding))
    return tf.concat(results, -1)


def conv_transpose(x: Array, kernel: Array, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """The transpose of :func:`conv`; see ``contract.conv_transpose``."""
    if len(strides) == 1:
        x, kernel = tf.expand_dims(x, 1), tf.expand_dims(kernel, 0)
        geometry = (1, *output_size), (1, *strides), ((0, 0), *padding), (1, *dilation)
        return tf.squeeze(conv_transpose(x, kernel, *geometry), 1)
    kernel = _with_gaps(kernel, dilation)
    transpose = tf.nn.conv2d_transpose if len(strides) == 2 else tf.nn.conv3d_transpose
    padded = [size + before + after for size, (before, after) in zip(output_size, padding, strict=True)]
    batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    found = transpose(x, kernel, [batch, *padded, kernel.shape[-2]], strides, "VALID")  # type: ignore[arg-type]
    inside = [slice(before, before + size) for size, (before, _) in zip(output_size, padding, strict=True)]
    return found[(slice(None), *inside)] if np.any(padding) else found


# --- Pooling ----------------------------------------------------------------------------------------------------------
