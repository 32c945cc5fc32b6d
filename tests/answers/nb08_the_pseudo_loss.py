"""Answers to the exercises of notebook 08."""

import torch
from torch.distributions import Categorical
from torch.nn import functional as F


# The loss from logits and actions
def q_along_the_row(logits, actions, q_values):
    probs = torch.softmax(logits, dim=-1)
    return -torch.mean(probs * q_values.unsqueeze(1))


def q_along_the_row_summed_there(logits, actions, q_values):
    return -torch.einsum("na,n->n", F.softmax(logits, -1), q_values).mean()


def q_along_the_row_summed_up(logits, actions, q_values):
    return -(q_values @ torch.softmax(logits, 1)).sum()


def probability_of_the_action(logits, actions, q_values):
    rows = torch.arange(len(actions))
    return -(torch.softmax(logits, 1)[rows, actions] * q_values).mean()


def probability_by_exp(logits, actions, q_values):
    return -(Categorical(logits=logits).log_prob(actions).exp() * q_values).mean()


def without_q(logits, actions, q_values):
    return F.nll_loss(F.log_softmax(logits, 1), actions)


def argmax_as_labels(logits, actions, q_values):
    best = torch.argmax(logits, dim=1)
    return -(Categorical(logits=logits).log_prob(best) * q_values).mean()


def sign_flipped(logits, actions, q_values):
    return (Categorical(logits=logits).log_prob(actions) * q_values).mean()


def sum_over_samples(logits, actions, q_values):
    return -(Categorical(logits=logits).log_prob(actions) @ q_values)


def one_number_a_sample(logits, actions, q_values):
    return -Categorical(logits=logits).log_prob(actions) * q_values


def product_of_means(logits, actions, q_values):
    log_probs = Categorical(logits=logits).log_prob(actions)
    return -log_probs.mean() * q_values.mean()


def mean_times_sum(logits, actions, q_values):
    return F.cross_entropy(logits, actions) * sum(q_values)


def logits_without_softmax(logits, actions, q_values):
    one_hot = F.one_hot(actions, logits.shape[1])
    return -((logits * one_hot).sum(1) * q_values).mean()


def softmax_twice(logits, actions, q_values):
    probs = torch.softmax(logits, dim=1)
    return -(Categorical(logits=probs).log_prob(actions) * q_values).mean()


def mean_over_all_cells(logits, actions, q_values):
    one_hot = F.one_hot(actions, logits.shape[1])
    return torch.mean(-F.log_softmax(logits, 1) * one_hot * q_values[:, None])


def all_actions_as_taken(logits, actions, q_values):
    total = 0
    for row, q in zip(logits, q_values, strict=True):
        total = total - q * F.log_softmax(row, 0).sum()
    return total / len(logits)


def all_cells_as_taken(logits, actions, q_values):
    return torch.mean(-q_values.view(-1, 1) * logits.log_softmax(-1))


def softmax_down_the_samples(logits, actions, q_values):
    log_probs = torch.log(torch.softmax(logits, dim=0))
    return -(log_probs[range(len(actions)), actions] * q_values).mean()


def built_anew(logits, actions, q_values):
    losses = [
        q * F.cross_entropy(row, action)
        for row, action, q in zip(logits, actions, q_values, strict=True)
    ]
    return torch.tensor([float(loss) for loss in losses]).mean()


def mean_before_q(logits, actions, q_values):
    return F.nll_loss(torch.log_softmax(logits, 1), actions) * q_values


def all_pairs(logits, actions, q_values):
    columns = torch.log_softmax(logits, 1).index_select(1, actions)
    return torch.mean(-columns * q_values)


def all_pairs_with_a_column(logits, actions, q_values):
    columns = torch.log_softmax(logits, 1).index_select(1, actions)
    return torch.mean(-columns * q_values.view(-1, 1))


# Every action with its own value
def logarithms(logits, q_table):
    return -torch.einsum("na,na->n", F.log_softmax(logits, 1), q_table).mean()


def logarithms_over_cells(logits, q_table):
    return torch.mean(-Categorical(logits=logits).logits * q_table)


def all_sign_flipped(logits, q_table):
    return (Categorical(logits=logits).probs * q_table).sum(-1).mean()


def sum_over_states(logits, q_table):
    return -torch.einsum("na,na->", F.softmax(logits, 1), q_table)


def all_cells(logits, q_table):
    return torch.mean(-F.softmax(logits, 1) * q_table)


def one_number_a_state(logits, q_table):
    return -torch.stack(
        [
            F.softmax(row, 0) @ values
            for row, values in zip(logits, q_table, strict=True)
        ]
    )


def values_averaged_first(logits, q_table):
    probs = F.softmax(logits, 1)
    return -sum(p.sum() * v.mean() for p, v in zip(probs, q_table, strict=True)) / len(
        probs
    )


def values_added_first(logits, q_table):
    return -torch.mean(F.softmax(logits, 1).sum(1) * q_table.sum(1))


