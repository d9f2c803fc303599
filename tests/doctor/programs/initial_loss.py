"""Programs whose first loss is far from that of an uninformed guess, by their head alone."""

import math

import torch
from _data import batches, cancer, diabetes, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F


class Language(nn.Module):
    """A transformer whose output matrix is its embedding."""

    def __init__(self, letters):
        super().__init__()
        self.token = nn.Embedding(letters, 64)
        self.position = nn.Embedding(24, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, 0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(
            layer, 1, norm=nn.LayerNorm(64), enable_nested_tensor=False
        )
        self.head = nn.Linear(64, letters, bias=False)
        self.head.weight = self.token.weight

    def forward(self, tokens):
        mask = torch.ones(24, 24, dtype=torch.bool).triu(1)
        x = self.token(tokens) + self.position(torch.arange(24))
        return self.head(self.encoder(x, mask=mask))


@sick("initial-loss")
def transformer_with_a_tied_unit_normal_head(seed, is_sick):
    """`nn.Embedding` begins with deviation one: fine for an input, far too much for a head."""
    torch.manual_seed(seed)
    tokens, letters = text()
    model = Language(len(letters))
    if not is_sick:
        nn.init.normal_(model.token.weight, std=0.05)
        nn.init.normal_(model.position.weight, std=0.05)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(250):
        start = torch.randint(len(tokens) - 25, (16, 1))
        windows = tokens[start + torch.arange(25)]
        loss = F.cross_entropy(model(windows[:, :-1]).transpose(1, 2), windows[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@sick("initial-loss")
def bias_for_another_prior(seed, is_sick):
    """A bias made for one positive in a thousand, on data where most are positive."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Linear(24, 1))
    prior = 0.001 if is_sick else y.float().mean().item()
    nn.init.constant_(model[2].bias, math.log(prior / (1 - prior)))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    yield model, optimizer
    for _ in range(7):
        model.train()
        for inputs, targets in batches(x, y.float(), 16):
            optimizer.zero_grad()
            loss = criterion(model(inputs).squeeze(1), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x).squeeze(1), valid_y.float())


class Cosines(nn.Module):
    """A convolutional network that compares its features with one direction for each class."""

    def __init__(self, scale):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU()
        )
        self.project = nn.Linear(32 * 36, 32)
        self.directions = nn.Parameter(torch.randn(10, 32))
        self.scale = scale

    def forward(self, x):
        features = self.project(self.features(x).flatten(1))
        return self.scale * F.normalize(features) @ F.normalize(self.directions).T


@sick("initial-loss")
def cosine_head_with_a_tiny_temperature(seed, is_sick):
    """Cosines are multiplied by 200, so that the network begins sure of its errors."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = Cosines(200.0 if is_sick else 5.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=25, shuffle=True
    )
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in loader:
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Regression(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 128), nn.ReLU())
        self.weight = nn.Parameter(torch.randn(128, 1))
        self.bias = nn.Parameter(torch.zeros(1))
        if not is_sick:
            self.weight.data /= 128**0.5

    def forward(self, x):
        return self.trunk(x) @ self.weight + self.bias


@sick("initial-loss")
def regression_with_a_raw_normal_head(seed, is_sick):
    """The last layer is a bare `torch.randn`; the trunk is as it should be."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = Regression(is_sick)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, y, 17):
            optimizer.zero_grad()
            loss = (model(inputs) - targets).square().mean()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)


class Features(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.fc = nn.Linear(32 * 49, 10)
        if is_sick:
            nn.init.kaiming_normal_(self.fc.weight, mode="fan_out")
        nn.init.zeros_(self.fc.bias)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


@sick("initial-loss")
def head_by_fan_out(seed, is_sick):
    """Kaiming's rule by fan-out, as it is for convolutions, on a head of 1,568 inputs."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = Features(is_sick)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 64):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y).item()
