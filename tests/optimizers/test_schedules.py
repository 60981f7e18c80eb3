"""Schedules compared with those of real Keras, at many steps, as plain and as compiled functions."""

import inspect

import keras
import numpy as np
import pytest

from cornu import backends
from cornu.errors import InvalidArgumentError
from cornu.optimizers import schedules

CASES = [
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6}),
    ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.3, "decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [5, 11], "values": [0.3, 0.2, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.3, "decay_steps": 20}),
    (
        "PolynomialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 7, "end_learning_rate": 0.1, "power": 2.0, "cycle": True},
    ),
    ("CosineDecay", {"initial_learning_rate": 0.3, "decay_steps": 20, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "warmup_target": 0.5, "warmup_steps": 6}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "warmup_target": 0.5}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.3, "first_decay_steps": 5, "m_mul": 0.7, "alpha": 0.1}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.3, "first_decay_steps": 7, "t_mul": 1.0}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.3, "first_decay_steps": 6, "t_mul": 1.5}),
]
STEPS = (0, 1, 5, 6, 7, 11, 12, 20, 26, 39)
each_case = pytest.mark.parametrize(("name", "arguments"), CASES)


@each_case
def test_values_are_those_of_keras(name, arguments, default_backend):
    engine, schedule = backends.get(default_backend), getattr(schedules, name)(**arguments)
    ours = [schedule(engine.asarray(step, "int32")) for step in STEPS]
    assert {backends.owner(value) for value in ours} == {default_backend}
    assert {engine.dtype(value) for value in ours} == {"float32"}
    theirs = [float(getattr(keras.optimizers.schedules, name)(**arguments)(step)) for step in STEPS]
    np.testing.assert_allclose([float(value) for value in ours], theirs, rtol=1e-4, atol=1e-6)


@each_case
def test_schedules_compile(name, arguments, engine_name):
    schedule = getattr(schedules, name)(**arguments)
    compiled = backends.get(engine_name).compile(schedule)
    for step in (0, 3, 25):
        np.testing.assert_allclose(float(compiled(np.int32(step))), float(schedule(step)), rtol=1e-5)


def test_restarts_begin_on_time_in_spite_of_rounding():
    schedule = schedules.CosineDecayRestarts(1.0, first_decay_steps=10)
    starts = [10 * (2**number - 1) for number in range(1, 16)]
    np.testing.assert_allclose([float(schedule(step)) for step in starts], 1.0, rtol=1e-4)


@each_case
def test_config_of_keras_is_read_and_ours_is_read_by_keras(name, arguments):
    theirs = keras.optimizers.schedules.serialize(getattr(keras.optimizers.schedules, name)(**arguments))
    ours = schedules.deserialize(theirs)
    assert ours.get_config() == theirs["config"]
    assert keras.optimizers.schedules.deserialize(schedules.serialize(ours)).get_config() == theirs["config"]


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_classes_have_the_arguments_of_keras(name):
    ours, theirs = (
        inspect.signature(getattr(module, name).__init__).parameters for module in (schedules, keras.optimizers.schedules)
    )
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


def test_arguments_are_checked():
    with pytest.raises(InvalidArgumentError, match="received `decay_steps=0`"):
        schedules.CosineDecay(0.1, decay_steps=0)
    with pytest.raises(InvalidArgumentError, match="2 boundaries and 2 values"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(NotImplementedError, match="has no `__call__"):
        schedules.LearningRateSchedule()(1)
