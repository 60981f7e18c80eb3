"""The warning that steps cannot be compiled, since the user's code reads the values of arrays."""

import inspect
import re
import warnings

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.training.step.multi_step import warn_about_reading

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


class Net(cornu.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


class ReadsInStep(Net):
    def train_step(self, data):
        logs = super().train_step(data)
        if logs["loss"] > 0:
            return {**logs, "high": ops.array(1.0)}
        return {**logs, "high": ops.array(0.0)}


class ReadsInCall(Net):
    def call(self, inputs):
        outputs = super().call(inputs)
        return outputs + 1 if ops.max(inputs) > 5 else outputs


LINES = {ReadsInStep: (ReadsInStep.train_step, "if logs"), ReadsInCall: (ReadsInCall.call, "ops.max")}


@pytest.mark.parametrize("kind", [ReadsInStep, ReadsInCall])
@pytest.mark.parametrize("task", ["fit", "predict"])
def test_the_warning_names_the_line_that_reads(backend, kind, task):
    if backend in ("numpy", "torch") or (kind is ReadsInStep and task == "predict"):
        pytest.skip("The engine runs this operation by operation anyway, or the code is not run.")
    function, start = LINES[kind]
    source, first = inspect.getsourcelines(function)
    line = first + next(number for number, text in enumerate(source) if start in text)
    model = kind().to_backend(backend)
    model.build((None, 3))
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="Steps run operation by operation") as caught:
        model.fit(X, Y, verbose=0) if task == "fit" else model.predict(X, verbose=0)
    [warning] = [each for each in caught if "operation by operation" in str(each.message)]
    assert (warning.filename, warning.lineno) == (__file__, line)
    named = f"since `{kind.__name__}.{function.__name__}`, line {line} of `test_multi_step.py`, reads the values of arrays: "
    assert named in str(warning.message)
    assert re.search(
        r"arrays: [A-Z].*\. Use functions of `cornu\.ops` such as `where` and `cond` instead", str(warning.message)
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("One sentence", "One sentence."),
        ("One sentence.\nAnother line.", "One sentence."),
        ("A colon at the end:\n- more", "A colon at the end."),
        ("Is 0.5 read? Yes. " + "Much more. " * 30, "Is 0.5 read? Yes." + " Much more." * 16),
        ("A long sentence " * 20 + "ends here. And then another.", "A long sentence " * 20 + "ends here."),
    ],
)
def test_the_text_of_the_engine_is_shortened_at_a_sentence(text, shown):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_about_reading(ValueError(text))
    assert f"since the model or its step reads the values of arrays: {shown} Use functions" in str(caught[0].message)
    assert caught[0].filename == __file__
