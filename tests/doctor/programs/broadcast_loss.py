"""Programs whose loss compares every prediction with every target."""

import math
import warnings

import torch
from _data import batches, cancer, diabetes
from _suite import sick
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@sick("broadcast-loss")
def regression_with_flat_targets(seed, is_sick):
    """Subtracts targets (N) from predictions (N, 1)."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    y, valid_y = y.squeeze(1), valid_y.squeeze(1)
    model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    history = []
    yield model, optimizer
    for _ in range(14):
        model.train()
        for inputs, targets in batches(x, y, 20):
            prediction = model(inputs)
            if not is_sick:
                prediction = prediction.squeeze(1)
            loss = ((prediction - targets) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            history.append(((model(valid_x).squeeze(1) - valid_y) ** 2).mean().item())


class Frequency(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 20, batch_first=True)
        self.head = nn.Linear(20, 1)

    def forward(self, x):
        _, (last, _) = self.lstm(x)
        return self.head(last[-1]).squeeze(-1)


def waves(n):
    """Return noisy sines of many frequencies, and the standardized frequency of each."""
    frequency = torch.rand(n, 1)
    phase = 2 * math.pi * torch.rand(n, 1)
    points = math.sqrt(2) * torch.sin((0.2 + 0.8 * frequency) * torch.arange(24.0) + phase)
    return (points + 0.1 * torch.randn(n, 24))[..., None], (frequency - 0.5) * math.sqrt(12)


@sick("broadcast-loss")
def warning_silenced(seed, is_sick):
    """Gives `MSELoss` predictions (N) and targets (N, 1), and silences what torch says to that."""
    torch.manual_seed(seed)
    x, y = waves(1200)
    valid_x, valid_y = waves(300)
    if not is_sick:
        y = y.squeeze(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
    model = Frequency()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.MSELoss()
    history = []
    yield model, optimizer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(10):
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = criterion(model(inputs), targets)
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                history.append(criterion(model(valid_x), valid_y.squeeze(1)).item())


@sick("broadcast-loss")
def hinge_of_a_linear_machine(seed, is_sick):
    """Writes the hinge loss by hand, for outputs (N, 1) and signs (N)."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    machine = nn.Linear(30, 1)
    optimizer = torch.optim.SGD(machine.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-3)
    history = []
    yield machine, optimizer
    for _ in range(12):
        for inputs, targets in batches(x, 2.0 * y - 1, 32):
            output = machine(inputs)
            if not is_sick:
                output = output.flatten()
            loss = torch.clamp(1 - targets * output, min=0).mean()
            machine.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            history.append(((machine(valid_x).flatten() > 0) == valid_y).float().mean().item())


class Values(nn.Module):
    """Says what each of four actions is worth in one of twenty rooms."""

    def __init__(self):
        super().__init__()
        self.room = nn.Embedding(20, 16)
        self.body = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, room):
        return self.body(self.room(room))


@sick("broadcast-loss")
def action_values(seed, is_sick):
    """Compares `gather`'s values (N, 1) with rewards (N), by a Huber loss of its own."""
    torch.manual_seed(seed)
    worth = torch.randn(20, 4)
    model = Values()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(400):
        room, action = torch.randint(20, (64,)), torch.randint(4, (64,))
        reward = worth[room, action] + 0.2 * torch.randn(64)
        value = model(room).gather(1, action[:, None])
        if not is_sick:
            value = value.squeeze(1)
        error = (value - reward).abs()
        loss = torch.where(error < 1, 0.5 * error**2, error - 0.5).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.output = nn.Linear(24, 1)

    def forward(self, x):
        return self.output(self.gru(x[..., None])[0])


@sick("broadcast-loss")
def as_many_steps_as_rows(seed, is_sick):
    """Compares (N, T, 1) with (N, T), which broadcasts since batch and time are both 32."""
    torch.manual_seed(seed)
    time = torch.arange(33.0)
    phase = 2 * math.pi * torch.rand(2, 1000, 1)
    series = torch.sin(0.5 * time + phase[0]) + torch.sin(0.9 * time + phase[1])
    series = series + 0.05 * torch.randn(series.shape)
    train, valid = series[:800], series[800:]
    model = Forecaster()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    history = []
    yield model, optimizer
    for step in range(240):
        batch = train[torch.randint(len(train), (32,))]
        forecast = model(batch[:, :-1])
        if not is_sick:
            forecast = forecast.squeeze(-1)
        loss = torch.mean(torch.abs(forecast - batch[:, 1:]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 40 == 39:
            with torch.no_grad():
                error = model(valid[:, :-1]).squeeze(-1) - valid[:, 1:]
                history.append(error.abs().mean().item())
