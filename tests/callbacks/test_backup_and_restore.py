"""Backups of the state of training: contract of Keras, exact continuation, killed processes, damaged files."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import h5py
import keras
import numpy as np
import pytest

import cornu
from cornu.callbacks import BackupAndRestore, Callback, LambdaCallback
from cornu.errors import InvalidArgumentError, ModelFormatError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of weights in Keras

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(24, 3)).astype("float32"), RNG.normal(size=(24, 1)).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in [(3, 4), (4,), (4, 1), (1,)]]
OPTIONS = {"batch_size": 8, "shuffle": False, "verbose": 0}


def network(k=cornu):
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="tanh"), k.layers.Dense(1)])
    model.set_weights(WEIGHTS)
    model.compile(k.optimizers.Adam(k.optimizers.schedules.ExponentialDecay(0.1, 5, 0.7)), "mse")
    return model


class Interrupt(Callback):
    def __init__(self, epoch, batch=None):
        super().__init__()
        self.at = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.at == (epoch, None):
            raise KeyboardInterrupt

    def on_train_batch_begin(self, batch, logs=None):
        if self.at == (self.epoch, batch):
            raise KeyboardInterrupt


def interrupted(folder, at=(2, None), **options):
    """Train until an interruption, and return the files that are left."""
    backup = BackupAndRestore(folder, **options)
    with pytest.raises(KeyboardInterrupt):
        network().fit(X, Y, epochs=5, callbacks=[backup, Interrupt(*at)], **OPTIONS)
    return sorted(os.listdir(folder))


def continued(folder, k=cornu, epochs=5, **options):
    model = network(k)
    model.set_weights([0 * w for w in WEIGHTS])
    history = model.fit(X, Y, epochs=epochs, callbacks=[k.callbacks.BackupAndRestore(str(folder), **options)], **OPTIONS)
    return model, history.epoch


def test_training_continues_as_if_it_had_not_been_interrupted(default_backend, tmp_path):
    whole = network()
    whole.fit(X, Y, epochs=5, **OPTIONS)
    assert interrupted(tmp_path / "b") == ["latest.weights.h5", "training_metadata.json"]
    model, epochs = continued(tmp_path / "b")
    assert epochs == [2, 3, 4]
    assert not (tmp_path / "b").exists()
    for mine, expected in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-7)
    for mine, expected in zip(model.optimizer.variables, whole.optimizer.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), expected.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras
def test_backups_of_keras_are_restored_and_ours_by_keras(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole = network()
    whole.fit(X, Y, epochs=5, **OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        theirs = keras.callbacks.BackupAndRestore(str(tmp_path / "theirs"))
        network(keras).fit(X, Y, epochs=5, callbacks=[theirs, Stop()], **OPTIONS)
    assert interrupted(tmp_path / "ours") == sorted(os.listdir(tmp_path / "theirs"))
    for folder, library in (("theirs", cornu), ("ours", keras)):
        model, epochs = continued(tmp_path / folder, library)
        assert list(epochs) == [2, 3, 4]
        for mine, expected in zip(model.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)


def test_backups_after_steps_continue_at_the_epoch_that_was_interrupted(tmp_path):
    """Keras 3.15 records epoch 0 for a backup in the first epoch after a continuation."""
    interrupted(tmp_path, (1, 2), save_freq=2)
    assert json.loads((tmp_path / "training_metadata.json").read_text()) == {"epoch": 1, "batch": 0}
    with h5py.File(tmp_path / "latest.weights.h5") as file:
        assert int(file["optimizer/vars/0"][()]) == 4
    interrupted(tmp_path, (1, 2), save_freq=2)  # it continues in epoch 1, with a backup after two more steps
    assert json.loads((tmp_path / "training_metadata.json").read_text())["epoch"] == 1
    _, epochs = continued(tmp_path)
    assert epochs == [1, 2, 3, 4]


def test_a_finished_training_that_is_kept_is_not_repeated(tmp_path):
    _, epochs = continued(tmp_path, epochs=3, delete_checkpoint=False)
    assert epochs == [0, 1, 2]
    assert continued(tmp_path, epochs=3, delete_checkpoint=False)[1] == []
    (tmp_path / "notes.txt").write_text("mine")
    assert continued(tmp_path, epochs=4)[1] == [3]
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_other_files_in_the_folder_are_kept_where_keras_deletes_them(tmp_path):
    left = {}
    for k in (cornu, keras):
        folder = tmp_path / k.__name__
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")
        k.callbacks.BackupAndRestore(str(folder)).on_train_end()
        left[k] = folder.exists()
    assert left == {cornu: True, keras: False}


def test_weights_without_their_backup_are_not_restored_to_its_epoch(tmp_path):
    """Keras 3.15 continues from the epoch of ``training_metadata.json`` with the weights of the model."""
    for folder, k, expected in (("mine", cornu, [0, 1, 2, 3, 4]), ("theirs", keras, [2, 3, 4])):
        interrupted(tmp_path / folder)
        os.remove(tmp_path / folder / "latest.weights.h5")
        assert list(continued(tmp_path / folder, k)[1]) == expected


def test_a_model_that_is_not_built_is_built_before_its_backup_is_restored(tmp_path):
    def epochs(**options):
        model = cornu.Sequential([cornu.layers.Dense(1)])
        model.compile("sgd", "mse")
        return list(model.fit(X, Y, callbacks=[BackupAndRestore(str(tmp_path), **options)], **OPTIONS).epoch)

    assert epochs(delete_checkpoint=False) == [0]
    assert epochs() == []


def test_the_backup_before_the_latest_replaces_a_damaged_one(tmp_path):
    files = interrupted(tmp_path, double_checkpoint=True)
    assert files == [f"{name}{end}" for name in ("latest.weights.h5", "training_metadata.json") for end in ("", ".bkp")]
    content = (tmp_path / "latest.weights.h5").read_bytes()
    (tmp_path / "latest.weights.h5").write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match="restores the backup before the latest, which cannot be read"):
        _, epochs = continued(tmp_path, double_checkpoint=True, delete_checkpoint=False)
    assert epochs == [1, 2, 3, 4]
    os.remove(tmp_path / "latest.weights.h5")  # as if the process had been killed between two renames
    assert continued(tmp_path, epochs=6)[1] == [4, 5]


def test_a_damaged_backup_is_an_error_and_leaves_the_weights(tmp_path):
    interrupted(tmp_path)
    (tmp_path / "latest.weights.h5").write_bytes(b"\x89HDF nothing")
    model = network()
    with pytest.raises(ModelFormatError, match=r"latest\.weights\.h5"):
        model.fit(X, Y, callbacks=[BackupAndRestore(tmp_path)], **OPTIONS)
    for mine, expected in zip(model.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(mine, expected)


CHILD = """
    import os, signal, sys
    import numpy as np
    import cornu
    from cornu.io import atomic
    from cornu.callbacks import BackupAndRestore, LambdaCallback, backup_and_restore

    cornu.config.set_backend("numpy")
    x, y = np.ones((8, 3)), np.ones((8, 1))
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(0.01, momentum=0.9), "mse")

    def kill(*arguments):
        os.kill(os.getpid(), signal.SIGKILL)

    def arm(epoch, logs):
        if epoch == 2:  # the third backup is never complete
            {arm}

    callbacks = [LambdaCallback(on_epoch_begin=arm), BackupAndRestore(sys.argv[1])]
    model.fit(x, y, epochs=5, batch_size=4, verbose=0, callbacks=callbacks)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="requires SIGKILL")