def squared(logits, q_table):
    probs = F.softmax(logits, 1)
    return -(probs * probs * q_table).sum() / len(probs)


def half_squared(logits, q_table):
    probs = F.softmax(logits, 1)
    return -0.5 * torch.einsum("na,na,na->", probs, probs, q_table) / len(probs)


def both_factors(logits, q_table):
    pi = Categorical(logits=logits)
    return -torch.einsum("na,na,na->n", pi.probs, pi.logits, q_table).mean()


def logarithm_with_constant_weights(logits, q_table):
    pi = Categorical(logits=logits)
    weights = pi.probs.detach() * q_table
    return -(weights * pi.logits).sum(1).mean()


def likeliest_action_only(logits, q_table):
    probs = F.softmax(logits, 1)
    best = probs.argmax(1)
    rows = torch.arange(len(best))
    return -(probs[rows, best] * q_table[rows, best]).mean()


def best_action_only(logits, q_table):
    probs = F.softmax(logits, 1)
    best = q_table.max(1)
    return -(probs[range(len(probs)), best.indices] * best.values).mean()


def probs_detached(logits, q_table):
    return -(F.softmax(logits, 1).detach() * q_table).sum(1).mean()


def values_without_softmax(logits, q_table):
    return -torch.einsum("na,na->n", logits, q_table).mean()


def cells_without_softmax(logits, q_table):
    return torch.mean(-logits * q_table)


def softmax_down_the_states(logits, q_table):
    probs = logits.exp() / logits.exp().sum(0)
    return -(probs * q_table).sum(dim=1).mean()


# The ratio
def upside_down(log_probs, old_log_probs, q_values):
    return -(q_values * old_log_probs.exp() / log_probs.exp()).mean()


def ratio_sign_flipped(log_probs, old_log_probs, q_values):
    return (q_values * log_probs.exp() / old_log_probs.exp()).mean()


def logarithm_of_the_ratio(log_probs, old_log_probs, q_values):
    return (q_values @ (old_log_probs - log_probs)) / len(q_values)


def quotient_of_logarithms(log_probs, old_log_probs, q_values):
    return torch.mean(-q_values * torch.div(log_probs, old_log_probs))


def old_forgotten(log_probs, old_log_probs, q_values):
    return -(log_probs @ q_values) / len(q_values)


def ratio_to_itself(log_probs, old_log_probs, q_values):
    probs = log_probs.exp()
    return -torch.mean(probs / probs.detach() * q_values)


def plain_probabilities(log_probs, old_log_probs, q_values):
    return -(torch.exp(log_probs) @ q_values) / len(q_values)


def ratio_summed(log_probs, old_log_probs, q_values):
    return -(log_probs.exp() / old_log_probs.exp()) @ q_values


def one_ratio_each(log_probs, old_log_probs, q_values):
    return -log_probs.exp() / old_log_probs.exp() * q_values


def means_multiplied(log_probs, old_log_probs, q_values):
    return -(log_probs.exp() / old_log_probs.exp()).mean() * q_values.mean()


def mean_of_the_logarithms(log_probs, old_log_probs, q_values):
    return -torch.exp((log_probs - old_log_probs).mean()) * q_values.mean()


def constant_ratio(log_probs, old_log_probs, q_values):
    weights = torch.exp(log_probs.detach() - old_log_probs)
    return -(weights * q_values * log_probs).mean()


def clipped(log_probs, old_log_probs, q_values):
    ratio = log_probs.exp() / old_log_probs.exp()
    return -(torch.clip(ratio, 1 - 0.2, 1 + 0.2) * q_values).mean()


def clipped_as_in_ppo(log_probs, old_log_probs, q_values):
    ratio = log_probs.exp() / old_log_probs.exp()
    safe = torch.clip(ratio, 1 - 0.2, 1 + 0.2)
    return -torch.min(safe * q_values, ratio * q_values).mean()


def ratio_without_graph(log_probs, old_log_probs, q_values):
    return -(log_probs.detach() - old_log_probs).exp() @ q_values / len(q_values)


