"""Files, folders, seeds and serialization, under the names of ``keras.utils``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.config import disable_interactive_logging as disable_interactive_logging
    from cornu.config import enable_interactive_logging as enable_interactive_logging
    from cornu.config import is_interactive_logging_enabled as is_interactive_logging_enabled
    from cornu.core.graph import get_source_inputs as get_source_inputs
    from cornu.core.session import clear_session as clear_session
    from cornu.core.symbolic_tensor import is_symbolic as is_keras_tensor
    from cornu.data.audio_folders import audio_dataset_from_directory as audio_dataset_from_directory
    from cornu.data.image_folders import image_dataset_from_directory as image_dataset_from_directory
    from cornu.data.images import array_to_img as array_to_img
    from cornu.data.images import img_to_array as img_to_array
    from cornu.data.images import load_img as load_img
    from cornu.data.images import save_img as save_img
    from cornu.data.sequences import pad_sequences as pad_sequences
    from cornu.data.split import split_dataset as split_dataset
    from cornu.data.text_folders import text_dataset_from_directory as text_dataset_from_directory
    from cornu.data.windows import timeseries_dataset_from_array as timeseries_dataset_from_array
    from cornu.io.get_file import get_file as get_file
    from cornu.models.feature_space import FeatureSpace as FeatureSpace
    from cornu.models.plotting import model_to_dot as model_to_dot
    from cornu.models.plotting import plot_model as plot_model
    from cornu.named_values import Config as Config
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
    from cornu.utils import bounding_boxes as bounding_boxes
    from cornu.validation import standardize_dtype as standardize_dtype

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
