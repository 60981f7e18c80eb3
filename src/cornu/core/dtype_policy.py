"""In what dtype a layer computes and in what dtype it keeps its variables: the same, or not (mixed precision)."""

from contextlib import AbstractContextManager
from typing import Any

from cornu import config, registry, serialization
from cornu.errors import one_of
from cornu.scopes import Scope

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_NAMES = (*_FLOATS, "mixed_float16", "mixed_bfloat16")

_policy: Scope[str | None] = Scope("name of the dtype policy", None)


@registry.register("dtype_policies")
class DTypePolicy(serialization.Configurable):
    """A pair of dtypes by one name.

    Args:
        name: A float dtype for both, or ``"mixed_float16"`` or ``"mixed_bfloat16"``: computing in 16 bits, variables in
            ``float32``.

    Raises:
        InvalidArgumentError: There is no such policy.

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
    """The policy of layers that are not given one: what :func:`set_dtype_policy` said, or ``config.floatx()``."""
    return DTypePolicy(_policy.get() or config.floatx())


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Sets the policy of layers made from now on, in every thread; None goes back to ``config.floatx()``."""
    _policy.set_default(None if policy is None else get(policy).name)


def dtype_policy_scope(policy: str | DTypePolicy | None) -> AbstractContextManager:
    """Return a context manager inside which layers are made under a policy; other threads do not notice.

    Args:
        policy: A policy or its name; None for ``config.floatx()``.

    Example:
        >>> from cornu import layers
        >>> from cornu.core.dtype_policy import dtype_policy_scope
        >>> with dtype_policy_scope("mixed_bfloat16"):
        ...     layers.Dense(3).compute_dtype
        'bfloat16'
    """
    return _policy.set_to(None if policy is None else get(policy).name)


def get(identifier: Any) -> DTypePolicy:
    """The policy that a layer's ``dtype`` argument means: None, a name, a policy or a policy's config."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return serialization.deserialize(identifier, "dtype_policies")
    return DTypePolicy(str(identifier))
