import pytest

from cornu.callbacks import LambdaCallback


def test_functions_are_called_at_their_moments(drive):
    seen = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])),
        on_batch_end=lambda batch, logs: seen.append(batch),
        on_train_end=lambda logs: seen.append("end"),
    )
    drive(callback, [{"loss": 1.0}, {"loss": 2.0}], steps=2)
    assert seen == ["begin", 0, 1, (0, 1.0), 0, 1, (1, 2.0), "end"]


def test_it_wants_batches_only_for_functions_of_batches():
    assert not LambdaCallback(on_epoch_end=print).wants_batches()
    assert LambdaCallback(on_train_batch_end=print).wants_batches()
    assert LambdaCallback(on_test_batch_end=print).wants_batches()


def test_other_names_are_attributes():
    callback = LambdaCallback(custom=lambda: 3, limit=5, on_test_end=None)
    assert (callback.custom(), callback.limit) == (3, 5)
    callback.on_test_end({})


def test_a_misspelled_event_is_an_attribute_with_a_warning():
    with pytest.warns(UserWarning, match="`on_epochs_end`.*will not be called. Did you mean 'on_epoch_end'"):
        callback = LambdaCallback(on_epochs_end=print)
    assert callback.on_epochs_end is print
