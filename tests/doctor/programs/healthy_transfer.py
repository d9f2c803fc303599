"""Healthy networks that stand on others: frozen, fine-tuned, adapted, distilled, shared."""

import copy
import math

import torch
from _data import batches, digits, text
from _suite import healthy
from torch import nn
from torch.nn import functional as F


def low_and_high(seed, images=False):
    """Return the digits 0 to 4 to learn from first, and 5 to 9, named 0 to 4, for later."""
    (x, y), (valid_x, valid_y) = digits(seed, images)
    return (x[y < 5], y[y < 5]), (
        (x[y > 4], y[y > 4] - 5),
        (valid_x[valid_y > 4], valid_y[valid_y > 4] - 5),
    )


def pretrain(model, x, y, steps=80, lr=2e-3):
    """Train a while, before anybody watches."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    model.train()
    for _ in range(steps):
        chosen = torch.randint(len(x), (40,))
        optimizer.zero_grad()
        F.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimizer.step()


def convolutional_trunk():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(),
    )  # fmt: skip


@healthy
def frozen_trunk_and_a_new_head(seed):
    """The trunk needs no gradient and stays in evaluation mode; the optimizer has the head only."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed, images=True)
    trunk = convolutional_trunk()
    pretrain(nn.Sequential(trunk, nn.Linear(128, 5)), *low)
    trunk.requires_grad_(False)
    model = nn.Sequential(trunk, nn.Linear(128, 5))
    optimizer = torch.optim.Adam(model[1].parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(12):
        model.train()
        trunk.eval()
        for x, y in batches(*train, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])


@healthy
def features_without_gradient(seed):
    """The trunk runs under no_grad although its parameters still say they need a gradient."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed)
    trunk = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.LayerNorm(96))
    pretrain(nn.Sequential(trunk, nn.Linear(96, 5)), *low)
    head = nn.Linear(96, 5)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.02, momentum=0.9)
    yield head, optimizer
    for _ in range(10):
        for x, y in batches(*train, 25):
            with torch.no_grad():
                features = trunk(x)
            optimizer.zero_grad()
            F.cross_entropy(head(features), y).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(head(trunk(valid[0])), valid[1])


@healthy
def rates_that_grow_towards_the_head(seed):
    """Fine-tuning of everything: the early layers move at a hundredth of the head's rate."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed)
    first = nn.Sequential(nn.Linear(64, 80), nn.ReLU())
    second = nn.Sequential(nn.Linear(80, 80), nn.ReLU())
    pretrain(nn.Sequential(first, second, nn.Linear(80, 5)), *low)
    head = nn.Linear(80, 5)
    model = nn.Sequential(first, second, head)
    optimizer = torch.optim.AdamW(
        [
            {"params": first.parameters(), "lr": 1e-4},
            {"params": second.parameters(), "lr": 1e-3},
            {"params": head.parameters(), "lr": 1e-2},
        ]
    )
    yield model, optimizer
    for _ in range(8):
        for x, y in batches(*train, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])


