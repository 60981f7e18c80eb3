"""Calls that follow on each other in networks, and fewer or faster ones that give the same.

Each function changes a list of kernel calls, a graph of ``torch.fx``, in place. One that moves a call, leaves it out or
lets it write must ask of everything that this concerns:

* Does anything write into it, or into what it is a view of (``memory_of(changed(graph))``)? The user's code may.
* Who else reads it (``users``)? Is it, or a view of it, given back (``memory_of(given_back(graph))``)? Are the two perhaps one?
* Are shape, dtype and order in memory (``meta["val"]``) what those who read it were told?
"""

from typing import Any

import torch
from torch.fx import Graph, Node

from cornu.backends.torch import convolution
from cornu.backends.torch.fx_nodes import changed, memory_of, replace, source

_aten = torch.ops.aten


def biases_into_kernels(graph: Graph) -> None:
    """Lets a convolution or a matrix product add the bias that is added to its result alone."""
    written = memory_of(changed(graph))
    for node in list(graph.nodes):
        if node.target is not _aten.add.Tensor or node.kwargs or not _is_vector(node.args[1]):
            continue
        product, bias = node.args
        if len(product.users) > 1 or not _fits_as_bias(bias, product, node):
            continue
        if any(source(each) in written for each in (bias, product, *product.all_input_nodes)):
            continue
        if product.target is _aten.mm.default:
            with graph.inserting_before(node):
                replace(node, graph.call_function(_aten.addmm.default, (bias, *product.args)))
        elif _is_convolution_without_bias(product) and bias.op == "placeholder":
            product.args[0].update_arg(2, bias)
            replace(node, product)


def _fits_as_bias(bias: Node, product: Any, total: Node) -> bool:
    """Whether a vector has a number for each column of a product, which it does not make larger or more precise."""
    values = [each.meta["val"] for each in (bias, product, total)]
    same = values[1].shape == values[2].shape and len({value.dtype for value in values}) == 1
    return same and len(values[0]) == values[1].shape[-1]


def _is_vector(value: Any) -> bool:
    return isinstance(value, Node) and len(value.meta["val"].shape) == 1


def _is_convolution_without_bias(node: Node) -> bool:
    """Whether it is a convolution that nobody else uses, its channels moved to the end."""
    if node.target is not _aten.permute.default or node.args[1][-1] != 1:  # type: ignore[index]
        return False
    product: Any = node.args[0]
    return product.target is _aten.convolution.default and product.args[2] is None and len(product.users) == 1


_POOL, _POOL_BACKWARD = _aten.max_pool2d_with_indices.default, _aten.max_pool2d_with_indices_backward.default
_RELU, _RELU_BACKWARD = _aten.relu.default, _aten.threshold_backward.default


def relu_after_pooling(graph: Graph) -> None:
    """Takes the largest of each window before what is below 0 becomes 0, which then is done to fewer numbers.

    They are the same (but for the sign of a 0), and so are their gradients: where the largest of a window is not above 0, that
    is 0. The places of the largest are other ones there, so nobody else may read them.
    """
    written = memory_of(changed(graph))
    for pool in [node for node in graph.nodes if node.target is _POOL]:
        seen: Any = pool.args[0]
        relu: Any = seen.args[0] if seen.target is _aten.permute.default else seen
        if relu.target is not _RELU or written & {source(relu.args[0]), pool}:
            continue
        back = [user for user in seen.users if user.target is _POOL_BACKWARD]
        masks = [mask for mask in map(_relu_behind, back) if mask is not None and mask.args[1] is relu]
        places = [reader for user in pool.users if user.args[1] == 1 for reader in user.users]
        readers = {*relu.users, *seen.users, *places} - {seen, pool, *back, *masks}
        pooled = next((user for user in pool.users if user.args[1] == 0), None)
        if readers or pooled is None or len(masks) != len(back):
            continue
        relu.replace_all_uses_with(relu.args[0], delete_user_cb=lambda user, masks=masks: user not in masks)
        with graph.inserting_after(pooled):
            after = graph.call_function(_RELU, (pooled,))
        after.meta["val"] = pooled.meta["val"]
        pooled.replace_all_uses_with(after, delete_user_cb=lambda user, after=after: user is not after)
        for gradient, mask in zip(back, masks, strict=True):
            with graph.inserting_before(gradient):
                masked = graph.call_function(_RELU_BACKWARD, (gradient.args[0], after, 0))
            masked.meta["val"] = after.meta["val"]
            gradient.update_arg(0, masked)
            replace(mask, mask.args[0])


