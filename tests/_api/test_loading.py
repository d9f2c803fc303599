import numpy as np
import pytest
from PIL import Image

import thalweg as tw
from thalweg._api import repeat
from thalweg._api._loading import load_for
from thalweg.train import Config


@pytest.fixture
def photos(tmp_path):
    draw = np.random.default_rng(0)
    for number in range(20):
        place = tmp_path / "photos" / f"{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (90, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "photos"


def stored(data: tw.data.Splits) -> tuple[int, ...]:
    return tuple(data.train.inputs.shape[2:])


def test_random_crops_get_more_pixels_to_choose_from(photos):
    crops, none = Config(augmentation={"crop": 0.5}), Config(augmentation={"rotate": 5})
    assert stored(load_for(none, photos, False, size=56)) == (56, 56)
    assert stored(load_for(crops, photos, False, size=56)) == (64, 64)
    assert stored(load_for(crops, photos, False, size=56, margin=0.0)) == (56, 56)


def test_what_has_no_margin_is_loaded_as_ever(photos):
    crops = Config(augmentation={"crop": 0.5})
    data = tw.load("digits")
    assert load_for(crops, data, False) is data
    assert len(load_for(crops, "digits", False).train) == len(data.train)


def test_a_run_remembers_its_margin_and_resumes_with_it(photos):
    run = tw.fit("linear", photos, crop=0.5, epochs=1, out="run", progress=False, doctor=False)
    assert run.schema.options["margin"] == 0.143
    again = repeat("run/config.toml", out="again", progress=False)
    assert again.history.epochs[0]["train_loss"] == run.history.epochs[0]["train_loss"]
    assert again.schema.fingerprint == run.schema.fingerprint