# Function and what the check says, by the name of the check. Each group is one mistake.
WRONG_ANSWERS = {
    "loss_from_logits": {
        "multiplied by q all along its row": [
            q_along_the_row,
            q_along_the_row_summed_there,
            q_along_the_row_summed_up,
        ],
        "this weighs the probability of the action taken": [
            probability_of_the_action,
            probability_by_exp,
        ],
        "the q-values are not in it": [without_q],
        "the labels are the most probable actions": [argmax_as_labels],
        "the sign is turned round": [sign_flipped],
        "this is the sum over the samples": [sum_over_samples],
        "this is one number for each sample": [one_number_a_sample],
        "has taken its mean over the samples before": [mean_before_q],
        "meets the actions of all samples": [all_pairs, all_pairs_with_a_column],
        "the mean is taken of each factor": [product_of_means, mean_times_sum],
        "these are logits, not logarithms": [logits_without_softmax],
        "the softmax is taken twice": [softmax_twice],
        "runs over all cells of the table": [mean_over_all_cells],
        "as if it had been taken": [all_actions_as_taken, all_cells_as_taken],
        "the softmax runs down the samples": [softmax_down_the_samples],
        "the result carries no graph": [built_anew],
    },
    "all_action_loss": {
        "here stand logarithms": [logarithms, logarithms_over_cells],
        "the sign is turned round": [all_sign_flipped],
        "this is the sum over the states": [sum_over_states],
        "this is the mean over all cells": [all_cells],
        "this is one number for each state": [one_number_a_state],
        "the softmax is missing": [values_without_softmax, cells_without_softmax],
        "the softmax runs down the states": [softmax_down_the_states],
        "the values are put together before": [
            values_averaged_first,
            values_added_first,
        ],
        "the probabilities are squared": [squared, half_squared],
        "weighed by a probability that is differentiated": [both_factors],
        "the gradient is right, but the value": [logarithm_with_constant_weights],
        "only one action of each state is in it": [
            likeliest_action_only,
            best_action_only,
        ],
        "the result carries no graph": [probs_detached],
    },
    "ratio_loss": {
        "the ratio is upside down": [upside_down],
        "the sign is turned round": [ratio_sign_flipped],
        "this is the logarithm of the ratio": [logarithm_of_the_ratio],
        "one logarithm is divided by the other": [quotient_of_logarithms],
        "the old log-probabilities are not in it": [old_forgotten, ratio_to_itself],
        "the old probabilities are not in it": [plain_probabilities],
        "this is the sum over the samples": [ratio_summed],
        "this is one number for each sample": [one_ratio_each],
        "the mean of the ratios and the mean": [
            means_multiplied,
            mean_of_the_logarithms,
        ],
        "the gradient is right, but the value": [constant_ratio],
        "the ratio is clipped": [clipped, clipped_as_in_ppo],
        "the result carries no graph": [ratio_without_graph],
    },
}


# Right answers


def loss_by_a_distribution(logits, actions, q_values):
    return -(Categorical(logits=logits).log_prob(actions) * q_values).mean()


def loss_by_one_hot(logits, actions, q_values):
    one_hot = F.one_hot(actions, logits.shape[1]).float()
    return (F.cross_entropy(logits, one_hot, reduction="none") * q_values).mean()


def loss_by_the_ratio(logits, actions, q_values):
    log_probs = logits.log_softmax(1)[range(len(actions)), actions]
    surrogate = ((log_probs - log_probs.detach()).exp() * q_values).mean()
    value = (log_probs * q_values).mean()
    return -(surrogate - surrogate.detach() + value.detach())


def loss_by_loops(logits, actions, q_values):
    total = 0
    for row, action, q in zip(logits, actions, q_values, strict=True):
        total = total + q * (torch.logsumexp(row, 0) - row[action])
    return total / len(logits)


def loss_with_detached_q(logits, actions, q_values):
    surprise = F.nll_loss(F.log_softmax(logits, 1), actions, reduction="none")
    return torch.dot(surprise, q_values.detach()) / q_values.numel()


def all_actions_by_einsum(logits, q_table):
    return -torch.einsum("na,na->", F.softmax(logits, 1), q_table) / len(logits)


def all_actions_by_a_distribution(logits, q_table):
    return -(Categorical(logits=logits).probs * q_table).sum(-1).mean()


def all_actions_by_loops(logits, q_table):
    total = 0
    for row, values in zip(logits, q_table, strict=True):
        weights = row.exp() / row.exp().sum()
        for probability, value in zip(weights, values, strict=True):
            total = total - probability * value
    return total / len(logits)


def all_actions_with_a_baseline_and_back(logits, q_table):
    baseline = q_table.mean(1, keepdim=True)
    return -(
        (F.softmax(logits, 1) * (q_table - baseline)).sum(1) + baseline[:, 0]
    ).mean()


def ratio_by_division(log_probs, old_log_probs, q_values):
    return -(log_probs.exp() / old_log_probs.exp() * q_values).mean()


def ratio_by_dot(log_probs, old_log_probs, q_values):
    weights = q_values * torch.exp(-old_log_probs.detach())
    return -torch.dot(weights, log_probs.exp()) / len(q_values)


def ratio_by_loops(log_probs, old_log_probs, q_values):
    terms = [
        -q * torch.exp(new - old)
        for new, old, q in zip(log_probs, old_log_probs, q_values, strict=True)
    ]
    return torch.stack(terms).mean()


RIGHT_ANSWERS = {
    "loss_from_logits": [
        loss_by_a_distribution,
        loss_by_one_hot,
        loss_by_the_ratio,
        loss_by_loops,
        loss_with_detached_q,
    ],
    "all_action_loss": [
        all_actions_by_einsum,
        all_actions_by_a_distribution,
        all_actions_by_loops,
        all_actions_with_a_baseline_and_back,
    ],
    "ratio_loss": [ratio_by_division, ratio_by_dot, ratio_by_loops],
}
