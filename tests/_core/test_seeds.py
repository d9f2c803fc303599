"""Streams are separate, repeatable, and leave the global generators alone."""

import json
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thalweg._core import seeds


def draw() -> list[float]:
    """Return numbers from each global generator, the cached halves of normal pairs included."""
    return [
        *torch.randn(3).tolist(),
        *torch.rand(2).tolist(),
        *np.random.randn(3).tolist(),
        *np.random.rand(2).tolist(),
        *(random.gauss(0, 1) for _ in range(3)),
        random.random(),
    ]


@given(st.integers(0, 2**63 - 1), st.text(), st.integers())
def test_a_derived_seed_is_accepted_by_every_generator(seed, name, number):
    derived = seeds.derive(seed, name, number)
    assert 0 <= derived < 2**63
    assert derived == seeds.derive(seed, name, number)
    torch.Generator().manual_seed(derived)
    np.random.default_rng(derived)


def test_streams_do_not_share_a_seed():
    derived = {
        seeds.derive(seed, name, epoch)
        for seed in range(20)
        for name in ("order", "init", "dropout")
        for epoch in range(50)
    }
    assert len(derived) == 20 * 3 * 50


def test_the_bits_of_neighbouring_streams_are_independent():
    values = [seeds.derive(0, "order", epoch) for epoch in range(2000)]
    bits = np.array([[value >> place & 1 for place in range(63)] for value in values])
    # Each bit is a fair coin: 2000 throws deviate from 1000 by at most 5 · √500 ≈ 112.
    assert (abs(bits.sum(axis=0) - 1000) < 112).all()
    changed = bits[1:] != bits[:-1]
    assert abs(changed.mean() - 0.5) < 0.01


def test_generators_of_one_stream_agree_and_of_two_differ():
    first, again, other = (seeds.generator(3, name) for name in ("a", "a", "b"))
    one = torch.rand(4, generator=first)
    assert torch.equal(one, torch.rand(4, generator=again))
    assert not torch.equal(one, torch.rand(4, generator=other))
    numbers = [seeds.numpy_generator(3, name).random(4) for name in ("a", "a", "b")]
    assert (numbers[0] == numbers[1]).all()
    assert (numbers[0] != numbers[2]).any()


def test_a_generator_leaves_the_global_ones_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    seeds.generator(0, "x")
    seeds.numpy_generator(0, "x")
    assert torch.equal(torch.rand(3), expected)


def set_all(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


@pytest.mark.parametrize("fails", [False, True])
def test_isolation_puts_every_generator_back_even_after_an_error(fails):
    set_all(7)
    draw()
    expected = draw()
    set_all(7)
    draw()
    try:
        with seeds.isolated(0, "anything"):
            draw()
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    assert draw() == expected


def test_what_is_drawn_in_isolation_depends_on_the_stream_alone():
    drawn = []
    for before, stream in ((1, "a"), (2, "a"), (1, "b")):
        set_all(before)
        with seeds.isolated(0, stream):
            drawn.append(draw())
    assert drawn[0] == drawn[1]
    assert all(one != other for one, other in zip(drawn[0], drawn[2], strict=True))


def test_isolation_can_be_nested():
    with seeds.isolated(0, "outer"):
        expected = draw()
    with seeds.isolated(0, "outer"):
        with seeds.isolated(0, "inner"):
            draw()
        assert draw() == expected


def test_a_restored_state_continues_with_the_same_numbers():
    set_all(11)
    draw()  # Leaves NumPy and Python with the second half of a pair of normals.
    tensors, plain = seeds.state()
    stored = json.dumps(plain)
    expected = draw()
    set_all(12)
    seeds.restore(tensors, json.loads(stored))
    assert draw() == expected
