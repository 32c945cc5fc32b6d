"""Right answers to the exercises in other notations than those of the course.

They use loops, lists, NumPy, autograd and torch.distributions, and are written apart
from the answers in pg_course: they are oracles of the checks' right answers, and show
that a check judges what a function does and not how it is written.
"""

import itertools
import math
import statistics

import numpy as np
import torch
from torch.autograd.functional import jacobian
from torch.distributions import Categorical, Independent, Normal

from pg_helpers.clinic import GAMMA


def _central_differences(function, theta, step):
    units = step * torch.eye(len(theta), dtype=theta.dtype)
    return [(function(theta + u) - function(theta - u)) / (2 * step) for u in units]


def _gaussian_score(actions, mean, deviation):
    theta = torch.tensor([mean, deviation])
    return jacobian(lambda theta: Normal(*theta).log_prob(actions), theta)


def _log_prob_by_loops(start, policy_factors, world_factors, mask):
    totals = []
    for i in range(len(start)):
        total = math.log(start[i])
        for t in range(int(mask[i].sum())):
            total += math.log(policy_factors[i, t]) + math.log(world_factors[i, t])
        totals.append(total)
    return totals


def _trajectory_score(pi, states, actions):
    def log_prob(logits):
        return Categorical(logits=logits[states[:-1]]).log_prob(actions).sum()

    return jacobian(log_prob, pi.log())


def _estimate_by_loops(returns, step_scores, mask):
    total = torch.zeros(step_scores.shape[2])
    for i, t in mask.nonzero().tolist():
        total += returns[i] * step_scores[i, t]
    return total / len(returns)


def _return_by_horner(rewards, gamma):
    total = np.zeros(len(rewards))
    for column in rewards.numpy()[:, ::-1].T:
        total = column + gamma * total
    return total


def _loss_by_loops(log_probs, returns, mask):
    terms = [returns[i] * log_probs[i, t] for i, t in mask.nonzero().tolist()]
    return -sum(terms) / len(returns)


def _update_by_an_optimiser(policy, loss, learning_rate):
    optimiser = torch.optim.SGD(policy.parameters(), lr=learning_rate)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def _epsilon_greedy(q_values, epsilon):
    q = q_values.numpy()
    best = q == q.max()
    return np.where(best, (1 - epsilon) / best.sum(), 0) + epsilon / q.size


def _loss_with_entropy(log_probs, returns, mask, entropies, beta):
    kept = mask.to(log_probs)
    reward = torch.einsum("n,nt,nt->", returns, log_probs, kept)
    return -(reward + beta * torch.einsum("nt,nt->", entropies, kept)) / len(returns)


def _weights_by_loops(rewards, gamma):
    weights = torch.zeros_like(rewards)
    for t, k in itertools.combinations_with_replacement(range(rewards.shape[1]), 2):
        weights[:, t] += gamma**k * rewards[:, k]
    return weights


def _lowest_of_a_parabola(probabilities, returns, scores):
    low, middle, high = (
        (probabilities * ((returns - b)[:, None] * scores).square().sum(1)).sum()
        for b in (-1, 0, 1)
    )
    return (low - high) / (2 * (low - 2 * middle + high))


def _mended_loss(log_probs, rewards, mask):
    total = 0
    for row, paid, taken in zip(log_probs, rewards, mask, strict=True):
        total -= sum(GAMMA**t * r for t, r in enumerate(paid)) * row[taken].sum()
    return total / len(mask)


def _to_go_loss(log_probs, rewards, mask):
    # Behind the end nothing is to come, so the mask is not needed.
    return -(_weights_by_loops(rewards, GAMMA) * log_probs).sum() / mask.shape[0]


def _leave_one_out_loss(log_probs, rewards, mask):
    values, N = _weights_by_loops(rewards, GAMMA), len(rewards)
    total = 0
    for i, t in mask.nonzero().tolist():
        others = sum(values[j, t] for j in range(N) if j != i) / (N - 1)
        total = total - (values[i, t] - others) * log_probs[i, t]
    return total / N


def _put_back(function, theta, step):
    slopes = []
    for place in range(len(theta)):
        theta[place] += step
        ahead = function(theta)
        theta[place] -= 2 * step
        slopes.append((ahead - function(theta)) / (2 * step))
        theta[place] += step  # where it was, but for rounding
    return slopes


def _surrogate(logits, actions, q):
    log_prob = logits.log_softmax(1).gather(1, actions[:, None])[:, 0]
    return -((log_prob - log_prob.detach()).exp() * q).mean()


