"""Healthy agents: games grow longer, memories fill, losses rise as the agent gets better."""

import random

import torch
from _suite import healthy
from torch import nn
from torch.distributions import Categorical
from torch.nn import functional as F


class Balance:
    """A point is pushed left or right, and is to stay near the middle for sixty turns."""

    def reset(self):
        self.place, self.speed, self.turn = random.uniform(-0.3, 0.3), random.uniform(-0.3, 0.3), 0
        return [self.place, self.speed]

    def step(self, action):
        self.speed += (0.15 if action else -0.15) + 0.08 * self.place + random.gauss(0, 0.02)
        self.place += 0.3 * self.speed
        self.turn += 1
        return [self.place, self.speed], abs(self.place) > 1 or self.turn >= 60


def returns_of(rewards, decay):
    """Return what is still to come at each turn, standardized within the game."""
    total, found = 0.0, []
    for reward in reversed(rewards):
        total = reward + decay * total
        found.insert(0, total)
    found = torch.tensor(found)
    return (found - found.mean()) / (found.std() + 1e-6)


@healthy
def longer_and_longer_games_by_policy_gradient(seed):
    """The loss is a sum over the turns of a game; it crosses zero from game to game."""
    torch.manual_seed(seed)
    random.seed(seed)
    game = Balance()
    policy = nn.Sequential(nn.Linear(2, 64), nn.Dropout(0.1), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    yield policy, optimizer
    for _ in range(100):
        state, is_over, likelihoods, rewards = game.reset(), False, [], []
        while not is_over:
            chances = F.softmax(policy(torch.tensor(state)[None]), dim=1)
            choice = Categorical(chances)
            action = choice.sample()
            likelihoods.append(choice.log_prob(action))
            state, is_over = game.step(action.item())
            rewards.append(1.0)
        gains = returns_of(rewards, 0.99)
        loss = torch.cat(
            [-each * gain for each, gain in zip(likelihoods, gains, strict=True)]
        ).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class ActorAndCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 64)
        self.actor = nn.Linear(64, 2)
        self.critic = nn.Linear(64, 1)

    def forward(self, x):
        x = F.relu(self.body(x))
        return F.softmax(self.actor(x), dim=-1), self.critic(x)


@healthy
def longer_and_longer_games_with_a_critic(seed):
    """Its loss is a sum over the turns, too, and so rises as the agent learns to stay alive."""
    torch.manual_seed(seed)
    random.seed(seed)
    game, model = Balance(), ActorAndCritic()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    yield model, optimizer
    for _ in range(100):
        state, is_over, seen = game.reset(), False, []
        while not is_over:
            chances, value = model(torch.tensor(state))
            choice = Categorical(chances)
            action = choice.sample()
            seen.append((choice.log_prob(action), value))
            state, is_over = game.step(action.item())
        gains = returns_of([1.0] * len(seen), 0.95)
        actor, critic = [], []
        for (likelihood, value), gain in zip(seen, gains, strict=True):
            actor.append(-likelihood * (gain - value.item()))
            critic.append(F.smooth_l1_loss(value, gain[None]))
        optimizer.zero_grad()
        (torch.stack(actor).sum() + torch.stack(critic).sum()).backward()
        optimizer.step()


@healthy
def action_values_from_a_memory_that_fills(seed):
    """At first the memory is a batch or two; targets grow with the values that are learned."""
    torch.manual_seed(seed)
    random.seed(seed)
    game, memory, turns = Balance(), [], 0
    model, slow = (
        nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
        for _ in range(2)
    )
    slow.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, amsgrad=True)
    yield model, optimizer
    for _ in range(40):
        state, is_over = torch.tensor(game.reset()), False
        while not is_over:
            turns += 1
            if random.random() < max(0.05, 0.9 - turns / 600):
                action = random.randrange(2)
            else:
                with torch.no_grad():
                    action = model(state[None]).argmax().item()
            following, is_over = game.step(action)
            following = torch.tensor(following)
            memory.append((state, action, following, float(is_over)))
            state = following
            if len(memory) < 64:
                continue
            before, actions, after, over = zip(*random.sample(memory, 64), strict=True)
            values = model(torch.stack(before)).gather(1, torch.tensor(actions)[:, None])
            with torch.no_grad():
                best = slow(torch.stack(after)).max(1).values
            targets = 1.0 + 0.9 * best * (1 - torch.tensor(over))
            loss = F.smooth_l1_loss(values, targets[:, None])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 100)
            optimizer.step()
            with torch.no_grad():
                for old, new in zip(slow.parameters(), model.parameters(), strict=True):
                    old.lerp_(new, 0.02)
