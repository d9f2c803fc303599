import xml.etree.ElementTree as ET

import pytest

from thalweg.autodiff import cost_law
from thalweg.errors import SettingError

SIZES = [1, 8, 64]


@pytest.fixture(scope="module")
def law():
    return cost_law(inputs=SIZES, outputs=SIZES)


@pytest.mark.parametrize("size", SIZES)
def test_forward_ways_pay_for_inputs_and_reverse_for_outputs(law, size):
    assert law.passes("forward-difference", inputs=size) == size + 1
    assert law.passes("jvp", inputs=size) == size
    assert law.passes("reverse", inputs=size) == 2
    assert law.passes("forward-difference", outputs=size) == 2
    assert law.passes("jvp", outputs=size) == 1
    assert law.passes("reverse", outputs=size) == size + 1


def test_the_time_follows_the_passes(law):
    relative = {(each.way, each.inputs, each.outputs): each.relative for each in law.costs}
    for way in ("forward-difference", "jvp"):
        assert relative[way, 64, 1] > 4 * relative[way, 1, 64]
    assert relative["reverse", 1, 64] > 4 * relative["reverse", 64, 1]


def test_the_picture_has_a_curve_for_each_way_in_both_panels(law, tmp_path):
    tree = ET.parse(law.picture(tmp_path / "law.svg"))
    curves = [each for each in tree.iter() if each.get("stroke-width") == "2.00"]
    assert len(curves) == 6
    words = [each.text for each in tree.iter() if each.tag.endswith("text")]
    assert {"jvp", "inputs, at one output", "outputs, at one input"} <= set(words)


def test_table_and_data_have_a_row_for_each_cost(law):
    assert len(str(law).splitlines()) == 1 + len(law.costs) == 1 + len(law.to_json())


def test_sizes_that_no_function_has_are_refused(law):
    with pytest.raises(SettingError, match="at least 1"):
        cost_law(inputs=[0])
    with pytest.raises(SettingError, match="no cost of 'jvp' at 5 inputs"):
        law.passes("jvp", inputs=5)
