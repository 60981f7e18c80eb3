"""The Muon optimizer."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from cornu import ops, registry
from cornu.core.variable import Variable
from cornu.optimizers import transforms
from cornu.optimizers.learning_rate import LearningRate
from cornu.optimizers.optimizer import Optimizer, Update
from cornu.optimizers.shared_arguments import SharedArguments, with_shared_arguments
from cornu.optimizers.transforms import bias_correction, update_moments
from cornu.typing import Array, ArrayLike

__all__ = ["Muon"]


@registry.register("optimizers")
class Muon(Optimizer):
    """Muon optimizer, which makes the update of each matrix nearly orthogonal; other weights are updated as by AdamW.

    With gradient ``g`` of a matrix of shape ``(rows, columns)``::

        m = momentum * m + g
        u = g + momentum * m     (u = m without nesterov)
        u = u / norm(u), followed by ns_steps times u = muon_a * u + (muon_b * u @ u.T + muon_c * (u @ u.T) ** 2) @ u
        weight = weight - learning_rate * rms_rate * sqrt(maximum(rows, columns)) * u

    Weights with fewer or more than two axes, embeddings and the layers in ``exclude_layers`` are updated as by
    :class:`AdamW`, with ``adam_lr_ratio * learning_rate`` and ``adam_weight_decay``. Name the output layer in
    ``exclude_layers``.

    Args:
        learning_rate: Float, :class:`LearningRateSchedule` or function. Defaults to 0.001.
        adam_beta_1: Float in [0, 1), the ``beta_1`` of AdamW. Defaults to 0.9.
        adam_beta_2: Float in [0, 1), the ``beta_2`` of AdamW. Defaults to 0.999.
        adam_weight_decay: Float or None, the weight decay of the weights that AdamW updates. Defaults to 0.004.
        epsilon: Small positive float, the ``epsilon`` of AdamW. Defaults to 1e-7.
        weight_decay: Float or None, the weight decay of the matrices. Defaults to 0.004.
        exclude_layers: List of regular expressions searched for in the paths of weights, such as ``["output"]``: AdamW updates
            the weights where one is found. Defaults to None.
        exclude_embeddings: Whether AdamW updates the weights whose path contains ``embedding``. Defaults to True.
        muon_a: Float, first coefficient of the iteration. Defaults to 3.4445.
        muon_b: Float, second coefficient of the iteration. Defaults to -4.775.
        muon_c: Float, third coefficient of the iteration. Defaults to 2.0315.
        adam_lr_ratio: Float, factor of the learning rate of AdamW. Defaults to 1.
        momentum: Float in [0, 1), the decay rate of the sum of gradients. Defaults to 0.95.
        ns_steps: Integer, number of iterations. Defaults to 5.
        nesterov: Whether to use Nesterov momentum. Defaults to True.
        rms_rate: Float, factor by which updates have the size of those of AdamW; None for updates that are not scaled. Defaults
            to 0.2.

    References:
        Jordan et al., 2024, "Muon: An optimizer for hidden layers in neural networks", https://kellerjordan.github.io/posts/muon/
        Liu et al., 2025, "Muon is Scalable for LLM Training", https://arxiv.org/abs/2502.16982 (``rms_rate``)

    Example:
        >>> from cornu import Variable, optimizers
        >>> weight = Variable([[1.0, 1.0]])
        >>> optimizers.Muon(learning_rate=0.5, weight_decay=None).apply([[[3.0, -4.0]]], [weight])
        >>> [round(value, 3) for value in weight.numpy()[0].tolist()]
        [0.941, 1.079]
    """

    @with_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Unpack[SharedArguments],
    ):
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or []), exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c, self.ns_steps = muon_a, muon_b, muon_c, ns_steps
        self.momentum, self.nesterov, self.rms_rate = momentum, nesterov, rms_rate

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return super().get_config() | {"exclude_layers": self.exclude_layers}

    def slot_groups(self) -> list[dict[str, float]]:
        """Return the slots of the momentum, and for AdamW of the moving average of squared gradients."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def first_slot(self, name: str, value: float, weight: Variable | Array) -> ArrayLike | Callable | None:
        """Return the first value of a slot; only the weights that AdamW updates have the second one."""
        return None if name == "velocity" and not self._is_for_adam(weight) else super().first_slot(name, value, weight)

    def _is_for_adam(self, weight: Variable | Array) -> bool:
        path = weight.path if isinstance(weight, Variable) else ""
        is_embedding = self.exclude_embeddings and "embedding" in path.lower()
        return len(weight.shape) != 2 or is_embedding or any(re.search(each, path) for each in self.exclude_layers)

    def _decayed(self, weights: list, learning_rate: Array | float, decays: list[bool] | None) -> list:
        kinds = map(self._is_for_adam, self._trainable_variables or weights)
        amounts = [self.adam_weight_decay if for_adam else self.weight_decay for for_adam in kinds]
        takes_part = decays or [True] * len(weights)
        return [
            transforms.decay_weights([weight], amount * learning_rate)[0] if amount and takes else weight
            for weight, amount, takes in zip(weights, amounts, takes_part, strict=True)
        ]

    def update_one(self, gradient: Array, slots: dict[str, Any], weight: Array, learning_rate: Array, step: Array) -> Update:
        """Compute one step for one weight."""
        if "velocity" in slots:
            new = update_moments(slots, gradient, self.adam_beta_1, self.adam_beta_2)
            correction = ops.sqrt(bias_correction(self.adam_beta_2, step)) / bias_correction(self.adam_beta_1, step)
            move = (
                learning_rate * self.adam_lr_ratio * correction * new["momentum"] / (ops.sqrt(new["velocity"]) + self.epsilon)
            )
            return weight - move, new
        momentum = self.momentum * slots["momentum"] + gradient
        update = self._orthogonal(gradient + self.momentum * momentum if self.nesterov else momentum)
        scale = 1.0 if self.rms_rate is None else self.rms_rate * max(weight.shape) ** 0.5
        return weight - learning_rate * scale * update, {"momentum": momentum}

    def _orthogonal(self, matrix: Array) -> Any:
        """Return a matrix with nearly the same singular vectors, whose singular values are near 1 (Newton-Schulz iteration)."""
        is_tall = matrix.shape[0] > matrix.shape[1]
        x = ops.transpose(matrix) if is_tall else matrix
        x = x / (ops.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, ops.transpose(x))
            x = self.muon_a * x + ops.matmul(self.muon_b * square + self.muon_c * ops.matmul(square, square), x)
        return ops.transpose(x) if is_tall else x
