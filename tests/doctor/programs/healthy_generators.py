"""Healthy networks that model data: autoencoders, adversaries, flows, diffusion, energies."""

import math

import sklearn.datasets
import torch
from _data import batches, digits, glyphs
from _suite import healthy
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def moons(seed, n=2000):
    """Return points on two half circles of about unit scale."""
    points, _ = sklearn.datasets.make_moons(n, noise=0.06, random_state=seed)
    points = torch.tensor(points, dtype=torch.float32)
    return (points - torch.tensor([0.5, 0.25])) / torch.tensor([0.87, 0.5])


def grey(seed):
    """Return digits with grey values from 0 to 1, for training and validation."""
    (x, _), (valid_x, _) = digits(seed)
    return (x * 0.3761 + 0.3053).clamp(0, 1), (valid_x * 0.3761 + 0.3053).clamp(0, 1)


@healthy
def autoencoder_with_a_linear_bottleneck(seed):
    """No activation at the code, on purpose: it may take any value."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    decoder = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 64))
    model = nn.Sequential(encoder, decoder)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.MSELoss()
    yield model, optimizer
    for _ in range(10):
        for inputs, _ in batches(x, x, 40):
            optimizer.zero_grad()
            criterion(model(inputs), inputs).backward()
            optimizer.step()
        with torch.no_grad():
            criterion(model(valid_x), valid_x)


class TiedComponents(nn.Module):
    """Principal components by descent: one matrix, used forth and back."""

    def __init__(self, features, components):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(components, features))
        nn.init.orthogonal_(self.weight)

    def forward(self, x):
        return F.linear(F.linear(x, self.weight), self.weight.t())


@healthy
def principal_components_by_descent(seed):
    """Linear from end to end and meant to be."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    mean = x.mean(0)
    x, valid_x = x - mean, valid_x - mean
    model = TiedComponents(64, 12)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    yield model, optimizer
    for _ in range(8):
        for inputs, _ in batches(x, x, 50):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), inputs).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_x)


