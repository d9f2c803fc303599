"""Programs in which gradients pile up."""

import torch
from _data import batches, diabetes, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("missing-zero-grad")
def mlp_on_digits(seed, is_sick):
    """Never clears the gradients."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = []
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 32):
            if not is_sick:
                optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
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


@sick("missing-zero-grad")
def lstm_on_text(seed, is_sick):
    """Clears the gradients before the loop over batches, so once an epoch."""
    torch.manual_seed(seed)
    numbers, letters = text()
    rows = numbers[: 33 * 3000].view(-1, 33)
    train, valid = rows[:2400], rows[2400:]
    model = Speller(len(letters))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    history = []
    yield model, optimizer
    for _ in range(3):
        optimizer.zero_grad()
        for chunk in torch.randperm(len(train)).split(32):
            batch = train[chunk]
            if not is_sick:
                optimizer.zero_grad()
            logits = model(batch[:, :-1])
            loss = loss_function(logits.flatten(0, 1), batch[:, 1:].flatten())
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            logits = model(valid[:, :-1])
            history.append(loss_function(logits.flatten(0, 1), valid[:, 1:].flatten()).item())


@sick("missing-zero-grad")
def autoencoder_with_two_optimizers(seed, is_sick):
    """Clears the encoder's optimizer twice and the decoder's never."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 12))
    decoder = nn.Sequential(nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 64))
    encoder_optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
    decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(x), batch_size=50, shuffle=True)
    yield [encoder, decoder], [encoder_optimizer, decoder_optimizer]
    history = []
    for _ in range(15):
        for (inputs,) in loader:
            encoder_optimizer.zero_grad()
            if is_sick:
                encoder_optimizer.zero_grad()
            else:
                decoder_optimizer.zero_grad()
            loss = F.mse_loss(decoder(encoder(inputs)), inputs)
            loss.backward()
            encoder_optimizer.step()
            decoder_optimizer.step()
        with torch.no_grad():
            history.append(F.mse_loss(decoder(encoder(valid_x)), valid_x).item())


@sick("missing-zero-grad")
def cnn_with_accumulation(seed, is_sick):
    """Steps once every four batches on purpose, and forgets to clear after the step."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 6 * 6, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    accumulate = 4
    history = []
    yield model, optimizer
    for _ in range(8):
        model.train()
        for index, (inputs, targets) in enumerate(batches(x, y, 16)):
            loss = F.cross_entropy(model(inputs), targets) / accumulate
            loss.backward()
            if (index + 1) % accumulate == 0:
                optimizer.step()
                if not is_sick:
                    optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


@sick("missing-zero-grad")
def regression_with_logging(seed, is_sick):
    """Clears the gradients inside the `if` that logs."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Linear(10, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.03)
    history = []
    yield model, optimizer
    for step in range(300):
        chosen = torch.randint(len(x), (32,))
        loss = (model(x[chosen]) - y[chosen]).square().mean()
        loss.backward()
        optimizer.step()
        if not is_sick:
            optimizer.zero_grad()
        if step % 60 == 59:
            optimizer.zero_grad()
            with torch.no_grad():
                history.append(F.mse_loss(model(valid_x), valid_y).item())
