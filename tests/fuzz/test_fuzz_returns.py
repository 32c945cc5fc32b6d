import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import GAMMAS, masks, near, right_or_not, tensors

import pg_helpers as pg
from pg_helpers.require import check_weights

# Of the largest term, by the precision that the sum is made in.
ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5}
LISTS = st.lists(st.lists(st.floats(width=32), max_size=3), max_size=3)
REWARDS = right_or_not(st.one_of(tensors(), tensors(), LISTS))


def as_float64(rewards):
    if isinstance(rewards, torch.Tensor):
        return rewards.detach().double().numpy()
    return np.asarray(rewards, dtype=float)


def assert_close(found, expected, terms):
    rounding = ROUNDING[found.dtype] * max(1, *np.abs(terms).flat, 1)
    assert found.shape == expected.shape
    found = found.detach().double().numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)


@covers(pg.total_return)
@given(REWARDS, GAMMAS)
def test_total_return(rewards, gamma):
    rewards, gamma = rewards(), gamma()
    found = judge(lambda: pg.total_return(rewards, gamma), ("rewards", "gamma"))
    if found is not None:
        rewards = as_float64(rewards)
        weighed = rewards * float(gamma) ** np.arange(rewards.shape[-1])
        assert_close(found, weighed.sum(-1), rewards)


@covers(pg.rewards_to_go)
@given(REWARDS, GAMMAS)
def test_rewards_to_go(rewards, gamma):
    rewards, gamma = rewards(), gamma()
    found = judge(lambda: pg.rewards_to_go(rewards, gamma), ("rewards", "gamma"))
    if found is not None:
        rewards = as_float64(rewards)
        expected, ahead = np.zeros_like(rewards), np.zeros(rewards.shape[:-1])
        for time in reversed(range(rewards.shape[-1])):
            expected[..., time] = ahead = rewards[..., time] + float(gamma) * ahead
        assert_close(found, expected, rewards)


@covers(pg.subtract_batch_mean, check_weights)
@given(st.data())
def test_subtract_batch_mean(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)), "shape")
    right = st.one_of(near(shape), near(shape[:1])).flatmap(tensors)
    weights = data.draw(right_or_not(right), "weights")()
    bools = near(shape).flatmap(
        lambda s: masks(s) if len(s) == 2 and all(s) else flags(s)
    )
    mask = data.draw(right_or_not(bools), "mask")()
    found = judge(lambda: pg.subtract_batch_mean(weights, mask), ("weights", "mask"))
    if found is not None:
        assert_close(
            found,
            centred(as_float64(weights), mask.numpy()),
            weights.detach()
            .double()
            .where(mask if weights.ndim == 2 else mask.any(1), 0)
            .numpy(),
        )


def flags(shape):
    return st.sampled_from([torch.ones(shape, dtype=torch.bool), torch.ones(shape)])


def centred(weights, mask):
    if weights.ndim == 1:
        return weights - sum(weights) / len(weights)
    expected = np.zeros_like(weights)
    for time in range(weights.shape[1]):
        taken = [n for n in range(len(weights)) if mask[n, time]]
        for n in taken:
            mean = sum(weights[m, time] for m in taken) / len(taken)
            expected[n, time] = weights[n, time] - mean
    return expected