@healthy
def autoencoder_with_sigmoid_output(seed):
    """Targets are grey values from 0 to 1, and so is the output."""
    torch.manual_seed(seed)
    x, valid_x = grey(seed)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, 16), nn.LeakyReLU(),
        nn.Linear(16, 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.Sigmoid(),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.BCELoss()
    yield model, optimizer
    for _ in range(10):
        for inputs, _ in batches(x, x, 40):
            loss = criterion(model(inputs), inputs)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            criterion(model(valid_x), valid_x)


class Variational(nn.Module):
    """An encoder to mean and log-variance, a decoder to logits."""

    def __init__(self, pixels=64, code=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, 96), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(96, code), nn.Linear(96, code)
        self.decoder = nn.Sequential(nn.Linear(code, 96), nn.ReLU(), nn.Linear(96, pixels))

    def forward(self, x):
        hidden = self.encoder(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(code), mean, log_variance


@healthy
def variational_autoencoder(seed):
    """Summed over pixels and averaged over examples, as the bound is written."""
    torch.manual_seed(seed)
    x, valid_x = grey(seed)
    model = Variational()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def negative_bound(x):
        logits, mean, log_variance = model(x)
        error = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        distance = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
        return error + distance

    scores = []
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, _ in batches(x, x, 35):
            optimizer.zero_grad()
            negative_bound(inputs).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            scores.append(negative_bound(valid_x).item())


@healthy
def convolutional_variational_autoencoder_with_warm_up(seed):
    """The weight of the distance grows over the first epochs, so the loss may rise a little."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed, images=True)

    class ConvolutionalCoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(
                nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.SiLU(),
                nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.SiLU(), nn.Flatten(),
                nn.Linear(128, 12),
            )  # fmt: skip
            self.decoder = nn.Sequential(
                nn.Linear(6, 128), nn.SiLU(), nn.Unflatten(1, (32, 2, 2)),
                nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.SiLU(),
                nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
            )  # fmt: skip

        def forward(self, x):
            mean, log_deviation = self.encoder(x).chunk(2, dim=1)
            posterior = torch.distributions.Normal(mean, log_deviation.exp())
            return self.decoder(posterior.rsample()), posterior

    prior = torch.distributions.Normal(0.0, 1.0)
    model = ConvolutionalCoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scores = []
    yield model, optimizer
    for epoch in range(8):
        beta = min(1.0, (epoch + 1) / 4)
        for inputs, _ in batches(x, x, 50):
            output, posterior = model(inputs)
            distance = torch.distributions.kl_divergence(posterior, prior).sum(1).mean()
            error = 0.5 * (output - inputs).square().sum(dim=(1, 2, 3)).mean() / 0.3
            optimizer.zero_grad()
            (error + beta * distance).backward()
            optimizer.step()
        with torch.no_grad():
            scores.append((model(valid_x)[0] - valid_x).square().mean().item())


@healthy
def adversarial_network_on_a_ring(seed):
    """Two networks, two optimizers, and losses that stay where they are because both learn."""
    torch.manual_seed(seed)
    angle = 2 * math.pi * torch.rand(2000)
    real = torch.stack([angle.cos(), angle.sin()], 1) * 1.4 + 0.1 * torch.randn(2000, 2)
    generator = nn.Sequential(
        nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )
    critic = nn.Sequential(
        nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
    )
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.0, 0.9))
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    scores = []
    yield [generator, critic], [generator_optimizer, critic_optimizer]
    for _ in range(16):
        for examples, _ in batches(real, real, 64):
            fake = generator(torch.randn(64, 2))
            critic_optimizer.zero_grad()
            loss = criterion(critic(examples), ones) + criterion(critic(fake.detach()), zeros)
            loss.backward()
            critic_optimizer.step()

            generator_optimizer.zero_grad()
            criterion(critic(fake), ones).backward()
            generator_optimizer.step()
        with torch.no_grad():
            sample = generator(torch.randn(500, 2))
            scores.append((sample.norm(dim=1) - 1.4).abs().mean().item())


@healthy
def wasserstein_critic_with_gradient_penalty(seed):
    """The penalty differentiates through a gradient; the losses are differences without a floor."""
    torch.manual_seed(seed)
    real = moons(seed)
    generator = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                              nn.Linear(64, 2))  # fmt: skip
    critic = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(),
                           nn.Linear(64, 1))  # fmt: skip
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.9))
    scores = []
    yield (generator, critic), [critic_optimizer, generator_optimizer]
    for step in range(450):
        examples = real[torch.randint(len(real), (128,))]
        with torch.no_grad():
            fake = generator(torch.randn(128, 4))
        share = torch.rand(128, 1)
        between = (share * examples + (1 - share) * fake).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = (slope.norm(dim=1) - 1).square().mean()
        critic_optimizer.zero_grad()
        (critic(fake).mean() - critic(examples).mean() + 0.5 * penalty).backward()
        critic_optimizer.step()
        if step % 3 == 2:
            generator_optimizer.zero_grad()
            (-critic(generator(torch.randn(128, 4))).mean()).backward()
            generator_optimizer.step()
        if step % 90 == 89:
            with torch.no_grad():
                sample = generator(torch.randn(500, 4))
                scores.append(torch.cdist(sample, real).amin(1).mean().item())


@healthy
def denoising_autoencoder_of_characters(seed):
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = glyphs()
    valid_noisy = valid_x + 0.8 * torch.randn_like(valid_x)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(4):
        model.train()
        for images, _ in batches(x, x, 25):
            optimizer.zero_grad()
            F.mse_loss(model(images + 0.8 * torch.randn_like(images)), images).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_noisy), valid_x)


class Coupling(nn.Module):
    """Scale and shift one coordinate by what the other says; starts as the identity."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(),
                                 nn.Linear(32, 2))  # fmt: skip
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        kept, moved = x[:, self.first, None], x[:, 1 - self.first, None]
        log_scale, shift = self.net(kept).chunk(2, dim=1)
        log_scale = 2 * torch.tanh(log_scale / 2)
        parts = [kept, moved * log_scale.exp() + shift]
        return torch.cat(parts[:: 1 if self.first == 0 else -1], dim=1), log_scale.squeeze(1)


class Flow(nn.Module):
    """Couplings in turn; forward gives the log-likelihood of each point."""

    def __init__(self, depth=4):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(layer % 2) for layer in range(depth))

    def forward(self, x):
        log_volume = x.new_zeros(len(x))
        for layer in self.layers:
            x, change = layer(x)
            log_volume = log_volume + change
        return log_volume - 0.5 * x.square().sum(1) - math.log(2 * math.pi)