@healthy
def fine_tuning_with_batch_norm_held(seed):
    """All weights learn, but the batch norms keep the statistics of the pretraining on purpose."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed, images=True)
    trunk = convolutional_trunk()
    pretrain(nn.Sequential(trunk, nn.Linear(128, 5)), *low, steps=120)
    model = nn.Sequential(trunk, nn.Dropout(0.2), nn.Linear(128, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        for x, y in batches(*train, 16):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])


class LowRank(nn.Module):
    """A frozen linear layer plus a product of two thin matrices, one of which starts at zero."""

    def __init__(self, layer, rank=4):
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(
            torch.randn(rank, layer.in_features) / math.sqrt(layer.in_features)
        )
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x):
        return self.layer(x) + 2 * F.linear(F.linear(x, self.down), self.up)


@healthy
def low_rank_adaptation(seed):
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed)
    model = nn.Sequential(
        nn.Linear(64, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU(), nn.Linear(96, 5)
    )
    pretrain(model, *low)
    model[0], model[2] = LowRank(model[0]), LowRank(model[2])
    model[4] = nn.Linear(96, 5)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=3e-3, weight_decay=0.01)
    yield model, optimizer
    for _ in range(8):
        for x, y in batches(*train, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])


class Adapter(nn.Module):
    """A narrow detour that starts as nothing."""

    def __init__(self, width, narrow):
        super().__init__()
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x):
        return x + self.up(F.gelu(self.down(x)))


@healthy
def adapters_between_frozen_layers(seed):
    """The optimizer is given every parameter, but most need no gradient and stay."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed)
    layers = [nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(3)]
    pretrain(nn.Sequential(*layers, nn.Linear(64, 5)), *low, steps=100)
    for layer in layers:
        layer.requires_grad_(False)
    parts = [part for layer in layers for part in (layer, Adapter(64, 8))]
    model = nn.Sequential(*parts, nn.Linear(64, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(8):
        for x, y in batches(*train, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])


@healthy
def layers_thawed_one_by_one(seed):
    """Head first; after some epochs the last layer joins, then the first, as new groups."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed)
    first = nn.Sequential(nn.Linear(64, 80), nn.ReLU())
    second = nn.Sequential(nn.Linear(80, 80), nn.ReLU())
    pretrain(nn.Sequential(first, second, nn.Linear(80, 5)), *low)
    first.requires_grad_(False)
    second.requires_grad_(False)
    model = nn.Sequential(first, second, nn.Linear(80, 5))
    optimizer = torch.optim.Adam(model[2].parameters(), lr=3e-3)
    yield model, optimizer
    for epoch in range(9):
        if epoch == 3:
            second.requires_grad_(True)
            optimizer.add_param_group({"params": second.parameters(), "lr": 1e-3})
        if epoch == 6:
            first.requires_grad_(True)
            optimizer.add_param_group({"params": first.parameters(), "lr": 3e-4})
        for x, y in batches(*train, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])


@healthy
def biases_and_norms_only(seed):
    """Every matrix of the trunk is frozen; its biases, its norms and the head learn."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed)
    trunk = nn.Sequential(
        nn.Linear(64, 128), nn.LayerNorm(128), nn.ReLU(), nn.Linear(128, 128), nn.LayerNorm(128),
        nn.ReLU(),
    )  # fmt: skip
    pretrain(nn.Sequential(trunk, nn.Linear(128, 5)), *low)
    for parameter in trunk.parameters():
        parameter.requires_grad = parameter.dim() == 1
    model = nn.Sequential(trunk, nn.Linear(128, 5))
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-3)
    yield model, optimizer
    for _ in range(7):
        for x, y in batches(*train, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])


