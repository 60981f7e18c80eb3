"""Distillation, against real Keras with the same weights and data."""

import keras
import numpy as np
import pytest

import cornu
from cornu import distillation, layers, ops
from cornu.errors import CornuError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 4)).astype("float32")
Y = RNG.integers(0, 3, 24)


def network(k, units, name, outputs=1):
    x = k.Input((4,))
    hidden = k.layers.Dense(units, "tanh", name="hidden")(x)
    features = k.layers.Dense(5, "relu", name="features")(hidden)
    found = [k.layers.Dense(3, name=f"out{number}")(features) for number in range(outputs)]
    return k.Model(x, found[0] if outputs == 1 else found, name=name)


def pair(k, outputs=1):
    """Return a teacher and a student with weights that do not depend on the library."""
    models = network(k, 6, "teacher", outputs), network(k, 2, "student", outputs)
    rng = np.random.default_rng(1)
    for model in models:
        model.set_weights([rng.normal(size=weight.shape).astype("float32") / 2 for weight in model.weights])
    return models


def distiller(k, losses, outputs=1, **options):
    made = k.distillation.Distiller(*pair(k, outputs), losses(k), **options)
    crossentropy = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(
        k.optimizers.Adam(0.02),
        crossentropy if outputs == 1 else [crossentropy, k.losses.MeanSquaredError()],
        metrics=["accuracy"] if outputs == 1 else None,
    )
    return made


def trained(model, outputs=1, epochs=2):
    y, validation = (Y, (X[:8], Y[:8])) if outputs == 1 else ([Y, X[:, :3]], None)
    options = {"batch_size": 8, "epochs": epochs, "shuffle": False, "verbose": 0}
    return model.fit(X, y, validation_data=validation, **options).history


def kl(k, temperature=3.0):
    return k.distillation.LogitsDistillation(temperature, loss=k.losses.KLDivergence())


def features(k, loss="mse"):
    return k.distillation.FeatureDistillation(loss, teacher_layer_name="features", student_layer_name="features")


CASES = {
    "logits": (kl, {}),
    "crossentropy of logits": (
        lambda k: k.distillation.LogitsDistillation(2, k.losses.CategoricalCrossentropy(from_logits=True)),
        {"student_loss_weight": 0.2},
    ),
    "features": (features, {}),
    "outputs": (lambda k: k.distillation.FeatureDistillation("mae"), {"student_loss_weight": 0.0}),
    "features of one class of loss": (lambda k: features(k, k.losses.CosineSimilarity()), {"student_loss_weight": 0.9}),
    "both": (lambda k: [kl(k), features(k)], {"distillation_loss_weights": [0.3, 2.0], "student_loss_weight": 0.4}),
    "labels alone": (kl, {"student_loss_weight": 1}),
    "two outputs": (
        lambda k: [
            k.distillation.LogitsDistillation(2.0, [k.losses.KLDivergence(), None]),
            k.distillation.FeatureDistillation([None, "mse"]),
        ],
        {"outputs": 2},
    ),
}


