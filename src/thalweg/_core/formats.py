"""Numbers and names as people read them."""

import math
import unicodedata


def count(number: float) -> str:
    """Return a whole number with thousands separated.

    Example:
        >>> count(61706)
        '61,706'
    """
    return f"{number:,.0f}"


def several(number: int, noun: str) -> str:
    """Return a number of things, one of which is called so.

    Example:
        >>> several(1, "thread"), several(1200, "step")
        ('1 thread', '1,200 steps')
    """
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def seconds(duration: float) -> str:
    """Return a duration in the unit that suits it.

    Example:
        >>> [seconds(value) for value in (2.5e-5, 0.0042, 3.21, 75, 4000)]
        ['25.0 µs', '4.2 ms', '3.2 s', '1 min 15 s', '1 h 06 min']
    """
    if not math.isfinite(duration):
        return "unknown"
    # The limits are those at which the shown digits would reach the next unit.
    if 0 < duration < 9.995e-5:  # From here on, milliseconds with one decimal say as much.
        return f"{duration * 1e6:.1f} µs"
    if duration < 0.99995:
        return f"{duration * 1000:.1f} ms"
    if duration < 59.95:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def size(number: float) -> str:
    """Return a number of bytes in binary units.

    Example:
        >>> [size(value) for value in (12, 4096, 3 * 2**20)]
        ['12 B', '4.0 KiB', '3.0 MiB']
    """
    if number < 1024:
        return f"{number:.0f} B"
    for unit in ("KiB", "MiB"):
        number /= 1024
        if number < 1023.95:  # From here on, one decimal would show 1024.0.
            return f"{number:.1f} {unit}"
    return f"{number / 1024:.1f} GiB"


def figure(value: float) -> str:
    """Return a measured number with four significant digits.

    Example:
        >>> [figure(value) for value in (0.98148, 1234.5678, 3e-05)]
        ['0.9815', '1235', '3e-05']
    """
    return f"{value:.4g}"


def percent(share: float) -> str:
    """Return a share of one as per cent with two decimals.

    Example:
        >>> percent(0.98148)
        '98.15 %'
    """
    return f"{100 * share:.2f} %"


def setting(value: object) -> str:
    """Return a setting's value as a person writes it.

    Example:
        >>> [setting(value) for value in ([32, 32], {"rotate": 10, "shift": 0.1}, True)]
        ['32,32', 'rotate=10, shift=0.1', 'true']
    """
    if isinstance(value, dict):
        return ", ".join(f"{name}={setting(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(map(setting, value))
    if isinstance(value, bool):
        return str(value).lower()
    return figure(value) if isinstance(value, float) else str(value)


def plain(text: object, longest: int = 120) -> str:
    r"""Return a user's text safe to print on one line: no control characters, not too long.

    Example:
        >>> plain("a\x1b[31mb\nc")
        'a?[31mb?c'
    """
    clean = "".join("?" if unicodedata.category(char) in _UNSAFE else char for char in str(text))
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


# Control, format (bidirectional overrides among them), surrogate, private, unassigned,
# line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
