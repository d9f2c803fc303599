"""Healthy networks on sequences of characters, words and numbers: recurrent, attentive, other."""

import math
import pydoc_data.topics
import re
from collections import Counter
from functools import cache
from itertools import chain

import torch
from _data import batches, text
from _suite import healthy
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@healthy
def characters_by_lstm_read_in_order(seed):
    """Truncated backpropagation: 16 streams read in their order, the state carried and cut."""
    torch.manual_seed(seed)
    numbers, letters = text()
    start = int(torch.randint(100_000, (1,)))
    streams = numbers[start : start + 16 * 2400].view(16, 2400)
    held_out = numbers[160_000:168_000].view(16, 500)

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(len(letters), 32)
            self.lstm = nn.LSTM(32, 96, batch_first=True)
            self.head = nn.Linear(96, len(letters))

        def forward(self, x, state=None):
            hidden, state = self.lstm(self.embedding(x), state)
            return self.head(hidden), state

    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(2):
        state = None
        for position in range(0, 2400 - 25, 24):
            window = streams[:, position : position + 25]
            if state is not None:
                state = tuple(part.detach() for part in state)
            logits, state = model(window[:, :-1], state)
            loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        with torch.no_grad():
            logits, _ = model(held_out[:, :-1])
            F.cross_entropy(logits.flatten(0, 1), held_out[:, 1:].flatten())


@healthy
def majority_of_signs_by_packed_gru(seed):
    """Sequences of 5 to 20 symbols, padded and packed: are there more high than low ones?"""
    torch.manual_seed(seed)
    n = 1400
    lengths = torch.randint(2, 10, (n,)) * 2 + 1
    bias = torch.where(torch.rand(n, 1) < 0.5, 0.3, 0.7)
    is_high = torch.rand(n, 20) < bias
    x = 1 + torch.randint(4, (n, 20)) + 4 * is_high
    x[torch.arange(20) >= lengths[:, None]] = 0
    y = ((x > 4).sum(1) > ((x > 0) & (x <= 4)).sum(1)).long()

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(9, 8, padding_idx=0)
            self.gru = nn.GRU(8, 24, batch_first=True)
            self.head = nn.Linear(24, 2)

        def forward(self, x, lengths):
            packed = pack_padded_sequence(
                self.embedding(x), lengths, batch_first=True, enforce_sorted=False
            )
            _, last = self.gru(packed)
            return self.head(last[0])

    model = Counting()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(5):
        order = torch.randperm(1200)
        for start in range(0, 1200, 40):
            chosen = order[start : start + 40]
            optimizer.zero_grad()
            F.cross_entropy(model(x[chosen], lengths[chosen]), y[chosen]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(x[1200:], lengths[1200:]), y[1200:])


class PreNormLayer(nn.Module):
    """Attention and a perceptron, each behind its norm and beside a skip."""

    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )

    def forward(self, x):
        inside = self.norm1(x)
        x = x + self.attention(inside, inside, inside, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


@healthy
def quarter_of_the_marker_by_prenorm_transformer(seed):
    """In which quarter of the sequence is the marker? A summary token answers."""
    torch.manual_seed(seed)
    n, length = 2000, 12
    x = torch.randint(1, 9, (n, length))
    marker = torch.randint(length, (n,))
    x[torch.arange(n), marker] = 0
    y = marker // 3

    class Finder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(9, 32)
            self.position = nn.Parameter(0.02 * torch.randn(length + 1, 32))
            self.summary = nn.Parameter(0.02 * torch.randn(1, 1, 32))
            self.layers = nn.Sequential(*[PreNormLayer(32, 4) for _ in range(2)])
            self.norm = nn.LayerNorm(32)
            self.head = nn.Linear(32, 4)

        def forward(self, x):
            tokens = torch.cat([self.summary.expand(len(x), 1, 32), self.embedding(x)], dim=1)
            return self.head(self.norm(self.layers(tokens + self.position))[:, 0])

    model = Finder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 0.05, 1.0, total_iters=40)
    yield model, optimizer
    for _ in range(5):
        for inputs, targets in batches(x[:1800], y[:1800], 36):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            scheduler.step()
        with torch.no_grad():
            F.cross_entropy(model(x[1800:]), y[1800:])


