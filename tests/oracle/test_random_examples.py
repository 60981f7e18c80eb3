"""Classes and functions against real Keras, with arguments and arrays drawn at random: 20 examples for each, 200 in all cases.

The arguments are read from the signatures of Keras: each that ``ARGUMENTS`` knows by its name is drawn or left out, so that a
new class needs a row only for arguments that are its own. Keras computes on JAX; Cornu computes on NumPy, which compiles
nothing, and ``tests/backends`` compares the engines with it. What Keras refuses is not drawn again.
"""

import functools
import inspect
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import hypothesis
import jax
import keras
import numpy as np
import pytest
from hypothesis import strategies as st

import cornu
from cornu import backends, ops
from cornu.core.call_context import CallContext

ENGINE = backends.get("numpy")

SHAPES = ((3,), (2, 3), (2, 3, 4))
"""Few shapes, so that JAX compiles each operation a few times only; in a sample it is the second one."""


@pytest.fixture(autouse=True)
def on_numpy(monkeypatch, request):
    monkeypatch.setattr(cornu.config._backend, "_default", "numpy")
    if request.config.getoption("--sample"):
        monkeypatch.setattr(sys.modules[__name__], "SHAPES", SHAPES[1:2])


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> Callable:
    """A function that calls another one with ``st.data()``, as often as the option ``--sample`` says."""
    count = 20 if request.config.getoption("--sample") else 200

    def run(check: Callable) -> None:
        @functools.wraps(check)
        def quiet(data: st.DataObject) -> None:
            with np.errstate(all="ignore"):  # values outside of the domain of a function
                check(data)

        calm = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much, hypothesis.HealthCheck.data_too_large]
        phases = [hypothesis.Phase.generate, hypothesis.Phase.shrink]
        decorate = hypothesis.settings(
            max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=calm, phases=phases
        )
        decorate(hypothesis.given(st.data())(quiet))()

    return run


