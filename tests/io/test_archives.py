"""Archives are extracted into their own folder, completely or without leaving anything."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cornu.errors import DataError
from cornu.io import archives
from cornu.io.archives import extract

FILES = {"data/a.txt": b"first", "data/deep/b.bin": bytes(range(256)) * 300, "c.txt": b""}


def tar(path: Path, files: dict[str, bytes], mode: str = "w", change: Callable = lambda member: None) -> Path:
    """Write a tar archive; ``change`` modifies the header of each member."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            change(member)
            archive.addfile(member, io.BytesIO(content))
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_archives_are_extracted(mode, tmp_path):
    assert extract(tar(tmp_path / "a", FILES, mode), tmp_path / "new")
    assert contents(tmp_path / "new") == FILES


def test_zip_archives_are_extracted(tmp_path):
    assert extract(zipped(tmp_path / "a", FILES), tmp_path / "new")
    assert contents(tmp_path / "new") == FILES


def test_empty_folders_are_made(tmp_path):
    path = zipped(tmp_path / "a", {"data/empty/": b""})
    extract(path, tmp_path / "new")
    assert (tmp_path / "new" / "data" / "empty").is_dir()


def test_only_formats_that_are_asked_for_are_extracted(tmp_path):
    assert not extract(zipped(tmp_path / "a", FILES), tmp_path / "new", ("tar",))
    assert not extract(tar(tmp_path / "b", FILES), tmp_path / "new", ("zip",))
    assert not (tmp_path / "new").exists()


def test_other_files_are_no_archives(tmp_path):
    (tmp_path / "a").write_text("text")
    assert not extract(tmp_path / "a", tmp_path / "new")


def test_an_existing_folder_is_replaced(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "old.txt").write_text("old")
    extract(zipped(tmp_path / "a", FILES), tmp_path / "new")
    assert contents(tmp_path / "new") == FILES
    assert sorted(os.listdir(tmp_path)) == ["a", "new"]


OUTSIDE = ["../x.txt", "/x.txt", "data/../../x.txt", "C:/x.txt", "data\\..\\..\\x.txt", "\\\\server\\x.txt"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("write", [tar, zipped])
def test_paths_outside_of_the_folder_are_refused(name, write, tmp_path):
    path = write(tmp_path / "a", {"good.txt": b"good", name: b"bad"})
    with pytest.raises(DataError, match=r"`.*a` was not extracted: it contains .*, a path outside of the folder.*Remove it"):
        extract(path, tmp_path / "new")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["../../secret", "/etc/passwd", "link"])
def test_links_to_other_files_are_refused(kind, target, tmp_path):
    def link(member):
        member.type, member.linkname, member.size = kind, target, 0

    with pytest.raises(DataError, match=r"contains 'link', which is a device or a link to something that is no file of it"):
        extract(tar(tmp_path / "a", {"link": b""}, change=link), tmp_path / "new")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_to_files_of_the_archive_become_copies(kind, tmp_path):
    def link(member):
        if member.name == "data/link":
            member.type, member.size = kind, 0
            member.linkname = "a.txt" if kind == tarfile.SYMTYPE else "data/a.txt"

    extract(tar(tmp_path / "a", {"data/a.txt": b"first", "data/link": b""}, change=link), tmp_path / "new")
    copy = tmp_path / "new" / "data" / "link"
    assert copy.read_bytes() == b"first" and not copy.is_symlink() and copy.stat().st_nlink == 1


def test_a_file_is_not_written_through_a_link(tmp_path):
    """An archive cannot first make a link to another folder, and then write into it."""

    def link(member):
        if member.name == "out":
            member.type, member.linkname, member.size = tarfile.SYMTYPE, str(tmp_path), 0

    with pytest.raises(DataError, match="contains 'out'"):
        extract(tar(tmp_path / "a", {"out": b"", "out/x.txt": b"bad"}, change=link), tmp_path / "new")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(kind, tmp_path):
    def device(member):
        member.type, member.size = kind, 0

    with pytest.raises(DataError, match="contains 'device', which is a device"):
        extract(tar(tmp_path / "a", {"device": b""}, change=device), tmp_path / "new")


def test_permissions_are_not_restored(tmp_path):
    def executable(member):
        member.mode = 0o4777

    extract(tar(tmp_path / "a", {"run": b""}, change=executable), tmp_path / "new")
    assert (tmp_path / "new" / "run").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("write", [tar, zipped])
def test_an_archive_that_extracts_to_much_more_than_its_size_is_refused(write, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_HARMLESS_SIZE", 1000)
    monkeypatch.setattr(archives, "_LARGEST_RATIO", 3)
    files = {f"{number}": bytes(100_000) for number in range(3)}
    path = tar(tmp_path / "a", files, "w:gz") if write is tar else write(tmp_path / "a", files)
    with pytest.raises(DataError, match="it extracts to more than 3 times its size"):
        extract(path, tmp_path / "new")
    assert os.listdir(tmp_path) == ["a"]


def test_an_archive_of_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 2)
    with pytest.raises(DataError, match="it contains more than 2 files"):
        extract(tar(tmp_path / "a", FILES), tmp_path / "new")


@pytest.mark.parametrize("write", [lambda path: tar(path, FILES, "w:gz"), lambda path: zipped(path, FILES)])
def test_damaged_archives_leave_nothing(write, tmp_path):
    path = write(tmp_path / "a")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"`.*a` was not extracted"):
        extract(path, tmp_path / "new")
    assert os.listdir(tmp_path) == ["a"]
