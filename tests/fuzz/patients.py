"""Policies of every kind and of none, for one small world: most of them are wrong."""

import torch
from hypothesis import strategies as st
from nonsense import NAN, THINGS, Made
from torch import nn
from torch.distributions import Categorical, Normal
from worlds import random_table

import pg_helpers as pg


class Answers(nn.Module):
    """A parameter, and an answer that is made from it and the observations."""

    def __init__(self, answer):
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(2, dtype=torch.float64))
        self.answer = answer

    def forward(self, seen):
        return self.answer(self.theta, seen)


def answers(function):
    return lambda world: Answers(function)


def raises(theta, seen):
    raise KeyError("a fault of the policy's own")


def logits(change):
    """As Categorical, unchecked, whatever the logits are."""

    def answer(theta, seen):
        flat = theta.expand(len(seen), 2)
        return Categorical(logits=change(flat), validate_args=False)

    return answer


def wide(world):
    return world.observations.shape[1]


def with_nan(world):
    policy = random_table(world.num_states, 2)
    with torch.no_grad():
        policy.logits[0, 0] = NAN
    return policy


NEVER = torch.tensor([False, True])
WRONG = {
    "a table with NaN": with_nan,
    "a table of another world": lambda world: random_table(world.num_states + 1, 2),
    "three actions": lambda world: pg.MLPPolicy(wide(world), 3),
    "frozen": lambda world: pg.MLPPolicy(wide(world), 2).requires_grad_(False),
    "a Gaussian": lambda world: pg.GaussianPolicy(wide(world), 2),
    "a layer": lambda world: nn.Linear(wide(world), 2),
    "a layer that does not fit": lambda world: nn.Linear(7, 2),
    "no parameters": lambda world: nn.Identity(),
    "a class": lambda world: pg.MLPPolicy,
    "complex": lambda world: pg.MLPPolicy(wide(world), 2).to(torch.complex64),
    "NaN, checked": answers(lambda theta, seen: Categorical(logits=theta * NAN)),
    "NaN, unchecked": answers(logits(lambda flat: flat * NAN)),
    "infinite": answers(logits(lambda flat: flat + float("inf"))),
    "never any": answers(logits(lambda flat: flat - float("inf"))),
    "cut": answers(logits(lambda flat: flat.detach())),
    "whole numbers": answers(logits(lambda flat: flat.long())),
    "transposed": answers(logits(lambda flat: flat.T)),
    "one row": answers(logits(lambda flat: flat[:1])),
    "a tensor": answers(lambda theta, seen: theta.expand(len(seen), 2)),
    "None": answers(lambda theta, seen: None),
    "a density": answers(lambda theta, seen: Normal(theta, 1.0)),
    "raises": answers(raises),
}
RIGHT = {
    "a table": lambda world: random_table(world.num_states, 2),
    "a network": lambda world: pg.MLPPolicy(wide(world), 2, (3,)).double(),
    "float32": lambda world: pg.MLPPolicy(wide(world), 2, ()),
    "one action never": answers(logits(lambda flat: flat.masked_fill(NEVER, -9e999))),
    "a function": lambda world: Answers(logits(lambda flat: flat + 1)).forward,
}


def named(makers):
    return st.sampled_from(
        [Made(name, lambda make=make: make) for name, make in makers.items()]
    )


def policies():
    """Makers, which take the world."""
    foreign = THINGS.map(lambda thing: Made(repr(thing), lambda: lambda world: thing()))
    return st.one_of(named(RIGHT), named(RIGHT), named(WRONG), foreign)
