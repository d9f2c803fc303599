import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

import thalweg.data as data
from thalweg.data import ArrayEncoder, ImageEncoder, ImageInputs
from thalweg.data._duplicates import find_duplicates, near_pairs
from thalweg.data.images._image_files import to_pixels
from thalweg.errors import DataError, ShapeError


@pytest.fixture
def colours():
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, size=(40, 3, 6, 5), dtype=np.uint8)


@pytest.fixture
def encoder(colours):
    return ImageInputs(colours).fit()[0]


def digits():
    values, labels = load_digits(return_X_y=True)
    return np.round(values * 255 / 16).astype(np.uint8).reshape(-1, 8, 8), labels


def test_channels_have_mean_0_and_variance_1_on_the_training_part(colours, encoder):
    values = encoder.normalize(encoder.encode(ImageInputs(colours)))
    moments = colours.reshape(40, 3, -1) / 255
    expected = (colours / 255 - moments.mean(axis=(0, 2))[:, None, None]) / moments.std(
        axis=(0, 2)
    )[:, None, None]
    assert values.dtype == torch.float32
    assert values.is_contiguous()
    np.testing.assert_allclose(values.numpy(), expected, atol=2e-6)


def test_normalizing_leaves_what_is_stored_alone(colours, encoder):
    stored = encoder.encode(ImageInputs(colours))
    encoder.normalize(stored)
    np.testing.assert_array_equal(stored.numpy(), colours)


def test_a_channel_that_never_varies_is_only_centred():
    values = np.zeros((4, 3, 2, 2), dtype=np.uint8)
    values[:, 0] = np.arange(4)[:, None, None] * 10
    values[:, 1] = 200
    encoder, _ = ImageInputs(values).fit()
    normal = encoder.normalize(torch.from_numpy(values))
    assert normal.isfinite().all()
    torch.testing.assert_close(normal[:, 1:], torch.zeros(4, 2, 2, 2), atol=1e-4, rtol=0)


def test_blank_pictures_are_refused():
    with pytest.raises(DataError, match="blank"):
        ImageInputs(np.full((5, 1, 4, 4), 255, dtype=np.uint8)).fit()


def test_an_encoder_survives_json(colours, encoder):
    again = ImageEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    stored = torch.from_numpy(colours)
    assert again.shape == encoder.shape == (3, 6, 5)
    assert torch.equal(again.normalize(stored), encoder.normalize(stored))


def test_the_data_card_has_a_row_per_channel(encoder):
    assert [row["name"] for row in encoder.describe()] == ["red", "green", "blue"]


def test_a_picture_has_three_channels_last():
    grey = torch.arange(6, dtype=torch.uint8).reshape(1, 2, 3)
    encoder = ImageEncoder((0.5,), (0.1,), (2, 3))
    np.testing.assert_array_equal(encoder.picture(grey)[:, :, 2], grey[0].numpy())
    assert encoder.picture(grey).shape == (2, 3, 3)


def test_digests_tell_pictures_apart_by_every_pixel(colours):
    colours[7] = colours[3]
    colours[8] = colours[3]
    colours[8, 2, 5, 4] ^= 1
    digests = ImageInputs(colours).digests()
    assert digests[7] == digests[3] != digests[8]
    assert len(set(digests)) == 39


def test_no_two_handwritten_digits_are_near_duplicates():
    values, _ = digits()
    assert len(near_pairs(ImageInputs(values[:, None]).signatures())) == 0


def photographs(side=96):
    """Pieces of two photographs, the blank sky left out."""
    pieces = []
    for photograph in load_sample_images().images:
        for top in range(0, photograph.shape[0] - side, side):
            for left in range(0, photograph.shape[1] - side, side):
                piece = photograph[top : top + side, left : left + side]
                if piece.std() > 20:
                    pieces.append(piece)
    return pieces


def resaved(piece):
    file = io.BytesIO()
    Image.fromarray(piece).save(file, "JPEG", quality=60)
    return Image.open(file)


def resized(piece):
    return Image.fromarray(piece).resize((64, 64), Image.Resampling.LANCZOS)


def noisy(piece):
    noise = np.random.default_rng(1).normal(0, 3, size=piece.shape)
    return Image.fromarray(np.clip(np.round(piece + noise), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("altered", [resaved, resized, noisy])
def test_the_same_photograph_again_is_a_near_duplicate(altered):
    pieces = photographs()
    values = [to_pixels(Image.fromarray(piece), (96, 96), 3)[0] for piece in pieces]
    values += [to_pixels(altered(piece), (96, 96), 3)[0] for piece in pieces]
    found = near_pairs(ImageInputs(np.stack(values)).signatures())
    # Each with its own copy and with nothing else.
    number = len(pieces)
    expected = {(row, row + number) for row in range(number)}
    assert {(int(a), int(b)) for a, b in np.sort(found, axis=1)} == expected


def test_pictures_that_differ_in_colour_alone_are_no_near_duplicates():
    values = np.zeros((2, 3, 20, 20), dtype=np.uint8)
    values[0, 0], values[1, 2] = 90, 90
    assert find_duplicates(ImageInputs(values)).near == 0


def test_where_all_pictures_look_alike_small_differences_count():
    draw = np.random.default_rng(0)
    scene = draw.integers(0, 200, size=(1, 16, 16))
    values = np.repeat(scene[None], 30, axis=0)
    for row in range(30):
        values[row, 0, row // 6 * 3, row % 6 * 2] += 20
    assert find_duplicates(ImageInputs(values.astype(np.uint8))).near == 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((12, 6, 5), (12, 1, 6, 5)),
        ((12, 1, 6, 5), (12, 1, 6, 5)),
        ((12, 3, 6, 5), (12, 3, 6, 5)),
        ((12, 6, 5, 3), (12, 3, 6, 5)),
    ],
)
@pytest.mark.parametrize("wrap", [np.asarray, torch.from_numpy])
def test_arrays_of_bytes_are_loaded_as_pictures(shape, expected, wrap):
    values = np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)
    splits = data.load(wrap(values), np.arange(12) % 2)
    assert isinstance(splits.schema.encoder, ImageEncoder)
    assert splits.train.inputs.shape[1:] == expected[1:]
    assert any(choice.value == "pictures" for choice in splits.schema.choices)
    row = int(splits.train.names[0].removeprefix("row "))
    picture = values[row] if len(shape) == 4 else values[row][None]
    picture = picture.transpose(2, 0, 1) if shape[-1] == 3 else picture
    np.testing.assert_array_equal(splits.train.inputs[0].numpy(), picture)


def test_floating_point_arrays_stay_arrays():
    values = np.random.default_rng(0).random((12, 3, 6, 5))
    splits = data.load(values, np.arange(12) % 2)
    assert isinstance(splits.schema.encoder, ArrayEncoder)


def test_bytes_with_four_channels_are_refused():
    with pytest.raises(ShapeError, match="1 or 3 channels"):
        data.load(np.zeros((12, 6, 5, 4), dtype=np.uint8), np.arange(12) % 2)


def test_digits_become_three_parts_that_are_stored_as_bytes():
    values, labels = digits()
    splits = data.load(values, labels)
    assert splits.train.inputs.dtype == torch.uint8
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 1797
    assert splits.schema.duplicates == {"exact": 0, "near": 0}


def test_a_read_only_array_loads_without_a_warning(colours):
    colours.flags.writeable = False
    assert torch.equal(ImageInputs(colours).values, torch.from_numpy(colours.copy()))
