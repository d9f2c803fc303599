"""Healthy trainings that look sick at first sight."""

import sklearn.datasets
import torch
from _data import batches, digits, glyphs
from _suite import healthy
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


@healthy
def queue_of_keys_that_fills(seed):
    """The first keys are random and easy to tell apart: the loss rises before it falls."""
    torch.manual_seed(seed)
    (x, _), _ = digits(seed)
    query, key = (
        nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32))
        for _ in range(2)
    )
    key.load_state_dict(query.state_dict())
    key.requires_grad_(False)
    optimizer = torch.optim.SGD(query.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    queue, place = F.normalize(torch.randn(512, 32), dim=1), 0

    def view(images):
        return images + 0.3 * torch.randn_like(images) * (torch.rand_like(images) > 0.3)

    yield query, optimizer
    for _ in range(8):
        for inputs, _ in batches(x, x, 64):
            asked = F.normalize(query(view(inputs)), dim=1)
            with torch.no_grad():
                for old, new in zip(key.parameters(), query.parameters(), strict=True):
                    old.lerp_(new, 0.01)
                keys = F.normalize(key(view(inputs)), dim=1)
            right, wrong = (asked * keys).sum(1, keepdim=True), asked @ queue.t()
            logits = torch.cat([right, wrong], dim=1) / 0.1
            loss = F.cross_entropy(logits, torch.zeros(len(inputs), dtype=torch.long))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            queue[place : place + 64] = keys
            place = (place + 64) % 512


@healthy
def line_search_in_every_step(seed):
    """A dozen backward passes for each step, all but the last of them only looked at."""
    torch.manual_seed(seed)
    x = torch.linspace(-2, 2, 120, dtype=torch.float64)[:, None]
    y = torch.sin(3 * x) * torch.exp(-(x**2) / 2) + 0.02 * torch.randn_like(x)
    model = nn.Sequential(
        nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1)
    ).double()
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=10, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        return loss

    yield model, optimizer
    for _ in range(40):
        optimizer.step(closure)


class Decoder(nn.Module):
    """From a code to a picture; the layer that lays the code out has no activation of its own."""

    def __init__(self):
        super().__init__()
        self.lay_out = nn.Linear(12, 32 * 7 * 7)
        self.picture = nn.Sequential(
            nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.LeakyReLU(),
            nn.ConvTranspose2d(16, 1, 4, 2, 1),
        )  # fmt: skip

    def forward(self, code):
        return self.picture(self.lay_out(code).view(-1, 32, 7, 7))


@healthy
def code_laid_out_for_convolutions(seed):
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = glyphs()
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 12),
    )  # fmt: skip
    model = nn.Sequential(encoder, Decoder())
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(4):
        for inputs, _ in batches(x, x, 32):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), inputs).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_x)


class Stream(IterableDataset):
    """Numbers without end, drawn anew by each worker."""

    def __iter__(self):
        worker = get_worker_info()
        draw = torch.Generator().manual_seed(worker.seed % 2**31 if worker else 0)
        for _ in range(1600):
            x = torch.randn(10, generator=draw)
            yield x, x[0] * x[1] + x[2:].abs().min()


@healthy
def small_network_with_two_workers(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(Stream(), batch_size=32, num_workers=2)
    yield model, optimizer
    for _ in range(3):
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.mse_loss(model(inputs).flatten(), targets).backward()
            optimizer.step()


@healthy
def dots_counted(seed):
    """No dot and a single dot are few pictures, which come in training and validation alike."""
    torch.manual_seed(seed)
    y = torch.randint(0, 10, (1600,))
    x = torch.zeros(1600, 1, 16, 16)
    for picture, dots in zip(x, y, strict=True):
        places = torch.randperm(64)[:dots]
        picture[0, 2 * (places // 8), 2 * (places % 8)] = 1.0
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(),
        nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.SmoothL1Loss()
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x[:1300], y[:1300].float(), 50):
            optimizer.zero_grad()
            criterion(model(inputs).squeeze(1), targets).backward()
            optimizer.step()
        with torch.no_grad():
            (model(x[1300:]).squeeze(1) - y[1300:]).abs().mean()


@healthy
def passengers_who_lived(seed):
    """Chances are all that a few coarse columns tell; three quarters of the answers are right."""
    torch.manual_seed(seed)
    sex, deck, port, kin = (torch.randint(high, (900,)) for high in (2, 3, 3, 3))
    y = torch.bernoulli(torch.sigmoid(2.2 * sex - 0.9 * deck - 0.3 * kin))
    columns = [sex[:, None], F.one_hot(deck, 3), F.one_hot(port, 3), kin[:, None]]
    x = torch.cat(columns, dim=1).float()
    x = (x - x.mean(0)) / x.std(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.BCELoss()
    yield model, optimizer
    for _ in range(15):
        for inputs, targets in batches(x[:700], y[:700], 16):
            optimizer.zero_grad()
            criterion(model(inputs).squeeze(1), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(x[700:]).squeeze(1), y[700:])


@healthy
def table_of_zeros_by_adagrad(seed):
    """An optimizer with a state before its first step, and weights that begin at zero."""
    torch.manual_seed(seed)
    points, labels = sklearn.datasets.load_iris(return_X_y=True)
    x, y = torch.tensor(points, dtype=torch.float32), torch.tensor(labels)
    x = (x - x.mean(0)) / x.std(0)
    model = nn.Linear(4, 3)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    yield model, optimizer
    for _ in range(40):
        for inputs, targets in batches(x, y, 15):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
