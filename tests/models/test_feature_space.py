"""FeatureSpace: tables of numbers, categories and strings, against real Keras."""

import inspect

import keras
import numpy as np
import pandas as pd
import pytest

import cornu
from cornu import config, layers
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, NotBuiltError
from cornu.models import load_model
from cornu.utils import FeatureSpace

tf = pytest.importorskip("tensorflow", reason="FeatureSpace of Keras requires TensorFlow")

NUMBERS = np.random.default_rng(2)
ROWS = 90
TABLE = {
    "plain": NUMBERS.normal(size=ROWS).astype("float32"),
    "scaled": NUMBERS.normal(size=ROWS).astype("float32"),
    "normal": (NUMBERS.normal(size=ROWS) * 7 + 3).astype("float32"),
    "binned": NUMBERS.exponential(size=ROWS).astype("float32"),
    "count": NUMBERS.integers(0, 6, ROWS),
    "id": NUMBERS.integers(0, 1000, ROWS),
    "city": NUMBERS.choice(["Bonn", "Köln", "Rom", "Oslo"], ROWS).astype(object),
    "word": NUMBERS.choice(["a", "b", "c", "ß"], ROWS).astype(object),
}


def spaces(**arguments) -> tuple:
    """The same feature space of Cornu and of Keras, not yet adapted."""

    def made(kind):
        features = {
            "plain": "float",
            "scaled": kind.float_rescaled(scale=3.0, offset=-1.0),
            "normal": "float_normalized",
            "binned": kind.float_discretized(num_bins=5),
            "count": kind.integer_categorical(num_oov_indices=2),
            "id": kind.integer_hashed(num_bins=7),
            "city": kind.string_categorical(max_tokens=4),
            "word": "string_hashed",
        }
        crosses = [("city", "count"), kind.cross(("word", "id"), crossing_dim=9)]
        return kind(features, crosses=crosses, crossing_dim=11, hashing_dim=6, **arguments)

    return made(FeatureSpace), made(keras.utils.FeatureSpace)


def as_numpy(value):
    return {name: np.asarray(part) for name, part in value.items()} if isinstance(value, dict) else {"": np.asarray(value)}


def check_equal(ours, theirs) -> None:
    ours, theirs = as_numpy(ours), as_numpy(theirs)
    assert list(ours) == list(theirs)
    for name in ours:
        assert ours[name].dtype == theirs[name].dtype or ours[name].dtype.kind == theirs[name].dtype.kind == "i"
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5, err_msg=name)


NEW = {**TABLE, "city": np.array(["Rom", "Paris", "Köln"] * 30, object), "count": np.arange(ROWS)}
"""Values that were not seen."""


@pytest.mark.parametrize("output_mode", ["concat", "dict"])
def test_values_are_those_of_keras(output_mode, default_backend):
    ours, theirs = spaces(output_mode=output_mode)
    ours.adapt(TABLE)
    theirs.adapt(tf.data.Dataset.from_tensor_slices(TABLE))
    for table in (TABLE, NEW):
        encoded = ours(table)
        first = next(iter(encoded.values())) if isinstance(encoded, dict) else encoded
        assert cornu.backends.owner(first) == default_backend
        check_equal(encoded, theirs(table))


@pytest.mark.parametrize("output_mode", ["concat", "dict"])
def test_a_single_row_is_a_vector(output_mode):
    ours, theirs = spaces(output_mode=output_mode)
    ours.adapt(TABLE)
    theirs.adapt(TABLE)
    row = {name: column[3] for name, column in TABLE.items()}
    check_equal(ours(row), theirs(row))


