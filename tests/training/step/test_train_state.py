"""The state of training: read from the variables, and written to them."""

import numpy as np

import cornu
from cornu import layers, optimizers
from cornu.training.step.train_state import StateSync


def keeper_of(model, optimizer) -> StateSync:
    optimizer.build(model.trainable_variables)
    return StateSync(model, optimizer.variables, [], (1, 2))


def network(backend: str):
    return cornu.Sequential([cornu.Input((4,)), layers.Dense(3), layers.BatchNormalization()]).to_backend(backend)


def test_a_state_holds_what_the_variables_hold(backend, close):
    model, optimizer = network(backend), optimizers.Adam()
    state = keeper_of(model, optimizer).pull()
    close(list(map(np.asarray, state.trainable)), [v.numpy() for v in model.trainable_variables], 0, 0)
    close(list(map(np.asarray, state.non_trainable)), [v.numpy() for v in model.non_trainable_variables], 0, 0)
    assert len(state.optimizer) == len(optimizer.variables)
    assert (np.asarray(state.key).tolist(), int(state.step)) == ([1, 2], 0)


def test_a_state_that_is_handed_back_is_read_again(backend):
    model, engine = network(backend), cornu.backends.get(backend)
    state_sync = keeper_of(model, optimizers.SGD())
    state = state_sync.pull()
    kernel = engine.asarray(np.full((4, 3), 7.0, dtype="float32"))
    state_sync.push(state._replace(trainable=[kernel, *state.trainable[1:]], step=engine.asarray(5)))
    assert model.get_weights()[0].tolist() == [[7.0] * 3] * 4
    assert int(state_sync.pull().step) == 5


def test_the_variables_keep_their_values_until_then(backend, close):
    model = network(backend)
    before = model.get_weights()
    state = keeper_of(model, optimizers.SGD()).pull()
    state.trainable[0] = state.trainable[0] * 2
    close(model.get_weights(), before, 0, 0)
