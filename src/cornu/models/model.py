"""The ``Model`` class: a layer that can be trained, evaluated, used for prediction and saved."""

import functools
import inspect
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from os import PathLike
from typing import Any, BinaryIO

from cornu import optimizers, registry, trees
from cornu.core import call_context, layer_tree, shape_inference
from cornu.core.foreign_calls import explains_errors
from cornu.core.input_spec import InputSpecs
from cornu.core.layer import Layer
from cornu.core.layer_call import call_abstractly
from cornu.core.layer_placement import backend_of, check_placement, follow_layers, placement_of
from cornu.core.layer_record import record_of
from cornu.core.naming import auto_name
from cornu.core.shape_trees import ShapeTree, first_argument, map_shapes, shapes_of
from cornu.core.soft_property import soft_property
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError, InvalidTypeError, did_you_mean, warn
from cornu.export import export_model
from cornu.models import load, save
from cornu.models.functional_graph import FunctionalGraph, ends_from_config, input_specs_of
from cornu.models.graph_config import config_errors
from cornu.models.state_tree import assign_state_tree, state_tree_of
from cornu.models.summary import print_summary
from cornu.optimizers import Optimizer
from cornu.optimizers.loss_scale_optimizer import with_loss_scaling
from cornu.serialization import constructor_of
from cornu.training import batch, predict_function, prepare_data
from cornu.training import fit as fitting
from cornu.training import predict as predicting
from cornu.training.batch import Batch, Data
from cornu.training.callback import Callback, CallbackList, History
from cornu.training.compile_state import CompileState, TrainingSetup, compile_arguments
from cornu.training.compiled_loss import LossArgument, LossWeights
from cornu.training.compiled_metrics import MetricsArgument, OutputMetrics
from cornu.training.custom_steps.custom_training import CustomTraining
from cornu.training.custom_steps.function_training import FunctionTraining
from cornu.training.custom_steps.overrides import is_custom, overrides, own_predict_step
from cornu.training.custom_steps.step_functions import Kind, ReplacedPredictFunction, StepFunctionMethods, replaced_function
from cornu.training.data_adapters import data_adapter
from cornu.training.data_validation import arguments, array_checks, finite_values, inputs
from cornu.training.execution import Execution, JitCompile, MicroBatchSize
from cornu.training.loop.progress import Progress, Verbose, display_of_prediction
from cornu.typing import Config, CustomObjects, Tree
from cornu.validation import named_arguments

__all__ = ["Model"]

_GRAPH_ENTRIES = {"name", "layers", "input_layers", "output_layers"}
"""Entries of the config of a functional model."""


