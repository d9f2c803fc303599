import pytest

from thalweg.errors import SettingError
from thalweg.models import build


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (3, 63), (3, 64), (3, 224)])
def test_parameters_follow_the_formula(channels, size):
    network = build("convnet", classes=10, channels=channels, size=size, widths=[4, 6], depth=2)
    patch = {64: 2, 224: 4}.get(size, 1)
    patches = patch**2 * channels * 4 + 2 * 4 if patch > 1 else 0
    first = channels if patch == 1 else 4
    convolutions = 9 * (first * 4 + 4 * 4 + 4 * 6 + 6 * 6) + 2 * (4 + 4 + 6 + 6)
    expected = patches + convolutions + 10 * (6 + 1)
    assert sum(each.numel() for each in network.parameters()) == expected


@pytest.mark.parametrize(
    "options", [{"widths": []}, {"widths": [0]}, {"depth": 0}, {"dropout": -0.1}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(SettingError):
        build("convnet", classes=10, channels=1, size=28, **options)
