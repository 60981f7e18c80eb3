"""The layer: named variables and a ``call``."""

import functools
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from cornu import backends, config, constraints, initializers, regularizers, trees
from cornu.core import (
    batch_coupling,
    dtype_policy,
    layer_config,
    layer_errors,
    layer_placement,
    layer_tree,
    shape_inference,
    structure_fingerprint,
    symbolic_tensor,
)
from cornu.core import call_context as context
from cornu.core.call_context import CallContext
from cornu.core.layer_build import build_for, first_node, input_shape_of, remembering
from cornu.core.layer_call import call, call_abstractly, call_statelessly
from cornu.core.layer_record import LayerRecord, record_of
from cornu.core.layer_traits import LayerTraits
from cornu.core.naming import auto_name
from cornu.core.shape_trees import first_argument, map_shapes, shapes_of
from cornu.core.soft_property import soft_property
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.core.variable import Variable
from cornu.serialization import Configurable


class Layer(LayerTraits, Configurable):
    """Named variables and a ``call``: the base of every layer and model.

    A subclass makes its variables in ``build(input_shape)`` with :meth:`add_weight`, computes in ``call(inputs)``, and
    may say in ``compute_output_shape(input_shape)`` what shape comes out (else it is found by an abstract run). The
    arguments of its constructor are its config. What else it may declare is listed in
    :class:`cornu.core.layer_traits.LayerTraits`. If it has files of its own, such as a vocabulary, it defines
    ``save_assets(dir)``, which writes them into a folder, and ``load_assets(dir)``: then they travel in ``.keras`` files.

    Args:
        activity_regularizer: Function of the output that gives a penalty added to the loss.
        trainable: Whether training may change its variables.
        dtype: Name of the dtype it computes in, or a policy such as ``"mixed_bfloat16"``.
        name: Its name in the model; made from the class's name by default.

    Raises:
        InvalidTypeError: An argument is unknown.

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

    _cornu_is_base = True
    """Whether the attributes of this very class, not of those derived from it, are no places where files hold weights."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "compute_mask" in cls.__dict__ and "supports_masking" not in cls.__dict__:
            cls.supports_masking = True  # as in Keras: whoever says what the mask becomes has one
        if "build" in cls.__dict__:
            cls.build = remembering(cls.build)

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        name: str | None = None,
        autocast: bool = True,
        input_shape: tuple | None = None,
        input_dim: int | None = None,
        **kwargs: Any,
    ):
        if kwargs:
            raise layer_errors.unknown_argument(type(self), kwargs, layer_config.BASE_ARGUMENTS)
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise layer_errors.unusable_name(type(self), name)
        self._cornu = LayerRecord(config.place(), input_shape if input_dim is None else (input_dim,))
        self._inbound_nodes: list[symbolic_tensor.Node] = []  # the name that Keras has for them
        self.name = name or auto_name(type(self).__name__)
        self.path = self.name
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype_policy = dtype_policy.get(dtype)
        self.autocast = autocast
        self.built = False
        self._trainable = bool(trainable)

    # --- What a subclass writes ---------------------------------------------------------------------------------------

    @remembering
    def build(self, input_shape: Any) -> None:
        """Makes the variables. Called once, before the first call, with the shape of the first argument.

        Args:
            input_shape: ``(None, ...)``, the batch size first; a list of shapes if the argument is a list. Name the parameters
                ``a_shape, b_shape`` to get the shapes of the arguments ``a`` and ``b`` of ``call``.
        """

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs. May take ``training`` and ``mask`` arguments, which are filled in if they are not given."""
        raise layer_errors.no_call(self)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape that comes out for the shape that goes in; by default found by an abstract run of ``call``."""
        specs = self.compute_output_spec(*map_shapes(args, lambda shape: SymbolicTensor(shape, self.compute_dtype)), **kwargs)
        return trees.map(lambda spec: spec.shape, specs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors of the shape and dtype that come out for symbolic tensors that go in."""
        if not _overrides(self, "compute_output_shape"):
            return shape_inference.infer(functools.partial(call_abstractly, self), args, kwargs, self._cornu.placement)
        shapes = self.compute_output_shape(shapes_of(first_argument(args, kwargs)))
        return map_shapes(shapes, lambda shape: SymbolicTensor(shape, self.cornu_output_dtype))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the output: by default that of the input, if the layer supports masking."""
        return previous_mask

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable that belongs to the layer.

        Args:
            shape: Its shape; a number means ``(number,)``, None a single number.
            initializer: Default ``"glorot_uniform"`` (``"zeros"`` if the dtype is no float).
            dtype: Default the layer's ``variable_dtype``.
            trainable: False for state that is not trained, such as a running mean.
            autocast: Whether a mixed-precision layer reads it in its compute dtype.
            regularizer: A function, a name such as ``"l2"``, or None.
            constraint: A function of the value, applied after each update, or None.
            name: Its name in the layer.

        Returns:
            The variable.
        """
        record = record_of(self)
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape or ())
        dtype = dtype or self.variable_dtype
        default = "glorot_uniform" if "float" in dtype else "zeros"
        with config.placement_scope(*record.placement):
            variable = Variable(initializers.get(initializer or default), shape, dtype, trainable, autocast, name)
        variable.regularizer, variable.constraint = regularizers.get(regularizer), constraints.get(constraint)
        (record.trained if trainable else record.state).append(variable)
        return variable

    def add_loss(self, loss: Any) -> None:
        """Adds a number, or a list of them, to what training makes small. Called in ``call``."""
        running = context.current()
        (running.losses if running is not None else self._cornu.losses).extend(trees.leaves(loss))

    # --- Being called -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer: builds it first if need be. Symbolic arguments are recorded instead of computed."""
        return call(self, args, kwargs)

    def effective_batch_coupling(self) -> str:
        """The :attr:`batch_coupling` of the layer with all that are inside it: the worst of them."""
        return batch_coupling.effective_coupling(self)

    def stateless_call(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        *args: Any,
        return_losses: bool = False,
        call_context: CallContext | None = None,
        **kwargs: Any,
    ) -> tuple:
        """Calls the layer as a pure function of its variables' values. This is what compiled code uses.

        Args:
            trainable_variables: Arrays that stand for ``self.trainable_variables``.
            non_trainable_variables: Arrays that stand for ``self.non_trainable_variables``.
            *args: Arguments of ``call``.
            return_losses: Whether to give back what ``add_loss`` and the regularizers collected.
            call_context: Random key, sample mask and hooks of the call.
            **kwargs: Arguments of ``call``, such as ``training``.

        Returns:
            ``(outputs, non_trainable_variables)`` or ``(outputs, non_trainable_variables, losses)``; the variables after
            the call.
        """
        values = trainable_variables, non_trainable_variables
        return call_statelessly(self, values, args, kwargs, return_losses, call_context or CallContext())

    # --- What a class of Cornu's own may override ------------------------------------------------------------------------

    def _cornu_sublayers(self) -> list["Layer"]:
        """Return the layers inside, not those inside these."""
        return layer_tree.owned(self, Layer)

    def _cornu_own_variables(self) -> list[Variable]:
        """Return the variables that are its own, those made trainable first."""
        return layer_tree.own_variables(self)

    def _cornu_build_for(self, args: tuple, kwargs: dict) -> None:
        """Build the layer for the arguments of a call, or check that they fit."""
        build_for(self, args, kwargs, _overrides(self, "compute_output_shape"), _overrides(self, "build"))

    def _cornu_after_move(self) -> None:
        """Move what else belongs to the layer, once it is on another backend or device."""

    # --- Variables ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        structure_fingerprint.attribute_set(name)

    @soft_property
    def sublayers(self) -> list["Layer"]:
        """The layers inside it, not those inside these."""
        return self._cornu_sublayers()

    def flatten_layers(self) -> Iterator["Layer"]:
        """The layer itself and all layers inside it, at any depth, each once."""
        return layer_tree.flatten(self)

    @soft_property
    def own_variables(self) -> list[Variable]:
        """The variables it owns itself: those made trainable first, then those made otherwise."""
        return self._cornu_own_variables()

    @property
    def variables(self) -> list[Variable]:
        """All variables, its own and those of the layers inside it."""
        return layer_tree.collect(self._cornu_own_variables(), self, lambda layer: layer.variables)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training may change."""
        if not self.trainable:
            return []
        own = [variable for variable in self._cornu_own_variables() if variable.trainable]
        return layer_tree.collect(own, self, lambda layer: layer.trainable_variables)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that training does not change by gradients."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.variables if id(variable) not in trained]

    @property
    def weights(self) -> list[Variable]:
        """All variables; the name that Keras uses for what is saved."""
        return self.variables

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that training may change."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that training does not change by gradients."""
        return self.non_trainable_variables

    @property
    def trainable(self) -> bool:
        """Whether training may change its variables. Setting it sets it for the layers inside too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._cornu_sublayers():
            layer.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """The values of :attr:`weights` as NumPy arrays."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: list) -> None:
        """Gives the variables new values.

        Args:
            weights: As many arrays as :attr:`weights` holds, of the same shapes.

        Raises:
            ShapeError: Their number or a shape differs; then nothing was changed.
        """
        layer_tree.set_weights(self, weights)

    def count_params(self) -> int:
        """How many numbers its variables hold.

        Raises:
            NotBuiltError: It is not built yet.
        """
        if not self.built:
            raise layer_errors.not_countable(self)
        return sum(variable.size for variable in self.variables)

    def to_backend(self, name: str, device: str | None = None) -> Self:
        """Moves it, with all its variables, and of a model the optimizer and metrics, to another backend or device.

        Args:
            name: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``.
            device: Name of a device there, such as ``"cpu"`` or ``"gpu:1"``; default the default one (``config.device``).

        Returns:
            The layer itself.

        Raises:
            InvalidArgumentError: There is no such backend or device. Nothing was moved.
        """
        layer_placement.move(self, backends.place(name, device))
        return self

    @soft_property
    def backend(self) -> Any:
        """The backend it computes on (a module with the functions of ``cornu.backends.contract``)."""
        return layer_placement.backend_of(self)

    @soft_property
    def place(self) -> config.Placement:
        """The backend, and the device of it, where it computes: its own, or what the running call was told to run on."""
        return layer_placement.placement_of(self)

    @soft_property
    def backend_name(self) -> str:
        """Name of the backend it computes on (see :attr:`place`)."""
        return layer_placement.placement_of(self).backend

    @property
    def losses(self) -> list:
        """What the last eager call collected by ``add_loss``, and the penalties of the regularizers."""
        with config.placement_scope(*layer_placement.placement_of(self)):
            return [*self._cornu.losses, *layer_tree.regularization_losses(self)]

    # --- Facts --------------------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> str:
        """Dtype of the variables (Keras's name for :attr:`variable_dtype`)."""
        return self.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """Dtype in which variables are kept."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """Dtype in which it computes."""
        return self.dtype_policy.compute_dtype

    @soft_property
    def inbound_nodes(self) -> list[symbolic_tensor.Node]:
        """Its calls on symbolic tensors."""
        return self._inbound_nodes

    @soft_property
    def input_shape_hint(self) -> tuple | None:
        """What the constructor was given as ``input_shape``: the shape of a sample, for the first layer of a model."""
        return self._cornu.input_shape_hint

    @property
    def input(self) -> Any:
        """The symbolic tensors it was first called on."""
        node = first_node(self, "input")
        return node.args[0] if node.args else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic tensors it first gave."""
        return first_node(self, "output").outputs

    @soft_property
    def input_shape(self) -> Any:
        """The shape it was built for, ``(None, ...)``."""
        return input_shape_of(self)

    @soft_property
    def output_shape(self) -> Any:
        """The shape that comes out, ``(None, ...)``."""
        return shapes_of(self.output) if self._inbound_nodes else self.compute_output_shape(input_shape_of(self))

    # --- Config -------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Name, trainable, dtype policy and the constructor's arguments."""
        return layer_config.config_of(self, super().get_config)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Layer":
        """A new layer of the same config, with new weights."""
        arguments, base = layer_config.split_config(cls, layer_config.without_neutral(cls, config))
        layer = super().from_config(arguments)
        layer_config.set_base(layer, base)
        return layer

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes it was built for, by the names of ``build``'s parameters; None if it is not built. As Keras writes it."""
        shapes = self._cornu.build_shapes
        if shapes is None or len(shapes) == 1:
            return shapes
        return {"shapes_dict": {name: shape for name, shape in shapes.items() if shape is not None}}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _overrides(layer: Layer, method: str) -> bool:
    return getattr(type(layer), method) is not getattr(Layer, method)
