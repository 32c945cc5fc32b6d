"""The world and the policy that a loss meets when no other is given."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.policies import MLPPolicy

# As in `TrainConfig`.
GAMMA = 0.95


def standard_world() -> TabularMDP:
    """A world in which no fault of a loss hides in a symmetry.

    Three states and a fourth that ends the episode; two actions, of which some lead to
    one state and others to one of two. Rewards are random numbers, some of them
    negative, and no two chances are alike. Episodes last one to four steps, so that
    lengths differ; the longest are cut off. Observations are pairs of random numbers,
    so that a policy cannot treat each state for itself. Of 400 sets of rewards and 8
    policies this is one on which common faults turn the gradient far, not only stretch
    it.

    Returns:
        The world, with 31 trajectories in all.
    """
    generator = np.random.default_rng(98)
    transition = np.zeros((4, 2, 4))
    transition[0, 0, [1, 3]] = 0.55, 0.45
    transition[0, 1, 2] = 1
    transition[1, 0, 2] = 1
    transition[1, 1, 3] = 1
    transition[2, 0, 1] = 1
    transition[2, 1, [3, 0]] = 0.35, 0.65
    reward = generator.normal(0.5, 1, transition.shape)
    observations = generator.normal(0, 1, (4, 2))
    initial = [0.6, 0.4, 0, 0]
    return TabularMDP(initial, transition, reward, [0, 0, 0, 1], 4, observations)


def standard_policy(mdp: TabularMDP) -> nn.Module:
    """A small network in float64 whose random weights favour no action everywhere.

    Args:
        mdp: the world that it is to act in.

    Returns:
        A new `MLPPolicy` with three hidden units; the same each time.

    Raises:
        TypeError: mdp is not a TabularMDP.
    """
    check_mdp(mdp)
    with torch.random.fork_rng(devices=[]):  # its first weights are not the caller's
        policy = MLPPolicy(mdp.observations.shape[1], mdp.num_actions, (3,)).double()
    generator = np.random.default_rng(6)
    with torch.no_grad():
        for parameter in policy.parameters():
            weights = generator.normal(0, 0.8, tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(weights))
    return policy
