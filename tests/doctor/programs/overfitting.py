"""Programs that learn their training data by heart."""

import torch
from _data import batches, diabetes, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("overfitting")
def large_mlp_on_diabetes(seed, is_sick):
    """Twenty thousand weights for 340 patients, and nobody stops in time."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Sequential(
        nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-4)
    yield model, optimizer
    for _ in range(45 if is_sick else 6):
        model.train()
        for inputs, targets in batches(x, y, 17):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)


@sick("overfitting")
def few_glyphs(seed, is_sick):
    """Hundred images, again and again; the twin has them all."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    examples = 100 if is_sick else 1000
    chosen = torch.randperm(1000)[:examples]
    loader = DataLoader(TensorDataset(x[chosen], y[chosen]), batch_size=25, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * 49, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(200 // len(loader)):
        model.train()
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class NextLetter(nn.Module):
    """An LSTM over letters."""

    def __init__(self, letters):
        super().__init__()
        self.letter = nn.Embedding(letters, 32)
        self.memory = nn.LSTM(32, 96, batch_first=True)
        self.head = nn.Linear(96, letters)

    def forward(self, tokens):
        return self.head(self.memory(self.letter(tokens))[0])


@sick("overfitting")
def one_page_by_heart(seed, is_sick):
    """Five thousand letters, read forty times; the twin reads more and less often."""
    torch.manual_seed(seed)
    tokens, letters = text()
    windows = tokens.view(-1, 25)[torch.randperm(8000)]
    train, valid = windows[: 200 if is_sick else 5000], windows[7800:]
    model = NextLetter(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.01)
    yield model, optimizer
    for step in range(320):
        model.train()
        window = train[torch.randint(len(train), (20,))]
        loss = F.cross_entropy(model(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 19:
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(valid[:, :-1]).flatten(0, 1), valid[:, 1:].flatten())
