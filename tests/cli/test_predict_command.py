import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_iris

import thalweg as tw

HEADER = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)"


@pytest.fixture
def flowers(tmp_path):
    rows = load_iris().data[::25]
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join([HEADER, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_a_table_gives_a_line_per_row(call, trained, flowers):
    shown = call("predict", trained, flowers)
    assert shown.code == 0
    expected = tw.train.Run.load(trained).predict(flowers)
    assert expected.probabilities is not None
    lines = [line.split() for line in shown.out.splitlines()]
    assert lines[0] == ["name", "prediction", "probability"]
    for number, line in enumerate(lines[1:]):
        likeliest = 100 * expected.probabilities[number].max()
        assert line == ["row", str(number), expected.values[number], f"{likeliest:.2f}", "%"]


def test_json_holds_the_probability_of_every_class(call, trained, flowers):
    rows = json.loads(call("predict", trained, flowers, flowers, "--json").out)
    assert len(rows) == 12
    classes = [f"p({name})" for name in load_iris().target_names]
    for row in rows:
        assert sum(row[name] for name in classes) == pytest.approx(1, abs=1e-6)
        assert row["prediction"] == max(load_iris().target_names, key=lambda n: row[f"p({n})"])


def test_a_picture_is_called_by_its_file(call, tmp_path):
    tw.fit("linear", "digits", epochs=3, out="digits", progress=False)
    digits = load_digits()
    for number in (0, 1):
        pixels = np.round(digits.images[number] * (255 / 16)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"picture {number}.png")
    shown = call("predict", "digits", "picture 0.png", "picture 1.png")
    assert shown.code == 0
    assert [line[:13] for line in shown.out.splitlines()[1:]] == ["picture 0.png", "picture 1.png"]


def test_a_number_has_no_probability(call, tmp_path):
    tw.fit("linear", "diabetes", epochs=2, out="diabetes", progress=False)
    (tmp_path / "new.csv").write_text(
        "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6\n50,1,25,90,190,110,45,4,4.6,90\n"
    )
    shown = call("predict", "diabetes", "new.csv")
    expected = np.asarray(tw.train.Run.load("diabetes").predict("new.csv")).item()
    cells = shown.out.splitlines()[1].split()
    assert float(cells[2]) == pytest.approx(expected, rel=1e-3)
    assert cells[3] == "–"


def test_an_unseen_category_is_told(call, tmp_path):
    lines = [f"{kind},{number},{kind == 'red'}" for number in range(40) for kind in ("red", "blue")]
    (tmp_path / "old.csv").write_text("\n".join(["colour,size,sold", *lines]) + "\n")
    words = ["train", "old.csv", "--target", "sold", "epochs=1", "--quiet", "--no-report"]
    assert call(*words, "--out", "x").code == 0
    (tmp_path / "new.csv").write_text("size,colour\n3,red\n4,green\n")
    shown = call("predict", "x", "new.csv")
    assert shown.code == 0
    assert len(shown.out.splitlines()) == 3
    assert shown.err.startswith("note: ")
    assert "green" in shown.err or "colour" in shown.err


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["nope", "flowers.csv"], 1, "nope is not a run"),
        (["RUN", "nope.csv"], 2, "nope.csv"),
        (["RUN", "short.csv"], 2, "petal width (cm)"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(call, trained, tmp_path, words, code, hint, flowers):
    (tmp_path / "short.csv").write_text("sepal length (cm)\n5\n")
    failed = call("predict", *(trained if word == "RUN" else word for word in words))
    assert failed.code == code
    assert hint in failed.err
    assert failed.err.count("\n") == 1
    assert not failed.out
