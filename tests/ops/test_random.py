import numpy as np
import pytest
from scipy import stats

from cornu import backends, config, ops, seeds
from cornu.errors import InvalidArgumentError

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
    with pytest.raises(InvalidArgumentError, match=r"`minval=3` and `maxval=3` were given"):
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
    with pytest.raises(InvalidArgumentError, match=r"`rate=1.5` was given. It must be between 0 and 1"):
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
