"""When which way to convolve is the fastest.

Directly and by im2col the work grows with the filter's area, f²; in Fourier space it does not
depend on it, but the spectra of all channels must be computed first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from thalweg._core import formats, seeds
from thalweg._core.line_chart import Panel, line_chart
from thalweg._core.text_table import text_table
from thalweg._core.timing import fastest
from thalweg.errors import SettingError
from thalweg.nn import Convolution, convolutions

KERNELS = (1, 3, 5, 7, 11, 15, 21, 31)
TORCH = "torch"
"""torch's own, which picks among several ways by itself."""


@dataclass(frozen=True)
class ConvolutionTime:
    """What one way took for filters of one size."""

    way: str
    kernel_size: int
    seconds: float
    """For a batch, forward only; the fastest of several."""


@dataclass(frozen=True)
class ConvolutionSpeed:
    """All ways at all sizes of filters; printing it shows the table."""

    times: tuple[ConvolutionTime, ...]
    setting: str
    """The images and filters that were convolved."""

    def fastest(self, kernel_size: int) -> str:
        """Return the fastest of the written-out ways for filters of this size."""
        own = [each for each in self.times if each.kernel_size == kernel_size]
        own = [each for each in own if each.way != TORCH]
        if not own:
            raise SettingError(f"filters of size {kernel_size} were not timed.")
        return min(own, key=lambda each: each.seconds).way

    def to_json(self) -> dict[str, Any]:
        """Return the study as plain data."""
        return {"setting": self.setting, "times": [asdict(each) for each in self.times]}

    def picture(self, path: str | Path) -> Path:
        """Write the times against the size of the filters as an SVG.

        Raises:
            RunError: The file cannot be written.
        """
        curves: dict[str, list[tuple[float, float]]] = {}
        for each in self.times:
            curves.setdefault(each.way, []).append((each.kernel_size, each.seconds * 1000))
        panel = Panel("height and width of the filters, in pixels", curves)
        return line_chart("Ways to convolve", "milliseconds", [panel], log_x=True).save(path)

    def __str__(self) -> str:
        ways = list(dict.fromkeys(each.way for each in self.times))
        sizes = list(dict.fromkeys(each.kernel_size for each in self.times))
        seconds = {(each.way, each.kernel_size): each.seconds for each in self.times}
        rows = []
        for size in sizes:
            shown = [formats.seconds(seconds[way, size]) for way in ways]
            rows.append((f"{size}×{size}", *shown, self.fastest(size)))
        headings = ("filters", *ways, "fastest but torch")
        return f"{self.setting}\n{text_table(headings, rows, right=' ' + 'r' * len(ways))}"


def convolution_speed(
    kernels: Sequence[int] = KERNELS,
    *,
    size: int = 64,
    channels: int = 8,
    filters: int = 8,
    batch: int = 4,
    device: str = "cpu",
) -> ConvolutionSpeed:
    """Time every way to convolve for filters from small to large; images keep their size.

    Args:
        kernels: Height and width of the filters, in pixels; odd numbers.
        size: Height and width of the images, in pixels.
        channels: Of the images.
        filters: How many.
        batch: How many images.
        device: Where.

    Raises:
        SettingError: A filter has an even size, or a number is below 1.

    Example:
        >>> study = convolution_speed([3, 5], size=8, channels=1, filters=1, batch=1)
        >>> sorted({each.way for each in study.times})
        ['direct', 'fourier', 'im2col', 'torch']
    """
    if min(*kernels, size, channels, filters, batch) < 1 or any(each % 2 == 0 for each in kernels):
        raise SettingError("filters must have odd sizes, and all numbers be at least 1.")
    ways: dict[str, Convolution] = {each.name: each.value for each in convolutions}
    ways[TORCH] = F.conv2d
    draw = seeds.generator(0, "convolution-speed")
    images = torch.randn(batch, channels, size, size, generator=draw).to(device)
    times = []
    for kernel in kernels:
        weight = torch.randn(filters, channels, kernel, kernel, generator=draw).to(device)
        for name, convolve in ways.items():

            def work(convolve: Convolution = convolve, weight: torch.Tensor = weight) -> None:
                with torch.no_grad():
                    convolve(images, weight, padding=weight.shape[-1] // 2)
                if images.is_cuda:
                    torch.cuda.synchronize()

            work()  # The first run prepares what the others use again.
            times.append(ConvolutionTime(name, kernel, fastest(work)))
    shown = f"{batch} images of {size}×{size}, {channels} channels, {filters} filters, on {device}"
    return ConvolutionSpeed(tuple(times), shown)
