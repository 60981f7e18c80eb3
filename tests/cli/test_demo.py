"""The command ``cornu demo``."""

import pytest
from click.testing import CliRunner

import cornu
from cornu.cli.main import main


def test_the_demo_trains_the_epochs_it_is_given_and_writes_its_files(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    trained = []
    fit = cornu.Model.fit

    def noted(self, *args, **kwargs):
        trained.append(kwargs["epochs"])
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(cornu.Model, "fit", noted)
    result = CliRunner().invoke(main, ["demo", "--epochs", "1", "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert trained == [1]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.keras", "learning_curves.png", "kernels.png"}
