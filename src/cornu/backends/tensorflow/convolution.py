# pyright: reportOptionalOperand=false, reportOperatorIssue=false
# The stubs declare every size of a tensor as possibly None.
"""Convolution for TensorFlow, derived from the kernels that have gradients on every device.

On a CPU, TensorFlow's convolution has no gradient for dilation and groups, and its 3D max pooling passes the gradient to all of
several equal maxima. So everything is reduced to convolution without them and to 2D pooling (``pooling.py``):

* One dimension is two dimensions, one of size 1.
* A dilated convolution is applied to the subsampled images that consist of every n-th pixel; with strides, the kernel is
  dilated with zeros instead.
* Groups are merged into fewer convolutions, whose kernels are zero between different groups.
* 3D pooling is pooling along the last two axes and then along the first.
"""

import numpy as np

from cornu.backends.contract import Padding, Shape
from cornu.backends.tensorflow.startup import tf

_BLOCK_CHANNELS = 32
"""Minimum number of input channels of an efficient convolution: narrower groups are merged."""


def conv(x: tf.Tensor, kernel: tf.Tensor, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> tf.Tensor:
    """See ``contract.conv``; for floats of one dtype."""
    if len(strides) == 1:
        x, kernel = tf.expand_dims(x, 1), tf.expand_dims(kernel, 0)
        strides = (*strides, *strides)  # depthwise convolution supports equal strides only
        return tf.squeeze(conv(x, kernel, strides, ((0, 0), *padding), (1, *dilation), groups), 1)
    if max(dilation) > 1 and max(strides) == 1:
        return _dilated_conv(x, kernel, padding, dilation, groups)
    kernel = _dilate(kernel, dilation)
    if groups == 1:
        return _plain_conv(x, kernel, strides, padding)
    if kernel.shape[-2] == 1 and len(strides) == 2:
        return _depthwise_conv(x, kernel, strides, padding)
    return _grouped_conv(x, kernel, strides, padding, groups)


def _plain_conv(x: tf.Tensor, kernel: tf.Tensor, strides: Shape, padding: Padding) -> tf.Tensor:
    """Use padding "SAME" where possible: explicit padding disables fast gradients (ResNet-20: 1.7 times as fast on a CPU)."""
    convolve = tf.nn.conv2d if len(strides) == 2 else tf.nn.conv3d
    steps = (1, *strides, 1)
    if np.any(padding) and tuple(map(tuple, padding)) == _same_padding(x.shape[1:-1], kernel.shape[:-2], strides):
        return convolve(x, kernel, steps, "SAME")  # type: ignore[arg-type]
    return convolve(pad_spatial(x, padding), kernel, steps, "VALID")  # type: ignore[arg-type]


def _same_padding(sizes: tf.TensorShape, window: tf.TensorShape, strides: Shape) -> Padding:
    """Return TensorFlow's padding for "SAME"; empty if a size is unknown."""
    if None in sizes:
        return ()
    pads = []
    for size, width, step in zip(sizes, window, strides, strict=True):
        total = max((-(-size // step) - 1) * step + width - size, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def pad_spatial(x: tf.Tensor, padding: Padding) -> tf.Tensor:
    """Pad images with zeros along the spatial axes."""
    return tf.pad(x, [(0, 0), *padding, (0, 0)]) if np.any(padding) else x


def _dilated_conv(x: tf.Tensor, kernel: tf.Tensor, padding: Padding, dilation: Shape, groups: int) -> tf.Tensor:
    """Apply a dilated convolution without strides to the images of every n-th pixel, as a larger batch."""
    pads, crops = [], []
    for axis, ((before, after), step) in enumerate(zip(padding, dilation, strict=True)):
        fill = -(x.shape[1 + axis] + before + after) % step  # pad to a multiple of the dilation
        pads.append((before, after + fill))
        crops.append((0, fill))
    ones, nothing = (1,) * len(dilation), ((0, 0),) * len(dilation)
    parts = tf.space_to_batch(x, dilation, pads)
    return tf.batch_to_space(conv(parts, kernel, ones, nothing, ones, groups), dilation, crops)


def _dilate(kernel: tf.Tensor, dilation: Shape) -> tf.Tensor:
    """Insert zeros between the elements of the kernel."""
    for axis, step in enumerate(dilation):
        if step > 1 and kernel.shape[axis] > 1:
            shape, width = kernel.shape.as_list(), kernel.shape[axis]
            spread = tf.pad(
                tf.expand_dims(kernel, axis + 1), [(0, (step - 1) * (n == axis + 1)) for n in range(len(shape) + 1)]
            )
            spread = tf.reshape(spread, [*shape[:axis], width * step, *shape[axis + 1 :]])
            kernel = spread[(slice(None),) * axis + (slice((width - 1) * step + 1),)]
    return kernel


def _depthwise_conv(x: tf.Tensor, kernel: tf.Tensor, strides: Shape, padding: Padding) -> tf.Tensor:
    channels = x.shape[-1]
    kernel = tf.reshape(kernel, [*kernel.shape[:-2], channels, kernel.shape[-1] // channels])
    same = strides if strides[0] == strides[1] else (1, 1)  # TensorFlow supports equal strides only
    # Explicit padding would crash the process: TensorFlow's graph optimizer fails on it if a bias is added.
    result = tf.nn.depthwise_conv2d(pad_spatial(x, padding), kernel, (1, *same, 1), "VALID")
    return result if same == strides else result[:, :: strides[0], :: strides[1]]


def _grouped_conv(x: tf.Tensor, kernel: tf.Tensor, strides: Shape, padding: Padding, groups: int) -> tf.Tensor:
    """Merge groups into fewer convolutions, whose kernels are zero between different groups."""
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    merged = next(n for n in range(1, groups + 1) if groups % n == 0 and (n * inputs >= _BLOCK_CHANNELS or n == groups))
    same_group = np.kron(np.eye(merged), np.ones((inputs, outputs)))  # type: ignore[arg-type]
    results = []
    for part, narrow in zip(tf.split(x, groups // merged, -1), tf.split(kernel, groups // merged, -1), strict=True):
        wide = tf.concat([narrow] * merged, -2) * tf.constant(same_group, kernel.dtype)
        results.append(_plain_conv(part, wide, strides, padding))
    return tf.concat(results, -1)


def conv_transpose(
    x: tf.Tensor, kernel: tf.Tensor, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape
) -> tf.Tensor:
    """Transpose of :func:`conv`; see ``contract.conv_transpose``."""
    if len(strides) == 1:
        x, kernel = tf.expand_dims(x, 1), tf.expand_dims(kernel, 0)
        geometry = (1, *output_size), (1, *strides), ((0, 0), *padding), (1, *dilation)
        return tf.squeeze(conv_transpose(x, kernel, *geometry), 1)
    kernel = _dilate(kernel, dilation)
    transpose = tf.nn.conv2d_transpose if len(strides) == 2 else tf.nn.conv3d_transpose
    padded = [size + before + after for size, (before, after) in zip(output_size, padding, strict=True)]
    batch = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    result = transpose(x, kernel, [batch, *padded, kernel.shape[-2]], strides, "VALID")  # type: ignore[arg-type]
    inside = [slice(before, before + size) for size, (before, _) in zip(output_size, padding, strict=True)]
    return result[(slice(None), *inside)] if np.any(padding) else result
