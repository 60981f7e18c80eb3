"""Models are estimators of scikit-learn: its own checks, and what people do with estimators."""

import copy
import functools
import pickle
import subprocess
import sys
import unittest
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn import base, model_selection, pipeline, preprocessing
from sklearn.utils.estimator_checks import estimator_checks_generator

import cornu
from cornu import config, layers
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, MissingPackageError
from cornu.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer


def network(X, y, loss="mse", activation=None, units=(10,)):
    outputs = y.shape[1] if y.ndim > 1 else 1
    hidden = [layers.Dense(size, "relu") for size in units]
    model = cornu.Sequential([cornu.Input((X.shape[1],)), *hidden, layers.Dense(outputs, activation)])
    model.compile("rmsprop", loss)
    return model


CLASSIFIER = {"loss": "categorical_crossentropy", "activation": "softmax"}
FAILS = "a few steps from other random weights give other results"
EXPECTED_FAILURES = {
    "SKLearnClassifier": {
        "check_classifiers_one_label_sample_weights": "samples of weight 0 count for the classes",
        "check_classifiers_classes": "after a few steps some classes are never predicted",
        "check_classifier_data_not_an_array": FAILS,
        "check_supervised_y_2d": FAILS,
        "check_fit_idempotent": FAILS,
        "check_classifiers_train": "the outputs of a model may be logits or probabilities",
    },
    "SKLearnRegressor": {
        "check_regressor_multioutput": "predictions have the dtype of the model",
        "check_regressor_data_not_an_array": FAILS,
        "check_regressors_int": FAILS,
        "check_supervised_y_2d": FAILS,
        "check_fit_idempotent": FAILS,
    },
    "SKLearnTransformer": {"check_fit_idempotent": FAILS},
}


CHECKS = [
    case
    for estimator in (
        SKLearnClassifier(network, model_kwargs=CLASSIFIER, fit_kwargs={"epochs": 2, "verbose": 0}),
        SKLearnRegressor(network, fit_kwargs={"verbose": 0}),
        SKLearnTransformer(network, fit_kwargs={"verbose": 0}),
    )
    for case in estimator_checks_generator(
        estimator, expected_failed_checks=EXPECTED_FAILURES[type(estimator).__name__], mark="xfail"
    )
]


def name_of(value: Any) -> str:
    """The same name in each process of the tests: the one of scikit-learn contains the address of a function."""
    return value.func.__name__ if isinstance(value, functools.partial) else type(value).__name__


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=name_of)
def test_checks_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "numpy")  # which compiles nothing
    try:
        check(estimator)
    except unittest.SkipTest as reason:
        pytest.skip(str(reason))


@pytest.fixture
def samples():
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(120, 3))
    return x, np.array(["low", "mid", "top"])[np.digitize(x[:, 0], [-0.4, 0.4])]


def test_a_classifier_learns_labels_of_any_type(samples, default_backend):
    x, y = samples
    estimator = SKLearnClassifier(network, model_kwargs={**CLASSIFIER, "units": (30,)}, fit_kwargs={"verbose": 0})
    estimator.fit(x, y, epochs=80)
    assert estimator.classes_.tolist() == ["low", "mid", "top"]
    assert estimator.score(x, y) > 0.9
    assert estimator.predict(x).dtype == y.dtype
    np.testing.assert_allclose(estimator.decision_function(x), estimator.model_.predict(x, verbose=0))
    assert estimator.epoch_ == 80


def test_predictions_are_those_of_the_model_with_the_shape_of_the_targets(samples):
    x, _ = samples
    for y in (x[:, 0], x[:, :2]):
        estimator = SKLearnRegressor(network, fit_kwargs={"verbose": 0}).fit(x, y)
        assert estimator.predict(x).shape == y.shape
        np.testing.assert_allclose(estimator.predict(x).reshape(len(x), -1), estimator.model_.predict(x, verbose=0))


def test_a_pipeline_and_a_grid_search_work(samples):
    x, y = samples
    estimator = SKLearnClassifier(network, model_kwargs=CLASSIFIER, fit_kwargs={"verbose": 0, "epochs": 3})
    steps = pipeline.make_pipeline(preprocessing.StandardScaler(), estimator)
    search = model_selection.GridSearchCV(
        steps, {"sklearnclassifier__fit_kwargs": [{"epochs": 1, "verbose": 0}, {"epochs": 40, "verbose": 0}]}, cv=2
    )
    search.fit(x, y)
    assert search.best_params_["sklearnclassifier__fit_kwargs"]["epochs"] == 40
    assert search.best_estimator_[-1].epoch_ == 40
    assert model_selection.cross_val_score(steps, x, y, cv=3).shape == (3,)


def test_a_transformer_is_a_step_of_a_pipeline(samples):
    x, _ = samples
    steps = pipeline.make_pipeline(SKLearnTransformer(network, fit_kwargs={"verbose": 0}), SKLearnRegressor(network))
    assert steps.fit(x, x[:, :2]).predict(x).shape == (120, 2)


