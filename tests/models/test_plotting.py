"""The diagram of a model shows its layers, their connections, shapes, dtypes and activations."""

import sys
from types import SimpleNamespace

import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError
from cornu.utils import model_to_dot, plot_model


@pytest.fixture
def model() -> cornu.Model:
    """Two inputs, a residual connection, a nested model that is called twice, an op, and two outputs."""
    inner = cornu.Sequential([cornu.Input((4,), name="inside"), layers.Dense(4, activation="relu", name="one")], name="inner")
    a, b = cornu.Input((4,), name="a"), cornu.Input((4,), name="b")
    x = inner(a)
    y = layers.Add(name="add")([x, a])
    return cornu.Model([a, b], [layers.Dense(2, name="left")(y), inner(b) * 2.0])


def titles(diagram) -> list[str]:
    return [box.title for box in diagram.boxes]


def named_edges(diagram) -> set[tuple[str, str]]:
    return {(titles(diagram)[first], titles(diagram)[second]) for first, second in diagram.edges}


def test_boxes_and_arrows_are_the_layers_and_their_connections(model):
    diagram = model_to_dot(model, show_layer_names=True)
    assert sorted(titles(diagram)) == sorted(
        [
            "a (InputLayer)",
            "b (InputLayer)",
            "inner (Sequential)",
            "inner (Sequential)",
            "add (Add)",
            "left (Dense)",
            "multiply",
        ]
    )
    assert named_edges(diagram) == {
        ("a (InputLayer)", "inner (Sequential)"),
        ("b (InputLayer)", "inner (Sequential)"),
        ("a (InputLayer)", "add (Add)"),
        ("inner (Sequential)", "add (Add)"),
        ("add (Add)", "left (Dense)"),
        ("inner (Sequential)", "multiply"),
    }


def test_without_names_boxes_show_the_classes(model):
    assert set(titles(model_to_dot(model, show_layer_names=False))) == {"InputLayer", "Sequential", "Add", "Dense", "multiply"}


def test_nested_models_are_expanded_where_they_are_called(model):
    diagram = model_to_dot(model, expand_nested=True)
    assert titles(diagram).count("inner/one (Dense)") == 2
    assert {("a (InputLayer)", "inner/one (Dense)"), ("inner/one (Dense)", "add (Add)"), ("inner/one (Dense)", "multiply")} <= (
        named_edges(diagram)
    )
    assert not [title for title in titles(diagram) if "inside" in title]


def test_shapes_dtypes_activations_and_training_are_lines(model):
    model.get_layer("left").trainable = False
    arguments = {"show_shapes": True, "show_dtype": True, "show_layer_activations": True, "show_trainable": True}
    diagram = model_to_dot(model, expand_nested=True, **arguments)
    lines = {box.title: list(box.lines) for box in diagram.boxes}
    assert lines["a (InputLayer)"] == ["(None, 4)", "float32"]
    assert lines["inner/one (Dense)"] == ["activation: relu", "(None, 4)", "float32", "trainable"]
    assert lines["left (Dense)"] == ["activation: linear", "(None, 4) → (None, 2)", "float32", "not trainable"]
    assert lines["add (Add)"] == ["(None, 4), (None, 4) → (None, 4)", "float32"]


def test_sequential_models_are_a_chain():
    model = cornu.Sequential([layers.Dense(3, name="one"), layers.Dense(2, name="two")])
    model.build((None, 4))
    diagram = model_to_dot(model, show_layer_names=True)
    assert diagram.edges == [(0, 1), (1, 2)]
    assert titles(diagram)[1:] == ["one (Dense)", "two (Dense)"]


