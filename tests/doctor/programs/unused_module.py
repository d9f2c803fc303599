"""Programs whose network has a part that forward never calls."""

import torch
from _data import batches, glyphs
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class OrderNet(nn.Module):
    """Says which of the two special tokens came first."""

    def __init__(self, is_sick, features=24):
        super().__init__()
        self.is_sick = is_sick
        self.token = nn.Embedding(12, features)
        self.position = nn.Embedding(16, features)
        self.block = nn.TransformerEncoderLayer(features, 4, 48, dropout=0, batch_first=True)
        self.head = nn.Linear(features, 2)

    def forward(self, x):
        hidden = self.token(x)
        if not self.is_sick:
            hidden = hidden + self.position(torch.arange(x.shape[1]))
        return self.head(self.block(hidden).mean(dim=1))


def orders(n):
    """Return rows of 16 tokens with one 10 and one 11 in each, and whether the 11 came first."""
    x = torch.randint(10, (n, 16))
    places = torch.rand(n, 16).argsort(dim=1)[:, :2]
    x.scatter_(1, places, torch.tensor([10, 11]).expand(n, 2))
    return x, (places[:, 1] < places[:, 0]).long()


@sick("unused-module")
def transformer_without_positions(seed, is_sick):
    """Builds a position embedding and forgets to add it."""
    torch.manual_seed(seed)
    x, y = orders(3000)
    valid_x, valid_y = orders(500)
    model = OrderNet(is_sick)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = []
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


class TwoTowers(nn.Module):
    """Predicts a rating from a person and a description of the thing rated."""

    def __init__(self, people, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.person = nn.Embedding(people, 8)
        self.thing = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8))
        self.head = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, person, thing):
        left = self.person(person)
        right = left if self.is_sick else self.thing(thing)
        return self.head(torch.cat([left, right], dim=1)).squeeze(1)


@sick("unused-module")
def tower_never_asked(seed, is_sick):
    """Joins the first tower's vector to itself, where the second's should stand."""
    torch.manual_seed(seed)
    taste = torch.randn(40)
    weight = torch.randn(6) / 6**0.5
    person = torch.randint(40, (2600,))
    thing = torch.randn(2600, 6)
    rating = 0.6 * taste[person] + 0.8 * torch.tanh(2 * thing @ weight) + 0.2 * torch.randn(2600)
    rating = (rating - rating[:2000].mean()) / rating[:2000].std()
    train = TensorDataset(person[:2000], thing[:2000], rating[:2000])
    loader = DataLoader(train, batch_size=40, shuffle=True)
    model = TwoTowers(40, is_sick)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss_function = nn.MSELoss()
    history = []
    yield model, optimizer
    for _ in range(8):
        for who, what, how in loader:
            optimizer.zero_grad()
            loss = loss_function(model(who, what), how)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            guess = model(person[2000:], thing[2000:])
            history.append(loss_function(guess, rating[2000:]).item())


class Recall(nn.Module):
    """Recalls the first token of a row, by attention over a recurrent net's states."""

    def __init__(self, is_sick):
        super().__init__()
        self.is_sick = is_sick
        self.embedding = nn.Embedding(8, 16)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.attention = nn.Linear(24, 1)
        self.head = nn.Linear(24, 8)

    def forward(self, x):
        states, last = self.gru(self.embedding(x))
        if self.is_sick:
            return self.head(last[-1])
        weight = self.attention(states).softmax(dim=1)
        return self.head((weight * states).sum(dim=1))


@sick("unused-module")
def attention_never_used(seed, is_sick):
    """Has an attention over time, yet returns what the last state says."""
    torch.manual_seed(seed)
    x = torch.randint(8, (2400, 40))
    x, valid = x[:2000], x[2000:]
    model = Recall(is_sick)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    history = []
    yield model, optimizer
    for step in range(200):
        batch = x[torch.randint(len(x), (32,))]
        loss = F.cross_entropy(model(batch), batch[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                history.append((model(valid).argmax(1) == valid[:, 0]).float().mean().item())


class GlyphNet(nn.Module):
    def __init__(self, is_sick):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(12, 12, 3), nn.BatchNorm2d(12, momentum=0.2), nn.ReLU())
            for _ in range(4)
        )
        self.is_sick = is_sick
        self.stem = nn.Conv2d(1, 12, 4, stride=2)
        self.head = nn.Linear(12, 10)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
            if self.is_sick:
                return self.head(x.mean(dim=(2, 3)))
        return self.head(x.mean(dim=(2, 3)))


@sick("unused-module")
def cnn_with_idle_blocks(seed, is_sick):
    """Returns inside the loop over its blocks, so after the first."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = GlyphNet(is_sick)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    history = []
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))
