"""The world and the policy that a loss meets when no other is given."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.policies import policy_for
from pg_helpers.require import require

# As in `TrainConfig`.
GAMMA = 0.95


def standard_world() -> TabularMDP:
    """A world in which no fault of a loss hides behind a symmetry or a near-tie.

    It is `near_tie_world()` with slightly different rewards. At gamma 0.9, 0.95, 0.98,
    0.99 and 1, any two returns differ by at least 0.02, so that the small constant in
    (R - mean) / (std + 1e-6) makes no visible difference. The only exceptions are two
    pairs of trajectories that take the same steps in another order: at gamma = 1 their
    returns are equal in any world with these transitions.

    The rewards were found by search: a million seeds, each with five sizes of change
    from 0.1 to 0.3. In 157 of these worlds all returns are that far apart. This one was
    chosen because common faults do in it what they do in `near_tie_world()`: the same
    ones point downhill, and the others turn the gradient about as far.

    Returns:
        The world, with 31 trajectories in all.
    """
    return _world(change=0.1, seed=45691)


def near_tie_world() -> TabularMDP:
    """The clinic's first world: two of its returns differ by only 0.00027.

    Three states and a fourth that ends the episode; two actions, some of which lead to
    one state and others to one of two. Rewards are random numbers, some of them
    negative, and no two probabilities between 0 and 1 are equal. Episodes last one to
    four steps, so that lengths differ; the longest are cut off. Observations are pairs
    of random numbers, so that a policy cannot treat each state separately. Of 400 sets
    of rewards and 8 policies this is one in which common faults turn the gradient far,
    and do not only change its length.

    The two returns that nearly tie, at gamma = 0.95, make it a test for a loss that
    divides by the standard deviation of a batch: there, a small constant added to the
    standard deviation is no longer small.

    Returns:
        The world, with 31 trajectories in all.
    """
    return _world(change=0, seed=0)


def _world(change: float, seed: int) -> TabularMDP:
    """Rewards and observations of seed 98, then each reward changed at random."""
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
    reward += np.random.default_rng(seed).normal(0, change, transition.shape)
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
        policy = policy_for(mdp, (3,)).double()
    generator = np.random.default_rng(6)
    with torch.no_grad():
        for parameter in policy.parameters():
            weights = generator.normal(0, 0.8, tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(weights))
    return policy


def world_and_policy(
    mdp: TabularMDP | None, policy: nn.Module | None
) -> tuple[TabularMDP, nn.Module]:
    """What was given, checked; the standard ones for None."""
    mdp = standard_world() if mdp is None else mdp
    check_mdp(mdp)
    if policy is None:
        with torch.inference_mode(False):
            policy = standard_policy(mdp)
    require(isinstance(policy, nn.Module), "policy", "a Module", policy, TypeError)
    return mdp, policy
