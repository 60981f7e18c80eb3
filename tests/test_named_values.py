"""``utils.Config``, against real Keras."""

import copy
import pickle

import keras
import pytest

import cornu
from cornu.errors import InvalidArgumentError


@pytest.fixture(params=[cornu, keras], ids=["cornu", "keras"])
def config(request):
    """The same values in Cornu's class and in Keras's."""
    config = request.param.utils.Config(rate=0.1, momentum=0.9)
    config.seed = 7
    config["batch"] = 32
    return config


def test_values_are_attributes_and_items(config):
    assert (config.rate, config["seed"], config.batch, config.get("none", 5)) == (0.1, 7, 32, 5)
    assert list(config) == ["batch", "momentum", "rate", "seed"]
    assert list(config.keys()) == ["rate", "momentum", "seed", "batch"]
    assert list(config.values()) == [0.1, 0.9, 7, 32]
    assert dict(config.items()) == config.as_dict()
    assert config.to_json() == '{"rate": 0.1, "momentum": 0.9, "seed": 7, "batch": 32}'
    assert repr(config) == "<Config {'rate': 0.1, 'momentum': 0.9, 'seed': 7, 'batch': 32}>"
    assert (len(config), "seed" in config, "other" in config) == (4, True, False)


def test_values_can_be_changed_and_removed(config):
    config.update({"rate": 1}, seed=2)
    del config["momentum"]
    assert config.pop("batch") == 32
    assert config.as_dict() == {"rate": 1, "seed": 2}


def test_a_frozen_config_refuses_changes(config):
    config.freeze()
    assert config.frozen
    for change in (
        lambda: setattr(config, "rate", 2),
        lambda: config.update(rate=2),
        lambda: config.pop("rate"),
        lambda: config.__setitem__("new", 1),
        lambda: config.__delitem__("rate"),
    ):
        with pytest.raises(ValueError, match="frozen"):
            change()
    config.unfreeze()
    config.rate = 3
    assert config.rate == 3


def test_an_unknown_attribute_names_the_nearest(config):
    with pytest.raises(AttributeError, match=r"Unknown attribute: 'momentun'. Did you mean .momentum."):
        _ = config.momentun


def test_copies_and_pickles_keep_the_state():
    config = cornu.utils.Config(a=[1])
    config.freeze()
    for other in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other.as_dict() == {"a": [1]}
        with pytest.raises(InvalidArgumentError, match=r"frozen `Config` was set or removed.*unfreeze"):
            other.a = 2