class CausalLayer(nn.Module):
    """A transformer layer written out: masked scores of minus infinity, dropout, pre-norm."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, time, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, time, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # batch heads time features
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        hidden = torch.ones(time, time, dtype=torch.bool).triu(1)
        shares = self.dropout(scores.masked_fill(hidden, -math.inf).softmax(dim=-1))
        mixed = (shares @ value).transpose(1, 2).reshape(batch, time, width)
        x = x + self.dropout(self.out(mixed))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))


class LanguageModel(nn.Module):
    """A causal transformer whose head is its embedding."""

    def __init__(self, letters, width=48, time=32):
        super().__init__()
        self.embedding = nn.Embedding(letters, width)
        self.position = nn.Embedding(time, width)
        self.layers = nn.ModuleList(CausalLayer(width, 4, 0.1) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.05)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        x = self.embedding(x) + self.position(torch.arange(x.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


@healthy
def characters_by_transformer_with_tied_embedding(seed):
    """Warm-up and cosine, decay only for matrices, gradients clipped."""
    torch.manual_seed(seed)
    numbers, letters = text()
    windows = numbers.unfold(0, 33, 8)
    train, valid = windows[:18_000], windows[20_000:20_200]
    model = LanguageModel(len(letters))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=4e-3,
        betas=(0.9, 0.95),
    )
    steps, warm_up = 200, 20
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min(1, (step + 1) / warm_up) * (0.55 + 0.45 * math.cos(math.pi * step / steps))
        ),
    )
    yield model, optimizer
    for step in range(steps):
        model.train()
        rows = train[torch.randint(len(train), (24,))]
        loss = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 50 == 49:
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(valid[:, :-1]).flatten(0, 1), valid[:, 1:].flatten())


@healthy
def largest_number_by_torch_encoder_with_padding(seed):
    """Which kind of token carries the largest value? torch's own encoder, padding masked."""
    torch.manual_seed(seed)
    n, time = 1500, 10
    kinds, values = torch.randint(4, (n, time)), torch.randn(n, time)
    padding = torch.arange(time) >= torch.randint(4, time + 1, (n, 1))
    best = values.masked_fill(padding, -math.inf).argmax(1)
    y = kinds[torch.arange(n), best]
    x = torch.cat([F.one_hot(kinds, 4).float(), values[:, :, None]], dim=2)
    x[padding] = 0.0

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter = nn.Linear(5, 32)
            layer = nn.TransformerEncoderLayer(
                32, 4, 64, dropout=0.05, batch_first=True, norm_first=True
            )
            self.encoder = nn.TransformerEncoder(
                layer, 2, norm=nn.LayerNorm(32), enable_nested_tensor=False
            )
            self.head = nn.Linear(32, 4)

        def forward(self, x, padding):
            hidden = self.encoder(self.enter(x), src_key_padding_mask=padding)
            seen = (~padding)[:, :, None].float()
            return self.head((hidden * seen).sum(1) / seen.sum(1))

    model = Encoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(7):
        model.train()
        order = torch.randperm(1200)
        for start in range(0, 1200, 30):
            chosen = order[start : start + 30]
            optimizer.zero_grad()
            F.cross_entropy(model(x[chosen], padding[chosen]), y[chosen]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x[1200:], padding[1200:]), y[1200:])


class Translator(nn.Module):
    """An encoder and a decoder of GRU cells with attention over the source, teacher forced."""

    def __init__(self, symbols, width=48):
        super().__init__()
        self.source = nn.Embedding(symbols, width)
        self.target = nn.Embedding(symbols, width)
        self.encoder = nn.GRU(width, width, batch_first=True)
        self.decoder = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(2 * width, symbols)

    def forward(self, source, target):
        memory, state = self.encoder(self.source(source))
        hidden, _ = self.decoder(self.target(target), state)
        shares = (hidden @ memory.mT / math.sqrt(memory.shape[-1])).softmax(dim=-1)
        return self.head(torch.cat([hidden, shares @ memory], dim=-1))


