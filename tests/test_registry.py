"""What may be named, and how a thing becomes a config and back."""

import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import cornu.models
from cornu import activations, initializers, layers, losses, registry
from cornu.errors import InvalidArgumentError, InvalidTypeError, UnsafeModelError
from cornu.registry import custom_object_scope, register_keras_serializable
from cornu.serialization import Configurable, deserialize, get, serialize


def name_of_value(value):
    """Return the name of a case, which does not contain an address."""
    return getattr(value, "__name__", None) or re.sub(r" at 0x[0-9a-f]+", "", repr(value))


class Part(Configurable):
    def __init__(self, size, inner=None, function=None, *, flag=True):
        self.size, self.inner, self.function, self.flag = size, inner, function, flag


def double(x):
    return 2 * x


@pytest.fixture(autouse=True)
def nothing_registered():
    saved = dict(registry._custom), dict(registry.custom_names)
    yield
    for table, before in zip((registry._custom, registry.custom_names), saved, strict=True):
        table.clear()
        table.update(before)


# --- What an argument means -------------------------------------------------------------------------------------------


def test_a_name_a_function_a_class_an_object_and_a_config_mean_the_same():
    for identifier in ("glorot_uniform", "GlorotUniform", initializers.GlorotUniform, initializers.GlorotUniform()):
        assert type(get("initializers", identifier)) is initializers.GlorotUniform
    assert type(get("initializers", serialize(initializers.GlorotUniform()))) is initializers.GlorotUniform
    assert get("activations", activations.relu) is get("activations", "relu") is activations.relu
    assert get("activations", None) is None


def test_an_unknown_name_is_told_with_a_guess():
    with pytest.raises(
        InvalidArgumentError, match=r"'rleu' was received. None of the activations has this name. Did you mean 'relu'\?"
    ):
        get("activations", "rleu")
    with pytest.raises(InvalidArgumentError, match="custom_objects="):
        get("activations", "something quite different")


@pytest.mark.parametrize("wrong", [3, 1.5, [1], {1, 2}])
def test_what_is_no_identifier_is_refused(wrong):
    with pytest.raises(InvalidTypeError, match="where one of the activations was expected"):
        get("activations", wrong)


@pytest.mark.parametrize(
    ("make", "config"),
    [
        (layers.Dense, {"module": "keras.initializers", "class_name": "Zeros", "config": {}}),
        (losses.get, {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}),
    ],
)
def test_a_class_of_another_kind_is_refused(make, config):
    with pytest.raises((UnsafeModelError, InvalidTypeError, InvalidArgumentError)):
        make(config)


# --- Custom names -----------------------------------------------------------------------------------------------------


def test_a_registered_function_is_named_by_package_and_name():
    register_keras_serializable("Mine", "twice")(double)
    assert get("activations", "Mine>twice") is double
    form = serialize(double)
    assert form == {"module": "builtins", "class_name": "function", "config": "Mine>twice", "registered_name": "function"}
    assert deserialize(form, "activations") is double
    assert layers.Dense(2, activation=json.loads(json.dumps(form))).activation is double


@pytest.mark.parametrize(
    "form",
    [
        {"module": "builtins", "class_name": "function", "config": "twice", "registered_name": "function"},  # Keras 3.6
        {"module": "builtins", "class_name": "function", "config": "twice", "registered_name": "Mine>twice"},  # Cornu 0.1
    ],
)
def test_the_forms_of_functions_in_older_files_are_read(form):
    register_keras_serializable("Mine", "twice")(double)
    assert deserialize(form, "activations") is double


def test_a_class_that_could_not_be_written_is_not_registered():
    class Bare:
        pass

    with pytest.raises(InvalidArgumentError, match=r"the class `Bare`, which has no `get_config`\..*Define `get_config`"):
        register_keras_serializable("Mine")(Bare)
    assert "Mine>Bare" not in registry.get_custom_objects()


class Plain:
    """A custom class that is derived from no class of Cornu."""

    def __init__(self, size):
        self.size = size

    def get_config(self):
        return {"size": self.size}


