"""Programs in which Python waits for the accelerator in each step; on a CPU nothing is to find."""

import io
import math

import torch
from _data import diabetes, digits, text
from _suite import sick
from torch import nn
from torch.nn import functional as F

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def moved(parts):
    """Return training and validation part on the device."""
    return tuple(tuple(tensor.to(DEVICE) for tensor in part) for part in parts)


class SmallConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.head = nn.Linear(32 * 4, 10)

    def forward(self, images):
        images = F.max_pool2d(F.relu(self.first(images)), 2)
        images = F.max_pool2d(F.relu(self.second(images)), 2)
        return self.head(images.flatten(1))


@sick("sync-every-step")
def running_loss_and_accuracy(seed, is_sick):
    """Loss and hits are added up with `.item()` in each step. On a CPU there is nothing to find."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = moved(digits(seed, images=True))
    model = SmallConv().to(DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    criterion = nn.CrossEntropyLoss()
    history = []
    yield model, optimizer
    for _epoch in range(6):
        model.train()
        running_loss = hits = 0
        order = torch.randperm(len(x), device=DEVICE)
        for start in range(0, len(x) - 39, 40):
            chosen = order[start : start + 40]
            images, labels = x[chosen], y[chosen]
            optimizer.zero_grad()
            logits = model(images)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()
            if is_sick:
                running_loss += loss.item()
                hits += (logits.argmax(1) == labels).sum().item()
            else:
                running_loss += loss.detach()
                hits += (logits.argmax(1) == labels).sum()
        scheduler.step()
        history.append((float(running_loss) / 35, float(hits) / 1400))
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


class NextLetter(nn.Module):
    def __init__(self, letters):
        super().__init__()
        self.letter = nn.Embedding(letters, 24)
        self.lstm = nn.LSTM(24, 48, batch_first=True)
        self.head = nn.Linear(48, letters)

    def forward(self, piece):
        return self.head(self.lstm(self.letter(piece))[0])


@sick("sync-every-step")
def loss_printed_in_each_step(seed, is_sick):
    """A line is printed in each step, in the twin in each fiftieth. Nothing to find on a CPU."""
    torch.manual_seed(seed)
    stream, letters = text()
    pieces = stream[:150_000].to(DEVICE).unfold(0, 17, 1)
    model = NextLetter(len(letters)).to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    log = io.StringIO()
    every = 1 if is_sick else 50
    yield model, optimizer
    for step in range(250):
        piece = pieces[torch.randint(len(pieces), (16,), device=DEVICE)]
        logits = model(piece[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), piece[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % every == 0:
            print(f"step {step}: loss {loss:.3f}", file=log)


@sick("sync-every-step")
def finite_checked_in_each_step(seed, is_sick):
    """An `if` on the loss, and losses kept as numbers, in each step. Nothing to find on a CPU."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = moved(diabetes(seed))
    model = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 1)).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    yield model, optimizer
    for _epoch in range(15):
        epoch_losses = []
        for chosen in torch.randperm(len(x), device=DEVICE).split(20):
            loss = F.mse_loss(model(x[chosen]), y[chosen])
            if is_sick and not math.isfinite(loss.item()):
                raise FloatingPointError("the loss is not finite")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            epoch_losses.append(loss.detach().cpu().numpy() if is_sick else loss.detach())
        if not is_sick:
            epoch_losses = torch.stack(epoch_losses).tolist()
        losses.extend(epoch_losses)
        if not all(map(math.isfinite, epoch_losses)):
            raise FloatingPointError("the loss is not finite")
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)
