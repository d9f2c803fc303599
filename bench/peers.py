"""What a trainer adds to a step.

Every trainer that is installed makes the same steps with the same optimizer on the same batches,
gathered by index; everything that it can leave out (logging, saving, bars, the doctor) is off.
Each lives in a process of its own, and they take turns in random order; within a round, times are
divided by those of the plain loop, and the median over the rounds is printed with its bootstrap
interval. Equal work first: the largest difference of the final weights from the plain loop's is
printed too. The time is that of the processor, from one training step's forward pass to the last.
"""

import contextlib
import io
import itertools
import logging
import multiprocessing
import os
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import thalweg as tw
from bench.figures import Figure, ratio
from thalweg._core import seeds

EPOCHS = 6
RATE = 1e-3
# Steps at the beginning that are not counted.
WARMUP = 20


@dataclass(frozen=True)
class Work:
    """A classifier of rows of numbers, and how it is trained."""

    name: str
    widths: tuple[int, ...]
    """Of the layers, the inputs first and the classes last."""
    batch_size: int
    steps_per_epoch: int

    @property
    def data(self) -> tw.data.Splits:
        """Random rows with random classes: how well they are learned does not matter."""
        torch.manual_seed(0)
        count = self.batch_size * self.steps_per_epoch
        x = torch.randn(count, self.widths[0])
        y = torch.arange(count) % self.widths[-1]
        return tw.load(x.numpy(), y.numpy(), valid=0.0, test=0.0)


WORKS = (
    Work("mlp 32-64-64-10", (32, 64, 64, 10), 32, 100),
    Work("mlp 784-256-256-10", (784, 256, 256, 10), 128, 40),
)


class Network(nn.Sequential):
    """Linear layers with ReLU between, that notes when each of its training steps begins."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        super().__init__(*layers[:-1])
        self.stamps: list[float] = []
        self.steps_per_stamp = 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        if self.training:
            self.stamps.append(time.process_time())
        return super().forward(x)

    def adamw(self, fused: bool | None = True) -> torch.optim.AdamW:
        """Return the optimizer of every way."""
        return torch.optim.AdamW(self.parameters(), lr=RATE, weight_decay=0.0, fused=fused)


class Batches:
    """Gives an epoch's batches each time it is gone through, those of the next one next time."""

    def __init__(self, data: tw.data.Splits, batch_size: int) -> None:
        self.examples, self.encoder = data.train, data.schema.encoder
        self.batch_size = batch_size
        self.epoch = 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        for rows in self.order(epoch):
            yield self.gather(rows)

    def order(self, epoch: int) -> tuple[Tensor, ...]:
        """Return the positions of the examples of each batch."""
        draw = seeds.generator(0, "order", epoch)
        return torch.randperm(len(self.examples), generator=draw).split(self.batch_size)

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch of the examples at these positions."""
        inputs = self.encoder.normalize(self.examples.inputs.index_select(0, rows))
        return inputs, self.examples.targets.index_select(0, rows)

    def __len__(self) -> int:
        return len(self.examples) // self.batch_size


def plain(work: Work, fused: bool | None = True) -> Network:
    """The loop by hand."""
    model = Network(work.widths)
    optimizer = model.adamw(fused)
    batches = Batches(work.data, work.batch_size)
    model.train()
    for _ in range(EPOCHS):
        for x, y in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model


def plain_default(work: Work) -> Network:
    """The loop by hand, with the optimizer's defaults."""
    return plain(work, None)


def thalweg(work: Work, doctor: bool = False) -> Network:
    """`tw.fit`, its history, checkpoints and folder included."""
    model = Network(work.widths)
    with tempfile.TemporaryDirectory() as folder:
        tw.fit(
            model, work.data, epochs=EPOCHS, batch_size=work.batch_size, learning_rate=RATE,
            schedule="constant", weight_decay=0.0, warmup=0.0, restore_best=False,
            progress=False, doctor=doctor, out=folder,
        )  # fmt: skip
    return model


def thalweg_watched(work: Work) -> Network:
    """The same under the doctor's eyes."""
    return thalweg(work, doctor=True)


def fabric(work: Work) -> Network:
    """The plain loop with what Fabric wants changed."""
    import lightning

    model = Network(work.widths)
    fabric = lightning.Fabric(accelerator="cpu", devices=1)
    module, optimizer = fabric.setup(model, model.adamw())
    batches = Batches(work.data, work.batch_size)
    module.train()
    for _ in range(EPOCHS):
        for x, y in batches:
            optimizer.zero_grad()
            fabric.backward(F.cross_entropy(module(x), y))
            optimizer.step()
    return model


