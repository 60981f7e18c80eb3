"""The layer: named variables and a ``call``."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu import backends, config, constraints, initializers, regularizers, trees
from cornu.core import calls, complaints, context, dtype_policy, graph, layer_config, structure
from cornu.core.context import CallContext
from cornu.core.graph import SymbolicTensor
from cornu.core.naming import auto_name
from cornu.core.shapes import first_of, has_shapes, map_shapes, shapes_for_build, shapes_of
from cornu.core.variable import Variable
from cornu.registry import Configurable

_NOT_OWNED = ("_arguments", "_build_shapes", "_place", "inbound_nodes")


def _remembering(build: Callable) -> Callable:
    """Lets a ``build`` run under the layer's name and remember what it was called with, also when a user calls it."""

    @functools.wraps(build)
    def wrapper(self: "Layer", *args: Any, **kwargs: Any) -> None:
        self._check_constructed()
        if self._building:  # a subclass's build calls the one it overrides
            build(self, *args, **kwargs)
            return
        if self.built:
            return
        made = len(self._trained), len(self._state)
        shapes = dict(list(inspect.signature(build).bind(self, *args, **kwargs).arguments.items())[1:])
        self.path = context.path_of(self.name)
        self._building = True
        try:
            with context.name_scope(self.name), config.running_on(*self._place):
                build(self, *args, **kwargs)
                for layer in self.sublayers:  # also those that `build` made
                    layer.to_backend(*self._place)
        except Exception:  # so that another attempt does not make the variables once more
            del self._trained[made[0] :], self._state[made[1] :]
            raise
        finally:
            self._building = False
        self._build_shapes = shapes
        self.built = True

    return wrapper


