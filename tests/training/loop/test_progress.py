"""The line that shows how far training is."""

import io
import logging
import re
import sys

import numpy as np
import pytest

from cornu import config
from cornu.errors import NonFiniteError
from cornu.training.loop.progress import Progress, format_logs

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 4)), RNG.integers(0, 3, 20)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fitted(classifier, capsys, **arguments) -> list[str]:
    classifier().to_backend("numpy").fit(X, Y, 8, 2, **arguments)
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_one_line_an_epoch_where_there_is_no_terminal(verbose, classifier, capsys):
    first, *epochs = fitted(classifier, capsys, verbose=verbose, validation_split=0.2)
    assert first == "Training on cpu:0 with numpy, float32."
    assert len(epochs) == 2
    number = r"\d+\.\d{4}"
    logs = rf"accuracy: {number} - loss: {number} - val_accuracy: {number} - val_loss: {number}"
    for line, epoch in zip(epochs, (1, 2), strict=True):
        assert re.fullmatch(rf"Epoch {epoch}/2 - 2 steps - \d+\.\d s - {logs}", line)


def test_verbose_0_is_silent(classifier, capsys):
    assert fitted(classifier, capsys, verbose=0) == []


def test_evaluate_shows_one_line(classifier, capsys):
    model = classifier().to_backend("numpy")
    model.evaluate(X, Y, 8)
    assert re.fullmatch(r"Evaluating - 3 steps - \d+\.\d s - accuracy: \S+ - loss: \S+\n", capsys.readouterr().out)
    model.evaluate(X, Y, 8, verbose=0)
    assert capsys.readouterr().out == ""


def test_predict_of_little_is_silent(classifier, capsys):
    classifier().to_backend("numpy").predict(X)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verbose", [1, 2, True])
def test_predict_shows_one_line_if_asked(verbose, classifier, capsys):
    classifier().to_backend("numpy").predict(X, 8, verbose=verbose)
    assert re.fullmatch(r"Predicting - 3 steps - \d+\.\d s\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5000"),
        (0.0, "0.0000"),
        (12.34567, "12.3457"),
        (1e-3, "0.0010"),
        (9.99e-4, "9.9900e-04"),
        (1e-9, "1.0000e-09"),
        (-2e-5, "-2.0000e-05"),
        (123456.0, "1.2346e+05"),
        (float("nan"), "nan"),
        (np.float32(0.25), "0.2500"),
        ([1.0, 2.0], "[1.0, 2.0]"),
    ],
)
def test_numbers(value, text):
    assert format_logs({"loss": value}) == f"loss: {text}"


def test_several_logs_stand_in_their_order():
    assert format_logs({"loss": 0.5, "accuracy": 1}) == "loss: 0.5000 - accuracy: 1.0000"


def test_a_moving_line_on_a_terminal(classifier, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    classifier().to_backend("numpy").fit(X, Y, 8, 2)
    shown = terminal.getvalue()
    assert "Epoch 1/2" in shown and "Epoch 2/2" in shown and "3/3" in shown and "accuracy: " in shown
    assert "\x1b[?25h" in shown  # the cursor is back


def compiling_at(terminal: Terminal) -> list[str]:
    """Where the moving line said that it compiles: the heading and the step."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    found = re.findall(r"([A-Z][\w /]*?) +[━╸╺]+ +(\d+/\d+) +compiling", plain)
    return list(dict.fromkeys(" ".join(place) for place in found))  # a line may be drawn more than once


def wide_terminal(monkeypatch) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return shown


def test_the_moving_line_says_when_it_compiles(classifier, monkeypatch):
    terminal, model = wide_terminal(monkeypatch), classifier()
    model.fit(X[:16], Y[:16], 8, 2)
    assert compiling_at(terminal) == ["Epoch 1/2 0/2"]
    model.fit(X[:16], Y[:16], 8, 1)
    assert compiling_at(terminal) == ["Epoch 1/2 0/2"]  # compiled for such data already
    model.fit(X, Y, 8, 1)
    assert compiling_at(terminal) == ["Epoch 1/2 0/2", "Epoch 1/1 0/3"]


def test_evaluate_and_predict_say_when_they_compile(classifier, monkeypatch):
    terminal, model = wide_terminal(monkeypatch), classifier()
    model.evaluate(X, Y, 8)
    model.evaluate(X, Y, 8)
    assert compiling_at(terminal) == ["Evaluating 0/3"]
    many = np.zeros((2 * 101, 4), "float32")
    model.predict(many, 2)
    model.predict(many, 2)
    assert compiling_at(terminal) == ["Evaluating 0/3", "Predicting 0/101"]


def test_verbose_2_on_a_terminal_is_lines(classifier, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    classifier().to_backend("numpy").fit(X, Y, 8, 2, verbose=2)
    assert "\x1b" not in terminal.getvalue()
    assert len(terminal.getvalue().splitlines()) == 3


def test_the_terminal_is_left_in_order_after_an_exception(classifier, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    model = classifier(optimizer="sgd").to_backend("numpy")
    model.optimizer.learning_rate = 1e38
    with pytest.raises(NonFiniteError):
        model.fit(X, Y, 8, 5)
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")


@pytest.mark.parametrize("function", ["fit", "evaluate", "predict"])
def test_the_terminal_is_left_in_order_when_data_fails(function, classifier, monkeypatch):
    def failing(*parts):
        yield parts
        raise OSError("no more")

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    model = classifier().to_backend("numpy")
    with pytest.raises(OSError, match="no more"):
        if function == "fit":
            model.fit(X, Y, 8, validation_data=failing(X, Y), validation_steps=2)
        else:
            getattr(model, function)(failing(X, Y) if function == "evaluate" else failing(X), verbose=1)
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l") >= 0


def test_an_unknown_number_of_steps(classifier, capsys):
    model = classifier().to_backend("numpy")
    model.fit(iter([(X, Y)] * 3))
    assert "Epoch 1/1 - 3 steps" in capsys.readouterr().out


def test_no_output_at_all(classifier, monkeypatch):
    """As under pythonw, where there is no standard output."""
    monkeypatch.setattr(sys, "stdout", None)
    progress = Progress("auto")
    progress.begin("Epoch 1/1", 3)
    progress.update(1, {})
    progress.end({"loss": 1.0})


def test_without_interactive_logging_the_lines_go_to_a_logger(classifier, capsys, caplog):
    config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, logger="cornu"):
            classifier().to_backend("numpy").fit(X, Y, 8, 2, verbose=1)
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr() == ("", "")
    assert [line.partition(" - ")[0] for line in caplog.messages[1:]] == ["Epoch 1/2", "Epoch 2/2"]
