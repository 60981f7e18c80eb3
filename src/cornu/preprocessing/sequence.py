"""Functions on sequences, under the names of ``keras.preprocessing.sequence``. Names are resolved when they are used."""

from typing import TYPE_CHECKING

from cornu import namespaces

if TYPE_CHECKING:
    from cornu.data.sequences import pad_sequences as pad_sequences

__getattr__, __dir__, __all__ = namespaces.attach(__name__)
