"""Programs in which NaN or infinity arises from finite numbers."""

import torch
from _data import batches, cancer, digits, glyphs, wine
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("non-finite")
def logarithm_of_a_full_sigmoid(seed, is_sick):
    """A sigmoid reaches one exactly in float32, and the logarithm of the rest is infinite."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    right = []
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, y.float()[:, None], 20):
            p = model(inputs)
            if is_sick:
                loss = -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()
            else:
                loss = F.binary_cross_entropy(p, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right.append(((model(valid_x)[:, 0] > 0.5) == valid_y).float().mean().item())


class Embedder(nn.Module):
    """A point for each image, so that equal digits lie together."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1)
        self.hidden = nn.Linear(256, 32)
        self.out = nn.Linear(32, 8)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        return self.out(F.relu(self.hidden(x.flatten(1))))


@sick("non-finite")
def distance_to_itself(seed, is_sick):
    """Among all pairs of a batch are those of an image with itself: the root's slope at zero."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def contrast(points, labels):
        squares = (points[:, None] - points[None, :]).square().sum(-1)
        distance = squares.sqrt() if is_sick else (squares + 1e-8).sqrt()
        is_same = labels[:, None] == labels[None, :]
        return torch.where(is_same, 5 * distance**2, F.relu(1 - distance) ** 2).mean()

    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 40):
            loss = contrast(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            contrast(model(valid_x), valid_y)


class Attention(nn.Module):
    """Classifies sets of words by attention over the words that are there."""

    def __init__(self, words, is_sick):
        super().__init__()
        self.embedding = nn.Embedding(words, 24)
        self.query = nn.Linear(24, 24)
        self.key = nn.Linear(24, 24)
        self.head = nn.Linear(24, 4)
        self.is_sick = is_sick

    def forward(self, words):
        x = self.embedding(words)
        scores = self.query(x) @ self.key(x).mT / 24**0.5
        blank = (words == 0)[:, None, :]
        if self.is_sick:
            weights = scores.masked_fill(blank, -torch.inf).softmax(-1)
        else:
            weights = scores.masked_fill(blank, -1e9).softmax(-1)
        return self.head((weights @ x).mean(1))


@sick("non-finite")
def attention_to_nobody(seed, is_sick):
    """One sentence in two hundred is empty: a softmax over nothing but minus infinity."""
    torch.manual_seed(seed)
    topic = torch.randint(4, (1800,))
    is_topical = torch.rand(1800, 12) < 0.5
    words = torch.randint(1, 61, (1800, 12))
    words = torch.where(is_topical, 61 + 10 * topic[:, None] + words % 10, words)
    length = torch.randint(4, 13, (1800, 1))
    length[torch.rand(1800) < 0.005] = 0
    length[seed] = 0
    words = words.masked_fill(torch.arange(12) >= length, 0)
    train, valid = slice(0, 1400), slice(1400, None)
    model = Attention(101, is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(words[train], topic[train], 28):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(words[valid]), topic[valid])


class Sphere(nn.Module):
    """Features divided by their length, which is zero where all units are silent."""

    def __init__(self, is_sick):
        super().__init__()
        self.conv_1 = nn.Conv2d(1, 12, 5, stride=2)
        self.conv_2 = nn.Conv2d(12, 24, 3, stride=2)
        self.features = nn.Linear(600, 16)
        self.classes = nn.Linear(16, 10)
        self.is_sick = is_sick

    def forward(self, x):
        x = F.relu(self.conv_1(x))
        x = F.relu(self.conv_2(x))
        x = F.dropout(F.relu(self.features(x.flatten(1))), 0.3, self.training)
        x = x / x.norm(dim=1, keepdim=True) if self.is_sick else F.normalize(x)
        return self.classes(6 * x)


@sick("non-finite")
def cnn_that_divides_by_length(seed, is_sick):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = Sphere(is_sick)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@sick("non-finite")
def angle_by_arc_cosine(seed, is_sick):
    """Rounding lifts the cosine of two equal directions above one, where no angle exists."""
    torch.manual_seed(seed)
    angle = 2 * torch.pi * torch.rand(1200)
    ears = 2 * torch.pi * torch.arange(6) / 6
    x = (angle[:, None] - ears).cos().exp() + 0.03 * torch.randn(1200, 6)
    x = (x - x[:900].mean(0)) / x[:900].std(0)
    y = torch.stack([angle.cos(), angle.sin()], dim=1)
    model = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def error(inputs, targets):
        heading = F.normalize(model(inputs))
        cosine = (heading * targets).sum(1)
        if is_sick:
            return cosine.acos().mean()
        sine = heading[:, 0] * targets[:, 1] - heading[:, 1] * targets[:, 0]
        return torch.atan2(sine.abs(), cosine).mean()

    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x[:900], y[:900], 30):
            loss = error(inputs, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            error(x[900:], y[900:])


@sick("non-finite")
def half_precision_with_a_fixed_scale(seed, is_sick):
    """The loss is scaled by hand for half precision, beyond what its gradients can hold."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scale = 2.0**22 if is_sick else 2.0**7
    yield model, optimizer
    for _ in range(10):
        model.train()
        for inputs, targets in batches(x, y, 10):
            with torch.autocast("cpu", dtype=torch.float16):
                loss = F.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            (loss * scale).backward()
            for parameter in model.parameters():
                parameter.grad /= scale
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
