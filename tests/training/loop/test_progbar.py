"""The progress display for loops of users."""

import keras
import pytest

import cornu
from cornu.errors import InvalidArgumentError

UPDATES = [(1, [("loss", 3.0), ("accuracy", 0.25)]), (2, [("loss", 1.0)]), (4, [("loss", 5.0), ("accuracy", 0.5)])]


@pytest.mark.parametrize(
    "arguments", [{}, {"stateful_metrics": ["accuracy"]}, {"stateless_metrics": ["accuracy"]}, {"stateful_metrics": []}]
)
def test_averages_are_those_of_keras(arguments):
    mine, theirs = cornu.utils.Progbar(9, verbose=0, **arguments), keras.utils.Progbar(9, verbose=0, **arguments)
    for bar in (mine, theirs):
        for current, values in UPDATES:
            bar.update(current, values=values)
    expected = {name: total / count for name, (total, count) in theirs._values.items()}
    assert mine.averages() == pytest.approx(expected)


def test_adding_continues_the_count(capsys):
    bar = cornu.utils.Progbar(5)
    bar.add(2, values=[("loss", 1.0)])
    assert capsys.readouterr().out == ""
    bar.add(3, values=[("loss", 2.0)])
    assert capsys.readouterr().out.startswith("5 steps - ")
    assert bar.averages() == {"loss": pytest.approx(1.6)}


@pytest.mark.parametrize(("verbose", "shown"), [(0, False), (1, True), (2, True)])
def test_one_line_is_printed_at_the_end(verbose, shown, capsys):
    bar = cornu.utils.Progbar(2, verbose=verbose)
    for step in (1, 2):
        bar.update(step, [("loss", 0.5)])
    out = capsys.readouterr().out
    assert out.endswith(" s - loss: 0.5000\n") if shown else out == ""


def test_a_bar_of_unknown_length_ends_when_it_is_told(capsys):
    bar = cornu.utils.Progbar(None)
    bar.update(7)
    assert capsys.readouterr().out == ""
    bar.update(8, finalize=True)
    assert capsys.readouterr().out.startswith("8 steps - ")


def test_names_may_be_listed_once():
    with pytest.raises(InvalidArgumentError, match="both `stateful_metrics` and `stateless_metrics`"):
        cornu.utils.Progbar(3, stateful_metrics=["a"], stateless_metrics=["b"])
