"""What the tests of metrics share."""

import pytest

from cornu import config


@pytest.fixture
def default_backend(backend, monkeypatch):
    """A backend as the default, so that metrics keep their numbers there."""
    monkeypatch.setattr(config._backend, "_default", backend)
    return backend