@healthy
def flow_on_two_moons(seed):
    """Maximum likelihood: the network's output is the loss, with a minus."""
    torch.manual_seed(seed)
    points = moons(seed)
    train, valid = points[:1600], points[1600:]
    model = Flow()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, eta_min=5e-4)
    scores = []
    yield model, optimizer
    for _ in range(10):
        for inputs, _ in batches(train, train, 64):
            log_likelihood = model(inputs).mean()
            optimizer.zero_grad()
            (-log_likelihood).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        scheduler.step()
        with torch.no_grad():
            scores.append(model(valid).mean().item())


class Denoiser(nn.Module):
    """Predicts the noise in a point, told how much there is."""

    def __init__(self):
        super().__init__()
        self.register_buffer("frequencies", 2.0 ** torch.arange(6))
        self.net = nn.Sequential(
            nn.Linear(2 + 12, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2)
        )

    def forward(self, x, share):
        angles = share[:, None] * self.frequencies
        return self.net(torch.cat([x, angles.sin(), angles.cos()], dim=1))


@healthy
def diffusion_with_averaged_weights(seed):
    """Most of the noise is unpredictable, so the loss soon hovers above its floor."""
    torch.manual_seed(seed)
    points = moons(seed)
    model = Denoiser()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)

    def loss_of(net, points):
        share = torch.rand(len(points))
        signal = torch.cos(share * math.pi / 2)[:, None]
        noise = torch.randn_like(points)
        noisy = signal * points + (1 - signal**2).sqrt() * noise
        return F.mse_loss(net(noisy, share), noise)

    yield model, optimizer
    for _ in range(16):
        for inputs, _ in batches(points[:1600], points[:1600], 64):
            optimizer.zero_grad()
            loss_of(model, inputs).backward()
            optimizer.step()
            average.update_parameters(model)
        with torch.no_grad():
            loss_of(average, points[1600:].repeat(4, 1))


@healthy
def energy_by_telling_data_from_noise(seed):
    """Noise-contrastive estimation of an energy whose normalizer is learned along."""
    torch.manual_seed(seed)
    points = moons(seed)
    noise_density = torch.distributions.MultivariateNormal(torch.zeros(2), 1.5 * torch.eye(2))

    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(
                nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)
            )
            self.log_normalizer = nn.Parameter(torch.zeros(()))

        def forward(self, x):
            return self.net(x).squeeze(1) + 0.5 * x.square().sum(1) + self.log_normalizer

    energy = Energy()
    optimizer = torch.optim.Adam(energy.parameters(), lr=3e-3)

    def loss_of(x):
        noise = noise_density.sample((len(x),))
        data_odds = -energy(x) - noise_density.log_prob(x)
        noise_odds = -energy(noise) - noise_density.log_prob(noise)
        return F.softplus(-data_odds).mean() + F.softplus(noise_odds).mean()

    scores = []
    yield energy, optimizer
    for _ in range(10):
        for inputs, _ in batches(points[:1600], points[:1600], 50):
            optimizer.zero_grad()
            loss_of(inputs).backward()
            optimizer.step()
        with torch.no_grad():
            scores.append(loss_of(points[1600:]).item())


