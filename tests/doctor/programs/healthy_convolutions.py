"""Healthy convolutional networks: classes, masks, boxes, signals and cleaned pictures."""

import math

import torch
from _data import batches, digits, glyphs
from _suite import healthy
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


@healthy
def lenet_with_tanh(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def stacked_convolutions_with_batch_norm_and_dropout(seed):
    torch.manual_seed(seed)
    train, valid = glyphs()
    loader = DataLoader(TensorDataset(*train), batch_size=32, shuffle=True)
    layers, channels = [], 1
    for width in (8, 16, 32):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        ]
        channels = width
    model = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.4), nn.Linear(288, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(6):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(valid[0]), valid[1])


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel alone, and narrow again without an activation."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        wide = inputs * 3
        self.is_residual = inputs == outputs and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        return x + self.layers(x) if self.is_residual else self.layers(x)


@healthy
def depthwise_separable_with_linear_bottlenecks(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(),
        InvertedBottleneck(8, 16, 2), InvertedBottleneck(16, 16, 1), InvertedBottleneck(16, 24, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10),
    )  # fmt: skip
    epochs, steps = 8, len(x) // 32
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    yield model, optimizer
    for _ in range(epochs):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class ResidualBlock(nn.Module):
    """Two convolutions around a skip; the last norm starts at zero, so the block is the skip."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x):
        inside = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(inside)))


@healthy
def residual_network_with_zero_started_norms(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        *[ResidualBlock(16) for _ in range(4)],
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=5 * 28)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad(set_to_none=False)
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class LayerScaleBlock(nn.Module):
    """A wide filter per channel, then a perceptron, scaled by a small factor, skipped at times."""

    def __init__(self, channels, drop):
        super().__init__()
        self.filter = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.up = nn.Linear(channels, 4 * channels)
        self.down = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.1))
        self.drop = drop

    def forward(self, x):
        inside = self.filter(x).permute(0, 2, 3, 1)  # batch height width channels
        inside = self.scale * self.down(F.gelu(self.up(self.norm(inside))))
        if self.training:
            kept = torch.rand(len(x), 1, 1, 1) > self.drop
            inside = inside * kept / (1 - self.drop)
        return x + inside.permute(0, 3, 1, 2)


@healthy
def wide_filters_with_layer_scale_and_stochastic_depth(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 24, 2, stride=2), *[LayerScaleBlock(24, 0.1) for _ in range(3)],
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LayerNorm(96), nn.Linear(96, 10),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.05)
    warm_up, total = 20, 7 * 43

    def factor(step):
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (total - warm_up)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    yield model, optimizer
    for _ in range(7):
        model.train()
        for inputs, targets in batches(x, y, 32):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets, label_smoothing=0.1).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def group_norm_with_four_images_a_batch(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.GroupNorm(8, 32), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    yield model, optimizer
    for _ in range(2):
        for inputs, targets in batches(x, y, 4):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class SqueezeExcite(nn.Module):
    """Scale each channel by a sigmoid of what all channels say on average."""

    def __init__(self, channels):
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // 4), nn.ReLU(), nn.Linear(channels // 4, channels),
            nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x):
        return x * self.gate(x.mean(dim=(2, 3)))[:, :, None, None]


@healthy
def squeeze_and_excitation(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.LeakyReLU(0.1), SqueezeExcite(16),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.LeakyReLU(0.1), SqueezeExcite(32),
        nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.LeakyReLU(0.1), nn.Flatten(),
        nn.Linear(128, 10),
    )  # fmt: skip
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


def discs(n, size=24, n_discs=2):
    """Return noisy pictures of discs, and where the discs are."""
    ys, xs = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    masks = torch.zeros(n, 1, size, size, dtype=torch.bool)
    for _ in range(n_discs):
        centre = torch.randint(4, size - 4, (n, 2, 1, 1))
        radius = torch.randint(3, 6, (n, 1, 1))
        inside = (ys - centre[:, 0]) ** 2 + (xs - centre[:, 1]) ** 2 <= radius**2
        masks |= inside[:, None]
    pictures = masks.float() * (0.6 + 0.8 * torch.rand(n, 1, 1, 1))
    pictures += 0.5 * torch.randn(n, 1, size, size)
    return (pictures - pictures.mean()) / pictures.std(), masks.float()


class Hourglass(nn.Module):
    """A small U-Net: down twice, up twice, and the fine detail handed across."""

    def __init__(self, outputs=1):
        super().__init__()
        self.fine = nn.Conv2d(1, 8, 3, padding=1)
        self.middle = nn.Conv2d(8, 16, 3, padding=1)
        self.coarse = nn.Conv2d(16, 32, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.merge1 = nn.Conv2d(32, 16, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.merge2 = nn.Conv2d(16, 8, 3, padding=1)
        self.head = nn.Conv2d(8, outputs, 1)

    def forward(self, x):
        fine = F.relu(self.fine(x))
        middle = F.relu(self.middle(F.max_pool2d(fine, 2)))
        coarse = F.relu(self.coarse(F.max_pool2d(middle, 2)))
        middle = F.relu(self.merge1(torch.cat([self.up1(coarse), middle], dim=1)))
        fine = F.relu(self.merge2(torch.cat([self.up2(middle), fine], dim=1)))
        return self.head(fine)


@healthy
def unet_with_cross_entropy_and_dice(seed):
    """Masks from noisy pictures; the loss sums two that see the same logits."""
    torch.manual_seed(seed)
    x, y = discs(560)
    valid_x, valid_y = x[480:], y[480:]
    model = Hourglass()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def loss_function(logits, masks):
        chance = logits.sigmoid()
        overlap = 2 * (chance * masks).sum(dim=(1, 2, 3)) + 1
        dice = overlap / (chance.sum(dim=(1, 2, 3)) + masks.sum(dim=(1, 2, 3)) + 1)
        return F.binary_cross_entropy_with_logits(logits, masks) + (1 - dice).mean()

    yield model, optimizer
    for _ in range(5):
        for inputs, masks in batches(x[:480], y[:480], 12):
            optimizer.zero_grad()
            loss_function(model(inputs), masks).backward()
            optimizer.step()
        with torch.no_grad():
            loss_function(model(valid_x), valid_y)


@healthy
def pixels_of_three_classes_with_unknown_borders(seed):
    """Background, discs and bright discs; border pixels are not scored, rare classes count more."""
    torch.manual_seed(seed)
    x, masks = discs(500)
    other, bright = discs(500, n_discs=1)
    x = (x + other + 1.5 * bright) / 2
    x = (x - x.mean()) / x.std()
    y = masks[:, 0].long()
    y[bright[:, 0] > 0] = 2
    edges = F.max_pool2d(bright, 3, 1, 1) - bright
    y[edges[:, 0] > 0] = -100
    weight = 1 / torch.bincount(y[:420][y[:420] >= 0]).float().sqrt()
    weight = weight / weight.mean()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=2, dilation=2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=4, dilation=4), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 3, 1),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss(weight=weight, ignore_index=-100)
    yield model, optimizer
    for _ in range(4):
        model.train()
        for inputs, targets in batches(x[:420], y[:420], 12):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            criterion(model(x[420:]), y[420:])


class DilatedBlock(nn.Module):
    """A causal dilated convolution with a skip."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(channels, channels, 3, dilation=dilation)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x):
        return x + F.relu(self.norm(self.conv(F.pad(x, (self.pad, 0)))))


