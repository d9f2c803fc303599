"""A run cut off anywhere ends in the bits of one that was not."""

import shutil

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import CheckpointError, RunError, RunLockedError, RunMismatchError, WeightsError

SETTINGS = {
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 0.01,
    "checkpoint_every": 2,
    "progress": False,
}


class PowerCutError(Exception):
    """The end, in the middle of a step."""


def network() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.4), nn.Linear(16, 3)
    )


def cut(monkeypatch, at: int) -> None:
    """Let the loop fail in the step after `at` completed ones."""
    update, count = tw.train._loop.update, 0

    def failing(*arguments):
        nonlocal count
        if count == at:
            monkeypatch.setattr(tw.train._loop, "update", update)
            raise PowerCutError
        count += 1
        return update(*arguments)

    monkeypatch.setattr(tw.train._loop, "update", failing)


def assert_same(run: tw.Run, other: tw.Run) -> None:
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    assert run.history == other.history
    assert run.status == other.status


@pytest.mark.parametrize("optimizer", ["adamw", "nesterov", "rprop"])
def test_resumes_exactly_wherever_it_was_cut(three_classes, monkeypatch, optimizer):
    settings = {**SETTINGS, "optimizer": optimizer}
    calm = tw.fit(network(), three_classes, out="calm", **settings)
    for at in range(calm.status.steps):
        cut(monkeypatch, at)
        with pytest.raises(PowerCutError):
            tw.fit(network(), three_classes, out=f"cut-{at}", **settings)
        assert_same(tw.resume(f"cut-{at}", three_classes, network(), progress=False), calm)


@pytest.mark.parametrize("precision", ["bfloat16", "bfloat16-matmul"])
def test_resumes_exactly_in_a_shorter_type(three_classes, monkeypatch, precision):
    settings = {**SETTINGS, "precision": precision}
    calm = tw.fit(network(), three_classes, out="calm", **settings)
    cut(monkeypatch, 5)
    with pytest.raises(PowerCutError):
        tw.fit(network(), three_classes, out="cut", **settings)
    assert_same(tw.resume("cut", three_classes, network(), progress=False), calm)
    exact = tw.fit(network(), three_classes, out="exact", **SETTINGS)
    if precision == "bfloat16":  # Small products are not rounded.
        assert calm.history != exact.history


def test_resumes_exactly_after_several_cuts(three_classes, monkeypatch):
    calm = tw.fit(network(), three_classes, out="calm", **SETTINGS)
    cut(monkeypatch, 5)
    with pytest.raises(PowerCutError):
        tw.fit(network(), three_classes, out="cut", **SETTINGS)
    for at in (1, 3, 4):
        cut(monkeypatch, at)
        with pytest.raises(PowerCutError):
            tw.resume("cut", three_classes, network(), progress=False)
    assert_same(tw.resume("cut", three_classes, network(), progress=False), calm)


def test_resumes_early_stopping_with_its_patience_and_best_weights(three_classes, monkeypatch):
    settings = {**SETTINGS, "epochs": 60, "learning_rate": 0.1, "patience": 3}
    calm = tw.fit(network(), three_classes, out="calm", **settings)
    assert calm.status.state == "stopped"
    cut(monkeypatch, calm.status.steps - 3)
    with pytest.raises(PowerCutError):
        tw.fit(network(), three_classes, out="cut", **settings)
    assert_same(tw.resume("cut", three_classes, network(), progress=False), calm)


def test_resuming_a_finished_run_changes_nothing(three_classes):
    run = tw.fit(network(), three_classes, out="run", **SETTINGS)
    assert_same(tw.resume("run", three_classes, network(), progress=False), run)


