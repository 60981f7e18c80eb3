"""Arrays of lists are read from pickles as data: a pickle that wants to be more is refused before it does anything."""

import pickle
import struct

import numpy as np
import pytest

from cornu.datasets import pickled_arrays

ROWS = np.fromiter([[1, 2, 300], [], [70000, 255, 256, 65535, 2**31 - 1]], object, 3)


class Marker:
    """A pickle of this runs a command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def with_core(name: bytes, content: bytes) -> bytes:
    """The pickle as NumPy 1 (``numpy.core``) or NumPy 2 (``numpy._core``) writes it."""
    if content[2:3] == b"\x95":
        content = content[:2] + content[11:]  # a frame is optional, and has a size
    for core in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
        for prefix in (b"\x8c" + bytes([len(core)]), b"X" + struct.pack("<I", len(core)), b"c"):
            start = b"c" if prefix == b"c" else prefix[:1] + len(name).to_bytes(len(prefix) - 1, "little")
            content = content.replace(prefix + core, start + name)
    return content


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("name", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_lists_are_read_from_pickles_of_both_numpys(name, protocol):
    content = with_core(name, pickle.dumps(ROWS, protocol=protocol))
    assert name in content
    assert pickled_arrays.lists_of_integers(content, 3).tolist() == ROWS.tolist()


def test_pickles_of_python_2_are_read():
    dtype = b"cnumpy\ndtype\n(U\x02O8K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    start = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    content = start + b"(K\x01K\x02\x85" + dtype + b"\x89](](K\x07M\x00\x01e](K\x08eetb."
    assert pickle.loads(content, encoding="latin1").tolist() == [[7, 256], [8]]
    assert pickled_arrays.lists_of_integers(content, 2).tolist() == [[7, 256], [8]]


def test_many_lists_are_read():
    rows = np.fromiter([[number] * 3 for number in range(3000)], object, 3000)  # more than 255 memo indices
    for protocol in (3, 4):
        assert pickled_arrays.lists_of_integers(pickle.dumps(rows, protocol=protocol), 3000).tolist() == rows.tolist()


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_something_runs_nothing(tmp_path, protocol):
    rows = np.fromiter([[1], [Marker(tmp_path / "marker")]], object, 2)
    with pytest.raises(pickle.UnpicklingError, match="objects other than lists of integers"):
        pickled_arrays.lists_of_integers(pickle.dumps(rows, protocol=protocol), 2)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"\x80\x02cbuiltins\nobject\n)\x81.",
        b"\x80\x02\x82\x01.",
        b"Pname\n.",
        b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
        b"\x80\x02cnumpy\nload\n.",
        b"\x80\x02cnumpy.core.multiarray\nfromfile\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bndarray.dump\x93.",
        b"\x80\x02Nr\xff\xff\xff\x7f.",
        b"\x80\x02Np2147483647\n.",
        b"\x80\x02\x8a\xff" + bytes(255) + b".",
        b"",
        b".K\x01.",
        pickle.dumps(ROWS, protocol=4)[:-1],
        pickle.dumps(ROWS, protocol=4) + b"K\x01.",
    ],
)
def test_other_instructions_are_refused(content):
    with pytest.raises(pickle.UnpicklingError):
        pickled_arrays.lists_of_integers(content, 3)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([[1], [2], [3]], "it does not contain 3 lists"),
        (np.zeros(3, "uint8"), "other than lists of integers"),
        (np.fromiter([[1], [2]], object, 2), "it does not contain 3 lists"),
        (np.fromiter([[1], [2], 3], object, 3), "it does not contain 3 lists"),
        (np.fromiter([[1], [2], (3,)], object, 3), "it does not contain 3 lists"),
        (np.fromiter([[1], [2], [True]], object, 3), "something other than integers"),
        (np.fromiter([[1], [2], [None]], object, 3), "something other than integers"),
        (np.fromiter([[1], [2], [[3]]], object, 3), "something other than integers"),
        (np.fromiter([[1], [2], [2**31]], object, 3), "other than lists of integers"),
        (np.fromiter([[1], [2], [1.5]], object, 3), "other than lists of integers"),
        (np.fromiter([[1], [2], "text"], object, 3), "other than lists of integers"),
        (np.fromiter([[1] * 999] * 3, object, 3)[[0, 1, 2]], "its lists repeat each other"),
    ],
)
def test_other_values_are_refused(value, reason):
    with pytest.raises((pickle.UnpicklingError, ValueError), match=reason):
        pickled_arrays.lists_of_integers(pickle.dumps(value, protocol=4), 3)


def test_a_list_that_contains_itself_is_refused():
    row = [1]
    row.append(row)
    with pytest.raises(ValueError, match="something other than integers"):
        pickled_arrays.lists_of_integers(pickle.dumps(np.fromiter([row], object, 1), protocol=4), 1)
