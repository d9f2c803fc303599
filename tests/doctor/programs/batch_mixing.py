"""Programs in which the examples of a batch get mixed up with one another."""

import math

import torch
from _data import batches, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class RowReader(nn.Module):
    """Reads a digit row by row."""

    def __init__(self, batch_first):
        super().__init__()
        self.lstm = nn.LSTM(8, 64, batch_first=batch_first)
        self.head = nn.Linear(64, 10)

    def forward(self, images):
        states, _ = self.lstm(images.view(-1, 8, 8))
        return self.head(states[:, -1])


@sick("batch-mixing")
def lstm_over_the_batch(seed, is_sick):
    """An LSTM that takes the batch for the time, for want of `batch_first`."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = digits(seed)
    loader = DataLoader(TensorDataset(*train), batch_size=32, shuffle=True, drop_last=True)
    model = RowReader(batch_first=not is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _epoch in range(8):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


def waves(count, generator):
    """Return noisy sines, squares and sawtooths of 24 samples with any phase and frequency."""
    kind = torch.randint(3, (count,), generator=generator)
    phase = torch.rand(count, 1, generator=generator)
    frequency = 0.06 + 0.06 * torch.rand(count, 1, generator=generator)
    turns = phase + frequency * torch.arange(24)
    sine = math.sqrt(2) * torch.sin(2 * math.pi * turns)
    shapes = torch.stack([sine, sine.sign(), math.sqrt(12) * (turns % 1 - 0.5)])
    signal = shapes[kind, torch.arange(count)]
    return signal + 0.1 * torch.randn(count, 24, generator=generator), kind


class WaveReader(nn.Module):
    """A GRU that reads a wave in both directions and decides from its two last states."""

    def __init__(self, mixes):
        super().__init__()
        self.mixes = mixes
        self.gru = nn.GRU(1, 24, batch_first=True, bidirectional=True)
        self.head = nn.Linear(48, 3)

    def forward(self, signal):
        _, last = self.gru(signal[..., None])  # directions batch features
        if not self.mixes:
            last = last.transpose(0, 1)
        return self.head(last.reshape(len(signal), -1))


@sick("batch-mixing")
def last_states_reshaped(seed, is_sick):
    """The two directions' last states are reshaped to a batch without a transpose."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = waves(1500, generator)
    valid_x, valid_y = waves(500, generator)
    model = WaveReader(mixes=is_sick)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _epoch in range(8):
        for signal, kind in batches(x, y, 50):
            loss = F.cross_entropy(model(signal), kind)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class NextLetter(nn.Module):
    """A transformer that guesses the letter after a piece of text."""

    def __init__(self, letters, length, mixes):
        super().__init__()
        self.mixes = mixes
        self.letter = nn.Embedding(letters, 32)
        self.place = nn.Embedding(length, 32)
        self.trunk = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0)
        self.head = nn.Linear(32, letters)

    def forward(self, piece):
        batch, time = piece.shape
        points = self.letter(piece) + self.place(torch.arange(time))
        if self.mixes:
            points = points.view(time, batch, 32)
        else:
            points = points.transpose(0, 1)
        return self.head(self.trunk(points)[-1])


@sick("batch-mixing")
def view_for_transpose(seed, is_sick):
    """A transformer wants the time first, and gets it by `view` rather than `transpose`."""
    torch.manual_seed(seed)
    stream, letters = text()
    pieces = stream.unfold(0, 13, 1)
    model = NextLetter(len(letters), 12, mixes=is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for step in range(350):
        model.train()
        piece = pieces[torch.randint(150_000, (64,))]
        loss = F.cross_entropy(model(piece[:, :-1]), piece[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 70 == 69:
            model.eval()
            piece = pieces[160_000 + torch.randint(30_000, (500,))]
            with torch.no_grad():
                F.cross_entropy(model(piece[:, :-1]), piece[:, -1])


class AttentionPool(nn.Module):
    """Weighs the rows of a digit by attention and classifies their mean."""

    def __init__(self, axis):
        super().__init__()
        self.axis = axis
        self.place = nn.Parameter(0.1 * torch.randn(8, 64))
        self.rows = nn.Linear(8, 64)
        self.score = nn.Linear(64, 8)
        self.head = nn.Sequential(nn.Linear(8 * 64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, images):
        rows = torch.relu(self.rows(images.view(-1, 8, 8)) + self.place)  # batch rows features
        weight = F.softmax(self.score(rows), dim=self.axis)  # batch rows heads
        return self.head(torch.einsum("brf,brh->bhf", rows, weight).flatten(1))


@sick("batch-mixing")
def softmax_over_the_batch(seed, is_sick):
    """Attention weights sum to one over the batch rather than over the rows of an image."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = AttentionPool(axis=0 if is_sick else 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    yield model, optimizer
    for _epoch in range(10):
        for images, labels in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