class Boltzmann(nn.Module):
    """A restricted Boltzmann machine."""

    def __init__(self, visible, hidden):
        super().__init__()
        self.weight = nn.Parameter(0.05 * torch.randn(hidden, visible))
        self.visible_bias = nn.Parameter(torch.zeros(visible))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, visible):
        """Return the free energy."""
        hidden = F.linear(visible, self.weight, self.hidden_bias)
        return -visible @ self.visible_bias - F.softplus(hidden).sum(1)

    @torch.no_grad()
    def sample(self, visible, steps=1):
        for _ in range(steps):
            hidden = torch.sigmoid(F.linear(visible, self.weight, self.hidden_bias)).bernoulli()
            chance = torch.sigmoid(F.linear(hidden, self.weight.t(), self.visible_bias))
            visible = chance.bernoulli()
        return visible, chance


@healthy
def boltzmann_machine_by_contrastive_divergence(seed):
    """The loss is a difference of energies that hovers about zero; what falls is the error."""
    torch.manual_seed(seed)
    x, valid_x = grey(seed)
    x, valid_x = (x > 0.5).float(), (valid_x > 0.5).float()
    model = Boltzmann(64, 48)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    scores = []
    yield model, optimizer
    for _ in range(12):
        for data, _ in batches(x, x, 40):
            dream, _ = model.sample(data)
            optimizer.zero_grad()
            (model(data).mean() - model(dream).mean()).backward()
            optimizer.step()
        scores.append((model.sample(valid_x)[1] - valid_x).square().mean().item())


class Quantizer(nn.Module):
    """The nearest of 32 learned codes, with the gradient passed straight through."""

    def __init__(self, codes=32, width=8):
        super().__init__()
        self.codes = nn.Embedding(codes, width)
        nn.init.normal_(self.codes.weight, std=0.5)

    def forward(self, x):
        nearest = torch.cdist(x.flatten(0, 1), self.codes.weight).argmin(dim=1)
        chosen = self.codes(nearest).view_as(x)
        loss = F.mse_loss(chosen, x.detach()) + 0.25 * F.mse_loss(x, chosen.detach())
        return x + (chosen - x).detach(), loss


@healthy
def quantized_autoencoder(seed):
    """Straight through an argmin; two detached terms pull codes and encoder together."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)

    class Coder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48))
            self.quantizer = Quantizer()
            self.decoder = nn.Sequential(nn.Linear(48, 96), nn.ReLU(), nn.Linear(96, 64))

        def forward(self, x):
            code, loss = self.quantizer(self.encoder(x).view(-1, 6, 8))
            return self.decoder(code.flatten(1)), loss

    model = Coder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scores = []
    yield model, optimizer
    for _ in range(10):
        for inputs, _ in batches(x, x, 40):
            output, code_loss = model(inputs)
            optimizer.zero_grad()
            (F.mse_loss(output, inputs) + code_loss).backward()
            optimizer.step()
        with torch.no_grad():
            scores.append((model(valid_x)[0] - valid_x).square().mean().item())


class MaskedLinear(nn.Linear):
    """A linear layer with some weights held at zero by a mask."""

    def __init__(self, before, after):
        super().__init__(len(before), len(after))
        self.register_buffer("mask", (after[:, None] >= before[None, :]).float())

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


@healthy
def masked_network_that_predicts_each_pixel_from_those_before(seed):
    """Inputs and targets are the same bits; the masks keep each from seeing itself."""
    torch.manual_seed(seed)
    x, valid_x = grey(seed)
    x, valid_x = (x > 0.5).float(), (valid_x > 0.5).float()
    places, hidden = torch.arange(1, 65), torch.arange(200) % 63 + 1
    model = nn.Sequential(
        MaskedLinear(places, hidden), nn.ReLU(), MaskedLinear(hidden, hidden), nn.ReLU(),
        MaskedLinear(hidden, places - 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(8):
        for bits, _ in batches(x, x, 35):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(bits), bits).backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(valid_x), valid_x)


class MaskedConvolution(nn.Conv2d):
    """A filter that sees only the pixels above and to the left."""

    def __init__(self, inputs, outputs, size, sees_centre):
        super().__init__(inputs, outputs, size, padding=size // 2)
        mask = torch.zeros(size, size)
        mask[: size // 2] = 1
        mask[size // 2, : size // 2 + sees_centre] = 1
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


@healthy
def pixels_one_after_another(seed):
    """Five grey levels as classes of each pixel, from masked convolutions with skips."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed, images=True)

    def levels(images):
        return ((images * 0.3761 + 0.3053) * 4).round().long().clamp(0, 4).squeeze(1)

    class PixelModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter = MaskedConvolution(1, 16, 5, sees_centre=0)
            self.layers = nn.ModuleList(
                MaskedConvolution(16, 16, 3, sees_centre=1) for _ in range(2)
            )
            self.head = nn.Conv2d(16, 5, 1)

        def forward(self, x):
            x = self.enter(x)
            for layer in self.layers:
                x = x + layer(F.relu(x))
            return self.head(F.relu(x))

    model = PixelModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(5):
        for images, _ in batches(x, x, 40):
            optimizer.zero_grad()
            F.cross_entropy(model(images), levels(images)).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), levels(valid_x))


