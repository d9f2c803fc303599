"""Programs that compute gradients and do not use them."""

import torch
from _data import batches, cancer, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class GlyphNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 5, stride=2)
        self.second = nn.Conv2d(8, 16, 5, stride=2)
        self.head = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.relu(self.second(x))
        return self.head(x.flatten(1))


@sick("missing-step")
def cnn_on_glyphs(seed, is_sick):
    """Forgets `optimizer.step()`."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = GlyphNet()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
    loss_function = nn.CrossEntropyLoss()
    history = []
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = loss_function(model(inputs), targets)
            loss.backward()
            if not is_sick:
                optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((loss_function(logits, valid_y).item(), accuracy.item()))


class Speller(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.gru = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, x):
        states, _ = self.gru(self.embedding(x))
        return self.head(states)


@sick("missing-step")
def gru_with_accumulation(seed, is_sick):
    """Accumulates over more batches than an epoch has, and counts anew in every epoch."""
    torch.manual_seed(seed)
    numbers, letters = text()
    rows = numbers[: 33 * 3000].view(-1, 33)
    model = Speller(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    accumulate = 100 if is_sick else 2
    yield model, optimizer
    for _ in range(3):
        for index, chunk in enumerate(torch.randperm(len(rows)).split(32)):
            batch = rows[chunk]
            logits = model(batch[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
            (loss / accumulate).backward()
            if (index + 1) % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()


@sick("missing-step")
def autoencoder_with_two_optimizers(seed, is_sick):
    """Steps the encoder's optimizer and forgets the decoder's."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 16))
    decoder = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 64))
    encoder_optimizer = torch.optim.Adam(encoder.parameters(), lr=3e-3)
    decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=3e-3)
    history = []
    yield [encoder, decoder], [encoder_optimizer, decoder_optimizer]
    for _ in range(15):
        for inputs, _ in batches(x, x, 50):
            encoder_optimizer.zero_grad()
            decoder_optimizer.zero_grad()
            loss = (decoder(encoder(inputs)) - inputs).pow(2).mean()
            loss.backward()
            encoder_optimizer.step()
            if not is_sick:
                decoder_optimizer.step()
        with torch.no_grad():
            history.append((decoder(encoder(valid_x)) - valid_x).pow(2).mean().item())


@sick("missing-step")
def cleared_before_the_step(seed, is_sick):
    """Calls step, but clears the gradients just before it: no parameter ever moves."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    loss_function = nn.BCEWithLogitsLoss()
    history = []
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y[:, None].float(), 32):
            loss = loss_function(model(inputs), targets)
            if not is_sick:
                optimizer.zero_grad()
            loss.backward()
            if is_sick:
                optimizer.zero_grad()
            optimizer.step()
        with torch.no_grad():
            history.append(loss_function(model(valid_x), valid_y[:, None].float()).item())
