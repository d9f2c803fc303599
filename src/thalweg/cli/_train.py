"""`thalweg train`: data in, a trained network and its page out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from thalweg.cli._ending import finish, resumable
from thalweg.cli._options import Json, NoReport, Quiet, Source, Target
from thalweg.cli._values import is_setting, parse_settings
from thalweg.errors import SettingError


def train(
    source: Source = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Any setting: batch_size=64, hidden=64,64."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Network: see thalweg models.")
    ] = None,
    target: Target = None,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Chosen from the target by default.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the network and the order of examples; not of the split.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 or mps.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to keep the run; runs/… by default."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings to begin with: the config.toml of a run."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch public weights (weights=imagenet) if absent.")
    ] = False,
    quiet: Quiet = False,
    no_report: NoReport = False,
    json: Json = False,
) -> int:
    """Train a network, score it once on the test part, and write its report."""
    from thalweg import _api

    words = settings or []
    # A folder that is called like a setting is ./size=28, as one called digits is ./digits.
    if source is not None and is_setting(source):
        source, words = None, [source, *words]
    flags = {
        "model": model,
        "target": target,
        "task": task,
        "epochs": epochs,
        "seed": seed,
        "device": device,
        "out": out,
    }
    given = parse_settings(words) | {k: v for k, v in flags.items() if v is not None}
    if download:
        given["download"] = True
    folder = given.pop("out", None)
    sections = _sections(_api.read_toml(config) if config else {}, source, given)
    sections = _api.route(given, sections)
    # Started again by torchrun, the training goes on in the folder that it began.
    begun = _api.begun_folder()
    folder = Path(str(folder or begun or _api.next_folder(str(sections["data"]["source"]))))
    with resumable(folder, is_new=begun is None):
        run = _api.train_from(sections, out=folder, progress=not quiet)
        if not run.is_writer:
            return 0
        return finish(run, report=not no_report, as_json=json)


def _sections(
    sections: dict[str, Any], source: str | None, given: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the sections of a file of settings, changed by what has a place of its own.

    Takes those settings out of `given`.

    Raises:
        SettingError: Nothing says what to train on.
    """
    data, network, task, train = (
        dict(sections.get(name, {})) for name in ("data", "model", "task", "train")
    )
    if source is not None:
        data["source"] = source
        data.pop("object", None)  # what the data were, where Python handed them over
    if "source" not in data:
        raise SettingError(
            "train needs a source: a builtin data set, a file or a folder, as in "
            "`thalweg train digits`; or --config FILE. See thalweg data."
        )
    if "target" in given:
        data["target"] = given.pop("target")
    # The options of one network or task mean nothing to another.
    if (name := given.pop("model", network.get("name"))) != network.get("name"):
        network = {"name": name}
    if (name := given.pop("task", task.get("name"))) != task.get("name"):
        task = {"name": name}
    if "seed" in given:
        network["seed"] = train["seed"] = given.pop("seed")
    return {"data": data, "model": network, "task": task, "train": train}
