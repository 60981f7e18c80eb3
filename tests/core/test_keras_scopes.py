"""The context managers of Keras: names, device, and variables with other values."""

import threading

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError


def test_names_of_scopes_are_joined():
    with cornu.name_scope("a"), cornu.name_scope("b"):
        assert cornu.Variable(1.0, name="v").path == "a/b/v"
    assert cornu.Variable(1.0, name="v").path == "v"


def test_paths_are_those_of_keras():
    import keras

    paths = []
    for module in (cornu, keras):
        me = object()
        with (
            module.name_scope("a", caller=me),
            module.name_scope("a", caller=me),
            module.name_scope("b", override_parent="x/y"),
        ):
            paths.append(module.Variable(1.0, name="v").path)
        with module.name_scope("a", caller=me), module.name_scope("a", caller=me, deduplicate=False):
            paths.append(module.Variable(1.0, name="w").path)
        with module.name_scope("a", caller=me), module.name_scope("a", caller=me):
            paths.append(module.Variable(1.0, name="u").path)
    assert paths[:3] == paths[3:]


def test_one_scope_may_be_entered_several_times_also_inside_itself():
    scope = cornu.name_scope("a")
    with scope, scope:
        assert cornu.Variable(1.0, name="v").path == "a/a/v"
    assert cornu.Variable(1.0, name="v").path == "v"
    with cornu.name_scope("b"), scope:
        assert cornu.Variable(1.0, name="v").path == "b/a/v"


def test_paths_in_layers_are_those_of_keras():
    import keras

    paths = []
    for module in (cornu, keras):
        me = object()

        class Inner(module.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.first = self.add_weight(shape=(1,), name="first")

            def build(self, input_shape, me=me, module=module):
                with module.name_scope("a", caller=me):
                    self.scale = self.add_weight(shape=(1,), name="scale")
                    self.free = module.Variable([1.0], name="free")

        class Outer(module.layers.Layer):
            def build(self, input_shape, module=module, inner=Inner):
                with module.name_scope("b"):
                    self.dense, self.inner = module.layers.Dense(2, name="dense"), inner(name="inner")
                    self.dense.build((None, 3))
                    self.inner.build(input_shape)

        with module.name_scope("a", caller=me):
            inner, outer = Inner(name="alone"), Outer(name="outer")
            inner.build((None, 1))
            outer.build((None, 1))
        later = Inner(name="later")
        later.build((None, 1))
        found = [inner, outer.inner, later]
        paths.append([variable.path for layer in found for variable in (layer.first, layer.scale, layer.free)])
        paths[-1].append(outer.dense.kernel.path)
    assert paths[0] == paths[1]


def test_one_scope_may_be_entered_by_several_threads():
    scope, inside, paths = cornu.name_scope("a"), threading.Barrier(4), {}

    def work(number):
        with cornu.name_scope(f"thread_{number}"):
            with scope:
                inside.wait()
            inside.wait()
            paths[number] = cornu.Variable(1.0, name="v").path

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert paths == {number: f"thread_{number}/v" for number in range(4)}


@pytest.mark.parametrize("name", ["a/b", 3])
def test_a_wrong_name_is_refused(name):
    with pytest.raises(InvalidArgumentError, match=r"`name_scope` received name=.*without `/`"):
        cornu.name_scope(name)


def test_arrays_and_layers_are_placed_on_the_device(default_backend):
    with cornu.device("CPU:0"):
        layer = layers.Dense(2)
        layer.build((None, 3))
        assert cornu.config.device() == "cpu:0"
    assert layer.place == (default_backend, "cpu:0")
    assert layer(np.ones((1, 3), "float32")).shape == (1, 2)


def test_an_unknown_device_is_refused():
    with pytest.raises(InvalidArgumentError, match="device='xpu:7'"):
        cornu.device("xpu:7")
    with pytest.raises(InvalidTypeError, match=r"`device` received device_name=3\. It must be a string or None\. Pass, for"):
        cornu.device(3)


def test_none_is_the_best_device():
    try:
        cornu.config.set_device("cpu")
        with cornu.device(None):
            assert cornu.config.device() is None
        assert cornu.config.device() == "cpu"
    finally:
        cornu.config.set_device(None)


def test_an_empty_name_adds_nothing():
    with cornu.name_scope(""), cornu.name_scope("a"):
        assert cornu.Variable(1.0, name="v").path == "a/v"


def test_variables_have_the_given_values_inside_only(default_backend):
    layer = layers.Dense(2, use_bias=False)
    layer.build((None, 3))
    kernel = np.arange(6, dtype="float32").reshape(3, 2)
    x = np.array([[1.0, 2.0, 3.0]], "float32")
    before = layer.get_weights()[0]
    with cornu.StatelessScope([(layer.kernel, kernel)]):
        inside = cornu.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(inside, x @ kernel, rtol=1e-6)
    np.testing.assert_array_equal(layer.get_weights()[0], before)


def test_assignments_are_collected(default_backend):
    one, two, three = (cornu.Variable([value, value], name="v") for value in (1.0, 2.0, 3.0))
    with cornu.StatelessScope(zip([one], [np.array([5.0, 6.0])], strict=True)) as scope:
        one.assign_add([1.0, 1.0])
        two.assign(one * 2)
        scope.add_update((three, [7.0, 7.0]))
        assert cornu.ops.convert_to_numpy(three.value).tolist() == [7.0, 7.0]
    found = [cornu.ops.convert_to_numpy(scope.get_current_value(each)).tolist() for each in (one, two, three)]
    assert found == [[6.0, 7.0], [12.0, 14.0], [7.0, 7.0]]
    assert [each.numpy().tolist() for each in (one, two, three)] == [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]
    assert scope.get_current_value(cornu.Variable(1.0)) is None


def test_initial_values_that_were_not_read_before_are_drawn():
    variable = cornu.Variable("ones", shape=(2,))
    with cornu.StatelessScope():
        assert cornu.ops.convert_to_numpy(variable.value).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("collect", [True, False])
def test_losses_are_collected_on_request(collect):
    layer = layers.ActivityRegularization(l2=1.0)
    with cornu.StatelessScope(collect_losses=collect) as scope:
        layer(np.array([[3.0]], "float32"))
    assert [float(loss) for loss in scope.losses] == ([9.0] if collect else [])


def test_a_gradient_through_the_values_is_that_of_jax():
    import jax

    layer = layers.Dense(1, use_bias=False)
    layer.build((None, 2))
    x = np.array([[2.0, 3.0]], "float32")

    def loss(kernel):
        with cornu.StatelessScope([(layer.kernel, kernel)]):
            return layer(x).sum()

    gradient = jax.jit(jax.grad(loss))(np.ones((2, 1), "float32"))
    np.testing.assert_allclose(gradient, [[2.0], [3.0]])


def test_the_values_are_checked():
    variable = cornu.Variable([1.0, 2.0], name="v")
    with pytest.raises(InvalidArgumentError, match=r"`StatelessScope` received a value for 3\."):
        cornu.StatelessScope([(3, 4)])
    with pytest.raises(ShapeError, match=r"value of shape \(3,\) for the variable 'v'. Its shape is \(2,\)."):
        cornu.StatelessScope([(variable, [1.0, 2.0, 3.0])])
