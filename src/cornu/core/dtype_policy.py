"""Dtype policies: the dtype in which a layer computes and the dtype in which it stores its variables (mixed precision)."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import Any

from cornu import config, ops, registry, serialization, validation
from cornu.core.symbolic_tensor import is_symbolic
from cornu.dtypes import ALL, COMPLEX, INTEGERS, UNSUPPORTED
from cornu.errors import InvalidArgumentError, InvalidTypeError, UnsafeModelError, one_of
from cornu.scopes import Scope
from cornu.typing import ArrayLike, Config, CustomObjects, DType

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
"""Names of the policies of mixed precision, with their compute dtypes."""

_FIRST = ("float32", "float16", "bfloat16", "float64")
"""The dtypes that an error lists first."""

_MAX_PATTERN = 200
_MAX_REPEATS = 3
"""Limits of a pattern in a file: matching time is exponential in nested repetitions, and polynomial in sequences of them."""


@registry.register("dtype_policies", aliases=("FloatDTypePolicy",))
class DTypePolicy(serialization.Configurable):
    """A compute dtype and a variable dtype, identified by one name. Two policies are equal if their names are.

    Args:
        name: Name of a dtype for both, or ``"mixed_float16"`` or ``"mixed_bfloat16"``: computations in 16 bits, variables in
            ``float32``. Defaults to None (the name of the global policy).

    Attributes:
        name: The name.
        compute_dtype: Dtype of the computations.
        variable_dtype: Dtype of the variables.
        quantization_mode: None: the weights are not quantized.

    Raises:
        InvalidArgumentError: If there is no such policy.
        InvalidTypeError: If ``name`` is not a string.

    Example:
        >>> from cornu.dtype_policies import DTypePolicy
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy, policy.compute_dtype, policy.variable_dtype
        (<DTypePolicy "mixed_bfloat16">, 'bfloat16', 'float32')
        >>> policy == DTypePolicy("mixed_bfloat16")
        True
    """

    quantization_mode: str | None = None

    def __init__(self, name: str | None = None):
        self.name = _checked_name(dtype_policy().name if name is None else name)
        self.compute_dtype = _MIXED.get(self.name) or validation.standardize_dtype(self.name)
        self.variable_dtype = "float32" if self.name in _MIXED else self.compute_dtype

    def for_path(self, path: str | None) -> "DTypePolicy":
        """Return the policy of the layer with a path: the policy itself, except for a ``DTypePolicyMap``."""
        return self

    def with_policy(self, path: str | None, policy: "DTypePolicy") -> "DTypePolicy":
        """Return the policy of a layer with a path whose policy is set to another one."""
        return policy

    def convert_input(self, x: ArrayLike, autocast: bool, dtype: DType) -> Any:
        """Return an array cast to a dtype if it is a floating-point one and ``autocast`` is true; Python data is unchanged."""
        if not hasattr(x, "dtype"):
            return x
        array = x if is_symbolic(x) else ops.convert_to_tensor(x)
        return ops.cast(array, dtype) if autocast and "float" in ops.dtype(array) else array

    def get_config(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": self.name}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


FloatDTypePolicy = DTypePolicy
"""Alias of ``DTypePolicy``."""


@registry.register("dtype_policies", keras_path=("keras.dtype_policies", "DTypePolicyMap"))
class DTypePolicyMap(DTypePolicy, MutableMapping):
    """Dtype policies by the path of a layer, for a layer with layers inside that do not all have the same policy.

    ``policy_map[path]`` is the policy stored for exactly this path, else that of the only key which, as a regular expression,
    matches the whole path, else the default policy. Passed as the ``dtype`` of a layer, it applies to the layers inside that
    receive ``dtype=self.dtype_policy``.

    Args:
        default_policy: Policy, or its name, of layers without an entry. Defaults to None (the global policy).
        policy_map: Dict from paths or regular expressions to policies or their names. Defaults to None (empty).

    Raises:
        InvalidArgumentError: If ``default_policy`` is a map.
        InvalidTypeError: If ``policy_map`` is not a dict.

    Example:
        >>> from cornu.dtype_policies import DTypePolicyMap
        >>> policies = DTypePolicyMap("float32", {"encoder/.*": "mixed_bfloat16"})
        >>> policies["decoder"] = "float16"
        >>> [policies[path].name for path in ("encoder/dense", "decoder", "decoder/dense")]
        ['mixed_bfloat16', 'float16', 'float32']
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, default_policy: str | DTypePolicy | None = None, policy_map: dict[str, str | DTypePolicy] | None = None):
        if isinstance(default_policy, DTypePolicyMap):
            raise InvalidArgumentError(
                f"`DTypePolicyMap` received `default_policy={default_policy!r}`.",
                "The default policy must not be a map itself.",
                "Pass a policy, such as `default_policy='float32'`.",
            )
        if policy_map is not None and not isinstance(policy_map, dict):
            raise InvalidTypeError(
                f"`DTypePolicyMap` received `policy_map={policy_map!r}`.",
                "It must be a dict from paths of layers to policies.",
                "Pass, for example, `policy_map={'encoder/.*': 'mixed_bfloat16'}`.",
            )
        self._given_default = default_policy
        self.default_policy = get(default_policy).for_path(None)
        super().__init__(self.default_policy.name)
        self.name = f"map_{self.default_policy.name}"
        self._policies: dict[str, DTypePolicy] = {}
        for path, policy in (policy_map or {}).items():
            self[path] = get(policy)

    def for_path(self, path: str | None) -> DTypePolicy:
        """Return the policy of the layer with a path; the default policy for None, since only built layers have a path."""
        return self.default_policy if path is None else self[path]

    def with_policy(self, path: str | None, policy: DTypePolicy) -> DTypePolicy:
        """Return a map that differs in the policy of one path."""
        if path is None:
            return policy
        return DTypePolicyMap(self._given_default, dict(self._policies) | {path: policy})  # type: ignore[arg-type]

    def __getitem__(self, key: str) -> DTypePolicy:
        """Return the policy of a path.

        Raises:
            InvalidArgumentError: If several keys match the path.
        """
        if key in self._policies:
            return self._policies[key]
        matching = [pattern for pattern in self._policies if _matches(pattern, key)]
        if len(matching) > 1:
            raise InvalidArgumentError(
                f"The path {key!r} matches several keys of the dtype policy map: {matching}.",
                "At most one of the keys may match the path of a layer, unless one of them is the path itself.",
                f"Add an entry for {key!r}, or make the keys more specific.",
            )
        return self._policies[matching[0]] if matching else self.default_policy

    def __setitem__(self, key: str, policy: str | DTypePolicy | Config) -> None:
        """Add the policy of a path.

        Raises:
            InvalidArgumentError: If there is an entry of this path, or no such policy.
        """
        if key in self._policies:
            raise InvalidArgumentError(
                f"The key {key!r} was added to a dtype policy map that has it already, with {self._policies[key]!r}.",
                "A key can be added only once.",
                f"Delete the entry first: `del policy_map[{key!r}]`.",
            )
        self._policies[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DTypePolicyMap)
            and other.default_policy == self.default_policy
            and other._policies == self._policies
        )

    def __repr__(self) -> str:
        mapping = [(path, policy.name) for path, policy in self._policies.items()]
        return f"<DTypePolicyMap default_policy={self.default_policy.name}, mapping={mapping}>"

    def get_config(self) -> dict[str, Any]:
        """Return the default policy (None for the global policy) and the policies."""
        return {
            "default_policy": serialization.serialize(self._given_default),
            "policy_map": serialization.serialize(self._policies),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> "DTypePolicyMap":
        """Create a map from a config.

        Args:
            config: Dict returned by :meth:`get_config`.
            custom_objects: Ignored, since a policy refers to no custom object. Defaults to None.

        Raises:
            UnsafeModelError: If matching a key could take very long.
        """
        policies = config.get("policy_map") or {}
        for pattern in policies:
            _check_cost(pattern)
        made: dict[str, str | DTypePolicy] = {path: get(policy) for path, policy in policies.items()}
        default = config.get("default_policy")
        return cls(None if default is None else get(default), made)


_policy: Scope[DTypePolicy | None] = Scope("global dtype policy", None)


def dtype_policy() -> DTypePolicy:
    """Return the global policy, used by layers without a ``dtype``: as set by :func:`set_dtype_policy`, else ``floatx()``.

    Example:
        >>> from cornu import config
        >>> config.dtype_policy()
        <DTypePolicy "float32">
    """
    policy = _policy.get()
    return DTypePolicy(config.floatx()) if policy is None else policy


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Set the policy of layers created from now on, in every thread; None restores ``config.floatx()``.

    Args:
        policy: Policy, or the name of a policy.

    Raises:
        InvalidArgumentError: If there is no policy of this name.
        InvalidTypeError: If ``policy`` is neither a policy nor a name.

    Example:
        >>> from cornu import config, layers
        >>> config.set_dtype_policy("mixed_bfloat16")
        >>> layers.Dense(3).compute_dtype
        'bfloat16'
        >>> config.set_dtype_policy(None)
    """
    _policy.set_default(_named_policy(policy))


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
    return _policy.set_to(_named_policy(policy))


def get(identifier: DType | DTypePolicy | Config) -> DTypePolicy:
    """Return the policy for a layer's ``dtype`` argument: None, a name, a dtype, a policy or the config of a policy.

    Raises:
        InvalidArgumentError: If there is no such policy.
        UnsafeModelError: If the config is not that of a policy.

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
        return deserialize(identifier)
    return DTypePolicy(identifier if isinstance(identifier, str) else validation.standardize_dtype(identifier))


def serialize(dtype_policy: DTypePolicy) -> Any:
    """Return the JSON-serializable form of a policy, as in model files.

    Example:
        >>> from cornu import dtype_policies
        >>> dtype_policies.serialize(dtype_policies.DTypePolicy("mixed_float16"))["config"]
        {'name': 'mixed_float16'}
    """
    return serialization.serialize(dtype_policy)


def deserialize(config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the policy for a form returned by :func:`serialize`.

    Args:
        config: The form.
        custom_objects: Dict of names to custom classes. Defaults to None.

    Raises:
        InvalidArgumentError: If the config names a policy that does not exist, or one of quantization.
        UnsafeModelError: If the config names something else.

    Example:
        >>> from cornu import dtype_policies
        >>> dtype_policies.deserialize({"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}})
        <DTypePolicy "mixed_float16">
    """
    return serialization.deserialize(config, "dtype_policies", custom_objects)


def _named_policy(policy: str | DTypePolicy | None) -> DTypePolicy | None:
    """Return a policy for itself or its name; None for None."""
    return policy if policy is None or isinstance(policy, DTypePolicy) else DTypePolicy(policy)


def _checked_name(name: Any) -> str:
    """Return the name of a policy that exists: that of a dtype, or of mixed precision."""
    if not isinstance(name, str):
        raise InvalidTypeError(
            f"A dtype policy received {name!r} as its name.",
            "The name of a policy must be a string.",
            "Pass, for example, 'mixed_float16', or a policy made by `DTypePolicy('mixed_float16')`.",
        )
    if "_from_" in name:
        raise _quantized(f"`dtype={name!r}` was given.")
    if name in COMPLEX:
        raise InvalidArgumentError(
            f"`dtype={name!r}` was given.",
            "Layers compute with real numbers.",
            "Store real and imaginary parts in two arrays, and combine them with `ops.view_as_complex` in the call of a layer.",
        )
    if name not in ("int", *_MIXED, *ALL) and not name.startswith(UNSUPPORTED):
        raise one_of("dtype", name, (*_FIRST, *_MIXED, *(other for other in ALL if other not in _FIRST)))
    return name


def _matches(pattern: str, path: str) -> bool:
    """Return whether a regular expression matches a path; an invalid one, such as ``"dense("``, is only a path."""
    try:
        return re.fullmatch(pattern, path) is not None
    except re.error:
        return False


def _check_cost(pattern: str) -> None:
    """Raise ``UnsafeModelError`` for a pattern of a file that repeats a group, or repeats too often."""
    if len(pattern) > _MAX_PATTERN or re.search(r"\)[*+?{]", pattern) or len(re.findall("[*+{]", pattern)) > _MAX_REPEATS:
        raise UnsafeModelError(
            f"The config has a dtype policy for the pattern {pattern[:_MAX_PATTERN]!r}.",
            f"In a file, a pattern has at most {_MAX_PATTERN} characters and {_MAX_REPEATS} repetitions, and repeats no group: "
            "others can take very long to match.",
            "Use simpler patterns, such as 'encoder/.*', and save the model again.",
        )


def _quantized(received: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        received,
        "A policy must name the dtypes of computations and variables; this version of Cornu has no quantized layers.",
        "Use the model before quantization, with a policy such as 'float32' or 'mixed_bfloat16'.",
    )


@registry.register(
    "dtype_policies",
    aliases=("QuantizedFloat8DTypePolicy", "Int4DTypePolicy", "GPTQDTypePolicy", "AWQDTypePolicy"),
)
class QuantizedDTypePolicy(serialization.Configurable):
    """Policy of a quantized layer, which a file may name; reading it raises an error that says so.

    Args:
        **kwargs: The arguments in the file.

    Raises:
        InvalidArgumentError: Always, since Cornu has no quantized layers.
    """

    def __init__(self, **kwargs: Any):
        raise _quantized(f"The policy `{kwargs.get('mode')}_from_{kwargs.get('source_name')}` was given.")


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
