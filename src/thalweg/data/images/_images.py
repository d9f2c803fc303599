"""Images: pictures of one size, kept as bytes and standardized on the fly."""

import math
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from thalweg._core.choices import Choice
from thalweg._core.plain_data import rebuilt
from thalweg._core.registry import did_you_mean
from thalweg.data._inputs import Encoder, Inputs, encoders
from thalweg.data._rows import Rows
from thalweg.data.images._facts import Facts, moments
from thalweg.data.images._image_files import LONGEST_SIDE, MOST_PIXELS
from thalweg.data.images._pictures import collect_pictures
from thalweg.data.images.augmentation._colour import Palette
from thalweg.data.images.augmentation._crop import centre
from thalweg.errors import DataError, SettingError

CHANNEL_NAMES = {1: ("grey",), 3: ("red", "green", "blue")}
# Root mean square in grey levels within which two thumbnails show the same picture: noise of
# three levels passes, and the closest two of 1,797 handwritten digits are 10.6 apart.
NEAR = 4.0
# Where all pictures look alike (a fixed camera), what tells them apart is small too: then near
# is a tenth of their spread.
NEAR_SHARE = 0.1
STANDARDS = ("train", "imagenet")
# Of the photographs of ImageNet's training part, by channel, where black is 0 and white is 1; what
# public weights were trained with.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ImageInputs(Inputs):
    """Pictures of one size, eight bits per channel.

    Args:
        values: The pictures; where they are too many for the memory, rows of a file.
        size: Height and width of the centre that the network gets; all of it by default.
        standardize: "train" for the moments of the training part, "imagenet" for published ones.
        facts: What is known of each picture; by default found when it is asked for.

    Raises:
        SettingError: There is no such standard, or none for such pictures.

    Example:
        >>> import torch
        >>> len(ImageInputs(torch.zeros(5, 1, 8, 8, dtype=torch.uint8)))
        5
    """

    def __init__(
        self,
        values: UInt8[Tensor, "examples channels height width"]
        | UInt8[np.ndarray, "examples channels height width"]
        | Rows,
        *,
        size: tuple[int, int] | None = None,
        standardize: str = "train",
        facts: Facts | None = None,
    ) -> None:
        if isinstance(values, np.ndarray):
            # A read-only array (a memory map, a broadcast) cannot be shared with torch.
            values = np.require(values, requirements=["C", "W"])
            values = torch.from_numpy(values)
        self.values = values if isinstance(values, Rows) else values.contiguous()
        self.size = size or (values.shape[2], values.shape[3])
        self.standardize = standardize
        self._facts = facts
        check_standard(standardize, values.shape[1])

    def __len__(self) -> int:
        return len(self.values)

    @property
    def facts(self) -> Facts:
        """What is known of each picture."""
        if self._facts is None:
            self._facts = Facts.of(self.values, self.size)
        return self._facts

    def select(self, rows: np.ndarray) -> Self:
        rows = np.asarray(rows)
        if isinstance(self.values, Rows):
            values = self.values.select(rows)
        else:
            values = self.values[torch.from_numpy(rows)]
        facts = None if self._facts is None else self._facts.select(rows)
        return type(self)(values, size=self.size, standardize=self.standardize, facts=facts)

    def fit(self) -> "tuple[Encoder, list[Choice]]":
        return ImageEncoder.fit(self)

    def digests(self) -> list[bytes]:
        return [digest.tobytes() for digest in self.facts.digests]

    def signatures(self) -> Float[np.ndarray, "examples features"]:
        """Grey thumbnails and the mean colour, in units of what counts as near."""
        thumbnails = torch.from_numpy(self.facts.thumbnails)
        spread = float(thumbnails.var(dim=0, correction=0).mean().sqrt())
        near = min(NEAR, NEAR_SHARE * spread) or NEAR
        return (thumbnails / (near * thumbnails.shape[1] ** 0.5)).numpy()


