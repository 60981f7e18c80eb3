"""Mistakes in the arguments of `apply`, `apply_gradients` and `stateless_apply`, on every engine; nothing is changed."""

import numpy as np
import pytest

from cornu import Variable, config, ops, optimizers
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

KERNEL, BIAS = np.arange(6.0, dtype="float32").reshape(3, 2), np.ones(2, "float32")
CALL = r"Write `optimizer\.apply\(gradients, model\.trainable_variables\)"


@pytest.fixture
def setup(backend):
    """An optimizer, its variables and gradients on an engine."""
    with config.placement_scope(backend):
        variables = [Variable(KERNEL, name="kernel"), Variable(BIAS, name="bias")]
        gradients = [ops.ones((3, 2)), ops.ones((2,))]
        optimizer = optimizers.SGD(0.5, momentum=0.5, name="mine")
        optimizer.build(variables)
        yield optimizer, gradients, variables
        np.testing.assert_array_equal(variables[0].numpy(), KERNEL)
        np.testing.assert_array_equal(variables[1].numpy(), BIAS)
        assert int(optimizer.iterations) == 0
        optimizer.apply(gradients, variables)
        np.testing.assert_allclose(variables[0].numpy(), KERNEL - 0.5)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda o, g, v: o.apply(v, g),
            InvalidTypeError,
            r"'mine' received variables in the place of the gradients, and an array of shape \(3, 2\) in .*" + CALL,
        ),
        (
            lambda o, g, v: o.apply_gradients(zip(v, g, strict=True)),
            InvalidTypeError,
            r"variables in the place of the gradients.*or `optimizer\.apply_gradients\(zip\(gradients, variables\)\)`",
        ),
        (lambda o, g, v: o.apply(v, v), InvalidTypeError, r"received variables as `grads` that it is to update.*" + CALL),
        (
            lambda o, g, v: o.apply(None, v),
            InvalidTypeError,
            r"received None as `grads`\. Both arguments must be lists.*" + CALL,
        ),
        (
            lambda o, g, v: o.apply(ops.array(1.0), v),
            InvalidTypeError,
            r"received an array of shape \(\) as `grads`\. Both arguments must be lists",
        ),
        (lambda o, g, v: o.apply(g, 3), InvalidTypeError, r"received 3 as `trainable_variables`"),
        (
            lambda o, g, v: o.apply(g, [each.value for each in v]),
            InvalidTypeError,
            r"an array of shape \(3, 2\) in `trainable_variables`\. It must be a list of variables.*or call `stateless_apply`",
        ),
        (
            lambda o, g, v: o.apply(list(zip(g, v, strict=True))),
            InvalidTypeError,
            r"pairs of a gradient and a variable as `grads`.*Call `optimizer\.apply_gradients\(zip",
        ),
        (
            lambda o, g, v: o.apply_gradients(g),
            InvalidTypeError,
            r"`apply_gradients` of .* received an array of shape \(3, 2\) in its list\. It must be a list of pairs",
        ),
        (lambda o, g, v: o.apply_gradients(None), InvalidTypeError, r"`apply_gradients` of .* received None in its list"),
        (
            lambda o, g, v: o.apply(g[::-1], v),
            ShapeError,
            r"gradient for the variable 'kernel' has shape \(2,\)\. The variable has shape \(3, 2\)\. Pass the arrays",
        ),
        (
            lambda o, g, v: o.apply([None, None], v),
            InvalidArgumentError,
            r"'mine' received no gradient for any variable: all are None\..*Compute the loss from the outputs of the model",
        ),
        (lambda o, g, v: o.apply(g[:1], v), InvalidArgumentError, "received 1 gradients for 2 variables"),
    ],
)
def test_wrong_arguments_of_apply_are_named(setup, call, error, text):
    with pytest.raises(error, match=text):
        call(*setup)


ORDER = "The arguments of `stateless_apply` are `optimizer_variables`, `grads`, `trainable_variables`, in this order"


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            lambda s, g, w: (w, g, s),
            InvalidArgumentError,
            r"`optimizer_variables` has 2 elements\. .* was built for 4\..*" + ORDER,
        ),
        (
            lambda s, g, w: (s, w[::-1], g),
            ShapeError,
            r"In `grads` of .*, the array for 'kernel' has shape \(2,\)\. The variable",
        ),
        (
            lambda s, g, w: (s, g, w[::-1]),
            ShapeError,
            r"In `trainable_variables` of .* for 'kernel' has shape \(2,\)\..*" + ORDER,
        ),
        (lambda s, g, w: (s, [g[0], g[1][:1]], w), ShapeError, r"In `grads` of .*, the array for 'bias' has shape \(1,\)"),
        (
            lambda s, g, w: (s[::-1], g, w),
            ShapeError,
            r"In `optimizer_variables` of `stateless_apply`, the array for 'mine/iter",
        ),
    ],
)
def test_wrong_arguments_of_stateless_apply_are_named(setup, arguments, error, text):
    optimizer, gradients, variables = setup
    state, weights = ([each.value for each in group] for group in (optimizer.variables, variables))
    with pytest.raises(error, match=text):
        optimizer.stateless_apply(*arguments(state, gradients, weights))


def test_a_variable_without_a_gradient_is_a_warning(backend):
    with config.placement_scope(backend):
        variables = [Variable(KERNEL, name="kernel"), Variable(BIAS, name="bias")]
        with pytest.warns(UserWarning, match=r"no gradients for the variables \['kernel'\]; they are not updated"):
            optimizers.SGD(0.5).apply([None, ops.ones((2,))], variables)
    np.testing.assert_array_equal(variables[0].numpy(), KERNEL)
    np.testing.assert_allclose(variables[1].numpy(), BIAS - 0.5)
