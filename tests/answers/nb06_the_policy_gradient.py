"""Answers to the exercises of notebook 06."""

import numpy as np
import torch


# The exact gradient, Eq. (17)
def gradient_by_einsum(returns, probabilities, scores):
    return torch.einsum("k,k,kd->d", returns, probabilities, scores)


def gradient_by_loop(returns, probabilities, scores):
    total = torch.zeros(scores.shape[1])
    for weight, probability, score in zip(returns, probabilities, scores, strict=True):
        total = total + weight * probability * score
    return total


def gradient_in_numpy(returns, probabilities, scores):
    weights = returns.numpy() * probabilities.numpy()
    return scores.numpy().T @ weights


def probabilities_forgotten(returns, probabilities, scores):
    return torch.einsum("k,kd->d", returns, scores)


def mean_of_all_alike(returns, probabilities, scores):
    total = sum(r * s for r, s in zip(returns, scores, strict=True))
    return total / len(returns)


def probabilities_twice(returns, probabilities, scores):
    pulls = returns[:, None] * probabilities[:, None] * scores
    return torch.einsum("k,kd->d", probabilities, pulls)


def divided_by_k(returns, probabilities, scores):
    return torch.mean(returns[:, None] * probabilities[:, None] * scores, dim=0)


def returns_forgotten(returns, probabilities, scores):
    return (probabilities.unsqueeze(1) * scores).sum(dim=0)


def gradient_of_a_loss(returns, probabilities, scores):
    return torch.einsum("k,k,kd->d", -returns, probabilities, scores)


def terms_of_the_sum(returns, probabilities, scores):
    return torch.stack(
        [r * p * s for r, p, s in zip(returns, probabilities, scores, strict=True)]
    )


def summed_over_parameters(returns, probabilities, scores):
    return returns * probabilities * scores.sum(dim=1)


def summed_over_everything(returns, probabilities, scores):
    return torch.einsum("k,k,kd->", returns, probabilities, scores)


def objective_times_scores(returns, probabilities, scores):
    return torch.dot(returns, probabilities) * torch.sum(scores, dim=0)


def objective_times_mean_score(returns, probabilities, scores):
    return np.dot(returns, probabilities) * np.mean(scores.numpy(), axis=0)


def logarithms_of_probabilities(returns, probabilities, scores):
    return scores.T @ (torch.log(probabilities) * returns)


# The estimate, Eq. (19)
def estimate_by_loop(returns, step_scores, mask):
    total = torch.zeros(step_scores.shape[2])
    for i in range(len(returns)):
        for t in range(step_scores.shape[1]):
            if mask[i, t]:
                total = total + returns[i] * step_scores[i, t]
    return total / len(returns)


def estimate_by_einsum(returns, step_scores, mask):
    return torch.einsum("n,ntd,nt->d", returns, step_scores, mask.float()) / len(mask)


def estimate_by_where(returns, step_scores, mask):
    taken = torch.where(mask.unsqueeze(-1), step_scores, 0)
    return (returns.unsqueeze(-1) * taken.sum(dim=1)).mean(dim=0)


def estimate_downhill(returns, step_scores, mask):
    return -torch.einsum("n,ntd,nt->d", returns, step_scores, mask.float()) / len(mask)


def mean_over_steps_taken(returns, step_scores, mask):
    weighed = returns[:, None, None] * step_scores
    return weighed[mask].mean(dim=0)


def mean_over_all_cells(returns, step_scores, mask):
    return (returns[:, None, None] * step_scores * mask[:, :, None]).mean(dim=(0, 1))


def mean_over_own_steps(returns, step_scores, mask):
    means = [s[taken].mean(dim=0) for s, taken in zip(step_scores, mask, strict=True)]
    return (returns[:, None] * torch.stack(means)).mean(dim=0)


def padding_counted(returns, step_scores, mask):
    return torch.einsum("n,ntd->d", returns, step_scores) / len(returns)


def padding_counted_in_a_mean(returns, step_scores, mask):
    return (returns[:, None, None] * step_scores).mean(dim=1).mean(dim=0)


def mask_inverted(returns, step_scores, mask):
    kept = step_scores.masked_fill(mask[:, :, None], 0)
    return (returns[:, None] * kept.sum(dim=1)).mean(dim=0)


def sum_over_trajectories(returns, step_scores, mask):
    return torch.einsum("n,ntd,nt->d", returns, step_scores, mask.float())


def one_row_a_trajectory(returns, step_scores, mask):
    return torch.einsum("n,ntd,nt->nd", returns, step_scores, mask.float())


def mean_over_parameters(returns, step_scores, mask):
    return torch.einsum("n,ntd,nt->nd", returns, step_scores, mask.float()).mean(dim=1)


def sum_over_parameters(returns, step_scores, mask):
    return torch.einsum("n,ntd,nt->n", returns, step_scores, mask.float())


def mean_score(returns, step_scores, mask):
    return (step_scores * mask.unsqueeze(2)).sum(dim=(0, 1)) / len(mask)


def product_of_means(returns, step_scores, mask):
    scores = (step_scores * mask.unsqueeze(2)).sum(dim=1)
    return torch.mean(returns) * torch.mean(scores, dim=0)


def sum_of_returns_times_mean_score(returns, step_scores, mask):
    return sum(returns) * (step_scores * mask.unsqueeze(2)).sum(dim=1).mean(dim=0)


def product_of_sums(returns, step_scores, mask):
    return returns.sum() * step_scores[mask].sum(dim=0)


