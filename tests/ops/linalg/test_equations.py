import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import InvalidArgumentError, ShapeError


def well_conditioned(x):
    return x + 3 * np.eye(x.shape[-1], dtype="float32")


@pytest.mark.parametrize(
    ("first", "second"),
    [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3)), ((2, 3, 3), (2, 3, 4)), ((3, 3), (2, 3, 4)), ((2, 3, 3), (1, 3))],
    ids=str,
)
def test_equations_are_solved(first, second, make, check, draw):
    a, b = well_conditioned(draw(*first)), draw(*second)
    columns = b[..., None] if len(second) < len(first) else b
    for matrices, found in (
        (a, ops.solve(make(a), make(b))),
        (np.triu(a), ops.solve_triangular(make(a), make(b))),
        (np.tril(a), ops.solve_triangular(make(a), make(b), lower=True)),
    ):
        expected = np.linalg.solve(matrices, columns)
        check(found, expected[..., 0] if len(second) < len(first) else expected, atol=1e-5)


def test_the_right_side_has_the_dtype_of_the_wider_argument(make, check, draw):
    a, b = well_conditioned(draw(3, 3)), draw(3)
    check(ops.solve(make(a), make(np.int32([1, 2, 3]))), np.linalg.solve(a, [1, 2, 3]).astype("float32"), atol=1e-5)
    found = ops.solve(make(a.astype("float16")), make(b.astype("float16")))
    check(found, np.linalg.solve(a, b).astype("float16"), rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("name", ["solve", "solve_triangular"])
def test_shapes_that_do_not_match_are_refused(name, make, draw):
    solve = getattr(ops, name)
    for first, second in (((3, 4), (3,)), ((3, 3), (4,)), ((3, 3), (4, 3)), ((3,), (3,)), ((2, 3, 3), (2, 4, 1))):
        with pytest.raises(ShapeError, match=rf"`{name}` received `a` of shape .* `b` of shape .* one axis less than `a`"):
            solve(make(draw(*first)), make(draw(*second)))
    with pytest.raises(ShapeError, match=rf"`{name}` received arrays of shapes \(2,\) and \(3,\)"):
        solve(make(draw(2, 4, 4)), make(draw(3, 4, 1)))


@pytest.mark.parametrize("function", [ops.inv, lambda x: ops.solve(x, x)], ids=["inv", "solve"])
def test_a_singular_matrix_is_refused_and_has_no_finite_solution_if_compiled(function, make, engine, backend):
    x = make(np.float32([[[1, 2], [2, 4]], [[1, 0], [0, 1]]]))
    with pytest.raises(InvalidArgumentError, match=r"with a matrix that is singular. The matrices must be invertible.*`pinv`"):
        function(x)
    if backend == "tensorflow":
        with pytest.raises(Exception, match="not invertible"):
            engine.compile(function)(x)
    elif backend != "numpy":  # which compiles nothing
        found = engine.to_numpy(engine.compile(function)(x))
        assert [np.isfinite(part).all() for part in found] == [False, True]


def test_a_solution_that_is_not_finite_for_another_reason_is_returned(make, engine):
    found = engine.to_numpy(ops.solve(make(np.eye(2, dtype="float32")), make(np.float32([np.nan, 1]))))
    assert np.isnan(found[0])


def test_inverses_are_those_of_keras(make, check, draw):
    x = draw(2, 4, 4)
    check(ops.inv(make(x)), keras.ops.inv(x), rtol=1e-3, atol=1e-4)
    check(ops.pinv(make(x[:, :3])), keras.ops.pinv(x[:, :3]), rtol=1e-3, atol=1e-4)
    check(ops.pinv(make(x[:, :3]), 0.5), keras.ops.pinv(x[:, :3], 0.5), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_inverse_takes_the_factor(upper, make, check, draw):
    factor = np.tril(well_conditioned(draw(2, 3, 3)))
    given = factor.swapaxes(-1, -2) if upper else factor
    check(ops.cholesky_inverse(make(given), upper), np.linalg.inv(factor @ factor.swapaxes(-1, -2)), rtol=1e-4, atol=1e-5)
    check(ops.cholesky_inverse(make(given[0]), upper), keras.ops.cholesky_inverse(given[0], upper), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6)], ids=str)
@pytest.mark.parametrize("rcond", [None, 0.3])
def test_lstsq_is_that_of_keras(rcond, shape, make, check, draw):
    a, b = draw(*shape), draw(shape[0], 2)
    check(ops.lstsq(make(a), make(b), rcond), keras.ops.lstsq(a, b, rcond), rtol=1e-3, atol=1e-4)
    check(ops.lstsq(make(a), make(b[:, 0]), rcond), keras.ops.lstsq(a, b[:, 0], rcond), rtol=1e-3, atol=1e-4)


def test_lstsq_has_the_smallest_norm_for_singular_matrices(make, check, draw):
    a = draw(4, 3)
    a[:, 2] = a[:, 0]
    b = draw(4)
    check(ops.lstsq(make(a), make(b)), np.linalg.lstsq(a, b, rcond=1e-5)[0], rtol=1e-3, atol=1e-4)
    with pytest.raises(ShapeError, match=r"`lstsq` received `a` of shape \(4, 3\) and `b` of shape \(3,\)"):
        ops.lstsq(make(a), make(b[:3]))


def test_complex_equations(make, engine, draw):
    a, b = well_conditioned(draw(2, 3, 3)) + 1j * draw(2, 3, 3), draw(2, 3) + 1j * draw(2, 3)
    for found, expected in (
        (ops.solve(make(a), make(b)), np.linalg.solve(a, b[..., None])[..., 0]),
        (ops.inv(make(a)), np.linalg.inv(a)),
        (ops.pinv(make(a[:, :2])), np.linalg.pinv(a[:, :2])),
    ):
        assert engine.dtype(found) == "complex64"
        np.testing.assert_allclose(engine.to_numpy(found), expected, rtol=1e-3, atol=1e-4)


GRADIENTS = {
    "solve": (ops.solve, (2, 3, 3), (2, 3)),
    "solve of one matrix": (ops.solve, (3, 3), (2, 3, 2)),
    "solve_triangular": (ops.solve_triangular, (2, 3, 3), (2, 3, 2)),
    "inv": (ops.inv, (2, 3, 3)),
    "pinv of tall matrices": (ops.pinv, (2, 4, 3)),
    "pinv of wide matrices": (ops.pinv, (3, 4)),
    "lstsq": (ops.lstsq, (5, 3), (5, 2)),
    "cholesky_inverse": (ops.cholesky_inverse, (3, 3)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_those_of_differences(name, check_differences, draw):
    function, *shapes = GRADIENTS[name]
    values = [draw(*shape) for shape in shapes]
    values[0] = well_conditioned(values[0]) if values[0].shape[-1] == values[0].shape[-2] else values[0]
    check_differences(function, *values)


def test_the_gradient_of_pinv_is_finite_where_singular_values_are_equal(gradient, engine):
    x = np.eye(3, dtype="float32")
    found = gradient(lambda x: engine.sum(engine.multiply(ops.pinv(x), engine.asarray(np.ones((3, 3))))), x)
    np.testing.assert_allclose(found, -np.ones((3, 3)), atol=1e-5)


@pytest.mark.parametrize("name", ["solve", "solve_triangular"])
def test_shapes_are_known_before(name):
    solve = getattr(ops, name)
    assert solve(cornu.Input((3, 3)), cornu.Input((3,))).shape == (None, 3)
    assert solve(cornu.Input((None, None)), cornu.Input((3, 2))).shape == (None, 3, 2)
