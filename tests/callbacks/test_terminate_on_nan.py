import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import Callback, LambdaCallback, TerminateOnNaN
from cornu.errors import NonFiniteError


@pytest.fixture
def model():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    return model


def data(bad_batch, batches=5, size=4):
    """Targets so large in one batch that the loss overflows."""
    x, y = np.ones((batches * size, 3), "float32"), np.zeros((batches * size, 1), "float32")
    y[bad_batch * size : (bad_batch + 1) * size] = 3e38
    return x, y


def test_training_ends_quietly_with_the_last_good_weights(model, capsys):
    model.fit(*data(bad_batch=2), batch_size=4, shuffle=False, verbose=0, callbacks=[TerminateOnNaN()])
    assert capsys.readouterr().out == "Batch 2: Invalid loss, terminating training\n"
    assert model.stop_training
    assert int(model.optimizer.iterations) == 2
    assert all(np.isfinite(value).all() for value in model.get_weights())


def test_the_last_epoch_is_in_the_history_and_ends_as_usual(model):
    ended, (x, y) = [], data(bad_batch=2)
    ending = LambdaCallback(on_epoch_end=lambda epoch, logs: ended.append(epoch), on_train_end=lambda logs: ended.append("end"))
    history = model.fit(
        x, y, batch_size=4, shuffle=False, epochs=3, verbose=0, validation_data=(x[:4], y[:4]),
        callbacks=[TerminateOnNaN(), ending],
    )  # fmt: skip
    assert history.epoch == [0] and ended == [0, "end"]
    assert not np.isfinite(history.history["loss"]).any()
    assert np.isfinite(history.history["val_loss"]).all()  # of the weights from before the bad step


def test_a_handler_of_ones_own_ends_the_training(model):
    class Handling(Callback):
        def on_non_finite(self, error):
            return True

    history = model.fit(*data(bad_batch=2), batch_size=4, shuffle=False, epochs=3, verbose=0, callbacks=[Handling()])
    assert history.epoch == [0]


def test_the_batch_is_counted_in_its_epoch(model, capsys):
    x, y = data(bad_batch=3)
    good = np.zeros_like(y)
    bad = {"now": False}

    class Batches:
        def __iter__(self):
            for number in range(5):
                rows = slice(number * 4, number * 4 + 4)
                yield x[rows], (y if bad["now"] else good)[rows]

    switch = LambdaCallback(on_epoch_begin=lambda epoch, logs: bad.update(now=epoch == 1))
    model.fit(Batches(), epochs=3, verbose=0, callbacks=[TerminateOnNaN(), switch])
    assert "Batch 3: Invalid loss" in capsys.readouterr().out


def test_the_error_is_raised_if_that_is_wanted(model):
    with pytest.raises(RuntimeError) as caught:  # as in Keras
        model.fit(*data(bad_batch=1), batch_size=4, shuffle=False, verbose=0, callbacks=[TerminateOnNaN(raise_error=True)])
    assert isinstance(caught.value, NonFiniteError)


def test_many_steps_may_run_in_one_go():
    assert not TerminateOnNaN().wants_batches()
