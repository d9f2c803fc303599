"""Programs in which decay, dropout or noise drowns out the data."""

import torch
from _data import batches, cancer, diabetes, digits, glyphs
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("over-regularized")
def decay_of_adamw_in_adam(seed, is_sick):
    """AdamW's weight decay, given to Adam, which adds it to the gradient."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = glyphs()
    loader = DataLoader(TensorDataset(*train), batch_size=25, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 49, 10),
    )
    kind = torch.optim.Adam if is_sick else torch.optim.AdamW
    optimizer = kind(model.parameters(), lr=2e-3, weight_decay=0.3)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(5):
        model.train()
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class Rows(nn.Module):
    """A transformer that reads a digit row by row."""

    def __init__(self, dropout):
        super().__init__()
        self.embed = nn.Linear(8, 32)
        self.position = nn.Parameter(torch.randn(8, 32) * 0.1)
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, dropout=dropout, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(32, 10)

    def forward(self, rows):
        x = self.layers(self.embed(rows) + self.position)
        return self.head(self.dropout(x.mean(dim=1)))


@sick("over-regularized")
def dropout_meant_as_keep(seed, is_sick):
    """The rate is the share to drop; 0.9 was meant as the share to keep."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    x, valid_x = x.view(-1, 8, 8), valid_x.view(-1, 8, 8)
    model = Rows(dropout=0.9 if is_sick else 0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(7):
        model.train()
        for rows, labels in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(rows), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("over-regularized")
def penalty_by_hand(seed, is_sick):
    """An L1 penalty summed over all weights, with no regard to how many there are."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float(), valid_y.float()
    model = nn.Sequential(nn.Linear(30, 24), nn.Tanh(), nn.Linear(24, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    factor = 0.2 if is_sick else 1e-3
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 10):
            loss = F.binary_cross_entropy_with_logits(model(inputs).squeeze(1), targets)
            for parameter in model.parameters():
                loss = loss + factor * parameter.abs().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x).squeeze(1), valid_y)


class Noisy(nn.Module):
    """Adds noise to what passes while training."""

    def __init__(self, deviation):
        super().__init__()
        self.deviation = deviation

    def forward(self, x):
        return x + self.deviation * torch.randn_like(x) if self.training else x


@sick("over-regularized")
def noise_on_every_layer(seed, is_sick):
    """Noise against overfitting, many times as strong as what it is added to."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    deviation = 5.0 if is_sick else 0.1
    model = nn.Sequential(
        Noisy(deviation),
        nn.Linear(10, 16),
        nn.Tanh(),
        Noisy(deviation),
        nn.Linear(16, 1),
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    criterion = nn.MSELoss()
    yield model, optimizer
    for _ in range(20):
        model.train()
        for inputs, targets in batches(x, y, 20):
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@sick("over-regularized")
def lasso_that_leaves_nothing(seed, is_sick):
    """All weights are gone after an epoch, and with them the penalty."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    factor = 0.05 if is_sick else 1e-5
    yield model, optimizer
    for _epoch in range(8):
        model.train()
        for inputs, targets in DataLoader(TensorDataset(x, y), 32, shuffle=True):
            size = sum(parameter.abs().sum() for parameter in model.parameters())
            loss = F.cross_entropy(model(inputs), targets) + factor * size
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("over-regularized")
def half_of_the_weights_in_each_step(seed, is_sick):
    """weight_decay=0.5 in SGD, after which no gradient comes through the small weights."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(600, 10),
    )
    decay = 0.5 if is_sick else 5e-4
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=decay)
    yield model, optimizer
    for _epoch in range(6):
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
