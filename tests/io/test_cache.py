"""Where a file is looked for, and in which order."""

import hashlib
from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS

from cornu.errors import DataError
from cornu.io.cache import Source, cache_folder, get_path, keras_folder
from cornu.io.download import Checksum

BODY = b"published"
SOURCE = Source(
    "set/data.bin",
    "http://127.0.0.1:1/data.bin",
    Checksum(hashlib.sha256(BODY).hexdigest()),
    len(BODY),
    ("older.bin",),
    shared_name="data.bin",
)


def put(path: Path, content: bytes = b"mine") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_users_choice_comes_first(monkeypatch):
    monkeypatch.setenv("CORNU_DATASETS", "/data/sets")
    monkeypatch.setenv("XDG_CACHE_HOME", "/data/cache")
    assert cache_folder() == Path("/data/sets")


def test_the_users_cache_folder_is_the_default(monkeypatch):
    monkeypatch.delenv("CORNU_DATASETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/data/cache")
    assert cache_folder() == Path("/data/cache/cornu/datasets")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/cornu/datasets"


def test_the_default_is_the_cache_folder_of_the_system(monkeypatch):
    monkeypatch.delenv("CORNU_DATASETS", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(platformdirs, "PlatformDirs", MacOS)
    assert cache_folder() == Path.home() / "Library/Caches/cornu/datasets"


def test_keras_folder_is_where_keras_has_it(monkeypatch):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert keras_folder() == Path.home() / ".keras/datasets"


@pytest.mark.parametrize("name", ["set/data.bin", "older.bin"])
def test_what_the_user_put_there_is_taken_without_its_sum(cache, name):
    mine = put(cache / name)
    assert get_path(SOURCE) == mine


def test_keras_files_are_used_and_ours_come_first(cache):
    theirs = put(keras_folder() / "set/data.bin")
    assert get_path(SOURCE) == theirs
    ours = put(cache / "older.bin")
    assert get_path(SOURCE) == ours


def test_a_name_that_other_sets_have_too_needs_the_right_sum(cache):
    put(cache / "data.bin", b"published")
    assert get_path(SOURCE) == cache / "data.bin"


@pytest.mark.parametrize("content", [b"something", b"of another length"])
def test_another_sets_file_of_the_same_name_is_passed_over(cache, content):
    put(cache / "data.bin", content)
    with pytest.raises(DataError, match="Cannot download"):
        get_path(SOURCE)


def test_what_is_nowhere_is_downloaded_into_our_folder(cache, server):
    server.body = BODY
    assert get_path(SOURCE._replace(url=server.url)) == cache / "set/data.bin"
    assert (cache / "set/data.bin").read_bytes() == BODY
    assert not keras_folder().exists()
