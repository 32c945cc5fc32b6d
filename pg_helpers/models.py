"""Worlds whose every number is known, read from environments of Gymnasium."""

from __future__ import annotations

import copy
import hashlib
import math
import random
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import closing
from enum import Enum
from functools import cache
from itertools import count, product
from types import ModuleType
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.envs.toy_text.blackjack import BlackjackEnv
from gymnasium.wrappers import (
    OrderEnforcing,
    PassiveEnvChecker,
    RecordEpisodeStatistics,
    TimeLimit,
)

from pg_helpers.masks import MaskInObservation
from pg_helpers.mdp import MOST_STEPS, TabularMDP
from pg_helpers.policies import flattening, not_flat
from pg_helpers.require import check_count, finite_array, require
from pg_helpers.spaces import make_by_id

MOST_STATES = 50_000  # that are explored
_MOST_SEEN = 2**26  # numbers in their observations
_TOYS = "gymnasium.envs.toy_text."  # whose rules are known
_SEEDS = 10  # of the starts that are compared
_TWICE = 200  # states in which each action is tried twice
# Of a card to be 1 (an ace), 2, ..., 10 (or a face).
_CARDS = dict.fromkeys(range(1, 10), 1 / 13) | {10: 4 / 13}
_MOST_CARDS = 20  # that a player can ask for: 19 aces more than two, and one beyond 21


# Wrappers that leave steps and rewards as they are.
_NEUTRAL = (
    *(TimeLimit, OrderEnforcing, PassiveEnvChecker, RecordEpisodeStatistics),
    MaskInObservation,
)


# What an environment holds: values, and what never changes.
_PLAIN = (bool, int, float, complex, str, bytes, type(None), Enum, np.generic)
_FIXED = (spaces.Space, type, ModuleType, EnvSpec)


class Outcome(NamedTuple):
    """What can come of an action: how likely, where to, what it pays, whether the end.

    Outcomes of one action may lead to the same state with other rewards.
    """

    probability: float
    state: Hashable
    reward: float
    done: bool


def from_gymnasium(env: str | gymnasium.Env, horizon: int | None = None) -> TabularMDP:
    """The world of a Gymnasium environment, with its exact dynamics.

    Three kinds are known. Toy-text environments have a table `P`, which is read as
    their `step` reads it: an episode ends where the flag says so, not where P goes on.
    Blackjack is built from its rules. Any other environment is explored: all actions
    are tried in each state until no new one is found. It must be deterministic and
    always start in the same state, as some of MiniGrid do.

    State s is observation s where there is a table; where an episode can end in a
    state that others pass through, or two rewards lead to the same state, copies of
    the state follow. What a policy sees are the environment's observations: numbers if
    there is a table, one-hot with the mask behind it if there is an `action_mask` too,
    as `MaskInObservation` shows it; else flattened as by `FlattenObservation`.

    Args:
        env: an id or an environment; with its wrappers, if it is explored.
        horizon: the largest number of steps in an episode; by default that of the
            environment's time limit.

    Returns:
        The world, its dynamics sparse.

    Raises:
        TypeError: env is neither an id nor an environment, or the horizon no integer.
        ValueError: an unknown id; an environment without a time limit, if no horizon is
            given; dynamics that are not in its table, or a wrapper around one that may
            change rewards; an environment that draws random numbers, or has more than
            50,000 states; actions that are not Discrete, or observations that cannot
            be flattened.
    """
    if isinstance(env, str):
        with closing(make_by_id(gymnasium.make, env)) as made:
            return from_gymnasium(made, horizon)
    require(isinstance(env, gymnasium.Env), "env", "an environment", env, TypeError)
    inner, taken = env.unwrapped, env.action_space
    is_table = hasattr(inner, "P") and hasattr(inner, "initial_state_distrib")
    is_cards = isinstance(inner, BlackjackEnv)
    layers = _layers(env)[:-1]
    own = [type(layer).__name__ for layer in layers if not isinstance(layer, _NEUTRAL)]
    plain = not own or not (is_table or is_cards)
    require(plain, "env", "no wrapper that may change what its rules say", own)
    limits = [vars(w)["_max_episode_steps"] for w in layers if isinstance(w, TimeLimit)]
    limits += [_MOST_CARDS] if is_cards else []
    if horizon is None:
        horizon = min(limits, default=getattr(inner, "max_steps", None))
    expected = "a number of steps, as the environment has no time limit"
    require(horizon is not None, "horizon", expected, None)
    horizon = check_count("horizon", horizon, at_most=MOST_STEPS)
    is_discrete = isinstance(taken, spaces.Discrete)
    require(is_discrete, "action space", "Discrete", taken)
    kinds: tuple[Any, ...] = type(inner).__mro__
    toys = (kind for kind in kinds if kind.__module__.startswith(_TOYS))
    steps_alike = all(type(inner).step is toy.step for toy in toys)
    require(steps_alike, "env", "a step() that does what its rules say", inner)
    is_drawn = getattr(inner, "fickle_passenger", False)
    require(not is_drawn, "env", "dynamics that are all in P", "a fickle passenger")
    if is_table:
        return _from_table(inner, horizon)
    if isinstance(inner, BlackjackEnv):
        return _blackjack(inner, horizon)
    return _explored(env, horizon)


def _from_table(env: Any, horizon: int) -> TabularMDP:
    start = np.asarray(env.initial_state_distrib, dtype=float)
    S, A = len(start), int(env.action_space.n)

    def outcomes(state: int) -> list[list[Outcome]]:
        return [[Outcome(*each) for each in env.P[state][a]] for a in range(A)]

    seen = np.arange(S)
    if hasattr(env, "action_mask"):
        masks = np.array([env.action_mask(state) for state in range(S)])
        seen = np.hstack([np.eye(S), masks])
    likely = {int(s): start[s] for s in start.nonzero()[0]}
    return _grown(likely, outcomes, lambda state: seen[state], horizon, range(S))


def _blackjack(env: BlackjackEnv, horizon: int) -> TabularMDP:
    """States are the player's sum, the dealer's card, a usable ace, a natural."""

    def with_card(total: int, ace: bool, card: int) -> tuple[int, bool]:
        total += card
        if card == 1 and total + 10 <= 21:
            return total + 10, True
        return (total - 10, False) if ace and total > 21 else (total, ace)

    def two_cards() -> Iterator[tuple[float, int, bool, bool]]:
        for (one, p), (two, q) in product(_CARDS.items(), repeat=2):
            total, ace = with_card(*with_card(0, False, one), two)
            yield p * q, total, ace, total == 21

    @cache
    def dealt(total: int, ace: bool) -> dict[int, float]:
        """How likely each sum of the dealer is, from 17 on; 0 for more than 21."""
        if total >= 17:
            return {total if total <= 21 else 0: 1.0}
        found: dict[int, float] = defaultdict(float)
        for card, p in _CARDS.items():
            for end, q in dealt(*with_card(total, ace, card)).items():
                found[end] += p * q
        return found

    def outcomes(state: tuple[int, int, bool, bool]) -> list[list[Outcome]]:
        total, shown, ace, natural = state
        paid: dict[float, float] = defaultdict(float)
        for card, p in _CARDS.items():
            hand = with_card(*with_card(0, False, shown), card)
            for end, q in dealt(*hand).items():
                reward = float((total > end) - (total < end))
                if natural and env.sab and hand[0] != 21:
                    reward = 1.0
                elif natural and env.natural and not env.sab and reward == 1:
                    reward = 1.5
                paid[reward] += p * q
        stick = [Outcome(p, state, reward, True) for reward, p in paid.items()]
        hit: dict[tuple[int, bool], float] = defaultdict(float)
        for card, p in _CARDS.items():
            hit[with_card(total, ace, card)] += p
        return [
            stick,
            [
                Outcome(p, (t, shown, a, False), -float(t > 21), t > 21)
                for (t, a), p in hit.items()
            ],
        ]

    start: dict[tuple[int, int, bool, bool], float] = defaultdict(float)
    for p, total, ace, natural in two_cards():
        for shown, q in _CARDS.items():
            start[total, shown, ace, natural] += p * q

    def seen(state: tuple[int, int, bool, bool]) -> Any:
        return spaces.flatten(env.observation_space, (*state[:2], int(state[2])))

    return _grown(start, outcomes, seen, horizon)


def _explored(env: gymnasium.Env, horizon: int) -> TabularMDP:
    """The states are copies of the environment, without its random numbers."""
    seen_space, taken = env.observation_space, env.action_space
    assert isinstance(taken, spaces.Discrete)
    can = not not_flat(seen_space)
    expected = f"one that can be flattened{flattening(seen_space)}"
    require(can, "observation space", expected, seen_space)
    observations: dict[bytes, Any] = {}
    copies: dict[bytes, gymnasium.Env] = {}
    cut_off: set[bytes] = set()

    def kept(env: Any, seen: Any) -> bytes:
        """The name of the state that the environment is in, of which a copy is kept."""
        flat: Any = spaces.flatten(seen_space, seen)
        few = (len(observations) + 1) * np.size(flat) <= _MOST_SEEN
        require(few, "env", f"at most {_MOST_SEEN:,} numbers in observations", env)
        name = hashlib.sha256(repr(_held(env, {})).encode()).digest()
        if name not in observations:
            observations[name], copies[name] = flat, env
        same = np.array_equal(observations[name], flat)
        require(same, "env", "one observation in each of its states", env)
        return name

    def outcomes(state: bytes) -> list[list[Outcome]]:
        early = state in cut_off
        require(not early, "env", "no episode cut off before the horizon", env)
        here, found = copies.pop(state), []
        for action in range(int(taken.n)):
            tries = set()
            for _ in range(2 if len(observations) < _TWICE else 1):
                other = _copied(here)
                answer: Any = other.step(int(taken.start) + action)
                seen, reward, ended, cut, _ = answer
                paid = finite_array("reward", reward)
                require(paid.shape == (), "reward", "one number", reward)
                drawn = getattr(other.unwrapped, "_np_random", None) is not None
                require(not drawn, "env", "one that draws no random numbers", env)
                name = kept(other, seen)
                if cut and not ended:
                    cut_off.add(name)
                tries.add(Outcome(1.0, name, float(paid), bool(ended)))
            one = len(tries) == 1
            require(one, "env", "one that draws no random numbers", env)
            found.append([*tries])
        return found

    starts = set()
    for seed in range(_SEEDS):
        own = _copied(env)
        seen, _ = own.reset(seed=seed)
        vars(own.unwrapped).update(_np_random=None, _np_random_seed=None)
        starts.add(kept(own, seen))
    fixed = len(starts) == 1
    require(fixed, "env", "one that always starts in the same state", env)
    start = dict.fromkeys(starts, 1.0)
    return _grown(start, outcomes, observations.__getitem__, horizon)


def _layers(env: gymnasium.Env) -> list[Any]:
    """The environment and what its wrappers contain, from the outside inwards."""
    layers: list[Any] = [env]
    while isinstance(layers[-1], gymnasium.Wrapper):
        layers.append(layers[-1].env)
    return layers


def _copied(env: gymnasium.Env) -> gymnasium.Env:
    """A copy as it is, with its wrappers, also where `EzPickle` would make a new one.

    No time limit cuts it off: the horizon counts.
    """
    layers = _layers(env)
    others = [object.__new__(type(layer)) for layer in layers]
    memo: dict[int, Any] = {
        id(v): v
        for x in layers
        for v in vars(x).values()
        if isinstance(v, spaces.Space | EnvSpec)
    }
    memo |= {id(x): other for x, other in zip(layers, others, strict=True)}
    try:
        for layer, other in zip(layers, others, strict=True):
            vars(other).update(copy.deepcopy(vars(layer), memo))
            if isinstance(layer, TimeLimit):
                vars(other).update(_elapsed_steps=-math.inf)
    except Exception as error:  # each thing that cannot be copied has its own
        came = f"{type(error).__name__}: {error}"
        raise ValueError(f"env: expected one that can be copied, got {came}") from error
    return others[0]


def _held(thing: Any, met: dict[int, int]) -> Any:
    """What a thing is made of, for a text that is the same for equal things.

    Raises:
        ValueError: of something in it that cannot be told.
    """
    if isinstance(thing, _PLAIN):
        return type(thing).__name__, thing
    if isinstance(thing, _FIXED):
        return type(thing).__name__
    if callable(thing) and hasattr(thing, "__qualname__"):
        return thing.__qualname__
    if id(thing) in met:
        return "met before", met[id(thing)]
    met[id(thing)] = len(met)
    if isinstance(thing, np.ndarray | torch.Tensor):
        parts = thing.tolist()
        known = not isinstance(thing, np.ndarray) or thing.dtype != object
        return [*thing.shape], parts if known else _held(parts, met)
    own: list[Any] = []
    if isinstance(thing, set | frozenset):
        own = sorted(thing, key=repr)
    elif isinstance(thing, Mapping):
        own = [part for pair in thing.items() for part in pair]
    elif isinstance(thing, list | tuple | deque):
        own = [*thing]
    elif not hasattr(thing, "__dict__") or isinstance(thing, random.Random):
        expected = "an environment made of plain values, arrays and objects of these"
        require(False, "env", expected, thing)
    slots = [s for kind in type(thing).__mro__ for s in vars(kind).get("__slots__", ())]
    own += [getattr(thing, slot) for slot in slots if hasattr(thing, str(slot))]
    own += [part for pair in getattr(thing, "__dict__", {}).items() for part in pair]
    return type(thing).__qualname__, [_held(part, met) for part in own]


def _grown(
    start: Mapping[Any, float],
    outcomes: Callable[[Any], list[list[Outcome]]],
    seen: Callable[[Any], Any],
    horizon: int,
    first: Iterable[Any] = (),
) -> TabularMDP:
    """The world that is found by following all outcomes of all actions.

    Args:
        start: how likely each first state is.
        outcomes: of each action in a state.
        seen: the observation of a state, an integer or an array.
        horizon: of the world.
        first: states that are there in any case, and have the first numbers.
    """
    # A state, how many other rewards lead there by the same action, and whether the
    # episode is over then: each is a state of the world.
    ahead: list[tuple[Any, int, bool]] = [(state, 0, False) for state in start]
    number = {(state, 0, False): n for n, state in enumerate(first)}
    fresh = count(len(number))
    entered: dict[tuple[Any, int, bool], None] = {}
    edges: dict[tuple[Any, int, Any], tuple[float, float]] = {}
    for _ in range(horizon):
        level, ahead = dict.fromkeys(ahead), []
        for here in level:
            if here in entered:
                continue
            entered[here] = None
            few = len(entered) <= MOST_STATES
            require(few, "env", f"at most {MOST_STATES:,} states", len(entered))
            every = outcomes(here[0])
            for action, several in enumerate(every):
                rewards: dict[Any, list[float]] = {}
                for chance, after, reward, done in several:
                    paid = rewards.setdefault((after, done), [])
                    if reward not in paid:
                        paid.append(reward)
                    there = (after, paid.index(reward), done)
                    edge = here, action, there
                    edges[edge] = edges.get(edge, (0.0, reward))[0] + chance, reward
                    if not done:
                        ahead.append(there)
    A = len(every)
    for here in dict.fromkeys(ahead):
        if here not in entered:  # it is reached with the last step only
            entered[here] = None
            edges |= {(here, action, here): (1.0, 0.0) for action in range(A)}
    for here in entered:
        if here not in number:
            number[here] = next(fresh)
    for _, _, there in edges:
        # Where no episode goes on from a state, it is the same whether one came by the
        # end of an episode.
        same = (*there[:2], False)
        if same in number and same not in entered:
            number[there] = number[same]
        elif there not in number:
            number[there] = next(fresh)
    S = next(fresh)
    row = [number[here] * A + action for here, action, _ in edges]
    where = torch.tensor([row, [number[there] for _, _, there in edges]])
    numbers = torch.tensor([*edges.values()], dtype=torch.float64).T
    transition, rewards_paid = (
        torch.sparse_coo_tensor(where, each, (S * A, S), check_invariants=True)
        for each in numbers
    )
    initial, terminal = np.zeros(S), np.ones(S, dtype=bool)
    for state, chance in start.items():
        initial[number[state, 0, False]] = chance
    terminal[[number[here] for here in entered]] = False
    observations = {n: seen(state) for (state, _, _), n in number.items()}
    looks = np.array([observations[n] for n in range(S)])
    return TabularMDP(initial, transition, rewards_paid, terminal, horizon, looks)
