"""Ops of `control_flow.py` and `gradients.py`."""

import numpy as np
import pytest

from cornu import backends, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError


def test_scan_carries_and_collects(make, check):
    step = lambda carry, x: ({"a": ops.add(carry["a"], x)}, (ops.multiply(carry["a"], x), x))  # noqa: E731
    last, (products, same) = ops.scan(step, {"a": make(np.float32(1))}, make(np.float32([1, 2, 3])))
    check(last["a"], np.float32(7))
    check(products, np.float32([1, 4, 12]))
    check(same, np.float32([1, 2, 3]))


def test_scan_backwards_and_without_parts(make, check):
    running = lambda total, x: (ops.add(total, x), ops.add(total, x))  # noqa: E731
    check(ops.scan(running, make(0), make([1, 2, 3]), reverse=True)[1], np.int32([6, 5, 3]))
    last, ys = ops.scan(lambda total, x: (ops.multiply(total, 2.0), total), make(np.float32(1)), length=3)
    check(last, np.float32(8))
    check(ys, np.float32([1, 2, 4]))


def test_scan_has_a_gradient(gradient, make):
    found = gradient(lambda x: ops.scan(lambda c, x: (ops.multiply(c, x), x), make(np.float32(1)), x)[0], np.float32([2, 3, 4]))
    np.testing.assert_allclose(found, [12, 8, 6])


def test_scan_names_lengths_that_do_not_fit(make):
    with pytest.raises(InvalidArgumentError, match=r"`xs` with first sizes \[2, 3\] and `length=None`"):
        ops.scan(lambda c, x: (c, x), make(0), (make([1, 2]), make([1, 2, 3])))
    with pytest.raises(InvalidArgumentError, match=r"without `xs` and `length`"):
        ops.scan(lambda c, x: (c, x), make(0))


def test_map(make, check):
    check(ops.map(lambda pair: ops.add(*pair), (make([1, 2]), make([10, 20]))), np.int32([11, 22]))


def test_while_loop_keeps_the_form_of_its_variables(make, check):
    count, total = ops.while_loop(
        lambda i, total: ops.less(i, 5), lambda i, total: (ops.add(i, 1), ops.add(total, i)), [make(0), make(0)]
    )
    check(count, np.int32(5))
    check(total, np.int32(10))
    check(ops.while_loop(lambda x: ops.less(x, 100), lambda x: ops.multiply(x, 2), make(3)), np.int32(192))


def test_while_loop_stops_at_its_bound(make, check):
    check(ops.while_loop(lambda x: ops.less(x, 100), lambda x: ops.add(x, 1), make(0), maximum_iterations=7), np.int32(7))
    check(ops.while_loop(lambda x: ops.less(x, 5), lambda x: ops.add(x, 1), make(0), maximum_iterations=7), np.int32(5))


def test_fori_loop(make, check):
    check(ops.fori_loop(2, 5, lambda i, x: ops.add(x, i), make(0)), np.int32(9))
    check(ops.fori_loop(0, make(3), lambda i, x: ops.multiply(x, 2.0), make(np.float32(1))), np.float32(8))


def test_fori_loop_of_plain_bounds_has_a_gradient(gradient, make):
    found = gradient(lambda x: ops.fori_loop(0, 3, lambda i, value: ops.multiply(value, x), make(np.float32(1))), np.float32(2))
    np.testing.assert_allclose(found, 12)


def test_plain_numbers_may_come_out_of_a_step(make, check):
    check(ops.cond(make(True), lambda: 1.5, lambda: 2.5), np.float32(1.5))
    check(ops.scan(lambda c, x: (c, 7), make(0), make([1, 2]))[1], np.int32([7, 7]))


@pytest.mark.parametrize("answer", [True, False])
def test_cond_chooses(answer, make, check):
    x = make(np.float32(3))
    check(ops.cond(make(answer), lambda: ops.multiply(x, 2.0), lambda: ops.negative(x)), np.float32(6 if answer else -3))


@pytest.mark.parametrize(("index", "expected"), [(-1, 4), (0, 4), (1, 9), (2, 6), (7, 6)])
def test_switch_chooses(index, expected, make, check):
    branches = [lambda x: ops.add(x, 1), lambda x: ops.multiply(x, 3), lambda x: ops.add(x, x)]
    check(ops.switch(make(index), branches, make(3)), np.int32(expected))


def test_loops_and_choices_can_be_compiled(engine, make, check):
    def computation(x):
        x = ops.while_loop(lambda x: ops.less(ops.sum(x), 100.0), lambda x: ops.multiply(x, 2.0), x)
        x = ops.fori_loop(0, 2, lambda i, x: ops.add(x, ops.cast(i, "float32")), x)
        return ops.cond(ops.greater(ops.sum(x), 0.0), lambda: x, lambda: ops.negative(x))

    check(engine.compile(computation)(make(np.float32([1, 2]))), np.float32([65, 129]))


