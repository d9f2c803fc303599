"""What is drawn, and how it gets into the page."""

import json

import numpy as np
import pytest

from thalweg.report import _charts


def test_thinning_keeps_every_spike_and_the_order():
    values = np.sin(np.arange(100_000.0))
    values[[17, 55_555]] = [9.0, -9.0]
    kept = _charts.thinned(values, most=1000)
    assert len(kept) <= 1000
    assert {17, 55_555} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_thinning_leaves_a_short_curve_alone():
    assert _charts.thinned(np.arange(5.0)).tolist() == [0, 1, 2, 3, 4]


def test_thinning_survives_a_curve_without_finite_values():
    kept = _charts.thinned(np.full(5000, np.nan), most=100)
    assert 0 < len(kept) <= 100


def test_values_that_cannot_be_drawn_become_gaps():
    drawn = _charts.finite([1.0, None, float("inf"), float("nan"), -2.0])
    np.testing.assert_array_equal(drawn, [1.0, np.nan, np.nan, np.nan, -2.0])


@pytest.mark.parametrize("text", ["</script>", "<!--", "&amp;", "\u2028", "]]>"])
def test_json_in_the_page_says_the_same_without_a_dangerous_character(text):
    inert = _charts.inert(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(inert) == {"name": text}
    assert not set("<>&\u2028\u2029") & set(inert)


def test_the_library_cannot_end_its_own_element():
    library = _charts.library().lower()
    assert "</script" not in library
    assert "<!--" not in library


def test_a_chart_names_the_variables_that_colour_it():
    plot = _charts.chart("title", height=100)
    assert "text_color:--muted" in plot.title.tags
    for tag in [tag for model in plot.references() for tag in model.tags]:
        name, variable = tag.split(":")
        assert variable.startswith("--")
        assert name.endswith("color")
