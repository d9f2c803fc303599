"""`thalweg data`: what can be loaded, and the card of one data set."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg._core import formats
from thalweg.cli._options import Json, Source, Target
from thalweg.cli._output import print_json, print_table, show
from thalweg.cli._values import parse_settings

if TYPE_CHECKING:
    from thalweg._api import CachedPictures, DataCard

# A card is read on one screen; --json has everything.
MOST_ROWS = 20
MOST_LEVELS = 6


def data(
    source: Source = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Options of loading, such as valid=0.2."),
    ] = None,
    target: Target = None,
    cached: Annotated[
        bool, typer.Option("--cached", help="List the decoded pictures kept for later runs.")
    ] = False,
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Remove them; they are decoded again if needed.")
    ] = False,
    json: Json = False,
) -> int:
    """List what can be loaded or, for one data set, show what is known of it."""
    from thalweg import _api

    if cached or clear_cache:
        _print_cache(_api.clear_cache() if clear_cache else _api.list_cache(), clear_cache, json)
        return 0
    if source is None:
        rows = _api.list_data()
        if json:
            print_json(rows)
        else:
            print_table([(row["name"], row["summary"]) for row in rows])
        return 0
    given = parse_settings(settings or []) | ({"target": target} if target else {})
    column = given.pop("target", None)  # no option of a source, but of loading
    options = _api.route(given, {"data": {"source": source}}, only=("data",))["data"]
    card = _api.describe_data(options.pop("source"), target=column, **options)
    if json:
        print_json(card.to_json())
    else:
        _print_card(card)
    return 0


def _print_cache(files: "list[CachedPictures]", is_removed: bool, as_json: bool) -> None:
    if as_json:
        print_json([each.to_json() for each in files])
        return
    total = formats.size(sum(each.bytes for each in files))
    sets = "set" if len(files) == 1 else "sets"
    what = "removed" if is_removed else "kept"
    print(f"{formats.count(len(files))} {sets} of decoded pictures {what}, {total}")
    rows: list[list[object]] = [
        [each.origin or "damaged", formats.size(each.bytes), _date(each.used), each.path]
        for each in files
    ]
    if rows:
        _print_section(["pictures of", "size", "last used", "file"], rows, right=False)


def _date(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _print_card(card: "DataCard") -> None:
    shape = "×".join(str(length) for length in card.shape)
    parts = ", ".join(f"{formats.count(number)} {part}" for part, number in card.counts.items())
    repeats = ", ".join(f"{formats.count(n)} {kind}" for kind, n in card.duplicates.items())
    target = card.target
    print_table(
        [
            ("source", card.source),
            ("inputs", f"{card.kind}, {shape}"),
            ("target", f"{', '.join(target['names'])} ({target['kind']})"),
            ("examples", parts),
            ("duplicates", repeats),
        ]
    )
    if target["classes"]:
        classes = list(zip(target["classes"], target["counts"], strict=True))
        _print_section(["class", "in train"], [list(pair) for pair in classes])
    if card.columns:
        names = list(dict.fromkeys(name for column in card.columns for name in column))
        headings = ["column" if name == "name" else name for name in names]
        rows = [[_brief(column.get(name)) for name in names] for column in card.columns]
        _print_section(headings, rows)
    _print_section(
        ["chosen", "value", "because"],
        [[choice["setting"], choice["value"], choice["reason"]] for choice in card.choices],
        right=False,
    )


def _brief(value: object) -> object:
    """Return the first levels of a category, and how many more there are; all else as it is."""
    if not isinstance(value, dict) or len(value) <= MOST_LEVELS:
        return value
    first = show(dict(list(value.items())[:MOST_LEVELS]))
    return f"{first}, … {formats.count(len(value) - MOST_LEVELS)} more"


def _print_section(headings: list[str], rows: list[list[object]], right: bool = True) -> None:
    """Print a table of at most `MOST_ROWS` rows under a blank line, numbers to the right."""
    numbers = [
        index
        for index in range(1, len(headings))
        if right and all(isinstance(row[index], (int, float)) for row in rows)
    ]
    print()
    print_table(rows[:MOST_ROWS], headings=headings, right=numbers)
    if len(rows) > MOST_ROWS:
        print(f"… and {formats.count(len(rows) - MOST_ROWS)} more; --json has all")
