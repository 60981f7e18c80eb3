"""Symbolic sizes: integers that record how they are computed from the sizes of the inputs.

A layer reads ``x.shape[0]`` and computes with it as with any integer. While a model is recorded, that integer is a
:class:`Size`: it has a value, so that the code runs, and a form, so that the file can compute it for each batch. A form is a
sum, ``(offset, ((symbol, factor), ...))``. A symbol is ``("axis", input, axis)`` or an operation on forms,
``("//", form, form)``.
"""

from typing import Any, TypeGuard

import numpy as np

from cornu.typing import Tree

Form = tuple[int, tuple]


class Size(int):
    """Integer that is computed from the sizes of the inputs.

    Sums, and products with plain integers, are simplified, so that a result that does not depend on an input
    (``size - size``, ``size * 6 % 3``) becomes a plain integer.

    Attributes:
        form: Form of the size (see the module).
    """

    form: Form

    def __new__(cls, value: int, form: Form):
        size = super().__new__(cls, value)
        size.form = form
        return size

    def __add__(self, other: int) -> Any:
        return _sum(self, other, 1) if _is_whole(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: int) -> Any:
        return _sum(self, other, -1) if _is_whole(other) else NotImplemented

    def __rsub__(self, other: int) -> Any:
        return -self + other if _is_whole(other) else NotImplemented

    def __neg__(self) -> Any:
        return self * -1

    def __mul__(self, other: int) -> Any:
        if not _is_whole(other):
            return NotImplemented
        offset, terms = self.form
        if isinstance(other, Size):
            return _operation("*", int(self) * int(other), self, other)
        factor = int(other)
        return _number(int(self) * factor, offset * factor, {symbol: by * factor for symbol, by in terms})

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Any:
        if not _is_whole(other):
            return NotImplemented
        value, (offset, terms) = int(self) // int(other), self.form
        if isinstance(other, Size) or any(by % int(other) for _, by in terms):
            return _operation("//", value, self, other)
        return _number(value, offset // int(other), {symbol: by // int(other) for symbol, by in terms})

    def __rfloordiv__(self, other: int) -> Any:
        return _operation("//", int(other) // int(self), other, self) if _is_whole(other) else NotImplemented

    def __mod__(self, other: int) -> Any:
        return self - self // other * other if _is_whole(other) else NotImplemented

    def __rmod__(self, other: int) -> Any:
        return other - other // self * self if _is_whole(other) else NotImplemented


def _is_whole(value: Tree) -> bool:
    return isinstance(value, (int, np.integer))


def form_of(size: int) -> Form:
    """Return the form of a size; the form of a plain integer is constant."""
    return size.form if isinstance(size, Size) else (int(size), ())


def is_open(size: Tree) -> TypeGuard[Size]:
    """Return whether a size depends on the inputs."""
    return isinstance(size, Size)


def of_axis(value: int, name: str, axis: int) -> Size:
    """Return the symbolic size of an axis of an input."""
    return Size(value, (0, ((("axis", name, axis), 1),)))


def _number(value: int, offset: int, factors: dict) -> int:
    """Return the integer with this value and form: a plain one if the form has no symbol."""
    terms = tuple(sorted(((symbol, by) for symbol, by in factors.items() if by), key=repr))
    return Size(value, (offset, terms)) if terms else value


def _sum(one: Size, other: int, sign: int) -> int:
    (offset, terms), (more, other_terms) = one.form, form_of(other)
    factors = dict(terms)
    for symbol, by in other_terms:
        factors[symbol] = factors.get(symbol, 0) + sign * by
    return _number(int(one) + sign * int(other), offset + sign * more, factors)


def _operation(kind: str, value: int, one: int, other: int) -> Size:
    return Size(value, (0, (((kind, form_of(one), form_of(other)), 1),)))
