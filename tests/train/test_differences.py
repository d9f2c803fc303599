"""What differs from when a run began is refused, and named."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import thalweg as tw
from thalweg._core.seals import sealed
from thalweg.errors import RunMismatchError
from thalweg.train._checkpoint import checkpoints
from thalweg.train._folder import RunFolder


@pytest.fixture
def folder(three_classes) -> RunFolder:
    """A run that was interrupted."""
    run = tw.fit(
        tw.build("mlp", three_classes, dropout=0.3),
        three_classes,
        out="run",
        label_smoothing=0.1,
        epochs=1,
        batch_size=32,
        progress=False,
        doctor=False,
    )
    folder = RunFolder(Path("run"))
    folder.write_status(replace(run.status, state="interrupted"))
    return folder


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("epochs = 1", "epochs = 2", "epochs was 1 then, is 2 now"),
        ("dropout = 0.3", "dropout = 0.1", "[model] dropout was 0.3 then, is 0.1 now"),
        ("dropout = 0.3", "", "[model] dropout was 0.3 then, is None now"),
        ('name = "mlp"', 'name = "mlp"\nactivation = "tanh"', "[model] activation was None then"),
        ("smoothing = 0.1", "smoothing = 0.2", "[task] label_smoothing was 0.1 then, is 0.2 now"),
        ("test = 0.15", "test = 0.1", "[data] test was 0.15 then, is 0.1 now"),
    ],
)
def test_a_setting_of_any_section(three_classes, folder, before, after, told):
    path = folder.path / "config.toml"
    content = path.read_text()
    assert content.count(before) == 1
    path.write_text(content.replace(before, after))
    with pytest.raises(RunMismatchError, match=re.escape(f"exactly: {told}")):
        tw.resume("run", three_classes, progress=False)
    path.write_text(content)
    tw.resume("run", three_classes, progress=False)


def test_a_network_that_was_made_with_other_options(three_classes, folder):
    other = tw.build("mlp", three_classes, dropout=0.1)
    with pytest.raises(RunMismatchError, match=r"\[model\] dropout was 0\.3 then, is 0\.1 now"):
        tw.resume("run", three_classes, other, progress=False)
    # The seed of the first weights is of no consequence any more.
    alike = tw.build("mlp", three_classes, dropout=0.3, seed=7)
    assert tw.resume("run", three_classes, alike, progress=False).status.state == "finished"


def test_checkpoints_of_earlier_versions_know_the_settings_of_training_alone(three_classes, folder):
    for path in checkpoints(folder.checkpoints):
        plain = json.loads((path / "state.json").read_text())
        content = sealed({**plain, "settings": plain["settings"]["train"]})
        (path / "state.json").write_text(json.dumps(content))
    path = folder.path / "config.toml"
    content = path.read_text()
    path.write_text(content.replace("epochs = 1", "epochs = 2").replace("0.3", "0.1"))
    with pytest.raises(RunMismatchError, match=r"exactly: epochs was 1 then, is 2 now\. Restore"):
        tw.resume("run", three_classes, progress=False)
