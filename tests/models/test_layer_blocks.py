"""Which layers of a large model are shown as one, in its summary and in its diagram."""

import graphlib
import itertools

import numpy as np
import pytest

import cornu
from cornu import applications, layers
from cornu.models.layer_blocks import MOST_ROWS, Block, layer_blocks, sources_of
from cornu.models.summary import summary_text
from cornu.utils import model_to_dot

NETWORKS = {
    "ResNet50": (25, "conv4_block6_* (10 layers)"),
    "ResNet50V2": (25, "conv2_block1_* (12 layers)"),
    "MobileNetV2": (25, "block_16_* (8 layers)"),
    "MobileNetV3Small": (26, "expanded_conv_3_* (15 layers)"),
    "EfficientNetB0": (24, "block6d_* (15 layers)"),
    "EfficientNetB7": (63, "block6m_* (15 layers)"),
    "EfficientNetV2B0": (29, "block6h_* (15 layers)"),
    "EfficientNetLite0": (23, "block1a_* (5 layers)"),
    "ConvNeXtTiny": (27, "convnext_tiny_stage_2_block_7_* (7 layers)"),
    "DenseNet121": (16, "conv4_* (168 layers)"),
    "NASNetMobile": (21, "*_stem_2 (57 layers)"),
    "InceptionV3": (15, "conv2d_80 ... mixed9 (31 layers)"),
    "InceptionResNetV2": (48, "block17_20_* (16 layers)"),
    "Xception": (17, "block13_* (10 layers)"),
}
"""The number of rows, and one of them."""

SAMPLED = ("ResNet50", "InceptionV3", "MobileNetV3Small")


