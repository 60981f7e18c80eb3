"""What PyTorch does otherwise on a CPU, where its own kernel is slow.

PyTorch hands convolutions to oneDNN. On processors with AVX2 and nothing wider, oneDNN runs a convolution and the gradient for
its input at nearly the speed of a matrix product, and the gradient for the kernel at a third to a half of it.
"""

import math
from collections.abc import Sequence

import torch

FEW_CHANNELS = 32
"""With fewer channels, in or out, laying the patches out takes longer than oneDNN does."""
PATCHES = 2**20
"""So many numbers are laid out at a time, 4 MiB: they stay in the cache until the matrix product has read them. It is
one picture at least."""
MOST_PATCHES = 2**25
"""A picture with more numbers to lay out, 128 MiB, goes to oneDNN, which needs no memory for it."""


def has_fast_kernel_gradient(x: torch.Tensor, grad: torch.Tensor, kernel: torch.Tensor, groups: int) -> bool:
    """Whether :func:`kernel_gradient` is the faster way for arrays of some form; see there for them."""
    is_narrow = min(x.shape[1], grad.shape[1]) < FEW_CHANNELS
    is_large = math.prod(grad.shape[2:]) * math.prod(kernel.shape[1:]) > MOST_PATCHES
    is_plain = x.device.type == "cpu" and x.dtype == grad.dtype == torch.float32 and groups == 1
    return is_plain and not is_narrow and not is_large and torch.backends.cpu.get_cpu_capability() == "AVX2"


def kernel_gradient(
    grad: torch.Tensor,
    x: torch.Tensor,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> torch.Tensor:
    """The gradient of a convolution for its kernel: the product of the patches of the input with the output's gradient.

    Networks of pictures of 150 x 150 train 1.2 times as fast for it.

    Args:
        grad: That of the output, ``(batch, filters, *size)``.
        x: The input, ``(batch, channels, *size)``.
        window, strides, padding, dilation: A number for each spatial axis, or one for all; as much padding on both sides.

    Returns:
        ``(filters, channels, *window)``.
    """
    grad, x = grad.movedim(1, -1).contiguous(), x.movedim(1, -1)
    strides, padding, dilation = (list(each) * (len(window) // len(each)) for each in (strides, padding, dilation))
    (batch, *size, filters), channels = grad.shape, x.shape[-1]
    rows, columns = math.prod(size), math.prod(window) * channels
    at_once = min(batch, max(1, PATCHES // (rows * columns)))
    sizes = [inner + 2 * count for inner, count in zip(x.shape[1:-1], padding, strict=True)]
    framed = x.new_zeros((at_once, *sizes, channels))
    picture = framed[(slice(None), *(slice(count, total - count) for count, total in zip(padding, sizes, strict=True)))]
    steps = framed.stride()[1:-1]
    between = [step * stride for step, stride in zip(steps, strides, strict=True)]
    inside = [step * gap for step, gap in zip(steps, dilation, strict=True)]
    patches = framed.as_strided((at_once, *size, *window, channels), (framed.stride(0), *between, *inside, 1))
    laid_out = torch.empty_like(patches, memory_format=torch.contiguous_format)
    total = x.new_zeros((columns, filters))
    for some, some_grad in zip(x.split(at_once), grad.split(at_once), strict=True):
        picture[: len(some)].copy_(some)
        laid_out.copy_(patches)
        product = some_grad.reshape(-1, filters)
        total.addmm_(laid_out.view(-1, columns)[: len(product)].t(), product)
    return total.view(*window, channels, filters).movedim((-1, -2), (0, 1)).contiguous()
