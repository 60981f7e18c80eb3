"""Rematerialization: values of the forward pass that are computed again in the backward pass, instead of kept until then."""

import contextvars
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

from cornu import backends, trees
from cornu.core import call_context, masks, remat_mode
from cornu.core.binding import bound_context
from cornu.core.layer_protocol import LayerLike
from cornu.core.remat_mode import RematMode
from cornu.core.shape_trees import first_argument, full_shapes_of, map_shapes
from cornu.errors import one_of
from cornu.ops.dispatch import unwrap
from cornu.scopes import ScopeObject
from cornu.typing import Array, Tree

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematScope(ScopeObject):
    """Context manager: the layers that are created inside it are rematerialized (see :func:`remat`) whenever they are called.

    Args:
        mode: ``"full"`` for all layers; ``"activations"`` for those with an activation; ``"larger_than"`` for those whose
            output has more elements than ``output_size_threshold``; ``"list_of_layers"`` for those in ``layer_names``; None for
            none. Defaults to ``"full"``.
        output_size_threshold: Integer, a number of elements, that of all samples of the batch together. Defaults to 1024.
        layer_names: List of names of layers. Defaults to none.

    Raises:
        InvalidArgumentError: If ``mode`` is unknown.

    Example:
        >>> import cornu
        >>> with cornu.RematScope(mode="larger_than", output_size_threshold=100):
        ...     layer = cornu.layers.Dense(64, activation="relu")
        >>> layer(cornu.ops.ones((2, 3))).shape
        (2, 64)
    """

    def __init__(self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: list[str] | None = None):
        if mode not in _MODES:
            raise one_of("mode", mode, _MODES)
        self.mode, self.output_size_threshold, self.layer_names = mode, output_size_threshold, layer_names or []
        self._block = remat_mode.scope.set_to(RematMode(mode, output_size_threshold, self.layer_names))


def remat(f: Callable) -> Callable:
    """Return a function that computes the same as ``f``, but keeps no intermediate values for its gradient.

    The backward pass computes them again: this takes less memory and more time. It has an effect on JAX, PyTorch and
    TensorFlow, where the variables of layers are arguments of a pure function: in ``fit``, and in the function that
    ``value_and_grad`` differentiates. In eager calls of layers it has none.

    Args:
        f: Function of arrays, or trees of arrays, that returns an array or a tree of arrays; it may be a layer. What it adds to
            the losses and assigns to variables is kept.

    Example:
        >>> import cornu
        >>> from cornu import ops
        >>> double_sine = cornu.remat(lambda x: ops.sin(ops.sin(x)))
        >>> cornu.value_and_grad(lambda x: ops.sum(double_sine(x)), ops.array([0.0]))[1].tolist()
        [1.0]
    """

    @functools.wraps(f)
    def recomputed(*args: Tree, **kwargs: Tree) -> Any:
        context = call_context.current()
        args, kwargs = trees.map(unwrap, (args, kwargs))
        given = [leaf for leaf in trees.leaves((args, kwargs)) if backends.owner(leaf) is not None]
        if not given or not _is_differentiated(context):
            return f(*args, **kwargs)
        values = (context and context.values) or {}
        scopes, draws = contextvars.copy_context(), 0 if context is None else context.draws
        state: list[Any] = []

        def run(arrays: Iterator) -> list:
            """Compute ``f`` from everything that its gradient may depend on; keep the structure of what it returns."""
            now, named = trees.map(lambda leaf: leaf if backends.owner(leaf) is None else next(arrays), (args, kwargs))
            if context is None:
                state[:] = None, [], (f(*now, **named), None, [], [])
                return trees.leaves(state[2])
            inner = bound_context(dict(zip(values, arrays, strict=True)))
            inner.draws = draws
            with call_context.entered(inner):
                result = f(*now, **named)
            changed = list(inner.assigned.values())
            after = [inner.values[id(variable)] for variable in changed]
            state[:] = inner, changed, (result, masks.masks_of(result), after, inner.losses)
            return trees.leaves(state[2])

        def pure(*flat: Array) -> list:
            return scopes.copy().run(run, iter(flat))  # the backward pass runs outside of the layer

        found = backends.of(*given).remat(pure)(*given, *values.values())
        inner, changed, form = state
        result, mask, after, losses = trees.unflatten(form, list(found))
        masks.restore(result, mask)
        if context is not None:
            call_context.continue_after(inner)
            context.losses.extend(losses)
        for variable, value in zip(changed, after, strict=True):
            variable.assign(value)
        return result

    return recomputed


def _is_differentiated(context: call_context.CallContext | None) -> bool:
    """Return whether a function may be run again: not where shapes are inferred, and not in an eager call of a layer.

    There its variables are not bound, so that running it again would change them again. Hooks see values of every layer.
    """
    return context is None or not (context.abstract or context.hooks or context.values is None)


def call_of(layer: LayerLike, call: Callable, args: tuple, kwargs: dict) -> Callable:
    """Return the function that computes a layer: ``call``, rematerialized if the layer was created so (:class:`RematScope`).

    Args:
        layer: The layer.
        call: Its method ``call``.
        args, kwargs: The arguments of the call.
    """
    chosen: RematMode | None = layer._cornu.remat
    if chosen is None or chosen.mode is None:
        return call
    if chosen.mode == "activations":
        applies = getattr(layer, "activation", None) is not None
    elif chosen.mode == "list_of_layers":
        applies = layer.name in chosen.layer_names
    else:
        applies = chosen.mode == "full" or _output_size(layer, args, kwargs) > chosen.output_size_threshold
    return remat(call) if applies else call


def _output_size(layer: LayerLike, args: tuple, kwargs: dict) -> int:
    """Return the number of elements of the outputs, for an unknown size of 1."""
    sizes: list[int] = []
    shapes = layer.compute_output_shape(full_shapes_of(first_argument(args, kwargs)))
    map_shapes(shapes, lambda shape: sizes.append(math.prod(size or 1 for size in shape)))
    return sum(sizes)
