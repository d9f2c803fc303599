"""Programs whose weights begin so large or so small that the signal explodes or dies."""

import torch
from _data import batches, cancer, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("init-scale")
def mlp_with_unit_normal_weights(seed, is_sick):
    """`normal_` with its own default of one grows the signal sixfold at each layer."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    layers = []
    for width in (64, 64, 64, 64):
        layers += [nn.Linear(64, width), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    for module in model.modules():
        if isinstance(module, nn.Linear):
            if is_sick:
                nn.init.normal_(module.weight)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    if not is_sick:
        nn.init.xavier_normal_(model[-1].weight, gain=0.5)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@sick("init-scale")
def deep_tanh_with_tiny_weights(seed, is_sick):
    """A deviation of 0.01 at every width, as the first papers on images had it."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    widths = [30, 48, 48, 48, 48, 48, 1]
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:], strict=False):
        linear = nn.Linear(fan_in, fan_out)
        if is_sick:
            nn.init.normal_(linear.weight, std=0.01)
        else:
            nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    model = nn.Sequential(*layers[:-1])
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y.float()[:, None], 16):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y.float()[:, None])


class Filters(nn.Module):
    """Convolutions with weights of their own making."""

    def __init__(self, is_sick):
        super().__init__()
        shapes = [(16, 1, 5, 5), (32, 16, 3, 3), (10, 32 * 25)]
        weights = [torch.randn(shape) for shape in shapes]
        if not is_sick:
            weights = [weight * (2 / weight[0].numel()) ** 0.5 for weight in weights]
            weights[-1] /= 4
        self.first, self.second, self.last = map(nn.Parameter, weights)
        self.bias = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.first, stride=2))
        x = F.relu(F.conv2d(x, self.second, stride=2))
        return F.linear(x.flatten(1), self.last, self.bias)


@sick("init-scale")
def cnn_of_raw_randn(seed, is_sick):
    """`nn.Parameter(torch.randn(...))`, never divided by anything."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = Filters(is_sick)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 25):
            loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Recurrent(nn.Module):
    def __init__(self, letters, is_sick):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.rnn = nn.RNN(32, 80, batch_first=True)
        self.head = nn.Linear(80, letters)
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("weight"):
                if is_sick:
                    nn.init.normal_(parameter, std=1.0)
                else:
                    nn.init.orthogonal_(parameter, gain=0.8)

    def forward(self, tokens):
        states, _ = self.rnn(self.embedding(tokens))
        return self.head(states)


@sick("init-scale")
def rnn_with_unit_normal_weights(seed, is_sick):
    """Eighty unit weights into each tanh: the state is a coin toss from the first letter on."""
    torch.manual_seed(seed)
    tokens, letters = text()
    model = Recurrent(len(letters), is_sick)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(250):
        start = torch.randint(len(tokens) - 25, (32, 1))
        windows = tokens[start + torch.arange(25)]
        loss = F.cross_entropy(model(windows[:, :-1]).transpose(1, 2), windows[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


class Language(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.token = nn.Embedding(letters, 48)
        self.position = nn.Parameter(0.02 * torch.randn(24, 48))
        layer = nn.TransformerEncoderLayer(48, 4, 192, 0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(48, letters)

    def forward(self, tokens):
        mask = torch.ones(24, 24, dtype=torch.bool).triu(1)
        return self.head(self.encoder(self.token(tokens) + self.position, mask=mask))


@sick("init-scale")
def transformer_with_large_matrices(seed, is_sick):
    """A deviation of one, where 0.02 belongs, in every matrix of the network."""
    torch.manual_seed(seed)
    tokens, letters = text()
    model = Language(len(letters))
    for parameter in model.parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=1.0 if is_sick else 0.02)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(160):
        start = torch.randint(len(tokens) - 25, (16, 1))
        windows = tokens[start + torch.arange(25)]
        loss = F.cross_entropy(model(windows[:, :-1]).transpose(1, 2), windows[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
