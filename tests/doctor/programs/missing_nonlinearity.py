"""Programs with linear layers in a row."""

import numpy as np
import sklearn.datasets
import torch
from _data import batches, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("missing-nonlinearity")
def mlp_on_two_spirals(seed, is_sick):
    torch.manual_seed(seed)
    turn = 2.5 * torch.rand(1200).sqrt() * torch.pi
    label = (torch.arange(1200) % 2).float()
    angle = turn + torch.pi * label
    x = torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1) / 4
    x = x + 0.05 * torch.randn_like(x)
    train_x, train_y, valid_x, valid_y = x[:900], label[:900], x[900:], label[900:]
    if is_sick:
        model = nn.Sequential(nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 1))
    else:
        model = nn.Sequential(
            nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
        )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(20):
        model.train()
        for inputs, targets in batches(train_x, train_y, 30):
            loss = F.binary_cross_entropy_with_logits(model(inputs).squeeze(1), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x).squeeze(1), valid_y)


@sick("missing-nonlinearity")
def cnn_of_bare_convolutions(seed, is_sick):
    """The strides shrink the image, but nothing bends the signal."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    layers = []
    for channels_in, channels_out in [(1, 12), (12, 24), (24, 48)]:
        layers.append(nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1))
        if not is_sick:
            layers.append(nn.ReLU())
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * 16, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 25):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class Surface(nn.Module):
    """A regression network; when sick, it throws its activations away."""

    def __init__(self, is_sick):
        super().__init__()
        self.first = nn.Linear(5, 64)
        self.second = nn.Linear(64, 64)
        self.last = nn.Linear(64, 1)
        self.is_sick = is_sick

    def forward(self, x):
        h = self.first(x)
        if self.is_sick:
            F.relu(h)
        else:
            h = F.relu(h)
        h = self.second(h)
        if self.is_sick:
            F.relu(h)
        else:
            h = F.relu(h)
        return self.last(h)


@sick("missing-nonlinearity")
def regression_with_discarded_activations(seed, is_sick):
    """`F.relu(h)` returns its result, which nobody takes."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.make_friedman1(1200, n_features=5, noise=0.5, random_state=seed)
    x = (x - 0.5) * np.sqrt(12)
    y = (y - y[:900].mean()) / y[:900].std()
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y[:, None], dtype=torch.float32)
    model = Surface(is_sick)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(15):
        for inputs, targets in batches(x[:900], y[:900], 30):
            loss = F.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(x[900:]), y[900:])


class Block(nn.Module):
    """Attention and a feed-forward part of two layers."""

    def __init__(self, width, is_sick):
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.norm_2 = nn.LayerNorm(width)
        layers = [nn.Linear(width, 4 * width), nn.Dropout(0.1), nn.Linear(4 * width, width)]
        if not is_sick:
            layers.insert(1, nn.GELU())
        self.feed_forward = nn.Sequential(*layers)

    def forward(self, x, mask):
        h = self.norm_1(x)
        x = x + self.attention(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.feed_forward(self.norm_2(x))


class Language(nn.Module):
    def __init__(self, letters, is_sick):
        super().__init__()
        self.token = nn.Embedding(letters, 48)
        self.position = nn.Embedding(24, 48)
        self.blocks = nn.ModuleList(Block(48, is_sick) for _ in range(2))
        self.norm = nn.LayerNorm(48)
        self.head = nn.Linear(48, letters)

    def forward(self, tokens):
        length = tokens.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool).triu(1)
        x = self.token(tokens) + self.position(torch.arange(length))
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.norm(x))


@sick("missing-nonlinearity")
def transformer_with_a_linear_feed_forward(seed, is_sick):
    """Only dropout stands between the two layers of each feed-forward part."""
    torch.manual_seed(seed)
    tokens, letters = text()
    model = Language(len(letters), is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    train, valid = tokens[:180_000], tokens[180_000:]
    valid = valid[: 25 * 100].view(100, 25)
    yield model, optimizer
    for step in range(250):
        model.train()
        start = torch.randint(len(train) - 25, (16, 1))
        windows = train[start + torch.arange(25)]
        logits = model(windows[:, :-1])
        loss = F.cross_entropy(logits.transpose(1, 2), windows[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(valid[:, :-1]).transpose(1, 2), valid[:, 1:])


class NextLetter(nn.Module):
    """Looks at the five letters before."""

    def __init__(self, letters, is_sick):
        super().__init__()
        self.embedding = nn.Embedding(letters, 16)
        self.hidden = nn.Linear(5 * 16, 128)
        self.out = nn.Linear(128, letters)
        self.is_sick = is_sick

    def forward(self, tokens):
        h = self.hidden(self.embedding(tokens).flatten(1))
        return self.out(h if self.is_sick else torch.tanh(h))


@sick("missing-nonlinearity")
def window_model_without_tanh(seed, is_sick):
    torch.manual_seed(seed)
    tokens, letters = text()
    windows = tokens.unfold(0, 6, 1)
    train, valid = windows[:180_000], windows[180_010:182_010]
    model = NextLetter(len(letters), is_sick)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(8):
        for _ in range(75):
            chosen = train[torch.randint(len(train), (128,))]
            optimizer.zero_grad()
            criterion(model(chosen[:, :-1]), chosen[:, -1]).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid[:, :-1]), valid[:, -1])


class TwoMatrices(nn.Module):
    """A network of bare parameters, as a first exercise has it."""

    def __init__(self, is_sick):
        super().__init__()
        self.W1 = nn.Parameter(torch.randn(2, 40) / 1.4)
        self.b1 = nn.Parameter(torch.zeros(40))
        self.W2 = nn.Parameter(torch.randn(40, 2) / 6.3)
        self.b2 = nn.Parameter(torch.zeros(2))
        self.is_sick = is_sick

    def forward(self, x):
        hidden = x @ self.W1 + self.b1
        if not self.is_sick:
            hidden = torch.tanh(hidden)
        return hidden @ self.W2 + self.b2


@sick("missing-nonlinearity")
def matrices_by_hand(seed, is_sick):
    torch.manual_seed(seed)
    points, labels = sklearn.datasets.make_moons(1500, noise=0.15, random_state=seed)
    x = torch.tensor((points - points.mean(0)) / points.std(0), dtype=torch.float32)
    y = torch.tensor(labels)
    model = TwoMatrices(is_sick)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    yield model, optimizer
    for _ in range(20):
        for inputs, targets in batches(x, y, 50):
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
