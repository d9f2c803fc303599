import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_iris


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["table.csv", "columns=a"],
            "'table files' must be a table, got 'a'",
        ),
        (
            ["table.csv", "drop=5"],
            "a text or a list, got 5. As a text it is written drop='",
        ),
        (["table.csv", "delimiter=[1]"], "must be a text, got [1]"),
        (["table.csv", "target=[]"], "a target is needed"),
        (["spirals", "noise=much"], "'spirals' must be a number, got 'much'"),
        (["spirals", "classes=1.5"], "'spirals' must be a whole number, got 1.5"),
        (["glyphs", "fonts=true"], "'glyphs' must be a text or a path or a list, got True."),
        (["photos", "channels=true"], "channels must be 1 (grey) or 3 (colour), got True"),
    ],
)
def test_an_option_of_another_type_is_refused_in_a_line(call, tmp_path, words, said):
    Path("table.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    Path("photos").mkdir()
    needs = ["--target", "b"] if words[0] == "table.csv" and "target=[]" not in words else []
    failed = call("data", *words, *needs)
    assert failed.code == 2
    assert said in failed.err
    assert failed.err.count("\n") == 1


def test_of_many_levels_the_first_are_shown_and_the_rest_counted(call):
    rows = [f"{letter},{number}" for number in range(6) for letter in "abcdefghi"]
    Path("table.csv").write_text("\n".join(["letter,size", *rows]) + "\n")
    words = ("data", "table.csv", "--target", "size", "kind=number", "valid=0", "test=0")
    (line,) = [each for each in call(*words).out.splitlines() if each.startswith("letter")]
    assert " a 6, b 6, c 6, d 6, e 6, f 6, … 3 more " in line
    (column,) = json.loads(call(*words, "--json").out)["columns"]
    assert len(column["levels"]) == 9


def test_kinds_of_columns_are_taken_as_messages_show_them(call):
    Path("table.csv").write_text("a,b\n" + "1,x\n2,y\n3,x\n4,y\n" * 20)
    shown = call("data", "table.csv", "--target", "b", "columns={'a': 'category'}", "--json")
    (column,) = json.loads(shown.out)["columns"]
    assert (column["name"], column["kind"]) == ("a", "category")


def test_builtin_sets_and_kinds_of_source_are_listed(call):
    shown = call("data")
    assert shown.code == 0
    names = [line.split()[0] for line in shown.out.splitlines()]
    assert {"digits", "iris", "wine", "diabetes", "moons"} <= set(names)


def test_the_card_shows_classes_columns_and_reasons(call):
    shown = call("data", "iris")
    assert shown.code == 0
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["examples", "105", "train,", "23", "valid,", "22", "test"] in lines
    assert ["setosa", "35"] in lines
    assert any(line[:1] == ["split"] and "stratified" in line for line in lines)


def test_json_holds_the_whole_card(call):
    card = json.loads(call("data", "iris", "valid=0.2", "test=0.3", "--json").out)
    iris = load_iris()
    assert sum(card["counts"].values()) == len(iris.data)
    assert card["counts"]["valid"] == 30
    assert card["target"]["classes"] == list(iris.target_names)
    mean = card["columns"][0]["mean"]
    assert np.isclose(mean, iris.data[:, 0].mean(), atol=0.2)


def test_a_long_card_is_cut_with_a_word(call, tmp_path):
    draw = np.random.default_rng(0)
    names = [f"c{number}" for number in range(30)]
    rows = [",".join(f"{value:.3f}" for value in row) for row in draw.normal(size=(60, 30))]
    (tmp_path / "wide.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    shown = call("data", "wide.csv", "--target", "c29")
    assert shown.code == 0
    assert "… and 9 more" in shown.out
    assert "c19" in shown.out
    assert "c20" not in shown.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["nope"], "nope"),
        (["iris", "vaild=0.2"], "Did you mean 'valid'?"),
        (["iris", "valid=2"], "valid"),
        (["iris", "size=3"], "size"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(call, words, hint):
    failed = call("data", *words)
    assert failed.code == 2
    assert hint in failed.err
    assert failed.err.count("\n") == 1


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of twenty pictures, and a cache of its own."""
    monkeypatch.setenv("THALWEG_CACHE", str(tmp_path / "cache"))
    for number in range(20):
        place = tmp_path / "photos" / f"{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((20, 20), 50 + number).save(place / f"{number}.png")
    return tmp_path / "photos"


def test_decoded_pictures_are_listed_and_removed(photos, call):
    assert call("data", "--cached").out == "0 sets of decoded pictures kept, 0 B\n"
    call("data", photos, "cache=true")
    (kept,) = json.loads(call("data", "--cached", "--json").out)
    assert kept["origin"] == str(photos)
    assert Path(kept["path"]).stat().st_size == kept["bytes"]
    listed = call("data", "--cached").out
    assert listed.startswith("1 set of decoded pictures kept, ")
    assert str(photos) in listed
    assert call("data", "--clear-cache").out.startswith("1 set of decoded pictures removed, ")
    assert not Path(kept["path"]).exists()
    assert json.loads(call("data", "--cached", "--json").out) == []


def test_a_damaged_file_of_the_cache_is_listed_too(photos, call):
    call("data", photos, "cache=true")
    (kept,) = json.loads(call("data", "--cached", "--json").out)
    Path(kept["path"]).write_text("x")
    assert "damaged" in call("data", "--cached").out
    assert json.loads(call("data", "--clear-cache", "--json").out)[0]["origin"] is None


@pytest.mark.parametrize("words", [["--target", "width, height"], ["target=width,height"]])
def test_several_targets_are_named_between_commas(call, words):
    Path("boxes.csv").write_text(
        "depth,width,height\n" + "".join(f"{n % 7},{n}.5,{2 * n}.5\n" for n in range(40))
    )
    shown = call("data", "boxes.csv", *words, "--json")
    assert json.loads(shown.out)["target"]["names"] == ["width", "height"]
