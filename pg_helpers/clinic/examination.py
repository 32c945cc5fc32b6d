"""The examination: a loss is asked about every batch, and its mean gradient judged."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pg_helpers import exact
from pg_helpers.binder import BoundLoss, Loss
from pg_helpers.clinic.case import Case, total_variance
from pg_helpers.clinic.causes import cause_of
from pg_helpers.clinic.diagnosis import Diagnosis
from pg_helpers.clinic.measure import FaultError, gradients
from pg_helpers.clinic.standard import GAMMA, standard_policy, standard_world
from pg_helpers.clinic.words import Findings, verdict
from pg_helpers.execution import one_thread
from pg_helpers.mdp import TabularMDP, check_mdp
from pg_helpers.require import check_count, check_fraction, check_tensor, shown

# The picture shows as many single gradients, the likeliest.
_DRAWN = 300
# 3000 batches of so many trajectories take a minute and 100 MB.
MOST_TRAJECTORIES = 1000
# Lengths between these can be squared.
_SHORTEST, _LONGEST = 1e-140, 1e140


def examine(
    loss: Loss,
    *,
    mdp: TabularMDP | None = None,
    policy: nn.Module | None = None,
    gamma: float = GAMMA,
    num_trajectories: int = 1,
    target: Tensor | None = None,
    seed: int = 0,
) -> Diagnosis:
    """Hold a loss against the gradient of J, exactly.

    The loss is asked for its gradient on every batch of N trajectories that the policy
    can sample, and these gradients are averaged, each with its probability. Where
    there are more than 5000 batches, 3000 are sampled, and the diagnosis has standard
    errors. A loss that works on batches (their mean, their spread) must be examined
    with N of at least 2.

    A loss takes one of two forms, in any order by these names, or in this order by
    others; it may be an nn.Module with such a `forward`:

    - `loss(log_probs, rewards, mask)`, each (N, T), T the world's horizon. Padded
      steps hold state 0, action 0 and reward 0: their log-probability is a number with
      a gradient like any other, as in `train`, so that a missing mask shows.
    - `loss(batch, policy)`, batch a `pg.Trajectories` padded in the same way: for
      losses with baselines, ratios or values. Only the gradient by the parameters of
      the policy counts.

    Known causes are recognised by comparing the loss with some 1300 recipes, right and
    wrong ones, on every batch.

    Args:
        loss: what gradient descent is to minimise. What it raises becomes a verdict.
        mdp: the world; `standard_world()` by default.
        policy: a Categorical over its actions; `standard_policy(mdp)` by default. Use
            float64: in float32 a bias below 0.01 % cannot be told from rounding.
        gamma: discount of J, in [0, 1]; it must be that of the loss.
        num_trajectories: N, from 1 to 1000.
        target: flat (P,) gradient to be held against instead of that of J.
        seed: of sampled batches, and of what the loss itself draws from PyTorch.

    Returns:
        The diagnosis; its verdict says what was found.

    Raises:
        TypeError: loss is not a function of such arguments, or another argument is of
            the wrong kind.
        ValueError: gamma, N or seed is out of range, the world is too large to be
            listed or does not fit the policy, the target has another shape, or the
            gradient to be held against is zero or beyond comparison.
    """
    bound = BoundLoss(loss)
    gamma = check_fraction("gamma", gamma)
    num_trajectories = check_count(
        "num_trajectories", num_trajectories, at_most=MOST_TRAJECTORIES
    )
    seed = check_count("seed", seed, at_least=0, at_most=2**63 - 1)
    mdp = standard_world() if mdp is None else mdp
    check_mdp(mdp)
    policy = standard_policy(mdp) if policy is None else policy
    if not isinstance(policy, nn.Module):
        raise TypeError(f"policy: expected a torch.nn.Module, got {shown(policy)}")
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        truth = _truth(mdp, policy, gamma, target)
        case = Case(mdp, policy, gamma, num_trajectories, seed)
        try:
            found = _asked(bound, case)
        except FaultError as fault:
            return Diagnosis(str(fault))
        name = "the gradient of J" if target is None else "the target"
        return _judge(found, truth, case, name)


def _truth(
    mdp: TabularMDP, policy: nn.Module, gamma: float, target: Tensor | None
) -> Tensor:
    """The gradient of J, (P,), or the target instead."""
    truth = exact.gradient(mdp, policy, gamma)
    if target is not None:
        check_tensor("target", target)
        if target.shape != truth.shape or not target.isfinite().all():
            raise ValueError(
                f"target: expected finite numbers of shape {tuple(truth.shape)}, one "
                f"for each parameter, got shape {tuple(target.shape)}"
            )
        truth = target.detach()
    truth = truth.double().cpu()
    if not _SHORTEST < truth.norm() < _LONGEST:
        name = "gradient of J" if target is None else "target"
        raise ValueError(
            f"{name}: expected one that is not zero, nor of a length that cannot be "
            f"squared, or nothing can be compared with it, got {truth.norm().item()}; "
            "examine with another policy or world"
        )
    return truth


def _asked(loss: BoundLoss, case: Case) -> Tensor:
    """Minus the gradient of the loss on each batch, (B, P); what is rounding is 0."""
    found = gradients(loss, case.batches, case.policy)
    if found.norm() > _LONGEST:
        raise FaultError(
            f"The gradient of the loss is as large as {found.abs().max():.1e}: nothing "
            "can be compared with it."
        )
    if found.abs().max() > 0.01 * case.rounding * case.scores.abs().max():
        return found
    if case.num_trajectories == 1 and _asked(loss, case.with_pairs()).any():
        raise FaultError(
            "Zero for every single trajectory, but not for two: the loss compares the "
            "trajectories of a batch. Examine it with num_trajectories=2."
        )
    return torch.zeros_like(found)


def _judge(found: Tensor, truth: Tensor, case: Case, name: str) -> Diagnosis:
    """Numbers, cause, verdict and picture, from the gradient of each batch, (B, P)."""
    batches = case.batches
    expected, noise = batches.chance @ found, total_variance(found, batches.chance)
    length = float(truth.norm())
    error = float((expected - truth).norm()) / length
    uncertain = math.sqrt(noise / len(found)) / length if batches.sampled else 0.0
    tolerance = max(case.rounding, 4 * uncertain)
    scale = float(expected @ truth) / length**2
    cause = cause_of(found, case)
    findings = Findings(
        relative_error=error,
        cosine=_cosine(expected, truth),
        scale=scale,
        variance=noise,
        plain_variance=case.plain_variance(),
        standard_error=uncertain,
        unbiased=error <= tolerance,
        cause=cause.in_words(*batches.shape) if cause else "",
        pushes=torch.stack([case.push(step) for step in (expected, truth)]),
    )
    zero = float(expected.norm()) <= tolerance * length
    straight = float((expected - scale * truth).norm()) <= tolerance * length
    return Diagnosis(
        verdict(findings, zero, straight, name),
        **findings._asdict(),
        examined=batches.in_words(),
        expected=expected,
        gradient=truth,
        truth=name,
        cloud=_cloud(found, expected, truth, batches.chance),
    )


def _cosine(one: Tensor, other: Tensor) -> float:
    lengths = float(one.norm() * other.norm())
    # A mean that is only what rounding leaves has no direction.
    if one.norm() <= 1e-12 * other.norm():
        return 0.0
    return float(one @ other) / lengths


def _cloud(found: Tensor, expected: Tensor, truth: Tensor, chance: Tensor) -> Tensor:
    """Mean, truth and the likeliest gradients in a plane, with chances, (M, 3)."""
    along = truth / truth.norm()
    across = expected - (expected @ along) * along
    if across.norm() <= 1e-6 * truth.norm():
        # No bias to show: the direction in which the gradients scatter most.
        rest = found - torch.outer(found @ along, along)
        across = torch.linalg.svd(chance.sqrt()[:, None] * rest).Vh[0]
    plane = torch.stack([along, across / across.norm().clamp(min=1e-300)], dim=1)
    likeliest = chance.argsort(descending=True, stable=True)[:_DRAWN]
    rows = torch.cat([expected[None], truth[None], found[likeliest]])
    chances = torch.cat([chance.new_ones(2), chance[likeliest]])
    return torch.cat([rows @ plane, chances[:, None]], dim=1)
