"""`thalweg anatomy`: a network taken apart."""

from pathlib import Path
from typing import Annotated

import typer

from thalweg._core import formats
from thalweg.cli._options import Json
from thalweg.cli._output import print_json, print_table
from thalweg.cli._values import parse_settings, parse_value


def anatomy(
    network: Annotated[
        str, typer.Argument(metavar="NAME|RUN", help="See thalweg models; or a run's folder.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="Options of the network, hidden=64,64, and of training as far as they change its "
            "memory: momentum=0.9, fused=true.",
        ),
    ] = None,
    input: Annotated[  # noqa: A002
        str | None,
        typer.Option(metavar="3,224,224", help="Shape of one example: channels, height, width."),
    ] = None,
    classes: Annotated[int | None, typer.Option(help="That a network by name tells apart.")] = None,
    batch: Annotated[
        int | None,
        typer.Option(help="Examples per step of training; 32, or those of the run."),
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the training; adamw, or that of the run.")
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="8GiB", help="Say which batch fits, training with the optimizer."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw the network.")
    ] = None,
    json: Json = False,
) -> int:
    """Show the layers of a network, what they cost, what they see, and what training needs."""
    from thalweg import _api

    shape = None if input is None else parse_value(input)
    shape = tuple(shape) if isinstance(shape, list) else shape
    flags = {"batch_size": batch, "optimizer": optimizer}
    given = {name: value for name, value in flags.items() if value is not None}
    named = _api.named_anatomy(network, shape, classes, parse_settings(settings or []) | given)
    found, needs = named.anatomy, named.training_memory()
    fits = None if memory is None else named.largest_batch(memory)
    if picture is not None:
        found.picture(picture)
    if json:
        training = {"training": {**needs.to_json(), "largest_batch": fits}}
        print_json({**found.to_json(), **training})
        return 0
    print_table(found.rows, headings=found.headings, right=range(3, len(found.headings)))
    print()
    training = [("training", str(needs))]
    if fits is not None:
        training.append(("largest batch", f"{formats.count(fits)} in {memory}"))
    print_table([*found.totals, *training])
    return 0
