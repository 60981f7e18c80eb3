import keras
import numpy as np
import pytest
import scipy.linalg

import cornu
from cornu import ops
from cornu.errors import BackendError, InvalidArgumentError, ShapeError


def adjoint(x):
    return np.conj(np.swapaxes(x, -1, -2))


def positive_definite(x):
    return x @ adjoint(x) + np.eye(x.shape[-1], dtype="float32")


def absolute(factors):
    """What is unique of the factors of matrices."""
    return tuple(map(ops.square, factors))


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_is_that_of_keras(upper, make, check, draw):
    x = positive_definite(draw(2, 4, 4))
    check(ops.cholesky(make(x), upper), keras.ops.cholesky(x, upper))


def test_cholesky_of_complex_matrices(make, check, engine, draw):
    x = positive_definite(draw(3, 3) + 1j * draw(3, 3)).astype("complex64")
    factor = engine.to_numpy(ops.cholesky(make(x)))
    np.testing.assert_allclose(factor @ adjoint(factor), x, atol=1e-5)
    np.testing.assert_array_equal(np.triu(factor, 1), 0)


def test_cholesky_uses_both_triangles(make, check, draw):
    x = positive_definite(draw(3, 3))
    skew = np.float32([[0, 1, 2], [-1, 0, 3], [-2, -3, 0]])
    check(ops.cholesky(make(x + skew)), np.linalg.cholesky(x), atol=1e-5)


def test_a_matrix_that_is_not_positive_definite_is_refused_or_compiled_to_nan(make, engine, backend):
    x = make(np.float32([[[4, 2], [2, 5]], [[1, 2], [2, 1]]]))
    with pytest.raises(InvalidArgumentError, match=r"`cholesky` .* shape \(2, 2, 2\) .* not positive definite..*identity"):
        ops.cholesky(x)
    if backend == "numpy":  # which compiles nothing
        return
    found = engine.to_numpy(engine.compile(ops.cholesky)(x))
    np.testing.assert_allclose(found[0], [[2, 0], [1, 2]])
    assert np.isnan(np.diagonal(found[1])).all()


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (3, 5)], ids=str)
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr_has_the_factors_of_keras_up_to_signs(mode, shape, make, engine, draw):
    x = draw(*shape)
    q, r = map(engine.to_numpy, ops.qr(make(x), mode))
    for one, other in zip((q, r), keras.ops.qr(x, mode), strict=True):
        assert one.shape == other.shape
    np.testing.assert_allclose(q @ r, x, atol=1e-5)
    np.testing.assert_allclose(np.tril(r, -1), 0, atol=1e-5)
    np.testing.assert_allclose(np.abs(r), np.abs(keras.ops.qr(x, mode)[1]), atol=1e-5)


def test_an_unknown_mode_is_refused(make, draw):
    with pytest.raises(InvalidArgumentError, match=r"`mode='reduce'`.*Did you mean 'reduced'"):
        ops.qr(make(draw(2, 2)), "reduce")


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (3, 5)], ids=str)
@pytest.mark.parametrize("full", [False, True])
def test_svd_has_the_factors_of_keras_up_to_signs(full, shape, make, check, engine, draw):
    x = draw(*shape)
    expected = keras.ops.svd(x, full)
    u, s, vh = map(engine.to_numpy, ops.svd(make(x), full))
    assert [part.shape for part in (u, s, vh)] == [part.shape for part in expected]
    rank = s.shape[-1]
    np.testing.assert_allclose((u[..., :rank] * s[..., None, :]) @ vh[..., :rank, :], x, atol=1e-5)
    check(ops.svd(make(x), full, compute_uv=False), expected[1])


def test_eigh_is_that_of_keras_up_to_signs(make, check, engine, draw):
    x = draw(2, 4, 4)
    x = x + adjoint(x)
    w, v = ops.eigh(make(x))
    check(w, keras.ops.eigh(x)[0], atol=1e-5)
    check(ops.abs(v), np.abs(keras.ops.eigh(x)[1]), rtol=1e-4, atol=1e-4)


