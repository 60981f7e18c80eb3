"""Dtype policies, under the names of ``keras.dtype_policies``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.core.dtype_policy import DTypePolicy as DTypePolicy
    from cornu.core.dtype_policy import DTypePolicyMap as DTypePolicyMap
    from cornu.core.dtype_policy import FloatDTypePolicy as FloatDTypePolicy
    from cornu.core.dtype_policy import deserialize as deserialize
    from cornu.core.dtype_policy import get as get
    from cornu.core.dtype_policy import serialize as serialize

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