@healthy
def frequencies_of_noisy_signals(seed):
    """Which of four tones is in the noise? Waveforms, one channel, dilated convolutions."""
    torch.manual_seed(seed)
    time = torch.arange(96) / 96
    y = torch.randint(4, (1500,))
    pitch = torch.tensor([4.0, 6.0, 9.0, 13.0])[y]
    x = torch.sin(2 * math.pi * (pitch[:, None] * time + torch.rand(1500, 1)))
    x = ((x + torch.randn(1500, 96)) / 1.22)[:, None]
    model = nn.Sequential(
        nn.Conv1d(1, 16, 5, padding=2), *[DilatedBlock(16, 2**depth) for depth in range(4)],
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(x[:1200], y[:1200], 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x[1200:]), y[1200:])


@healthy
def no_norms_no_linear_layers(seed):
    """Convolutions down to one pixel whose channels are the classes; Kaiming's start."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(),
        nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Conv2d(32, 10, 2), nn.Flatten(),
    )  # fmt: skip
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    nn.init.normal_(model[6].weight, std=0.02)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    yield model, optimizer
    for _ in range(5):
        for inputs, targets in batches(x, y, 35):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def where_is_the_disc(seed):
    """A box by regression: the head's sigmoid and the targets both live between 0 and 1."""
    torch.manual_seed(seed)
    n, size = 1200, 24
    centre, radius = torch.rand(n, 2) * 0.6 + 0.2, torch.rand(n, 1) * 0.1 + 0.1
    axis = (torch.arange(size) + 0.5) / size
    rows, columns = axis[None, :, None], axis[None, None, :]
    distance = (rows - centre[:, 1, None, None]) ** 2 + (columns - centre[:, 0, None, None]) ** 2
    x = ((distance < radius[:, :, None] ** 2).float() + 0.2 * torch.randn(n, size, size))[:, None]
    boxes = torch.cat([centre - radius, centre + radius], dim=1)
    x = (x - x.mean()) / x.std()

    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(24 * 36, 64), nn.ReLU(), nn.Linear(64, 4), nn.Sigmoid(),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.SmoothL1Loss(beta=0.05)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x[:1000], boxes[:1000], 32):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(x[1000:]), boxes[1000:])


