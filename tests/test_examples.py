"""The programs in `examples/`: each runs in an empty folder and does what it says."""

import math
import re
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from thalweg import data, models, tasks
from thalweg._core.registry import Registry

EXAMPLES = Path(__file__).parents[1] / "examples"
REGISTRIES: tuple[Registry[Any], ...] = (data.sources, models.networks, tasks.tasks)


@pytest.fixture(autouse=True)
def as_registered():
    """What an example registers, no other test should meet."""
    before = [dict(registry._entries) for registry in REGISTRIES]
    yield
    for registry, entries in zip(REGISTRIES, before, strict=True):
        registry._entries.clear()
        registry._entries.update(entries)


def example(name: str) -> dict[str, Any]:
    """Run an example and return the names that it leaves."""
    return runpy.run_path(str(EXAMPLES / name))


def test_every_example_is_tested_here():
    named = {f"{name.removeprefix('test_')}.py" for name in globals() if name.startswith("test_")}
    assert {path.name for path in EXAMPLES.glob("*.py")} <= named


def test_own_network(capsys):
    run = example("own_network.py")["run"]
    assert run.score("test")["accuracy"] > 0.95
    # The tops of the two half circles, whatever was learned in between.
    assert run.predict([[0.0, 1.0], [1.0, -0.5]]).values.tolist() == [0, 1]


def test_csv_to_report(capsys):
    names = example("csv_to_report.py")
    # 240 flats, of which 4 have no price.
    assert sum(names["data"].schema.counts.values()) == 236
    # What one room, one quarter and the noise of a price make, in francs.
    assert names["run"].score("test")["mae"] < 30_000
    predicted = names["run"].predict([names["flat"]]).values[0]
    assert predicted == pytest.approx(90_000 * 4 + 60_000, rel=0.1)
    assert Path("runs/flats/report.html").read_text().startswith("<!doctype html>")
    told = capsys.readouterr().out
    for setting in ("delimiter", "decimal comma", "dropped", "missing values"):
        assert f"{setting}: " in told


def test_augmentation(capsys):
    """The sheet in `docs/` is what the example draws today."""
    drawn = example("augmentation.py")["sheet"]()
    with Image.open(EXAMPLES.parent / "docs" / "augmentation.png") as kept:
        assert kept.size == drawn.size
        # Its 256 colours are off by some levels; another draw is off by far more.
        difference = ImageChops.difference(kept.convert("RGB"), drawn)
    assert max(ImageStat.Stat(difference).mean) < 8
    named = {each.name for each in fields(data.Augmentation)}
    page = (EXAMPLES.parent / "docs" / "augmentation.md").read_text()
    assert named <= set(re.findall(r"`(\w+)`", page))


def test_own_task_and_data(capsys):
    run = example("own_task_and_data.py")["run"]
    # The mean of a Poisson variable is known here: e^(1 + 2·0.5).
    assert run.predict([[0.5, 0.0]]).values[0] == pytest.approx(math.e**2, rel=0.15)
    first, again = (Path("runs", name, "model.safetensors") for name in ("shops", "again"))
    assert first.read_bytes() == again.read_bytes()
