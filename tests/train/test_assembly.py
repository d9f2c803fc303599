"""What does not fit is told before the first step, in one line."""

import numpy as np
import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import SettingError, ShapeError


def message(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_network_with_too_few_outputs_is_told_how_many_are_needed(three_classes):
    with pytest.raises(ShapeError) as error:
        tw.fit(nn.Linear(4, 2), three_classes, out="run", progress=False)
    assert "3 numbers per example" in message(error)


def test_a_network_for_other_inputs_is_told_what_it_gets(three_classes):
    with pytest.raises(ShapeError) as error:
        tw.fit(nn.Linear(7, 3), three_classes, out="run", progress=False)
    assert "inputs of shape (2, 4)" in message(error)


def test_a_network_by_name_for_other_inputs_is_told_for_which_it_was_built():
    grey = tw.load(np.random.randint(0, 255, (40, 32, 32), dtype=np.uint8), [*"abcd"] * 10)
    with pytest.raises(ShapeError) as error:
        tw.fit(tw.build("lenet", classes=4, channels=3, size=32), grey, out="run", progress=False)
    assert "built for inputs of 3×32×32: give it such, or build another" in message(error)


def test_a_network_that_returns_no_tensor_is_refused(three_classes):
    class Pair(nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs), 0

    with pytest.raises(ShapeError, match="must return one tensor, got tuple"):
        tw.fit(Pair(4, 3), three_classes, out="run", progress=False)


def test_a_frozen_network_is_refused(three_classes):
    model = nn.Linear(4, 3).requires_grad_(False)
    with pytest.raises(SettingError, match="no trainable parameters"):
        tw.fit(model, three_classes, out="run", progress=False)


def test_lazy_layers_take_their_shapes_from_the_data(three_classes):
    model = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3))
    run = tw.fit(model, three_classes, epochs=1, out="run", progress=False)
    assert run.model[0].in_features == 4


@pytest.mark.parametrize(
    ("settings", "smallest"), [({"batch_size": 1}, 2), ({"batch_size": 5, "accumulate": 3}, 6)]
)
def test_batch_normalization_is_told_how_large_a_batch_it_needs(three_classes, settings, smallest):
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    with pytest.raises(SettingError) as error:
        tw.fit(model, three_classes, out="run", progress=False, **settings)
    assert f"batch_size={smallest} or more" in message(error)


def test_probing_changes_neither_buffers_nor_modes_nor_random_numbers(three_classes):
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    output = tw.train.probe(model, three_classes)
    assert output.shape == (2, 3)
    assert torch.equal(torch.rand(2), expected)
    assert [module.training for module in model] == [True, True, False, True]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_warm_up_below_one_is_a_share_of_the_steps(three_classes):
    run = tw.fit(
        "linear", three_classes, epochs=4, batch_size=9, warmup=0.25, schedule="constant",
        learning_rate=1.0, out="run", progress=False,
    )  # fmt: skip
    rates = [row["learning_rate"] for row in run.history.steps]
    assert rates == pytest.approx([(step + 1) / 10 for step in range(10)] + [1.0] * 30)


def test_nothing_to_train_on_is_told():
    points = np.random.default_rng(0).normal(size=(12, 2))
    data = tw.load(points, [0, 1] * 6)
    empty = tw.data.Splits(
        tw.data.Examples(data.train.inputs[:0], data.train.targets[:0], ()),
        data.valid,
        data.test,
        data.schema,
    )
    with pytest.raises(ValueError, match="training part is empty"):
        tw.train.probe(nn.Linear(2, 1), empty)


class Odd(nn.Linear):
    """A network in which one thing is wrong."""

    def __init__(self, wrong: str) -> None:
        super().__init__(4, 3)
        self.wrong = wrong
        if wrong == "double":
            self.double()

    def forward(self, inputs):
        output = super().forward(inputs)
        return output.detach() if self.wrong == "detached" else output

    def get_extra_state(self):
        return {"count": 1} if self.wrong == "extra" else torch.zeros(1)

    def set_extra_state(self, state):
        pass


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("detached", r"Remove \.detach\(\)"),
        ("extra", "Let get_extra_state return a tensor"),
        ("double", r"call network\.float\(\)"),
    ],
)
def test_what_could_not_be_trained_or_kept_is_refused(three_classes, wrong, told):
    with pytest.raises((SettingError, ShapeError), match=told) as error:
        tw.fit(Odd(wrong), three_classes, out="run", progress=False)
    message(error)


def test_a_network_without_values_is_refused(three_classes):
    with pytest.raises(SettingError, match="to_empty"):
        tw.fit(nn.Linear(4, 3, device="meta"), three_classes, out="run", progress=False)
    with torch.inference_mode():
        model = nn.Linear(4, 3)
        with pytest.raises(SettingError, match="Leave that block"):
            tw.fit(model, three_classes, out="run", progress=False)
    with pytest.raises(SettingError, match="Make it outside"):
        tw.fit(model, three_classes, out="run", progress=False)


def test_trains_although_the_caller_wants_no_gradients(three_classes):
    with torch.no_grad():
        run = tw.fit("linear", three_classes, epochs=2, out="run", progress=False)
    assert run.history.steps[0]["loss"] > run.history.steps[-1]["loss"]


def test_a_network_that_works_in_place_leaves_the_data_alone(three_classes):
    before = [three_classes[part].inputs.clone() for part in tw.data.PARTS]
    points = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    given = points.copy()
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 3))
    run = tw.fit(model, three_classes, epochs=1, out="run", progress=False)
    for part in tw.data.PARTS:
        run.score(part)
    run.predict(points)
    assert (points == given).all()
    for part, inputs in zip(tw.data.PARTS, before, strict=True):
        assert three_classes[part].inputs.equal(inputs)


def test_patience_needs_a_validation_part():
    draw = np.random.default_rng(0)
    data = tw.load(draw.normal(size=(40, 3)), draw.integers(0, 2, size=40), valid=0)
    with pytest.raises(SettingError, match="patience watches the loss on the validation part"):
        tw.fit("linear", data, out="run", patience=3, progress=False)
