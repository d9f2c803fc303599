"""Programs whose schedule ends long before they have learned."""

import math

import torch
from _data import batches, cancer, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ExponentialLR, LinearLR, ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset


@sick("lr-decayed-early")
def step_of_an_epoch_taken_each_batch(seed, is_sick):
    """`scheduler.step()` is indented one level too deep."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scheduler = ExponentialLR(optimizer, gamma=0.85)
    yield model, optimizer
    for _ in range(10):
        model.train()
        for images, labels in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
            if is_sick:
                scheduler.step()
        if not is_sick:
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class NextLetter(nn.Module):
    """An LSTM over letters."""

    def __init__(self, letters):
        super().__init__()
        self.letter = nn.Embedding(letters, 32)
        self.memory = nn.LSTM(32, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, tokens):
        return self.head(self.memory(self.letter(tokens))[0])


@sick("lr-decayed-early")
def cosine_over_one_epoch(seed, is_sick):
    """The cosine is computed for the steps of one epoch, and there are ten."""
    torch.manual_seed(seed)
    tokens, letters = text()
    windows = tokens[:32_000].view(-1, 32)[torch.randperm(1000)]
    train, valid = windows[:900], windows[900:]
    loader = DataLoader(train, batch_size=25, shuffle=True)
    model = NextLetter(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    epochs = 10
    total = len(loader) if is_sick else len(loader) * epochs

    def cosine(step):
        progress = min(1.0, step / total)
        return 0.5 * (1 + math.cos(math.pi * progress))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, cosine)
    yield model, optimizer
    for _ in range(epochs):
        model.train()
        for window in loader:
            logits = model(window[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid[:, :-1]).flatten(0, 1), valid[:, 1:].flatten())


@sick("lr-decayed-early")
def plateau_on_noisy_batches(seed, is_sick):
    """ReduceLROnPlateau is asked after each batch, whose loss goes up and down by chance."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = glyphs()
    loader = DataLoader(TensorDataset(*train), batch_size=20, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.3, patience=5)
    yield model, optimizer
    for _ in range(7):
        model.train()
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if is_sick:
                scheduler.step(loss.item())
        model.eval()
        with torch.no_grad():
            valid_loss = criterion(model(valid_x), valid_y)
        if not is_sick:
            scheduler.step(valid_loss.item())


@sick("lr-decayed-early")
def linear_decay_counted_in_epochs(seed, is_sick):
    """`total_iters` counts epochs, the scheduler is stepped each batch."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float().unsqueeze(1), valid_y.float().unsqueeze(1)
    model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-3)
    epochs, steps = 8, len(x) // 10
    total = epochs if is_sick else epochs * steps
    scheduler = LinearLR(optimizer, start_factor=1.0, end_factor=1e-3, total_iters=total)
    yield model, optimizer
    for _ in range(epochs):
        model.train()
        for inputs, targets in batches(x, y, 10):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x), valid_y)
