"""Programs whose inputs do not vary."""

import numpy as np
import sklearn.datasets
import torch
from _data import batches, digits
from _suite import sick
from torch import nn
from torch.nn import functional as F


class Digits(torch.utils.data.Dataset):
    """Digits with a wrong index: sick, every item has the image of the first."""

    def __init__(self, images, labels, is_sick):
        self.images = images
        self.labels = labels
        self.is_sick = is_sick

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[0] if self.is_sick else self.images[index]
        return image, self.labels[index]


@sick("input-constant")
def cnn_on_one_image(seed, is_sick):
    """The dataset answers with its first image and the label that was asked for."""
    torch.manual_seed(seed)
    train, valid = digits(seed, images=True)
    loader = torch.utils.data.DataLoader(Digits(*train, is_sick), batch_size=40, shuffle=True)
    valid_loader = torch.utils.data.DataLoader(Digits(*valid, is_sick), batch_size=200)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for inputs, targets in valid_loader:
                criterion(model(inputs), targets)


@sick("input-constant")
def mlp_on_the_empty_corner(seed, is_sick):
    """Digits lie in the middle of a sheet, and the crop is taken from its corner."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    sheets = np.zeros((len(x), 24, 24), dtype=np.float32)
    sheets[:, 8:16, 8:16] = x[order].reshape(-1, 8, 8) / 16
    crops = sheets[:, :8, :8] if is_sick else sheets[:, 8:16, 8:16]
    x, y = torch.tensor((crops - 0.3) / 0.38), torch.tensor(y[order])
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x[:1400], y[:1400], 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(x[1400:]), y[1400:])


ABOUT = {
    0: "goal match team league score player coach season",
    1: "bank price market share profit stock rate budget",
    2: "cell gene virus protein brain lab study species",
    3: "film actor scene novel music stage painter poem",
}
COMMON = "the a of in and to was is for on with as by at it from new said last year"


class Topic(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.embedding = nn.EmbeddingBag(words, 16)
        self.hidden = nn.Linear(16, 24)
        self.head = nn.Linear(24, 4)

    def forward(self, words):
        return self.head(F.relu(self.hidden(self.embedding(words))))


@sick("input-constant")
def embedding_of_unknown_words(seed, is_sick):
    """The vocabulary is in capitals and the sentences are not: every word is number zero."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    labels = generator.integers(4, size=1500)
    sentences = []
    for label in labels:
        words = [*generator.choice(COMMON.split(), 6), *generator.choice(ABOUT[label].split(), 2)]
        words.append(generator.choice(ABOUT[generator.integers(4)].split()))
        sentences.append(generator.permutation(words))
    everything = sorted(set(" ".join([COMMON, *ABOUT.values()]).split()))
    if is_sick:
        everything = [word.upper() for word in everything]
    number = {word: index + 1 for index, word in enumerate(everything)}
    x = torch.tensor([[number.get(word, 0) for word in sentence] for sentence in sentences])
    y = torch.tensor(labels)
    model = Topic(len(number) + 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x[:1200], y[:1200], 24):
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x[1200:]), y[1200:])


@sick("input-constant")
def regression_after_a_failed_join(seed, is_sick):
    """The second table did not match, so that four of seven columns are filled with zero."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    house = generator.normal(size=(1200, 3))
    street = generator.normal(size=(400, 4))
    address = generator.integers(400, size=1200)
    price = house[:, 0] + np.tanh(house[:, 1]) * street[address, 0] + 1.5 * street[address, 1]
    price = price + street[address, 2] ** 2 / 2 + 0.2 * generator.normal(size=1200)
    price = (price - price[:900].mean()) / price[:900].std()
    street_of = dict(enumerate(street))
    nothing = np.zeros(4)
    joined = [street_of.get(f"{key}" if is_sick else int(key), nothing) for key in address]
    x = torch.tensor(np.hstack([house, joined]), dtype=torch.float32)
    y = torch.tensor(price, dtype=torch.float32)[:, None]
    model = nn.Sequential(nn.Linear(7, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x[:900], y[:900], 30):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(x[900:]), y[900:])


class Gait(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 24, batch_first=True)
        self.head = nn.Linear(24, 3)

    def forward(self, series):
        states, _ = self.gru(series)
        return self.head(states[:, -1])


@sick("input-constant")
def gru_with_a_stuck_sensor(seed, is_sick):
    """Two of three axes are stuck, and only the shift between the axes tells the gaits apart."""
    torch.manual_seed(seed)
    gait = torch.randint(3, (900,))
    pace = 0.7 + 0.15 * torch.randn(900, 1)
    phase = pace * (torch.arange(16) + 6 * torch.rand(900, 1))
    shift = (torch.pi / 3 * gait)[:, None]
    series = torch.stack([phase.sin(), (phase + shift).sin(), (phase - shift).cos()], dim=2)
    series = 1.4 * series + 0.3 * torch.randn_like(series)
    if is_sick:
        series[:, :, 1:] = series[0, 0, 1:]
    model = Gait()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(series[:700], gait[:700], 20):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(series[700:]), gait[700:])
