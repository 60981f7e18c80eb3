"""The command ``cornu run``: programs run as Python runs them, with Cornu in the place of Keras."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from cornu.cli.main import main

COMMAND = [sys.executable, "-c", "from cornu.cli.main import main; main()", "run"]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """The environment of the tests without settings of the user, and with the directory of the test as KERAS_HOME."""
    for name in ("CORNU_BACKEND", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    return tmp_path


@pytest.fixture
def run(environment):
    """Run files in the directory of the test and return the finished process."""

    def run(*arguments, command=COMMAND, input="", **variables):
        return subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            input=input,
            cwd=environment,
            env={**os.environ, **variables},
            check=False,
        )

    return run


def written(folder, name, text):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return name


def result(done):
    return done.returncode, done.stdout, done.stderr


FACTS = """
import sys
import __main__
print(sys.argv, sys.path[0], [entry for entry in sys.path if "startup" in entry])
print(__name__, __file__, __doc__, __spec__, __package__, __main__.__file__, input())
try:
    import sibling
    print(sibling.__name__)
except ImportError as error:
    print(error)
"""

PROGRAMS = {
    "facts": FACTS,
    "exit text": "import sys; sys.exit('no data')",
    "error": "import atexit; atexit.register(print, 'end')\ndef f(x):\n    return 1 / x\n\n\nf(0)\n",
    "syntax": "print(1)\ndef f(:\n",
    "interrupt": "print('before', flush=True)\nraise KeyboardInterrupt",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "hook of its own": "import sys; sys.excepthook = lambda *a: print(a[0]); raise ValueError('x')",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_script_behaves_as_under_python(name, run, environment):
    written(environment, "sibling.py", "")
    script = written(environment, "ïnner/program.py", PROGRAMS[name])
    arguments = [script, "--epochs", "3", "-h", "--help", "x y"]
    mine, pythons = run(*arguments, input="a\n"), run(*arguments, input="a\n", command=[sys.executable])
    assert result(mine) == result(pythons)


def test_a_module_behaves_as_under_python(run, environment):
    written(environment, "package/__init__.py", "")
    written(environment, "package/sibling.py", "x = 0")
    program = "import sys; from .sibling import x; print(sys.argv, sys.path[0], __name__, __spec__.name); sys.exit(3)"
    written(environment, "package/train.py", program)
    arguments = ["-m", "package.train", "-m", "--epochs", "3", "--help"]
    assert result(run(*arguments)) == result(run(*arguments, command=[sys.executable]))


def test_a_missing_script_is_reported_as_by_python(run):
    assert result(run("missing.py")) == result(run("missing.py", command=[sys.executable]))


@pytest.mark.parametrize(("options", "refused"), [(["-I"], "-I"), (["-B", "-uE"], "-uE"), (["-S", "-m"], "-S")])
def test_options_with_which_the_program_would_run_with_keras_are_refused(options, refused):
    done = CliRunner().invoke(main, ["run", *options, "program.py"])
    assert done.exit_code == 2
    assert f"The option '{refused}' of Python was given." in done.output
    assert "Leave it out." in done.output


@pytest.mark.parametrize(
    "arguments", [["-B", "program.py", "-I"], ["-m", "E"], ["-c", "-I"], ["-Wignore", "p.py"], ["-", "-S"]]
)
def test_other_options_are_those_of_python(arguments, monkeypatch):
    started = []
    monkeypatch.setattr(os, "execve", lambda path, command, environment: started.append(command))
    CliRunner().invoke(main, ["run", *arguments], catch_exceptions=False)
    assert started == [[sys.executable, *arguments]]


def test_the_command_without_a_program_explains_itself(run):
    done = run()
    assert done.returncode == 2 and "PROGRAM" in done.stderr
    assert "import keras" in run("--help").stdout


IMPORTS = """
import keras
import keras.layers as L
import tensorflow as tf
import tensorflow.keras as tk
from keras import ops
from keras.datasets import mnist
from keras.layers import Dense
from keras.optimizers.schedules import ExponentialDecay
from tensorflow import keras as other
from tensorflow.keras.layers import Dense as D
from tensorflow.keras.models import Sequential
import cornu
assert keras.layers is L and keras.layers.Dense is Dense is D is L.Dense is cornu.layers.Dense
assert tf.keras is tk is other and tf.keras.layers.Dense is Dense and tf.keras.ops.add is ops.add is cornu.ops.add
assert Sequential is cornu.Sequential and tf.optimizers.Adam is tf.keras.optimizers.Adam is cornu.optimizers.Adam
assert ExponentialDecay is cornu.optimizers.schedules.ExponentialDecay and mnist.load_data is cornu.datasets.mnist.load_data
assert tf.losses.MeanSquaredError is cornu.losses.MeanSquaredError
assert keras.__version__ == keras.version() == tf.keras.__version__ and keras.__version__.startswith("3.")
assert tf.data.Dataset.range(3) and float(tf.reduce_sum(tf.constant([1.0, 2.0]))) == 3.0
with tf.GradientTape() as tape:
    v = tf.Variable(3.0)
    y = v * v
