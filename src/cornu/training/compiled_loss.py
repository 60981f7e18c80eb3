"""The loss of a compiled model: the weighted sum of the losses of its outputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from cornu import losses, trees
from cornu.core.signature import SpecTree
from cornu.errors import InvalidArgumentError, did_you_mean, returned_none
from cornu.losses import Loss
from cornu.typing import Array, Tree

LossArgument: TypeAlias = str | Callable[..., Any] | Sequence["LossArgument"] | Mapping[str, Any] | None
"""The ``loss`` argument of ``compile``."""

LossWeights: TypeAlias = float | Sequence[float | None] | Mapping[str, float | None] | None
"""The ``loss_weights`` argument of ``compile``."""


class Losses(NamedTuple):
    """The losses of one batch.

    Attributes:
        total: The scalar that training minimizes.
        parts: The loss of each output that has one, before weighting.
    """

    total: Array | float
    parts: list


class Part(NamedTuple):
    """One of the losses whose weighted sum is minimized.

    Attributes:
        place: Index of the output.
        loss: The loss.
        weight: Its factor.
    """

    place: int
    loss: Loss
    weight: float


class CompiledLoss:
    """The losses of a model's outputs: ``total = sum(weight * loss(y, output))``.

    Args:
        loss: The ``loss`` argument of ``compile``: a loss as a name, function or object, or a list or dict with one for each
            output. If there are several outputs, each may have a list of losses, which are summed.
        loss_weights: List or dict with a number for each output, or with a list of numbers for several losses; or None.
        output_names: Names of the outputs, in order.
        targets: List of the shapes of the targets, one for each output, or None; ``"crossentropy"`` depends on them.
        outputs: List of the shapes of the outputs.
        loss_names: Names of the outputs in the logs of their losses (see :func:`loss_names`). Defaults to ``output_names``.

    Raises:
        InvalidArgumentError: If a list or dict does not match the outputs.

    Attributes:
        losses: List of the first loss of each output, or None for an output without one.
        parts: List of all losses, in the order of Keras's results.
    """

    def __init__(
        self,
        loss: LossArgument,
        loss_weights: LossWeights,
        output_names: list[str],
        targets: list,
        outputs: list,
        loss_names: list[str] | None = None,
    ):
        self.output_names = output_names
        self._loss_names = loss_names or output_names
        alone = loss if len(output_names) == 1 and isinstance(loss, (list, tuple)) else []
        if len(alone) > 1 or any(isinstance(each, (list, tuple)) and len(each) > 1 for each in alone):
            raise _too_many(loss, output_names[0])
        given = [_listed(each) for each in per_output(loss, output_names, "loss")]
        resolved: list[list[Loss]] = [
            [losses.resolve(one, target, output) for one in own if one is not None]
            for own, target, output in zip(given, targets, outputs, strict=True)
        ]
        self.losses: list[Loss | None] = [own[0] if own else None for own in resolved]
        weights = per_output(loss_weights, output_names, "loss_weights")
        is_by_name = isinstance(loss, dict) and "class_name" not in loss
        order = map(output_names.index, cast(dict, loss)) if is_by_name else range(len(output_names))
        self.parts = [
            Part(place, one, 1.0 if weight is None else weight)
            for place in order
            for one, weight in zip(
                resolved[place], _weights(weights[place], len(resolved[place]), output_names[place]), strict=True
            )
        ]
        if all(each is None for each in self.losses) and loss is not None:
            raise InvalidArgumentError(
                f"`compile` received loss={loss!r}.", "At least one output must have a loss.", "Pass one, such as `loss='mse'`."
            )

    @property
    def padding_is_safe(self) -> bool:
        """Whether every loss is computed for each sample independently, so that padding can be excluded."""
        return all(part.loss.is_per_sample for part in self.parts)

    @property
    def is_mean_over_samples(self) -> bool:
        """Whether the loss of a batch is the mean of the losses of its equal parts."""
        return all(part.loss.is_mean_over_samples for part in self.parts)

    @property
    def part_names(self) -> list[str]:
        """Names of the losses of the outputs in the logs; empty if there is only one."""
        return [f"{self._loss_names[part.place]}_loss" for part in self.parts] if len(self.parts) > 1 else []

    def __call__(self, y: Tree, outputs: list, sample_weight: Tree, sample_mask: Array | None) -> Losses:
        """Return the losses of a batch.

        Args:
            y: Targets: a tree with one entry for each output, or a single entry for all.
            outputs: List of the outputs.
            sample_weight: Sample weights, in the form of ``y``, or None.
            sample_mask: Array of shape ``(batch,)``, 0 for padding, or None. Each loss finds the mask that layers set on its
                output.
        """
        targets, weights = aligned(y, self.output_names), aligned(sample_weight, self.output_names)
        padding = {} if sample_mask is None else {"sample_mask": sample_mask}  # which custom losses need not accept
        parts, weighted = [], []
        for place, loss, weight in self.parts:
            part = cast(Any, loss)(targets[place], outputs[place], sample_weight=weights[place], **padding)
            if part is None:
                raise returned_none(f"{type(loss).__name__}.__call__", "the loss, a scalar", "return ops.mean(losses)")
            parts.append(part)
            weighted.append(part if weight == 1 else part * weight)
        return Losses(sum(weighted[1:], start=weighted[0]) if weighted else 0.0, parts)


def by_output(given: Tree, outputs: SpecTree | Tree) -> Any:
    """Return a list with one entry for each output if an argument has the nested structure of the outputs, else the argument.

    Args:
        given: Losses, weights, metrics, targets or sample weights. An entry for a group of outputs counts for each of them.
        outputs: Tree of the outputs, such as ``{"a": (y1, y2), "b": y3}``. If it is flat, the argument is returned unchanged.
    """
    parts = list(outputs.values()) if isinstance(outputs, dict) else outputs
    if not isinstance(parts, (list, tuple)) or not any(isinstance(part, (dict, list, tuple)) for part in parts):
        return given
    if not _has_form_of(outputs, given):
        return given
    return _flattened(given, outputs)


def _has_form_of(outputs: SpecTree | Tree, given: Tree) -> bool:
    """Return whether an argument has an entry for each part of the outputs."""
    if isinstance(outputs, dict):
        return isinstance(given, dict) and bool(given) and given.keys() <= outputs.keys()
    return isinstance(outputs, (list, tuple)) and isinstance(given, (list, tuple)) and len(given) == len(outputs)


def _flattened(given: Any, outputs: SpecTree | Tree) -> list:
    """Return the entries of an argument for the outputs of a tree, from left to right."""
    if not isinstance(outputs, (dict, list, tuple)):
        return [given]
    if not _has_form_of(outputs, given):
        return [given] * len(trees.leaves(outputs))
    pairs = (
        [(given.get(name), outputs[name]) for name in trees.keys(outputs)]
        if isinstance(outputs, dict)
        else zip(given, outputs, strict=True)
    )
    return [entry for own, part in pairs for entry in _flattened(own, part)]


def loss_names(outputs: SpecTree | Tree, output_names: list[str]) -> list[str]:
    """Return the names of the outputs in the names of their losses: those of nested outputs begin with their keys, as ``a/b``.

    Example:
        >>> from cornu.training.compiled_loss import loss_names
        >>> loss_names({"a": (0, 0), "b": 0}, ["dense", "dense_1", "dense_2"])
        ['a/dense', 'a/dense_1', 'b']
    """
    names = iter(output_names)
    return [_joined(path, next(names)) for path in _paths(outputs)]


def _joined(path: tuple, name: str) -> str:
    if not path:
        return name
    return "/".join(map(str, path if isinstance(path[-1], str) else (*path[:-1], name)))


def _paths(tree: SpecTree | Tree, path: tuple = ()) -> list[tuple]:
    """Return the keys and positions that lead to each leaf of a tree."""
    if not isinstance(tree, (dict, list, tuple)):
        return [path]
    parts = [(key, tree[key]) for key in trees.keys(tree)] if isinstance(tree, dict) else enumerate(tree)
    return [found for key, part in parts for found in _paths(part, (*path, key))]


def per_output(given: LossArgument | LossWeights, output_names: list[str], argument: str) -> list:
    """Return a list with one entry for each output, from a single value for all outputs, a list, or a dict by output names.

    Raises:
        InvalidArgumentError: If the length of a list or a key of a dict does not match the outputs.
    """
    if isinstance(given, dict) and "class_name" not in given:
        for name in given:
            if name not in output_names:
                raise InvalidArgumentError(
                    f"`{argument}` names an output {name!r}.",
                    f"The model's outputs are {output_names}.",
                    did_you_mean(name, output_names) or "Use the names of the outputs.",
                )
        return [given.get(name) for name in output_names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(output_names):
            raise InvalidArgumentError(
                f"`{argument}` has {len(given)} entries.",
                f"The model has {len(output_names)} outputs: {output_names}.",
                "Pass one entry for each output, or None for an output without one.",
            )
        return list(given)
    return [given for _ in output_names]


def _listed(given: Tree) -> list:
    """Return the losses of an output as a list."""
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _weights(given: Tree, count: int, name: str) -> list:
    """Return the weights of the losses of an output as a list.

    Raises:
        InvalidArgumentError: If there are several losses and another number of weights.
    """
    weights = list(given) if isinstance(given, (list, tuple)) else [given] * (1 if given is not None else count)
    if len(weights) != count and count:
        raise InvalidArgumentError(
            f"`loss_weights` has {given!r} for the output {name!r}.",
            f"This output has {count} losses.",
            "Pass a list with one number for each of them.",
        )
    return weights[:count]


def _too_many(given: LossArgument, name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"`loss` has {len(trees.leaves(given))} losses for the output {name!r}: {given!r}.",
        "The output of a model with one output has one loss.",
        "Pass a function that returns their sum.",
    )


def aligned(tree: Tree, output_names: list[str]) -> list:
    """Return targets or weights as a list with one entry for each output; a single entry is repeated for all outputs."""
    if isinstance(tree, dict):
        return [tree.get(name) for name in output_names]
    if isinstance(tree, (list, tuple)) and len(tree) == len(output_names):
        return list(tree)
    return [tree for _ in output_names]
