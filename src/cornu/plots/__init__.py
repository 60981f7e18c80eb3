"""Plots and tables of training results. Figures are matplotlib figures; no function opens a window."""

from cornu import namespaces, registry
from cornu.plots.confusion_plots import *
from cornu.plots.curves import *
from cornu.plots.images import *
from cornu.plots.kernel_images import *
from cornu.plots.text_tables import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