def test_eig_is_that_of_numpy(make, engine, draw):
    x = draw(2, 4, 4)
    w, v = map(engine.to_numpy, ops.eig(make(x)))
    assert w.dtype == v.dtype == "complex64"
    np.testing.assert_allclose(x @ v, v * w[..., None, :], atol=1e-5)
    np.testing.assert_allclose(np.sort_complex(w), np.sort_complex(np.linalg.eig(x)[0]), atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)], ids=str)
def test_lu_factor_is_that_of_scipy(shape, make, check, backend, draw):
    x = draw(2, *shape)
    if backend == "tensorflow" and shape != (4, 4):
        with pytest.raises(BackendError, match=r"LU decomposition .* shape \(2, .*square matrices only.*QR"):
            ops.lu_factor(make(x))
        return
    factors, pivots = ops.lu_factor(make(x))
    expected = [scipy.linalg.lu_factor(matrix) for matrix in x]
    check(factors, np.stack([part for part, _ in expected]), atol=1e-5)
    check(pivots, np.stack([part for _, part in expected]).astype("int32"))


def test_determinants_are_those_of_numpy(make, check, draw):
    x = draw(2, 4, 4)
    sign, logarithm = ops.slogdet(make(x))
    check(sign, np.linalg.slogdet(x)[0])
    check(logarithm, np.linalg.slogdet(x)[1], atol=1e-5)
    check(ops.logdet(make(x)), keras.ops.logdet(x), atol=1e-5)
    check(ops.det(make(x)), np.linalg.det(x), rtol=1e-4, atol=1e-5)
    check(ops.det(make([[1, 2], [2, 4]])), np.float32(0))


def test_determinant_of_complex_matrices(make, engine, gradient, draw):
    x, y = draw(3, 3), draw(3, 3)
    np.testing.assert_allclose(engine.to_numpy(ops.det(make(x + 1j * y))), np.linalg.det(x + 1j * y), rtol=1e-4)
    found = gradient(lambda x, y: ops.imag(ops.det(engine.complex(x, y))), x, y)
    cofactors = np.linalg.det(x + 1j * y) * np.linalg.inv(x + 1j * y).T
    np.testing.assert_allclose(found, [cofactors.imag, cofactors.real], rtol=1e-3, atol=1e-3)


def test_the_gradient_of_a_determinant_is_finite_for_singular_matrices(gradient):
    x = np.diag(np.float32([0, 2, 3]))
    np.testing.assert_allclose(gradient(ops.det, x), np.diag([6, 0, 0]), atol=1e-5)


def test_matrix_rank_is_that_of_numpy(make, check, draw):
    x = draw(3, 4, 5)
    x[1, 2] = x[1, 0] - x[1, 1]
    x[2] = 0
    check(ops.matrix_rank(make(x)), np.int32([4, 3, 0]))
    check(ops.matrix_rank(make(np.diag(np.float32([3, 1, 0.1]))), 0.5), np.int32(2))


