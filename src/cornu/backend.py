"""Settings of the backend and the session, under the names of ``keras.backend``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.config import backend as backend
    from cornu.config import epsilon as epsilon
    from cornu.config import floatx as floatx
    from cornu.config import image_data_format as image_data_format
    from cornu.config import set_epsilon as set_epsilon
    from cornu.config import set_floatx as set_floatx
    from cornu.config import set_image_data_format as set_image_data_format
    from cornu.core.naming import get_uid as get_uid
    from cornu.core.session import clear_session as clear_session
    from cornu.core.symbolic_tensor import is_symbolic as is_keras_tensor
    from cornu.validation import is_float_dtype as is_float_dtype
    from cornu.validation import is_int_dtype as is_int_dtype
    from cornu.validation import result_type as result_type
    from cornu.validation import standardize_dtype as standardize_dtype

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
