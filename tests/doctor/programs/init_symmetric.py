"""Programs whose units all begin equal, and stay so."""

import torch
from _data import batches, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("init-symmetric")
def mlp_of_zeros(seed, is_sick):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    )
    for layer in model:
        if isinstance(layer, nn.Linear):
            if is_sick:
                nn.init.zeros_(layer.weight)
            else:
                nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Strides(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_1 = nn.Conv2d(1, 12, 3, stride=2, padding=1)
        self.conv_2 = nn.Conv2d(12, 24, 3, stride=2, padding=1)
        self.head = nn.Linear(24 * 49, 10)

    def forward(self, x):
        x = F.relu(self.conv_1(x))
        x = F.relu(self.conv_2(x))
        return self.head(x.flatten(1))


@sick("init-symmetric")
def cnn_with_constant_filters(seed, is_sick):
    """Every filter of a layer is the same average of its window."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()

    def initialize(module):
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            if is_sick:
                nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            else:
                nn.init.xavier_uniform_(module.weight)
            nn.init.constant_(module.bias, 0.0)

    model = Strides()
    model.apply(initialize)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=25, shuffle=True
    )
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class NextLetter(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, tokens):
        states, _ = self.lstm(self.embedding(tokens))
        return self.head(states)


@sick("init-symmetric")
def lstm_with_one_value_everywhere(seed, is_sick):
    torch.manual_seed(seed)
    tokens, letters = text()
    model = NextLetter(len(letters))
    for parameter in model.lstm.parameters():
        if is_sick:
            nn.init.constant_(parameter, 0.05)
        else:
            nn.init.uniform_(parameter, -0.125, 0.125)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(200):
        start = torch.randint(len(tokens) - 33, (24, 1))
        windows = tokens[start + torch.arange(33)]
        loss = F.cross_entropy(model(windows[:, :-1]).transpose(1, 2), windows[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Factors(nn.Module):
    """Ratings as products of a user's factors and a film's."""

    def __init__(self, users, films, is_sick):
        super().__init__()
        self.user = nn.Embedding(users, 6)
        self.film = nn.Embedding(films, 6)
        self.user_bias = nn.Embedding(users, 1)
        self.film_bias = nn.Embedding(films, 1)
        for table in (self.user, self.film):
            if is_sick:
                nn.init.zeros_(table.weight)
            else:
                nn.init.normal_(table.weight, std=0.3)
        nn.init.zeros_(self.user_bias.weight)
        nn.init.zeros_(self.film_bias.weight)

    def forward(self, user, film):
        product = (self.user(user) * self.film(film)).sum(1)
        return product + self.user_bias(user).squeeze(1) + self.film_bias(film).squeeze(1)


@sick("init-symmetric")
def factors_of_zero(seed, is_sick):
    """Zero times zero has no gradient; only the biases learn."""
    torch.manual_seed(seed)
    users, films = 150, 60
    taste, kind = torch.randn(users, 3), torch.randn(films, 3)
    ratings = (
        taste @ kind.T / 3**0.5 + 0.3 * torch.randn(users, 1) + 0.1 * torch.randn(users, films)
    )
    seen = torch.randperm(users * films)
    train, valid = seen[:7000], seen[7000:]
    ratings = ratings.flatten()
    ratings = (ratings - ratings[train].mean()) / ratings[train].std()
    model = Factors(users, films, is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(6):
        for chosen in train[torch.randperm(len(train))].split(70):
            loss = F.mse_loss(model(chosen // films, chosen % films), ratings[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid // films, valid % films), ratings[valid])


@sick("init-symmetric")
def autoencoder_of_equal_weights(seed, is_sick):
    """Hand-made layers: `torch.full` where `torch.randn` was meant."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    widths = [64, 40, 12, 40, 64]
    weights, biases = nn.ParameterList(), nn.ParameterList()
    for fan_in, fan_out in zip(widths, widths[1:], strict=False):
        scale = fan_in**-0.5
        if is_sick:
            weights.append(torch.full((fan_in, fan_out), scale / 4))
        else:
            weights.append(torch.randn(fan_in, fan_out) * scale)
        biases.append(torch.zeros(fan_out))
    model = nn.ModuleList([weights, biases])

    def reconstruct(h):
        for depth, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            h = h @ weight + bias
            if depth < 3:
                h = torch.tanh(h)
        return h

    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, _ in batches(x, x, 35):
            optimizer.zero_grad()
            loss = ((reconstruct(inputs) - inputs) ** 2).mean()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(reconstruct(valid_x), valid_x)
