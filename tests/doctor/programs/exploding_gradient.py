"""Programs whose gradient runs away."""

import torch
from _data import digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class PixelReader(nn.Module):
    """Reads an image two pixels at a time, with a memory of rectifiers."""

    def __init__(self):
        super().__init__()
        self.memory = nn.RNN(2, 64, nonlinearity="relu", batch_first=True)
        nn.init.eye_(self.memory.weight_hh_l0)
        nn.init.zeros_(self.memory.bias_hh_l0)
        nn.init.zeros_(self.memory.bias_ih_l0)
        self.head = nn.Linear(64, 10)

    def forward(self, images):
        states, _ = self.memory(images.view(-1, 32, 2))
        return self.head(states[:, -1])


@sick("exploding-gradient")
def identity_rnn_on_pixels(seed, is_sick):
    """A gradient that comes back through thirty-two steps grows now and then, and kicks."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = digits(seed)
    loader = DataLoader(TensorDataset(*train), batch_size=32, shuffle=True, drop_last=True)
    model = PixelReader()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(8):
        model.train()
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            if not is_sick:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class NextLetter(nn.Module):
    """A recurrent net of rectifiers whose memory begins as the identity."""

    def __init__(self, letters):
        super().__init__()
        self.letter = nn.Embedding(letters, 32)
        self.memory = nn.RNN(32, 64, nonlinearity="relu", batch_first=True)
        nn.init.eye_(self.memory.weight_hh_l0)
        nn.init.zeros_(self.memory.bias_hh_l0)
        nn.init.zeros_(self.memory.bias_ih_l0)
        self.head = nn.Linear(64, letters)

    def forward(self, tokens):
        return self.head(self.memory(self.letter(tokens))[0])


@sick("exploding-gradient")
def identity_rnn_on_text(seed, is_sick):
    """Rectifiers do not bound the state, and nobody bounds the gradient."""
    torch.manual_seed(seed)
    tokens, letters = text()
    train, valid = tokens[:180_000], tokens[180_000:]
    model = NextLetter(len(letters))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    yield model, optimizer
    for step in range(300):
        starts = torch.randint(0, len(train) - 41, (16, 1))
        window = train[starts + torch.arange(41)]
        optimizer.zero_grad()
        logits = model(window[:, :-1])
        F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten()).backward()
        if not is_sick:
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                window = valid[: 41 * 50].view(50, 41)
                F.cross_entropy(model(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())


@sick("exploding-gradient")
def vanishing_variance(seed, is_sick):
    """Predicted variance without a floor: where it goes to zero, the gradient goes to infinity."""
    torch.manual_seed(seed)
    x = torch.rand(600, 1) * 3.46 - 1.73
    y = torch.sin(2 * x)
    model = nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=3e-3, momentum=0.9)
    yield model, optimizer
    for step in range(800):
        chosen = torch.randint(500, (32,))
        mean, log_variance = model(x[chosen]).chunk(2, dim=1)
        if not is_sick:
            log_variance = log_variance.clamp(min=-2.0)
        loss = 0.5 * (log_variance + (y[chosen] - mean) ** 2 / log_variance.exp()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            with torch.no_grad():
                F.mse_loss(model(x[500:])[:, :1], y[500:])
