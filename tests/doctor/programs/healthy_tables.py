"""Healthy networks on tables: counts, categories, rare classes, gaps, ratings and lifetimes."""

import math

import numpy as np
import sklearn.datasets
import torch
from _data import batches, cancer, diabetes, wine
from _suite import healthy
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


@healthy
def categories_embedded_beside_numbers(seed):
    torch.manual_seed(seed)
    n = 2400
    city, weekday, numbers = torch.randint(20, (n,)), torch.randint(7, (n,)), torch.randn(n, 4)
    effect, rhythm = torch.randn(20), torch.randn(7)
    y = effect[city] + rhythm[weekday] * numbers[:, 0] + numbers[:, 1] + 0.3 * torch.randn(n)
    y = ((y - y[:2000].mean()) / y[:2000].std())[:, None]

    class Entities(nn.Module):
        def __init__(self):
            super().__init__()
            self.city, self.weekday = nn.Embedding(20, 6), nn.Embedding(7, 4)
            self.net = nn.Sequential(nn.Linear(14, 48), nn.ReLU(), nn.Linear(48, 1))

        def forward(self, city, weekday, numbers):
            return self.net(torch.cat([self.city(city), self.weekday(weekday), numbers], dim=1))

    model = Entities()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-4)
    loader = DataLoader(
        TensorDataset(city[:2000], weekday[:2000], numbers[:2000], y[:2000]), 50, shuffle=True
    )
    yield model, optimizer
    for _ in range(9):
        for *inputs, targets in loader:
            optimizer.zero_grad()
            F.mse_loss(model(*inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(city[2000:], weekday[2000:], numbers[2000:]), y[2000:])


@healthy
def mostly_zero_words_counted(seed):
    """A bag of words: nine of ten inputs are zero, and some words never come."""
    torch.manual_seed(seed)
    n, words = 1500, 300
    topic = torch.randint(5, (n,))
    interest = torch.distributions.Dirichlet(torch.full((words,), 0.08)).sample((5,))
    shared = torch.distributions.Dirichlet(torch.full((words,), 0.3)).sample()
    counts = torch.distributions.Multinomial(30, 0.3 * interest[topic] + 0.7 * shared).sample()
    x = counts.log1p()
    model = nn.Sequential(nn.Linear(words, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x[:1200], topic[:1200], 24):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x[1200:]), topic[1200:])


@healthy
def one_hot_table_by_logistic_regression(seed):
    """Four categories as indicator columns; equal rows occur in training and validation."""
    torch.manual_seed(seed)
    n, sizes = 2000, (3, 4, 5, 6)
    columns = [torch.randint(size, (n,)) for size in sizes]
    x = torch.cat(
        [F.one_hot(column, size).float() for column, size in zip(columns, sizes, strict=True)], 1
    )
    score = x @ (1.5 * torch.randn(sum(sizes)))
    y = ((score - score.mean() + torch.randn(n).mul(0.7)) > 0).float()
    model = nn.Linear(sum(sizes), 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x[:1600], y[:1600], 40):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs).view(-1), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(x[1600:]).view(-1), y[1600:])


@healthy
def counts_normalized_by_the_first_layer(seed):
    """Raw integers up to some hundreds, behind a batch norm; targets are counts as well."""
    torch.manual_seed(seed)
    rates = torch.tensor([2.0, 15.0, 60.0, 200.0])
    x = torch.poisson(rates * torch.rand(2000, 4).add(0.5))
    relative = x / rates - 1
    log_mean = 1.2 + 0.8 * relative[:, 1] - 0.9 * relative[:, 2] * relative[:, 3] + relative[:, 3]
    y = torch.poisson(log_mean.exp())[:, None]
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    criterion = nn.PoissonNLLLoss(log_input=True)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x[:1600], y[:1600], 40):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(x[1600:]), y[1600:])


@healthy
def mean_and_variance_predicted(seed):
    """Gaussian likelihood with the width as a second output; the loss may go below zero."""
    torch.manual_seed(seed)
    x = torch.rand(2000, 1) * 4 - 2
    y = torch.sin(2 * x) + torch.randn(2000, 1) * (0.05 + 0.2 * (x > 0))

    class Heteroscedastic(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
            self.mean, self.raw = nn.Linear(48, 1), nn.Linear(48, 1)

        def forward(self, x):
            hidden = self.trunk(x)
            return self.mean(hidden), F.softplus(self.raw(hidden)) + 1e-4

    model = Heteroscedastic()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    criterion = nn.GaussianNLLLoss()
    scores = []
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x[:1600], y[:1600], 40):
            mean, variance = model(inputs)
            loss = criterion(mean, targets, variance)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        with torch.no_grad():
            mean, variance = model(x[1600:])
            scores.append(criterion(mean, y[1600:], variance).item())


