"""Bounded reading, and errors that name the file."""

import io
from pathlib import Path

import pytest

from cornu.datasets.reading import naming
from cornu.errors import DataError
from cornu.io.archives import read_exactly


class Dripping(io.BytesIO):
    """Returns one byte at a time, as a socket may."""

    def read(self, size=-1):
        return super().read(min(size, 1))


def test_a_file_that_comes_in_pieces_is_read_whole():
    assert read_exactly(Dripping(b"abc"), 3) == b"abc"


@pytest.mark.parametrize(("size", "error"), [(4, EOFError), (2, ValueError)])
def test_another_length_is_refused(size, error):
    with pytest.raises(error):
        read_exactly(io.BytesIO(b"abc"), size)


@pytest.mark.parametrize("error", [EOFError("too short"), KeyError("no x"), OSError("not gzip"), AttributeError("odd")])
def test_damage_names_the_file_and_what_to_do(error):
    message = r"`a/b.npz` cannot be read: .*It should be MNIST. Remove the file"
    with pytest.raises(DataError, match=message) as raised, naming(Path("a/b.npz"), "MNIST"):
        raise error
    assert raised.value.__cause__ is error


def test_missing_rights_are_not_damage():
    with pytest.raises(PermissionError), naming(Path("a"), "MNIST"):
        raise PermissionError(13, "Permission denied")
