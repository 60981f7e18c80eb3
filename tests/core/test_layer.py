"""Custom layers: variables, calls, training, masks, dtypes, losses, hooks."""

import gc

import keras
import numpy as np
import pytest

import cornu
from cornu import Variable, backends, layers, ops
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError
from cornu.layers import Layer

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


class Scale(Layer):
    def build(self, input_shape):
        self.factor = self.add_weight((input_shape[-1],), "random_normal", name="factor")

    def call(self, inputs):
        return inputs * self.factor


class Tell(Layer):
    """Records its argument `training`."""

    def call(self, inputs, training=None):
        self.told = training
        return inputs


class Outer(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Tell()

    def call(self, inputs):
        return self.inner(inputs)


def paths(layer):
    return [variable.path for variable in layer.variables]


# --- Variables and layers inside --------------------------------------------------------------------------------------


def test_a_layer_builds_itself_on_the_first_call(backend):
    layer = Scale().to_backend(backend)
    assert not layer.built and layer.variables == []
    outputs = layer(X)
    assert layer.built and backends.owner(outputs) == backend
    np.testing.assert_allclose(np.asarray(outputs), X * layer.factor.numpy(), rtol=1e-6)


def test_weights_are_found_in_attributes_lists_and_dicts_each_once():
    class Many(Layer):
        def __init__(self):
            super().__init__()
            self.a = layers.Dense(1)
            self.more = [layers.Dense(2), (layers.Dense(3), {"x": layers.Dense(4)})]
            self.again = self.a
            self.v = Variable([1.0])

    layer = Many()
    assert [inner.units for inner in layer.sublayers] == [1, 2, 3, 4]
    for inner in layer.sublayers:
        inner.build((None, 2))
    assert layer.count_params() if layer.built else len(layer.variables) == 9
    assert layer.variables[0] is layer.v


def test_trainable_weights_stand_before_the_others_as_in_keras():
    def make(base, variable):
        class Mixed(base):
            def __init__(self):
                super().__init__()
                self.state = self.add_weight(shape=(1,), trainable=False, name="state")
                self.w = self.add_weight(shape=(2,), name="w")
                self.free = variable([1.0, 2.0, 3.0], name="free")

        return Mixed()

    ours, theirs = make(Layer, Variable), make(keras.layers.Layer, keras.Variable)
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    assert [v.name for v in ours.trainable_weights] == [v.name for v in theirs.trainable_weights]


def test_paths_are_those_of_keras():
    def make(base, library):
        class Inner(base):
            def build(self, input_shape):
                self.w = self.add_weight(shape=(input_shape[-1],), name="w")

            def call(self, x):
                return x * self.w

        class Whole(base):
            def __init__(self):
                super().__init__(name="whole")
                self.first = Inner(name="first")
                self.second = library.Dense(2, name="second")

            def call(self, x):
                return self.second(self.first(x))

        layer = Whole()
        layer(X)
        return layer

    assert paths(make(Layer, layers)) == [v.path for v in make(keras.layers.Layer, keras.layers).variables]


def test_an_attribute_that_is_set_anew_is_forgotten():
    layer = Outer()
    layer.inner = layers.Dense(3)
    assert [type(inner) for inner in layer.sublayers] == [layers.Dense]


def test_freezing_reaches_the_layers_inside_and_one_of_them_can_be_thawed():
    class Two(Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2), layers.Dense(2)

        def call(self, x):
            return self.b(self.a(x))

    layer = Two()
    layer(X)
    layer.trainable = False
    assert layer.trainable_variables == [] and len(layer.non_trainable_variables) == 4
    layer.trainable = True
    layer.a.trainable = False
    assert layer.trainable_variables == layer.b.variables
    assert not layer.a.trainable and layer.non_trainable_variables == layer.a.variables


def test_one_variable_can_be_frozen():
    layer = layers.Dense(2)
    layer.build((None, 3))
    layer.bias.trainable = False
    assert [v.name for v in layer.trainable_variables] == ["kernel"]
    assert [v.name for v in layer.weights] == ["kernel", "bias"]


def test_add_weight_takes_keras_arguments_in_keras_order():
    layer = Layer()
    assert layer.add_weight().shape == () and layer.add_weight(3).shape == (3,)
    counter = layer.add_weight((2,), dtype="int32", trainable=False)
    assert counter.dtype == "int32" and counter.numpy().tolist() == [0, 0]
    v = layer.add_weight((2,), "ones", "float32", autocast=False, regularizer="l2", constraint="non_neg", name="v")
    assert not v.autocast and v.regularizer is not None and v.constraint is not None and v.name == "v"


def test_set_weights_changes_all_or_nothing():
    layer = layers.Dense(2, name="d")
    layer.build((None, 3))
    before = layer.get_weights()
    with pytest.raises(ShapeError, match=r"'d' received 2 arrays of shapes \[\(3, 2\), \(3,\)\].*\[\(3, 2\), \(2,\)\]"):
        layer.set_weights([np.ones((3, 2)), np.ones(3)])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])
    with pytest.raises(ShapeError, match="build the layer first"):
        layers.Dense(2).set_weights(before)


