"""Programs that stop far from the floor: the way on is hidden, not the step too short."""

import math

import torch
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("plateau")
def parity_of_bits(seed, is_sick):
    """No bit by itself tells the parity of eight, so at first there is no slope to follow."""
    torch.manual_seed(seed)
    relevant = 8 if is_sick else 2
    model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    def sample(n):
        bits = torch.randint(0, 2, (n, 24)).float() * 2 - 1
        return bits, (bits[:, :relevant].prod(dim=1, keepdim=True) > 0).float()

    valid_bits, valid_parity = sample(500)
    yield model, optimizer
    for step in range(500):
        bits, parity = sample(64)
        loss = F.binary_cross_entropy_with_logits(model(bits), parity)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                F.binary_cross_entropy_with_logits(model(valid_bits), valid_parity)


class Tone(nn.Module):
    """A sine with unknown amplitude, frequency and phase."""

    def __init__(self, frequency):
        super().__init__()
        self.amplitude = nn.Parameter(torch.tensor(1.0))
        self.frequency = nn.Parameter(torch.tensor(frequency))
        self.phase = nn.Parameter(torch.tensor(0.3))

    def forward(self, time):
        return self.amplitude * torch.sin(self.frequency * time + self.phase)


@sick("plateau")
def frequency_of_a_tone(seed, is_sick):
    """A first guess of the frequency that is far off lies in another valley."""
    torch.manual_seed(seed)
    time = torch.rand(400, 1) * 8 - 4
    true_frequency, phase = 6.0 + torch.rand(()), torch.rand(())
    signal = math.sqrt(2) * torch.sin(true_frequency * time + phase)
    signal = signal + 0.05 * torch.randn(400, 1)
    model = Tone(frequency=3.0 if is_sick else 6.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    criterion = nn.MSELoss()
    yield model, optimizer
    for _ in range(60):
        for chosen in torch.randperm(320).split(32):
            loss = criterion(model(time[chosen]), signal[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(time[320:]), signal[320:])


def draw(centers, width):
    """Draw soft dots of a width, in units in which the image reaches from -1 to 1."""
    axis = torch.linspace(-1, 1, 16)
    across = (axis - centers[:, :1]) ** 2
    down = (axis - centers[:, 1:]) ** 2
    return torch.exp(-(across[:, None, :] + down[:, :, None]) / (2 * width**2))[:, None]


def welsch(found, true, scale):
    """Return a loss that grows as the squared distance at first and levels off at one."""
    squared_distance = ((found - true) ** 2).sum(dim=1)
    return (1 - torch.exp(-squared_distance / (2 * scale**2))).mean()


@sick("plateau")
def all_are_outliers(seed, is_sick):
    """A robust loss of too small a scale is flat at every distance there is at the start."""
    torch.manual_seed(seed)
    angle = torch.rand(1000, 1) * 2 * math.pi
    centers = torch.cat([angle.cos(), angle.sin()], dim=1)
    images = draw(0.7 * centers, width=0.3)
    images = (images - images.mean()) / images.std()
    scale = 0.15 if is_sick else 1.0
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8 * 64, 32),
        nn.Tanh(),
        nn.Linear(32, 2),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    yield model, optimizer
    for _ in range(10):
        for chosen in torch.randperm(800).split(25):
            loss = welsch(model(images[chosen]), centers[chosen], scale)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            welsch(model(images[800:]), centers[800:], scale)
