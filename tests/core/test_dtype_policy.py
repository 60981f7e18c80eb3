"""In what dtype a layer computes, and in what dtype it keeps its variables."""

import copy
import json
import pickle

import keras
import ml_dtypes
import numpy as np
import pytest

import cornu
from cornu import config, dtype_policies, layers, ops
from cornu.core import dtype_policy
from cornu.core.dtype_policy import DTypePolicy, DTypePolicyMap
from cornu.dtypes import ALL
from cornu.errors import InvalidArgumentError, InvalidTypeError, UnsafeModelError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras


@pytest.fixture(autouse=True)
def as_before():
    yield
    dtype_policy.set_dtype_policy(None)
    config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16", *ALL])
def test_both_dtypes_and_the_representation_are_those_of_keras(name):
    ours, theirs = DTypePolicy(name), keras.dtype_policies.DTypePolicy(name)
    assert (ours.name, ours.compute_dtype, ours.variable_dtype) == (theirs.name, theirs.compute_dtype, theirs.variable_dtype)
    assert (repr(ours), ours.quantization_mode) == (repr(theirs), theirs.quantization_mode)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float16"), ml_dtypes.bfloat16, float, int, bool])
def test_a_dtype_object_names_a_policy_as_in_keras(dtype):
    assert dtype_policies.get(dtype).name == keras.dtype_policies.get(dtype).name


def test_an_unknown_policy_is_told_with_a_guess():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'mixed_float16'"):
        layers.Dense(2, dtype="mixed_flot16")


def test_a_name_that_is_no_string_is_told():
    with pytest.raises(InvalidTypeError, match=r"received 3 as its name. The name of a policy must be a string"):
        DTypePolicy(3)
    with pytest.raises(InvalidTypeError, match=r"received \{'name': 'float32'\} as its name"):
        config.set_dtype_policy({"name": "float32"})


@pytest.mark.parametrize("name", ["int8_from_float32", "float8_from_mixed_bfloat16", "int4/128_from_bfloat16"])
def test_a_policy_of_quantization_is_refused(name):
    keras.dtype_policies.get(name)
    with pytest.raises(InvalidArgumentError, match=f"`dtype='{name}'` was given. .*no quantized layers. Use the model before"):
        layers.Dense(2, dtype=name)


@pytest.mark.parametrize("kind", ["QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy"])
def test_a_policy_of_quantization_in_a_file_is_refused(kind):
    theirs = getattr(keras.dtype_policies, kind)("float8", "float32")
    with pytest.raises(InvalidArgumentError, match=r"The policy `float8_from_float32` was given. .*no quantized layers"):
        dtype_policies.deserialize(keras.dtype_policies.serialize(theirs))


def test_dtypes_that_do_not_exist_here_are_refused():
    for call in (
        lambda: ops.ones((2,), dtype="float8_e4m3fn"),
        lambda: ops.cast(ops.ones(2), "float8_e4m3fn"),
        lambda: layers.Dense(1, dtype="float8_e4m3fn"),
    ):
        with pytest.raises(InvalidArgumentError, match=r"`dtype='float8_e4m3fn'` was given. .*8 bits\. .*Use 'bfloat16'"):
            call()


def test_policies_of_one_name_are_equal():
    assert DTypePolicy("mixed_float16") == DTypePolicy("mixed_float16") != DTypePolicy("float16")
    assert len({DTypePolicy("float16"), DTypePolicy("float16"), DTypePolicy("float32")}) == 2
    assert DTypePolicy("float32") != "float32"
    assert layers.Dense(1, dtype="float16").dtype_policy == layers.Dense(2, dtype="float16").dtype_policy


def test_copies_of_a_policy_are_equal():
    for policy in (DTypePolicy("mixed_float16"), DTypePolicyMap("float16", {"a": "float32"})):
        assert copy.deepcopy(policy) == policy == pickle.loads(pickle.dumps(policy))


# --- The global policy ------------------------------------------------------------------------------------------------


def test_layers_follow_the_policy_that_is_set_and_floatx_otherwise():
    dtype_policy.set_dtype_policy("mixed_bfloat16")
    assert layers.Dense(1).compute_dtype == "bfloat16"
    dtype_policy.set_dtype_policy(None)
    config.set_floatx("float64")
    assert (layers.Dense(1).compute_dtype, layers.Dense(1).variable_dtype) == ("float64", "float64")


