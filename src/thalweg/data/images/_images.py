"""Images: pictures of one size, kept as bytes and standardized on the fly."""

import math
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from thalweg._core.choices import Choice
from thalweg._core.plain_data import rebuilt
from thalweg.data._inputs import Encoder, Inputs, encoders, row_names
from thalweg.data._source import Raw, Source, sources
from thalweg.data._target_values import as_targets, per_example
from thalweg.data.images._image_files import LONGEST_SIDE, MOST_PIXELS
from thalweg.data.images._pictures import as_pictures, collect_pictures
from thalweg.data.images.augmentation._colour import Palette
from thalweg.errors import DataError, ShapeError

CHANNEL_NAMES = {1: ("grey",), 3: ("red", "green", "blue")}
# Near duplicates are looked for on thumbnails: fine enough to tell two scenes apart, coarse
# enough that JPEG's blocks and the filter of a resize average out.
THUMBNAIL = 16
# Root mean square in grey levels within which two thumbnails show the same picture: noise of
# three levels passes, and the closest two of 1,797 handwritten digits are 10.6 apart.
NEAR = 4.0
# Where all pictures look alike (a fixed camera), what tells them apart is small too: then near
# is a tenth of their spread.
NEAR_SHARE = 0.1
# Pictures turned into floating point at once: 256 of 224×224 in colour take 150 MiB.
CHUNK = 256


class ImageInputs(Inputs):
    """Pictures of one size, eight bits per channel.

    Example:
        >>> import torch
        >>> len(ImageInputs(torch.zeros(5, 1, 8, 8, dtype=torch.uint8)))
        5
    """

    def __init__(
        self,
        values: UInt8[Tensor, "examples channels height width"]
        | UInt8[np.ndarray, "examples channels height width"],
    ) -> None:
        if isinstance(values, np.ndarray):
            # A read-only array (a memory map, a broadcast) cannot be shared with torch.
            values = np.require(values, requirements=["C", "W"])
            values = torch.from_numpy(values)
        self.values = values.contiguous()

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: np.ndarray) -> Self:
        return type(self)(self.values[torch.from_numpy(np.asarray(rows))])

    def fit(self) -> "tuple[Encoder, list[Choice]]":
        return ImageEncoder.fit(self)

    def digests(self) -> list[bytes]:
        return [
            blake2b(picture.tobytes(), digest_size=16).digest() for picture in self.values.numpy()
        ]

    def signatures(self) -> Float[np.ndarray, "examples features"]:
        """Grey thumbnails and the mean colour, in units of what counts as near."""
        thumbnails = torch.cat([_thumbnails(chunk) for chunk in self.values.split(CHUNK)])
        spread = float(thumbnails.var(dim=0, correction=0).mean().sqrt())
        near = min(NEAR, NEAR_SHARE * spread) or NEAR
        return (thumbnails / (near * thumbnails.shape[1] ** 0.5)).numpy()


