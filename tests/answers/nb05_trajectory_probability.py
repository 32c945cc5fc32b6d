"""Answers to the exercises of notebook 05."""

import math

import numpy as np
import torch
from torch.nn.functional import one_hot


def steps_of(states, actions):
    """(s_t, a_t, s_{t+1}) for each step."""
    return [
        (int(states[t]), int(actions[t]), int(states[t + 1]))
        for t in range(len(actions))
    ]


# ln P of a trajectory, Eq. (14)
def log_start_missing(start, policy_factors, world_factors, mask):
    terms = (policy_factors * world_factors).log()
    return terms.masked_fill(~mask, 0).sum(dim=1)


def log_world_missing(start, policy_factors, world_factors, mask):
    return start.log() + (policy_factors.log() * mask).sum(dim=1)


def log_policy_missing(start, policy_factors, world_factors, mask):
    return start.log() + (world_factors.log() * mask).sum(dim=1)


def padding_counted(start, policy_factors, world_factors, mask):
    return torch.log(start * policy_factors.prod(dim=1) * world_factors.prod(dim=1))


def masked_before_the_logarithm(start, policy_factors, world_factors, mask):
    terms = (policy_factors * mask).log() + (world_factors * mask).log()
    return start.log() + terms.sum(dim=1)


def mask_upside_down(start, policy_factors, world_factors, mask):
    terms = policy_factors.log() + world_factors.log()
    return start.log() + terms.masked_fill(mask, 0).sum(dim=1)


def log_of_everything_added(start, policy_factors, world_factors, mask):
    added = (policy_factors * mask).sum(1) + (world_factors * mask).sum(1)
    return torch.log(start + added)


def log_of_steps_added(start, policy_factors, world_factors, mask):
    return torch.log(start + (policy_factors * world_factors * mask).sum(1))


def log_start_plus_log_of_sum(start, policy_factors, world_factors, mask):
    both = torch.where(mask, policy_factors * world_factors, 0)
    return torch.log(start * both.sum(1))


def probabilities_added(start, policy_factors, world_factors, mask):
    return start + ((policy_factors + world_factors) * mask).sum(dim=1)


def logarithms_multiplied(start, policy_factors, world_factors, mask):
    result = start.log()
    for i, row in enumerate(mask):
        for t in np.flatnonzero(row):
            result[i] *= policy_factors[i, t].log() * world_factors[i, t].log()
    return result


def logarithms_multiplied_in_a_step(start, policy_factors, world_factors, mask):
    terms = policy_factors.log() * world_factors.log() * mask
    return start.log() + terms.sum(1)


def the_probability_itself(start, policy_factors, world_factors, mask):
    both = (policy_factors * world_factors).masked_fill(~mask, 1)
    return start * both.prod(dim=1)


def mean_over_the_steps_taken(start, policy_factors, world_factors, mask):
    rows = zip(policy_factors * world_factors, mask, strict=True)
    means = [row[taken].log().mean() for row, taken in rows]
    return start.log() + torch.stack(means)


def mean_over_the_columns(start, policy_factors, world_factors, mask):
    terms = (policy_factors * world_factors).log() * mask
    return start.log() + terms.mean(dim=1)


def one_log_for_all(start, policy_factors, world_factors, mask):
    taken = (policy_factors * world_factors)[mask]
    return start.log().sum() + taken.log().sum()


def mean_log_for_all(start, policy_factors, world_factors, mask):
    return one_log_for_all(start, policy_factors, world_factors, mask) / len(start)


def negative_log(start, policy_factors, world_factors, mask):
    return -the_probability_itself(start, policy_factors, world_factors, mask).log()


def log_start_at_every_step(start, policy_factors, world_factors, mask):
    terms = (start.unsqueeze(1) * policy_factors * world_factors).log()
    return (terms * mask).sum(dim=1)


# Its gradient, Eq. (15)
def log_of(pi, states, actions, logits, take=lambda terms: terms.sum()):
    return take(logits.log_softmax(1)[states[: len(actions)], actions])


def by_autograd(pi, states, actions, take):
    logits = pi.log().requires_grad_()
    value = log_of(pi, states, actions, logits, take)
    return torch.autograd.grad(value, logits)[0]


def score_downhill(pi, states, actions):
    return by_autograd(pi, states, actions, lambda terms: -terms.sum())


def score_mean(pi, states, actions):
    return by_autograd(pi, states, actions, lambda terms: terms.mean())


def score_mean_over_states(pi, states, actions):
    return by_autograd(pi, states, actions, lambda terms: terms.sum()) / len(states)


def only_counts(pi, states, actions):
    result = torch.zeros_like(pi)
    for s, a, _ in steps_of(states, actions):
        result[s, a] += 1
    return result


def only_minus_pi(pi, states, actions):
    result = torch.zeros_like(pi)
    for s in states[:-1]:
        result[s] -= pi[s]
    return result


def last_state_counted(pi, states, actions):
    result = only_counts(pi, states, actions)
    for s in states:
        result[s] -= pi[s]
    return result


def rows_overwritten(pi, states, actions):
    result = torch.zeros_like(pi)
    for s, a, _ in steps_of(states, actions):
        result[s] = one_hot(torch.tensor(a), pi.shape[1]) - pi[s]
    return result


def pi_once_for_each_state(pi, states, actions):
    result = only_counts(pi, states, actions)
    for s in set(states[:-1].tolist()):
        result[s] -= pi[s]
    return result


