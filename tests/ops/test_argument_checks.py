import pytest

from cornu.errors import InvalidArgumentError
from cornu.ops.argument_checks import check_option, invalid_value


def test_an_option_is_accepted():
    check_option("side", "left", ("left", "right"))


def test_another_value_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"`side='lefft'` was given.*Did you mean 'left'\?"):
        check_option("side", "lefft", ("left", "right"))


def test_the_error_of_an_invalid_value_has_three_parts():
    error = invalid_value("`SGD`", "momentum", 2, "between 0 and 1", 0.9)
    assert error.received == "`SGD` received `momentum=2`."
    assert error.expected == "`momentum` must be between 0 and 1."
    assert error.hint == "Pass, for example, `momentum=0.9`."