def test_a_class_needs_only_the_two_methods():
    register_keras_serializable("Mine")(Plain)
    Plain.from_config = classmethod(lambda cls, config: cls(**config))
    form = serialize([Plain(3)])[0]
    assert (form["class_name"], form["registered_name"]) == ("Plain", "Mine>Plain")
    assert deserialize(form).size == 3
    del Plain.from_config
    with pytest.raises(InvalidTypeError, match="the class `Plain`, which has no `from_config`"):
        deserialize(form)


def test_the_dict_of_custom_objects_is_live():
    registry.get_custom_objects()["own"] = double
    assert get("activations", "own") is double
    assert "Mine>twice" not in registry.get_custom_objects()
    register_keras_serializable("Mine", "twice")(double)
    assert registry.get_custom_objects()["Mine>twice"] is double
    registry.get_custom_objects().clear()
    with pytest.raises(InvalidArgumentError):
        get("activations", "own")


def test_registered_names_and_objects_are_those_of_keras():
    import keras

    def own(x):
        return x

    for library in (registry, keras.saving):
        library.register_keras_serializable("Mine", "twice")(own)
        assert library.get_registered_name(own) == "Mine>twice"
        assert library.get_registered_name(Part) == "Part"
        assert library.get_registered_object("Mine>twice") is own
        assert library.get_registered_object("nobody") is None
        assert library.get_registered_object("a", {"a": 1}, {"a": 2, "b": 3}) == 1
        assert library.get_registered_object("b", {"a": 1}, {"a": 2, "b": 3}) == 3
        with library.custom_object_scope({"a": 4}):
            assert library.get_registered_object("a", {"a": 1}) == 4
        library.get_custom_objects().pop("Mine>twice")


def test_a_scope_can_be_entered_again_and_knows_its_objects():
    scope = registry.CustomObjectScope({"double": double})
    for _ in range(2):
        with scope as inside, scope:
            assert inside.custom_objects == {"double": double} and get("activations", "double") is double
    with pytest.raises(InvalidArgumentError):
        get("activations", "double")


def test_a_scope_names_things_only_inside():
    with custom_object_scope({"double": double}):
        assert get("activations", "double") is double
        with custom_object_scope({"double": abs}):
            assert get("activations", "double") is abs
        assert get("activations", "double") is double
    with pytest.raises(InvalidArgumentError):
        get("activations", "double")


def test_a_scope_ends_with_an_error_too():
    with pytest.raises(ZeroDivisionError), custom_object_scope({"double": double}):
        raise ZeroDivisionError
    with pytest.raises(InvalidArgumentError):
        get("activations", "double")


def test_a_name_of_ones_own_hides_one_of_ours():
    with custom_object_scope({"relu": double}):
        assert get("activations", "relu") is double


# --- Configs ----------------------------------------------------------------------------------------------------------


def test_arguments_make_the_same_object_again_through_json():
    part = Part(3, inner=Part((1, 2), flag=False), function=activations.relu)
    with custom_object_scope({"Part": Part}):
        again = deserialize(json.loads(json.dumps(serialize(part))))
    assert (again.size, again.flag, again.function) == (3, True, activations.relu)
    assert (list(again.inner.size), again.inner.flag) == ([1, 2], False)


def test_plain_values_stay_as_they_are():
    value = {"a": [1, 2.5, "x", None, True], "b": {"c": (1, 2)}}
    assert serialize(value) == value and deserialize(value) == value
    assert serialize(np.float32(1.5)) == 1.5
    assert json.dumps(serialize(np.int64(3))) == "3"


VALUES = [
    b"hello",
    ...,
    slice(1, None, 2),
    np.arange(6, dtype="int16").reshape(2, 3),
    np.array(["1.5"], dtype="float64"),
    {"a": (b"x", [slice(3)])},
    np.float64(0.1),
    np.bool_(True),
    activations.relu,
    losses.mean_squared_error,
    double,
]


