"""A world as a list of trajectories with their scores, and two small worlds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pg_course.arguments import check_number
from pg_helpers import exact
from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.require import finite_array


@dataclass(frozen=True)
class Listing:
    """All trajectories of a world, with what a policy makes of them.

    Attributes:
        states: int64 (K, T), the state in which each action was chosen.
        actions: int64 (K, T); 0 after the end.
        rewards: float (K, T), in the policy's precision; 0 after the end.
        mask: bool (K, T); True where a step is taken.
        P: (K,), probability of each trajectory; they sum to 1.
        scores: (K, T, D), gradient of ln pi(a_t|s_t) over the D parameters; 0 after
            the end.
    """

    states: Tensor
    actions: Tensor
    rewards: Tensor
    mask: Tensor
    P: Tensor
    scores: Tensor


def list_all(world: TabularMDP, policy: torch.nn.Module) -> Listing:
    """List a world's trajectories with their probabilities and scores.

    Args:
        world: small enough to list.
        policy: maps observations (S, D) to a Categorical over the actions.

    Returns:
        The list; nothing in it carries a graph.

    Raises:
        TypeError: the policy does not return a Categorical.
        ValueError: it does not have A actions, or the list would not fit into memory.
    """
    listed = exact.trajectories(world)
    P = exact.log_prob(world, policy, listed).exp().detach()
    states = listed.states[:, :-1]
    table = exact.score_table(world, policy)
    scores = table[states, listed.actions] * listed.mask[..., None]
    rewards = listed.rewards.to(P)
    return Listing(states, listed.actions, rewards, listed.mask, P, scores)


def with_rewards(world: TabularMDP, reward: ArrayLike) -> TabularMDP:
    """The same world with other rewards.

    Args:
        world: is not changed.
        reward: (S, A, S).

    Returns:
        A new world.

    Raises:
        TypeError: world is not a TabularMDP, or reward is not numeric.
        ValueError: reward is not finite, or of another shape.
    """
    check_mdp(world, "world")
    return TabularMDP(
        world.initial,
        world.transition,
        reward,
        world.terminal,
        world.horizon,
        world.observations,
    )


def doors(pays: ArrayLike, alike: bool = False) -> TabularMDP:
    """A row of doors, one a step: the right one pays, the left one does not.

    Whichever is taken, the next pair of doors follows, so that a choice has no
    consequence but its own reward. Action 1 takes the right door.

    Args:
        pays: (T,), what the right door of each step pays.
        alike: whether all doors look the same, so that a policy has one choice to
            learn for all of them.

    Returns:
        A world with T + 1 states and as many steps; the last state is terminal. Its
        observations are one-hot, or the single number 1 where all are alike.

    Raises:
        TypeError: pays are not numbers.
        ValueError: pays are not finite, or not of shape (T,).
    """
    rewards = finite_array("pays", pays)
    if rewards.ndim != 1 or not rewards.size:
        raise ValueError(f"pays: expected shape (T,), got {rewards.shape}")
    steps = np.arange(rewards.size)
    transition = np.zeros((rewards.size + 1, 2, rewards.size + 1))
    transition[steps, :, steps + 1] = 1.0
    reward = np.zeros_like(transition)
    reward[steps, 1, steps + 1] = rewards
    states = np.arange(rewards.size + 1)
    return TabularMDP(
        initial=states == 0,
        transition=transition,
        reward=reward,
        terminal=states == rewards.size,
        horizon=rewards.size,
        observations=np.ones((states.size, 1)) if alike else None,
    )


def loan(wage: float = 0.1) -> TabularMDP:
    """Two steps: what is borrowed in the first is paid back in the second.

    In state 0, action 1 borrows: it pays 1 and leads to state 1, where every action
    costs 1. Action 0 pays nothing and leads to state 2, where nothing is owed. In
    the second step action 1 works, and pays the wage besides.

    Args:
        wage: what work pays.

    Returns:
        A world with S = 4 and A = 2; state 3 is terminal.

    Raises:
        TypeError: the wage is not a number.
        ValueError: it is not finite.
    """
    start, debt, free, end = range(4)
    transition, reward = np.zeros((4, 2, 4)), np.zeros((4, 2, 4))
    transition[start, 1, debt] = transition[start, 0, free] = 1.0
    transition[[debt, free], :, end] = 1.0
    reward[start, 1, debt] = 1.0
    reward[debt, :, end] = -1.0
    reward[[debt, free], 1, end] += check_number("wage", wage)
    return TabularMDP(
        [1, 0, 0, 0], transition, reward, [False, False, False, True], horizon=2
    )
