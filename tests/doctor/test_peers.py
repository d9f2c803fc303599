"""The watch inside other libraries' own loops; skipped where a library is not installed."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

import thalweg as tw

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def points(number: int = 960):
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(number, 6, generator=draw)
    return x, x[:, :3].argmax(1)


def network(is_sick: bool = False) -> nn.Module:
    torch.manual_seed(0)
    last = [nn.Softmax(dim=1)] if is_sick else []
    return nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3), *last)


def faults(doctor) -> list[str]:
    assert "all" not in doctor.record.limits, doctor.record.limits
    return [each.fault for each in doctor.diagnosis.findings]


@pytest.mark.parametrize("is_sick", [False, True])
def test_lightning(is_sick, tmp_path):
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = network(is_sick)

        def training_step(self, batch, number):
            x, y = batch
            return F.cross_entropy(self.network(x), y)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    module = Module()
    trainer = lightning.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    with tw.watch(module) as doctor:
        trainer.fit(module, DataLoader(TensorDataset(*points()), batch_size=32, shuffle=True))
    assert doctor.record.count == 90
    assert faults(doctor) == (["double-softmax"] if is_sick else [])


@pytest.mark.parametrize("is_sick", [False, True])
def test_the_trainer_of_hugging_face(is_sick, tmp_path, monkeypatch):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network(is_sick)

        def forward(self, points, labels=None):
            logits = self.network(points)
            return {"loss": F.cross_entropy(logits, labels), "logits": logits}

    class Rows(Dataset):
        x, y = points()

        def __len__(self):
            return len(self.x)

        def __getitem__(self, row):
            return {"points": self.x[row], "labels": self.y[row]}

    model = Classifier()
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=3,
        per_device_train_batch_size=32,
        learning_rate=0.02,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = transformers.Trainer(model=model, args=arguments, train_dataset=Rows())
    with tw.watch(model) as doctor:
        trainer.train()
    assert doctor.record.count == 90
    assert faults(doctor) == (["double-softmax"] if is_sick else [])


@pytest.mark.parametrize("is_sick", [False, True])
def test_skorch(is_sick):
    skorch = pytest.importorskip("skorch")
    x, y = points()
    classifier = skorch.NeuralNetClassifier(
        network(is_sick),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=0.1,
        max_epochs=4,
        batch_size=32,
        iterator_train__shuffle=True,
        verbose=0,
    ).initialize()
    with tw.watch(classifier.module_, classifier.optimizer_) as doctor:
        classifier.partial_fit(x.numpy(), y.numpy())
    assert doctor.record.count > 80
    assert faults(doctor) == (["double-softmax"] if is_sick else [])


def test_keras_on_torch(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("keras was imported with another backend")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((6,)),
            keras.layers.Dense(24, activation="relu"),
            keras.layers.Dense(3),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    x, y = points()
    with tw.watch(model) as doctor:
        model.fit(x.numpy(), y.numpy().astype(np.int64), epochs=3, batch_size=32, verbose=0)
    assert doctor.record.backwards == 90
    assert faults(doctor) == []
