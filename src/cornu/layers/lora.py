"""Low-rank adaptation (LoRA) of the kernel of a layer: what layers such as ``Dense`` inherit, and know nothing else of."""

from typing import Any

from cornu import initializers, validation
from cornu.core import adapted_weight
from cornu.core.adapted_weight import AdaptedWeight
from cornu.core.layer import Layer
from cornu.core.layer_record import record_of
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, NotBuiltError
from cornu.typing import Initializer


class LowRankAdaptable(Layer):
    """Base class of layers with a weight that can be frozen and adapted by the product of two small matrices.

    Attributes:
        cornu_adapted_weight: Name of the attribute with the weight.
        lora_enabled: Whether the weight is adapted.
        lora_rank: Number of columns of the first matrix, or None.
        lora_alpha: The product is multiplied by ``lora_alpha / lora_rank``.
    """

    cornu_adapted_weight = "kernel"
    lora_rank: int | None = None
    lora_alpha: float | None = None

    def _keep_lora(self, rank: int | None, alpha: float | None) -> None:
        """Store the arguments ``lora_rank`` and ``lora_alpha`` of the constructor."""
        if rank is not None:
            self.lora_rank = validation.check_int(self, "lora_rank", rank)
            self.lora_alpha = self.lora_rank if alpha is None else alpha

    @property
    def lora_enabled(self) -> bool:
        """Whether the weight is adapted."""
        return adapted_weight.adapted_weight_of(self) is not None

    def _cornu_after_build(self) -> None:
        if self.lora_rank is not None and not self.lora_enabled:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Initializer = "he_uniform",
        b_initializer: Initializer = "zeros",
    ) -> None:
        """Freeze the kernel, and train the product of two small matrices that is added to it.

        From now on, ``kernel`` is ``frozen_kernel + lora_alpha / rank * (a @ b)``. The matrices ``lora_kernel_a``, of shape
        ``(*kernel.shape[:-1], rank)``, and ``lora_kernel_b``, of shape ``(rank, kernel.shape[-1])``, have the dtype
        ``float32`` and the regularizer of the kernel. For an :class:`Embedding`, the names have ``embeddings`` instead of
        ``kernel``. Files hold the sum, so that a model without LoRA can read them; reading a file sets ``b`` to 0. Compile
        the model again before training.

        Source: Hu et al., 2021, LoRA: Low-Rank Adaptation of Large Language Models, https://arxiv.org/abs/2106.09685

        Args:
            rank: Positive integer, much smaller than the number of filters or units.
            lora_alpha: Number that scales the product. Defaults to ``rank``.
            a_initializer: Initializer for the first matrix. Defaults to ``"he_uniform"``.
            b_initializer: Initializer for the second matrix. Defaults to ``"zeros"``, so that the outputs do not change.

        Raises:
            NotBuiltError: If the layer is not built.
            InvalidArgumentError: If LoRA is enabled, the kernel has a constraint, or ``rank`` is not a positive integer.

        Example:
            >>> from cornu.layers import Dense
            >>> layer = Dense(4)
            >>> layer.build((None, 8))
            >>> layer.enable_lora(2)
            >>> [variable.name for variable in layer.trainable_variables]
            ['bias', 'lora_kernel_a', 'lora_kernel_b']
        """
        name = self.cornu_adapted_weight
        self._check_lora(name)
        rank, record = validation.check_int(self, "rank", rank), record_of(self)
        base: Variable = getattr(self, name)
        shapes, regularizer = ((*base.shape[:-1], rank), (rank, base.shape[-1])), getattr(self, f"{name}_regularizer")
        drawn = initializers.get(a_initializer), initializers.get(b_initializer)
        was_locked, record.is_locked = record.is_locked, False
        try:
            a = self.add_weight(shapes[0], drawn[0], "float32", regularizer=regularizer, name=f"lora_{name}_a")
            b = self.add_weight(shapes[1], drawn[1], "float32", regularizer=regularizer, name=f"lora_{name}_b")
        finally:
            record.is_locked = was_locked
        self.lora_rank, self.lora_alpha = rank, rank if lora_alpha is None else lora_alpha
        base.trainable = False
        for variable in (a, b):
            setattr(self, variable.name, variable)
        setattr(self, name, AdaptedWeight(base, a, b, self.lora_alpha / rank))

    def _check_lora(self, name: str) -> None:
        if not self.built and not record_of(self).is_building:
            raise NotBuiltError(
                f"`enable_lora` was called on the layer {self.name!r}, which is not built.",
                "It adapts weights, which exist once the layer is built.",
                "Call the layer on data first, or pass `lora_rank` to its constructor.",
            )
        if self.lora_enabled:
            raise InvalidArgumentError(
                f"`enable_lora` was called on the layer {self.name!r}, whose {name} is adapted already.",
                "A weight is adapted once.",
                "To add another adaptation, save the model and load it into layers without LoRA first.",
            )
        if getattr(self, f"{name}_constraint") is not None:
            raise InvalidArgumentError(
                f"`enable_lora` was called on the layer {self.name!r}, which has a `{name}_constraint`.",
                "A constraint would apply to the frozen weight alone, not to its sum with the adaptation.",
                f"Create the layer without `{name}_constraint`.",
            )

    def get_config(self) -> dict[str, Any]:
        """Return the config, with ``lora_rank`` and ``lora_alpha`` if the weight is adapted, as in Keras."""
        lora = {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}
        config = {name: value for name, value in super().get_config().items() if name not in lora}
        return config if self.lora_rank is None else config | lora
