"""Drawing of bounding boxes and segmentation masks on images, and galleries of images."""

import functools
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu import config
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ShapeError, one_of
from cornu.io.atomic import atomic_write
from cornu.ops import convert_to_numpy
from cornu.ops.image.bounding_boxes import convert_format
from cornu.plots.canvas import INK
from cornu.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]

Color = Sequence[int]
"""Red, green and blue, from 0 to 255."""


def _as_pixels(images: ArrayLike, data_format: str | None, value_range: Sequence[float] | None = None) -> np.ndarray:
    """Return a batch of images as new ``uint8`` pixels, channels last.

    Args:
        images: Array-like of four axes.
        data_format: Where its channels are; None for the global setting.
        value_range: Its smallest and largest value. Defaults to None: [0, 1] for floats of at most 1, else [0, 255].
    """
    pixels = np.asarray(convert_to_numpy(images))
    if pixels.ndim != 4:
        raise ShapeError(
            f"`images` has shape {pixels.shape}.",
            "It must be a batch of images: (batch, height, width, channels), or channels first.",
            "Pass a single image as `image[None]`.",
        )
    if _data_format(data_format) == "channels_first":
        pixels = np.moveaxis(pixels, 1, -1)
    if value_range is None:
        value_range = (0, 1) if pixels.dtype.kind == "f" and pixels.max(initial=0) <= 1 else (0, 255)
    low, high = value_range
    if not low < high:
        raise InvalidArgumentError(
            f"`value_range` is {tuple(value_range)}.",
            "It must be two numbers in ascending order.",
            "Pass `(0, 255)` or `(0, 1)`.",
        )
    scaled = pixels if (low, high) == (0, 255) else (pixels.astype("float32") - low) * (255 / (high - low))
    return np.clip(scaled, 0, 255).astype("uint8")


def _data_format(data_format: str | None) -> str:
    found = data_format or config.image_data_format()
    if found not in ("channels_last", "channels_first"):
        raise one_of("data_format", found, ("channels_last", "channels_first"))
    return found


def _like_input(pixels: np.ndarray, data_format: str | None) -> np.ndarray:
    return pixels if _data_format(data_format) == "channels_last" else np.moveaxis(pixels, -1, 1)


