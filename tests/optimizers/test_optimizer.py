"""The base class: learning rate, building, gradients that are missing, decay, averages, constraints, checks."""

import warnings

import pytest

import cornu
from cornu import Variable, backends, config, constraints, ops, optimizers, seeds
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError
from cornu.optimizers.schedules import ExponentialDecay


@pytest.fixture
def weight(default_backend):
    return Variable([1.0, 2.0], name="kernel")


def test_learning_rate_is_a_variable_and_can_be_set(weight):
    sgd = optimizers.SGD(learning_rate=1)
    assert float(sgd.learning_rate) == 1.0
    sgd.learning_rate = 0.5
    sgd.apply([[1.0, 1.0]], [weight])
    assert weight.numpy().tolist() == [0.5, 1.5]
    sgd.learning_rate.assign(0.25)
    assert sgd.get_config()["learning_rate"] == 0.25


def test_a_schedule_follows_the_steps_and_cannot_be_overwritten(weight):
    sgd = optimizers.SGD(ExponentialDecay(1.0, 1, 0.5))
    assert [v.name for v in sgd.variables] == ["iteration"]
    for _ in range(3):
        sgd.apply([[1.0, 0.0]], [weight])
    assert weight.numpy().tolist() == [1 - 1 - 0.5 - 0.25, 2.0]
    assert float(sgd.learning_rate) == 0.125
    with pytest.raises(InvalidTypeError, match="follows a schedule, ExponentialDecay"):
        sgd.learning_rate = 0.1


def test_a_schedule_can_take_the_place_of_a_number(weight):
    sgd = optimizers.SGD(0.1)
    sgd.learning_rate = ExponentialDecay(1.0, 1, 0.5)
    sgd.apply([[1.0, 1.0]], [weight])
    assert weight.numpy().tolist() == [0.0, 1.0]
    assert sgd.get_config()["learning_rate"]["class_name"] == "ExponentialDecay"
    assert isinstance(optimizers.deserialize(optimizers.serialize(sgd))._learning_rate, ExponentialDecay)


def test_iterations_count_steps(weight):
    adam = optimizers.Adam()
    assert adam.iterations.dtype == "int32"
    for _ in range(3):
        assert int(adam.apply_gradients([([1.0, 1.0], weight)])) == int(adam.iterations)
    assert int(adam.iterations) == 3


def test_slots_live_on_the_backend_of_the_weights():
    weight = Variable([1.0], backend="numpy")
    adam = optimizers.Adam()
    adam.build([weight])
    assert {backends.owner(v.value) for v in adam.variables} == {"numpy"}


def test_building_draws_nothing():
    seeds.set_seed(3)
    weight = Variable("glorot_uniform", shape=(2, 2))
    optimizers.Adam(use_ema=True).build([weight])
    assert weight._array is None
    assert seeds.next_key() == (3, 1)


def test_missing_gradients_leave_their_variables(weight):
    other = Variable([5.0], name="other")
    adam = optimizers.Adam(weight_decay=0.1)
    with pytest.warns(UserWarning, match=r"no gradients for the variables \['other'\]"):
        adam.apply([[1.0, 1.0], None], [weight, other])
    assert other.numpy().tolist() == [5.0]
    assert weight.numpy()[0] < 1.0
    assert not adam.variables[-1].numpy().any()


def test_some_of_the_variables_may_be_given(weight):
    other = Variable([5.0], name="other")
    sgd = optimizers.SGD(1.0)
    sgd.build([weight, other])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sgd.apply([[2.0]], [other])
    assert (weight.numpy().tolist(), other.numpy().tolist()) == ([1.0, 2.0], [3.0])


def test_constraints_hold_after_each_step(default_backend):
    weight = Variable([1.0, 2.0])
    weight.constraint = constraints.NonNeg()
    optimizers.SGD(1.0).apply([[3.0, 1.0]], [weight])
    assert weight.numpy().tolist() == [0.0, 1.0]


@pytest.mark.parametrize("how", [{"var_names": ["bias"]}, {"var_list": "bias"}])
def test_weight_decay_can_leave_variables_out(how, default_backend):
    kernel, bias = Variable([1.0], name="kernel"), Variable([1.0], name="bias")
    sgd = optimizers.SGD(0.5, weight_decay=0.5)
    sgd.exclude_from_weight_decay(**{key: [bias] if value == "bias" else value for key, value in how.items()})
    sgd.apply([[0.0], [0.0]], [kernel, bias])
    assert (kernel.numpy().tolist(), bias.numpy().tolist()) == ([0.75], [1.0])
    with pytest.raises(InvalidArgumentError, match="after it was built"):
        sgd.exclude_from_weight_decay(var_names=["kernel"])


def test_averages_are_taken_on_at_the_end(weight):
    sgd = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        sgd.apply([[1.0, 1.0]], [weight])
    assert weight.numpy().tolist() == [-1.0, 0.0]
    sgd.finalize_variable_values([weight])
    assert weight.numpy().tolist() == [-0.5, 0.5]


