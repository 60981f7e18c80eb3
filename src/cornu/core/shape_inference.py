"""Find shapes and dtypes of outputs by an abstract run."""

import itertools
import re
from collections.abc import Callable
from typing import Any

from cornu import backends, config, trees
from cornu.backends.contract import ArraySpec
from cornu.core.symbolic_tensor import SymbolicTensor, is_symbolic, symbolic_leaves
from cornu.errors import CornuError, InvalidTypeError


def infer(function: Callable, args: tuple, kwargs: dict, place: config.Placement | None = None) -> Any:
    """Symbolic tensors as a function of arrays would give them, found by an abstract run at a place (or the default one).

    Where a size is unknown the function runs twice, with two sizes in its place; the sizes of the result that differ are
    unknown. The two are no sizes that are known, so that an error can be told to mean them.
    """
    known = {size for tensor in symbolic_leaves((args, kwargs)) for size in tensor.shape}
    one, other = itertools.islice((size for size in itertools.count(29, 2) if size not in known), 2)
    first = _abstract_run(function, args, kwargs, one, place or config.place())
    if None not in known:
        return first
    return trees.map(_common, first, _abstract_run(function, args, kwargs, other, place or config.place()))


def _common(one: SymbolicTensor, other: SymbolicTensor) -> SymbolicTensor:
    return SymbolicTensor((a if a == b else None for a, b in zip(one.shape, other.shape, strict=True)), one.dtype)


def _abstract_run(function: Callable, args: tuple, kwargs: dict, unknown: int, place: config.Placement) -> Any:
    tensors = symbolic_leaves((args, kwargs))
    specs = [ArraySpec(tuple(unknown if size is None else size for size in t.shape), t.dtype) for t in tensors]

    def on_arrays(*arrays: Any) -> list:
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
        with config.placement_scope(*place):
            found = backends.get(place.backend).abstract_eval(on_arrays, *specs)
    except CornuError as error:
        # The stand-in for an unknown size must not reach the user: they wrote None.
        told = type(error)(*(_as_given(part, unknown) for part in (error.received, error.expected, error.hint)))
        _copy_notes(told, error, unknown)
        raise told from None
    except Exception as error:  # of the engine, or of the user's code
        _copy_notes(error, error, unknown)
        error.add_note(f"Cornu ran this code to find the shape of its outputs, with {unknown} in the place of each None.")
        raise
    return trees.unflatten(form[-1], [SymbolicTensor(spec.shape, spec.dtype) for spec in found])


def _no_array(given: Any) -> InvalidTypeError:
    return InvalidTypeError(
        f"What was run to find the shape of its outputs gave {given!r:.80}.",
        "It must give an array, or a list, tuple or dict of arrays.",
        "Make an array of it, such as with `cornu.ops.array`.",
    )


def _as_given(text: str, unknown: int) -> str:
    """A text with None where the stand-in for an unknown size is."""
    return re.sub(rf"\b{unknown}\b", "None", text)


def _copy_notes(told: Exception, error: Exception, unknown: int) -> None:
    """Gives an exception the notes of another, or its own, with None where the stand-in for an unknown size is."""
    told.__notes__ = [_as_given(note, unknown) for note in getattr(error, "__notes__", ())]
