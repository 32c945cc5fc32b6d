"""Answers to the exercises of notebook 09."""

import numpy as np
import torch
from torch import nn

from pg_helpers import returns


# The return, Eq. (6)
def discount_from_the_first_reward_on(rewards, gamma):
    result = torch.zeros(len(rewards))
    for i, row in enumerate(rewards):
        for t, reward in enumerate(row, start=1):
            result[i] += gamma**t * reward
    return result


def no_discount(rewards, gamma):
    return rewards.sum(dim=-1)


def rewards_to_go(rewards, gamma):
    result = torch.zeros_like(rewards)
    running = torch.zeros(len(rewards))
    for t in reversed(range(rewards.shape[1])):
        running = rewards[:, t] + gamma * running
        result[:, t] = running
    return result


def undiscounted_rewards_to_go(rewards, gamma):
    return rewards.flip(1).cumsum(1).flip(1)


def discounted_rewards(rewards, gamma):
    return torch.stack(
        [gamma**t * rewards[:, t] for t in range(rewards.shape[1])], dim=1
    )


def mean_over_steps(rewards, gamma):
    weights = np.array([gamma**t for t in range(rewards.shape[1])])
    return np.mean(rewards.numpy() * weights, axis=1)


def undiscounted_mean(rewards, gamma):
    return torch.mean(rewards, 1)


def discount_down_the_trajectories(rewards, gamma):
    total = 0
    for t, reward in enumerate(rewards):
        total = total + gamma**t * reward
    return total


def sum_down_the_trajectories(rewards, gamma):
    return torch.sum(rewards * gamma ** torch.arange(len(rewards[0])), dim=0)


def one_number_for_all(rewards, gamma):
    total = 0.0
    for row in rewards.tolist():
        for t, reward in enumerate(row):
            total += gamma**t * reward
    return total


def mean_return(rewards, gamma):
    return torch.einsum(
        "nt,t->n", rewards, gamma ** torch.arange(rewards.shape[1])
    ).mean()


def one_gamma_for_all(rewards, gamma):
    return torch.sum(gamma * rewards, dim=1)


def gamma_times_t(rewards, gamma):
    return sum(gamma * t * rewards[:, t] for t in range(rewards.shape[1]))


def forward_recursion(rewards, gamma):
    total = torch.zeros(len(rewards))
    for t in range(rewards.shape[1]):
        total = gamma * total + rewards[:, t]
    return total


def overwritten(rewards, gamma):
    for t in range(rewards.shape[1]):
        total = gamma**t * rewards[:, t]
    return total


def overwritten_without_discount(rewards, gamma):
    for t in range(rewards.shape[1]):
        total = rewards[:, t]
    return total


def returned_in_the_first_pass(rewards, gamma):
    total = torch.zeros(len(rewards))
    for t in range(rewards.shape[1]):
        total += gamma**t * rewards[:, t]
        return total


# The loss, Eq. (23)
def sign_flipped(log_probs, returns, mask):
    return (returns * (log_probs * mask).sum(1)).mean()


def mean_over_all_steps(log_probs, returns, mask):
    return -(returns[:, None] * log_probs)[mask].mean()


def mean_over_the_table(log_probs, returns, mask):
    return -torch.mean(returns[:, None] * log_probs * mask)


def mean_over_own_steps(log_probs, returns, mask):
    losses = [
        -weight * row[taken].mean()
        for row, weight, taken in zip(log_probs, returns, mask, strict=True)
    ]
    return sum(losses) / len(losses)


def mask_forgotten(log_probs, returns, mask):
    return -(returns * log_probs.sum(1)).mean()


def mask_forgotten_and_mean_over_the_table(log_probs, returns, mask):
    return -(log_probs * returns.unsqueeze(1)).mean()


def mask_inverted(log_probs, returns, mask):
    return -(returns * log_probs.masked_fill(mask, 0).sum(1)).mean()


def sum_over_trajectories(log_probs, returns, mask):
    return -torch.einsum("n,nt,nt->", returns, log_probs, mask.float())


def one_number_a_trajectory(log_probs, returns, mask):
    return -returns * torch.where(mask, log_probs, 0).sum(1)


def mean_log_prob_times_sum_of_returns(log_probs, returns, mask):
    return -torch.mean(log_probs[mask]) * torch.sum(returns)


def product_of_means(log_probs, returns, mask):
    return -(log_probs * mask).sum(1).mean() * returns.mean()


def product_of_means_by_broadcasting(log_probs, returns, mask):
    return -(returns[:, None] * (log_probs * mask).sum(1)).mean()


def product_of_sums(log_probs, returns, mask):
    return -(log_probs * mask).sum() * returns.sum()


def probabilities(log_probs, returns, mask):
    return -(returns * (log_probs.exp() * mask).sum(1)).mean()


def probability_of_the_trajectory(log_probs, returns, mask):
    return -(returns * torch.exp((log_probs * mask).sum(1))).mean()


def returns_forgotten(log_probs, returns, mask):
    return -(log_probs * mask).sum() / len(log_probs)