def test_layers_that_are_dropped_are_freed():
    def living():
        gc.collect()
        return sum(issubclass(type(thing), (Layer, Variable)) for thing in gc.get_objects())

    def use():
        model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2), layers.BatchNormalization()])
        model(X)

    use()
    before = living()
    for _ in range(100):
        use()
    assert living() <= before


# --- Errors -----------------------------------------------------------------------------------------------------------


def test_a_forgotten_super_is_told_by_the_name_of_the_class():
    class Forgetful(Layer):
        def __init__(self):
            self.units = 3

    for use in (lambda layer: layer(X), lambda layer: layer.add_weight((1,)), lambda layer: layer.build((None, 3))):
        with pytest.raises(InvalidTypeError, match=r"Begin `Forgetful.__init__` with `super\(\).__init__\(\)`"):
            use(Forgetful())


def test_an_unknown_argument_is_told_with_a_guess():
    with pytest.raises(InvalidTypeError, match=r"unknown argument `activaton`.*Did you mean 'activation'\?"):
        layers.Dense(3, activaton="relu")
    with pytest.raises(InvalidTypeError, match="Its arguments are activity_regularizer, trainable, dtype, name"):
        Layer(units=3)


def test_a_layer_without_call_says_so():
    with pytest.raises(InvalidTypeError, match=r"'layer.*' \(Layer\) was called.*must define a method `call"):
        Layer()(X)


@pytest.mark.parametrize("wrong", [[[1.0, 2.0]], "text", None, 3.0])
def test_what_is_no_array_is_told(wrong):
    with pytest.raises(InvalidTypeError, match=r"The layer 'd' was called on .*must be called on arrays or symbolic tensors"):
        layers.Dense(2, name="d")(wrong)


@pytest.mark.parametrize("name", ["a/b", 3])
def test_a_name_is_a_text_without_slash_as_in_keras(name):
    with pytest.raises(InvalidArgumentError, match="`Dense` received name="):
        layers.Dense(2, name=name)
    with pytest.raises(ValueError):
        keras.layers.Dense(2, name=name)


def test_what_is_not_known_yet_is_told():
    layer = layers.Dense(3, name="d")
    for ask in (lambda: layer.input, lambda: layer.output, lambda: layer.input_shape, lambda: layer.output_shape):
        with pytest.raises(NotBuiltError, match="'d' was requested"):
            ask()
    with pytest.raises(NotBuiltError, match="The number of parameters of 'd' was requested"):
        layer.count_params()


def test_shapes_are_known_once_it_is_built():
    layer = layers.Dense(3)
    layer.build((None, 5))
    assert (layer.input_shape, layer.output_shape, layer.count_params()) == ((None, 5), (None, 3), 18)


# --- Building ---------------------------------------------------------------------------------------------------------


def test_build_gets_the_shapes_of_several_arguments_by_name():
    class Pair(Layer):
        def build(self, left_shape, right_shape):
            self.shapes = left_shape, right_shape

        def call(self, left, right):
            return left

    layer = Pair()
    layer(X, right=X[:, :2])
    assert layer.shapes == ((4, 3), (4, 2))


def test_build_gets_a_tree_of_shapes_for_a_tree_of_arrays():
    class Listed(Layer):
        def build(self, input_shape):
            self.shape = input_shape

        def call(self, inputs):
            return inputs[0]

    layer = Listed()
    layer([X, X[:, :1]])
    assert layer.shape == [(4, 3), (4, 1)]


