"""`thalweg models`: the networks by name."""

from thalweg.cli._options import Json
from thalweg.cli._output import print_json, print_table


def models(json: Json = False) -> int:
    """List the networks that can be trained by name."""
    from thalweg import _api

    rows = _api.list_models()
    if json:
        print_json(rows)
    else:
        print_table([(row["name"], row["summary"]) for row in rows])
    return 0
