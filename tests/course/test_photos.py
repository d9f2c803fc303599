"""Topic V15 of the course: a folder of photos in, a classifier out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import thalweg as tw
from thalweg.cli import main


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


FORMATS = ("jpg", "png", "webp", "bmp", "gif", "tif")


@pytest.fixture
def photographs() -> Path:
    """84 pictures of seven classes, of many sizes and formats, and one that is torn."""
    draw = np.random.default_rng(0)
    for number in range(84):
        kind, turn = number % 7, number // 7
        height, width = draw.integers(150, 300, size=2)
        across, down = np.meshgrid(np.arange(width), np.arange(height))
        angle = kind * np.pi / 7
        wave = 60 * np.sin((across * np.cos(angle) + down * np.sin(angle)) / 8)
        tint = np.array([kind * 20, 120 - kind * 15, 60])
        pixels = 90 + wave[..., None] + tint + draw.normal(0, 15, (height, width, 3))
        folder = Path("photographs", f"kind {kind}")
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        if turn == 3:
            picture = picture.convert("CMYK")
        picture.save(folder / f"ä {turn}.{'jpg' if turn == 3 else FORMATS[turn % 6]}")
    Path("photographs/kind 0/torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")
    return Path("photographs")


def test_photographs_of_all_sizes_train_through_the_cache(photographs, capsys, monkeypatch):
    monkeypatch.setenv("THALWEG_CACHE", str(Path("cache").absolute()))
    words = ["train", str(photographs), "size=32", "model.widths=8,16", "epochs=12", "crop=0.2"]
    words += ["learning_rate=0.01", "saturation=0.3", "noise=0.02", "--model", "convnet", "--json"]
    scores, told = [], []
    for _ in range(2):
        assert main([*words, "--no-report"]) == 0
        out, err = capsys.readouterr()
        scores.append(json.loads(out)["test"])
        told.append(err)
    assert scores[0] == scores[1]
    assert scores[0]["accuracy"] > 0.8
    assert 0.95 < scores[0]["top5_accuracy"] <= 1.0
    assert "kind 0/torn.jpg" in told[0]
    assert "decoded once; kept for the next time" in told[0]
    assert "decoded earlier, no file has changed since" in told[1]
    assert "random crops choose from 36×36 pixels" in told[1]