def accelerate(work: Work) -> Network:
    """The plain loop with what Accelerate wants changed."""
    import accelerate

    model = Network(work.widths)
    accelerator = accelerate.Accelerator(cpu=True)
    module, optimizer = accelerator.prepare(model, model.adamw())
    batches = Batches(work.data, work.batch_size)
    module.train()
    for _ in range(EPOCHS):
        for x, y in batches:
            optimizer.zero_grad()
            accelerator.backward(F.cross_entropy(module(x), y))
            optimizer.step()
    return model


def lightning_bare(work: Work, **options: Any) -> Network:
    """Lightning's Trainer with `barebones=True`, its fastest setting."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = Network(work.widths)

        def training_step(self, batch: Any) -> Tensor:
            x, y = batch
            return F.cross_entropy(self.network(x), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return self.network.adamw()

    module = Module()
    options = options or {"barebones": True}
    trainer = lightning.Trainer(accelerator="cpu", devices=1, max_epochs=EPOCHS, **options)
    trainer.fit(module, Batches(work.data, work.batch_size))
    return module.network


def lightning_default(work: Work) -> Network:
    """Lightning's Trainer as it comes, without its bar."""
    with tempfile.TemporaryDirectory() as folder:
        return lightning_bare(
            work, default_root_dir=folder, enable_progress_bar=False, enable_model_summary=False
        )


def hugging_face(work: Work) -> Network:
    """Hugging Face's Trainer without logging and saving."""
    import transformers

    batches = Batches(work.data, work.batch_size)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = Network(work.widths)

        def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
            return {"loss": F.cross_entropy(self.network(x), labels)}

    class Whole(torch.utils.data.IterableDataset):
        """Batches as they are, an epoch after the other."""

        def __iter__(self) -> Iterator[dict[str, Tensor]]:
            for _ in range(EPOCHS):
                for x, y in batches:
                    yield {"x": x, "labels": y}

    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder, per_device_train_batch_size=1, max_steps=EPOCHS * len(batches),
            logging_strategy="no", save_strategy="no", report_to=[], use_cpu=True,
            disable_tqdm=True, max_grad_norm=0.0, lr_scheduler_type="constant",
        )  # fmt: skip
        trainer = transformers.Trainer(
            model, arguments, train_dataset=Whole(), data_collator=lambda items: items[0],
            optimizers=(model.network.adamw(), None),
        )  # fmt: skip
        trainer.train()
    return model.network


def skorch(work: Work) -> Network:
    """NeuralNet of skorch, without callbacks."""
    import skorch

    batches = Batches(work.data, work.batch_size)
    net = skorch.NeuralNet(
        Network, module__widths=work.widths, criterion=nn.CrossEntropyLoss, max_epochs=EPOCHS,
        optimizer=torch.optim.AdamW, optimizer__lr=RATE, optimizer__weight_decay=0.0,
        optimizer__fused=True, train_split=None, callbacks=None, verbose=0,
        iterator_train=lambda dataset, **options: batches,
    )  # fmt: skip
    net.fit(batches.examples.inputs, batches.examples.targets)
    return net.module_