@healthy
def several_labels_at_once(seed):
    """Eight labels, some of them rare: the rare ones weigh more."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.make_multilabel_classification(
        1800, 20, n_classes=8, n_labels=2, random_state=seed
    )
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    x = (x - x[:1400].mean(0)) / x[:1400].std(0)
    model = nn.Sequential(nn.Linear(20, 40), nn.ReLU(), nn.Linear(40, 8))
    share = y[:1400].mean(0)
    criterion = nn.BCEWithLogitsLoss(pos_weight=((1 - share) / share).clamp(max=5))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x[:1400], y[:1400], 35):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(x[1400:]), y[1400:])


class Thresholds(nn.Module):
    """One score, and four ordered thresholds on it."""

    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1, bias=False))
        self.first = nn.Parameter(torch.tensor(-1.5))
        self.gaps = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        steps = torch.cat([self.first[None], F.softplus(self.gaps)])
        return self.score(x) - steps.cumsum(0)


@healthy
def grades_in_their_order(seed):
    """Ordinal regression: four questions of the kind `is the grade above k?`."""
    torch.manual_seed(seed)
    x = torch.randn(2000, 6)
    hidden = 1.5 * x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * torch.randn(2000)
    grade = torch.bucketize(hidden, torch.tensor([-2.0, -0.6, 0.6, 2.0]))
    y = (grade[:, None] > torch.arange(4)).float()
    model = Thresholds()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x[:1600], y[:1600], 40):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(x[1600:]), y[1600:])


def rare_class(seed, n, share):
    """Return points of which a small share is of the second class, far off in some directions."""
    x, y = sklearn.datasets.make_classification(
        n, 12, n_informative=5, weights=[1 - share], flip_y=0, class_sep=1.6, random_state=seed
    )
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    cut = n * 3 // 4
    x = (x - x[:cut].mean(0)) / x[:cut].std(0)
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


@healthy
def rare_class_with_weights(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = rare_class(seed, 2400, 0.08)
    weight = len(y) / (2 * torch.bincount(y).float())
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 2))
    criterion = nn.CrossEntropyLoss(weight=weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 60):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@healthy
def rare_class_drawn_more_often(seed):
    """A sampler shows both classes equally often, so rows come again within an epoch."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = rare_class(seed, 2400, 0.1)
    weights = (1 / torch.bincount(y).float())[y]
    sampler = WeightedRandomSampler(weights.tolist(), len(y))
    loader = DataLoader(TensorDataset(x, y), batch_size=45, sampler=sampler)
    model = nn.Sequential(nn.Linear(12, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def rare_class_left_as_it_is(seed):
    """Nine to one and no weights at all: the network learns the rare class anyway."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = rare_class(seed, 2400, 0.1)
    model = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.Linear(32, 1), nn.Flatten(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y.float(), 40):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x), valid_y.float())


@healthy
def flat_targets_and_a_squeezed_head(seed):
    """Targets of shape (N,) and predictions squeezed to it; Huber's loss."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    y, valid_y = y.squeeze(1), valid_y.squeeze(1)
    model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-2)
    criterion = nn.HuberLoss()
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x, y, 17):
            optimizer.zero_grad()
            criterion(model(inputs).squeeze(-1), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x).squeeze(-1), valid_y)