@encoders.register("image", summary="pictures of one size")
class ImageEncoder(Encoder):
    """Standardizes each channel with the moments of the training part.

    Args:
        mean: Mean of each channel, where black is 0 and white is 1.
        std: Standard deviation of each channel, likewise.
        size: Height and width in pixels.
    """

    kind = "image"

    def __init__(
        self, mean: tuple[float, ...], std: tuple[float, ...], size: tuple[int, int]
    ) -> None:
        self.mean = mean
        self.std = std
        self.shape: tuple[int, int, int] = (len(mean), *size)
        self.palette = Palette(mean, std)
        self._moments: dict[torch.device, tuple[Tensor, Tensor]] = {}

    @classmethod
    def fit(cls, inputs: ImageInputs) -> tuple[Self, list[Choice]]:
        """Learn the moments of the training part."""
        _, channels, height, width = inputs.values.shape
        # Counting grey levels is exact, and keeps no picture in floating point.
        counts = torch.zeros(channels, 256, dtype=torch.float64)
        for chunk in inputs.values.split(CHUNK):
            for channel in range(channels):
                counts[channel] += torch.bincount(chunk[:, channel].flatten(), minlength=256)
        levels = torch.arange(256, dtype=torch.float64) / 255
        share = counts / counts.sum(dim=1, keepdim=True)
        mean = share @ levels
        std = (share * (levels - mean[:, None]) ** 2).sum(dim=1).sqrt()
        if not std.any():
            raise DataError(
                "the pictures are blank: every pixel of the training part is the same. "
                "Check how they were read."
            )
        std = torch.where(std > 0, std, 1.0)
        reason = "each channel to mean 0 and variance 1, with the moments of the training part"
        encoder = cls(tuple(mean.tolist()), tuple(std.tolist()), (height, width))
        return encoder, [Choice("preprocessing", "standardize", reason)]

    def encode(self, inputs: Inputs) -> UInt8[Tensor, "examples channels height width"]:
        assert isinstance(inputs, ImageInputs)
        assert inputs.values.shape[1:] == self.shape
        return inputs.values

    def normalize(
        self, stored: UInt8[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Return (stored − mean) / std; black is 0 and white is 255 in both moments."""
        if stored.device not in self._moments:
            mean, std = torch.tensor([self.mean, self.std], dtype=torch.float64) * 255
            self._moments[stored.device] = (
                mean.float()[:, None, None].to(stored.device),
                (1 / std).float()[:, None, None].to(stored.device),
            )
        mean, inverse = self._moments[stored.device]
        # In place on a copy, this takes half the time of one operation on mixed types.
        return stored.to(torch.float32, copy=True).sub_(mean).mul_(inverse)

    def read(self, given: Any) -> tuple[Inputs, tuple[str, ...]]:
        values, names, repairs = collect_pictures(given, self.shape)
        inputs = ImageInputs(values)
        inputs.repairs = repairs
        return inputs, names

    def to_json(self) -> dict[str, Any]:
        return {"mean": list(self.mean), "std": list(self.std), "size": list(self.shape[1:])}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        mean, std = (rebuilt(tuple[float, ...], data[name]) for name in ("mean", "std"))
        height, width = rebuilt(tuple[int, int], data["size"])
        if len(mean) not in CHANNEL_NAMES or len(std) != len(mean):
            raise ValueError("pictures have one channel or three, each with two moments")
        if not all(map(math.isfinite, mean)) or not all(0 < each < math.inf for each in std):
            raise ValueError("the moments of the channels must be finite")
        if not 1 <= min(height, width) <= max(height, width) <= LONGEST_SIDE:
            raise ValueError(f"pictures have sides of 1 to {LONGEST_SIDE} pixels")
        if height * width > MOST_PIXELS:
            raise ValueError(f"pictures have at most {MOST_PIXELS} pixels")
        return cls(mean, std, (height, width))

    def describe(self) -> list[dict[str, Any]]:
        names = CHANNEL_NAMES.get(len(self.mean)) or [
            f"channel {index}" for index in range(len(self.mean))
        ]
        return [
            {"name": name, "kind": "channel", "mean": mean, "std": std}
            for name, mean, std in zip(names, self.mean, self.std, strict=True)
        ]

    def picture(self, stored: UInt8[Tensor, "channels height width"]) -> np.ndarray:
        pixels = stored.cpu().movedim(0, -1)  # (height, width, channels)
        return pixels.expand(-1, -1, 3).contiguous().numpy()


def are_pictures(data: Any) -> bool:
    """Return True for an array or tensor of bytes with the axes of several pictures."""
    is_bytes = (isinstance(data, np.ndarray) and data.dtype == np.uint8) or (
        isinstance(data, Tensor) and data.dtype == torch.uint8
    )
    return is_bytes and data.ndim in (3, 4)


def picture_inputs(values: UInt8[np.ndarray, "examples ..."]) -> tuple[ImageInputs, Choice]:
    """Return an array of bytes as pictures, and that it was read so.

    Raises:
        ShapeError: Its four axes are not those of pictures.
    """
    inputs = ImageInputs(as_pictures(values))
    channels, height, width = inputs.values.shape[1:]
    if min(height, width) == 0:
        raise ShapeError(f"pictures must have at least one pixel, got shape {values.shape}.")
    kind = "grey" if channels == 1 else "colour"
    reason = f"bytes (uint8) are {height}×{width} {kind} pictures; pass floats for anything else"
    return inputs, Choice("inputs", "pictures", reason)


def _read(data: Any, target: Any, *, group: Any = None, time: Any = None) -> Raw:
    values = data.detach().cpu().numpy() if isinstance(data, Tensor) else data
    inputs, choice = picture_inputs(values)
    return Raw(
        inputs=inputs,
        targets=as_targets(target, len(inputs)),
        names=row_names(len(inputs)),
        groups=per_example(group, len(inputs), "group"),
        times=per_example(time, len(inputs), "time"),
        choices=[choice],
    )


sources.register("image arrays", summary="arrays of pictures in uint8, tw.load(X, y)")(
    Source(are_pictures, _read)
)


def _thumbnails(
    values: UInt8[Tensor, "examples channels height width"],
) -> Float[Tensor, "examples features"]:
    """Return grey thumbnails, then each channel's distance from grey, weighing as much."""
    pixels = values.float()
    grey = pixels.mean(dim=1)
    height, width = (min(length, THUMBNAIL) for length in grey.shape[1:])
    small = torch.nn.functional.adaptive_avg_pool2d(grey, (height, width)).flatten(1)
    if values.shape[1] == 1:
        return small
    tint = (pixels - grey[:, None]).mean(dim=(2, 3))
    return torch.cat([small, tint * (small.shape[1] / tint.shape[1]) ** 0.5], dim=1)