GRADIENTS = {
    "cholesky": (lambda x: ops.cholesky(ops.add(ops.matmul(x, ops.transpose(x)), np.eye(3, dtype="float32"))), (3, 3)),
    "cholesky of what is not symmetric": (lambda x: ops.cholesky(ops.add(x, 5 * np.eye(3, dtype="float32"))), (3, 3)),
    "qr": (lambda x: absolute(ops.qr(x)), (2, 4, 3)),
    "qr of wide matrices": (lambda x: absolute(ops.qr(x)), (3, 4)),
    "svd": (lambda x: absolute(ops.svd(x)), (3, 3)),
    "svd of tall matrices": (lambda x: absolute(ops.svd(x, full_matrices=False)), (4, 3)),
    "singular values": (lambda x: ops.svd(x, compute_uv=False), (2, 3, 4)),
    "eigh": (lambda x: absolute(ops.eigh(x)), (3, 3)),
    "eig": (lambda x: ops.sum(ops.abs(ops.eig(x)[0]), -1), (2, 3, 3)),
    "lu_factor": (lambda x: ops.lu_factor(x)[0], (3, 3)),
    "slogdet": (lambda x: ops.slogdet(x)[1], (2, 3, 3)),
    "det": (ops.det, (2, 3, 3)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_those_of_differences(name, check_differences, draw):
    function, shape = GRADIENTS[name]
    check_differences(function, draw(*shape))


@pytest.mark.parametrize("name", ["cholesky", "det", "eig", "eigh", "inv", "logdet", "slogdet", "cholesky_inverse"])
def test_matrices_that_are_not_square_are_refused(name, make, draw):
    for shape in ((3, 4), (3,)):
        with pytest.raises(ShapeError, match=rf"`{name}` received an array of shape \({shape[0]},.*square matrices"):
            getattr(ops, name)(make(draw(*shape)))


@pytest.mark.parametrize("name", ["qr", "svd", "lu_factor", "matrix_rank", "pinv"])
def test_vectors_are_no_matrices(name, make, draw):
    with pytest.raises(ShapeError, match=rf"`{name}` received an array of shape \(3,\).*matrices in its last two axes"):
        getattr(ops, name)(make(draw(3)))


RESULTS = {
    "cholesky": (((None, 4, 4), "float32"),),
    "qr": (((None, 4, 4), "float32"), ((None, 4, 4), "float32")),
    "svd": (((None, 4, 4), "float32"), ((None, 4), "float32"), ((None, 4, 4), "float32")),
    "eigh": (((None, 4), "float32"), ((None, 4, 4), "float32")),
    "eig": (((None, 4), "complex64"), ((None, 4, 4), "complex64")),
    "lu_factor": (((None, 4, 4), "float32"), ((None, 4), "int32")),
    "slogdet": (((None,), "float32"), ((None,), "float32")),
    "det": (((None,), "float32"),),
    "matrix_rank": (((None,), "int32"),),
    "inv": (((None, 4, 4), "float32"),),
    "pinv": (((None, 4, 4), "float32"),),
}


@pytest.mark.parametrize("name", RESULTS)
def test_shapes_and_dtypes_are_known_before(name, backend):
    with cornu.config.placement_scope(backend):
        for sizes in ((4, 4), (None, 4)) if name not in ("qr", "svd", "lu_factor", "matrix_rank", "pinv") else ((4, 4),):
            found = getattr(ops, name)(cornu.Input(sizes))
            found = found if isinstance(found, tuple) else (found,)
            assert tuple((tuple(part.shape), part.dtype) for part in found) == RESULTS[name]


@pytest.mark.parametrize("name", ["cholesky", "det", "eigh", "inv", "pinv", "qr", "slogdet"])
def test_half_precision_is_computed_in_float32_and_integers_are_converted(name, make, engine, draw):
    x = np.round(positive_definite(draw(3, 3)) * 4).astype("int32")
    x = x + x.T
    results = [getattr(ops, name)(make(x.astype(dtype))) for dtype in ("int32", "float16", "float32")]
    results = [result if isinstance(result, tuple) else (result,) for result in results]
    for whole, half, single in zip(*results, strict=True):
        assert (engine.dtype(whole), engine.dtype(half)) == ("float32", "float16")
        np.testing.assert_allclose(engine.to_numpy(whole), engine.to_numpy(single), rtol=1e-5)
        np.testing.assert_allclose(engine.to_numpy(half), engine.to_numpy(single), rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["svd", "eig", "eigh", "pinv"])
def test_a_matrix_with_nan_has_parts_of_nan(name):
    x = np.stack([np.full((2, 2), np.nan), [[2.0, 1.0], [1.0, 3.0]]]).astype("float32")
    for backend in ("numpy", "torch", "tensorflow"):
        found = getattr(ops.linalg, name)(ops.convert_to_tensor(x, backend=backend))
        for part in found if isinstance(found, tuple) else (found,):
            array = np.asarray(part)
            assert array.dtype.kind == "i" or (np.isnan(array[0]).any() and np.isfinite(array[1]).all())