def indexed_score(pi, states, actions):
    """Wrong where a state comes twice."""
    gradient = torch.zeros_like(pi)
    gradient[states[:-1]] -= pi[states[:-1]]
    gradient[states[:-1], actions] += 1
    return gradient


def to_go_loss_above(baseline):
    """With a constant subtracted of each weight."""

    def loss(log_probs, rewards, mask):
        weights = _weights_by_loops(rewards, GAMMA) - baseline
        return -(weights * log_probs * mask).sum() / len(mask)

    return loss


# Name of the check and an answer to it.
ANSWERS = [
    # Right numbers in an unusual form.
    ("mean_return", lambda returns: returns.mean(0, keepdim=True)),
    ("expected_return", lambda r, p: r[None] @ p[:, None]),
    ("gaussian_score", lambda *given: list(_gaussian_score(*given))),
    ("stable_softmax", lambda z: [row.softmax(0) for row in z]),
    ("finite_difference", _put_back),
    # The right gradient, with another value or another noise.
    ("loss_from_logits", _surrogate),
    ("loss_from_logits", lambda z, a, q: _surrogate(z, a, q) + 3),
    ("to_go_loss", to_go_loss_above(0.5)),
    ("to_go_loss", to_go_loss_above(-0.1)),
    # One and more for each exercise.
    ("mean_return", lambda returns: statistics.fmean(returns.tolist())),
    ("share_found", lambda rewards: (rewards.numpy().max(axis=1) == 1).mean()),
    ("ascent_step", lambda x, g, rate: [a + rate * b for a, b in zip(x, g)]),  # noqa: B905
    (
        "minibatch_gradient",
        lambda theta, x, y, batch: jacobian(
            lambda line: (line[0] + line[1] * x - y)[batch].square().mean(), theta
        ),
    ),
    ("bandit_gradient", lambda z, r: jacobian(lambda z: z.softmax(0) @ r, z)),
    ("discount_weights", lambda gamma, T: [gamma**t for t in range(T)]),
    ("expected_return", lambda r, p: np.average(r.numpy(), weights=p.numpy())),
    (
        "estimate_with_error",
        lambda r: (
            statistics.fmean(r.tolist()),
            statistics.stdev(r.tolist()) / math.sqrt(len(r)),
        ),
    ),
    ("gradient_by_enumeration", lambda r, g: np.tensordot(r.numpy(), g.numpy(), 1)),
    ("finite_difference", _central_differences),
    (
        "number_of_trajectories",
        lambda S, A, T: S * len(list(itertools.product(range(A * S), repeat=T))),
    ),
    ("score_estimate", lambda r, s: np.mean(s.numpy() * r.numpy()[:, None], axis=0)),
    ("gaussian_score", _gaussian_score),
    ("trajectory_log_prob", _log_prob_by_loops),
    ("trajectory_score", _trajectory_score),
    ("exact_gradient", lambda r, p, s: torch.einsum("k,k,kd->d", r, p, s)),
    ("policy_gradient_estimate", _estimate_by_loops),
    ("share_uphill", lambda e, g: sum(float(one @ g) > 0 for one in e) / len(e)),
    ("stable_softmax", lambda z: 1 / (z[:, None, :] - z[:, :, None]).exp().sum(2)),
    ("entropy_of_logits", lambda logits: Categorical(logits=logits).entropy()),
    (
        "gaussian_log_prob",
        lambda a, mean, log: Independent(Normal(mean, log.exp()), 1).log_prob(a),
    ),
    (
        "loss_from_logits",
        lambda z, a, q: -(Categorical(logits=z).log_prob(a) @ q) / len(q),
    ),
    ("all_action_loss", lambda z, q: -(Categorical(logits=z).probs * q).sum() / len(q)),
    ("ratio_loss", lambda new, old, q: -(new.exp() / old.exp() * q).mean()),
    ("total_return", _return_by_horner),
    ("loss", _loss_by_loops),
    ("update", _update_by_an_optimiser),
    (
        "effective_actions",
        lambda pi: [1 / math.prod(p**p for p in row) for row in pi.tolist()],
    ),
    ("epsilon_greedy", _epsilon_greedy),
    ("loss_with_entropy", _loss_with_entropy),
    ("discounted_rewards_to_go", _weights_by_loops),
    ("best_constant_baseline", _lowest_of_a_parabola),
    ("leave_one_out", lambda r: [r[i] - np.delete(r, i).mean() for i in range(len(r))]),
    ("mended_loss", _mended_loss),
    ("to_go_loss", _to_go_loss),
    ("leave_one_out_loss", _leave_one_out_loss),
]
