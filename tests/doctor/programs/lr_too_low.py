"""Programs whose steps are too short to get anywhere."""

import torch
from _data import batches, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("lr-too-low")
def mlp_on_digits(seed, is_sick):
    """A usual rate for Adam, given to plain SGD."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=3e-4 if is_sick else 0.1)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for images, labels in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class SmallNetwork(nn.Module):
    """Two convolutions and a linear head."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 5, stride=2, padding=2)
        self.second = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.head = nn.Linear(16 * 49, 10)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.relu(self.second(x))
        return self.head(x.flatten(1))


@sick("lr-too-low")
def schedule_multiplied_twice(seed, is_sick):
    """LambdaLR multiplies what the function returns with the rate; here it returns the rate."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = glyphs()
    loader = DataLoader(TensorDataset(*train), batch_size=25, shuffle=True)
    model = SmallNetwork()
    base, warmup = 2e-3, 20
    optimizer = torch.optim.Adam(model.parameters(), lr=base)

    def rate(step):
        warm = min(1.0, (step + 1) / warmup)
        return base * warm if is_sick else warm

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(5):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class NextLetter(nn.Module):
    """A GRU over letters."""

    def __init__(self, letters):
        super().__init__()
        self.letter = nn.Embedding(letters, 24)
        self.memory = nn.GRU(24, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, tokens):
        states, _ = self.memory(self.letter(tokens))
        return self.head(states)


@sick("lr-too-low")
def gru_on_text(seed, is_sick):
    """Warm-up meant for a run of a hundred thousand steps, in one of three hundred."""
    torch.manual_seed(seed)
    tokens, letters = text()
    train, valid = tokens[:-20_000], tokens[-20_000:]
    model = NextLetter(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
    warmup_steps = 100_000 if is_sick else 30
    yield model, optimizer
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * min(1.0, (step + 1) / warmup_steps)
        starts = torch.randint(0, len(train) - 26, (16, 1))
        window = train[starts + torch.arange(26)]
        logits = model(window[:, :-1])
        loss = F.cross_entropy(logits.transpose(1, 2), window[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 60 == 59:
            model.eval()
            with torch.no_grad():
                window = valid[: 26 * 100].view(100, 26)
                F.cross_entropy(model(window[:, :-1]).transpose(1, 2), window[:, 1:])
            model.train()


@sick("lr-too-low")
def autoencoder_in_groups(seed, is_sick):
    """Two zeros too many in the rate for both parameter groups."""
    torch.manual_seed(seed)
    (x, _), _ = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh())
    decoder = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 64))
    learning_rate = 1e-5 if is_sick else 1e-3
    optimizer = torch.optim.RMSprop(
        [
            {"params": encoder.parameters(), "lr": learning_rate},
            {"params": decoder.parameters(), "lr": 2 * learning_rate},
        ]
    )
    yield [encoder, decoder], optimizer
    for _ in range(500):
        images = x[torch.randint(len(x), (50,))]
        reconstruction = decoder(encoder(images))
        loss = torch.mean((reconstruction - images) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 48, batch_first=True, bidirectional=True)
        self.head = nn.Linear(96, 10)

    def forward(self, images):
        return self.head(self.gru(images.view(-1, 8, 8))[0].mean(1))


@sick("lr-too-low")
def rate_of_fine_tuning_from_scratch(seed, is_sick):
    """2e-5 is for a pretrained network; warm-up and linear decay make it less."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = Rows()
    epochs, loader = 6, DataLoader(TensorDataset(x, y), 32, shuffle=True)
    total = epochs * len(loader)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5 if is_sick else 5e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / 20) * max(0, (total - step) / total)
    )
    yield model, optimizer
    for _epoch in range(epochs):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
