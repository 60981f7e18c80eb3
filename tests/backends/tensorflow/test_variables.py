"""Variables of Cornu in TensorFlow's own code: gradient tapes and traced functions."""

import copy
import pickle

import numpy as np
import pytest

import cornu
from cornu import Variable, autograph, backends, config, layers, metrics, ops, optimizers
from cornu.core.variable import values_of

tf = pytest.importorskip("tensorflow")

START = np.float32([[1.5, -2.0], [3.0, 0.5]])


@pytest.fixture(autouse=True)
def on_tensorflow(monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "tensorflow")


def test_a_tape_differentiates_with_respect_to_a_variable():
    v = Variable(START)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(v * v) + ops.sum(v)
    np.testing.assert_allclose(tape.gradient(loss, v), 2 * START + 1)


def test_a_tape_differentiates_with_respect_to_a_tree_of_variables():
    first, second = Variable(START), Variable(2 * START)
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_sum(first.value * second)
    found = tape.gradient(loss, {"a": first, "b": [second]})
    np.testing.assert_allclose(found["a"], 2 * START)
    np.testing.assert_allclose(found["b"][0], START)


def test_a_variable_that_the_loss_does_not_depend_on_has_no_gradient():
    v, other = Variable(START), Variable(START)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(v * 1.0)
    assert tape.gradient(loss, [v, other])[1] is None


def test_a_tape_does_not_watch_a_variable_that_is_not_trainable():
    v = Variable(START, trainable=False)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(v * 2.0)
    assert tape.gradient(loss, v) is None


def test_the_gradient_in_mixed_precision_has_the_dtype_of_the_variable():
    layer = layers.Dense(2, use_bias=False, dtype="mixed_float16")
    x = np.float32([[1.0, 2.0], [0.5, 4.0]])
    layer.build((None, 2))
    layer.kernel.assign(START)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.cast(layer(x), "float32"))
    gradient = tape.gradient(loss, layer.kernel)
    assert gradient.dtype == tf.float32
    np.testing.assert_allclose(gradient, np.repeat(x.sum(0)[:, None], 2, axis=1), rtol=1e-3)


def test_assignments_in_a_function_run_at_each_of_its_calls():
    v = Variable(START)

    @tf.function
    def add(x):
        v.assign_add(x)
        return v * 1.0

    for count in (1, 2, 3):
        np.testing.assert_allclose(add(tf.ones((2, 2))), START + count)
        np.testing.assert_allclose(v.numpy(), START + count)


def test_a_function_reads_the_value_at_the_time_of_its_call():
    v = Variable(START)
    double = tf.function(lambda: v * 2.0)
    for value in (START, START + 1):
        v.assign(value)
        np.testing.assert_allclose(double(), 2 * value)
    v.set_unchecked(tf.zeros((2, 2)))
    np.testing.assert_allclose(double(), 0)


def test_values_read_earlier_do_not_change():
    v = Variable(START)
    before, snapshot = v.value, values_of([v])[0]
    v.assign_add(1.0)
    v.set_unchecked(tf.zeros((2, 2)))
    np.testing.assert_allclose(before, START)
    np.testing.assert_allclose(snapshot, START)


def test_loading_and_reading_weights_as_numpy_makes_no_variable_of_tensorflow():
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(2)])
    model.set_weights([START, START[0]])
    model.predict(START, verbose=0)
    assert all(v._engine_variable is None for v in model.variables)
    np.testing.assert_array_equal(model.get_weights()[0], START)


def test_functions_of_tensorflow_take_variables():
    v = Variable(START)
    np.testing.assert_allclose(tf.matmul(tf.eye(2), v), START)
    np.testing.assert_allclose(tf.ones((2, 2)) - v, 1 - START)
    np.testing.assert_allclose(tf.stack([v, v])[1], START)


def test_a_variable_made_in_a_function_belongs_to_no_graph():
    made = []

    @tf.function
    def call(x):
        if not made:
            made.append(layers.Dense(3))
        return made[0](x)

    outputs = call(START)
    np.testing.assert_allclose(outputs, START @ made[0].kernel.numpy(), rtol=1e-6)
    np.testing.assert_allclose(made[0](START), outputs, rtol=1e-6)


