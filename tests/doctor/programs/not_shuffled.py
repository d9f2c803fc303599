"""Programs that meet their examples in an order that tells the label."""

import math
import random

import torch
from _data import batches, diabetes, digits, glyphs
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("not-shuffled")
def digits_from_folders(seed, is_sick):
    """The images come folder by folder, all zeros first, and the loader keeps that order."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    folder = y.argsort(stable=True)
    loader = DataLoader(TensorDataset(x[folder], y[folder]), batch_size=32, shuffle=not is_sick)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 16, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _epoch in range(5):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@sick("not-shuffled")
def patients_sorted_by_outcome(seed, is_sick):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    if is_sick:
        order = y[:, 0].argsort()
        x, y = x[order], y[order]
    model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    yield model, optimizer
    for _epoch in range(9):
        for inputs, targets in batches(x, y, 10, shuffle=not is_sick):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)


def recordings(count, generator):
    """Return `count` noisy recordings each of four machines, one machine after the other."""
    time = torch.arange(20)
    parts = []
    for machine in range(4):
        phase = 2 * math.pi * torch.rand(count, 1, generator=generator)
        wave = math.sqrt(2) * torch.sin(phase + (0.3 + 0.25 * machine) * time)
        parts.append(wave + 0.3 * torch.randn(count, 20, generator=generator))
    return torch.cat(parts), torch.arange(4).repeat_interleave(count)


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 32, batch_first=True)
        self.head = nn.Linear(32, 4)

    def forward(self, sound):
        return self.head(self.gru(sound[..., None])[1][0])


@sick("not-shuffled")
def machine_after_machine(seed, is_sick):
    """The recordings are concatenated and sliced; the shuffling was forgotten."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = recordings(500, generator)
    valid_x, valid_y = recordings(100, generator)
    model = Listener()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _epoch in range(6):
        if not is_sick:
            order = torch.randperm(len(x))
            x, y = x[order], y[order]
        for start in range(0, len(x), 40):
            logits = model(x[start : start + 40])
            loss = F.cross_entropy(logits, y[start : start + 40])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("not-shuffled")
def batches_shuffled_but_not_examples(seed, is_sick):
    """The sorted examples are cut into batches first, and only the batches are shuffled."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    order = y.argsort(stable=True) if is_sick else torch.randperm(len(y))
    chunks = list(zip(x[order].split(25), y[order].split(25), strict=True))
    shuffler = random.Random(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    yield model, optimizer
    for _epoch in range(6):
        model.train()
        shuffler.shuffle(chunks)
        for images, labels in chunks:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
