"""VGG19, in the module of Keras's (see :mod:`cornu.applications.vgg`)."""

from cornu.applications.vgg import (
    VGG19 as VGG19,
)
from cornu.applications.vgg import (
    decode_predictions as decode_predictions,
)
from cornu.applications.vgg import (
    preprocess_input as preprocess_input,
)