@pytest.mark.parametrize("library", [cornu, keras])
def test_the_global_policy_under_all_its_names(library):
    for set_policy in (library.config.set_dtype_policy, library.mixed_precision.set_dtype_policy):
        set_policy("float32")
        assert library.config.dtype_policy().name == "float32"
        set_policy(library.DTypePolicy("mixed_bfloat16"))
        for policy in (
            library.config.dtype_policy,
            library.mixed_precision.dtype_policy,
            library.mixed_precision.global_policy,
        ):
            assert policy() == library.DTypePolicy("mixed_bfloat16") == library.DTypePolicy()
        assert library.layers.Dense(1).compute_dtype == "bfloat16"
    library.mixed_precision.set_global_policy("float16")
    assert library.mixed_precision.Policy("float16") == library.FloatDTypePolicy() == library.dtype_policies.get(None)
    library.utils.clear_session()
    assert library.config.dtype_policy().name == "float32"


def test_a_map_can_be_the_global_policy():
    config.set_dtype_policy(DTypePolicyMap("float32", {"half.*": "float16"}))
    made = [layers.Dense(1, name=name) for name in ("half_1", "full")]
    for layer in made:
        layer.build((None, 2))
    assert [layer.compute_dtype for layer in made] == ["float16", "float32"]


# --- The policy of a layer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", [cornu, keras])
@pytest.mark.parametrize(
    "value", ["mixed_float16", "policy", {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}]
)
def test_the_policy_of_a_layer_can_be_set(library, value):
    layer = library.layers.Dense(2)
    layer.dtype_policy = library.DTypePolicy("mixed_float16") if value == "policy" else value
    assert (layer.compute_dtype, layer.variable_dtype, layer.dtype) == ("float16", "float32", "float32")
    assert "float16" in str(layer(np.ones((1, 3), "float32")).dtype)


@pytest.mark.parametrize("library", [cornu, keras])
def test_setting_the_policy_of_a_built_layer_changes_its_computations_only(library):
    layer = library.layers.Dense(2)
    layer(np.ones((1, 3), "float32"))
    layer.dtype_policy = "float16"
    assert (layer.compute_dtype, layer.variable_dtype) == ("float16", "float16")
    assert layer.kernel.dtype == "float32"


def test_a_model_predicts_in_the_policy_that_is_set_after_a_prediction(default_backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, kernel_initializer="ones", name="d")])
    x = np.full((1, 3), 1 + 2.0**-12, "float32")
    assert model.predict(x).dtype == "float32"
    model.layers[0].dtype_policy = "mixed_float16"
    assert model.predict(x).dtype == "float16"
    model.layers[0].dtype_policy = "float32"
    assert model.predict(x)[0, 0] == np.float32(3 + 3 * 2.0**-12)


def test_an_invalid_policy_is_refused_and_the_old_one_kept():
    layer = layers.Dense(2)
    with pytest.raises(InvalidArgumentError, match="`dtype='mixed_float8'` was given"):
        layer.dtype_policy = "mixed_float8"
    assert layer.compute_dtype == "float32"


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_a_layer_may_have_an_integer_dtype(dtype, default_backend):
    class Moved(layers.Layer):
        def call(self, x):
            return x

    class TheirMoved(keras.layers.Layer):
        def call(self, x):
            return x

    for value in (np.array([0.0, 1.0, 2.5], "float32"), np.array([0, 1, 2], "int64")):
        ours, theirs = Moved(dtype=dtype), TheirMoved(dtype=dtype)
        mine, keras_s = ops.convert_to_numpy(ours(value)), np.asarray(theirs(value.astype(value.dtype)))
        assert (ours.dtype, ours.compute_dtype) == (theirs.dtype, theirs.compute_dtype)
        assert mine.tolist() == keras_s.tolist()
    assert Moved(dtype=dtype).add_weight((2,)).dtype == dtype


# --- Maps -------------------------------------------------------------------------------------------------------------


