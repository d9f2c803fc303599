"""Programs that call the right things in the wrong order."""

import warnings

import torch
from _data import batches, diabetes, digits, glyphs
from _suite import sick
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@sick("stale-forward")
def cnn_steps_before_backward(seed, is_sick):
    """Swaps step and backward: what backward finds, the next zero_grad throws away."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    history = []
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            if is_sick:
                optimizer.step()
                loss.backward()
            else:
                loss.backward()
                optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(valid_x)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


@sick("stale-forward")
def regression_one_step_late(seed, is_sick):
    """Steps with the gradient of the batch before, since backward comes last."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Linear(10, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    loss_function = nn.MSELoss()
    history = []
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x, y, 34):
            loss = loss_function(model(inputs), targets)
            if not is_sick:
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()
            if is_sick:
                optimizer.zero_grad()
                loss.backward()
        with torch.no_grad():
            history.append(loss_function(model(valid_x), valid_y).item())


@sick("stale-forward")
def head_on_an_old_loss(seed, is_sick):
    """Computes the loss once per large batch, and steps eight times on that one graph."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    trunk = nn.Sequential(nn.Conv2d(1, 16, 7, stride=3), nn.ReLU(), nn.Flatten())
    head = nn.Linear(16 * 8 * 8, 10)
    with torch.no_grad():
        features, valid_features = trunk(x), trunk(valid_x)
    mean, deviation = features.mean(), features.std()
    features, valid_features = (features - mean) / deviation, (valid_features - mean) / deviation
    optimizer = torch.optim.RMSprop(head.parameters(), lr=3e-4, weight_decay=1e-3)
    history = []
    yield head, optimizer
    for _ in range(4):
        for inputs, targets in batches(features, y, 125):
            loss = F.cross_entropy(head(inputs), targets)
            for _ in range(8):
                if not is_sick:
                    loss = F.cross_entropy(head(inputs), targets)
                optimizer.zero_grad()
                loss.backward(retain_graph=is_sick)
                optimizer.step()
        with torch.no_grad():
            logits = head(valid_features)
            accuracy = (logits.argmax(1) == valid_y).float().mean()
            history.append((F.cross_entropy(logits, valid_y).item(), accuracy.item()))


@sick("stale-forward")
def scheduler_before_the_optimizer(seed, is_sick):
    """Steps the scheduler at the start of an epoch: the first rate goes unused, the last is 0."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.4)
    epochs = 5
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - epoch / epochs)
    history = []
    yield model, optimizer
    for _ in range(epochs):
        if is_sick:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scheduler.step()
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        if not is_sick:
            scheduler.step()
        with torch.no_grad():
            history.append(F.cross_entropy(model(valid_x), valid_y).item())


@sick("stale-forward")
def autocast_one_step_late(seed, is_sick):
    """Steps between forward and backward; autocast's copies hide it from the version check."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = []
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 32):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(inputs)
            loss = F.cross_entropy(logits.float(), targets)
            if is_sick:
                optimizer.step()
                optimizer.zero_grad()
                loss.backward()
            else:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            history.append(F.cross_entropy(model(valid_x), valid_y).item())
