"""Figures are saved atomically."""

import pytest

from cornu.errors import InvalidArgumentError
from cornu.plots.canvas import new_figure, save_figure


def test_the_ending_of_the_file_does_not_matter(tmp_path):
    save_figure(new_figure(1, 1), tmp_path / "figure.image")
    assert (tmp_path / "figure.image").read_bytes().startswith(b"\x89PNG")


def test_a_failing_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "figure.png"
    path.write_text("old")
    figure = new_figure(1, 1)

    def fail(file, **_):
        file.write_text("half")
        raise OSError("disk")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk"):
        save_figure(figure, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InvalidArgumentError, match="does not exist"):
        save_figure(new_figure(1, 1), tmp_path / "nowhere" / "figure.png")


def test_without_a_path_nothing_is_saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_figure(new_figure(1, 1), None)
    assert not list(tmp_path.iterdir())
