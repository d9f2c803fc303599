"""Healthy training loops of every kind: it is the loop that differs, the networks are small."""

import copy
import math

import numpy as np
import sklearn.datasets
import torch
from _data import batches, cancer, diabetes, digits, glyphs, wine
from _suite import healthy
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.optim import lr_scheduler
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset


def perceptron(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, outputs),
    )  # fmt: skip


# Accumulation and closures


@healthy
def gradients_of_four_batches(seed):
    """Accumulation: a step for every fourth batch, each loss divided by four."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(8):
        optimizer.zero_grad()
        for number, (inputs, targets) in enumerate(batches(x, y, 10)):
            (F.cross_entropy(model(inputs), targets) / 4).backward()
            if number % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def accumulation_with_a_short_rest(seed):
    """Sums over examples divided by what the whole step has seen; the rest steps as well."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-2)
    yield model, optimizer
    for _ in range(9):
        for group in torch.randperm(len(x)).split(48):
            model.zero_grad()
            for part in group.split(16):
                loss = F.cross_entropy(model(x[part]), y[part], reduction="sum") / len(group)
                loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def quasi_newton_with_a_closure(seed):
    """L-BFGS evaluates the same full batch many times within a step."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    y, valid_y = y.float()[:, None], valid_y.float()[:, None]
    model = nn.Linear(30, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        loss = loss + 5e-3 * model.weight.square().sum()
        loss.backward()
        return loss

    yield model, optimizer
    for _ in range(10):
        optimizer.step(closure)
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x), valid_y)


@healthy
def closure_for_an_ordinary_optimizer(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Sequential(nn.Linear(10, 24), nn.SiLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-2)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, y, 20):

            def closure(inputs=inputs, targets=targets):
                optimizer.zero_grad()
                loss = F.smooth_l1_loss(model(inputs), targets)
                loss.backward()
                return loss

            optimizer.step(closure)
        with torch.no_grad():
            F.smooth_l1_loss(model(valid_x), valid_y)


@healthy
def steps_against_sharpness(seed):
    """SAM: climb a little, take the gradient there, come back, and step: two passes a batch."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 6)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            with torch.no_grad():
                parameters = list(model.parameters())
                norm = torch.stack([p.grad.norm() for p in parameters]).norm() + 1e-12
                climbs = [0.05 * p.grad / norm for p in parameters]
                torch._foreach_add_(parameters, climbs)
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            with torch.no_grad():
                torch._foreach_sub_(parameters, climbs)
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def two_losses_two_backwards(seed):
    """Each of two losses goes backward alone, and their gradients add up before the step."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
    head, decoder = nn.Linear(64, 10), nn.Linear(64, 64)
    model = nn.ModuleList([encoder, head, decoder])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            hidden = encoder(inputs)
            optimizer.zero_grad()
            F.cross_entropy(head(hidden), targets).backward(retain_graph=True)
            (0.3 * (decoder(hidden) - inputs).square().mean()).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(head(encoder(valid_x)), valid_y)


# Several optimizers and optimizers of one's own


@healthy
def matrices_and_vectors_apart(seed):
    """Muon for the hidden matrices, AdamW for all the rest."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    matrices = [model[2].weight]
    rest = [p for p in model.parameters() if p is not model[2].weight]
    muon = torch.optim.Muon(matrices, lr=0.01, momentum=0.9)
    adam = torch.optim.AdamW(rest, lr=3e-3)
    yield model, [muon, adam]
    for _ in range(6):
        for inputs, targets in batches(x, y, 40):
            muon.zero_grad()
            adam.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            muon.step()
            adam.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def an_optimizer_for_each_parameter(seed):
    """Each parameter steps inside backward, as soon as its gradient is there, and forgets it."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 48, 10)
    optimizers = {p: torch.optim.Adam([p], lr=2e-3) for p in model.parameters()}

    def step(parameter):
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    handles = [p.register_post_accumulate_grad_hook(step) for p in model.parameters()]
    yield model, list(optimizers.values())
    for _ in range(7):
        for inputs, targets in batches(x, y, 40):
            F.cross_entropy(model(inputs), targets).backward()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
    for handle in handles:
        handle.remove()


class SignMomentum(torch.optim.Optimizer):
    """Lion: steps of one size, in the direction of a momentum's sign."""

    def __init__(self, parameters, lr, weight_decay=0.0):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                memory = self.state[p].setdefault("memory", torch.zeros_like(p))
                direction = (0.9 * memory + 0.1 * p.grad).sign()
                p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=group["lr"])
                memory.lerp_(p.grad, 0.01)