def test_falls_back_on_the_checkpoint_before_a_damaged_one(three_classes, monkeypatch, tmp_path):
    calm = tw.fit(network(), three_classes, out="calm", **SETTINGS)
    for damage in ("cut short", "one bit", "missing"):
        cut(monkeypatch, 9)
        with pytest.raises(PowerCutError):
            tw.fit(network(), three_classes, out=damage, **SETTINGS)
        newest = max((tmp_path / damage / "checkpoint").glob("step-*"))
        tensors = newest / "tensors.safetensors"
        content = bytearray(tensors.read_bytes())
        if damage == "cut short":
            tensors.write_bytes(content[: len(content) // 2])
        elif damage == "one bit":
            content[len(content) // 2] ^= 1
            tensors.write_bytes(content)
        else:
            tensors.unlink()
        run = tw.resume(damage, three_classes, network(), progress=False)
        assert_same(run, calm)
        assert any("damaged" in choice.reason for choice in run.choices), damage


def test_says_so_when_no_checkpoint_is_intact(three_classes, monkeypatch, tmp_path):
    cut(monkeypatch, 9)
    with pytest.raises(PowerCutError):
        tw.fit(network(), three_classes, out="run", **SETTINGS)
    for path in (tmp_path / "run" / "checkpoint").glob("step-*/tensors.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        tw.resume("run", three_classes, network(), progress=False)


def test_keeps_files_that_it_did_not_write(three_classes, tmp_path):
    (tmp_path / "run" / "checkpoint" / "step-notes").mkdir(parents=True)
    (tmp_path / "run" / "checkpoint" / "step-notes" / "mine.txt").write_text("keep")
    tw.fit(network(), three_classes, out="run", **SETTINGS)
    assert (tmp_path / "run" / "checkpoint" / "step-notes" / "mine.txt").read_text() == "keep"
    kept = list((tmp_path / "run" / "checkpoint").glob("step-*/state.json"))
    assert len(kept) == 2


def test_refuses_other_data_with_the_difference(three_classes, numbers, monkeypatch):
    cut(monkeypatch, 4)
    with pytest.raises(PowerCutError):
        tw.fit(network(), three_classes, out="run", **SETTINGS)
    with pytest.raises(RunMismatchError, match="the data have changed"):
        tw.resume("run", numbers, network(), progress=False)


def test_refuses_another_number_of_threads_unless_forced(three_classes, monkeypatch):
    cut(monkeypatch, 4)
    with pytest.raises(PowerCutError):
        tw.fit(network(), three_classes, out="run", **SETTINGS)
    torch.set_num_threads(2)
    try:
        with pytest.raises(RunMismatchError, match="threads was 1 then, is 2 now"):
            tw.resume("run", three_classes, network(), progress=False)
        assert tw.resume("run", three_classes, network(), progress=False, force=True).status.steps
    finally:
        torch.set_num_threads(1)


def test_a_folder_with_a_run_is_never_overwritten(three_classes):
    tw.fit(network(), three_classes, out="run", **SETTINGS)
    with pytest.raises(RunError, match="holds a run already"):
        tw.fit(network(), three_classes, out="run", **SETTINGS)


def test_a_run_in_use_is_left_alone(three_classes, monkeypatch, tmp_path):
    from thalweg._core import files

    cut(monkeypatch, 4)
    with pytest.raises(PowerCutError):
        tw.fit(network(), three_classes, out="run", **SETTINGS)
    with files.locked(tmp_path / "run"), pytest.raises(RunLockedError, match="in use"):
        tw.resume("run", three_classes, network(), progress=False)


def test_weights_of_another_shape_are_refused_by_name(three_classes):
    run = tw.fit(network(), three_classes, out="run", **SETTINGS)
    other = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))
    with pytest.raises(WeightsError, match=r"'0\.weight' needs shape \(8, 4\), the file has"):
        tw.Run.load(run.folder, model=other)


def test_a_run_moved_elsewhere_predicts_the_same(three_classes, tmp_path):
    model = tw.build("mlp", three_classes)
    run = tw.fit(model, three_classes, out="run", **SETTINGS)
    shutil.move("run", tmp_path / "moved")
    loaded = tw.Run.load(tmp_path / "moved")
    points = [[0.1, 0.2, -0.3, 1.0], [2.0, 2.5, 1.0, 3.0]]
    assert loaded.predict(points).values.tolist() == run.predict(points).values.tolist()
    assert (loaded.predict(points).probabilities == run.predict(points).probabilities).all()


def test_killed_before_its_first_step_it_is_a_run_or_the_folder_is_free(
    three_classes, monkeypatch, tmp_path
):
    calm = tw.fit("mlp", three_classes, out="calm", **SETTINGS)
    write, writes = tw._core.files.write_atomically, 0

    def failing(path, content):
        nonlocal writes
        if writes == 0:
            raise PowerCutError
        writes -= 1
        write(path, content)

    ends = set()
    for at in range(8):
        folder, writes = tmp_path / f"cut-{at}", at
        with monkeypatch.context() as patch:
            patch.setattr(tw._core.files, "write_atomically", failing)
            patch.setattr(tw.train._settings, "write_atomically", failing)
            with pytest.raises(PowerCutError):
                tw.fit("mlp", three_classes, out=folder, **SETTINGS)
        if (folder / "config.toml").exists():
            again, end = tw.resume(folder, three_classes, progress=False), "resumed"
        else:
            again, end = tw.fit("mlp", three_classes, out=folder, **SETTINGS), "begun anew"
        ends.add(end)
        assert_same(calm, again)
    assert ends == {"resumed", "begun anew"}


def test_checkpoints_without_settings_are_not_written_over(three_classes, tmp_path):
    tw.fit("mlp", three_classes, out="run", **SETTINGS)
    (tmp_path / "run" / "config.toml").unlink()
    before = sorted(path.name for path in (tmp_path / "run" / "checkpoint").iterdir())
    with pytest.raises(RunError, match=r"config\.toml is gone"):
        tw.fit("mlp", three_classes, out="run", **SETTINGS)
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoint").iterdir()) == before


def test_a_run_cut_off_has_no_weights_to_load_until_it_is_resumed(three_classes, monkeypatch):
    cut(monkeypatch, 4)
    with pytest.raises(PowerCutError):
        tw.fit("mlp", three_classes, out="run", **SETTINGS)
    with pytest.raises(RunError, match=r"no weights yet.*thalweg resume run"):
        tw.Run.load("run")
    tw.resume("run", three_classes, progress=False)
    assert tw.Run.load("run").status.state == "finished"


# The compiler reads what the network calls, and cannot read the checks of types.
@pytest.mark.usefixtures("unchecked")
def test_a_compiled_network_is_kept_under_its_own_names(three_classes, monkeypatch):
    settings = {**SETTINGS, "channels_last": False}
    calm = tw.fit(network(), three_classes, out="calm", **settings)
    cut(monkeypatch, 5)
    with pytest.raises(PowerCutError):
        tw.fit(torch.compile(network(), backend="eager"), three_classes, out="cut", **settings)
    # A checkpoint of a compiled network goes on in a plain one.
    assert_same(calm, tw.resume("cut", three_classes, network(), progress=False))
    again = tw.Run.load("calm", torch.compile(network(), backend="eager"))
    assert again.model._orig_mod[0].weight.equal(calm.model[0].weight)


def test_a_failed_save_leaves_nothing_half_written(three_classes, monkeypatch, tmp_path):
    write = tw._core.files.write_atomically

    def failing(path, content):
        if path.name == "state.json" and "step-000000004" in str(path):
            raise RunError("the disk is full")
        write(path, content)

    monkeypatch.setattr(tw._core.files, "write_atomically", failing)
    with pytest.raises(RunError, match="disk is full"):
        tw.fit("mlp", three_classes, out="run", **SETTINGS)
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoint").iterdir())
    assert names == ["step-000000000", "step-000000002"]
