import numpy as np
import pytest
from scipy import stats

from cornu import backends, config, ops, seeds
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

COUNT = 4000


@pytest.fixture
def key(make):
    return make(np.uint32([3, 5]))


def numbers(x):
    return ops.convert_to_numpy(x).astype("float64").ravel()


DRAWS = {
    "uniform": lambda key: ops.random.uniform((COUNT,), seed=key),
    "normal": lambda key: ops.random.normal((COUNT,), seed=key),
    "truncated_normal": lambda key: ops.random.truncated_normal((COUNT,), seed=key),
    "randint": lambda key: ops.random.randint((COUNT,), 0, 1000, seed=key),
    "bernoulli": lambda key: ops.random.bernoulli((COUNT,), 0.5, seed=key),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_key_gives_the_same_numbers_and_another_other_ones(name, key, make, backend):
    first, again, other = (DRAWS[name](k) for k in (key, make(np.uint32([3, 5])), make(np.uint32([3, 6]))))
    assert backends.owner(first) == backend
    np.testing.assert_array_equal(numbers(first), numbers(again))
    assert (numbers(first) != numbers(other)).mean() > 0.4


def test_numbers_follow_their_distributions(key):
    assert stats.kstest(numbers(ops.random.uniform((COUNT,), -2.0, 3.0, seed=key)), stats.uniform(-2, 5).cdf).pvalue > 1e-3
    assert stats.kstest(numbers(ops.random.normal((COUNT,), 1.0, 2.0, seed=key)), stats.norm(1, 2).cdf).pvalue > 1e-3
    drawn = numbers(ops.random.truncated_normal((COUNT,), 1.0, 2.0, seed=key))
    assert stats.kstest(drawn, stats.truncnorm(-2, 2, 1, 2).cdf).pvalue > 1e-3
    assert drawn.min() >= -3 and drawn.max() <= 5


def test_integers_are_equally_likely(key):
    drawn = numbers(ops.random.randint((COUNT,), -3, 7, seed=key)).astype(int)
    assert set(drawn) == set(range(-3, 7))
    assert stats.chisquare(np.bincount(drawn + 3)).pvalue > 1e-3


def test_integers_of_a_large_range_are_not_those_of_a_float(key):
    drawn = numbers(ops.random.randint((COUNT,), 0, 2**31 - 1, seed=key)).astype("int64")
    assert drawn.min() >= 0 and drawn.max() > 2**30
    assert (drawn % 2).mean() == pytest.approx(0.5, abs=0.05)
    assert abs(np.corrcoef(drawn % 2**15, drawn // 2**16 % 2**15)[0, 1]) < 0.1
    assert stats.kstest(drawn / 2**31, stats.uniform.cdf).pvalue > 1e-3


def test_an_empty_range_is_named(key):
    with pytest.raises(InvalidArgumentError, match=r"received `minval=3` and `maxval=3`"):
        ops.random.randint((2,), 3, 3, seed=key)


def test_categorical_follows_the_logits(make, key, check):
    probabilities = np.float32([[0.1, 0.6, 0.3], [0.5, 0.0, 0.5]])
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities)
    drawn = ops.convert_to_numpy(ops.random.categorical(make(logits), COUNT, seed=key))
    assert drawn.shape == (2, COUNT) and drawn.dtype == "int32"
    for row, wanted in zip(drawn, probabilities, strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / COUNT, wanted, atol=0.04)


def test_bernoulli_takes_an_array_of_probabilities(make, key):
    drawn = numbers(ops.random.bernoulli((COUNT, 2), make([0.0, 1.0]), "float32", seed=key)).reshape(-1, 2)
    assert (drawn == [0, 1]).all()


def test_dropout_sets_a_part_to_zero_and_keeps_the_mean(make, key, check):
    x = make(np.ones((COUNT,), "float32"))
    found = numbers(ops.random.dropout(x, 0.25, seed=key))
    np.testing.assert_allclose(sorted(set(found)), [0, 4 / 3], rtol=1e-6)
    assert (found == 0).mean() == pytest.approx(0.25, abs=0.03)
    check(ops.random.dropout(x, 0.0, seed=key), np.ones(COUNT, "float32"))
    check(ops.random.dropout(x, 1.0, seed=key), np.zeros(COUNT, "float32"))


def test_dropout_of_whole_channels(make, key):
    found = ops.convert_to_numpy(ops.random.dropout(make(np.ones((50, 7, 6), "float32")), 0.5, (None, 1, 6), seed=key))
    assert (found == found[:, :1]).all() and 0.3 < (found == 0).mean() < 0.7


def test_dropout_keeps_half_precision_and_its_gradient(make, key, gradient, engine):
    assert engine.dtype(ops.random.dropout(make(np.float16([1, 2])), 0.5, seed=key)) == "float16"
    found = gradient(lambda x: ops.sum(ops.random.dropout(x, 0.5, seed=key)), np.ones(50, "float32"))
    assert set(found) == {0, 2}


def test_a_wrong_rate_is_named(make):
    with pytest.raises(InvalidArgumentError, match=r"`rate=1.5`. It must be a number between 0 and 1"):
        ops.random.dropout(make([1.0]), 1.5)


def test_shuffle_keeps_parts_together(make, key):
    x = np.arange(60, dtype="int32").reshape(20, 3)
    found = ops.convert_to_numpy(ops.random.shuffle(make(x), seed=key))
    assert (found != x).any()
    np.testing.assert_array_equal(found[np.argsort(found[:, 0])], x)
    found = ops.convert_to_numpy(ops.random.shuffle(make(x.T.copy()), axis=-1, seed=key))
    np.testing.assert_array_equal(found[:, np.argsort(found[0])], x.T)


def test_a_key_is_an_array_a_pair_or_a_number(make):
    array, pair, number = (ops.random.uniform((5,), seed=seed) for seed in (make(np.uint32([7, 0])), (7, 0), 7))
    if backends.owner(array) == config.backend():
        np.testing.assert_array_equal(numbers(array), numbers(pair))
    np.testing.assert_array_equal(numbers(pair), numbers(number))


def test_a_seed_generator_is_asked_for_a_key(make):
    class Generator:
        def next(self):
            return make(np.uint32([1, 2]))

    expected = ops.random.uniform((5,), seed=make(np.uint32([1, 2])))
    np.testing.assert_array_equal(numbers(ops.random.uniform((5,), seed=Generator())), numbers(expected))


def test_without_a_key_the_next_one_of_the_process_is_drawn():
    seeds.set_seed(11)
    first, second = ops.random.uniform((5,)), ops.random.uniform((5,))
    seeds.set_seed(11)
    np.testing.assert_array_equal(numbers(first), numbers(ops.random.uniform((5,))))
    assert (numbers(first) != numbers(second)).all()


def test_a_large_seed_is_cut_to_its_lowest_bits():
    np.testing.assert_array_equal(numbers(ops.random.uniform((5,), seed=2**32 + 7)), numbers(ops.random.uniform((5,), seed=7)))


def test_dtype_of_the_result(key, engine):
    assert engine.dtype(ops.random.uniform((2,), dtype="float16", seed=key)) == "float16"
    assert engine.dtype(ops.random.truncated_normal((2,), dtype="float16", seed=key)) == "float16"
    assert engine.dtype(ops.random.randint((2,), 0, 5, dtype="uint8", seed=key)) == "uint8"


# --- Distributions with parameters ----------------------------------------------------------------------------------------

PARAMETERS = {
    "gamma": [(0.05,), (0.7,), (4.0,), (300.0,)],
    "beta": [(0.1, 0.2), (2.0, 5.0), (80.0, 3.0)],
    "binomial": [(10, 0.3), (1000, 0.01), (100_000, 0.7)],
}
CASES = [(name, values) for name, cases in PARAMETERS.items() for values in cases]
SCIPY = {"gamma": stats.gamma, "beta": stats.beta, "binomial": stats.binom}


def check_distribution(name, values, drawn):
    wanted, found = SCIPY[name](*values), drawn.astype("float64")
    if name == "binomial":  # spread over the steps of the distribution function, which makes it uniform
        share = wanted.cdf(found - 1) + np.random.default_rng(0).random(len(found)) * wanted.pmf(found)
        assert stats.kstest(share, "uniform").pvalue > 1e-3
    else:
        assert stats.kstest(found, wanted.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("name", "values"), CASES)
def test_eager_draws_have_the_distribution(name, values):
    check_distribution(name, values, numbers(getattr(ops.random, name)((COUNT,), *values, seed=5)))


@pytest.mark.parametrize(("name", "values"), CASES)
def test_compiled_draws_have_the_distribution(name, values, engine, make):
    count = COUNT if min(values) < 0.5 else 10 * COUNT  # of small parameters, a percent of the values is rounded to 0 or 1
    compiled = engine.compile(lambda key, *values: getattr(ops.random, name)((count,), *values, seed=key))
    drawn = engine.to_numpy(compiled(make(np.uint32([9, 51])), *(make(np.float32(value)) for value in values)))
    check_distribution(name, values, drawn)


EAGER = {
    **{name: (lambda seed, name=name, v=v: getattr(ops.random, name)((3, 2), *v, seed=seed)) for name, v in CASES},
    "uniform": lambda seed: ops.random.uniform((3, 2), -1.0, 2.0, seed=seed),
    "normal": lambda seed: ops.random.normal((3, 2), seed=seed),
    "truncated_normal": lambda seed: ops.random.truncated_normal((3, 2), seed=seed),
    "randint": lambda seed: ops.random.randint((3, 2), 0, 2**31 - 1, seed=seed),
    "bernoulli": lambda seed: ops.random.bernoulli((9, 2), seed=seed),
    "categorical": lambda seed: ops.random.categorical([[0.1, 0.2, 0.3]], 9, seed=seed),
    "shuffle": lambda seed: ops.random.shuffle(list(range(20)), seed=seed),
}


@pytest.mark.parametrize("name", EAGER)
def test_eager_draws_are_the_same_on_every_engine(name, backend):
    from cornu.core.seed_generator import SeedGenerator

    def drawn(where):
        with config.placement_scope(where):
            generator = SeedGenerator(3)
            return [ops.convert_to_numpy(EAGER[name](seed)) for seed in (7, generator, generator)]

    found, expected = drawn(backend), drawn("numpy")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert (found[1] != found[2]).any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("name", "values"), [(name, cases[1]) for name, cases in PARAMETERS.items()])
def test_dtypes_of_draws_with_parameters(name, values, dtype, engine, make):
    if (engine.NAME == "numpy" and dtype == "bfloat16") or (engine.NAME == "jax" and dtype == "float64"):
        pytest.skip("the engine does not have this dtype")
    found = getattr(ops.random, name)((4, 2), *values, dtype=dtype, seed=make(np.uint32([3, 5])))
    assert (engine.dtype(found), tuple(found.shape)) == (dtype, (4, 2))


def test_parameters_broadcast(make, check):
    counts, shares = make(np.int32([0, 5, 1000])), make(np.float32([[0.0], [1.0]]))
    check(ops.random.binomial((2, 3), counts, shares, seed=1), np.float32([[0, 0, 0], [0, 5, 1000]]))
    drawn = numbers(ops.random.gamma((COUNT, 2), make(np.float32([1.0, 100.0])), seed=1)).reshape(-1, 2)
    np.testing.assert_allclose(drawn.mean(0), [1, 100], rtol=0.1)


@pytest.mark.parametrize(("name", "values"), [(name, cases[1]) for name, cases in PARAMETERS.items()])
def test_parameters_have_no_gradient(name, values, gradient):
    """Keras has one on some engines: on JAX those of gamma and beta are not 0."""
    found = gradient(lambda *given: ops.sum(getattr(ops.random, name)((4,), *given, seed=3)), *map(np.float32, values))
    np.testing.assert_array_equal(found, 0)


def test_wrong_parameters_are_named(make):
    with pytest.raises(InvalidArgumentError, match=r"`gamma` received `alpha` with values from 0 to 2. They must be positive"):
        ops.random.gamma((2,), make([0.0, 2.0]))
    with pytest.raises(InvalidArgumentError, match=r"`beta` received `beta` with values from -1 to -1"):
        ops.random.beta((2,), 1.0, -1.0)
    with pytest.raises(InvalidArgumentError, match=r"`binomial` received `probabilities` with values from 1.5 to 1.5"):
        ops.random.binomial((2,), 3, 1.5)
    with pytest.raises(InvalidArgumentError, match=r"`binomial` received `counts`.*integers of at least 0"):
        ops.random.binomial((2,), 3.5, 0.5)
    with pytest.raises(ShapeError, match=r"`gamma` received `shape=\(2,\)` and `alpha` of shape \(3, 1\)"):
        ops.random.gamma((2,), make([[1.0], [2.0], [3.0]]))
    with pytest.raises(InvalidTypeError, match=r"`gamma` received `dtype='int32'`"):
        ops.random.gamma((2,), 1.0, dtype="int32")


MISTAKES = {
    "logits": (lambda: ops.random.categorical(np.zeros(3), 2), ShapeError, r"`categorical` .* shape \(3,\)"),
    "samples": (lambda: ops.random.categorical(np.zeros((1, 3)), -2), ShapeError, "A size must be 0 or greater"),
    "uniform": (lambda: ops.random.uniform((2,), dtype="int32"), InvalidTypeError, "`uniform` received `dtype='int32'`"),
    "normal": (lambda: ops.random.normal((2,), dtype="int32"), InvalidTypeError, "`normal` received"),
    "truncated": (lambda: ops.random.truncated_normal((2,), dtype="int32"), InvalidTypeError, "`truncated_normal` received"),
    "negative": (lambda: ops.random.normal((-1,)), ShapeError, r"`shape=\(-1,\)` was given"),
    "negative randint": (lambda: ops.random.randint((-1,), 0, 2), ShapeError, r"`shape=\(-1,\)` was given"),
    "fraction": (lambda: ops.random.normal((2.5,)), InvalidTypeError, "A size must be an integer"),
    "seed": (lambda: ops.random.normal((2,), seed=1.5), InvalidTypeError, "`seed=1.5` was given"),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_explained(case):
    function, kind, text = case
    with pytest.raises(kind, match=text):
        function()
