"""Downloads to the cache folder: names and results of Keras, checksums, archives; a failure leaves what was there."""

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import keras
import pytest

import cornu
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError
from cornu.utils import get_file


def archive(kind: str, name: str = "data/a.txt") -> bytes:
    """The content of an archive with one file."""
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as opened:
            opened.writestr(name, "text")
    else:
        with tarfile.open(fileobj=file, mode="w:gz") as opened:
            member = tarfile.TarInfo(name)
            member.size = 4
            opened.addfile(member, io.BytesIO(b"text"))
    return file.getvalue()


def below(folder: Path) -> list[str]:
    """The files and folders below a folder, without locks and records."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.name.startswith("."))


def sums(content: bytes) -> tuple[str, str]:
    return hashlib.sha256(content).hexdigest(), hashlib.md5(content).hexdigest()


CALLS = {
    "a file": ("", {}),
    "a name": ("", {"fname": "x.txt"}),
    "a folder": ("", {"cache_subdir": "other"}),
    "an archive": ("tar", {"extract": True}),
    "an archive, with the old argument": ("tar", {"untar": True}),
    "an archive and the name of a file": ("tar", {"fname": "flowers.tar.gz", "extract": True}),
    "an archive and the name of a folder": ("tar", {"fname": "flowers", "untar": True}),
    "a zip archive": ("zip", {"fname": "flowers.zip", "extract": True}),
    "a zip archive as such": ("zip", {"fname": "flowers", "extract": True, "archive_format": "zip"}),
    "a list of formats": ("zip", {"extract": True, "archive_format": ["tar", "zip"]}),
}


@pytest.mark.parametrize("call", CALLS)
def test_results_and_files_are_those_of_keras(call, server, tmp_path):
    kind, arguments = CALLS[call]
    server.body = archive(kind) if kind else b"content"
    found = {}
    for package in (keras, cornu):
        folder = tmp_path / package.__name__
        folder.mkdir()  # Keras would silently use another cache folder
        path = package.utils.get_file(origin=server.url, cache_dir=folder, **arguments)
        found[package] = type(path), os.path.relpath(path, folder), below(folder)
    assert found[cornu] == found[keras]
    assert len(server.requests) == 2


@pytest.mark.parametrize("format", ["tar", None])
def test_a_file_that_is_no_archive_of_the_format_is_kept_with_a_warning(format, server, tmp_path):
    server.body = archive("zip")
    with pytest.warns(UserWarning, match=f"was not extracted: it is no archive of the format {format}"):
        path = get_file("x", server.url, extract=True, archive_format=format, cache_dir=tmp_path)
    assert path == str(tmp_path / "datasets" / "x")
    assert below(tmp_path) == ["datasets", "datasets/x_archive"]


@pytest.mark.parametrize("argument", ["file_hash", "md5_hash", "sha256", "md5", "upper case"])
def test_the_right_checksum_is_accepted(argument, server, tmp_path):
    sha256, md5 = sums(server.body)
    arguments = {
        "file_hash": {"file_hash": sha256},
        "md5_hash": {"md5_hash": md5},
        "sha256": {"file_hash": sha256, "hash_algorithm": "sha256"},
        "md5": {"file_hash": md5, "hash_algorithm": "md5"},
        "upper case": {"file_hash": md5.upper()},
    }[argument]
    assert Path(get_file(origin=server.url, cache_dir=tmp_path, **arguments)).read_bytes() == server.body


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_a_wrong_checksum_is_an_error_and_leaves_nothing(algorithm, server, tmp_path):
    wrong = sums(b"other")[algorithm == "MD5"]
    with pytest.raises(
        DataError, match=rf"has the {algorithm} checksum [0-9a-f]+.*must be {wrong}: this is another file.*save"
    ):
        get_file(origin=server.url, file_hash=wrong, cache_dir=tmp_path)
    assert below(tmp_path) == ["datasets"]


def test_an_archive_with_a_wrong_checksum_is_not_extracted(server, tmp_path):
    server.body = archive("tar")
    with pytest.raises(DataError, match="this is another file"):
        get_file(origin=server.url, file_hash="0" * 64, extract=True, cache_dir=tmp_path)
    assert below(tmp_path) == ["datasets"]


def test_an_existing_file_is_not_downloaded_again(server, tmp_path):
    path = Path(get_file(origin=server.url, cache_dir=tmp_path))
    path.write_text("mine")
    assert get_file(origin=server.url, cache_dir=tmp_path) == str(path)
    assert path.read_text() == "mine"
    assert len(server.requests) == 1


def test_an_existing_file_with_another_checksum_is_downloaded_again(server, tmp_path):
    path = Path(get_file(origin=server.url, cache_dir=tmp_path))
    path.write_text("damaged")
    get_file(origin=server.url, cache_dir=tmp_path, file_hash=sums(server.body)[0])
    assert path.read_bytes() == server.body


def test_a_failed_download_keeps_the_existing_file(server, tmp_path):
    path = Path(get_file(origin=server.url, cache_dir=tmp_path))
    server.status = 404
    with pytest.raises(DataError, match=r"404.*Pass `cache_dir` to use a folder that already contains it"):
        get_file(origin=server.url, cache_dir=tmp_path, force_download=True)
    assert path.read_bytes() == server.body


def test_force_download_replaces_the_file_and_the_folder(server, tmp_path):
    server.body = archive("zip")
    folder = Path(get_file("x", server.url, extract=True, cache_dir=tmp_path))
    (folder / "mine.txt").write_text("mine")
    server.body = archive("zip", "data/b.txt")
    get_file("x", server.url, extract=True, cache_dir=tmp_path, force_download=True)
    assert below(folder) == ["data", "data/b.txt"]


def test_an_extracted_folder_is_used_again(server, tmp_path):
    server.body = archive("zip")
    folder = Path(get_file("x", server.url, extract=True, cache_dir=tmp_path))
    (folder / "mine.txt").write_text("mine")
    get_file("x", server.url, extract=True, cache_dir=tmp_path)
    assert (folder / "mine.txt").exists()
    assert len(server.requests) == 1


@pytest.mark.parametrize("with_hash", [False, True])
def test_after_an_interrupted_extraction_the_folder_of_an_earlier_archive_is_replaced(with_hash, server, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    server.body = archive("zip")
    folder = Path(get_file("x", server.url, extract=True, cache_dir=tmp_path))
    server.body = archive("zip", "data/b.txt")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("cornu.io.archives._write", interrupt)
        get_file("x", server.url, extract=True, cache_dir=tmp_path, force_download=True)
    file_hash = sums(server.body)[0] if with_hash else None
    get_file("x", server.url, extract=True, cache_dir=tmp_path, file_hash=file_hash)
    assert below(folder) == ["data", "data/b.txt"]


def test_a_folder_without_a_record_of_its_archive_is_extracted_again(server, tmp_path):
    server.body = archive("zip")
    folder = Path(keras.utils.get_file("x", server.url, extract=True, cache_dir=tmp_path))
    (folder / "data" / "a.txt").write_text("half")
    get_file("x", server.url, extract=True, cache_dir=tmp_path)
    assert (folder / "data" / "a.txt").read_text() == "text"


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    server.body = archive("zip")
    monkeypatch.setattr("cornu.io.archives._write", full)
    with pytest.raises(DataError, match=r"Cannot write `.*datasets/x` \(No space left on device\).*Pass `cache_dir`"):
        get_file("x", server.url, extract=True, cache_dir=tmp_path)
    assert below(tmp_path) == ["datasets", "datasets/x_archive"]


def test_without_a_checksum_a_partial_download_is_not_continued(server, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "data.bin.part").write_bytes(b"part of another file")
    assert Path(get_file(origin=server.url, cache_dir=tmp_path)).read_bytes() == server.body
    assert server.requests == [None]


def test_a_dangerous_archive_is_not_extracted(server, tmp_path):
    server.body = archive("tar", "../../outside.txt")
    with pytest.raises(DataError, match="a path outside of the folder"):
        get_file("x", server.url, extract=True, cache_dir=tmp_path)
    assert below(tmp_path) == ["datasets", "datasets/x_archive"]


def test_the_cache_folder_is_that_of_keras(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    assert get_file(origin=server.url) == str(tmp_path / "home" / "datasets" / "data.bin")
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert get_file(origin=server.url) == str(tmp_path / ".keras" / "datasets" / "data.bin")


def test_an_absolute_folder_is_used_as_it_is(server, tmp_path):
    assert get_file(origin=server.url, cache_subdir=str(tmp_path / "here")) == str(tmp_path / "here" / "data.bin")


@pytest.mark.parametrize("file_hash", [None, "0" * 64])
def test_a_folder_in_the_place_of_the_file_is_an_error(file_hash, server, tmp_path):
    (tmp_path / "datasets" / "data.bin").mkdir(parents=True)
    with pytest.raises(DataError, match=r"`.*data.bin` is required, and a folder has this name.*must be a file.*`cache_dir`"):
        get_file(origin=server.url, file_hash=file_hash, cache_dir=tmp_path)


def test_a_file_in_the_place_of_the_folder_is_an_error_and_is_kept(server, tmp_path):
    path = Path(get_file("x", server.url, cache_dir=tmp_path))
    with pytest.raises(InvalidArgumentError, match=r"would be `.*x`, which is a file.*must be a folder.*another `fname`"):
        get_file("x", server.url, extract=True, cache_dir=tmp_path)
    assert path.read_bytes() == server.body


MISTAKES = {
    "no address": (InvalidTypeError, {}, r"without `origin`.*Pass `origin='https://"),
    "a file": (DataError, {"origin": "file:///etc/passwd"}, r"Cannot download from `file:.*Only https:// and http://"),
    "a space": (DataError, {"origin": "http://127.0.0.1/x y.txt"}, r"is no valid address: it contains ' '\..*as %20"),
    "a letter that is not ASCII": (DataError, {"origin": "http://127.0.0.1/\xe4"}, "it contains '\xe4'"),
    "a port that is no number": (DataError, {"origin": "http://127.0.0.1:abc/f"}, "no valid address: .*'abc'.*the port is"),
    "a port that is too large": (DataError, {"origin": "http://127.0.0.1:70000/f"}, "no valid address: Port out of range"),
    "half an IPv6 address": (DataError, {"origin": "http://[::1/f"}, "no valid address: Invalid IPv6 URL"),
    "an empty part of a host": (DataError, {"origin": "http://a..b/f"}, "no valid address: .*label"),
    "no name": (InvalidArgumentError, {"origin": "http://127.0.0.1/"}, r"`fname=None`.*must be known.*Pass `fname"),
    "a folder in the name": (InvalidArgumentError, {"fname": "../x", "origin": "http://127.0.0.1/x"}, "not contain a folder"),
    "a short checksum": (InvalidArgumentError, {"origin": "http://a/b", "file_hash": "123"}, r"has 64 hexadecimal digits"),
    "the wrong algorithm": (
        InvalidArgumentError,
        {"origin": "http://a/b", "file_hash": "0" * 32, "hash_algorithm": "sha256"},
        r"`hash_algorithm='sha256'`.*has 64 hexadecimal digits",
    ),
    "an unknown algorithm": (InvalidArgumentError, {"origin": "http://a/b", "hash_algorithm": "sha1"}, "must be one of 'auto'"),
    "an unknown format": (
        InvalidArgumentError,
        {"origin": "http://a/b", "archive_format": "rar"},
        "`archive_format='rar'` was given",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_errors_before_anything_is_written(mistake, tmp_path):
    kind, arguments, text = MISTAKES[mistake]
    with pytest.raises(kind, match=text):
        get_file(cache_dir=tmp_path, **arguments)
    assert below(tmp_path) == []
