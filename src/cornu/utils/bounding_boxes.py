"""Bounding boxes of images, under the names of ``keras.utils.bounding_boxes``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.ops.image.bounding_boxes import affine_transform as affine_transform
    from cornu.ops.image.bounding_boxes import clip_to_image_size as clip_to_image_size
    from cornu.ops.image.bounding_boxes import compute_ciou as compute_ciou
    from cornu.ops.image.bounding_boxes import compute_iou as compute_iou
    from cornu.ops.image.bounding_boxes import convert_format as convert_format
    from cornu.ops.image.bounding_boxes import crop as crop
    from cornu.ops.image.bounding_boxes import decode_deltas_to_boxes as decode_deltas_to_boxes
    from cornu.ops.image.bounding_boxes import encode_box_to_deltas as encode_box_to_deltas
    from cornu.ops.image.bounding_boxes import pad as pad

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