@healthy
def sequences_reversed_by_encoder_and_decoder(seed):
    torch.manual_seed(seed)
    source = torch.randint(1, 9, (2600, 7))
    target = torch.cat([torch.zeros(2600, 1, dtype=torch.long), source.flip(1)], dim=1)
    model = Translator(9)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    yield model, optimizer
    for _ in range(6):
        for x, y in batches(source[:2300], target[:2300], 46):
            logits = model(x, y[:, :-1])
            loss = criterion(logits.reshape(-1, 9), y[:, 1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 0.5)
            optimizer.step()
        with torch.no_grad():
            logits = model(source[2300:], target[2300:, :-1])
            criterion(logits.reshape(-1, 9), target[2300:, 1:].reshape(-1))


@healthy
def masked_symbols_filled_in(seed):
    """A fifth of sticky sequences hidden; all else has target -100 and is not scored."""
    torch.manual_seed(seed)
    sequences = torch.randint(10, (2600, 16))
    for time in range(1, 16):
        stays = torch.rand(2600) < 0.8
        sequences[:, time] = torch.where(stays, sequences[:, time - 1], sequences[:, time])

    class Filler(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(11, 32)
            self.stem = nn.Conv1d(32, 32, 3, padding=1)
            self.position = nn.Parameter(0.1 * torch.randn(16, 32))
            self.layers = nn.Sequential(*[PreNormLayer(32, 4, 0.05) for _ in range(2)])
            self.norm = nn.LayerNorm(32)
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            tokens = self.embedding(x)
            tokens = tokens + self.stem(tokens.transpose(1, 2)).transpose(1, 2) + self.position
            return self.head(self.norm(self.layers(tokens)))

    def hide(rows):
        hidden = torch.rand(rows.shape) < 0.2
        return rows.masked_fill(hidden, 10), rows.masked_fill(~hidden, -100)

    valid_x, valid_y = hide(sequences[2200:])
    model = Filler()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    yield model, optimizer
    for _ in range(5):
        model.train()
        for rows, _ in batches(sequences[:2200], sequences[:2200], 50):
            x, y = hide(rows)
            optimizer.zero_grad()
            F.cross_entropy(model(x).transpose(1, 2), y, ignore_index=-100).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x).transpose(1, 2), valid_y, ignore_index=-100)


