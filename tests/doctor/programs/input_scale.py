"""Programs whose inputs are far from unit scale."""

import numpy as np
import sklearn.datasets
import torch
from _data import batches
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("input-scale")
def mlp_on_raw_measurements(seed, is_sick):
    """Proline is counted in hundreds, the hue in tenths."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.load_wine(return_X_y=True)
    order = torch.randperm(len(x))
    x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
    if not is_sick:
        x = (x - x[:130].mean(0)) / x[:130].std(0)
    model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(12):
        model.train()
        for inputs, targets in batches(x[:130], y[:130], 10):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x[130:]), y[130:])


@sick("input-scale")
def cnn_on_bytes(seed, is_sick):
    """Grey values from 0 to 255 go into the network as they are."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    images = torch.from_numpy((x[order] * 255 / 16).astype(np.uint8)).view(-1, 1, 8, 8)
    labels = torch.from_numpy(y[order])
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

    def prepare(batch):
        batch = batch.float()
        return batch if is_sick else (batch / 255 - 0.3) / 0.38

    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(images[:1400], labels[:1400], 32):
            optimizer.zero_grad()
            loss = criterion(model(prepare(inputs)), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(prepare(images[1400:])), labels[1400:])


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, past):
        _, (state, _) = self.lstm(past)
        return self.head(state[-1]).squeeze(1)


@sick("input-scale")
def lstm_on_kelvin(seed, is_sick):
    """Days near 285 kelvin differ by a few degrees: every gate is shut or open for good."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    day = np.arange(1800)
    kelvin = 285 + 7 * np.sin(day / 9) + 4 * np.sin(day / 4) + generator.normal(size=1800)
    mean, deviation = kelvin[:1400].mean(), kelvin[:1400].std()
    standardized = (kelvin - mean) / deviation
    past = torch.tensor(kelvin if is_sick else standardized, dtype=torch.float32).unfold(0, 20, 1)
    future = torch.tensor(standardized[20:], dtype=torch.float32)
    past = past[: len(future), :, None]
    model = Forecast()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(5):
        for inputs, targets in batches(past[:1370], future[:1370], 25):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(past[1400:]), future[1400:])


@sick("input-scale")
def regression_on_volts(seed, is_sick):
    """Electrodes give microvolts, written in volts: next to nothing reaches the first layer."""
    torch.manual_seed(seed)
    source = torch.randn(1200, 4)
    mixing = torch.randn(4, 12) / 2
    volts = 2e-5 * (source @ mixing + 0.1 * torch.randn(1200, 12))
    score = source[:, 0] * source[:, 1] + source[:, 2] + 0.1 * torch.randn(1200)
    score = ((score - score[:900].mean()) / score[:900].std())[:, None]
    x = volts if is_sick else (volts - volts[:900].mean(0)) / volts[:900].std(0)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x[:900], score[:900]), batch_size=30, shuffle=True
    )
    model = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 1))
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    yield model, optimizer
    for _ in range(10):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(x[900:]), score[900:])


@sick("input-scale")
def rates_beside_years(seed, is_sick):
    """One column is a calendar year and one an income, the others are shares between 0 and 1."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    n = 1200
    year = generator.integers(1990, 2024, n)
    income = generator.lognormal(10.5, 0.4, n)
    shares = generator.random((n, 6))
    chance = 3 * shares[:, 0] * shares[:, 1] - 2 * shares[:, 2] + (year - 2007) / 15 + 0.4
    y = torch.tensor(chance + 0.3 * generator.normal(size=n) > 0.3, dtype=torch.float32)
    x = torch.tensor(np.column_stack([year, income, shares]), dtype=torch.float32)
    if not is_sick:
        x = (x - x[:900].mean(0)) / x[:900].std(0)
    model = nn.Sequential(
        nn.Linear(8, 32), nn.LeakyReLU(), nn.Linear(32, 32), nn.LeakyReLU(), nn.Linear(32, 1)
    )
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(8):
        for chosen in torch.randperm(900).split(25):
            loss = criterion(model(x[chosen]).squeeze(1), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(x[900:]).squeeze(1), y[900:])
