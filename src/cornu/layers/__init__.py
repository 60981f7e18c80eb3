"""Layers, the building blocks of models."""

from cornu import namespaces, registry
from cornu.core.input import Input as Input, InputLayer as InputLayer
from cornu.core.input_spec import InputSpec as InputSpec
from cornu.core.layer import Layer as Layer
from cornu.layers.activations import *
from cornu.layers.attention.attention import *
from cornu.layers.attention.grouped_query_attention import *
from cornu.layers.attention.multi_head_attention import *
from cornu.layers.augmentation.color import *
from cornu.layers.augmentation.cropping import *
from cornu.layers.augmentation.distortion import *
from cornu.layers.augmentation.geometry import *
from cornu.layers.augmentation.intensity import *
from cornu.layers.augmentation.mixing import *
from cornu.layers.augmentation.pipeline import *
from cornu.layers.augmentation.policies import *
from cornu.layers.basic.dense import *
from cornu.layers.basic.einsum_dense import *
from cornu.layers.basic.embedding import *
from cornu.layers.basic.lambda_layer import *
from cornu.layers.basic.masking import *
from cornu.layers.basic.reversible_embedding import *
from cornu.layers.convolution.conv import *
from cornu.layers.convolution.conv_transpose import *
from cornu.layers.convolution.depthwise_conv import *
from cornu.layers.convolution.separable_conv import *
from cornu.layers.jax_layer import *
from cornu.layers.lookup import *
from cornu.layers.merging import *
from cornu.layers.normalization.batch_normalization import *
from cornu.layers.normalization.group_normalization import *
from cornu.layers.normalization.layer_normalization import *
from cornu.layers.normalization.rms_normalization import *
from cornu.layers.normalization.spectral_normalization import *
from cornu.layers.normalization.unit_normalization import *
from cornu.layers.pooling import *
from cornu.layers.preprocessing.category_encoding import *
from cornu.layers.preprocessing.discretization import *
from cornu.layers.preprocessing.hashing import *
from cornu.layers.preprocessing.integer_lookup import *
from cornu.layers.preprocessing.normalization import *
from cornu.layers.preprocessing.numeric import *
from cornu.layers.preprocessing.spectrograms import *
from cornu.layers.preprocessing.string_lookup import *
from cornu.layers.preprocessing.text_vectorization import *
from cornu.layers.recurrent.bidirectional import *
from cornu.layers.recurrent.conv_lstm import *
from cornu.layers.recurrent.gru import *
from cornu.layers.recurrent.lstm import *
from cornu.layers.recurrent.rnn import *
from cornu.layers.recurrent.simple_rnn import *
from cornu.layers.recurrent.stacked_rnn_cells import *
from cornu.layers.recurrent.time_distributed import *
from cornu.layers.regularization import *
from cornu.layers.reshaping import *
from cornu.layers.scaling import *
from cornu.layers.tfsm_layer import *
from cornu.layers.torch_module import *
from cornu.layers.wrapper import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