def keras(work: Work, backend: str = "torch") -> Network:
    """Keras: the same network of Keras layers, with the same first weights."""
    os.environ["KERAS_BACKEND"] = backend
    import keras

    network = Network(work.widths)
    linear = [each for each in network if isinstance(each, nn.Linear)]
    last = len(linear) - 1
    layers = [
        keras.layers.Dense(each.out_features, activation=None if place == last else "relu")
        for place, each in enumerate(linear)
    ]
    model = keras.Sequential([keras.Input((work.widths[0],)), *layers])
    for ours, theirs in zip(linear, layers, strict=True):
        theirs.set_weights([ours.weight.detach().T.numpy(), ours.bias.detach().numpy()])
    model.compile(
        keras.optimizers.AdamW(RATE, weight_decay=0.0, epsilon=1e-8),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    batches = Batches(work.data, work.batch_size)

    class Dataset(keras.utils.PyDataset):
        rows = batches.order(0)

        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            x, y = batches.gather(self.rows[index])
            return (x, y) if backend == "torch" else (x.numpy(), y.numpy())

    dataset = Dataset()

    class Stamps(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            dataset.rows = batches.order(epoch)

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            network.stamps.append(time.process_time())

    model.fit(dataset, epochs=EPOCHS, verbose=0, shuffle=False, callbacks=[Stamps()])
    with torch.no_grad():
        for ours, theirs in zip(linear, layers, strict=True):
            weight, bias = (torch.as_tensor(each) for each in theirs.get_weights())
            ours.weight.copy_(weight.T)
            ours.bias.copy_(bias)
    return network


def keras_on_jax(work: Work) -> Network:
    """Keras on JAX, whose training step is jitted."""
    return keras(work, "jax")


def jitted(work: Work) -> Network:
    """JAX by hand: a jitted step, batches gathered by index outside of it."""
    from bench.jax_loops import Training

    training = Training(Network(work.widths), RATE)
    batches = Batches(work.data, work.batch_size)
    for _ in range(EPOCHS):
        for x, y in batches:
            training.network.stamps.append(time.process_time())
            training.step(x.numpy(), y.numpy())
    return training.finished()


def scanned(work: Work) -> Network:
    """JAX by hand: an epoch's steps in one jitted scan, batches gathered inside of it."""
    from bench.jax_loops import Training

    training = Training(Network(work.widths), RATE)
    batches = Batches(work.data, work.batch_size)
    x, y = batches.gather(torch.arange(len(batches.examples)))
    training.network.steps_per_stamp = len(batches)
    for epoch in range(EPOCHS):
        training.network.stamps.append(time.process_time())
        training.epoch(x.numpy(), y.numpy(), torch.stack(batches.order(epoch)).numpy())
    return training.finished()


WAYS: dict[str, Callable[[Work], Network]] = {
    "plain loop, fused AdamW": plain,
    "the same again": plain,
    "plain loop, AdamW's defaults": plain_default,
    "thalweg": thalweg,
    "thalweg with its doctor": thalweg_watched,
    "Fabric": fabric,
    "Accelerate": accelerate,
    "Lightning, barebones": lightning_bare,
    "Lightning, defaults": lightning_default,
    "Hugging Face Trainer": hugging_face,
    "skorch": skorch,
    "Keras on torch": keras,
    "Keras on JAX": keras_on_jax,
    "JAX, a jitted step": jitted,
    "JAX, an epoch scanned": scanned,
}
"""The first is what the others are divided by, the second the control."""
TARGETS = {"thalweg": 1.02, "thalweg with its doctor": 1.03}


def serve(name: str, connection: Connection) -> None:
    """Train when asked to: receives the number of a work, sends what came of it."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    said = io.StringIO()
    while (number := connection.recv()) is not None:
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                network = WAYS[name](WORKS[number])
            stamps = network.stamps[-(-WARMUP // network.steps_per_stamp) :]
            seconds = (stamps[-1] - stamps[0]) / (len(stamps) - 1) / network.steps_per_stamp
            connection.send((seconds, [each.detach().numpy() for each in network.parameters()]))
        except ImportError as error:
            connection.send((None, str(error)))
            return


def figures(rounds: int) -> list[Figure]:
    """Time every trainer that is installed."""
    spawn = multiprocessing.get_context("spawn")
    workers = {}
    for name in WAYS:
        ours, theirs = spawn.Pipe()
        spawn.Process(target=serve, args=(name, theirs), daemon=True).start()
        workers[name] = ours
    found = []
    for number, work in enumerate(WORKS):
        found += compared(work, *timed(workers, number, rounds))
    for connection in workers.values():
        connection.send(None)
    return found


def timed(
    workers: dict[str, Connection], number: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[Tensor]]]:
    """Return the seconds of each way by round, and its final weights."""
    order = random.Random(0)
    seconds: dict[str, list[float]] = {}
    weights: dict[str, list[Tensor]] = {}
    for turn in range(rounds + 1):
        for name in order.sample(list(workers), len(workers)):
            workers[name].send(number)
            took, content = workers[name].recv()
            if took is None:
                print(f"left out: {name} ({content})")
                del workers[name]
                continue
            weights[name] = [torch.as_tensor(each) for each in content]
            if turn:  # The first round warms up.
                seconds.setdefault(name, []).append(took)
    return seconds, weights


def compared(
    work: Work, seconds: dict[str, list[float]], weights: dict[str, list[Tensor]]
) -> list[Figure]:
    """Return each way's figure beside the plain loop's."""
    first, again, *others = [each for each in WAYS if each in seconds]
    control = ratio(seconds[again], seconds[first])[0]
    found = []
    for name in others:
        pairs = zip(weights[name], weights[first], strict=True)
        gap = max(float((one - two).abs().max()) for one, two in pairs)
        note = f"{1e6 * min(seconds[name]):.0f} µs a step; weights differ by {gap:.1e}"
        value = ratio(seconds[name], seconds[first])
        target = TARGETS.get(name)
        label = f"{work.name}: {name} ÷ plain"
        found.append(Figure(label, *value, target=target, control=control, note=note))
    return found
