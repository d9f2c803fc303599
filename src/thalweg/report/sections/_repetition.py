"""What decides the last bit of the result, and the command that repeats it."""

import shlex

from thalweg._core import formats
from thalweg.errors import ThalwegError
from thalweg.report._section import Section
from thalweg.train import Run, made_with, read_toml


def repetition(run: Run) -> Section:
    """Tell what the run was made with, and how to repeat, resume and use it."""
    commands = []
    if run.folder is None:
        sentence = 'This run was kept in memory only; run.save("folder") keeps it.'
    else:
        folder = shlex.quote(formats.plain(run.folder, longest=4000))
        config = shlex.quote(formats.plain(run.folder / "config.toml", longest=4000))
        source = "" if run.schema.is_reloadable else "SOURCE "
        sentence = "The same settings give the same bits on the same machine and versions."
        if source:
            sentence += " The data were handed over in Python, so name where they are now."
        commands.append(("Repeat this run", f"thalweg train {source}--config {config}"))
        if run.status.state == "interrupted":
            commands.append(("Go on with it", f"thalweg resume {folder}"))
        commands.append(("Use it on new data", f"thalweg predict {folder} NEW"))
    versions = {
        formats.plain(name): formats.plain(value) for name, value in _made_with(run).items()
    }
    return Section(
        "repetition", "Made with", sentence, {"commands": commands, "versions": versions}
    )


def _made_with(run: Run) -> dict[str, object]:
    """Return the versions that the run's folder names; in memory, those of this process."""
    if run.folder is None:
        return made_with(threads=run.settings.train.threads)
    try:
        return read_toml(run.folder / "config.toml").get("made_with", {})
    except ThalwegError:
        return {}