@healthy
def three_quantiles(seed):
    """The pinball loss, written by hand, for a tenth, half and nine tenths."""
    torch.manual_seed(seed)
    x = torch.rand(2000, 1) * 2 - 1
    y = torch.sin(4 * x) + (0.1 + 0.4 * x.abs()) * torch.randn(2000, 1)
    quantiles = torch.tensor([0.1, 0.5, 0.9])
    model = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                          nn.Linear(64, 3))  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def pinball(predictions, y):
        error = y - predictions
        return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()

    scores = []
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x[:1600], y[:1600], 32):
            optimizer.zero_grad()
            pinball(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            scores.append(pinball(model(x[1600:]), y[1600:]).item())


class Ratings(nn.Module):
    """A dot product of user and film, with biases."""

    def __init__(self, users, films, width=6):
        super().__init__()
        self.user, self.film = nn.Embedding(users, width), nn.Embedding(films, width)
        self.user_bias, self.film_bias = nn.Embedding(users, 1), nn.Embedding(films, 1)
        nn.init.normal_(self.user.weight, std=0.3)
        nn.init.normal_(self.film.weight, std=0.3)
        nn.init.zeros_(self.user_bias.weight)
        nn.init.zeros_(self.film_bias.weight)

    def forward(self, users, films):
        match = (self.user(users) * self.film(films)).sum(1)
        return match + self.user_bias(users)[:, 0] + self.film_bias(films)[:, 0]


@healthy
def ratings_by_two_embeddings(seed):
    """Matrix factorization: the inputs are only numbers of users and of films."""
    torch.manual_seed(seed)
    taste, kind = torch.randn(80, 3), torch.randn(60, 3)
    users, films = torch.randint(80, (5000,)), torch.randint(60, (5000,))
    y = (taste[users] * kind[films]).sum(1) / 1.7 + torch.randn(60)[films] * 0.5
    y = y + 0.3 * torch.randn(5000)
    y = (y - y[:4200].mean()) / y[:4200].std()
    model = Ratings(80, 60)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=2e-5)
    yield model, optimizer
    for _ in range(8):
        for chosen in torch.randperm(4200).split(70):
            optimizer.zero_grad()
            F.mse_loss(model(users[chosen], films[chosen]), y[chosen]).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(users[4200:], films[4200:]), y[4200:])


@healthy
def lifetimes_by_partial_likelihood(seed):
    """Cox regression: each example's loss depends on who else of the batch still lives."""
    torch.manual_seed(seed)
    x = torch.randn(1500, 8)
    risk = x[:, 0] - 0.8 * x[:, 1] + x[:, 2] * x[:, 3]
    time = torch.distributions.Exponential(risk.exp()).sample()
    limit = 3 * torch.rand(1500)
    died, time = (time <= limit).float(), torch.minimum(time, limit)

    def loss_of(score, time, died):
        order = time.argsort(descending=True)
        score, died = score[order], died[order]
        return -((score - score.logcumsumexp(0)) * died).sum() / died.sum()

    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1, bias=False))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
    scores = []
    yield model, optimizer
    for _ in range(10):
        for chosen in torch.randperm(1200).split(100):
            optimizer.zero_grad()
            loss_of(model(x[chosen]).squeeze(1), time[chosen], died[chosen]).backward()
            optimizer.step()
        with torch.no_grad():
            scores.append(loss_of(model(x[1200:]).squeeze(1), time[1200:], died[1200:]).item())


