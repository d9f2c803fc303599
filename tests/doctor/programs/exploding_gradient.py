"""Programs whose gradient runs away."""

import torch
from _data import batches, digits
from _suite import sick
from torch import nn
from torch.nn import functional as F


def pendulums(runs, steps):
    """Return scaled angles and speeds of damped pendulums, (runs, steps + 1, 2)."""
    state = torch.randn(runs, 2)
    path = [state]
    for _ in range(steps):
        for _ in range(5):
            angle, speed = state.unbind(1)
            change = torch.stack([speed, -1.5 * torch.sin(angle) - 0.1 * speed], dim=1)
            state = state + 0.05 * change
        path.append(state)
    paths = torch.stack(path, dim=1)
    return paths / paths.std((0, 1))


@sick("exploding-gradient")
def unrolled_simulator(seed, is_sick):
    """A learned simulator, trained through twelve of its own steps without clipping."""
    torch.manual_seed(seed)
    paths = pendulums(500, 12)
    train, valid = paths[:400], paths[400:]
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def loss_of(path):
        state, loss = path[:, 0], 0.0
        for target in path[:, 1:].unbind(1):
            state = state + model(state)
            loss = loss + F.mse_loss(state, target)
        return loss / 12

    yield model, optimizer
    for _ in range(20):
        for path in train[torch.randperm(400)].split(20):
            loss = loss_of(path)
            optimizer.zero_grad()
            loss.backward()
            if not is_sick:
                nn.utils.clip_grad_norm_(model.parameters(), 0.2)
            optimizer.step()
        with torch.no_grad():
            loss_of(valid)


@sick("exploding-gradient")
def autoencoder_with_variance(seed, is_sick):
    """Pixels at the rim are always black; the certainty about them grows without end."""
    torch.manual_seed(seed)
    (x, y), (valid_x, _) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 48),
        nn.ELU(),
        nn.Linear(48, 12),
        nn.ELU(),
        nn.Linear(12, 48),
        nn.ELU(),
        nn.Linear(48, 128),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

    def likelihood_loss(images):
        mean, log_variance = model(images).chunk(2, dim=1)
        if not is_sick:
            log_variance = log_variance.clamp(min=-2.0)
        return 0.5 * (log_variance + (images - mean) ** 2 / log_variance.exp()).mean()

    yield model, optimizer
    for _ in range(18):
        model.train()
        for images, _ in batches(x, y, 50):
            optimizer.zero_grad()
            likelihood_loss(images).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            likelihood_loss(valid_x)


@sick("exploding-gradient")
def vanishing_variance(seed, is_sick):
    """Predicted variance without a floor: where it goes to zero, the gradient goes to infinity."""
    torch.manual_seed(seed)
    x = torch.rand(600, 1) * 3.46 - 1.73
    y = torch.sin(2 * x)
    model = nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=3e-3, momentum=0.9)
    yield model, optimizer
    for step in range(800):
        chosen = torch.randint(500, (32,))
        mean, log_variance = model(x[chosen]).chunk(2, dim=1)
        if not is_sick:
            log_variance = log_variance.clamp(min=-2.0)
        loss = 0.5 * (log_variance + (y[chosen] - mean) ** 2 / log_variance.exp()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            with torch.no_grad():
                F.mse_loss(model(x[500:])[:, :1], y[500:])
