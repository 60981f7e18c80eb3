"""The wheel, tried outside of the source tree: what `pip install cornu` installs is complete."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent.parent


def run(*arguments: object, **options: object) -> str:
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, HERE)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    inside = zipfile.ZipFile(wheel).namelist()
    source = HERE / "src"
    expected = {path.relative_to(source).as_posix() for path in (source / "cornu").rglob("*.py")} | {"cornu/py.typed"}
    assert {name for name in inside if ".dist-info/" not in name} == expected
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in inside)


def test_it_works_from_elsewhere(wheel, tmp_path):
    site = tmp_path / "site"
    run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", site, wheel)
    elsewhere = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(site)}}
    assert Path(run("-c", "import cornu; print(cornu.__file__)", **elsewhere).strip()).is_relative_to(site)
    shown = run(site / "bin" / "cornu", "demo", "--epochs", "1", **elsewhere)
    assert "Epoch 1/1 " in shown and "Test accuracy: " in shown
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["kernels.png", "learning_curves.png", "model.keras"]
