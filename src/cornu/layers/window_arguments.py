"""The arguments of layers and cells that move a window over images."""

from cornu import config, validation
from cornu.core.layer import Layer
from cornu.typing import IntOrInts
from cornu.validation import standardize_padding


class WindowArguments(Layer):
    """Base class of layers with a window.

    Attributes:
        rank: Integer, the number of spatial axes.
    """

    rank = 2
    _strides_and_dilates = False
    """Whether ``strides`` and ``dilation_rate`` may both be larger than 1, as in Keras's depthwise layers."""

    def _set_window(
        self, kernel_size: IntOrInts, strides: IntOrInts, padding: str, data_format: str | None, dilation_rate: IntOrInts
    ) -> None:
        self.kernel_size = validation.check_ints(self, "kernel_size", kernel_size, self.rank)
        self.strides = validation.check_ints(self, "strides", strides, self.rank)
        self.padding = standardize_padding(padding, causal=self._allows_causal())
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = validation.check_ints(self, "dilation_rate", dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1 and not self._strides_and_dilates:
            given = {"strides": self.strides, "dilation_rate": self.dilation_rate}
            raise validation.invalid_together(self, given, "Only one of the two may be larger than 1.", "Omit one of them.")

    def _allows_causal(self) -> bool:
        return False
