"""A save leaves the old file or the new one, whatever happens."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cornu.errors import InvalidArgumentError
from cornu.io import atomic
from cornu.io.atomic import atomic_write

SAVE_FOREVER = """
import hashlib, sys
from cornu.io.atomic import atomic_write
for version in range(1, 100000):
    body = version.to_bytes(4, "big") * 50000
    with atomic_write(sys.argv[1]) as temporary, open(temporary, "wb") as file:
        for start in range(0, len(body), 20000):
            file.write(body[start : start + 20000])
            file.flush()
        file.write(hashlib.sha256(body).digest())
    print(version, flush=True)
"""


class Failure(Exception):
    pass


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_the_new_content_is_there_and_nothing_else(tmp_path):
    (tmp_path / "model.keras").write_text("old")
    with atomic_write(tmp_path / "model.keras") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "model.keras").read_text() == "old"
    assert (tmp_path / "model.keras").read_text() == "new"
    assert names(tmp_path) == ["model.keras"]


def test_the_temporary_file_stands_beside_the_target_with_its_ending(tmp_path):
    with atomic_write(tmp_path / "curve.png") as temporary:
        temporary.touch()
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".png"


def test_an_exception_leaves_the_old_file_and_no_temporary_one(tmp_path):
    target = tmp_path / "model.keras"
    target.write_text("old")
    with pytest.raises(Failure), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise Failure
    assert target.read_text() == "old"
    assert names(tmp_path) == ["model.keras"]


def test_an_exception_in_the_first_save_leaves_nothing(tmp_path):
    with pytest.raises(Failure), atomic_write(tmp_path / "model.keras") as temporary:
        temporary.write_text("half")
        raise Failure
    assert names(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file(tmp_path, monkeypatch, step):
    target = tmp_path / "model.keras"
    target.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, step, fail)
    with pytest.raises(OSError, match="No space left"), atomic_write(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["model.keras"]


def test_file_then_name_then_folder_reach_the_disk(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor):
        order.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def record_replace(source, target):
        order.append("rename")
        replace(source, target)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("this system does not show what a file descriptor is")
    monkeypatch.setattr(atomic.os, "fsync", record_fsync)
    monkeypatch.setattr(atomic.os, "replace", record_replace)
    with atomic_write(tmp_path / "model.keras") as temporary:
        temporary.touch()
    assert order == ["file", "rename", "folder"]


def test_the_old_files_permissions_are_kept(tmp_path):
    target = tmp_path / "model.keras"
    target.touch()
    target.chmod(0o640)
    with atomic_write(target) as temporary:
        temporary.touch()
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "latest.keras").symlink_to(tmp_path / "store" / "model.keras")
    with atomic_write(tmp_path / "latest.keras") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "latest.keras").is_symlink()
    assert (tmp_path / "store" / "model.keras").read_text() == "new"


def test_the_longest_name_the_disk_allows_can_be_saved(tmp_path):
    target = tmp_path / ("m" * 249 + ".keras")
    with atomic_write(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


def test_a_missing_folder_is_named(tmp_path):
    with (
        pytest.raises(InvalidArgumentError, match=r"the folder `.*nowhere` does not exist.*Create it first"),
        atomic_write(tmp_path / "nowhere" / "model.keras"),
    ):
        pass


def test_a_folder_as_target_is_named(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"it is a folder.*Add a file name"), atomic_write(tmp_path):
        pass


def test_what_a_dead_process_left_is_cleared_away(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    target = tmp_path / "model.keras"
    left = tmp_path / f"{atomic._prefix(target)}{dead.pid}-abcd.tmp.keras"
    left.touch()
    with atomic_write(target) as temporary:
        temporary.touch()
    assert names(tmp_path) == ["model.keras"]


def test_what_a_live_process_or_another_target_has_is_left_alone(tmp_path):
    target = tmp_path / "model.keras"
    living = tmp_path / f"{atomic._prefix(target)}{os.getppid()}-abcd.tmp.keras"
    other = tmp_path / f"{atomic._prefix(tmp_path / 'other.keras')}999999999-abcd.tmp.keras"
    living.touch()
    other.touch()
    with atomic_write(target) as temporary:
        temporary.touch()
    assert names(tmp_path) == sorted([living.name, other.name, "model.keras"])


def test_two_threads_may_save_the_same_file(tmp_path):
    target = tmp_path / "model.keras"

    def save(letter):
        for _ in range(20):
            with atomic_write(target) as temporary:
                temporary.write_text(letter * 1000)

    threads = [threading.Thread(target=save, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_text() in ("a" * 1000, "b" * 1000)
    assert names(tmp_path) == ["model.keras"]


def test_a_killed_process_leaves_a_complete_file(tmp_path):
    target = tmp_path / "model.keras"
    for kill in range(10):
        child = subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, target], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        time.sleep(0.007 * kill)
        child.kill()
        acknowledged = [1, *map(int, child.communicate()[0].split())][-1]
        content = target.read_bytes()
        body, digest = content[:-32], content[-32:]
        assert hashlib.sha256(body).digest() == digest
        assert int.from_bytes(body[:4], "big") >= acknowledged
        assert len(names(tmp_path)) <= 2, "at most one temporary file, that of the last kill"
    with atomic_write(target) as temporary:
        temporary.touch()
    assert names(tmp_path) == ["model.keras"]