def mean_subtracted(log_probs, returns, mask):
    advantages = returns - returns.mean()
    return -(advantages * (log_probs * mask).sum(1)).mean()


def whitened(log_probs, returns, mask):
    advantages = (returns - returns.mean()) / (returns.std(unbiased=False) + 1e-8)
    return -(advantages * (log_probs * mask).sum(1)).mean()


def detached(log_probs, returns, mask):
    return -(returns * (log_probs.detach() * mask).sum(1)).mean()


def as_a_float(log_probs, returns, mask):
    return -(returns * (log_probs * mask).sum(1)).mean().item()


def differentiated_inside(log_probs, returns, mask):
    loss = -(returns * (log_probs * mask).sum(1)).mean()
    loss.backward(retain_graph=True)
    return loss


# The update, Eq. (4)
def ascends_the_loss(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for parameter in policy.parameters():
        parameter.data += learning_rate * parameter.grad


def ascends_by_an_optimiser(policy, loss, learning_rate):
    optimiser = torch.optim.SGD(policy.parameters(), learning_rate, maximize=True)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def only_backward(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()


def bound_to_a_new_name(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for parameter in policy.parameters():
        parameter = parameter - learning_rate * parameter.grad


def cleared_before_the_step(policy, loss, learning_rate):
    optimiser = torch.optim.SGD(policy.parameters(), learning_rate)
    loss.backward()
    optimiser.zero_grad()
    optimiser.step()


def gradients_accumulate(policy, loss, learning_rate):
    loss.backward()
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter -= learning_rate * parameter.grad


def new_parameters(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for module in policy.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            moved = nn.Parameter(parameter - learning_rate * parameter.grad)
            setattr(module, name, moved)


def switched_off(policy, loss, learning_rate):
    loss.backward()
    for parameter in policy.parameters():
        parameter.requires_grad_(False)
        parameter -= learning_rate * parameter.grad


def learning_rate_ignored(policy, loss, learning_rate):
    gradients = torch.autograd.grad(loss, list(policy.parameters()))
    for parameter, gradient in zip(policy.parameters(), gradients, strict=True):
        parameter.data.sub_(gradient)


def learning_rate_squared(policy, loss, learning_rate):
    (learning_rate * loss).backward()
    for parameter in policy.parameters():
        parameter.data -= learning_rate * parameter.grad
        parameter.grad = None


def stepped_twice(policy, loss, learning_rate):
    optimiser = torch.optim.SGD(policy.parameters(), lr=learning_rate)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    optimiser.step()


def adam(policy, loss, learning_rate):
    optimiser = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def sign_of_the_gradient(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for parameter in policy.parameters():
        parameter.data -= learning_rate * torch.sign(parameter.grad)


def value_of_the_loss(policy, loss, learning_rate):
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter -= learning_rate * loss


def set_to_the_step(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for parameter in policy.parameters():
        parameter.data = -learning_rate * parameter.grad


def returned_after_the_first_parameter(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for parameter in policy.parameters():
        parameter.data -= learning_rate * parameter.grad
        return policy


def only_the_last_parameter(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for parameter in policy.parameters():
        last = parameter
    last.data -= learning_rate * last.grad


def step_recorded(policy, loss, learning_rate):
    loss.backward()
    for parameter in policy.parameters():
        parameter -= learning_rate * parameter.grad


def backward_forgotten(policy, loss, learning_rate):
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter -= learning_rate * parameter.grad


# Function and what the check says, by the name of the check. Each group is one mistake.
WRONG_ANSWERS = {
    "total_return": {
        "discount starts one step too early": [discount_from_the_first_reward_on],
        "without a discount": [no_discount],
        "this is the reward-to-go": [rewards_to_go, undiscounted_rewards_to_go],
        "these are the discounted rewards": [discounted_rewards],
        "this is a mean over the steps": [mean_over_steps, undiscounted_mean],
        "runs down the trajectories": [
            discount_down_the_trajectories,
            sum_down_the_trajectories,
        ],
        "one number for all trajectories together": [one_number_for_all, mean_return],
        "discounted alike, by one gamma": [one_gamma_for_all],
        "gamma is multiplied by t": [gamma_times_t],
        "the discount runs backward": [forward_recursion],
        "only the reward of the last column": [
            overwritten,
            overwritten_without_discount,
        ],
        "only the first reward is in the result": [returned_in_the_first_pass],
    },
    "loss": {
        "the sign is turned round": [sign_flipped],
        "this is the mean over all steps taken": [mean_over_all_steps],
        "this is the mean over all cells": [mean_over_the_table],
        "divided by its own number of steps": [mean_over_own_steps],
        "the padding is counted": [
            mask_forgotten,
            mask_forgotten_and_mean_over_the_table,
        ],
        "the mask is used the wrong way round": [mask_inverted],
        "this is the sum over trajectories": [sum_over_trajectories],
        "this is one number for each trajectory": [one_number_a_trajectory],
        "only then the two are multiplied": [
            mean_log_prob_times_sum_of_returns,
            product_of_means,
            product_of_means_by_broadcasting,
            product_of_sums,
        ],
        "these are probabilities": [probabilities, probability_of_the_trajectory],
        "the returns are not in it": [returns_forgotten],
        "the mean of the returns is subtracted": [mean_subtracted, whitened],
        "the result carries no graph": [detached, as_a_float],
        "your function calls backward itself": [differentiated_inside],
    },
    "update": {
        "the step goes downhill": [ascends_the_loss, ascends_by_an_optimiser],
        "the parameters are where they were before": [
            only_backward,
            bound_to_a_new_name,
            cleared_before_the_step,
        ],
        "the first step is right, the second is not": [gradients_accumulate],
        "puts new parameters in the place": [new_parameters],
        "a parameter no longer asks for a gradient": [switched_off],
        "the learning rate has no effect": [learning_rate_ignored],
        "the learning rate enters twice": [learning_rate_squared],
        "the step is taken twice": [stepped_twice],
        "every parameter moves equally far": [adam, sign_of_the_gradient],
        "all parameters move by the same number": [value_of_the_loss],
        "the parameters are set to the step": [set_to_the_step],
        "only one of the network's tensors moves": [
            returned_after_the_first_parameter,
            only_the_last_parameter,
        ],
        "there is a way to tell PyTorch not to record": [step_recorded],
        "a gradient that nothing has computed yet": [backward_forgotten],
    },
}


# Right answers


def return_by_loops(rewards, gamma):
    result = np.zeros(len(rewards))
    for i in range(len(rewards)):
        for t in range(rewards.shape[1]):
            result[i] += gamma**t * rewards[i, t].item()
    return result


def return_by_horner(rewards, gamma):
    total = torch.zeros(len(rewards))
    for t in reversed(range(rewards.shape[1])):
        total = rewards[:, t] + gamma * total
    return total


def return_by_numpy(rewards, gamma):
    return rewards.numpy() @ np.power(gamma, np.arange(rewards.shape[1]))


def return_by_einsum(rewards, gamma):
    return torch.einsum("nt,t->n", rewards, gamma ** torch.arange(rewards.shape[1]))


def return_as_a_list(rewards, gamma):
    return [sum(gamma**t * r for t, r in enumerate(row)) for row in rewards]


def return_reversed_view(rewards, gamma):
    return return_by_loops(rewards.flip(0), gamma)[::-1]


def return_with_prints(rewards, gamma):
    print("shape", tuple(rewards.shape))
    return return_by_horner(rewards, gamma)


def loss_by_where(log_probs, returns, mask):
    terms = torch.where(mask, returns[:, None] * log_probs, 0)
    return -terms.sum(dim=1).mean()


def loss_by_einsum(log_probs, returns, mask):
    return -torch.einsum("n,nt,nt->", returns, log_probs, mask.float()) / len(returns)


def loss_by_loops(log_probs, returns, mask):
    total = 0
    for i in range(len(returns)):
        for t in range(mask.shape[1]):
            if mask[i, t]:
                total = total - returns[i] * log_probs[i, t]
    return total / len(returns)


def loss_by_indexing(log_probs, returns, mask):
    weights = returns[:, None].expand_as(log_probs)
    return -(weights[mask] * log_probs[mask]).sum() / mask.shape[0]


def loss_by_matmul(log_probs, returns, mask):
    return -returns @ (log_probs * mask) @ torch.ones(mask.shape[1]) / len(returns)


def update_by_data(policy, loss, learning_rate):
    policy.zero_grad()
    loss.backward()
    for parameter in policy.parameters():
        parameter.data = parameter.data - learning_rate * parameter.grad


def update_zeroing_afterwards(policy, loss, learning_rate):
    loss.backward()
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.copy_(parameter - learning_rate * parameter.grad)
            parameter.grad.zero_()


def update_by_autograd(policy, loss, learning_rate):
    parameters = list(policy.parameters())
    gradients = torch.autograd.grad(-loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.add_(gradient, alpha=learning_rate)
    return policy


def update_by_an_optimiser(policy, loss, learning_rate):
    optimiser = torch.optim.SGD(policy.parameters(), lr=learning_rate)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def update_by_load_state_dict(policy, loss, learning_rate):
    names, parameters = zip(*policy.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, parameters)
    moved = [p - learning_rate * g for p, g in zip(parameters, gradients, strict=True)]
    policy.load_state_dict(dict(zip(names, moved, strict=True)))


RIGHT_ANSWERS = {
    "total_return": [
        return_by_loops,
        return_by_horner,
        return_by_numpy,
        return_by_einsum,
        return_as_a_list,
        return_reversed_view,
        return_with_prints,
        returns.total_return,
    ],
    "loss": [
        loss_by_where,
        loss_by_einsum,
        loss_by_loops,
        loss_by_indexing,
        loss_by_matmul,
    ],
    "update": [
        update_by_data,
        update_zeroing_afterwards,
        update_by_autograd,
        update_by_an_optimiser,
        update_by_load_state_dict,
    ],
}