def draw_bounding_boxes(
    images: ArrayLike,
    bounding_boxes: Mapping[str, ArrayLike],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: Color = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int | None = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Draw bounding boxes with their labels on a batch of images.

    Args:
        images: Array-like of shape ``(batch, height, width, channels)``; floats of at most 1 are in [0, 1], other values in
            [0, 255].
        bounding_boxes: Dict of ``"boxes"``, of shape ``(batch, boxes, 4)``, ``"labels"``, of shape ``(batch, boxes)``, where -1
            stands for no box, and optionally ``"confidences"``, of the shape of the labels.
        bounding_box_format: Format of the boxes, such as ``"xyxy"`` (see ``cornu.utils.bounding_boxes``).
        class_mapping: Dict of labels to their names; only these are written. Defaults to None (no names).
        color: Red, green and blue, from 0 to 255. Defaults to gray.
        line_thickness: Integer, width of the lines in pixels. Defaults to 2.
        text_thickness: Integer; the text is bold if it is greater than 1; None for ``line_thickness``. Defaults to 1.
        font_scale: Float, size of the font in units of 24 pixels. Defaults to 1.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.

    Returns:
        ``uint8`` NumPy array of the shape of ``images``.

    Raises:
        ShapeError: If the images or the boxes have another shape.
        InvalidTypeError: If ``bounding_boxes`` is not a dict.
        InvalidArgumentError: If the boxes or labels are missing, or the format is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.visualization import draw_bounding_boxes
        >>> boxes = {"boxes": [[[1, 1, 4, 3]]], "labels": [[0]]}
        >>> draw_bounding_boxes(np.zeros((1, 5, 6, 3)), boxes, "xyxy", color=(9, 9, 9), line_thickness=1)[0, :, :, 0].tolist()
        [[0, 0, 0, 0, 0, 0], [0, 9, 9, 9, 9, 0], [0, 9, 0, 0, 9, 0], [0, 9, 9, 9, 9, 0], [0, 0, 0, 0, 0, 0]]
    """
    pixels = _as_pixels(images, data_format)
    boxes, labels, confidences = _checked_boxes(bounding_boxes, bounding_box_format, pixels.shape)
    is_bold = (line_thickness if text_thickness is None else text_thickness) > 1
    for image, own, classes, certain in zip(pixels, boxes, labels, confidences, strict=True):
        ink = np.array(color if image.shape[-1] != 1 else [round(float(np.mean(color)))], "uint8")
        ink = np.append(ink, [255] * (image.shape[-1] - len(ink))).astype("uint8")  # an alpha channel is opaque
        for (x0, y0, x1, y1), label, confidence in zip(
            (own + 1e-3).astype(int).tolist(), classes.tolist(), certain, strict=True
        ):
            if label == -1:
                continue
            _draw_frame(image, (x0, y0, x1, y1), ink, line_thickness)
            if label in (class_mapping or {}):
                text = class_mapping[label] + ("" if confidence is None else f" | {confidence:.2f}")
                _draw_text(image, text, (x0 - line_thickness // 2, y0 - line_thickness // 2), ink, font_scale, is_bold)
    return _like_input(pixels, data_format)


def _checked_boxes(given: Mapping[str, ArrayLike], name: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return the edges of boxes, labels and confidences (None for none) of a batch of images of a shape."""
    if not isinstance(given, Mapping):
        raise InvalidTypeError(
            f"`bounding_boxes` is a {type(given).__name__}.",
            "It must be a dict with the keys 'boxes' and 'labels'.",
            "Pass `{'boxes': boxes, 'labels': labels}`.",
        )
    if not {"boxes", "labels"} <= given.keys():
        raise InvalidArgumentError(
            f"`bounding_boxes` has the keys {sorted(given)}.",
            "It must have the keys 'boxes' and 'labels'.",
            "Pass `{'boxes': boxes, 'labels': labels}`.",
        )
    with config.placement_scope("numpy"):
        edges = convert_to_numpy(convert_format(convert_to_numpy(given["boxes"]), name, "xyxy", shape[1], shape[2]))
    labels = np.asarray(convert_to_numpy(given["labels"])).astype(int)
    confidences = given.get("confidences")
    confidences = np.full(labels.shape, None) if confidences is None else np.asarray(convert_to_numpy(confidences))
    if edges.shape != (shape[0], *labels.shape[1:], 4) or labels.ndim != 2 or confidences.shape != labels.shape:
        raise ShapeError(
            f"`bounding_boxes` has boxes of shape {edges.shape} and labels of shape {labels.shape}, for {shape[0]} images.",
            "Boxes must have shape (images, boxes, 4), labels and confidences (images, boxes).",
            "Add boxes with the label -1 where an image has fewer.",
        )
    return edges, labels, confidences


def _draw_frame(image: np.ndarray, corners: tuple[int, int, int, int], ink: np.ndarray, thickness: int) -> None:
    """Draw the frame of a box into an image; its line is centered on the edges, which the box contains."""
    x0, y0, x1, y1 = corners
    before, after = thickness // 2, thickness - thickness // 2
    left, right, top, bottom = x0 - before, x1 + before + 1, y0 - before, y1 + before + 1
    for rows, columns in (
        ((top, y0 + after), (left, right)),
        ((y1 + 1 - after, bottom), (left, right)),
        ((top, bottom), (left, x0 + after)),
        ((top, bottom), (x1 + 1 - after, right)),
    ):
        image[max(rows[0], 0) : max(rows[1], 0), max(columns[0], 0) : max(columns[1], 0)] = ink


def _draw_text(
    image: np.ndarray, text: str, corner: tuple[int, int], ink: np.ndarray, font_scale: float, is_bold: bool
) -> None:
    """Write text on a plate of color above a corner of a box, or below it where the image ends."""
    from PIL import Image, ImageDraw

    font = _font(max(round(24 * font_scale), 6), is_bold)
    left, _, right, _ = font.getbbox(text, anchor="ls")
    ascent, descent = font.getmetrics()
    margin = max(round(3 * font_scale), 1)
    plate = Image.new("L", (math.ceil(right - min(left, 0)) + 2 * margin, ascent + descent), 0)
    ImageDraw.Draw(plate).text((margin - min(left, 0), ascent), text, 255, font, anchor="ls")
    x = max(min(corner[0], image.shape[1] - plate.width), 0)
    y = corner[1] - plate.height if corner[1] >= plate.height else max(corner[1], 0)
    part = image[y : y + plate.height, x : x + plate.width]
    opacity = np.asarray(plate)[: part.shape[0], : part.shape[1], np.newaxis] / 255.0
    letters = np.where(np.arange(len(ink)) < 3, 255 * (np.mean(ink[:3]) < 128), ink)  # black on light plates
    part[...] = np.round(opacity * letters + (1 - opacity) * ink)


@functools.cache
def _font(size: int, is_bold: bool) -> Any:
    from matplotlib.font_manager import FontProperties, findfont
    from PIL import ImageFont

    return ImageFont.truetype(findfont(FontProperties(family="DejaVu Sans", weight="bold" if is_bold else "normal")), size)


def draw_segmentation_masks(
    images: ArrayLike,
    segmentation_masks: ArrayLike,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Color] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Draw segmentation masks over a batch of color images.

    Args:
        images: Array-like of shape ``(batch, height, width, 3)``; floats of at most 1 are in [0, 1], other values in [0, 255].
        segmentation_masks: Integers of shape ``(batch, height, width)``, or with an axis of size 1 for channels: the class
            of each pixel, from 1. Class 0 is the background: it is drawn only if ``color_mapping`` has a color for it.
        num_classes: Integer, the largest class that is drawn. Defaults to the largest class in the masks.
        color_mapping: Dict of classes to colors: red, green and blue, from 0 to 255. Defaults to a palette.
        alpha: Float in [0, 1], opacity of the masks. Defaults to 0.8.
        blend: Whether to mix the colors with the images; otherwise they are opaque. Defaults to True.
        ignore_index: Integer, class that is not drawn. Defaults to -1.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.

    Returns:
        ``uint8`` NumPy array of the shape of ``images``.

    Raises:
        InvalidTypeError: If the masks are not integers.
        ShapeError: If the images or masks have another shape.
        InvalidArgumentError: If ``alpha`` is out of range.

    Example:
        >>> import numpy as np
        >>> from cornu.visualization import draw_segmentation_masks
        >>> masks = np.array([[[0, 1]]])
        >>> draw_segmentation_masks(np.full((1, 1, 2, 3), 100), masks, color_mapping={1: (200, 0, 0)}, alpha=0.5).tolist()
        [[[[100, 100, 100], [150, 50, 50]]]]
    """
    if not 0 <= alpha <= 1:
        raise InvalidArgumentError(f"`alpha` is {alpha!r}.", "It must be in [0, 1].", "Pass, for example, `alpha=0.5`.")
    pixels, masks = _as_pixels(images, data_format), np.asarray(convert_to_numpy(segmentation_masks))
    if masks.dtype.kind not in "iu":
        raise InvalidTypeError(
            f"`segmentation_masks` has dtype {masks.dtype}.", "It must be integers.", "Convert it with `masks.astype('int32')`."
        )
    if masks.ndim == 4:
        masks = masks.squeeze(1 if _data_format(data_format) == "channels_first" and masks.shape[1] == 1 else -1)
    if masks.shape != pixels.shape[:3] or pixels.shape[-1] != 3:
        raise ShapeError(
            f"`images` has {pixels.shape[-1]} channels and shape {pixels.shape[:3]}, and `segmentation_masks` {masks.shape}.",
            "There must be a class for each pixel of color images.",
            "Pass images of shape (batch, height, width, 3) and masks of shape (batch, height, width, 1).",
        )
    last = int(masks.max(initial=0)) if num_classes is None else num_classes
    for index in range(last + 1):
        if index == ignore_index or (index == 0 and 0 not in (color_mapping or {})):
            continue
        color = _palette_color(index) if color_mapping is None else color_mapping.get(index)
        if color is None:
            raise InvalidArgumentError(
                f"`color_mapping` has the keys {sorted(color_mapping or {})}.",
                f"It needs a color for each class from 1 to {last}.",
                f"Add one for {index}.",
            )
        drawn, ink = masks == index, np.array(color, "float32")
        pixels[drawn] = pixels[drawn] * np.float32(1 - alpha) + ink * np.float32(alpha) if blend else ink
    return _like_input(pixels, data_format)


def _palette_color(index: int) -> Color:
    """Return Keras's color of a class."""
    return [index * factor % 255 for factor in (2**25 - 1, 2**15 - 1, 2**21 - 1)]


def plot_image_gallery(
    images: ArrayLike,
    y_true: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: Sequence[float] = (0, 255),
    scale: float = 2,
    path: str | os.PathLike | None = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: float = 60,
    legend_handles: "Sequence[Artist] | None" = None,
    data_format: str | None = None,
) -> "Figure | None":
    """Plot images in a grid, with their labels and predictions as titles.

    Args:
        images: Array-like of shape ``(batch, height, width, channels)`` with 1, 3 or 4 channels.
        y_true: Labels of the images, integers. Defaults to None (not shown).
        y_pred: Predicted labels, integers. Defaults to None (not shown).
        label_map: Dict of labels to their names, required with ``y_true`` or ``y_pred``. Defaults to None.
        rows: Integer, number of rows. Defaults to the square root of the number of images.
        cols: Integer, number of columns. Defaults to the number that the images need.
        value_range: Smallest and largest value of the images. Defaults to ``(0, 255)``.
        scale: Float, width of each image in inches. Defaults to 2.
        path: Path of the PNG file to write. Defaults to None (no file).
        show: Whether to show the figure with ``matplotlib.pyplot.show``. Defaults to True without ``path``.
        transparent: Whether the background in the file is transparent. Defaults to True.
        dpi: Float, dots per inch in the file. Defaults to 60.
        legend_handles: List of artists of matplotlib for a legend. Defaults to None (no legend).
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.

    Returns:
        A ``matplotlib.figure.Figure``, or None if it was shown.

    Raises:
        InvalidArgumentError: If both ``path`` and ``show`` are given, or labels without ``label_map``.
        DataError: If there are no images.
        ShapeError: If ``images`` is not a batch of images.

    Example:
        >>> import numpy as np
        >>> from cornu.visualization import plot_image_gallery
        >>> figure = plot_image_gallery(np.zeros((2, 8, 8, 3)), [0, 1], label_map={0: "cat", 1: "dog"}, show=False)
        >>> [axes.get_title() for axes in figure.axes]
        ['Label: cat', 'Label: dog']
    """
    if path is not None and show:
        raise InvalidArgumentError(
            f"`plot_image_gallery` received `path={path!r}` and `show=True`.",
            "The figure is either written or shown.",
            "Omit one of the two.",
        )
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise InvalidArgumentError(
            "`plot_image_gallery` received labels without `label_map`.",
            "The titles are the names of the labels.",
            "Pass, for example, `label_map={0: 'cat', 1: 'dog'}`.",
        )
    pixels = _as_pixels(images, data_format, value_range)
    if not len(pixels):
        raise DataError("`images` is empty.", "At least one image is required.", "Pass at least one image.")
    titles = {
        name: [(label_map or {}).get(int(label), "Unknown") for label in np.asarray(convert_to_numpy(labels)).ravel()]
        for name, labels in (("Label", y_true), ("Pred", y_pred))
        if labels is not None
    }
    rows = rows or (math.ceil(len(pixels) / cols) if cols else math.ceil(math.sqrt(len(pixels))))
    cols = cols or math.ceil(len(pixels) / rows)
    show = path is None if show is None else show
    height = scale * pixels.shape[1] / pixels.shape[2] + 0.2 * bool(titles)
    figure = _empty_figure((cols * scale, rows * height + 0.3 * (legend_handles is not None)), show)
    panels = figure.subplots(rows, cols, squeeze=False).ravel()
    for number, axes in enumerate(panels):
        axes.axis("off")
        if number < len(pixels):
            axes.imshow(pixels[number], cmap="gray", vmin=0, vmax=255)
            parts = [f"{name}: {labels[number]}" for name, labels in titles.items() if number < len(labels)]
            axes.set_title("  ".join(parts), fontsize=8, color=INK, pad=3)
    if legend_handles is not None:
        figure.legend(handles=list(legend_handles), loc="outside lower center", ncols=len(legend_handles), frameon=False)
    if path is not None:
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format="png", pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    return _shown(figure) if show else figure


def _empty_figure(size: tuple[float, float], show: bool) -> "Figure":
    """Return an empty figure, which only knows pyplot and its windows if it is to be shown."""
    from matplotlib.figure import Figure

    if show:
        from matplotlib import pyplot

        return pyplot.figure(figsize=size, frameon=False, layout="constrained")
    return Figure(size, frameon=False, layout="constrained")


def _shown(figure: "Figure") -> None:
    from matplotlib import pyplot

    if pyplot.get_backend().lower() != "agg":  # which has no windows
        pyplot.show()
    pyplot.close(figure)


def plot_bounding_box_gallery(
    images: ArrayLike,
    bounding_box_format: str,
    y_true: Mapping[str, ArrayLike] | None = None,
    y_pred: Mapping[str, ArrayLike] | None = None,
    value_range: Sequence[float] = (0, 255),
    true_color: Color = (0, 188, 212),
    pred_color: Color = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: "Sequence[Artist] | None" = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> "Figure | None":
    """Plot images in a grid, with true and predicted bounding boxes.

    Args:
        images: Array-like of shape ``(batch, height, width, channels)``.
        bounding_box_format: Format of the boxes, such as ``"xyxy"``.
        y_true: True boxes, as for :func:`draw_bounding_boxes`. Defaults to None.
        y_pred: Predicted boxes, as for :func:`draw_bounding_boxes`. Defaults to None.
        value_range: Smallest and largest value of the images. Defaults to ``(0, 255)``.
        true_color: Red, green and blue of the true boxes, from 0 to 255. Defaults to cyan.
        pred_color: Red, green and blue of the predicted boxes, from 0 to 255. Defaults to yellow.
        line_thickness: Integer, width of the lines in pixels. Defaults to 2.
        font_scale: Float, size of the font in units of 24 pixels. Defaults to 1.
        text_thickness: Integer; the text is bold if it is greater than 1. Defaults to ``line_thickness``.
        class_mapping: Dict of labels to names. Defaults to None (no names).
        ground_truth_mapping: Dict of true labels to names. Defaults to ``class_mapping``.
        prediction_mapping: Dict of predicted labels to names. Defaults to ``class_mapping``.
        legend: Whether to add a legend of the two colors. Defaults to False.
        legend_handles: List of artists of matplotlib for another legend. Defaults to None.
        rows: Integer, number of rows. Defaults to the square root of the number of images.
        cols: Integer, number of columns. Defaults to the number that the images need.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of :func:`plot_image_gallery`, such as ``path``.

    Returns:
        A ``matplotlib.figure.Figure``, or None if it was shown.

    Raises:
        InvalidArgumentError: If both ``legend`` and ``legend_handles`` are given, or the format is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.visualization import plot_bounding_box_gallery
        >>> boxes = {"boxes": [[[0.1, 0.1, 0.5, 0.7]]], "labels": [[0]]}
        >>> figure = plot_bounding_box_gallery(np.zeros((1, 64, 64, 3)), "rel_xyxy", boxes, legend=True, show=False)
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['Ground Truth', 'Prediction']
    """
    if legend and legend_handles:
        raise InvalidArgumentError(
            "`plot_bounding_box_gallery` received both `legend` and `legend_handles`.",
            "There is one legend.",
            "Omit one of the two.",
        )
    pixels = _as_pixels(images, data_format, value_range)
    for boxes, color, mapping in ((y_true, true_color, ground_truth_mapping), (y_pred, pred_color, prediction_mapping)):
        if boxes is not None:
            names, style = mapping or class_mapping, (line_thickness, text_thickness, font_scale)
            pixels = draw_bounding_boxes(pixels, boxes, bounding_box_format, names, color, *style, "channels_last")
    if legend:
        from matplotlib.patches import Patch

        named = (("Ground Truth", true_color), ("Prediction", pred_color))
        legend_handles = [Patch(color="#{:02x}{:02x}{:02x}".format(*color), label=label) for label, color in named]
    return plot_image_gallery(
        pixels, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last", **kwargs
    )


def plot_segmentation_mask_gallery(
    images: ArrayLike,
    num_classes: int,
    value_range: Sequence[float] = (0, 255),
    y_true: ArrayLike | None = None,
    y_pred: ArrayLike | None = None,
    color_mapping: Mapping[int, Color] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> "Figure | None":
    """Plot each image in a row, and next to it the image with its true and with its predicted segmentation mask.

    Args:
        images: Array-like of shape ``(batch, height, width, 3)``.
        num_classes: Integer, the largest class.
        value_range: Smallest and largest value of the images. Defaults to ``(0, 255)``.
        y_true: True masks, as for :func:`draw_segmentation_masks`. Defaults to None.
        y_pred: Predicted masks, as for :func:`draw_segmentation_masks`. Defaults to None.
        color_mapping: Dict of classes to colors. Defaults to a palette.
        blend: Whether to mix the colors with the images. Defaults to True.
        alpha: Float in [0, 1], opacity of the masks. Defaults to 0.8.
        ignore_index: Integer, class that is not drawn. Defaults to -1.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        **kwargs: Arguments of :func:`plot_image_gallery`, such as ``path``.

    Returns:
        A ``matplotlib.figure.Figure``, or None if it was shown.

    Example:
        >>> import numpy as np
        >>> from cornu.visualization import plot_segmentation_mask_gallery
        >>> masks = np.ones((2, 8, 8, 1), "int32")
        >>> len(plot_segmentation_mask_gallery(np.zeros((2, 8, 8, 3)), 1, y_true=masks, y_pred=masks, show=False).axes)
        6
    """
    pixels, columns = _as_pixels(images, data_format, value_range), []
    for masks in (y_true, y_pred):
        if masks is not None:
            classes = np.asarray(convert_to_numpy(masks)).astype("int32")
            if _data_format(data_format) == "channels_first" and classes.ndim == 4:
                classes = np.moveaxis(classes, 1, -1)
            drawing = (num_classes, color_mapping, alpha, blend, ignore_index, "channels_last")
            columns.append(draw_segmentation_masks(pixels, classes, *drawing))
    shown = np.stack([pixels, *columns], axis=1).reshape(-1, *pixels.shape[1:])
    grid = {"rows": len(pixels), "cols": len(columns) + 1, "data_format": "channels_last", **kwargs}
    return plot_image_gallery(shown, **grid)
