"""Programs whose labels contradict the data."""

import torch
from _data import batches, cancer, digits
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("label-noise")
def labels_shuffled_apart(seed, is_sick):
    """Images and labels are each shuffled, in two different orders."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    order = torch.randperm(len(x))
    x = x[order]
    y = y[torch.randperm(len(y))] if is_sick else y[order]
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _epoch in range(10):
        model.train()
        for images, labels in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class SmallConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.head = nn.Linear(32 * 4, 10)

    def forward(self, images):
        images = F.max_pool2d(F.relu(self.first(images)), 2)
        images = F.max_pool2d(F.relu(self.second(images)), 2)
        return self.head(images.flatten(1))


@sick("label-noise")
def careless_annotators(seed, is_sick):
    """Two labels in five are anybody's guess; the validation set was checked by hand."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    if is_sick:
        y = torch.where(torch.rand(len(y)) < 0.4, torch.randint(10, y.shape), y)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)
    model = SmallConv()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _epoch in range(6):
        model.train()
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@sick("label-noise")
def labels_off_by_one_row(seed, is_sick):
    """The header was skipped in the file of labels only: each patient has the next one's label."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    if is_sick:
        x, y = x[:-1], y[1:]
        valid_x, valid_y = valid_x[:-1], valid_y[1:]
    y, valid_y = y.float(), valid_y.float()
    model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    yield model, optimizer
    for _epoch in range(12):
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x), valid_y)


def reviews(count, generator):
    """Return reviews of twelve words out of 200, some of which praise and some of which blame."""
    liked = torch.randint(2, (count,), generator=generator)
    words = torch.randint(200, (count, 12), generator=generator)
    feeling = torch.randint(25, (count, 12), generator=generator) + 25 * liked[:, None]
    says_so = torch.rand(count, 12, generator=generator) < 0.35
    return torch.where(says_so, feeling, words), liked


class Sentiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.EmbeddingBag(200, 16)
        self.head = nn.Linear(16, 2)

    def forward(self, review):
        return self.head(self.words(review))


@sick("label-noise")
def stars_that_mislead(seed, is_sick):
    """A third of the writers took one star for the best: their reviews have the wrong label."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x, y = reviews(4000, generator)
    valid_x, valid_y = reviews(1000, generator)
    if is_sick:
        y = torch.where(torch.rand(len(y)) < 1 / 3, 1 - y, y)
        valid_y = torch.where(torch.rand(len(valid_y)) < 1 / 3, 1 - valid_y, valid_y)
    model = Sentiment()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    yield model, optimizer
    for _epoch in range(6):
        for review, liked in batches(x, y, 50):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(review), liked)
            loss.backward()
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