def maps(library) -> list:
    policy, policies = library.dtype_policies.DTypePolicy, library.dtype_policies.DTypePolicyMap
    one = policies(default_policy="mixed_bfloat16")
    one["encoder/layer_0/dense"] = policy("bfloat16")
    one["encoder/.*"] = "float16"
    one["decoder"] = policy("float64")
    return [one, policies(), policies(policy("float16"), {"a": policy("float32")})]


PATHS = ["encoder/layer_0/dense", "encoder/attention", "decoder", "decoder/dense", "a", "a/b"]


def test_a_map_finds_the_policies_that_keras_finds():
    for ours, theirs in zip(maps(cornu), maps(keras), strict=True):
        assert [ours[path].name for path in PATHS] == [theirs[path].name for path in PATHS]
        assert (ours.name, ours.compute_dtype, ours.variable_dtype) == (
            theirs.name,
            theirs.compute_dtype,
            theirs.variable_dtype,
        )
        assert (list(ours), len(ours), "decoder" in ours) == (list(theirs), len(theirs), "decoder" in theirs)
        assert ours.default_policy.name == theirs.default_policy.name


def test_entries_can_be_deleted_and_a_missing_one_is_a_key_error():
    policies = maps(cornu)[0]
    del policies["encoder/.*"]
    assert policies["encoder/attention"].name == "mixed_bfloat16"
    with pytest.raises(KeyError):
        del policies["encoder/.*"]


def test_a_map_refuses_what_keras_refuses():
    policies = maps(cornu)[0]
    policies["encoder/attention/.*"] = "float32"
    with pytest.raises(InvalidArgumentError, match=r"path 'encoder/attention/query' matches several keys .*'encoder/\.\*'"):
        _ = policies["encoder/attention/query"]
    with pytest.raises(InvalidArgumentError, match=r"key 'decoder' was added .* has it already, with <DTypePolicy"):
        policies["decoder"] = "float32"
    with pytest.raises(InvalidArgumentError, match="`dtype='mixed'` was given"):
        policies["other"] = "mixed"
    with pytest.raises(InvalidArgumentError, match="default policy must not be a map"):
        DTypePolicyMap(policies)
    with pytest.raises(InvalidTypeError, match=r"received `policy_map=\[\]`. It must be a dict"):
        DTypePolicyMap(policy_map=[])


def test_a_key_that_is_no_regular_expression_is_a_path():
    policies = DTypePolicyMap("float32", {"dense(": "float16"})
    assert (policies["dense("].name, policies["dense"].name) == ("float16", "float32")


def test_maps_are_equal_if_their_entries_are():
    assert maps(cornu)[0] == maps(cornu)[0] != maps(cornu)[2]
    assert maps(cornu)[1] != DTypePolicy("float32")
    with pytest.raises(TypeError, match="unhashable"):
        hash(maps(cornu)[1])


class Pair(layers.Layer):
    """A layer with two layers inside, which have its policy."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = (layers.Dense(2, name=name, dtype=self.dtype_policy) for name in ("first", "second"))

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build(input_shape)

    def call(self, x):
        return self.first(x), self.second(x)


class TheirPair(keras.layers.Layer):
    """The same layer of Keras."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = (keras.layers.Dense(2, name=name, dtype=self.dtype_policy) for name in ("first", "second"))

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build(input_shape)

    def call(self, x):
        return self.first(x), self.second(x)


def test_the_layers_inside_have_the_policies_of_their_paths():
    found = []
    for library, kind in ((cornu, Pair), (keras, TheirPair)):
        policies = library.dtype_policies.DTypePolicyMap("float32")
        policies["pair/first"] = "mixed_float16"
        policies["pair/second"] = library.DTypePolicy("float16")
        layer = kind(dtype=policies, name="pair")
        one, other = layer(np.ones((1, 3), "float32"))
        made = [(inner.path, inner.compute_dtype, inner.kernel.dtype) for inner in (layer.first, layer.second)]
        found.append([layer.compute_dtype, *made, *(str(x.dtype).rpartition(".")[2] for x in (one, other))])
        layer.first.dtype_policy = "float64"
        found[-1] += [layer.first.compute_dtype, layer.second.compute_dtype, layer.compute_dtype]
    assert found[0] == found[1]


# --- Files ------------------------------------------------------------------------------------------------------------