@healthy
def running_sum_by_plain_rnn(seed):
    """A tanh RNN, orthogonal start and clipped gradients, time first: is the sum positive?"""
    torch.manual_seed(seed)
    x = torch.randn(15, 1600, 1)  # time batch features
    y = (x.sum(0) > 0).float()

    class Summing(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(1, 24)
            nn.init.orthogonal_(self.rnn.weight_hh_l0)
            self.head = nn.Linear(24, 1)

        def forward(self, x):
            return self.head(self.rnn(x)[1][0])

    model = Summing()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    yield model, optimizer
    for _ in range(8):
        order = torch.randperm(1300)
        for chosen in order.split(50):
            loss = F.binary_cross_entropy_with_logits(model(x[:, chosen]), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(x[:, 1300:]), y[1300:])


@healthy
def next_value_of_a_noisy_wave(seed):
    """A forecast: earlier windows train, later ones validate; the noise cannot be predicted."""
    torch.manual_seed(seed)
    time = torch.arange(1600.0)
    wave = torch.sin(time / 7) + 0.6 * torch.sin(time / 17 + 1) + 0.25 * torch.randn(1600)
    wave = (wave - wave[:1200].mean()) / wave[:1200].std()
    windows = wave.unfold(0, 25, 1)
    x, y = windows[:, :24, None], windows[:, 24:]
    train_x, train_y, valid_x, valid_y = x[:1176], y[:1176], x[1200:], y[1200:]

    class Forecaster(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(1, 24, num_layers=2, batch_first=True, dropout=0.05)
            self.head = nn.Linear(24, 1)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    yield model, optimizer
    for _ in range(8):
        model.train()
        for inputs, targets in batches(train_x, train_y, 42):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.mse_loss(model(valid_x), valid_y)


@cache
def paragraphs():
    """Return windows of 16 words from four chapters of Python's documentation, and the chapter."""
    chapters = ("compound", "formatstrings", "string-methods", "debugger")
    words = [re.findall(r"[a-z]+", pydoc_data.topics.topics[name].lower()) for name in chapters]
    common = [word for word, _ in Counter(chain(*words)).most_common(600)]
    number = {word: index + 1 for index, word in enumerate(common)}
    rows, labels = [], []
    for label, chapter in enumerate(words):
        for start in range(0, len(chapter) - 16, 16):
            rows.append([number.get(word, 0) for word in chapter[start : start + 16]])
            labels.append(label)
    return torch.tensor(rows), torch.tensor(labels)


def split_paragraphs(seed):
    x, y = paragraphs()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x, y = x[order], y[order]
    cut = len(x) * 3 // 4
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


@healthy
def chapters_by_bag_of_embeddings(seed):
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = split_paragraphs(seed)
    model = nn.Sequential(nn.EmbeddingBag(601, 32, mode="mean"), nn.Linear(32, 4))
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.15)
    yield model, optimizer
    for _ in range(4):
        for inputs, targets in batches(x, y, 16):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def chapters_by_convolution_over_words(seed):
    """Filters over two, three and four words; the strongest answer of each is kept."""
    torch.manual_seed(seed)
    (x, y), (valid_x, valid_y) = split_paragraphs(seed)

    class WordFilters(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(601, 32)
            self.filters = nn.ModuleList(nn.Conv1d(32, 16, size) for size in (2, 3, 4))
            self.dropout = nn.Dropout(0.3)
            self.head = nn.Linear(48, 4)

        def forward(self, x):
            x = self.embedding(x).transpose(1, 2)
            strongest = [F.relu(layer(x)).amax(dim=2) for layer in self.filters]
            return self.head(self.dropout(torch.cat(strongest, dim=1)))

    model = WordFilters()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-4)
    yield model, optimizer
    for _ in range(7):
        model.train()
        for inputs, targets in batches(x, y, 16):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(valid_x), valid_y)


@healthy
def peaks_tagged_by_bidirectional_lstm(seed):
    """A label for every symbol: is this the larger one of its two neighbours and itself?"""
    torch.manual_seed(seed)
    x = torch.randint(10, (1200, 14))
    padded = F.pad(x, (1, 1), value=-1)
    y = ((x >= padded[:, :-2]) & (x >= padded[:, 2:])).long()

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 16)
            self.lstm = nn.LSTM(16, 24, batch_first=True, bidirectional=True)
            self.head = nn.Linear(48, 2)

        def forward(self, x):
            return self.head(self.lstm(self.embedding(x))[0])

    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    yield model, optimizer
    for _ in range(7):
        for inputs, targets in batches(x[:1000], y[:1000], 25):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs).transpose(1, 2), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.cross_entropy(model(x[1000:]).transpose(1, 2), y[1000:])


