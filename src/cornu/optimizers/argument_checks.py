"""Checks of the arguments that all optimizers share."""

from collections.abc import Iterable, Mapping
from typing import Any

from cornu.errors import InvalidArgumentError, did_you_mean, warn
from cornu.validation import check_between, check_int, check_positive

_SUCCESSORS = {
    "lr": "Did you mean 'learning_rate'?",
    "decay": "Pass `learning_rate=InverseTimeDecay(learning_rate, decay_steps=1, decay_rate={})` from "
    "`cornu.optimizers.schedules`, which is what `decay` was in Keras 2. `weight_decay` is another thing.",
}
"""Hints for arguments of Keras 2."""


def refuse_unknown(optimizer: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise an error for arguments that an optimizer does not have; ``decay=0`` and ``decay=None`` have no effect.

    Args:
        optimizer: Name of the class of the optimizer.
        given: The unknown arguments.
        known: Names of the arguments of the optimizer.
    """
    for name, value in given.items():
        if name == "decay" and not value:  # the default in Keras 2
            continue
        hint = _SUCCESSORS.get(name, "").format(value) or did_you_mean(name, [each for each in known if each not in given])
        raise InvalidArgumentError(
            f"`{optimizer}` received an argument `{name}`.",
            "It has no argument of this name.",
            hint or f"Omit `{name}`. For a decreasing learning rate, pass a schedule as `learning_rate`.",
        )


def check_settings(optimizer: object) -> None:
    """Check the attributes of an optimizer that are arguments of the base class."""
    settings = vars(optimizer)
    clips = {name: settings[name] for name in ("clipnorm", "clipvalue", "global_clipnorm")}
    given = {name: value for name, value in clips.items() if value is not None}
    if len(given) > 1:
        raise InvalidArgumentError(
            f"The optimizer received {' and '.join(f'`{name}={value}`' for name, value in given.items())}.",
            "At most one of the clipping arguments may be set.",
            "Pass only one of them.",
        )
    positive = given | {name: settings[name] or None for name in ("loss_scale_factor", "weight_decay")}
    for name, value in positive.items():
        if value is not None:
            check_positive(optimizer, name, value)
    check_between(optimizer, "ema_momentum", settings["ema_momentum"])
    for name, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
        if settings[name] is not None:
            check_int(optimizer, name, settings[name], least)


def names_to_load(optimizer: Any, store: Mapping[str, Any]) -> list[str]:
    """Return the names of the arrays in a dict for the variables of an optimizer; none, with a warning, if the number differs.

    Raises:
        InvalidArgumentError: The arrays are not named ``"0"``, ``"1"`` and so on.
    """
    found, names = list(store.keys()), [str(number) for number in range(len(optimizer.variables))]
    if len(found) != len(names):
        reason = "" if optimizer.built else " It is not built: call `optimizer.build(trainable_variables)` first."
        warn(
            f"The optimizer {optimizer.name!r} received {len(found)} arrays and has {len(names)} variables: its state is not "
            f"loaded.{reason}"
        )
        return []
    if set(found) != set(names):
        raise InvalidArgumentError(
            f"The optimizer {optimizer.name!r} received arrays named {sorted(found)}.",
            f"They must be named {names}.",
            "Pass what `save_own_variables` stored.",
        )
    return names
