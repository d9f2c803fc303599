"""What came of a training, put into the run."""

from thalweg.train._folder import RunFolder, Status
from thalweg.train._run import Run
from thalweg.train._state import State
from thalweg.train._transfer import remember_classes
from thalweg.train.observers import Stopwatch


def keep(run: Run, state: State, stopwatch: Stopwatch) -> None:
    """Put the results of training into the run, and the run onto the disk."""
    assert run.data is not None
    reason = state.stopped
    if reason is None:
        outcome = "finished"
    elif reason == "interrupted":
        outcome = "interrupted"
    else:
        outcome = "diverged" if state.has_diverged else "stopped"
    kept, is_chosen = state.kept, state.keeps_best and len(run.data.valid) > 0
    # Where nothing was chosen and nothing was lost, the weights are simply the last.
    has_lost = kept is not None and (kept.epoch < state.epoch or state.batch > 0)
    is_told = is_chosen or (has_lost and outcome != "interrupted")
    run.history = state.history
    run.status = Status(
        state=outcome,
        reason=reason,
        epochs=state.epoch,
        steps=state.step,
        best_epoch=kept.epoch if kept is not None and is_told else None,
        parameters=sum(each.numel() for each in run.model.parameters()),
    )
    run.model.eval()
    remember_classes(run.model, run.schema.target.classes)
    for phase, seconds in stopwatch.seconds.items():
        run.timing[phase] = run.timing.get(phase, 0.0) + seconds
    if run.folder is not None and run.is_writer:
        folder = RunFolder(run.folder)
        if run.watched is not None:
            folder.write_record(run.watched)
        run.status = folder.write_results(run.model, run.history, run.timing, run.status)
