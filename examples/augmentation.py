"""Every augmentation of pictures at several draws, with a box and a point moved along.

Writes `augmentation.png`: the sheet in docs/augmentation.md.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from thalweg.data import Augmentation, Palette

STORED, SIZE, DRAWS, EPOCH = 160, 128, 7, 0
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SETTINGS = [
    {"rotate": 20},
    {"shift": 0.15},
    {"scale": 0.4},
    {"shear": 20},
    {"mirror": True},
    {"crop": 0.7},
    {"elastic": 0.08},
    {"blur": 3.0},
    {"brightness": 0.5},
    {"contrast": 0.7},
    {"saturation": 1.0},
    {"hue": 60},
    {"noise": 0.2},
    {"erase": 0.3},
    {
        "crop": 0.5,
        "rotate": 10,
        "mirror": True,
        "saturation": 0.4,
        "brightness": 0.3,
        "noise": 0.05,
    },
]
HOUSE, SUN = (48.0, 76.0, 92.0, 122.0), (112.0, 44.0)


def scene() -> Image.Image:
    """Return a picture of 160×160 pixels: a house on a hill, with a tree and the sun."""
    sky = np.linspace((90, 150, 230), (235, 225, 205), STORED)  # from the top to the ground
    picture = Image.fromarray(np.repeat(sky[:, None], STORED, axis=1).round().astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((100, 32, 124, 56), fill=(255, 214, 64))
    draw.ellipse((-60, 108, 230, 300), fill=(96, 148, 66))
    draw.rectangle((50, 92, 90, 122), fill=(214, 106, 78))
    draw.polygon([(46, 94), (70, 74), (94, 94)], fill=(110, 48, 44))
    for left in (55, 76):
        draw.rectangle((left, 99, left + 9, 108), fill=(250, 240, 170))
    draw.rectangle((116, 96, 122, 124), fill=(104, 70, 42))
    draw.ellipse((102, 70, 136, 104), fill=(40, 104, 60))
    for row in range(132, STORED, 6):
        draw.line((0, row, STORED, row - 8), fill=(78, 128, 54), width=1)
    return picture


def treated(settings: dict[str, float | bool]) -> list[Image.Image]:
    """Return the scene after each draw, with where the house and the sun are now."""
    augmentation = Augmentation(**settings)
    draws = augmentation.draw(DRAWS, seed=1, epoch=EPOCH)
    mean, std = (torch.tensor(each)[:, None, None] for each in (MEAN, STD))
    pixels = torch.from_numpy(np.array(scene())).permute(2, 0, 1) / 255
    images = ((pixels - mean) / std).expand(DRAWS, -1, -1, -1)
    images = augmentation.apply(images, draws, (SIZE, SIZE), Palette(MEAN, STD)) * std + mean
    warp = augmentation.warp(draws, (SIZE, SIZE), (STORED, STORED))
    boxes, shares = warp.boxes(torch.tensor([[HOUSE]]).expand(DRAWS, -1, -1))
    points = warp.points(torch.tensor([[SUN]]).expand(DRAWS, -1, -1))
    found = []
    for image, box, share, (x, y) in zip(
        images, boxes[:, 0], shares[:, 0], points[:, 0], strict=True
    ):
        array = (image.permute(1, 2, 0) * 255).round().clamp(0, 255).byte().numpy()
        picture = Image.fromarray(array)
        draw = ImageDraw.Draw(picture)
        if share > 0:
            draw.rectangle(box.round().tolist(), outline=(255, 255, 255))
        draw.line((x - 5, y, x + 5, y), fill=(200, 0, 0))
        draw.line((x, y - 5, x, y + 5), fill=(200, 0, 0))
        found.append(picture)
    return found


def sheet() -> Image.Image:
    """Return a row of pictures for each augmentation, under its settings."""
    step, line = SIZE + 6, SIZE + 24
    whole = Image.new("RGB", (DRAWS * step + 6, len(SETTINGS) * line + 6), "white")
    draw = ImageDraw.Draw(whole)
    for row, settings in enumerate(SETTINGS):
        words = "  ".join(f"{name}={value}" for name, value in settings.items())
        draw.text((6, row * line + 5), words, fill="black", font_size=12)
        for column, picture in enumerate(treated(settings)):
            whole.paste(picture, (column * step + 6, row * line + 22))
    return whole


sheet().quantize().save("augmentation.png", optimize=True)
print(f"{Path('augmentation.png').resolve()}: {len(SETTINGS)} rows of {DRAWS} draws")