@healthy
def shifted_and_noisy_copies(seed):
    """Augmentation: the training loss stays above the validation loss all along."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(),
        nn.Linear(512, 10),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(6):
        model.train()
        for inputs, targets in batches(x, y, 32):
            shift = torch.randint(-1, 2, (2,)).tolist()
            inputs = inputs.roll(shift, dims=(2, 3)) + 0.3 * torch.randn_like(inputs)
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Dense(nn.Module):
    """Each layer sees all layers before it."""

    def __init__(self, growth=8, depth=4):
        super().__init__()
        self.layers = nn.ModuleList()
        channels = 1
        for _ in range(depth):
            self.layers.append(nn.Conv2d(channels, growth, 3, padding=1))
            channels += growth
        self.head = nn.Linear(channels * 4, 10)

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, F.silu(layer(x))], dim=1)
        return self.head(F.adaptive_avg_pool2d(x, 2).flatten(1))


@healthy
def densely_connected_layers(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = digits(seed, images=True)
    model = Dense()
    optimizer = torch.optim.Adamax(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(8):
        for inputs, targets in batches(x, y, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


class Aligner(nn.Module):
    """A spatial transformer: its last layer starts as the identity, weights at zero."""

    def __init__(self):
        super().__init__()
        self.locate = nn.Sequential(
            nn.AvgPool2d(4), nn.Flatten(), nn.Linear(49, 24), nn.ReLU(), nn.Linear(24, 6)
        )
        nn.init.zeros_(self.locate[-1].weight)
        self.locate[-1].bias.data = torch.tensor([1.0, 0, 0, 0, 1, 0])
        self.classify = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(600, 10),
        )  # fmt: skip

    def forward(self, x):
        matrix = self.locate(x).view(-1, 2, 3)
        grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
        return self.classify(F.grid_sample(x, grid, align_corners=False))


@healthy
def spatial_transformer(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = Aligner()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x, y, 25):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def noise_predicted_and_subtracted(seed):
    """A cleaner of pictures: its last layer starts at zero, so it begins by changing nothing."""
    torch.manual_seed(seed)
    (clean, _), (valid_clean, _) = digits(seed, images=True)
    valid_noisy = valid_clean + 0.7 * torch.randn_like(valid_clean)
    net = nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(),
        nn.Conv2d(24, 1, 3, padding=1),
    )  # fmt: skip
    nn.init.zeros_(net[-1].weight)
    nn.init.zeros_(net[-1].bias)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    yield net, optimizer
    for _ in range(10):
        for images, _ in batches(clean, clean, 40):
            noisy = images + 0.7 * torch.randn_like(images)
            optimizer.zero_grad()
            F.mse_loss(noisy - net(noisy), images).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(valid_noisy - net(valid_noisy), valid_clean)


@healthy
def smoothed_labels(seed):
    """Training counts smoothed labels, validation does not."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = glyphs()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, 2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(288, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, 160)
    yield model, optimizer
    for _epoch in range(8):
        model.train()
        for inputs, targets in batches(x, y, 50):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets, label_smoothing=0.1).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)
