"""Programs whose model is too small for the task."""

import math

import torch
from _data import batches, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("underfitting")
def line_through_rings(seed, is_sick):
    """A linear classifier cannot tell a disc from the ring around it."""
    torch.manual_seed(seed)
    angle = torch.rand(1200) * 2 * math.pi
    labels = torch.arange(1200) % 2
    radius = torch.where(labels == 1, 2.0, 0.8) + 0.2 * torch.randn(1200)
    points = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    points = points / points[:1000].std()
    train = TensorDataset(points[:1000], labels[:1000])
    if is_sick:
        model = nn.Linear(2, 2)
    else:
        model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(10):
        model.train()
        for inputs, targets in DataLoader(train, batch_size=25, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(points[1000:]), labels[1000:])


@sick("underfitting")
def narrow_code(seed, is_sick):
    """A code of one number for sixty-four grey values."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    code = 1 if is_sick else 20
    model = nn.Sequential(
        nn.Linear(64, 48), nn.ELU(), nn.Linear(48, code), nn.ELU(), nn.Linear(code, 48), nn.ELU()
    )
    model.append(nn.Linear(48, 64))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(15):
        model.train()
        for images in x[torch.randperm(len(x))].split(50):
            loss = ((model(images) - images) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_x)


class NextLetter(nn.Module):
    """A GRU over letters of a given width."""

    def __init__(self, letters, width):
        super().__init__()
        self.letter = nn.Embedding(letters, width)
        self.memory = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, letters)

    def forward(self, tokens):
        return self.head(self.memory(self.letter(tokens))[0])


@sick("underfitting")
def memory_of_two_numbers(seed, is_sick):
    """A state of two numbers for all that has been read."""
    torch.manual_seed(seed)
    tokens, letters = text()
    windows = tokens[:64_000].view(-1, 32)[torch.randperm(2000)]
    train, valid = windows[:1800], windows[1800:]
    model = NextLetter(len(letters), width=2 if is_sick else 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for window in train[torch.randperm(1800)].split(30):
            logits = model(window[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid[:, :-1]).flatten(0, 1), valid[:, 1:].flatten())


@sick("underfitting")
def pooled_to_nothing(seed, is_sick):
    """One channel, pooled over the whole image, leaves one number to tell ten classes by."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    channels, places = (1, 1) if is_sick else (16, 7)
    model = nn.Sequential(
        nn.Conv2d(1, channels, 5, stride=2, padding=2),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(places),
        nn.Flatten(),
        nn.Linear(channels * places**2, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for images, labels in batches(x, y, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
