"""Core layers: dense layers, masking, and functions as layers."""

import inspect
from collections.abc import Callable
from typing import Any

from cornu import activations, constraints, initializers, ops, regularizers, trees, validation
from cornu.core import batch_coupling, symbolic_tensor
from cornu.core.layer import Layer
from cornu.core.shape_trees import map_shapes
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import UnsafeModelError
from cornu.layers import shape_arithmetic
from cornu.layers.shape_arithmetic import Shape


class Dense(Layer):
    """Densely connected layer.

    The layer computes::

        y = activation(x @ kernel + bias)

    Its weights are ``kernel``, of shape ``(features, units)``, and, if ``use_bias`` is True, ``bias``, of shape ``(units,)``.

    Input shape: ``(batch, ..., features)``. Output shape: ``(batch, ..., units)``.

    Args:
        units: Positive integer, dimensionality of the output space.
        activation: Activation function, as a name or a callable. Defaults to None (linear).
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for the kernel weights. Defaults to ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vector. Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer.
        ShapeError: If, when called, the number of input features differs from the one the layer was built with.

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
        self.units = validation.whole(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.batch_coupling = batch_coupling.coupling_of_function(self.activation)

    @property
    def cornu_output_activation(self) -> Any:
        """The activation."""
        return self.activation

    def build(self, input_shape: Shape) -> None:
        """Create the kernel and the bias."""
        self.compute_output_shape(input_shape)  # raises before any weights are created
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
        """Return ``activation(inputs @ kernel + bias)``."""
        outputs = ops.matmul(ops.cast(inputs, self.compute_dtype), self.kernel)
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with the last size replaced by ``units``."""
        shape_arithmetic.check_least_rank(self, input_shape, ("batch", "features"))
        shape_arithmetic.check_size(self, input_shape, -1, self.kernel.shape[0] if self.built else None, "features")
        return (*input_shape[:-1], self.units)


class Activation(Layer):
    """Layer that applies an activation function: ``y = activation(x)``.

    The output has the shape of the input.

    Args:
        activation: Activation function, as a name such as ``"relu"`` or a callable.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

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
        self.batch_coupling = batch_coupling.coupling_of_function(self.activation)

    @property
    def cornu_output_activation(self) -> Any:
        """The activation."""
        return self.activation

    def call(self, inputs: Any) -> Any:
        """Return the activation function of the inputs."""
        return self.activation(inputs)


class Identity(Layer):
    """Layer that returns its input unchanged: ``y = x``.

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
        """Return the inputs."""
        return inputs


class Masking(Layer):
    """Layer that marks time steps as padding for the layers after it.

    A time step is padding if all of its values equal ``mask_value``; its values are set to 0.

    Input and output shape: ``(batch, steps, features)``.

    Args:
        mask_value: Value of padded elements. Defaults to 0.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

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
        """Return the inputs with padded time steps set to 0."""
        return ops.where(ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True), inputs, 0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return a mask that is True for time steps that are not padding."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        return input_shape


class Lambda(Layer):
    """Layer that applies an arbitrary function.

    A saved model refers to the function by its name only. To load the model, pass ``custom_objects={"its_name": function}``.
    A Python ``lambda`` has no name: to save the model, use a ``def`` function or a subclass of :class:`Layer`.

    Args:
        function: Callable of the inputs. Also receives ``mask`` and ``training`` if it has such parameters.
        output_shape: Shape of one output sample, or a function of the full input shape. Defaults to the inferred shape.
        mask: Mask of the output, or a function ``(inputs, mask) -> mask``. Defaults to None.
        arguments: Dict of keyword arguments for the function. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

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
        """Return the function of the inputs."""
        offered = {"mask": mask, "training": training}
        wanted = {name: value for name, value in offered.items() if name in _parameters(self.function)}
        return self.function(inputs, **self.arguments, **wanted)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask specified by the argument ``mask``."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the output specified by ``output_shape``, or inferred by an abstract run of the function."""
        given = self._given_output_shape
        if given is None:
            return super().compute_output_spec(inputs)
        input_shapes = trees.map(lambda tensor: tensor.shape, inputs)
        batch = symbolic_tensor.symbolic_leaves(inputs)[0].shape[0]
        found = given(input_shapes) if callable(given) else map_shapes(given, lambda shape: (batch, *shape))
        return map_shapes(found, lambda shape: SymbolicTensor(shape, self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the config, with ``output_shape`` and ``mask`` only if they were passed."""
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("output_shape", "mask") or value is not None}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Lambda":
        """Create a layer from its config.

        Raises:
            UnsafeModelError: If the function is a Python ``lambda``, which has no name, or is unknown.
        """
        function = config["function"]
        named = {function.get(key) for key in ("class_name", "registered_name")} if isinstance(function, dict) else set()
        if named & {"<lambda>", "__lambda__"}:
            raise UnsafeModelError(
                f"The `Lambda` layer {config.get('name')!r} contains a Python `lambda`.",
                "A file can only refer to a function by name; restoring a `lambda` would require running code from the file.",
                "Build the model in code and load only the weights with `model.load_weights(path)`.",
            )
        return super().from_config(config)  # type: ignore[return-value]


def _parameters(function: Callable) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # functions written in C may have no signature
        return frozenset()
