"""Training that meets a lie: refused, and nothing is left broken."""

import pytest
import torch
from hostile import hostile, left_alone
from hostile_vector import vectors
from hypothesis import given
from hypothesis import strategies as st
from judge import judge
from worlds import numbers_of

import pg_helpers as pg

NAMES = ("env", "observation", "observations", "rewards", "final_observations")
NAMES += ("action", "actions", "policy", "weights", "loss", "gradient", "step")
NAMES += ("log_probs",)
configs = st.builds(
    pg.TrainConfig,
    num_updates=st.just(3),
    num_trajectories=st.integers(2, 3),
    learning_rate=st.sampled_from([1e-3, 1.0, 1e30]),
    gamma=st.sampled_from([0, 0.9, 1]),
    seed=st.sampled_from([0, 2**80]),
    weights=st.sampled_from(["total_return", "rewards_to_go"]),
    baseline=st.sampled_from([None, "batch_mean"]),
    max_steps=st.just(9),
)


@given(env=hostile | vectors, config=configs, double=st.booleans())
def test_the_policy_is_that_of_the_last_whole_update(env, config, double):
    policy = pg.policy_for(env)
    policy = policy.double() if double else policy
    made, parameters = [], [numbers_of(policy)]

    def train():
        for update in pg.iterate_training(env, policy, config):
            made.append(update)
            parameters.append(numbers_of(policy))
        return made[-1].history

    with left_alone():
        history = judge(train, NAMES)
    assert torch.equal(numbers_of(policy), parameters[-1])
    assert numbers_of(policy).isfinite().all()
    assert history is None or len(made) == len(history.loss) == config.num_updates
    for number, update in enumerate(made):
        assert update.number == number
        rewards = update.batch.rewards.double()
        discounts = float(config.gamma) ** torch.arange(rewards.shape[1])
        expected = (rewards * discounts).sum(1).mean().item()
        assert update.mean_return == pytest.approx(expected, rel=1e-4, abs=1e-5)
        assert update.mean_length == update.batch.mask.double().sum(1).mean().item()
