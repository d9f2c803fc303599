"""Programs whose output does not depend on the input."""

import numpy as np
import sklearn.datasets
import torch
from _data import batches, digits, text, wine
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("input-ignored")
def layer_norm_of_one_number(seed, is_sick):
    """A layer norm over a single feature subtracts the feature from itself."""
    torch.manual_seed(seed)
    x = 4 * torch.rand(1200, 1) + 1
    y = (2 * x).sin() * 1.4 + 0.1 * torch.randn(1200, 1)
    x = (x - 3) / 1.15
    model = nn.Sequential(
        nn.LayerNorm(1) if is_sick else nn.Identity(),
        nn.Linear(1, 32),
        nn.Tanh(),
        nn.Linear(32, 32),
        nn.Tanh(),
        nn.Linear(32, 1),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x[:900], y[:900], 30):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(x[900:]), y[900:])


@sick("input-ignored")
def cnn_with_a_norm_after_pooling(seed, is_sick):
    """A group norm with a group for each channel, where the image is down to one point."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.GroupNorm(32 if is_sick else 1, 32),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class Reader(nn.Module):
    """A transformer that classifies rows of numbers by a token in front of them."""

    def __init__(self, is_causal):
        super().__init__()
        self.summary = nn.Parameter(torch.randn(1, 1, 32))
        self.row = nn.Linear(8, 32)
        self.position = nn.Parameter(0.1 * torch.randn(9, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)
        self.mask = torch.ones(9, 9, dtype=torch.bool).triu(1) if is_causal else None

    def forward(self, images):
        rows = self.row(images.squeeze(1))
        x = torch.cat([self.summary.expand(len(rows), 1, 32), rows], dim=1)
        return self.head(self.encoder(x + self.position, mask=self.mask)[:, 0])


@sick("input-ignored")
def transformer_whose_summary_sees_nothing(seed, is_sick):
    """Under a causal mask the first token sees only itself, and it is the one that is read."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = Reader(is_causal=is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 35):
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Direction(nn.Module):
    """Tells whether a text runs backwards."""

    def __init__(self, letters, place):
        super().__init__()
        self.embedding = nn.Embedding(letters + 1, 24)
        self.gru = nn.GRU(24, 24, batch_first=True)
        self.head = nn.Linear(24, 2)
        self.place = place

    def forward(self, tokens):
        states, _ = self.gru(self.embedding(tokens))
        return self.head(states[:, self.place])


@sick("input-ignored")
def gru_read_at_the_start_token(seed, is_sick):
    """The state after the start token, the same in every sentence, is taken for the last one."""
    torch.manual_seed(seed)
    tokens, letters = text()
    start = len(letters)
    windows = tokens[: 1500 * 18].view(1500, 18)
    is_reversed = torch.arange(1500) % 2
    windows = torch.where(is_reversed[:, None] == 1, windows.flip(1), windows)
    x = torch.cat([torch.full((1500, 1), start), windows], dim=1)
    model = Direction(start, 0 if is_sick else -1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(4):
        for inputs, targets in batches(x[:1200], is_reversed[:1200], 24):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(x[1200:]), is_reversed[1200:])


class VariationalAutoencoder(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 12))
        self.decoder = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64))
        self.is_sick = is_sick

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = torch.randn_like(mean)
        if not self.is_sick:
            code = mean + code * (log_variance / 2).exp()
        return self.decoder(code), mean, log_variance


@sick("input-ignored")
def vae_that_decodes_noise(seed, is_sick):
    """The noise is passed on without the mean and the deviation that belong to it."""
    torch.manual_seed(seed)
    images = sklearn.datasets.load_digits().data / 16
    images = np.random.default_rng(seed).permutation(images)
    images = torch.tensor(images, dtype=torch.float32)
    train, valid = images[:1400], images[1400:]
    model = VariationalAutoencoder(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def bound(x):
        logits, mean, log_variance = model(x)
        evidence = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
        divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1)
        return (evidence - divergence).mean()

    yield model, optimizer
    for _ in range(10):
        for x, _ in batches(train, train, 35):
            optimizer.zero_grad()
            (-bound(x)).backward()
            optimizer.step()
        with torch.no_grad():
            bound(valid)


class Gated(nn.Module):
    """Two layers, each weighted by how far down the network it is."""

    def __init__(self, is_sick):
        super().__init__()
        self.read = nn.Linear(13, 24)
        self.hidden = nn.Linear(24, 24)
        self.head = nn.Linear(24, 3)
        share = torch.tensor([1, 2])
        self.register_buffer("share", share // 3 if is_sick else share / 3)

    def forward(self, x):
        first = F.relu(self.read(x))
        second = F.relu(self.hidden(first))
        return self.head(self.share[0] * first + self.share[1] * second)


@sick("input-ignored")
def weights_by_whole_division(seed, is_sick):
    """`1 // 3` and `2 // 3` are both nothing, so only the last bias is left."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    model = Gated(is_sick)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 10):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Memory(nn.Module):
    """Answers by what a table has for the slots that resemble a question."""

    def __init__(self, is_sick):
        super().__init__()
        self.question = nn.Linear(64, 16)
        self.keys = nn.Parameter(torch.randn(32, 16))
        self.values = nn.Parameter(torch.randn(32, 32))
        self.head = nn.Linear(32, 10)
        self.axis = 1 if is_sick else 2

    def forward(self, x):
        likeness = self.question(x)[:, None] @ self.keys.T
        answer = torch.softmax(likeness, dim=self.axis) @ self.values
        return self.head(torch.relu(answer.squeeze(1)))


@sick("input-ignored")
def memory_with_a_softmax_of_one(seed, is_sick):
    """The softmax over an axis of length one: every slot is read in full, whatever is asked."""
    torch.manual_seed(seed)
    (x, y), _ = digits(seed)
    model = Memory(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(20):
        for inputs, targets in batches(x, y, 50):
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


class Reversal(nn.Module):
    """Reads four symbols and writes them backwards."""

    def __init__(self, is_sick):
        super().__init__()
        self.embedding = nn.Embedding(10, 16)
        self.encoder = nn.GRU(16, 48, batch_first=True)
        self.decoder = nn.GRU(16, 48, batch_first=True)
        self.places = nn.Parameter(torch.zeros(4, 16))
        self.head = nn.Linear(48, 10)
        self.is_sick = is_sick

    def forward(self, x):
        _, state = self.encoder(self.embedding(x))
        if self.is_sick:
            state = torch.zeros_like(state)
        written, _ = self.decoder(self.places.expand(len(x), 4, 16).contiguous(), state)
        return self.head(written)


@sick("input-ignored")
def decoder_with_a_state_of_its_own(seed, is_sick):
    """The decoder starts from zeros in place of the encoder's last state."""
    torch.manual_seed(seed)
    model = Reversal(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(400):
        x = torch.randint(0, 10, (64, 4))
        loss = F.cross_entropy(model(x).flatten(0, 1), x.flip(1).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
