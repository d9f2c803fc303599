"""The tables of `docs/conformance.md`, written by the checks themselves."""

from typing import Any

from thalweg.conformance._suite import Suite


def tables() -> dict[str, str]:
    """Return, for each suite, a table in Markdown of what its checks promise.

    Example:
        >>> tables()["task"].splitlines()[0]
        '| check | what is promised | where it fails |'
    """
    # Late, as in the doors.
    from thalweg.conformance.data import SPLITS
    from thalweg.conformance.models import MODEL
    from thalweg.conformance.tasks import TASK

    return {suite.noun: _table(suite) for suite in (MODEL, TASK, SPLITS)}


def _table(suite: Suite[Any]) -> str:
    rows = [
        f"| `{each.name}`{' (thorough)' * each.is_thorough} | {each.promise} | {each.remedy} |"
        for each in suite
    ]
    head = ["| check | what is promised | where it fails |", "|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