@pytest.mark.parametrize("value", VALUES, ids=name_of_value)
def test_values_that_json_does_not_have_are_written_as_keras_writes_them_and_come_back(value):
    import keras

    theirs = {activations.relu: keras.activations.relu, losses.mean_squared_error: keras.losses.mean_squared_error}
    twin = theirs.get(value, value) if callable(value) else value
    form = cornu.saving.serialize_keras_object(value)
    assert form == keras.saving.serialize_keras_object(twin)
    again = cornu.saving.deserialize_keras_object(json.loads(json.dumps(form)), {"double": double})
    if isinstance(value, np.ndarray):
        assert type(again) is np.ndarray and again.dtype == value.dtype
        np.testing.assert_array_equal(again, value)
    else:
        assert again == ({"a": [b"x", [slice(3)]]} if isinstance(value, dict) else value)


def test_arrays_of_engines_come_back_on_the_default_engine(default_backend):
    for dtype in ("float32", "int32", "bool"):
        value = cornu.ops.convert_to_tensor(np.array([[1, 0], [0, 1]]), dtype)
        form = cornu.saving.serialize_keras_object(value)
        assert form["config"] == {"value": np.asarray(value).tolist(), "dtype": dtype}
        again = cornu.saving.deserialize_keras_object(json.loads(json.dumps(form)))
        assert type(again) is type(value) and cornu.ops.dtype(again) == dtype
        np.testing.assert_array_equal(np.asarray(again), np.asarray(value))


@pytest.mark.parametrize("value", [{1, 2}, complex(1, 2), object(), range(3), b"\xff"], ids=name_of_value)
def test_other_values_are_type_errors(value):
    with pytest.raises(TypeError, match="was found in a config"):
        cornu.saving.serialize_keras_object(value)


def test_the_name_of_a_custom_object_is_the_object():
    import keras

    for library in (cornu, keras):
        assert library.saving.deserialize_keras_object("own", {"own": double}) is double
        assert library.saving.deserialize_keras_object("own") == "own"


def test_what_has_no_form_is_refused():
    with pytest.raises(InvalidTypeError, match=r"<object object.* was found in a config"):
        serialize({"a": [object()]})


def test_the_form_is_that_of_keras():
    import keras

    for name in ("GlorotUniform", "Constant"):
        ours = serialize(getattr(initializers, name)())
        theirs = keras.saving.serialize_keras_object(getattr(keras.initializers, name)())
        assert {key: ours[key] for key in ("module", "class_name", "registered_name")} == {
            key: theirs[key] for key in ("module", "class_name", "registered_name")
        }
        assert ours["config"] == theirs["config"]


# --- What a file may not do -------------------------------------------------------------------------------------------