def test_a_subclass_may_call_the_build_it_overrides():
    class More(layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight((1,), "ones", name="scale")

    layer = More(2, name="more")
    layer(X)
    assert paths(layer) == ["more/kernel", "more/bias", "more/scale"]


def test_build_runs_once():
    class Once(Scale):
        count = 0

        def build(self, input_shape):
            self.count += 1
            super().build(input_shape)

    layer = Once()
    layer(X), layer(X), layer(cornu.Input((3,)))
    assert layer.count == 1 and len(layer.variables) == 1


def test_building_twice_changes_nothing():
    layer = layers.Dense(2)
    layer.build((None, 3))
    kernel = layer.kernel
    layer.build((None, 3))
    assert layer.kernel is kernel and len(layer.weights) == 2


def test_a_build_that_fails_leaves_no_variable_behind():
    class Fails(Layer):
        def build(self, input_shape):
            self.add_weight((2,))
            if input_shape[-1] == 3:
                raise ValueError("three")

        def call(self, inputs):
            return inputs

    layer = Fails()
    with pytest.raises(ValueError, match="three"):
        layer(X)
    assert layer.weights == [] and not layer.built
    layer(X[:, :2])
    assert len(layer.weights) == 1


# --- Training ---------------------------------------------------------------------------------------------------------


def test_training_reaches_the_layers_inside_and_ends_with_the_call():
    layer = Outer()
    for training in (True, False, None):
        layer(X, training=training)
        assert layer.inner.told is training


def test_the_nearest_word_about_training_counts():
    class Frozen(Outer):
        def call(self, inputs):
            return self.inner(inputs, training=False)

    class Around(Layer):
        def __init__(self):
            super().__init__()
            self.frozen, self.free = Frozen(), Tell()

        def call(self, inputs):
            return self.free(self.frozen(inputs))

    layer = Around()
    layer(X, training=True)
    assert layer.frozen.inner.told is False and layer.free.told is True


@pytest.mark.parametrize("training", [None, False])
def test_a_default_of_ones_own_is_handed_on_as_in_keras(training):
    def make(base):
        class TellIt(base):
            def call(self, inputs, training=None):
                self.told = training
                return inputs

        class Always(base):
            def __init__(self):
                super().__init__()
                self.inner = TellIt()

            def call(self, inputs, training=True):
                return self.inner(inputs)

        layer = Always()
        layer(X) if training is None else layer(X, training=training)
        return layer.inner.told

    assert make(Layer) is make(keras.layers.Layer)


def test_a_frozen_batch_normalization_uses_what_it_learned(backend):
    layer = layers.BatchNormalization().to_backend(backend)
    layer(X)
    before = np.asarray(layer(X, training=False))
    layer.trainable = False
    np.testing.assert_allclose(np.asarray(layer(X, training=True)), before, rtol=1e-6)
    assert len(layer.non_trainable_variables) == 4
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(3))


# --- Masks ------------------------------------------------------------------------------------------------------------


class Mean(Layer):
    def call(self, inputs, mask=None):
        self.mask = mask
        return ops.mean(inputs, axis=1)


def test_a_mask_travels_through_layers_that_support_it():
    sequence = np.float32([[[1.0], [0.0], [2.0]]])
    mean, dropped = Mean(), Scale()
    with call_context.entered(CallContext()):
        mean(layers.Dropout(0.5)(layers.Masking(0.0)(sequence)))
        assert np.asarray(mean.mask).tolist() == [[True, False, True]]
        with pytest.warns(UserWarning, match=r"'scale.*' \(Scale\) received an input with a mask.*`supports_masking = True`"):
            mean(dropped(layers.Masking(0.0)(sequence)))
        assert mean.mask is None


def test_a_mask_outlives_a_change_of_dtype():
    mean = Mean(dtype="float16")
    with call_context.entered(CallContext()):
        mean(layers.Masking(0.0)(np.float32([[[1.0], [0.0]]])))
    assert np.asarray(mean.mask).tolist() == [[True, False]]


def test_a_mask_that_is_given_counts_and_is_handed_on():
    class Keep(Layer):
        supports_masking = True

        def call(self, inputs, mask=None):
            return inputs + 0

    given = np.array([[True, True, False]])
    mean = Mean()
    with call_context.entered(CallContext()):
        mean(Keep()(layers.Masking(0.0)(np.zeros((1, 3, 1), "float32")), mask=given))
        assert np.asarray(mean.mask).tolist() == given.tolist()
        mean(np.zeros((1, 3, 1), "float32"), given)
        assert np.asarray(mean.mask).tolist() == given.tolist()