@healthy
def words_by_their_company(seed):
    """Skip-gram with negative samples: sparse gradients, a loss written by hand, no validation."""
    torch.manual_seed(seed)
    rows, _ = paragraphs()
    words, near = rows[:, :-1].flatten(), rows[:, 1:].flatten()
    both = (words > 0) & (near > 0)
    words, near = words[both], near[both]
    chance = torch.bincount(near, minlength=601).float() ** 0.75
    words_in = nn.Embedding(601, 24, sparse=True)
    words_out = nn.Embedding(601, 24, sparse=True)
    nn.init.uniform_(words_in.weight, -0.1, 0.1)
    nn.init.zeros_(words_out.weight)
    parameters = [*words_in.parameters(), *words_out.parameters()]
    optimizer = torch.optim.SparseAdam(parameters, lr=0.01)
    yield [words_in, words_out], optimizer
    for _ in range(3):
        for centre, neighbour in batches(words, near, 64):
            others = torch.multinomial(chance, 64 * 4, replacement=True).view(64, 4)
            here = words_in(centre)
            right = (here * words_out(neighbour)).sum(1)
            wrong = (here[:, None] * words_out(others)).sum(2)
            loss = -(F.logsigmoid(right) + F.logsigmoid(-wrong).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@healthy
def symbols_without_alignment(seed):
    """Connectionist temporal classification: which symbols, in which order, amid noise."""
    torch.manual_seed(seed)
    n, time, symbols = 900, 18, 5
    y = torch.randint(1, symbols + 1, (n, 4))
    pattern = torch.randn(symbols + 1, 8)
    pattern[0] = 0
    spread = torch.zeros(n, time, dtype=torch.long)
    for place in range(4):
        begin = place * 4 + torch.randint(0, 2, (n,)) + 1
        spread[torch.arange(n), begin] = y[:, place]
        spread[torch.arange(n), begin + 1] = y[:, place]
    x = pattern[spread] + 0.3 * torch.randn(n, time, 8)

    model = nn.Sequential(
        nn.Conv1d(8, 32, 3, padding=1), nn.ReLU(), nn.Conv1d(32, 32, 3, padding=1), nn.ReLU(),
        nn.Conv1d(32, symbols + 1, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    ctc = nn.CTCLoss(blank=0)

    def loss_of(x, y):
        chances = model(x.transpose(1, 2)).permute(2, 0, 1).log_softmax(dim=-1)
        return ctc(chances, y, torch.full((len(x),), time), torch.full((len(x),), 4))

    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x[:750], y[:750], 25):
            optimizer.zero_grad()
            loss_of(inputs, targets).backward()
            optimizer.step()
        with torch.no_grad():
            loss_of(x[750:], y[750:])


@healthy
def sets_averaged_and_judged(seed):
    """The order of the elements does not matter: embed each, average, then judge."""
    torch.manual_seed(seed)
    x = torch.randn(2400, 12, 2)
    y = x.prod(dim=2).mean(dim=1, keepdim=True)
    y = (y - y[:2000].mean()) / y[:2000].std()

    class DeepSet(nn.Module):
        def __init__(self):
            super().__init__()
            self.each = nn.Sequential(
                nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 24)
            )
            self.all = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 1))

        def forward(self, x):
            return self.all(self.each(x).mean(dim=1))

    model = DeepSet()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    yield model, optimizer
    for _ in range(10):
        for inputs, targets in batches(x[:2000], y[:2000], 50):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.mse_loss(model(x[2000:]), y[2000:])


