"""What a step minimizes where a network has auxiliary heads, and what it shows."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import thalweg as tw
from thalweg.nn import Auxiliary
from thalweg.tasks import Classification
from thalweg.train._losses import losses_of


class TwoHeads(nn.Module):
    """A network with a head half-way."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 3)
        self.half_way = nn.Linear(8, 3)

    def forward(self, x):
        inner = torch.relu(self.first(x))
        main = self.last(inner)
        return Auxiliary(main, (self.half_way(inner),)) if self.training else main


@pytest.fixture
def data() -> tw.data.Splits:
    return tw.load("iris")


@pytest.mark.parametrize("divisor", [None, 10])
def test_auxiliary_heads_add_their_share_to_the_gradient_and_nothing_to_the_loss_shown(
    data, divisor
):
    task = Classification(data.schema.target)
    main, one, two = (torch.randn(6, 3) for _ in range(3))
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    objective, shown = losses_of(task, Auxiliary(main, (one, two), 0.3), y, divisor)
    share = 1.0 if divisor is None else 6 / divisor
    losses = [share * F.cross_entropy(each, y) for each in (main, one, two)]
    torch.testing.assert_close(shown, losses[0])
    torch.testing.assert_close(objective, losses[0] + 0.3 * (losses[1] + losses[2]))


def test_training_moves_the_heads_and_validation_sees_the_main_output_alone(data):
    model = TwoHeads()
    before = model.half_way.weight.clone()
    run = tw.fit(model, data, epochs=3, progress=False)
    assert not torch.equal(before, model.half_way.weight)
    assert not run.diagnosis.findings
    assert run.predict(data.test.inputs[:3].numpy()).probabilities.shape == (3, 3)


@pytest.mark.parametrize("settings", [{"accumulate": 3}, {"optimizer": "lbfgs"}])
def test_pieces_and_searches_minimize_the_same(data, settings):
    torch.manual_seed(0)
    model = TwoHeads()
    run = tw.fit(model, data, epochs=3, progress=False, doctor=False, **settings)
    assert run.history.epochs[-1]["train_loss"] < run.history.epochs[0]["train_loss"]
