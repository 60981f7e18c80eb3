"""Models as estimators of scikit-learn, which is imported when one is created."""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cornu import validation
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError
from cornu.models import Model, clone_model
from cornu.typing import ArrayLike

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
else:
    BaseEstimator = object  # the class of an object, made when it is created, has scikit-learn's: see `_with_scikit_learn`


class _Estimator(BaseEstimator):
    """What the three estimators share.

    ``__new__`` returns an object of a subclass that also inherits from scikit-learn's classes, so that these need not be
    imported before.
    """

    _mixin = ""
    model_: Model
    """The fitted model."""

    def __init_subclass__(cls, **kwargs: object):
        """Let ``inspect.signature`` show the arguments of ``__init__`` instead of those of ``__new__``."""
        super().__init_subclass__(**kwargs)
        _, *parameters = inspect.signature(cls.__init__).parameters.values()
        cls.__signature__ = inspect.Signature(parameters)

    def __new__(cls, *args: object, **kwargs: object):
        """Return an object whose class is that of scikit-learn too."""
        return object.__new__(_with_scikit_learn(cls))

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __reduce__(self):
        """Return what pickles contain: the class without scikit-learn's, and the state."""
        return _new, (_own_class(type(self)),), self.__getstate__()

    def __sklearn_tags__(self):
        """Return what scikit-learn asks: the results of two fits differ, since the initial weights do."""
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    @property
    def epoch_(self) -> int:
        """Number of epochs of the last :meth:`fit`; 0 before."""
        return len(self.history_.epoch) if hasattr(self, "history_") else 0

    def set_fit_request(self, **kwargs: bool | str | None):
        """Say which metadata, such as ``sample_weight``, scikit-learn passes on to :meth:`fit`.

        Args:
            **kwargs: Names to True, False, None, or another name for the same.

        Returns:
            The estimator.

        Raises:
            RuntimeError: If metadata routing is not enabled.
        """
        import sklearn

        if not sklearn.get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "`set_fit_request` was called while metadata routing is off. It must be on. "
                "Call `sklearn.set_config(enable_metadata_routing=True)` first."
            )
        request = self._get_metadata_request()
        for name, alias in kwargs.items():
            request.fit.add_request(param=name, alias=alias)
        self._metadata_request = request
        return self

    def fit(self, X: ArrayLike, y: ArrayLike, **kwargs: Any):
        """Fit a clone of the model, or the model that ``model`` returns; with ``warm_start`` the fitted one again.

        Args:
            X: Array-like of shape ``(samples, features)``.
            y: Targets, array-like of shape ``(samples,)`` or ``(samples, outputs)``.
            **kwargs: Arguments of ``model.fit``; they replace those of ``fit_kwargs``.

        Returns:
            The estimator.

        Raises:
            InvalidArgumentError: If the model is not compiled.
        """
        from sklearn.utils.validation import validate_data

        samples, targets = validate_data(self, cast(Any, X), cast(Any, y), multi_output=True)
        targets = self._encoded(np.asarray(targets))
        model = self._new_model(np.asarray(samples), targets)
        self.history_ = model.fit(samples, targets, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _new_model(self, X: np.ndarray, y: np.ndarray) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model):
            model = self.model if self.warm_start else clone_model(self.model)
        else:
            model = self.model(X=X, y=y, **(self.model_kwargs or {}))
        if not isinstance(model, Model):
            raise InvalidTypeError(
                f"`{type(self).__name__}` received as `model` a function that returns a {type(model).__name__}.",
                "It must return a compiled model.",
                "Add `return model` to it.",
            )
        if not model.compiled or not model.loss or not model.optimizer:
            raise InvalidArgumentError(
                f"`{type(self).__name__}` received a model that is not compiled.",
                "It needs a loss and an optimizer.",
                "Call `model.compile(loss=..., optimizer=...)` first.",
            )
        return model

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        """Return what the fitted model predicts for validated samples."""
        from sklearn.utils.validation import check_is_fitted, validate_data

        check_is_fitted(self)
        return cast(np.ndarray, self.model_.predict(validate_data(self, cast(Any, X), reset=False), verbose=0))

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        """Return targets as the model takes them: a column for each output."""
        from sklearn.utils.multiclass import type_of_target

        if type_of_target(y) == "unknown":
            raise DataError(
                f"Unknown label type: `y` has dtype {y.dtype}.", "It must be numeric.", "Convert it with `y.astype(float)`."
            )
        self._rank = y.ndim
        return y.reshape(len(y), -1)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return predictions, with the shape of the targets that :meth:`fit` took.

        Args:
            X: Array-like of shape ``(samples, features)``.
        """
        outputs = self._outputs(X)
        return np.squeeze(outputs, axis=1) if self._rank == 1 and outputs.ndim == 2 else outputs


def _own_class(cls: type[_Estimator]) -> type[_Estimator]:
    """Return a class without what :func:`_with_scikit_learn` added."""
    return cls.__bases__[0] if "_cornu_added" in vars(cls) else cls


@functools.cache
def _with_scikit_learn(cls: type[_Estimator]) -> type[_Estimator]:
    """Return the class of the objects of an estimator class: a subclass that also inherits from scikit-learn's classes."""
    if "_cornu_added" in vars(cls):
        return cls
    validation.require_packages(f"create a `{cls.__name__}`", "sklearn", install="'scikit-learn>=1.6'")
    from sklearn import base

    bases = (cls, getattr(base, cls._mixin), base.BaseEstimator)
    return type(cls.__name__, bases, {"__doc__": cls.__doc__, "_cornu_added": True})


