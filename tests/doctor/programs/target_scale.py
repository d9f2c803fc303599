"""Programs whose regression targets are far from the scale of the network's output."""

import torch
from _data import batches, diabetes, digits
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("target-scale")
def diabetes_in_its_own_units(seed, is_sick):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    if is_sick:
        y, valid_y = 152 + 77 * y, 152 + 77 * valid_y
    model = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _epoch in range(15):
        model.train()
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)


def houses(count, generator):
    """Return four measurements of houses, about standardized, and their prices in euro."""
    area, rooms, age, distance = torch.randn(4, count, generator=generator)
    rooms = 0.7 * area + 0.7 * rooms
    price = 320_000 + 90_000 * area + 20_000 * rooms - 40_000 * torch.tanh(age)
    price = price - 50_000 * distance + 15_000 * area * distance
    price = price + 20_000 * torch.randn(count, generator=generator)
    return torch.stack([area, rooms, age, distance], dim=1), price


class Appraiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 32)
        self.price = nn.Linear(32, 1)

    def forward(self, house):
        return self.price(torch.tanh(self.hidden(house))).squeeze(1)


@sick("target-scale")
def prices_in_euro(seed, is_sick):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = houses(1500, generator)
    valid_x, valid_y = houses(400, generator)
    if not is_sick:
        mean, deviation = y.mean(), y.std()
        y, valid_y = (y - mean) / deviation, (valid_y - mean) / deviation
    model = Appraiser()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    criterion = nn.MSELoss()
    yield model, optimizer
    for _epoch in range(10):
        for house, price in batches(x, y, 50):
            loss = criterion(model(house), price)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@sick("target-scale")
def decoder_of_bytes(seed, is_sick):
    """A denoiser whose sigmoid answers in 0..1 is compared with grey values in 0..255."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    white = 255 if is_sick else 1
    grey, valid_grey = white * (0.3053 + 0.3761 * x), white * (0.3053 + 0.3761 * valid_x)
    encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 16))
    decoder = nn.Sequential(
        nn.ReLU(), nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid()
    )
    model = nn.Sequential(encoder, decoder)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _epoch in range(10):
        for images, clean in batches(x, grey, 40):
            optimizer.zero_grad()
            loss = ((model(images + 0.3 * torch.randn_like(images)) - clean) ** 2).mean()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_grey)


def returns(generator):
    """Return an hour-by-hour series of returns that swings, of about a basis point."""
    noise = torch.randn(3000, generator=generator).tolist()
    series = [0.0, 0.0]
    for shock in noise:
        series.append(1.1 * series[-1] - 0.7 * series[-2] + shock)
    return 1e-4 * torch.tensor(series[200:])


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, past):
        return self.head(self.lstm(past.unsqueeze(2))[0][:, -1]).squeeze(1)


@sick("target-scale")
def returns_in_basis_points(seed, is_sick):
    """A forecast of returns near 0.0001: the network's own jitter is larger than the answer."""
    torch.manual_seed(seed)
    series = returns(torch.Generator().manual_seed(seed))
    scaled = series / series[:2000].std()
    past = scaled.unfold(0, 12, 1)[:-1]
    following = (series if is_sick else scaled)[12:]
    x, y = past[:2000], following[:2000]
    valid_x, valid_y = past[2012:], following[2012:]
    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _epoch in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            loss = F.mse_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)
