"""Topic V15 of the course: a folder of photos in, a classifier out."""

from pathlib import Path

import numpy as np
from PIL import Image

import thalweg as tw


def test_a_folder_of_photos_becomes_a_classifier():
    draw = np.random.default_rng(0)
    stripes = 60 * np.sign(np.sin(np.arange(120) / 4))
    for number in range(60):
        lying = number % 2 == 0
        picture = 128 + (stripes[:, None] if lying else stripes[None, :])
        pixels = np.clip(picture[..., None] + draw.normal(0, 40, size=(120, 120, 3)), 0, 255)
        folder = Path("photos", "lying" if lying else "standing")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.jpg")
    data = tw.load("photos", size=64)
    network = tw.build("convnet", data, widths=[8, 16])
    run = tw.fit(network, data, epochs=6, learning_rate=0.01, progress=False)
    assert run.score("test")["accuracy"] == 1.0
    assert run.predict("photos/standing/1.jpg").values.tolist() == ["standing"]
