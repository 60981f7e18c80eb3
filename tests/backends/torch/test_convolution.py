"""The gradient for a convolution's kernel by matrix products, against the reference."""

import importlib
import itertools

import numpy as np
import pytest

from cornu import backends

torch = pytest.importorskip("torch")
torch_cpu = importlib.import_module("cornu.backends.torch.convolution")

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("size", "window", "strides", "padding", "dilation"),
    [
        ((9,), (3,), (1,), (0,), (1,)),
        ((9,), (4,), (3,), (2,), (2,)),
        *itertools.product([(7, 9)], [(3, 2)], [(1, 1), (2, 3)], [(0, 0), (1, 2)], [(1, 1), (2, 1)]),
        ((5, 4, 6), (2, 1, 3), (1, 2, 1), (1, 0, 2), (1, 1, 2)),
    ],
)
@pytest.mark.parametrize("patches", [1, 300, 10**6])
def test_the_gradient_for_the_kernel_is_that_of_the_reference(size, window, strides, padding, dilation, patches, monkeypatch):
    monkeypatch.setattr(torch_cpu, "PATCHES", patches)  # one image at a time, two or three, and all
    reference = backends.get("numpy")
    x, kernel = normal(5, *size, 3), normal(*window, 3, 4)
    conv = lambda kernel: reference.conv(x, kernel, strides, [(count, count) for count in padding], dilation)  # noqa: E731
    weights = normal(*conv(kernel).shape)
    _, expected = reference.value_and_grad(lambda kernel: reference.sum(conv(kernel) * weights))(kernel)

    for arrange in (torch.clone, lambda x: x.movedim(-1, 1).contiguous().movedim(1, -1)):  # channels last and first in memory
        grad, images = (arrange(torch.from_numpy(each)).movedim(-1, 1) for each in (weights, x))
        found = torch_cpu.kernel_gradient(grad, images, window, strides, padding, dilation)
        np.testing.assert_allclose(found.movedim((0, 1), (-1, -2)), expected, rtol=1e-4, atol=1e-4)


def test_one_number_stands_for_all_axes_and_the_result_is_in_order():
    grad, x = (torch.from_numpy(normal(2, count, 5, 5)) for count in (4, 3))
    found = torch_cpu.kernel_gradient(grad, x, [3, 3], [1], [1], [1])
    assert torch.equal(found, torch_cpu.kernel_gradient(grad, x, [3, 3], [1, 1], [1, 1], [1, 1]))
    assert found.shape == (4, 3, 3, 3) and found.is_contiguous()


def test_it_is_used_where_it_is_the_faster_one(monkeypatch):
    def is_used(channels=32, filters=32, groups=1, size=8, **kwargs):
        x, grad = (torch.empty(1, count, 1, 1, **kwargs).expand(2, count, size, size) for count in (channels, filters))
        return torch_cpu.has_fast_kernel_gradient(x, grad, torch.empty(filters, channels, 3, 3), groups)

    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert is_used()
    assert not (is_used(channels=31) or is_used(filters=31) or is_used(groups=2))
    assert not (is_used(dtype=torch.float64) or is_used(device="meta"))
    assert is_used(size=340) and not is_used(size=350)  # 3 x 3 x 32 numbers for each place
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert not is_used()
