"""What was once found, tried every time: a few drawn cases seldom meet it again."""

import dataclasses

import numpy as np
import pytest
import torch
from judge import judge
from patients import NEVER, Answers, logits
from worlds import random_table, sparse_world

import pg_helpers as pg
from pg_helpers.ascent import Adam

WORLD = sparse_world()
TABLE = random_table(3, 2)
LISTED = pg.exact.trajectories(WORLD)
NAN_POLICY = Answers(logits(lambda flat: flat * torch.nan))
CUT = Answers(logits(lambda flat: flat.masked_fill(NEVER, -9e999)))
ONE = torch.ones(1, requires_grad=True)
REFUSED = {
    "a bool for a count": lambda: pg.corridor(horizon=True),
    "10^400": lambda: pg.TrainConfig(learning_rate=10**400),
    "a sum that overflows": lambda: pg.total_return(torch.full((1, 2), 3e38), 1),
    "NaN for probabilities": lambda: pg.exact.objective(WORLD, NAN_POLICY, 0.9),
    "state -1": lambda: pg.exact.log_prob(
        WORLD, TABLE, dataclasses.replace(LISTED, states=LISTED.states - 1)
    ),
    "an observation of NaN": lambda: pg.MLPPolicy(1, 2)(torch.tensor([np.nan])),
    "another precision": lambda: pg.MLPPolicy(1, 2)(torch.zeros(1).double()),
    "a vector for a loss": lambda: Adam([ONE], 0.1).step(ONE * 2),
    "10^9 trajectories": lambda: pg.clinic.examine(
        lambda log_probs, rewards, mask: 0, num_trajectories=10**9
    ),
    "a seed of 70 bits": lambda: pg.clinic.examine(len, seed=2**70),
}
NAMES = (
    *("horizon", "rewards", "learning_rate", "policy", "trajectories"),
    *("observations", "loss", "num_trajectories", "seed"),
)


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused(what):
    assert judge(REFUSED[what], NAMES) is None


def test_rewards_after_the_end_are_no_part_of_the_objective():
    reward = np.array(WORLD.reward)
    reward[2:] = 1e39  # more than float32 holds, and never paid
    parts = (WORLD.initial, WORLD.transition, reward, WORLD.terminal, WORLD.horizon)
    policy = pg.MLPPolicy(3, 2)
    huge = pg.TabularMDP(*parts, WORLD.observations)
    for objective in (pg.exact.objective, pg.exact.objective_by_dp):
        found = judge(lambda objective=objective: objective(huge, policy, 0.9), ())
        assert found.item() == objective(WORLD, policy, 0.9).item()


def test_an_action_that_is_never_taken_leaves_the_gradient_finite():
    # There is nothing to choose, hence nothing to gain.
    assert judge(lambda: pg.exact.gradient(WORLD, CUT, 0.9), ()).tolist() == [0, 0]


def test_the_clinic_leaves_the_callers_generator_alone():
    before = torch.get_rng_state()
    pg.clinic.standard_policy(pg.hill())
    assert torch.equal(torch.get_rng_state(), before)
