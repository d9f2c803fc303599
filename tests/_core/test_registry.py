"""Names are found, or the nearest one is named."""

import sys
import types

import pytest

from thalweg._core.registry import Registry, did_you_mean
from thalweg.errors import SettingError, UnknownNameError


@pytest.fixture
def metals() -> Registry[int]:
    registry: Registry[int] = Registry("metal")
    registry.register("iron", summary="rusts")(26)
    registry.register("copper", summary="conducts")(29)
    registry.register("gold", summary="keeps")(79)
    return registry


def test_gives_what_was_registered_in_order_of_registration(metals):
    assert metals["copper"] == 29
    assert metals.names() == ["iron", "copper", "gold"]
    assert [entry.value for entry in metals] == [26, 29, 79]
    assert [entry.summary for entry in metals] == ["rusts", "conducts", "keeps"]
    assert len(metals) == 3
    assert "gold" in metals
    assert "lead" not in metals


def test_a_decorator_gives_its_argument_back(metals):
    def alloy() -> None: ...

    assert metals.register("bronze", summary="tin in copper")(alloy) is alloy


def test_registering_a_name_twice_is_our_own_mistake(metals):
    with pytest.raises(AssertionError, match="metal 'gold' is registered twice"):
        metals.register("gold", summary="again")(80)


@pytest.mark.parametrize("wrong", ["coper", "COPPER", "copperr", "cooper"])
def test_an_unknown_name_comes_with_the_nearest_known_one(metals, wrong):
    with pytest.raises(UnknownNameError) as caught:
        metals[wrong]
    assert str(caught.value) == f"unknown metal {wrong!r}. Did you mean 'copper'?"


def test_a_name_like_none_comes_with_all_known_ones(metals):
    with pytest.raises(SettingError, match=r"unknown metal 'xyz'\. Known: copper, gold, iron\.$"):
        metals["xyz"]


def test_an_unknown_name_is_also_a_lookup_error(metals):
    with pytest.raises(LookupError):
        metals.entry("xyz")


def test_what_the_user_wrote_cannot_break_the_line(metals):
    with pytest.raises(UnknownNameError) as caught:
        metals["\x1b[31mx\n" * 100]
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 200


@pytest.mark.parametrize(
    ("short", "long"), [("lr", "learning_rate"), ("bs", "batch_size"), ("WD", "weight_decay")]
)
def test_initials_stand_for_a_name_of_several_words(short, long):
    known = ["l1", "l2", "learning_rate", "batch_size", "weight_decay", "warmup"]
    assert did_you_mean(short, known) == f"Did you mean {long!r}?"


def test_a_promised_name_is_imported_once_it_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "silver_mine.py").write_text(
        "import mint\nmint.coins.register('silver', summary='')(47)"
    )
    coins = Registry[int]("coin")
    coins.register("gold", summary="")(79)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "mint", types.SimpleNamespace(coins=coins))
    coins.promise("silver", "silver_mine")
    assert coins.names() == ["gold", "silver"]
    assert len(coins) == 2
    assert "silver" in coins
    with pytest.raises(UnknownNameError, match="Did you mean 'silver'"):
        coins["silber"]
    assert "silver_mine" not in sys.modules
    assert coins["silver"] == 47
    assert [each.value for each in coins] == [79, 47]
    assert "silver_mine" in sys.modules


def test_says_so_where_nothing_is_known():
    assert did_you_mean("anything", []) == "Known: none."
