"""Programs whose optimizer does not own all that should be trained."""

import copy

import torch
from _data import batches, diabetes, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class DigitNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Linear(128, classes)

    def forward(self, x):
        return self.head(self.trunk(x))


def pretrained(x, y):
    """Return a network that tells the even digits apart."""
    model = DigitNet(5)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(3):
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    return model


@sick("not-in-optimizer")
def head_replaced_after_the_optimizer(seed, is_sick):
    """Gives the pretrained network a new head when the optimizer holds the old one."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    even = y % 2 == 0
    model = pretrained(x[even], y[even] // 2)
    odd, valid_odd = y % 2 == 1, valid_y % 2 == 1
    x, y, valid_x, valid_y = x[odd], y[odd] // 2, valid_x[valid_odd], valid_y[valid_odd] // 2
    if not is_sick:
        model.head = nn.Linear(128, 5)
    optimizer = torch.optim.AdamW(
        [
            {"params": model.trunk.parameters(), "lr": 1e-4},
            {"params": model.head.parameters(), "lr": 3e-3},
        ]
    )
    if is_sick:
        model.head = nn.Linear(128, 5)
    history = []
    yield model, optimizer
    for _ in range(5):
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


class DeepNet(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.first = nn.Linear(64, 24)
        layers = [nn.Linear(24, 24) for _ in range(4)]
        self.layers = layers if is_sick else nn.ModuleList(layers)
        self.head = nn.Linear(24, 10)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.head(x)


@sick("not-in-optimizer")
def layers_in_a_list(seed, is_sick):
    """Keeps its hidden layers in a plain list, which `parameters()` does not see."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = DeepNet(is_sick)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    history = []
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in loader:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            history.append((model(valid_x).argmax(1) == valid_y).float().mean().item())


@sick("not-in-optimizer")
def encoder_left_out(seed, is_sick):
    """Trains an autoencoder of which the optimizer knows the decoder alone."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 8))
    decoder = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 64))
    parameters = list(decoder.parameters())
    if not is_sick:
        parameters += list(encoder.parameters())
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    history = []
    yield [encoder, decoder], optimizer
    for _ in range(12):
        for inputs, _ in batches(x, x, 40):
            loss = F.mse_loss(decoder(encoder(inputs)), inputs)
            encoder.zero_grad()
            decoder.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            history.append(F.mse_loss(decoder(encoder(valid_x)), valid_x).item())


class TinyTransformer(nn.Module):
    def __init__(self, letters, time, features=32):
        super().__init__()
        self.token = nn.Embedding(letters, features)
        self.position = nn.Embedding(time, features)
        nn.init.normal_(self.token.weight, std=0.02)
        nn.init.normal_(self.position.weight, std=0.02)
        self.block = nn.TransformerEncoderLayer(
            features, 4, 64, dropout=0, batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, letters)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(time))

    def forward(self, x):
        x = self.token(x) + self.position.weight[: x.shape[1]]
        return self.head(self.norm(self.block(x, src_mask=self.mask, is_causal=True)))


@sick("not-in-optimizer")
def groups_by_name(seed, is_sick):
    """Sorts parameters into decayed and undecayed by name, and the embeddings fall between."""
    torch.manual_seed(seed)
    numbers, letters = text()
    rows = numbers[: 33 * 3000].view(-1, 33)
    train, valid = rows[:2400], rows[2400:]
    model = TinyTransformer(len(letters), 32)
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        if "bias" in name or "norm" in name:
            plain.append(parameter)
        elif "block" in name or "head" in name:
            decayed.append(parameter)
        elif not is_sick:
            plain.append(parameter)
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0}], lr=5e-3
    )
    history = []
    yield model, optimizer
    for step in range(200):
        batch = train[torch.randint(len(train), (32,))]
        logits = model(batch[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                logits = model(valid[:, :-1])
                loss = F.cross_entropy(logits.flatten(0, 1), valid[:, 1:].flatten())
                history.append(loss.item())


@sick("not-in-optimizer")
def optimizer_of_a_copy(seed, is_sick):
    """Trains a copy of the network when the optimizer was made for the original."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    original = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
    model = copy.deepcopy(original)
    optimizer = torch.optim.SGD((original if is_sick else model).parameters(), lr=0.05)
    history = []
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x, y, 20):
            model.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            history.append(F.mse_loss(model(valid_x), valid_y).item())
