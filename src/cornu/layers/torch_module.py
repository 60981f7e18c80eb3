"""PyTorch modules as Cornu layers, and Cornu models as PyTorch modules. PyTorch is imported only when one is created."""

import copy
from typing import Any

from cornu import backends, registry
from cornu.core.call_context import CallContext
from cornu.core.layer import Layer
from cornu.layers.foreign_layer import ForeignLayer
from cornu.scopes import construction_lock
from cornu.typing import Array, Shape, Tree

__all__ = ["TorchModuleWrapper", "as_torch_module"]


@registry.register("layers")
class TorchModuleWrapper(ForeignLayer):
    """Layer that wraps a ``torch.nn.Module``; its parameters become weights, its buffers non-trainable weights.

    The layer, and so the model it belongs to, must be on the backend ``"torch"``. The module is copied; :attr:`module` returns
    a copy with the current weights. The image layers of PyTorch expect channels first. The layer has no config: for a model
    with it, only the weights can be saved.

    Args:
        module: Module to wrap.
        name: Name of the layer. Defaults to None (an automatic name).
        output_shape: Accepted for compatibility with Keras; the shape of the output is that of what the module returns.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``trainable`` and ``dtype``.

    Raises:
        BackendError: If, when called, the layer is on another backend.

    Example:
        >>> import cornu, torch  # doctest: +SKIP
        >>> layer = cornu.layers.TorchModuleWrapper(torch.nn.Linear(3, 2))  # doctest: +SKIP
        >>> [weight.path for weight in layer.weights]  # doctest: +SKIP
        ['torch_module_wrapper/weight', 'torch_module_wrapper/bias']
    """

    cornu_engine, cornu_wraps = "torch", "a module of PyTorch"

    def __init__(self, module: Any, name: str | None = None, output_shape: Shape | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self._module = copy.deepcopy(module)
        self._buffer_names = [name for name, _ in module.named_buffers()]
        named = [*module.named_parameters(), *module.named_buffers()]
        self._named = {name: self._weight_of(name, tensor) for name, tensor in named}
        self.built = True
        self.to_backend("torch")

    def _weight_of(self, name: str, tensor: Any) -> Any:
        engine = backends.get("torch")
        return self.add_weight(
            tuple(tensor.shape),
            lambda shape, dtype: engine.to_numpy(tensor),
            engine.dtype(tensor),
            trainable=name not in self._buffer_names and tensor.requires_grad,
            name=name.replace(".", "_"),
        )

    def call(self, *args: Array, training: bool | None = None, **kwargs: Tree) -> Any:
        """Return the output of the ``forward`` of the module, in training or evaluation mode according to ``training``."""
        self._check_engine()
        from torch.func import functional_call

        values = {name: variable.value for name, variable in self._named.items()}
        for name in self._buffer_names:
            values[name] = values[name].clone()  # a module writes into its buffers
        # The module has one mode and, while it is called, the values as its own: so one thread calls it at a time, and it is
        # the lock that is held where a function is traced, as this one may be.
        with construction_lock:
            self._module.train(bool(training))
            outputs = functional_call(self._module, values, args, kwargs)
        if training:
            for name in self._buffer_names:
                self._named[name].assign(values[name].detach())
        return outputs

    @property
    def module(self) -> Any:
        """A copy of the module with the current weights."""
        module, engine = copy.deepcopy(self._module), backends.get("torch")
        module.load_state_dict({name: engine.asarray(variable.numpy()) for name, variable in self._named.items()}, strict=False)
        return module


def as_torch_module(model: Layer) -> Any:
    """Return a built model or layer as a ``torch.nn.Module``, for the optimizers, training loops and tools of PyTorch.

    The module has copies of the weights; ``module.push()`` copies its current weights to the model.

    A module sees the parameters of the modules among its attributes only. Those of a Cornu model there are missing from
    ``parameters()``, so that an optimizer does not train them, without an error: convert the model, or pass its parameters too,
    ``[*module.parameters(), *model.parameters()]``.

    Args:
        model: Built model or layer, on any backend.

    Returns:
        Module whose parameters are the trainable weights and whose buffers are the others. Its inputs are those of the model,
        as tensors; ``module.train()`` and ``module.eval()`` set the mode of layers such as dropout.

    Example:
        >>> import cornu  # doctest: +SKIP
        >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])  # doctest: +SKIP
        >>> [tuple(p.shape) for p in cornu.layers.as_torch_module(model).parameters()]  # doctest: +SKIP
        [(3, 2), (2,)]
        >>> class Net(torch.nn.Module):  # doctest: +SKIP
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.body, self.head = cornu.layers.as_torch_module(model), torch.nn.Linear(2, 1)
        ...     def forward(self, x):
        ...         return self.head(self.body(x))
        >>> len(list(Net().parameters()))  # doctest: +SKIP
        4
    """
    import torch

    engine = backends.get("torch")

    class CornuModule(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for number, variable in enumerate(model.trainable_variables):
                value = engine.asarray(variable.numpy(), variable.dtype)
                self.register_parameter(f"trainable_{number}", torch.nn.Parameter(value))
            for number, variable in enumerate(model.non_trainable_variables):
                self.register_buffer(f"other_{number}", engine.asarray(variable.numpy(), variable.dtype))

        def forward(self, *inputs: Array) -> Any:
            context = CallContext(training=self.training, backend_name="torch")
            outputs, others = model.stateless_call(list(self.parameters()), list(self.buffers()), *inputs, call_context=context)
            for buffer, value in zip(self.buffers(), others, strict=True):
                buffer.copy_(value.detach())
            return outputs

        def push(self) -> None:
            """Copy the current weights to the model."""
            variables = [*model.trainable_variables, *model.non_trainable_variables]
            for variable, tensor in zip(variables, [*self.parameters(), *self.buffers()], strict=True):
                variable.assign(engine.to_numpy(tensor))

    return CornuModule()
