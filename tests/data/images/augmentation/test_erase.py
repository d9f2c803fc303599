import torch

from thalweg.data import Augmentation
from thalweg.data.images.augmentation._erase import erased


def test_what_is_inside_the_rectangle_becomes_the_mean():
    images = torch.ones(2, 3, 4, 8)
    holes = torch.tensor([[0.25, 0.5, 0.5, 1.2], [0.0, 0.0, 0.0, 0.0]])
    found = erased(images, holes)
    expected = torch.ones(3, 4, 8)
    expected[:, 2:, 2:4] = 0
    assert torch.equal(found[0], expected)
    assert torch.equal(found[1], images[1])


def test_no_more_is_hidden_than_asked_for():
    augmentation = Augmentation(erase=0.3)
    found = augmentation.apply(torch.ones(500, 1, 50, 50), augmentation.draw(500, 0, 0))
    hidden = (found == 0).float().mean(dim=(1, 2, 3))
    # Whole pixels are hidden: half a pixel more on each side.
    assert 0.25 < hidden.max() < 0.3 + 0.02
    assert 0.08 < hidden.mean() < 0.15
