"""Networks for images, with weights trained on ImageNet."""

from cornu import registry
from cornu.applications import (
    convnext as convnext,
    densenet as densenet,
    efficientnet as efficientnet,
    efficientnet_lite as efficientnet_lite,
    efficientnet_v2 as efficientnet_v2,
    imagenet_utils as imagenet_utils,
    inception_resnet_v2 as inception_resnet_v2,
    inception_v3 as inception_v3,
    mobilenet as mobilenet,
    mobilenet_v2 as mobilenet_v2,
    mobilenet_v3 as mobilenet_v3,
    nasnet as nasnet,
    resnet as resnet,
    resnet50 as resnet50,
    resnet_v2 as resnet_v2,
    vgg16 as vgg16,
    vgg19 as vgg19,
    xception as xception,
)
from cornu.applications.convnext import (
    ConvNeXtBase as ConvNeXtBase,
    ConvNeXtLarge as ConvNeXtLarge,
    ConvNeXtSmall as ConvNeXtSmall,
    ConvNeXtTiny as ConvNeXtTiny,
    ConvNeXtXLarge as ConvNeXtXLarge,
)
from cornu.applications.densenet import DenseNet121 as DenseNet121, DenseNet169 as DenseNet169, DenseNet201 as DenseNet201
from cornu.applications.efficientnet import (
    EfficientNetB0 as EfficientNetB0,
    EfficientNetB1 as EfficientNetB1,
    EfficientNetB2 as EfficientNetB2,
    EfficientNetB3 as EfficientNetB3,
    EfficientNetB4 as EfficientNetB4,
    EfficientNetB5 as EfficientNetB5,
    EfficientNetB6 as EfficientNetB6,
    EfficientNetB7 as EfficientNetB7,
)
from cornu.applications.efficientnet_lite import (
    EfficientNetLite0 as EfficientNetLite0,
    EfficientNetLite1 as EfficientNetLite1,
    EfficientNetLite2 as EfficientNetLite2,
    EfficientNetLite3 as EfficientNetLite3,
    EfficientNetLite4 as EfficientNetLite4,
)
from cornu.applications.efficientnet_v2 import (
    EfficientNetV2B0 as EfficientNetV2B0,
    EfficientNetV2B1 as EfficientNetV2B1,
    EfficientNetV2B2 as EfficientNetV2B2,
    EfficientNetV2B3 as EfficientNetV2B3,
    EfficientNetV2L as EfficientNetV2L,
    EfficientNetV2M as EfficientNetV2M,
    EfficientNetV2S as EfficientNetV2S,
)
from cornu.applications.inception_resnet_v2 import InceptionResNetV2 as InceptionResNetV2
from cornu.applications.inception_v3 import InceptionV3 as InceptionV3
from cornu.applications.mobilenet import MobileNet as MobileNet
from cornu.applications.mobilenet_v2 import MobileNetV2 as MobileNetV2
from cornu.applications.mobilenet_v3 import MobileNetV3Large as MobileNetV3Large, MobileNetV3Small as MobileNetV3Small
from cornu.applications.nasnet import NASNetLarge as NASNetLarge, NASNetMobile as NASNetMobile
from cornu.applications.resnet import ResNet50 as ResNet50, ResNet101 as ResNet101, ResNet152 as ResNet152
from cornu.applications.resnet_v2 import ResNet50V2 as ResNet50V2, ResNet101V2 as ResNet101V2, ResNet152V2 as ResNet152V2
from cornu.applications.torch_networks import from_torch_state as from_torch_state
from cornu.applications.transfer_learning import extract_features as extract_features, unfreeze as unfreeze
from cornu.applications.vgg import VGG16 as VGG16, VGG19 as VGG19
from cornu.applications.xception import Xception as Xception

__all__ = registry.exported_names(
    globals(),
    "convnext",
    "densenet",
    "efficientnet",
    "efficientnet_lite",
    "efficientnet_v2",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
)
