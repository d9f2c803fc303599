"""`thalweg predict`: what a trained network says of new examples."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg._core import formats
from thalweg.cli._failures import say
from thalweg.cli._options import Json, RunFolder
from thalweg.cli._output import print_json, print_table

if TYPE_CHECKING:
    from thalweg._api import Prediction


def predict(
    run: RunFolder,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="Tables, pictures, or folders of pictures, without targets."
        ),
    ],
    json: Json = False,
) -> int:
    """Predict new examples, treated as the training data were."""
    from thalweg import _api

    trained = _api.Run.load(run)
    predictions = [trained.predict(each) for each in inputs]
    for repair in dict.fromkeys(each.reason for made in predictions for each in made.repairs):
        say(f"note: {repair}")
    if json:
        print_json([row for prediction in predictions for row in prediction.rows()])
    else:
        rows = [row for prediction in predictions for row in _rows(prediction)]
        print_table(rows, headings=("name", "prediction", "probability"), right=(2,))
    return 0


def _rows(prediction: "Prediction") -> Iterator[tuple[str, object, str | None]]:
    """Yield each example's name, its prediction, and how probable that is."""
    index = {label: number for number, label in enumerate(prediction.classes)}
    probabilities = prediction.probabilities
    for row, answer in enumerate(prediction.values.tolist()):
        plain = None
        if isinstance(answer, list) and index:  # an indicator per label
            answer = [label for label, holds in zip(index, answer, strict=True) if holds]
        if probabilities is not None and not isinstance(answer, list):
            plain = formats.percent(float(probabilities[row, index[answer]]))
        yield prediction.names[row], answer, plain
