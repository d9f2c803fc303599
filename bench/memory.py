"""Predicted memory of training against what is measured: `python bench/memory.py resnet50 …`.

Each network takes two steps of momentum in a process of its own. Measured are the most bytes that
torch's allocator had handed out, by its own record in the profiler, and the most by which the
process grew. glibc keeps much of what is freed in pieces under 32 MiB; with
MALLOC_MMAP_THRESHOLD_=65536 in the environment it gives them back, and growth is what is in use.
"""

import json
import subprocess
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import thalweg as tw
from thalweg.train import make_optimizer

# Name, side of the image, batch: at real size where a laptop holds it.
CASES = (
    ("lenet", 32, 256),
    ("convnet", 128, 32),
    ("mlp", 64, 32),
    ("residual_mlp", 64, 32),
    ("highway", 64, 32),
    ("alexnet", 227, 16),
    ("alexnet_owt", 224, 16),
    ("zfnet", 224, 8),
    ("vgg11", 224, 4),
    ("vgg16", 224, 4),
    ("vgg19_bn", 224, 4),
    ("googlenet", 224, 8),
    ("inception_v3", 299, 4),
    ("resnet18", 224, 8),
    ("resnet50", 224, 8),
    ("resnet152", 224, 4),
    ("mobilenet", 224, 8),
    ("mobilenet_v2", 224, 8),
)


def scores(output: object) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    inner = output if isinstance(output, tuple) else ()
    return [each for part in inner for each in scores(part)]


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def measure(name: str, size: int, batch: int) -> None:
    """Print the two measured peaks in bytes."""
    warm = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 3))
    warm(torch.zeros(2, 3, 8, 8)).sum().backward()
    make_optimizer(warm, "momentum", learning_rate=1e-3).step()  # imports what a step needs
    before = status("VmRSS")
    model = tw.build(name, classes=1000, channels=3, size=size)
    images, targets = torch.randn(batch, 3, size, size), torch.zeros(batch, dtype=torch.long)
    optimizer = make_optimizer(model, "momentum", learning_rate=1e-3)

    def step() -> None:
        losses = [F.cross_entropy(each, targets) for each in scores(model(images))]
        torch.stack(losses).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    state = [each for kept in optimizer.state.values() for each in kept.values()]
    held = [*model.parameters(), *model.buffers(), *filter(torch.is_tensor, state), images, targets]
    Path("/proc/self/clear_refs").write_text("5")  # The peak counts from here.
    step()
    grown = status("VmHWM") - before
    now = peak = sum(each.nbytes for each in held)
    cpu = torch.profiler.ProfilerActivity.CPU
    with torch.profiler.profile(activities=[cpu], profile_memory=True) as profiled:
        step()
    events = profiled.profiler.kineto_results.events()
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes() if event.name() == "[memory]" else 0
        peak = max(peak, now)
    print(json.dumps([peak, grown]))


def main(names: list[str]) -> None:
    print(f"{'network':<14}{'side':>5}{'batch':>6}{'predicted':>11}{'allocated':>18}{'grown':>18}")
    for name, size, batch in CASES:
        if names and name not in names:
            continue
        anatomy = tw.anatomy(name, (3, size, size))
        predicted = anatomy.training_memory(batch, "momentum").peak
        words = [sys.executable, __file__, "--measure", name, str(size), str(batch)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        shown = [
            f"{value / 2**20:,.0f} ({predicted / value - 1:+.1%})"
            for value in json.loads(done.stdout)
        ]
        print(
            f"{name:<14}{size:>5}{batch:>6}{predicted / 2**20:>11,.0f}{shown[0]:>18}{shown[1]:>18}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(sys.argv[1:])