def mean_return_subtracted(returns, step_scores, mask):
    advantages = returns - torch.mean(returns)
    return torch.einsum("n,ntd,nt->d", advantages, step_scores, mask.float()) / len(
        mask
    )


# The share that points uphill
def share_by_loop(estimates, gradient):
    number = sum(1 for estimate in estimates if torch.dot(estimate, gradient) > 0)
    return number / len(estimates)


def share_in_numpy(estimates, gradient):
    return np.mean((estimates.numpy() * gradient.numpy()).sum(axis=1) > 0)


def share_by_cosine(estimates, gradient):
    cosines = torch.nn.functional.cosine_similarity(estimates, gradient, dim=1)
    return (cosines > 0).float().mean()


def zeros_counted(estimates, gradient):
    return ((estimates * gradient).sum(dim=1) >= 0).float().mean()


def share_downhill(estimates, gradient):
    return sum(float(e @ gradient < 0) for e in estimates) / len(estimates)


def share_not_uphill(estimates, gradient):
    return 1 - (torch.mv(estimates, gradient) > 0).float().mean()


def each_component(estimates, gradient):
    return torch.mean((estimates * gradient > 0).float())


def each_sign(estimates, gradient):
    return np.mean(np.sign(estimates.numpy()) == np.sign(gradient.numpy()))


def every_component(estimates, gradient):
    right = [bool((e * gradient > 0).all()) for e in estimates]
    return sum(right) / len(right)


def a_share_for_each_parameter(estimates, gradient):
    return torch.mean((estimates * gradient > 0).float(), dim=0)


def number_uphill(estimates, gradient):
    return sum(bool(e @ gradient > 0) for e in estimates)


def which_are_uphill(estimates, gradient):
    return torch.mv(estimates, gradient) > 0


def longer_than_the_gradient(estimates, gradient):
    return (
        (torch.linalg.norm(estimates, dim=1) > torch.linalg.norm(gradient))
        .float()
        .mean()
    )


def closer_than_zero_is(estimates, gradient):
    distances = torch.linalg.norm(estimates - gradient, dim=1)
    return (distances < torch.linalg.norm(gradient)).float().mean()


def length_of_each(estimates, gradient):
    return (torch.linalg.norm(estimates, dim=1) > 0).float().mean()


def sum_of_components(estimates, gradient):
    return np.mean(estimates.numpy().sum(axis=1) > 0)


def mean_inner_product(estimates, gradient):
    return torch.mv(estimates, gradient).mean()


def mean_cosine(estimates, gradient):
    return torch.nn.functional.cosine_similarity(estimates, gradient, dim=1).mean()


def of_the_mean(estimates, gradient):
    return float(torch.dot(estimates.mean(dim=0), gradient) > 0)


# Function and what the check says, by the name of the check. Each group is one mistake.
WRONG_ANSWERS = {
    "exact_gradient": {
        "the probabilities are not in it": [probabilities_forgotten, mean_of_all_alike],
        "the probabilities count twice": [probabilities_twice],
        "this is a mean over the K trajectories": [divided_by_k],
        "the returns are not in it": [returns_forgotten],
        "the sign is turned round": [gradient_of_a_loss],
        "these are the terms of Eq. (17)": [terms_of_the_sum],
        "the sum runs over the parameters": [summed_over_parameters],
        "added up into a single number": [summed_over_everything],
        "put together first into J": [
            objective_times_scores,
            objective_times_mean_score,
        ],
        "these are logarithms of the probabilities": [logarithms_of_probabilities],
    },
    "policy_gradient_estimate": {
        "the sign is turned round": [estimate_downhill],
        "this is a mean over all steps taken": [mean_over_steps_taken],
        "this is a mean over all cells": [mean_over_all_cells],
        "divided by its own number of steps": [mean_over_own_steps],
        "the padding is counted": [padding_counted, padding_counted_in_a_mean],
        "the mask is used the wrong way round": [mask_inverted],
        "this is the sum over trajectories": [sum_over_trajectories],
        "these are the pulls, one row": [one_row_a_trajectory],
        "the mean runs over the parameters": [
            mean_over_parameters,
            sum_over_parameters,
        ],
        "the returns are not in it": [mean_score],
        "only then the two are multiplied": [
            product_of_means,
            sum_of_returns_times_mean_score,
            product_of_sums,
        ],
        "the mean of the returns is subtracted": [mean_return_subtracted],
    },
    "share_uphill": {
        "estimates that are zero are counted": [zeros_counted],
        "the comparison is the wrong way round": [share_downhill, share_not_uphill],
        "you average over those too": [each_component, each_sign],
        "only if every component has the right sign": [every_component],
        "a share for each parameter is left": [a_share_for_each_parameter],
        "not which share of them": [number_uphill],
        "this says for each estimate whether": [which_are_uphill],
        "lengths are compared": [
            longer_than_the_gradient,
            closer_than_zero_is,
            length_of_each,
        ],
        "the sum of the components is compared": [sum_of_components],
        "an average of how far": [mean_inner_product, mean_cosine],
        "the estimates are averaged first": [of_the_mean],
    },
}

RIGHT_ANSWERS = {
    "exact_gradient": [gradient_by_einsum, gradient_by_loop, gradient_in_numpy],
    "policy_gradient_estimate": [
        estimate_by_loop,
        estimate_by_einsum,
        estimate_by_where,
    ],
    "share_uphill": [share_by_loop, share_in_numpy, share_by_cosine],
}
