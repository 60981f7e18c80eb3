# pyright: reportReturnType=false
# Methods of a protocol have no bodies.
"""What functions below the class ``Layer`` ask of a layer, and of the graph of a functional model."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cornu.core.dtype_policy import DTypePolicy
from cornu.core.symbolic_tensor import Node, SymbolicTensor
from cornu.core.variable import Variable
from cornu.typing import Tree


class LayerGraph(Protocol):
    """The graph of the layers and ops inside a functional model."""

    input_tensors: list[SymbolicTensor]
    output_tensors: list[SymbolicTensor]
    nodes: list[Node]

    @property
    def inputs(self) -> Any:
        """Tree of the input tensors."""

    @property
    def layers(self) -> Sequence["LayerLike"]:
        """The layers, without ops."""

    @property
    def input_names(self) -> list[str]:
        """Names of the input layers."""

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that return the outputs."""

    def consumers(self, tensor: SymbolicTensor) -> list:
        """Return the layers and ops that take a tensor as input."""

    def in_order(self, inputs: Tree) -> list:
        """Return inputs as a list in the order of the graph's inputs."""


class LayerLike(Protocol):
    """A layer or model: the attributes and methods of ``Layer`` that functions of this package and of ``training`` use."""

    name: str
    built: bool
    autocast: bool
    activity_regularizer: Callable | None
    _cornu: Any  # a `LayerRecord`, whose module imports this one
    _inbound_nodes: list[Node]
    _cornu_locks_when_built: bool

    @property
    def path(self) -> str | None:
        """Names of the enclosing layers and of the layer; None until it is built."""

    @property
    def trainable(self) -> bool:
        """Whether training may change the variables."""

    @trainable.setter
    def trainable(self, value: bool) -> None: ...

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtype policy."""

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None: ...

    @property
    def compute_dtype(self) -> str:
        """Dtype in which the layer computes."""

    @property
    def variable_dtype(self) -> str:
        """Dtype in which variables are stored."""

    @property
    def batch_coupling(self) -> Any:
        """How the layer couples the samples of a batch, a string."""

    @property
    def supports_masking(self) -> bool:
        """Whether the layer propagates the mask of its input to its output."""

    @property
    def cornu_runs_on_host(self) -> bool:
        """Whether ``call`` receives its inputs as they were passed."""

    @property
    def cornu_takes_strings(self) -> bool:
        """Whether the input is an array of strings."""

    @property
    def cornu_graph(self) -> LayerGraph | None:
        """The graph of the layers inside a functional model."""

    @property
    def variables(self) -> list[Variable]:
        """All variables, including those of the layers inside."""

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training may change."""

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other variables."""

    @property
    def weights(self) -> list[Variable]:
        """All variables that files store, in the order of ``get_weights``."""

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training may change."""

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""

    @property
    def input(self) -> Any:
        """The symbolic tensors of the first recorded call."""

    @property
    def build(self) -> Callable[..., Any]:
        """The method that creates the variables."""

    @property
    def call(self) -> Callable[..., Any]:
        """The method that computes the outputs."""

    @property
    def compute_output_shape(self) -> Callable[..., Any]:
        """The method from the shapes of the inputs to those of the outputs."""

    @property
    def compute_output_spec(self) -> Callable[..., Any]:
        """The method from symbolic inputs to symbolic outputs."""

    @property
    def compute_mask(self) -> Callable[..., Any]:
        """The method from the mask of the inputs to that of the outputs."""

    def count_params(self) -> int:
        """Return the total number of elements of the variables."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer, building it first if necessary."""

    def _cornu_sublayers(self) -> Sequence["LayerLike"]: ...
    def _cornu_own_variables(self) -> list[Variable]: ...
    def _cornu_build_for(self, args: tuple, kwargs: dict) -> None: ...
    def _cornu_after_build(self) -> None: ...
    def _cornu_after_move(self) -> None: ...
