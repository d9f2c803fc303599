"""The page as a whole: bounded, inert, whatever the run."""

import base64
import dataclasses
import hashlib
import json
import re

import numpy as np
import pytest
import torch

from thalweg import models, tasks, train
from thalweg._core.choices import Choice
from thalweg.data import Examples, Splits, load
from thalweg.report import write_page
from thalweg.report._page import render
from thalweg.train import Run, Status

# What the issue allows a page.
LARGEST = 3_000_000
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egnp.exe",
    "</script><script>alert(2)</script>",
    "line\nbreak\u2028' onload='alert(3)",
    "{{ 7 * 7 }}",
    "ü" * 500,
)


@pytest.fixture
def hostile(train_run):
    """A run whose every name is an attack."""
    draw = np.random.default_rng(0)
    labels = np.array(HOSTILE)[np.arange(140) % len(HOSTILE)]
    frame = {name: draw.normal(size=140) for name in HOSTILE}
    data = load({**frame, "<b>target": labels}, "<b>target")
    schema = dataclasses.replace(
        data.schema,
        source=HOSTILE[0],
        choices=[Choice(name, name, name) for name in HOSTILE],
        options={HOSTILE[1]: HOSTILE[2]},
    )
    data = Splits(*(renamed(data[part]) for part in ("train", "valid", "test")), schema=schema)
    run = train_run(data, epochs=1)
    run.status = dataclasses.replace(run.status, state="stopped", reason=HOSTILE[3])
    return run


def renamed(examples: Examples) -> Examples:
    names = tuple(HOSTILE[row % len(HOSTILE)] for row in range(len(examples)))
    return dataclasses.replace(examples, names=names)


def test_hostile_names_are_inert(hostile, parse):
    page = parse(render(hostile))
    assert len(page.named("script")) == 3
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    # A picture in SVG runs no scripts where it is an image.
    kinds = ("data:image/png", "data:image/svg+xml;base64,")
    assert all(image["src"].startswith(kinds) for image in page.named("img"))
    assert not page.named("b"), "mistakes of a table hold no <b>"
    assert "{{ 7 * 7 }}" in page.text
    assert "<script>alert(1)</script>" in page.text
    assert not set("\u202e\u2028") & set(page.text)


def test_what_the_charts_hold_is_data_and_not_markup(hostile, parse):
    page = parse(render(hostile))
    items = json.loads(page.scripts[0])
    assert [item["target_id"] for item in items] == ["curves-chart", "calibration-chart"]


def test_only_the_two_scripts_of_the_page_may_run(digits, parse):
    page = parse(render(digits))
    policy = next(m["content"] for m in page.named("meta") if "http-equiv" in m)
    sums = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in page.scripts[1:]
    ]
    assert re.findall(r"'sha256-([^']+)'", policy) == sums
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy


def test_nothing_in_the_page_lies_elsewhere(digits, parse):
    page = parse(render(digits))
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
        assert "url(" not in (attributes.get("style") or "")
    assert not [style for style in page.styles if "@import" in style or "url(" in style]
    assert not page.named("link")
    assert not page.named("iframe")


def test_the_page_is_written_whole(digits, tmp_path):
    path = tmp_path / "new folder" / "report.html"
    assert write_page(digits, path) == path
    assert path.stat().st_size < LARGEST
    assert path.read_text().startswith("<!doctype html>")
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_every_link_leads_to_a_section_and_every_chart_to_its_place(digits, parse):
    page = parse(render(digits))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"].removeprefix("#") for link in page.named("a")} <= set(ids)
    assert {item["target_id"] for item in json.loads(page.scripts[0])} <= set(ids)


def test_the_page_never_looks_at_the_test_part(digits, parse):
    text = parse(render(digits)).text
    assert "test" not in digits.scores
    assert "270 validation examples" in text
    assert "270 test examples" not in text


def test_the_page_speaks_of_the_test_part_once_it_was_scored(train_run, three_classes, parse):
    run = train_run(three_classes)
    accuracy = run.score("test")["accuracy"]
    text = parse(render(run)).text
    assert f"accuracy on {len(three_classes.test)} test examples" in text
    assert f"{100 * accuracy:.2f} %" in text