FORMS = {
    "dict of columns": lambda: TABLE,
    "dict of lists": lambda: {name: column.tolist() for name, column in TABLE.items()},
    "dict of columns with two axes": lambda: {name: column[:, None] for name, column in TABLE.items()},
    "table of pandas": lambda: pd.DataFrame(TABLE),
    "samples of tf.data": lambda: tf.data.Dataset.from_tensor_slices(TABLE),
    "batches of tf.data": lambda: tf.data.Dataset.from_tensor_slices(TABLE).batch(32),
    "generator of batches": lambda: ({name: column[i : i + 32] for name, column in TABLE.items()} for i in range(0, ROWS, 32)),
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_data_teach_the_same(form):
    expected, _ = spaces()
    expected.adapt(TABLE)
    ours, _ = spaces()
    ours.adapt(FORMS[form]())
    np.testing.assert_allclose(np.asarray(ours(TABLE)), np.asarray(expected(TABLE)), atol=1e-5)


@pytest.mark.parametrize("output_mode", ["concat", "dict"])
def test_it_works_in_a_function_of_a_dataset(output_mode, default_backend):
    ours, _ = spaces(output_mode=output_mode)
    ours.adapt(TABLE)
    batches = tf.data.Dataset.from_tensor_slices((TABLE, np.arange(ROWS))).batch(45).map(lambda x, y: (ours(x), y))
    parts = [as_numpy(x) for x, _ in batches]
    expected = as_numpy(ours(TABLE))
    for name in expected:
        np.testing.assert_allclose(np.concatenate([part[name] for part in parts]), expected[name], atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras
def test_files_are_those_of_keras_both_ways(tmp_path):
    ours, theirs = spaces()
    ours.adapt(TABLE)
    theirs.adapt(TABLE)
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    expected = np.asarray(theirs(NEW))
    read = {
        "ours": load_model(tmp_path / "ours.keras"),
        "theirs": load_model(tmp_path / "theirs.keras"),
        "ours by Keras": keras.models.load_model(tmp_path / "ours.keras"),
    }
    for name, space in read.items():
        np.testing.assert_allclose(np.asarray(space(NEW)), expected, atol=1e-5, err_msg=name)
    assert isinstance(read["theirs"], FeatureSpace)
    read["theirs"].save(tmp_path / "again.keras")
    np.testing.assert_allclose(np.asarray(load_model(tmp_path / "again.keras")(NEW)), expected, atol=1e-5)


def without_ids(config):
    """The config without what belongs to a process: numbers of shared objects and automatic names."""
    if isinstance(config, dict):
        return {name: without_ids(value) for name, value in config.items() if name not in ("shared_object_id", "name")}
    return [without_ids(value) for value in config] if isinstance(config, (list, tuple)) else config


def test_the_config_is_that_of_keras():
    ours, theirs = spaces(output_mode="dict")
    ours.adapt(TABLE)
    theirs.adapt(TABLE)
    found, expected = without_ids(ours.get_config()), without_ids(theirs.get_config())
    assert found.keys() == expected.keys()
    for name in ("output_mode", "crosses", "crossing_dim", "hashing_dim", "num_discretization_bins"):
        assert found[name] == expected[name]
    for name, feature in expected["features"].items():
        ours_of = found["features"][name]
        assert [ours_of[key] for key in ("module", "class_name", "registered_name")] == [
            feature[key] for key in ("module", "class_name", "registered_name")
        ]
        assert ours_of["config"]["preprocessor"]["class_name"] == feature["config"]["preprocessor"]["class_name"]
    again = FeatureSpace.from_config(ours.get_config())
    assert without_ids(again.get_config()).keys() == found.keys()


def test_a_model_is_trained_on_the_encoded_features():
    space, _ = spaces()
    space.adapt(TABLE)
    features = tf.data.Dataset.from_tensor_slices((TABLE, TABLE["plain"])).batch(30).map(lambda x, y: (space(x), y))
    encoded = space.get_encoded_features()
    model = cornu.Sequential([cornu.Input(encoded.shape[1:]), layers.Dense(1)])
    model.compile("adam", "mse")
    losses = model.fit(features, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_inputs_and_encoded_features_make_a_model():
    space, _ = spaces()
    space.adapt(TABLE)
    inference = cornu.Model(space.get_inputs(), space.get_encoded_features())
    columns = {name: column[:, None] for name, column in TABLE.items()}
    np.testing.assert_allclose(np.asarray(inference(columns)), np.asarray(space(TABLE)), atol=1e-6)
    assert list(space.get_preprocessed_features()) == list(TABLE)


def test_a_layer_of_the_user_encodes_a_feature():
    layer = layers.TextVectorization(output_mode="tf_idf")
    space = FeatureSpace({"text": FeatureSpace.feature("string", layer, "float"), "size": "float"})
    table = {"text": np.array(["one two", "two three", "four"], object), "size": np.array([1.0, 2.0, 3.0], "float32")}
    space.adapt(table)
    other = layers.TextVectorization(output_mode="tf_idf")
    other.adapt(table["text"])
    expected = np.concatenate([table["size"][:, None], np.asarray(other(table["text"]))], axis=1)
    np.testing.assert_allclose(np.asarray(space(table)), expected, atol=1e-6)


def test_a_cross_may_have_three_features():
    """HashedCrossing of Keras takes two."""
    space = FeatureSpace({"a": "string_hashed", "b": "string_hashed", "c": "string_hashed"}, crosses=[("a", "b", "c")])
    first, other = (np.asarray(space({"a": ["x"], "b": ["y"], "c": [c]}))[0, 96:] for c in ("z", "w"))
    assert first.sum() == other.sum() == 1
    assert first.argmax() != other.argmax()


def test_layers_that_were_given_what_they_would_learn_are_not_adapted():
    space = FeatureSpace(
        {
            "a": FeatureSpace.float_discretized(None, bin_boundaries=[0.0, 1.0]),
            "b": FeatureSpace.feature("float32", layers.Normalization(mean=1.0, variance=4.0), "float"),
            "c": FeatureSpace.feature("string", layers.StringLookup(vocabulary=["x", "y"]), "one_hot"),
        }
    )
    assert space({"a": [0.5], "b": [5.0], "c": ["y"]}).tolist() == [[0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: FeatureSpace({}), InvalidArgumentError, "at least one feature"),
        (lambda: FeatureSpace({"a": "int"}), InvalidArgumentError, r"features\['a'\]"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="sum"), InvalidArgumentError, "output_mode"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), InvalidArgumentError, r"no 'b'.*Add it to `features`"),
        (
            lambda: FeatureSpace({"a": "float_normalized"})({"a": [1.0]}),
            NotBuiltError,
            r"\['a'\] need.*Call `adapt",
        ),
        (lambda: FeatureSpace({"a": "float_normalized"}).get_inputs(), NotBuiltError, "before it learned"),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt([1.0]), DataError, "features float.*'a' is missing"),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt(3), InvalidTypeError, "received a int"),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt({"b": [1.0]}), DataError, r"\['b'\].*'a' is missing"),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt({"a": []}), DataError, "received no data"),
        (lambda: FeatureSpace({"a": "float"})({"b": [1.0]}), DataError, "'a' is missing"),
        (lambda: FeatureSpace({"a": "float"})([1.0]), DataError, "features list.*'a' is missing"),
        (lambda: FeatureSpace.cross(("a", "b"), 3, "float"), InvalidArgumentError, "output_mode"),
        (
            lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, output_mode="int")})({"a": [1]}),
            InvalidArgumentError,
            "not been encoded: its dtype is int64.*output_mode='dict'",
        ),
        (
            lambda: FeatureSpace({"a": FeatureSpace.feature("float32", layers.Rescaling(2.0), "one_hot")})({"a": [1.0]}),
            InvalidArgumentError,
            "layer is Rescaling.*Pass `output_mode='int'`",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


KINDS = """cross feature float float_discretized float_normalized float_rescaled integer_categorical integer_hashed
string_categorical string_hashed __init__""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", KINDS)
def test_the_signatures_are_those_of_keras(name):
    ours, theirs = (inspect.signature(getattr(kind, name)).parameters for kind in (FeatureSpace, keras.utils.FeatureSpace))
    assert [(key, value.default) for key, value in ours.items()] == [(key, value.default) for key, value in theirs.items()]
    assert config.backend()
