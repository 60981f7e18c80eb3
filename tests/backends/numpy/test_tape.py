"""The mechanism of gradients on the NumPy backend: what is recorded, how a box behaves, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cornu import backends
from cornu.backends.numpy import gradients
from cornu.backends.numpy.tape import TapeArray, primitive
from cornu.errors import BackendError, InvalidArgumentError, InvalidTypeError, ShapeError

B = backends.get("numpy")


def f32(values):
    return np.array(values, "float32")


def gradient(f, *args):
    return B.value_and_grad(f)(*args)[1]


def seen_inside(look, x=(1.0, 2.0)):
    """The result of ``look`` for a box."""
    seen = []

    def loss(box):
        seen.append(look(box))
        return B.sum(box)

    B.value_and_grad(loss)(f32(x))
    return seen[0]


# --- value_and_grad -----------------------------------------------------------------------------------------------------------


def test_the_gradient_has_the_form_of_the_first_argument():
    tree = {"w": f32([1, 2]), "rest": [(f32(3), None)]}
    value, found = B.value_and_grad(lambda t, x: B.sum(t["w"] * x) * t["rest"][0][0])(tree, f32([10, 20]))

    assert value == 150
    assert found["w"].tolist() == [30, 60]
    assert found["rest"][0][0] == 50
    assert found["rest"][0][1] is None


def test_values_and_gradients_are_plain_arrays():
    (value, aux), found = B.value_and_grad(lambda x: (B.sum(x * 2), {"y": x * 3, "name": "n"}), has_aux=True)(f32([1, 2]))

    assert [type(array) for array in (value, aux["y"], found)] == [np.ndarray] * 3
    assert (value, aux["y"].tolist(), aux["name"], found.tolist()) == (6, [3, 6], "n", [2, 2])


def test_what_does_not_matter_has_a_gradient_of_zero():
    assert gradient(lambda xs: B.sum(xs[0]), [f32([1]), f32([[5, 6]])])[1].tolist() == [[0, 0]]
    assert gradient(lambda x: 3.0, f32([1])).tolist() == [0]


def test_an_array_used_twice_gets_the_sum():
    assert gradient(lambda x: B.sum(x * x + x), f32([3])).tolist() == [7]


def test_the_number_itself_has_a_gradient_of_one():
    assert gradient(lambda x: x, f32(3)) == 1


def test_gradients_share_no_memory():
    first, second = gradient(lambda xs: B.sum(xs[0] + xs[1]), [f32([1, 2]), f32([3, 4])])
    first *= 5

    assert second.tolist() == [1, 1]


def test_python_numbers_have_gradients_too():
    found = gradient(lambda t: t["a"] * t["b"], {"a": 2.0, "b": 3.0})

    assert (found["a"], found["b"], found["a"].dtype) == (3, 2, "float32")


def test_only_a_number_can_be_differentiated():
    with pytest.raises(ShapeError, match=r"returned an array of shape \(2,\)\. It must return a scalar.*`cornu\.ops\.mean`"):
        gradient(lambda x: x * 2, f32([1, 2]))


def test_only_a_float_can_be_differentiated():
    with pytest.raises(InvalidTypeError, match=r"returned a scalar of dtype int32\. It must return a floating-point scalar"):
        gradient(lambda x: B.argmax(x, 0), f32([1, 2]))


def test_integers_have_no_gradient():
    with pytest.raises(
        InvalidTypeError,
        match=r"respect to an array of dtype int32 was requested\. Only arrays of",
    ):
        gradient(B.sum, np.arange(3, dtype="int32"))


def test_the_gradient_of_a_gradient_is_refused():
    def penalty(x):
        return B.sum(gradient(lambda y: B.sum(y * y), x))

    def through_another_variable(x):
        return B.value_and_grad(lambda y: B.sum(x * y))(f32([1]))[0]

    for f in (penalty, through_another_variable):
        with pytest.raises(BackendError, match=r"gradient of a gradient.*first derivatives only.*JAX backend"):
            gradient(f, f32([1]))


def test_a_gradient_of_constants_may_be_taken_inside_another():
    assert gradient(lambda x: B.sum(x * gradient(lambda y: B.sum(y * y), f32([3]))), f32([1])).tolist() == [6]


def test_a_box_that_got_out_is_its_array():
    kept = []
    gradient(lambda x: (kept.append(x), B.sum(x))[1], f32([1, 2]))

    assert np.asarray(kept[0]).tolist() == [1, 2]
    assert np.sum(kept[0]) == 3
    assert type(B.exp(kept[0])) is np.ndarray
    assert gradient(lambda x: B.sum(x * kept[0]), f32([1, 1])).tolist() == [1, 2]


def test_a_failure_inside_closes_the_tape():
    kept = []

    def fails(x):
        kept.append(x)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError):
        gradient(fails, f32([1]))
    assert not kept[0].tape.is_open


# --- The box ------------------------------------------------------------------------------------------------------------------


def test_operators_take_boxes_arrays_and_numbers_on_either_side():
    y = f32([3, 5])
    found = gradient(
        lambda x: B.sum((2 + x) * y - (y - x) / 2 + (7 / x) ** 2 + 2.0**x - (-x) + (9 % x) + abs(x)), f32([1.0, 4.0])
    )

    def derivative(x, y):
        return y + 0.5 - 98 / x**3 + np.log(2) * 2**x + 1 - 9 // x + 1

    assert_allclose(found, [derivative(1.0, 3), derivative(4.0, 5)], rtol=1e-5)


def test_matmul_and_floor_division_work_from_either_side():
    w = f32([[1, 2], [3, 4]])

    assert gradient(lambda x: B.sum(w @ x + x @ w), f32([1, 1])).tolist() == [7, 13]
    assert seen_inside(lambda x: (x // 2, 3 // x))[1].tolist() == [3, 1]


def test_comparisons_give_plain_booleans():
    less, equal, different = seen_inside(lambda x: (x < 2, x == f32([1, 1]), f32([1, 1]) != x))

    assert less.tolist() == [True, False]
    assert equal.tolist() == [True, False]
    assert different.tolist() == [False, True]
    assert seen_inside(lambda x: ((x <= 1).tolist(), (x > 1).tolist(), (x >= 3).tolist())) == (
        [True, False],
        [False, True],
        [False] * 2,
    )


def test_a_box_has_the_attributes_of_its_array():
    found = seen_inside(lambda x: (x.shape, x.dtype.name, x.ndim, x.size, len(x), x.T.shape), [[1, 2, 3]])

    assert found == ((1, 3), "float32", 2, 3, 1, (3, 1))


def test_a_box_can_be_indexed_and_iterated():
    assert gradient(lambda x: x[0] * 3 + sum(x), f32([1, 2])).tolist() == [4, 1]


def test_a_box_of_one_number_is_that_number_for_python():
    found = seen_inside(lambda x: (bool(x[0] > 0), bool(x[0]), int(x[1]), float(x[1]), repr(x[1])))

    assert found == (True, True, 2, 2.0, "TapeArray(array(2., dtype=float32))")


def test_to_numpy_gives_the_value():
    assert seen_inside(B.to_numpy).tolist() == [1, 2]


def test_asarray_leaves_a_box_a_box():
    assert seen_inside(lambda x: type(B.asarray(x))) is TapeArray
    assert gradient(lambda x: B.asarray(B.sum(x) * 2, "float16"), f32([1])).tolist() == [2]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (np.asarray, "A NumPy function"),
        (lambda x: np.stack([x]), "A NumPy function"),
        (np.sum, "`np.add`"),
        (np.cbrt, "`np.cbrt`"),
    ],
)
def test_numpys_own_functions_are_refused_inside_a_gradient(function, name):
    with pytest.raises(InvalidTypeError, match=rf"{name} was given an array inside a gradient.*lost.*Use .*`cornu\.ops`"):
        gradient(function, f32([1]))


def test_adding_to_an_array_in_place_is_refused_inside_a_gradient():
    def loss(x):
        total = f32([0])
        total += x
        return total

    with pytest.raises(InvalidTypeError, match=r"`np\.add` was given an array inside a gradient"):
        gradient(loss, f32([1]))


def test_numpys_elementwise_functions_become_the_primitives():
    assert gradient(lambda x: B.sum(np.square(np.maximum(f32([2, 2]), x))), f32([1, 3])).tolist() == [0, 6]


def test_the_box_belongs_to_the_numpy_backend():
    assert seen_inside(backends.owner) == "numpy"
    assert backends.name_of(seen_inside(lambda x: backends.of(x, 1.0))) == "numpy"


# --- Primitives ---------------------------------------------------------------------------------------------------------------


def test_arguments_may_be_named():
    assert gradient(lambda x: B.sum(x=B.multiply(y=x, x=f32([[3]])), axis=None), f32([[1, 2]])).tolist() == [[3, 3]]
    assert gradient(lambda x: B.sum(B.concatenate(axis=0, xs=[x, x])), f32([1])).tolist() == [2]


def test_rules_are_called_only_for_arguments_with_a_gradient(monkeypatch):
    x, kernel = f32(np.ones((1, 4, 1))), f32(np.ones((2, 1, 1)))
    monkeypatch.setattr(gradients, "convolve_back", None)  # called by the rule for the images

    assert gradient(lambda k: B.sum(B.conv(x, k, (1,), ((0, 0),), (1,))), kernel).tolist() == [[[3]], [[3]]]


def test_a_primitive_without_an_entry_in_the_tables_is_refused_at_once():
    def forgotten(x):
        return x

    with pytest.raises(LookupError, match=r"`forgotten` needs rules in gradients\.RULES"):
        primitive(forgotten)


def test_keys_work_while_a_gradient_is_taken():
    key = np.array([1, 2], "uint32")

    def dropout(x):
        mask = B.random_uniform(B.fold_in(key, 3), x.shape, "float32") < 0.5
        return B.sum(B.where(mask, x, 0.0))

    mask = B.random_uniform(B.fold_in(key, 3), (20,), "float32") < 0.5
    assert gradient(dropout, f32(np.ones(20))).tolist() == mask.tolist()


# --- custom_gradient ----------------------------------------------------------------------------------------------------------


@B.custom_gradient
def scaled_product(x, y):
    return x * y, lambda upstream: (upstream * 10, upstream * x)


def test_a_custom_gradient_replaces_the_own_one():
    found = gradient(lambda xs: B.sum(B.exp(scaled_product(*xs))), [f32([0.0, 0.0]), f32([2.0, 3.0])])

    assert scaled_product(f32([2]), f32([3])).tolist() == [6]
    assert [g.tolist() for g in found] == [[10, 10], [0, 0]]


def test_a_custom_gradient_may_give_none_for_an_argument():
    @B.custom_gradient
    def f(x, y):
        return x * y, lambda upstream: (upstream * y, None)

    assert [g.tolist() for g in gradient(lambda xs: f(*xs), [f32(2), f32(3)])] == [3, 0]


@pytest.mark.parametrize(("shares", "said"), [(f32([1]), "a ndarray"), ((1.0, 2.0), "2 gradients")])
def test_a_custom_gradient_must_give_one_gradient_for_each_argument(shares, said):
    f = B.custom_gradient(lambda x: (x, lambda upstream: shares))

    with pytest.raises(InvalidArgumentError, match=rf"returned {said}\. .* each of the 1 arguments"):
        gradient(f, f32(1))


def test_a_custom_gradient_must_have_the_shape_of_its_argument():
    f = B.custom_gradient(lambda x: (B.sum(x), lambda upstream: (upstream,)))

    with pytest.raises(ShapeError, match=r"gradient of shape \(\) for an array of shape \(2,\)"):
        gradient(f, f32([1, 2]))


def test_a_custom_gradient_must_not_use_other_arrays_of_the_gradient():
    def loss(x):
        return B.custom_gradient(lambda y: (y * x, lambda upstream: (upstream,)))(f32(1))

    with pytest.raises(InvalidArgumentError, match=r"not among its arguments.*Pass the array as an argument"):
        gradient(loss, f32(1))


# --- Together -----------------------------------------------------------------------------------------------------------------


def test_a_small_convolutional_network_learns_the_digits():
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    images, labels = B.asarray(digits.images[..., None] / 16), digits.target
    rng = np.random.default_rng(0)
    weights = {
        "kernel": f32(rng.normal(size=(3, 3, 1, 8)) / 3),
        "dense": f32(rng.normal(size=(8 * 9, 10)) / 9),
        "bias": f32(np.zeros(10)),
    }

    def scores(w, x):
        x = B.maximum(B.conv(x, w["kernel"], (1, 1), ((0, 0), (0, 0)), (1, 1)), 0)
        x = B.max_pool(x, (2, 2), (2, 2), ((0, 0), (0, 0)))
        return B.matmul(B.reshape(x, (x.shape[0], -1)), w["dense"]) + w["bias"]

    def loss(w, x, y):
        z = scores(w, x)
        z = z - B.log(B.sum(B.exp(z - B.max(z, 1, True)), 1, True)) - B.max(z, 1, True)
        return -B.mean(B.take_along_axis(z, y[:, None], 1))

    step = B.compile(B.value_and_grad(loss))
    for _ in range(2):
        for start in range(0, 1500, 20):
            _, found = step(weights, images[start : start + 20], labels[start : start + 20])
            weights = {name: weights[name] - 0.5 * found[name] for name in weights}
    right = B.argmax(scores(weights, images[1500:]), 1) == labels[1500:]
    assert right.mean() > 0.85