def test_copies_and_pickles_have_the_value_and_are_independent():
    layer = layers.Dense(2)
    layer(START)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other.kernel.numpy(), layer.kernel.numpy())
        other.kernel.assign(START)
        assert (layer.kernel.numpy() != START).any()


def test_a_variable_that_moves_to_another_backend_and_back_keeps_its_value():
    v = Variable(START)
    v.assign(v.value + 1)
    v.to_backend("numpy")
    assert isinstance(v.value, np.ndarray)
    v.to_backend("tensorflow")
    np.testing.assert_allclose(v.value, START + 1)


def test_a_metric_in_a_function_counts_each_call():
    metric = metrics.Mean()
    update = tf.function(lambda x: metric.update_state(x))
    update(START)
    update(START + 2)
    np.testing.assert_allclose(float(metric.result()), START.mean() + 1, rtol=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0
    update(START)
    np.testing.assert_allclose(float(metric.result()), START.mean(), rtol=1e-6)


def test_an_optimizer_in_a_function_is_built_there_and_reads_its_learning_rate_at_each_call():
    v, optimizer = Variable(START), optimizers.SGD(0.5)
    step = tf.function(lambda gradient: optimizer.apply_gradients([(gradient, v)]))
    step(tf.ones((2, 2)))
    optimizer.learning_rate = 0.25
    step(tf.ones((2, 2)))
    np.testing.assert_allclose(v.numpy(), START - 0.75)
    assert int(optimizer.iterations) == 2


def test_repeated_rows_of_an_embedding_have_one_gradient():
    """Keras's Adam on TensorFlow squares the parts of the gradient of a repeated row instead of their sum."""
    after = []
    for engine in ("tensorflow", "numpy"):
        table, optimizer = Variable(np.arange(6.0).reshape(3, 2), backend=engine), optimizers.Adam(0.1)
        if engine == "tensorflow":
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.gather(table.value, [0, 1, 1]) * [[1.0], [2.0], [3.0]])
            gradient = tape.gradient(loss, table)
            assert isinstance(gradient, tf.IndexedSlices)
        else:
            gradient = np.float32([[1, 1], [5, 5], [0, 0]])
        for _ in range(2):
            optimizer.apply([gradient], [table])
        after.append(table.numpy())
    np.testing.assert_allclose(*after, rtol=1e-6)


def test_autograph_calls_the_functions_of_cornu_as_they_are():
    model, loss = cornu.Sequential([cornu.Input((2,)), layers.Dense(2)]), cornu.losses.MeanSquaredError()
    metric, optimizer, v = metrics.Mean(), optimizers.SGD(), Variable(START)
    called = [model, loss, metric, metric.update_state, metric.result, metric.reset_state, optimizer.apply]
    called += [optimizer.apply_gradients, optimizer.stateless_apply, v.assign, v.assign_add, v.assign_sub, ops.mean, ops.relu]
    called += [model.stateless_call, cornu.losses.mean_squared_error, cornu.activations.relu, cornu.random.uniform]
    assert [each for each in called if not hasattr(each, autograph.MARK)] == []

    source = tf.autograph.to_code(lambda: v.assign(START))  # what is converted calls them through AutoGraph
    assert "converted_call" in source


def test_a_call_in_a_function_leaves_the_model_usable(tmp_path):
    stack = [layers.Dense(4, "relu"), layers.BatchNormalization(momentum=0.5), layers.Dense(1)]
    model = cornu.Sequential([cornu.Input((2,)), *stack])
    before = model.layers[1].moving_mean.numpy()
    call = tf.function(lambda x: model(x, training=True))
    for _ in range(2):
        call(START)
    batch_mean = np.maximum(START @ model.get_weights()[0], 0).mean(0)
    np.testing.assert_allclose(model.layers[1].moving_mean.numpy(), before / 4 + batch_mean * 0.75, rtol=1e-5)
    np.testing.assert_allclose(model.predict(START, verbose=0), model(START), rtol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(START, verbose=0), model.predict(START, verbose=0), rtol=1e-6)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(START, np.ones((2, 1)), verbose=0).history["loss"]).all()