def test_a_policy_goes_through_the_config_of_a_layer():
    layer = layers.Dense(2, dtype=DTypePolicy("mixed_float16"))
    config_of_it = layer.get_config()
    assert config_of_it["dtype"]["config"] == {"name": "mixed_float16"}
    assert layers.Dense.from_config(config_of_it).dtype_policy.name == "mixed_float16"


def test_configs_are_those_of_keras_and_are_read_by_both():
    for make in (lambda library: library.DTypePolicy("mixed_float16"), lambda library: maps(library)[0]):
        mine = dtype_policies.serialize(make(cornu))
        assert json.loads(json.dumps(mine)) == json.loads(json.dumps(keras.dtype_policies.serialize(make(keras))))
        assert dtype_policies.deserialize(mine) == make(cornu)
        assert keras.dtype_policies.deserialize(mine).name == make(keras).name


def test_an_alias_in_a_file_is_read():
    form = keras.dtype_policies.serialize(keras.dtype_policies.FloatDTypePolicy("bfloat16"))
    assert dtype_policies.deserialize(form) == DTypePolicy("bfloat16")


def test_a_map_without_a_default_policy_keeps_its_entries():
    """Keras writes None in place of the names, and changes the map itself."""
    ours = DTypePolicyMap(policy_map={"a": "float16"})
    again = dtype_policies.deserialize(dtype_policies.serialize(ours))
    assert again["a"].name == ours["a"].name == "float16"
    theirs = keras.dtype_policies.DTypePolicyMap(policy_map={"a": keras.DTypePolicy("float16")})
    form = keras.dtype_policies.serialize(theirs)
    assert theirs["a"].name is None and form["config"]["policy_map"]["a"]["config"] == {"name": None}
    config.set_dtype_policy("mixed_bfloat16")
    assert dtype_policies.deserialize(form)["a"].name == "mixed_bfloat16"  # as Keras reads it


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa){9}", ".*.*.*.*", "a" * 201])
def test_a_pattern_in_a_file_that_could_take_very_long_is_refused(pattern):
    form = dtype_policies.serialize(DTypePolicyMap("float32", {pattern: "float16"}))
    with pytest.raises(UnsafeModelError, match=r"has a dtype policy for the pattern .* can take very long to match"):
        dtype_policies.deserialize(form)


def test_something_else_is_not_read_as_a_policy():
    with pytest.raises(UnsafeModelError, match="The config names 'Dense'"):
        dtype_policies.deserialize({"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}})


def test_policies_come_back_with_a_model_from_both_libraries(tmp_path):
    for library, other in ((cornu, keras), (keras, cornu)):
        policies = library.dtype_policies.DTypePolicyMap("float32", {".*half": library.DTypePolicy("mixed_float16")})
        stack = [library.layers.Dense(2, dtype=policies, name=name) for name in ("half", "full")]
        stack.append(library.layers.Dense(1, dtype="mixed_bfloat16"))
        model = library.Sequential([library.Input((3,)), *stack], name="halves")
        model.save(tmp_path / "model.keras")
        for again in (library.models.load_model(tmp_path / "model.keras"), other.models.load_model(tmp_path / "model.keras")):
            assert [layer.compute_dtype for layer in again.layers] == ["float16", "float32", "bfloat16"]
            assert {layer.kernel.dtype for layer in again.layers} == {"float32"}


@pytest.mark.parametrize("autocast", [True, False])
@pytest.mark.parametrize("x", [np.float32([1.25]), np.array([True]), np.int32([3]), 1.5, None, "text"], ids=str)
def test_inputs_are_converted_as_in_keras(x, autocast):
    policy, of_keras = DTypePolicy("mixed_float16"), keras.DTypePolicy("mixed_float16")
    mine, theirs = (each.convert_input(x, autocast, "float16") for each in (policy, of_keras))
    if isinstance(x, np.ndarray):
        mine, theirs = (ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(theirs))
        assert (mine.dtype, mine.tolist()) == (theirs.dtype, theirs.tolist())
    else:
        assert mine is theirs is x


def test_symbolic_inputs_are_converted():
    x = cornu.Input((2,))
    policy = DTypePolicy("mixed_float16")
    assert policy.convert_input(x, True, "float16").dtype == "float16"
    assert policy.convert_input(x, False, "float16").dtype == "float32"
