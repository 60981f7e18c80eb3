"""The ``Layer`` base class: variables, a forward computation and a config."""

import functools
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Self

import numpy as np

from cornu import autograph, backends, config, namespaces, regularizers, trees
from cornu.core import (
    batch_coupling,
    dtype_policy,
    layer_config,
    layer_errors,
    layer_placement,
    layer_tree,
    layer_variables,
    mask_propagation,
    shape_inference,
    structure_fingerprint,
    symbolic_tensor,
)
from cornu.core import call_context as context
from cornu.core.call_context import CallContext, CallLosses
from cornu.core.dtype_policy import DTypePolicy
from cornu.core.input_spec import InputSpecs
from cornu.core.layer_build import build_for, first_node, input_shape_of, record_build
from cornu.core.layer_call import call, call_abstractly, call_statelessly
from cornu.core.layer_record import LayerRecord, record_of
from cornu.core.layer_traits import LayerTraits
from cornu.core.layer_variables import VariableShape
from cornu.core.naming import auto_name
from cornu.core.shape_trees import ShapeTree, first_argument, map_shapes, shapes_of
from cornu.core.soft_property import soft_property
from cornu.core.structure_facts import known_facts
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.core.variable import Variable
from cornu.serialization import Configurable
from cornu.typing import Config, Constraint, CustomObjects, DType, Initializer, Regularizer, Tree


