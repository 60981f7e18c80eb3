"""The command ``cornu run``: programs run as Python runs them, with Cornu in the place of Keras."""

import json
import os
import subprocess
import sys

import pytest

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

    def run(*arguments, command=COMMAND, **variables):
        return subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
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


PROGRAMS = {
    "arguments": "import sys; print(sys.argv)",
    "path": "import sys; print(sys.path[0], [p for p in sys.path if 'startup' in p])",
    "names": "print(__name__, __file__, __doc__, __spec__, __package__); import __main__; print(__main__.__file__)",
    "sibling": "import sibling; print(sibling.__name__)",
    "exit code": "import sys; sys.exit(3)",
    "exit text": "import sys; sys.exit('no data')",
    "no exit code": "raise SystemExit",
    "traceback": "def f(x):\n    return 1 / x\n\n\nf(0)\n",
    "syntax": "print(1)\ndef f(:\n",
    "interrupt": "print('before', flush=True)\nraise KeyboardInterrupt",
    "at exit": "import atexit; atexit.register(print, 'end'); raise ValueError('x')",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "standard input": "print(input())",
    "hook of its own": "import sys; sys.excepthook = lambda *a: print(a[0]); raise ValueError('x')",
    "spawned process": (
        "import multiprocessing as m\n\ndef f(x):\n    return x + 1\n\nif __name__ == '__main__':\n"
        "    with m.get_context('spawn').Pool(1) as pool:\n        print(pool.map(f, [1, 2]))\n"
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_script_behaves_as_under_python(name, run, environment):
    written(environment, "sibling.py", "")
    script = written(environment, "inner/program.py" if name != "sibling" else "program.py", PROGRAMS[name])
    arguments = [script, "--epochs", "3", "-h", "--help", "x y"]
    mine, pythons = run(*arguments), run(*arguments, command=[sys.executable])
    assert result(mine) == result(pythons)


def test_a_module_behaves_as_under_python(run, environment):
    written(environment, "package/__init__.py", "")
    written(environment, "package/train.py", "import sys; print(sys.argv, sys.path[0], __name__, __spec__.name); 1 / 0")
    arguments = ["-m", "package.train", "-m", "--epochs", "3", "--help"]
    assert result(run(*arguments)) == result(run(*arguments, command=[sys.executable]))


def test_a_missing_script_is_reported_as_by_python(run):
    assert result(run("missing.py")) == result(run("missing.py", command=[sys.executable]))


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


def test_keras_is_cornu_and_tensorflow_stays(run, environment):
    pytest.importorskip("tensorflow")
    done = run(written(environment, "program.py", IMPORTS))
    assert done.stdout == "ok\n", done.stderr


def test_the_rest_of_a_process_has_real_keras(run, environment):
    done = run(
        written(environment, "program.py", "import keras; print(keras.layers.Dense.__module__)"), command=[sys.executable]
    )
    assert done.stdout.startswith("keras.")


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_child_processes_have_cornu_too(run, environment, start):
    program = (
        "import multiprocessing as m\nimport keras\n\ndef f(x):\n    return keras.layers.Dense.__module__\n\n"
        f"if __name__ == '__main__':\n    with m.get_context({start!r}).Pool(1) as pool:\n        print(pool.map(f, [1])[0])\n"
    )
    done = run(written(environment, "program.py", program))
    assert done.stdout.startswith("cornu."), done.stderr


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


@pytest.mark.parametrize("engine", ["jax", "torch", "tensorflow"])
def test_a_model_trains_on_the_engine_that_keras_backend_names(run, environment, engine):
    pytest.importorskip(engine)
    done = run(written(environment, "program.py", TRAINING), "2", KERAS_BACKEND=engine)
    assert done.stdout == f"2 {engine} float32\n", done.stderr


def test_the_variable_of_cornu_takes_precedence(run, environment):
    done = run(written(environment, "program.py", TRAINING), "1", KERAS_BACKEND="torch", CORNU_BACKEND="jax")
    assert done.stdout == "1 jax float32\n"


def test_the_program_may_name_the_engine_itself(run, environment):
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
    assert (done.stdout, done.stderr) == ("torch float16 0.5 channels_first\n", "")
    elsewhere = run("-c", "import cornu; print(cornu.config.floatx())", command=[sys.executable])
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


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ('{"floatx": "float31"}', "floatx='float31' is not a valid setting, so 'float32' is used"),
        ('{"epsilon": [1]}', "epsilon=[1] is not a valid setting, so 1e-07 is used"),
        ('{"backend": "theano"}', "backend='theano' is not a valid setting, so 'jax' is used"),
        ("[1]", "it is not a JSON object, so it is ignored"),
        ("{", "it is not a JSON object, so it is ignored"),
        ('{"nnx_enabled": false}', None),
    ],
)
def test_a_wrong_entry_of_keras_json_is_reported_and_ignored(run, environment, text, report):
    written(environment, "keras.json", text)
    done = run(written(environment, "program.py", SETTINGS))
    assert done.stdout == "jax float32 1e-07 channels_last\n"
    assert done.stderr == ("" if report is None else f"cornu run: {environment / 'keras.json'}: {report}.\n")


