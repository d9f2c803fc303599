import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.autodiff import Dual

numbers = st.floats(0.1, 10)


@given(numbers, numbers)
def test_arithmetic_follows_the_rules_of_calculus(x, y):
    a, b = Dual(x, 1.0), Dual(y, 2.0)
    assert (a + b).slope == 3.0
    assert (a - b).slope == -1.0
    assert (a * b).slope == pytest.approx(y + 2 * x)
    assert (a / b).slope == pytest.approx((y - 2 * x) / y**2)
    assert (1 / a).slope == pytest.approx(-1 / x**2)
    assert (5 - a).slope == -1.0
    assert (a**2.5).slope == pytest.approx(2.5 * x**1.5)


def test_numbers_are_compared_by_value():
    assert Dual(1.0, 9.0) < 2 <= Dual(2.0) < Dual(3.0)
    assert Dual(3.0) > 2 >= Dual(2.0)
    assert abs(Dual(-2.0, 1.0)).slope == -1.0


def test_the_power_zero_has_no_slope_even_at_zero():
    assert (Dual(0.0, 1.0) ** 0).slope == 0.0


def test_a_dual_power_is_refused_with_what_to_write_instead():
    with pytest.raises(TypeError, match=r"exp\(power \* log\(x\)\)"):
        Dual(2.0, 1.0) ** Dual(1.0)


def test_what_is_shown_can_be_read_back():
    assert repr(Dual(math.pi, 1)) == f"Dual({math.pi}, 1.0)"
