"""The arguments of ``Optimizer`` that the constructors of its subclasses accept as well."""

import inspect
from typing import TypedDict

from cornu.optimizers.optimizer import Optimizer
from cornu.serialization import Constructor, accept, constructor_of


class SharedArguments(TypedDict, total=False):
    """The arguments of :class:`Optimizer` after ``weight_decay``, which some optimizers define themselves."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptimizerArguments(SharedArguments, total=False):
    """The arguments of :class:`Optimizer` after ``learning_rate``, which subclasses accept as ``**kwargs``."""

    weight_decay: float | None


SHARED = list(constructor_of(Optimizer).parameters.values())[2:-1]
"""The parameters of the constructor of :class:`Optimizer` after ``learning_rate``, without ``**kwargs``."""


def with_shared_arguments(constructor: Constructor) -> Constructor:
    """Give a constructor with ``**kwargs`` the signature of Keras's, in which the shared arguments have names and positions.

    They follow the positional arguments of the constructor, except for those that it defines itself; its keyword-only
    arguments come after them, and can be passed by position as well.

    Example:
        >>> from cornu import optimizers
        >>> optimizers.SGD(0.1, 0.9, False, 0.004).weight_decay
        0.004
    """
    signature = inspect.signature(constructor)
    *own, others = signature.parameters.values()
    first = [parameter for parameter in own if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    last = [parameter.replace(kind=parameter.POSITIONAL_OR_KEYWORD) for parameter in own[len(first) :]]
    shared = [parameter for parameter in SHARED if parameter.name not in signature.parameters]
    return accept(signature.replace(parameters=[*first, *shared, *last, others]), constructor)
