"""The truth: on a finite world every trajectory can be listed, so nothing is estimated.

Answers have the precision of the policy. This module imports nothing that samples,
weights or differentiates a loss, so that it can judge what does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Categorical

from pg_helpers.mdp import Edges, TabularMDP, check_mdp
from pg_helpers.policies import observed
from pg_helpers.require import (
    NotFiniteError,
    all_finite,
    check_finite,
    check_fraction,
    check_tensor,
    finite_array,
    require,
)

__all__ = [
    "AllTrajectories",
    "action_values",
    "can_be_listed",
    "count_trajectories",
    "estimator_mean",
    "estimator_variance",
    "expectation",
    "gradient",
    "gradient_by_dp",
    "log_prob",
    "objective",
    "objective_by_dp",
    "optimal_objective",
    "score_table",
    "state_values",
    "trajectories",
    "visits",
]

MEMORY_LIMIT = 2**30  # bytes; an enumeration that would take more is refused
MOST_SCORES = 2**26  # entries of a table (S, A, P): half a gigabyte in float64
_BYTES_PER_STEP = 80
_PART = 2**18  # numbers that stay in a processor's cache
_MOST_COUNTED = 10**250  # a refusal counts no further; a float still holds it


@dataclass(frozen=True)
class AllTrajectories:
    """Every trajectory that some policy can produce, in lexicographic order, Eq. (12).

    Attributes:
        states: int64 (K, T + 1), T the horizon; after the end the last state repeats.
        actions: int64 (K, T); 0 after the end.
        rewards: float64 (K, T); 0 after the end.
        mask: bool (K, T); True where a step is taken.
    """

    states: Tensor
    actions: Tensor
    rewards: Tensor
    mask: Tensor


def trajectories(mdp: TabularMDP) -> AllTrajectories:
    """List all K trajectories of a finite world, padded to the horizon.

    Raises:
        TypeError: mdp is not a TabularMDP.
        ValueError: they would take more memory than `MEMORY_LIMIT`.
    """
    check_mdp(mdp)
    _check_memory(mdp, padded=True)
    possible, starts = _possible(mdp), np.flatnonzero(mdp.initial)
    steps = np.empty((len(starts), 0), dtype=np.int64)
    for parent, step in _grow(mdp, possible):
        starts, steps = starts[parent], np.column_stack([steps[parent], step])
    states = np.column_stack([starts, possible.next_state[steps]])
    actions, rewards = possible.action[steps], possible.reward[steps]
    mask = ~mdp.terminal[states[:, :-1]]
    return AllTrajectories(*map(torch.from_numpy, (states, actions, rewards, mask)))


def count_trajectories(mdp: TabularMDP) -> int:
    """Count all K trajectories, exactly and without listing them.

    Raises:
        TypeError: mdp is not a TabularMDP.
    """
    check_mdp(mdp)
    *_, count = _count_prefixes(mdp)
    return count


def can_be_listed(mdp: TabularMDP) -> bool:
    """Whether all trajectories fit into `MEMORY_LIMIT`.

    Raises:
        TypeError: mdp is not a TabularMDP.
    """
    check_mdp(mdp)
    return _memory(mdp, padded=True)[1] <= MEMORY_LIMIT


def objective(mdp: TabularMDP, policy: Any, gamma: float) -> Tensor:
    """J(theta), the sum of R(tau) P(tau|theta) over every trajectory, Eq. (7).

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        gamma: discount, in [0, 1].

    Returns:
        Scalar (), in units of reward; differentiable.

    Raises:
        TypeError: mdp is not a TabularMDP, gamma is not a number, or the policy does
            not return a Categorical.
        ValueError: gamma is outside [0, 1], the policy raises an error or does not have
            A actions, or the enumeration exceeds `MEMORY_LIMIT`.
        NotFiniteError: a probability is NaN, or J overflows.
    """
    probabilities, returns, _ = _enumerate(mdp, _log_table(mdp, policy), gamma)
    return _finite((returns * probabilities).sum())


def gradient(mdp: TabularMDP, policy: nn.Module, gamma: float) -> Tensor:
    """Gradient of J: the sum over tau of P R times the sum of grad ln pi, Eq. (17).

    Returns:
        (P,), in the order of policy.parameters(); zero for frozen parameters.

    Raises:
        TypeError, ValueError: as for `objective`, or there is no trainable parameter.
    """
    log_pi = _log_table(mdp, policy)
    with torch.no_grad():
        probabilities, returns, steps = _enumerate(mdp, log_pi, gamma)
        # How often ln pi(a|s) is in the sum, each time weighted by R P: carried from
        # the end of the trajectories back to the start along shared prefixes.
        weight = torch.zeros_like(log_pi)
        carried = returns * probabilities
        for parent, at in reversed(steps):
            weight.index_put_(at, carried, accumulate=True)
            shorter = carried.new_zeros(int(parent[-1]) + 1)
            carried = shorter.index_add(0, parent, carried)
        weight[torch.tensor(mdp.terminal)] = 0  # nothing is chosen after the end
    return _finite(_flat_gradient((weight * log_pi).sum(), policy))


def objective_by_dp(mdp: TabularMDP, policy: Any, gamma: float) -> Tensor:
    """The same J by dynamic programming, backward from the horizon.

    The cost grows with the horizon and the number of possible transitions (S * A * S of
    a dense world), not with the number of trajectories. The arguments, result and
    errors are those of `objective`.
    """
    pi = _log_table(mdp, policy).exp()
    return _initial_value(mdp, gamma, _mean_of(pi), pi)


def gradient_by_dp(mdp: TabularMDP, policy: nn.Module, gamma: float) -> Tensor:
    """The same gradient by dynamic programming, forward and backward; as `gradient`.

    It is the mean of the estimator whose weights are gamma^t times reward-to-go. Memory
    for the graph does not grow with the horizon.
    """
    return estimator_mean(mdp, policy, gamma)


def estimator_mean(
    mdp: TabularMDP,
    policy: nn.Module,
    gamma: float,
    *,
    values: Tensor | None = None,
    lam: float = 1.0,
    discounted: bool = True,
) -> Tensor:
    """The mean of the sum over t of gamma^t A_t grad ln pi(a_t|s_t), A_t by GAE.

    Without a critic A_t is the reward-to-go, and the mean is the gradient of J: that of
    R(tau) for every step too, as what was earned before an action is as good a weight
    as 0. It is the sum over t, s and a of gamma^t P(s_t = s) pi(a|s) times the mean of
    A_t where s_t = s and a_t = a, and the gradient of ln pi(a|s).

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        gamma: discount, in [0, 1].
        values: (S,) or (T + 1, S), in units of reward: what a critic, right or wrong,
            says of each state, the same at all times or at each. After the last step
            of the horizon it is taken as well, unless the episode ended there: for an
            episode that is not bootstrapped, give 0 in row T, as `state_values` has.
            0 by default, and always in terminal states.
        lam: lambda of `gae`, in [0, 1].
        discounted: whether gamma^t is a factor; in practice it is often left out.

    Returns:
        (P,), as `gradient`.

    Raises:
        TypeError, ValueError: as for `gradient`, or values, lam or discounted are not
            of these kinds; no enumeration is made.
    """
    log_pi, gamma = _log_table(mdp, policy), check_fraction("gamma", gamma)
    T, S, lam = mdp.horizon, mdp.num_states, check_fraction("lam", lam)
    is_bool = isinstance(discounted, bool)
    require(is_bool, "discounted", "True or False", discounted, TypeError)
    values = log_pi.new_zeros(S) if values is None else values
    check_tensor("values", values)
    shape = tuple(values.shape)
    fits = shape in ((S,), (T + 1, S))
    require(fits, "values", f"shape ({S},) or ({T + 1}, {S})", shape)
    check_finite("values", values.to(log_pi))
    with torch.no_grad():
        pi, weight = log_pi.exp(), torch.zeros_like(log_pi)
        ended = torch.tensor(mdp.terminal, device=pi.device)
        critic = values.to(pi).masked_fill(ended, 0).expand(T + 1, S)
        paid = _expected_reward(mdp).to(pi).masked_fill(ended[:, None], 0)
        discounting, met = _Dynamics(mdp, pi, gamma), _visits(mdp, pi)
        ahead = pi.new_zeros(S)
        for time in reversed(range(T)):
            onward = paid + discounting.expected(critic[time + 1] + lam * ahead)
            advantages = onward - critic[time, :, None]
            ahead = (pi * advantages).sum(1).masked_fill(ended, 0)
            factor = gamma**time if discounted else 1
            weight += factor * met[time, :, None] * pi * advantages
    return _finite(_flat_gradient((weight * log_pi).sum(), policy))


def estimator_variance(
    mdp: TabularMDP, policy: nn.Module, gamma: float, weights: str = "total_return"
) -> Tensor:
    """Total variance of an estimate of the gradient of J from one trajectory.

    It is the mean of ||g - grad J||^2, by backward recursion of joint moments of the
    return and the scores; for N trajectories divide it by N. Time grows with the
    horizon, the number of possible transitions and P. Memory is about twice that of
    `score_table`.

    Args:
        mdp: the world.
        policy: maps observations (S, D) to a Categorical over the A actions.
        gamma: discount, in [0, 1].
        weights: "total_return" for g = R(tau) times the sum of grad ln pi(a_t|s_t), or
            "rewards_to_go" for the sum over t of gamma^t G_t grad ln pi(a_t|s_t).

    Returns:
        Scalar (), in the square of units of reward; without a graph.

    Raises:
        TypeError, ValueError: as for `score_table`, or weights are neither.
    """
    gamma = check_fraction("gamma", gamma)
    known = isinstance(weights, str) and weights in ("total_return", "rewards_to_go")
    require(known, "weights", "'total_return' or 'rewards_to_go'", weights)
    scores, pi = score_table(mdp, policy), _log_table(mdp, policy).detach().exp()
    S, A, P = scores.shape
    alive = ~mdp.terminal[mdp.edges.state]
    state, action, after, chance, r = (
        torch.from_numpy(part[alive]).to(pi.device) for part in mdp.edges
    )
    chance, r = chance.to(pi) * pi[state, action], r.to(pi)
    onward, paid = (
        torch.sparse_coo_tensor(
            torch.stack([state, after]), entries, (S, S), check_invariants=True
        )
        for entries in (chance, chance * r)
    )
    parts = [ends.split(max(_PART // P, 1)) for ends in (state, action, after)]
    norm, row = scores.square().sum(2)[state, action], state * A + action
    # With R the return and Z the sum of scores from a state on, its scalars are the
    # means of R, R^2, ||Z||^2, R ||Z||^2 and R^2 ||Z||^2, and its vectors those of R Z
    # and R^2 Z. With rewards-to-go the estimate g = R s + gamma g', s the first score,
    # takes the place of R Z: the means are R, R^2, 0, 0, ||g||^2, and g, R g.
    total = int(weights == "total_return")
    scalars, vectors = pi.new_zeros(S, 5), pi.new_zeros(S, 2, P)
    for _ in range(mdp.horizon):
        m1, m2, n0, n1, n2 = scalars[after].T
        m1, m2 = r + gamma * m1, r**2 + 2 * gamma * r * m1 + gamma**2 * m2
        dot1, dot2 = torch.cat(
            [
                torch.einsum("ep,ekp->ke", scores[s, a], vectors[t])
                for s, a, t in zip(*parts, strict=True)
            ],
            dim=1,
        )
        cross = (1 + total) * gamma * r * dot1 + gamma**2 * dot2
        n2 = norm * m2 + 2 * cross + r**2 * n0 + 2 * gamma * r * n1 + gamma**2 * n2
        n1 = total * (norm * m1 + 2 * gamma * dot1 + r * n0 + gamma * n1)
        n0 = total * (norm + n0)
        terms = chance * torch.stack([m1, m2, n0, n1, n2])
        scalars = torch.zeros_like(scalars).index_add(0, state, terms.T)
        drawn = pi.new_zeros(S * A, 2).index_add(0, row, terms[:2].T)
        first, second = vectors.unbind(1)
        ahead = gamma * (onward @ first), gamma**2 * (onward @ second)
        vectors = torch.stack(ahead, 1) + drawn.view(S, A, 2).mT @ scores
        vectors[:, 1] += (1 + total) * gamma * (paid @ first)
    start = torch.tensor(mdp.initial).to(pi)
    mean = start @ vectors[:, 0]
    variance = start @ scalars[:, 4] - mean.square().sum()
    return _finite(variance.clamp(min=0))  # rounding may leave less


def state_values(mdp: TabularMDP, policy: Any, gamma: float) -> Tensor:
    """V_t(s), the mean discounted sum of rewards from time t on, where s_t = s.

    With a finite horizon it depends on the time: fewer steps are left later.

    Returns:
        (T + 1, S), T the horizon, in units of reward; 0 in terminal states and in row
        T. Without a graph.

    Raises:
        TypeError, ValueError: as for `objective`; no enumeration is made.
    """
    with torch.no_grad():
        pi = _log_table(mdp, policy).exp()
        backward = _backward_induction(mdp, gamma, _mean_of(pi), pi)
        rows = [values for _, values in backward]
        return _finite(torch.stack([*rows[::-1], torch.zeros_like(pi[:, 0])]))


def action_values(mdp: TabularMDP, policy: Any, gamma: float) -> Tensor:
    """Q_t(s, a), the same where also a_t = a; as `state_values`, but (T, S, A)."""
    with torch.no_grad():
        pi = _log_table(mdp, policy).exp()
        backward = _backward_induction(mdp, gamma, _mean_of(pi), pi)
        return _finite(torch.stack([values for values, _ in backward][::-1]))


def visits(mdp: TabularMDP, policy: Any) -> Tensor:
    """P(s_t = s), and the episode still runs at time t.

    Returns:
        (T, S), T the horizon; 0 in terminal states. Without a graph.

    Raises:
        TypeError, ValueError: as for `state_values`.
    """
    with torch.no_grad():
        return _visits(mdp, _log_table(mdp, policy).exp())


def optimal_objective(mdp: TabularMDP, gamma: float) -> float:
    """The largest J of any policy that sees state and time, in units of reward.

    Raises:
        TypeError, ValueError: as for `objective`.
    """
    like = torch.zeros((), dtype=torch.float64)
    return _initial_value(mdp, gamma, lambda values: values.amax(1), like).item()


def log_prob(mdp: TabularMDP, policy: Any, trajectories: AllTrajectories) -> Tensor:
    """Log of P(tau|theta), a sum over start, policy and world, Eq. (14).

    Returns:
        (K,), nats; differentiable. Minus infinity for what cannot happen.

    Raises:
        TypeError, ValueError: as for `objective`, or the trajectories do not fit mdp.
    """
    log_pi = _log_table(mdp, policy)
    _check_trajectories(mdp, trajectories)
    states, actions = trajectories.states, trajectories.actions
    log_initial = torch.tensor(mdp.initial).log().to(log_pi)
    ended = ~trajectories.mask.to(log_pi.device)
    policy_terms = log_pi[states[:, :-1], actions].masked_fill(ended, 0)
    world_terms = _chances(mdp, trajectories).log().to(log_pi).masked_fill(ended, 0)
    return log_initial[states[:, 0]] + policy_terms.sum(1) + world_terms.sum(1)


def expectation(
    mdp: TabularMDP, policy: Any, function: Callable[[AllTrajectories], Tensor]
) -> Tensor:
    """The mean of any function of a trajectory, taken over all of them, Eq. (5).

    The function maps the K trajectories to values of shape (K,) or (K, ...).

    Returns:
        The sum over k of P(tau_k|theta) times value k, of shape () or (...).

    Raises:
        TypeError, ValueError: as for `objective`, or the function raises an error, or
            returns anything but finite numbers of that shape.
    """
    listed = trajectories(mdp)
    probabilities = log_prob(mdp, policy, listed).exp()
    values = _call("function", function, listed)
    if not isinstance(values, Tensor):
        values = torch.from_numpy(finite_array("function", values))
    check_tensor("function", values)
    K, shape = len(probabilities), tuple(values.shape)
    require(shape[:1] == (K,), "function", f"shape ({K}, ...)", shape)
    mean = torch.tensordot(probabilities, values.to(probabilities), dims=1)
    return _finite(mean, "function")


def score_table(mdp: TabularMDP, policy: nn.Module) -> Tensor:
    """The gradient of ln pi(a|s) for every state and action.

    Returns:
        (S, A, P), P in the order of policy.parameters(); zero for frozen parameters.

    Raises:
        TypeError, ValueError: as for `gradient`, or the table would have more than 2^26
            entries; no enumeration is made.
    """
    log_pi = _log_table(mdp, policy)
    shape = (*log_pi.shape, sum(p.numel() for p in _parameters(policy)))
    fits = math.prod(shape) <= MOST_SCORES
    require(fits, "policy", f"S * A * P of at most {MOST_SCORES:,}", shape)
    # By number: to take all entries apart would make each gradient as long as them all.
    each = (log_pi[where] for where in np.ndindex(*log_pi.shape))
    rows = [_flat_gradient(entry, policy) for entry in each]
    return torch.stack(rows).reshape(shape)


def _log_table(mdp: TabularMDP, policy: Any) -> Tensor:
    """Ln pi(a|s), (S, A), with its graph; minus infinity where pi is 0."""
    check_mdp(mdp)
    S, A = mdp.num_states, mdp.num_actions
    answer = _call("policy", policy, observed(mdp, policy))
    known = isinstance(answer, Categorical)
    require(known, "policy", "a Categorical over the actions", type(answer), TypeError)
    shape = tuple(answer.logits.shape)
    require(shape == (S, A), "policy", f"logits of shape {(S, A)}", shape)
    is_nan = answer.logits.isnan().any()
    require(not is_nan, "policy", "probabilities", answer.logits, NotFiniteError)
    return answer.logits


def _call(name: str, function: Any, argument: Any) -> Any:
    """What a foreign function answers; an error that it raises keeps its words."""
    is_function = callable(function) and not isinstance(function, type)
    require(is_function, name, "a function", function, TypeError)
    try:
        return function(argument)
    except Exception as error:
        kind = NotFiniteError if isinstance(error, NotFiniteError) else ValueError
        came = f"{type(error).__name__}: {error}"
        raise kind(f"{name}: expected an answer, got {came}") from error


def _enumerate(
    mdp: TabularMDP, log_pi: Tensor, gamma: float
) -> tuple[Tensor, Tensor, list[tuple[Tensor, tuple[Tensor, Tensor]]]]:
    """P(tau|theta), Eq. (13), and R(tau), Eq. (6), of all K trajectories; the steps.

    Of each step there is the parent of every prefix, and its state and action.
    """
    gamma = check_fraction("gamma", gamma)
    _check_memory(mdp, padded=False)
    # After the end nothing is chosen, drawn or earned: a step of probability 1.
    ended = torch.tensor(mdp.terminal, device=log_pi.device)[:, None]
    pi = log_pi.exp().masked_fill(ended, 1)
    possible = _possible(mdp)
    dynamics = torch.from_numpy(possible.probability).to(pi)
    rewards = torch.from_numpy(possible.reward).to(pi)
    probabilities = torch.tensor(mdp.initial[mdp.initial > 0]).to(pi)
    returns, steps = torch.zeros_like(probabilities), []
    for time, (parents, chosen) in enumerate(_grow(mdp, possible)):
        indexes = parents, possible.state[chosen], possible.action[chosen], chosen
        parent, state, action, step = (
            torch.from_numpy(index).to(pi.device) for index in indexes
        )
        steps.append((parent, (state, action)))
        probabilities = probabilities[parent] * (pi[state, action] * dynamics[step])
        returns = returns[parent] + gamma**time * rewards[step]
    return probabilities, returns, steps


class _Dynamics:
    """P(s'|s, a), times a factor, applied in the precision and place of `like`."""

    def __init__(self, mdp: TabularMDP, like: Tensor, factor: float = 1.0) -> None:
        self.shape = mdp.num_states, mdp.num_actions
        self.edges: tuple[Tensor, Tensor] | None = None
        if mdp.is_sparse:
            state, action, after, chance, _ = mdp.edges
            row = torch.from_numpy(state * mdp.num_actions + action)
            self.edges = row.to(like.device), torch.tensor(after, device=like.device)
            self.chance = factor * torch.tensor(chance).to(like)
        else:
            self.chance = factor * torch.tensor(mdp.transition).to(like).flatten(0, 1)

    def expected(self, values: Tensor) -> Tensor:
        """The mean (S, A) of values (S,) after each state and action."""
        if self.edges is None:
            return (self.chance @ values).reshape(self.shape)
        row, after = self.edges
        mean = values.new_zeros(math.prod(self.shape))
        terms = self.chance * values.index_select(0, after)
        return mean.index_add(0, row, terms).reshape(self.shape)

    def carried(self, weights: Tensor) -> Tensor:
        """What weights (S, A) of states and actions bring into each state, (S,)."""
        if self.edges is None:
            return weights.flatten() @ self.chance
        row, after = self.edges
        terms = self.chance * weights.flatten().index_select(0, row)
        return weights.new_zeros(self.shape[0]).index_add(0, after, terms)


def _backward_induction(
    mdp: TabularMDP, gamma: float, choose: Callable[[Tensor], Tensor], like: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Values (S, A) of actions and (S,) of states, from the last step to the first.

    `choose` maps those of actions to those of states.
    """
    check_mdp(mdp)
    gamma = check_fraction("gamma", gamma)
    discounted, paid = _Dynamics(mdp, like, gamma), _expected_reward(mdp).to(like)
    ended = torch.tensor(mdp.terminal, device=like.device)[:, None]
    values = like.new_zeros(mdp.num_states)
    for _ in range(mdp.horizon):
        of_actions = (paid + discounted.expected(values)).masked_fill(ended, 0)
        values = choose(of_actions)
        yield of_actions, values


def _initial_value(
    mdp: TabularMDP, gamma: float, choose: Callable[[Tensor], Tensor], like: Tensor
) -> Tensor:
    """Mean value of the start."""
    for _, values in _backward_induction(mdp, gamma, choose, like):
        first = values
    return _finite(torch.tensor(mdp.initial).to(like) @ first)


def _mean_of(pi: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda values: (pi * values).sum(1)


def _expected_reward(mdp: TabularMDP) -> Tensor:
    """Of each state and action, float64 (S, A)."""
    if not mdp.is_sparse:
        return torch.tensor((mdp.transition * mdp.reward).sum(2))
    edges, shape = mdp.edges, (mdp.num_states, mdp.num_actions)
    row, terms = edges.state * shape[1] + edges.action, edges.probability * edges.reward
    return torch.from_numpy(np.bincount(row, terms, math.prod(shape)).reshape(shape))


def _visits(mdp: TabularMDP, pi: Tensor) -> Tensor:
    dynamics = _Dynamics(mdp, pi)
    ended = torch.tensor(mdp.terminal, device=pi.device)
    rows = [torch.tensor(mdp.initial).to(pi).masked_fill(ended, 0)]
    for _ in range(mdp.horizon - 1):
        rows.append(dynamics.carried(rows[-1][:, None] * pi).masked_fill(ended, 0))
    return torch.stack(rows)


def _parameters(policy: Any) -> list[nn.Parameter]:
    require(isinstance(policy, nn.Module), "policy", "a Module", policy, TypeError)
    return list(policy.parameters())


def _flat_gradient(scalar: Tensor, policy: nn.Module) -> Tensor:
    """Gradient (P,) of a scalar, in the order of policy.parameters(); 0 if frozen."""
    parameters = _parameters(policy)
    trainable = [p for p in parameters if p.requires_grad]
    require(trainable, "policy", "a trainable parameter", policy)
    require(scalar.requires_grad, "policy", "logits that carry a graph", policy)
    slopes = torch.autograd.grad(
        scalar, trainable, retain_graph=True, materialize_grads=True
    )
    of = dict(zip(trainable, slopes, strict=True))
    return torch.cat([of.get(p, torch.zeros_like(p)).flatten() for p in parameters])


def _finite(answer: Tensor, name: str = "mdp") -> Tensor:
    require(all_finite(answer), name, "finite sums", answer, NotFiniteError)
    return answer


def _possible(mdp: TabularMDP) -> Edges:
    """The steps that prefixes take, in order; an ended one stays, by action 0."""
    edges, ended = mdp.edges, np.flatnonzero(mdp.terminal)
    alive, zero = ~mdp.terminal[edges.state], np.zeros_like(ended)
    stays = ended, zero, ended, zero + 1, zero
    at = edges.state[alive].searchsorted(ended)
    return Edges._make(
        np.insert(part[alive], at, more)
        for part, more in zip(edges, stays, strict=True)
    )


def _grow(
    mdp: TabularMDP, possible: Edges
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Extend all prefixes step by step: (parent, number of the step) of each."""
    num_options = np.bincount(possible.state)
    first_option = np.cumsum(num_options) - num_options
    states = np.flatnonzero(mdp.initial)
    for _ in range(mdp.horizon):
        num_children = num_options[states]
        parent = np.repeat(np.arange(len(states)), num_children)
        first_child = np.cumsum(num_children) - num_children
        rank = np.arange(len(parent)) - first_child[parent]
        step = first_option[states[parent]] + rank
        yield parent, step
        states = possible.next_state[step]


def _check_trajectories(mdp: TabularMDP, given: Any) -> None:
    """Refuse anything but trajectories of this world."""
    known = isinstance(given, AllTrajectories)
    require(known, "trajectories", "AllTrajectories", given, TypeError)
    parts = (given.states, given.actions, given.mask)
    kinds = [getattr(part, "dtype", type(part)) for part in parts]
    right = kinds == [torch.int64, torch.int64, torch.bool]
    require(right, "trajectories", "tensors of int64, int64, bool", kinds, TypeError)
    shapes = [tuple(part.shape) for part in parts]
    K, T = shapes[2] if given.mask.ndim == 2 else (0, 0)
    fit = shapes == [(K, T + 1), (K, T), (K, T)]
    require(fit, "trajectories", "shapes (K, T + 1), (K, T), (K, T)", shapes)
    for index, bound in zip(parts, (mdp.num_states, mdp.num_actions), strict=False):
        inside = ((0 <= index) & (index < bound)).all()
        require(inside, "trajectories", f"numbers from 0 to {bound - 1}", index)


def _memory(mdp: TabularMDP, padded: bool) -> tuple[int, int]:
    """Number of trajectories, and bytes to list them (padded) or their prefixes."""
    number = prefixes = 0
    for number in _count_prefixes(mdp):
        prefixes += number
        if number > _MOST_COUNTED:
            break
    return number, (number * mdp.horizon if padded else prefixes) * _BYTES_PER_STEP


def _check_memory(mdp: TabularMDP, padded: bool) -> None:
    number, needed = _memory(mdp, padded)
    if needed > MEMORY_LIMIT:
        count = "more than 10^250" if number > _MOST_COUNTED else _in_digits(number)
        raise ValueError(
            f"mdp: expected a world whose trajectories can be listed, got {mdp}, which "
            f"has {count} trajectories: to list them would take "
            f"{_in_digits(math.ceil(needed / 2**30))} GiB, and the limit is "
            f"{MEMORY_LIMIT / 2**30:.1f} GiB. Choose a shorter horizon, or use "
            "exact.objective_by_dp, whose cost does not grow with their number."
        )


def _count_prefixes(mdp: TabularMDP) -> Iterator[int]:
    """Number of prefixes after 1, 2, ... steps; Python integers do not overflow."""
    possible, S = _possible(mdp), mdp.num_states
    pairs = possible.state * S + possible.next_state
    pairs, ways = np.unique(pairs, return_counts=True)
    before, after = np.divmod(pairs, S)
    ways, number = ways.astype(object), (mdp.initial > 0).astype(int).astype(object)
    for _ in range(mdp.horizon):
        terms, number = number[before] * ways, np.zeros(S, dtype=object)
        np.add.at(number, after, terms)
        yield int(number.sum())


def _chances(mdp: TabularMDP, trajectories: AllTrajectories) -> Tensor:
    """P(s'|s, a) of each step, (K, T); 0 where it is impossible."""
    S, A, edges = mdp.num_states, mdp.num_actions, mdp.edges
    places = (edges.state * A + edges.action) * S + edges.next_state
    states, actions = trajectories.states.cpu(), trajectories.actions.cpu()
    asked = ((states[:, :-1] * A + actions) * S + states[:, 1:]).numpy()
    at = places.searchsorted(asked).clip(max=len(places) - 1)
    return torch.from_numpy(np.where(places[at] == asked, edges.probability[at], 0))


def _in_digits(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"{number:.3g}"
