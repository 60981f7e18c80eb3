"""The objective: the losses of a model's outputs, weighted and added up."""

from typing import Any, NamedTuple

from cornu import losses
from cornu.errors import InvalidArgumentError, did_you_mean
from cornu.losses import Loss


class Losses(NamedTuple):
    """The losses of one batch.

    Attributes:
        total: The number that training makes small.
        parts: The loss of each output that has one, before weighting.
    """

    total: Any
    parts: list


class CompiledLoss:
    """The losses of a model's outputs.

    Args:
        loss: What ``compile`` was given: a loss by name, function or object, or a list or dict with one for each output.
        loss_weights: A number for each output, as a list or dict, or None.
        output_names: Names of the outputs, in order.
        targets: Shapes of the targets, one for each output, or None: what ``"crossentropy"`` means depends on them.
        outputs: Shapes of the outputs.

    Raises:
        InvalidArgumentError: A list or dict does not fit the outputs.
    """

    def __init__(self, loss: Any, loss_weights: Any, output_names: list[str], targets: list, outputs: list):
        self.output_names = output_names
        given = per_output(loss, output_names, "loss")
        self.losses: list[Loss | None] = list(map(losses.resolve, given, targets, outputs))
        self.weights = [1.0 if weight is None else weight for weight in per_output(loss_weights, output_names, "loss_weights")]
        if all(each is None for each in self.losses) and loss is not None:
            raise InvalidArgumentError(
                f"`compile` was given loss={loss!r}.", "At least one output needs a loss.", "Pass one, such as `loss='mse'`."
            )

    @property
    def padding_is_safe(self) -> bool:
        """Whether every loss judges each sample alone, so that padding can be left out of it."""
        return all(loss is None or loss.is_per_sample for loss in self.losses)

    @property
    def is_mean_over_samples(self) -> bool:
        """Whether the loss of a batch is the mean of the losses of its equal parts."""
        return all(loss is None or loss.is_mean_over_samples for loss in self.losses)

    @property
    def part_names(self) -> list[str]:
        """Names of the single losses in the logs; none if the model has one output."""
        if len(self.output_names) == 1:
            return []
        return [f"{name}_loss" for name, loss in zip(self.output_names, self.losses, strict=True) if loss is not None]

    def __call__(self, y: Any, outputs: list, sample_weight: Any, masks: list) -> Losses:
        """The losses of a batch.

        Args:
            y: Targets: a tree with one entry for each output, or one entry.
            outputs: The outputs.
            sample_weight: Weights: as ``y``.
            masks: For each output what of it counts, ``(batch, ...)``, or None.
        """
        targets, weights = aligned(y, self.output_names), aligned(sample_weight, self.output_names)
        parts, weighted = [], []
        for place, loss in enumerate(self.losses):
            if loss is not None:
                part = loss(targets[place], outputs[place], sample_weight=weights[place], sample_mask=masks[place])
                parts.append(part)
                weighted.append(part if self.weights[place] == 1 else part * self.weights[place])
        return Losses(sum(weighted[1:], start=weighted[0]) if weighted else 0.0, parts)


def per_output(given: Any, output_names: list[str], argument: str) -> list:
    """One entry for each output, from what ``compile`` was given: one thing for all, a list, or a dict by the outputs' names.

    Raises:
        InvalidArgumentError: The list's length or a name does not fit.
    """
    if isinstance(given, dict) and "class_name" not in given:
        for name in given:
            if name not in output_names:
                raise InvalidArgumentError(
                    f"`{argument}` names an output {name!r}.",
                    f"The model's outputs are {output_names}.",
                    did_you_mean(name, output_names) or "Use these names.",
                )
        return [given.get(name) for name in output_names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(output_names):
            raise InvalidArgumentError(
                f"`{argument}` holds {len(given)} entries.",
                f"The model has {len(output_names)} outputs: {output_names}.",
                "Give one entry for each, None where there is none.",
            )
        return list(given)
    return [given for _ in output_names]


def aligned(tree: Any, output_names: list[str]) -> list:
    """Targets or weights as a list with one entry for each output; a single entry serves all outputs."""
    if isinstance(tree, dict):
        return [tree.get(name) for name in output_names]
    if isinstance(tree, (list, tuple)) and len(tree) == len(output_names):
        return list(tree)
    return [tree for _ in output_names]
