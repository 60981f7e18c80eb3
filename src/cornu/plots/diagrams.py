"""Diagrams of boxes and arrows, as SVG, as an image, and in the language of Graphviz. Graphviz is not required."""

import html
import io
import itertools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cornu.errors import InvalidArgumentError, one_of
from cornu.io.atomic import atomic_write
from cornu.plots.layered_layout import Layout, layered_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIRECTIONS = ("TB", "BT", "LR", "RL")
"""Directions of the arrows: ``"TB"`` from top to bottom, ``"LR"`` from left to right, and their opposites."""

FORMATS = ("svg", "png", "pdf", "jpg", "jpeg", "dot")
"""Formats of the files."""

_FONT, _SMALL = 10.0, 8.5
_MARGIN, _PADDING, _LINE = 12.0, 10.0, 14.0
"""Sizes in points: of the fonts of titles and other lines, around the diagram, inside a box, and of a line of text."""

_TITLE_COLOR, _BORDER, _PAPER, _TEXT, _PALE, _ARROW = "#0072B2", "#5B6770", "#FFFFFF", "#222222", "#EAF3F8", "#5B6770"
_FONTS = ["DejaVu Sans", "Verdana", "Helvetica", "Arial", "sans-serif"]


class Box(NamedTuple):
    """Box of a diagram.

    Attributes:
        title: String, the first line, on a colored background.
        lines: Sequence of strings, the lines below it. Defaults to none.

    Example:
        >>> from cornu.plots.diagrams import Box
        >>> Box("Dense", ("(None, 4)",)).size
        (67.4, 38.0)
    """

    title: str
    lines: Sequence[str] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        widths = [0.68 * _FONT * len(self.title), *(0.62 * _SMALL * len(line) for line in self.lines)]
        lines = len(self.lines) * _LINE + (4.0 if self.lines else 0.0)
        return max(round(max(widths) + 2 * _PADDING, 1), 60.0), _LINE + 6.0 + lines


class Diagram:
    """Boxes that arrows connect.

    Args:
        boxes: Sequence of ``Box`` instances.
        edges: Sequence of pairs of numbers of boxes. Each leads to a box with a larger number.
        direction: One of :data:`DIRECTIONS`. Defaults to ``"TB"``.
        dpi: Integer, dots per inch of images. Defaults to 200.

    Example:
        >>> from cornu.plots.diagrams import Box, Diagram
        >>> diagram = Diagram([Box("a"), Box("b")], [(0, 1)])
        >>> print(diagram.to_string())
        digraph {
          rankdir=TB; node [shape=record];
          0 [label="{a}"];
          1 [label="{b}"];
          0 -> 1;
        }
    """

    def __init__(self, boxes: Sequence[Box], edges: Sequence[tuple[int, int]], direction: str = "TB", dpi: int = 200):
        if direction not in DIRECTIONS:
            raise one_of("rankdir", direction, DIRECTIONS)
        self.boxes = [Box(_printable(box.title), [_printable(line) for line in box.lines]) for box in boxes]
        self.edges, self.direction, self.dpi = list(edges), direction, dpi

    def to_string(self) -> str:
        """Return the diagram in the language of Graphviz."""
        lines = [f"  {first} -> {second};" for first, second in self.edges]
        nodes = [
            f'  {number} [label="{{{"|".join(map(_escaped, (box.title, *box.lines)))}}}"];'
            for number, box in enumerate(self.boxes)
        ]
        return "\n".join(["digraph {", f"  rankdir={self.direction}; node [shape=record];", *nodes, *lines, "}"])

    def create(self, prog: str | None = None, format: str = "svg") -> bytes:
        """Return the content of a file of the diagram.

        Args:
            prog: Accepted for compatibility with ``pydot``, where it is the program that draws. Defaults to None.
            format: One of :data:`FORMATS`. Defaults to ``"svg"``.

        Raises:
            InvalidArgumentError: If the format is unknown.
        """
        if format not in FORMATS:
            raise one_of("format", format, FORMATS)
        if format in ("svg", "dot"):
            return (self._svg() if format == "svg" else self.to_string()).encode("utf-8")
        return self._image(format)

    def write(self, path: str | os.PathLike, prog: str | None = None, format: str | None = None) -> None:
        """Write the diagram to a file, atomically.

        Args:
            path: Path of the file.
            prog: Accepted for compatibility with ``pydot``. Defaults to None.
            format: One of :data:`FORMATS`. Defaults to the extension of the path.

        Raises:
            InvalidArgumentError: If the format is unknown.
        """
        extension = os.path.splitext(os.fspath(path))[1].removeprefix(".").lower()
        if format is None and extension not in FORMATS:
            raise InvalidArgumentError(
                f"A diagram was to be written to {os.fspath(path)!r}.",
                f"The file must have one of the extensions {', '.join(FORMATS)}.",
                "Pass, for example, 'model.svg'.",
            )
        content = self.create(format=format or extension)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)

    def _layout(self) -> Layout:
        """Return the positions, for any direction."""
        sizes = [box.size for box in self.boxes]
        across = self.direction in ("LR", "RL")
        found = layered_layout([(height, width) for width, height in sizes] if across else sizes, self.edges)
        flipped = self.direction in ("BT", "RL")

        def turned(points: np.ndarray) -> np.ndarray:
            points = np.array([0.0, found.size[1]]) + points * [1.0, -1.0] if flipped else points
            return points[:, ::-1] if across else points

        size = found.size[::-1] if across else found.size
        return Layout(
            turned(found.centers) + _MARGIN,
            [turned(path) + _MARGIN for path in found.paths],
            (size[0] + 2 * _MARGIN, size[1] + 2 * _MARGIN),
        )

    def _curve(self, path: np.ndarray) -> np.ndarray:
        """Return the control points of the cubic curves through the points of an edge, which leave boxes at right angles."""
        along = np.array([1.0, 0.0] if self.direction in ("LR", "RL") else [0.0, 1.0])
        points = [path[0]]
        for first, second in itertools.pairwise(path):
            half = (second - first) * along / 2
            points += [first + half, second - half, second]
        return np.array(points)

    def _svg(self) -> str:
        layout = self._layout()
        width, height = layout.size
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.1f}pt" height="{height:.1f}pt" '
            f'viewBox="0 0 {width:.1f} {height:.1f}" font-family="{", ".join(_FONTS)}">',
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0.5 L8 4 L0 7.5 z" fill="{_ARROW}"/></marker></defs>',
            f'<rect width="100%" height="100%" fill="{_PAPER}"/>',
        ]
        for path in layout.paths:
            start, *rest = (f"{x:.1f} {y:.1f}" for x, y in self._curve(path))
            lines.append(f'<path d="M{start} C{" ".join(rest)}" fill="none" stroke="{_ARROW}" marker-end="url(#arrow)"/>')
        for box, (x, y) in zip(self.boxes, layout.centers, strict=True):
            lines += _svg_box(box, x, y)
        return "\n".join([*lines, "</svg>\n"])

    def _image(self, format: str) -> bytes:
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        layout = self._layout()
        width, height = layout.size
        figure = Figure((width / 72, height / 72), facecolor=_PAPER)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for path in layout.paths:
            points = self._curve(path)
            curve = Path(points, [Path.MOVETO] + [Path.CURVE4] * (len(points) - 1))
            axes.add_patch(
                FancyArrowPatch(path=curve, arrowstyle="-|>", mutation_scale=7, color=_ARROW, linewidth=1, shrinkB=0)
            )
        for box, (x, y) in zip(self.boxes, layout.centers, strict=True):
            _draw_box(axes, box, x, y)
        file = io.BytesIO()
        figure.savefig(file, format=format, dpi=self.dpi)
        return file.getvalue()


