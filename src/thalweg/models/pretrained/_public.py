"""The public weights of torchvision's networks: where they are, and how to be sure of them."""

import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from thalweg._core import formats
from thalweg._core.registry import did_you_mean
from thalweg.errors import WeightsError

IMAGENET = "imagenet"
"""The name that stands for a network's public weights."""
SOURCE = "https://download.pytorch.org/models/"
# The last part of a name is the beginning of the file's SHA-256.
FILES = {
    "alexnet_owt": "alexnet-owt-7be5be79.pth",
    "vgg11": "vgg11-8a719046.pth",
    "vgg11_bn": "vgg11_bn-6002323d.pth",
    "vgg13": "vgg13-19584684.pth",
    "vgg13_bn": "vgg13_bn-abd245e5.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg16_bn": "vgg16_bn-6c64b313.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
    "vgg19_bn": "vgg19_bn-c79401a0.pth",
    "googlenet_3x3": "googlenet-1378be20.pth",
    "inception_v3": "inception_v3_google-0cc3c7bd.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "resnet101": "resnet101-63fe2227.pth",
    "resnet152": "resnet152-394f9c45.pth",
    "mobilenet_v2": "mobilenet_v2-b0353104.pth",
}
# Trained on pixels from −1 to 1 whatever their moments.
TRANSFORMED = ("googlenet_3x3", "inception_v3")
SECONDS = 60.0


def public_file(name: str, *, download: bool) -> Path:
    """Return the local copy of a network's public weights.

    It is kept in `weights` under $THALWEG_CACHE, by default ~/.cache/thalweg. Its SHA-256 is
    compared with the one that its name begins to tell, each time.

    Args:
        name: Of the network.
        download: Whether to fetch it where there is no copy.

    Raises:
        WeightsError: There are none for this network, no copy while nothing may be fetched, or
            what came is not what was published.
    """
    if name not in FILES:
        raise WeightsError(f"there are no public weights for {name!r}. {did_you_mean(name, FILES)}")
    path = cache() / FILES[name]
    if not path.is_file():
        if not download:
            raise WeightsError(
                f"the public weights of {name!r} are not here. Pass download=True (--download) to "
                f"fetch {SOURCE}{FILES[name]}, or put that file into {formats.plain(path.parent)}."
            )
        _fetch(f"{SOURCE}{FILES[name]}", path)
    _check(path)
    return path


def cache() -> Path:
    """Return the folder that holds public weights."""
    root = os.environ.get("THALWEG_CACHE") or Path("~/.cache/thalweg").expanduser()
    return Path(root) / "weights"


def _fetch(address: str, path: Path) -> None:
    """Bring a file here, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(address, timeout=SECONDS) as answer,
            tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft,
        ):
            try:
                shutil.copyfileobj(answer, draft)
                draft.flush()
                _check(Path(draft.name), path.name)
                Path(draft.name).replace(path)
            finally:
                Path(draft.name).unlink(missing_ok=True)
    except (OSError, urllib.error.URLError) as error:
        raise WeightsError(
            f"cannot fetch {address}: {formats.plain(error, longest=200)}."
        ) from None


def _check(path: Path, name: str | None = None) -> None:
    """Refuse a file that does not have the digest that its name tells."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    expected = Path(name or path.name).stem.rpartition("-")[2]
    if not digest.hexdigest().startswith(expected):
        raise WeightsError(
            f"{formats.plain(name or path)} is not what was published: its SHA-256 begins with "
            f"{digest.hexdigest()[:8]}, not with {expected}. Remove it, and fetch it again."
        )