UNSAFE = [
    {"module": "os", "class_name": "system", "config": {"command": "true"}},
    {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
    {"module": "builtins", "class_name": "eval", "config": {}},
    {"module": "subprocess", "class_name": "function", "config": "Popen", "registered_name": "Popen"},
    {"module": "keras.layers", "class_name": "__class__", "config": {}},
    {"module": "keras.layers", "class_name": "function", "config": "Dense"},
    {"module": "keras.activations", "class_name": "relu", "config": {"x": 1}},
    {"module": "antigravity", "class_name": "Anything", "config": {}, "registered_name": "Anything"},
    {"module": None, "class_name": "__lambda__", "config": {"value": "abc"}},
    {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://x"}},
]


@pytest.mark.parametrize("config", UNSAFE, ids=lambda config: f"{config['module']}.{config['class_name']}")
def test_what_is_in_no_table_is_refused_and_nothing_is_imported(config):
    before = set(sys.modules)
    with pytest.raises(UnsafeModelError, match="The config names"):
        deserialize(config)
    assert not {"antigravity"} & (set(sys.modules) - before)


def test_a_class_where_a_function_belongs_is_refused():
    form = {"module": "keras.layers", "class_name": "function", "config": "Dense", "registered_name": "function"}
    with pytest.raises(UnsafeModelError):
        layers.Dense(2, activation=form)


@pytest.mark.parametrize("name", [3, None, ["relu"], {"a": 1}])
def test_names_of_other_types_are_refused(name):
    with pytest.raises(UnsafeModelError):
        deserialize({"module": "keras.activations", "class_name": name, "config": {}})
    with pytest.raises(UnsafeModelError):
        deserialize({"module": name, "class_name": "nothing", "config": {}, "registered_name": name})


def test_a_near_name_is_proposed():
    with pytest.raises(UnsafeModelError, match="Did you mean 'Dense'"):
        deserialize({"module": "keras.layers", "class_name": "Dens", "config": {"units": 1}})


def test_tables_are_given_out_as_copies():
    registry.registered("activations")["evil"] = print
    with pytest.raises(InvalidArgumentError):
        get("activations", "evil")


# --- Registered where it is defined -----------------------------------------------------------------------------------

PUBLIC_NAMES = json.loads((Path(__file__).parent / "public_names.json").read_text(encoding="utf-8"))
"""The public names and the tables as they were when each package still listed them: nothing of it may be lost or change."""


@pytest.mark.parametrize("module", PUBLIC_NAMES["names"])
def test_no_public_name_is_lost(module):
    package = importlib.import_module(f"cornu.{module}")
    lost = [name for name in PUBLIC_NAMES["names"][module] if not hasattr(package, name)]
    exported = getattr(package, "__all__", None)
    assert not lost
    assert exported is None or not set(PUBLIC_NAMES["names"][module]) - set(exported)


@pytest.mark.parametrize("kind", PUBLIC_NAMES["tables"])
def test_every_name_means_what_it_meant_and_files_name_it_as_before(kind):
    table = registry.registered(kind)
    found = {name: [table[name].__qualname__, *registry.public_names[table[name]]] for name in PUBLIC_NAMES["tables"][kind]}
    assert found == PUBLIC_NAMES["tables"][kind]


@pytest.mark.parametrize("name", ["layers", "losses", "metrics", "ops", "optimizers", "models", "callbacks", "saving", "plots"])
def test_a_package_exports_no_module_that_is_not_meant_to_be_public(name):
    package = importlib.import_module(f"cornu.{name}")
    modules = {name for name in package.__all__ if isinstance(getattr(package, name), type(json))}
    assert modules == {"ops": {"image", "linalg", "nn", "numpy", "random"}, "optimizers": {"schedules"}}.get(name, set())
    assert not [name for name in package.__all__ if name.startswith("_")]


@pytest.fixture
def a_kind():
    yield "test_kind"
    for thing in set(registry.tables.pop("test_kind", {}).values()) | set(registry.tables.pop("other_kind", {}).values()):
        registry.public_names.pop(thing)


def test_a_definition_enters_its_name_its_snake_case_and_its_aliases(a_kind):
    @registry.register(a_kind, aliases=("BB",))
    class BigBlock(Part):
        pass

    assert registry.registered(a_kind) == {"BigBlock": BigBlock, "big_block": BigBlock, "BB": BigBlock}
    assert registry.public_name(BigBlock) == "BigBlock" and serialize(BigBlock(1))["module"] == "keras.test_kind"


@pytest.mark.parametrize("function_first", [True, False])
def test_a_function_has_precedence_over_the_class_of_its_name_in_snake_case(a_kind, function_first):
    def big_block():
        pass

    BigBlock = type("BigBlock", (), {})
    for thing in (big_block, BigBlock) if function_first else (BigBlock, big_block):
        registry.register(a_kind)(thing)
    assert registry.registered(a_kind) == {"big_block": big_block, "BigBlock": BigBlock}


def test_the_first_of_two_kinds_decides_the_name_in_files(a_kind):
    @registry.register("other_kind")
    @registry.register(a_kind, keras_path=("keras.src.blocks", "Renamed"))
    class Block(Part):
        pass

    assert registry.find("other_kind", "Block") is registry.find(a_kind, "Renamed") is Block
    assert registry.public_names[Block] == ("keras.src.blocks", "Renamed")


def test_every_table_belongs_to_a_package():
    assert set(registry.tables) >= {"layers", "models", "activations", "initializers", "losses", "metrics", "optimizers"}
    assert cornu.models.Sequential in registry.tables["models"].values()


@pytest.mark.parametrize("custom_objects", [3, ["a"], "abc", int])
def test_custom_objects_that_are_no_dict_are_refused(custom_objects):
    with pytest.raises(InvalidTypeError, match=r"^`custom_objects` is .*\. It must be a dict from names .* Pass, for example"):
        registry.custom_object_scope(custom_objects)
