"""The kinds of data that people have: tables, datasets of other libraries, and memory maps."""

import importlib.util
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import cornu
from cornu import layers
from cornu.errors import DataError, InvalidTypeError
from cornu.training import memory_maps
from cornu.training.data_adapters import array_data_adapter

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(24, 4)).astype("float32")
Y = NUMBERS.integers(0, 3, 24)

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="requires TensorFlow")


def model(inputs: int = 4):
    """A model whose weights are the same each time."""
    cornu.seeds.set_seed(3)
    model = cornu.Sequential([cornu.Input((inputs,)), layers.Dense(3, "softmax")])
    model.compile(cornu.optimizers.SGD(0.3), "sparse_categorical_crossentropy")
    return model


def weights_after(x, y=None, inputs: int = 4, epochs: int = 2) -> list[np.ndarray]:
    """The weights after two epochs with three batches of 8, not shuffled."""
    trained = model(inputs)
    trained.fit(x, y, batch_size=None if y is None else 8, shuffle=False, epochs=epochs, verbose=0)
    return trained.get_weights()


def check_same(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.fixture
def expected(default_backend):
    return weights_after(X, Y)


# --- Tables ---------------------------------------------------------------------------------------------------------------

MIXED = pd.DataFrame({"a": X[:, 0], "b": X[:, 1].astype("float64"), "n": Y, "c": list("xy" * 12)})


@pytest.mark.parametrize("convert", [pd.DataFrame.to_numpy, pd.DataFrame.convert_dtypes, lambda table: table.astype("object")])
def test_tables_of_dummies_are_trained_on(convert, default_backend):
    table = pd.get_dummies(MIXED)
    assert table.dtypes.map(str).tolist() == ["float32", "float64", "int64", "bool", "bool"]
    values = table.astype("float32").to_numpy()
    check_same(weights_after(convert(table), pd.Series(Y), 5), weights_after(values, Y, 5))


def test_columns_of_booleans_are_trained_on(default_backend):
    table = pd.get_dummies(MIXED)[["c_x", "c_y"]]
    check_same(weights_after(table, pd.Series(Y), 2), weights_after(table.to_numpy("float32"), Y, 2))


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (MIXED, Y, r"`x` with the dtype object.*Convert its columns of strings.*`pandas.get_dummies\(x\)`"),
        (
            X,
            np.array(list("abc" * 8)),
            r"`y` with the dtype <U1.*class indices: `names, y = np.unique\(y, return_inverse=True\)`",
        ),
        (X, pd.Series(list("abc" * 8)), r"`y` with the dtype .*class indices: `names, y = np.unique"),
        (X, pd.Series(list("abc" * 8)).astype("category"), r"class indices: `names, y = np.unique"),
    ],
)
def test_strings_in_a_table_say_what_to_do(x, y, text):
    with pytest.raises(DataError, match=text):
        model().fit(x, y, verbose=0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int64", "float64", "bool"])
def test_numbers_of_every_dtype_are_trained_on(dtype, default_backend):
    x = (X > 0).astype(dtype)
    labels = Y.astype("int64" if dtype in ("bool", "float64") else dtype)
    check_same(weights_after(x, labels), weights_after(x.astype("float32"), Y))


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_matrices_are_trained_on(kind, default_backend):
    check_same(weights_after(kind(X * (X > 0)), Y), weights_after(X * (X > 0), Y))


# --- Datasets of other libraries ------------------------------------------------------------------------------------------


@needs_tensorflow
def test_datasets_of_tensorflow_are_trained_on(expected):
    import tensorflow as tf

    check_same(weights_after(tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)), expected)


@needs_tensorflow
@pytest.mark.parametrize("in_dataset", [True, False])
@pytest.mark.parametrize("kind", ["ragged", "sparse"])
def test_ragged_and_sparse_tensors_say_how_to_make_them_dense(kind, in_dataset, default_backend):
    import tensorflow as tf

    ragged = tf.RaggedTensor.from_row_lengths(tf.range(60), [2, 3] * 12)
    x, name, convert = {
        "ragged": (ragged, "RaggedTensor", r"x.to_tensor\(\)"),
        "sparse": (tf.sparse.from_dense(X * (X > 0)), "SparseTensor", r"tf.sparse.to_dense\(x\)"),
    }[kind]
    data = (tf.data.Dataset.from_tensor_slices((x, Y)).batch(8),) if in_dataset else (x, Y)
    with pytest.raises(InvalidTypeError, match=rf"A `{name}` .*was received.*dense arrays.*{convert}"):
        model().fit(*data, verbose=0)


@needs_tensorflow
def test_a_dataset_made_dense_is_trained_on(expected):
    import tensorflow as tf

    sparse = tf.data.Dataset.from_tensor_slices((tf.sparse.from_dense(X), Y)).batch(8)
    check_same(weights_after(sparse.map(lambda x, y: (tf.sparse.to_dense(x), y))), expected)


