"""Reset of automatic names and release of memory."""

import pytest

from cornu import layers
from cornu.backends import memory
from cornu.core import session


def test_clear_session_resets_the_names():
    layers.Dense(1)
    session.clear_session()
    assert [layers.Dense(1).name, layers.Dense(1).name] == ["dense", "dense_1"]


@pytest.mark.parametrize("free_memory", [True, False])
def test_clear_session_gives_memory_back_if_that_is_wanted(free_memory, monkeypatch):
    given_back = []
    monkeypatch.setattr(memory, "give_back", lambda: given_back.append(1))
    session.clear_session(free_memory)
    assert bool(given_back) is free_memory