def _relu_behind(gradient: Node) -> Node | None:
    """The gradient of ReLU that alone reads a gradient, if there is one; its axes may be permuted before."""
    while len(gradient.users) == 1:
        gradient = next(iter(gradient.users))
        if gradient.target is not _aten.permute.default:
            return gradient if gradient.target is _RELU_BACKWARD and gradient.args[2] == 0 else None
    return None


def products_into_sums(graph: Graph) -> None:
    """Lets a matrix product add itself to a sum that nobody else reads, and write into it.

    Where a wide layer's gradient is summed up over the parts of a batch, that is done in half the time.
    """
    written, sums = memory_of(changed(graph)), {_aten.mm.default, _aten.add.Tensor}
    ours: set[Node] = set()
    for node in [node for node in graph.nodes if node.target is _aten.add.Tensor and not node.kwargs]:
        total, product = node.args
        if not all(isinstance(each, Node) and len(each.users) == 1 for each in node.args) or total is product:
            continue
        if product.target is not _aten.mm.default or not (total.target in sums or total in ours):
            continue
        if any(source(each) in written for each in (total, product, *product.all_input_nodes)):
            continue
        values = [each.meta["val"] for each in (node, total, product)]
        if len({(value.shape, value.dtype, value.stride()) for value in values}) > 1:
            continue
        with graph.inserting_before(node):
            added = graph.call_function(_aten.addmm_.default, (total, *product.args))
        replace(node, added)
        graph.erase_node(product)
        ours.add(added)


_MAKE_ZEROS = (_aten.new_zeros.default, _aten.zeros.default, _aten.zeros_like.default)


def rows_into_zeros(graph: Graph) -> None:
    """Lets rows be added into zeros that were made for that, instead of into a copy of these.

    The gradient of an embedding is such a sum: for 20,000 rows of 128 the copy takes half as long as a step of Adam.
    """
    written = memory_of(changed(graph))
    for node in [node for node in graph.nodes if node.target is _aten.index_add.default]:
        zeros: Any = node.args[0]
        if zeros.target not in _MAKE_ZEROS or len(zeros.users) > 1 or node.args.count(zeros) > 1 or zeros in written:
            continue
        if zeros.meta["val"].stride() == node.meta["val"].stride():
            with graph.inserting_before(node):
                replace(node, graph.call_function(_aten.index_add_.default, node.args, node.kwargs))


_KERNEL_GRADIENT = 1
"""The place of the gradient for the kernel among the results of a convolution's gradient."""


def kernel_gradients_by_products(graph: Graph) -> None:
    """Lets a matrix product make the gradient for a convolution's kernel where that is faster (see ``torch_cpu``)."""
    for node in list(graph.nodes):
        if node.target is not _aten.convolution_backward.default:
            continue
        grad, x, kernel, bias_sizes, strides, padding, dilation, is_transposed, more, groups, wanted = node.args
        place = {user.args[1]: user for user in node.users}
        if is_transposed or _KERNEL_GRADIENT not in place:
            continue
        if not convolution.has_fast_kernel_gradient(x.meta["val"], grad.meta["val"], kernel.meta["val"], groups):
            continue
        window = list(kernel.meta["val"].shape[2:])
        with graph.inserting_before(node):
            product = graph.call_function(convolution.kernel_gradient, (grad, x, window, strides, padding, dilation))
        replace(place.pop(_KERNEL_GRADIENT), product)
        wanted = [is_wanted and number in place for number, is_wanted in enumerate(wanted)]
        node.args = (grad, x, kernel, bias_sizes, strides, padding, dilation, is_transposed, more, groups, wanted)
        if not any(wanted):
            graph.erase_node(node)
