"""Checks of the exercises: they say what is wrong and where to look."""

from pg_helpers.checks.bonus import loss_with_entropy
from pg_helpers.checks.core import Check, Mistake, Outcome
from pg_helpers.checks.counting import number_of_trajectories
from pg_helpers.checks.coupling import finite_difference, gradient_by_enumeration
from pg_helpers.checks.density import gaussian_log_prob
from pg_helpers.checks.exploration import effective_actions, epsilon_greedy
from pg_helpers.checks.factors import (
    trajectory_log_prob,
    trajectory_score,
)
from pg_helpers.checks.first_steps import mean_return, share_found
from pg_helpers.checks.gradient_ascent import ascent_step, minibatch_gradient
from pg_helpers.checks.levers import bandit_gradient
from pg_helpers.checks.losses import loss
from pg_helpers.checks.objective import (
    discount_weights,
    estimate_with_error,
    expected_return,
)
from pg_helpers.checks.observers import Case, Seen
from pg_helpers.checks.patients import leave_one_out_loss, mended_loss, to_go_loss
from pg_helpers.checks.policy_gradient import exact_gradient, policy_gradient_estimate
from pg_helpers.checks.pseudo_loss import all_action_loss, loss_from_logits
from pg_helpers.checks.ratio import ratio_loss
from pg_helpers.checks.returns import total_return
from pg_helpers.checks.score import gaussian_score, score_estimate
from pg_helpers.checks.softmax import entropy_of_logits, stable_softmax
from pg_helpers.checks.updates import update
from pg_helpers.checks.uphill import share_uphill
from pg_helpers.checks.variance import (
    best_constant_baseline,
    discounted_rewards_to_go,
    leave_one_out,
)

__all__ = [
    "Case",
    "Check",
    "Mistake",
    "Outcome",
    "Seen",
    "all_action_loss",
    "ascent_step",
    "bandit_gradient",
    "best_constant_baseline",
    "discount_weights",
    "discounted_rewards_to_go",
    "effective_actions",
    "entropy_of_logits",
    "epsilon_greedy",
    "estimate_with_error",
    "exact_gradient",
    "expected_return",
    "finite_difference",
    "gaussian_log_prob",
    "gaussian_score",
    "gradient_by_enumeration",
    "leave_one_out",
    "leave_one_out_loss",
    "loss",
    "loss_from_logits",
    "loss_with_entropy",
    "mean_return",
    "mended_loss",
    "minibatch_gradient",
    "number_of_trajectories",
    "policy_gradient_estimate",
    "ratio_loss",
    "score_estimate",
    "share_found",
    "share_uphill",
    "stable_softmax",
    "to_go_loss",
    "total_return",
    "trajectory_log_prob",
    "trajectory_score",
    "update",
]