class Rotary(nn.Module):
    """Attention without position embeddings: query and key are turned by their place."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm = nn.RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm2 = nn.RMSNorm(width)
        self.gate = nn.Linear(width, 2 * width, bias=False)
        self.up = nn.Linear(width, 2 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def turn(self, x):
        time, half = x.shape[2], x.shape[3] // 2
        angle = torch.arange(time)[:, None] * 100 ** (-torch.arange(half) / half)
        left, right = x[..., :half], x[..., half:]
        cos, sin = angle.cos(), angle.sin()
        return torch.cat([left * cos - right * sin, left * sin + right * cos], dim=-1)

    def forward(self, x):
        batch, time, width = x.shape
        parts = self.qkv(self.norm(x)).view(batch, time, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(
            self.turn(query), self.turn(key), value, is_causal=True
        )
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, time, width))
        inside = self.norm2(x)
        return x + self.down(F.silu(self.gate(inside)) * self.up(inside))


@healthy
def repeated_halves_by_rotary_attention(seed):
    """The second half repeats the first: half of the loss can be removed, the rest is chance."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Embedding(8, 32), Rotary(32, 4), Rotary(32, 4), nn.RMSNorm(32), nn.Linear(32, 8)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    valid = torch.randint(8, (200, 8)).repeat(1, 2)
    yield model, optimizer
    for step in range(200):
        rows = torch.randint(8, (32, 8)).repeat(1, 2)
        optimizer.zero_grad()
        F.cross_entropy(model(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 40 == 39:
            with torch.no_grad():
                F.cross_entropy(model(valid[:, :-1]).transpose(1, 2), valid[:, 1:])


@healthy
def steps_taken_by_hand_with_a_cell(seed):
    """A GRU cell in a Python loop, its state normalized, an answer at every step."""
    torch.manual_seed(seed)
    x = (torch.rand(1300, 12) < 0.4).float()
    level = torch.zeros(1300)
    answers = []
    for time in range(12):
        level = 0.7 * level + x[:, time]
        answers.append(level)
    y = torch.stack(answers, dim=1)
    y = (y - y[:1100].mean()) / y[:1100].std()

    class Stepper(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRUCell(1, 16)
            self.norm = nn.LayerNorm(16)
            self.head = nn.Linear(16, 1)

        def forward(self, x):
            state, outputs = x.new_zeros(len(x), 16), []
            for time in range(x.shape[1]):
                state = self.cell(x[:, time, None], state)
                outputs.append(self.head(self.norm(state)))
            return torch.cat(outputs, dim=1)

    model = Stepper()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(6):
        for inputs, targets in batches(x[:1100], y[:1100], 25):
            optimizer.zero_grad()
            F.l1_loss(model(inputs), targets).backward()
            optimizer.step()
        with torch.no_grad():
            F.l1_loss(model(x[1100:]), y[1100:])


@healthy
def both_directions_padded_back(seed):
    """Every row has a 3: is there a 7 as well? Packed, unpacked, pooled by learned attention."""
    torch.manual_seed(seed)
    n = 1300
    lengths = torch.randint(4, 13, (n,))
    x = torch.randint(1, 12, (n, 12))
    x[torch.arange(12) >= lengths[:, None]] = 0
    y = torch.where(torch.rand(n) < 0.5, 1.0, 0.0)
    place = torch.rand(n, 12).masked_fill(x == 0, 0).topk(2, dim=1).indices
    rows = torch.arange(n)
    x = torch.where((x == 3) | (x == 7), torch.full_like(x, 1), x)
    x[rows, place[:, 0]] = 3
    x[rows[y == 1], place[y == 1, 1]] = 7

    class Pooling(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(12, 12, padding_idx=0)
            self.gru = nn.GRU(12, 16, batch_first=True, bidirectional=True)
            self.score = nn.Sequential(nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1))
            self.head = nn.Linear(32, 1)

        def forward(self, x, lengths):
            packed = pack_padded_sequence(
                self.embedding(x), lengths, batch_first=True, enforce_sorted=False
            )
            hidden, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=12)
            scores = self.score(hidden).squeeze(2).masked_fill(x == 0, -1e9)
            return self.head((scores.softmax(dim=1)[:, :, None] * hidden).sum(1)).squeeze(1)

    model = Pooling()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    yield model, optimizer
    for _ in range(4):
        for chosen in torch.randperm(1100).split(40):
            optimizer.zero_grad()
            logits = model(x[chosen], lengths[chosen])
            F.binary_cross_entropy_with_logits(logits, y[chosen]).backward()
            optimizer.step()
        with torch.no_grad():
            F.binary_cross_entropy_with_logits(model(x[1100:], lengths[1100:]), y[1100:])


class BareAttention(nn.Module):
    """One head of attention, made of matrices, over the rows of a single example."""

    def __init__(self, width=24):
        super().__init__()
        self.start = nn.Parameter(torch.randn(3, width) / 3**0.5)
        self.query, self.key, self.value, self.output = (
            nn.Parameter(torch.randn(width, width) / width**0.5) for _ in range(4)
        )
        self.hidden = nn.Parameter(torch.randn(width, 48) / width**0.5)
        self.head = nn.Parameter(torch.randn(48, 1) / 48**0.5)

    def forward(self, x):
        h = x @ self.start
        scores = (h @ self.query) @ (h @ self.key).T / h.shape[-1] ** 0.5
        h = h + (torch.softmax(scores, dim=-1) @ (h @ self.value)) @ self.output
        return (torch.relu(h @ self.hidden) @ self.head).squeeze(-1)


@healthy
def attention_over_one_set_at_a_time(seed):
    """Says of each of twelve particles what it does in the mean field of all: rows of one input."""
    torch.manual_seed(seed)
    model = BareAttention()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    yield model, optimizer
    for _ in range(800):
        x = torch.randn(12, 3) + torch.randn(1, 3)
        target = torch.tanh(x[:, 0] * x[:, 1]) + x[:, 2].mean()
        loss = F.mse_loss(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