class Mixture(nn.Module):
    """Eight round Gaussians; called with points, it answers log-likelihoods."""

    def __init__(self, start):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(len(start)))
        self.means = nn.Parameter(start.clone())
        self.log_deviations = nn.Parameter(torch.full((len(start),), -0.3))

    def forward(self, x):
        distances = torch.cdist(x, self.means).square()
        each = -0.5 * distances / (2 * self.log_deviations).exp() - 2 * self.log_deviations
        return (each + self.logits.log_softmax(0)).logsumexp(1) - math.log(2 * math.pi)


@healthy
def mixture_of_gaussians_by_descent(seed):
    """No layer at all, only parameters; means start on data points."""
    torch.manual_seed(seed)
    points = moons(seed)
    model = Mixture(points[:8])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    scores = []
    yield model, optimizer
    for _ in range(10):
        for inputs, _ in batches(points[:1600], points[:1600], 80):
            optimizer.zero_grad(set_to_none=True)
            loss = -model(inputs).mean()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            scores.append(-model(points[1600:]).mean().item())


@healthy
def mixture_density_for_an_inverse_problem(seed):
    """Several answers are right: the head gives weights, means and widths of four Gaussians."""
    torch.manual_seed(seed)
    y = torch.rand(2000) * 2 - 1
    x = (y + 0.5 * torch.sin(2 * math.pi * y) + 0.1 * torch.randn(2000))[:, None]
    model = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(),
                          nn.Linear(48, 12))  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

    def loss_of(x, y):
        logits, means, log_deviations = model(x).chunk(3, dim=1)
        each = torch.distributions.Normal(means, log_deviations.clamp(-4, 2).exp())
        return -(logits.log_softmax(1) + each.log_prob(y[:, None])).logsumexp(1).mean()

    scores = []
    yield model, optimizer
    for _ in range(14):
        for inputs, targets in batches(x[:1600], y[:1600], 50):
            optimizer.zero_grad()
            loss_of(inputs, targets).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        with torch.no_grad():
            scores.append(loss_of(x[1600:], y[1600:]).item())


@healthy
def sparse_dictionary_of_patches(seed):
    """An overcomplete code kept sparse by its sum: many units are silent on any one input."""
    torch.manual_seed(seed)
    (x, _), (valid_x, _) = digits(seed)
    mean = x.mean(0)
    x, valid_x = x - mean, valid_x - mean

    class Dictionary(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Linear(64, 160)
            self.decoder = nn.Linear(160, 64)

        def forward(self, x):
            code = F.relu(self.encoder(x))
            return self.decoder(code), code

    model = Dictionary()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def loss_of(x):
        output, code = model(x)
        return F.mse_loss(output, x) + 2e-3 * code.sum(1).mean()

    yield model, optimizer
    for _ in range(10):
        for inputs, _ in batches(x, x, 40):
            optimizer.zero_grad()
            loss_of(inputs).backward()
            optimizer.step()
        with torch.no_grad():
            loss_of(valid_x)
