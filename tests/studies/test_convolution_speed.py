import xml.etree.ElementTree as ET

import pytest

from thalweg.errors import SettingError
from thalweg.studies import convolution_speed


@pytest.fixture(scope="module")
def study():
    return convolution_speed([1, 5, 31], size=48, channels=4, filters=4, batch=2)


def test_fourier_is_fastest_for_large_filters_and_not_for_single_pixels(study):
    assert study.fastest(31) == "fourier"
    assert study.fastest(1) != "fourier"


def test_the_cost_in_fourier_space_hardly_grows_with_the_filters(study):
    seconds = {(each.way, each.kernel_size): each.seconds for each in study.times}
    growth = {way: seconds[way, 31] / seconds[way, 5] for way in ("direct", "im2col", "fourier")}
    # 961 weights in place of 25.
    assert growth["fourier"] < min(growth["direct"], growth["im2col"])


def test_table_picture_and_data_have_every_time(study, tmp_path):
    assert len(str(study).splitlines()) == 2 + 3
    assert len(study.to_json()["times"]) == 3 * 4
    tree = ET.parse(study.picture(tmp_path / "speed.svg"))
    assert sum(each.get("r") == "2.5" for each in tree.iter()) == 3 * 4


def test_bad_settings_are_told(study):
    with pytest.raises(SettingError, match="odd sizes"):
        convolution_speed([4])
    with pytest.raises(SettingError, match="were not timed"):
        study.fastest(7)
