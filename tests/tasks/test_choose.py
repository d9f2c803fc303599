import pytest

from thalweg.data import Target
from thalweg.errors import DataError, SettingError, UnknownNameError
from thalweg.tasks import choose, option_names

TWO = Target("category", ("sex",), ("f", "m"), counts=(3, 1))
THREE = Target("category", ("iris",), ("a", "b", "c"), counts=(2, 2, 2))
LABELS = Target("multilabel", ("topic",), ("war", "peace"), counts=(1, 1))
NUMBER = Target("number", ("price",), mean=(0.0,), scale=(1.0,))


@pytest.mark.parametrize(
    ("target", "outputs", "name"),
    [
        (TWO, None, "binary"),
        (TWO, 1, "binary"),
        (TWO, 2, "classification"),
        (THREE, None, "classification"),
        (LABELS, None, "multilabel"),
        (NUMBER, None, "regression"),
    ],
)
def test_the_target_says_the_task_and_a_reason_is_given(target, outputs, name):
    task, choice = choose(target, outputs=outputs)
    assert task.name == name
    assert choice is not None
    assert (choice.setting, choice.value) == ("task", name)
    assert target.names[0] in choice.reason


def test_what_the_user_wants_comes_first_and_needs_no_reason():
    task, choice = choose(TWO, wanted="classification", hint="perceptron")
    assert task.name == "classification"
    assert choice is None


def test_a_network_may_name_its_task():
    task, choice = choose(TWO, hint="perceptron")
    assert task.name == "perceptron"
    assert choice is not None
    assert "network" in choice.reason


@pytest.mark.parametrize("hint", ["detect everything", 3, object()])
def test_an_attribute_that_means_something_else_is_not_heeded(hint):
    assert choose(THREE, hint=hint)[0].name == "classification"


def test_an_unknown_task_is_met_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'regression'"):
        choose(NUMBER, wanted="regresion")


def test_a_task_that_is_not_for_the_target_is_refused_in_one_line():
    with pytest.raises(DataError, match="needs a target of two classes, but 'iris' is 3 classes"):
        choose(THREE, wanted="binary")
    with pytest.raises(DataError, match="Use task='regression'"):
        choose(NUMBER, hint="perceptron")


def test_options_reach_the_task():
    task, _ = choose(NUMBER, options={"distribution": "laplace"})
    assert task.options() == {"distribution": "laplace"}


def test_an_unknown_option_is_met_with_the_nearest_one():
    with pytest.raises(SettingError, match="Did you mean 'class_weights'"):
        choose(THREE, options={"class_weight": "balanced"})
    with pytest.raises(SettingError, match="'perceptron' has no option 'rate'"):
        choose(TWO, wanted="perceptron", options={"rate": 1})


def test_option_names_are_those_of_the_constructor():
    assert option_names("classification") == ["class_weights", "label_smoothing"]
    assert option_names("multilabel") == []
