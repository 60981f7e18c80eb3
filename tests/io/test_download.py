"""A download is the whole, right file or nothing, whatever network and server do."""

import hashlib
import socket
import subprocess
import sys
import time

import pytest

from cornu.errors import DataError
from cornu.io import download
from cornu.io.download import fetch

FETCH = "import sys; from cornu.io.download import fetch; fetch(sys.argv[1], sys.argv[2], sys.argv[3])"


def sum_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def visible(folder) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if not file.name.endswith(".lock"))


def test_the_file_arrives_whole(server, tmp_path):
    path = fetch(server.url, tmp_path / "new" / "data.bin", sum_of(server.body), len(server.body))
    assert path.read_bytes() == server.body
    assert visible(path.parent) == ["data.bin"]


def test_a_file_that_is_there_is_not_asked_for(server, tmp_path):
    (tmp_path / "data.bin").write_text("mine")
    assert fetch(server.url, tmp_path / "data.bin", "00").read_text() == "mine"
    assert server.requests == []


def test_the_checksum_may_be_in_upper_case(server, tmp_path):
    assert fetch(server.url, tmp_path / "data.bin", sum_of(server.body).upper()).exists()


def test_wrong_content_leaves_nothing(server, tmp_path):
    with pytest.raises(DataError, match=r"SHA-256 checksum [0-9a-f]{64}.*this is another file.*save it as `.*data.bin`"):
        fetch(server.url, tmp_path / "data.bin", sum_of(b"other"))
    assert visible(tmp_path) == []


def test_a_broken_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.cuts = [100_000, 50_000]
    path = fetch(server.url, tmp_path / "data.bin", sum_of(server.body))
    assert path.read_bytes() == server.body
    assert server.requests == [None, "bytes=100000-", "bytes=150000-"]


def test_without_an_announced_length_the_known_size_tells_that_it_broke(server, tmp_path):
    server.announces_length = False
    server.cuts = [100_000]
    fetch(server.url, tmp_path / "data.bin", sum_of(server.body), len(server.body))
    assert server.requests == [None, "bytes=100000-"]


def test_a_connection_that_keeps_breaking_is_reported_and_taken_up_by_the_next_call(server, tmp_path):
    server.cuts = [1000, 1000, 1000]
    with pytest.raises(DataError, match=r"lost after 3,000 bytes of 256,000.*Call the function again: the download resumes"):
        fetch(server.url, tmp_path / "data.bin", sum_of(server.body), len(server.body))
    assert visible(tmp_path) == ["data.bin.part"]
    fetch(server.url, tmp_path / "data.bin", sum_of(server.body), len(server.body))
    assert server.requests[-1] == "bytes=3000-"
    assert visible(tmp_path) == ["data.bin"]


def test_a_server_that_knows_no_ranges_is_asked_for_all(server, tmp_path):
    server.honours_ranges = False
    server.cuts = [100_000]
    assert fetch(server.url, tmp_path / "data.bin", sum_of(server.body)).read_bytes() == server.body


def test_a_partial_answer_from_another_place_is_not_appended(server, tmp_path):
    server.honours_ranges = False
    server.always_partial = True
    server.cuts = [100_000]
    assert fetch(server.url, tmp_path / "data.bin", sum_of(server.body), len(server.body)).read_bytes() == server.body


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(bytes(300_000))
    assert fetch(server.url, tmp_path / "data.bin", sum_of(server.body)).read_bytes() == server.body


