"""Programs whose rectifiers answer zero to everything."""

import math

import torch
from _data import batches, digits, glyphs, wine
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class OneAgainstAll(nn.Module):
    """A yes or no for each class."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Linear(16 * 49, 10)

    def forward(self, images):
        return self.head(self.features(images).flatten(1))


@sick("dead-units")
def prior_in_every_bias(seed, is_sick):
    """The prior of a rare class belongs in the bias of the head, not in those of all layers."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = glyphs()
    loader = DataLoader(TensorDataset(*train), batch_size=25, shuffle=True)
    model = OneAgainstAll()
    prior = 0.1
    for module in model.modules() if is_sick else [model.head]:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.constant_(module.bias, -math.log((1 - prior) / prior))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for images, labels in loader:
            targets = F.one_hot(labels, 10).float()
            loss = F.binary_cross_entropy_with_logits(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            targets = F.one_hot(valid_y, 10).float()
            F.binary_cross_entropy_with_logits(model(valid_x), targets)


class Prototypes(nn.Module):
    """Units that answer to what lies within a radius of their prototype."""

    def __init__(self, units, features, radius):
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(units, features))
        self.radius = radius
        self.rectify = nn.ReLU()

    def forward(self, x):
        return self.rectify(self.radius - torch.cdist(x, self.prototypes))


@sick("dead-units")
def prototypes_of_wine(seed, is_sick):
    """In thirteen dimensions nothing lies within a radius of one."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    radius = 1.0 if is_sick else 5.0
    model = nn.Sequential(Prototypes(24, 13, radius), nn.Linear(24, 3))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(20):
        model.train()
        for inputs, targets in batches(x, y, 10):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class SparseAutoencoder(nn.Module):
    """Reconstructs an image from the few features that exceed a threshold."""

    def __init__(self, threshold):
        super().__init__()
        self.encode = nn.Linear(64, 40)
        self.keep = nn.Threshold(threshold, 0.0)
        self.decode = nn.Linear(40, 64)

    def forward(self, images):
        return self.decode(self.keep(self.encode(images)))


@sick("dead-units")
def threshold_too_high(seed, is_sick):
    """A threshold for sparse features, which features of usual size do not reach."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    model = SparseAutoencoder(threshold=4.0 if is_sick else 0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.MSELoss()
    yield model, optimizer
    for _ in range(12):
        model.train()
        for images in x[torch.randperm(len(x))].split(50):
            loss = criterion(model(images), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_x)
