"""Programs whose steps are too long."""

import torch
from _data import batches, diabetes, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("lr-too-high")
def cnn_on_digits(seed, is_sick):
    """The rate of a recipe for plain SGD, given to Adam."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 16, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1 if is_sick else 0.001)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for images, labels in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("lr-too-high")
def momentum_on_diabetes(seed, is_sick):
    """Momentum 0.95 added without lowering the rate, which multiplies the steps by twenty."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = diabetes(seed)
    loader = DataLoader(TensorDataset(*train), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
    criterion = nn.MSELoss()
    learning_rate = 0.05 if is_sick else 0.0025
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.95)
    yield model, optimizer
    for _ in range(20):
        model.train()
        for inputs, targets in loader:
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class CharacterModel(nn.Module):
    """A transformer of two layers that predicts the next letter."""

    def __init__(self, letters, width=32, longest=32):
        super().__init__()
        self.letter = nn.Embedding(letters, width)
        self.position = nn.Embedding(longest, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters)

    def forward(self, tokens):
        time = tokens.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(time)
        x = self.letter(tokens) + self.position(torch.arange(time))
        return self.head(self.norm(self.layers(x, mask=mask, is_causal=True)))


@sick("lr-too-high")
def transformer_on_text(seed, is_sick):
    """A zero lost in the exponent."""
    torch.manual_seed(seed)
    tokens, letters = text()
    train, valid = tokens[:180_000], tokens[180_000:]
    model = CharacterModel(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-1 if is_sick else 3e-3)
    yield model, optimizer

    def loss_on(part):
        starts = torch.randint(0, len(part) - 33, (16,))
        window = torch.stack([part[start : start + 33] for start in starts])
        return F.cross_entropy(model(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())

    for step in range(1, 251):
        loss = loss_on(train)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                sum(loss_on(valid) for _ in range(4))
            model.train()


@sick("lr-too-high")
def autoencoder_scaled_by_batch(seed, is_sick):
    """The rate scaled by the batch size itself, not by its ratio to the recipe's batch size."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    batch_size = 64
    ratio = batch_size if is_sick else batch_size / 8
    model = nn.Sequential(
        nn.Linear(64, 32), nn.LeakyReLU(), nn.Linear(32, 12), nn.LeakyReLU(), nn.Linear(12, 64)
    )
    optimizer = torch.optim.NAdam(model.parameters(), lr=0.001 * ratio)
    yield model, optimizer
    for _ in range(15):
        model.train()
        order = torch.randperm(len(x))
        for start in range(0, len(x), batch_size):
            images = x[order[start : start + batch_size]]
            optimizer.zero_grad()
            loss = ((model(images) - images) ** 2).mean()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_x)


class Patches(nn.Module):
    """A small vision transformer."""

    def __init__(self, width=48):
        super().__init__()
        self.patch = nn.Conv2d(1, width, 2, stride=2)
        self.answer = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, 17, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 96, 0.0, "gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3)
        self.head = nn.Linear(width, 10)

    def forward(self, images):
        tokens = self.patch(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.answer.expand(len(tokens), -1, -1), tokens], 1) + self.places
        return self.head(self.encoder(tokens)[:, 0])


@sick("lr-too-high")
def vision_transformer(seed, is_sick):
    """The first steps throw it out of where it could learn; then no gradient is left."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = Patches()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2 if is_sick else 1e-3)
    yield model, optimizer
    for _epoch in range(5):
        model.train()
        for inputs, targets in batches(x, y, 35):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
