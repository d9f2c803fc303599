"""Programs whose loss does not fit the head or the targets."""

import torch
from _data import batches, cancer, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("wrong-loss")
def squared_error_on_class_ids(seed, is_sick):
    """Treats the ten classes as one number from 0 to 9 and rounds it."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 1 if is_sick else 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = []
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 32):
            outputs = model(inputs)
            if is_sick:
                loss = F.mse_loss(outputs.squeeze(1), targets.float())
            else:
                loss = F.cross_entropy(outputs, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            outputs = model(valid_x)
            guess = outputs.squeeze(1).round() if is_sick else outputs.argmax(dim=1)
            history.append((guess == valid_y).float().mean().item())


@sick("wrong-loss")
def cross_entropy_on_one_output(seed, is_sick):
    """Takes the softmax of a single output, which is always one: the loss is zero throughout."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    loader = DataLoader(TensorDataset(x, y[:, None].float()), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss() if is_sick else nn.BCEWithLogitsLoss()
    history = []
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            history.append(((model(valid_x)[:, 0] > 0) == valid_y).float().mean().item())


class GlyphNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(16 * 5 * 5, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


@sick("wrong-loss")
def likelihood_of_logits(seed, is_sick):
    """Gives logits to `NLLLoss`, which has no floor then: the loss falls forever."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = GlyphNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    criterion = nn.NLLLoss()
    history = []
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 32):
            outputs = model(inputs)
            if not is_sick:
                outputs = outputs.log_softmax(dim=1)
            loss = criterion(outputs, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


class RowReader(nn.Module):
    """Reads an image row by row."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 48, batch_first=True)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        _, last = self.gru(x.view(-1, 8, 8))
        return self.head(last[-1])


@sick("wrong-loss")
def likelihood_of_probabilities(seed, is_sick):
    """Gives probabilities to `nll_loss`, which expects their logarithm."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = RowReader()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    history = []
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 32):
            outputs = model(inputs)
            chances = F.softmax(outputs, dim=1) if is_sick else F.log_softmax(outputs, dim=1)
            optimizer.zero_grad()
            F.nll_loss(chances, targets).backward()
            optimizer.step()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


class Speller(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, x):
        return self.head(self.lstm(self.embedding(x))[0])


@sick("wrong-loss")
def binary_loss_on_letters(seed, is_sick):
    """Asks of each letter whether it comes next, when exactly one of them does."""
    torch.manual_seed(seed)
    numbers, letters = text()
    rows = numbers[: 33 * 3000].view(-1, 33)
    train, valid = rows[:2400], rows[2500:]
    model = Speller(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    history = []
    yield model, optimizer
    for step in range(200):
        batch = train[torch.randint(len(train), (32,))]
        logits, targets = model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten()
        if is_sick:
            one_hot = F.one_hot(targets, len(letters)).float()
            loss = F.binary_cross_entropy_with_logits(logits, one_hot)
        else:
            loss = F.cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                right = model(valid[:, :-1]).argmax(-1) == valid[:, 1:]
                history.append(right.float().mean().item())
