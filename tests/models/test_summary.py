"""The table of ``model.summary()``."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.models.summary import summary_text


def rows(text):
    """The cells of the table's rows, without the head."""
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def stack():
    return cornu.Sequential([cornu.Input((3,)), layers.Dense(4, name="a"), layers.BatchNormalization(name="b")], name="small")


def branching():
    x = cornu.Input((3,), name="x")
    h = layers.Dense(3, name="h")(x)
    return cornu.Model(x, layers.Add(name="both")([x, h]), name="branches")


def test_a_stack():
    text = summary_text(stack())
    assert text.splitlines()[0] == 'Model: "small"'
    assert rows(text) == [["a (Dense)", "(None, 4)", "16"], ["b (BatchNormalization)", "(None, 4)", "16"]]
    assert text.splitlines()[-3:] == [
        "Total parameters: 32 (128.00 B)",
        "Trainable parameters: 24 (96.00 B)",
        "Non-trainable parameters: 8 (32.00 B)",
    ]


def test_frozen_layers_count_as_not_trainable():
    model = stack()
    model.layers[0].trainable = False
    assert "Trainable parameters: 8 " in summary_text(model)


def test_branches_name_where_they_come_from():
    assert rows(summary_text(branching())) == [
        ["x (InputLayer)", "(None, 3)", "0", "-"],
        ["h (Dense)", "(None, 3)", "12", "x"],
        ["both (Add)", "(None, 3)", "0", "x, h"],
    ]


def test_nested_models_are_one_row_or_all_their_rows():
    model = cornu.Sequential([cornu.Input((3,)), stack(), layers.Dense(2, name="c")], name="outer")
    assert [row[0] for row in rows(summary_text(model))] == ["small (Sequential)", "c (Dense)"]
    expanded = summary_text(model, expand_nested=True)
    assert [row[0] for row in rows(expanded)] == [
        "small (Sequential)",
        "a (Dense)",
        "b (BatchNormalization)",
        "c (Dense)",
    ]
    assert "|   a (Dense)" in expanded


def test_a_model_that_is_not_built():
    text = summary_text(cornu.Sequential([layers.Dense(4, name="a")], name="raw"))
    assert rows(text) == [["a (Dense)", "?", "0 (not built)"]]


def test_a_subclassed_model_shows_what_it_learned_about_its_layers():
    class Net(cornu.Model):
        def __init__(self):
            super().__init__(name="net")
            self.first = layers.Dense(4, name="first")

        def call(self, x):
            return self.first(x)

    model = Net()
    assert rows(summary_text(model)) == [["first (Dense)", "?", "0 (not built)"]]
    model(np.ones((2, 3), "float32"))
    assert rows(summary_text(model)) == [["first (Dense)", "(None, 4)", "16"]]


def test_names_with_brackets_are_shown_as_they_are():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1, name="[red]x")])
    assert rows(summary_text(model))[0][0] == "[red]x (Dense)"


def test_the_optimizer_is_counted_once_it_has_slots():
    model = stack()
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 4), "float32"), verbose=0)
    assert "Optimizer parameters: " in summary_text(model)


def test_it_is_printed_or_given_to_a_function(capsys):
    model, given = stack(), []
    model.summary()
    assert "Total parameters: 32" in capsys.readouterr().out
    model.summary(print_fn=given.append)
    assert capsys.readouterr().out == "" and "Total parameters: 32" in given[0]


@pytest.mark.parametrize("width", [60, 120])
def test_it_keeps_to_a_width(width):
    assert max(map(len, summary_text(branching(), line_length=width).splitlines())) <= width


def test_a_large_model_is_summarised_without_drawing_a_number():
    def refuse(shape, dtype=None):
        raise AssertionError("numbers were drawn")

    model = cornu.Sequential([cornu.Input((10_000,)), layers.Dense(1_000_000, kernel_initializer=refuse)])
    assert "Total parameters: 10,001,000,000 (37.26 GB)" in summary_text(model)


# --- Arguments of Keras -----------------------------------------------------------------------------------------------


def three():
    model = cornu.Sequential(
        [cornu.Input((2,)), layers.Dense(3, name="first"), layers.ReLU(name="mid"), layers.Dense(1, name="last")]
    )
    model.layers[0].trainable = False
    return model


def test_a_column_shows_which_layers_are_trained():
    rows = [
        line.split("|")[-2].strip() for line in summary_text(three(), show_trainable=True).splitlines() if line.startswith("|")
    ]
    assert rows[-3:] == ["N", "-", "Y"]


