"""A network of one's own, on two interleaved half circles."""

import torch
from torch import nn

import thalweg as tw


class Rings(nn.Module):
    """Distances to centres that are learned, then one linear layer."""

    def __init__(self, centres: int = 24) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(centres, 2))
        self.output = nn.Linear(centres, 1)

    def forward(self, points):
        distance = torch.cdist(points, self.centres)
        return self.output(torch.exp(-(distance**2)))


torch.manual_seed(0)
data = tw.load("moons", n=600)
run = tw.fit(
    Rings(),
    data,
    epochs=40,
    batch_size=32,
    optimizer="nesterov",
    learning_rate=0.1,
    schedule="cosine",
    patience=10,
    out="runs/rings",
)
print(run.score("test"))
print(run.predict([[0.0, 1.0], [1.0, -0.5]]).rows())
