"""Cornu: a small, fast deep learning library with the API of Keras, on JAX, PyTorch, TensorFlow and NumPy.

The names below are imported on first use, so ``import cornu`` is fast and imports no array engine.
"""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu import (
        activations as activations,
        applications as applications,
        backend as backend,
        backends as backends,
        callbacks as callbacks,
        config as config,
        constraints as constraints,
        datasets as datasets,
        distillation as distillation,
        dtype_policies as dtype_policies,
        errors as errors,
        export as export,
        initializers as initializers,
        layers as layers,
        losses as losses,
        metrics as metrics,
        mixed_precision as mixed_precision,
        models as models,
        ops as ops,
        optimizers as optimizers,
        plots as plots,
        preprocessing as preprocessing,
        quantizers as quantizers,
        random as random,
        regularizers as regularizers,
        saving as saving,
        testing as testing,
        tree as tree,
        utils as utils,
        visualization as visualization,
        wrappers as wrappers,
    )
    from cornu.core.dtype_policy import DTypePolicy as DTypePolicy, FloatDTypePolicy as FloatDTypePolicy
    from cornu.core.gradients import value_and_grad as value_and_grad
    from cornu.core.input import Input as Input
    from cornu.core.input_spec import InputSpec as InputSpec
    from cornu.core.keras_scopes import (
        StatelessScope as StatelessScope,
        SymbolicScope as SymbolicScope,
        device as device,
        name_scope as name_scope,
    )
    from cornu.core.operation import Function as Function, Operation as Operation
    from cornu.core.remat import RematScope as RematScope, remat as remat
    from cornu.core.symbolic_tensor import SymbolicTensor as KerasTensor  # noqa: F401
    from cornu.core.variable import Variable as Variable
    from cornu.export import load_onnx as load_onnx
    from cornu.initializers import Initializer as Initializer
    from cornu.layers import Layer as Layer
    from cornu.losses import Loss as Loss
    from cornu.metrics import Metric as Metric
    from cornu.models import Model as Model, Sequential as Sequential
    from cornu.optimizers import Optimizer as Optimizer
    from cornu.regularizers import Regularizer as Regularizer

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = namespaces.attach(__name__)


def version() -> str:
    """Return the version of Cornu, ``cornu.__version__``.

    Example:
        >>> import cornu
        >>> cornu.version() == cornu.__version__
        True
    """
    return __version__
