import keras
import numpy as np
import pytest

from cornu import ops
from cornu.errors import ShapeError


@pytest.fixture
def draw(rng):
    return lambda *shape: rng.normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("first", "second"),
    [((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((3,), (3,)), ((3,), (2, 3, 4)), ((2, 1, 2, 3), (5, 3, 4))],
    ids=str,
)
def test_matmul_is_that_of_numpy(first, second, make, check, draw):
    x, y = draw(*first), draw(*second)
    check(ops.matmul(make(x), make(y)), x @ y)


@pytest.mark.parametrize("name", ["dot", "inner", "outer"])
@pytest.mark.parametrize(("first", "second"), [((2, 3), (3, 3)), ((3,), (3,)), ((2, 4, 3), (3, 3)), ((), (2, 3))], ids=str)
def test_products_are_those_of_numpy(name, first, second, make, check, draw):
    x, y = draw(*first), draw(*second)
    check(getattr(ops, name)(make(x), make(y)), getattr(np, name)(x, y))


def test_vdot_kron_cross_trace(make, check, draw):
    x, y = draw(2, 3), draw(2, 3)
    check(ops.vdot(make(x), make(y)), np.vdot(x, y))
    check(ops.kron(make(x), make(y)), np.kron(x, y))
    check(ops.cross(make(x), make(y)), np.cross(x, y))
    check(ops.trace(make(x), 1), np.trace(x, 1))
    check(ops.cross(make(x.T), make(y.T), axis=0), np.cross(x.T, y.T, axis=0))
    with pytest.raises(ShapeError, match=r"must have three components"):
        ops.cross(make(x.T), make(y.T))


@pytest.mark.parametrize("axes", [0, 1, 2, ([2, 1], [0, 1]), ([-1], [0])], ids=str)
def test_tensordot_is_that_of_numpy(axes, make, check, draw):
    x, y = draw(2, 3, 4), draw(4, 3, 2) if isinstance(axes, tuple) or axes < 2 else draw(3, 4, 2)
    check(ops.tensordot(make(x), make(y), axes), np.tensordot(x, y, axes), atol=1e-5)


def test_einsum(make, check, draw):
    x, y = draw(2, 3, 4), draw(2, 4, 5)
    check(ops.einsum("bij,bjk->bik", make(x), make(y)), np.einsum("bij,bjk->bik", x, y))
    check(ops.einsum("bij->bji", make(x)), np.einsum("bij->bji", x))


def test_sizes_that_do_not_fit_are_named(make, draw):
    x, y = make(draw(2, 3)), make(draw(2, 3))
    with pytest.raises(
        ShapeError, match=r"`matmul` received arrays of shapes \(2, 3\) and \(2, 3\).*They are 3 and 2: transpose"
    ):
        ops.matmul(x, y)
    with pytest.raises(ShapeError, match=r"`tensordot` received arrays of shapes \(2, 3\) and \(2, 3\) and `axes=1`"):
        ops.tensordot(x, y, 1)
    with pytest.raises(ShapeError, match=r"`einsum` received 'ij,jk->ik' and arrays of shapes \(2, 3\), \(2, 3\)"):
        ops.einsum("ij,jk->ik", x, y)


def test_gradients_of_products(check_gradients, draw):
    check_gradients(ops.matmul, keras.ops.matmul, draw(5, 2, 3), draw(3, 4))
    check_gradients(ops.dot, keras.ops.dot, draw(2, 3), draw(5, 3, 4))
    check_gradients(ops.outer, keras.ops.outer, draw(2), draw(3))


def test_einsum_takes_letters_alone(make):
    with pytest.raises(ShapeError, match=r"`einsum` received 'i\?->i'"):
        ops.einsum("i?->i", make(np.ones((2, 3), "float32")))