def test_a_clone_has_the_arguments_and_is_not_fitted(samples):
    x, y = samples
    model = network(x, np.eye(3), **CLASSIFIER)
    estimator = SKLearnClassifier(model, warm_start=False, fit_kwargs={"epochs": 2, "verbose": 0}).fit(x, y)
    clone = base.clone(estimator)
    assert clone.fit_kwargs == {"epochs": 2, "verbose": 0}
    assert not hasattr(clone, "model_")
    assert clone.model is not model
    for ours, theirs in zip(clone.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert type(clone) is type(estimator)
    assert clone.fit(x, y).epoch_ == 2


def test_fit_leaves_the_model_and_the_arguments_unchanged(samples):
    x, y = samples
    model, arguments = network(x, np.eye(3), **CLASSIFIER), {"verbose": 0}
    before = model.get_weights()
    estimator = SKLearnClassifier(model, fit_kwargs=arguments).fit(x, y, epochs=3)
    assert arguments == {"verbose": 0}
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert estimator.model_ is not model


def test_a_warm_start_continues(samples):
    x, y = samples
    model = network(x, np.eye(3), **CLASSIFIER)
    estimator = SKLearnClassifier(model, warm_start=True, fit_kwargs={"verbose": 0}).fit(x, y)
    assert estimator.model_ is model
    iterations = int(model.optimizer.iterations)
    estimator.fit(x, y)
    assert int(model.optimizer.iterations) == 2 * iterations
    built = SKLearnClassifier(network, warm_start=True, model_kwargs=CLASSIFIER, fit_kwargs={"verbose": 0}).fit(x, y)
    first = built.model_
    assert built.fit(x, y).model_ is first


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda estimator: pickle.loads(pickle.dumps(estimator))])
def test_a_fitted_estimator_survives_copies_and_pickles(samples, copied):
    x, y = samples
    estimator = SKLearnClassifier(network, model_kwargs=CLASSIFIER, fit_kwargs={"verbose": 0}).fit(x, y)
    other = copied(estimator)
    assert isinstance(other, SKLearnClassifier)
    assert isinstance(other, base.BaseEstimator)
    np.testing.assert_array_equal(other.predict(x), estimator.predict(x))
    np.testing.assert_array_equal(other.decision_function(x), estimator.decision_function(x))


class Mine(SKLearnRegressor):
    def predict(self, X):
        return super().predict(X) * 0 + 7


def test_a_subclass_of_a_user_works(samples):
    x, _ = samples
    estimator = Mine(network, fit_kwargs={"verbose": 0}).fit(x, x[:, 0])
    assert pickle.loads(pickle.dumps(estimator)).predict(x).tolist() == [7.0] * 120


def test_sample_weights_are_passed_on(samples):
    x, y = samples
    with sklearn.config_context(enable_metadata_routing=True):
        seen = []

        class Watched(SKLearnClassifier):
            def fit(self, X, y, **kwargs):
                seen.append(kwargs)
                return super().fit(X, y, **kwargs)

        estimator = Watched(network, model_kwargs=CLASSIFIER, fit_kwargs={"verbose": 0})
        steps = pipeline.make_pipeline(
            preprocessing.StandardScaler().set_fit_request(sample_weight=False), estimator.set_fit_request(sample_weight=True)
        )
        steps.fit(x, y, sample_weight=np.arange(120.0))
        np.testing.assert_array_equal(seen[0]["sample_weight"], np.arange(120.0))
    with pytest.raises(RuntimeError, match=r"metadata routing is off.*enable_metadata_routing=True"):
        estimator.set_fit_request(sample_weight=True)


def test_models_that_cannot_be_fitted_are_refused(samples):
    x, y = samples
    plain = cornu.Sequential([cornu.Input((3,)), layers.Dense(3)])
    with pytest.raises(InvalidArgumentError, match=r"not compiled.*a loss and an optimizer.*model.compile"):
        SKLearnClassifier(plain).fit(x, y)
    with pytest.raises(InvalidTypeError, match=r"returns a NoneType.*compiled model.*return model"):
        SKLearnClassifier(lambda X, y: None).fit(x, y)


def test_targets_that_are_no_classes_are_refused(samples):
    x, _ = samples
    with pytest.raises(DataError, match="Only binary and multiclass target types are supported"):
        SKLearnClassifier(network, model_kwargs=CLASSIFIER).fit(x, x[:, 0])
    with pytest.raises(DataError, match=r"only one class is present.*at least two classes"):
        SKLearnClassifier(network, model_kwargs=CLASSIFIER).fit(x, ["a"] * 120)


def test_the_module_works_without_scikit_learn(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    class Other(SKLearnRegressor):
        """A class that was not created before."""

    with pytest.raises(MissingPackageError, match=r"Cannot create a `Other`.*sklearn.*pip install 'scikit-learn>=1.6'"):
        Other(network)


def test_importing_the_module_does_not_import_scikit_learn():
    code = "import sys, cornu.wrappers; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_the_signatures_are_those_of_keras():
    keras = pytest.importorskip("keras")
    import inspect

    for ours in (SKLearnClassifier, SKLearnRegressor, SKLearnTransformer):
        theirs = getattr(keras.wrappers, ours.__name__)
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert config.backend() in config.installed_backends()
