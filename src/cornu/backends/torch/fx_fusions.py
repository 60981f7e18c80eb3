"""Fusions of consecutive calls in a traced graph (``torch.fx``): fewer or faster calls with the same result.

Each function changes a graph in place. A fusion that moves or removes a call, or makes it mutate an argument, must check for
every node involved:

* Is it, or the memory it is a view of, mutated (``memory_of(inputs_of_mutations(graph))``)? User code may do so.
* Which other nodes read it (``users``)? Is it, or a view of it, returned (``memory_of(outputs(graph))``)? Are two of the nodes
  the same one?
* Are shape, dtype and strides (``meta["val"]``) those that its readers were traced with?
"""

from typing import Any

import torch
from torch.fx import Graph, Node

from cornu.backends.torch import convolution
from cornu.backends.torch.fx_nodes import inputs_of_mutations, memory_of, replace, source

_aten = torch.ops.aten


def biases_into_kernels(graph: Graph) -> None:
    """Fuse the addition of a bias into the convolution or matrix product before it."""
    written = memory_of(inputs_of_mutations(graph))
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
    """Return whether a vector has one value per column of a product and does not change its shape or dtype."""
    values = [each.meta["val"] for each in (bias, product, total)]
    same = values[1].shape == values[2].shape and len({value.dtype for value in values}) == 1
    return same and len(values[0]) == values[1].shape[-1]


def _is_vector(value: Any) -> bool:
    return isinstance(value, Node) and len(value.meta["val"].shape) == 1


def _is_convolution_without_bias(node: Node) -> bool:
    """Return whether a node moves the channels of a convolution without bias, which has no other user, to the end."""
    if node.target is not _aten.permute.default or node.args[1][-1] != 1:  # type: ignore[index]
        return False
    product: Any = node.args[0]
    return product.target is _aten.convolution.default and product.args[2] is None and len(product.users) == 1


_POOL, _POOL_BACKWARD = _aten.max_pool2d_with_indices.default, _aten.max_pool2d_with_indices_backward.default
_RELU, _RELU_BACKWARD = _aten.relu.default, _aten.threshold_backward.default


def relu_after_pooling(graph: Graph) -> None:
    """Move ReLU from before max pooling to after it, where it has fewer elements.

    The values are the same (except for the sign of a 0), and so are the gradients: where the maximum of a window is not
    positive, the gradient is 0. The indices of the maxima differ there, so no other node may read them.
    """
    written = memory_of(inputs_of_mutations(graph))
    for pool in [node for node in graph.nodes if node.target is _POOL]:
        pool_input: Any = pool.args[0]
        relu: Any = pool_input.args[0] if pool_input.target is _aten.permute.default else pool_input
        if relu.target is not _RELU or written & {source(relu.args[0]), pool}:
            continue
        back = [user for user in pool_input.users if user.target is _POOL_BACKWARD]
        masks = [mask for mask in map(_relu_gradient_after, back) if mask is not None and mask.args[1] is relu]
        index_readers = [reader for user in pool.users if user.args[1] == 1 for reader in user.users]
        readers = {*relu.users, *pool_input.users, *index_readers} - {pool_input, pool, *back, *masks}
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


def _relu_gradient_after(gradient: Node) -> Node | None:
    """Return the gradient of ReLU that is the only reader of a gradient, possibly after a permutation of axes; else None."""
    while len(gradient.users) == 1:
        gradient = next(iter(gradient.users))
        if gradient.target is not _aten.permute.default:
            return gradient if gradient.target is _RELU_BACKWARD and gradient.args[2] == 0 else None
    return None


def products_into_sums(graph: Graph) -> None:
    """Accumulate a matrix product in place into a sum that has no other reader.

    It halves the time to sum the gradient of a wide layer over micro-batches.
    """
    written, sums = memory_of(inputs_of_mutations(graph)), {_aten.mm.default, _aten.add.Tensor}
    fused: set[Node] = set()
    for node in [node for node in graph.nodes if node.target is _aten.add.Tensor and not node.kwargs]:
        total, product = node.args
        if not all(isinstance(each, Node) and len(each.users) == 1 for each in node.args) or total is product:
            continue
        if product.target is not _aten.mm.default or not (total.target in sums or total in fused):
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
        fused.add(added)


_MAKE_ZEROS = (_aten.new_zeros.default, _aten.zeros.default, _aten.zeros_like.default)


def rows_into_zeros(graph: Graph) -> None:
    """Add rows in place to zeros that have no other use, instead of to a copy of them.

    The gradient of an embedding is such a sum: for 20,000 rows of 128 the copy takes half as long as a step of Adam.
    """
    written = memory_of(inputs_of_mutations(graph))
    for node in [node for node in graph.nodes if node.target is _aten.index_add.default]:
        zeros: Any = node.args[0]
        if zeros.target not in _MAKE_ZEROS or len(zeros.users) > 1 or node.args.count(zeros) > 1 or zeros in written:
            continue
        if zeros.meta["val"].stride() == node.meta["val"].stride():
            with graph.inserting_before(node):
                replace(node, graph.call_function(_aten.index_add_.default, node.args, node.kwargs))


_KERNEL_GRADIENT = 1
"""Index of the gradient with respect to the kernel among the results of ``convolution_backward``."""


def kernel_gradients_by_products(graph: Graph) -> None:
    """Compute the gradient of a convolution with respect to its kernel by a matrix product where that is faster.

    See ``convolution.py``.
    """
    for node in list(graph.nodes):
        if node.target is not _aten.convolution_backward.default:
            continue
        grad, x, kernel, bias_sizes, strides, padding, dilation, is_transposed, more, groups, wanted = node.args
        gradients = {user.args[1]: user for user in node.users}
        if is_transposed or _KERNEL_GRADIENT not in gradients:
            continue
        if not convolution.has_fast_kernel_gradient(x.meta["val"], grad.meta["val"], kernel.meta["val"], groups):
            continue
        window = list(kernel.meta["val"].shape[2:])
        with graph.inserting_before(node):
            product = graph.call_function(convolution.kernel_gradient, (grad, x, window, strides, padding, dilation))
        replace(gradients.pop(_KERNEL_GRADIENT), product)
        wanted = [is_wanted and number in gradients for number, is_wanted in enumerate(wanted)]
        node.args = (grad, x, kernel, bias_sizes, strides, padding, dilation, is_transposed, more, groups, wanted)
        if not any(wanted):
            graph.erase_node(node)
