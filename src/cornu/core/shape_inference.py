"""Inference of output shapes and dtypes by abstract evaluation."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.backends.contract import ArraySpec
from cornu.core import foreign_calls
from cornu.core.symbolic_tensor import SymbolicTensor, is_symbolic, symbolic_leaves
from cornu.errors import CornuError, InvalidTypeError
from cornu.ops import unknown_sizes
from cornu.scopes import Scope
from cornu.typing import Array

_is_inferring: Scope[bool] = Scope("whether a function is being evaluated to infer the shape of its outputs", False)


def is_inferring() -> bool:
    """Return whether code is being run to infer a shape: without tracing, sizes and values then stand in for others."""
    return _is_inferring.get()


def infer(function: Callable, args: tuple, kwargs: dict, place: config.Placement | None = None) -> Any:
    """Infer the outputs of a function of arrays by abstract evaluation, as symbolic tensors.

    Where a size is unknown, the function is evaluated twice with two different sizes in its place; output sizes that differ are
    unknown. These two sizes do not occur among the known sizes, so that errors that mention them can be attributed to the
    unknown size.

    Args:
        function: Function of arrays.
        args, kwargs: Arguments of the function, with symbolic tensors in place of arrays.
        place: Backend and device. Defaults to the default placement.
    """
    place = place or config.place()
    one, other = _stand_ins(args, kwargs)
    first = _abstract_run(function, args, kwargs, one, place)
    if not _has_unknown_sizes(args, kwargs):
        return first
    return trees.map(_common, first, _abstract_run(function, args, kwargs, other, place))


def infer_op(op: Callable, args: tuple, kwargs: dict) -> Any:
    """Infer the outputs of an op as :func:`infer` does, with two differences.

    The op may have a rule for unknown sizes (``ops/unknown_sizes.py``). And if it works for empty arrays, the second size is 0,
    so that a size of the output is known only if it is the same for all sizes of the inputs (that of ``x[:, :5]`` is not).
    """
    place = config.place()
    one, other = _stand_ins(args, kwargs)
    first = _abstract_run(op, args, kwargs, one, place)
    if not _has_unknown_sizes(args, kwargs):
        return first
    try:
        with np.errstate(all="ignore"):
            return trees.map(_common, first, _abstract_run(op, args, kwargs, 0, place))
    except Exception:  # the op needs at least one element, or has another number of outputs
        return trees.map(_common, first, _abstract_run(op, args, kwargs, other, place))


def _stand_ins(args: tuple, kwargs: dict) -> list[int]:
    """Return two sizes that do not occur among the known sizes, to use in place of unknown ones."""
    known = {size for tensor in symbolic_leaves((args, kwargs)) for size in tensor.shape}
    return list(itertools.islice((size for size in itertools.count(29, 2) if size not in known), 2))


def _has_unknown_sizes(args: tuple, kwargs: dict) -> bool:
    return any(None in tensor.shape for tensor in symbolic_leaves((args, kwargs)))


def _common(one: SymbolicTensor, other: SymbolicTensor) -> SymbolicTensor:
    """Return a symbolic tensor with None where the sizes of two tensors differ."""
    return SymbolicTensor((a if a == b else None for a, b in zip(one.shape, other.shape, strict=True)), one.dtype)


def _abstract_run(function: Callable, args: tuple, kwargs: dict, unknown: int, place: config.Placement) -> Any:
    """Evaluate a function abstractly with a given size in place of each unknown size."""
    tensors = symbolic_leaves((args, kwargs))
    call = unknown_sizes.call_of(function, args, kwargs, unknown)
    specs = [ArraySpec(call.shape(tensor), tensor.dtype) for tensor in tensors]

    def on_arrays(*arrays: Array) -> list:
        values = dict(zip(map(id, tensors), arrays, strict=True))
        filled = trees.map(lambda leaf: values[id(leaf)] if is_symbolic(leaf) else leaf, (args, kwargs))
        form.append(function(*filled[0], **filled[1]))
        leaves = trees.leaves(form[-1])
        for leaf in leaves:
            if not hasattr(leaf, "shape"):
                raise _no_array(leaf)
        return leaves

    form: list = []
    try:
        with config.placement_scope(*place), _is_inferring.set_to(True):
            found = backends.get(place.backend).abstract_eval(on_arrays, *specs)
    except CornuError as error:
        # Do not show the stand-in for an unknown size to users, who wrote None.
        replaced = type(error)(*(_restore_none(part, unknown) for part in (error.received, error.expected, error.hint)))
        _copy_notes(replaced, error, unknown)
        raise replaced from None
    except Exception as error:  # raised by the engine or by user code
        found = foreign_calls.explained(error, place.backend)
        _copy_notes(found, error, unknown)
        found.add_note(f"Cornu ran this code to infer the shape of its outputs, with {unknown} in place of each None.")
        if found is error:
            raise
        raise found from error
    return trees.unflatten(form[-1], [SymbolicTensor(spec.shape, spec.dtype) for spec in found])


def _no_array(given: Any) -> InvalidTypeError:
    """Return the error for a function that returned something other than arrays."""
    return InvalidTypeError(
        f"The code that was run to infer the shape of its outputs returned {given!r:.80}.",
        "It must return an array, or a list, tuple or dict of arrays.",
        "Convert the value to an array, for example with `cornu.ops.array`.",
    )


def _restore_none(text: str, unknown: int) -> str:
    """Return a text with None in place of the stand-in for an unknown size."""
    return re.sub(rf"\b{unknown}\b", "None", text)


def _copy_notes(replaced: Exception, error: Exception, unknown: int) -> None:
    """Copy the notes of an exception to another (or itself), with None in place of the stand-in for an unknown size."""
    replaced.__notes__ = [_restore_none(note, unknown) for note in getattr(error, "__notes__", ())]