# --- Names that are missing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "kind", "text"),
    [
        (
            "from keras.layers import Dnse",
            "ImportError",
            "`keras.layers.Dnse` was imported. Cornu has no such name in `keras.layers`. Did you mean 'Dense'?",
        ),
        (
            "import keras; keras.layers.Dnse",
            "AttributeError",
            "`keras.layers.Dnse` was requested. Cornu has no such name in `keras.layers`. Did you mean 'Dense'?",
        ),
        (
            "from tensorflow.keras.optimizers import Adamm",
            "ImportError",
            "`tensorflow.keras.optimizers.Adamm` was imported. Cornu has no such name in `tensorflow.keras.optimizers`. "
            "Did you mean 'Adam'?",
        ),
        (
            "import keras.layer",
            "ImportError",
            "`keras.layer` was imported. Cornu has no such name in `keras`. Did you mean 'layers'?",
        ),
        (
            "from keras.src.layers import Dense",
            "ImportError",
            "`keras.src` was imported. `keras.src` is the private code of Keras, which Cornu replaces. "
            "Use the public name: `keras.layers.Dense` for `keras.src.layers.core.dense.Dense`.",
        ),
        (
            "import keras; keras.src.layers",
            "AttributeError",
            "`keras.src` was requested. `keras.src` is the private code of Keras, which Cornu replaces. "
            "Use the public name: `keras.layers.Dense` for `keras.src.layers.core.dense.Dense`.",
        ),
        (
            "import keras; keras.ops.xyzzy",
            "AttributeError",
            "`keras.ops.xyzzy` was requested. Cornu has no such name in `keras.ops`. "
            "`dir(keras.ops)` lists the names; docs/compatibility.md lists those that Cornu lacks.",
        ),
    ],
)
def test_a_missing_name_is_an_error_in_three_parts(run, environment, statement, kind, text):
    if "tensorflow" in statement:
        pytest.importorskip("tensorflow")
    program = f"try:\n    {statement}\nexcept {kind} as error:\n    print(error)\n"
    done = run(written(environment, "program.py", program))
    assert done.stdout == text + "\n"


def test_optional_imports_of_missing_names_can_be_caught(run, environment):
    program = (
        "try:\n    from keras.experimental import Old\nexcept ImportError:\n    print('none')\n"
        "import keras\nprint(hasattr(keras, 'old'))"
    )
    assert run(written(environment, "program.py", program)).stdout == "none\nFalse\n"


def test_names_are_listed_and_star_imported(run, environment):
    program = (
        "from keras.layers import *\nimport keras\nprint(Dense.__name__, 'Dense' in dir(keras.layers), 'ops' in dir(keras))"
    )
    assert run(written(environment, "program.py", program)).stdout == "Dense True True\n"


# --- Notebooks ------------------------------------------------------------------------------------------------------------


