"""Answers to the exercises of notebook 07."""

import math

import numpy as np
import torch


# The softmax, Eq. (20)
def overflows(logits):
    exponentials = torch.exp(logits)
    return exponentials / exponentials.sum(dim=1, keepdim=True)


def shifted_by_the_largest_of_the_batch(logits):
    shifted = logits.numpy() - np.max(logits.numpy())
    with np.errstate(all="ignore"):
        return np.exp(shifted) / np.exp(shifted).sum(1)[:, None]


def along_the_states(logits):
    shifted = logits - logits.max(dim=0).values
    return torch.exp(shifted) / torch.exp(shifted).sum(dim=0)


def along_the_states_without_a_shift(logits):
    return (torch.exp(logits).T / torch.exp(logits).sum(0)[:, None]).T


def over_everything(logits):
    exponentials = torch.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def over_everything_without_a_shift(logits):
    return torch.exp(logits) / torch.sum(torch.exp(logits))


def without_exponential(logits):
    return (logits.T / logits.sum(1)).T


def without_exponential_made_positive(logits):
    rows = [abs(row) / sum(abs(row)) for row in logits]
    return torch.stack(rows)


def not_divided(logits):
    return torch.exp(logits)


def shifted_and_not_divided(logits):
    return torch.stack([torch.exp(row - max(row)) for row in logits])


def logarithms(logits):
    return logits - torch.logsumexp(logits, dim=1, keepdim=True)


def each_by_itself(logits):
    return 1 / (1 + torch.exp(-logits))


def the_largest_only(logits):
    result = torch.zeros(logits.shape)
    for row, number in enumerate(logits.argmax(1)):
        result[row, number] = 1
    return result


def all_the_largest(logits):
    return (logits >= logits.amax(dim=1)[:, None]).double()


def turned_round(logits):
    exponentials = torch.exp(logits.min(dim=1, keepdim=True).values - logits)
    return exponentials / exponentials.sum(dim=1, keepdim=True)


# The entropy
def zero_times_infinity(logits):
    probabilities = torch.softmax(logits, dim=1)
    return -(probabilities * torch.log(probabilities)).sum(dim=1)


def negative(logits):
    distribution = torch.distributions.Categorical(logits=logits)
    return (distribution.probs * distribution.logits).sum(1)


def in_bits(logits):
    logs = torch.log_softmax(logits, 1)
    return -(logs.exp() * logs / torch.tensor(2.0).log()).sum(1)


def weights_forgotten(logits):
    return -sum(torch.log_softmax(logits, 1).T)


def mean_of_the_logarithms(logits):
    return torch.logsumexp(logits, 1) - logits.mean(1)


def mean_over_actions(logits):
    logs = torch.log_softmax(logits, 1)
    return torch.mean(-logs.exp() * logs, 1)


def mean_over_states(logits):
    return torch.distributions.Categorical(logits=logits).entropy().mean()


def sum_of_everything(logits):
    logs = torch.log_softmax(logits, 1)
    return -(logs.exp() * logs).sum()


def not_summed(logits):
    logs = torch.log_softmax(logits, 1)
    return -logs * torch.exp(logs)


def logits_for_logarithms(logits):
    return -torch.einsum("na,na->n", torch.softmax(logits, 1), logits)


def effective_number(logits):
    return torch.distributions.Categorical(logits=logits).entropy().exp()


def sum_over_states(logits):
    logs = torch.log_softmax(logits, 1)
    return -sum(row.exp() * row for row in logs)


# The logarithm of a Gaussian density
def _parts(action, mean, log_standard_deviation):
    standard_deviation = torch.exp(log_standard_deviation)
    return action - mean, standard_deviation, math.log(math.sqrt(2 * math.pi))


