"""Images, sequences and datasets of files, under the names of ``keras.preprocessing``. Names are resolved on first use."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.data.image_folders import image_dataset_from_directory as image_dataset_from_directory
    from cornu.data.text_folders import text_dataset_from_directory as text_dataset_from_directory
    from cornu.data.windows import timeseries_dataset_from_array as timeseries_dataset_from_array
    from cornu.preprocessing import image as image
    from cornu.preprocessing import sequence as sequence

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