def _printable(text: str) -> str:
    r"""Return a text with escapes such as ``\x01`` for letters that are not printable, which XML does not allow."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _escaped(text: str) -> str:
    """Return a text for a record of Graphviz."""
    return "".join(f"\\{letter}" if letter in '{}|<>"\\' else letter for letter in text)


def _baselines(box: Box, y: float) -> list[float]:
    """Return the vertical positions of the lines of text."""
    top = y - box.size[1] / 2
    return [top + _LINE, *(top + 2 * _LINE + 5.5 + number * _LINE for number in range(len(box.lines)))]


def _svg_box(box: Box, x: float, y: float) -> list[str]:
    width, height = box.size
    left, top, title = x - width / 2, y - height / 2, _LINE + 6.0
    frame = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}"'
    first, *rest = _baselines(box, y)
    parts = [
        f'<rect {frame} height="{height:.1f}" rx="4" fill="{_PALE}"/>',
        f'<path d="M{left:.1f} {top + title:.1f} v{4 - title:.1f} q0 -4 4 -4 h{width - 8:.1f} q4 0 4 4 v{title - 4:.1f} z" '
        f'fill="{_TITLE_COLOR}"/>'
        if box.lines
        else f'<rect {frame} height="{height:.1f}" rx="4" fill="{_TITLE_COLOR}"/>',
        f'<rect {frame} height="{height:.1f}" rx="4" fill="none" stroke="{_BORDER}" stroke-width="0.8"/>',
        f'<text x="{x:.1f}" y="{first:.1f}" text-anchor="middle" font-size="{_FONT}" font-weight="bold" fill="white">'
        f"{html.escape(box.title)}</text>",
    ]
    return parts + [
        f'<text x="{x:.1f}" y="{place:.1f}" text-anchor="middle" font-size="{_SMALL}" fill="{_TEXT}">{html.escape(line)}</text>'
        for place, line in zip(rest, box.lines, strict=True)
    ]


def _draw_box(axes: "Axes", box: Box, x: float, y: float) -> None:
    from matplotlib.patches import BoxStyle, FancyBboxPatch, Rectangle

    width, height = box.size
    left, top = x - width / 2, y - height / 2

    def frame() -> FancyBboxPatch:
        return FancyBboxPatch((left, top), width, height, BoxStyle("Round", pad=0, rounding_size=4), linewidth=0)

    background, border, shape = frame(), frame(), frame()
    background.set_facecolor(_PALE if box.lines else _TITLE_COLOR)
    axes.add_patch(background)
    if box.lines:
        title = Rectangle((left, top), width, _LINE + 6.0, facecolor=_TITLE_COLOR, linewidth=0)
        axes.add_patch(title)
        shape.set_transform(axes.transData)
        title.set_clip_path(shape)
    border.set(facecolor="none", edgecolor=_BORDER, linewidth=0.8)
    axes.add_patch(border)
    texts = zip(_baselines(box, y), (box.title, *box.lines), strict=True)
    for number, (place, line) in enumerate(texts):
        text = axes.text(x, place, line, ha="center", va="baseline", parse_math=False, fontfamily=_FONTS[0])
        text.set(color=_TEXT if number else "white", fontsize=_SMALL if number else _FONT)
        text.set_fontweight("normal" if number else "bold")
