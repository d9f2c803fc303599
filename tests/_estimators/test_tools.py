"""scikit-learn's tools take a network for one of its own estimators."""

import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import thalweg as tw
from thalweg.errors import DataError, SettingError

QUICK = {"epochs": 4, "learning_rate": 0.03, "doctor": False}
X, Y = load_wine(return_X_y=True)


@pytest.fixture(scope="module")
def flats() -> tuple[pd.DataFrame, pd.Series]:
    """Flats with a city, sizes of which some are missing, and whether they are dear."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(draw.choice(["Bern", "Basel", "Chur"], 200)),
            "rooms": draw.integers(1, 9, 200) + draw.normal(0, 0.01, 200),
            "area": draw.normal(80, 20, 200),
        }
    )
    price = frame["rooms"] + 3 * (frame["city"] == "Bern")
    frame.loc[::7, "area"] = np.nan
    frame.loc[::11, "city"] = None
    return frame, pd.Series(np.where(price > 5.5, "dear", "cheap"), name="price")


def test_a_search_varies_settings_of_training_and_of_the_network():
    grid = {"learning_rate": [1e-5, 0.03], "hidden": [(4,), (16, 16)], "optimizer": ["adam"]}
    search = GridSearchCV(tw.NetworkClassifier(**QUICK), grid, cv=2).fit(X, Y)
    assert search.best_params_["learning_rate"] == 0.03
    assert len(search.cv_results_["params"]) == 4
    settings = search.best_estimator_.run_.settings
    assert settings.model["hidden"] == search.best_params_["hidden"]
    assert settings.train.optimizer == "adam"
    assert not list(Path().iterdir())  # fifty fits leave nothing lying about


def test_a_search_draws_numbers_of_numpy():
    choices = {"dropout": np.array([0.1, 0.2]), "hidden": np.array([4, 8])}
    network = tw.NetworkClassifier("mlp", **QUICK)
    search = RandomizedSearchCV(network, choices, n_iter=2, cv=2, random_state=0).fit(X, Y)
    assert search.best_estimator_.run_.settings.model["hidden"] in (4, 8)


def test_a_name_may_be_written_with_its_section():
    network = Pipeline([("net", tw.NetworkClassifier("mlp", **QUICK))])
    network.set_params(net__model__hidden=[5], net__data__seed=4).fit(X, Y)
    settings = network["net"].run_.settings
    assert settings.model["hidden"] == [5]
    assert (settings.data["seed"], settings.train.seed) == (4, 0)


def test_a_copy_has_every_parameter_and_nothing_learned():
    network = tw.NetworkClassifier("mlp", hidden=[8], momentum=0.5, optimizer="sgd", epochs=1)
    network.fit(X, Y)
    network.label_smoothing = 0.1  # as an attribute, which scikit-learn's users may write too
    copy = clone(network)
    assert copy.get_params() == network.get_params()
    assert copy.get_params()["label_smoothing"] == 0.1
    assert not hasattr(copy, "run_")
    assert "hidden=[8]" in repr(copy)


def test_each_of_several_estimators_begins_from_weights_of_its_own():
    bag = BaggingClassifier(tw.NetworkClassifier(**QUICK), 2, random_state=0).fit(X, Y)
    first, second = (each.run_.settings.model["seed"] for each in bag.estimators_)
    assert first != second
    assert bag.score(X, Y) > 0.8


def test_predictions_are_stacked_and_calibrated():
    cancer, label = load_breast_cancer(return_X_y=True)
    network = tw.NetworkClassifier(**QUICK)
    parts = [("network", network), ("logistic", LogisticRegression())]
    stack = make_pipeline(StandardScaler(), StackingClassifier(parts, cv=2))
    assert stack.fit(cancer, label).score(cancer, label) > 0.95
    calibrated = CalibratedClassifierCV(network, cv=2).fit(cancer, label)
    assert calibrated.score(cancer, label) > 0.95


@pytest.mark.parametrize("strategy", [OneVsRestClassifier, OneVsOneClassifier])
def test_several_networks_of_two_classes_tell_several_apart(strategy):
    model = strategy(tw.NetworkClassifier("logistic", **QUICK)).fit(X, Y)
    assert {each.run_.task.name for each in model.estimators_} == {"binary"}
    assert len(model.estimators_) == 3  # of three classes there are as many pairs
    assert model.score(X, Y) > 0.9


def test_logits_and_probabilities_say_the_same():
    network = tw.NetworkClassifier(**QUICK).fit(X, Y)
    logits = network.decision_function(X)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        odds / odds.sum(axis=1, keepdims=True), network.predict_proba(X), rtol=1e-5
    )
    two = tw.NetworkClassifier(**QUICK).fit(X, Y == 1)
    assert two.classes_.tolist() == [False, True]
    np.testing.assert_allclose(
        1 / (1 + np.exp(-two.decision_function(X))), two.predict_proba(X)[:, 1], rtol=1e-5
    )
    as_two_outputs = clone(two).set_params(task="classification", model=_two_outputs).fit(X, Y == 1)
    probability = as_two_outputs.predict_proba(X)[:, 1]
    np.testing.assert_allclose(
        1 / (1 + np.exp(-as_two_outputs.decision_function(X))), probability, rtol=1e-4
    )


def _two_outputs(data):
    return tw.build("mlp", features=data.schema.encoder.shape[0], classes=2)


def test_a_perceptron_decides_without_probabilities():
    network = tw.NetworkClassifier("perceptron", epochs=2, doctor=False)
    assert not hasattr(network, "predict_proba")
    network.fit(X, Y == 0)
    assert not hasattr(network, "predict_proba")
    assert np.array_equal(network.decision_function(X) > 0, network.predict(X))


def test_pictures_train_a_network_of_pictures():
    digits = load_digits()
    pictures = digits.images.astype(np.uint8)[:400]
    network = tw.NetworkClassifier(**QUICK).set_params(epochs=6)
    predicted = cross_val_predict(network, pictures, digits.target[:400], cv=2)
    assert (predicted == digits.target[:400]).mean() > 0.6
    network.fit(pictures[:, None], digits.target[:400])  # the same, with an axis of channels
    assert network.run_.settings.model["name"] == "lenet"
    assert network.n_features_in_ == 1


def test_labels_are_rows_of_zeros_and_ones():
    labels = np.stack([Y == 0, Y != 1], axis=1).astype(int)
    network = tw.NetworkClassifier(**QUICK).fit(X, labels)
    assert network.run_.task.name == "multilabel"
    assert network.predict(X).shape == network.predict_proba(X).shape == labels.shape
    assert network.score(X, labels) > 0.8
    assert np.array_equal(network.decision_function(X) >= 0, network.predict(X))
    assert np.array_equal(clone(network).fit(X, csr_array(labels)).predict(X), network.predict(X))


def test_several_numbers_are_predicted_at_once():
    A, a = load_diabetes(return_X_y=True)
    network = tw.NetworkRegressor(epochs=10, doctor=False).fit(A, np.stack([a, -a], axis=1))
    predicted = network.predict(A)
    assert predicted.shape == (len(A), 2)
    assert network.score(A, np.stack([a, -a], axis=1)) > 0.4


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_categories_and_empty_cells(flats, library):
    frame, labels = flats
    city = [None if word != word else word for word in frame["city"].tolist()]
    given = library({"city": city, "rooms": frame["rooms"].to_numpy(), "area": frame["area"]})
    network = tw.NetworkClassifier(**QUICK).set_params(epochs=15).fit(given, labels)
    assert network.feature_names_in_.tolist() == ["city", "rooms", "area"]
    assert network.classes_.tolist() == ["cheap", "dear"]
    assert network.run_.schema.target.names == ("price",)
    assert network.score(given, labels) > 0.85
    kinds = {row["name"]: row["kind"] for row in network.run_.schema.encoder.describe()}
    assert kinds == {"city": "category", "rooms": "number", "area": "number"}


def test_examples_for_validation_may_be_handed_over(flats):
    frame, labels = flats
    network = tw.NetworkClassifier(**QUICK)
    run = network.fit(X[:100], Y[:100], X[100:], Y[100:]).run_
    assert run.schema.counts == {"train": 100, "valid": 78, "test": 0}
    assert run.data.valid.targets.tolist() == Y[100:].tolist()
    run = network.fit(frame[:150], labels[:150], X_val=frame[150:], y_val=labels[150:]).run_
    assert run.schema.counts == {"train": 150, "valid": 50, "test": 0}
    for wrong, told in (
        ({"X_val": X}, "X_val needs y_val"),
        ({"X_val": frame, "y_val": labels}, "X_val must be an array as X is, got a frame"),
        ({"X_val": X[:, :, None], "y_val": Y}, r"must have the axes of X, \(13,\), got \(13, 1\)"),
        ({"X_val": X, "y_val": [None] * 178}, "every example needs a target, and 178 have none"),
    ):
        with pytest.raises(ValueError, match=told):
            network.fit(X, Y, **wrong)


def test_groups_of_rows_stay_on_one_side(flats):
    frame, labels = flats
    network = tw.NetworkClassifier(**QUICK, group="patient", valid=0.3)
    patients = np.arange(200) // 4
    network.fit(frame.assign(patient=patients), labels)
    data = network.run_.data
    train, valid = ({int(n[4:]) // 4 for n in data[part].names} for part in ("train", "valid"))
    assert not train & valid
    # The column is asked for at prediction, as scikit-learn wants it, and means nothing there.
    network.predict(frame.assign(patient=0))


def test_what_had_to_be_mended_in_new_rows_is_warned_of(flats):
    frame, labels = flats
    network = tw.NetworkClassifier(**QUICK).fit(frame, labels)
    new = frame[:3].assign(city=["Rom", "Bern", "Bern"])
    with pytest.warns(UserWarning, match="unseen category: column 'city' has no level for 'Rom'"):
        network.predict(new)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        nameless = network.predict(frame.to_numpy())
    assert np.array_equal(nameless, network.predict(frame))
    with pytest.raises(ValueError, match="feature names should match"):
        network.predict(frame[["rooms", "area"]])


def test_columns_prepared_by_scikit_learn_come_through_a_pipeline(flats):
    frame, labels = flats
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    prepared = ColumnTransformer(
        [("city", OneHotEncoder(), ["city"]), ("numbers", numbers, ["rooms", "area"])]
    )
    network = Pipeline([("prepared", prepared), ("network", tw.NetworkClassifier(**QUICK))])
    scores = cross_val_score(network.set_params(network__epochs=15), frame, labels, cv=2)
    assert scores.min() > 0.8


@pytest.mark.parametrize("labels", ["category", "string", "Int64", "boolean"])
def test_the_labels_of_pandas_come_back(labels):
    words = pd.Series(["no", "yes"]).take(Y == 0).reset_index(drop=True)
    given = words.astype(labels) if labels in ("category", "string") else (words == "yes")
    given = given.astype(labels)
    network = tw.NetworkClassifier(**QUICK).fit(X, given)
    assert np.array_equal(network.classes_, np.unique(np.asarray(given)))
    assert np.array_equal(network.run_.schema.target.classes, network.classes_)
    assert set(network.predict(X)) <= set(given)


def test_what_survives_a_process_boundary_predicts_the_same():
    network = tw.NetworkClassifier(**QUICK).fit(X, Y)
    kept = pickle.dumps(network)
    back = pickle.loads(kept)
    assert np.array_equal(back.predict_proba(X), network.predict_proba(X))
    assert back.run_.history == network.run_.history
    assert back.get_params() == network.get_params()
    # Neither the training data nor what was said of them leaves with it.
    assert back.run_.data is None
    with pytest.raises(DataError, match=r"Hand them over: run\.attach"):
        back.run_.score("valid")
    assert back.run_.attach(network.run_.data).score("valid") == network.run_.score("valid")


def test_a_search_in_two_processes_and_its_file_find_the_same():
    grid = {"learning_rate": [1e-5, 0.03]}
    network = tw.NetworkClassifier(**QUICK, out="runs")
    alone = GridSearchCV(network, grid, cv=2).fit(X, Y)
    together = GridSearchCV(network, grid, cv=2, n_jobs=2).fit(X, Y)
    assert np.array_equal(
        alone.cv_results_["mean_test_score"], together.cv_results_["mean_test_score"]
    )
    # Each of ten fits took a folder of its own, though two processes looked for one at a time.
    runs = [tw.Run.peek(folder) for folder in Path("runs").iterdir()]
    assert len(runs) == 10
    assert all(run.status.state == "finished" for run in runs)
    joblib.dump(together, "search.joblib")
    again = joblib.load("search.joblib")
    assert np.array_equal(again.predict(X), alone.predict(X))


def test_threads_take_turns():
    network = tw.NetworkClassifier(**QUICK, dropout=0.3, model="mlp")
    alone = cross_val_score(network, X, Y, cv=3)
    with joblib.parallel_backend("threading", n_jobs=3):
        assert np.array_equal(cross_val_score(network, X, Y, cv=3), alone)


def test_a_folder_that_another_process_took_a_moment_ago_is_left_to_it(monkeypatch):
    Path("runs/arrays-1").mkdir(parents=True)
    seen = iter([Path("runs/arrays-1"), Path("runs/arrays-2")])
    monkeypatch.setattr("thalweg._estimators._folders.next_folder", lambda *_: next(seen))
    run = tw.NetworkClassifier(**QUICK, out="runs").fit(X, Y).run_
    assert run.folder == Path("runs/arrays-2")
    assert not list(Path("runs/arrays-1").iterdir())


def test_a_function_may_train_a_network_for_the_network_that_it_makes():
    def pretrained(data):
        return tw.NetworkClassifier(**QUICK).fit(X, Y).run_.model

    assert tw.NetworkClassifier(pretrained, **QUICK).fit(X, Y).score(X, Y) > 0.9


def test_a_fit_that_fails_leaves_no_empty_folder():
    with pytest.raises(SettingError):
        tw.NetworkClassifier(epochs=-1, out="runs").fit(X, Y)
    assert not list(Path("runs").iterdir())


@pytest.mark.parametrize(
    ("inputs", "target", "told"),
    [
        (csr_array(X), Y, r"must be dense, got a sparse array of 178×13. Pass X.toarray\(\) \(18"),
        (np.full((178, 1), "a"), Y, "For columns of text, pass a frame"),
        (np.where(X > 100, np.nan, X), Y, "the inputs must be finite, got 256 NaN"),
        (X, [None, "a"] * 89, "every example needs a target, and 89 have none, the first at row 0"),
        (X, Y * 0, "has only the class 0. At least two classes"),
        (X[:3], [0, 1, 2], "3 classes with one example each"),
    ],
)
def test_data_that_cannot_be_used_are_named_in_a_line(inputs, target, told):
    with pytest.raises(DataError, match=told):
        tw.NetworkClassifier(epochs=1).fit(inputs, target)


def test_weights_of_examples_are_refused():
    with pytest.raises(SettingError, match="fit takes X, y, X_val and y_val, got sample_weight"):
        tw.NetworkClassifier().fit(X, Y, sample_weight=np.ones(178))


def test_progress_is_shown_when_asked_for(capsys):
    network = tw.NetworkClassifier(epochs=1, doctor=False).fit(X, Y)
    assert capsys.readouterr() == ("", "")
    network.set_params(progress=True).fit(X, Y)
    assert "13 numbers per example" in capsys.readouterr().err