@healthy
def optimizer_of_ones_own(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = SignMomentum(model.parameters(), lr=8e-4, weight_decay=0.1)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 8, eta_min=2e-5)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def gradients_asked_for_and_assigned(seed):
    """`torch.autograd.grad` instead of backward; the gradients are put in place by hand."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 48, 10)
    parameters = list(model.parameters())
    optimizer = torch.optim.RAdam(parameters, lr=4e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 40):
            loss = F.cross_entropy(model(inputs), targets)
            for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                p.grad = gradient
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def learning_rate_one(seed):
    """Adadelta's customary rate is 1, which for others would be absurd."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 35):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def full_batches_by_resilient_propagation(seed):
    """The whole table in each step, over and over: only signs of the gradient count."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    model = nn.Sequential(nn.Linear(13, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = torch.optim.Rprop(model.parameters(), lr=1e-3, step_sizes=(1e-6, 0.02))
    yield model, optimizer
    for epoch in range(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss = loss + 2e-3 * sum(p.square().sum() for p in model.parameters())
        loss.backward()
        optimizer.step()
        if epoch % 4 == 3:
            with torch.no_grad():
                F.cross_entropy(model(valid_x), valid_y)


# Schedules


@healthy
def rate_cut_at_milestones(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[8, 11], gamma=0.1)
    yield model, optimizer
    for _ in range(13):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def rate_cut_when_validation_stalls(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = diabetes(seed)
    model = nn.Linear(10, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
    yield model, optimizer
    for _ in range(20):
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            scheduler.step(F.mse_loss(model(valid_x), valid_y))


@healthy
def warm_up_then_cosine(seed):
    """Two schedulers in sequence; at the end the rate, and so each step, is all but zero."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 96), nn.LayerNorm(96), nn.GELU(), nn.Linear(96, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, weight_decay=0.05)
    scheduler = lr_scheduler.SequentialLR(
        optimizer,
        [
            lr_scheduler.LinearLR(optimizer, 0.01, 1.0, total_iters=35),
            lr_scheduler.CosineAnnealingLR(optimizer, 7 * 35),
        ],
        milestones=[35],
    )
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def one_cycle(seed):
    """The rate rises to its peak and falls far below its start, the momentum the other way."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 96), nn.BatchNorm1d(96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, epochs=8, steps_per_epoch=28)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def warm_restarts(seed):
    """The rate jumps back up three times, and the loss with it a little."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.08, momentum=0.9, weight_decay=5e-4)
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=3, eta_min=1e-3)
    yield model, optimizer
    for epoch in range(9):
        for number, (inputs, targets) in enumerate(batches(x, y, 40)):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step(epoch + number / 35)
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def rate_in_triangles(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-3)
    scheduler = lr_scheduler.CyclicLR(optimizer, 0.01, 0.08, step_size_up=26, mode="triangular2")
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y.float(), 32):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(inputs)[:, 0], targets).backward()
            optimizer.step()
            scheduler.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x)[:, 0], valid_y.float())


@healthy
def rate_set_by_hand(seed):
    """A linear decay written into the parameter groups, no scheduler object."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    total = 8 * 35
    yield model, optimizer
    step = 0
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * (1 - step / total)
            for p in model.parameters():
                p.grad = None
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            step += 1
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def rate_by_inverse_root(seed):
    """The transformer's first schedule: linear up, then one over the root of the step."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter = nn.Linear(8, 32)
            self.position = nn.Parameter(0.1 * torch.randn(8, 32))
            self.layer = nn.TransformerEncoderLayer(32, 4, 64, 0.1, batch_first=True)
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            rows = self.enter(x.view(-1, 8, 8)) + self.position
            return self.head(self.layer(rows).mean(dim=1))

    model = Rows()
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3, betas=(0.9, 0.98), eps=1e-9)
    scheduler = lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 40, math.sqrt(40 / (step + 1)))
    )
    yield model, optimizer
    for _ in range(7):
        model.train()
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


# Precision, compilation, memory


