"""Programs with NaN or infinity among their inputs or targets."""

import numpy as np
import sklearn.datasets
import torch
from _data import batches, wine
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("nan-input")
def mlp_on_a_table_with_gaps(seed, is_sick):
    """Four measurements in a thousand are missing."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    missing = torch.rand_like(x) < 0.004
    missing[seed, 3] = True
    x = x.masked_fill(missing, torch.nan)
    if not is_sick:
        x = torch.where(x.isnan(), x.nanmean(0), x)
    model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(14):
        model.train()
        for inputs, targets in batches(x, y, 10):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("nan-input")
def regression_with_missing_answers(seed, is_sick):
    """Six patients never came back, so that their targets are NaN."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.load_diabetes(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = x[order], y[order]
    y[:340][np.random.default_rng(seed).choice(340, 6, replace=False)] = np.nan
    train_x, train_y, valid_x, valid_y = x[:340], y[:340], x[340:], y[340:]
    if not is_sick:
        known = ~np.isnan(train_y)
        train_x, train_y = train_x[known], train_y[known]
    mean, deviation = np.nanmean(train_y), np.nanstd(train_y)
    center, spread = train_x.mean(0), train_x.std(0)

    def dataset(x, y):
        x = torch.tensor((x - center) / spread, dtype=torch.float32)
        y = torch.tensor((y - mean) / deviation, dtype=torch.float32)
        return torch.utils.data.TensorDataset(x, y)

    train = torch.utils.data.DataLoader(dataset(train_x, train_y), batch_size=20, shuffle=True)
    valid = torch.utils.data.DataLoader(dataset(valid_x, valid_y), batch_size=51)
    model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    criterion = nn.SmoothL1Loss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in train:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            for inputs, targets in valid:
                criterion(model(inputs), targets)


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, past):
        states, _ = self.gru(past)
        return self.head(states[:, -1]).squeeze(1)


@sick("nan-input")
def gru_on_a_sensor_with_gaps(seed, is_sick):
    """The sensor is silent now and then; sick, the gaps go into the windows as NaN."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    time = np.arange(2000)
    series = np.sin(time / 7) + 0.6 * np.sin(time / 3 + 1) + 0.1 * generator.normal(size=2000)
    series /= series[:1500].std()
    for start in generator.choice(1500, 4, replace=False):
        series[start : start + 3] = np.nan
    if not is_sick:
        known = ~np.isnan(series)
        series = np.interp(time, time[known], series[known])
    windows = torch.tensor(series, dtype=torch.float32).unfold(0, 21, 1)
    train, valid = windows[:1500], windows[1530:]
    model = Forecast()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(5):
        for chosen in torch.randperm(len(train)).split(25):
            past, future = train[chosen, :-1, None], train[chosen, -1]
            optimizer.zero_grad()
            F.mse_loss(model(past), future).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid[:, :-1, None]), valid[:, -1])


@sick("nan-input")
def cnn_on_blank_images(seed, is_sick):
    """Each image is divided by its brightest point, which is zero in the two blank ones."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    images = torch.tensor(x[order], dtype=torch.float32).view(-1, 1, 8, 8)
    labels = torch.tensor(y[order])
    images[[100, 700]] = 0
    brightest = images.amax((1, 2, 3), keepdim=True)
    if not is_sick:
        brightest = brightest.clamp_min(1)
    images = (images / brightest - 0.3) / 0.38
    train_x, train_y, valid_x, valid_y = images[:1400], labels[:1400], images[1400:], labels[1400:]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(train_x, train_y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("nan-input")
def logarithm_of_measurements(seed, is_sick):
    """Skewed columns are put on a log scale; a few tumours have no concavity at all."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.load_breast_cancer(return_X_y=True)
    order = torch.randperm(len(x))
    x, y = torch.tensor(x)[order].float(), torch.tensor(y)[order].float()
    x = x / x[:430].mean(0)
    x = x.log() if is_sick else x.log1p()
    finite = x[:430].isfinite().all(1)
    mean, deviation = x[:430][finite].mean(0), x[:430][finite].std(0)
    x = (x - mean) / deviation
    model = nn.Sequential(nn.Linear(30, 16), nn.GELU(), nn.Linear(16, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x[:430], y[:430], 16):
            loss = criterion(model(inputs).squeeze(1), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(x[430:]).squeeze(1), y[430:])


@sick("nan-input")
def autoencoder_scaled_by_each_pixel(seed, is_sick):
    """Pixels at the border are always empty: nothing divided by a deviation of nothing."""
    torch.manual_seed(seed)
    x = torch.tensor(sklearn.datasets.load_digits().data, dtype=torch.float32)
    x = x[torch.randperm(len(x))]
    train, valid = x[:1400], x[1400:]
    mean, deviation = train.mean(0), train.std(0)
    if not is_sick:
        deviation = deviation.clamp_min(2.0)
    train, valid = (train - mean) / deviation, (valid - mean) / deviation
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 64))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, _ in batches(train, train, 40):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), inputs).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid), valid)
