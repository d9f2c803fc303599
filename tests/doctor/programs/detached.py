"""Programs in which a part of the network is cut off from the loss."""

import math

import torch
from _data import batches, diabetes, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class DigitNet(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten()
        )
        self.bottleneck = nn.Linear(8 * 4 * 4, 12)
        self.classifier = nn.Sequential(nn.ReLU(), nn.Linear(12, 10))

    def forward(self, x):
        features = self.bottleneck(self.encoder(x))
        if self.is_sick:
            features = features.detach()
        return self.classifier(features)


@sick("detached")
def cnn_with_a_detach(seed, is_sick):
    """Has a `.detach()` left over from a time when the encoder was frozen."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = DigitNet(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = []
    yield model, optimizer
    for _ in range(7):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


class WaveNet(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.gru = nn.GRU(1, 8, batch_first=True)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        states, _ = self.gru(x)
        if self.is_sick:
            last = torch.from_numpy(states.detach().numpy()[:, -4:].mean(axis=1))
        else:
            last = states[:, -4:].mean(dim=1)
        return self.head(last)


def waves(n):
    """Return noisy sines of many frequencies, and the standardized frequency of each."""
    frequency = torch.rand(n, 1)
    phase = 2 * math.pi * torch.rand(n, 1)
    time = torch.arange(24.0)
    points = math.sqrt(2) * torch.sin((0.2 + 0.8 * frequency) * time + phase)
    return (points + 0.1 * torch.randn(n, 24))[..., None], (frequency - 0.5) * math.sqrt(12)


@sick("detached")
def gru_through_numpy(seed, is_sick):
    """Averages the last states in numpy."""
    torch.manual_seed(seed)
    x, y = waves(1200)
    valid_x, valid_y = waves(300)
    loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
    model = WaveNet(is_sick)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
    criterion = nn.MSELoss()
    history = []
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            history.append(criterion(model(valid_x), valid_y).item())


@sick("detached")
def codes_by_argmax(seed, is_sick):
    """Chooses one of sixteen codes by argmax, which has no gradient, where softmax was meant."""
    torch.manual_seed(seed)
    (x, y), _ = digits(seed)
    router = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16))
    head = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10))
    model = nn.ModuleDict({"router": router, "head": head})
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, y, 32):
            scores = model["router"](inputs)
            code = F.one_hot(scores.argmax(dim=1), 16).float() if is_sick else scores.softmax(dim=1)
            loss = F.cross_entropy(model["head"](code), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@sick("detached")
def loss_made_anew(seed, is_sick):
    """Silences "does not require grad" with a new tensor that does."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Sequential(nn.Linear(10, 12), nn.ReLU(), nn.Linear(12, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    history = []
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, y, 17):
            optimizer.zero_grad()
            loss = (model(inputs) - targets).square().mean()
            if is_sick:
                loss = torch.tensor(loss.item(), requires_grad=True)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            history.append(F.mse_loss(model(valid_x), valid_y).item())


class Window(nn.Module):
    """Guesses the next letter from the eight before."""

    def __init__(self, letters, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.embedding = nn.Embedding(letters, 6)
        self.mixer = nn.Sequential(nn.Linear(48, 64), nn.LayerNorm(64), nn.GELU())
        self.head = nn.Linear(64, letters)

    def forward(self, x):
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_sick):
            vectors = self.embedding(x)
        return self.head(self.mixer(vectors.flatten(1)))


@sick("detached")
def embedding_under_no_grad(seed, is_sick):
    """Looks the embeddings up without gradient, as one does with pretrained ones."""
    torch.manual_seed(seed)
    numbers, letters = text()
    rows = numbers.unfold(0, 9, 1)
    train, valid = rows[:150_000], rows[150_100:160_000]
    model = Window(len(letters), is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    history = []
    yield model, optimizer
    for step in range(500):
        batch = train[torch.randint(len(train), (128,))]
        loss = F.cross_entropy(model(batch[:, :-1]), batch[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            with torch.no_grad():
                history.append(F.cross_entropy(model(valid[:, :-1]), valid[:, -1]).item())