def cells(text: str) -> list[list[str]]:
    """The cells of the rows of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def blocks_of(model: cornu.Model) -> list[Block]:
    nodes = model.cornu_graph.nodes
    return layer_blocks([node.operation for node in nodes], sources_of(nodes))


def titles(model: cornu.Model) -> list[str]:
    """The titles of the blocks, with the numbers of their members."""
    return [f"{block.title}: {len(block.members)}" for block in blocks_of(model)]


def connections(model: cornu.Model, blocks: list[Block]) -> set[tuple[int, int]]:
    """The pairs of blocks of which one takes inputs from the other."""
    block_of = {number: place for place, block in enumerate(blocks) for number in block.members}
    sources = sources_of(model.cornu_graph.nodes)
    pairs = {(block_of[source], block_of[number]) for number in block_of for source in sources[number]}
    return {(first, second) for first, second in pairs if first != second}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLED else [pytest.mark.thorough]) for name in NETWORKS]
)
def test_networks_fold(name):
    model = getattr(applications, name)(weights=None)
    count, title = NETWORKS[name]
    blocks, rows = blocks_of(model), cells(summary_text(model, line_length=250))
    numbers = sorted(itertools.chain.from_iterable(block.members for block in blocks))
    assert numbers == list(range(len(model.cornu_graph.nodes)))
    assert len(rows) == len(blocks) == count
    assert title in [row[0] for row in rows]
    assert sum(int(row[2].replace(",", "")) for row in rows) == model.count_params()
    folded = [int(row[0].split("(")[1].split()[0]) for row in rows if row[0].endswith(" layers)")]
    assert sum(folded) + count - len(folded) == len(model.layers)
    pairs = connections(model, blocks)
    assert len(list(graphlib.TopologicalSorter({second: {first} for first, second in pairs}).static_order())) == count
    diagram = model_to_dot(model, show_shapes=True)
    assert len(diagram.boxes) == count and title.split(" (")[0] in "".join(box.title for box in diagram.boxes)
    assert sorted(diagram.edges) == sorted(pairs) and all(first < second for first, second in diagram.edges)


@pytest.mark.thorough
def test_cells_take_inputs_from_the_two_before_them():
    """That of a later cell may be computed early, by layers with automatic names."""
    found = {row[0].split(" ")[0]: row[-1] for row in cells(summary_text(applications.NASNetMobile(weights=None), 250))}
    assert found["*_6"] == "*_reduce_4, *_5" and found["*_7"] == "*_5, *_6" and found["*_12"] == "*_10, *_11"


def test_small_networks_do_not_fold():
    model = applications.VGG16(weights=None)
    assert [row[0].split(" ")[0] for row in cells(summary_text(model, line_length=250))] == [
        layer.name for layer in model.layers
    ]
    assert [block.members for block in blocks_of(model)] == [[number] for number in range(len(model.layers))]


# --- Names ------------------------------------------------------------------------------------------------------------


def chain(names: list[str]) -> cornu.Model:
    inputs = x = cornu.Input((4,), name="input")
    for name in names:
        x = layers.Dense(4, name=name)(x)
    return cornu.Model(inputs, x)


def test_models_fold_above_the_limit():
    names = [f"group{number // 5}_{number % 5}" for number in range(MOST_ROWS)]
    assert len(blocks_of(chain(names[:-1]))) == MOST_ROWS
    assert titles(chain(names)) == ["input: 1", *(f"group{number}_*: 5" for number in range(20))]


def test_as_many_words_count_as_there_must_be(deep):
    assert titles(deep)[:4] == ["x: 1", "stem: 1", "stage1_block1_*: 5", "stage1_block2_*: 5"] and len(titles(deep)) == 27
    few = [f"a_{number // 60}_b{number % 60}_{kind}" for number in range(120) for kind in "xyz"]
    assert titles(chain(few)) == ["input: 1", "a_0_*: 180", "a_1_*: 180"]  # 2 * 60 would be too many


def test_names_may_end_alike():
    names = [f"{kind}_{number}" for number in range(40) for kind in ("fc", "bn", "act")]
    assert titles(chain(names)) == ["input: 1", *(f"*_{number}: 3" for number in range(40))]


def test_names_of_layers_without_anything_in_common():
    names = [f"layer{number}" for number in range(150)]
    assert titles(chain(names)) == ["input: 1", "layer0 ... layer149: 150"]


def test_a_name_that_comes_back_begins_another_block():
    names = [f"{kind}_x{number}" for kind in ("a", "b", "a") for number in range(50)]
    names = [f"{name}_{place}" for place, name in enumerate(names)]
    blocks = blocks_of(chain(names))
    assert sorted(len(block.members) for block in blocks) == [1, 50, 50, 50]
    assert [block.title for block in blocks] == ["input", "a_*", "b_*", "a_*"]


def test_nested_models_and_inputs_are_blocks_of_their_own():
    x = inputs = cornu.Input((4,), name="net_input")
    for number in range(30):
        for kind in "abc":
            x = layers.Dense(4, name=f"net_{number}_{kind}")(x)
        x = cornu.Sequential([cornu.Input((4,)), layers.Dense(4)], name=f"net_{number}_nested")(x)
    found = titles(cornu.Model(inputs, x))
    assert found[:3] == ["net_input: 1", "net_0_*: 3", "net_0_nested: 1"] and len(found) == 61


# --- Automatic names ----------------------------------------------------------------------------------------------------


def residual(merge: str | None = None) -> cornu.Model:
    """A network of which at most the last layers of the blocks have names."""
    inputs = x = cornu.Input((4,))
    for number in range(20):
        y = layers.ReLU()(x) if merge is None else x
        y = layers.Dense(4)(layers.BatchNormalization()(y))
        y = layers.Dense(4)(layers.ReLU()(layers.Dense(4)(y)))
        x = layers.Add(name=merge and f"{merge}{number}")([y, x])
        x = layers.ReLU()(x) if merge is None else x
    return cornu.Model(inputs, x)


def test_without_names_blocks_end_at_merges():
    found = titles(residual())
    assert found[:3] == ["input_layer: 1", "re_lu ... add: 7", "re_lu_2 ... add_1: 8"] and found[-1] == "re_lu_59: 1"
    assert len(found) == 22


def test_layers_without_names_belong_to_the_name_behind_them():
    found = titles(residual("mixed"))
    assert found[:3] == ["input_layer: 1", "batch_normalization ... mixed0: 6", "batch_normalization_1 ... mixed1: 6"]
    assert len(found) == 21


def test_chains_without_names_at_the_ends_are_blocks():
    x = inputs = cornu.Input((4,))
    for name in [None] * 5 + [f"group{number // 5}_{number % 5}" for number in range(100)] + [None] * 5:
        x = layers.Dense(4, name=name)(x)
    found = titles(cornu.Model(inputs, x))
    assert found[1:3] == ["dense ... dense_4: 5", "group0_*: 5"] and found[-2:] == ["group19_*: 5", "dense_5 ... dense_9: 5"]


def test_a_merge_without_a_name_belongs_to_the_block_before_it():
    x = inputs = cornu.Input((4,), name="x")
    for number in range(30):
        y = layers.ReLU(name=f"part_{number}_relu")(layers.Dense(4, name=f"part_{number}_dense")(x))
        x = x + layers.Dense(4, name=f"part_{number}_project")(y)
    assert titles(cornu.Model(inputs, x)) == ["x: 1", *(f"part_{number}_*: 4" for number in range(30))]


def test_a_chain_without_names_folds_by_the_numbers_in_its_names():
    x = inputs = cornu.Input((4,))
    for _ in range(40):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(4)(x)))
    found = titles(cornu.Model(inputs, x))
    assert found[4:6] == ["*_1: 3", "*_2: 3"] and len(found) == 43


def test_most_layers_are_not_in_one_block():
    """A U-Net is narrow at both ends only."""
    x, skips = cornu.Input((64, 4), name="x"), []
    inputs = x
    for _ in range(3):
        x = contract(x)
        skips.append(x)
        x = layers.MaxPooling1D()(x)
    for skip in reversed(skips):
        x = contract(layers.Concatenate()([layers.UpSampling1D()(x), skip]))
    blocks = blocks_of(cornu.Model(inputs, x))
    assert 15 <= len(blocks) <= MOST_ROWS and max(len(block.members) for block in blocks) < 10


def contract(x):
    for _ in range(6):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(4, 3, padding="same")(x)))
    return x


# --- Order --------------------------------------------------------------------------------------------------------------


def test_branches_are_not_mixed():
    """Their layers alternate in the order of the model, as in Keras; a path leads from one branch to the other."""
    inputs = left = right = cornu.Input((4,), name="x")
    for number in range(20):
        for kind in "abc":
            left = layers.Dense(4, name=f"left_{number}_{kind}")(left)
            right = layers.Dense(4, name=f"right_{number}_{kind}")(right)
        if number == 10:
            right = layers.Add(name="right_10_d")([left, right])
    model = cornu.Model(inputs, layers.Add(name="both")([left, right]))
    assert [layer.name for layer in model.layers[2:4]] != ["left_0_b", "left_0_c"]
    assert sorted(titles(model))[:3] == ["both: 1", "left_0_*: 3", "left_10_*: 3"]
    assert sorted(titles(model))[-1] == "x: 1" and len(titles(model)) == 42
    assert "right_10_*: 4" in titles(model)


def random_model(seed: int) -> cornu.Model:
    rng = np.random.default_rng(seed)
    tensors = [cornu.Input((4,), name="x")]
    for number in range(150):
        group = rng.integers(20)
        name = f"group{group}_{number}" if rng.random() < 0.6 else None
        chosen = [tensors[place] for place in rng.integers(max(0, len(tensors) - 12), len(tensors), 2)]
        tensors.append(layers.Add(name=name)(chosen) if rng.random() < 0.4 else layers.Dense(4, name=name)(chosen[0]))
    return cornu.Model(tensors[0], tensors[1:])


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_keep_their_order(seed):
    model = random_model(seed)
    blocks = blocks_of(model)
    assert sorted(itertools.chain.from_iterable(block.members for block in blocks)) == list(range(len(model.layers)))
    assert all(first < second for first, second in connections(model, blocks))
    assert set(model_to_dot(model).edges) == connections(model, blocks)