def test_a_complete_part_is_only_checked(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(server.body)
    fetch(server.url, tmp_path / "data.bin", sum_of(server.body), len(server.body))
    assert server.requests == []


def test_a_part_of_another_file_is_thrown_away(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(b"something else")
    assert fetch(server.url, tmp_path / "data.bin", sum_of(server.body)).read_bytes() == server.body
    assert server.requests == ["bytes=14-", None]


def test_more_than_the_known_size_is_not_read(server, tmp_path):
    with pytest.raises(DataError, match=r"sent more than 1,000 bytes"):
        fetch(server.url, tmp_path / "data.bin", sum_of(server.body), 1000)
    assert (tmp_path / "data.bin.part").stat().st_size == 0


def test_a_shorter_file_with_its_own_length_is_the_wrong_file(server, tmp_path):
    with pytest.raises(DataError, match="this is another file"):
        fetch(server.url, tmp_path / "data.bin", sum_of(b"long"), 10 * len(server.body))
    assert visible(tmp_path) == []


def test_a_redirection_is_followed(server, tmp_path):
    class Once(str):
        def __bool__(self):
            return len(server.requests) == 1

    server.redirects_to = Once(server.url.replace("data", "moved"))
    assert fetch(server.url, tmp_path / "data.bin", sum_of(server.body)).read_bytes() == server.body


ELSEWHERE = pytest.mark.parametrize("address", ["file:///etc/hosts", "ftp://127.0.0.1/data.bin", "data:,hello"])


@ELSEWHERE
def test_only_web_addresses_are_asked(tmp_path, address):
    with pytest.raises(DataError, match="Only https:// and http:// are allowed"):
        fetch(address, tmp_path / "data.bin", sum_of(b"hello"))


@ELSEWHERE
def test_only_redirections_to_web_addresses_are_followed(server, tmp_path, address):
    server.redirects_to = address
    with pytest.raises(DataError, match=r"is not allowed|Only https:// and http:// are allowed"):
        fetch(server.url, tmp_path / "data.bin", sum_of(b"hello"))
    assert not (tmp_path / "data.bin").exists()


def test_a_redirection_to_an_invalid_address_is_told_at_once(server, tmp_path):
    server.redirects_to = "http://127.0.0.1:abc/f"
    with pytest.raises(DataError, match=r"no valid address: .*'abc'"):
        fetch(server.url, tmp_path / "data.bin", sum_of(b"hello"))
    assert len(server.requests) == 1


def test_without_a_network_one_is_told_where_to_put_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}/data.bin"
    with pytest.raises(DataError, match=r"Cannot download .*refused\).*copy the file there from another machine") as error:
        fetch(closed, tmp_path / "data.bin", "00")
    assert str(tmp_path / "data.bin") in str(error.value)
    assert "CORNU_DATASETS" in str(error.value)


def test_an_address_that_is_gone_is_reported_with_its_status(server, tmp_path):
    server.status = 404
    with pytest.raises(DataError, match=r"Cannot download .* \(404 Not Found\)"):
        fetch(server.url, tmp_path / "data.bin", "00")


def test_a_silent_server_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    server.pause = 0.5
    with pytest.raises(DataError, match="was lost after"):
        fetch(server.url, tmp_path / "data.bin", sum_of(server.body))


def test_a_dripping_server_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    monkeypatch.setattr(download, "_MIN_SPEED", 10**9)
    server.pause = 0.05
    start = time.monotonic()
    with pytest.raises(DataError, match="was lost after"):
        fetch(server.url, tmp_path / "data.bin", sum_of(server.body), len(server.body))
    assert time.monotonic() - start < 1


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"Cannot write `.*file/data.bin`.*Set CORNU_DATASETS"):
        fetch(server.url, tmp_path / "file" / "data.bin", "00")


def test_a_full_disk_is_named(server, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "publish", full)
    with pytest.raises(DataError, match=r"Cannot write `.*data.bin` \(No space left on device\)"):
        fetch(server.url, tmp_path / "data.bin", sum_of(server.body))


def test_one_line_is_printed_where_nobody_watches(server, tmp_path, capsys):
    fetch(server.url, tmp_path / "data.bin", sum_of(server.body))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"Downloading {server.url} to {tmp_path / 'data.bin'}\n"


def test_a_terminal_gets_a_bar(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch(server.url, tmp_path / "data.bin", sum_of(server.body), len(server.body))
    assert "data.bin" in capsys.readouterr().err


def test_the_bar_shows_the_size_that_the_server_announces(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch(server.url, tmp_path / "data.bin", None)
    assert "256.0/256.0 kB" in capsys.readouterr().err


def test_a_killed_download_is_taken_up(server, tmp_path):
    server.pause = 0.02
    child = subprocess.Popen([sys.executable, "-c", FETCH, server.url, tmp_path / "data.bin", sum_of(server.body)])
    while not (tmp_path / "data.bin.part").exists() or (tmp_path / "data.bin.part").stat().st_size < 20_000:
        time.sleep(0.01)
        assert child.poll() is None
    child.kill()
    child.wait()
    assert not (tmp_path / "data.bin").exists()
    server.pause = 0
    assert fetch(server.url, tmp_path / "data.bin", sum_of(server.body)).read_bytes() == server.body
    assert server.requests[1].startswith("bytes=")


def test_two_processes_download_once(server, tmp_path):
    server.pause = 0.02
    arguments = [sys.executable, "-c", FETCH, server.url, tmp_path / "data.bin", sum_of(server.body)]
    children = [subprocess.Popen(arguments) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    assert (tmp_path / "data.bin").read_bytes() == server.body
    assert len(server.requests) == 1


def test_on_a_disk_without_locks_the_checksum_protects(server, tmp_path, monkeypatch):
    def refuse(self):
        raise OSError("no locks here")

    monkeypatch.setattr(download.FileLock, "acquire", refuse)
    fetch(server.url, tmp_path / "data.bin", sum_of(server.body))
    assert (tmp_path / "data.bin").read_bytes() == server.body


def test_a_lock_that_a_killed_process_left_stops_nobody(server, tmp_path):
    (tmp_path / ".data.bin.lock").touch()
    fetch(server.url, tmp_path / "data.bin", sum_of(server.body))
    assert (tmp_path / "data.bin").read_bytes() == server.body
