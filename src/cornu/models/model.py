"""The model: a layer that can be trained, measured, used and saved."""

import functools
import json
import warnings
from collections.abc import Iterable
from typing import Any

from cornu import registry, trees
from cornu.core import shape_inference
from cornu.core.layer import Layer
from cornu.core.layer_call import call_abstractly
from cornu.core.layer_placement import backend_of
from cornu.core.layer_record import record_of
from cornu.core.naming import auto_name
from cornu.core.shape_trees import first_argument, map_shapes, shapes_of
from cornu.core.soft_property import soft_property
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, did_you_mean
from cornu.export import export_model
from cornu.models import load, save
from cornu.models.functional_graph import Functional
from cornu.models.summary import print_summary
from cornu.training import batch, predict_function, prepare_data
from cornu.training import fit as fitting
from cornu.training import predict as predicting
from cornu.training.batch import Batch
from cornu.training.callback import Callback, CallbackList, History
from cornu.training.compile_state import CompileState, compile_arguments
from cornu.training.data_adapters import data_adapter
from cornu.training.data_validation import arguments, array_checks, finite_values, inputs
from cornu.training.loop.progress import Progress

__all__ = ["Model"]


@registry.register("models", keras_path=("keras.src.models.functional", "Functional"))
class Model(Layer):
    """Layers with an input and an output, that can be trained.

    Made in one of two ways: from symbolic tensors, ``Model(inputs, outputs)``, or by a subclass that makes layers in its
    constructor and uses them in ``call``.

    Args:
        inputs: Symbolic tensors (``cornu.Input``): one, or a list or dict of them.
        outputs: Symbolic tensors that layers gave.
        name: Its name.
        trainable: Whether training may change its variables.

    Attributes:
        meta: A dict of what is to stand beside the model in its file, such as ``{"class_names": ["cat", "dog"]}``.

    Raises:
        InvalidTypeError: Inputs or outputs are not symbolic tensors.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> x = cornu.Input((28, 28, 1))
        >>> y = layers.Dense(3)(layers.Flatten()(layers.Conv2D(10, 3)(x)))
        >>> cornu.Model(x, y).output_shape
        (None, 3)
    """

    _cornu_is_base = True

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True, **kwargs: Any):
        if (inputs is None) != (outputs is None):
            raise InvalidTypeError(
                f"`Model` was given inputs={inputs!r} and outputs={outputs!r}.", "It needs both or neither.", "Pass both."
            )
        made_of_tensors = type(self) is Model and inputs is not None
        super().__init__(name=name or (auto_name("functional") if made_of_tensors else None), trainable=trainable, **kwargs)
        self._functional = None if inputs is None else Functional(inputs, outputs)
        self._compiled: CompileState | None = None
        self._forward: predict_function.PredictFunction | None = None
        self.stop_training = False
        self.history: History | None = None
        self.meta: dict[str, Any] = {}
        if self._functional is not None:
            self.built = True
            self._cornu.build_shapes = {"input_shape": self.input_shape}

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along: not the compiled function, which is this model's own."""
        return {**vars(self), "_forward": None}

    def forget_compiled_functions(self) -> None:
        """Lets functions be compiled anew: the layers, or the backend they run on, are others now."""
        self._forward = None
        if self._compiled is not None:
            self._compiled.forget()

    def _cornu_after_move(self) -> None:
        """Move the optimizer and metrics, too, and compile anew there."""
        for variable in self._compiled.variables if self._compiled is not None else []:
            variable.to_backend(*self._cornu.placement)
        self.forget_compiled_functions()

    # --- The graph ----------------------------------------------------------------------------------------------------

    @property
    def cornu_graph(self) -> Functional | None:  # type: ignore[override]
        """The graph between its inputs and outputs; None for a subclassed model."""
        return self._functional

    @soft_property
    def functional(self) -> Functional | None:
        """The graph between its inputs and outputs; None for a subclassed model."""
        return self.cornu_graph

    @property
    def layers(self) -> list[Layer]:
        """Its layers, those inside of nested models not included."""
        return self.cornu_graph.layers if self.cornu_graph is not None else super()._cornu_sublayers()

    def _cornu_sublayers(self) -> list[Layer]:
        found = {id(layer): layer for layer in [*self.layers, *super()._cornu_sublayers()]}
        return list(found.values())

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """One of its layers.

        Args:
            name: Its name; the name of a layer inside a nested model is ``"model/layer"``.
            index: Or its place in :attr:`layers`.

        Raises:
            InvalidArgumentError: There is no such layer.
        """
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise InvalidArgumentError(
                    f"`get_layer` was given index={index}.", f"The model has {len(self.layers)} layers.", "Count from 0."
                )
            return self.layers[index]
        names: dict[str, Any] = {layer.name: layer for layer in self.layers}
        if name in names:
            return names[name]
        first, _, rest = str(name).partition("/")
        if rest and isinstance(names.get(first), Model):
            return names[first].get_layer(rest)
        raise InvalidArgumentError(
            f"`get_layer` of {self.name!r} was given name={name!r}.",
            f"The model's layers are {list(names)}.",
            did_you_mean(first, names) or "Use one of these names, or `index=`.",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the model, on arrays or on symbolic tensors.

        On an engine that compiles each operation by itself (JAX), a call on arrays that is for no training runs as one compiled
        function, that of :meth:`predict`: the first call takes a third of the time, later ones a tenth. Unless somebody would
        notice: line by line run models with layers or functions of the user's own, and those whose call adds to the
        loss, assigns to a variable, reads one that is not the model's, or draws random numbers.
        """
        record_of(self)  # refuses a model whose constructor did not call the base's
        inputs = predict_function.inputs_of_call(self, args, kwargs)
        outputs = None if inputs is None else self._forward_function.for_call(inputs)
        if outputs is None:
            return super().__call__(*args, **kwargs)
        self._cornu.losses = []
        return outputs

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the graph. A subclass writes its own."""
        if self.cornu_graph is None:
            return super().call(inputs)
        return self.cornu_graph.run(inputs)

    def build(self, input_shape: Any) -> None:
        """Makes the variables of a subclassed model, by an abstract run of ``call``.

        Args:
            input_shape: ``(None, ...)``, the batch size first; a tree of shapes if ``call`` takes a tree of arrays.
        """
        if not self.built:
            self.built = True  # the layers inside build themselves when the run reaches them
            specs = map_shapes(input_shape, lambda shape: SymbolicTensor(shape, self.compute_dtype))
            shape_inference.infer(functools.partial(call_abstractly, self), (specs,), {}, self._cornu.placement)

    def _cornu_build_for(self, args: tuple, kwargs: dict) -> None:
        if not self.built and type(self).build is Model.build:
            self.built = True
            self._cornu.build_shapes = {"input_shape": shapes_of(first_argument(args, kwargs))}
        super()._cornu_build_for(args, kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors of the shape and dtype that come out."""
        if self.cornu_graph is None:
            return super().compute_output_spec(*args, **kwargs)
        return self.cornu_graph.infer(first_argument(args, kwargs))

    @property
    def input(self) -> Any:
        """The symbolic inputs."""
        return super().input if self.cornu_graph is None else self.cornu_graph.inputs

    @property
    def output(self) -> Any:
        """The symbolic outputs."""
        return super().output if self.cornu_graph is None else self.cornu_graph.outputs

    @soft_property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic inputs as a list."""
        return trees.leaves(self.input)

    @soft_property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic outputs as a list."""
        return trees.leaves(self.output)

    @soft_property
    def input_shape(self) -> Any:
        """The shape that goes in, ``(None, ...)``."""
        return super().input_shape if self.cornu_graph is None else trees.map(lambda tensor: tensor.shape, self.input)

    @soft_property
    def output_shape(self) -> Any:
        """The shape that comes out, ``(None, ...)``."""
        return super().output_shape if self.cornu_graph is None else trees.map(lambda tensor: tensor.shape, self.output)

    @soft_property
    def output_names(self) -> list[str]:
        """Names of the layers that give the outputs, for dicts of losses and metrics; none if it is subclassed."""
        return self.cornu_graph.output_names if self.cornu_graph is not None else []

    @soft_property
    def batch_coupling(self) -> str:
        """How samples meet in the model's own code: a graph only hands them on, a subclass's ``call`` may do anything."""
        return "unknown" if self.cornu_graph is None else self.cornu_graph.batch_coupling

    def summary(self, line_length: int | None = None, print_fn: Any = None, expand_nested: bool = False) -> None:
        """Prints a table of the layers: name, output shape, number of parameters.

        Args:
            line_length: Width in characters; default that of the terminal.
            print_fn: Called with the text instead of printing it.
            expand_nested: Whether the layers of nested models are listed too.
        """
        record_of(self)  # refuses a model whose constructor did not call the base's
        print_summary(self, line_length, print_fn, expand_nested)

    # --- Training -----------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        micro_batch_size: Any = "auto",
    ) -> None:
        """Settles how the model is trained.

        Args:
            optimizer: A name such as ``"adam"``, or an optimizer.
            loss: A name such as ``"mse"``, a function ``(y_true, y_pred)`` or a loss; for several outputs a list or dict
                of them.
            loss_weights: Factors of the losses of several outputs, as a list or dict.
            metrics: A list of names, functions or metrics; for several outputs a list of lists or a dict.
            weighted_metrics: The same, for metrics that heed ``sample_weight``.
            run_eagerly: Keras's; to run line by line, with numbers to look at, move the model to the NumPy backend instead.
            steps_per_execution, jit_compile, auto_scale_loss: Keras's; Cornu decides these by itself.
            micro_batch_size: How many samples of a batch to take at a time: what the layers make of them should fit into the
                processor's cache. The gradient of the batch is summed up, so the weights come out the same, to rounding
                (layers that draw random numbers draw others). ``"auto"`` chooses; None always takes whole batches.

        Raises:
            InvalidArgumentError: ``micro_batch_size`` is no size. (Where samples meet in a batch of this model, :meth:`fit`
                refuses a number.)
        """
        record_of(self)  # refuses a model whose constructor did not call the base's
        if run_eagerly:
            warnings.warn(
                "`compile(run_eagerly=True)` changes nothing in Cornu. To run line by line, with numbers that can be printed, "
                "move the model to the NumPy backend: `model.to_backend('numpy')`.",
                stacklevel=2,
            )
        self._compiled = CompileState(self, optimizer, loss, loss_weights, metrics, weighted_metrics, micro_batch_size)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Iterable[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Trains the model.

        Args:
            x: Arrays ``(samples, ...)``: one, or a list or dict for several inputs. Or anything that gives batches ``(x,
                y)`` or ``(x, y, sample_weight)`` when it is iterated over. They may be drawn ahead (see below).
            y: Targets ``(samples, ...)``.
            batch_size: Samples a step; default 32. A step may take them a few at a time (see ``micro_batch_size`` of
                :meth:`compile`), so a large batch needs little memory.
            epochs: Train up to this epoch.
            verbose: 0 shows nothing, 1 a moving line, 2 a line an epoch; ``"auto"`` is 1 on a terminal and 2 elsewhere.
            callbacks: Called while it trains.
            validation_split: The last part of the arrays to measure on instead of training on it, such as 0.2.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` to measure on, or anything that gives batches.
            shuffle: Whether each epoch takes the samples in a new order. Of data that gives batches, only objects with
                ``__len__`` and ``__getitem__`` are shuffled, batch by batch.
            class_weight: Class number to weight in the loss.
            sample_weight: ``(samples,)``, weights in the loss.
            initial_epoch: The epoch to begin with, counted from 0.
            steps_per_epoch: Steps an epoch, for data that gives batches without end.
            validation_steps: The same for the validation data.
            validation_batch_size: Samples a step of the validation; default ``batch_size``.
            validation_freq: Validate every so many epochs.

        Data that takes its time to give batches, such as a generator that decodes files, is read while steps run: a thread
        draws up to two batches ahead, in their order, and never over the end of an epoch or the steps that were asked for. So
        what callbacks change of it between epochs counts from the next one on. Nothing is drawn ahead with a callback that is
        called at every batch, since it may change the next one, nor from an object with the attribute ``workers = 0``: one
        that looks at the model's weights, or must be read in the thread that opened it, as a database. (A generator has no
        attributes: give an object whose ``__iter__`` makes it.) :meth:`evaluate` and :meth:`predict` do the same.

        Returns:
            The history: ``.history["loss"]`` and so on, one value an epoch.

        Raises:
            DataError: The data does not fit the model or its losses. Nothing was changed.
            NonFiniteError: A step gave NaN. The model holds the weights from before that step.
        """
        compiled = self._need_compiled("fit")
        arguments.check_integers("fit", 0, epochs=epochs, initial_epoch=initial_epoch)
        arguments.check_integers("fit", 1, batch_size=batch_size, steps_per_epoch=steps_per_epoch)
        arguments.check_integers("fit", 1, validation_batch_size=validation_batch_size, validation_steps=validation_steps)
        arguments.frequency("fit", validation_freq)
        data = Batch(x, y, sample_weight, None)
        if validation_split and validation_data is None:
            data, measured = prepare_data.split(data, validation_split)
        else:
            measured = None if validation_data is None else data_adapter.as_validation(validation_data)
        # 1. Validate the data, and adapt it to steps. 2. Build losses and metrics for it. 3. Train.
        adapter = prepare_data.make_adapter("fit", self, compiled, data, batch_size, shuffle, class_weight, steps_per_epoch)
        compiled.ensure_built(adapter.spec)
        validation = None
        if measured is not None:  # validated against the losses that were built for the training data
            size = validation_batch_size or batch_size
            validation = prepare_data.make_adapter(
                "fit (validation_data)", self, compiled, measured, size, steps=validation_steps
            )
        when = range(initial_epoch, epochs)
        self.history = fitting.fit(self, compiled, adapter, validation, when, validation_freq, callbacks, verbose)
        return self.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Measures loss and metrics without training.

        Args:
            x, y, batch_size, sample_weight: As in :meth:`fit`.
            verbose: As in :meth:`fit`.
            steps: Batches to take, for data that gives batches.
            callbacks: Called while it runs.
            return_dict: Whether to give a dict.

        Returns:
            The loss; a list of the loss and the metrics if there are metrics; or a dict of them.
        """
        compiled = self._need_compiled("evaluate")
        arguments.check_integers("evaluate", 1, batch_size=batch_size, steps=steps)
        adapter = prepare_data.make_adapter(
            "evaluate", self, compiled, Batch(x, y, sample_weight, None), batch_size, steps=steps
        )
        compiled.ensure_built(adapter.spec)
        callback_list = CallbackList(callbacks or [], self, {"steps": adapter.steps, "verbose": verbose})
        logs = fitting.measure(compiled, adapter, callback_list, Progress(verbose))
        return _as_result(logs, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
    ) -> Any:
        """The outputs for samples.

        Args:
            x: Arrays ``(samples, ...)``, or anything that gives batches.
            batch_size: Samples a step; default 32.
            verbose: 1 shows progress; ``"auto"`` shows it on a terminal when it takes long.
            steps: Batches to take, for data that gives batches.
            callbacks: Called while it runs.

        Returns:
            NumPy arrays ``(samples, ...)`` in the form of the model's outputs.

        Raises:
            DataError: There are no samples, or they do not fit the model.
        """
        arguments.check_integers("predict", 1, batch_size=batch_size, steps=steps)
        record_of(self)  # refuses a model whose constructor did not call the base's
        if data_adapter.is_batches(x):
            forward, count, watchers = self._forward_function, steps, self._watchers(callbacks, steps)
            batches = predicting.batches_of_iterable(x, steps, self._checked_inputs, prefetch=not watchers.wants_batches())
        else:
            x, size = predicting.cut(self._checked_inputs(x), batch_size, steps)
            forward, count = self._forward_function, -(-batch.sample_count_of(x) // size)
            batches = predicting.batches_of_arrays(x, size, pad=forward.may_pad)
            watchers, verbose = self._watchers(callbacks, count), verbose if count > 100 else 0
        return predicting.predict(self, forward, batches, watchers, Progress(verbose), count)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict | None = None, return_dict: bool = False
    ) -> Any:
        """Makes one training step.

        Returns:
            The loss and the metrics of this batch: a number, a list or a dict as in :meth:`evaluate`.
        """
        compiled = self._need_compiled("train_on_batch")
        data = Batch(x, y, sample_weight, None)
        logs = fitting.one_batch("train_on_batch", self, compiled, data, class_weight, training=True)
        return _as_result(logs, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Measures one batch; returns as :meth:`train_on_batch`."""
        compiled = self._need_compiled("test_on_batch")
        logs = fitting.one_batch("test_on_batch", self, compiled, Batch(x, y, sample_weight, None), None, training=False)
        return _as_result(logs, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        return trees.map(backend_of(self).to_numpy, self._forward_function(self._checked_inputs(x)))

    def reset_metrics(self) -> None:
        """Starts the metrics anew."""
        if self._compiled is not None and self._compiled.compiled_metrics is not None:
            self._compiled.compiled_metrics.reset()

    @property
    def optimizer(self) -> Any:
        """The optimizer that ``compile`` was given; None before."""
        return self._compiled.optimizer if self._compiled is not None else None

    @property
    def metrics(self) -> list:
        """The metrics, the mean loss first; empty until data was seen."""
        return (
            self._compiled.compiled_metrics.metrics
            if self._compiled is not None and self._compiled.compiled_metrics is not None
            else []
        )

    @property
    def metrics_names(self) -> list[str]:
        """Names of what ``evaluate`` gives."""
        return list(self._compiled.compiled_metrics.names) if self.metrics else []

    # --- Files --------------------------------------------------------------------------------------------------------

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Saves the model, usually as ``"name.keras"``; see :func:`cornu.models.save_model`."""
        save.save_model(self, filepath, overwrite)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Saves the weights alone, usually as ``"name.weights.h5"``; see ``load_weights``."""
        save.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Takes the weights of a file, which may be a weights file or a model file, of Cornu or of Keras 3.

        Args:
            filepath: The path.
            skip_mismatch: Whether to leave out, with a warning, the layers whose weights differ in number or shape.

        Raises:
            ModelFormatError: The file is damaged or does not fit. The model is as it was.
        """
        load.load_weights(self, filepath, skip_mismatch)

    def export(self, filepath: Any, format: str | None = None, verbose: bool = True) -> None:
        """Writes the model in a format that other programs run.

        Any layer can be exported, your own too. An ONNX file is held against the model on random inputs before it is written,
        so it gives what the model gives; :func:`cornu.load_onnx` reads it.

        Args:
            filepath: Where to, usually ``"name.onnx"``.
            format: ``"onnx"`` or ``"tf_saved_model"``; by default the first for a path that ends in ``.onnx``, else the second.
            verbose: Whether to print a line about it.

        Raises:
            BackendError: Something in the model cannot be written in this format. No file is written.
        """
        export_model(self, filepath, format, verbose)

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON, for :func:`cornu.models.model_from_json`; the arguments are those of ``json.dumps``."""
        return json.dumps(save.config_of(self), **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Name, layers, their calls, inputs and outputs; of a subclass the arguments of its constructor."""
        if type(self) is Model and self._functional is not None:
            return {"name": self.name, "trainable": self.trainable, **self._functional.get_config()}
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Model":
        """A new model of the same config, with new weights."""
        if cls is not Model:
            return super().from_config(config)  # type: ignore[return-value]
        graph_of_layers = Functional.from_config(config)
        return cls(graph_of_layers.inputs, graph_of_layers.outputs, config.get("name"), config.get("trainable", True))

    def get_compile_config(self) -> dict[str, Any] | None:
        """What ``compile`` was given, as a file holds it; None if it was not called."""
        return None if self._compiled is None else self._compiled.get_config()

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model as it was, and makes the optimizer's variables, if the model is built.

        Args:
            config: What :meth:`get_compile_config` gave.
        """
        self.compile(**compile_arguments(config))
        if self.built and self._compiled is not None:
            self._compiled.optimizer.build(self.trainable_variables)

    # --- Parts of the above -------------------------------------------------------------------------------------------

    def _need_compiled(self, function: str) -> CompileState:
        record_of(self)  # refuses a model whose constructor did not call the base's
        if self._compiled is None:
            raise NotBuiltError(
                f"`{function}` was called on a model that is not compiled.",
                "It needs an optimizer and a loss.",
                "Call `model.compile(optimizer='adam', loss=...)` first.",
            )
        return self._compiled

    def _checked_inputs(self, x: Any) -> Any:
        """What ``predict`` was given as arrays that fit the model."""
        form = predict_function.input_signature(x)
        if form is not None and self._forward is not None and form in self._forward_function.validated_signatures:
            if not finite_values.surely_finite(x):
                finite_values.finite("predict", "x", x)
            return x
        arrays = array_checks.as_arrays("predict", Batch(x, None, None, None)).x
        inputs.check("predict", self, arrays)
        if arrays is x and form is not None and inputs.depends_on_signature_only(self):
            self._forward_function.validated_signatures.add(form)
        return arrays

    def _watchers(self, callbacks: Iterable[Callback] | None, steps: int | None) -> CallbackList:
        return CallbackList(callbacks or [], self, {"steps": steps})

    @property
    def _forward_function(self) -> predict_function.PredictFunction:
        if self._forward is None or not self._forward.is_for(self):
            self._forward = predict_function.PredictFunction(self)
        return self._forward


def _as_result(logs: dict[str, float], return_dict: bool) -> Any:
    """Logs as Keras gives them: a dict, a list in the order of the metrics, or a single number."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
