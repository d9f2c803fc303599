"""The tree of errors, as drawn and as built."""

import builtins
import inspect
import re

import pytest

from thalweg import errors

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.ThalwegError)
}


def drawn() -> dict[str, tuple[str, str]]:
    """Return the parent and the builtin of each class as the docstring draws them."""
    found, above = {}, {}
    line_of_tree = r"([│ ]*)[├└]── (\w+) \((\w+)\) +\S.+"
    for line in (errors.__doc__ or "").splitlines():
        if match := re.fullmatch(line_of_tree, line):
            indent, name, builtin = match.groups()
            depth = len(indent) // 4
            above[depth] = name
            found[name] = (above.get(depth - 1, "ThalwegError"), builtin)
    return found


def test_the_drawing_shows_every_class_and_no_other():
    assert set(drawn()) | {"ThalwegError"} == set(CLASSES)


@pytest.mark.parametrize("name", drawn())
def test_each_class_stands_where_it_is_drawn(name):
    parent, builtin = drawn()[name]
    assert CLASSES[name].__bases__ == (CLASSES[parent], getattr(builtins, builtin))


@pytest.mark.parametrize("kind", CLASSES.values())
def test_each_shows_its_message_and_nothing_more(kind):
    """Builtins such as KeyError and OSError show their arguments in ways of their own."""
    message = "a 'quoted' message. Do this."
    assert str(kind(message)) == message
    with pytest.raises(errors.ThalwegError, match=re.escape(message)):
        raise kind(message)


@pytest.mark.parametrize("kind", CLASSES.values())
def test_a_message_is_one_printable_line_whatever_it_quotes(kind):
    message = str(kind("a\x1b[31m\nb\u202ec\x9bd\udc80 é × … " + "long " * 1000))
    assert message.startswith("a?[31m?b?c?d? é × … long long")
    assert message.isprintable()
    assert len(message) == errors.LONGEST


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("DataError", ValueError),
        ("DataNotFoundError", FileNotFoundError),
        ("DataNotFoundError", ValueError),
        ("ShapeError", ValueError),
        ("SettingError", ValueError),
        ("UnknownNameError", LookupError),
        ("WeightsError", ValueError),
        ("MissingExtraError", ImportError),
        ("ConformanceError", AssertionError),
        ("RunError", RuntimeError),
        ("RunLockedError", BlockingIOError),
        ("CheckpointError", OSError),
        ("RunMismatchError", ValueError),
    ],
)
def test_each_is_also_the_builtin_that_one_would_catch(name, builtin):
    with pytest.raises(builtin):
        raise CLASSES[name]("a message")
