"""`check_data`: the door to the checks of data."""

from collections.abc import Callable, Mapping
from typing import Any

from thalweg.conformance._report import Conformance
from thalweg.data import Splits, load


def check_data(
    data: Any,
    target: Any = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
    **options: Any,
) -> Conformance:
    """Examine what loaded data promise to whoever trains on them.

    The data are loaded, and loaded again; nothing of them is changed. `docs/conformance.md` lists
    the checks; how to read the report is said at `check_model`.

    Args:
        data: Anything that `tw.load` takes, a source of your own too; or what it returned.
        target: As for `tw.load`.
        expected_failures: Why a check may fail, by its name. A check that passes all the same
            is then a failure.
        **options: As for `tw.load`.

    Raises:
        ThalwegError: The data cannot be loaded, or an exemption names no check.

    Example:
        >>> report = check_data("iris")
        >>> report.passed, report["loads-again"].outcome
        (True, 'passed')
    """
    # Late: files that training does not need.
    from thalweg.conformance.data import SPLITS, SplitsCase
    from thalweg.conformance.data._source import digest

    is_split = isinstance(data, Splits)
    before = None if is_split else digest(data, target)
    splits = load(data, target, **options)
    schema = splits.schema
    reload: Callable[[], Splits] | None = None
    if schema.is_reloadable:
        reload = lambda: load(schema.source, **schema.options)  # noqa: E731
    elif not is_split:
        reload = lambda: load(data, target, **options)  # noqa: E731

    # A name, or an object that only its source can read, is not what is met at prediction.
    given = None if before is None else data

    def case() -> SplitsCase:
        return SplitsCase(splits, reload, given, before, lambda: digest(data, target))

    return SPLITS.run(f"data {schema.name}", case, expected_failures)