@registry.register("models", keras_path=("keras.src.models.functional", "Functional"))
class Model(StepFunctionMethods):
    """A group of layers with inputs and outputs, with methods for training, evaluation and inference.

    A model is created in one of two ways: from symbolic tensors, ``Model(inputs, outputs)`` (a functional model), or by
    subclassing ``Model``, creating layers in the constructor and using them in ``call``.

    Args:
        inputs: Symbolic tensor (see ``cornu.Input``), or a list or dict of them. Defaults to None (subclassed model).
        outputs: Symbolic tensor returned by a layer, or a list or dict of them. Defaults to None (subclassed model).
        name: Name of the object. Defaults to a name derived from the class.
        trainable: Whether training may change the variables. Defaults to True.
        **kwargs: Arguments of the base class, such as ``dtype``.

    Attributes:
        meta: Dict of JSON-serializable values that is saved together with the model, such as
            ``{"class_names": ["cat", "dog"]}``.
        history: ``History`` of the last call of :meth:`fit`; None before.
        stop_training: Whether :meth:`fit` stops after the current step; callbacks set it to True.
        stop_evaluating: Whether :meth:`evaluate` stops after the current step.
        stop_predicting: Whether :meth:`predict` stops after the current step.

    Raises:
        InvalidTypeError: If ``inputs`` or ``outputs`` are not symbolic tensors, or only one of the two is given.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> x = cornu.Input((28, 28, 1))
        >>> y = layers.Dense(3)(layers.Flatten()(layers.Conv2D(10, 3)(x)))
        >>> cornu.Model(x, y).output_shape
        (None, 3)
    """

    _cornu_is_base = True
    _cornu_locks_when_built = False

    def __init__(
        self, inputs: Tree = None, outputs: Tree = None, name: str | None = None, trainable: bool = True, **kwargs: Any
    ):
        if (inputs is None) != (outputs is None):
            raise InvalidTypeError(
                f"`Model` received inputs={inputs!r} and outputs={outputs!r}.",
                "Both or neither of the two must be given.",
                "Pass both.",
            )
        is_functional = type(self) is Model and inputs is not None
        super().__init__(name=name or (auto_name("functional") if is_functional else None), trainable=trainable, **kwargs)
        self._functional = None if inputs is None else FunctionalGraph(inputs, outputs)
        self._compiled: CompileState | None = None
        self._custom: CustomTraining | None = None
        self._execution_before = Execution()
        self._forward: predict_function.PredictFunction | None = None
        self.train_function = self.test_function = self.predict_function = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.history: History | None = None
        self.meta: dict[str, Any] = {}
        if self._functional is not None:
            self.built = True
            self._cornu.path = call_context.path_of(self.name)
            self._cornu.built_for({"input_shape": self.input_shape})
            follow_layers(self)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the functions of steps, which belong to this model only."""
        functions = dict.fromkeys(("_forward", "_custom", "train_function", "test_function", "predict_function"))
        return {**super().__getstate__(), **functions}

    def forget_compiled_functions(self) -> None:
        """Discard the compiled functions, so that they are compiled again for changed layers or another backend."""
        super().forget_compiled_functions()
        self._forward = None
        if self._custom is not None:
            self._custom.forget()

    def _cornu_after_move(self) -> None:
        """Move the optimizer and the metrics of training as well, and discard the compiled functions."""
        owners = [*layer_tree.owned(self, Optimizer), *([] if self._compiled is None else [self._compiled])]
        for variable in (variable for owner in owners for variable in owner.variables):
            variable.to_backend(*self._cornu.placement)
        self.forget_compiled_functions()

    # --- The graph ----------------------------------------------------------------------------------------------------

    @property
    def cornu_graph(self) -> FunctionalGraph | None:  # type: ignore[override]
        """The graph between the inputs and outputs; None for a subclassed model."""
        return self._functional

    @property
    def cornu_first_call(self) -> int:  # type: ignore[override]
        """1 for a functional model, 0 for other models."""
        return 0 if self._functional is None else 1

    @soft_property
    def functional(self) -> FunctionalGraph | None:
        """The graph between the inputs and outputs; None for a subclassed model."""
        return self.cornu_graph

    @property
    def layers(self) -> list[Layer]:
        """List of the layers of the model, without the layers inside nested models."""
        return self.cornu_graph.layers if self.cornu_graph is not None else super()._cornu_sublayers()

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be set. It lists the layers of the model. Choose another name."
        )

    def _cornu_sublayers(self) -> list[Layer]:
        found = {id(layer): layer for layer in [*self.layers, *super()._cornu_sublayers()]}
        return list(found.values())

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer of the model by name or index.

        Args:
            name: Name of the layer; ``"model/layer"`` for a layer inside a nested model. Defaults to None.
            index: Integer, index in :attr:`layers`, used in place of ``name``. Defaults to None.

        Returns:
            The layer.

        Raises:
            InvalidArgumentError: If there is no such layer.
        """
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise InvalidArgumentError(
                    f"`get_layer` received index={index}.",
                    f"The model has {len(self.layers)} layers.",
                    f"Pass an index from 0 to {len(self.layers) - 1}.",
                )
            return self.layers[index]
        names: dict[str, Any] = {layer.name: layer for layer in self.layers}
        if name in names:
            return names[name]
        first, _, rest = str(name).partition("/")
        if rest and isinstance(names.get(first), Model):
            return names[first].get_layer(rest)
        raise InvalidArgumentError(
            f"`get_layer` of {self.name!r} received name={name!r}.",
            f"The model's layers are {list(names)}.",
            did_you_mean(first, names) or "Pass one of these names, or `index=`.",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model on arrays or on symbolic tensors.

        On an engine that compiles each operation separately (JAX), a call on arrays outside of training runs as one compiled
        function, the one that :meth:`predict` uses: the first call takes a third of the time, later calls a tenth. Operation by
        operation run models with user-defined layers or functions, and models whose call adds to the loss, assigns to a
        variable, reads a variable that does not belong to the model, or draws random values, since their side effects must be
        preserved.
        """
        record_of(self)  # raises if the constructor did not call the base class's
        inputs = predict_function.inputs_of_call(self, args, kwargs)
        outputs = None if inputs is None else self._cornu_forward_function.for_call(inputs)
        if outputs is None:
            return super().__call__(*args, **kwargs)
        self._cornu.losses = []
        return outputs

    def call(self, inputs: Tree, training: bool | None = None, mask: Tree = None) -> Any:
        """Compute the outputs by running the graph. Subclasses override this method.

        Args:
            inputs: Array, or a list or dict of arrays.
            training: Whether layers behave as in training. Defaults to None (as the enclosing call).
            mask: Mask of the inputs, or a list or dict of masks. Defaults to the masks that layers before the model set on
                the inputs.

        Returns:
            Array, or a tree of arrays, with the structure of the outputs.
        """
        if self.cornu_graph is None:
            return super().call(inputs)
        return self.cornu_graph.run(inputs, mask)

    def build(self, input_shape: ShapeTree) -> None:
        """Create the variables of a subclassed model by evaluating ``call`` abstractly.

        Args:
            input_shape: Shape ``(None, ...)``, the batch axis first; a tree of shapes if ``call`` takes a tree of arrays.
        """
        if not self.built:
            self.built = True  # the layers inside are built when the abstract evaluation reaches them
            specs = map_shapes(input_shape, lambda shape: SymbolicTensor(shape, self.compute_dtype))
            try:
                shape_inference.infer(functools.partial(call_abstractly, self), (specs,), {}, self._cornu.placement)
            except BaseException:  # the next shape may fit
                self.built = False
                raise

    def _cornu_build_for(self, args: tuple, kwargs: dict) -> None:
        if not self.built and type(self).build is Model.build:
            self.built = True
            self._cornu.path = call_context.path_of(self.name)
            self._cornu.built_for({"input_shape": shapes_of(first_argument(args, kwargs))})
        super()._cornu_build_for(args, kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors with the shape and dtype of the outputs."""
        if self.cornu_graph is None:
            return super().compute_output_spec(*args, **kwargs)
        return self.cornu_graph.infer(first_argument(args, kwargs))

    @property
    def input(self) -> Any:
        """The symbolic input, or the list or dict of symbolic inputs."""
        return super().input if self.cornu_graph is None else self.cornu_graph.inputs

    @property
    def output(self) -> Any:
        """The symbolic output, or the list or dict of symbolic outputs."""
        return super().output if self.cornu_graph is None else self.cornu_graph.outputs

    @property
    def input_spec(self) -> InputSpecs:
        """What each call requires of its inputs: as it was set, else the shapes of the inputs of a functional model."""
        graph, given = self.cornu_graph, self._cornu.input_spec
        return input_specs_of(graph) if given is None and graph is not None else given

    @input_spec.setter
    def input_spec(self, value: InputSpecs) -> None:
        record_of(self).input_spec = value

    @soft_property
    def inputs(self) -> list[SymbolicTensor]:
        """List of the symbolic inputs."""
        return trees.leaves(self.input)

    @soft_property
    def outputs(self) -> list[SymbolicTensor]:
        """List of the symbolic outputs."""
        return trees.leaves(self.output)

    @soft_property
    def input_shape(self) -> Any:
        """Shape of the input, ``(None, ...)``, or a tree of shapes."""
        return super().input_shape if self.cornu_graph is None else trees.map(lambda tensor: tensor.shape, self.input)

    @soft_property
    def output_shape(self) -> Any:
        """Shape of the output, ``(None, ...)``, or a tree of shapes."""
        return super().output_shape if self.cornu_graph is None else trees.map(lambda tensor: tensor.shape, self.output)

    @soft_property
    def output_names(self) -> list[str]:
        """Names of the output layers, the keys of dicts of losses and metrics; empty for a subclassed model."""
        return self.cornu_graph.output_names if self.cornu_graph is not None else []

    @soft_property
    def batch_coupling(self) -> str:
        """How the model's own code couples the samples of a batch; unknown for the ``call`` of a subclass."""
        return "unknown" if self.cornu_graph is None else self.cornu_graph.batch_coupling

    @named_arguments
    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
        expand_blocks: bool = False,
    ) -> None:
        """Print a table of the layers with their names, output shapes and numbers of parameters.

        Args:
            line_length: Integer, width in characters. Defaults to the width of the terminal.
            positions: Ends of the columns, as fractions of the width or as numbers of characters. Defaults to None (chosen by
                the contents).
            print_fn: Function that is called with the table as a string, in place of ``print``. Defaults to None.
            expand_nested: Whether to list the layers of nested models. Defaults to False.
            show_trainable: Whether to add a column that is "Y" for layers with weights that are trained, and "N" for others
                with weights. Defaults to False.
            layer_range: Pair of names or regular expressions of the first and the last layer to list. Defaults to None (all).
            expand_blocks: Whether to list each layer of a model with more than 100 layers. Defaults to False: one row for each
                block of layers.

        Raises:
            InvalidArgumentError: If ``layer_range`` is not a pair, or no layer matches.

        Example:
            >>> import cornu
            >>> from cornu import layers
            >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
            >>> lines = []
            >>> model.summary(print_fn=lines.append)
            >>> "Total parameters: 15" in lines[0]
            True
        """
        record_of(self)  # raises if the constructor did not call the base class's
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range, expand_blocks)

    # --- Training -----------------------------------------------------------------------------------------------------

    @named_arguments
    def compile(
        self,
        optimizer: str | Config | Optimizer = "rmsprop",
        loss: LossArgument = None,
        loss_weights: LossWeights = None,
        metrics: MetricsArgument = None,
        weighted_metrics: MetricsArgument = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: JitCompile = "auto",
        auto_scale_loss: bool = True,
        micro_batch_size: MicroBatchSize = "auto",
    ) -> None:
        """Configure the model for training.

        Args:
            optimizer: Optimizer, as a name such as ``"adam"`` or an object. Defaults to ``"rmsprop"``.
            loss: Loss, as a name such as ``"mse"``, a function ``(y_true, y_pred)`` or an object; for several outputs a list or
                dict of them. Defaults to None (the loss and its weights of the last call of :meth:`compile`, if any).
            loss_weights: List or dict of floats that weight the losses of several outputs. Defaults to None (all 1).
            metrics: List of metrics, as names, functions or objects; for several outputs a list of lists or a dict. Defaults to
                None (with ``weighted_metrics=None``, both of the last call of :meth:`compile`, if any; ``[]`` for none).
            weighted_metrics: Metrics that are weighted by ``sample_weight``, in the form of ``metrics``. Defaults to None.
            run_eagerly: Whether training, evaluation and prediction run operation by operation, so that ``print``, a debugger
                and conditions on values work in the model and in its losses and metrics. Defaults to False.
            steps_per_execution: Positive integer, number of steps between two calls of the batch methods of callbacks. Without
                such callbacks, many steps run in one compiled call in any case. Defaults to 1.
            jit_compile: Whether JAX compiles the steps. The other engines record a graph, which needs no compiler. Defaults to
                ``"auto"`` (True).
            auto_scale_loss: Whether the optimizer of a model with the dtype policy ``"mixed_float16"`` is wrapped in a
                ``LossScaleOptimizer``, so that small gradients do not vanish. Defaults to True.
            micro_batch_size: Number of samples of a batch that are processed at a time, chosen so that the activations fit into
                the cache of the processor. The gradients of the parts are summed, so the updated weights are the same up to
                rounding (layers that draw random values draw different ones). Positive integer, ``"auto"`` (chosen
                automatically) or None (whole batches). Defaults to ``"auto"``.

        Raises:
            InvalidArgumentError: If ``micro_batch_size`` or ``steps_per_execution`` is invalid. (:meth:`fit` raises it for an
                integer ``micro_batch_size`` if the samples of a batch interact in this model, or if it overrides a part of a
                step.)
            InvalidTypeError: If ``run_eagerly`` or ``jit_compile`` is no boolean.

        Example:
            >>> import cornu
            >>> from cornu import layers
            >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, "softmax")])
            >>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
            >>> type(model.optimizer).__name__
            'Adam'
        """
        record_of(self)  # raises if the constructor did not call the base class's
        execution = Execution(run_eagerly, steps_per_execution, jit_compile, micro_batch_size)
        self._forward = None
        self._custom = None
        self.train_function = self.test_function = self.predict_function = None
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and optimizer is not None:
            optimizer = with_loss_scaling(optimizers.get(optimizer))
        last = {} if self._compiled is None else self._compiled.arguments
        if loss is None:
            loss, loss_weights = last.get("loss"), last.get("loss_weights", loss_weights)
        if metrics is None and weighted_metrics is None:
            metrics, weighted_metrics = last.get("metrics"), last.get("weighted_metrics")
        self._compiled = CompileState(self, optimizer, loss, loss_weights, metrics, weighted_metrics, execution)
        vars(self).pop("optimizer", None)  # one that was set before

    @explains_errors
    @named_arguments
    def fit(
        self,
        x: Data | None = None,
        y: Tree = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Verbose = "auto",
        callbacks: Iterable[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Data | None = None,
        shuffle: bool = True,
        class_weight: dict | None = None,
        sample_weight: Tree = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Collection[int] = 1,
    ) -> History:
        """Train the model for a fixed number of epochs.

        Args:
            x: Input data: array-like of shape ``(samples, ...)``, or a list or dict of them for several inputs. Or an iterable
                of batches ``(x, y)`` or ``(x, y, sample_weight)``, which may be prefetched (see below).
            y: Target data: array-like of shape ``(samples, ...)``, or a list or dict of them for several outputs. Must be None
                if ``x`` yields batches. Defaults to None.
            batch_size: Positive integer, number of samples per step. A step may process a few samples at a time (see
                ``micro_batch_size`` of :meth:`compile`), so large batches need little memory. Ignored if ``x`` yields batches.
                Defaults to 32, or to the size that makes ``steps_per_epoch`` batches of the data.
            epochs: Integer, number of the epoch at which training ends, counted from 0; the number of epochs if
                ``initial_epoch`` is 0. Defaults to 1.
            verbose: 0 (silent), 1 (progress bar), 2 (one line per epoch) or ``"auto"``: 1 on a terminal and 2 elsewhere.
                Defaults to ``"auto"``.
            callbacks: List of ``Callback`` objects that are called during training. Defaults to None.
            validation_split: Float between 0 and 1, fraction of the samples, taken from the end of the arrays, that is used for
                validation instead of training. Defaults to 0.
            validation_data: Data for validation at the end of epochs: ``(x, y)`` or ``(x, y, sample_weight)``, or an iterable
                of batches. Takes precedence over ``validation_split``. Defaults to None.
            shuffle: Whether to shuffle the samples before each epoch. If ``x`` yields batches, only objects with ``__len__``
                and ``__getitem__`` are shuffled, batch by batch. Defaults to True.
            class_weight: Dict from class index to float, weights of the classes in the loss. Defaults to None.
            sample_weight: Array-like of shape ``(samples,)``, or broadcastable to the loss, that weights each sample in the
                loss. Defaults to None.
            initial_epoch: Integer, epoch at which training starts, counted from 0. Defaults to 0.
            steps_per_epoch: Integer, number of steps per epoch, required for iterables without an end. Defaults to None (one
                pass over the data).
            validation_steps: Integer, number of validation steps. Defaults to None (one pass over the data).
            validation_batch_size: Integer, number of samples per validation step. Defaults to ``batch_size``.
            validation_freq: Integer, number of epochs between validations, or a collection of the epochs (counted from 1) to
                validate after. Defaults to 1.

        An iterable that needs time to yield a batch, such as a generator that decodes files, is read while steps run: a thread
        prefetches up to two batches, in order, and never beyond the end of an epoch or the requested number of steps. Changes
        that callbacks make to the iterable between epochs therefore take effect in the next epoch. Batches are not prefetched
        if a callback is called at every batch, since it may change the next batch, nor from an object with the attribute
        ``workers = 0``: use it for an object that reads the weights of the model or must be read in the thread that opened it,
        such as a database. (A generator has no attributes: pass an object whose ``__iter__`` creates the generator.) The same
        holds for :meth:`evaluate` and :meth:`predict`.

        Returns:
            A ``History`` object. Its ``history`` attribute is a dict from the name of a loss or metric to a list with one value
            per epoch; names of validation values start with ``val_``.

        Raises:
            NotBuiltError: If the model is not compiled.
            DataError: If the data does not fit the model or its losses. Nothing is changed in that case.
            NonFiniteError: If a step resulted in NaN or infinity. The model then has the weights from before that step.

        Example:
            >>> import numpy as np
            >>> import cornu
            >>> from cornu import layers
            >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(1)])
            >>> model.compile(optimizer="sgd", loss="mse")
            >>> x, y = np.ones((8, 4), "float32"), np.zeros((8, 1), "float32")
            >>> history = model.fit(x, y, batch_size=4, epochs=2, verbose=0)
            >>> len(history.history["loss"])
            2
        """
        kinds: list[Kind] = ["train"] if validation_data is None and not validation_split else ["train", "test"]
        compiled = self._training_setup("fit", *kinds)
        arguments.check_integers("fit", 0, epochs=epochs, initial_epoch=initial_epoch)
        arguments.check_integers("fit", 1, batch_size=batch_size, steps_per_epoch=steps_per_epoch)
        arguments.check_integers("fit", 1, validation_batch_size=validation_batch_size, validation_steps=validation_steps)
        arguments.check_frequency("fit", validation_freq)
        data = Batch(x, y, sample_weight, None)
        if validation_split and validation_data is None:
            data, measured = prepare_data.split(data, validation_split)
        else:
            measured = None if validation_data is None else data_adapter.as_validation(validation_data)
        # 1. Validate the data and split it into steps. 2. Build losses and metrics for it. 3. Train.
        adapter = prepare_data.make_adapter("fit", self, compiled, data, batch_size, shuffle, class_weight, steps_per_epoch)
        compiled.ensure_built(adapter.spec, adapter.batch_size)
        validation = None
        if measured is not None:  # validated against the losses that were built for the training data
            size = validation_batch_size or batch_size
            validation = prepare_data.make_adapter(
                "fit (validation_data)", self, compiled, measured, size, steps=validation_steps
            )
        when = range(initial_epoch, epochs)
        return fitting.fit(self, compiled, adapter, validation, when, validation_freq, callbacks, verbose)

    @explains_errors
    @named_arguments
    def evaluate(
        self,
        x: Data | None = None,
        y: Tree = None,
        batch_size: int | None = None,
        verbose: Verbose = "auto",
        sample_weight: Tree = None,
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and metrics of the model for test data, without training.

        Args:
            x: Input data, as in :meth:`fit`.
            y: Target data, as in :meth:`fit`. Defaults to None.
            batch_size: Positive integer, number of samples per step, as in :meth:`fit`. Defaults to 32.
            verbose: 0 (silent), 1 (progress bar), 2 (one line) or ``"auto"``, as in :meth:`fit`. Defaults to ``"auto"``.
            sample_weight: Weights of the samples, as in :meth:`fit`. Defaults to None.
            steps: Integer, number of batches to evaluate. Defaults to None (one pass over the data).
            callbacks: List of ``Callback`` objects that are called during evaluation. Defaults to None.
            return_dict: Whether to return a dict. Defaults to False.

        Returns:
            The loss as a float; a list of the loss and the metrics if the model has metrics; or a dict from name to value if
            ``return_dict`` is True.

        Raises:
            NotBuiltError: If the model is not compiled.
            DataError: If the data does not fit the model or its losses.
        """
        compiled = self._training_setup("evaluate", "test")
        arguments.check_integers("evaluate", 1, batch_size=batch_size, steps=steps)
        adapter = prepare_data.make_adapter(
            "evaluate", self, compiled, Batch(x, y, sample_weight, None), batch_size, steps=steps
        )
        compiled.ensure_built(adapter.spec, adapter.batch_size)
        callback_list = self._callback_list(callbacks, adapter.steps, verbose)
        progress = Progress(0 if callback_list.shows_progress else verbose)
        logs = fitting.measure(compiled, adapter, callback_list, progress)
        return logs if return_dict else _as_list(self, logs)

    @explains_errors
    @named_arguments
    def predict(
        self,
        x: Data,
        batch_size: int | None = None,
        verbose: Verbose = "auto",
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
    ) -> Any:
        """Return the outputs of the model for input samples.

        Args:
            x: Input data: array-like of shape ``(samples, ...)``, a list or dict of them, or an iterable of batches.
            batch_size: Positive integer, number of samples per step. Defaults to 32.
            verbose: 0 (silent), 1 (progress bar), 2 (one line) or ``"auto"``: as in :meth:`fit`, but silent if arrays are
                predicted in at most 100 steps. Defaults to ``"auto"``.
            steps: Integer, number of batches to predict. Defaults to None (one pass over the data).
            callbacks: List of ``Callback`` objects that are called during prediction. Defaults to None.

        Returns:
            NumPy array of shape ``(samples, ...)``, or a tree of arrays with the structure of the model's outputs.

        Raises:
            DataError: If there are no samples or they do not fit the model.

        Example:
            >>> import numpy as np
            >>> import cornu
            >>> from cornu import layers
            >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])
            >>> model.predict(np.ones((8, 4), "float32")).shape
            (8, 3)
        """
        arguments.check_integers("predict", 1, batch_size=batch_size, steps=steps)
        record_of(self)  # raises if the constructor did not call the base class's
        if data_adapter.is_batches(x):
            forward, count, callback_list = self._predicting(), steps, self._callback_list(callbacks, steps, verbose)
            batches = predicting.batches_of_iterable(x, steps, self._checked_inputs, prefetch=not callback_list.wants_batches())
        else:
            arrays, size = predicting.cut(self._checked_inputs(x), batch_size, steps)
            forward, count = self._predicting(), -(-batch.sample_count_of(arrays) // size)
            batches = predicting.batches_of_arrays(arrays, size, pad=forward.may_pad)
            callback_list, verbose = self._callback_list(callbacks, count, verbose), display_of_prediction(verbose, count)
        progress = Progress(0 if callback_list.shows_progress else verbose)
        return predicting.predict(self, forward, batches, callback_list, progress, count)

    @explains_errors
    @named_arguments
    def train_on_batch(
        self, x: Tree, y: Tree = None, sample_weight: Tree = None, class_weight: dict | None = None, return_dict: bool = False
    ) -> Any:
        """Run one training step on a single batch.

        Args:
            x: Input data of the batch, as in :meth:`fit`.
            y: Target data of the batch. Defaults to None.
            sample_weight: Weights of the samples. Defaults to None.
            class_weight: Dict from class index to float, weights of the classes in the loss. Defaults to None.
            return_dict: Whether to return a dict. Defaults to False.

        Returns:
            The loss and metrics of this batch: a float, a list or a dict, as in :meth:`evaluate`.
        """
        compiled = self._training_setup("train_on_batch", "train")
        data = Batch(x, y, sample_weight, None)
        logs = fitting.one_batch("train_on_batch", self, compiled, data, class_weight, training=True)
        return logs if return_dict else _as_list(self, logs)

    @explains_errors
    @named_arguments
    def test_on_batch(self, x: Tree, y: Tree = None, sample_weight: Tree = None, return_dict: bool = False) -> Any:
        """Evaluate the model on a single batch; return values are those of :meth:`train_on_batch`."""
        compiled = self._training_setup("test_on_batch", "test")
        logs = fitting.one_batch("test_on_batch", self, compiled, Batch(x, y, sample_weight, None), None, training=False)
        return logs if return_dict else _as_list(self, logs)

    @explains_errors
    def predict_on_batch(self, x: Tree) -> Any:
        """Return the outputs for a single batch, as NumPy arrays."""
        return trees.map(backend_of(self).to_numpy, self._predicting()(self._checked_inputs(x)))

    # --- Files --------------------------------------------------------------------------------------------------------

    def save(self, filepath: str | PathLike, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Save the model to a file named ``"name.keras"`` or ``"name.h5"`` (see :func:`cornu.models.save_model`).

        Args:
            filepath: Path of the file; of a folder if ``zipped`` is False.
            overwrite: Whether an existing file may be replaced; if False, the terminal asks. Defaults to True.
            zipped: Whether to write one file instead of a folder. Defaults to True.
            **kwargs: Further arguments of ``save_model``, such as ``include_optimizer=False``.

        Raises:
            InvalidArgumentError: If the name has another ending, the file exists and cannot be asked about, or the model
                contains something that cannot be saved.
        """
        save.save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath: str | PathLike, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Save the weights to a file named ``"name.weights.h5"`` or ``"name.safetensors"`` (see :meth:`load_weights`).

        Args:
            filepath: Path of the file; with ``max_shard_size`` named ``"name.weights.json"``.
            overwrite: Whether an existing file may be replaced; if False, the terminal asks. Defaults to True.
            max_shard_size: The largest size of a file in gigabytes, to distribute the weights over several files. Defaults to
                None (one file).

        Raises:
            NotBuiltError: If the model has no weights yet.
            InvalidArgumentError: If the name has another ending, or the file exists and cannot be asked about.
        """
        save.save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath: str | PathLike | BinaryIO, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Load weights from a weights file or a model file of Cornu or Keras 3.

        Args:
            filepath: Path of the file.
            skip_mismatch: Whether to skip, with a warning, layers whose weights differ in number or shape. Defaults to False.
            **kwargs: Further arguments of :func:`cornu.saving.load_weights`: ``objects_to_skip``, a list of layers whose
                weights are left as they are, and ``by_name`` for ``.h5`` files of whole models.

        Raises:
            ModelFormatError: If the file is damaged or does not fit the model. The model is unchanged in that case.
        """
        load.load_weights(self, filepath, skip_mismatch, **kwargs)

    def export(self, filepath: str | PathLike, format: str | None = None, verbose: bool = True) -> None:
        """Export the model to a format that other programs can run.

        Any layer can be exported, including user-defined layers. An ONNX file is compared with the model on random inputs
        before it is written, so that both compute the same outputs; :func:`cornu.load_onnx` reads it.

        Args:
            filepath: Path of the output, usually ``"name.onnx"``.
            format: ``"onnx"`` or ``"tf_saved_model"``. Defaults to ``"onnx"`` for a path that ends in ``.onnx``, else to
                ``"tf_saved_model"``.
            verbose: Whether to print a message about the exported file. Defaults to True.

        Raises:
            BackendError: If the model contains something that the format cannot represent. No file is written in that case.
        """
        export_model(self, filepath, format, verbose)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """Return the values of all variables as nested dicts, whose keys are the parts of their paths.

        Args:
            value_format: ``"backend_tensor"`` for arrays of the engine, or ``"numpy_array"``. Defaults to ``"backend_tensor"``.

        Returns:
            Dict with the keys ``"trainable_variables"``, ``"non_trainable_variables"``, ``"optimizer_variables"`` and
            ``"metrics_variables"``.

        Raises:
            InvalidArgumentError: If ``value_format`` is neither, or two variables have the same path.

        Example:
            >>> import cornu
            >>> from cornu import layers
            >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="head")], name="small")
            >>> model.compile("sgd", "mse")
            >>> model.get_state_tree("numpy_array")["trainable_variables"]["small"]["head"]["kernel"].shape
            (4, 3)
        """
        return state_tree_of(self, value_format)

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Assign the values of a dict as returned by :meth:`get_state_tree` to the variables of the same paths.

        Args:
            state_tree: Nested dict of arrays. Variables that it does not contain keep their values; values of paths that no
                variable has are ignored, with a warning.

        Raises:
            InvalidArgumentError: If it contains another key than these four. No variable is changed.
        """
        assign_state_tree(self, state_tree)

    def to_json(self, **kwargs: Any) -> str:
        """Return the config as a JSON string, for :func:`cornu.models.model_from_json`.

        Args:
            **kwargs: Arguments of ``json.dumps``.
        """
        return json.dumps(save.config_of(self), **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the config: name, layers, their calls, inputs and outputs; the constructor arguments for a subclass.

        A functional model of a subclass has the first form if its constructor is that of ``Model``.
        """
        if self._functional is not None and _takes_tensors(type(self)):
            return {"name": self.name, "trainable": self.trainable, **self._functional.get_config()}
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> "Model":
        """Create a model from a config returned by :meth:`get_config`, with newly initialized weights.

        Args:
            config: The config.
            custom_objects: Dict of names to custom classes and functions that the config names. Defaults to None.
        """
        if not (_takes_tensors(cls) and config.keys() >= _GRAPH_ENTRIES):
            return super().from_config(config, custom_objects)  # type: ignore[return-value]
        with registry.custom_object_scope(custom_objects), config_errors(config):
            inputs, outputs = ends_from_config(config)
            return cls(inputs, outputs, name=config.get("name"), trainable=config.get("trainable", True))

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of :meth:`compile` in a serializable form; None if the model is not compiled."""
        return None if self._compiled is None else self._compiled.get_config()

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile the model from a config, and create the variables of the optimizer if the model is built.

        A model whose class overrides :meth:`compile` is not compiled, with a warning, unless it also overrides
        :meth:`get_compile_config`, and its method accepts the arguments in that config: otherwise these are not known.

        Args:
            config: Dict returned by :meth:`get_compile_config`.
        """
        if type(self).compile is not Model.compile and type(self).get_compile_config is Model.get_compile_config:
            warn(
                f"{self.name!r} is not compiled, since `{type(self).__name__}.compile` is not that of `Model`. "
                "Call `compile` yourself, or override `get_compile_config` and `compile_from_config`."
            )
            return
        arguments = compile_arguments(config)
        try:
            inspect.signature(self.compile).bind(**arguments)
        except TypeError as error:
            warn(
                f"{self.name!r} is not compiled, since `{type(self).__name__}.compile` does not accept the arguments that "
                f"`get_compile_config` returned: {error}. Call `compile` yourself, or override `compile_from_config`."
            )
            return
        self.compile(**arguments)
        if self.built and self._compiled is not None:
            self._compiled.optimizer.ensure_built(self.trainable_variables)

    # --- Helpers --------------------------------------------------------------------------------------------------------

    def _training_setup(self, function: str, *kinds: Kind) -> TrainingSetup:
        """Return what trains the model; raise ``NotBuiltError`` if the model is not compiled.

        Args:
            function: Name of the function the user called, for errors.
            *kinds: The kinds of steps that will run.
        """
        compiled, replaced = self._need_compile_state(function), {}
        check_placement(self, function)
        for kind in kinds:
            getattr(self, f"make_{kind}_function")()
            own = replaced_function(self, kind)
            if own is not None:
                replaced[kind] = own
        steps = self._cornu_steps_of_methods()
        return FunctionTraining(self, compiled, steps, replaced) if replaced else steps

    def _cornu_steps_of_methods(self) -> TrainingSetup:
        """Return what trains the model by the methods of its steps, whatever function replaces :attr:`train_function`."""
        compiled = self._need_compile_state("train_function")
        if not is_custom(self):
            return compiled
        if self._custom is None:
            self._custom = CustomTraining(self, compiled)
        return self._custom

    def _checked_inputs(self, x: Any) -> Any:
        """Convert the argument of ``predict`` to arrays and check that they fit the model."""
        form = predict_function.input_signature(x)
        if form is not None and self._forward is not None and form in self._cornu_forward_function.validated_signatures:
            if not finite_values.is_surely_finite(x):
                finite_values.check_finite("predict", "x", x)
            return x
        arrays = array_checks.as_arrays("predict", Batch(x, None, None, None)).x
        if overrides(self, "predict_step"):
            return arrays
        inputs.check("predict", self, arrays)
        if arrays is x and form is not None and inputs.depends_on_signature_only(self):
            self._cornu_forward_function.validated_signatures.add(form)
        return arrays

    def _callback_list(self, callbacks: Iterable[Callback] | None, steps: int | None, verbose: Verbose) -> CallbackList:
        return CallbackList(callbacks, model=self, epochs=1, steps=steps, verbose=verbose)

    def _predicting(self) -> predict_function.PredictFunction | ReplacedPredictFunction:
        """Return what ``predict`` runs: the compiled call of the model, or the function of the user that replaces it."""
        self.make_predict_function()
        own = replaced_function(self, "predict")
        return self._cornu_forward_function if own is None else ReplacedPredictFunction(self, own)

    @property
    def _cornu_forward_function(self) -> predict_function.PredictFunction:
        """The compiled prediction function, whatever function replaces :attr:`predict_function`."""
        if self._forward is None or not self._forward.is_for(self):
            check_placement(self, "predict")
            is_compiled = self._execution.is_compiled(placement_of(self))
            self._forward = predict_function.PredictFunction(self, own_predict_step(self), is_compiled)
        return self._forward


def _takes_tensors(cls: type) -> bool:
    """Return whether a class of models is created from inputs and outputs: its constructor is that of ``Model`` or calls it.

    One that accepts ``*args`` and ``**kwargs`` is taken for one that passes them on.
    """
    parameters = list(constructor_of(cls).parameters.values())[1:]
    kinds = {parameter.kind for parameter in parameters}
    named = [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    passes_on = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds
    return cls.__init__ is Model.__init__ or passes_on or named == ["inputs", "outputs", "name"]


def _as_list(model: Model, logs: dict[str, float]) -> Any:
    """Return logs as Keras does: those that have the name of a metric in the order of the metrics, then the others by name.

    A single value is returned as it is.
    """
    metrics = [part for metric in model.metrics for part in (metric.metrics if isinstance(metric, OutputMetrics) else [metric])]
    names = [metric.name for metric in metrics]
    others = sorted(name for name in logs if name not in names)
    values = [logs[name] for name in (*names, *others) if name in logs]
    return values[0] if len(values) == 1 else values