@pytest.mark.parametrize("case", [case for case in CASES if case != "two outputs"])  # with which Keras fails
def test_training_is_that_of_keras(case, backend):
    losses, options = CASES[case]
    theirs, ours = distiller(keras, losses, **options), distiller(cornu, losses, **options)
    ours.to_backend(backend)
    expected, found = trained(theirs), trained(ours)
    assert sorted(found) == sorted(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5, err_msg=name)
    for mine, other in zip(ours.get_weights(), [weight.value for weight in theirs.weights], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


def test_the_teacher_does_not_change():
    model = distiller(cornu, kl)
    before = model.teacher.get_weights()
    trained(model)
    assert not model.teacher.trainable
    for mine, other in zip(model.teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_calls_and_predictions_are_those_of_the_student():
    model = distiller(cornu, kl)
    trained(model)
    np.testing.assert_array_equal(model.predict(X, verbose=0), model.student.predict(X, verbose=0))


def kl_of_probabilities(temperature):
    """Hinton's loss, with NumPy."""
    teacher, student = (np.asarray(model(X), "float64") / temperature for model in pair(cornu))
    p, q = (np.exp(z) / np.exp(z).sum(-1, keepdims=True) for z in (teacher, student))
    return (p * np.log(p / q)).sum(-1).mean() * temperature**2


@pytest.mark.parametrize("loss", ["kl_divergence", "KLDivergence", cornu.losses.KLDivergence()])
def test_the_divergence_compares_probabilities_however_it_is_named(loss):
    teacher, student = pair(cornu)
    found = distillation.LogitsDistillation(2.0, loss).compute_loss(teacher(X), student(X))
    assert float(found) == pytest.approx(kl_of_probabilities(2.0), rel=1e-4)


def mean_square(first, second):
    return np.mean((np.asarray(first) - np.asarray(second)) ** 2)


def test_the_losses_of_several_outputs_are_added():
    losses = [distillation.FeatureDistillation(["mse", None]), distillation.FeatureDistillation([None, "mse"])]
    model = distillation.Distiller(*pair(cornu, 2), losses, [1.0, 3.0], student_loss_weight=0.25)
    model.compile("sgd", ["mse", "mse"])
    y, found, teacher = [X[:, :3], X[:, 1:]], model.predict(X, verbose=0), model.teacher(X)
    student_loss = mean_square(y[0], found[0]) + mean_square(y[1], found[1])
    distillation_loss = mean_square(teacher[0], found[0]) + 3 * mean_square(teacher[1], found[1])
    expected = 0.25 * student_loss + 0.75 * distillation_loss
    assert float(model.compute_loss(X, y)) == pytest.approx(expected, rel=1e-5)


def test_an_evaluation_changes_no_weight():
    def normalized(name):
        stack = [cornu.Input((4,)), layers.Dense(5, name="features"), layers.BatchNormalization(), layers.Dense(3)]
        return cornu.Sequential(stack, name=name)

    model = distillation.Distiller(normalized("teacher"), normalized("student"), features(cornu))
    model.compile("sgd", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = model.get_weights()
    model.evaluate(X, Y, verbose=0)
    for mine, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("weights", [None, [3.0]])
def test_the_weight_of_a_single_loss_counts(weights):
    model = distillation.Distiller(*pair(cornu), kl(cornu), distillation_loss_weights=weights, student_loss_weight=0)
    model.compile("sgd", "mse")
    expected = kl_of_probabilities(3.0) * (3 if weights else 1)
    assert float(model.compute_loss(X)) == pytest.approx(expected, rel=1e-4)


def test_own_losses_are_used():
    class Furthest(distillation.DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
            return ops.max(ops.abs(teacher_outputs - student_outputs))

    model = distillation.Distiller(*pair(cornu), Furthest(), student_loss_weight=0)
    model.compile("sgd", "mse")
    teacher, student = (np.asarray(part(X)) for part in pair(cornu))
    assert float(model.compute_loss(X)) == pytest.approx(np.abs(teacher - student).max(), rel=1e-5)


# --- Files --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["crossentropy of logits", "both"])
def test_configs_are_those_of_keras(case):
    losses, options = CASES[case]
    found, expected = (
        [k.saving.serialize_keras_object(loss) for loss in distiller(k, losses, **options).distillation_losses]
        for k in (cornu, keras)
    )
    assert found == expected


@pytest.mark.parametrize("case", ["logits", "both", "two outputs"])
def test_a_loaded_distiller_continues_as_if_it_had_not_been_saved(case, tmp_path):
    losses, options = CASES[case]
    outputs = options.get("outputs", 1)
    model = distiller(cornu, losses, **options)
    trained(model, outputs)
    model.save(tmp_path / "m.keras")
    loaded = cornu.models.load_model(tmp_path / "m.keras")
    expected, found = trained(model, outputs), trained(loaded, outputs)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)
    for mine, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
@pytest.mark.parametrize(("writer", "reader"), [(cornu, keras), (keras, cornu)], ids=["to keras", "from keras"])
def test_files_are_exchanged_with_keras(writer, reader, tmp_path):
    model = distiller(writer, lambda k: [kl(k), features(k)])
    trained(model)
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="compile"):  # Keras does not write the loss of the student
        loaded = reader.models.load_model(tmp_path / "m.keras")
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert not loaded.teacher.trainable
    assert [type(loss).__name__ for loss in loaded.distillation_losses] == ["LogitsDistillation", "FeatureDistillation"]


# --- Errors -------------------------------------------------------------------------------------------------------------------


def subclassed(k):
    class Own(k.Model):
        def call(self, inputs):
            return inputs

    return Own()


def other_shape(k):
    return k.Sequential([k.Input((5,)), k.layers.Dense(3)])


def other_classes(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(2)])


MISTAKES = {
    r"`Distiller` received student='student'.* must be a `Model`": lambda k: k.distillation.Distiller(
        pair(k)[0], "student", kl(k)
    ),
    r"teacher with the inputs \['\(None, 4\) float32'\] and a student with the inputs \['\(None, 5\)": (
        lambda k: k.distillation.Distiller(pair(k)[0], other_shape(k), kl(k))
    ),
    r"teacher with the outputs .*\(None, 3\).* and a student with the outputs .*\(None, 2\)": (
        lambda k: k.distillation.Distiller(pair(k)[0], other_classes(k), kl(k))
    ),
    r"received student_loss_weight=1.5.* between 0 and 1": (
        lambda k: k.distillation.Distiller(*pair(k), kl(k), student_loss_weight=1.5)
    ),
    r"received student_loss_weight='half'": lambda k: k.distillation.Distiller(*pair(k), kl(k), student_loss_weight="half"),
    r"received distillation_losses=None": lambda k: k.distillation.Distiller(*pair(k), None),
    r"received 1 weights in `distillation_loss_weights`.* each of the 2": (
        lambda k: k.distillation.Distiller(*pair(k), [kl(k), kl(k)], distillation_loss_weights=[1.0])
    ),
    r"In the teacher model: .*'conv'": (
        lambda k: k.distillation.Distiller(*pair(k), k.distillation.FeatureDistillation("mse", "conv", "hidden"))
    ),
    r"In the student model: .*'conv'": (
        lambda k: k.distillation.Distiller(*pair(k), k.distillation.FeatureDistillation("mse", "hidden", "conv"))
    ),
    r"names of layers \['hidden', 'hidden'\], and the student is a subclassed model": (
        lambda k: k.distillation.Distiller(
            pair(k)[0], subclassed(k), k.distillation.FeatureDistillation("mse", "hidden", "hidden")
        )
    ),
    r"`Distiller.compile` received loss=None": lambda k: k.distillation.Distiller(*pair(k), kl(k)).compile("sgd"),
    r"`Distiller.compile` received metrics='accuracy'": (
        lambda k: k.distillation.Distiller(*pair(k), kl(k)).compile("sgd", "mse", "accuracy")
    ),
    r"`LogitsDistillation` received temperature=0": lambda k: k.distillation.LogitsDistillation(0),
    r"`LogitsDistillation` received temperature='hot'": lambda k: k.distillation.LogitsDistillation("hot"),
    r"`LogitsDistillation` received loss=\[None, None\]": lambda k: k.distillation.LogitsDistillation(loss=[None, None]),
    r"`FeatureDistillation` received loss=None": lambda k: k.distillation.FeatureDistillation(None),
    r"received loss=\[.*\], which is not nested like": lambda k: k.distillation.FeatureDistillation(["mse"]).validate_outputs(
        {"a": X}, {"a": X}
    ),
    r"Two structures are nested in different ways": lambda k: k.distillation.LogitsDistillation().validate_outputs([X, X], [X]),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_refused_as_in_keras(text):
    with pytest.raises((ValueError, AttributeError)):  # the latter where Keras fails to make its own message
        MISTAKES[text](keras)
    with pytest.raises(ValueError, match=text) as caught:
        MISTAKES[text](cornu)
    assert isinstance(caught.value, CornuError)


def test_a_loss_that_is_no_scalar_is_refused():
    class PerSample(distillation.DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
            return ops.mean(teacher_outputs - student_outputs, axis=-1)

    model = distillation.Distiller(*pair(cornu), PerSample())
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"`PerSample.compute_loss` returned an array of shape \(24,\).* must be a scalar"):
        model.compute_loss(X, X[:, :3])


def test_the_base_class_names_what_is_missing():
    with pytest.raises(NotImplementedError, match="`DistillationLoss` has no `compute_loss"):
        distillation.DistillationLoss().compute_loss(X, X)
