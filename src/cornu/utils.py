"""Seeds, one-hot labels and serialization, under the names of ``keras.utils``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.config import disable_interactive_logging as disable_interactive_logging
    from cornu.config import enable_interactive_logging as enable_interactive_logging
    from cornu.config import is_interactive_logging_enabled as is_interactive_logging_enabled
    from cornu.core.graph import get_source_inputs as get_source_inputs
    from cornu.core.session import clear_session as clear_session
    from cornu.core.symbolic_tensor import is_symbolic as is_keras_tensor
    from cornu.ops.image import bounding_boxes as bounding_boxes
    from cornu.ops.nn.encoding import normalize_vectors as normalize
    from cornu.ops.nn.encoding import to_categorical as to_categorical
    from cornu.registry import CustomObjectScope as CustomObjectScope
    from cornu.registry import custom_object_scope as custom_object_scope
    from cornu.registry import get_custom_objects as get_custom_objects
    from cornu.registry import get_registered_name as get_registered_name
    from cornu.registry import get_registered_object as get_registered_object
    from cornu.registry import register_keras_serializable as register_keras_serializable
    from cornu.saving import deserialize_keras_object as deserialize_keras_object
    from cornu.saving import serialize_keras_object as serialize_keras_object
    from cornu.seeds import set_random_seed as set_random_seed
    from cornu.training.batch import pack_x_y_sample_weight as pack_x_y_sample_weight
    from cornu.training.batch import unpack_x_y_sample_weight as unpack_x_y_sample_weight
    from cornu.training.data_adapters.py_dataset import PyDataset as PyDataset
    from cornu.training.data_adapters.py_dataset import PyDataset as Sequence
    from cornu.training.loop.progbar import Progbar as Progbar
    from cornu.validation import standardize_dtype as standardize_dtype

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