@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("model.save_weights = kill", 2),
        ("backup_and_restore.publish = kill", 2),
        ("backup_and_restore.atomic_write = kill", 3),  # weights and epoch are replaced at once
    ],
)
def test_a_killed_process_leaves_a_complete_backup(arm, expected, tmp_path):
    code = textwrap.dedent(CHILD).replace("{arm}", arm)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(0.01, momentum=0.9), "mse")
    seen = []
    watch = LambdaCallback(on_train_begin=lambda logs: seen.append(int(model.optimizer.iterations)))
    history = model.fit(
        np.ones((8, 3)), np.ones((8, 1)), epochs=5, batch_size=4, verbose=0, callbacks=[BackupAndRestore(tmp_path), watch]
    )
    assert history.epoch == list(range(expected, 5))
    assert seen == [2 * expected]


BAD = [
    ({"backup_dir": ""}, "`backup_dir=''`. It must be the path of a folder"),
    ({"backup_dir": "b", "save_freq": "batch"}, "`save_freq='batch'`. It must be 'epoch' or a positive integer"),
    ({"backup_dir": "b", "save_freq": 0}, "save_freq=0"),
    ({"backup_dir": "b", "save_freq": True}, "save_freq=True"),
    ({"backup_dir": "b", "save_freq": False}, "save_freq=False"),  # with which Keras saves after each step
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_arguments_are_refused(arguments, text):
    with pytest.raises(InvalidArgumentError, match=text):
        BackupAndRestore(**arguments)
