"""A CIFAR batch is data: a pickle that wants to be more is refused before it does anything."""

import gzip
import pickle
import struct
import tarfile

import numpy as np
import pytest

from cornu import config
from cornu.datasets import cifar

PIXELS = np.random.default_rng(3).integers(0, 256, (2, 3072), "uint8")


class Marker:
    """A pickle of this runs a command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_batches_of_python_2_and_3_give_the_same(batch_of_python_2):
    for content in (
        batch_of_python_2(PIXELS, [6, 9]),
        pickle.dumps({"data": PIXELS, "labels": [6, 9]}, protocol=3),
        pickle.dumps({b"data": PIXELS, b"labels": [6, 9]}, protocol=4),
    ):
        batch = cifar.unpickle(content)
        np.testing.assert_array_equal(
            cifar.images(batch, 2), np.moveaxis(PIXELS.reshape(2, 3, 32, 32), 1, -1), err_msg=str(content[:10])
        )
        assert cifar.labels(batch, "labels", 2, 10).tolist() == [[6], [9]]


def test_the_hand_written_batch_is_what_python_reads(batch_of_python_2):
    batch = pickle.loads(batch_of_python_2(PIXELS, [6, 9]), encoding="bytes")
    np.testing.assert_array_equal(batch[b"data"], PIXELS)
    assert batch[b"labels"] == [6, 9]


def test_channels_come_first_if_the_setting_says_so(monkeypatch, batch_of_python_2):
    monkeypatch.setattr(config, "image_data_format", lambda: "channels_first")
    images = cifar.images(cifar.unpickle(batch_of_python_2(PIXELS, [6, 9])), 2)
    np.testing.assert_array_equal(images, PIXELS.reshape(2, 3, 32, 32))


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_something_runs_nothing(tmp_path, protocol):
    content = pickle.dumps({"data": Marker(tmp_path / "marker")}, protocol=protocol)
    with pytest.raises(pickle.UnpicklingError, match=r"refers to `\w+.open`, which is not allowed in a file of data"):
        cifar.unpickle(content)
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
    ],
)
def test_other_ways_to_run_something_are_refused(content):
    with pytest.raises((pickle.UnpicklingError, ValueError, EOFError)):
        cifar.unpickle(content)


@pytest.mark.parametrize("instruction", [b"r\xff\xff\xff\x7f", b"p2147483647\n"])
def test_memory_slots_that_were_never_counted_up_to_are_refused(instruction):
    with pytest.raises(pickle.UnpicklingError, match="memo index 2147483647"):
        cifar.unpickle(b"\x80\x02N" + instruction + b".")


def test_an_array_cannot_be_larger_than_its_bytes(batch_of_python_2):
    content = batch_of_python_2(PIXELS, [6, 9]).replace(struct.pack("<i", 2) + b"M", struct.pack("<i", 2**30) + b"M")
    with pytest.raises(ValueError, match=r"shape \(1073741824, 3072\) instead of"):
        cifar.images(cifar.unpickle(content), 2)
    with pytest.raises(ValueError, match="instead of"):
        cifar.images(cifar.unpickle(content), 2**30)


@pytest.mark.parametrize(
    "data", [PIXELS.astype("float32"), PIXELS.astype(object), PIXELS.astype("int8"), PIXELS[:, :100], PIXELS[:1], "text", None]
)
def test_images_of_another_kind_are_refused(data):
    with pytest.raises(ValueError, match=r"not arrays of bytes|instead of"):
        cifar.images(cifar.unpickle(pickle.dumps({"data": data}, protocol=4)), 2)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([6], "not a list of 2 integers"),
        ([6, 1.5], "not a list of 2 integers"),
        ([True, 6], "not a list of 2 integers"),
        (None, "not a list of 2 integers"),
        ([6, 10], "label 10"),
        ([6, 2**70], "label 1180591620717411303424"),
        ([-1, 6], "label -1"),
    ],
)
def test_labels_of_another_kind_are_refused(values, reason):
    with pytest.raises(ValueError, match=reason):
        cifar.labels({"labels": values}, "labels", 2, 10)


def test_something_other_than_a_dictionary_is_refused():
    with pytest.raises(ValueError, match="contains a list instead"):
        cifar.unpickle(pickle.dumps([1], protocol=4))


EMPTY = pickle.dumps({}, protocol=4)


def test_archive_and_unpacked_folder_hold_the_same(tmp_path, pack):
    packed = pack(tmp_path / "a.tar.gz", {"set/readme.html": b"hello", "set/train": EMPTY, "set/test": EMPTY})
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    for path in (packed, tmp_path / "unpacked"):
        assert sorted(cifar.batches(path, ["train", "test"])) == [("test", {}), ("train", {})]


def test_a_missing_batch_is_named(tmp_path, pack):
    packed = pack(tmp_path / "a.tar.gz", {"set/train": EMPTY})
    with pytest.raises(KeyError, match="contains no file `test`"):
        list(cifar.batches(packed, ["train", "test"]))


def test_members_outside_the_archive_write_nothing(tmp_path, pack):
    packed = pack(tmp_path / "a.tar.gz", {"../escaped": b"x", "/tmp/cornu-escaped": b"x", "set/train": EMPTY})
    assert list(cifar.batches(packed, ["train"])) == [("train", {})]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tar.gz"]


def test_links_and_devices_are_no_batches(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        for kind in (tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo("set/train")
            member.type = kind
            tar.addfile(member)
    with pytest.raises(KeyError, match="no file `train`"):
        list(cifar.batches(tmp_path / "a.tar.gz", ["train"]))


@pytest.mark.parametrize("header", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_an_archive_that_unpacks_to_far_too_much_is_given_up(tmp_path, monkeypatch, header):
    monkeypatch.setattr("cornu.io.archives._LARGEST", 2**20)
    member = tarfile.TarInfo("set/train")
    member.type = header
    member.size = 2**23
    with gzip.open(tmp_path / "a.tar.gz", "wb") as packed:
        packed.write(member.tobuf() + bytes(2**23))
    with pytest.raises(ValueError, match="it unpacks to more than 1,048,576 bytes"):
        list(cifar.batches(tmp_path / "a.tar.gz", ["train", "test"]))