@encoders.register("image", summary="pictures of one size")
class ImageEncoder(Encoder):
    """Standardizes each channel with the moments of the training part.

    Args:
        mean: Mean of each channel, where black is 0 and white is 1.
        std: Standard deviation of each channel, likewise.
        size: Height and width in pixels of what the network gets.
        stored: Height and width of what is stored, of which the network gets the centre; by
            default the same.
    """

    kind = "image"

    def __init__(
        self,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        size: tuple[int, int],
        stored: tuple[int, int] | None = None,
    ) -> None:
        self.mean = mean
        self.std = std
        self.shape: tuple[int, int, int] = (len(mean), *size)
        self.stored: tuple[int, int, int] = (len(mean), *(stored or size))
        self.palette = Palette(mean, std)
        self._moments: dict[torch.device, tuple[Tensor, Tensor]] = {}

    @classmethod
    def fit(cls, inputs: ImageInputs) -> tuple[Self, list[Choice]]:
        """Learn the moments of the training part."""
        height, width = inputs.values.shape[2:]
        mean, std = moments(inputs.facts.sums, inputs.size[0] * inputs.size[1])
        if not any(std):
            raise DataError(
                "the pictures are blank: every pixel of the training part is the same. "
                "Check how they were read."
            )
        std = [each or 1.0 for each in std]
        reason = "each channel to mean 0 and variance 1, with the moments of the training part"
        if inputs.standardize == "imagenet":
            mean, std = IMAGENET_MEAN, IMAGENET_STD
            reason = "as asked: with the published moments of ImageNet, as public weights expect"
        encoder = cls(tuple(mean), tuple(std), inputs.size, (height, width))
        return encoder, [Choice("preprocessing", "standardize", reason)]

    def encode(self, inputs: Inputs) -> UInt8[Tensor, "examples channels height width"] | Rows:
        assert isinstance(inputs, ImageInputs)
        assert inputs.values.shape[1:] == self.stored
        values = inputs.values
        return values[:] if isinstance(values, Rows) and not values.stays else values

    def normalize(
        self, stored: UInt8[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Return (stored − mean) / std of the centre; black is 0 and white is 255 in both."""
        return self.whole(stored if self.stored == self.shape else centre(stored, self.shape[1:]))

    def whole(
        self, stored: UInt8[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels rows columns"]:
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
        values, names, repairs = collect_pictures(given, self.stored)
        inputs = ImageInputs(values, size=self.shape[1:])
        inputs.repairs = repairs
        return inputs, names

    def to_json(self) -> dict[str, Any]:
        learned = {"mean": list(self.mean), "std": list(self.std), "size": list(self.shape[1:])}
        return learned | ({"stored": list(self.stored[1:])} if self.stored != self.shape else {})

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        mean, std = (rebuilt(tuple[float, ...], data[name]) for name in ("mean", "std"))
        size = rebuilt(tuple[int, int], data["size"])
        stored = rebuilt(tuple[int, int], data.get("stored", data["size"]))
        if len(mean) not in CHANNEL_NAMES or len(std) != len(mean):
            raise ValueError("pictures have one channel or three, each with two moments")
        if not all(map(math.isfinite, mean)) or not all(0 < each < math.inf for each in std):
            raise ValueError("the moments of the channels must be finite")
        if not 1 <= min(size) <= max(stored) <= LONGEST_SIDE:
            raise ValueError(f"pictures have sides of 1 to {LONGEST_SIDE} pixels")
        if stored[0] * stored[1] > MOST_PIXELS:
            raise ValueError(f"pictures have at most {MOST_PIXELS} pixels")
        if any(more < less for more, less in zip(stored, size, strict=True)):
            raise ValueError("no less is stored of a picture than the network gets")
        return cls(mean, std, size, stored)

    def describe(self) -> list[dict[str, Any]]:
        names = CHANNEL_NAMES.get(len(self.mean)) or [
            f"channel {index}" for index in range(len(self.mean))
        ]
        return [
            {"name": name, "kind": "channel", "mean": mean, "std": std}
            for name, mean, std in zip(names, self.mean, self.std, strict=True)
        ]

    def picture(self, stored: UInt8[Tensor, "channels height width"]) -> np.ndarray:
        pixels = centre(stored, self.shape[1:]).cpu().movedim(0, -1)  # (height, width, channels)
        return pixels.expand(-1, -1, 3).contiguous().numpy()


def check_standard(standardize: str, channels: int | None) -> None:
    """Refuse a way of standardizing that there is not, or not for such pictures.

    Raises:
        SettingError: With the ways that there are.
    """
    if standardize not in STANDARDS:
        hint = did_you_mean(str(standardize), STANDARDS)
        raise SettingError(
            f"standardize must be one of {', '.join(STANDARDS)}, got {standardize!r}. {hint}"
        )
    if standardize == "imagenet" and channels not in (None, 3):
        raise SettingError(
            "standardize='imagenet' is for pictures in colour, and these are grey. "
            "Pass channels=3, or leave it out."
        )
