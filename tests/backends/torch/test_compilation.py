"""Tracing of functions to graphs of PyTorch operators: what cannot be traced."""

import importlib

import pytest

torch = pytest.importorskip("torch")
compilation = importlib.import_module("cornu.backends.torch.compilation")


def test_code_that_reads_values_warns_once_with_its_line():
    def f(x):
        return x * 2 if x.sum() > 0 else x

    run = compilation.compile(f)
    with pytest.warns(UserWarning, match=r"`f`, line \d+ of `test_compilation.py`, reads the values.*Use `ops.cond`") as found:
        assert run(torch.ones(3)).tolist() == [2.0] * 3
        assert run(-torch.ones(3)).tolist() == [-1.0] * 3
    assert len(found) == 1
