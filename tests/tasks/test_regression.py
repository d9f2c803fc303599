import pytest
import torch

from thalweg.data import Target
from thalweg.errors import SettingError
from thalweg.tasks import tasks

# Skewed on purpose: the mean is 22, the median 3.
PRICES = torch.tensor([[1.0], [2.0], [3.0], [4.0], [100.0]])
TARGET = Target("number", ("price",), mean=(22.0,), scale=(39.0,))


@pytest.mark.parametrize(("distribution", "expected"), [("gaussian", 22.0), ("laplace", 3.0)])
def test_the_best_constant_is_the_mean_or_the_median(distribution, expected):
    task = tasks["regression"](TARGET, distribution=distribution)
    guesses = torch.linspace(0, 100, 1001)
    losses = [task.losses((guess - 22.0).div(39.0).expand(5, 1), PRICES).sum() for guess in guesses]
    assert float(guesses[int(torch.stack(losses).argmin())]) == pytest.approx(expected, abs=0.05)


def test_losses_do_not_depend_on_the_unit_of_the_target():
    euros, cents = TARGET, Target("number", ("price",), mean=(2200.0,), scale=(3900.0,))
    output = torch.linspace(-1, 1, 5)[:, None]
    torch.testing.assert_close(
        tasks["regression"](euros).losses(output, PRICES),
        tasks["regression"](cents).losses(output, 100 * PRICES),
    )


def test_an_unknown_distribution_is_refused():
    with pytest.raises(SettingError, match="'gaussian' or 'laplace', got 'cauchy'"):
        tasks["regression"](TARGET, distribution="cauchy")