@healthy
def gaps_filled_and_flagged(seed):
    """A fifth of the table is missing: means go in, and a column says where."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)

    def fill(x):
        missing = torch.rand_like(x) < 0.2
        return torch.cat([x.masked_fill(missing, 0.0), missing.float()], dim=1)

    x, valid_x = fill(x), fill(valid_x)
    model = nn.Sequential(nn.Linear(60, 24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def tasks_with_unknown_answers(seed):
    """Three targets, a third of them unknown and marked NaN; only known ones enter the loss."""
    torch.manual_seed(seed)
    x = torch.randn(1800, 10)
    y = torch.tanh(x @ torch.randn(10, 3) / 2) + 0.1 * torch.randn(1800, 3)
    y = (y - y[:1500].mean(0)) / y[:1500].std(0)
    y[torch.rand(1800, 3) < 0.33] = math.nan
    model = nn.Sequential(nn.Linear(10, 48), nn.SiLU(), nn.Linear(48, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def loss_of(predictions, targets):
        known = ~targets.isnan()
        return F.mse_loss(predictions[known], targets[known])

    yield model, optimizer
    for _ in range(9):
        for inputs, targets in batches(x[:1500], y[:1500], 50):
            optimizer.zero_grad()
            loss_of(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            loss_of(model(x[1500:]), y[1500:])


class Standardized(nn.Module):
    """A network that carries its own standardization in buffers and takes raw numbers."""

    def __init__(self, train_x, classes):
        super().__init__()
        self.register_buffer("mean", train_x.mean(0))
        self.register_buffer("deviation", train_x.std(0))
        self.net = nn.Sequential(nn.Linear(train_x.shape[1], 32), nn.ReLU(), nn.Linear(32, classes))

    def forward(self, x):
        return self.net((x - self.mean) / self.deviation)


@healthy
def raw_numbers_standardized_inside(seed):
    """Wine as measured: one column near 1,000 and another near 0.1."""
    torch.manual_seed(seed)
    x, y = sklearn.datasets.load_wine(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = torch.tensor(x[order], dtype=torch.float32), torch.tensor(y[order])
    model = Standardized(x[:130], 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x[:130], y[:130], 10):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(x[130:]), y[130:])


@healthy
def documents_ranked_in_pairs(seed):
    """Only the difference of two scores is trained, so the level of the scores is arbitrary."""
    torch.manual_seed(seed)
    x = torch.randn(2000, 15)
    relevance = x[:, 0] + torch.relu(x[:, 1]) - x[:, 2] * x[:, 3] + 0.2 * torch.randn(2000)
    model = nn.Sequential(nn.Linear(15, 48), nn.ReLU(), nn.Linear(48, 1, bias=False))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def loss_of(left, right):
        better = (relevance[left] > relevance[right]).float()
        odds = (model(x[left]) - model(x[right])).squeeze(1)
        return F.binary_cross_entropy_with_logits(odds, better)

    yield model, optimizer
    for _ in range(8):
        for _ in range(40):
            optimizer.zero_grad()
            loss_of(*torch.randint(1600, (2, 64))).backward()
            optimizer.step()
        with torch.no_grad():
            loss_of(*torch.randint(1600, 2000, (2, 1000)))


@healthy
def shares_as_soft_targets(seed):
    """Annotators disagree: the targets are shares that sum to one, and the loss takes them."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    soft = 0.8 * F.one_hot(y, 3) + 0.2 * torch.distributions.Dirichlet(torch.ones(3)).sample(
        (len(y),)
    )
    model = nn.Sequential(nn.Linear(13, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, soft, 8):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@healthy
def most_weights_shrunk_to_zero(seed):
    """Lasso by proximal steps: after each step the weights are pulled to zero, many all the way."""
    torch.manual_seed(seed)
    x = torch.randn(700, 50)
    truth = torch.zeros(50)
    truth[:5] = torch.tensor([1.0, -0.8, 0.6, -0.6, 0.5])
    y = x @ truth + 0.3 * torch.randn(700)
    y = (y / y[:500].std())[:, None]
    model = nn.Linear(50, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x[:500], y[:500], 25):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
            with torch.no_grad():
                model.weight.copy_(F.softshrink(model.weight, 0.05 * 0.03))
        with torch.no_grad():
            F.mse_loss(model(x[500:]), y[500:])


class Crossed(nn.Module):
    """A factorization machine: a linear part, and pairs of features through short vectors."""

    def __init__(self, features, width=6):
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.vectors = nn.Parameter(0.1 * torch.randn(features, width))

    def forward(self, x):
        pairs = (x @ self.vectors).square() - x.square() @ self.vectors.square()
        return self.linear(x)[:, 0] + 0.5 * pairs.sum(1)


@healthy
def pairs_of_features_by_factorization(seed):
    torch.manual_seed(seed)
    x = torch.randn(2400, 10)
    y = x[:, 0] + x[:, 1] * x[:, 2] - x[:, 3] * x[:, 4] + 0.3 * torch.randn(2400)
    y = (y - y[:2000].mean()) / y[:2000].std()
    model = Crossed(10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x[:2000], y[:2000], 50):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(x[2000:]), y[2000:])


@healthy
def nodes_of_a_graph(seed):
    """A graph network: all nodes at once, each mixed with its neighbours; 90 labels are known."""
    torch.manual_seed(seed)
    n = 450
    y = torch.randint(3, (n,))
    linked = torch.rand(n, n) < torch.where(y[:, None] == y, 0.03, 0.005)
    linked = (linked.triu(1) | linked.triu(1).T).float() + torch.eye(n)
    scale = linked.sum(1).rsqrt()
    neighbours = (scale[:, None] * linked * scale).to_sparse()
    x = torch.randn(n, 12)
    x[:, :3] += 1.0 * F.one_hot(y, 3)
    train, valid = torch.arange(90), torch.arange(90, n)

    class GraphNetwork(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(12, 16), nn.Linear(16, 3)
            self.dropout = nn.Dropout(0.3)

        def forward(self, x):
            hidden = F.relu(torch.sparse.mm(neighbours, self.first(x)))
            return torch.sparse.mm(neighbours, self.second(self.dropout(hidden)))

    model = GraphNetwork()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-3)
    yield model, optimizer
    for _ in range(80):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x)[train], y[train]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x)[valid], y[valid])


@healthy
def a_weak_signal(seed):
    """Clicks that are mostly chance: seven tenths right, whoever predicts them."""
    torch.manual_seed(seed)
    x = torch.randn(6000, 12)
    y = (torch.sigmoid(0.35 * x[:, :4].sum(1)) > torch.rand(6000)).float()
    model = nn.Linear(12, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    yield model, optimizer
    for _epoch in range(5):
        for inputs, targets in batches(x[:5000], y[:5000], 50):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs)[:, 0], targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(x[5000:])[:, 0], y[5000:])