def test_each_argument_has_a_mask_of_its_own():
    class Attend(Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            self.masks = query_mask, value_mask
            return query

    layer = Attend()
    with call_context.entered(CallContext()):
        layer(np.ones((1, 2, 1), "float32"), layers.Masking(0.0)(np.float32([[[0.0], [3.0]]])))
    assert layer.masks[0] is None and np.asarray(layer.masks[1]).tolist() == [[False, True]]


# --- Dtypes -----------------------------------------------------------------------------------------------------------


def test_a_mixed_layer_computes_in_16_bits_and_keeps_32(backend):
    layer = layers.Dense(2, dtype="mixed_float16").to_backend(backend)
    outputs = layer(X)
    assert (layer.compute_dtype, layer.variable_dtype, layer.dtype) == ("float16", "float32", "float32")
    assert backends.of(outputs).dtype(outputs) == "float16" and layer.kernel.dtype == "float32"


def test_a_layer_of_32_bits_inside_a_mixed_one_reads_its_variables_in_32():
    class Read(Layer):
        def build(self, input_shape):
            self.w = self.add_weight((1,), "ones", name="w")

        def call(self, inputs):
            self.read = backends.of(self.w.value).dtype(self.w.value)
            return inputs

    class Mixed(Layer):
        def __init__(self):
            super().__init__(dtype="mixed_float16")
            self.full, self.half = Read(dtype="float32"), Read(dtype="mixed_float16")

        def call(self, inputs):
            return self.full(self.half(inputs))

    layer = Mixed()
    layer(X)
    assert (layer.full.read, layer.half.read) == ("float32", "float16")


def test_integers_are_not_cast():
    class Kind(Layer):
        def call(self, inputs):
            self.kind = backends.of(inputs).dtype(inputs)
            return inputs

    layer = Kind()
    layer(np.array([[1, 2]], "int32"))
    assert layer.kind == "int32"
    layer(np.array([[1.0]], "float64"))
    assert layer.kind == "float32"


# --- Losses and hooks -------------------------------------------------------------------------------------------------


def ops_of(library):
    return ops if library is layers else keras.ops


def make_penalised(base, library):
    class Penalised(base):
        def __init__(self):
            super().__init__(activity_regularizer="l2")
            self.dense = library.Dense(2, kernel_regularizer="l1", activity_regularizer="l1")

        def call(self, inputs):
            self.add_loss(ops_of(library).sum(inputs) * 0.25)
            return self.dense(inputs)

    return Penalised()


def test_losses_are_those_of_keras():
    ours, theirs = make_penalised(Layer, layers), make_penalised(keras.layers.Layer, keras.layers)
    theirs(X), ours(X)
    ours.set_weights([np.asarray(w.value) for w in theirs.weights])
    theirs(X), ours(X)
    found, expected = (sorted(float(loss) for loss in layer.losses) for layer in (ours, theirs))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_layer_called_alone_leaves_no_loss_behind_in_the_one_around_it():
    layer = make_penalised(Layer, layers)
    layer(X)
    count = len(layer.losses)
    layer.dense(X)
    assert len(layer.losses) == count


def test_losses_do_not_pile_up():
    layer = make_penalised(Layer, layers)
    layer(X)
    count = len(layer.losses)
    layer(X)
    assert len(layer.losses) == count


def test_hooks_see_and_change_the_outputs_of_every_layer():
    seen = []

    def hook(layer, inputs, outputs):
        seen.append(type(layer).__name__)
        return outputs * 2 if isinstance(layer, Tell) else outputs

    layer = Outer()
    with call_context.entered(CallContext(hooks=(hook,))):
        outputs = layer(X)
    assert seen == ["Tell", "Outer"]
    np.testing.assert_allclose(np.asarray(outputs), X * 2)


# --- Pure calls -------------------------------------------------------------------------------------------------------


def test_a_pure_call_gives_what_the_eager_one_gives_and_changes_nothing(backend):
    layer = layers.BatchNormalization().to_backend(backend)
    layer(X)
    trained = [v.value for v in layer.trainable_variables]
    state = [v.value for v in layer.non_trainable_variables]
    pure, after = layer.stateless_call(trained, state, X, training=True)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(3))
    eager = layer(X, training=True)
    np.testing.assert_allclose(np.asarray(pure), np.asarray(eager), rtol=1e-6)
    for one, variable in zip(after, layer.non_trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(one), variable.numpy(), rtol=1e-6)


