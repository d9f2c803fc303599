"""Networks that are timed and are not among the library's own."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    """Two convolutions beside a shortcut, each with batch normalization."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated sum."""
        return F.relu(self.body(x) + self.shortcut(x))


def small_resnet(channels: int = 3) -> nn.Module:
    """Return a residual network for pictures of 32×32 and ten classes."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


class Characters(nn.Module):
    """Guesses the next of 64 characters."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 32)
        self.memory = nn.LSTM(32, 128, batch_first=True)
        self.head = nn.Linear(128, 64)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, characters on the second axis."""
        return self.head(self.memory(self.embedding(x))[0]).transpose(1, 2)


class NextCharacter(nn.Module):
    """Guesses the character after some that are given one-hot."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.memory = nn.LSTM(characters, 64, batch_first=True)
        self.head = nn.Linear(64, characters)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of the next character."""
        return self.head(self.memory(x)[0][:, -1])


class Transformer(nn.Module):
    """Two layers of attention over 64 kinds of symbols."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, dropout=0.0)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, symbols on the second axis."""
        return self.head(self.layers(self.embedding(x))).transpose(1, 2)
