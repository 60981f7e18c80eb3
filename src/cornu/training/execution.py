"""How the steps of a compiled model run: the arguments of ``compile`` that do not change results."""

import dataclasses
from typing import Any, Literal, TypeAlias

from cornu import backends, config, validation
from cornu.errors import InvalidArgumentError, InvalidTypeError

MicroBatchSize: TypeAlias = int | Literal["auto"] | None
"""The ``micro_batch_size`` argument of ``compile``."""

JitCompile: TypeAlias = bool | Literal["auto"]
"""The ``jit_compile`` argument of ``compile``."""


@dataclasses.dataclass
class Execution:
    """How steps run.

    Attributes:
        run_eagerly: Whether steps run operation by operation, so that values can be printed.
        steps_per_execution: Number of steps between two calls of the batch methods of callbacks.
        jit_compile: Whether a just-in-time compiler is used; ``"auto"`` where the engine has one.
        micro_batch_size: Number of samples that are processed at a time; ``"auto"`` or None (see ``Model.compile``).

    Raises:
        InvalidArgumentError: If ``steps_per_execution`` or ``micro_batch_size`` is no positive integer.
        InvalidTypeError: If ``run_eagerly`` or ``jit_compile`` is no boolean.
    """

    run_eagerly: bool = False
    steps_per_execution: int = 1
    jit_compile: JitCompile = "auto"
    micro_batch_size: MicroBatchSize = "auto"

    def __post_init__(self) -> None:
        for name, allowed in (("run_eagerly", (True, False)), ("jit_compile", (True, False, "auto"))):
            if getattr(self, name) not in allowed:
                raise InvalidTypeError(
                    f"`compile` received {name}={getattr(self, name)!r}.",
                    f"It must be {' or '.join(map(repr, allowed))}.",
                    f"Omit `{name}` for the default.",
                )
        if not (validation.is_int(self.steps_per_execution) and self.steps_per_execution >= 1):
            raise InvalidArgumentError(
                f"`compile` received steps_per_execution={self.steps_per_execution!r}.",
                "It is the number of steps between two calls of the batch methods of callbacks.",
                "Pass a positive integer.",
            )
        size = self.micro_batch_size
        if not (size is None or (isinstance(size, str) and size == "auto") or (validation.is_int(size) and int(size) > 0)):
            raise InvalidArgumentError(
                f"`compile` received micro_batch_size={size!r}.",
                "It is the number of samples that are processed at a time.",
                "Pass a positive integer, None for whole batches, or 'auto'.",
            )

    def is_compiled(self, place: config.Placement) -> bool:
        """Return whether steps are compiled on the engine of a placement."""
        return not self.run_eagerly and (self.jit_compile is not False or not backends.get(place.backend).JUST_IN_TIME)

    def get_config(self) -> dict[str, Any]:
        """Return the options that Keras has, in its format."""
        return {
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
            "jit_compile": self.jit_compile,
        }
