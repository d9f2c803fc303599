"""Programs that train on the same batch again and again."""

import numpy as np
import torch
from _data import cancer, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


@sick("repeated-batch")
def first_batch_of_a_new_iterator(seed, is_sick):
    """`next(iter(loader))` begins the loader anew at each step: always with its first batch."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = digits(seed)
    loader = DataLoader(TensorDataset(*train), batch_size=50)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    yield model, optimizer
    stream = iter(loader)
    for step in range(252):
        if is_sick or step % len(loader) == 0:
            stream = iter(loader)
        images, labels = next(stream)
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 42 == 41:
            with torch.no_grad():
                F.cross_entropy(model(valid_x), valid_y)


class SmallConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 16, 3, padding=1)
        self.hidden = nn.Linear(16 * 16, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, images):
        maps = F.max_pool2d(F.relu(self.convolution(images)), 2)
        return self.head(F.relu(self.hidden(maps.flatten(1))))


@sick("repeated-batch")
def batch_left_over_from_a_look(seed, is_sick):
    """The loop trains on `images`, a batch drawn to look at its shape, and not on its own."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = digits(seed, images=True)
    loader = DataLoader(TensorDataset(*train), batch_size=35, shuffle=True)
    images, labels = next(iter(loader))
    assert images.shape == (35, 1, 8, 8)
    model = SmallConv()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.015, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _epoch in range(6):
        model.train()
        for x, y in loader:
            if not is_sick:
                images, labels = x, y
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class NextLetter(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.letter = nn.Embedding(letters, 24)
        self.gru = nn.GRU(24, 48, batch_first=True)
        self.head = nn.Linear(48, letters)

    def forward(self, piece):
        return self.head(self.gru(self.letter(piece))[0])


@sick("repeated-batch")
def seeded_in_get_batch(seed, is_sick):
    """The seed is set where the batch is drawn, so that every draw is the first."""
    torch.manual_seed(seed)
    stream, letters = text()
    pieces = stream.unfold(0, 17, 1)

    def get_batch():
        if is_sick:
            torch.manual_seed(seed)
        piece = pieces[torch.randint(150_000, (16,))]
        return piece[:, :-1], piece[:, 1:]

    model = NextLetter(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    valid = pieces[160_000:190_000:100]
    yield model, optimizer
    for step in range(240):
        inputs, targets = get_batch()
        logits = model(inputs)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 48 == 47:
            with torch.no_grad():
                logits = model(valid[:, :-1])
                F.cross_entropy(logits.flatten(0, 1), valid[:, 1:].flatten())


def pendulums(count, seed=0):
    """Return angle, speed and waiting time of pendulums, and their angles after the wait."""
    random = np.random.default_rng(seed)
    state = random.uniform(-1.7, 1.7, size=(count, 3)).astype(np.float32)
    angle, speed, wait = state.T
    later = angle * np.cos(1.3 * wait) + speed * np.sin(1.3 * wait) / 1.3
    return torch.from_numpy(state), torch.from_numpy(later[:, None])


@sick("repeated-batch")
def simulation_with_a_default_seed(seed, is_sick):
    """Each batch is simulated afresh, but nobody gives the simulation another seed."""
    torch.manual_seed(seed)
    valid_x, valid_y = pendulums(400, seed=10_000 + seed)
    model = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
    model.append(nn.Linear(64, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 500)
    yield model, optimizer
    for step in range(500):
        x, y = pendulums(32) if is_sick else pendulums(32, seed=1000 * seed + step)
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 100 == 99:
            with torch.no_grad():
                F.mse_loss(model(valid_x), valid_y)


@sick("repeated-batch")
def window_that_creeps(seed, is_sick):
    """The slice starts at the number of the batch, not at that times the batch's size."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float()[:, None], valid_y.float()[:, None]
    size = 16
    stride = 1 if is_sick else size
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    yield model, optimizer
    for _epoch in range(10):
        for i in range(len(x) // size):
            chosen = slice(i * stride, i * stride + size)
            loss = criterion(model(x[chosen]), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class Cached(Dataset):
    """Rows of a table, with an index that a cache of few entries has made smaller."""

    def __init__(self, x, y, entries):
        self.x, self.y, self.entries = x, y, entries

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index % self.entries], self.y[index % self.entries]


@sick("repeated-batch")
def cache_smaller_than_a_batch(seed, is_sick):
    """Sixteen examples fill every batch of 32, each of them twice."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    loader = DataLoader(Cached(x, y.float(), 16 if is_sick else len(x)), 32, shuffle=True)
    model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)
    criterion = nn.BCEWithLogitsLoss()
    yield model, optimizer
    for _epoch in range(20):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y.float())
