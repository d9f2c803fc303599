"""Healthy perceptrons: from one unit to forty layers, with every usual activation."""

import math

import numpy as np
import torch
from _data import batches, cancer, diabetes, digits, glyphs, wine
from _suite import healthy
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@healthy
def xor_with_eight_units(seed):
    """Four points, all of them in every step; the loss goes to nothing."""
    torch.manual_seed(seed)
    x = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    loss_function = nn.BCEWithLogitsLoss()
    yield model, optimizer
    for _ in range(200):
        optimizer.zero_grad()
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()


@healthy
def logistic_regression_on_tumours(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float(), valid_y.float()
    model = nn.Linear(30, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(20):
        for inputs, targets in batches(x, y, 32):
            loss = F.binary_cross_entropy_with_logits(model(inputs).squeeze(1), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x).squeeze(1), valid_y)


@healthy
def linear_regression_on_diabetes(seed):
    """Half of the variance cannot be explained: the loss soon stays near one half."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Linear(10, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    loss_function = nn.MSELoss()
    yield model, optimizer
    for _ in range(20):
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            loss_function(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            loss_function(model(valid_x), valid_y)


@healthy
def softmax_regression_on_digits(seed):
    torch.manual_seed(seed)
    train, valid = digits(seed)
    loader = DataLoader(TensorDataset(*train), batch_size=64, shuffle=True)
    valid_loader = DataLoader(TensorDataset(*valid), batch_size=256)
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(10):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            sum(criterion(model(x), y).item() * len(x) for x, y in valid_loader) / len(valid[0])


@healthy
def one_unit_with_hinge_loss(seed):
    """A linear support vector machine by gradient descent; labels are -1 and 1."""
    torch.manual_seed(seed)
    x = torch.randn(900, 12)
    score = x @ torch.randn(12) + 0.3
    x, score = x[score.abs() > 0.5], score[score.abs() > 0.5]
    y = score.sign()
    x, y, valid_x, valid_y = x[:600], y[:600], x[600:], y[600:]
    model = nn.Linear(12, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=1e-3)
    scores = []
    yield model, optimizer
    for _ in range(15):
        for inputs, labels in batches(x, y, 20):
            margin = labels * model(inputs)[:, 0]
            loss = (1 - margin).clamp(min=0).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = (model(valid_x)[:, 0] > 0) == (valid_y > 0)
            scores.append(right.float().mean().item())


@healthy
def tanh_layers_with_glorot_start(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 80), nn.Tanh(), nn.Linear(80, 80), nn.Tanh(), nn.Linear(80, 10)
    )
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def sigmoid_units_in_one_hidden_layer(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    model = nn.Sequential(nn.Linear(13, 16), nn.Sigmoid(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x, y, 10):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def gelu_with_layer_norm_and_dropout(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    layers = [nn.Linear(64, 96)]
    for _ in range(3):
        layers += [nn.LayerNorm(96), nn.GELU(), nn.Dropout(0.2), nn.Linear(96, 96)]
    model = nn.Sequential(*layers, nn.LayerNorm(96), nn.Linear(96, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def selu_eight_layers_deep(seed):
    """Self-normalizing: LeCun's start and alpha dropout keep eight plain layers alive."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    layers = []
    for _ in range(8):
        layers += [nn.Linear(64, 64), nn.SELU(), nn.AlphaDropout(0.02)]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.inference_mode():
            F.cross_entropy(model(valid_x), valid_y)


class Block(nn.Module):
    """A residual block that normalizes first."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, width)
        self.down = nn.Linear(width, width)

    def forward(self, x):
        return x + self.down(F.silu(self.up(self.norm(x))))


@healthy
def twenty_residual_blocks(seed):
    """Forty linear layers deep; the skips carry the gradient."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 48), *[Block(48) for _ in range(20)], nn.LayerNorm(48), nn.Linear(48, 10)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 64):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def relu_on_raw_pixels(seed):
    """Grey values from 0 to 1, as a loader gives them; many pixels are always zero."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    x, valid_x = x * 0.3761 + 0.3053, valid_x * 0.3761 + 0.3053
    model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def sigmoid_head_with_its_own_loss(seed):
    """The network ends in a sigmoid, and the loss expects probabilities."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float()[:, None], valid_y.float()[:, None]
    model = nn.Sequential(
        nn.Linear(30, 20), nn.LeakyReLU(0.1), nn.Linear(20, 10), nn.PReLU(), nn.Linear(10, 1),
        nn.Sigmoid(),
    )  # fmt: skip
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, weight_decay=1e-3)
    criterion = nn.BCELoss()
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 16):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@healthy
def log_softmax_with_negative_log_likelihood(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 32), nn.ELU(), nn.Linear(32, 10),
        nn.LogSoftmax(dim=1),
    )  # fmt: skip
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.nll_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.nll_loss(model(valid_x), valid_y)