def test_a_range_of_layers_is_shown():
    text = summary_text(three(), layer_range=["mi.", "last"])
    assert "first (Dense)" not in text and "mid (ReLU)" in text and "last (Dense)" in text
    with pytest.raises(cornu.errors.InvalidArgumentError, match=r"'lst' in `layer_range`.*Did you mean 'last'"):
        summary_text(three(), layer_range=["first", "lst"])
    with pytest.raises(cornu.errors.InvalidArgumentError, match="It must be a pair of strings"):
        summary_text(three(), layer_range=["first"])


def test_positions_are_the_ends_of_the_columns():
    line = summary_text(three(), line_length=60, positions=[0.5, 0.8, 1.0]).splitlines()[2]
    assert [place for place, letter in enumerate(line) if letter == "|"][1:] == [30, 48, 59]
    with pytest.raises(cornu.errors.InvalidArgumentError, match="3 increasing numbers"):
        summary_text(three(), positions=[0.5, 0.5, 1.0])


# --- Models with many layers ------------------------------------------------------------------------------------------


def wide(model, **arguments):
    """The rows of a table whose cells are on one line."""
    return rows(summary_text(model, line_length=200, **arguments))


def test_blocks_are_one_row_each(deep):
    found = wide(deep)
    assert found[:4] == [
        ["x (InputLayer)", "(None, 4)", "0"],
        ["stem (Dense)", "(None, 4)", "20"],
        ["stage1_block1_* (5 layers)", "(None, 4)", "56"],
        ["stage1_block2_* (5 layers)", "(None, 4)", "56"],
    ]
    assert found[-1] == ["head (Dense)", "(None, 2)", "10"] and len(found) == 27
    lines = summary_text(deep).splitlines()
    assert lines[-4] == "Blocks are one row each: `summary(expand_blocks=True)` lists all 123 layers."
    assert lines[-3].startswith(f"Total parameters: {deep.count_params():,} ")


def test_each_layer_is_a_row_if_blocks_are_expanded(deep, capsys):
    found = wide(deep, expand_blocks=True)
    assert [row[0].split(" ")[0] for row in found] == [layer.name for layer in deep.layers]
    assert found[5] == ["stage1_block1_dense_2 (Dense)", "(None, 4)", "20", "stage1_block1_relu"]
    deep.summary(expand_blocks=True)
    assert "Blocks are" not in (printed := capsys.readouterr().out) and printed.count("BatchNormalization") == 24


def test_few_layers_of_a_range_are_not_folded(deep):
    found = wide(deep, layer_range=["stage1_block1_bn", "stage1_block1_add"])
    assert [row[0].split(" ")[0] for row in found] == [f"stage1_block1_{name}" for name in ("bn", "relu", "dense_2", "add")]
    found = wide(deep, layer_range=["stage1_block2_relu", "head"])
    assert [row[0] for row in found[:2]] == ["stage1_block2_* (3 layers)", "stage1_block3_* (5 layers)"] and len(found) == 24


def test_a_block_may_be_trained_in_part(deep):
    for layer in deep.layers[:9]:
        layer.trainable = False
    assert [row[-1] for row in wide(deep, show_trainable=True)[:5]] == ["-", "N", "N", "part", "Y"]


def test_nested_models_fold_in_their_own_rows(deep):
    model = cornu.Sequential([cornu.Input((4,)), deep, layers.Dense(1, name="last")], name="outer")
    assert [row[0] for row in wide(model)] == ["deep (Model)", "last (Dense)"]
    found = [row[0] for row in wide(model, expand_nested=True)]
    assert found[3:5] == ["stage1_block1_* (5 layers)", "stage1_block2_* (5 layers)"] and len(found) == 29
    assert len(wide(model, expand_nested=True, expand_blocks=True)) == 125


def test_rows_tell_where_blocks_come_from_unless_they_are_a_chain(deep):
    y = layers.Add(name="sum")([deep.get_layer("stage1_block3_add").output, deep.get_layer("stage3_block8_add").output])
    found = wide(cornu.Model(deep.inputs, y))
    assert [row[-1] for row in found[:3]] == ["-", "x", "stem"]
    assert found[-1][-1] == "stage1_block3_*, stage3_block8_*"


def test_models_without_a_graph_fold_as_their_layers_are_listed():
    class Net(cornu.Model):
        def __init__(self):
            super().__init__(name="net")
            self.parts = [layers.Dense(2, name=f"part{n // 8}_{n % 8}") for n in range(160)]

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x

    model = Net()
    assert wide(model) == [[f"part{number}_* (8 layers)", "?", "0 (not built)"] for number in range(20)]
    model(np.ones((2, 2), "float32"))
    assert wide(model) == [[f"part{number}_* (8 layers)", "(None, 2)", "48"] for number in range(20)]