class Samples:
    """The samples, as a data set that PyTorch and Grain accept."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, index: int) -> tuple:
        return X[index], Y[index]


def test_loaders_of_pytorch_are_trained_on(expected):
    data = pytest.importorskip("torch.utils.data")
    check_same(weights_after(data.DataLoader(Samples(), batch_size=8)), expected)


def test_loaders_of_pytorch_may_have_worker_processes():
    torch = pytest.importorskip("torch")
    tensors = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    loader = torch.utils.data.DataLoader(tensors, batch_size=8, num_workers=1, multiprocessing_context="spawn")
    check_same(weights_after(loader, epochs=1), weights_after(X, Y, epochs=1))


def test_datasets_of_grain_are_trained_on(expected):
    grain = pytest.importorskip("grain")
    source = grain.MapDataset.source(Samples())
    check_same(weights_after(source.batch(8)), expected)
    check_same(weights_after(source.batch(8).to_iter_dataset()), expected)
    loader = grain.DataLoader(
        data_source=Samples(),
        sampler=grain.samplers.IndexSampler(24, num_epochs=1, seed=0, shuffle=False),
        operations=[grain.transforms.Batch(8)],
        worker_count=0,
    )
    check_same(weights_after(loader), expected)
    with pytest.raises(DataError, match=r"`y` as a scalar.*yields single samples, batch it: `dataset.batch\(32\)`"):
        model().fit(source, verbose=0)


def test_datasets_of_hugging_face_are_trained_on(expected):
    datasets = pytest.importorskip("datasets")

    def made():
        return datasets.Dataset.from_dict({"x": X.tolist(), "y": Y.tolist()}).with_format("numpy")

    check_same(weights_after(made()[:]["x"], made()[:]["y"]), expected)
    check_same(weights_after([(batch["x"], batch["y"]) for batch in made().iter(8)]), expected)
    iterable = made().to_iterable_dataset().batch(8)
    check_same(weights_after(((batch["x"], batch["y"]) for _ in range(2) for batch in iterable), epochs=1), expected)
    if HAS_TENSORFLOW:
        check_same(weights_after(made().to_tf_dataset(columns="x", label_cols="y", batch_size=8, shuffle=False)), expected)
    table = made()
    with pytest.raises(DataError, match=r"an `x` that yields batches.*such as a column, pass `np.asarray\(x\)`"):
        model().fit(table["x"], table["y"], verbose=0)
    with pytest.raises(DataError, match="yields single samples, batch it"):
        model().fit(made(), verbose=0)


class Batches(cornu.utils.PyDataset):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple:
        return X[8 * index : 8 * index + 8], Y[8 * index : 8 * index + 8]


@pytest.mark.parametrize("arguments", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True, "max_queue_size": 2}])
def test_py_datasets_are_trained_on(arguments, expected):
    check_same(weights_after(Batches(**arguments)), expected)


# --- Memory maps ----------------------------------------------------------------------------------------------------------


def test_memory_maps_are_trained_on_and_not_copied_as_a_whole(tmp_path, monkeypatch, default_backend):
    """Arrays larger than the limit go to the device in pieces, of which few exist at a time."""
    size = 2**24
    values = np.memmap(tmp_path / "values", "float32", "w+", shape=(size // 1024, 256))
    values[:] = NUMBERS.normal(size=256).astype("float32")
    trained, targets = model(256), np.zeros(len(values), "int32")
    trained.fit(values[:512], targets[:512], batch_size=256, verbose=0)
    monkeypatch.setattr(array_data_adapter, "_RESIDENT_BYTES", 2**20)
    monkeypatch.setattr(array_data_adapter, "_PIECE_BYTES", 2**20)
    tracemalloc.start()
    try:
        trained.fit(values, targets, batch_size=256, verbose=0)
        trained.evaluate(values, targets, batch_size=256, verbose=0)
        trained.predict(values, batch_size=256, verbose=0)
        assert tracemalloc.get_traced_memory()[1] < size // 2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("mode", "released"), [("r", True), ("r+", True), ("c", False)])
def test_pages_of_large_maps_are_given_back_and_changes_kept(mode, released, tmp_path, monkeypatch):
    monkeypatch.setattr(memory_maps, "_LARGE", 2**20)
    values = np.memmap(tmp_path / "values", "float32", "w+", shape=(2**20,))
    values[:] = np.arange(2**20)
    mapped = np.memmap(tmp_path / "values", "float32", mode)
    if mode == "c":
        mapped[5] = -1.0

    def resident() -> int:
        """Return the KiB of the map that count as memory of the process."""
        text = Path("/proc/self/smaps").read_text()
        sizes = re.findall(rf"{re.escape(str(tmp_path / 'values'))}\n(?:.*\n)*?Rss:\s+(\d+) kB", text)
        return sum(map(int, sizes))

    del values
    assert mapped.sum(dtype="float64") > 0
    if not Path("/proc/self/smaps").exists():
        pytest.skip("the system does not tell which pages are in memory")
    assert resident() >= 4096
    memory_maps.release_pages(np.asarray(mapped)[10:])
    assert resident() == (0 if released else 4096)
    assert mapped[5] == (-1.0 if mode == "c" else 5.0) and mapped[6] == 6.0
