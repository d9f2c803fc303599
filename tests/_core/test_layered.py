from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from thalweg._core.layered import layered


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    widths = draw(st.lists(st.floats(10, 200), min_size=count, max_size=count))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return widths, edges


@given(graphs())
def test_edges_lead_down_and_boxes_do_not_overlap(drawn):
    widths, edges = drawn
    layout = layered(widths, edges, gap=10)
    for route in layout.routes:
        assert [layer for _, layer in route] == list(range(route[0][1], route[-1][1] + 1))
    assert all(layout.layers[source] < layout.layers[target] for source, target in edges)
    for layer in set(layout.layers):
        row = sorted(
            (layout.centres[box], widths[box])
            for box in range(len(widths))
            if layout.layers[box] == layer
        )
        for (left, width), (right, other) in pairwise(row):
            assert right - left >= (width + other) / 2 + 10 - 1e-6
    edges_of_boxes = [
        (centre - width / 2, centre + width / 2)
        for centre, width in zip(layout.centres, widths, strict=True)
    ]
    assert min(left for left, _ in edges_of_boxes) >= -1e-6
    assert max(right for _, right in edges_of_boxes) <= layout.width + 1e-6


def test_a_chain_is_straight():
    layout = layered([50.0] * 4, [(0, 1), (1, 2), (2, 3)])
    assert layout.centres == [25.0] * 4
