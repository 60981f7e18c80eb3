"""The methods of a model that make up its training, evaluation and prediction steps, for subclasses to override."""

import dataclasses
import inspect
from typing import Any

from cornu import ops, trees
from cornu.core import call_context
from cornu.core.binding import run_bound
from cornu.core.gradients import check_differentiable, value_and_grad
from cornu.core.layer import Layer
from cornu.core.layer_record import record_of
from cornu.core.soft_property import soft_property
from cornu.core.structure_facts import structure_facts
from cornu.core.variable import Variable
from cornu.errors import NotBuiltAttributeError, NotBuiltError, ShapeError, returned_none
from cornu.metrics import Metric
from cornu.metrics.metric import result_of
from cornu.ops.dispatch import unwrap
from cornu.training.batch import unpack_x_y_sample_weight
from cornu.training.compile_state import CompileState
from cornu.training.compiled_loss import by_output
from cornu.training.execution import Execution, JitCompile
from cornu.training.logs import check_logs
from cornu.training.step.loss_gradient import check_has_loss, total_loss
from cornu.typing import Array, Tree


class StepMethods(Layer):
    """The methods of :class:`cornu.Model` that make up a step.

    A subclass of ``Model`` overrides what it wants to change; everything else of ``fit``, ``evaluate`` and ``predict`` stays.
    :meth:`compute_loss` and :meth:`compute_metrics` are engine-neutral. :meth:`train_step` can be written in four styles:

    * Engine-neutral, ``train_step(self, data)`` with :func:`cornu.value_and_grad`: the same code is compiled on every engine.
    * For JAX, ``train_step(self, state, data)``: a pure function that returns ``(logs, state)``.
    * For PyTorch, ``train_step(self, data)`` with ``loss.backward()``.
    * For TensorFlow, ``train_step(self, data)`` with ``tf.GradientTape``.
    """

    _cornu_is_base = True
    _compiled: CompileState | None
    _execution_before: Execution
    stop_training: bool
    stop_evaluating: bool
    stop_predicting: bool
    history: Any  # a `History`, whose module imports the protocol of models

    def forget_compiled_functions(self) -> None:
        """Discard the compiled functions, so that they are compiled again for changed layers or another backend."""
        if self._compiled is not None:
            self._compiled.forget()

    # --- What `compile` set -------------------------------------------------------------------------------------------

    @property
    def optimizer(self) -> Any:
        """The optimizer passed to :meth:`compile`. It can be replaced, and set before compilation for a loop of your own."""
        if self._compiled is not None:
            return self._compiled.optimizer
        if "optimizer" not in vars(self):
            raise NotBuiltAttributeError(
                f"`optimizer` of the model {self.name!r} was requested, which is not compiled.",
                "A model has an optimizer once it is compiled.",
                "Call `model.compile(optimizer='adam', loss=...)` first.",
            )
        return vars(self)["optimizer"]

    @optimizer.setter
    def optimizer(self, optimizer: Any) -> None:
        record_of(self)  # raises if the constructor did not call the base class's
        if self._compiled is None:
            vars(self)["optimizer"] = optimizer
        else:
            self._compiled.replace_optimizer(optimizer)
        self.forget_compiled_functions()

    @soft_property
    def compiled(self) -> bool:
        """Whether :meth:`compile` was called."""
        return self._compiled is not None

    @soft_property
    def loss(self) -> Any:
        """The ``loss`` passed to :meth:`compile`; None before compilation."""
        return None if self._compiled is None else self._compiled.arguments["loss"]

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run operation by operation (see :meth:`compile`). It can be set."""
        return self._execution.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._set_execution("run_eagerly", value)

    @property
    def jit_compile(self) -> bool:
        """Whether a just-in-time compiler is used (see :meth:`compile`). It can be set."""
        return self._execution.jit_compile is not False

    @jit_compile.setter
    def jit_compile(self, value: JitCompile) -> None:
        self._set_execution("jit_compile", value)

    @property
    def steps_per_execution(self) -> int:
        """Number of steps between two calls of the batch methods of callbacks (see :meth:`compile`). It can be set."""
        return self._execution.steps_per_execution

    @steps_per_execution.setter
    def steps_per_execution(self, value: int) -> None:
        self._set_execution("steps_per_execution", value)

    @property
    def _execution(self) -> Execution:
        return self._execution_before if self._compiled is None else self._compiled.execution

    def _set_execution(self, name: str, value: Any) -> None:
        """Set an option; before :meth:`compile`, which sets all options, it has an effect on ``predict`` only, as in Keras."""
        record_of(self)  # raises if the constructor did not call the base class's
        execution = dataclasses.replace(self._execution, **{name: value})
        if self._compiled is None:
            self._execution_before = execution
        else:
            self._compiled.execution = execution
        self.forget_compiled_functions()

    # --- Losses and metrics -------------------------------------------------------------------------------------------

    def compute_loss(
        self, x: Tree = None, y: Tree = None, y_pred: Tree = None, sample_weight: Tree = None, training: bool = True
    ) -> Any:
        """Compute the loss of a batch: the losses passed to ``compile`` and those that layers add.

        Args:
            x: Inputs of the batch. Defaults to None.
            y: Targets of the batch. Defaults to None.
            y_pred: Outputs of the model for ``x``. Defaults to None.
            sample_weight: Weights of the samples. Defaults to None.
            training: Whether the loss is computed for training. Defaults to True.

        Returns:
            Scalar array, the loss to minimize.

        Raises:
            InvalidArgumentError: If ``compile`` received no loss and no layer adds one.

        Example:
            >>> import cornu
            >>> class Scaled(cornu.Model):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = cornu.layers.Dense(1)
            ...     def call(self, inputs):
            ...         return self.dense(inputs)
            ...     def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            ...         return 10 * super().compute_loss(x, y, y_pred, sample_weight, training)
            >>> model = Scaled()
            >>> model.compile(optimizer="sgd", loss="mse")
        """
        compiled = self._need_compile_state("compute_loss")
        compiled.ensure_built_for(y, y_pred)
        context = call_context.current()
        y, sample_weight = by_output(y, y_pred), by_output(sample_weight, y_pred)
        sample_mask = None if context is None else context.sample_mask
        losses = compiled.compiled_loss(y, trees.leaves(y_pred), sample_weight, sample_mask)
        penalties = self.losses
        check_has_loss(losses, penalties)
        compiled.compiled_metrics.update_parts(losses, _batch_size(y_pred))
        return total_loss(losses, penalties)

    def _compute_loss(self, x: Tree, y: Tree, y_pred: Tree, sample_weight: Tree, training: bool) -> Any:
        """Return :meth:`compute_loss`, which receives ``training`` if it has that parameter: methods for Keras 3.0 have not."""
        mode = {"training": training} if "training" in inspect.signature(self.compute_loss).parameters else {}
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **mode)
        if loss is None:
            raise returned_none(f"{type(self).__name__}.compute_loss", "the loss, a scalar", "return ops.mean(loss)")
        check_differentiable(f"`{type(self).__name__}.compute_loss`", loss)
        return loss

    def stateless_compute_loss(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        metrics_variables: list,
        x: Tree = None,
        y: Tree = None,
        y_pred: Tree = None,
        sample_weight: Tree = None,
        training: bool = True,
    ) -> tuple[Any, tuple[list, list, list]]:
        """Compute the loss as a pure function of the values of the variables.

        Args:
            trainable_variables: Values of ``self.trainable_variables``.
            non_trainable_variables: Values of ``self.non_trainable_variables``.
            metrics_variables: Values of ``self.metrics_variables``.
            x, y, y_pred, sample_weight, training: Arguments of :meth:`compute_loss`.

        Returns:
            Tuple ``(loss, (trainable_variables, non_trainable_variables, metrics_variables))``.
        """
        groups = self.trainable_variables, self.non_trainable_variables, self.metrics_variables
        values = trainable_variables, non_trainable_variables, metrics_variables
        loss, after = run_bound(groups, values, lambda: self._compute_loss(x, y, y_pred, sample_weight, training))
        return loss, (after[0], after[1], after[2])

    def compute_metrics(self, x: Tree, y: Tree, y_pred: Tree, sample_weight: Tree = None) -> dict[str, Any]:
        """Update the metrics with a batch and return the results since the start of the epoch.

        Args:
            x: Inputs of the batch.
            y: Targets of the batch.
            y_pred: Outputs of the model for ``x``.
            sample_weight: Weights of the samples. Defaults to None.

        Returns:
            Dict from name to scalar, the logs of the step.
        """
        self._need_compile_state("compute_metrics").output_metrics.update_state(y, y_pred, sample_weight)
        return _checked_logs(self, "get_metrics_result", self.get_metrics_result())

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the results of :attr:`metrics` by name; a metric whose result is a dict contributes its entries."""
        logs: dict[str, Any] = {}
        for metric in self.metrics:
            result = trees.map(unwrap, result_of(metric))
            logs |= result if isinstance(result, dict) else {metric.name: result}
        return logs

    @property
    def metrics(self) -> list[Metric]:
        """List of the metrics: the mean loss, those passed to ``compile``, and those that are attributes of the layers.

        Those passed to ``compile`` are one metric with the name ``compile_metrics``. Its attribute ``metrics`` is the list of
        them, empty until the first batch, since they depend on the outputs of the model.

        Example:
            >>> import cornu
            >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
            >>> model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
            >>> model.metrics_names
            ['loss', 'compile_metrics']
        """
        return [*([] if self._compiled is None else self._compiled.metrics), *structure_facts(self).metrics]

    @property
    def metrics_names(self) -> list[str]:
        """Names of :attr:`metrics`."""
        return [metric.name for metric in self.metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of :attr:`metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset_metrics(self) -> None:
        """Reset the state of all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    # --- Steps --------------------------------------------------------------------------------------------------------

    def train_step(self, *args: Any) -> Any:
        """Run one training step: compute the loss and its gradients, update the weights and the metrics.

        Subclasses override it as ``train_step(self, data)``, or, for JAX, as ``train_step(self, state, data)``.

        Args:
            *args: ``data``, a batch ``x``, ``(x, y)`` or ``(x, y, sample_weight)``; or ``state, data``, where ``state`` is a
                tuple of four lists of arrays: the values of the trainable variables, the non-trainable variables, the variables
                of the optimizer and those of the metrics.

        Returns:
            Dict from name to scalar, the logs; or a tuple ``(logs, state)`` for ``state, data``.

        Example:
            >>> import cornu
            >>> class Own(cornu.Model):
            ...     def train_step(self, data):
            ...         x, y = data
            ...         def loss_of():
            ...             return self.compute_loss(x, y, self(x, training=True))
            ...         loss, gradients = cornu.value_and_grad(loss_of, self.trainable_variables)
            ...         self.optimizer.apply(gradients, self.trainable_variables)
            ...         return {"loss": loss}
        """
        if len(args) == 2:
            groups = (*self._model_groups(), self.optimizer.variables, self.metrics_variables)
            return run_bound(groups, args[0], lambda: self._train_on(args[1]))
        return self._train_on(*args)

    def _train_on(self, data: Any) -> dict[str, Any]:
        """Run a training step in the running context."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        optimizer = self._need_compile_state("train_step").optimizer

        def loss_of() -> tuple[Any, tuple[Any, Any]]:
            y_pred = self(x, training=True)
            loss = self._compute_loss(x, y, y_pred, sample_weight, training=True)
            _check_scalar(type(self).__name__, loss)
            return optimizer.scale_loss(loss), (loss, y_pred)

        variables = self.trainable_variables
        (_, (loss, y_pred)), gradients = value_and_grad(loss_of, variables, has_aux=True)
        optimizer.apply(gradients, variables)
        self._update_mean_loss(loss, x, y, y_pred)
        return _checked_logs(self, "compute_metrics", self.compute_metrics(x, y, y_pred, sample_weight=sample_weight))

    def test_step(self, *args: Any) -> Any:
        """Run one evaluation step: compute the loss and update the metrics.

        Args:
            *args: ``data`` or ``state, data``, as for :meth:`train_step`; this ``state`` has no variables of the optimizer.

        Returns:
            The logs, or a tuple ``(logs, state)``, as :meth:`train_step`.
        """
        if len(args) == 2:
            groups = (*self._model_groups(), self.metrics_variables)
            return run_bound(groups, args[0], lambda: self._test_on(args[1]))
        return self._test_on(*args)

    def _test_on(self, data: Any) -> dict[str, Any]:
        """Run an evaluation step in the running context."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self._compute_loss(x, y, y_pred, sample_weight, training=False)
        self._update_mean_loss(loss, x, y, y_pred)
        return _checked_logs(self, "compute_metrics", self.compute_metrics(x, y, y_pred, sample_weight=sample_weight))

    def predict_step(self, *args: Any) -> Any:
        """Return the outputs of the model for a batch.

        Args:
            *args: ``data``, or ``state, data`` with ``state = (trainable_variables, non_trainable_variables)``.

        Returns:
            The outputs; or a tuple ``(outputs, non_trainable_variables)`` for ``state, data``.
        """
        if len(args) == 2:
            outputs, state = run_bound(self._model_groups(), args[0], lambda: self._predict_on(args[1]))
            return outputs, state[1]
        return self._predict_on(*args)

    def _predict_on(self, data: Any) -> Any:
        """Return the outputs for a batch in the running context."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def compute_loss_and_updates(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        metrics_variables: list,
        x: Tree,
        y: Tree,
        sample_weight: Tree,
        training: bool = False,
        optimizer_variables: list | None = None,
    ) -> tuple[Any, tuple[Any, Any, list, list]]:
        """Compute the loss of a batch as a pure function, for ``jax.value_and_grad(..., has_aux=True)``.

        Args:
            trainable_variables: Values of ``self.trainable_variables``.
            non_trainable_variables: Values of ``self.non_trainable_variables``.
            metrics_variables: Values of ``self.metrics_variables``.
            x: Inputs of the batch.
            y: Targets of the batch.
            sample_weight: Weights of the samples, or None.
            training: Whether layers behave as in training. Defaults to False.
            optimizer_variables: Values of the variables of the optimizer, which may scale the loss. Defaults to None.

        Returns:
            Tuple ``(loss, (unscaled_loss, y_pred, non_trainable_variables, metrics_variables))``.
        """
        groups = (*self._model_groups(), self.metrics_variables)
        values = trainable_variables, non_trainable_variables, metrics_variables

        def outputs_and_loss() -> tuple[Any, Any]:
            y_pred = self(x, training=training)
            return y_pred, self._compute_loss(x, y, y_pred, sample_weight, training)

        (y_pred, loss), (_, non_trainable, metrics) = run_bound(groups, values, outputs_and_loss)
        scaled = loss
        if training and optimizer_variables is not None:
            own = self.optimizer.variables
            scaled, _ = run_bound((own,), (optimizer_variables,), lambda: self.optimizer.scale_loss(loss))
        return scaled, (loss, y_pred, non_trainable, metrics)

    def _model_groups(self) -> tuple[list[Variable], list[Variable]]:
        return self.trainable_variables, self.non_trainable_variables

    def _update_mean_loss(self, loss: Array, x: Tree, y: Tree, y_pred: Tree) -> None:
        """Update the mean loss of the epoch."""
        compiled = self._need_compile_state("train_step")
        compiled.ensure_built_for(y, y_pred)
        compiled.compiled_metrics.update_mean_loss(loss, _batch_size(x))

    def _need_compile_state(self, method: str) -> CompileState:
        """Return the compile state; raise ``NotBuiltError`` if the model is not compiled."""
        record_of(self)  # raises if the constructor did not call the base class's
        if self._compiled is None:
            raise NotBuiltError(
                f"`{method}` was called on a model that is not compiled.",
                "It requires an optimizer and a loss.",
                "Call `model.compile(optimizer='adam', loss=...)` first.",
            )
        return self._compiled


def _checked_logs(model: StepMethods, method: str, logs: dict[str, Any]) -> dict[str, Any]:
    """Return the logs that a method of a model returned; raise an error that names it if it returned none."""
    check_logs(f"{type(model).__name__}.{method}", logs)
    return logs


def _check_scalar(name: str, loss: Any) -> None:
    """Raise ``ShapeError`` if the ``compute_loss`` of a model returned an array of several values."""
    shape = tuple(ops.shape(loss))
    if shape:
        raise ShapeError(
            f"`{name}.compute_loss` returned an array of shape {shape}.",
            "The loss must be a scalar.",
            "Return its mean, `ops.mean(loss)`.",
        )


def _batch_size(tree: Tree) -> Any:
    """Return the number of samples of a batch."""
    return ops.shape(trees.leaves(tree)[0])[0]
