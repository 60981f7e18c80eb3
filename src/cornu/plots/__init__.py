"""Plots and tables of training results. Figures are matplotlib figures; no function opens a window."""

from cornu.plots.confusion_plots import confusion_counts, confusion_matrix
from cornu.plots.curves import learning_curves
from cornu.plots.images import image_grid
from cornu.plots.kernel_images import kernels
from cornu.plots.text_tables import confusion_table, plain_text

__all__ = [
    "confusion_counts",
    "confusion_matrix",
    "confusion_table",
    "image_grid",
    "kernels",
    "learning_curves",
    "plain_text",
]
