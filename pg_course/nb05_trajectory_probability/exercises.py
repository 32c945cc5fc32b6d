"""The exercises on ln P(tau|theta), Eq. (14), and its gradient, Eq. (15)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case


def _terms(policy: Tensor, world: Tensor, mask: Tensor) -> Tensor:
    """Logarithms of both factors of each step taken, 0 elsewhere."""
    return torch.where(mask, policy.log() + world.log(), 0)


def _log_prob(start: Tensor, policy: Tensor, world: Tensor, mask: Tensor) -> Tensor:
    return start.log() + _terms(policy, world, mask).sum(1)


trajectory_log_prob = Check(
    name="trajectory_log_prob",
    right=_log_prob,
    cases=[
        Case(
            "one trajectory of two steps with the factors 0.5; 0.4, 0.8; 0.5, 0.25",
            (
                torch.tensor([0.5]),
                torch.tensor([[0.4, 0.8]]),
                torch.tensor([[0.5, 0.25]]),
                torch.tensor([[True, True]]),
            ),
        ),
        Case(
            "three trajectories of 3, 1 and 2 steps",
            (
                torch.tensor([0.75, 0.25, 0.6]),
                torch.tensor([[0.4, 0.8, 0.3], [0.7, 0.5, 0.5], [0.2, 0.9, 0.5]]),
                torch.tensor([[0.5, 0.25, 0.9], [0.1, 0.3, 0.3], [0.6, 0.35, 0.3]]),
                torch.arange(3) < torch.tensor([[3], [1], [2]]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the start is missing: P_0(s_0) is a factor of P too, so its logarithm is "
            "a term of the sum.",
            lambda p0, pi, p, m: _terms(pi, p, m).sum(1),
        ),
        Mistake(
            "the world's terms are missing. They drop out of the gradient, Eq. (15), "
            "but not out of ln P itself, Eq. (14).",
            lambda p0, pi, p, m: p0.log() + torch.where(m, pi.log(), 0).sum(1),
        ),
        Mistake(
            "the policy's terms are missing. Theta is in no other, so the gradient of "
            "yours would be zero.",
            lambda p0, pi, p, m: p0.log() + torch.where(m, p.log(), 0).sum(1),
        ),
        Mistake(
            "the padding is counted. Behind the end of a short trajectory stand "
            "factors of steps that nobody took, and each makes your P smaller. The "
            "mask says which steps were taken.",
            lambda p0, pi, p, m: p0.log() + (pi * p).log().sum(1),
        ),
        Mistake(
            "the mask makes factors of steps that nobody took zero before the "
            "logarithm is taken. The logarithm of 0 is minus infinity: with the first "
            "such step the whole trajectory counts as impossible. Such a step must add "
            "0 to the sum.",
            lambda p0, pi, p, m: p0.log() + (m * pi * p).log().sum(1),
        ),
        Mistake(
            "the padding is counted in one of the two sums. Both run over the steps "
            "that were taken, and over no others.",
            lambda p0, pi, p, m: p0.log() + (m * pi.log() + p.log()).sum(1),
            lambda p0, pi, p, m: p0.log() + (pi.log() + m * p.log()).sum(1),
        ),
        Mistake(
            "these are logarithms to the base 2 or 10. Only ln, to the base e, has the "
            "gradient of Eq. (15).",
            lambda *given: _log_prob(*given) / math.log(2),
            lambda *given: _log_prob(*given) / math.log(10),
        ),
        Mistake(
            "the mask is used the wrong way round: True stands where a step was taken. "
            "Your sum is made of the padding alone.",
            lambda p0, pi, p, m: _log_prob(p0, pi, p, ~m),
        ),
        Mistake(
            "these are probabilities added up, with the logarithm taken afterwards or "
            "not at all. The logarithm of a product is the sum of the logarithms; the "
            "logarithm of a sum is nothing of the kind.",
            lambda p0, pi, p, m: (p0 + (m * (pi + p)).sum(1)).log(),
            lambda p0, pi, p, m: (p0 + (m * pi * p).sum(1)).log(),
            lambda p0, pi, p, m: p0.log() + (m * pi * p).sum(1).log(),
            lambda p0, pi, p, m: p0 + (m * (pi + p)).sum(1),
        ),
        Mistake(
            "the logarithms are multiplied. A product becomes a sum: the logarithms "
            "are added.",
            lambda p0, pi, p, m: (
                p0.log() * torch.where(m, pi.log() * p.log(), 1).prod(1)
            ),
            lambda p0, pi, p, m: (
                p0.log() + torch.where(m, pi.log() * p.log(), 0).sum(1)
            ),
        ),
        Mistake(
            "this is P itself, Eq. (13). Asked for is its logarithm.",
            lambda *given: _log_prob(*given).exp(),
        ),
        Mistake(
            "this is a mean over the steps, where Eq. (14) has a sum. Each "
            "further step makes a trajectory rarer; in a mean that is lost.",
            lambda p0, pi, p, m: p0.log() + _terms(pi, p, m).sum(1) / m.sum(1),
            lambda p0, pi, p, m: p0.log() + _terms(pi, p, m).mean(1),
        ),
        Mistake(
            "this is one number for all trajectories together. Each has a probability "
            "of its own: shape (N,).",
            lambda *given: _log_prob(*given).sum(),
            lambda *given: _log_prob(*given).mean(),
        ),
        Mistake(
            "the sign is turned round. A probability is at most 1, so its logarithm "
            "is at most 0.",
            lambda *given: -_log_prob(*given),
        ),
        Mistake(
            "the start is counted at every step. An episode starts once.",
            lambda p0, pi, p, m: torch.where(
                m, p0[:, None].log() + pi.log() + p.log(), 0
            ).sum(1),
        ),
    ],
    expected=(
        "ln P is one number for each trajectory, shape (N,): the logarithm of the "
        "start, and those of both factors of every step that was taken."
    ),
    where="Eq. (14), in section 5.5; what the mask says, in the text of Exercise 5.1.",
    shows=(
        "three sums, one for each owner, over the steps that were taken and no others. "
        "As no factor is above 1, ln P is never positive."
    ),
)


_PI = torch.tensor([[0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])


def _walk(*numbers: int) -> tuple[Tensor, Tensor]:
    """States and actions of s_0, a_0, s_1, ..., a_{T-1}, s_T."""
    return torch.tensor(numbers[::2]), torch.tensor(numbers[1::2])


def _pushes(pi: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    """Score of each step, (T, S, A)."""
    steps = torch.zeros(len(actions), *pi.shape)
    at = torch.arange(len(actions))
    steps[at, states[:-1]] = -pi[states[:-1]]
    steps[at, states[:-1], actions] += 1
    return steps


def _score(pi: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    return _pushes(pi, states, actions).sum(0)


def _counts(pi: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    """How often each action was taken in each state, (S, A)."""
    counts = torch.zeros_like(pi)
    one = torch.ones(len(actions))
    return counts.index_put((states[:-1], actions), one, accumulate=True)


def _visited(pi: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    """True for the rows of the states in which an action was taken, (S, 1)."""
    return _counts(pi, states, actions).sum(1, keepdim=True) > 0


def _overwritten(pi: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    result = torch.zeros_like(pi)
    for push, state in zip(_pushes(pi, states, actions), states[:-1], strict=True):
        result[state] = push[state]
    return result


def _without_repeats(pi: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    """What g[s] -= pi[s] and g[s, a] += 1 do with all steps at once."""
    result = torch.zeros_like(pi)
    result[states[:-1]] -= pi[states[:-1]]
    result[states[:-1], actions] += 1
    return result


def _with_the_last_state(pi: Tensor, states: Tensor, actions: Tensor) -> Tensor:
    result = _score(pi, states, actions)
    result[states[-1]] -= pi[states[-1]]
    return result


trajectory_score = Check(
    name="trajectory_score",
    right=_score,
    cases=[
        Case(
            "one step, action 1 in state 0",
            (_PI, *_walk(0, 1, 1)),
        ),
        Case(
            "the trajectory 0, 1, 1, 1, 2 of two steps",
            (_PI, *_walk(0, 1, 1, 1, 2)),
        ),
        Case(
            "the trajectory 0, 0, 0, 1, 1, 0, 0, 1, 1 of four steps",
            (_PI, *_walk(0, 0, 0, 1, 1, 0, 0, 1, 1)),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign is turned round: a step along yours makes the actions of this "
            "trajectory less probable.",
            lambda *given: -_score(*given),
        ),
        Mistake(
            "this is a mean over the steps, where Eq. (15) has a sum: the more "
            "steps a trajectory has, the shorter yours becomes.",
            lambda pi, s, a: _score(pi, s, a) / len(a),
            lambda pi, s, a: _score(pi, s, a) / len(s),
        ),
        Mistake(
            "this only counts what was done. What makes one action more probable makes "
            "the others less so, and that part is missing: in each row the entries of "
            "the gradient add up to 0.",
            _counts,
        ),
        Mistake(
            "only the actions that were taken have an entry. What makes one action "
            "more probable makes the others in its row less so, by as much together: "
            "in each row the entries of the gradient add up to 0.",
            lambda pi, s, a: _counts(pi, s, a) * (1 - pi),
        ),
        Mistake(
            "the probability of the action that was taken is subtracted twice, once "
            "with its row and once by itself: your rows do not add up to 0, and an "
            "action with a probability above one half is pushed down for being chosen.",
            lambda pi, s, a: _score(pi, s, a) - _counts(pi, s, a) * pi,
        ),
        Mistake(
            "the action that was taken is missing: what is left pushes every action "
            "down. In each row the entries of the gradient add up to 0.",
            lambda pi, s, a: _score(pi, s, a) - _counts(pi, s, a),
        ),
        Mistake(
            "the last state is counted as a step. There are T + 1 states and T "
            "actions: in s_T nothing is chosen any more.",
            _with_the_last_state,
        ),
        Mistake(
            "a state that was visited twice is counted once. Is a row overwritten at "
            "the second visit, instead of added to? An indexed -= or += changes a row "
            "once, however often the index names it.",
            _overwritten,
            _without_repeats,
            lambda pi, s, a: _score(pi, s, a) - (_counts(pi, s, a) - 1).clamp(min=0),
        ),
        Mistake(
            "the probabilities are subtracted once for each state, where they belong "
            "to each visit: two visits, two steps, two times the row of pi.",
            lambda pi, s, a: _counts(pi, s, a) - pi * _visited(pi, s, a),
        ),
        Mistake(
            "the probabilities are subtracted in every row, also of states in which "
            "nothing was chosen. What is not visited has the gradient 0.",
            lambda pi, s, a: _counts(pi, s, a) - pi,
            lambda pi, s, a: _counts(pi, s, a) - len(a) * pi,
        ),
        Mistake(
            "this is the gradient with respect to the probabilities, 1 / pi. The "
            "parameters are the logits, and softmax lies between the two.",
            lambda pi, s, a: _counts(pi, s, a) / pi,
        ),
        Mistake(
            "the score is taken in the state that was reached. The action a_t was "
            "chosen in the state s_t, and its push belongs to that row.",
            lambda pi, s, a: _score(pi, torch.cat([s[1:], s[:1]]), a),
        ),
        Mistake(
            "only one step is in the result, where Eq. (15) sums over all of them. "
            "Does your loop overwrite its total, or return in its first pass?",
            lambda pi, s, a: _pushes(pi, s, a)[-1],
            lambda pi, s, a: _pushes(pi, s, a)[0],
        ),
        Mistake(
            "these are the scores of the single steps; their sum over the time is "
            "still missing.",
            _pushes,
        ),
        Mistake(
            "this is the gradient of the sum of the probabilities pi. That sum is the "
            "logarithm of nothing; Eq. (15) has the gradient of ln pi.",
            lambda pi, s, a: (pi[s[:-1], a][:, None, None] * _pushes(pi, s, a)).sum(0),
        ),
    ],
    expected=(
        "The gradient has the shape (S, A) of the table of logits: for each step, what "
        "makes the chosen action more probable in the state where it was chosen."
    ),
    where="Eq. (15), in section 5.6; the score of a step, in the text of Exercise 5.2.",
    shows=(
        "each step pushes on the row of its own state and on no other, so that each "
        "row adds up to 0; and nobody had to tell you how the world moves."
    ),
)
