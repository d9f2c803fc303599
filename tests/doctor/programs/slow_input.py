"""Programs that spend most of their time in the loader."""

import base64
import json
import random
import time
import zlib

import torch
from _data import cancer, digits, glyphs
from _suite import sick
from sklearn.preprocessing import PowerTransformer
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Scans(Dataset):
    """Reads each image from a network disk, which takes half a millisecond."""

    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        time.sleep(0.0005)
        return self.images[index], self.labels[index]


class SmallConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 24, 3, padding=1)
        self.second = nn.Conv2d(24, 48, 3, padding=1)
        self.head = nn.Linear(48 * 4, 10)

    def forward(self, images):
        images = F.max_pool2d(F.relu(self.first(images)), 2)
        images = F.max_pool2d(F.relu(self.second(images)), 2)
        return self.head(images.flatten(1))


@sick("slow-input")
def files_on_a_network_disk(seed, is_sick):
    """Each image is read when it is needed; the twin has read them all into memory."""
    torch.manual_seed(seed)
    train, (valid_x, valid_y) = digits(seed, images=True)
    train = train[0][:800], train[1][:800]
    data = Scans(*train) if is_sick else TensorDataset(*train)
    loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
    model = SmallConv()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _epoch in range(5):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid_x), valid_y)


def packed(image):
    """Return an image as it came from a web service: JSON, compressed, in base 64."""
    rows = [[round(value, 2) for value in row] for row in image[0].tolist()]
    return base64.b64encode(zlib.compress(json.dumps(rows).encode()))


class Packed(Dataset):
    """Unpacks an image whenever it is asked for."""

    def __init__(self, images, labels):
        self.images = [packed(image) for image in images]
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        rows = json.loads(zlib.decompress(base64.b64decode(self.images[index])))
        return torch.tensor(rows)[None], self.labels[index]


@sick("slow-input")
def unpacked_in_every_epoch(seed, is_sick):
    """The images are unpacked again in each epoch; the twin unpacks them once."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    data = Packed(x, y)
    if not is_sick:
        data = [data[index] for index in range(len(data))]
    loader = DataLoader(data, batch_size=50, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 12, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(12, 24, 5, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * 16, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _epoch in range(5):
        for images, labels in loader:
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Patients(Dataset):
    """Prepares the measurements of one patient at a time."""

    def __init__(self, measurements, labels):
        self.measurements = measurements
        self.labels = labels
        self.prepare = PowerTransformer().fit(measurements)

    def __len__(self):
        return len(self.measurements)

    def __getitem__(self, index):
        row = self.prepare.transform(self.measurements[index : index + 1])[0]
        return torch.tensor(row, dtype=torch.float32), self.labels[index]


@sick("slow-input")
def scaled_row_by_row(seed, is_sick):
    """The scaler is called for each row in `__getitem__`, not once for the table."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = cancer(seed)
    data = Patients(x.numpy(), y)
    table = torch.tensor(data.prepare.transform(data.measurements), dtype=torch.float32)
    valid_x = torch.tensor(data.prepare.transform(valid_x.numpy()), dtype=torch.float32)
    if not is_sick:
        data = TensorDataset(table, y)
    loader = DataLoader(data, batch_size=16, shuffle=True, drop_last=True)
    model = nn.Sequential(nn.Linear(30, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU())
    model.extend([nn.Dropout(0.3), nn.Linear(512, 2)])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1)
    yield model, optimizer
    for _epoch in range(4):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Reviews(Dataset):
    """Reviews of sixteen words out of five thousand, with words of praise or of blame."""

    def __init__(self, random, count, look_up):
        self.look_up = look_up
        self.reviews = []
        for _ in range(count):
            is_praise = random.random() < 0.5
            feelings = range(40) if is_praise else range(40, 80)
            numbers = [
                random.choice(feelings) if random.random() < 0.3 else random.randrange(80, 5000)
                for _ in range(16)
            ]
            self.reviews.append((" ".join(f"word{number}" for number in numbers), int(is_praise)))

    def __len__(self):
        return len(self.reviews)

    def __getitem__(self, index):
        review, is_praise = self.reviews[index]
        return torch.tensor([self.look_up(word) for word in review.split()]), is_praise


class Reader(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.word = nn.Embedding(words, 24)
        self.gru = nn.GRU(24, 32, batch_first=True)
        self.head = nn.Linear(32, 2)

    def forward(self, review):
        return self.head(self.gru(self.word(review))[0].mean(1))


@sick("slow-input")
def vocabulary_in_a_list(seed, is_sick):
    """Each word is sought in a list of thousands; the twin asks a dictionary."""
    torch.manual_seed(seed)
    dice = random.Random(seed)
    vocabulary = [f"word{number}" for number in range(5000)]
    dice.shuffle(vocabulary)
    number = {word: place for place, word in enumerate(vocabulary)}
    look_up = vocabulary.index if is_sick else number.__getitem__
    loader = DataLoader(Reviews(dice, 2400, look_up), batch_size=16, shuffle=True)
    valid = Reviews(dice, 400, number.__getitem__)
    valid_x, valid_y = next(iter(DataLoader(valid, batch_size=400)))
    model = Reader(len(vocabulary))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for step, (review, is_praise) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(review), is_praise)
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                F.cross_entropy(model(valid_x), valid_y)