def pi_in_every_row(pi, states, actions):
    return only_counts(pi, states, actions) - pi


def pi_in_every_row_at_every_step(pi, states, actions):
    result = torch.zeros_like(pi)
    for s, a, _ in steps_of(states, actions):
        result[s, a] += 1
        result -= pi
    return result


def gradient_by_the_probabilities(pi, states, actions):
    table = pi.clone().requires_grad_()
    table[states[:-1], actions].log().sum().backward()
    return table.grad


def row_of_the_next_state(pi, states, actions):
    result = torch.zeros_like(pi)
    for _, a, after in steps_of(states, actions):
        result[after, a] += 1
        result[after] -= pi[after]
    return result


def chosen_entries_only(pi, states, actions):
    result = torch.zeros_like(pi)
    for s, a, _ in steps_of(states, actions):
        result[s, a] += 1 - pi[s, a]
    return result


def chosen_subtracted_twice(pi, states, actions):
    result = torch.zeros_like(pi)
    for s, a, _ in steps_of(states, actions):
        result[s] -= pi[s]
        result[s, a] += 1 - pi[s, a]
    return result


def score_of_the_last_step(pi, states, actions):
    return by_autograd(pi, states, actions, lambda terms: terms[-1])


def score_of_the_first_step(pi, states, actions):
    result = torch.zeros_like(pi)
    for s, a, _ in steps_of(states, actions):
        result[s, a] += 1
        result[s] -= pi[s]
        return result


def scores_of_the_steps(pi, states, actions):
    return torch.stack(
        [
            score_of_the_first_step(pi, states[t:], actions[t:])
            for t in range(len(actions))
        ]
    )


def gradient_of_the_sum_of_pi(pi, states, actions):
    return by_autograd(pi, states, actions, lambda terms: terms.exp().sum())


WRONG_ANSWERS = {
    "trajectory_log_prob": {
        "the start is missing": [log_start_missing],
        "the world's terms are missing": [log_world_missing],
        "the policy's terms are missing": [log_policy_missing],
        "the padding is counted": [padding_counted],
        "zero before the logarithm is taken": [masked_before_the_logarithm],
        "the mask is used the wrong way round": [mask_upside_down],
        "these are probabilities added up": [
            log_of_everything_added,
            log_of_steps_added,
            log_start_plus_log_of_sum,
            probabilities_added,
        ],
        "the logarithms are multiplied": [
            logarithms_multiplied,
            logarithms_multiplied_in_a_step,
        ],
        "this is P itself": [the_probability_itself],
        "this is a mean over the steps": [
            mean_over_the_steps_taken,
            mean_over_the_columns,
        ],
        "this is one number for all": [one_log_for_all, mean_log_for_all],
        "the sign is turned round": [negative_log],
        "the start is counted at every step": [log_start_at_every_step],
    },
    "trajectory_score": {
        "the sign is turned round": [score_downhill],
        "this is a mean over the steps": [score_mean, score_mean_over_states],
        "this only counts what was done": [only_counts],
        "only the actions that were taken have an entry": [chosen_entries_only],
        "is subtracted twice": [chosen_subtracted_twice],
        "the action that was taken is missing": [only_minus_pi],
        "the last state is counted as a step": [last_state_counted],
        "visited twice is counted once": [rows_overwritten],
        "subtracted once for each state": [pi_once_for_each_state],
        "subtracted in every row": [pi_in_every_row, pi_in_every_row_at_every_step],
        "with respect to the probabilities": [gradient_by_the_probabilities],
        "the score is taken in the state that was reached": [row_of_the_next_state],
        "only one step is in the result": [
            score_of_the_last_step,
            score_of_the_first_step,
        ],
        "the scores of the single steps": [scores_of_the_steps],
        "the gradient of the sum of the probabilities": [gradient_of_the_sum_of_pi],
    },
}


# Right answers


def log_by_where(start, policy_factors, world_factors, mask):
    both = torch.where(mask, policy_factors * world_factors, 1.0)
    return start.log() + both.log().sum(dim=1)


def log_by_loops(start, policy_factors, world_factors, mask):
    result = []
    for i in range(len(start)):
        total = math.log(start[i])
        for t in range(int(mask[i].sum())):
            total += math.log(policy_factors[i, t]) + math.log(world_factors[i, t])
        result.append(total)
    return result


def log_by_three_sums(start, policy_factors, world_factors, mask):
    policy = (policy_factors.log() * mask).sum(1)
    return start.log() + policy + (world_factors.log() * mask).sum(1)


def score_by_a_loop(pi, states, actions):
    result = torch.zeros_like(pi)
    for t, a in enumerate(actions):
        result[states[t], a] += 1
        result[states[t]] -= pi[states[t]]
    return result


def score_by_autograd(pi, states, actions):
    return by_autograd(pi, states, actions, lambda terms: terms.sum())


def score_by_one_hot(pi, states, actions):
    visits = one_hot(states[:-1], pi.shape[0]).to(pi)
    return visits.T @ (one_hot(actions, pi.shape[1]) - pi[states[:-1]])


RIGHT_ANSWERS = {
    "trajectory_log_prob": [log_by_where, log_by_loops, log_by_three_sums],
    "trajectory_score": [score_by_a_loop, score_by_autograd, score_by_one_hot],
}
