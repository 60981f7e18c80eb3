"""The loss of a compiled model: the weighted sum of the losses of its outputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from cornu import losses
from cornu.errors import InvalidArgumentError, did_you_mean
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


class CompiledLoss:
    """The losses of a model's outputs: ``total = sum(weight * loss(y, output))``.

    Args:
        loss: The ``loss`` argument of ``compile``: a loss as a name, function or object, or a list or dict with one for each
            output.
        loss_weights: List or dict with a number for each output, or None.
        output_names: Names of the outputs, in order.
        targets: List of the shapes of the targets, one for each output, or None; ``"crossentropy"`` depends on them.
        outputs: List of the shapes of the outputs.

    Raises:
        InvalidArgumentError: If a list or dict does not match the outputs.
    """

    def __init__(self, loss: LossArgument, loss_weights: LossWeights, output_names: list[str], targets: list, outputs: list):
        self.output_names = output_names
        given = per_output(loss, output_names, "loss")
        self.losses: list[Loss | None] = list(map(losses.resolve, given, targets, outputs))
        self.weights = [1.0 if weight is None else weight for weight in per_output(loss_weights, output_names, "loss_weights")]
        is_by_name = isinstance(loss, dict) and "class_name" not in loss
        order = map(output_names.index, cast(dict, loss)) if is_by_name else range(len(output_names))
        self._places = [place for place in order if self.losses[place] is not None]  # the order of Keras's results
        if all(each is None for each in self.losses) and loss is not None:
            raise InvalidArgumentError(
                f"`compile` received loss={loss!r}.", "At least one output must have a loss.", "Pass one, such as `loss='mse'`."
            )

    @property
    def padding_is_safe(self) -> bool:
        """Whether every loss is computed for each sample independently, so that padding can be excluded."""
        return all(loss is None or loss.is_per_sample for loss in self.losses)

    @property
    def is_mean_over_samples(self) -> bool:
        """Whether the loss of a batch is the mean of the losses of its equal parts."""
        return all(loss is None or loss.is_mean_over_samples for loss in self.losses)

    @property
    def part_names(self) -> list[str]:
        """Names of the losses of the outputs in the logs; empty if the model has one output."""
        if len(self.output_names) == 1:
            return []
        return [f"{self.output_names[place]}_loss" for place in self._places]

    def __call__(self, y: Tree, outputs: list, sample_weight: Tree, masks: list) -> Losses:
        """Return the losses of a batch.

        Args:
            y: Targets: a tree with one entry for each output, or a single entry for all.
            outputs: List of the outputs.
            sample_weight: Sample weights, in the form of ``y``, or None.
            masks: List with the mask of each output, of shape ``(batch, ...)``, or None.
        """
        targets, weights = aligned(y, self.output_names), aligned(sample_weight, self.output_names)
        parts, weighted = [], []
        for place in self._places:
            loss: Any = self.losses[place]
            part = loss(targets[place], outputs[place], sample_weight=weights[place], sample_mask=masks[place])
            parts.append(part)
            weighted.append(part if self.weights[place] == 1 else part * self.weights[place])
        return Losses(sum(weighted[1:], start=weighted[0]) if weighted else 0.0, parts)


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


def aligned(tree: Tree, output_names: list[str]) -> list:
    """Return targets or weights as a list with one entry for each output; a single entry is repeated for all outputs."""
    if isinstance(tree, dict):
        return [tree.get(name) for name in output_names]
    if isinstance(tree, (list, tuple)) and len(tree) == len(output_names):
        return list(tree)
    return [tree for _ in output_names]