def test_a_run_read_from_disk_has_a_page_without_its_data(
    train_run, three_classes, tmp_path, parse
):
    train_run(three_classes, folder=tmp_path / "run").score("test")
    run = Run.load(tmp_path / "run")
    text = parse(render(run)).text
    assert text.count("The data were not at hand") == 2
    assert f"accuracy on {len(three_classes.test)} test examples" in text
    assert f"thalweg train SOURCE --config {tmp_path}/run/config.toml" in text


def test_a_run_without_its_network_has_a_page(train_run, three_classes, parse):
    run = train_run(three_classes)
    run._model = None
    run._answers.clear()
    assert "The network could not be taken apart" in parse(render(run)).text


def test_a_diverged_run_says_so(train_run, three_classes, parse):
    run = train_run(
        three_classes, optimizer="sgd", learning_rate=1e6, schedule="constant", epochs=3
    )
    assert run.status.state == "diverged"
    page = parse(render(run))
    assert "Diverged after" in page.text
    assert "loss no longer finite" in page.text


def test_outputs_that_are_not_finite_are_not_judged(train_run, three_classes, parse):
    run = train_run(three_classes)
    with torch.no_grad():
        for parameter in run.model.parameters():
            parameter.fill_(float("nan"))
    count = len(three_classes.valid)
    assert f"not a finite number for {count} of {count}" in parse(render(run)).text


def test_a_run_of_no_steps_has_a_page(train_run, three_classes, parse):
    run = train_run(three_classes)
    run.history.steps.clear()
    run.history.epochs.clear()
    run.timing.clear()
    run.status = Status("interrupted")
    text = parse(render(run)).text
    assert "No step was taken" in text
    assert "The times of this run were not kept." in text


def test_an_empty_validation_part_is_said(train_run, parse):
    draw = np.random.default_rng(0)
    run = train_run(load(draw.normal(size=(60, 2)), np.arange(60) % 2, valid=0.0))
    text = parse(render(run)).text
    assert "The validation part is empty." in text
    assert "The training loss was" in text


def test_a_hundred_thousand_points_of_history_stay_small(train_run, three_classes):
    run = train_run(three_classes)
    run.history.steps[:] = [
        {"step": step, "epoch": 1, "loss": 1 / step, "learning_rate": 0.1}
        for step in range(1, 100_001)
    ]
    row = run.history.epochs[0]
    run.history.epochs[:] = [{**row, "epoch": n, "step": 10 * n} for n in range(1, 10_001)]
    assert len(render(run)) < LARGEST


def test_pages_full_of_pictures_stay_small(train_run):
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 256, (200, 100, 100, 3), dtype=np.uint8)
    run = train_run(load(noise, np.arange(200) % 2), "linear", epochs=1)
    html = render(run)
    assert html.count("data:image/png") > 30
    assert len(html) < LARGEST


def test_several_labels_at_once_have_a_page(train_run, parse):
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(120, 4))
    run = train_run(load(inputs, (inputs[:, :3] > 0).astype(int)))
    text = parse(render(run)).text
    assert "By label" in text
    assert "Confusion" not in text


def test_numbers_have_a_page(train_run, numbers, parse):
    page = parse(render(train_run(numbers)))
    assert "Predicted and true" in page.text
    assert "Calibration" not in page.text
    assert "Always answering the training mean" in page.text


def test_decisions_without_probabilities_have_a_page(train_run, parse):
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(100, 2))
    data = load(inputs, (inputs[:, 0] > 0).astype(int))
    task, _ = tasks.choose(data.schema.target, wanted="perceptron")
    network = models.build("linear", data, outputs=1)
    config = train.Config.from_settings({"epochs": 1, "device": "cpu"})
    run = train.fit(
        network, data, task, config, choices=[], onlookers=train.Onlookers(progress=False)
    )
    assert "no probabilities, only decisions" in parse(render(run)).text
