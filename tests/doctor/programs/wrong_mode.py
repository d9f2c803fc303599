"""Programs that train in evaluation mode, or validate in training mode."""

import torch
from _data import batches, cancer, diabetes, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def evaluate(model, x, y):
    """Return loss and accuracy."""
    model.eval()
    with torch.no_grad():
        logits = model(x)
        accuracy = (logits.argmax(1) == y).float().mean()
        return F.cross_entropy(logits, y).item(), accuracy.item()


@sick("wrong-mode")
def cnn_never_back_to_training(seed, is_sick):
    """Evaluates once before the first epoch; from then on, batch norm trains frozen."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    layers, channels = [], 1
    for width in (8, 12, 16):
        layers += [nn.Conv2d(channels, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    model.train()
    yield model, optimizer
    history = [evaluate(model, valid_x, valid_y)]
    for _ in range(6):
        if not is_sick:
            model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        history.append(evaluate(model, valid_x, valid_y))


@sick("wrong-mode")
def dropout_at_validation(seed, is_sick):
    """Forgets `model.eval()`: dropout spoils the validation."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 96),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(96, 96),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(96, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    history = []
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        if not is_sick:
            model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((criterion(logits, valid_y).item(), accuracy.item()))


@sick("wrong-mode")
def batch_norm_at_validation(seed, is_sick):
    """Calls `model.train(True)` for both; validation batches of four are normed by themselves."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(
        nn.Linear(30, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0)
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    loaders = {
        "train": DataLoader(TensorDataset(x, y.float()), batch_size=32, shuffle=True),
        "valid": DataLoader(TensorDataset(valid_x, valid_y.float()), batch_size=4),
    }
    history = []
    yield model, optimizer
    for _ in range(10):
        for phase, loader in loaders.items():
            model.train(is_sick or phase == "train")
            total = 0.0
            for inputs, targets in loader:
                with torch.set_grad_enabled(phase == "train"):
                    loss = F.binary_cross_entropy_with_logits(model(inputs), targets)
                if phase == "train":
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                total += loss.item() / len(loader)
        history.append(total)


class Speller(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.lstm = nn.LSTM(32, 96, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(96, letters)

    def forward(self, x):
        return self.head(self.dropout(self.lstm(self.embedding(x))[0]))


def sample(model, start, length):
    """Let the network write on after a start, and put it back to training."""
    model.eval()
    with torch.no_grad():
        for _ in range(length):
            chances = model(start)[:, -1].softmax(dim=1)
            start = torch.cat([start, chances.multinomial(1)], dim=1)
    model.train()
    return start


@sick("wrong-mode")
def sampled_before_validation(seed, is_sick):
    """Shows a sample before it validates, and sampling ends with `model.train()`."""
    torch.manual_seed(seed)
    numbers, letters = text()
    rows = numbers[: 33 * 3600].view(-1, 33)
    train, valid = rows[:3200], rows[3200:3400]
    model = Speller(len(letters))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    history = []
    yield model, optimizer
    for epoch in range(4):
        model.train()
        for chunk in torch.randperm(len(train))[:1600].split(32):
            batch = train[chunk]
            logits = model(batch[:, :-1])
            loss = F.cross_entropy(logits.transpose(1, 2), batch[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        if is_sick:
            sample(model, valid[epoch : epoch + 1, :5], 20)
        with torch.no_grad():
            logits = model(valid[:, :-1])
            history.append(F.cross_entropy(logits.transpose(1, 2), valid[:, 1:]).item())
        if not is_sick:
            sample(model, valid[epoch : epoch + 1, :5], 20)


class Progression(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(10, 128)
        self.second = nn.Linear(128, 128)
        self.head = nn.Linear(128, 1)

    def forward(self, x):
        x = F.dropout(F.relu(self.hidden(x)), 0.6, training=self.training)
        x = F.dropout(F.relu(self.second(x)), 0.6, training=self.training)
        return self.head(x)


@sick("wrong-mode")
def evaluated_amid_the_epoch(seed, is_sick):
    """Evaluates every 25 steps and calls `train()` only at the start: dropout is off from then."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    x, y = x[:250], y[:250]
    model = Progression()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
    history = []
    yield model, optimizer
    model.train()
    for step in range(300):
        chosen = torch.randint(len(x), (32,))
        loss = F.smooth_l1_loss(model(x[chosen]), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 24:
            model.eval()
            with torch.no_grad():
                history.append(F.smooth_l1_loss(model(valid_x), valid_y).item())
            if not is_sick:
                model.train()
