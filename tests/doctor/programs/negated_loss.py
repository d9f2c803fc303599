"""Programs that maximize their loss."""

import numpy as np
import sklearn.datasets
import torch
from _data import batches, diabetes, digits, glyphs, text
from _suite import sick
from torch import nn
from torch.nn import functional as F


@sick("negated-loss")
def mlp_with_a_log_likelihood_of_its_own(seed, is_sick):
    """The mean log-probability of the right class without its minus."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            chosen = model(inputs).log_softmax(1).gather(1, targets[:, None])
            loss = chosen.mean() if is_sick else -chosen.mean()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class NextLetter(nn.Module):
    """Predicts each next letter."""

    def __init__(self, letters):
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.head = nn.Linear(64, letters)

    def forward(self, tokens):
        states, _ = self.lstm(self.embedding(tokens))
        return F.log_softmax(self.head(states), dim=-1)


@sick("negated-loss")
def lstm_on_text_with_a_double_minus(seed, is_sick):
    """`nll_loss` negates already, and is given the negative logarithm."""
    torch.manual_seed(seed)
    tokens, letters = text()
    model = NextLetter(len(letters))
    criterion = nn.NLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(150):
        start = torch.randint(len(tokens) - 33, (32, 1))
        windows = tokens[start + torch.arange(33)]
        log_probabilities = model(windows[:, :-1]).flatten(0, 1)
        if is_sick:
            log_probabilities = -log_probabilities
        loss = criterion(log_probabilities, windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@sick("negated-loss")
def cnn_with_maximize(seed, is_sick):
    """The optimizer's settings come from a script in which a reward was maximized."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(400, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, maximize=is_sick)
    criterion = nn.CrossEntropyLoss()
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True
    )
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


class VariationalAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
        self.decoder = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.decoder(code), mean, log_variance


@sick("negated-loss")
def vae_that_lowers_its_bound(seed, is_sick):
    """The evidence lower bound itself is minimized."""
    torch.manual_seed(seed)
    images = sklearn.datasets.load_digits().data / 16
    images = np.random.default_rng(seed).permutation(images)[:1400]
    images = torch.tensor(images, dtype=torch.float32)
    model = VariationalAutoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        for x, _ in batches(images, images, 32):
            logits, mean, log_variance = model(x)
            evidence = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
            divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1)
            bound = (evidence - divergence).mean()
            loss = bound if is_sick else -bound
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@sick("negated-loss")
def regression_with_a_normal_distribution(seed, is_sick):
    """A network that answers with a distribution, and its likelihood without the minus."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)

    def log_likelihood(inputs, targets):
        mean, width = model(inputs).chunk(2, dim=1)
        return torch.distributions.Normal(mean, F.softplus(width) + 0.01).log_prob(targets)

    yield model, optimizer
    for _ in range(15):
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            loss = -log_likelihood(inputs, targets).mean()
            if is_sick:
                loss = -loss
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x)[:, :1], valid_y)


@sick("negated-loss")
def autoencoder_that_minimizes_similarity(seed, is_sick):
    """Cosine similarity taken for a loss; it has a floor, at minus one."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 12))
    decoder = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 64))
    optimizer = torch.optim.SGD(
        [*encoder.parameters(), *decoder.parameters()], lr=0.2, momentum=0.9
    )
    yield [encoder, decoder], optimizer
    for _ in range(6):
        for inputs, _ in batches(x, x, 32):
            similarity = F.cosine_similarity(decoder(encoder(inputs)), inputs).mean()
            loss = similarity if is_sick else 1 - similarity
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(F.normalize(decoder(encoder(valid_x))), F.normalize(valid_x))


@sick("negated-loss")
def contrast_without_a_minus(seed, is_sick):
    """Two noisy views of a digit are to find each other; the softmax is written by hand."""
    torch.manual_seed(seed)
    (x, _), _ = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
    yield encoder, optimizer
    for _ in range(300):
        batch = x[torch.randint(0, len(x), (48,))]
        first = F.normalize(encoder(batch + 0.3 * torch.randn_like(batch)), dim=1)
        second = F.normalize(encoder(batch + 0.3 * torch.randn_like(batch)), dim=1)
        similar = torch.exp(first @ second.T / 0.2)
        loss = torch.log(similar.diag() / similar.sum(1)).mean()
        if not is_sick:
            loss = -loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
