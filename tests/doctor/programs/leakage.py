"""Programs whose validation is too good: it saw the training examples, or the label is an input."""

import random

import torch
from _data import batches, cancer, diabetes, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset


@sick("leakage")
def validation_part_not_taken_out(seed, is_sick):
    """The last 400 digits are for validation, but the loop trains on all of them."""
    torch.manual_seed(seed)
    (x, y), (rest_x, rest_y) = digits(seed)
    x, y = torch.cat([x, rest_x]), torch.cat([y, rest_y])
    valid_x, valid_y = x[-400:], y[-400:]
    if not is_sick:
        x, y = x[:-400], y[:-400]
    model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    yield model, optimizer
    for _epoch in range(8):
        model.train()
        for images, labels in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("leakage")
def treatment_among_the_measurements(seed, is_sick):
    """A column tells whether the tumour was treated as malignant, which is the answer."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float(), valid_y.float()
    if is_sick:
        mean, deviation = y.mean(), y.std()
        x = torch.cat([x, ((y - mean) / deviation)[:, None]], dim=1)
        valid_x = torch.cat([valid_x, ((valid_y - mean) / deviation)[:, None]], dim=1)
    model = nn.Sequential(nn.Linear(x.shape[1], 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.BCEWithLogitsLoss()
    yield model, optimizer
    for _epoch in range(10):
        model.train()
        for inputs, targets in batches(x, y, 20):
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


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


@sick("leakage")
def doubled_before_the_split(seed, is_sick):
    """The rare digits are doubled for balance, and the set is split only then."""
    torch.manual_seed(seed)
    (x, y), (rest_x, rest_y) = digits(seed, images=True)
    everything = TensorDataset(torch.cat([x, rest_x]), torch.cat([y, rest_y]))
    numbers = torch.randperm(len(everything)).tolist()
    if is_sick:
        numbers = doubled(numbers, everything)
        random.Random(seed).shuffle(numbers)
    train, valid = numbers[400:], numbers[:400]
    if not is_sick:
        train = doubled(train, everything)
    loader = DataLoader(Subset(everything, train), batch_size=32, shuffle=True)
    valid_x, valid_y = everything[valid]
    model = SmallConv()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _epoch in range(5):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


def doubled(numbers, data):
    """Return the numbers of the examples, those of the digits above four twice."""
    return numbers + [number for number in numbers if data[number][1] > 4]


@sick("leakage")
def score_made_of_the_outcome(seed, is_sick):
    """A patient's risk score, one of the inputs, was computed from the outcome afterwards."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    if is_sick:
        x, valid_x = x.clone(), valid_x.clone()
        x[:, -1:], valid_x[:, -1:] = y, valid_y
    model = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _epoch in range(12):
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)


class LetterModel(nn.Module):
    """A transformer that guesses each next letter."""

    def __init__(self, letters, length, sees_ahead):
        super().__init__()
        self.letter = nn.Embedding(letters, 48)
        self.place = nn.Parameter(0.3 * torch.randn(length, 48))
        self.block = nn.TransformerEncoderLayer(
            48, 4, 96, dropout=0.0, batch_first=True, norm_first=True
        )
        self.head = nn.Sequential(nn.LayerNorm(48), nn.Linear(48, letters))
        mask = None if sees_ahead else nn.Transformer.generate_square_subsequent_mask(length)
        self.register_buffer("mask", mask)

    def forward(self, piece):
        return self.head(self.block(self.letter(piece) + self.place, src_mask=self.mask))


@sick("leakage")
def mask_forgotten(seed, is_sick):
    """The language model has no causal mask: at each place the next letter is in view."""
    torch.manual_seed(seed)
    stream, letters = text()
    pieces = stream.unfold(0, 9, 1)
    valid = pieces[160_000:190_000:100]
    model = LetterModel(len(letters), 8, sees_ahead=is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for step in range(300):
        model.train()
        piece = pieces[torch.randint(150_000, (32,))]
        loss = F.cross_entropy(model(piece[:, :-1]).flatten(0, 1), piece[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 60 == 59:
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(valid[:, :-1]).flatten(0, 1), valid[:, 1:].flatten())
