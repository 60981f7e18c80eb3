"""Fixtures of the data sets: an archive, and a batch of CIFAR as Python 2 wrote it."""

import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def pack() -> Callable[[Path, dict[str, bytes]], Path]:
    """A function that makes a ``.tar.gz`` of content by name."""

    def write(path: Path, files: dict[str, bytes]) -> Path:
        with tarfile.open(path, "w:gz", compresslevel=1) as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def batch_of_python_2() -> Callable[[np.ndarray, list[int]], bytes]:
    """A function that makes a batch of CIFAR."""

    def write(pixels: np.ndarray, labels: list[int]) -> bytes:
        """Instruction by instruction what Python 2's cPickle and NumPy of 2009 wrote into the published files."""
        count, width = pixels.shape
        return b"".join(
            [
                b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05(",
                *(b"K" + bytes([label]) for label in labels),
                b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09(K\x01",
                b"J"
                + struct.pack("<i", count)
                + b"M"
                + struct.pack("<H", width)
                + b"\x86cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b(",
                b"K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
                + struct.pack("<i", pixels.size)
                + pixels.tobytes()
                + b"tb",
                b"U\tfilenamesq\x0c]q\r(U\x05a.pngq\x0eU\x05b.pngq\x0feu.",
            ]
        )

    return write
