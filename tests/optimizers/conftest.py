"""What the tests of optimizers share."""

import pytest

from cornu import config


@pytest.fixture
def default_backend(backend, monkeypatch):
    """A backend as the default, so that variables are made there."""
    monkeypatch.setattr(config._backend, "_default", backend)
    return backend
