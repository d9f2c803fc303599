import numpy as np
import pytest
import torch
from PIL import Image

import thalweg as tw
from thalweg.data import ImageEncoder, ImageInputs
from thalweg.data.images._wanted import USUAL_MARGIN, Wanted
from thalweg.errors import SettingError


@pytest.fixture
def photos(tmp_path):
    """Twenty colour pictures of 60×40 pixels in two classes."""
    draw = np.random.default_rng(0)
    for number in range(20):
        place = tmp_path / "photos" / f"{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "photos"


def test_the_usual_margin_stores_256_pixels_for_224():
    assert Wanted(margin=USUAL_MARGIN).stored((224, 224), most=10) == (256, 256)


@pytest.mark.parametrize(
    ("margin", "most", "stored"),
    [
        (None, 3.0, (32, 64)),
        (0.5, 3.0, (48, 96)),
        (0.5, 1.25, (40, 80)),  # no more than pictures have
        (0.5, 0.5, (32, 64)),  # nor less than the network gets
        (0.1, 3.0, (34, 70)),  # as much on one side as on the other
    ],
)
def test_what_is_stored_lies_around_what_the_network_gets(margin, most, stored):
    assert Wanted(margin=margin).stored((32, 64), most) == stored


def test_the_network_gets_the_centre_of_what_is_stored(photos):
    data = tw.load(photos, size=20, margin=0.5)
    encoder = data.schema.encoder
    assert (encoder.shape, encoder.stored) == ((3, 20, 20), (3, 30, 30))
    stored = data.train.inputs[:4]
    assert stored.shape[2:] == (30, 30)
    centre = encoder.normalize(stored)
    torch.testing.assert_close(centre, encoder.whole(stored)[:, :, 5:25, 5:25])
    assert encoder.picture(stored[0]).shape == (20, 20, 3)
    # Its moments are those of the centre.
    values = encoder.normalize(data.train.inputs[:])
    torch.testing.assert_close(values.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    again = ImageEncoder.from_json(encoder.to_json())
    assert torch.equal(again.normalize(stored), centre)


def test_crops_choose_from_all_that_is_stored_and_scoring_takes_the_centre(photos):
    data = tw.load(photos, size=20, margin=0.5)
    run = tw.fit("linear", data, epochs=1, crop=0.5, out="run", progress=False, doctor=False)
    feed = tw.train._batches.Feed(
        data.train,
        data.schema.encoder,
        torch.device("cpu"),
        augmentation=tw.data.Augmentation(crop=0.9),
    )
    feed.begin(0, 0)
    inputs, _ = feed.batch(torch.arange(8))
    assert inputs.shape == (8, 3, 20, 20)
    encoder = data.schema.encoder
    expected = run.model(encoder.normalize(data.test.inputs[:]))
    torch.testing.assert_close(run.answers("test").outputs, expected.detach())


def test_published_moments_are_those_of_imagenet(photos):
    data = tw.load(photos, size=20, standardize="imagenet")
    white = torch.full((1, 3, 20, 20), 255, dtype=torch.uint8)
    expected = (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(data.schema.encoder.normalize(white)[0, :, 0, 0], expected)
    told = {each.setting: each.reason for each in data.schema.choices}
    assert "published moments of ImageNet" in told["preprocessing"]
    tw.conformance.check_data(data)


def test_grey_pictures_become_colour_where_colour_is_expected(tmp_path):
    for number in range(12):
        place = tmp_path / "grey" / f"{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((20, 20), 50 + number).save(place / f"{number}.png")
    data = tw.load(tmp_path / "grey", standardize="imagenet")
    assert data.schema.encoder.shape[0] == 3


def test_arrays_can_be_standardized_so_too():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    data = tw.load(pixels, np.arange(30) % 2, standardize="imagenet")
    assert data.schema.encoder.mean == (0.485, 0.456, 0.406)
    with pytest.raises(SettingError, match="is for pictures in colour, and these are grey"):
        tw.load(pixels[..., 0], np.arange(30) % 2, standardize="imagenet")


def test_a_cache_that_is_no_place_is_refused():
    with pytest.raises(SettingError, match="cache must be true, false or a folder, got 3"):
        Wanted(cache=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": -0.1}, "margin must be a share from 0 to 1"),
        ({"margin": True}, "margin must be a share"),
        ({"margin": 2}, "0.143 stores 256 pixels for 224"),
        ({"standardize": "imagenett"}, "Did you mean 'imagenet'"),
        ({"standardize": "imagenet", "channels": 1}, "Pass channels=3"),
        ({"size": 0}, "size must be"),
        ({"channels": 2}, "channels must be 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(photos, options, message):
    with pytest.raises(SettingError, match=message):
        tw.load(photos, **options)


@pytest.mark.parametrize("stored", [[3, 4], [8, 5], [10**6, 10**6]])
def test_an_encoder_that_makes_no_sense_is_refused(stored):
    encoder = ImageInputs(np.arange(48, dtype=np.uint8).reshape(1, 1, 6, 8)).fit()[0]
    with pytest.raises(ValueError, match="picture"):
        ImageEncoder.from_json({**encoder.to_json(), "stored": stored})