def of_keras(function: Callable, *arguments: Any, **named: Any) -> Any:
    """Return what Keras returns, whose warnings are not of interest; an example that Keras refuses is dropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments, **named)
        except Exception:
            hypothesis.reject()


def array(seed: int, shape: tuple, dtype: str = "float32", low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Return distinct random numbers."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith(("int", "uint")):
        return rng.integers(max(0, int(low)), 4, shape).astype(dtype)
    return rng.uniform(low, high, shape).astype(dtype)


def close(found: Any, wanted: Any, what: str, rtol: float = 2e-5, atol: float = 4e-6) -> None:
    """Assert that trees of arrays are equal up to rounding, and have the same shapes and dtypes."""
    ours, theirs = cornu.tree.flatten(found), jax.tree.leaves(wanted)
    assert len(ours) == len(theirs), what
    for mine, other in zip(ours, theirs, strict=True):
        mine, other = np.asarray(mine), np.asarray(other)
        assert (mine.shape, mine.dtype) == (other.shape, other.dtype), what
        scale = max(1.0, float(np.abs(other[np.isfinite(other)]).max(initial=0)) if other.dtype.kind == "f" else 1.0)
        if other.dtype.kind in "fc":
            np.testing.assert_allclose(mine, other, rtol, atol * scale, err_msg=what)
        else:
            np.testing.assert_array_equal(mine, other, err_msg=what)


# --- Arguments --------------------------------------------------------------------------------------------------------------

INITIALIZERS = st.sampled_from(["zeros", "glorot_uniform", "he_normal", "orthogonal", "lecun_uniform", "random_normal"])
REGULARIZERS = st.sampled_from([None, "l1", "l2", "l1_l2"])
CONSTRAINTS = st.sampled_from([None, "non_neg", "max_norm", "unit_norm"])
PART = st.floats(0, 0.9).map(lambda value: round(value, 2))
ALWAYS = st.just(True)
"""True in every example, such as ``unroll``: JAX compiles a loop that is not unrolled again in each call."""

POSITIVE = st.floats(0.1, 2).map(lambda value: round(value, 2))
BOOLEAN = st.booleans()
SMALL = st.integers(1, 3)

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of variables in Keras
    pytest.mark.filterwarnings("ignore:.*That axis has size 1"),  # softmax of one unit
]

ARGUMENTS: dict[str, st.SearchStrategy] = {
    "units": SMALL,
    "filters": st.sampled_from([2, 4]),
    "activation": st.sampled_from([None, "relu", "tanh", "sigmoid", "softplus", "gelu", "softmax"]),
    "recurrent_activation": st.sampled_from(["sigmoid", "hard_sigmoid", "tanh"]),
    **dict.fromkeys(("use_bias", "center", "scale", "return_sequences", "go_backwards", "unit_forget_bias"), BOOLEAN),
    **dict.fromkeys(("keepdims", "from_logits", "nesterov", "amsgrad", "centered", "reset_after", "unroll"), BOOLEAN),
    **dict.fromkeys(("apply_class_balancing", "zero_debias", "normalize", "exclusive", "approximate"), BOOLEAN),
    "kernel_size": SMALL,
    "strides": st.integers(1, 2),
    "pool_size": st.integers(1, 3),
    "padding": st.sampled_from(["valid", "same"]),
    "dilation_rate": st.integers(1, 2),
    "depth_multiplier": st.integers(1, 2),
    "data_format": st.sampled_from(["channels_last", "channels_first"]),
    **dict.fromkeys(("rate", "momentum", "rho", "label_smoothing", "dropout", "recurrent_dropout"), PART),
    **dict.fromkeys(("epsilon", "l1", "l2", "delta", "gamma", "factor", "stddev", "max_value"), POSITIVE),
    **dict.fromkeys(("beta_1", "beta_2", "beta"), PART),
    **dict.fromkeys(("weight_decay", "clipnorm", "clipvalue", "global_clipnorm"), st.none() | POSITIVE),
    "learning_rate": st.sampled_from([0.1, 0.003]),
    "reduction": st.sampled_from(["sum", "mean", "sum_over_batch_size", "mean_with_sample_weight", "none", None]),
    "threshold": PART,
    "name": st.sampled_from([None, "mine"]),
}
ARGUMENTS |= {
    f"{part}_{kind}": strategy
    for kind, strategy in (("initializer", INITIALIZERS), ("regularizer", REGULARIZERS), ("constraint", CONSTRAINTS))
    for part in ("kernel", "bias", "recurrent", "beta", "gamma", "embeddings", "depthwise", "pointwise", "alpha")
}


def draw_arguments(data: st.DataObject, function: Callable, own: dict[str, st.SearchStrategy]) -> dict[str, Any]:
    """Draw some of the arguments of a function of Keras."""
    drawn = {}
    for name, parameter in inspect.signature(function).parameters.items():
        strategy = own.get(name, ARGUMENTS.get(name))
        needed = parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        if strategy is not None and (needed or strategy is ALWAYS or data.draw(BOOLEAN, label=f"{name}?")):
            drawn[name] = data.draw(strategy, label=name)
    return drawn


def plain(value: Any) -> Any:
    """Return a number of NumPy or of an engine as a number, and other values as text."""
    return float(value) if hasattr(value, "dtype") and not getattr(value, "shape", ()) else str(value)


def as_json(config: dict) -> dict:
    """Return a config as a file holds it, without what differs by its nature or only in one library."""
    left_out = ("name", "dtype", "quantization_config", "synchronized", "rms_scaling", "activity_regularizer")
    kept = {name: value for name, value in config.items() if name not in left_out and not name.startswith("renorm")}
    return json.loads(json.dumps(kept, default=plain), parse_float=lambda text: float(f"{float(text):.6g}"))


def same_config(mine: Any, theirs: Any) -> None:
    """Assert that two objects have the same config, and that the config makes the same object again."""
    ours, others = as_json(mine.get_config()), as_json(theirs.get_config())
    assert {key: (ours.get(key), others.get(key)) for key in {*ours, *others} if ours.get(key) != others.get(key)} == {}
    assert as_json(type(mine).from_config(mine.get_config()).get_config()) == as_json(mine.get_config())


def assert_includes(mine: Any, theirs: Any) -> None:
    """Assert that a config has what that of Keras has, from which some losses and metrics leave arguments out."""
    ours, others = as_json(mine.get_config()), as_json(theirs.get_config())
    assert {key: ours.get(key) for key in others} == others
    assert as_json(type(mine).from_config(mine.get_config()).get_config()) == ours


def value_and_gradients(library: str, function: Callable, arrays: list) -> tuple[Any, Any]:
    """Return what a function returns, and the gradients of the sum of its first array, each value weighted differently."""

    def weighted(given: list) -> Any:
        result = function(*given)
        first = result[0] if isinstance(result, tuple) else result
        weights = np.linspace(0.5, 1.5, int(np.prod(first.shape))).reshape(tuple(first.shape)).astype("float32")
        return (ops.sum(first * ENGINE.asarray(weights)) if library == "cornu" else (first * weights).sum()), result

    if library == "cornu":
        (_, result), gradients = ENGINE.value_and_grad(weighted, has_aux=True)([ENGINE.asarray(one) for one in arrays])
        return result, gradients
    (_, result), gradients = jax.value_and_grad(weighted, has_aux=True)(arrays)
    return result, gradients


# --- Layers -----------------------------------------------------------------------------------------------------------------

LINE, FLAT, VOLUME = (2, 6, 4), (2, 5, 6, 4), (1, 4, 4, 5, 4)
RANDOM = {
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "GaussianDropout",
    "GaussianNoise",
    "AlphaDropout",
}

OWN: dict[str, tuple[tuple, dict[str, st.SearchStrategy]]] = {
    **{name: ((2, 3), {}) for name in ("Dense", "Flatten", "Identity", *sorted(RANDOM))},
    "SpatialDropout1D": (LINE, {}),
    "SpatialDropout2D": (FLAT, {}),
    "SpatialDropout3D": (VOLUME, {}),
    "Activation": ((2, 3), {}),
    "ReLU": ((2, 3), {"max_value": st.none() | POSITIVE, "negative_slope": PART}),
    "LeakyReLU": ((2, 3), {"negative_slope": PART}),
    "ELU": ((2, 3), {"alpha": POSITIVE}),
    "PReLU": (LINE, {"shared_axes": st.sampled_from([None, [1], [1, 2]])}),
    "Softmax": (LINE, {"axis": st.sampled_from([-1, 1])}),
    "ActivityRegularization": ((2, 3), {}),
    "RepeatVector": ((2, 3), {"n": SMALL}),
    "Permute": (LINE, {"dims": st.sampled_from([(1, 2), (2, 1)])}),
    "Reshape": (LINE, {"target_shape": st.sampled_from([(24,), (4, 6), (-1, 3), (2, -1)])}),
    "Rescaling": (LINE, {"scale": POSITIVE, "offset": POSITIVE}),
    "BatchNormalization": (LINE, {"axis": st.sampled_from([-1, 1])}),
    "LayerNormalization": (LINE, {"axis": st.sampled_from([-1, 1, [1, 2]])}),
    "RMSNormalization": (LINE, {"axis": st.sampled_from([-1, 1])}),
    "GroupNormalization": (LINE, {"groups": st.sampled_from([1, 2, 4, -1])}),
    "UnitNormalization": (LINE, {"axis": st.sampled_from([-1, 1, [1, 2]])}),
    "EinsumDense": (
        LINE,
        {
            "equation": st.just("abc,cd->abd"),
            "output_shape": st.sampled_from([(None, 2), (6, 3)]),
            "bias_axes": st.sampled_from([None, "d"]),
        },
    ),
    "Embedding": ((2, 3), {"input_dim": st.just(5), "output_dim": SMALL, "mask_zero": BOOLEAN}),
    **{name: (LINE, {"unroll": ALWAYS}) for name in ("SimpleRNN", "GRU", "LSTM")},
    **{f"Conv1D{kind}": (LINE, {"groups": st.sampled_from([1, 2])}) for kind in ("", "Transpose")},
    **{f"Conv2D{kind}": (FLAT, {"groups": st.sampled_from([1, 2])}) for kind in ("", "Transpose")},
    "Conv3D": (VOLUME, {}),
    "DepthwiseConv1D": (LINE, {}),
    "DepthwiseConv2D": (FLAT, {}),
    "SeparableConv1D": (LINE, {}),
    "SeparableConv2D": (FLAT, {}),
    **{
        f"{prefix}{kind}Pooling{rank}D": ((LINE, FLAT, VOLUME)[rank - 1], {})
        for prefix in ("", "Global")
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    **{f"Adaptive{kind}Pooling1D": (LINE, {"output_size": SMALL}) for kind in ("Max", "Average")},
    **{f"Adaptive{kind}Pooling2D": (FLAT, {"output_size": SMALL}) for kind in ("Max", "Average")},
    "UpSampling1D": (LINE, {"size": SMALL}),
    "UpSampling2D": (FLAT, {"size": SMALL, "interpolation": st.sampled_from(["nearest", "bilinear"])}),
    "UpSampling3D": (VOLUME, {"size": st.integers(1, 2)}),
    **{f"ZeroPadding{rank}D": ((LINE, FLAT, VOLUME)[rank - 1], {"padding": st.integers(0, 2)}) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": ((LINE, FLAT, VOLUME)[rank - 1], {"cropping": st.integers(0, 1)}) for rank in (1, 2, 3)},
}
"""For each layer of one input its shape, and strategies of arguments that have another meaning than in ``ARGUMENTS``."""


def layer_answer(library: str, name: str, arguments: dict, x: np.ndarray, training: bool) -> tuple[Any, Any, Any]:
    """Return a layer with random weights, its outputs with its state after the call, and the gradients."""
    layer = getattr((cornu if library == "cornu" else keras).layers, name)(**arguments)
    layer.build(x.shape)
    lows = [0.5 if "variance" in weight.name else -1.0 for weight in layer.weights]
    layer.set_weights(
        [array(number, one.shape, low=low) for number, (one, low) in enumerate(zip(layer.weights, lows, strict=True))]
    )
    convert = ENGINE.asarray if library == "cornu" else jax.numpy.asarray
    trained, state = (
        [convert(np.asarray(variable.value)) for variable in variables]
        for variables in (layer.trainable_variables, layer.non_trainable_variables)
    )
    context = {"call_context": CallContext()} if library == "cornu" else {}
    if "training" in inspect.signature(layer.call).parameters:
        context["training"] = training
    inputs = [convert(x)] if x.dtype.kind == "f" else []

    def call(*given: Any) -> Any:
        weights = list(given[len(inputs) :])
        result, after = layer.stateless_call(weights, state, given[0] if inputs else convert(x), **context)
        pairs = zip(layer.non_trainable_variables, after, strict=True)
        return result, [value for variable, value in pairs if "seed" not in variable.path]

    return layer, *value_and_gradients(library, call, [*inputs, *trained])


def description(layer: Any, shape: tuple) -> tuple[list, tuple]:
    """Return the names and shapes of the weights of a layer, and the shape of its output."""
    return [(one.name, tuple(one.shape)) for one in layer.weights], tuple(layer.compute_output_shape(shape))


@pytest.mark.parametrize("name", OWN)
def test_layers(name, examples):
    shape, own = OWN[name]

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, getattr(keras.layers, name), own)
        training = data.draw(BOOLEAN, label="training") and name not in RANDOM and "dropout" not in str(arguments)
        x = array(3, shape, "int32" if name == "Embedding" else "float32")
        theirs, expected, wanted = of_keras(layer_answer, "keras", name, arguments, x, training)
        mine, found, gradients = layer_answer("cornu", name, arguments, x, training)
        same_config(*(getattr(module.layers, name)(**arguments) for module in (cornu, keras)))  # Keras's `build` changes some
        (weights, output), (expected_weights, expected_output) = description(mine, shape), description(theirs, shape)
        assert weights == expected_weights
        assert all(other in (size, None) for size, other in zip(output, expected_output, strict=True))
        close(found, expected, "outputs and state")
        close(gradients, wanted, "gradients", rtol=1e-4, atol=1e-5)

    examples(check)


# --- Losses and metrics -----------------------------------------------------------------------------------------------------

ROWS = 6


def targets(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions of a kind."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(4), ROWS).astype("float32") * 0.98 + 0.005
    classes = rng.integers(0, 4, ROWS).astype("int32")
    bits = rng.integers(0, 2, (ROWS, 4)).astype("float32")
    vectors = array(seed + 1, (ROWS, 4))
    normalized = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return {
        "real": (array(seed, (ROWS, 4)), array(seed + 1, (ROWS, 4))),
        "positive": (array(seed, (ROWS, 4), low=0.2), array(seed + 1, (ROWS, 4), low=0.1)),
        "binary": (bits, rng.uniform(0.05, 0.95, (ROWS, 4)).astype("float32")),
        "signs": (2 * bits - 1, array(seed + 1, (ROWS, 4))),
        "one-hot": (np.eye(4, dtype="float32")[classes], shares),
        "classes": (classes, shares),
        "shares": (rng.dirichlet(np.ones(4), ROWS).astype("float32"), shares),
        "indices": (classes, rng.integers(0, 4, ROWS).astype("int32")),
        "vectors": (classes, normalized * rng.choice([1, 1.3], (ROWS, 1)).astype("float32")),
    }[kind]


AXIS = {"axis": st.sampled_from([-1, 1])}
LOSSES: dict[str, tuple[str, dict]] = {
    **dict.fromkeys(("MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh"), ("real", {})),
    **dict.fromkeys(("MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "Poisson"), ("positive", {})),
    "CosineSimilarity": ("real", AXIS),
    **dict.fromkeys(("Hinge", "SquaredHinge"), ("signs", {})),
    "CategoricalHinge": ("one-hot", {}),
    "BinaryCrossentropy": ("binary", AXIS),
    "BinaryFocalCrossentropy": ("binary", {"alpha": PART, **AXIS}),
    "CategoricalCrossentropy": ("one-hot", AXIS),
    "CategoricalFocalCrossentropy": ("one-hot", {"alpha": PART, **AXIS}),
    "SparseCategoricalCrossentropy": ("classes", {"ignore_class": st.sampled_from([None, 1])}),
    "CategoricalGeneralizedCrossEntropy": ("classes", {"q": st.floats(0.1, 0.9)}),
    "KLDivergence": ("shares", {}),
    "Dice": ("binary", {"axis": st.sampled_from([None, 0, 1])}),
    "Tversky": ("binary", {"alpha": POSITIVE, "beta": POSITIVE, "axis": st.sampled_from([None, 0, 1])}),
    "Circle": ("vectors", {"gamma": st.sampled_from([2, 8]), "margin": PART, "remove_diagonal": st.just(True)}),
}
"""The kind of data of each loss, and strategies of its own arguments."""


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, examples):
    kind, own = LOSSES[name]

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, getattr(keras.losses, name), own)
        arguments.pop("name", None)
        y, predicted = targets(kind, data.draw(st.integers(0, 9), label="seed"))
        by_sample = name not in ("Dice", "Tversky") or arguments.get("axis") == 1
        weight = data.draw(st.sampled_from([None, array(5, (ROWS,), low=0.1)]), label="weight") if by_sample else None
        theirs = of_keras(getattr(keras.losses, name), **arguments)
        mine = getattr(cornu.losses, name)(**arguments)
        expected, wanted = of_keras(
            value_and_gradients, "keras", lambda given: theirs(y, given, sample_weight=weight), [jax.numpy.asarray(predicted)]
        )
        found, gradients = value_and_gradients("cornu", lambda given: mine(y, given, sample_weight=weight), [predicted])
        close(found, expected, "value")
        close(gradients, wanted, "gradient", rtol=1e-4, atol=1e-5)
        assert_includes(mine, theirs)

    examples(check)


METRICS: dict[str, tuple[str, dict]] = {
    **{
        name: (kind, {key: value for key, value in own.items() if key != "ignore_class"})
        for name, (kind, own) in LOSSES.items()
        if hasattr(keras.metrics, name)
    },
    **dict.fromkeys(("RootMeanSquaredError", "LogCoshError", "R2Score"), ("real", {"class_aggregation": st.just(None)})),
    "Accuracy": ("indices", {}),
    "BinaryAccuracy": ("binary", {}),
    "CategoricalAccuracy": ("one-hot", {}),
    "SparseCategoricalAccuracy": ("classes", {}),
    "TopKCategoricalAccuracy": ("one-hot", {"k": SMALL}),
    "SparseTopKCategoricalAccuracy": ("classes", {"k": SMALL}),
    **dict.fromkeys(("Precision", "Recall"), ("binary", {"thresholds": st.none() | PART, "top_k": st.sampled_from([None, 2])})),
    **dict.fromkeys(
        ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"),
        ("binary", {"thresholds": st.sampled_from([None, 0.3, [0.2, 0.6]])}),
    ),
    "AUC": (
        "binary",
        {
            "num_thresholds": st.sampled_from([20, 50]),
            "curve": st.sampled_from(["ROC", "PR"]),
            "summation_method": st.sampled_from(["interpolation", "minoring", "majoring"]),
        },
    ),
    **{
        name: ("binary", {argument: st.floats(0.1, 0.9), "num_thresholds": st.just(20)})
        for name, argument in (
            ("SensitivityAtSpecificity", "specificity"),
            ("SpecificityAtSensitivity", "sensitivity"),
            ("PrecisionAtRecall", "recall"),
            ("RecallAtPrecision", "precision"),
        )
    },
    **dict.fromkeys(("MeanIoU", "IoU"), ("indices", {"num_classes": st.just(4), "target_class_ids": st.just([0, 2])})),
    "BinaryIoU": ("binary", {"target_class_ids": st.sampled_from([(0, 1), (1,)])}),
    **dict.fromkeys(("OneHotIoU", "OneHotMeanIoU"), ("one-hot", {"num_classes": st.just(4), "target_class_ids": st.just([1])})),
    "FBetaScore": ("one-hot", {"average": st.sampled_from([None, "micro", "macro", "weighted"]), "beta": POSITIVE}),
    "F1Score": ("one-hot", {"average": st.sampled_from([None, "micro", "macro", "weighted"])}),
    "PearsonCorrelation": ("real", {}),
    "ConcordanceCorrelation": ("real", {}),
}
"""The kind of data of each metric, and strategies of its own arguments."""


@pytest.mark.filterwarnings("ignore:.*weights that are fractions are truncated")  # as in Keras
@pytest.mark.parametrize("name", METRICS)
def test_metrics(name, examples):
    kind, own = METRICS[name]

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, getattr(keras.metrics, name), own)
        theirs = of_keras(getattr(keras.metrics, name), **arguments)
        mine = getattr(cornu.metrics, name)(**arguments)
        weighted = data.draw(BOOLEAN, label="weighted")
        for batch, size in enumerate((ROWS, 2)):  # of different sizes
            y, predicted = (part[:size] for part in targets(kind, batch))
            weight = array(5, (size,), low=0.1) if weighted else None
            of_keras(theirs.update_state, y, predicted, sample_weight=weight)
            mine.update_state(y, predicted, sample_weight=weight)
        close(mine.result(), of_keras(theirs.result), "result")
        assert_includes(mine, theirs)
        mine.reset_state()
        assert not any(np.asarray(variable.value).any() for variable in mine.variables)

    examples(check)


FUNCTIONS = {
    "real": """
        mean_squared_error mean_absolute_error huber log_cosh cosine_similarity pearson_correlation concordance_correlation""",
    "positive": "mean_absolute_percentage_error mean_squared_logarithmic_error poisson",
    "signs": "hinge squared_hinge",
    "one-hot": """
        categorical_hinge categorical_crossentropy categorical_focal_crossentropy categorical_accuracy
        top_k_categorical_accuracy""",
    "binary": "binary_crossentropy binary_focal_crossentropy binary_accuracy dice tversky",
    "classes": "sparse_categorical_crossentropy sparse_categorical_accuracy sparse_top_k_categorical_accuracy",
    "shares": "kl_divergence",
}
"""The functions of ``losses`` and ``metrics``, by the kind of their data."""

FUNCTION_KINDS = {name: kind for kind, names in FUNCTIONS.items() for name in names.split()}


@pytest.mark.parametrize("name", FUNCTION_KINDS)
def test_functions_of_losses_and_metrics(name, examples):
    home = "losses" if hasattr(keras.losses, name) else "metrics"
    theirs, mine = (getattr(getattr(module, home), name) for module in (keras, cornu))
    own = {"axis": st.just(-1), "k": SMALL, "alpha": PART, "beta": POSITIVE, "ignore_class": st.none()}

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, theirs, own)
        y, predicted = targets(FUNCTION_KINDS[name], data.draw(st.integers(0, 9), label="seed"))
        close(mine(y, predicted, **arguments), of_keras(theirs, y, predicted, **arguments), "values")

    examples(check)


# --- Optimizers, initializers, regularizers, constraints ----------------------------------------------------------------------

OPTIMIZERS = [
    name
    for name in ("SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Adagrad", "Adadelta", "Nadam", "Ftrl", "Lion", "Lamb")
    if hasattr(cornu.optimizers, name)
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, examples):
    own = {"learning_rate_power": st.just(-0.5), "use_ema": BOOLEAN, "ema_momentum": PART, "weight_decay": st.none() | POSITIVE}
    if name == "AdamW":
        own["weight_decay"] = POSITIVE

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, getattr(keras.optimizers, name), own)
        theirs = of_keras(getattr(keras.optimizers, name), **arguments)
        mine = getattr(cornu.optimizers, name)(**arguments)
        same_config(mine, theirs)
        shapes = [(2, 3), (3,)]
        ours = [cornu.Variable(array(number, shape)) for number, shape in enumerate(shapes)]
        others = [keras.Variable(array(number, shape)) for number, shape in enumerate(shapes)]
        for step in range(3):
            gradients = [array(10 * step + number + 5, shape) for number, shape in enumerate(shapes)]
            theirs.apply([jax.numpy.asarray(one) for one in gradients], others)
            mine.apply([ENGINE.asarray(one) for one in gradients], ours)
        close([one.numpy() for one in ours], [np.asarray(one.value) for one in others], "weights", rtol=1e-4, atol=1e-5)
        assert [tuple(one.shape) for one in mine.variables] == [tuple(one.shape) for one in theirs.variables]

    examples(check)


SCALING = {"mode": st.sampled_from(["fan_in", "fan_out", "fan_avg"]), "distribution": st.sampled_from(["uniform", "normal"])}
NUMBERS = {
    "minval": st.sampled_from([-0.1, 0.0]),
    "maxval": st.just(1.5),
    **dict.fromkeys(("mean", "value", "gain", "scale"), POSITIVE),
}
EXACT = {"Zeros", "Ones", "Constant", "Identity"}
INITIALIZER_NAMES = [
    *("Zeros", "Ones", "Constant", "Identity", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"),
    *("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal"),
]


@pytest.mark.parametrize("name", INITIALIZER_NAMES)
def test_initializers(name, examples):
    """Random values are others than those of Keras: their mean and deviation are compared."""
    own = {**SCALING, **NUMBERS, "seed": st.integers(0, 9)}

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, getattr(keras.initializers, name), own)
        theirs = of_keras(getattr(keras.initializers, name), **arguments)
        mine = getattr(cornu.initializers, name)(**arguments)
        assert_includes(mine, theirs)
        shape = data.draw(st.sampled_from([(40, 40), (20, 60)]), label="shape")
        expected, found = np.asarray(of_keras(theirs, shape)), np.asarray(mine(shape))
        if name in EXACT:
            return close(found, expected, "values")
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        deviation = expected.std()
        assert abs(found.mean() - expected.mean()) < 0.2 * deviation
        assert abs(found.std() - deviation) < 0.1 * deviation

    examples(check)


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer"])
def test_regularizers(name, examples):
    own = {"mode": st.sampled_from(["rows", "columns"])}

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, getattr(keras.regularizers, name), own)
        theirs, mine = (getattr(module.regularizers, name)(**arguments) for module in (keras, cornu))
        x = array(data.draw(st.integers(0, 9)), (2, 3))
        expected, wanted = of_keras(value_and_gradients, "keras", theirs, [jax.numpy.asarray(x)])
        found, gradients = value_and_gradients("cornu", mine, [x])
        close(found, expected, "penalty")
        close(gradients, wanted, "gradient", rtol=1e-4)
        same_config(mine, theirs)

    examples(check)


@pytest.mark.parametrize("name", ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"])
def test_constraints(name, examples):
    own = {"min_value": PART, "axis": st.sampled_from([0, 1, [0, 1]]), "rate": PART}

    def check(data: st.DataObject) -> None:
        arguments = draw_arguments(data, getattr(keras.constraints, name), own)
        theirs, mine = (getattr(module.constraints, name)(**arguments) for module in (keras, cornu))
        x = array(data.draw(st.integers(0, 9)), (2, 3))
        close(mine(ENGINE.asarray(x)), of_keras(theirs, jax.numpy.asarray(x)), "values")
        same_config(mine, theirs)

    examples(check)


# --- Ops and activations ------------------------------------------------------------------------------------------------------

FIRST = {"x", "x1", "a", "inputs", "input", "tensor", "data", "logits", "array", "v", "start", "y_true"}
SECOND = {"x2", "b", "y", "divisor"}

OP_ARGUMENTS: dict[str, st.SearchStrategy] = {
    **dict.fromkeys(("keepdims", "endpoint", "approximate", "reverse", "right", "descending", "exclude", "sorted"), BOOLEAN),
    **dict.fromkeys(("negative_slope", "alpha", "lambd", "threshold", "b"), POSITIVE),
    "ddof": st.integers(0, 1),
    "k": st.integers(-1, 2),
    "n": st.integers(1, 2),
    "num": st.integers(2, 5),
    "N": st.integers(2, 4),
    "M": st.none() | st.integers(2, 4),
    "decimals": st.integers(0, 2),
    "shift": st.integers(-3, 3),
    "repeats": st.integers(1, 3),
    "num_classes": st.just(5),
    "dtype": st.sampled_from(["float32", "int32"]),
    "shape": st.sampled_from([(2, 3), (3,), (1,)]),
    "fill_value": POSITIVE,
    "q": st.sampled_from([0.3, [0.1, 0.9]]),
    "indices": st.sampled_from([[0, 1], [1, 1, 0], 0]).map(lambda value: np.array(value, "int32")),
    "x_min": PART,
    "x_max": st.just(1.5),
    "alpha_max": PART,
    "ord": st.sampled_from([None, 1, 2]),
    "order": st.sampled_from([1, 2]),
    "pad_width": st.integers(0, 2),
    "newshape": st.just((-1,)),
    "temperature": POSITIVE,
}

FLOATS = st.integers(0, 9).map(lambda seed: array(seed, (2, 3)))
DEEP = st.integers(0, 9).map(lambda seed: array(seed, (2, 4, 2)))
DIVISIONS = ("divide", "true_divide", "floor_divide", "fmod", "mod")

OP_ROWS: dict[str, dict[str, st.SearchStrategy]] = {
    "arange": {"start": st.integers(0, 2), "stop": st.integers(3, 6), "step": st.integers(1, 2), "dtype": st.just("int32")},
    "linspace": {"start": PART, "stop": POSITIVE, "axis": st.just(0)},
    "logspace": {"start": PART, "stop": POSITIVE, "axis": st.just(0)},
    "transpose": {"axes": st.none()},
    "tile": {"repeats": st.sampled_from([1, 2, (2, 1)])},
    "swapaxes": {"axis1": st.just(0), "axis2": st.just(-1)},
    "moveaxis": {"source": st.just(0), "destination": st.just(-1)},
    "reshape": {"newshape": st.sampled_from([(-1,), (1, -1)])},
    "broadcast_to": {"shape": st.sampled_from([(2, 3), (2, 3, 4), (2, 2, 3)])},
    "expand_dims": {"axis": st.sampled_from([0, 1, -1])},
    "split": {"indices_or_sections": st.sampled_from([1, 3, [1]])},
    **{key: {"x": DEEP, "indices_or_sections": st.sampled_from([1, 2, [1]])} for key in ("dsplit", "hsplit", "vsplit")},
    "get_item": {"key": st.sampled_from([0, -1, slice(None, 1), (Ellipsis, 0), None, np.array([1, 0, 1])])},
    "where": {"condition": st.integers(0, 9).map(lambda seed: array(seed, (2, 3), "bool")), "x1": FLOATS, "x2": FLOATS},
    "nextafter": {"x1": FLOATS, "x2": st.integers(10, 19).map(lambda seed: array(seed, (2, 3)))},
    "array_split": {"indices_or_sections": st.sampled_from([2, 3])},
    "digitize": {"bins": st.just(np.array([-1.0, 0.0, 1.0], "float32"))},
    "top_k": {"k": st.integers(1, 3)},
    "in_top_k": {
        "targets": st.just(np.array([0, 1], "int32")),
        "predictions": st.just(array(2, (2, 3))),
        "k": st.integers(1, 3),
    },
    "clip": {"x_min": st.just(-0.5), "x_max": st.just(0.5)},
    "eye": {"k": st.integers(-1, 1), "N": st.integers(2, 4)},
    "tri": {"k": st.integers(-1, 1), "N": st.integers(2, 4)},
    **{key: {"x": st.integers(1, 6), "beta": POSITIVE} for key in ("bartlett", "blackman", "hamming", "hanning", "kaiser")},
    "glu": {"x": DEEP, "axis": st.just(-1)},
    "threshold": {"threshold": PART, "default_value": PART},
    "geomspace": {"start": st.just(0.5), "stop": POSITIVE, "axis": st.just(0), "dtype": st.just("float32")},
    "arccosh": {"x": FLOATS.map(lambda x: 1.1 + np.abs(x))},
    "erfinv": {"x": FLOATS.map(lambda x: x / 3)},
    "power": {"x1": FLOATS.map(np.abs), "x2": FLOATS},
    **{name: {"x1": FLOATS, "x2": FLOATS.map(lambda x: 0.5 + np.abs(x))} for name in DIVISIONS},
    "one_hot": {"x": st.just(np.array([0, 2, 1], "int32")), "axis": st.just(-1)},
    "multi_hot": {"inputs": st.just(np.array([[0, 2], [1, 1]], "int32"))},
    "bincount": {"x": st.just(np.array([0, 2, 2], "int32")), "weights": st.none(), "minlength": st.integers(0, 5)},
    "nan_to_num": {"nan": PART},
    "norm": {"ord": st.sampled_from([None, 1, 2])},
    "normalize": {"axis": st.just(-1)},
    **{key: {"axis": st.sampled_from([0, -1])} for key in ("concatenate", "stack")},
    "meshgrid": {"indexing": st.just("xy")},
    "saturate_cast": {"dtype": st.sampled_from(["uint8", "int8"])},
    "view": {"dtype": st.just("int32")},
}
"""Arguments of ops that have another meaning than in ``OP_ARGUMENTS``."""

TESTED_ELSEWHERE = {
    "with functions as arguments": """
        associative_scan cond custom_gradient fori_loop jvp map scan switch vectorize vectorized_map while_loop""",
    "with shapes that belong together": """
        adaptive_average_pool adaptive_max_pool average_pool batch_normalization binary_crossentropy block_diag broadcast_shapes
        categorical_crossentropy cdist choose conv conv_transpose convolve correlate corrcoef cov cross ctc_decode ctc_loss
        depth_to_space depthwise_conv diagflat dot dot_product_attention einsum extract_sequences fold histogram inner interp
        intersect1d isin kron layer_normalization matmul max_pool moments nanpercentile nanquantile nonzero argwhere outer pad
        partition argpartition percentile polar polyval psnr put_along_axis quantile rearrange repeat rms_normalization scatter
        scatter_update searchsorted segment_max segment_mean segment_min segment_prod segment_sum select separable_conv
        setdiff1d slice slice_update space_to_depth sparse_categorical_crossentropy take_along_axis tensordot trapezoid
        unfold union1d unique unravel_index unstack vander vdot""",
    "of linear algebra and complex numbers": """
        angle cholesky cholesky_inverse conj conjugate det eig eigh fft fft2 ifft2 imag inv irfft isreal istft logdet lstsq
        lu_factor matrix_rank pinv qr real rfft slogdet solve solve_triangular stft svd trace view view_as_complex
        view_as_real""",
    "wrong in Keras": "sparsemax",
    "that return no new array": """
        array convert_to_numpy convert_to_tensor copy device_scope dtype empty empty_like is_tensor issubdtype ndim shape size
        stop_gradient""",
}
"""Ops whose arguments depend on each other, with tests of their own in ``tests/ops``."""

WITHOUT_GRADIENTS = ("nextafter",)

ELSEWHERE = set(" ".join(TESTED_ELSEWHERE.values()).split())
OP_NAMES = [
    name
    for name in sorted(set(cornu.ops.__all__) & set(dir(keras.ops)))
    if inspect.isfunction(getattr(keras.ops, name)) and name not in ELSEWHERE
]


def draw_call(data: st.DataObject, function: Callable, own: dict[str, st.SearchStrategy]) -> tuple[dict, list[str]]:
    """Draw arguments of an op by name, and return with them the names of the arrays of floats."""
    shape = data.draw(st.sampled_from(SHAPES), label="shape")
    dtype = data.draw(st.sampled_from(["float32", "float32", "float32", "int32", "bool"]), label="dtype")
    drawn: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        needed = parameter.default is parameter.empty
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in own:
            strategy = own[name]
        elif name in FIRST:
            strategy = st.integers(0, 9).map(lambda seed: array(seed, shape, dtype))
        elif name in SECOND and needed:
            other = data.draw(st.sampled_from([shape, shape[-1:]]), label="other shape")
            strategy = st.integers(10, 19).map(lambda seed, other=other: array(seed, other, dtype))
        elif name in ("xs", "arrays"):
            strategy = st.just([array(number, shape, dtype) for number in (1, 2)])
        elif name in ("axis", "axis1", "axis2"):
            strategy = st.integers(-len(shape), len(shape) - 1)
        elif name in OP_ARGUMENTS:
            strategy = OP_ARGUMENTS[name]
        elif needed:
            raise NotImplementedError(f"`{function.__name__}`: no strategy for `{name}`; add a row to `OP_ROWS`")
        else:
            continue
        if needed or name in FIRST or data.draw(BOOLEAN, label=f"{name}?"):
            drawn[name] = data.draw(strategy, label=name)
    floats = [name for name, value in drawn.items() if isinstance(value, np.ndarray) and value.dtype == "float32"]
    return drawn, floats


def check_call(data: st.DataObject, theirs: Callable, mine: Callable, own: dict[str, st.SearchStrategy]) -> None:
    """Compare the results of a function for drawn arguments, and the gradients with respect to its arrays of floats."""
    drawn, floats = draw_call(data, theirs, own)
    to_jax = {key: jax.numpy.asarray(value) if isinstance(value, np.ndarray) else value for key, value in drawn.items()}
    expected = of_keras(theirs, **to_jax)
    to_numpy = {key: ENGINE.asarray(value) if isinstance(value, np.ndarray) else value for key, value in drawn.items()}
    found = mine(**to_numpy)
    close(found, expected, "value")
    if theirs.__name__ in WITHOUT_GRADIENTS or not floats or not hasattr(expected, "dtype") or expected.dtype != "float32":
        return

    def at(function: Callable, given: list) -> Any:
        return function(**{**drawn, **dict(zip(floats, given, strict=True))})

    _, wanted = value_and_gradients("keras", lambda *given: at(theirs, given), [to_jax[name] for name in floats])
    _, gradients = value_and_gradients("cornu", lambda *given: at(mine, given), [drawn[name] for name in floats])
    close(gradients, wanted, "gradients", rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", OP_NAMES)
def test_ops(name, examples):
    theirs, mine = getattr(keras.ops, name), getattr(cornu.ops, name)
    examples(lambda data: check_call(data, theirs, mine, OP_ROWS.get(name, {})))


ACTIVATIONS = [
    name
    for name in sorted(set(dir(cornu.activations)) & set(dir(keras.activations)))
    if inspect.isfunction(getattr(keras.activations, name))
    and name not in ("get", "serialize", "deserialize", "glu", "sparsemax")
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name, examples):
    theirs, mine = getattr(keras.activations, name), getattr(cornu.activations, name)
    own = {"max_value": POSITIVE, "default_value": PART, "threshold": PART}
    own |= {"x": FLOATS} if name == "relu" else {}  # with integers, Keras truncates the limits on JAX only
    examples(lambda data: check_call(data, theirs, mine, own))
