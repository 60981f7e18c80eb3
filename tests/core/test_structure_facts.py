"""What is remembered about a model's structure is never stale."""

import pytest

import cornu
from cornu import layers, metrics, optimizers
from cornu.core.layer_record import record_of
from cornu.core.structure_facts import structure_facts


def model():
    return cornu.Sequential(
        [cornu.Input((4,)), layers.Dense(3, name="a"), layers.BatchNormalization(), layers.Dense(1, name="b")]
    )


def add_layer(net):
    net.add(layers.Dense(2))


def pop_layer(net):
    net.pop()


def freeze_layer(net):
    net.layers[0].trainable = False


def freeze_variable(net):
    net.layers[-1].bias.trainable = False


def freeze_all(net):
    net.trainable = False


def add_metric(net):
    net.layers[0].seen = metrics.Mean(name="seen")


def declare_coupling(net):
    net.layers[0].batch_coupling = "unknown"


CHANGES = [add_layer, pop_layer, freeze_layer, freeze_variable, freeze_all, add_metric, declare_coupling]


def ids(facts):
    return [list(map(id, part)) for part in (facts.trainable, facts.non_trainable, facts.metrics)], facts.batch_coupling


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_structure_is_seen(change):
    net = model()
    first = structure_facts(net)
    assert structure_facts(net) is first
    change(net)
    now = structure_facts(net)
    assert now is not first and ids(now) != ids(first)
    record_of(net).facts = None  # so that the properties traverse the model
    assert list(map(id, now.variables)) == list(map(id, net.variables))
    assert list(map(id, now.trainable)) == list(map(id, net.trainable_variables))
    assert list(map(id, now.non_trainable)) == list(map(id, net.non_trainable_variables))


@pytest.mark.parametrize("change", CHANGES[:5])
def test_the_lists_of_variables_see_a_change(change):
    net, other = model(), model()
    structure_facts(net)
    before = len(net.trainable_variables), len(net.non_trainable_variables)
    net.trainable_variables.clear()  # of a list that the user owns
    assert before == (len(net.trainable_variables), len(net.non_trainable_variables)) == (6, 2)
    change(net)
    change(other)  # of which nothing is remembered
    assert len(net.trainable_variables) == len(other.trainable_variables) != 6
    assert len(net.non_trainable_variables) == len(other.non_trainable_variables)
    assert len(net.variables) == len(other.variables)


def test_a_layer_that_is_appended_to_a_list_is_seen():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Dense(2)]

    net = Own()
    net.parts[0].build((None, 4))
    other = layers.Dense(2)
    other.build((None, 4))
    assert len(structure_facts(net).trainable) == 2
    net.parts.append(other)
    assert len(structure_facts(net).trainable) == 4


def test_variables_that_the_user_chooses_are_asked_for_each_time():
    chosen = {"part": 0}

    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Dense(2), layers.Dense(2)]

        @property
        def trainable_variables(self):
            return self.parts[chosen["part"]].trainable_variables

    net = Own()
    for part in net.parts:
        part.build((None, 4))
    for number in (0, 1, 0):
        chosen["part"] = number
        assert structure_facts(net).trainable[0] is net.parts[number].kernel


def test_steps_on_single_batches_do_not_traverse_the_model_again(backend):
    net = model().to_backend(backend)
    net.compile(optimizers.SGD(0.1), "mse", metrics=["mae"])
    x = [[1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 1.0, 4.0]]
    net.train_on_batch(x, [[1.0], [0.0]])
    net.train_on_batch(x, [[1.0], [0.0]])
    first = structure_facts(net)
    net.train_on_batch(x, [[1.0], [0.0]])
    assert structure_facts(net) is first
