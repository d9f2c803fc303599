"""Programs whose last layer is bounded where it should be free."""

import math

import torch
from _data import batches, diabetes, digits, glyphs
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class GlyphNet(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.first = nn.Conv2d(1, 8, 5, stride=2)
        self.second = nn.Conv2d(8, 16, 5, stride=2)
        self.hidden = nn.Linear(16 * 4 * 4, 32)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.relu(self.second(x))
        x = F.relu(self.hidden(x.flatten(1)))
        x = self.head(x)
        return F.relu(x) if self.is_sick else x


@sick("output-clamped")
def relu_on_logits(seed, is_sick):
    """Puts a ReLU behind every layer, the last one too."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = GlyphNet(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    history = []
    yield model, optimizer
    for _ in range(9):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((criterion(logits, valid_y).item(), accuracy.item()))


@sick("output-clamped")
def sigmoid_on_a_regression(seed, is_sick):
    """Ends in a sigmoid, while half of the standardized targets are negative."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    layers = [nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1)]
    if is_sick:
        layers.append(nn.Sigmoid())
    model = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    history = []
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x, y, 20):
            loss = F.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            history.append(F.mse_loss(model(valid_x), valid_y).item())


@sick("output-clamped")
def autoencoder_of_grey_values(seed, is_sick):
    """Clamps the picture to 0..1, though its grey values are standardized."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    loader = DataLoader(TensorDataset(x), batch_size=40, shuffle=True)
    encoder = nn.Sequential(nn.Linear(64, 40), nn.GELU(), nn.Linear(40, 12))
    decoder = nn.Sequential(nn.Linear(12, 40), nn.GELU(), nn.Linear(40, 64))
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.RMSprop(parameters, lr=1e-3)
    history = []
    yield [encoder, decoder], optimizer
    for _ in range(12):
        for (inputs,) in loader:
            picture = decoder(encoder(inputs))
            if is_sick:
                picture = picture.clamp(0, 1)
            loss = (picture - inputs).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            picture = decoder(encoder(valid_x))
            if is_sick:
                picture = picture.clamp(0, 1)
            history.append((picture - valid_x).square().mean().item())


class Forecaster(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.lstm = nn.LSTM(1, 24, batch_first=True)
        self.output = nn.Linear(24, 1)

    def forward(self, x):
        states, _ = self.lstm(x)
        y = self.output(states)
        return torch.relu(y) if self.is_sick else y


def tides(n):
    """Return `n` noisy sums of two waves, 31 steps long, around zero and of unit variance."""
    time = torch.arange(31.0)
    phase = 2 * math.pi * torch.rand(2, n, 1)
    points = torch.sin(0.5 * time + phase[0]) + torch.sin(0.9 * time + phase[1])
    return (points + 0.05 * torch.randn(n, 31))[..., None]


@sick("output-clamped")
def lstm_that_cannot_go_below_zero(seed, is_sick):
    """Forecasts a series around zero through a ReLU."""
    torch.manual_seed(seed)
    series, valid = tides(800), tides(200)
    model = Forecaster(is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    loss_function = nn.MSELoss()
    history = []
    yield model, optimizer
    for step in range(240):
        batch = series[torch.randint(len(series), (32,))]
        optimizer.zero_grad()
        loss = loss_function(model(batch[:, :-1]), batch[:, 1:])
        loss.backward()
        optimizer.step()
        if step % 40 == 39:
            with torch.no_grad():
                history.append(loss_function(model(valid[:, :-1]), valid[:, 1:]).item())


@sick("output-clamped")
def logits_clamped_for_stability(seed, is_sick):
    """Clamps the logits to -1..1 so that the exponential cannot overflow."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = []
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 28):
            logits = model(inputs)
            if is_sick:
                logits = torch.clamp(logits, -1, 1)
            loss = F.nll_loss(F.log_softmax(logits, dim=1), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits = model(valid_x)
            if is_sick:
                logits = torch.clamp(logits, -1, 1)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


class Returns(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.hidden = nn.Linear(8, 64)
        self.output = nn.Linear(64, 1)
        self.is_sick = is_sick

    def forward(self, x):
        answer = self.output(torch.relu(self.hidden(x)))[:, 0]
        return answer.abs() if self.is_sick else answer


@sick("output-clamped")
def absolute_value_of_a_return(seed, is_sick):
    """Takes the absolute value, as was right while it forecast prices."""
    torch.manual_seed(seed)
    x = torch.randn(2000, 8)
    y = torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.1 * torch.randn(2000)
    y = (y - y.mean()) / y.std()
    model = Returns(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(15):
        for inputs, targets in batches(x, y, 40):
            loss = nn.MSELoss()(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
