import keras
import pytest

from cornu.callbacks import CSVLogger

LOGS = [{"loss": 1.5, "accuracy": 0.25}, {"loss": 0.5, "accuracy": 0.75, "val_loss": 2.0}, {"loss": 0.1, "per_class": [1, 2]}]


@pytest.mark.parametrize("arguments", [{}, {"separator": ";"}, {"append": True}])
@pytest.mark.parametrize("first", [0, 1])
def test_the_file_is_that_of_keras(arguments, first, drive, tmp_path):
    for name, library in (("mine", CSVLogger), ("theirs", keras.callbacks.CSVLogger)):
        for _ in range(2):
            drive(library(tmp_path / name, **arguments), LOGS[first:])
    assert (tmp_path / "mine").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_a_line_is_in_the_file_when_its_epoch_has_ended(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 1.0})
    assert (tmp_path / "log.csv").read_text().splitlines() == ["epoch,loss,val_loss", "0,1.0,NA"]


def test_the_file_is_open_during_training(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    assert (logger.csv_file, logger.writer, logger.append_header) == (None, None, True)
    logger.on_train_begin()
    logger.csv_file.write("# a comment\n")
    logger.on_epoch_end(0, {"loss": 1.0})
    assert logger.writer.fieldnames == ["epoch", "loss", "val_loss"]
    file = logger.csv_file
    logger.on_train_end()
    assert file.closed and (logger.csv_file, logger.writer) == (None, None)
    assert (tmp_path / "log.csv").read_text().splitlines() == ["# a comment", "epoch,loss,val_loss", "0,1.0,NA"]


def test_the_header_can_be_left_out(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.append_header = False
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 1.0})
    assert (tmp_path / "log.csv").read_text().splitlines() == ["0,1.0,NA"]


def test_a_training_that_fails_leaves_no_open_file(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    file = logger.csv_file
    del logger
    assert file.closed


def test_a_folder_that_is_missing_is_noticed_before_training(tmp_path):
    with pytest.raises(FileNotFoundError):
        CSVLogger(tmp_path / "missing" / "log.csv").on_train_begin()