class Layer(Configurable):
    """Named variables and a ``call``: the base of every layer and model.

    A subclass makes its variables in ``build(input_shape)`` with :meth:`add_weight`, computes in ``call(inputs)``, and
    may say in ``compute_output_shape(input_shape)`` what shape comes out (else it is found by an abstract run). The
    arguments of its constructor are its config.

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

    batch_coupling = "unknown"
    """How samples of a batch meet: ``"none"`` (each is treated alone), ``"masked"`` (they meet, and those that the context's
    ``sample_mask`` marks as padding are left out), or ``"unknown"``: then batches are neither padded nor cut. ``"none"``
    promises that nothing goes along the first axis, whose size may be any: a batch may be trained a few samples at a time."""

    supports_masking = False
    """Whether the layer hands the mask of its input on to its output (see :meth:`compute_mask`). A class that has a
    ``compute_mask`` of its own does."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "compute_mask" in cls.__dict__ and "supports_masking" not in cls.__dict__:
            cls.supports_masking = True  # as in Keras: whoever says what the mask becomes has one
        if "build" in cls.__dict__:
            cls.build = _remembering(cls.build)

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
            raise complaints.unknown_argument(type(self), kwargs, layer_config.BASE_ARGUMENTS)
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise complaints.unusable_name(type(self), name)
        self._trained: list[Variable] = []
        self._state: list[Variable] = []
        self.name = name or auto_name(type(self).__name__)
        self.path = self.name
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype_policy = dtype_policy.get(dtype)
        self.autocast = autocast
        self.built = self._building = False
        self.inbound_nodes: list[graph.Node] = []
        self._trainable = bool(trainable)
        self._place = config.place()
        self._losses: list = []
        self._build_shapes: dict[str, Any] | None = None
        self._accepted_shapes: set = set()
        self.input_shape_hint = input_shape if input_dim is None else (input_dim,)

    # --- What a subclass writes ---------------------------------------------------------------------------------------

    @_remembering
    def build(self, input_shape: Any) -> None:
        """Makes the variables. Called once, before the first call, with the shape of the first argument.

        Args:
            input_shape: ``(None, ...)``, the batch size first; a list of shapes if the argument is a list. Name the parameters
                ``a_shape, b_shape`` to get the shapes of the arguments ``a`` and ``b`` of ``call``.
        """

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs. May take ``training`` and ``mask`` arguments, which are filled in if they are not given."""
        raise complaints.no_call(self)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape that comes out for the shape that goes in; by default found by an abstract run of ``call``."""
        specs = self.compute_output_spec(*map_shapes(args, lambda shape: SymbolicTensor(shape, self.compute_dtype)), **kwargs)
        return trees.map(lambda spec: spec.shape, specs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors of the shape and dtype that come out for symbolic tensors that go in."""
        if not _overrides(self, "compute_output_shape"):
            return graph.infer(self._call_apart, args, kwargs, self._place)
        shapes = self.compute_output_shape(shapes_of(first_of(args, kwargs)))
        return map_shapes(shapes, lambda shape: SymbolicTensor(shape, self.compute_dtype))

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
        self._check_constructed()
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape or ())
        dtype = dtype or self.variable_dtype
        default = "glorot_uniform" if "float" in dtype else "zeros"
        with config.running_on(*self._place):
            variable = Variable(initializers.get(initializer or default), shape, dtype, trainable, autocast, name)
        variable.regularizer, variable.constraint = regularizers.get(regularizer), constraints.get(constraint)
        (self._trained if trainable else self._state).append(variable)
        return variable

    def add_loss(self, loss: Any) -> None:
        """Adds a number, or a list of them, to what training makes small. Called in ``call``."""
        running = context.current()
        (running.losses if running is not None else self._losses).extend(trees.leaves(loss))

    # --- Being called -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer: builds it first if need be. Symbolic arguments are recorded instead of computed."""
        self._check_constructed()
        if graph.symbolic_leaves((args, kwargs)):
            self._build_for(args, kwargs)
            return graph.record(self, args, kwargs, self.compute_output_spec(*args, **kwargs))
        running = context.current()
        if running is not None:
            return self._run(running, *args, **kwargs)
        with config.running_on(*self._place), context.entered(CallContext()) as running:
            args, kwargs = calls.on_own_device(self, (args, kwargs))
            outputs = self._run(running, *args, **kwargs)
        self._losses = running.losses
        return outputs

    def batch_coupling_of_all(self) -> str:
        """The :attr:`batch_coupling` of the layer with all that are inside it: the worst of them."""
        couplings = {calls.coupling_of(layer) for layer in self.flatten_layers()}
        return next(worst for worst in ("unknown", "masked", "none") if worst in couplings)

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
        running = call_context or CallContext()
        names = [*self.trainable_variables, *self.non_trainable_variables]
        arrays = [*trainable_variables, *non_trainable_variables]
        running.values = dict(zip(map(id, names), arrays, strict=True))
        with context.entered(running), config.running_on(*self.place):
            outputs = self(*args, **kwargs)
            losses = [*running.losses, *self._regularization()] if return_losses else []
        after = [running.values[id(variable)] for variable in self.non_trainable_variables]
        return (outputs, after, losses) if return_losses else (outputs, after)

    def _call_apart(self, *args: Any, **kwargs: Any) -> Any:
        """A call on arrays that leaves no trace in the variables: for abstract runs."""
        with context.entered(CallContext(values={}, on_trial=True)):
            return self(*args, **kwargs)

    def _run(self, running: CallContext, *args: Any, **kwargs: Any) -> Any:
        """One call on arrays, inside a context."""
        args, kwargs = trees.map(lambda value: calls.to_input(self, value), (args, kwargs))
        self._build_for(args, kwargs)
        args, kwargs = calls.with_training_named(self, args, kwargs)
        outer_training, running.training = running.training, calls.training_of(self, running, kwargs)
        if running.training is not None and "training" in calls.parameters_of(type(self)):
            kwargs["training"] = running.training
        calls.fill_in_masks(self, running, args, kwargs)
        with context.name_scope(self.name), context.autocast(self._autocast_dtype()):
            try:
                outputs = self.call(*args, **kwargs)
            except Exception as error:  # of the user's code, or an engine's, which know nothing of layers
                complaints.say_where(self, error, args, kwargs)
                raise
            finally:
                running.training = outer_training
        if self.supports_masking:
            calls.hand_mask_on(self, running, args, kwargs, outputs)
        if self.activity_regularizer is not None:
            running.losses.extend(calls.activity_loss(self, running, output) for output in trees.leaves(outputs))
        for hook in running.hooks:
            outputs = hook(self, args, outputs)
        return outputs

    def _autocast_dtype(self) -> str | None:
        return self.compute_dtype if self.autocast and self.compute_dtype != self.variable_dtype else None

    def _build_for(self, args: tuple, kwargs: dict) -> None:
        """Builds the layer for these arguments, or checks that they fit what it was built for."""
        knows_shapes = _overrides(self, "compute_output_shape")
        if self.built and not knows_shapes:
            return
        inputs = first_of(args, kwargs)
        if not has_shapes(inputs) and (knows_shapes or _overrides(self, "build")):
            raise complaints.no_arrays(self, inputs)
        shapes = shapes_of(inputs)
        key = repr(shapes)
        if key in self._accepted_shapes:
            return
        if not self.built:
            self.build(**shapes_for_build(self, args, kwargs))
        if knows_shapes:  # the layer's own arithmetic of shapes refuses what does not fit, in its own words
            self.compute_output_shape(shapes)
        self._accepted_shapes.add(key)

    def _check_constructed(self) -> None:
        if "_trained" not in self.__dict__:
            raise complaints.not_constructed(self)

    # --- Variables ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        structure.attribute_set(name)

    def _owned(self, kind: type) -> list:
        """The things of a kind among its attributes, also in lists, tuples and dicts, each once, in the order they were set."""
        found: dict[int, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, (list, tuple, dict)) and name not in _NOT_OWNED:
                found.update((id(leaf), leaf) for leaf in trees.leaves(value) if isinstance(leaf, kind))
            elif isinstance(value, kind):
                found[id(value)] = value
        return list(found.values())

    @property
    def sublayers(self) -> list["Layer"]:
        """The layers inside it, not those inside these."""
        return self._owned(Layer)

    def flatten_layers(self) -> Iterator["Layer"]:
        """The layer itself and all layers inside it, at any depth, each once."""
        seen: set[int] = set()
        stack: list[Layer] = [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                stack.extend(reversed(layer.sublayers))

    @property
    def own_variables(self) -> list[Variable]:
        """The variables it owns itself: those made trainable first, then those made otherwise."""
        return sorted(self._owned(Variable), key=lambda variable: not variable.made_trainable)

    @property
    def variables(self) -> list[Variable]:
        """All variables, its own and those of the layers inside it."""
        found = {id(variable): variable for variable in self.own_variables}
        for layer in self.sublayers:
            found.update((id(variable), variable) for variable in layer.variables)
        return list(found.values())

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training may change."""
        if not self.trainable:
            return []
        found = {id(variable): variable for variable in self.own_variables if variable.trainable}
        for layer in self.sublayers:
            found.update((id(variable), variable) for variable in layer.trainable_variables)
        return list(found.values())

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
        for layer in self.sublayers:
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
        variables = self.weights
        shapes = [tuple(np.shape(value)) for value in weights]
        expected = [variable.shape for variable in variables]
        if shapes != expected:
            raise complaints.wrong_weights(self, shapes, expected)
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """How many numbers its variables hold.

        Raises:
            NotBuiltError: It is not built yet.
        """
        if not self.built:
            raise complaints.not_countable(self)
        return sum(variable.size for variable in self.variables)

    def to_backend(self, name: str, device: str | None = None) -> "Layer":
        """Moves it, with all its variables, to another backend or device.

        Args:
            name: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``.
            device: Name of a device there, such as ``"cpu"`` or ``"gpu:1"``; default the default one (``config.device``).

        Returns:
            The layer itself.

        Raises:
            InvalidArgumentError: There is no such backend or device. Nothing was moved.
        """
        place = backends.place(name, device)
        for layer in self.flatten_layers():
            layer._place = place
        for variable in self.variables:
            variable.to_backend(*place)
        return self

    @property
    def backend(self) -> Any:
        """The backend it computes on (a module with the functions of ``cornu.backends.contract``)."""
        return backends.get(self.backend_name)

    @property
    def place(self) -> config.Place:
        """The backend, and the device of it, where it computes: its own, or what the running call was told to run on."""
        return calls.place_of(self._place)

    @property
    def backend_name(self) -> str:
        """Name of the backend it computes on (see :attr:`place`)."""
        return self.place.backend

    def _regularization(self) -> list:
        return calls.penalties(self)

    @property
    def losses(self) -> list:
        """What the last eager call collected by ``add_loss``, and the penalties of the regularizers."""
        return [*self._losses, *self._regularization()]

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

    def _only_node(self, what: str) -> graph.Node:
        if not self.inbound_nodes:
            raise complaints.never_called(self, what)
        return self.inbound_nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic tensors it was first called on."""
        node = self._only_node("input")
        return node.args[0] if node.args else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic tensors it first gave."""
        return self._only_node("output").outputs

    @property
    def input_shape(self) -> Any:
        """The shape it was built for, ``(None, ...)``."""
        if self.inbound_nodes:
            return shapes_of(self.input)
        if self._build_shapes is None:
            self._only_node("input_shape")
        return next(iter(self._build_shapes.values()))

    @property
    def output_shape(self) -> Any:
        """The shape that comes out, ``(None, ...)``."""
        if self.inbound_nodes:
            return shapes_of(self.output)
        return self.compute_output_shape(self.input_shape)

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
        if self._build_shapes is None or len(self._build_shapes) == 1:
            return self._build_shapes
        return {"shapes_dict": {name: shape for name, shape in self._build_shapes.items() if shape is not None}}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


# --- Helpers ----------------------------------------------------------------------------------------------------------


def _overrides(layer: Layer, method: str) -> bool:
    return getattr(type(layer), method) is not getattr(Layer, method)
