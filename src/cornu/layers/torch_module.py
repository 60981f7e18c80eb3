"""PyTorch's modules among Cornu's layers, and Cornu's models among PyTorch's modules. PyTorch is imported when one is made."""

import copy
from typing import Any

from cornu import backends
from cornu.core.context import CallContext
from cornu.core.layer import Layer
from cornu.errors import BackendError


class TorchModuleWrapper(Layer):
    """A ``torch.nn.Module`` as a layer: its parameters become weights of the layer, its buffers weights that are not trained.

    It is on the backend ``"torch"``, and so must the model it is in be. The module is copied; :attr:`module` gives one with the
    weights as they are. PyTorch's own layers for pictures want the channels first. It has no config: a model with it saves
    weights alone.

    Args:
        module: The module.
        **kwargs: ``name``, ``trainable`` and ``dtype``, as for every layer.

    Raises:
        BackendError: On a call, if the layer is on another backend.

    Example:
        >>> import cornu, torch  # doctest: +SKIP
        >>> layer = cornu.layers.TorchModuleWrapper(torch.nn.Linear(3, 2))  # doctest: +SKIP
        >>> [weight.path for weight in layer.weights]  # doctest: +SKIP
        ['torch_module_wrapper/weight', 'torch_module_wrapper/bias']
    """

    def __init__(self, module: Any, **kwargs: Any):
        super().__init__(**kwargs)
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

    def call(self, *inputs: Any, training: bool = False) -> Any:
        """The module's ``forward``, in the mode that ``training`` says."""
        if self.backend_name != "torch":
            raise BackendError(
                f"The layer {self.name!r} wraps a PyTorch module and is on the backend {self.backend_name!r}.",
                "A PyTorch module runs only on the backend 'torch'.",
                "Move the model: `model.to_backend('torch')`.",
            )
        from torch.func import functional_call

        values = {name: variable.value for name, variable in self._named.items()}
        for name in self._buffer_names:
            values[name] = values[name].clone()  # a module writes into its buffers
        self._module.train(bool(training))
        outputs = functional_call(self._module, values, inputs)
        if training:
            for name in self._buffer_names:
                self._named[name].assign(values[name].detach())
        return outputs

    @property
    def module(self) -> Any:
        """A copy of the module with the weights as they are now."""
        module, engine = copy.deepcopy(self._module), backends.get("torch")
        module.load_state_dict({name: engine.asarray(variable.numpy()) for name, variable in self._named.items()}, strict=False)
        return module


def as_torch_module(model: Any) -> Any:
    """A built model, or layer, as a ``torch.nn.Module``, for PyTorch's optimizers, loops and tools.

    The module has copies of the weights; ``module.hand_back()`` gives them to the model as they are then.

    Args:
        model: The model, on any backend.

    Returns:
        A module whose parameters are the trainable weights and whose buffers are the others. It takes what the model takes, as
        tensors, and runs layers such as dropout as ``module.train()`` and ``module.eval()`` say.

    Example:
        >>> import cornu  # doctest: +SKIP
        >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])  # doctest: +SKIP
        >>> [tuple(p.shape) for p in cornu.layers.as_torch_module(model).parameters()]  # doctest: +SKIP
        [(3, 2), (2,)]
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

        def forward(self, *inputs: Any) -> Any:
            surroundings = CallContext(training=self.training, backend_name="torch")
            outputs, others = model.stateless_call(
                list(self.parameters()), list(self.buffers()), *inputs, call_context=surroundings
            )
            for buffer, value in zip(self.buffers(), others, strict=True):
                buffer.copy_(value.detach())
            return outputs

        def hand_back(self) -> None:
            """Gives the model the weights as they are now."""
            variables = [*model.trainable_variables, *model.non_trainable_variables]
            for variable, tensor in zip(variables, [*self.parameters(), *self.buffers()], strict=True):
                variable.assign(engine.to_numpy(tensor))

    return CornuModule()
