"""ResNet50, in the module of Keras's (see :mod:`cornu.applications.resnet`)."""

from cornu.applications.resnet import (
    ResNet50 as ResNet50,
)
from cornu.applications.resnet import (
    decode_predictions as decode_predictions,
)
from cornu.applications.resnet import (
    preprocess_input as preprocess_input,
)