def test_no_tracer_outlives_a_compiled_call(engine_name):
    class Counter(Layer):
        def build(self, input_shape):
            self.count = self.add_weight((), "zeros", trainable=False, name="count")
            self.w = self.add_weight((input_shape[-1],), "random_normal", name="w")

        def call(self, inputs):
            self.count.assign_add(1.0)
            self.add_loss(ops.sum(inputs))
            return inputs * self.w

    layer = Counter().to_backend(engine_name)
    layer(cornu.Input((3,)))
    compiled = layer.backend.compile(lambda t, s, x: layer.stateless_call(t, s, x, return_losses=True))
    outputs, after, losses = compiled([layer.w.value], [layer.count.value], X)
    assert layer.count.numpy() == 0 and float(after[0]) == 1 and layer.losses == []
    np.testing.assert_allclose(float(losses[0]), X.sum(), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(outputs), X * layer.w.numpy(), rtol=1e-6)


def test_a_variable_made_under_an_abstract_run_is_a_real_one(backend):
    class Late(Layer):
        def call(self, inputs):
            if not hasattr(self, "v"):
                self.v = Variable(np.float32([2.0]), backend=self.backend_name)
                self.w = Variable("random_normal", shape=(1,), backend=self.backend_name)
            return inputs * self.v * self.w

    layer = Late().to_backend(backend)
    assert layer(cornu.Input((3,))).shape == (None, 3)
    assert layer.v.numpy().tolist() == [2.0]
    np.testing.assert_allclose(np.asarray(layer(X)), X * 2 * layer.w.numpy(), rtol=1e-6)


def test_an_abstract_run_changes_no_variable_and_draws_none(backend):
    class Counter(Layer):
        def build(self, input_shape):
            self.count = self.add_weight((), "zeros", trainable=False, name="count")
            self.w = self.add_weight((3,), name="w", initializer=refuse)

        def call(self, inputs):
            self.count.assign_add(1.0)
            return inputs * self.w * self.count

    def refuse(shape, dtype=None):
        raise AssertionError("the values were drawn")

    layer = Counter().to_backend(backend)
    assert layer(cornu.Input((3,))).shape == (None, 3)
    assert layer.count.numpy() == 0


# --- Configs ----------------------------------------------------------------------------------------------------------


def test_arguments_are_the_config():
    class Own(Layer):
        def __init__(self, units, activation="relu", **kwargs):
            super().__init__(**kwargs)
            self.units = units

    layer = Own(3, name="mine", trainable=False, dtype="float16")
    config = layer.get_config()
    assert (config["units"], config["activation"], config["name"], config["trainable"]) == (3, "relu", "mine", False)
    again = Own.from_config(config)
    assert again.get_config() == config and again.compute_dtype == "float16"


def test_a_constructor_without_base_arguments_still_comes_back_whole():
    class Own(Layer):
        def __init__(self, units):
            super().__init__(dtype="float16")
            self.units = units

    layer = Own(3)
    layer.trainable = False
    again = Own.from_config(layer.get_config())
    assert (again.units, again.name, again.trainable, again.compute_dtype) == (3, layer.name, False, "float16")


def test_a_get_config_of_ones_own_works_as_in_keras():
    def make(base):
        class Own(base):
            def __init__(self, things, *rest, **kwargs):
                super().__init__(**kwargs)
                self.things = things

            def get_config(self):
                return {**super().get_config(), "things": len(self.things)}

        return Own({object(), object()}, 1, 2, name="own").get_config()

    ours, theirs = make(Layer), make(keras.layers.Layer)
    assert set(ours) == set(theirs) and ours["things"] == 2 and ours["name"] == "own"


def test_a_get_config_above_a_built_in_layer_gets_its_arguments():
    def make(base):
        class Own(base):
            def __init__(self, factor, **kwargs):
                super().__init__(units=7, activation="relu", **kwargs)
                self.factor = factor

            def get_config(self):
                return {**super().get_config(), "factor": self.factor}

        return Own(2.0, name="own").get_config()

    ours, theirs = make(layers.Dense), make(keras.layers.Dense)
    assert ours["units"] == theirs["units"] == 7 and ours["activation"] == theirs["activation"] == "relu"
    assert set(theirs) - set(ours) <= {"quantization_config", "activity_regularizer"} and set(ours) <= set(theirs)


def test_arguments_without_names_make_no_config():
    class Loose(Layer):
        def __init__(self, *units):
            super().__init__()

    with pytest.raises(InvalidTypeError, match=r"`Loose.__init__` takes `\*args`"):
        Loose(1, 2).get_config()