class Layer(LayerTraits, Configurable):
    """Base class of all layers and models: a set of named variables and a forward computation.

    A subclass creates its variables in ``build(input_shape)`` with :meth:`add_weight` and computes its outputs in
    ``call(inputs)``. It may override ``compute_output_shape(input_shape)``; otherwise the output shape is inferred by
    evaluating ``call`` abstractly, without data. The arguments of the constructor are recorded automatically and form the
    config of the layer. Further declarations of a layer are listed in :class:`cornu.core.layer_traits.LayerTraits`. A layer
    with files of its own, such as a vocabulary, defines ``save_assets(dir)``, which writes them into a directory, and
    ``load_assets(dir)``, which reads them; these files are then stored in ``.keras`` files.

    Args:
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        trainable: Whether training may change the variables of the layer. Defaults to True.
        dtype: Dtype or dtype policy of the layer's computations, such as ``"float32"`` or ``"mixed_bfloat16"``. Defaults to
            the global policy.
        name: Name of the object. Defaults to a name derived from the class.
        autocast: Whether floating-point inputs are cast to the compute dtype. Defaults to True.
        input_shape: Shape of one sample, without the batch axis, for the first layer of a ``Sequential`` model. Defaults to
            None.
        input_dim: Number of features of one sample, short for ``input_shape=(input_dim,)``. Defaults to None.
        **kwargs: ``batch_size``, the fixed size of the batch for ``input_shape``, or ``batch_input_shape`` instead of both.

    Raises:
        InvalidTypeError: If an argument is unknown.
        InvalidArgumentError: If ``name`` is not a string or contains ``/``.

    Example:
        >>> import numpy as np
        >>> from cornu import layers
        >>> class Scale(layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> layer = Scale()
        >>> layer(np.array([[1.0, 2.0]])).tolist()
        [[1.0, 2.0]]
        >>> layer.count_params()
        2
    """

    _cornu_locks_when_built = True
    """Whether a layer of the class gets no more variables and layers once it is built, as in Keras."""

    _cornu_is_base = True
    """Whether the attributes of this class itself (not of its subclasses) are excluded from the paths of weights in files."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "compute_mask" in cls.__dict__ and "supports_masking" not in cls.__dict__:
            cls.supports_masking = True  # as in Keras: a class that computes a mask supports masking
        if "build" in cls.__dict__:
            cls.build = record_build(cls.build)

    def __init__(
        self,
        *,
        activity_regularizer: Regularizer = None,
        trainable: bool = True,
        dtype: DType | DTypePolicy | Config = None,
        name: str | None = None,
        autocast: bool = True,
        input_shape: tuple | None = None,
        input_dim: int | None = None,
        **kwargs: Any,
    ):
        batch_size, batch_input_shape = kwargs.pop("batch_size", None), kwargs.pop("batch_input_shape", None)  # of Keras 2
        if kwargs:
            raise layer_errors.unknown_argument(type(self), kwargs, layer_config.BASE_ARGUMENTS)
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise layer_errors.unusable_name(type(self), name)
        hint = layer_config.batch_shape_from(input_shape, input_dim, batch_size, batch_input_shape)
        self._cornu = LayerRecord(config.place(), hint)
        self._inbound_nodes: list[symbolic_tensor.Node] = []  # the attribute name in Keras
        self.name = name or auto_name(type(self).__name__)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._dtype_policy = dtype_policy.get(dtype)
        self.autocast = autocast
        self.built = self.cornu_is_stateless and not _overrides(self, "build")
        self._trainable = bool(trainable)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the recorded calls: the graph of a model records them again."""
        return {**vars(self), "_inbound_nodes": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        recorded = vars(self).get("_inbound_nodes", [])
        vars(self).update(state, _inbound_nodes=recorded)

    # --- Methods for subclasses to override -------------------------------------------------------------------------

    @functools.partial(record_build, creates_state=False)
    def build(self, input_shape: ShapeTree) -> None:
        """Create the variables of the layer.

        Called automatically once, before the first call, with the shape of the first argument.

        Args:
            input_shape: Shape ``(None, ...)``, the batch axis first; a list of shapes if the argument is a list. Name the
                parameters ``a_shape, b_shape`` to receive the shapes of the arguments ``a`` and ``b`` of ``call``.
        """

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs of the layer.

        Args:
            *args: Arrays, or trees of arrays; the first argument holds the inputs.
            **kwargs: Further arguments. ``training`` and ``mask``, if the method has them, are filled in when the caller does
                not pass them.

        Returns:
            An array, or a list, tuple or dict of arrays.

        Raises:
            InvalidTypeError: If the class does not define ``call``.
        """
        raise layer_errors.no_call(self)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Return the shape of the outputs for the shape of the inputs.

        By default the shape is inferred by evaluating ``call`` abstractly.

        Args:
            *args: Shapes ``(None, ...)`` of the arguments of ``call``, or trees of shapes.
            **kwargs: Further arguments of ``call``.

        Returns:
            A shape, or a tree of shapes.
        """
        specs = self.compute_output_spec(*map_shapes(args, lambda shape: SymbolicTensor(shape, self.compute_dtype)), **kwargs)
        return trees.map(lambda spec: spec.shape, specs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors with the shape and dtype of the outputs for symbolic inputs."""
        if not _overrides(self, "compute_output_shape"):
            kwargs = mask_propagation.with_symbolic_masks(self, args, kwargs)
            return shape_inference.infer(functools.partial(call_abstractly, self), args, kwargs, self._cornu.placement)
        shapes = self.compute_output_shape(shapes_of(first_argument(args, kwargs)))
        return map_shapes(shapes, lambda shape: SymbolicTensor(shape, self.cornu_output_dtype))

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors of the outputs for symbolic inputs, without recording the call."""
        return self.compute_output_spec(*args, **kwargs)

    def compute_mask(self, inputs: Tree, previous_mask: Tree = None) -> Any:
        """Return the mask of the output.

        Args:
            inputs: Inputs of the layer.
            previous_mask: Mask of the inputs, or None.

        Returns:
            The mask of the inputs by default. It is used only if the layer supports masking.
        """
        return previous_mask

    def add_weight(
        self,
        *args: Any,
        shape: VariableShape = None,
        initializer: Initializer = None,
        dtype: DType = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Regularizer = None,
        constraint: Constraint = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Create a variable that belongs to the layer.

        Args:
            *args: ``shape``, ``initializer`` and ``dtype``, which may be positional.
            shape: Tuple of integers, shape of the variable. An integer ``n`` means ``(n,)``; None means a scalar. Defaults to
                None.
            initializer: Initializer of the values. Defaults to ``"glorot_uniform"`` for floating-point dtypes and to
                ``"zeros"`` for other dtypes.
            dtype: Dtype of the variable. Defaults to the ``variable_dtype`` of the layer.
            trainable: Whether training may change the variable; False for state such as a running mean. Defaults to True.
            autocast: Whether a mixed-precision layer reads the variable in its compute dtype. Defaults to True.
            regularizer: Regularizer applied to the variable, as a name such as ``"l2"`` or a callable. Defaults to None.
            constraint: Constraint applied to the variable after each optimizer update. Defaults to None.
            aggregation: How the copies of the variable on several devices are combined: ``"none"``, ``"mean"``, ``"sum"`` or
                ``"only_first_replica"``. Cornu keeps one copy and stores the value only. Defaults to ``"none"``.
            overwrite_with_gradient: Must be False: whether an update replaces the variable by its gradient.
            name: Name of the variable within the layer. Defaults to ``"variable"``.

        Returns:
            The variable.

        Raises:
            InvalidArgumentError: If the layer is already built, or the name is positional.
        """
        first = layer_variables.positional(args, shape, initializer, dtype)
        options = {"trainable": trainable, "autocast": autocast, "aggregation": aggregation, "name": name}
        variable = layer_variables.add_weight(self, *first, options, regularizer, constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        return variable

    def add_variable(
        self,
        shape: VariableShape,
        initializer: Initializer,
        dtype: DType = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Regularizer = None,
        constraint: Constraint = None,
        name: str | None = None,
    ) -> Variable:
        """Create a variable that belongs to the layer. Same as :meth:`add_weight`."""
        options = {"trainable": trainable, "autocast": autocast, "name": name}
        return layer_variables.add_weight(self, shape, initializer, dtype, options, regularizer, constraint)

    def add_loss(self, loss: Tree) -> None:
        """Add a scalar, or a list of scalars, to the loss that training minimizes. Call it within ``call``.

        Args:
            loss: Number or array, or a list of them. An array of several values counts with its sum.

        Raises:
            InvalidTypeError: If it is something else.
        """
        losses = trees.leaves(loss)
        layer_errors.check_losses(self, losses)
        running = context.current()
        (running.losses if running is not None else self._cornu.losses).extend(losses)

    def quantize(self, mode: str | None = None, type_check: bool = True, config: Config | None = None, **kwargs: Tree) -> None:
        """Refuse the quantization of Keras.

        Raises:
            MissingNameError: Always; it says what to use instead.
        """
        namespaces.refuse("cornu.core.layer", "Layer.quantize")

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Raise ``NotImplementedError``, as in Keras 3: a metric is an attribute, or an argument of ``compile``."""
        raise layer_errors.no_add_metric()

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the variables of the layer itself into a dict that becomes a group of a weights file.

        Override it, together with :meth:`load_own_variables`, to save something else. Names must not contain `/`.

        Args:
            store: Dict from name to array or variable.
        """
        layer_variables.save_into(self, store)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assign the arrays of a dict, written by :meth:`save_own_variables`, to the variables of the layer itself.

        Args:
            store: Dict from name to array.

        Raises:
            ModelFormatError: If the number of arrays differs.
            ShapeError: If a shape differs.
        """
        layer_variables.load_from(self, store)

    # --- Calls ----------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer, building it first if necessary. A call on symbolic tensors is recorded instead of computed."""
        return call(self, args, kwargs)

    def effective_batch_coupling(self) -> str:
        """Return the most restrictive :attr:`batch_coupling` among the layer and all layers inside it."""
        return batch_coupling.effective_coupling(self)

    @autograph.not_converted
    def stateless_call(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        *args: Any,
        return_losses: bool = False,
        call_context: CallContext | None = None,
        **kwargs: Any,
    ) -> tuple:
        """Call the layer as a pure function of the values of its variables. Compiled code uses this method.

        Args:
            trainable_variables: List of arrays used as the values of ``self.trainable_variables``; or variables.
            non_trainable_variables: List of arrays used as the values of ``self.non_trainable_variables``; or variables.
            *args: Positional arguments of ``call``.
            return_losses: Whether to return the losses collected by ``add_loss`` and the regularizers. Defaults to False.
            call_context: Random key, sample mask and hooks of the call. Defaults to a new context.
            **kwargs: Keyword arguments of ``call``, such as ``training``.

        Returns:
            Tuple ``(outputs, non_trainable_variables)`` or ``(outputs, non_trainable_variables, losses)``, with the values of
            the variables after the call.
        """
        values = trainable_variables, non_trainable_variables
        return call_statelessly(self, values, args, kwargs, return_losses, call_context)

    # --- Methods that only Cornu's own classes override ----------------------------------------------------------------

    def _cornu_sublayers(self) -> list["Layer"]:
        """Return the direct sublayers, without the layers inside them."""
        return layer_tree.owned(self, Layer)

    def _cornu_own_variables(self) -> list[Variable]:
        """Return the variables owned by the layer itself, those created as trainable first."""
        return layer_tree.own_variables(self)

    def _cornu_build_for(self, args: tuple, kwargs: dict) -> None:
        """Build the layer for the arguments of a call, or check that the arguments fit the built layer."""
        build_for(self, args, kwargs, _overrides(self, "compute_output_shape"), _overrides(self, "build"))

    def _cornu_after_build(self) -> None:
        """Create what belongs to the variables that :meth:`build` created, such as their adaptation."""

    def _cornu_after_move(self) -> None:
        """Move the remaining state of the layer after its variables moved to another backend or device."""

    # --- Variables ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        layer_variables.check_attribute(self, name, value)
        layer_tree.note_attribute(self, name, value)
        object.__setattr__(self, name, value)
        structure_fingerprint.attribute_set(name)

    def __getattr__(self, name: str) -> Any:
        """Return a method that layers have on one engine only, such as ``parameters()`` on PyTorch."""
        return layer_placement.engine_attribute(self, name)

    @soft_property
    def sublayers(self) -> list["Layer"]:
        """The direct sublayers, without the layers inside them."""
        return self._cornu_sublayers()

    def flatten_layers(self) -> Iterator["Layer"]:
        """Yield the layer itself and all layers inside it, at any depth, each once."""
        return layer_tree.flatten(self)

    @soft_property
    def own_variables(self) -> list[Variable]:
        """The variables owned by the layer itself: those created as trainable first, then the others."""
        return self._cornu_own_variables()

    @property
    def variables(self) -> list[Variable]:
        """List of all variables: :attr:`weights`, and the states of seed generators."""
        known = known_facts(self)
        if known is not None:
            return list(known.variables)
        own = [*self._cornu_own_variables(), *layer_tree.seed_states(self)]
        return layer_tree.collect(own, self, lambda layer: layer.variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        """List of the variables that training may change; empty if ``trainable`` is False."""
        known = known_facts(self)
        if known is not None:
            return list(known.trainable)
        if not self.trainable:
            return []
        own = [variable for variable in self._cornu_own_variables() if variable.trainable]
        return layer_tree.collect(own, self, lambda layer: layer.trainable_variables)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """List of the variables that training does not change by gradients."""
        known = known_facts(self)
        if known is not None:
            return list(known.non_trainable)
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.variables if id(variable) not in trained]

    @property
    def weights(self) -> list[Variable]:
        """List of the variables that files and :meth:`get_weights` contain: all but the states of stateful recurrent layers."""
        return layer_tree.collect(self._cornu_own_variables(), self, lambda layer: layer.weights)

    @property
    def trainable_weights(self) -> list[Variable]:
        """List of the variables that training may change. Same as :attr:`trainable_variables`."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """List of the :attr:`weights` that training does not change by gradients."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.weights if id(variable) not in trained]

    @property
    def metrics(self) -> list:
        """List of the metrics among the attributes of the layer and of all layers inside it, also in lists and dicts."""
        return layer_tree.metrics(self)

    @property
    def metrics_variables(self) -> list[Variable]:
        """List of the variables of :attr:`metrics`, which are no weights of the layer."""
        return [variable for metric in self.metrics for variable in metric.variables]

    @property
    def trainable(self) -> bool:
        """Whether training may change the variables. Setting it also sets it on all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        layer_variables.set_trainable(self, self._trainable)
        for layer in self._cornu_sublayers():
            layer.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """Return the values of :attr:`weights` as a list of NumPy arrays."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: list) -> None:
        """Set the values of :attr:`weights`.

        Args:
            weights: List of arrays with the shapes of :attr:`weights`, in the same order.

        Raises:
            ShapeError: If the number of arrays or a shape differs. No variable is changed in that case.
        """
        layer_tree.set_weights(self, weights)

    def count_params(self) -> int:
        """Return the total number of elements of the weights.

        Raises:
            NotBuiltError: If the layer is not built.
        """
        if not self.built:
            raise layer_errors.not_countable(self)
        return sum(variable.size for variable in self.weights)

    def to_backend(self, name: str, device: str | None = None) -> Self:
        """Move the layer and all its variables (and the optimizer and metrics of a model) to another backend or device.

        Args:
            name: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``.
            device: Name of a device of that backend, such as ``"cpu"`` or ``"gpu:1"``. Defaults to the default device of the
                backend (``config.device``).

        Returns:
            The layer itself.

        Raises:
            InvalidArgumentError: If there is no such backend or device. Nothing is moved in that case.
        """
        layer_placement.move(self, backends.place(name, device))
        return self

    @soft_property
    def backend(self) -> Any:
        """The backend that the layer computes on (a module with the functions of ``cornu.backends.contract``)."""
        return layer_placement.backend_of(self)

    @soft_property
    def place(self) -> config.Placement:
        """The backend and device that the layer computes on: its own, or those of the running call if that overrides them."""
        return layer_placement.placement_of(self)

    @soft_property
    def backend_name(self) -> str:
        """Name of the backend that the layer computes on (see :attr:`place`)."""
        return layer_placement.placement_of(self).backend

    @property
    def losses(self) -> list:
        """List of the losses collected by ``add_loss`` in the last call and of the regularization penalties."""
        running = context.current()
        found = CallLosses(self._cornu.losses, None) if running is None else running.losses_of(id(self))
        with config.placement_scope(*layer_placement.placement_of(self)):
            return [*found.added, *(layer_tree.regularization_losses(self) if found.penalties is None else found.penalties)]

    # --- Dtypes, shapes and symbolic tensors ----------------------------------------------------------------------------

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtype policy. It may be set to a policy or the name of one; variables that exist keep their dtype.

        If it is a ``DTypePolicyMap`` and the layer is built, only the entry for the path of the layer changes.
        """
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: DType | DTypePolicy | Config) -> None:
        policy = dtype_policy.get(value)
        self._dtype_policy = self._dtype_policy.with_policy(self.path, policy)

    @property
    def dtype(self) -> str:
        """Dtype of the variables. Same as :attr:`variable_dtype`."""
        return self.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """Dtype in which variables are stored."""
        return self._dtype_policy.for_path(self.path).variable_dtype

    @property
    def compute_dtype(self) -> str:
        """Dtype in which the layer computes."""
        return self._dtype_policy.for_path(self.path).compute_dtype

    @soft_property
    def input_dtype(self) -> str:
        """Dtype that floating-point inputs are cast to. Same as :attr:`compute_dtype`."""
        return self.compute_dtype

    @property
    def path(self) -> str | None:
        """Names of the enclosing layers and of the layer, joined by slashes; None until the layer is built."""
        return self._cornu.path

    @property
    def input_spec(self) -> InputSpecs:
        """What each call requires of its first argument: an ``InputSpec``, or a list or dict of them; None for anything."""
        return self.cornu_input_spec if self._cornu.input_spec is None else self._cornu.input_spec

    @input_spec.setter
    def input_spec(self, value: InputSpecs) -> None:
        record_of(self).input_spec = value

    @soft_property
    def inbound_nodes(self) -> list[symbolic_tensor.Node]:
        """The recorded calls of the layer on symbolic tensors."""
        return self._inbound_nodes

    @soft_property
    def input_shape_hint(self) -> tuple | None:
        """The ``input_shape`` argument of the constructor: the shape of one sample, for the first layer of a model."""
        hint = self._cornu.batch_shape_hint
        return hint if hint is None else hint[1:]

    @property
    def input(self) -> Any:
        """The symbolic tensors of the first recorded call of the layer."""
        node = first_node(self, "input")
        return node.args[0] if node.args else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic tensors returned by the first recorded call of the layer."""
        return first_node(self, "output").outputs

    @soft_property
    def input_shape(self) -> Any:
        """The shape that the layer was built for, ``(None, ...)``."""
        return input_shape_of(self)

    @soft_property
    def output_shape(self) -> Any:
        """The shape of the output, ``(None, ...)``."""
        return shapes_of(self.output) if self._inbound_nodes else self.compute_output_shape(input_shape_of(self))

    # --- Config -------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the config of the layer: name, ``trainable``, dtype policy and the arguments of the constructor."""
        return layer_config.config_of(self, super().get_config)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> "Layer":
        """Create a layer from a config returned by :meth:`get_config`, with newly initialized weights.

        Args:
            config: The config.
            custom_objects: Dict of names to custom classes and functions that the config names. Defaults to None.
        """
        arguments, base = layer_config.split_config(cls, layer_config.without_neutral(cls, config))
        layer = super().from_config(arguments, custom_objects)
        layer_config.set_base(layer, base)
        return layer

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what :meth:`build_from_config` needs: the shapes that the layer was built for; None if it is not built.

        Override both methods if ``build`` needs something else.
        """
        return layer_config.build_config_of(self)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer from a dict returned by :meth:`get_build_config`, as loading a file does.

        Args:
            config: The shape, as ``{"input_shape": shape}``, or the shapes of several arguments, as
                ``{"shapes_dict": {"a_shape": shape, "b_shape": shape}}``.
        """
        layer_config.build_from(self, config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _overrides(layer: Layer, method: str) -> bool:
    """Return whether the class of a layer overrides a method of ``Layer``."""
    return getattr(type(layer), method) is not getattr(Layer, method)