def without_log_sigma(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(-0.5 * (distance / sigma).square() - constant, dim=1)


def log_sigma_added(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(-0.5 * (distance / sigma).square() + sigma.log() - constant, dim=1)


def sigma_for_variance(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(-0.5 * distance.square() / sigma - sigma.log() - constant, dim=1)


def variance_for_sigma_throughout(action, mean, log_standard_deviation):
    variance = torch.exp(log_standard_deviation)
    normal = torch.distributions.Normal(mean, variance.sqrt())
    return torch.sum(normal.log_prob(action), dim=1)


def without_half(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(-((distance / sigma) ** 2) - sigma.log() - constant, dim=1)


def without_two_pi(action, mean, log_standard_deviation):
    distance, sigma, _ = _parts(action, mean, log_standard_deviation)
    return torch.sum(-0.5 * (distance / sigma) ** 2 - torch.log(sigma), dim=1)


def two_pi_without_root(action, mean, log_standard_deviation):
    distance, sigma, _ = _parts(action, mean, log_standard_deviation)
    density = torch.exp(-0.5 * (distance / sigma) ** 2) / (2 * math.pi * sigma)
    return torch.sum(density.log(), dim=1)


def not_squared(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(-0.5 * distance / sigma - sigma.log() - constant, dim=1)


def not_squared_over_variance(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(-0.5 * distance / sigma**2 - sigma.log() - constant, dim=1)


def log_sigma_for_sigma(action, mean, log_standard_deviation):
    distance, _, constant = _parts(action, mean, log_standard_deviation)
    sigma = log_standard_deviation
    return torch.sum(-0.5 * (distance / sigma) ** 2 - sigma.log() - constant, dim=1)


def log_sigma_in_the_square(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(
        -0.5 * (distance / sigma.log()) ** 2 - sigma.log() - constant, dim=1
    )


def density(action, mean, log_standard_deviation):
    distance, sigma, _ = _parts(action, mean, log_standard_deviation)
    height = 1 / (sigma * math.sqrt(2 * math.pi))
    return (height * torch.exp(-0.5 * (distance / sigma) ** 2)).prod(dim=1)


def minus_log_prob(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    return torch.sum(0.5 * (distance / sigma) ** 2 + sigma.log() + constant, dim=1)


def sum_over_actions(action, mean, log_standard_deviation):
    normal = torch.distributions.Normal(mean, log_standard_deviation.exp())
    return torch.sum(normal.log_prob(action))


def mean_of_all_actions(action, mean, log_standard_deviation):
    normal = torch.distributions.Normal(mean, log_standard_deviation.exp())
    return torch.mean(normal.log_prob(action))


def mean_of_the_sums(action, mean, log_standard_deviation):
    normal = torch.distributions.Normal(mean, log_standard_deviation.exp())
    return torch.distributions.Independent(normal, 1).log_prob(action).mean()


def two_pi_once(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    squares = ((distance / sigma) ** 2).sum(dim=1)
    return -0.5 * squares - log_standard_deviation.sum(dim=1) - constant


def one_for_each_component(action, mean, log_standard_deviation):
    normal = torch.distributions.Normal(mean, log_standard_deviation.exp())
    return normal.log_prob(action)


def mean_over_components(action, mean, log_standard_deviation):
    normal = torch.distributions.Normal(mean, log_standard_deviation.exp())
    return torch.mean(normal.log_prob(action), dim=-1)


def down_the_actions(action, mean, log_standard_deviation):
    normal = torch.distributions.Normal(mean, log_standard_deviation.exp())
    return sum(normal.log_prob(action))


# Function and what the check says, by the name of the check. Each group is one mistake.
WRONG_ANSWERS = {
    "stable_softmax": {
        "the numbers are too large for it": [overflows],
        "shifted by one number for the whole batch": [
            shifted_by_the_largest_of_the_batch
        ],
        "instead of over the actions: each column sums to 1": [
            along_the_states,
            along_the_states_without_a_shift,
        ],
        "all numbers of the batch together sum to 1": [
            over_everything,
            over_everything_without_a_shift,
        ],
        "the exponential is missing": [
            without_exponential,
            without_exponential_made_positive,
        ],
        "nothing has divided yet": [not_divided, shifted_and_not_divided],
        "these are the logarithms of the probabilities": [logarithms],
        "into a number between 0 and 1 by itself": [each_by_itself],
        "all probability is given to the largest logit": [
            the_largest_only,
            all_the_largest,
        ],
        "the sign of the logits is turned round": [turned_round],
    },
    "entropy_of_logits": {
        "too small for the machine has become 0": [zero_times_infinity],
        "the sign is turned round": [negative],
        "this is the entropy in bits": [in_bits],
        "the probabilities that weigh them are missing": [
            weights_forgotten,
            mean_of_the_logarithms,
        ],
        "this is a mean over the actions": [mean_over_actions],
        "one number for all states together": [mean_over_states, sum_of_everything],
        "their sum over the actions is missing": [not_summed],
        "the logits themselves stand where": [logits_for_logarithms],
        "this is the effective number of actions": [effective_number],
        "the sum runs over the states": [sum_over_states],
    },
    "gaussian_log_prob": {
        "the term of the standard deviation itself is missing": [without_log_sigma],
        "the sign of the log standard deviation": [log_sigma_added],
        "is divided by the standard deviation, where": [sigma_for_variance],
        "is taken for the variance throughout": [variance_for_sigma_throughout],
        "the half in front of the squared distance": [without_half],
        "the constant with 2 pi is missing": [without_two_pi],
        "the square root of 2 pi: the half is missing": [two_pi_without_root],
        "the distance is not squared": [not_squared, not_squared_over_variance],
        "is used as if it were the standard deviation": [
            log_sigma_for_sigma,
            log_sigma_in_the_square,
        ],
        "this is the density itself": [density],
        "this is minus the logarithm of the density": [minus_log_prob],
        "in it once for the whole action": [two_pi_once],
        "this is one number for each component": [one_for_each_component],
        "this is the mean over the components": [mean_over_components],
        "the sum runs down the actions": [down_the_actions],
        "one number for all actions together": [
            sum_over_actions,
            mean_of_all_actions,
            mean_of_the_sums,
        ],
    },
}


# Right answers


def softmax_by_logarithms(logits):
    return torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True))


def softmax_by_numpy(logits):
    array = logits.numpy()
    exponentials = np.exp(array - array.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def softmax_by_loops(logits):
    rows = []
    for row in logits.tolist():
        largest = max(row)
        exponentials = [math.exp(score - largest) for score in row]
        rows.append([number / sum(exponentials) for number in exponentials])
    return rows


def softmax_by_pairs(logits):
    differences = logits[:, None, :] - logits[:, :, None]
    return 1 / torch.exp(differences).sum(2)


def entropy_by_torch(logits):
    return torch.distributions.Categorical(logits=logits).entropy()


def entropy_by_logarithms(logits):
    logs = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    return -(torch.exp(logs) * logs).sum(dim=1)


def entropy_by_parts(logits):
    mean_logit = (torch.softmax(logits, 1) * logits).sum(1)
    return torch.logsumexp(logits, 1) - mean_logit


def entropy_by_xlogy(logits):
    probabilities = torch.softmax(logits, 1)
    return -torch.special.xlogy(probabilities, probabilities).sum(1)


def density_by_torch(action, mean, log_standard_deviation):
    normal = torch.distributions.Normal(mean, log_standard_deviation.exp())
    return torch.distributions.Independent(normal, 1).log_prob(action)


def density_by_hand(action, mean, log_standard_deviation):
    distance, sigma, constant = _parts(action, mean, log_standard_deviation)
    each = -0.5 * (distance / sigma) ** 2 - log_standard_deviation - constant
    return each.sum(dim=-1)


def density_by_variance(action, mean, log_standard_deviation):
    variance = torch.exp(2 * log_standard_deviation)
    twice = (action - mean) ** 2 / variance + (2 * math.pi * variance).log()
    return -0.5 * twice.sum(dim=1)


def density_by_loops(action, mean, log_standard_deviation):
    totals = []
    for row, means, logarithms in zip(
        action.tolist(), mean.tolist(), log_standard_deviation.tolist(), strict=True
    ):
        total = 0.0
        for a, m, s in zip(row, means, logarithms, strict=True):
            total -= 0.5 * ((a - m) / math.exp(s)) ** 2
            total -= math.log(math.exp(s) * math.sqrt(2 * math.pi))
        totals.append(total)
    return totals


RIGHT_ANSWERS = {
    "stable_softmax": [
        softmax_by_logarithms,
        softmax_by_numpy,
        softmax_by_loops,
        softmax_by_pairs,
    ],
    "entropy_of_logits": [
        entropy_by_torch,
        entropy_by_logarithms,
        entropy_by_parts,
        entropy_by_xlogy,
    ],
    "gaussian_log_prob": [
        density_by_torch,
        density_by_hand,
        density_by_variance,
        density_by_loops,
    ],
}