def test_stop_gradient_stops(gradient, make, check):
    found = gradient(lambda x: ops.sum(ops.multiply(ops.stop_gradient(x), x)), np.float32([2, 3]))
    np.testing.assert_array_equal(found, [2, 3])
    tree = ops.stop_gradient({"a": make([1]), "b": [make([2])]})
    check(tree["b"][0], np.int32([2]))


def test_custom_gradient_of_one_argument(gradient, make, check):
    @ops.custom_gradient
    def log1pexp(x):
        e = ops.exp(x)

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            return ops.multiply(upstream, ops.subtract(1.0, ops.divide(1.0, ops.add(1.0, e))))

        return ops.log(ops.add(1.0, e)), grad

    check(log1pexp(make(np.float32(0))), np.float32(np.log(2)))
    np.testing.assert_allclose(gradient(log1pexp, np.float32(2)), 1 / (1 + np.exp(-2)), rtol=1e-6)


def test_custom_gradient_of_two_arguments(gradient):
    @ops.custom_gradient
    def product(x, y):
        return ops.multiply(x, y), lambda upstream: (ops.multiply(upstream, 100.0), ops.multiply(upstream, x))

    first, second = gradient(product, np.float32(3), np.float32(5))
    assert (first, second) == (100, 3)


def test_arrays_of_another_backend_stay_there(backend):
    other = backends.get(backend).asarray([1, 2])
    assert backends.owner(ops.scan(lambda c, x: (c, x), 0, other)[1]) == backend


ONES = np.ones((3, 2), "float32")


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_step_that_changes_the_form_of_the_carry_is_told(compiled, make, engine):
    mistakes = {
        r"`f` of `scan` returned float32 \(1, 2\), but the loop started with float32 \(3, 2\)": lambda x: ops.scan(
            lambda carry, _: (carry[:1], None), x, x
        )[0],
        r"`f` of `scan` returned float16 \(3, 2\), but the loop started": lambda x: ops.scan(
            lambda carry, _: (ops.cast(carry, "float16"), None), x, x
        )[0],
        r"`f` of `scan` returned \(float32 \(3, 2\), float32 \(3, 2\)\), but the loop started": lambda x: ops.scan(
            lambda carry, _: ((carry, carry), None), x, x
        )[0],
        r"`body` of `while_loop` returned \(float32 \(1, 2\),\), but the loop started with \(float32 \(3, 2\),\)": lambda x: (
            ops.while_loop(lambda value: ops.sum(value) > 0, lambda value: value[:1], x)
        ),
        r"`body_fun` of `fori_loop` returned float32 \(1, 2\), but the loop started": lambda x: ops.fori_loop(
            0, 2, lambda i, value: value[:1], x
        ),
    }
    for text, use in mistakes.items():
        with pytest.raises(ShapeError, match=text):
            (engine.compile(use) if compiled else use)(make(ONES))


def test_a_number_takes_on_the_dtype_that_a_loop_makes_of_it(make, engine):
    last, _ = ops.scan(lambda total, x: (total + x, None), 0.0, make(ONES[:, 0]))
    assert float(last) == 3.0


def test_a_step_that_gives_no_pair_is_told(make):
    with pytest.raises(InvalidTypeError, match=r"`f` of `scan` returned one array. It must return a pair"):
        ops.scan(lambda carry, x: carry, make(ONES[0]), make(ONES))
    with pytest.raises(InvalidTypeError, match=r"`f` of `scan` returned a tuple"):
        ops.scan(lambda carry, x: (carry, x, x), make(ONES[0]), make(ONES))


def test_what_decides_must_be_a_single_boolean(make):
    x = make(ONES)
    with pytest.raises(ShapeError, match=r"`pred` of `cond` is an array of shape \(3, 2\). It must be a boolean scalar"):
        ops.cond(ops.greater(x, 0), lambda: x, lambda: x)
    with pytest.raises(ShapeError, match=r"`cond` of `while_loop` is an array of shape \(3, 2\)"):
        ops.while_loop(lambda value: ops.greater(value, 9), lambda value: value, x)


@pytest.mark.parametrize("name", ["jax", "tensorflow"])  # the others run one branch alone, also in what they compile
def test_branches_of_two_forms_are_told_where_both_are_compiled(name):
    pytest.importorskip(name)
    engine = backends.get(name)

    def choose(x):
        return ops.cond(ops.sum(x) > 0, lambda: x, lambda: x[:1])

    def switch(x):
        return ops.switch(ops.cast(ops.sum(x), "int32"), [lambda: x, lambda: x[:1]])

    for use, named in ((choose, "cond"), (switch, "switch")):
        with pytest.raises(
            ShapeError, match=rf"One branch of `{named}` returned float32 \(3, 2\), and another returned float32 \(1, 2\)"
        ):
            engine.compile(use)(engine.asarray(ONES))


def test_scan_refuses_a_scalar():
    with pytest.raises(ShapeError, match=r"`scan` received elements of shapes \[\(\)\]"):
        ops.scan(lambda carry, x: (carry, x), 0, 3.0)
