"""Programs whose network predicts the class that nearly every example has."""

import torch
from _data import batches, diabetes
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, WeightedRandomSampler


def payments(count, generator):
    """Return twelve features of payments, one in fifty of which is a fraud."""
    fraud = (torch.rand(count, generator=generator) < 0.02).float()
    points = torch.randn(count, 12, generator=generator)
    points[:, :4] += 0.9 * fraud[:, None]
    return points, fraud


@sick("class-imbalance")
def fraud(seed, is_sick):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = payments(10_000, generator)
    valid_x, valid_y = payments(4000, generator)
    model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    balance = (1 - y).sum() / y.sum()
    criterion = nn.BCEWithLogitsLoss(pos_weight=None if is_sick else balance)
    yield model, optimizer
    for _epoch in range(5):
        model.train()
        for inputs, targets in batches(x, y, 100):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@sick("class-imbalance")
def severe_progression(seed, is_sick):
    """One patient in twelve gets much worse, and a batch that is drawn evenly hardly shows any."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    y, valid_y = (y[:, 0] > 1.5).long(), (valid_y[:, 0] > 1.5).long()
    rarity = 1 / y.bincount()[y]
    sampler = WeightedRandomSampler(torch.ones(len(y)) if is_sick else rarity, len(y))
    model = nn.Sequential(nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=0.05)
    yield model, optimizer
    for _epoch in range(10):
        model.train()
        for chosen in BatchSampler(sampler, 32, drop_last=True):
            loss = F.cross_entropy(model(x[chosen]), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


def heartbeats(count, generator):
    """Return 32 samples of noisy beats, of which nine in ten are regular (class 0)."""
    draw = torch.rand(count, generator=generator)
    kind = (draw > 0.92).long() + (draw > 0.95).long() + (draw > 0.975).long()
    time = torch.linspace(0, 1, 32) + 0.1 * torch.rand(count, 1, generator=generator)
    middle = torch.tensor([0.5, 0.62, 0.5, 0.38])[kind, None]
    width = torch.tensor([0.1, 0.1, 0.22, 0.1])[kind, None]
    beat = 2.0 * torch.exp(-(((time - middle) / width) ** 2)) - 0.5
    return beat + 1.6 * torch.randn(count, 32, generator=generator), kind


class BeatReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(1, 12, 5, stride=2, padding=2)
        self.second = nn.Conv1d(12, 16, 5, stride=2, padding=2)
        self.head = nn.Linear(16 * 8, 4)

    def forward(self, signal):
        signal = F.relu(self.first(signal[:, None]))
        return self.head(F.relu(self.second(signal)).flatten(1))


@sick("class-imbalance")
def rare_heartbeats(seed, is_sick):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = heartbeats(6000, generator)
    valid_x, valid_y = heartbeats(3000, generator)
    weight = None if is_sick else len(y) / (4 * y.bincount(minlength=4))
    model = BeatReader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    yield model, optimizer
    for _epoch in range(4):
        model.train()
        for signal, kind in batches(x, y, 64):
            optimizer.zero_grad()
            F.cross_entropy(model(signal), kind, weight=weight).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y, weight=weight)


def spotted(count, generator):
    """Return noisy images 16×16 and where a bright (1) or dark (2) spot of 3×3 pixels lies."""
    images = torch.randn(count, 16, 16, generator=generator)
    labels = torch.zeros(count, 16, 16, dtype=torch.long)
    kinds = 1 + torch.randint(2, (count,), generator=generator)
    for image, label, kind in zip(images, labels, kinds.tolist(), strict=True):
        top, left = torch.randint(14, (2,), generator=generator).tolist()
        image[top : top + 3, left : left + 3] += 0.8 if kind == 1 else -0.8
        label[top : top + 3, left : left + 3] = kind
    return images[:, None], labels


@sick("class-imbalance")
def nearly_all_background(seed, is_sick):
    """Of the pixels to be labelled, 96 in a hundred are background."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = spotted(1000, generator)
    valid_x, valid_y = spotted(200, generator)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()
    )
    model.append(nn.Conv2d(16, 3, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss(weight=None if is_sick else torch.tensor([0.03, 1.0, 1.0]))
    yield model, optimizer
    for _epoch in range(4):
        for images, labels in batches(x, y, 16):
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)
