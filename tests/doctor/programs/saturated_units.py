"""Programs whose sigmoids and tanhs are stuck at their bounds."""

import torch
from _data import batches, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F


class BagOfLetters(nn.Module):
    """Guesses the kind of text from the letters in it."""

    def __init__(self, letters, mode):
        super().__init__()
        self.bag = nn.EmbeddingBag(letters, 32, mode=mode)
        self.squash = nn.Tanh()
        self.rest = nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, windows):
        return self.rest(self.squash(self.bag(windows)))


@sick("saturated-units")
def sum_of_embeddings(seed, is_sick):
    """Hundred embeddings are summed, not averaged, before tanh."""
    torch.manual_seed(seed)
    tokens, letters = text()
    windows = tokens.view(-1, 100)[torch.randperm(2000)]
    # Is it a text of long words, i.e. of few spaces?
    spaces = (windows == letters.index(" ")).sum(1)
    labels = (spaces < spaces.float().median()).float().unsqueeze(1)
    model = BagOfLetters(len(letters), mode="sum" if is_sick else "mean")
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(windows[:1500], labels[:1500], 30):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(windows[1500:]), labels[1500:])


class Step(nn.Module):
    """A smooth step from zero to one."""

    def __init__(self, steepness):
        super().__init__()
        self.steepness = steepness
        self.sigmoid = nn.Sigmoid()

    def forward(self, x):
        return self.sigmoid(self.steepness * x)


@sick("saturated-units")
def steep_sigmoid(seed, is_sick):
    """Almost binary units by a steep sigmoid, which has no slope left."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    steepness = 100.0 if is_sick else 2.0
    model = nn.Sequential(
        nn.Linear(64, 32), Step(steepness), nn.Linear(32, 32), Step(steepness), nn.Linear(32, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class HashCode(nn.Module):
    """An autoencoder whose code is pressed toward plus and minus one."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 16))
        self.press = nn.Tanh()
        self.decode = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 64))

    def forward(self, images, sharpness):
        return self.decode(self.press(sharpness * self.encode(images)))


@sick("saturated-units")
def hash_code_sharpened_at_once(seed, is_sick):
    """The sharpness of the code, meant to grow slowly, is at its end from the start."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    model = HashCode()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    epochs = 12
    yield model, optimizer
    for epoch in range(epochs):
        sharpness = 200.0 if is_sick else 1.0 + epoch / epochs
        model.train()
        for images in x[torch.randperm(len(x))].split(50):
            loss = F.mse_loss(model(images, sharpness), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_x, sharpness), valid_x)


class Gated(nn.Module):
    """A gated recurrent net written by hand."""

    def __init__(self, inputs, width, gate_bias):
        super().__init__()
        self.gate = nn.Linear(inputs + width, width)
        self.gate_activation = nn.Sigmoid()
        self.candidate = nn.Linear(inputs + width, width)
        self.head = nn.Linear(width, 10)
        nn.init.constant_(self.gate.bias, gate_bias)

    def forward(self, rows):
        state = rows.new_zeros(len(rows), self.candidate.out_features)
        for row in rows.unbind(1):
            both = torch.cat([row, state], dim=1)
            keep = self.gate_activation(self.gate(both))
            state = keep * state + (1 - keep) * torch.tanh(self.candidate(both))
        return self.head(state)


@sick("saturated-units")
def gate_held_shut(seed, is_sick):
    """A bias of one lets a gate remember; this one lets it do nothing else."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    x, valid_x = x.view(-1, 8, 8), valid_x.view(-1, 8, 8)
    model = Gated(8, 48, gate_bias=12.0 if is_sick else 1.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for rows, labels in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(rows), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