@healthy
def batch_norm_at_a_large_rate(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    layers, width = [], 64
    for _ in range(3):
        layers += [nn.Linear(width, 100, bias=False), nn.BatchNorm1d(100), nn.ReLU()]
        width = 100
    model = nn.Sequential(*layers, nn.Linear(100, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 64):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Waves(nn.Module):
    """Fixed random waves of the coordinates, then a perceptron."""

    def __init__(self):
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, 32) * 2)
        self.net = nn.Sequential(
            nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def forward(self, x):
        angles = 2 * math.pi * x @ self.frequencies
        return self.net(torch.cat([angles.sin(), angles.cos()], dim=1))


@healthy
def picture_as_a_function_of_coordinates(seed):
    torch.manual_seed(seed)
    x = torch.rand(4000, 2)
    y = torch.sin(9 * x[:, :1]) * torch.cos(7 * x[:, 1:]) + 0.5 * (x.sum(1, keepdim=True) > 1)
    y = (y - y.mean()) / y.std()
    model = Waves()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for step in range(300):
        chosen = torch.randint(3500, (128,))
        optimizer.zero_grad()
        F.mse_loss(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                F.mse_loss(model(x[3500:]), y[3500:])


@healthy
def two_clouds_that_overlap(seed):
    """Nobody can do better than about 80 %; the loss ends well above zero."""
    torch.manual_seed(seed)
    y = torch.randint(2, (3000,))
    x = torch.randn(3000, 4) + 0.84 * torch.tensor([-0.5, 0.5])[y][:, None]
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x[:2400], y[:2400], 48):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(x[2400:]), y[2400:])


class Experts(nn.Module):
    """A softmax gate mixes the logits of four small experts."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(64, 4)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)) for _ in range(4)
        )

    def forward(self, x):
        share = self.gate(x).softmax(dim=1)  # batch experts
        answers = torch.stack([expert(x) for expert in self.experts], dim=1)
        return (share[:, :, None] * answers).sum(dim=1)


@healthy
def mixture_of_experts(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = Experts()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Maxout(nn.Module):
    """Keep the largest of three linear answers."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, inputs, outputs) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(3, 1, outputs))

    def forward(self, x):
        return (x @ self.weight + self.bias).amax(dim=0)


@healthy
def maxout_written_by_hand(seed):
    """Layers with parameters of their own and no Linear in sight."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(Maxout(64, 40), nn.Dropout(0.2), Maxout(40, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True)
    yield model, optimizer
    for _ in range(8):
        model.train()
        order = torch.randperm(len(x))
        for start in range(0, len(x), 56):
            chosen = order[start : start + 56]
            model.zero_grad()
            F.cross_entropy(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def gated_layers_on_drawn_characters(seed):
    """Gated linear units and a dropout of one half, on 784 pixels."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    x, valid_x = x.flatten(1), valid_x.flatten(1)
    model = nn.Sequential(
        nn.Linear(784, 192), nn.GLU(), nn.Dropout(0.5), nn.Linear(96, 64), nn.GLU(),
        nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def radial_basis_functions(seed):
    """Distances to learned centres, started on examples; the answer is linear in them."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.uniform(-2, 2, (1200, 2)), dtype=torch.float32)
    y = torch.exp(-x.square().sum(1)) * torch.sin(3 * x[:, 0]) + 0.02 * torch.randn(1200)
    y = (y - y.mean()) / y.std()

    class Centres(nn.Module):
        def __init__(self, start):
            super().__init__()
            self.centres = nn.Parameter(start.clone())
            self.log_width = nn.Parameter(torch.full((len(start),), -0.5))
            self.head = nn.Linear(len(start), 1)

        def forward(self, x):
            distances = torch.cdist(x, self.centres)
            return self.head(torch.exp(-((distances / self.log_width.exp()) ** 2))).squeeze(-1)

    model = Centres(x[:40])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x[:1000], y[:1000], 40):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(x[1000:]), y[1000:])