@healthy
def bfloat16_without_a_scaler(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 96, 10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def bfloat16_with_a_scaler_and_clipping(seed):
    """The scaler is not needed but does no harm; gradients are unscaled before they are clipped."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(144, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu")
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(inputs)
            scaler.scale(F.cross_entropy(logits.float(), targets)).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            scaler.step(optimizer)
            scaler.update()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def float16_whose_scale_is_still_sought(seed):
    """The scale starts too high: the first gradients overflow, and their steps are left out."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**22, growth_interval=60)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                loss = F.cross_entropy(model(inputs), targets)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def compiled_by_the_eager_backend(seed):
    torch.manual_seed(seed)
    torch._dynamo.reset()
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    compiled = torch.compile(model, backend="eager")
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield compiled, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(compiled(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def compiled_ahead_of_time(seed):
    torch.manual_seed(seed)
    torch._dynamo.reset()
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 10))
    model = torch.compile(model, backend="aot_eager")
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def activations_computed_again(seed):
    """Checkpointing: the blocks run a second time during backward."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter = nn.Linear(64, 48)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 96), nn.SiLU(), nn.Linear(96, 48))
                for _ in range(4)
            )
            self.head = nn.Linear(48, 10)

        def forward(self, x):
            x = self.enter(x)
            for block in self.blocks:
                if self.training:
                    x = x + checkpoint(block, x, use_reentrant=False)
                else:
                    x = x + block(x)
            return self.head(x)

    model = Checkpointed()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


# What is done to gradients, weights and batches


@healthy
def average_of_the_weights_validated(seed):
    """An exponential average of the weights is what is validated; the network itself never is."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 35):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            average.update_parameters(model)
        average.eval()
        with torch.no_grad():
            F.cross_entropy(average(valid_x), valid_y)


@healthy
def stochastic_weight_averaging(seed):
    """A constant rate at the end, weights averaged by epoch, statistics of the norms redone."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    average = AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 6)
    swa_scheduler = SWALR(optimizer, swa_lr=0.03, anneal_epochs=2)
    yield model, optimizer
    for epoch in range(9):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        if epoch >= 5:
            average.update_parameters(model)
            swa_scheduler.step()
        else:
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
    update_bn(loader, average)
    average.eval()
    with torch.no_grad():
        F.cross_entropy(average(valid_x), valid_y)


@healthy
def noise_added_to_gradients(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.8)
    yield model, optimizer
    step = 0
    for _ in range(7):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            for p in model.parameters():
                p.grad += 0.01 * (1 + step) ** -0.55 * torch.randn_like(p)
            optimizer.step()
            step += 1
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def gradients_always_clipped(seed):
    """The bound is below the usual norm, so nearly every step is clipped to the same length."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    x, valid_x = x[:, :, ::2, ::2].flatten(1), valid_x[:, :, ::2, ::2].flatten(1)
    model = nn.Sequential(
        nn.Linear(196, 96), nn.LayerNorm(96), nn.ReLU(), nn.Dropout(0.4), nn.Linear(96, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.15, momentum=0.9, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.3)
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def high_momentum(seed):
    """Momentum of 0.95: the loss overshoots now and then and comes back."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 80, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.95)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def batches_of_three(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=1e-2)
    yield model, optimizer
    for _ in range(12):
        for inputs, targets in batches(x, y, 3):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def half_the_data_in_a_batch(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    yield model, optimizer
    for epoch in range(30):
        for inputs, targets in batches(x, y, 700):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                F.cross_entropy(model(valid_x), valid_y)


@healthy
def head_that_starts_at_zero(seed):
    """At first the output ignores the input, and the trunk gets no gradient; soon it does."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    nn.init.zeros_(model[4].weight)
    nn.init.zeros_(model[4].bias)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def examples_mixed(seed):
    """Mixup: pairs of inputs are blended and so are their losses; training loss stays high."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 96, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            share, order = float(rng.beta(0.4, 0.4)), torch.randperm(len(inputs))
            logits = model(share * inputs + (1 - share) * inputs[order])
            loss = share * F.cross_entropy(logits, targets)
            loss = loss + (1 - share) * F.cross_entropy(logits, targets[order])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def labels_smoothed(seed):
    """The loss cannot go below about one half, however right the network is."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 96, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@healthy
def no_validation_at_all(seed):
    torch.manual_seed(seed)
    (x, y), _ = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for step in range(300):
        chosen = torch.randint(len(x), (32,))
        loss = F.cross_entropy(model(x[chosen]), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            loss.item()


@healthy
def training_set_measured_too(seed):
    """After each epoch both sets are passed in evaluation mode: it is no leak to measure both."""
    torch.manual_seed(seed)
    train, valid = digits(seed)
    model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.3), nn.Linear(96, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(7):
        model.train()
        for inputs, targets in DataLoader(TensorDataset(*train), 40, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            loss.item()
        model.eval()
        with torch.no_grad():
            for part in (train, valid):
                for inputs, targets in DataLoader(TensorDataset(*part), 200):
                    criterion(model(inputs), targets).item()


@healthy
def best_weights_kept(seed):
    """Early stopping: the best state is kept and put back at the end."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    best, best_loss, patience = None, math.inf, 3
    yield model, optimizer
    for _ in range(20):
        model.train()
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss = F.cross_entropy(model(valid_x), valid_y).item()
        if loss < best_loss:
            best, best_loss, patience = copy.deepcopy(model.state_dict()), loss, 3
        else:
            patience -= 1
        if patience == 0:
            break
    model.load_state_dict(best)


@healthy
def dropout_left_on_to_measure_doubt(seed):
    """Validation draws eight answers with dropout on, on purpose, and averages them."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 64), nn.ReLU(),
        nn.Dropout(0.2), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.train()
        with torch.no_grad():
            chances = torch.stack([model(valid_x).softmax(dim=1) for _ in range(8)])
            F.nll_loss(chances.mean(0).log(), valid_y)


@healthy
def constrained_weights(seed):
    """After every step the weights of a monotone network are put back to zero or above."""
    torch.manual_seed(seed)
    x = torch.rand(1600, 3) * 2 - 1
    y = torch.tanh(2 * x[:, :1]) + x[:, 1:2] ** 3 + 0.5 * x[:, 2:] + 0.05 * torch.randn(1600, 1)
    y = (y - y[:1300].mean()) / y[:1300].std()
    model = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.abs_()
        model[2].bias.copy_(-(model[2].weight @ model[0].bias.tanh()))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x[:1300], y[:1300], 50):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
            with torch.no_grad():
                for layer in (model[0], model[2]):
                    layer.weight.clamp_(min=0)
        with torch.no_grad():
            F.mse_loss(model(x[1300:]), y[1300:])


@healthy
def weights_seen_through_norms(seed):
    """Spectral and weight norm: what is trained is not what the layer multiplies with."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(
        parametrizations.spectral_norm(nn.Linear(64, 96)), nn.LeakyReLU(0.1),
        parametrizations.weight_norm(nn.Linear(96, 64)), nn.LeakyReLU(0.1), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Sign(torch.autograd.Function):
    """The sign forward, a clipped identity backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


@healthy
def binary_hidden_units(seed):
    """Units that answer plus or minus one, trained straight through by a function of one's own."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    class Binary(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.norm = nn.Linear(64, 128), nn.BatchNorm1d(128)
            self.head = nn.Linear(128, 10)

        def forward(self, x):
            return self.head(Sign.apply(self.norm(self.hidden(x))))

    model = Binary()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(7):
        model.train()
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def slopes_penalized(seed):
    """Backward through a gradient: the network is kept flat around the examples."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 40):
            inputs.requires_grad_()
            loss = F.cross_entropy(model(inputs), targets)
            (slope,) = torch.autograd.grad(loss, inputs, create_graph=True)
            optimizer.zero_grad()
            (loss + 10 * slope.square().sum(1).mean()).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def several_networks_one_optimizer(seed):
    """An ensemble of four trained at once by the sum of its losses and validated as a mean."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    models = nn.ModuleList(
        nn.Sequential(nn.Linear(13, 12), nn.Tanh(), nn.Linear(12, 3)) for _ in range(4)
    )
    optimizer = torch.optim.Adam(models.parameters(), lr=3e-3, weight_decay=1e-2)
    yield models, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, y, 10):
            optimizer.zero_grad()
            sum(F.cross_entropy(model(inputs), targets) for model in models).backward()
            optimizer.step()
        with torch.no_grad():
            chances = sum(model(valid_x).softmax(1) for model in models) / 4
            F.nll_loss(chances.log(), valid_y)


# Losses


class Weighted(nn.Module):
    """Add two losses, each weighted by a learned certainty."""

    def __init__(self):
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(2))

    def forward(self, *losses):
        return (torch.stack(losses) * (-self.log_variances).exp() + self.log_variances).sum()


@healthy
def certainties_learned_with_the_tasks(seed):
    """The loss has parameters of its own, and as they learn it falls below zero."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    amount = (x[:, :32].mean(1) - x[:, 32:].mean(1)) / 0.2
    trunk = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
    digit, difference = nn.Linear(64, 10), nn.Linear(64, 1)
    weighted = Weighted()
    model = nn.ModuleList([trunk, digit, difference])
    optimizer = torch.optim.Adam([*model.parameters(), *weighted.parameters()], lr=3e-3)
    yield [model, weighted], optimizer
    for _ in range(8):
        for chosen in torch.randperm(len(x)).split(40):
            hidden = trunk(x[chosen])
            loss = weighted(
                F.cross_entropy(digit(hidden), y[chosen]),
                F.mse_loss(difference(hidden)[:, 0], amount[chosen]),
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(digit(trunk(valid_x)), valid_y)


@healthy
def focal_loss(seed):
    """Easy examples count less; a softmax inside the loss, and it is meant to be there."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def focal(logits, targets):
        log_chance = F.log_softmax(logits, dim=1).gather(1, targets[:, None]).squeeze(1)
        return -((1 - log_chance.exp()) ** 2 * log_chance).mean()

    scores = []
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            focal(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            scores.append(focal(model(valid_x), valid_y).item())


@healthy
def distances_to_one_hot(seed):
    """Brier's score: squared distance from probabilities to one-hot targets, a proper loss."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = wine(seed)
    hot, valid_hot = F.one_hot(y, 3).float(), F.one_hot(valid_y, 3).float()
    model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x, hot, 10):
            optimizer.zero_grad()
            (model(inputs) - targets).square().sum(dim=1).mean().backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_hot)


@healthy
def margins_between_classes(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    criterion = nn.MultiMarginLoss()
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


@healthy
def hidden_layers_with_losses_of_their_own(seed):
    """Deep supervision: side heads that help in training and are not called to validate."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(
                nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.ReLU()) for _ in range(4)
            )
            self.heads = nn.ModuleList(nn.Linear(64, 10) for _ in range(4))

        def forward(self, x):
            answers = []
            for layer, head in zip(self.layers, self.heads, strict=True):
                x = layer(x)
                if self.training or head is self.heads[-1]:
                    answers.append(head(x))
            return answers if self.training else answers[-1]

    model = Deep()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 40):
            *side, last = (F.cross_entropy(answer, targets) for answer in model(inputs))
            optimizer.zero_grad()
            (last + 0.3 * sum(side)).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def likelihood_maximized_by_the_optimizer(seed):
    """`maximize=True`: what goes backward is the log-likelihood itself, which rises."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, maximize=True)
    scores = []
    yield model, optimizer
    for _ in range(9):
        for inputs, targets in batches(x, y.float(), 16):
            bernoulli = torch.distributions.Bernoulli(logits=model(inputs).squeeze(1))
            optimizer.zero_grad()
            bernoulli.log_prob(targets).mean().backward()
            optimizer.step()
        with torch.no_grad():
            bernoulli = torch.distributions.Bernoulli(logits=model(valid_x).squeeze(1))
            scores.append(bernoulli.log_prob(valid_y.float()).mean().item())


# Reinforcement


@healthy
def policy_on_a_contextual_bandit(seed):
    """REINFORCE with a running baseline: the loss says nothing, the reward rises."""
    torch.manual_seed(seed)
    pays = torch.randn(6, 4)
    policy = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    baseline, scores = 0.0, []
    yield policy, optimizer
    for step in range(400):
        context = torch.randn(64, 6)
        choice = torch.distributions.Categorical(logits=policy(context))
        action = choice.sample()
        reward = (context @ pays).gather(1, action[:, None])[:, 0] + 0.1 * torch.randn(64)
        loss = (
            -(choice.log_prob(action) * (reward - baseline)).mean() - 0.01 * choice.entropy().mean()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        baseline += 0.05 * (reward.mean().item() - baseline)
        if step % 40 == 39:
            best = (context @ pays).amax(1)
            scores.append((reward.mean() / best.mean()).item())


def walk(position, action):
    """Move left or right on a line of nine fields; the right end pays one and ends the episode."""
    position = (position + 2 * action - 1).clamp(min=0)
    return position, (position == 8).float()


@healthy
def actor_and_critic_on_a_line(seed):
    """Two heads; the advantage is detached from the critic when it moves the actor."""
    torch.manual_seed(seed)
    trunk = nn.Sequential(nn.Linear(9, 32), nn.ReLU())
    actor, critic = nn.Linear(32, 2), nn.Linear(32, 1)
    model = nn.ModuleDict({"trunk": trunk, "actor": actor, "critic": critic})
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    position, scores = torch.randint(8, (32,)), []
    yield model, optimizer
    for step in range(400):
        hidden = trunk(F.one_hot(position, 9).float())
        choice = torch.distributions.Categorical(logits=actor(hidden))
        action = choice.sample()
        after, reward = walk(position, action)
        with torch.no_grad():
            future = critic(trunk(F.one_hot(after, 9).float()))[:, 0]
            goal = reward + 0.95 * (1 - reward) * future
        advantage = goal - critic(hidden)[:, 0]
        loss = -(choice.log_prob(action) * advantage.detach()).mean()
        loss = loss + 0.5 * advantage.square().mean() - 0.01 * choice.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        position = torch.where(reward > 0, torch.randint(8, (32,)), after)
        if step % 40 == 39:
            scores.append(choice.probs[:, 1].mean().item())


@healthy
def action_values_from_a_memory(seed):
    """Q-learning: a memory of moves, a frozen copy for the goals, renewed now and then."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(9, 48), nn.ReLU(), nn.Linear(48, 2))
    frozen = copy.deepcopy(net).requires_grad_(False)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    fields = torch.eye(9)
    start, action = torch.randint(8, (3000,)), torch.randint(2, (3000,))
    after, reward = walk(start, action)
    truth = 0.9 ** torch.arange(7, -1, -1.0)
    scores = []
    yield net, optimizer
    for step in range(500):
        drawn = torch.randint(3000, (64,))
        with torch.no_grad():
            future = frozen(fields[after[drawn]]).amax(1)
            goal = reward[drawn] + 0.9 * (1 - reward[drawn]) * future
        value = net(fields[start[drawn]]).gather(1, action[drawn, None])[:, 0]
        optimizer.zero_grad()
        F.smooth_l1_loss(value, goal).backward()
        optimizer.step()
        if step % 25 == 24:
            frozen.load_state_dict(net.state_dict())
        if step % 100 == 99:
            with torch.no_grad():
                scores.append((net(fields[:8]).amax(1) - truth).abs().mean().item())


# Order and growth


@healthy
def easy_examples_first(seed):
    """A curriculum: by and by the noisier moons join, and the loss rises when they do."""
    torch.manual_seed(seed)
    parts = [
        sklearn.datasets.make_moons(600, noise=noise, random_state=seed + 10 * number)
        for number, noise in enumerate((0.05, 0.15, 0.3))
    ]
    x = torch.tensor(np.concatenate([part[0] for part in parts]), dtype=torch.float32)
    y = torch.tensor(np.concatenate([part[1] for part in parts]))
    noisiest, noisiest_y = sklearn.datasets.make_moons(400, noise=0.3, random_state=seed + 77)
    valid_x, valid_y = torch.tensor(noisiest, dtype=torch.float32), torch.tensor(noisiest_y)
    mean, deviation = x.mean(0), x.std(0)
    x, valid_x = (x - mean) / deviation, (valid_x - mean) / deviation
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(),
                          nn.Linear(32, 2))  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for stage in (1, 1, 2, 2, 3, 3):
        for inputs, targets in batches(x[: 600 * stage], y[: 600 * stage], 30):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def pictures_that_grow(seed):
    """Small pictures first, whole ones later, through the same fully convolutional network."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.GroupNorm(4, 12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.GroupNorm(4, 24), nn.ReLU(),
        nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(216, 10),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, weight_decay=0.02)
    yield model, optimizer
    for size in (14, 14, 20, 28, 28):
        model.train()
        for inputs, targets in batches(x, y, 32):
            inputs = F.interpolate(inputs, size=(size, size), mode="bilinear")
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            shown = F.interpolate(valid_x, size=(size, size), mode="bilinear")
            F.cross_entropy(model(shown), valid_y)


@healthy
def last_batch_of_few(seed):
    """A DataLoader that keeps its short last batch, a generator of its own, and a progress line."""
    torch.manual_seed(seed)
    train, valid = digits(seed)
    loader = DataLoader(
        TensorDataset(*train), 48, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )
    model = perceptron(64, 64, 10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, foreach=False)
    yield model, optimizer
    for _ in range(7):
        running, right = 0.0, 0
        for inputs, targets in loader:
            optimizer.zero_grad()
            logits = model(inputs)
            loss = F.cross_entropy(logits, targets)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(inputs)
            right += (logits.argmax(1) == targets).sum().item()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])