def test_a_subclassed_model_is_one_box():
    class Mine(cornu.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model.build((None, 3))
    assert titles(model_to_dot(model)) == ["mine (Mine)"]


def test_blocks_of_large_models_are_one_box_each(deep):
    diagram = model_to_dot(deep, show_layer_names=False)
    assert titles(diagram)[:3] == ["InputLayer", "Dense", "stage1_block1_* (5 layers)"]
    assert len(titles(diagram)) == 27 and diagram.edges == [(number, number + 1) for number in range(26)]
    assert diagram.boxes[2].lines == []
    expanded = model_to_dot(deep, expand_blocks=True)
    assert titles(expanded) == [f"{layer.name} ({type(layer).__name__})" for layer in deep.layers]
    assert len(expanded.edges) == 122 + 24


def test_boxes_of_blocks_show_what_goes_in_and_out(deep):
    for layer in deep.layers[:9]:
        layer.trainable = False
    arguments = {"show_shapes": True, "show_dtype": True, "show_layer_activations": True, "show_trainable": True}
    lines = {box.title: list(box.lines) for box in model_to_dot(deep, **arguments).boxes}
    assert lines["stage1_block1_* (5 layers)"] == ["(None, 4)", "56 parameters", "float32", "not trainable"]
    assert lines["stage1_block2_* (5 layers)"][-1] == "partly trainable"
    assert lines["stage3_block8_* (5 layers)"][-1] == "trainable"
    inputs = x = [cornu.Input((size,), name=f"x{size}") for size in (2, 3)]
    for number in range(60):
        x = [layers.Dense(4, name=f"pair{number // 3}_{number}_{side}")(tensor) for side, tensor in enumerate(x)]
    boxes = model_to_dot(cornu.Model(inputs, x), show_shapes=True).boxes
    assert [(box.title, list(box.lines)) for box in boxes[2:4]] == [
        ("pair0_* (6 layers)", ["(None, 2), (None, 3) → (None, 4), (None, 4)", "108 parameters"]),
        ("pair1_* (6 layers)", ["(None, 4), (None, 4)", "120 parameters"]),
    ]


def test_blocks_of_nested_models_are_drawn_where_these_are_called(deep):
    a, b = cornu.Input((4,), name="a"), cornu.Input((4,), name="b")
    model = cornu.Model([a, b], layers.Add(name="sum")([deep(a), deep(b)]))
    assert len(titles(model_to_dot(model))) == 5
    diagram = model_to_dot(model, expand_nested=True)
    assert titles(diagram).count("deep/stage2_block1_* (5 layers)") == 2
    assert len(titles(diagram)) == 2 + 2 * 26 + 1 and ("deep/stem (Dense)", "deep/stage1_block1_* (5 layers)") in (
        named_edges(diagram)
    )


@pytest.mark.parametrize("extension", ["png", "svg"])
def test_files_are_written(extension, model, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)  # another test may have imported it
    path = tmp_path / f"model.{extension}"
    assert plot_model(model, path, show_shapes=True, rankdir="LR", dpi=72) is None
    assert path.stat().st_size > 1000
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_in_a_notebook_the_image_is_returned(model, tmp_path, monkeypatch):
    display = SimpleNamespace(SVG=lambda filename: ("svg", filename), Image=lambda filename: ("image", filename))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(display=display))
    assert plot_model(model, tmp_path / "a.svg") == ("svg", str(tmp_path / "a.svg"))
    assert plot_model(model, tmp_path / "a.png", dpi=50) == ("image", str(tmp_path / "a.png"))
    assert plot_model(model, tmp_path / "a.dot") is None


def test_mistakes(model, tmp_path):
    with pytest.raises(NotBuiltError, match=r"`plot_model` received the model 'new', which is not built.*`model.build\("):
        plot_model(cornu.Sequential([layers.Dense(2)], name="new"))
    with pytest.raises(InvalidArgumentError, match=r"`rankdir='down'`"):
        plot_model(model, tmp_path / "a.png", rankdir="down")
    with pytest.raises(InvalidArgumentError, match=r"`plot_model` received `dpi=0`"):
        plot_model(model, tmp_path / "a.png", dpi=0)
    with pytest.raises(InvalidTypeError, match=r"`plot_model` received an unknown argument `show_shape`"):
        plot_model(model, show_shape=True)