assert float(tape.gradient(y, v)) == 6.0
print("ok")
"""


TRAINING = """
import sys
import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
history = model.fit(x, x.sum(axis=1), epochs=int(sys.argv[1]), verbose=0)
print(len(history.history["loss"]), keras.backend.backend(), keras.backend.floatx())
"""


def test_keras_is_cornu_and_tensorflow_stays(run, environment):
    pytest.importorskip("tensorflow")
    done = run(written(environment, "program.py", IMPORTS + TRAINING), "2", KERAS_BACKEND="tensorflow")
    assert done.stdout == "ok\n2 tensorflow float32\n", done.stderr


def test_the_rest_of_a_process_has_real_keras(run):
    done = run("-c", "import importlib.util as u; print(u.find_spec('keras').origin)", command=[sys.executable])
    assert done.stdout.endswith(os.path.join("keras", "__init__.py\n"))


CHILDREN = """
import multiprocessing as m
import keras

def f(x):
    return keras.config.backend.__module__

if __name__ == "__main__":
    for start in ("spawn", "fork"):
        with m.get_context(start).Pool(1) as pool:
            print(start, pool.map(f, [1])[0])
"""


def test_child_processes_have_cornu_too(run, environment):
    written(environment, "keras.json", json.dumps({"floatx": "float16"}))
    done = run(written(environment, "program.py", CHILDREN))
    assert done.stdout == "spawn cornu.config\nfork cornu.config\n", done.stderr
    assert done.stderr.count("this file sets floatx='float16' instead of 'float32'") == 1


def test_a_sitecustomize_of_the_environment_still_runs(run, environment):
    written(environment, "site/sitecustomize.py", "import sys; print('site', __file__, len(sys.path) > 0)")
    script = written(environment, "program.py", "import sys; print('sitecustomize' in sys.modules)")
    done = run(script, PYTHONPATH=os.pathsep.join([str(environment / "site"), os.environ.get("PYTHONPATH", "")]))
    assert done.stdout == f"site {environment / 'site' / 'sitecustomize.py'} True\n" * 2 + "True\n"  # of the command, too


def test_a_child_process_of_a_python_without_cornu_runs(run, environment):
    program = (
        "import subprocess, sys\n"
        "print(subprocess.run([sys.executable, '-S', '-c', 'print(1)'], capture_output=True, text=True))"
    )
    done = run(written(environment, "program.py", program))
    assert "stdout='1\\n', stderr=''" in done.stdout


def test_a_model_trains_on_the_engine_that_keras_backend_names(run, environment):
    done = run(written(environment, "program.py", TRAINING), "2", KERAS_BACKEND="jax")
    assert done.stdout == "2 jax float32\n", done.stderr


def test_the_variable_of_cornu_takes_precedence(run):
    done = run("-c", "import keras; print(keras.config.backend())", KERAS_BACKEND="torch", CORNU_BACKEND="jax")
    assert done.stdout == "jax\n"


def test_the_program_may_name_the_engine_itself_and_train_on_it(run, environment):
    pytest.importorskip("torch")
    written(environment, "keras.json", json.dumps({"backend": "jax"}))
    script = written(environment, "program.py", "import os; os.environ['KERAS_BACKEND'] = 'torch'" + TRAINING)
    assert run(script, "1").stdout == "1 torch float32\n"


# --- keras.json -----------------------------------------------------------------------------------------------------------

SETTINGS = "from keras import config as c; print(c.backend(), c.floatx(), c.epsilon(), c.image_data_format())"


def test_keras_json_has_effect(run, environment):
    pytest.importorskip("torch")
    written(
        environment,
        "keras.json",
        json.dumps({"backend": "torch", "floatx": "float16", "epsilon": 0.5, "image_data_format": "channels_first"}),
    )
    done = run(written(environment, "program.py", SETTINGS))
    assert done.stdout == "torch float16 0.5 channels_first\n"
    [line] = done.stderr.splitlines()
    assert line.startswith(f"cornu run: {environment / 'keras.json'}: this file sets backend='torch' instead of 'jax', ")
    elsewhere = run("-c", "from cornu import config; print(config.floatx())", command=[sys.executable])
    assert elsewhere.stdout == "float32\n"


def test_an_engine_that_is_not_installed_leaves_the_default_and_is_reported_in_one_line(run, environment):
    written(environment, "keras.json", json.dumps({"backend": "tensorflow"}))
    hidden = (
        "import importlib.util as u, importlib.machinery as m\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'tensorflow' else find(name, *a)\n"
    )
    done = run(written(environment, "program.py", hidden + SETTINGS))
    assert done.stdout == "jax float32 1e-07 channels_last\n"
    assert done.stderr == (
        f"cornu run: {environment / 'keras.json'}: the backend 'tensorflow' is not installed, so 'jax' is used.\n"
    )


# --- Names that are missing -----------------------------------------------------------------------------------------------

SOURCE = (
    "`keras.src` is the private code of Keras, which Cornu replaces. "
    "Use the public name: `keras.layers.Dense` for `keras.src.layers.core.dense.Dense`."
)

MISSING = {
    "from keras.layers import Dnse": (
        "ImportError: `keras.layers.Dnse` was imported. Cornu has no such name in `keras.layers`. Did you mean 'Dense'?"
    ),
    "import keras; keras.layers.Dnse": (
        "AttributeError: `keras.layers.Dnse` was requested. Cornu has no such name in `keras.layers`. Did you mean 'Dense'?"
    ),
    "from tensorflow.keras.optimizers import Adamm": (
        "ImportError: `tensorflow.keras.optimizers.Adamm` was imported. Cornu has no such name in "
        "`tensorflow.keras.optimizers`. Did you mean 'Adam'?"
    ),
    "import keras.layer": (
        "ImportError: `keras.layer` was imported. Cornu has no such name in `keras`. Did you mean 'layers'?"
    ),
    "from keras.src.layers import Dense": f"ImportError: `keras.src` was imported. {SOURCE}",
    "import keras; keras.src.layers": f"AttributeError: `keras.src` was requested. {SOURCE}",
    "import keras; keras.ops.xyzzy": (
        "AttributeError: `keras.ops.xyzzy` was requested. Cornu has no such name in `keras.ops`. "
        "`dir(keras.ops)` lists the names; docs/compatibility.md lists those that Cornu lacks."
    ),
    "from keras.experimental import Old": (
        "ImportError: `keras.experimental` was imported. Cornu has no such name in `keras`. Did you mean 'export'?"
    ),
    "import keras; print(hasattr(keras, 'old'))": "False",
    "from keras.layers import *; print(Dense.__name__, 'Dense' in dir(keras.layers), 'ops' in dir(keras))": "Dense True True",
}

ALL_MISSING = """
import sys
for statement in sys.argv[1:]:
    try:
        exec(statement)
    except (ImportError, AttributeError) as error:
        print("ImportError" if isinstance(error, ImportError) else "AttributeError", error, sep=": ")
