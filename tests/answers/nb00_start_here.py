"""Answers to the warm-ups of notebook 00."""

import statistics

import numpy as np
import torch


# The mean return
def added_up(returns):
    return sum(returns.tolist())


def without_the_failures(returns):
    successes = [r for r in returns.tolist() if r != 0]
    return sum(successes) / len(successes)


def number_of_walks(returns):
    return returns.shape[0]


def share_worth_anything(returns):
    return np.count_nonzero(returns.numpy()) / returns.numel()


def best_walk(returns):
    return sorted(returns.tolist())[-1]


def divided_by_three(returns):
    return added_up(returns) / 3


def middle_one(returns):
    return statistics.median(returns.tolist())


def divided_by_one_less(returns):
    return added_up(returns) / (len(returns) - 1)


def divided_but_not_added(returns):
    return [r / len(returns) for r in returns.tolist()]


def upside_down(returns):
    return len(returns) / added_up(returns)


# The share of walks that found the reward
def how_many(rewards):
    return sum(max(row) for row in rewards.tolist())


def mean_of_all_cells(rewards):
    return np.mean(rewards.numpy())


def share_of_failures(rewards):
    return [max(row) for row in rewards.tolist()].count(0) / rewards.shape[0]


def each_walk(rewards):
    return rewards.sum(dim=1) > 0


def sums_of_the_walks(rewards):
    return [sum(row) for row in rewards.tolist()]


def each_step(rewards):
    return rewards.numpy().max(axis=0)


def share_of_steps(rewards):
    found = rewards.sum(dim=0) > 0
    return found.sum() / len(found)


def mean_of_each_step(rewards):
    return sum(rewards) / len(rewards)


def sum_of_each_step(rewards):
    return sum(rewards)


def last_step(rewards):
    return sum(row[-1] for row in rewards.tolist()) / len(rewards)


def all_answers_counted(rewards):
    return len(rewards.sum(dim=1) > 0) / len(rewards)


def first_walk(rewards):
    for row in rewards:
        return row.sum() > 0


def at_least_one(rewards):
    return bool(torch.count_nonzero(rewards))


def divided_by_the_steps(rewards):
    return rewards.sum() / rewards.size(1)


def mean_of_each_walk(rewards):
    return [sum(row) / len(row) for row in rewards.tolist()]


WRONG_ANSWERS = {
    "mean_return": {
        "this is the sum of the returns": [added_up],
        "the walks that found nothing are left out": [without_the_failures],
        "this is the number of walks.": [number_of_walks],
        "the share of the walks that were worth anything": [share_worth_anything],
        "this is the best of the walks": [best_walk],
        "the sum is divided by 3": [divided_by_three],
        "the middle one of the returns": [middle_one],
        "one less than the number of walks": [divided_by_one_less],
        "but they are not added up": [divided_but_not_added],
        "upside down": [upside_down],
    },
    "share_found": {
        "this is how many walks found it": [how_many],
        "averaged over all its cells": [mean_of_all_cells],
        "the share of the walks that found nothing": [share_of_failures],
        "there is an answer for each walk": [each_walk, sums_of_the_walks],
        "the question is put to each step": [
            each_step,
            share_of_steps,
            mean_of_each_step,
            sum_of_each_step,
        ],
        "only the last column": [last_step],
        "all the answers are counted": [all_answers_counted],
        "only the first walk is looked at": [first_walk],
        "whether any walk at all": [at_least_one],
        "divided by the number of steps": [divided_by_the_steps],
        "the mean is taken along each row": [mean_of_each_walk],
    },
}


# Right answers


def mean_by_torch(returns):
    return returns.mean()


def mean_by_statistics(returns):
    return statistics.fmean(returns.tolist())


def mean_by_a_loop(returns):
    total = 0
    for value in returns:
        total += value
    return total / len(returns)


def share_by_sums(rewards):
    return rewards.sum() / len(rewards)  # a walk is paid once at most


def share_by_a_loop(rewards):
    found = 0
    for walk in rewards:
        found += int(any(step > 0 for step in walk))
    return found / len(rewards)


def share_by_numpy(rewards):
    return (rewards.numpy().max(axis=1) == 1).mean()


RIGHT_ANSWERS = {
    "mean_return": [mean_by_torch, mean_by_statistics, mean_by_a_loop],
    "share_found": [share_by_sums, share_by_a_loop, share_by_numpy],
}
