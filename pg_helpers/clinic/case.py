"""A world and a policy in it: all that can be known before a loss is asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pg_helpers import exact
from pg_helpers.clinic.batches import Law
from pg_helpers.clinic.draws import draw
from pg_helpers.clinic.forms import Form
from pg_helpers.clinic.targets import Regularised, Target, gradient_of
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import observed, placement
from pg_helpers.require import check_tensor, require
from pg_helpers.returns import gae, rewards_to_go, total_return
from pg_helpers.rollout import Trajectories

Advantages = str | Callable[[Trajectories], Tensor]
# A relative error that rounding explains. Losses in float64 often hold a constant in
# float32, such as gamma ** torch.arange(T).
_ROUNDING = {torch.float64: 1e-6, torch.float32: 1e-4}
_ROUNDING_OF_HALF = 2e-2
# Lengths between these can be squared.
SHORTEST, LONGEST = 1e-140, 1e140
# As many rows, or numbers, are looked at in one piece.
_ROWS, _NUMBERS = 2**14, 2**22
LISTED = "a world whose trajectories can be listed, with this argument {}"
# As many states are shown to the policy alone.
_ALONE = 20
# Of advantages by GAE; how far the logits of a reference policy are moved.
_LAMBDA, _AWAY = 0.95, 0.5


class Case:
    """The trajectories of a world, what the policy does in it, and the truth.

    Every trajectory is listed. Where there are too many, some are drawn, and the truth
    is computed by dynamic programming.

    A padded step holds state 0, action 0 and reward 0, as in a batch that was begun
    with zeros. The policy has an opinion about it as about any other step.

    Chances, scores and the gradient of J are those of the policy in float64, whatever
    its precision; what a loss is given is in the policy's own.

    Attributes:
        policy: what gradients are taken of.
        gamma: discount of J.
        every: the K trajectories, padded to the horizon T; observations are the numbers
            of states.
        drawn: float64 (K,), where they are drawn, the first half by the policy and the
            second by another law: how many times as often each is in the second. None
            where all are listed.
        states: int64 (K, T), the state before each step; 0 where padded.
        lengths: int64 (K,).
        probability: float64 (K,), P(tau|theta) of each trajectory; where they are
            drawn, their weights in a mean.
        log_pi: (S, A), in the policy's precision, without a graph.
        pi: float64 (S, A), the policy's probabilities.
        parameters: of the policy, those that count, P numbers in all.
        scores: float64 (S * A, P), the gradient of each ln pi(a|s).
        of_J: float64 (P,), the gradient of J.
        truth: float64 (P,), the same, or the gradient of the target.
        form: what a loss is to be off-policy, if that was said.
        name: what the truth is called.
        groups: (P, G), prompts in a batch and trajectories of each; None for a batch
            of trajectories that are independent of each other.
        old_log_pi: (S, A), ln pi of the policy that sampled, if that is another.
        ref_log_pi: (S, A), ln pi of the reference policy.
        values: (T + 1, S), V of each state at each time, in the policy's precision.
        size: how long the estimate (19) from one trajectory is on average.
        rounding: a relative error that is no bias.

    Raises:
        TypeError: the policy does not return a Categorical.
        ValueError: an episode may start in a terminal state, and so have no step; the
            policy's answer depends on more than the observation; a parameter is not
            the policy's; the truth has another shape, is zero or beyond comparison; or
            trajectories are drawn, and groups have several starts or the target is
            for trajectories of another policy.
    """

    def __init__(
        self,
        mdp: TabularMDP,
        policy: nn.Module,
        gamma: float,
        target: Target | None = None,
        parameters: Iterable[Tensor] | None = None,
        advantages: Advantages = "total",
        groups: tuple[int, int] | None = None,
        reference: nn.Module | None = None,
        seed: int = 0,
    ) -> None:
        starts = not (mdp.initial[mdp.terminal] > 0).any()
        expected = "every episode to have a step"
        require(starts, "mdp", expected, "one that may start in a terminal state")
        self.policy, self.gamma, self.groups = policy, gamma, groups
        self._advantages = _check_advantages(advantages)
        self.old_log_pi: Tensor | None = None
        device, dtype = placement(policy)
        self.rounding = _ROUNDING.get(dtype, _ROUNDING_OF_HALF)
        self._seen = observed(mdp, policy)
        self.log_pi = _check_policy("policy", mdp, policy, self._seen)
        self._mdp, self._twin = mdp, _in_float64(policy, mdp)
        twin = self._twin
        scores = exact.score_table(mdp, twin).flatten(0, 1).double().cpu()
        self.parameters, self._columns = _chosen(policy, parameters)
        self.scores = scores[:, self._columns]
        with torch.no_grad():
            self.pi = twin(observed(mdp, twin)).logits.exp().double().cpu()
        if reference is None:
            self.ref_log_pi = _moved(self.log_pi)
        else:
            self.ref_log_pi = self.table("reference", mdp, reference)
            least = float(self.ref_log_pi.exp()[self.pi > 0].min())
            expected = "some chance for each action that the policy may take"
            require(least > 0, "reference", expected, least)
        with torch.no_grad():
            self.values = exact.state_values(mdp, twin, gamma).to(self.log_pi)
        self._alive = torch.tensor(~mdp.terminal)[:, None]
        found, self.probability, self.drawn = self._trajectories(seed)
        mask, last = found.mask, found.states[:, -1]
        self.states = torch.where(mask, found.states[:, :-1], 0)
        self.lengths = mask.sum(dim=1)
        self.every = Trajectories(
            observations=self.states,
            actions=found.actions.to(device),
            rewards=found.rewards.to(device, dtype),
            mask=mask.to(device),
            truncated=~torch.tensor(mdp.terminal)[last].to(device),
            final_observations=self._seen[last],
        )
        start = torch.zeros_like(self.lengths)
        if groups is not None:
            one = self.drawn is None or (mdp.initial > 0).sum() == 1
            expected = LISTED.format("groups, or one with a single start")
            require(one, "mdp", expected, mdp)
            start = self.states[:, 0].unique(return_inverse=True)[1]
        self._start = start
        self.size = float(self.probability @ self.plain.norm(dim=1))
        self.name, self.form = "the gradient of J", None
        given: Tensor | None = None
        gradient = self.of_J = self.estimator_mean()
        if isinstance(target, Form):
            require(self.drawn is None, "mdp", LISTED.format("target"), mdp)
            self.form = target  # with ratios of 1 it has the gradient of J
        elif isinstance(target, Regularised):
            self.name = f"{self.name} {target.words}"
            gradient = gradient + self._penalty(target)
        elif target is not None:
            self.name = "the target"
            given = target  # type: ignore[assignment]  # checked below
            if callable(target):
                given = gradient_of(target, mdp, twin, gamma)[self._columns]
        self.truth = _truth(gradient, given, self.size)

    @property
    def horizon(self) -> int:
        """T, the largest number of steps."""
        return self.states.shape[1]

    def batch(self, index: Tensor, length: int) -> Trajectories:
        """Trajectories (..., N) by their number, padded to this length."""
        every = self.every
        return Trajectories(
            observations=self._seen[self.states[index, :length]],
            actions=every.actions[index, :length],
            rewards=every.rewards[index, :length],
            mask=every.mask[index, :length],
            truncated=every.truncated[index],
            final_observations=every.final_observations[index],
        )

    @property
    def law(self) -> Law:
        """How batches are drawn."""
        size = None if self.groups is None else self.groups[1]
        return Law(self.probability, self._start, size, self.drawn)

    def estimator_mean(
        self, gamma: float | None = None, by_gae: bool = False, **options: Any
    ) -> Tensor:
        """`exact.estimator_mean`, float64 (P,); the gradient of J by default.

        Args:
            gamma: discount; that of J by default.
            by_gae: whether advantages are made with the true V.
            **options: of that function.
        """
        gamma = self.gamma if gamma is None else gamma
        values = self.values if by_gae else None
        found = exact.estimator_mean(
            self._mdp, self._twin, gamma, values=values, **options
        )
        return found.double().cpu()[self._columns]

    def _trajectories(
        self, seed: int
    ) -> tuple[exact.AllTrajectories, Tensor, Tensor | None]:
        """All that the policy may produce, or some; weights; and `drawn`."""
        mdp = self._mdp
        if not exact.can_be_listed(mdp):
            found, more = draw(mdp, self.pi, self.scores.shape[1], seed)
            chance = 2 / (1 + more)
            return found, chance / chance.sum(), more
        listed = exact.trajectories(mdp)
        with torch.no_grad():
            chance = exact.log_prob(mdp, self._twin, listed).exp().double().cpu()
        possible = chance > 0  # what the policy never does no loss can meet
        parts = (part[possible] for part in vars(listed).values())
        return exact.AllTrajectories(*parts), chance[possible], None

    def given(
        self, asks: frozenset[str], index: Tensor, length: int
    ) -> dict[str, Tensor]:
        """What a loss asks for of trajectories (..., N), each (..., N, length).

        It is what depends on more than what the trajectories hold.
        """
        tables = {"old_log_probs": self.old_log_pi, "ref_log_probs": self.ref_log_pi}
        pairs = self.pairs(index, length)
        found = {
            name: table.flatten()[pairs]
            for name, table in tables.items()
            if name in asks and table is not None
        }
        by_gae = self._advantages == "gae" and "advantages" in asks
        for name, wanted in (("values", "values" in asks), ("advantages", by_gae)):
            if wanted:
                found[name] = getattr(self, f"_{name}_of_each")[index, :length]
        return found

    def advantages(self, batch: Trajectories) -> Tensor:
        """What a loss is given by that name, (N, T)."""
        kind = self._advantages
        if callable(kind):
            weights = kind(batch)
            check_tensor("advantages", weights)
            shapes, shape = (batch.mask.shape, batch.mask.shape[:1]), weights.shape
            require(shape in shapes, "advantages", "shape (N, T) or (N,)", tuple(shape))
            return weights.reshape(len(batch.mask), -1).expand_as(batch.mask)
        if kind == "rtg":
            return rewards_to_go(batch.rewards, self.gamma)
        weights = total_return(batch.rewards, self.gamma)
        if kind != "total":
            groups = weights.unflatten(0, self.law.sizes(len(weights)))
            groups = groups - groups.mean(dim=1, keepdim=True)
            if kind == "group_std":
                groups = groups / (groups.std(dim=1, keepdim=True) + 1e-4)
            weights = groups.flatten()
        return weights[:, None].expand_as(batch.mask)

    @cached_property
    def _values_of_each(self) -> Tensor:
        """V before each step, (K, T); as a policy would be asked, of state 0 too."""
        return self.values[torch.arange(self.horizon), self.states]

    @cached_property
    def _advantages_of_each(self) -> Tensor:
        """By `gae` with the true V and lambda 0.95, (K, T); V is 0 at the horizon."""
        every = self.every
        values = self._values_of_each.to(every.rewards)
        return gae(every.rewards, values, every.mask, self.gamma, _LAMBDA)

    def pairs(self, index: Tensor, length: int) -> Tensor:
        """State * A + action of each step, (..., N, length)."""
        return self._pairs[index, :length]

    @cached_property
    def _pairs(self) -> Tensor:
        return self.states * self.pi.shape[1] + self.every.actions.cpu()

    def table(self, name: str, mdp: TabularMDP, policy: nn.Module) -> Tensor:
        """The log-probabilities (S, A) of another policy, in this one's precision.

        Raises:
            TypeError, ValueError: as for the policy; of the argument with this name.
        """
        seen = observed(mdp, policy)
        return _check_policy(name, mdp, policy, seen).to(self.log_pi)

    def push(self, step: Tensor) -> Tensor:
        """How a small step (P,) changes pi(a|s), per unit; 0 in terminal states."""
        return self._alive * self.pi * (self.scores @ step).reshape(self.pi.shape)

    @cached_property
    def plain(self) -> Tensor:
        """The estimate (19) from each single trajectory, (K, P)."""
        returns = total_return(self.every.rewards.cpu().double(), self.gamma)
        found = self.scores.new_empty(len(returns), self.scores.shape[1])
        some = max(1, _NUMBERS // max(len(self.scores), self.horizon))
        for rows in torch.arange(len(returns)).split(some):
            taken = self.every.mask.cpu()[rows] * returns[rows, None]
            weights = self.scores.new_zeros(len(rows), len(self.scores))
            weights.scatter_add_(1, self._pairs[rows], taken)
            found[rows] = weights @ self.scores
        return found

    def _penalty(self, target: Regularised) -> Tensor:
        """What a penalty adds to the gradient of J, (P,).

        It is that of a reward of -weight (ln pi - ln ref) whose gradient is not taken:
        the mean of grad ln pi is 0.
        """
        more = self.pi.log().where(self.pi > 0, 0)
        if target.relative:
            more = more - self.ref_log_pi.double().cpu()
        mdp, (state, action, after, chance, _) = self._mdp, self._mdp.edges
        (S, A), paid = self.pi.shape, -target.weight * more.numpy()[state, action]
        where = torch.from_numpy(np.stack([state * A + action, after]))
        P, R = (
            torch.sparse_coo_tensor(
                where, torch.tensor(entries), (S * A, S), check_invariants=True
            )
            for entries in (chance, paid)
        )
        ends = mdp.terminal, mdp.horizon, mdp.observations
        world = TabularMDP(mdp.initial, P, R, *ends)
        found = exact.gradient_by_dp(world, self._twin, self.gamma)
        return found.double().cpu()[self._columns]

    def plain_variance(self, N: int) -> float:
        """The total variance of its mean over N trajectories."""
        return self.variance_of_mean(self.plain, N)

    def variance_of_mean(self, rows: Tensor, N: int) -> float:
        """Total variance of the mean of rows (K, P) over a batch of N trajectories.

        What those of a group have in common, their start, does not average out in it.
        """
        groups, size = self.law.sizes(N)
        starts = self.law.starts()
        weighted = (self.probability / self.probability.sum())[:, None] * rows
        means = weighted.new_zeros(len(starts), rows.shape[1])
        means = means.index_add(0, self._start, weighted) / starts[:, None]
        between = total_variance(means, starts)
        whole = total_variance(rows, self.probability)
        return ((whole - between) / size + between) / groups


def _check_advantages(kind: Advantages) -> Advantages:
    known = callable(kind) or kind in ("total", "rtg", "gae", "group", "group_std")
    expected = "'total', 'rtg', 'gae', 'group', 'group_std' or a function of a batch"
    require(known, "advantages", expected, kind)
    return kind


def _moved(log_pi: Tensor) -> Tensor:
    """The reference policy (S, A) if none is given: logits moved at random."""
    generator = torch.Generator().manual_seed(0)
    move = torch.randn(log_pi.shape, generator=generator, dtype=torch.float64)
    return (log_pi + _AWAY * move.to(log_pi)).log_softmax(dim=1)


def total_variance(rows: Tensor, chance: Tensor) -> float:
    """Mean squared distance of (B, P) from their mean, with chances (B,)."""
    mean = chance @ rows
    parts = zip(rows.split(_ROWS), chance.split(_ROWS), strict=True)
    return sum(float(c @ ((part - mean) ** 2).sum(dim=1)) for part, c in parts)


def cosine(one: Tensor, other: Tensor) -> float:
    """Of the angle between two vectors; 0 where the first is only rounding."""
    if one.norm() <= 1e-12 * other.norm() or not other.any():
        return 0.0
    return float(one @ other) / float(one.norm() * other.norm())


def _chosen(
    policy: nn.Module, given: Iterable[Tensor] | None
) -> tuple[list[nn.Parameter], Tensor]:
    """The parameters that count, and which numbers of all of them these are."""
    every = list(policy.parameters())
    is_list = isinstance(given, Iterable | None) and not isinstance(given, Tensor)
    require(is_list, "parameters", "tensors of the policy", given, TypeError)
    wanted = every if given is None else list(given)
    numbers = {id(p) for p in every}
    known = wanted and all(id(p) in numbers for p in wanted)
    expected = "parameters of the policy, the very tensors"
    require(known, "parameters", expected, wanted)
    numbers = {id(p) for p in wanted}
    columns = [torch.full((p.numel(),), id(p) in numbers) for p in every]
    return [p for p in every if id(p) in numbers], torch.cat(columns)


def _truth(gradient: Tensor, target: Tensor | None, size: float) -> Tensor:
    name, truth, least = "gradient of J", gradient, max(SHORTEST, 1e-12 * size)
    if target is not None:
        name = "target"
        check_tensor(name, target)
        fits = target.shape == gradient.shape and target.isfinite().all()
        shape = tuple(gradient.shape)
        expected = f"finite numbers of shape {shape}, one for each parameter"
        require(fits, name, expected, tuple(target.shape))
        truth, least = target.detach().double().cpu(), SHORTEST
    length = truth.norm().item()
    expected = (
        "one that is not zero, nor of a length that cannot be squared, or nothing can "
        "be compared with it; examine with another policy or world"
    )
    require(least < length < LONGEST, name, expected, length)
    return truth


def _check_policy(
    name: str, mdp: TabularMDP, policy: nn.Module, seen: Tensor
) -> Tensor:
    """Its log-probabilities (S, A) of what is seen (S, D), if they depend on no more.

    A finite world's policy is a table. One that remembers, compares or draws is none.
    """
    try:
        exact.objective_by_dp(mdp, policy, 1.0)
    except (TypeError, ValueError) as error:
        said = str(error).replace("policy:", f"{name}:", 1)
        if isinstance(error, TypeError):
            said += ". The clinic lists every action: examine the loss with a policy "
            said += "of finitely many"
        raise type(error)(said) from error
    with torch.no_grad():
        table, again = policy(seen).logits, policy(seen).logits
        steady = _same(again, table)
        expected = "the same answer to the same observations"
        came = "two answers; dropout or memory? Call policy.eval() before"
        _demand(steady, name, expected, came)
        order = torch.arange(len(seen)).flip(0).repeat(2)
        same = False
        with suppress(Exception):  # batch norm refuses a single observation
            alone = torch.cat([policy(one[None]).logits for one in seen[:_ALONE]])
            same = _same(alone, table[:_ALONE])
            same = same and _same(policy(seen[order]).logits, table[order])
        with suppress(Exception):  # only a loss that calls it so needs this form
            steps = torch.arange(3 * mdp.horizon).reshape(3, -1) % len(seen)
            of_steps = policy(seen[steps]).logits
            same = same and _same(of_steps, table[steps])
    expected = "a policy that looks at the present observation alone"
    came = (
        "one whose answer depends on the others that are given with it, as that of a "
        "recurrent network, attention or batch norm in training does. Call "
        "policy.eval(), or put what it remembers into the observations"
    )
    _demand(same, name, expected, came)
    return table


def _demand(holds: bool, name: str, expected: str, came: str) -> None:
    if not holds:
        raise ValueError(f"{name}: expected {expected}, got {came}")


def _same(one: Tensor, other: Tensor) -> bool:
    tolerance = 1e-9 if one.dtype == torch.float64 else 1e-3
    return one.shape == other.shape and torch.allclose(
        one.exp(), other.exp(), rtol=0, atol=tolerance
    )


def _in_float64(policy: nn.Module, mdp: TabularMDP) -> nn.Module:
    """The same policy with more digits, or itself where it has no more."""
    try:
        twin = copy.deepcopy(policy).double()
        with torch.no_grad():
            is_exact = twin(observed(mdp, twin)).logits.dtype == torch.float64
    except Exception:  # a policy that cannot be copied, or insists on its precision
        return policy
    return twin if is_exact else policy
