"""A source, a network and a task of one's own: visits, which are Poisson distributed."""

import json
from pathlib import Path

import numpy as np
from torch import nn

import thalweg as tw
from thalweg.cli import main


def read_lines(path, target):
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    inputs = tw.data.ArrayInputs(np.array([row["place"] for row in rows]))
    counts = np.array([row[target] for row in rows])
    return tw.data.Raw(inputs, counts, tuple(row["shop"] for row in rows), (target,))


lines = tw.data.Source(lambda data: str(data).endswith(".jsonl"), read_lines)
tw.data.sources.register("lines", summary=".jsonl files")(lines)


@tw.models.networks.register("narrow", summary="one hidden layer")
def narrow(*, outputs, features, width=16):
    return nn.Sequential(nn.Linear(features, width), nn.Tanh(), nn.Linear(width, outputs))


@tw.tasks.tasks.register("counts", summary="a count, from the logarithm of its mean")
class Counts(tw.tasks.Task):
    name, primary, outputs = "counts", "mae", 1

    def __init__(self, target):
        self.target = target

    def check(self, output, targets):
        if output.shape != targets.shape:
            raise tw.errors.ShapeError(f"one output is needed, got {tuple(output.shape)}.")

    def losses(self, output, targets):
        return nn.functional.poisson_nll_loss(output, targets, reduction="none")[:, 0]

    def quick(self, output, targets):
        return {"mae": float((output.exp() - targets).abs().mean())}

    score = quick

    def read(self, output, names):
        return tw.tasks.Prediction(output[:, 0].exp().numpy(), None, (), tuple(names))

    def options(self):
        return {}


draw = np.random.default_rng(0)
with Path("shops.jsonl").open("w") as file:
    for number, place in enumerate(draw.uniform(-1, 1, size=(400, 2)).tolist()):
        visits = int(draw.poisson(np.exp(1 + 2 * place[0])))
        print(json.dumps({"shop": f"shop {number}", "place": place, "visits": visits}), file=file)

data = tw.load("shops.jsonl", "visits", kind="number")
run = tw.fit("narrow", data, task="counts", epochs=60, learning_rate=0.01, out="runs/shops")
print(run.score("test"))
print(run.predict([[0.5, 0.0]]).values)
# The same run by the command line, from the settings that the run keeps.
main(["train", "--config", "runs/shops/config.toml", "--out", "runs/again"])
