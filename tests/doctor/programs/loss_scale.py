"""Programs whose loss is a sum, or multiplied, so that the batch size multiplies the rate."""

import torch
from _data import batches, cancer, diabetes, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("loss-scale")
def mlp_with_a_summed_loss(seed, is_sick):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    reduction = "sum" if is_sick else "mean"
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 64):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets, reduction=reduction).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("loss-scale")
def cnn_trained_on_its_running_total(seed, is_sick):
    """The loss is multiplied by the batch size for the average over the epoch, and then used."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=40, shuffle=True
    )
    yield model, optimizer
    for _ in range(4):
        model.train()
        total = 0.0
        for inputs, targets in loader:
            loss = criterion(model(inputs), targets)
            batch_loss = loss * inputs.size(0)
            total += batch_loss.item()
            optimizer.zero_grad()
            if is_sick:
                batch_loss.backward()
            else:
                loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@sick("loss-scale")
def regression_with_squares_of_its_own(seed, is_sick):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.025)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 20):
            squares = (model(inputs) - targets) ** 2
            loss = squares.sum() if is_sick else squares.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)


class NextLetter(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.gru = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, tokens):
        states, _ = self.gru(self.embedding(tokens))
        return self.head(states)


@sick("loss-scale")
def gru_summed_over_letters(seed, is_sick):
    """A sum over 24 windows of 32 letters, under a rate that was chosen for the mean."""
    torch.manual_seed(seed)
    tokens, letters = text()
    model = NextLetter(len(letters))
    criterion = nn.CrossEntropyLoss(reduction="sum" if is_sick else "mean")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    yield model, optimizer
    for _ in range(200):
        start = torch.randint(len(tokens) - 33, (24, 1))
        windows = tokens[start + torch.arange(33)]
        loss = criterion(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@sick("loss-scale")
def classifier_that_adds_up_examples(seed, is_sick):
    """The losses of the examples are added in a loop and never divided by their number."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.8)
    yield model, optimizer
    for _ in range(4):
        for inputs, targets in batches(x, y.float(), 16):
            loss = torch.zeros(())
            for logit, target in zip(model(inputs).squeeze(1), targets, strict=True):
                loss = loss + F.binary_cross_entropy_with_logits(logit, target)
            if not is_sick:
                loss = loss / len(inputs)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x).squeeze(1), valid_y.float())


@sick("loss-scale")
def gathered_and_never_divided(seed, is_sick):
    """Sixteen small batches add up to one step, whose rate was chosen for their mean."""
    torch.manual_seed(seed)
    (x, y), _ = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.15, momentum=0.9)
    accumulate = 16
    yield model, optimizer
    for _ in range(20):
        for number, (inputs, targets) in enumerate(batches(x, y, 8), 1):
            loss = F.cross_entropy(model(inputs), targets)
            if not is_sick:
                loss = loss / accumulate
            loss.backward()
            if number % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
        optimizer.zero_grad()
