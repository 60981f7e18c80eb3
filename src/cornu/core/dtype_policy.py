"""Dtype policies: the dtype in which a layer computes and the dtype in which it stores its variables (mixed precision)."""

from contextlib import AbstractContextManager

from cornu import config, registry, serialization
from cornu.dtypes import INTEGERS
from cornu.errors import one_of
from cornu.scopes import Scope
from cornu.typing import Config, DType

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_NAMES = (*_FLOATS, "mixed_float16", "mixed_bfloat16")

_policy: Scope[str | None] = Scope("name of the dtype policy", None)


@registry.register("dtype_policies")
class DTypePolicy(serialization.Configurable):
    """A compute dtype and a variable dtype, identified by one name.

    Args:
        name: A floating-point dtype for both, or ``"mixed_float16"`` or ``"mixed_bfloat16"``: computations in 16 bits,
            variables in ``float32``.

    Raises:
        InvalidArgumentError: If there is no such policy.

    Example:
        >>> from cornu.core.dtype_policy import DTypePolicy
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, name: str):
        if name not in _NAMES:
            raise one_of("dtype", name, _NAMES)
        self.name = name
        self.compute_dtype = name.removeprefix("mixed_")
        self.variable_dtype = "float32" if name.startswith("mixed_") else name

    def __repr__(self) -> str:
        return f"<DTypePolicy {self.name!r}>"


def dtype_policy() -> DTypePolicy:
    """Return the global policy, used by layers without a ``dtype``: as set by :func:`set_dtype_policy`, else ``floatx()``.

    Example:
        >>> from cornu import mixed_precision
        >>> mixed_precision.dtype_policy()
        <DTypePolicy 'float32'>
    """
    return DTypePolicy(_policy.get() or config.floatx())


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Set the policy of layers created from now on, in every thread; None restores ``config.floatx()``.

    Example:
        >>> from cornu import layers, mixed_precision
        >>> mixed_precision.set_dtype_policy("mixed_bfloat16")
        >>> layers.Dense(3).compute_dtype
        'bfloat16'
        >>> mixed_precision.set_dtype_policy(None)
    """
    _policy.set_default(None if policy is None else get(policy).name)


def dtype_policy_scope(policy: str | DTypePolicy | None) -> AbstractContextManager:
    """Return a context manager that sets the policy of layers created inside it, in this thread only.

    Args:
        policy: Policy or name of a policy; None for ``config.floatx()``.

    Example:
        >>> from cornu import layers
        >>> from cornu.core.dtype_policy import dtype_policy_scope
        >>> with dtype_policy_scope("mixed_bfloat16"):
        ...     layers.Dense(3).compute_dtype
        'bfloat16'
    """
    return _policy.set_to(None if policy is None else get(policy).name)


def get(identifier: DType | DTypePolicy | Config) -> DTypePolicy:
    """Return the policy for a layer's ``dtype`` argument: None, a name, a policy or the config of a policy.

    Example:
        >>> from cornu import dtype_policies
        >>> dtype_policies.get("mixed_float16").variable_dtype
        'float32'
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return serialization.deserialize(identifier, "dtype_policies")
    return DTypePolicy(str(identifier))


def compute_dtype_of(identifier: DType | DTypePolicy | Config) -> str:
    """Return the dtype that a loss or metric with this ``dtype`` argument computes in, which may also be an integer dtype.

    Args:
        identifier: Dtype, or what :func:`get` accepts. None means ``config.floatx()``.

    Example:
        >>> from cornu.core.dtype_policy import compute_dtype_of
        >>> compute_dtype_of("mixed_float16"), compute_dtype_of("int32"), compute_dtype_of(None)
        ('float16', 'int32', 'float32')
    """
    if isinstance(identifier, str) and identifier in INTEGERS:
        return identifier
    return get(identifier or config.floatx()).compute_dtype
