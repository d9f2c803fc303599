import numpy as np
import pytest

from thalweg.errors import SettingError
from thalweg.models._options import check_whole, probability, widths


@pytest.mark.parametrize("given", [0, [0], [2.5], "64", [8, "8"], None, {4: 5}])
def test_widths_that_are_not_whole_numbers_are_refused_in_one_line(given):
    with pytest.raises(SettingError, match="hidden must be whole numbers of at least 1") as error:
        widths("hidden", given)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("given", "expected"), [(3, (3,)), ([3, 4], (3, 4)), ((), ())])
def test_widths_may_be_one_number_or_several(given, expected):
    assert widths("hidden", given) == expected


@pytest.mark.parametrize("given", [-0.1, 1, float("nan"), "0.5"])
def test_a_probability_of_one_or_more_or_less_than_zero_is_refused(given):
    with pytest.raises(SettingError, match="dropout must be from 0"):
        probability("dropout", given)


@pytest.mark.parametrize("given", [-1, 2.0, True, "3", None])
def test_what_is_no_whole_number_is_refused(given):
    with pytest.raises(SettingError, match="seed must be a whole number of at least 0, got"):
        check_whole("seed", given, least=0)


@pytest.mark.parametrize("given", [0, 2**70, np.int64(3)])
def test_any_whole_number_will_do(given):
    check_whole("seed", given, least=0)
