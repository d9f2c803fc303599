"""Runs to write pages of, and pages taken apart by Python's own parser."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from thalweg import models, tasks, train
from thalweg.data import load


@pytest.fixture(scope="session")
def train_run():
    """Train a registered network for a few epochs and return the run, kept in memory."""

    def run(data, model="mlp", folder=None, **settings):
        task, choice = tasks.choose(data.schema.target)
        config = train.Config.from_settings({"epochs": 2, "device": "cpu", **settings})
        choices = [*data.schema.choices, *([choice] if choice else [])]
        network = models.build(model, data)
        silent = train.Onlookers(progress=False)
        return train.fit(
            network, data, task, config, choices=choices, folder=folder, onlookers=silent
        )

    return run


@pytest.fixture(scope="session")
def digits(train_run) -> train.Run:
    """A network on pictures, not looked at again: its scores are those of no part."""
    return train_run(load("digits"), "lenet", epochs=2)


@pytest.fixture(scope="session")
def pictures() -> Any:
    """Return uint8 pictures of two classes, dark and bright."""

    def make(examples=60, size=12):
        draw = np.random.default_rng(0)
        labels = np.arange(examples) % 2
        values = draw.integers(0, 128, (examples, size, size), dtype=np.uint8)
        return values + (128 * labels[:, None, None]).astype(np.uint8), labels

    return make


@dataclass
class Page:
    """What a browser would make of a page."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    text: str = ""

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag, attrs):
        self.page.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.page.scripts.append(data)
        elif self.cdata_elem == "style":
            self.page.styles.append(data)
        else:
            self.page.text += data


@pytest.fixture(scope="session")
def parse():
    """Take HTML apart."""

    def read(html: str) -> Page:
        reader = _Reader()
        reader.feed(html)
        reader.close()
        return reader.page

    return read
