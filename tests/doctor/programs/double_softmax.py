"""Programs that give probabilities to a loss that expects logits."""

import torch
from _data import batches, cancer, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("double-softmax")
def cnn_with_a_softmax_layer(seed, is_sick):
    """Ends the network in a softmax, and cross-entropy takes another."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    layers = [
        nn.Conv2d(1, 12, 3),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(192, 10),
    ]
    if is_sick:
        layers.append(nn.Softmax(dim=1))
    model = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    history = []
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            outputs = model(valid_x)
            accuracy = (outputs.argmax(1) == valid_y).float().mean()
            history.append((criterion(outputs, valid_y).item(), accuracy.item()))


class Detector(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.hidden = nn.Linear(30, 16)
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        x = self.head(torch.relu(self.hidden(x))).squeeze(1)
        return torch.sigmoid(x) if self.is_sick else x


@sick("double-softmax")
def two_sigmoids(seed, is_sick):
    """Returns a sigmoid to `BCEWithLogitsLoss`, so that no guess can be surer than 0.73."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    loader = DataLoader(TensorDataset(x, y.float()), batch_size=43, shuffle=True)
    model = Detector(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss_function = nn.BCEWithLogitsLoss()
    history = []
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss_function(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            outputs = model(valid_x)
            accuracy = ((outputs > (0.5 if is_sick else 0)) == valid_y).float().mean()
            history.append((loss_function(outputs, valid_y.float()).item(), accuracy.item()))


class Speller(nn.Module):
    def __init__(self, letters, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.embedding = nn.Embedding(letters, 24)
        self.gru = nn.GRU(24, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, x):
        logits = self.head(self.gru(self.embedding(x))[0])
        return F.softmax(logits, dim=-1) if self.is_sick else logits


@sick("double-softmax")
def gru_that_returns_chances(seed, is_sick):
    """Returns a softmax over the letters, ready for sampling, and trains on it."""
    torch.manual_seed(seed)
    numbers, letters = text()
    rows = numbers[: 33 * 3000].view(-1, 33)
    train, valid = rows[:2400], rows[2500:]
    model = Speller(len(letters), is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    history = []
    yield model, optimizer
    for step in range(200):
        batch = train[torch.randint(len(train), (32,))]
        outputs = model(batch[:, :-1])
        loss = F.cross_entropy(outputs.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                right = model(valid[:, :-1]).argmax(-1) == valid[:, 1:]
                history.append(right.float().mean().item())


def label_smoothing_loss(logits, targets, smoothing=0.05):
    """Return the cross-entropy with smoothed targets."""
    classes = logits.shape[1]
    goal = F.one_hot(targets, classes) * (1 - smoothing) + smoothing / classes
    return -(goal * F.log_softmax(logits, dim=1)).sum(dim=1).mean()


@sick("double-softmax")
def own_loss_of_probabilities(seed, is_sick):
    """Gives probabilities to a loss of its own, which takes their log-softmax."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(196, 48), nn.LayerNorm(48), nn.GELU()
    )
    model.append(nn.Linear(48, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = []
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            outputs = model(inputs)
            if is_sick:
                outputs = outputs.softmax(dim=1)
            loss = label_smoothing_loss(outputs, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


@sick("double-softmax")
def many_labels(seed, is_sick):
    """Trains a tagger with several labels a row on `multilabel_soft_margin_loss` of sigmoids."""
    torch.manual_seed(seed)
    rule = torch.randn(12, 6)
    x = torch.randn(1800, 12)
    y = (x @ rule + 0.5 * torch.randn(1800, 6) > 1).float()
    x, valid_x, y, valid_y = x[:1400], x[1400:], y[:1400], y[1400:]
    model = nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 6))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    history = []
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 35):
            outputs = model(inputs)
            if is_sick:
                outputs = outputs.sigmoid()
            optimizer.zero_grad()
            F.multilabel_soft_margin_loss(outputs, targets).backward()
            optimizer.step()
        with torch.no_grad():
            outputs = model(valid_x)
            wrong = ((outputs > 0) != valid_y).float().mean()
            history.append((F.multilabel_soft_margin_loss(outputs, valid_y).item(), wrong.item()))