def test_the_build_config_holds_the_shapes_it_was_built_for():
    layer = layers.Dense(2)
    assert layer.get_build_config() is None
    layer(X)
    assert layer.get_build_config() == {"input_shape": (4, 3)}
    assert layer.input_shape == (None, 3)


def test_the_build_config_of_several_shapes_is_written_as_keras_does():
    layer = layers.MultiHeadAttention(2, 3)
    layer.build((None, 4, 5), (None, 6, 5))
    assert layer.get_build_config() == {"shapes_dict": {"query_shape": (None, 4, 5), "value_shape": (None, 6, 5)}}


class Clumsy(Layer):
    """Multiplies by the operator of the engine's own arrays, which knows nothing of layers."""

    def call(self, inputs, factor=None):
        return inputs @ ops.ones((5, 2))


class Around(cornu.Model):
    """A model with a layer of its own, which `fit` meets without shapes."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def notes_of(caught):
    """The notes that Cornu added; an engine may add its own."""
    return [note for note in getattr(caught.value, "__notes__", []) if note.startswith("This happened in")]


@pytest.fixture
def default(backend):
    """The default backend; the test runs once with each."""
    before = cornu.config.backend()
    cornu.config.set_backend(backend)
    yield backend
    cornu.config.set_backend(before)


def test_an_error_of_the_engine_names_the_layer_it_left_and_the_shapes(default):
    with pytest.raises(Exception) as caught:  # each engine has its own
        Around(Clumsy(name="product"))(X)
    assert notes_of(caught) == ["This happened in the layer 'product' (Clumsy), called on an array of shape (4, 3)."]
    with pytest.raises(Exception) as caught:
        Clumsy(name="product")(X, factor=X[:2])
    assert notes_of(caught) == ["This happened in the layer 'product' (Clumsy), called on arrays of shapes (4, 3) and (2, 3)."]


def test_an_error_in_compiled_code_names_the_layer(default):
    model = Around(Clumsy(name="product"))
    model.compile("sgd", "mse")
    with pytest.raises(Exception) as caught:  # each engine has its own
        model.fit(X, X, verbose=0)  # finds the shapes first, of batches of any size
    assert notes_of(caught) == ["This happened in the layer 'product' (Clumsy), called on an array of shape (None, 3)."]
    model.built = True  # so that the shapes are not found once more
    with pytest.raises(Exception) as caught:
        model.predict(X, verbose=0)  # compiles
    assert notes_of(caught) == ["This happened in the layer 'product' (Clumsy), called on an array of shape (4, 3)."]


def test_an_error_of_an_op_names_the_layer_and_says_none_for_an_unknown_size(default):
    class Product(Layer):
        def call(self, inputs):
            return ops.matmul(inputs, ops.ones((5, 2)))

    with pytest.raises(ShapeError, match=r"`matmul` received arrays of shapes \(None, 3\) and \(5, 2\)") as caught:
        cornu.Sequential([Product(name="product")]).predict(X, verbose=0)
    assert notes_of(caught) == ["This happened in the layer 'product' (Product), called on an array of shape (None, 3)."]


def test_an_error_that_names_the_layer_gets_no_note():
    class Strict(Layer):
        def call(self, inputs):
            raise ValueError(f"{self.name!r} takes no arrays today.")

    with pytest.raises(ValueError, match="takes no arrays") as caught:
        Strict(name="strict")(X)
    assert notes_of(caught) == []


def test_whoever_says_what_the_mask_becomes_has_one():
    class Tokens(Layer):
        """As in Keras's examples: the embedding is inside, and its mask comes from outside."""

        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(10, 3, mask_zero=True)

        def call(self, inputs):
            return self.embedding(inputs)

        def compute_mask(self, inputs, mask=None):
            return self.embedding.compute_mask(inputs, mask=mask)

    class KeepsNothing(Layer):
        supports_masking = False

        def compute_mask(self, inputs, previous_mask=None):
            return previous_mask

    assert Tokens().supports_masking
    assert not KeepsNothing().supports_masking
    mean = Mean()
    with call_context.entered(CallContext()):
        mean(Tokens()(np.array([[1, 2, 0]])))
    assert np.asarray(mean.mask).tolist() == [[True, True, False]]


def test_penalties_are_computed_where_the_layer_is(backend):
    layer = layers.Dense(2, kernel_regularizer="l2").to_backend(backend)
    layer.build((None, 3))
    (penalty,) = layer.losses
    assert backends.owner(penalty) == backend
    assert float(penalty) == pytest.approx(0.01 * np.square(layer.get_weights()[0]).sum(), rel=1e-5)
