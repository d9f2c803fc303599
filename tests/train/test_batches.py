"""Batches: every example once per epoch, in an order that seed and epoch decide."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.train._batches import Feed, bounds, order

CPU = torch.device("cpu")


@given(st.integers(0, 300), st.integers(0, 2**63 - 1), st.integers(0, 10_000))
def test_an_order_is_a_permutation_and_repeats_itself(examples, seed, epoch):
    rows = order(examples, seed, epoch)
    assert sorted(rows.tolist()) == list(range(examples))
    assert torch.equal(rows, order(examples, seed, epoch))


def test_orders_differ_by_epoch_and_by_seed():
    orders = {tuple(order(50, seed, epoch).tolist()) for seed in range(5) for epoch in range(20)}
    assert len(orders) == 100


def test_every_place_is_equally_likely():
    places = np.array([order(4, 0, epoch).tolist() for epoch in range(4000)])
    for example in range(4):
        counts = (places == example).sum(axis=0)
        # 4000 draws at 1/4: a deviation of 5 · √(4000 · ¼ · ¾) ≈ 137.
        assert (abs(counts - 1000) < 137).all()


def test_the_order_does_not_depend_on_the_global_generator():
    torch.manual_seed(1)
    first = order(30, 0, 0)
    torch.manual_seed(2)
    assert torch.equal(first, order(30, 0, 0))


def test_without_shuffling_the_order_is_that_of_the_data():
    assert torch.equal(order(7, 3, 5, shuffle=False), torch.arange(7))


@given(st.integers(1, 500), st.integers(1, 600), st.integers(1, 2))
def test_batches_cover_every_example_once(examples, batch_size, fewest):
    found = bounds(examples, batch_size, fewest)
    covered = [row for start, stop in found for row in range(start, stop)]
    assert covered == list(range(examples))
    sizes = [stop - start for start, stop in found]
    assert all(size == min(batch_size, examples) for size in sizes[:-1])
    assert sizes[-1] < batch_size + fewest
    assert sizes[-1] >= min(fewest, examples)


@pytest.mark.parametrize(
    ("examples", "batch_size", "fewest", "sizes"),
    [(9, 4, 1, [4, 4, 1]), (9, 4, 2, [4, 5]), (1, 4, 2, [1]), (8, 4, 2, [4, 4]), (4, 9, 1, [4])],
)
def test_a_last_batch_that_is_too_small_joins_the_one_before(examples, batch_size, fewest, sizes):
    found = bounds(examples, batch_size, fewest)
    assert [stop - start for start, stop in found] == sizes


def test_a_feed_hands_out_inputs_and_targets_by_position(three_classes):
    train = three_classes.train
    feed = Feed(train, three_classes.schema.encoder, CPU)
    rows = torch.tensor([5, 0, 5, 89])
    inputs, targets = feed.batch(rows)
    assert len(feed) == len(train)
    assert torch.equal(inputs, train.inputs[[5, 0, 5, 89]])
    assert torch.equal(targets, train.targets[[5, 0, 5, 89]])
    inputs, targets = feed.slice(10, 13)
    assert torch.equal(inputs, train.inputs[10:13])
    assert torch.equal(targets, train.targets[10:13])


@pytest.fixture(scope="module")
def images() -> tw.data.Splits:
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, size=(30, 3, 6, 5), dtype=np.uint8)
    return tw.load(pictures, draw.integers(0, 2, size=30))


@pytest.mark.parametrize("channels_last", [False, True])
def test_images_are_normalized_and_laid_out_on_the_way(images, channels_last):
    encoder = images.schema.encoder
    feed = Feed(images.train, encoder, CPU, channels_last)
    inputs, _ = feed.batch(torch.arange(4))
    expected = encoder.normalize(images.train.inputs[:4])
    torch.testing.assert_close(inputs, expected)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert inputs.is_contiguous(memory_format=layout)
    torch.testing.assert_close(feed.slice(0, 4)[0], expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_what_does_not_fit_the_device_travels_batch_by_batch(three_classes, monkeypatch):
    monkeypatch.setattr("thalweg.train._batches._fits", lambda inputs, device: False)
    feed = Feed(three_classes.train, three_classes.schema.encoder, torch.device("cuda"))
    inputs, targets = feed.batch(torch.tensor([5, 0, 5]))
    assert torch.equal(inputs.cpu(), three_classes.train.inputs[[5, 0, 5]])
    assert torch.equal(targets.cpu(), three_classes.train.targets[[5, 0, 5]])