BATCH = np.random.default_rng(3).normal(size=(5, 4, 3)).astype("float32")
WITH_UNKNOWN_SIZES = {
    "flatten": lambda: layers.Flatten(),
    "reshape": lambda: layers.Reshape((2, -1)),
    "repeat": lambda: cornu.Sequential([layers.Flatten(), layers.RepeatVector(2)]),
    "upsampling": lambda: layers.UpSampling1D(2),
    "group normalization": lambda: layers.GroupNormalization(3),
    "recurrent": lambda: layers.GRU(2, return_sequences=True),
    "own cell": lambda: layers.RNN(layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(2)])),
    "time distributed": lambda: layers.TimeDistributed(layers.Dense(2)),
    "attention": lambda: cornu.Sequential(
        [cornu.Input((4, 3)), layers.Dense(4), layers.Lambda(lambda x: ops.softmax(x @ ops.swapaxes(x, 1, 2)))]
    ),
}


@pytest.mark.parametrize("name", WITH_UNKNOWN_SIZES)
def test_a_function_for_batches_of_any_size_gives_what_the_layer_gives(name):
    layer = WITH_UNKNOWN_SIZES[name]()
    layer(BATCH)
    call = tf.function(lambda x: layer(x), input_signature=[tf.TensorSpec((None, 4, 3))])
    for size in (5, 2):
        np.testing.assert_allclose(call(BATCH[:size]), layer(BATCH[:size]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "make", [lambda: layers.Dropout(0.5), lambda: layers.GaussianNoise(1.0), lambda: layers.SpatialDropout1D(0.5)]
)
def test_draws_for_batches_of_any_size_differ_at_each_call(make):
    layer = make()
    call = tf.function(lambda x: layer(x, training=True), input_signature=[tf.TensorSpec((None, 4, 3))])
    first, second = call(BATCH).numpy(), call(BATCH).numpy()
    assert first.shape == call(BATCH).shape and (first != second).any()
    assert call(BATCH[:2]).shape == (2, 4, 3)


def test_losses_and_metrics_of_batches_of_any_size():
    scores = np.random.default_rng(4).uniform(0.1, 0.9, (6, 3)).astype("float32")
    labels, weights = np.arange(6) % 3, np.arange(6, dtype="float32")
    loss = cornu.losses.SparseCategoricalCrossentropy()
    made = [
        (metrics.SparseCategoricalAccuracy(), labels),
        (metrics.SparseTopKCategoricalAccuracy(2), labels),
        (metrics.AUC(num_thresholds=20), np.eye(3, dtype="float32")[labels]),
        (metrics.Precision(), np.eye(3, dtype="float32")[labels]),
    ]
    signature = [tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None, 3)), tf.TensorSpec((None,))]
    loss_of = tf.function(lambda y, p, w: loss(y, p, sample_weight=w), input_signature=signature)
    np.testing.assert_allclose(loss_of(labels, scores, weights), loss(labels, scores, weights), rtol=1e-5)
    for metric, targets in made:
        metric.update_state(targets, scores)
        expected = float(metric.result())
        metric.reset_state()
        specs = [tf.TensorSpec((None, *targets.shape[1:]), targets.dtype), tf.TensorSpec((None, 3))]
        update = tf.function(lambda y, p, metric=metric: metric.update_state(y, p), input_signature=specs)
        for rows in (slice(0, 4), slice(4, 6)):
            update(targets[rows], scores[rows])
        np.testing.assert_allclose(float(metric.result()), expected, rtol=1e-5)


def test_a_loop_over_a_dataset_inside_a_function():
    model, optimizer, metric = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)]), optimizers.SGD(0.01), metrics.Mean()
    data = tf.data.Dataset.from_tensor_slices((np.repeat(START, 4, axis=0), np.ones((8, 1), "float32"))).batch(3)
    loss = cornu.losses.MeanSquaredError()

    @tf.function
    def epoch():
        for x, y in data:
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            optimizer.apply(tape.gradient(value, model.trainable_weights), model.trainable_weights)
            metric.update_state(value)

    results = []
    for _ in range(5):
        metric.reset_state()
        epoch()
        results.append(float(metric.result()))
    assert int(optimizer.iterations) == 15 and results == sorted(results, reverse=True)


def test_backends_declare_what_their_functions_ask_of_a_variable():
    assert Variable(START)._should_act_as_resource_variable is True
    assert not hasattr(Variable(START, backend="numpy"), "_should_act_as_resource_variable")
    assert backends.get("tensorflow").EngineVariable.records_assignments