def test_scaled_losses_give_the_same_steps(weight):
    sgd = optimizers.SGD(1.0, loss_scale_factor=4.0)
    assert sgd.scale_loss(2.0) == 8.0
    assert optimizers.SGD().scale_loss(2.0) == 2.0
    sgd.apply([[4.0, 8.0]], [weight])
    assert weight.numpy().tolist() == [0.0, 0.0]


def test_gathered_gradients_count_as_one_step(weight):
    sgd = optimizers.SGD(1.0, gradient_accumulation_steps=2)
    sgd.apply([[1.0, 1.0]], [weight])
    assert weight.numpy().tolist() == [1.0, 2.0]
    assert int(sgd.iterations) == 0
    sgd.apply([[3.0, 1.0]], [weight])
    assert weight.numpy().tolist() == [-1.0, 1.0]
    assert int(sgd.iterations) == 1


def test_a_step_compiles_once(engine_name, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", engine_name)
    adam, weight, traces = optimizers.Adam(), Variable([1.0, 2.0]), []
    adam.build([weight])

    def step(state, gradients, weights):
        traces.append(1)
        return adam.stateless_apply(state, gradients, weights)

    compiled = backends.get(engine_name).compile(step)
    state, weights = [v.value for v in adam.variables], [weight.value]
    for _ in range(3):
        weights, state = compiled(state, [ops.array([1.0, 1.0])], weights)
    assert len(traces) == 1


def test_an_optimizer_of_ones_own_needs_one_formula(weight):
    class Signs(optimizers.Optimizer):
        def __init__(self, learning_rate=0.5, **kwargs):
            super().__init__(learning_rate, **kwargs)

        def update_one(self, gradient, slots, weight, learning_rate, step):
            return weight - learning_rate * ops.sign(gradient), {}

    signs = Signs()
    signs.apply([[3.0, -0.1]], [weight])
    assert weight.numpy().tolist() == [0.5, 2.5]
    assert Signs.from_config(signs.get_config()).get_config() == signs.get_config()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: optimizers.SGD(lr=0.1), "Did you mean 'learning_rate'"),
    (lambda: optimizers.SGD(learning_rat=0.1), "Did you mean 'learning_rate'"),
    (lambda: optimizers.Adam(epsilonn=0.1), "Did you mean 'epsilon'"),
    (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "received `clipnorm=1.0` and `clipvalue=1.0`"),
    (lambda: optimizers.Adam(clipnorm=-1.0), "`clipnorm=-1.0`.*positive"),
    (lambda: optimizers.Adam(weight_decay=-1.0), "`weight_decay=-1.0`.*positive"),
    (lambda: optimizers.Adam(ema_momentum=2.0), "`ema_momentum=2.0`.*between 0 and 1"),
    (lambda: optimizers.Adam(gradient_accumulation_steps=1), "`gradient_accumulation_steps=1`.*greater than or equal to 2"),
    (lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=0.5), "`ema_overwrite_frequency=0.5`.*integer"),
    (lambda: optimizers.SGD(momentum=2.0), "`momentum=2.0`"),
    (lambda: optimizers.Lion(beta_1=0.0), "`beta_1=0.0`"),
])  # fmt: skip
def test_arguments_are_checked(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


@pytest.mark.parametrize("learning_rate", ["fast", None, True, [0.1, 0.2]])
def test_learning_rates_are_numbers_or_schedules(learning_rate):
    with pytest.raises(InvalidTypeError, match=r"a number, or a schedule.*LearningRateScheduler"):
        optimizers.Adam(learning_rate)


def test_wrong_gradients_are_refused(weight):
    adam = optimizers.Adam()
    with pytest.raises(NotBuiltError, match="Pass `trainable_variables`"):
        adam.apply([[1.0, 1.0]])
    with pytest.raises(NotBuiltError, match="is not built"):
        adam.stateless_apply([], [], [])
    with pytest.raises(InvalidArgumentError, match="no gradient for any variable"):
        adam.apply([None], [weight])
    with pytest.raises(InvalidArgumentError, match="received 2 gradients for 1 variables"):
        adam.apply([[1.0, 1.0], [1.0]])
    with pytest.raises(InvalidArgumentError, match="only update the variables that it was built with"):
        adam.apply([[1.0]], [Variable([1.0])])
    with pytest.raises(ShapeError, match=r"'kernel' has shape \(3,\).*shape \(2,\)"):
        adam.apply([[1.0, 1.0, 1.0]])
    with pytest.raises(InvalidArgumentError, match="`optimizer_variables` has 1 elements"):
        adam.stateless_apply([0], [1], [1])
    with pytest.raises(NotImplementedError, match=r"`Optimizer` has no `update_step\(gradient, variable, learning_rate\)`"):
        optimizers.Optimizer(0.1).apply([[1.0, 1.0]], [weight])


def test_the_base_class_is_a_public_name():
    assert cornu.Optimizer is optimizers.Optimizer


def test_no_gradients_are_no_step(weight):
    adam = optimizers.Adam()
    adam.apply([])
    assert int(adam.iterations) == 0 and not adam.built


@pytest.mark.parametrize("name", ["SGD", "Adam", "Lion"])
def test_both_of_keras_names_for_the_weights_are_known(name, weight):
    optimizer, other = getattr(optimizers, name)(), getattr(optimizers, name)()
    optimizer.build(var_list=[weight])
    other.build(variables=[weight])
    assert [v.path for v in optimizer.variables] == [v.path.replace(other.name, optimizer.name) for v in other.variables]
    assert optimizer.trainable_variables == other.trainable_variables == [weight]


def test_set_weights_takes_what_the_variables_hold(weight):
    trained, fresh = optimizers.Adam(0.5), optimizers.Adam()
    trained.apply([[1.0, 3.0]], [weight])
    fresh.build([weight])
    fresh.set_weights([variable.numpy() for variable in trained.variables])
    assert [v.numpy().tolist() for v in fresh.variables] == [v.numpy().tolist() for v in trained.variables]
    assert float(fresh.learning_rate) == 0.5


def test_set_weights_takes_arrays_of_an_engine(weight):
    trained, fresh = optimizers.SGD(0.5, momentum=0.5), optimizers.SGD(momentum=0.5)
    trained.apply([[1.0, 3.0]], [weight])
    fresh.build([weight])
    fresh.set_weights([variable.value for variable in trained.variables])
    assert [v.numpy().tolist() for v in fresh.variables] == [v.numpy().tolist() for v in trained.variables]


def test_wrong_weights_are_refused_and_change_nothing(weight):
    sgd = optimizers.SGD(0.5, momentum=0.5)
    with pytest.raises(NotBuiltError, match=r"`set_weights` was called on the optimizer .*not built"):
        sgd.set_weights([])
    sgd.build([weight])
    for wrong in ([1, 0.1], [1, 0.1, [1.0, 2.0, 3.0]]):
        with pytest.raises(ShapeError, match=r"received arrays of shapes .*have the shapes \[\(\), \(\), \(2,\)\]"):
            sgd.set_weights(wrong)
    assert (int(sgd.iterations), float(sgd.learning_rate)) == (0, 0.5)


def test_assigning_goes_to_the_variable(weight):
    sgd = optimizers.SGD()
    sgd.assign(weight, [4.0, 8.0])
    sgd.assign_add(weight, [1.0, 2.0])
    sgd.assign_sub(weight, [3.0, 0.0])
    assert weight.numpy().tolist() == [2.0, 10.0]


def test_update_step_updates_one_weight_at_once(weight):
    adam, other = optimizers.Adam(0.5), Variable([3.0, 4.0])
    adam.build([weight, other])
    adam.update_step(ops.array([1.0, -1.0]), weight, 0.5)
    assert weight.numpy().round(4).tolist() == [0.5, 2.5]
    assert other.numpy().tolist() == [3.0, 4.0]
    with pytest.raises(InvalidArgumentError, match="only update the variables that it was built with"):
        adam.update_step(ops.array([1.0]), Variable([1.0]), 0.5)


@pytest.mark.parametrize("engine", [name for name in config.installed_backends()])
def test_gradients_of_every_engine_are_applied(engine, weight):
    gradient = backends.get(engine).asarray([1.0, 2.0], "float32")
    sgd = optimizers.SGD(0.5)
    assert sgd.apply_gradients(zip([gradient], [weight], strict=True)) is sgd.iterations
    assert weight.numpy().tolist() == [0.5, 1.0]


def test_gradients_of_rows_are_applied():
    """TensorFlow's tape returns ``IndexedSlices`` for the weight of an embedding."""
    tf, weight = pytest.importorskip("tensorflow"), Variable([1.0, 2.0], backend="tensorflow")
    optimizers.SGD(0.5).apply_gradients([(tf.IndexedSlices(tf.constant([2.0]), tf.constant([1]), (2,)), weight)])
    assert weight.numpy().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_build_that_fails_leaves_no_variables_and_may_be_repeated(error, monkeypatch):
    weights = [cornu.Variable([1.0, 2.0], name="a"), cornu.Variable([3.0], name="b")]
    optimizer = optimizers.Adam()
    made, beside = [], type(optimizer)._beside

    def failing(self, *args):
        made.append(args)
        if len(made) == 3:
            raise error("no more")
        return beside(self, *args)

    monkeypatch.setattr(type(optimizer), "_beside", failing)
    before = len(optimizer.variables)
    with pytest.raises(error, match="no more"):
        optimizer.ensure_built(weights)
    assert not optimizer.built and len(optimizer.variables) == before
    optimizer.ensure_built(weights)
    fresh = optimizers.Adam()
    monkeypatch.undo()
    fresh.ensure_built(weights)
    assert [v.name for v in optimizer.variables] == [v.name for v in fresh.variables]
