"""Folders of texts are the datasets that Keras makes of them."""

from pathlib import Path

import keras
import numpy as np
import pytest

import cornu
from cornu.errors import DataError, InvalidArgumentError
from cornu.utils import text_dataset_from_directory

CALLS = {
    "in order": {"shuffle": False},
    "shuffled": {"seed": 3},
    "short": {"shuffle": False, "max_length": 5},
    "both": {"seed": 3, "validation_split": 0.4, "subset": "both", "batch_size": 2},
    "no labels": {"labels": None, "shuffle": False},
    "one-hot": {"label_mode": "categorical", "shuffle": False, "batch_size": None},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("good", "bad"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "image.png").write_bytes(b"no text")
        for number in range(4):
            (tmp_path / name / f"{number}.txt").write_text(f"{number} straße\n— {name}", encoding="utf-8")
        (tmp_path / name / "deep" / "Empty.TXT").write_text("")
    return tmp_path


def elements(dataset) -> list:
    return [[np.asarray(part).tolist() for part in (one if isinstance(one, tuple) else (one,))] for one in dataset]


def texts(dataset) -> list[bytes]:
    """All texts, without their order."""
    return sorted(text for batch in elements(dataset) for text in batch[0])


def made(package, folder, capsys, **arguments):
    found = package.utils.text_dataset_from_directory(folder, **arguments)
    return list(found) if isinstance(found, (tuple, list)) else [found], capsys.readouterr().out


@pytest.mark.parametrize("call", CALLS)
def test_datasets_are_those_of_keras(call, folder, capsys):
    pytest.importorskip("tensorflow")
    theirs, expected = made(keras, folder, capsys, **CALLS[call])
    for form in ("tf", "cornu"):
        mine, printed = made(cornu, folder, capsys, format=form, **CALLS[call])
        assert printed == expected
        for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            assert one.class_names == other.class_names
            if form == "tf" or number == 1 or "seed" not in CALLS[call]:
                assert elements(one) == elements(other)
            else:  # the order within a pass is not that of tf.data
                assert texts(one) == texts(other)


def test_texts_are_bytes_that_answer_numpy(folder):
    texts, labels = next(iter(text_dataset_from_directory(folder, shuffle=False, verbose=False, format="cornu")))
    assert texts.shape == labels.shape == (10,)
    assert texts.numpy()[0].decode("utf-8") == "0 straße\n— bad"


def test_single_texts_are_bytes_too(folder):
    text, label = next(iter(text_dataset_from_directory(folder, shuffle=False, verbose=False, batch_size=None, format="cornu")))
    assert text.numpy().decode("utf-8") == "0 straße\n— bad" and label.numpy() == 0


def test_texts_that_end_in_zeros_are_kept(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.txt").write_bytes(b"a\0\0")
    dataset = text_dataset_from_directory(tmp_path, verbose=False, format="cornu")
    assert [texts.tolist() for texts, _ in dataset] == [[b"a\0\0"]]
    assert [text.numpy() for text, _ in dataset.unbatch()] == [b"a\0\0"]


def test_mistakes(folder, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"`format='pt'`.*must be one of 'tf'"):
        text_dataset_from_directory(folder, format="pt")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"contains no texts.*must end in .txt"):
        text_dataset_from_directory(tmp_path / "none", verbose=False)
