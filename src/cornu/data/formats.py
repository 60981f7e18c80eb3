"""The kinds of dataset objects that functions return."""

from cornu import config
from cornu.errors import one_of

FORMATS = ("tf", "grain", "cornu")
"""``"tf"`` for ``tf.data.Dataset`` where TensorFlow is installed, ``"cornu"`` for :class:`cornu.data.dataset.Dataset`."""


def returns_tf_data(dataset_format: str) -> bool:
    """Return whether a function with this ``format`` returns a ``tf.data.Dataset``.

    ``"tf"`` is the default in Keras; without TensorFlow it means ``"cornu"``. So does ``"grain"``, with which programs for
    Keras ask for a dataset that needs no TensorFlow.

    Raises:
        InvalidArgumentError: If the format is unknown.

    Example:
        >>> from cornu.data.formats import returns_tf_data
        >>> returns_tf_data("cornu"), returns_tf_data("grain")
        (False, False)
    """
    if dataset_format not in FORMATS:
        raise one_of("format", dataset_format, FORMATS)
    return dataset_format == "tf" and "tensorflow" in config.installed_backends()
