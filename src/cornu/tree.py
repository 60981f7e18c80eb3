"""Functions on nested structures, under the names of ``keras.tree``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.structures import MAP_TO_NONE as MAP_TO_NONE
    from cornu.structures import assert_same_paths as assert_same_paths
    from cornu.structures import assert_same_structure as assert_same_structure
    from cornu.structures import flatten as flatten
    from cornu.structures import flatten_with_path as flatten_with_path
    from cornu.structures import is_nested as is_nested
    from cornu.structures import lists_to_tuples as lists_to_tuples
    from cornu.structures import map_shape_structure as map_shape_structure
    from cornu.structures import map_structure as map_structure
    from cornu.structures import map_structure_up_to as map_structure_up_to
    from cornu.structures import pack_sequence_as as pack_sequence_as
    from cornu.structures import traverse as traverse

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
