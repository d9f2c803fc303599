"""The loop against plain torch, to the bit where the arithmetic is the same."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import thalweg as tw


def network(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))


def weights_of(model: nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def test_ends_in_the_weights_of_a_loop_written_by_hand(three_classes):
    model = network()
    plain = copy.deepcopy(model)
    tw.fit(
        model,
        three_classes,
        epochs=3,
        batch_size=16,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="linear",
        warmup=0,
        weight_decay=0.0,
        fused=False,
        restore_best=False,
        out="run",
        progress=False,
    )
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
    inputs, targets = three_classes.train.inputs, three_classes.train.targets
    steps = 3 * math.ceil(len(targets) / 16)
    step = 0
    for epoch in range(3):
        rows = tw.train._batches.order(len(targets), 0, epoch)
        for chosen in rows.split(16):
            optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / steps)
            optimizer.zero_grad()
            (F.cross_entropy(plain(inputs[chosen]), targets[chosen])).backward()
            optimizer.step()
            step += 1
    torch.testing.assert_close(weights_of(model), weights_of(plain), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("accumulate", [2, 4, 5])
@pytest.mark.parametrize("class_weights", [None, [1.0, 5.0, 0.2]])
def test_pieces_of_a_batch_take_the_same_step_as_the_whole(
    three_classes, accumulate, class_weights
):
    ends = []
    for pieces in (1, accumulate):
        model = network()
        settings = {"class_weights": class_weights} if class_weights else {}
        tw.fit(
            model,
            three_classes,
            epochs=2,
            batch_size=32,  # The last batch has 26 examples: the pieces are uneven.
            accumulate=pieces,
            optimizer="sgd",
            learning_rate=0.5,
            out=f"run-{pieces}",
            progress=False,
            **settings,
        )
        ends.append(weights_of(model))
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-6)


def test_the_recorded_loss_of_the_first_step_is_the_mean_cross_entropy(three_classes):
    model = network()
    rows = tw.train._batches.order(len(three_classes.train), 0, 0)[:16]
    with torch.no_grad():
        expected = F.cross_entropy(
            model(three_classes.train.inputs[rows]), three_classes.train.targets[rows]
        )
    run = tw.fit(model, three_classes, epochs=1, batch_size=16, out="run", progress=False)
    assert run.history.steps[0]["loss"] == pytest.approx(float(expected), rel=1e-6)


def test_the_recorded_rates_follow_the_schedule(three_classes):
    run = tw.fit(
        network(), three_classes, epochs=2, batch_size=16, learning_rate=0.01, schedule="cosine",
        warmup=4, out="run", progress=False,
    )  # fmt: skip
    steps = len(run.history.steps)
    expected = [0.0025, 0.005, 0.0075, 0.01] + [
        0.005 * (1 + math.cos(math.pi * t / (steps - 4))) for t in range(steps - 4)
    ]
    assert run.history.steps[4]["step"] == 5
    assert [row["learning_rate"] for row in run.history.steps] == pytest.approx(expected)


def test_stops_early_and_puts_the_best_weights_back(three_classes):
    run = tw.fit(
        network(), three_classes, epochs=200, batch_size=16, learning_rate=0.1, schedule="constant",
        patience=5, out="run", progress=False,
    )  # fmt: skip
    losses = run.history.column("valid_loss")
    assert run.status.state == "stopped"
    assert run.status.epochs == len(losses) < 200
    assert run.status.best_epoch == losses.index(min(losses)) + 1 == len(losses) - 5
    assert run.score("valid")["loss"] == pytest.approx(min(losses), rel=1e-6)


def test_clipping_bounds_the_step_of_plain_descent(three_classes):
    model = network()
    before = weights_of(model).clone()
    tw.fit(
        model, three_classes, epochs=1, batch_size=90, optimizer="sgd", learning_rate=1.0,
        schedule="constant", weight_decay=0.0, clip_norm=0.01, out="run", progress=False,
    )  # fmt: skip
    assert float((weights_of(model) - before).norm()) == pytest.approx(0.01, rel=1e-3)


def test_a_loss_that_is_not_a_number_stops_the_run_and_is_never_the_best(three_classes):
    run = tw.fit(
        network(), three_classes, epochs=50, optimizer="sgd", learning_rate=1e6,
        schedule="constant", out="run", progress=False,
    )  # fmt: skip
    assert run.status.state == "diverged"
    assert "step" in run.status.reason
    assert all(torch.isfinite(value).all() for value in run.model.state_dict().values())


def test_batch_normalization_never_meets_a_single_example(three_classes):
    assert len(three_classes.train) % 89 == 1
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    run = tw.fit(model, three_classes, epochs=1, batch_size=89, out="run", progress=False)
    assert run.status.steps == 1


def test_lbfgs_gets_its_closure(numbers):
    model = tw.build("linear", numbers)
    run = tw.fit(
        model, numbers, epochs=5, batch_size=len(numbers.train), optimizer="lbfgs",
        schedule="constant", out="run", progress=False,
    )  # fmt: skip
    inputs, targets = numbers.train.inputs.double(), numbers.train.targets.double()
    design = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], dim=1)
    residual = targets - design @ torch.linalg.lstsq(design, targets).solution
    assert run.score("train")["rmse"] == pytest.approx(
        float(residual.square().mean().sqrt()), rel=1e-3
    )


def test_training_leaves_the_global_random_state_alone(three_classes):
    model = network(0.5)
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    tw.fit(model, three_classes, epochs=2, out="run", progress=False)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(three_classes):
    ends = []
    for number, seed in enumerate((3, 3, 4)):
        model = network(0.3)
        tw.fit(model, three_classes, epochs=2, seed=seed, out=f"run-{number}", progress=False)
        ends.append(weights_of(model))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])
