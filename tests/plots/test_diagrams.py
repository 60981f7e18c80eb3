"""Diagrams are well-formed files of every format that show all boxes and arrows."""

import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from cornu.errors import InvalidArgumentError
from cornu.plots.diagrams import DIRECTIONS, Box, Diagram

BOXES = [Box("first <&>", ("(None, 4)",)), Box("second"), Box("third", ("a | b {c}", "float32"))]
EDGES = [(0, 1), (1, 2), (0, 2)]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(direction: str = "TB") -> ET.Element:
    return ET.fromstring(Diagram(BOXES, EDGES, direction).create(format="svg"))


def test_an_svg_contains_each_text_and_arrow():
    root = drawn()
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts == ["first <&>", "(None, 4)", "second", "third", "a | b {c}", "float32"]
    assert len([path for path in root.iter(f"{SVG}path") if path.get("marker-end")]) == 3


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_boxes_follow_each_other_in_the_direction(direction):
    root = drawn(direction)
    axis, sign = ("x" if direction in ("LR", "RL") else "y"), (-1 if direction in ("BT", "RL") else 1)
    places = [sign * float(text.get(axis)) for text in root.iter(f"{SVG}text") if text.get("font-weight")]
    assert places == sorted(places) and len(set(places)) == 3


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_everything_is_inside_the_image(direction):
    root = drawn(direction)
    width, height = map(float, root.get("viewBox").split()[2:])
    for frame in root.iter(f"{SVG}rect"):
        if frame.get("x"):
            x, y, w, h = (float(frame.get(name)) for name in ("x", "y", "width", "height"))
            assert 0 <= x < x + w <= width and 0 <= y < y + h <= height
    for path in root.iter(f"{SVG}path"):
        if path.get("marker-end"):
            points = np.array(re.findall(r"-?\d+\.\d", path.get("d")), "float").reshape(-1, 2)
            assert (points >= 0).all() and (points <= [width, height]).all()


def test_images_have_the_resolution_and_the_proportions_of_the_svg():
    root = drawn()
    size = np.array([float(root.get(name).removesuffix("pt")) for name in ("width", "height")])
    for dpi in (72, 144):
        image = Image.open(io.BytesIO(Diagram(BOXES, EDGES, dpi=dpi).create(format="png")))
        np.testing.assert_allclose(image.size, size * dpi / 72, atol=2)


def test_the_boxes_of_an_image_are_where_those_of_the_svg_are():
    root = drawn()
    image = np.asarray(Image.open(io.BytesIO(Diagram(BOXES, EDGES, dpi=72).create(format="png"))).convert("RGB")).astype(int)
    for text in root.iter(f"{SVG}text"):
        if text.get("font-weight"):  # a title, on blue
            x, y = float(text.get("x")), float(text.get("y"))
            region = image[int(y) - 12 : int(y) + 3, int(x) - 25 : int(x) + 25]
            assert (np.abs(region - [0, 0x72, 0xB2]).sum(axis=2) < 30).mean() > 0.3


@pytest.mark.parametrize(
    ("format", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("jpg", b"\xff\xd8"), ("dot", b"digraph")]
)
def test_the_extension_decides_about_the_format(format, start, tmp_path):
    Diagram(BOXES, EDGES).write(tmp_path / f"a.{format}")
    assert (tmp_path / f"a.{format}").read_bytes().startswith(start)


def test_a_format_may_be_named(tmp_path):
    Diagram(BOXES, EDGES).write(tmp_path / "a", format="svg")
    assert (tmp_path / "a").read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize("letter", ["\x01", "\x85", "\ud800", "\ufffe", "\n"])
@pytest.mark.parametrize("format", ["svg", "png", "dot"])
def test_letters_that_are_not_printable_are_escaped(letter, format):
    content = Diagram([Box(f"a{letter}", [f"b{letter}"])], []).create(format=format)
    if format == "svg":
        texts = [element.text for element in ET.fromstring(content).iter(f"{SVG}text")]
        assert texts == [f"{name}{ascii(letter)[1:-1]}" for name in "ab"]


def test_the_language_of_graphviz_is_escaped():
    lines = Diagram(BOXES, EDGES, "LR").to_string().splitlines()
    assert lines[1] == "  rankdir=LR; node [shape=record];"
    assert lines[2] == r'  0 [label="{first \<&\>|(None, 4)}"];'
    assert lines[4] == r'  2 [label="{third|a \| b \{c\}|float32}"];'
    assert lines[5:] == ["  0 -> 1;", "  1 -> 2;", "  0 -> 2;", "}"]


def test_mistakes(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"`rankdir='top'`.*must be one of 'TB', 'BT', 'LR', 'RL'"):
        Diagram(BOXES, EDGES, "top")
    with pytest.raises(InvalidArgumentError, match=r"`format='gif'`.*must be one of 'svg'"):
        Diagram(BOXES, EDGES).create(format="gif")
    with pytest.raises(InvalidArgumentError, match=r"written to '.*model.xyz'.*extensions svg, png, pdf.*'model.svg'"):
        Diagram(BOXES, EDGES).write(tmp_path / "model.xyz")
    assert list(tmp_path.iterdir()) == []
