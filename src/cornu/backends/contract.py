# pyright: reportReturnType=false
# The functions below are specifications: they have no bodies.
"""The backend contract: every primitive with its arguments, shapes and meaning.

A backend is a module that declares its ``NAME`` and defines a function of the same name and arguments for each function below
(``PRIMITIVES``); a test compares every backend with this list. All other ops are derived from these primitives, once, in
``cornu.ops``.

Conventions:

* Names and semantics are those of NumPy wherever NumPy defines the function.
* ``Array`` is the backend's own array type. In binary functions either argument may be a Python scalar, which takes the dtype
  of the other.
* A dtype is given by its name, a string such as ``"float32"``. Results are 64-bit only if the arguments are: data without a
  stated dtype becomes ``config.floatx()`` or ``"int32"``, and dividing two ``int32`` arrays returns ``config.floatx()``.
* Images are channels last: ``(batch, *spatial, channels)``; kernels are ``(*window, channels_in / groups, channels_out)``.
* ``padding`` is one ``(before, after)`` pair for each spatial axis.
* A key is a ``uint32`` array of two words; the same key yields the same values on the same backend.
* Arrays created from data or from a shape are placed on the device given by ``config.device``, or else on the best device; all
  other results are placed on the device of the arguments. A device has the same name on every backend: ``"cpu:0"``,
  ``"gpu:1"``, ``"tpu:0"``, ``"mps:0"``. Users may also pass ``"gpu"`` or ``"cuda:0"`` for ``"gpu:0"``.
* Complex arrays have one of the dtypes ``"complex64"`` and ``"complex128"``. Arithmetic, exponentials, reductions by sums and
  products, shapes, indexing and contractions accept them; ``abs`` returns floats. Only functions of floats are differentiated,
  but complex numbers may occur within them.
* Matrices are in the last two axes, with leading batch axes; their dtypes are ``float32``, ``float64`` and the complex ones.
* Where a function is not differentiable, the gradient is the conventional one: 0 for the inactive side of ``maximum(x, 0)``,
  and the first of equal maxima in ``max_pool``.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from cornu.typing import ArrayLike, Tree

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = Any
"""The array type of a backend."""

Shape: TypeAlias = tuple[int, ...]
Padding: TypeAlias = tuple[tuple[int, int], ...]

Axes: TypeAlias = int | tuple[int, ...] | None
"""The axes of a reduction: one, several, or None for all; negative ones count from the end."""

ContractedAxes: TypeAlias = int | tuple[Sequence[int], Sequence[int]]
"""The axes that ``tensordot`` sums over: their number, or those of each argument."""

Index: TypeAlias = int | slice | EllipsisType | Array | tuple[Any, ...] | None
"""What ``getitem`` accepts in brackets."""


class ArraySpec(NamedTuple):
    """Shape and dtype of an array without values."""

    shape: Shape
    dtype: str


ArraySpecs: TypeAlias = "ArraySpec | Sequence[ArraySpecs] | Mapping[str, ArraySpecs]"
"""A tree of specs."""


class Backend(Protocol):
    """A backend as its callers use it: a module with its name and the primitives, which are the functions below."""

    NAME: str
    VALUE_ERRORS: tuple[type[Exception], ...]  # what is raised where a traced function reads the values of an array
    JUST_IN_TIME: bool  # whether `compile` calls a compiler, rather than recording or calling kernels of the engine

    # --- Creation and conversion ------------------------------------------------------------------------------------------

    def asarray(self, x: Tree, dtype: str | None = None) -> Array:
        """Convert Python data, NumPy data or an array of this or another backend (via NumPy) to an array.

        Works on concrete data inside ``compile`` and ``abstract_eval`` as well, and is concrete there.
        """

    def to_numpy(self, x: Array) -> "np.ndarray":
        """Return the array as ``numpy.ndarray``; blocks until it is computed."""

    def dtype(self, x: Array) -> str:
        """Return the name of the array's dtype."""

    def shape(self, x: Array) -> tuple:
        """Return the sizes of the axes: integers, or scalar arrays for sizes known only when a traced function runs."""

    def cast(self, x: Array, dtype: str) -> Array:
        """Convert the array to another dtype. The gradient passes through casts between floating-point dtypes.

        A complex number becomes its real part, without a warning.
        """

    def full(self, shape: Shape, value: float | Array, dtype: str) -> Array:
        """Create an array filled with one value (which may be an array of shape ``()``)."""

    def arange(self, start: ArrayLike, stop: ArrayLike, step: ArrayLike, dtype: str) -> Array:
        """Return evenly spaced values in the half-open interval ``[start, stop)``."""

    # --- Elementwise, one argument ----------------------------------------------------------------------------------------

    def abs(self, x: Array) -> Array:
        """Absolute value. Its gradient at 0 is 0."""

    def negative(self, x: Array) -> Array: ...
    def sign(self, x: Array) -> Array: ...
    def exp(self, x: Array) -> Array: ...
    def expm1(self, x: Array) -> Array: ...
    def log(self, x: Array) -> Array: ...
    def log1p(self, x: Array) -> Array: ...
    def sqrt(self, x: Array) -> Array: ...
    def rsqrt(self, x: Array) -> Array:
        """``1 / sqrt(x)``."""

    def square(self, x: Array) -> Array: ...
    def sin(self, x: Array) -> Array: ...
    def cos(self, x: Array) -> Array: ...
    def tan(self, x: Array) -> Array: ...
    def arcsin(self, x: Array) -> Array: ...
    def arccos(self, x: Array) -> Array: ...
    def arctan(self, x: Array) -> Array: ...
    def sinh(self, x: Array) -> Array: ...
    def cosh(self, x: Array) -> Array: ...
    def tanh(self, x: Array) -> Array: ...
    def erf(self, x: Array) -> Array:
        """Error function."""

    def sigmoid(self, x: Array) -> Array:
        """``1 / (1 + exp(-x))``, without overflow."""

    def relu(self, x: Array) -> Array:
        """``max(x, 0)``, for any numeric dtype; the gradient at 0 is 0. Engines fuse it with the preceding operation."""

    def floor(self, x: Array) -> Array: ...
    def ceil(self, x: Array) -> Array: ...
    def round(self, x: Array) -> Array:
        """Round to the nearest integer; halves are rounded to the even integer."""

    def isnan(self, x: Array) -> Array: ...
    def isfinite(self, x: Array) -> Array: ...
    def logical_not(self, x: Array) -> Array: ...

    # --- Elementwise, two or three arguments (broadcasting) ---------------------------------------------------------------

    def add(self, x: Array, y: Array) -> Array: ...
    def subtract(self, x: Array, y: Array) -> Array: ...
    def multiply(self, x: Array, y: Array) -> Array: ...
    def divide(self, x: Array, y: Array) -> Array: ...
    def floor_divide(self, x: Array, y: Array) -> Array: ...
    def remainder(self, x: Array, y: Array) -> Array:
        """``x - floor(x / y) * y``: the remainder with the sign of the divisor."""

    def power(self, x: Array, y: Array) -> Array: ...
    def maximum(self, x: Array, y: Array) -> Array:
        """Elementwise maximum. Equal values each receive half of the gradient."""

    def minimum(self, x: Array, y: Array) -> Array:
        """Elementwise minimum. Equal values each receive half of the gradient."""

    def arctan2(self, x: Array, y: Array) -> Array: ...
    def logaddexp(self, x: Array, y: Array) -> Array: ...
    def equal(self, x: Array, y: Array) -> Array: ...
    def not_equal(self, x: Array, y: Array) -> Array: ...
    def less(self, x: Array, y: Array) -> Array: ...
    def less_equal(self, x: Array, y: Array) -> Array: ...
    def greater(self, x: Array, y: Array) -> Array: ...
    def greater_equal(self, x: Array, y: Array) -> Array: ...
    def logical_and(self, x: Array, y: Array) -> Array: ...
    def logical_or(self, x: Array, y: Array) -> Array: ...
    def logical_xor(self, x: Array, y: Array) -> Array: ...
    def where(self, condition: Array, x: Array, y: Array) -> Array:
        """``x`` where the condition is True, else ``y``."""

    # --- Complex numbers and bits -----------------------------------------------------------------------------------------

    def complex(self, real: Array, imag: Array) -> Array:
        """Return ``real + i * imag`` for two arrays of one shape, of ``float32`` or ``float64``."""

    def complex_parts(self, x: Array) -> tuple[Array, Array]:
        """Return the real and the imaginary parts of a complex array, as floats of half its width."""

    def fft(self, real: Array, imag: Array, inverse: bool = False) -> tuple[Array, Array]:
        """Discrete Fourier transform along the last axis, of complex numbers given and returned as two arrays of floats.

        ``y[k] = sum over n of x[n] * exp(-2 pi i k n / N)``; the inverse has the opposite sign, and the sum is divided by
        ``N``.
        """

    def rfft(self, x: Array) -> tuple[Array, Array]:
        """Return the first ``N // 2 + 1`` elements along the last axis of the Fourier transform of an array of floats."""

    def irfft(self, real: Array, imag: Array, size: int) -> Array:
        """Inverse of :func:`rfft`, of ``size // 2 + 1`` elements; the imaginary parts of the first one, and of the last one if
        ``size`` is even, are ignored.
        """

    # In the next five functions, both arrays have the same integer dtype (or bool, for the first three); they broadcast.

    def bitwise_and(self, x: Array, y: Array) -> Array: ...
    def bitwise_or(self, x: Array, y: Array) -> Array: ...
    def bitwise_xor(self, x: Array, y: Array) -> Array: ...
    def left_shift(self, x: Array, y: Array) -> Array:
        """Shift bits to the left by ``y``, which is at least 0 and less than their number."""

    def right_shift(self, x: Array, y: Array) -> Array:
        """``floor(x / 2**y)``, for ``y`` as in :func:`left_shift`."""

    def bitcast(self, x: Array, dtype: str) -> Array:
        """Return the bits of the elements as elements of another dtype; both are integers or floats. It has no gradient.

        If the elements have other sizes in bytes, the last axis is longer or shorter.
        """

    # --- Reductions -------------------------------------------------------------------------------------------------------
    # `axis` is None (all axes), an integer or a tuple of integers; negative axes count from the end.

    def sum(self, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
        """Sum; the dtype of the sum of booleans and of integers below 32 bits is that of ``dtypes.SUM_DTYPES``."""

    def mean(self, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
        """Mean; the mean of integers or booleans is ``config.floatx()``."""

    def prod(self, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
        """Product; its dtype is that of :func:`sum`."""

    def max(self, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
        """Maximum. Equal maxima share the gradient."""

    def min(self, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
        """Minimum. Equal minima share the gradient."""

    def all(self, x: Array, axis: Axes = None, keepdims: bool = False) -> Array: ...
    def any(self, x: Array, axis: Axes = None, keepdims: bool = False) -> Array: ...
    def argmax(self, x: Array, axis: int) -> Array:
        """Index of the first maximum along one axis, as ``int32``."""

    def argmin(self, x: Array, axis: int) -> Array:
        """Index of the first minimum along one axis, as ``int32``."""

    def cumsum(self, x: Array, axis: int) -> Array: ...
    def cumprod(self, x: Array, axis: int) -> Array: ...

    # --- Shape and indexing -----------------------------------------------------------------------------------------------

    def reshape(self, x: Array, shape: tuple) -> Array:
        """Return the same elements in another shape; one size may be -1."""

    def transpose(self, x: Array, axes: tuple[int, ...]) -> Array: ...
    def broadcast_to(self, x: Array, shape: Shape) -> Array: ...
    def concatenate(self, xs: list[Array], axis: int) -> Array: ...
    def split(self, x: Array, sizes: tuple[int, ...], axis: int) -> list[Array]:
        """Split into parts of the given sizes, which sum to the size of the axis.

        Unlike slices, this tells the engine that the parts do not overlap.
        """

    def pad(self, x: Array, pad_width: Padding, mode: str = "constant", constant_values: float = 0) -> Array:
        """Pad every axis; ``mode`` is ``"constant"``, ``"reflect"``, ``"symmetric"`` or ``"edge"``."""

    def flip(self, x: Array, axis: Axes) -> Array: ...
    def getitem(self, x: Array, index: Index) -> Array:
        """``x[index]``: integers, slices, ``None``, ``...``, and integer or boolean arrays, as in NumPy."""

    def take(self, x: Array, indices: Array, axis: int) -> Array:
        """Return slices at integer indices along an axis; negative ones count from the end, ones out of range are clipped."""

    def take_along_axis(self, x: Array, indices: Array, axis: int) -> Array: ...
    def index_add(self, x: Array, indices: Array, updates: Array) -> Array:
        """Return a copy of ``x`` with ``updates[i]`` added to row ``indices[i]``.

        Indices may repeat; indices out of range are ignored.
        """

    # --- Contractions -----------------------------------------------------------------------------------------------------

    def matmul(self, x: Array, y: Array) -> Array: ...
    def tensordot(self, x: Array, y: Array, axes: ContractedAxes) -> Array:
        """As in NumPy; ``axes`` is an integer or a pair of lists."""

    def einsum(self, subscripts: str, *operands: Array) -> Array: ...

    # --- Matrix decompositions --------------------------------------------------------------------------------------------

    def cholesky(self, x: Array) -> Array:
        """Return the lower triangular ``L`` with ``x = L L^H``; its diagonal is NaN if a matrix is not positive definite.

        The matrices are Hermitian, and so is the gradient.
        """

    def qr(self, x: Array, complete: bool = False) -> tuple[Array, Array]:
        """Return ``q`` with orthonormal columns and upper triangular ``r`` with ``x = q r``.

        For matrices of shape ``(m, n)``, ``q`` has ``min(m, n)`` columns, or ``m`` if ``complete``. The signs of the rows of
        ``r`` are not specified. With ``complete``, there is no gradient if ``m > n``.
        """

    def svd(self, x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
        """Return ``(u, s, v^H)`` with ``x = u diag(s) v^H``, or only the singular values ``s``, in descending order.

        With ``full_matrices``, ``u`` and ``v^H`` are square, and they have a gradient only if ``x`` is square. It is not finite
        where singular values are equal, unlike that of the singular values alone. The signs of the columns of ``u`` are not
        specified.
        """

    def eigh(self, x: Array) -> tuple[Array, Array]:
        """Return the real eigenvalues, in ascending order, and the eigenvectors in columns, of Hermitian matrices.

        The gradient of the eigenvectors is not finite where eigenvalues are equal. Their signs are not specified.
        """

    def eig(self, x: Array) -> tuple[Array, Array]:
        """Return the complex eigenvalues, in no specified order, and the eigenvectors in columns, of square matrices."""

    def lu(self, x: Array) -> tuple[Array, Array]:
        """Return the LU decomposition with partial pivoting.

        Returns:
            ``U`` and, below its diagonal, ``L`` without its diagonal of ones, in one array of the shape of ``x``; and the
            pivots as ``int32``: row ``i`` was exchanged with row ``pivots[i]``, one after the other. An engine may raise an
            error for singular or for rectangular matrices.
        """

    def solve(self, a: Array, b: Array) -> Array:
        """Return the ``x`` with ``a x = b``; both contain matrices and have the same leading axes and dtype.

        The result is not finite for a singular ``a``, or an engine raises an error.
        """

    def solve_triangular(self, a: Array, b: Array, lower: bool = False) -> Array:
        """Return the ``x`` with ``a x = b`` as :func:`solve` does, where only one triangle of ``a`` is read."""

    def slogdet(self, x: Array) -> tuple[Array, Array]:
        """Return the sign (or the complex phase) of the determinant, and the logarithm of its absolute value.

        They are 0 and ``-inf`` for singular matrices. The sign of a real determinant has no gradient, and that of a phase is
        not specified.
        """

    # --- Sorting ----------------------------------------------------------------------------------------------------------

    def argsort(self, x: Array, axis: int) -> Array:
        """Return the indices that sort, as ``int32``; the sort is stable."""

    def top_k(self, x: Array, k: int) -> tuple[Array, Array]:
        """Return the ``k`` largest along the last axis in descending order, and their ``int32`` indices (the first of ties)."""

    # --- Convolution and pooling ------------------------------------------------------------------------------------------

    def conv(self, x: Array, kernel: Array, strides: Any, padding: Padding, dilation: Shape, groups: int = 1) -> Array:
        """Cross-correlation in 1, 2 or 3 dimensions.

        Args:
            x: Array of shape ``(batch, *spatial, channels)``.
            kernel: Array of shape ``(*window, channels / groups, filters)``; output channel ``f`` belongs to group
                ``f // (filters / groups)``.
        """

    def conv_transpose(
        self, x: Array, kernel: Array, output_size: Shape, strides: Any, padding: Padding, dilation: Shape
    ) -> Array:
        """Transpose of the linear map ``conv``: it maps the gradient of the output of ``conv`` to the gradient of its input.

        Args:
            x: Array of shape ``(batch, *spatial, filters)``, the shape of the output of ``conv``.
            kernel: Array of shape ``(*window, channels, filters)``, the kernel of that ``conv``.
            output_size: Spatial size of the result, which has the shape ``(batch, *output_size, channels)``.
            strides, padding, dilation: Arguments of that ``conv``.
        """

    def max_pool(self, x: Array, window: Shape, strides: Any, padding: Padding) -> Array:
        """Maximum of each window over the spatial axes; padding is never the maximum."""

    def avg_pool(self, x: Array, window: Shape, strides: Any, padding: Padding) -> Array:
        """Mean of each window over the spatial axes; padding is not counted."""

    # --- Control flow -----------------------------------------------------------------------------------------------------

    def scan(self, f: Callable, init: Tree, xs: Tree, reverse: bool = False) -> tuple[Any, Any]:
        """Loop ``carry, y = f(carry, x)`` along the first axis of all leaves of ``xs``; return the last carry and all ``y``."""

    def while_loop(self, cond: Callable, body: Callable, init: Tree) -> Any:
        """Loop ``while cond(value): value = body(value)``. It has no gradient."""

    def cond(self, pred: Array, true_fn: Callable, false_fn: Callable, *operands: Tree) -> Any:
        """``true_fn(*operands)`` if ``pred`` is True, else ``false_fn(*operands)``."""

    # --- Random numbers ---------------------------------------------------------------------------------------------------

    def fold_in(self, key: Array, data: int | Array) -> Array:
        """Return another key, determined by a key and an integer (which may be an array of shape ``()``)."""

    def random_uniform(self, key: Array, shape: Shape, dtype: str) -> Array:
        """Draw samples from the uniform distribution on [0, 1)."""

    def random_normal(self, key: Array, shape: Shape, dtype: str) -> Array:
        """Draw samples from the normal distribution with mean 0 and standard deviation 1."""

    # --- Transforms -------------------------------------------------------------------------------------------------------

    def value_and_grad(self, f: Callable, has_aux: bool = False) -> Callable:
        """Return a function that returns the scalar value of ``f`` and its gradient with respect to the first argument.

        The first argument is a tree of float arrays.

        With ``has_aux``, ``f`` returns ``(value, aux)`` and the new function ``((value, aux), gradient)``.
        """

    def stop_gradient(self, x: Array) -> Array: ...
    def custom_gradient(self, f: Callable) -> Callable:
        """Convert ``f(*arrays) -> (value, grad)`` to ``arrays -> value`` with ``grad(upstream) -> (gradient, ...)``."""

    def remat(self, f: Callable) -> Callable:
        """Return ``f(*arrays) -> list of arrays`` with a backward pass that runs ``f`` again, without keeping what it computed.

        Arrays that are not among the arguments need no gradient. A backend may return ``f`` itself.
        """

    def compile(self, f: Callable) -> Callable:
        """Return ``f``, a function of trees of arrays, compiled for each new shape and dtype if the backend compiles."""

    def prefers_compiled(self, *arrays: Array) -> bool:
        """Return whether primitives on these arrays run faster inside one function of ``compile``, including its first call.

        This is the case where each primitive that is called separately is compiled separately. It is False for arrays that are
        being traced: they are inside such a function already.
        """

    def is_traced(self, x: Array) -> bool:
        """Return whether an array has no values of its own, because a function is being traced or transformed.

        Such an array must not be stored anywhere, since it is meaningless after the trace. The function may be one of Cornu or
        one of the engine, such as ``jax.jit``, ``tf.function`` or ``torch.func.grad``.
        """

    def concrete(self) -> AbstractContextManager:
        """Return a context in which new arrays have values, also while a function is being traced or transformed."""

    def multi_step(self, step: Callable, finish: Callable) -> Callable:
        """Combine many steps into one call: the training loop, whose number of steps is not part of what is compiled.

        Args:
            step: Callable ``step(carry, data, number) -> carry`` that preserves structure, shapes and dtypes; ``number`` is an
                ``int32`` array.
            finish: Callable ``finish(carry) -> result``, applied to the final carry.

        Returns:
            Callable ``run(carry, data, start, stop) -> (carry, result)``, which runs the steps in ``range(start, stop)``. The
            carry and the data are trees of arrays; it is compiled for each new shape and dtype. It has no gradient.
        """

    def abstract_eval(self, f: Callable, *specs: ArraySpecs) -> Any:
        """Return the shapes and dtypes of the result of ``f``: trees of :class:`ArraySpec` in, a tree of them out.

        A function that reads values (``if x.sum() > 0``) is evaluated on zeros.
        """

    # --- Devices ----------------------------------------------------------------------------------------------------------

    def devices(self) -> list[str]:
        """Return the names of the devices, such as ``"cpu:0"``: first the default device, then the others, the best first.

        Arrays are created on the default device.

        Raises ``InvalidArgumentError`` if ``config.device`` is not one of them.
        """

    def to_device(self, x: Array, device: str) -> Array:
        """Copy the array to another device, given in any form that users may pass."""

    def synchronize(self, tree: Tree) -> None:
        """Block until every array in a tree is computed."""

    def micro_batch_activations(self) -> int | None:
        """Return the number of elements that the layers should compute for one micro-batch on the default device.

        None means that whole batches are faster.
        """


PRIMITIVES = tuple(name for name, value in vars(Backend).items() if inspect.isfunction(value) and not name.startswith("_"))
"""Names of all primitives."""


class TracingBackend(Backend, Protocol):
    """A backend that records operations, to export models as ONNX."""

    OPSET: int
    TracedInput: Callable[..., Any]
    trace: Callable[..., Any]
    weight: Callable[..., Any]
    optimize_graph: Callable[..., Any]
    model_proto: Callable[..., Any]
