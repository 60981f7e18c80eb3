"""Functions on single images, under the names of ``keras.preprocessing.image``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.data.images import array_to_img as array_to_img
    from cornu.data.images import img_to_array as img_to_array
    from cornu.data.images import load_img as load_img
    from cornu.data.images import save_img as save_img
    from cornu.data.images import smart_resize as smart_resize

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
