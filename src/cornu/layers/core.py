"""The layers that every model uses: dense layers, and functions as layers."""

import inspect
from collections.abc import Callable
from typing import Any

from cornu import activations, constraints, initializers, ops, regularizers, trees
from cornu.core import graph
from cornu.core.graph import SymbolicTensor
from cornu.core.layer import Layer
from cornu.core.shapes import map_shapes
from cornu.errors import UnsafeModelError
from cornu.layers import arguments, shapes
from cornu.layers.shapes import Shape


class Dense(Layer):
    """A fully connected layer: ``activation(inputs @ kernel + bias)``.

    Takes ``(batch, ..., features)`` and gives ``(batch, ..., units)``. Its weights are ``kernel``, of shape ``(features,
    units)``, and ``bias``, of shape ``(units,)``.

    Args:
        units: Number of outputs.
        activation: Name or function that is applied at the end; None is none.
        use_bias: Whether a bias is added.
        kernel_initializer: First value of the kernel.
        bias_initializer: First value of the bias.
        kernel_regularizer: Penalty on the kernel.
        bias_regularizer: Penalty on the bias.
        activity_regularizer: Penalty on the output.
        kernel_constraint: What the kernel is brought to after each update.
        bias_constraint: What the bias is brought to after each update.
        **kwargs: ``name``, ``trainable`` and ``dtype`` (see :class:`Layer`).

    Raises:
        InvalidArgumentError: ``units`` is no whole number above 0.
        ShapeError: When called: the input has another number of features than the layer was built for.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Dense
        >>> layer = Dense(3, activation="relu")
        >>> layer(np.ones((2, 5))).shape
        (2, 3)
        >>> layer.count_params()
        18
    """

    supports_masking = True
    cornu_input_value_range = (-1.0, 1.0)
    cornu_channel_axis = -1

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = arguments.whole(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.batch_coupling = arguments.coupling_of(self.activation)

    @property
    def cornu_output_activation(self) -> Any:
        """The activation."""
        return self.activation

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias."""
        self.compute_output_shape(input_shape)  # refuses what does not fit before there are weights
        self.kernel = self.add_weight(
            (input_shape[-1], self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs: Any) -> Any:
        """``activation(inputs @ kernel + bias)``."""
        outputs = ops.matmul(ops.cast(inputs, self.compute_dtype), self.kernel)
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The last size becomes ``units``."""
        shapes.check_least_rank(self, input_shape, ("batch", "features"))
        shapes.check_size(self, input_shape, -1, self.kernel.shape[0] if self.built else None, "features")
        return (*input_shape[:-1], self.units)


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: A name such as ``"relu"``, or a function.
        **kwargs: ``name`` and ``dtype`` (see :class:`Layer`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Activation
        >>> Activation("relu")(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.batch_coupling = arguments.coupling_of(self.activation)

    @property
    def cornu_output_activation(self) -> Any:
        """The activation."""
        return self.activation

    def call(self, inputs: Any) -> Any:
        """The function of the inputs."""
        return self.activation(inputs)


class Identity(Layer):
    """Gives its input back.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Identity
        >>> Identity()(np.array([1.0])).tolist()
        [1.0]
    """

    batch_coupling = "none"
    supports_masking = True
    cornu_preserves_value_range = True

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs


class Masking(Layer):
    """Marks the steps of a sequence that are padding, for the layers after it.

    A step is padding if all its numbers are ``mask_value``; they become 0. Takes and gives ``(batch, steps, features)``.

    Args:
        mask_value: The number that padding consists of.
        **kwargs: ``name`` and ``dtype`` (see :class:`Layer`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Masking
        >>> Masking(mask_value=9.0)(np.array([[[9.0, 9.0], [9.0, 1.0]]])).tolist()
        [[[0.0, 0.0], [9.0, 1.0]]]
    """

    batch_coupling = "none"
    supports_masking = True
    cornu_preserves_value_range = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Any) -> Any:
        """The inputs, with zeros for padding."""
        return ops.where(ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True), inputs, 0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True for steps that are not padding."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The same."""
        return input_shape


class Lambda(Layer):
    """Applies a function of your own.

    A file can only name the function. To load the model again, pass ``custom_objects={"its_name": function}``; a Python
    ``lambda`` has no name, so write a ``def`` or a layer for what is to be saved.

    Args:
        function: Takes the inputs, and if it has such parameters, ``mask`` and ``training``.
        output_shape: Shape of one sample that it gives, or a function of the whole input shape; found by itself by default.
        mask: The mask of the output, or a function ``(inputs, mask) -> mask``.
        arguments: More arguments for the function, by name.
        **kwargs: ``name`` and ``dtype`` (see :class:`Layer`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Lambda
        >>> Lambda(lambda x: x + 1)(np.array([1.0, 2.0])).tolist()
        [2.0, 3.0]
    """

    def __init__(
        self,
        function: Callable,
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._given_output_shape = output_shape

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """The function of the inputs."""
        offered = {"mask": mask, "training": training}
        wanted = {name: value for name, value in offered.items() if name in _parameters(self.function)}
        return self.function(inputs, **self.arguments, **wanted)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """What the argument ``mask`` says."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_spec(self, inputs: Any) -> Any:
        """What the argument ``output_shape`` says, or what an abstract run gives."""
        given = self._given_output_shape
        if given is None:
            return super().compute_output_spec(inputs)
        input_shapes = trees.map(lambda tensor: tensor.shape, inputs)
        batch = graph.symbolic_leaves(inputs)[0].shape[0]
        found = given(input_shapes) if callable(given) else map_shapes(given, lambda shape: (batch, *shape))
        return map_shapes(found, lambda shape: SymbolicTensor(shape, self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """As of every layer; ``output_shape`` and ``mask`` only if they were given."""
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("output_shape", "mask") or value is not None}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Lambda":
        """A new layer of the same config.

        Raises:
            UnsafeModelError: The function is a Python ``lambda``, which has no name, or is not known.
        """
        function = config["function"]
        named = {function.get(key) for key in ("class_name", "registered_name")} if isinstance(function, dict) else set()
        if named & {"<lambda>", "__lambda__"}:
            raise UnsafeModelError(
                f"The `Lambda` layer {config.get('name')!r} holds a Python `lambda`.",
                "A file can only name a function; to rebuild a `lambda` it would have to run code.",
                "Build the model by your own code and load the weights alone, with `model.load_weights(path)`.",
            )
        return super().from_config(config)  # type: ignore[return-value]


def _parameters(function: Callable) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # functions written in C may not tell
        return frozenset()