def notebook(folder, *cells, name="program.ipynb"):
    """Write a notebook of code cells; a cell in a list is text."""
    found = [
        {"cell_type": "markdown", "source": cell} if isinstance(cell, list) else {"cell_type": "code", "source": cell}
        for cell in cells
    ]
    return written(folder, name, json.dumps({"cells": found, "nbformat": 4}))


def test_the_code_cells_of_a_notebook_run_in_order(run, environment):
    file = notebook(
        environment,
        ["# Title"],
        "import sys, keras\nx = 1",
        "def f():\n    return x + 1",
        "print(f(), sys.argv, __name__, keras.__version__[0])",
    )
    done = run(file, "--epochs", "2")
    assert (done.stdout, done.stderr) == ("2 ['program.ipynb', '--epochs', '2'] __main__ 3\n", "")


def test_modules_next_to_a_notebook_can_be_imported_and_objects_pickled(run, environment):
    written(environment, "inner/sibling.py", "value = 5")
    file = notebook(
        environment,
        "import pickle, sibling",
        "class A:\n    pass",
        "print(type(pickle.loads(pickle.dumps(A()))) is A, sibling.value)",
        name="inner/n.ipynb",
    )
    assert run(file).stdout == "True 5\n"


def test_source_as_a_list_of_lines_is_joined(run, environment):
    text = json.dumps({"cells": [{"cell_type": "code", "source": ["x = 1\n", "print(x)"]}]})
    assert run(written(environment, "n.ipynb", text)).stdout == "1\n"


def test_lines_for_ipython_are_skipped_with_a_line_each(run, environment):
    cell = "%matplotlib inline\n!pip install keras\nif True:\n    !ls\nprint('''\n%s\n''' % 1)"
    done = run(notebook(environment, "print(0)", cell))
    assert done.stdout == "0\n\n1\n\n"
    assert done.stderr == "".join(
        f"cornu run: program.ipynb, cell 2, line {line}: skipped, since it is for IPython: {text}\n"
        for line, text in ((1, "%matplotlib inline"), (2, "!pip install keras"), (4, "!ls"))
    )


def test_cell_magics_skip_their_cell_unless_it_is_python(run, environment):
    done = run(notebook(environment, "%%bash\nls", "%%time\nprint(1)"))
    assert done.stdout == "1\n"
    assert done.stderr == (
        "cornu run: program.ipynb, cell 1, line 1: skipped, since it is for IPython: the whole cell\n"
        "cornu run: program.ipynb, cell 2, line 1: skipped, since it is for IPython: %%time\n"
    )


def test_an_error_names_the_cell_and_shows_its_line(run, environment):
    done = run(notebook(environment, "x = 0", ["text"], "def f():\n    return 1 / x\n\nf()"))
    assert done.returncode == 1
    assert done.stderr == (
        "Traceback (most recent call last):\n"
        '  File "program.ipynb, cell 3", line 4, in <module>\n    f()\n'
        '  File "program.ipynb, cell 3", line 2, in f\n    return 1 / x\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_an_error_of_syntax_names_the_cell(run, environment):
    done = run(notebook(environment, "x = ("))
    assert done.returncode == 1 and 'File "program.ipynb, cell 1", line 1\n' in done.stderr
    assert done.stderr.endswith("SyntaxError: '(' was never closed\n") and "cornu" not in done.stderr


def test_a_notebook_may_exit(run, environment):
    assert run(notebook(environment, "import sys\nsys.exit(4)", "print(1)")).returncode == 4


@pytest.mark.parametrize("text", ["{", "[]", '{"worksheets": []}', '{"cells": [1]}'])
def test_a_file_that_is_no_notebook_is_refused(run, environment, text):
    done = run(written(environment, "n.ipynb", text))
    assert done.returncode == 1
    assert done.stderr == (
        "cornu run: 'n.ipynb' is not a Jupyter notebook of format 4. Convert it: `jupyter nbconvert --to notebook n.ipynb`.\n"
    )


def test_a_missing_notebook_is_reported(run):
    assert run("n.ipynb").stderr == "cornu run: can't open file 'n.ipynb': No such file or directory\n"
