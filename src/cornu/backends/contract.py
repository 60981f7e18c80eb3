# pyright: reportReturnType=false
# The functions below are descriptions: they have no bodies.
"""What a backend must provide: every primitive once, with its arguments, its shapes and what it means.

A backend is a module that declares its ``NAME`` and has a function of the same name and arguments for each function below
(``PRIMITIVES``); a test holds every backend against this list. Everything else is derived from these, once, in ``cornu.ops``.

Conventions:

* Names and meanings are NumPy's wherever NumPy has the thing.
* ``Array`` is the backend's own array type. Where two arrays meet, either may be a Python number, which takes on the
  other's dtype.
* A dtype is its name, a string such as ``"float32"``. 64-bit results come only from 64-bit arguments: data without a
  stated dtype becomes ``config.floatx()`` or ``"int32"``, and dividing two ``int32`` arrays gives ``config.floatx()``.
* Pictures are channels last: ``(batch, *spatial, channels)``; kernels are ``(*window, channels_in / groups, channels_out)``.
* ``padding`` is one ``(before, after)`` pair for each spatial axis.
* A key is a ``uint32`` array of two words; the same key gives the same numbers on the same backend.
* What is made of data or of nothing lies on the device that ``config.device`` names, or else on the best one; all other
  results lie where the arguments do. A device has the same name on every backend: ``"cpu:0"``, ``"gpu:1"``, ``"tpu:0"``,
  ``"mps:0"``. A user may also write ``"gpu"`` or ``"cuda:0"`` for ``"gpu:0"``.
* Where a function has a corner, the gradient is that of the field: 0 for ``maximum(x, 0)``'s losing side, ties in
  ``max_pool`` go to the first.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Array = Any
"""An array of the backend."""
Shape = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]


class ArraySpec(NamedTuple):
    """Shape and dtype of an array that is not there."""

    shape: Shape
    dtype: str


_NO_PRIMITIVES = frozenset(globals())
"""What is defined up to here: all that follows is a primitive."""


# --- Creation and conversion ------------------------------------------------------------------------------------------


def asarray(x: Any, dtype: str | None = None) -> Array:
    """An array of Python data, NumPy data or an array of this or another backend (by way of NumPy).

    Works on concrete data inside ``compile`` and ``abstract_eval`` too, and is concrete there.
    """


def to_numpy(x: Array) -> Any:
    """The array as ``numpy.ndarray``; waits until it is computed."""


def dtype(x: Array) -> str:
    """Name of the array's dtype."""


def cast(x: Array, dtype: str) -> Array:
    """The array in another dtype. The gradient flows through casts between floats."""


def full(shape: Shape, value: Any, dtype: str) -> Array:
    """An array filled with one number (which may be an array of shape ``()``)."""


def arange(start: int, stop: int, step: int, dtype: str) -> Array:
    """Evenly spaced numbers from ``start`` up to and without ``stop``."""


# --- Elementwise, one argument ----------------------------------------------------------------------------------------


def abs(x: Array) -> Array:
    """Its gradient at 0 is 0."""


def negative(x: Array) -> Array: ...
def sign(x: Array) -> Array: ...
def exp(x: Array) -> Array: ...
def expm1(x: Array) -> Array: ...
def log(x: Array) -> Array: ...
def log1p(x: Array) -> Array: ...
def sqrt(x: Array) -> Array: ...
def rsqrt(x: Array) -> Array:
    """``1 / sqrt(x)``."""


def square(x: Array) -> Array: ...
def sin(x: Array) -> Array: ...
def cos(x: Array) -> Array: ...
def tan(x: Array) -> Array: ...
def arcsin(x: Array) -> Array: ...
def arccos(x: Array) -> Array: ...
def arctan(x: Array) -> Array: ...
def sinh(x: Array) -> Array: ...
def cosh(x: Array) -> Array: ...
def tanh(x: Array) -> Array: ...
def erf(x: Array) -> Array:
    """The error function."""


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``, without overflow."""


def relu(x: Array) -> Array:
    """``max(x, 0)``, of any type of number; the gradient at 0 is 0. Engines fuse it into what comes before."""


def floor(x: Array) -> Array: ...
def ceil(x: Array) -> Array: ...
def round(x: Array) -> Array:
    """The nearest whole number; halves go to the even one."""


def isnan(x: Array) -> Array: ...
def isfinite(x: Array) -> Array: ...
def logical_not(x: Array) -> Array: ...


# --- Elementwise, two or three arguments (broadcasting) ---------------------------------------------------------------


def add(x: Array, y: Array) -> Array: ...
def subtract(x: Array, y: Array) -> Array: ...
def multiply(x: Array, y: Array) -> Array: ...
def divide(x: Array, y: Array) -> Array: ...
def floor_divide(x: Array, y: Array) -> Array: ...
def remainder(x: Array, y: Array) -> Array:
    """The remainder with the sign of the divisor."""


def power(x: Array, y: Array) -> Array: ...
def maximum(x: Array, y: Array) -> Array:
    """The larger of two. Where they are equal, each gets half of the gradient."""


def minimum(x: Array, y: Array) -> Array:
    """The smaller of two. Where they are equal, each gets half of the gradient."""


def arctan2(x: Array, y: Array) -> Array: ...
def logaddexp(x: Array, y: Array) -> Array: ...
def equal(x: Array, y: Array) -> Array: ...
def not_equal(x: Array, y: Array) -> Array: ...
def less(x: Array, y: Array) -> Array: ...
def less_equal(x: Array, y: Array) -> Array: ...
def greater(x: Array, y: Array) -> Array: ...
def greater_equal(x: Array, y: Array) -> Array: ...
def logical_and(x: Array, y: Array) -> Array: ...
def logical_or(x: Array, y: Array) -> Array: ...
def logical_xor(x: Array, y: Array) -> Array: ...
def where(condition: Array, x: Array, y: Array) -> Array:
    """``x`` where the condition holds, else ``y``."""


# --- Reductions -------------------------------------------------------------------------------------------------------
# `axis` is None (all), a number or a tuple of numbers; negative ones count from the end.


def sum(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The sum; booleans are counted as ``int32``, integers keep their dtype."""


