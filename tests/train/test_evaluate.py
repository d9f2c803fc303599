"""Answers are the network's own, whatever the batch, and leave no trace."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import thalweg as tw
from thalweg.train._batches import Feed
from thalweg.train._evaluate import answer


@pytest.fixture
def parts(three_classes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    task, _ = tw.tasks.choose(three_classes.schema.target, options={"class_weights": [1, 2, 3]})
    feed = Feed(three_classes.train, three_classes.schema.encoder, torch.device("cpu"))
    return model, task, feed


@pytest.mark.parametrize("batch_size", [1, 7, 90, 1000])
def test_agrees_with_one_forward_pass_over_everything(parts, batch_size):
    model, task, feed = parts
    answers = answer(model, task, feed, batch_size)
    model.eval()
    with torch.no_grad():
        outputs = model(feed.inputs)
    torch.testing.assert_close(answers.outputs, outputs)
    weight = torch.tensor([1.0, 2.0, 3.0])
    expected = F.cross_entropy(outputs, feed.targets, weight)
    assert answers.loss == pytest.approx(float(expected), rel=1e-5)


def test_leaves_modes_buffers_and_random_state_alone(parts):
    model, task, feed = parts
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    answer(model, task, feed)
    assert torch.equal(torch.rand(2), expected)
    assert [module.training for module in model] == [True, True, False, True]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