"""


def test_a_missing_name_is_an_error_in_three_parts(run, environment):
    statements = [each for each in MISSING if "tensorflow" not in each or importlib.util.find_spec("tensorflow")]
    done = run(written(environment, "program.py", ALL_MISSING), *statements)
    assert done.stdout.splitlines() == [MISSING[each] for each in statements]


# --- Notebooks ------------------------------------------------------------------------------------------------------------
# The rest is checked in `tests/legacy/test_notebook.py`.


def test_a_notebook_runs_as_a_program(run, environment):
    written(environment, "inner/sibling.py", "value = 5")
    cells = [
        "%matplotlib inline\nimport pickle, sys, sibling, keras",
        "class A:\n    pass",
        "print(type(pickle.loads(pickle.dumps(A()))) is A, sibling.value)",
        "print(sys.argv, __name__, keras.__version__[0])\nsys.exit(4)",
        "print('not reached')",
    ]
    text = json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells], "nbformat": 4})
    done = run(written(environment, "inner/n.ipynb", text), "--epochs", "2")
    assert done.stdout == "True 5\n['inner/n.ipynb', '--epochs', '2'] __main__ 3\n"
    assert done.stderr == ("cornu run: inner/n.ipynb, cell 1, line 1: skipped, since it is for IPython: %matplotlib inline\n")
    assert done.returncode == 4


def test_an_error_in_a_notebook_shows_the_line_of_its_cell_and_no_other(run, environment):
    text = json.dumps({"cells": [{"cell_type": "code", "source": "def f():\n    return 1 / 0\n\nf()"}]})
    done = run(written(environment, "n.ipynb", text))
    assert done.returncode == 1
    assert done.stderr == (
        "Traceback (most recent call last):\n"
        '  File "n.ipynb, cell 1", line 4, in <module>\n    f()\n'
        '  File "n.ipynb, cell 1", line 2, in f\n    return 1 / 0\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )
