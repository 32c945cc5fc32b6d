"""Every batch of a small world, one by one: what the clinic has to find.

Nothing here calls the clinic. A loss is given NumPy's numbers, and its gradient in the
logits is taken by differences; what it detaches is held still meanwhile.
"""

import inspect
import itertools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import oracles
import pytest
import torch
from torch.distributions import Categorical
from worlds import random_table

import pg_helpers as pg

GAMMA, BETA, LAMBDA = 0.9, 0.3, 0.95


def _world() -> pg.TabularMDP:
    """Two starts, seven trajectories of one or two steps; some are cut off."""
    transition = np.zeros((4, 2, 4))
    transition[0, 0, [2, 3]] = 0.6, 0.4
    transition[0, 1, 3] = transition[1, 0, 3] = transition[1, 1, 2] = 1
    transition[2, 0, 3] = transition[2, 1, 1] = 1
    reward = np.random.default_rng(1).normal(0.3, 1, transition.shape)
    return pg.TabularMDP([0.6, 0.4, 0, 0], transition, reward, [0, 0, 0, 1], 2)


def table_of(policy: Any) -> np.ndarray:
    """Probabilities (S, A) of a table of logits."""
    return oracles.softmax(policy.logits.detach().numpy())


WORLD = _world()
POLICY, REFERENCE = random_table(4, 2, seed=3), random_table(4, 2, seed=5)
# Ratios from 0.01 to 3.1, with good returns and with bad, one between 1.2 and 1.28.
BEHAVIOUR = random_table(4, 2, seed=47)
LOGITS = POLICY.logits.detach().numpy().copy()
PI, REF, OLD = table_of(POLICY), table_of(REFERENCE), table_of(BEHAVIOUR)
# Four points on a line give a slope up to 1e-12.
_STEP, _WEIGHTS = 1e-3, {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
# What losses call what they are given, beside its plain name.
NAMES = {
    "newlogprob": "log_probs",
    "log_prob": "log_probs",
    "per_token_logps": "log_probs",
    "new_per_token_logps": "log_probs",
    "new_logprobs": "log_probs",
    "b_logprobs": "old_log_probs",
    "mb_logprobs": "old_log_probs",
    "old_log_prob": "old_log_probs",
    "old_per_token_logps": "old_log_probs",
    "sample_log_prob": "old_log_probs",
    "ref_per_token_logps": "ref_log_probs",
    "mb_advantage": "advantages",
    "mb_advantages": "advantages",
    "advantage": "advantages",
    "mb_returns": "returns",
    "b_values": "values",
    "reward": "rewards",
    "done": "dones",
    "completion_mask": "mask",
    "response_mask": "mask",
    "action_mask": "mask",
}


def batches(pi: np.ndarray, P: int, G: int) -> Any:
    """Every batch of P groups of G, each group from one start, and its chance."""
    paths, groups = oracles.paths(WORLD, pi), []
    for start in {path.states[0]: None for path in paths}:
        own = [path for path in paths if path.states[0] == start]
        likely = math.fsum(path.probability for path in own)
        for group in itertools.product(own, repeat=G):
            shares = [path.probability / likely for path in group]
            groups.append((group, likely * math.prod(shares)))
    for chosen in itertools.product(groups, repeat=P):
        every = [path for group, _ in chosen for path in group]
        yield every, math.prod(chance for _, chance in chosen)


def value(time: int, state: int) -> float:
    """V of a state from a time on, by plain recursion."""
    if WORLD.terminal[state] or time == WORLD.horizon:
        return 0.0
    found = 0.0
    for action, after in np.ndindex(2, 4):
        chance = PI[state, action] * WORLD.transition[state, action, after]
        if chance > 0:
            reward = WORLD.reward[state, action, after]
            found += chance * (reward + GAMMA * value(time + 1, after))
    return found


def advantages_of(kind: Any, batch: Any, G: int) -> np.ndarray:
    """(N, T), by the definitions in the clinic's docstring."""
    if callable(kind):
        given = SimpleNamespace(
            **{name: torch.from_numpy(part) for name, part in vars(batch).items()}
        )
        found = kind(given).numpy()
        return found if found.ndim == 2 else np.repeat(found[:, None], 2, axis=1)
    total = batch.returns[:, 0]
    found = np.repeat(total[:, None], 2, axis=1)
    if kind == "rtg":
        return batch.returns
    if kind == "gae":
        found[:] = 0
        for row, time in reversed(list(zip(*batch.mask.nonzero(), strict=True))):
            ahead, after = 0.0, 0.0
            if time == 0 and batch.mask[row, 1]:
                ahead, after = batch.values[row, 1], found[row, 1]
            delta = batch.rewards[row, time] + GAMMA * ahead - batch.values[row, time]
            found[row, time] = delta + GAMMA * LAMBDA * after
    for first in range(0, len(total), G) if "group" in kind else ():
        own = total[first : first + G]
        spread = own.std(ddof=1) + 1e-4 if kind == "group_std" and G > 1 else 1.0
        found[first : first + G] = ((own - own.mean()) / spread)[:, None]
    return found


def numbers_of(paths: list[oracles.Path]) -> Any:
    """What a batch holds, padded to the horizon: state 0, action 0, reward 0."""
    shape = (len(paths), 2)
    states, actions = np.zeros(shape, int), np.zeros(shape, int)
    rewards, mask = np.zeros(shape), np.zeros(shape, bool)
    for row, path in enumerate(paths):
        for time, action in enumerate(path.actions):
            states[row, time], actions[row, time] = path.states[time], action
            rewards[row, time], mask[row, time] = path.rewards[time], True
    ended = np.array([bool(WORLD.terminal[path.states[-1]]) for path in paths])
    return SimpleNamespace(
        observations=np.eye(4)[states],
        states=states,
        actions=actions,
        rewards=rewards,
        mask=mask,
        returns=np.stack([rewards @ [1, GAMMA], rewards[:, 1]], axis=1),
        values=np.array([[value(t, s) for t, s in enumerate(row)] for row in states]),
        lengths=mask.sum(1),
        terminated=ended,
        truncated=~ended,
    )


def given_to(
    loss: Any, paths: list[oracles.Path], G: int, advantages: Any, form: str, old: Any
) -> tuple[dict[str, torch.Tensor], Any]:
    """What the loss asks for by name, as tensors, but what depends on the logits."""
    function = loss.forward if isinstance(loss, torch.nn.Module) else loss
    names = {n: NAMES.get(n, n) for n in inspect.signature(function).parameters}
    if "new_per_token_logps" in names:
        names["per_token_logps"] = "old_log_probs"
    batch = numbers_of(paths)
    places = (batch.states, batch.actions)
    every = vars(batch) | {
        "advantages": advantages_of(advantages, batch, G),
        "old_log_probs": np.log(old)[places],
        "ref_log_probs": np.log(REF)[places],
        "group": np.arange(len(paths)) // G,
    }
    last = np.arange(2) == batch.lengths[:, None] - 1
    if form == "sequence":
        every["rewards"] = every["returns"]
        for name in ("rewards", "returns", "advantages", "values"):
            every[name] = every[name][:, 0]
    if form == "flat":
        for name in ("terminated", "truncated"):
            every[name] = last & every[name][:, None]
        every |= {"dones": last, "episode": np.arange(len(paths))[:, None] + 0 * last}
        taken = batch.mask
        for name, part in every.items():
            if part.shape[:2] == taken.shape:
                every[name] = part[taken]
    found = {
        name: torch.from_numpy(np.asarray(every[plain]))
        for name, plain in names.items()
        if plain in every
    }
    return found, SimpleNamespace(**vars(batch), names=names, form=form)


def _points() -> list[tuple[int, np.ndarray, torch.Tensor]]:
    """Moved tables, and the weights by which they make the slopes of a state.

    A number added to both logits of a state changes nothing: the slope in the second is
    minus that in the first.
    """
    found = []
    for state in range(3):
        for times, weight in _WEIGHTS.items():
            moved = LOGITS.copy()
            moved[state, 0] += times * _STEP
            weights = np.array([weight, -weight]) / _STEP
            found.append((state, weights, torch.from_numpy(moved)))
    return found


POINTS = _points()


def answer(loss: Any, given: dict[str, Any], batch: Any, logits: torch.Tensor) -> float:
    """The loss at these logits."""
    log_pi, more = logits.log_softmax(1), {}
    for name, plain in batch.names.items():
        if plain == "log_probs":
            found = log_pi[batch.states, batch.actions]
            more[name] = found[batch.mask] if batch.form == "flat" else found
        if plain == "policy":
            more[name] = lambda seen: Categorical(logits=seen @ logits)
        if plain == "batch":
            tensors = {n: v for n, v in vars(batch).items() if n not in _OWN}
            parts = {name: torch.as_tensor(part) for name, part in tensors.items()}
            more[name] = SimpleNamespace(**parts)
    return float(loss(**given, **more))


_OWN = ("names", "form")


def gradient(loss: Any, given: dict[str, Any], batch: Any) -> np.ndarray:
    """Minus the slope in each logit, (S, A); what is detached stays as it is."""
    found, kept = np.zeros_like(LOGITS), []
    detach = torch.Tensor.detach
    try:
        torch.Tensor.detach = lambda part: kept.append(part.clone()) or kept[-1]
        answer(loss, given, batch, torch.from_numpy(LOGITS))
        for state, weights, moved in POINTS:
            again = iter(kept)
            torch.Tensor.detach = lambda part, again=again: next(again)
            found[state] -= weights * answer(loss, given, batch, moved)
    finally:
        torch.Tensor.detach = detach
    return found


def expected(
    loss: Any,
    P: int = 1,
    G: int = 1,
    advantages: Any = "total",
    form: str = "padded",
    old: np.ndarray | None = None,
    pooled: bool = False,
) -> tuple[np.ndarray, float]:
    """Mean and total variance of minus the gradient over all batches.

    Without an old policy the ratio is 1. In a pooled batch all are one group, though
    each may have a start of its own.
    """
    chances, rows = [], []
    for paths, chance in batches(PI if old is None else old, P, G):
        own = PI if old is None else old
        size = P if pooled else G
        given, batch = given_to(loss, paths, size, advantages, form, own)
        rows.append(gradient(loss, given, batch).ravel())
        chances.append(chance)
    mean = np.array(chances) @ rows
    return mean, float(np.array(chances) @ ((np.array(rows) - mean) ** 2).sum(1))


def slopes(objective: Any) -> np.ndarray:
    """The gradient in the logits of a function of the policy's probabilities."""
    found = np.zeros_like(LOGITS)
    for state, weights, moved in POINTS:
        found[state] += weights * objective(oracles.softmax(moved.numpy()))
    return found.ravel()


def assert_measured(
    error: float, cosine: float, mean: np.ndarray, truth: np.ndarray
) -> None:
    """Error and cosine are those of this mean against this truth."""
    length, size = np.linalg.norm(truth), np.linalg.norm(mean)
    assert error == pytest.approx(np.linalg.norm(mean - truth) / length, abs=1e-8)
    angle = mean @ truth / length / size if size > 1e-9 else 0.0
    assert cosine == pytest.approx(angle, abs=1e-8)


def assert_found(
    found: Any, mean: np.ndarray, variance: float, truth: np.ndarray
) -> None:
    """A diagnosis has these numbers, and the answer that follows."""
    np.testing.assert_allclose(found.gradient.numpy(), truth, atol=1e-10)
    np.testing.assert_allclose(found.expected.numpy(), mean, atol=1e-8)
    assert_measured(found.relative_error, found.cosine, mean, truth)
    assert found.variance == pytest.approx(variance, abs=1e-8)
    assert found.standard_error == 0
    assert found.unbiased is bool(found.relative_error < 1e-6)
