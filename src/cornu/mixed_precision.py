"""The global dtype policy and loss scaling under the names of ``keras.mixed_precision``, resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.core.dtype_policy import DTypePolicy as DTypePolicy
    from cornu.core.dtype_policy import DTypePolicy as Policy
    from cornu.core.dtype_policy import dtype_policy as dtype_policy
    from cornu.core.dtype_policy import dtype_policy as global_policy
    from cornu.core.dtype_policy import set_dtype_policy as set_dtype_policy
    from cornu.core.dtype_policy import set_dtype_policy as set_global_policy
    from cornu.optimizers import LossScaleOptimizer as LossScaleOptimizer

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
