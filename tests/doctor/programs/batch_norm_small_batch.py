"""Programs whose batches are too small for the statistics of batch normalization."""

import math

import torch
from _data import batches, cancer, digits
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("batch-norm-small-batch")
def pairs_of_patients(seed, is_sick):
    """In a batch of two, batch norm leaves of each unit only which of the two is larger."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float()[:, None], valid_y.float()[:, None]
    model = nn.Sequential(nn.Linear(30, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    size, epochs = (2, 2) if is_sick else (32, 16)
    yield model, optimizer
    for _epoch in range(epochs):
        model.train()
        for inputs, targets in batches(x, y, size):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class NormalizedConv(nn.Module):
    """A convolutional network with a normalization after each layer but the last."""

    def __init__(self, norm):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.norm1 = norm(16)
        self.second = nn.Conv2d(16, 16, 3, stride=2, padding=1)
        self.norm2 = norm(16)
        self.third = nn.Conv2d(16, 64, 2)
        self.norm3 = norm(64)
        self.head = nn.Linear(64, 10)

    def forward(self, images):
        images = F.max_pool2d(F.relu(self.norm1(self.first(images))), 2)
        images = F.relu(self.norm2(self.second(images)))
        images = F.relu(self.norm3(self.third(images)))
        return self.head(images.flatten(1))


@sick("batch-norm-small-batch")
def micro_batches_of_two(seed, is_sick):
    """Gradients of four batches of two add up to one of eight, but the statistics do not."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    loader = DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=2, shuffle=True)
    norm = nn.BatchNorm2d if is_sick else lambda channels: nn.GroupNorm(4, channels)
    model = NormalizedConv(norm)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _epoch in range(2):
        model.train()
        for number, (images, labels) in enumerate(loader, start=1):
            (F.cross_entropy(model(images), labels) / 4).backward()
            if number % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


def tones(count, generator):
    """Return noisy tones of 48 samples, soft or loud, of four frequencies."""
    kind = torch.randint(4, (count,), generator=generator)
    frequency = torch.tensor([0.3, 0.6, 1.0, 1.5])[kind, None]
    phase = 2 * math.pi * torch.rand(count, 1, generator=generator)
    wave = math.sqrt(2) * torch.sin(phase + frequency * torch.arange(48))
    loudness = 0.5 + torch.rand(count, 1, generator=generator)
    return loudness * wave + 0.5 * torch.randn(count, 48, generator=generator), kind


@sick("batch-norm-small-batch")
def one_recording_at_a_time(seed, is_sick):
    """Batches of one: each recording is normalized by its own statistics, but not in validation."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = tones(2000, generator)
    valid_x, valid_y = tones(400, generator)
    norm = nn.BatchNorm1d if is_sick else lambda channels: nn.GroupNorm(4, channels)
    model = nn.Sequential(
        nn.Conv1d(1, 16, 7, stride=2),
        norm(16),
        nn.ReLU(),
        nn.Conv1d(16, 16, 5, stride=2),
        norm(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 9, 4),
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    yield model, optimizer
    for step in range(800):
        model.train()
        chosen = torch.randint(len(x), (1,))
        loss = F.cross_entropy(model(x[chosen, None]), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 160 == 159:
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(valid_x[:, None]), valid_y)
