"""A training run in a process of its own, which says when it begins and how it ended.

`python reliability/runs_to_kill.py KIND CHECKPOINT EVERY`, or without the last two for
a run that nothing is kept of.
"""

import hashlib
import sys

import torch
from torch import nn
from torch.distributions import Categorical

import pg_helpers as pg


class Restless(nn.Module):
    """A policy that draws random numbers of its own, and has buffers that change."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2)
        )

    def forward(self, observations: torch.Tensor) -> Categorical:
        flat = observations.reshape(-1, 1)
        logits = self.layers(flat).reshape(*observations.shape[:-1], 2)
        return Categorical(logits=logits)


def corridor() -> tuple:
    config = pg.TrainConfig(num_updates=600, learning_rate=0.01)
    return pg.corridor(), pg.MLPPolicy(1, 2), config


def cartpole() -> tuple:
    config = pg.TrainConfig(
        num_updates=30,
        num_trajectories=16,
        learning_rate=0.02,
        gamma=0.99,
        weights="rewards_to_go",
        baseline="batch_mean",
    )
    return "CartPole-v1", pg.MLPPolicy(4, 2, (32, 32)), config


def restless() -> tuple:
    return pg.corridor(), Restless(), pg.TrainConfig(num_updates=300)


KINDS = {"corridor": corridor, "cartpole": cartpole, "restless": restless}


def digest(policy: nn.Module, history: pg.History) -> str:
    """The same for the same bits: parameters, buffers, and every number of history."""
    code = hashlib.sha256(repr(history).encode())  # repr of a float loses nothing
    for name, tensor in policy.state_dict().items():
        code.update(name.encode() + tensor.numpy().tobytes())
    return code.hexdigest()


def main(kind: str, checkpoint: str | None = None, every: str = "1") -> None:
    torch.manual_seed(7)
    env, policy, config = KINDS[kind]()
    print("begins", flush=True)
    history = pg.train(
        env,
        policy,
        config,
        progress=False,
        checkpoint=checkpoint,
        checkpoint_every=int(every),
    )
    print(digest(policy, history), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
