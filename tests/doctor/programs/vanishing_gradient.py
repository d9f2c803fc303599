"""Programs whose early layers hardly hear of the loss."""

from itertools import pairwise

import torch
from _data import batches, digits, glyphs
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("vanishing-gradient")
def deep_sigmoid_mlp(seed, is_sick):
    """Six sigmoids in a row, each of which divides the gradient by four or more."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = digits(seed)
    activation = nn.Sigmoid if is_sick else nn.Tanh
    layers = [nn.Linear(64, 48), activation()]
    for _ in range(5):
        layers += [nn.Linear(48, 48), activation()]
    model = nn.Sequential(*layers, nn.Linear(48, 10))
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(8):
        model.train()
        for images, labels in DataLoader(TensorDataset(*train), batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class Listener(nn.Module):
    """A recurrent net that names what it has seen."""

    def __init__(self, last_only):
        super().__init__()
        self.last_only = last_only
        self.memory = nn.RNN(8, 48, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, rows):
        states, _ = self.memory(rows)
        return self.head(states[:, -1] if self.last_only else states.amax(dim=1))


@sick("vanishing-gradient")
def long_memory(seed, is_sick):
    """The rows of a digit, then noise; the state after the noise has forgotten the digit."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    def followed_by_noise(images):
        rows = images.view(-1, 8, 8)
        return torch.cat([rows, 0.3 * torch.randn(len(rows), 64, 8)], dim=1)

    model = Listener(last_only=is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for images, labels in batches(x, y, 40):
            loss = F.cross_entropy(model(followed_by_noise(images)), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(followed_by_noise(valid_x)), valid_y)


@sick("vanishing-gradient")
def deep_autoencoder(seed, is_sick):
    """The autoencoder of old textbooks, sigmoid after sigmoid."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    squash = torch.sigmoid if is_sick else torch.tanh

    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = [64, 48, 40, 32, 16, 32, 40, 48]
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
            self.out = nn.Linear(48, 64)
            for layer in self.layers:
                nn.init.xavier_normal_(layer.weight)

        def forward(self, h):
            for layer in self.layers:
                h = squash(layer(h))
            return self.out(h)

    model = Autoencoder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    yield model, optimizer
    for _ in range(15):
        model.train()
        order = torch.randperm(len(x))
        for chosen in order.split(50):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x[chosen]), x[chosen])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_x)


class GatedBlock(nn.Module):
    """A convolution times a gate between zero and one."""

    def __init__(self, channels, with_skip):
        super().__init__()
        self.with_skip = with_skip
        self.value = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        out = torch.tanh(self.value(x)) * torch.sigmoid(self.gate(x))
        return x + out if self.with_skip else out


@sick("vanishing-gradient")
def gates_without_skip(seed, is_sick):
    """Eight gated blocks; each halves what passes, and the skip around it was forgotten."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=4, padding=2),
        nn.Tanh(),
        *[GatedBlock(8, with_skip=not is_sick) for _ in range(8)],
        nn.Flatten(),
        nn.Linear(8 * 49, 10),
    )
    for name, parameter in model.named_parameters():
        if name.endswith("value.weight"):
            nn.init.xavier_uniform_(parameter)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    yield model, optimizer
    for _ in range(4):
        model.train()
        for images, labels in batches(x, y, 25):
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
