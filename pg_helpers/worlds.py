"""The worlds of the series, small enough to know everything about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch

from pg_helpers.mdp import MOST_ENTRIES, MOST_STEPS, TabularMDP, check_size, normalised
from pg_helpers.require import check_count, check_fraction, finite_array, require, shown


def corridor(length: int = 7, horizon: int = 12) -> TabularMDP:
    """A corridor with the reward at its right end, observed as one number.

    The agent starts in the middle. Action 0 steps left, action 1 steps right; the left
    end is a wall, and stepping against it leaves the agent where it is. Entering the
    right end pays 1 and ends the episode. The observation is the position, scaled to
    run from -1 (left end) to 1 (right end): S = length, A = 2, D = 1.

    Args:
        length: number of cells, from 3 to 2896.
        horizon: the largest number of steps in an episode.

    Raises:
        TypeError, ValueError: an argument is not an integer, or out of range.
    """
    length = check_count("length", length, at_least=3)
    check_size("length", length, 2)
    cells = np.arange(length)
    transition = np.zeros((length, 2, length))
    transition[cells, 0, np.maximum(cells - 1, 0)] = 1.0
    transition[cells, 1, np.minimum(cells + 1, length - 1)] = 1.0
    reward = np.zeros_like(transition)
    reward[:-1, :, -1] = 1.0
    start, end, seen = length // 2, length - 1, np.linspace(-1, 1, length)[:, None]
    return TabularMDP(cells == start, transition, reward, cells == end, horizon, seen)


def grid_world(
    rows: int = 4, columns: int = 4, slip: float = 0.0, horizon: int = 20
) -> TabularMDP:
    """A grid with the reward in its bottom right corner, and a uniform start.

    The actions 0, 1, 2, 3 are up, right, down, left; the state of a cell is
    row * columns + column, observed one-hot. With probability `slip` the agent moves at
    a right angle to its action, to either side with equal probability. Walls stop it.
    Entering the corner pays 1 and ends the episode. An episode starts in any other cell
    with equal probability.

    Args:
        rows: number of rows; rows * columns must be from 2 to 2048.
        columns: number of columns.
        slip: probability of a sideways step, in [0, 1].
        horizon: the largest number of steps in an episode.

    Raises:
        TypeError, ValueError: an argument is not a number of its kind, or out of range.
    """
    rows, columns = check_count("rows", rows), check_count("columns", columns)
    slip, S = check_fraction("slip", slip), rows * columns
    require(S >= 2, "rows * columns", "at least 2 cells", S)
    check_size("rows * columns", S, 4)
    moves = [(-1, 0), (0, 1), (1, 0), (0, -1)]
    transition = np.zeros((S, 4, S))
    for state, action in np.ndindex(S, 4):
        row, column = divmod(state, columns)
        for turn, probability in ((0, 1 - slip), (-1, slip / 2), (1, slip / 2)):
            down, right = moves[(action + turn) % 4]
            next_row = min(max(row + down, 0), rows - 1)
            next_column = min(max(column + right, 0), columns - 1)
            transition[state, action, next_row * columns + next_column] += probability
    reward = np.zeros_like(transition)
    reward[:-1, :, -1] = 1.0
    terminal = np.arange(S) == S - 1
    return TabularMDP(~terminal / (S - 1), transition, reward, terminal, horizon)


def two_armed_bandit(
    reward_means: tuple[float, float] = (0.4, 0.6), noise: float = 0.0
) -> TabularMDP:
    """One state, two arms, one pull: the smallest world with a choice.

    Arm a pays reward_means[a] plus or minus `noise`, each with probability one half.
    State 0 is the start, the others are terminal, and the horizon is 1.

    Args:
        reward_means: mean reward of arm 0 and of arm 1.
        noise: half the distance between an arm's two possible rewards.

    Raises:
        TypeError: an argument is not numeric.
        ValueError: not two arms, or a reward that is not finite.
    """
    means = finite_array("reward_means", reward_means)
    half = finite_array("noise", noise)
    require(means.shape == (2,), "reward_means", "shape (2,)", means.shape)
    require(half.shape == (), "noise", "one number", half.shape)
    paid = [[mean + half.item(), mean - half.item()] for mean in means.tolist()]
    transition, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    transition[0, :, 1:] = 0.5
    reward[0, :, 1:] = finite_array("reward_means + noise", paid)
    return TabularMDP([1, 0, 0], transition, reward, [False, True, True], horizon=1)


def random_mdp(
    num_states: int, num_actions: int, horizon: int, seed: int = 0
) -> TabularMDP:
    """A world without symmetries: random dynamics, random rewards, early endings.

    The last state is terminal. Probabilities are drawn from a flat Dirichlet
    distribution, rewards from a standard normal one; states are observed one-hot.

    Args:
        num_states: S, at least 2, the terminal state included.
        num_actions: A, at least 1; S * A * S may be up to 16 million.
        horizon: the largest number of steps in an episode.
        seed: of the random generator; the same seed gives the same world.

    Raises:
        TypeError, ValueError: an argument is not an integer, or out of range.
    """
    S = check_count("num_states", num_states, at_least=2)
    A = check_count("num_actions", num_actions)
    check_size("num_states", S, A)
    generator = np.random.default_rng(check_count("seed", seed, at_least=0))
    initial = np.append(generator.dirichlet(np.ones(S - 1)), 0.0)
    transition = generator.dirichlet(np.ones(S), (S, A))
    reward = generator.standard_normal((S, A, S))
    return TabularMDP(initial, transition, reward, np.arange(S) == S - 1, horizon)


def hill(slip: float = 0.25, horizon: int = 2) -> TabularMDP:
    """A hill to climb, with berries in the valley: 16 trajectories in all.

    State 0 is the valley, 1 the ridge, 2 the summit, which ends the episode. An episode
    starts in the valley with probability 3/4, on the ridge with 1/4. Action 0 rests and
    stays where it is, which in the valley yields berries worth 0.2 per step. Action 1
    climbs to the next state; with probability `slip` it slides down to the valley
    instead. Reaching the summit pays 1. States are observed one-hot.

    Args:
        slip: probability that climbing fails, in [0, 1].
        horizon: the largest number of steps in an episode.

    Raises:
        TypeError, ValueError: an argument is not a number of its kind, or out of range.
    """
    slip = check_fraction("slip", slip)
    valley, ridge, summit = range(3)
    rest, climb = range(2)
    transition, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    for state in (valley, ridge):
        transition[state, rest, state] = 1.0
        transition[state, climb, state + 1] = 1 - slip
        transition[state, climb, valley] = slip
    reward[valley, rest, valley] = 0.2
    reward[ridge, climb, summit] = 1.0
    start, ends = [0.75, 0.25, 0], [False, False, True]
    return TabularMDP(start, transition, reward, ends, horizon)


def tokens(
    vocabulary: Sequence[Any],
    max_length: int,
    reward: Callable[[Any, tuple[Any, ...]], float],
    prompts: Sequence[Any] | Mapping[Any, float],
) -> TabularMDP:
    """Texts as trajectories: each action writes a token, and the last one is paid.

    Action a writes vocabulary[a], one of A tokens. A text ends with the last token of
    the vocabulary (the episode terminates), or is cut off at `max_length` tokens (the
    episode is truncated). The state is the prompt and the prefix written so far.

    States are numbered by prompt, then by length of the prefix, then in the order of
    the vocabulary. With w = A - 1 each prompt has n = 1 + w + ... + w^(max_length - 1)
    prefixes: prompt q starts in state q * n, and token a < w leads from the state
    q * n + i to q * n + w * i + 1 + a. The last state but one is "ended", and terminal;
    the last one is "cut off". The dynamics are sparse.

    An observation is the prompt, one-hot, and then the token at each position of the
    prefix, one-hot among w, zeros where none is written yet: D is the number of prompts
    plus (max_length - 1) * w. "Ended" and "cut off", where nothing is chosen, show
    zeros.

    Args:
        vocabulary: at least two different tokens, such as ["a", "b", "."].
        max_length: the largest number of tokens of a text, its end included; the
            horizon.
        reward: from (prompt, text) to a number; the text is a tuple of tokens, its end
            included.
        prompts: equally likely, or a dict from each to its probability.

    Raises:
        TypeError: an argument is not of its kind, or a reward is not a number.
        ValueError: fewer than two tokens or equal ones, no prompt, probabilities that
            do not sum to 1, a reward that is not finite, or too many texts.
    """
    is_list = isinstance(vocabulary, Sequence) and not isinstance(vocabulary, str)
    require(is_list, "vocabulary", "a sequence of tokens", vocabulary, TypeError)
    A, w = len(vocabulary), len(vocabulary) - 1
    expected = "two different tokens or more"
    require(w >= 1, "vocabulary", expected, vocabulary)
    T = check_count("max_length", max_length, at_most=MOST_STEPS)
    require(callable(reward), "reward", "a function", reward, TypeError)
    is_list = isinstance(prompts, Sequence | Mapping) and not isinstance(prompts, str)
    require(is_list, "prompts", "a sequence or a dict", prompts, TypeError)
    number = len(prompts)
    require(number, "prompts", "at least one prompt", prompts)
    alike = [1 / number] * number
    given = [*prompts.values()] if isinstance(prompts, Mapping) else alike
    chances = finite_array("prompts", given)
    require(chances.shape == (number,), "prompts", "a probability of each", prompts)
    n = T if w == 1 else (w**T - 1) // (w - 1)
    S, features = number * n + 2, number + (T - 1) * w
    few = S * max(A, features) <= MOST_ENTRIES
    sizes_allowed = f"S * A and S * D of at most {MOST_ENTRIES:,}"
    sizes = f"{T}: S = {min(S, 10**300):.3g}, A = {A}, D = {features}"
    require(few, "max_length", sizes_allowed, sizes)
    differ = all(vocabulary.index(token) == a for a, token in enumerate(vocabulary))
    require(differ, "vocabulary", expected, vocabulary)
    initial = np.zeros(S)
    initial[: number * n : n] = normalised("prompts", chances)
    prefixes = [prefix for k in range(T) for prefix in product(range(w), repeat=k)]
    seen, paid = np.zeros((S, features)), np.zeros((S, A))
    for (q, prompt), (i, prefix) in product(enumerate(prompts), enumerate(prefixes)):
        seen[q * n + i, [q, *(number + w * k + a for k, a in enumerate(prefix))]] = 1.0
        for a in range(A) if len(prefix) == T - 1 else [w]:
            text = tuple(vocabulary[b] for b in (*prefix, a))
            name = f"reward of {shown(text)} to {shown(prompt)}"
            value = finite_array(name, reward(prompt, text))
            require(value.shape == (), name, "one number", value)
            paid[q * n + i, a] = value
    child = w * np.arange(n)[:, None] + 1 + np.arange(A)
    onward = child + n * np.arange(number)[:, None, None]
    after = np.full((S, A), S - 1)  # cut off
    after[:-2] = np.where(child < n, onward, S - 1).reshape(-1, A)
    after[:-2, w] = S - 2
    where = torch.stack([torch.arange(S * A), torch.from_numpy(after.ravel())])
    transition, rewards = (
        torch.sparse_coo_tensor(where, values, (S * A, S), check_invariants=True)
        for values in (torch.ones(S * A).double(), torch.from_numpy(paid.ravel()))
    )
    ended = np.arange(S) == S - 2
    return TabularMDP(initial, transition, rewards, ended, T, seen)
