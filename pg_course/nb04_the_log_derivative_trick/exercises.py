"""The exercises on Eq. (11): a Gaussian's score, and the estimate made of scores."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case


def _estimate(rewards: Tensor, scores: Tensor) -> Tensor:
    """Mean over samples of reward times score."""
    return (rewards[:, None] * scores).mean(0)


score_estimate = Check(
    name="score_estimate",
    right=_estimate,
    cases=[
        Case(
            "two samples with the rewards 4 and 1 and the scores [1, 0] and [-2, 3]",
            (torch.tensor([4.0, 1.0]), torch.tensor([[1.0, 0.0], [-2.0, 3.0]])),
        ),
        Case(
            "four samples with the rewards 2, -1, 0.5 and 3 and three parameters",
            (
                torch.tensor([2.0, -1.0, 0.5, 3.0]),
                torch.tensor(
                    [[1.0, 0.5, -2], [0.3, -1, 2], [-1.5, 4, 0.25], [0.5, 1, 1]]
                ),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "this is the sum over samples, where the estimate is their mean. Yours "
            "grows with N: twice the samples, and the gradient would seem twice as "
            "steep.",
            lambda r, s: (r[:, None] * s).sum(0),
        ),
        Mistake(
            "the rewards are not in it. The mean score alone is near zero whatever "
            "the samples were worth.",
            lambda r, s: s.mean(0),
            lambda r, s: s.sum(0),
        ),
        Mistake(
            "rewards and scores are averaged first, and only then multiplied. The "
            "mean score is near zero, so this is near zero too: the reward has to meet "
            "the score of its own sample before anything is averaged.",
            lambda r, s: r.mean() * s.mean(0),
            lambda r, s: r.sum() * s.mean(0),
            lambda r, s: r.sum() * s.sum(0),
        ),
        Mistake(
            "the sign is turned round. This is the gradient of an expected reward, "
            "which is to rise; a minus belongs to a loss.",
            lambda r, s: -_estimate(r, s),
            lambda r, s: -(r[:, None] * s).sum(0),
        ),
        Mistake(
            "the mean runs over the parameters, not over the samples: one number for "
            "each sample. In an array (N, D) axis 0 counts the samples.",
            lambda r, s: (r[:, None] * s).mean(1),
            lambda r, s: (r[:, None] * s).sum(1),
        ),
        Mistake(
            "these are the products of reward and score, one row for each sample. The "
            "mean over samples is still missing.",
            lambda r, s: r[:, None] * s,
        ),
        Mistake(
            "this is one number for all parameters together. A gradient has an entry "
            "for each of the D parameters: only the axis of the samples is averaged.",
            lambda r, s: (r[:, None] * s).mean(),
            lambda r, s: (r[:, None] * s).sum(),
            lambda r, s: (r[:, None] * s).sum(1).mean(),
        ),
        Mistake(
            "it is divided by the sum of the rewards, not by the number of samples. "
            "That is a mean weighted by reward: pay twice as much for everything, and "
            "it stays as it is, while the gradient doubles.",
            lambda r, s: (r[:, None] * s).sum(0) / r.sum(),
        ),
        Mistake(
            "the mean reward is subtracted first. That is a useful variant with less "
            "noise, but it is not this estimate: from a single sample it learns "
            "nothing.",
            lambda r, s: _estimate(r - r.mean(), s),
            lambda r, s: _estimate((r - r.mean()) / (r.std() + 1e-8), s),
        ),
        Mistake(
            "it is divided by N - 1. That belongs to a variance, where the mean was "
            "estimated from the same samples; here it makes the gradient too long, by "
            "a third for N = 4.",
            lambda r, s: (r[:, None] * s).sum(0) / (len(r) - 1),
        ),
    ],
    expected=(
        "The estimate is one number for each parameter, shape (D,): the mean over the "
        "N samples of reward times score."
    ),
    where="Eq. (11), and what follows from it in section 4.4.",
    shows=(
        "each score is weighed by its own reward, and the mean is taken over samples, "
        "for any number of parameters."
    ),
)


def _columns(of_mean: Tensor, of_deviation: Tensor) -> Tensor:
    return torch.stack([of_mean, of_deviation], 1)


def _score(actions: Tensor, mean: float, deviation: float) -> Tensor:
    """Derivatives of the log-density by mean and standard deviation: (N, 2)."""
    distance = actions - mean
    return _columns(distance / deviation**2, distance**2 / deviation**3 - 1 / deviation)


def _halved(actions: Tensor, mean: float, deviation: float) -> Tensor:
    """Half of the first term of the second column, beside zeros."""
    distance = actions - mean
    return _columns(0 * distance, distance**2 / deviation**3 / 2)


def _density(actions: Tensor, mean: float, deviation: float) -> Tensor:
    normal = torch.distributions.Normal(mean, deviation)
    return normal.log_prob(actions).exp()[:, None]


gaussian_score = Check(
    name="gaussian_score",
    right=_score,
    cases=[
        Case(
            "the actions 3 and 0 with the mean 1 and the standard deviation 2",
            (torch.tensor([3.0, 0.0]), 1.0, 2.0),
        ),
        Case(
            "three actions with the mean -0.3 and the standard deviation 0.5",
            (torch.tensor([0.4, -0.2, -1.5]), -0.3, 0.5),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign is turned round in both columns. An action above the mean "
            "becomes more likely when the mean goes up.",
            lambda a, m, s: -_score(a, m, s),
        ),
        Mistake(
            "the sign of the first column is turned round: this is the derivative with "
            "respect to the action. An action above the mean becomes more likely when "
            "the mean goes up, and less likely when the action itself goes up.",
            lambda a, m, s: _score(a, m, s) * torch.tensor([-1.0, 1.0]),
        ),
        Mistake(
            "the sign of the second column is turned round. An action far from the "
            "mean becomes more likely when the standard deviation grows.",
            lambda a, m, s: _score(a, m, s) * torch.tensor([1.0, -1.0]),
        ),
        Mistake(
            "the first column is divided by the standard deviation, where the square "
            "of it belongs. At a standard deviation of 0.5 your score is half as long "
            "as it should be.",
            lambda a, m, s: _columns((a - m) / s, _score(a, m, s)[:, 1]),
        ),
        Mistake(
            "a factor 2 is wrong in one of the columns: the derivative of the square "
            "brings a 2, and it cancels the 2 below the fraction bar.",
            lambda a, m, s: _score(a, m, s) * torch.tensor([0.5, 1]),
            lambda a, m, s: _score(a, m, s) * torch.tensor([2.0, 1]),
            lambda a, m, s: _score(a, m, s) - _halved(a, m, s),
            lambda a, m, s: _score(a, m, s) + 2 * _halved(a, m, s),
        ),
        Mistake(
            "the sign of one term of the second column is turned round. A larger "
            "standard deviation makes far actions more likely, and near ones less so: "
            "the two terms pull in opposite directions.",
            lambda a, m, s: _score(a, m, s) + torch.tensor([0, 2 / s]),
            lambda a, m, s: _score(a, m, s) - 4 * _halved(a, m, s),
        ),
        Mistake(
            "a term of the second column is missing. The standard deviation stands in "
            "two places of the log-density; without the logarithm your second column "
            "is never negative, and its mean cannot be zero.",
            lambda a, m, s: _columns((a - m) / s**2, (a - m) ** 2 / s**3),
        ),
        Mistake(
            "this is the gradient of the density, where the one of its logarithm is "
            "asked for. By Eq. (11) yours is P times the score: averaged over samples, "
            "it counts the likely ones twice.",
            lambda a, m, s: _density(a, m, s) * _score(a, m, s),
        ),
        Mistake(
            "the second column is the derivative with respect to the logarithm of the "
            "standard deviation. That is a good parameter too, but another one: the "
            "two differ by a factor of the standard deviation.",
            lambda a, m, s: _score(a, m, s) * torch.tensor([1.0, s]),
        ),
        Mistake(
            "the second column is the derivative with respect to the variance. By the "
            "chain rule a factor of twice the standard deviation is missing.",
            lambda a, m, s: _score(a, m, s) / torch.tensor([1.0, 2 * s]),
        ),
        Mistake(
            "this is the log-density itself. The score is its derivative.",
            lambda a, m, s: torch.distributions.Normal(m, s).log_prob(a),
        ),
        Mistake(
            "only the score of the mean is there. A second column, with respect to the "
            "standard deviation, is still missing.",
            lambda a, m, s: _score(a, m, s)[:, 0],
            lambda a, m, s: _score(a, m, s)[:, :1],
        ),
        Mistake(
            "rows and columns are exchanged: a row belongs to an action, a column to a "
            "parameter.",
            lambda a, m, s: _score(a, m, s).T,
        ),
        Mistake(
            "the two columns are in the wrong order: the mean comes first.",
            lambda a, m, s: _score(a, m, s).flip(1),
        ),
        Mistake(
            "this is the mean over the actions. The score belongs to one action; the "
            "mean of all scores is near zero.",
            lambda a, m, s: _score(a, m, s).mean(0),
            lambda a, m, s: _score(a, m, s).sum(0),
        ),
    ],
    expected=(
        "The result has the shape (N, 2): for each action the derivative of the "
        "log-density with respect to the mean, then with respect to the standard "
        "deviation."
    ),
    where="section 4.5 and the log-density in Exercise 4.2; Eq. (11) says what it is.",
    shows=(
        "an action above the mean pulls the mean up, and one farther away than a "
        "standard deviation asks for a wider Gaussian."
    ),
)