@healthy
def linear_probe_on_stored_features(seed):
    """Features are computed once and standardized; then it is plain logistic regression."""
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed, images=True)
    trunk = convolutional_trunk()
    pretrain(nn.Sequential(trunk, nn.Linear(128, 5)), *low)
    trunk.eval()
    with torch.no_grad():
        features, valid_features = trunk(train[0]), trunk(valid[0])
    mean, deviation = features.mean(0), features.std(0) + 1e-3
    features, valid_features = (features - mean) / deviation, (valid_features - mean) / deviation
    probe = nn.Linear(128, 5)
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    optimizer = torch.optim.SGD(probe.parameters(), lr=0.02, weight_decay=1e-2)
    yield probe, optimizer
    for _ in range(12):
        for x, y in batches(features, train[1], 20):
            optimizer.zero_grad()
            F.cross_entropy(probe(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(probe(valid_features), valid[1])


class PromptedEncoder(nn.Module):
    """Rows of an image as tokens, with some learned tokens in front."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(8, 32)
        self.position = nn.Parameter(0.1 * torch.randn(8, 32))
        self.prompt = nn.Parameter(0.02 * torch.randn(0, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        rows = self.enter(x.view(-1, 8, 8)) + self.position
        prompt = self.prompt.expand(len(x), *self.prompt.shape)
        hidden = self.encoder(torch.cat([prompt, rows], dim=1))
        return self.head(self.norm(hidden).mean(dim=1))


@healthy
def prompts_for_a_frozen_transformer(seed):
    torch.manual_seed(seed)
    low, (train, valid) = low_and_high(seed)
    model = PromptedEncoder()
    pretrain(model, *low, steps=120)
    model.requires_grad_(False)
    model.prompt = nn.Parameter(0.1 * torch.randn(6, 32))
    model.head = nn.Linear(32, 5)
    optimizer = torch.optim.Adam([model.prompt, *model.head.parameters()], lr=1e-2)
    yield model, optimizer
    for _ in range(8):
        for x, y in batches(*train, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid[0]), valid[1])
        model.train()


@healthy
def teacher_and_student(seed):
    """Distillation: a frozen teacher in evaluation mode, softened by a temperature of three."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    teacher = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 10))
    pretrain(teacher, x, y, steps=250)
    teacher.eval().requires_grad_(False)
    student = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
    optimizer = torch.optim.Adam(student.parameters(), lr=4e-3)
    warmth = 3.0
    yield student, optimizer
    for _ in range(9):
        for inputs, targets in batches(x, y, 40):
            logits = student(inputs)
            imitation = F.kl_div(
                F.log_softmax(logits / warmth, dim=1),
                F.log_softmax(teacher(inputs) / warmth, dim=1),
                reduction="batchmean",
                log_target=True,
            )
            loss = 0.7 * warmth**2 * imitation + 0.3 * F.cross_entropy(logits, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(student(valid_x), valid_y)


@healthy
def training_that_goes_on_after_a_checkpoint(seed):
    """Weights and Adam's state were loaded: the loss starts low, and little is left to learn."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    def build():
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        return model, torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)

    def epoch(model, optimizer):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()

    model, optimizer = build()
    for _ in range(10):
        epoch(model, optimizer)
    checkpoint = copy.deepcopy({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    model, optimizer = build()
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    yield model, optimizer
    for _ in range(6):
        epoch(model, optimizer)
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def two_heads_on_one_trunk(seed):
    """Which digit, and how much ink: two losses summed, of two kinds."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    ink, valid_ink = x.mean(1, keepdim=True), valid_x.mean(1, keepdim=True)
    ink, valid_ink = (ink - ink.mean()) / ink.std(), (valid_ink - ink.mean()) / ink.std()

    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
            self.heads = nn.ModuleDict({"digit": nn.Linear(64, 10), "ink": nn.Linear(64, 1)})

        def forward(self, x):
            hidden = self.trunk(x)
            return {name: head(hidden) for name, head in self.heads.items()}

    model = TwoHeads()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        order = torch.randperm(len(x))
        for start in range(0, len(x), 40):
            chosen = order[start : start + 40]
            answers = model(x[chosen])
            loss = F.cross_entropy(answers["digit"], y[chosen])
            loss = loss + 0.5 * F.mse_loss(answers["ink"], ink[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            answers = model(valid_x)
            F.cross_entropy(answers["digit"], valid_y)


@healthy
def random_features_and_a_linear_head(seed):
    """A kernel machine: cosines of fixed random projections, never trained, and a linear layer."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    class Cosines(nn.Module):
        def __init__(self):
            super().__init__()
            self.project = nn.Linear(64, 400).requires_grad_(False)
            nn.init.normal_(self.project.weight, std=0.06)
            nn.init.uniform_(self.project.bias, 0, 2 * math.pi)
            self.head = nn.Linear(400, 10)

        def forward(self, x):
            return self.head(math.sqrt(2) * self.project(x).cos())

    model = Cosines()
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.008, momentum=0.9, weight_decay=1e-4)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 35):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def characters_with_given_embeddings(seed):
    """Embeddings from co-occurrence, frozen; a GRU predicts the next character from them."""
    torch.manual_seed(seed)
    numbers, letters = text()
    pairs = torch.zeros(len(letters), len(letters))
    known = numbers[:144_000]
    pairs.index_put_((known[:-1], known[1:]), torch.ones(len(known) - 1), accumulate=True)
    left, strength, _ = torch.linalg.svd(pairs.add(1).log())
    vectors = left[:, :24] * strength[:24].sqrt()
    vectors = (vectors - vectors.mean(0)) / vectors.std(0)
    windows = numbers.unfold(0, 25, 12)
    train, valid = windows[:12_000], windows[12_500:12_700]

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding.from_pretrained(vectors)
            self.gru = nn.GRU(24, 72, batch_first=True)
            self.head = nn.Linear(72, len(letters))

        def forward(self, x):
            return self.head(self.gru(self.embedding(x))[0]).transpose(1, 2)

    model = Reader()
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=6e-3)
    yield model, optimizer
    for step in range(150):
        rows = train[torch.randint(len(train), (20,))]
        optimizer.zero_grad()
        F.cross_entropy(model(rows[:, :-1]), rows[:, 1:]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 49:
            with torch.no_grad():
                F.cross_entropy(model(valid[:, :-1]), valid[:, 1:])


@healthy
def triplets_by_a_shared_encoder(seed):
    """One encoder called three times a step: same digits near, others a margin away."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 16))
    optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
    criterion = nn.TripletMarginLoss(margin=1.0)

    def partners(y, anchors, same):
        chances = ((y[anchors, None] == y) == same).float()
        return torch.multinomial(chances, 1).squeeze(1)

    yield encoder, optimizer
    for _ in range(5):
        for anchors in torch.randperm(len(x)).split(50):
            near, far = partners(y, anchors, True), partners(y, anchors, False)
            loss = criterion(
                F.normalize(encoder(x[anchors])) * 3,
                F.normalize(encoder(x[near])) * 3,
                F.normalize(encoder(x[far])) * 3,
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            codes = F.normalize(encoder(valid_x)) * 3
            every = torch.arange(len(valid_x))
            near, far = partners(valid_y, every, True), partners(valid_y, every, False)
            criterion(codes, codes[near], codes[far])


@healthy
def pairs_by_contrast(seed):
    """Two noisy views of each digit must find each other in the batch, by temperature softmax."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
    projector = nn.Sequential(nn.ReLU(), nn.Linear(64, 32))
    model = nn.Sequential(encoder, projector)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

    def view(x):
        return (x + 0.4 * torch.randn_like(x)) * (torch.rand_like(x) > 0.2)

    def loss_of(x):
        first, second = F.normalize(model(view(x))), F.normalize(model(view(x)))
        likeness = first @ second.T / 0.2
        own = torch.arange(len(x))
        return (F.cross_entropy(likeness, own) + F.cross_entropy(likeness.T, own)) / 2

    yield model, optimizer
    for _ in range(10):
        for inputs, _ in batches(x, x, 50):
            optimizer.zero_grad()
            loss_of(inputs).backward()
            optimizer.step()
        with torch.no_grad():
            loss_of(valid_x[:50])


@healthy
def view_predicted_from_the_other_view(seed):
    """Siamese, without negatives: a stopped gradient on one side and a predictor on the other."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    encoder = nn.Sequential(
        nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64),
        nn.BatchNorm1d(64, affine=False),
    )  # fmt: skip
    predictor = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 64))
    optimizer = torch.optim.SGD(
        [*encoder.parameters(), *predictor.parameters()], lr=0.1, momentum=0.9, weight_decay=1e-4
    )

    def view(x):
        return x + 0.5 * torch.randn_like(x)

    scores = []
    yield [encoder, predictor], optimizer
    for _ in range(8):
        encoder.train()
        predictor.train()
        for inputs, _ in batches(x, x, 70):
            first, second = encoder(view(inputs)), encoder(view(inputs))
            likeness = F.cosine_similarity(predictor(first), second.detach()).mean()
            likeness = likeness + F.cosine_similarity(predictor(second), first.detach()).mean()
            optimizer.zero_grad()
            (-likeness / 2).backward()
            optimizer.step()
        encoder.eval()
        with torch.no_grad():
            codes, known = F.normalize(encoder(valid_x)), F.normalize(encoder(x))
            nearest = (codes @ known.T).argmax(1)
            scores.append((y[nearest] == valid_y).float().mean().item())


@healthy
def target_that_follows_slowly(seed):
    """Bootstrapped: the target network is an average of the trained one and gets no gradient."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)

    def network(inputs, hidden, outputs):
        return nn.Sequential(
            nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )

    online, predictor = network(64, 128, 48), network(48, 64, 48)
    target = copy.deepcopy(online).requires_grad_(False)
    parameters = [*online.parameters(), *predictor.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.01)

    def view(x):
        return x + 0.5 * torch.randn_like(x)

    scores = []
    yield [online, predictor], optimizer
    for _ in range(8):
        online.train()
        for inputs, _ in batches(x, x, 70):
            first, second = view(inputs), view(inputs)
            with torch.no_grad():
                goals = F.normalize(target(second)), F.normalize(target(first))
            guesses = (F.normalize(predictor(online(part))) for part in (first, second))
            loss = sum(
                (guess - goal).square().sum(1).mean()
                for guess, goal in zip(guesses, goals, strict=True)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
                    slow.lerp_(fast, 0.02)
        online.eval()
        with torch.no_grad():
            nearest = (F.normalize(online(valid_x)) @ F.normalize(online(x)).T).argmax(1)
            scores.append((y[nearest] == valid_y).float().mean().item())


@healthy
def encoder_of_an_autoencoder_reused(seed):
    """Pretrained without labels, then trained on forty labelled digits a class, head and all."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU())
    decoder = nn.Linear(32, 64)
    before = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    for _ in range(5):
        for inputs, _ in batches(x, x, 50):
            before.zero_grad()
            F.mse_loss(decoder(encoder(inputs)), inputs).backward()
            before.step()
    chosen = torch.cat([(y == digit).nonzero()[:40, 0] for digit in range(10)])
    x, y = x[chosen], y[chosen]
    model = nn.Sequential(encoder, nn.Dropout(0.2), nn.Linear(32, 10))
    nn.init.zeros_(model[2].weight)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    yield model, optimizer
    for _ in range(10):
        model.train()
        for inputs, targets in batches(x, y, 20):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def encoder_and_projector_by_contrast(seed):
    """The encoder ends in the representation, which has no activation before the projector."""
    torch.manual_seed(seed)
    (x, _), _ = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
    projector = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))
    model = nn.Sequential(encoder, projector)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    itself = torch.eye(128, dtype=torch.bool)
    yield model, optimizer
    for _ in range(300):
        batch = x[torch.randint(0, len(x), (64,))]
        views = torch.cat([batch + 0.3 * torch.randn_like(batch) for _ in range(2)])
        codes = F.normalize(model(views), dim=1)
        similar = (codes @ codes.T / 0.5).masked_fill(itself, -1e9)
        loss = F.cross_entropy(similar, torch.arange(128).roll(64))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
