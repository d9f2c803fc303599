"""The builtin data sets: real ones that scikit-learn carries, and generated ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thalweg.data._inputs import row_names
from thalweg.data._source import Raw
from thalweg.data.arrays._arrays import ArrayInputs
from thalweg.data.builtin._builtin import builtins
from thalweg.data.builtin._generators import draw_moons, draw_piecewise, draw_spirals, draw_xor
from thalweg.data.builtin._glyphs import draw_glyphs
from thalweg.data.images._images import ImageInputs
from thalweg.errors import SettingError


@builtins.register("digits", summary="1,797 handwritten digits, 8×8 grey pixels")
def digits() -> Raw:
    """Return the digits of Alpaydin and Kaynak (UCI, 1998), 16 grey levels stretched to 256."""
    bunch: Any = _bunch("digits")
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    return Raw(ImageInputs(pixels), bunch.target, row_names(len(pixels)), ("digit",))


@builtins.register("iris", summary="150 flowers of 3 species, 4 lengths")
def iris(*, target: str = "species") -> Raw:
    """Return the irises of Fisher (1936)."""
    return _table(_bunch("iris"), "species", target)


@builtins.register("wine", summary="178 wines of 3 cultivars, 13 chemical measurements")
def wine(*, target: str = "cultivar") -> Raw:
    """Return the wines of Forina (1986)."""
    return _table(_bunch("wine"), "cultivar", target)


@builtins.register("breast-cancer", summary="569 tumours, malignant or benign, 30 measurements")
def breast_cancer(*, target: str = "diagnosis") -> Raw:
    """Return the tumours of Street, Wolberg and Mangasarian (1993)."""
    return _table(_bunch("breast_cancer"), "diagnosis", target)


@builtins.register("diabetes", summary="442 patients, 10 measurements; progression in a year")
def diabetes(*, target: str = "progression") -> Raw:
    """Return the patients of Efron et al. (2004), in the units of measurement."""
    return _table(_bunch("diabetes", scaled=False), "progression", target)


@builtins.register("xor", summary="generated: two classes on opposite corners of a square")
def xor(*, n: int = 400, noise: float = 0.1, seed: int = 0) -> Raw:
    """Return points around the corners of the unit square."""
    _check(n=n, noise=noise)
    return _points(draw_xor(n, seed=seed, noise=noise))


@builtins.register("moons", summary="generated: two interleaved half circles")
def moons(*, n: int = 500, noise: float = 0.1, seed: int = 0) -> Raw:
    """Return points along two half circles."""
    _check(n=n, noise=noise)
    return _points(draw_moons(n, seed=seed, noise=noise))


@builtins.register("spirals", summary="generated: interleaved spirals, one per class")
def spirals(
    *, n: int = 600, noise: float = 0.02, classes: int = 2, turns: float = 1.0, seed: int = 0
) -> Raw:
    """Return points along spirals."""
    _check(n=n, noise=noise)
    if classes < 2:
        raise SettingError(f"classes must be at least 2, got {classes}.")
    return _points(draw_spirals(n, seed=seed, noise=noise, classes=classes, turns=turns))


@builtins.register("piecewise", summary="generated: a number that is linear but for one kink")
def piecewise(
    *,
    n: int = 500,
    noise: float = 0.0,
    left: float = -1.0,
    right: float = 2.0,
    kink: float = 0.0,
    offset: float = 0.0,
    seed: int = 0,
) -> Raw:
    """Return points of a piecewise linear function."""
    _check(n=n, noise=noise)
    return _points(
        draw_piecewise(n, seed=seed, noise=noise, left=left, right=right, kink=kink, offset=offset)
    )


@builtins.register("glyphs", summary="generated: distorted characters, 28×28, MNIST-shaped")
def glyphs(
    *,
    n: int = 10_000,
    alphabet: str = "digits",
    noise: float = 0.04,
    distortion: float = 1.0,
    fonts: str | Path | Sequence[str | Path] = (),
    seed: int = 0,
) -> Raw:
    """Return distorted characters; "letters" or any characters serve as `alphabet`."""
    _check(n=n, noise=noise, distortion=distortion)
    drawn = draw_glyphs(
        n,
        seed=seed,
        alphabet=str(alphabet),
        noise=noise,
        distortion=distortion,
        fonts=[fonts] if isinstance(fonts, (str, Path)) else fonts,
    )
    labels = np.array(list(drawn.alphabet))[drawn.labels]
    return Raw(ImageInputs(drawn.pictures), labels, row_names(n), ("character",))


def _bunch(name: str, **options: Any) -> Any:
    # Imported late: scikit-learn takes a second, and most data are the user's own.
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(**options)


def _table(bunch: Any, name: str, target: str) -> Raw:
    """Return scikit-learn's set as a table whose column `name` is what it predicts."""
    # Late, as in `tables/_table_sources.py`.
    import polars as pl

    from thalweg.data.tables._tables import frame_raw

    values = bunch.target
    if "target_names" in bunch:
        values = np.asarray(bunch.target_names)[values]
    columns = dict(zip(bunch.feature_names, bunch.data.T, strict=True))
    return frame_raw(pl.DataFrame({**columns, name: values}), target)


def _points(drawn: tuple[np.ndarray, np.ndarray]) -> Raw:
    points, targets = drawn
    return Raw(ArrayInputs(points), targets, row_names(len(points)))


def _check(*, n: int, noise: float, distortion: float = 0.0) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise SettingError(f"n must be a whole number of examples, at least 1, got {n!r}.")
    for name, value in (("noise", noise), ("distortion", distortion)):
        if not 0 <= value < float("inf"):
            raise SettingError(f"{name} must be zero or more, got {value!r}.")