def mean(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The mean; of integers or booleans as ``config.floatx()``."""


def prod(x: Array, axis: Any = None, keepdims: bool = False) -> Array: ...
def max(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The largest. Equal ones share the gradient."""


def min(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The smallest. Equal ones share the gradient."""


def all(x: Array, axis: Any = None, keepdims: bool = False) -> Array: ...
def any(x: Array, axis: Any = None, keepdims: bool = False) -> Array: ...
def argmax(x: Array, axis: int) -> Array:
    """Index of the first largest along one axis, as ``int32``."""


def argmin(x: Array, axis: int) -> Array:
    """Index of the first smallest along one axis, as ``int32``."""


def cumsum(x: Array, axis: int) -> Array: ...
def cumprod(x: Array, axis: int) -> Array: ...


# --- Shape and indexing -----------------------------------------------------------------------------------------------


def reshape(x: Array, shape: Shape) -> Array:
    """The same numbers in another shape; one size may be -1."""


def transpose(x: Array, axes: tuple[int, ...]) -> Array: ...
def broadcast_to(x: Array, shape: Shape) -> Array: ...
def concatenate(xs: list[Array], axis: int) -> Array: ...
def split(x: Array, sizes: tuple[int, ...], axis: int) -> list[Array]:
    """Parts of the given sizes, which make up the whole. Beside slices it tells the engine that no part is used twice."""


def pad(x: Array, pad_width: Padding, mode: str = "constant", constant_values: float = 0) -> Array:
    """Pads every axis; ``mode`` is ``"constant"``, ``"reflect"``, ``"symmetric"`` or ``"edge"``."""


def flip(x: Array, axis: Any) -> Array: ...
def getitem(x: Array, index: Any) -> Array:
    """``x[index]``: numbers, slices, ``None``, ``...``, and integer or boolean arrays as in NumPy."""


def take(x: Array, indices: Array, axis: int) -> Array:
    """The rows named by integer indices; negative ones count from the end, ones outside are clipped."""


def take_along_axis(x: Array, indices: Array, axis: int) -> Array: ...
def index_add(x: Array, indices: Array, updates: Array) -> Array:
    """A copy of ``x`` with ``updates[i]`` added to row ``indices[i]``; indices may repeat, ones outside are dropped."""


# --- Contractions -----------------------------------------------------------------------------------------------------


def matmul(x: Array, y: Array) -> Array: ...
def tensordot(x: Array, y: Array, axes: Any) -> Array:
    """As NumPy's; ``axes`` is a number or a pair of lists."""


def einsum(subscripts: str, *operands: Array) -> Array: ...


# --- Sorting ----------------------------------------------------------------------------------------------------------


def argsort(x: Array, axis: int) -> Array:
    """Indices that sort, as ``int32``; equal ones keep their order."""


def top_k(x: Array, k: int) -> tuple[Array, Array]:
    """The ``k`` largest along the last axis, largest first, and their indices (``int32``; of equal ones the first)."""


# --- Convolution and pooling ------------------------------------------------------------------------------------------


def conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> Array:
    """Cross-correlation in 1, 2 or 3 dimensions.

    Args:
        x: ``(batch, *spatial, channels)``.
        kernel: ``(*window, channels / groups, filters)``; output channel ``f`` belongs to group ``f // (filters / groups)``.
    """


def conv_transpose(x: Array, kernel: Array, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """The transpose of ``conv`` as a linear map: what carries ``conv``'s output gradient back to its input.

    Args:
        x: ``(batch, *spatial, filters)``, the shape of ``conv``'s output.
        kernel: ``(*window, channels, filters)``, the kernel of that ``conv``.
        output_size: Spatial size of the result, which is ``(batch, *output_size, channels)``.
        strides, padding, dilation: Those of that ``conv``.
    """


def max_pool(x: Array, window: Shape, strides: Shape, padding: Padding) -> Array:
    """Largest value of each window over the spatial axes; padding never wins."""


def avg_pool(x: Array, window: Shape, strides: Shape, padding: Padding) -> Array:
    """Mean of each window over the spatial axes; padding is not counted."""


# --- Control flow -----------------------------------------------------------------------------------------------------


def scan(f: Callable, init: Any, xs: Any, reverse: bool = False) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` along the first axis of every leaf of ``xs``; gives the last carry and the stacked ``y``."""


def while_loop(cond: Callable, body: Callable, init: Any) -> Any:
    """``while cond(value): value = body(value)``. Has no gradient."""


def cond(pred: Array, true_fn: Callable, false_fn: Callable, *operands: Any) -> Any:
    """The one or the other function of the operands."""


# --- Random numbers ---------------------------------------------------------------------------------------------------


def fold_in(key: Array, data: Any) -> Array:
    """Another key, determined by a key and a whole number (which may be an array of shape ``()``)."""


def random_uniform(key: Array, shape: Shape, dtype: str) -> Array:
    """Numbers from the uniform distribution on [0, 1)."""


def random_normal(key: Array, shape: Shape, dtype: str) -> Array:
    """Numbers from the normal distribution with mean 0 and deviation 1."""


# --- Transforms -------------------------------------------------------------------------------------------------------


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    """A function that gives ``f``'s value (a number) and its gradient for the first argument, a tree of float arrays.

    With ``has_aux``, ``f`` gives ``(value, aux)`` and the new function ``((value, aux), gradient)``.
    """


def stop_gradient(x: Array) -> Array: ...
def custom_gradient(f: Callable) -> Callable:
    """Makes ``f(*arrays) -> (value, grad)`` a function ``arrays -> value`` with ``grad(upstream) -> (gradient, ...)``."""


def compile(f: Callable) -> Callable:
    """The same function of trees of arrays, compiled for each new shape and dtype, if the backend compiles."""


def prefers_compiled(*arrays: Array) -> bool:
    """Whether primitives on these arrays are quicker inside one function of ``compile``, the first time included.

    So it is where each primitive that is called by itself is compiled by itself. Not for arrays that are being traced: they
    are inside one already.
    """


def repeat(step: Callable, finish: Callable) -> Callable:
    """Many steps as one call: the loop of training, whose number of steps is no part of what is compiled.

    Args:
        step: ``step(carry, data, number) -> carry``, of the same form, shapes and dtypes; ``number`` is an ``int32`` array.
        finish: ``finish(carry) -> result``, of the last carry.

    Returns:
        ``run(carry, data, start, stop) -> (carry, result)``: the steps from ``start`` up to and without ``stop``. The carry and
        the data are trees of arrays, compiled for each new shape and dtype. It has no gradient.
    """


def abstract_eval(f: Callable, *specs: Any) -> Any:
    """Shapes and dtypes that ``f`` would give: trees of :class:`ArraySpec` in, a tree of :class:`ArraySpec` out."""


# --- Devices ----------------------------------------------------------------------------------------------------------


def devices() -> list[str]:
    """Names of the devices, such as ``"cpu:0"``: first the one that arrays are made on, then the others, the best one first.

    Raises ``InvalidArgumentError`` if ``config.device`` names another one.
    """


def to_device(x: Array, device: str) -> Array:
    """The array on another device, which may be named as users name it."""


def synchronize(tree: Any) -> None:
    """Waits until every array in a tree is computed."""


def micro_batch_activations() -> int | None:
    """How many numbers the layers should make of a micro-batch on the default device; None if whole batches are faster."""


PRIMITIVES = tuple(name for name in list(globals()) if name not in _NO_PRIMITIVES and not name.startswith("_"))
"""Names of all primitives."""