def _new(cls: type[_Estimator]) -> _Estimator:
    """Return a new object of a class for a pickle that is read."""
    return cls.__new__(cls)


class SKLearnClassifier(_Estimator):
    """Classifier of scikit-learn that fits a model.

    The model receives the labels one-hot encoded, so it must have an output for each class.

    Args:
        model: Compiled ``Model``, or a function called as ``model(X=X, y=y, **model_kwargs)`` that returns one; ``y`` are the
            encoded labels. A model is cloned by :meth:`fit`, unless ``warm_start``.
        warm_start: Whether another :meth:`fit` continues with the fitted model. Defaults to False.
        model_kwargs: Dict of further arguments of ``model``. Defaults to None.
        fit_kwargs: Dict of arguments of ``Model.fit``, such as ``{"epochs": 5}``. Defaults to None.

    Attributes:
        model_: The fitted model.
        history_: ``History`` of the last :meth:`fit`.
        classes_: Array of the labels, in ascending order.

    Raises:
        MissingPackageError: If scikit-learn is not installed.

    Example:
        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(2, "softmax")])
        >>> model.compile("adam", "categorical_crossentropy")
        >>> classifier = cornu.wrappers.SKLearnClassifier(model, fit_kwargs={"epochs": 2, "verbose": 0})
        >>> classifier.fit(np.eye(2).repeat(20, axis=0), ["no"] * 20 + ["yes"] * 20).predict(np.eye(2)).shape
        (2,)
    """

    _mixin = "ClassifierMixin"
    classes_: np.ndarray

    def __sklearn_tags__(self):
        """Return what scikit-learn asks: a few epochs give a poor score."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        from sklearn.utils.multiclass import type_of_target
        from sklearn.utils.validation import column_or_1d

        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        kind = type_of_target(y, input_name="y")
        if kind not in ("binary", "multiclass"):
            hint = "Use `SKLearnRegressor` for numbers; Unknown label type."
            raise DataError(f"`y` holds {kind} targets.", "Only binary and multiclass target types are supported.", hint)
        classes, indices = np.unique(y, return_inverse=True)
        if len(classes) == 1:
            raise DataError(
                f"Classifier can't train when only one class is present: {classes[0]!r}.",
                "There must be at least two classes.",
                "Check `y`; a split of sorted labels can leave out classes.",
            )
        self.classes_ = classes
        return np.eye(len(classes))[indices]

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the label with the largest output for each sample.

        Args:
            X: Array-like of shape ``(samples, features)``.
        """
        best = np.argmax(self._outputs(X), axis=-1)
        return self.classes_[best]

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the outputs of the model, of shape ``(samples, classes)``.

        Args:
            X: Array-like of shape ``(samples, features)``.
        """
        return self._outputs(X)


class SKLearnRegressor(_Estimator):
    """Regressor of scikit-learn that fits a model. See :class:`SKLearnClassifier` for the attributes.

    Args:
        model: Compiled ``Model``, or a function called as ``model(X=X, y=y, **model_kwargs)`` that returns one; ``y`` has a
            column for each output. A model is cloned by :meth:`fit`, unless ``warm_start``.
        warm_start: Whether another :meth:`fit` continues with the fitted model. Defaults to False.
        model_kwargs: Dict of further arguments of ``model``. Defaults to None.
        fit_kwargs: Dict of arguments of ``Model.fit``, such as ``{"epochs": 5}``. Defaults to None.

    Raises:
        MissingPackageError: If scikit-learn is not installed.

    Example:
        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> regressor = cornu.wrappers.SKLearnRegressor(model, fit_kwargs={"verbose": 0})
        >>> regressor.fit(np.eye(2), [0.0, 1.0]).predict(np.eye(2)).shape
        (2,)
    """

    _mixin = "RegressorMixin"

    def __sklearn_tags__(self):
        """Return what scikit-learn asks: a few epochs give a poor score; there may be several outputs."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.target_tags.multi_output = True
        return tags


class SKLearnTransformer(_Estimator):
    """Transformer of scikit-learn, such as a step of a pipeline, whose outputs are those of a model.

    Args:
        model: Compiled ``Model``, or a function called as ``model(X=X, y=y, **model_kwargs)`` that returns one. A model is
            cloned by :meth:`fit`, unless ``warm_start``.
        warm_start: Whether another :meth:`fit` continues with the fitted model. Defaults to False.
        model_kwargs: Dict of further arguments of ``model``. Defaults to None.
        fit_kwargs: Dict of arguments of ``Model.fit``, such as ``{"epochs": 5}``. Defaults to None.

    Raises:
        MissingPackageError: If scikit-learn is not installed.

    Example:
        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
        >>> model.compile("adam", "mse")
        >>> transformer = cornu.wrappers.SKLearnTransformer(model, fit_kwargs={"verbose": 0})
        >>> transformer.fit(np.eye(2), np.ones((2, 3))).transform(np.eye(2)).shape
        (2, 3)
    """

    _mixin = "TransformerMixin"

    def __sklearn_tags__(self):
        """Return what scikit-learn asks: outputs have the dtype of the model."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the outputs of the model.

        Args:
            X: Array-like of shape ``(samples, features)``.
        """
        return self._outputs(X)
