import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from oracles import assert_refused
from torch.distributions import Categorical
from worlds import CountingEnv, sparse_world

import pg_helpers as pg
from pg_helpers.require import NotFiniteError

NAN = float("nan")


def uniform(seen):
    return Categorical(logits=torch.zeros(*seen.shape[:-1], 2))


def undecided(seen):
    """NaN from the third step of CountingEnv on."""
    logits = torch.zeros(*seen.shape[:-1], 2)
    logits[seen[..., 1] >= 2] = NAN
    return Categorical(logits=logits, validate_args=False)


def one(env, policy=uniform, **options):
    return pg.sample_trajectory(env, policy, **options)


def several(env, policy=uniform, number=3, **options):
    return pg.sample_trajectories(env, policy, number, **options)


each_road = pytest.mark.parametrize("sample", [one, several])
CORRIDOR = pg.corridor()
BOX = gymnasium.spaces.Box(-1, 1, (1,))


@each_road
@pytest.mark.parametrize(
    ("policy", "kind", "words"),
    [
        (lambda seen: torch.ones(2), TypeError, ("policy", "Tensor")),
        (lambda seen: 1, TypeError, ("policy", "torch.distributions", "int")),
        (pg.MLPPolicy(2, 3), ValueError, ("policy", "Discrete(2)", "Categorical")),
        (pg.GaussianPolicy(2, 1), ValueError, ("policy", "Discrete(2)", "Normal")),
        (undecided, NotFiniteError, ("policy", "probabilities", "nan")),
    ],
)
def test_a_policy_that_cannot_act_is_refused(sample, policy, kind, words):
    assert_refused(lambda: sample(CountingEnv(4), policy), kind, *words)


@each_road
@pytest.mark.parametrize("name", ["network.0.bias", "log_std"])
def test_a_density_that_is_not_a_number_is_refused(sample, name):
    policy = pg.GaussianPolicy(2, 1)
    with torch.no_grad():
        policy.get_parameter(name).fill_(NAN)
    env = CountingEnv(action_space=BOX)
    assert_refused(
        lambda: sample(env, policy), NotFiniteError, "policy", "expected", "nan"
    )


@each_road
@pytest.mark.parametrize("step", [0, 3])
def test_a_reward_that_is_not_a_number_is_named_with_its_step(sample, step):
    env = CountingEnv(4, nan_at=step)
    assert_refused(
        lambda: sample(env),
        NotFiniteError,
        "rewards",
        "by trajectory and step",
        f"nan at [0, {step}]",
    )


def test_the_trajectory_of_a_reward_that_is_not_a_number_is_named():
    # Two environments; the second pays NaN in its second episode: trajectory 3.
    makers = [lambda: CountingEnv(4), lambda: CountingEnv(4, reset_limit=1)]
    assert_refused(
        lambda: several(SyncVectorEnv(makers), number=4),
        NotFiniteError,
        "nan at [3, 0]",
    )


def test_a_reward_that_is_not_a_number_after_the_end_is_nobodys():
    # The first ends at once; what it pays while the second goes on is not looked at.
    makers = [lambda: CountingEnv(1, reset_limit=1), lambda: CountingEnv(9)]
    batch = several(SyncVectorEnv(makers), number=2)
    assert batch.lengths.tolist() == [1, 9]
    assert batch.rewards.isfinite().all()


class Blind(CountingEnv):
    """What is seen after `blind_at` steps is NaN."""

    def __init__(self, blind_at):
        super().__init__(4)
        self.blind_at = blind_at

    def _seen(self):
        return np.full(2, NAN if self.time == self.blind_at else 0.0, np.float32)


@each_road
@pytest.mark.parametrize("step", [0, 2])
def test_an_observation_that_is_not_a_number_is_named_with_its_step(sample, step):
    assert_refused(
        lambda: sample(Blind(step)),
        NotFiniteError,
        "observations",
        "by trajectory and step",
        f"nan at [0, {step}, 0]",
    )


@each_road
def test_an_observation_that_is_not_a_number_is_no_fault_of_the_policy(sample):
    assert_refused(
        lambda: sample(Blind(2), pg.MLPPolicy(2, 2)), NotFiniteError, "observations"
    )


@each_road
def test_a_last_observation_that_is_not_a_number_is_refused(sample):
    assert_refused(lambda: sample(Blind(4)), NotFiniteError, "nan")


class Rich(CountingEnv):
    def step(self, action):
        seen, _, *rest = super().step(action)
        return seen, 1e300, *rest


@each_road
def test_a_reward_too_large_for_the_policys_precision_is_refused(sample):
    assert_refused(lambda: sample(Rich(4)), NotFiniteError, "rewards")


@each_road
def test_an_episode_that_does_not_end_is_refused_in_words(sample):
    env = CountingEnv(None)
    assert_refused(
        lambda: sample(env, max_steps=50),
        ValueError,
        "env",
        "max_steps = 50 steps",
        "TimeLimit",
    )
    assert len(env.received) == 50


@each_road
def test_an_episode_may_take_all_the_steps_that_are_allowed(sample):
    assert sample(CountingEnv(4), max_steps=4).lengths.tolist()[0] == 4
    with pytest.raises(ValueError, match="max_steps = 3"):
        sample(CountingEnv(4), max_steps=3)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: one("CartPole-v1"), TypeError, ("env", "gymnasium.Env", "CartPole")),
        (
            lambda: one(pg.TabularVectorEnv(CORRIDOR)),
            TypeError,
            ("env", "gymnasium.Env", "TabularVectorEnv"),
        ),
        (lambda: one(CountingEnv(), max_steps=0), ValueError, ("max_steps", "1", "0")),
        (lambda: one(CountingEnv(), max_steps=2.0), TypeError, ("max_steps", "2.0")),
        (lambda: several(None), TypeError, ("env", "None")),
        (lambda: several(CountingEnv), TypeError, ("env", "CountingEnv")),
        (lambda: several("Nowhere-v0"), ValueError, ("env", "'Nowhere-v0'")),
        (lambda: several(CORRIDOR, number=0), ValueError, ("num_trajectories", "0")),
        (lambda: several(CORRIDOR, number=-1), ValueError, ("num_trajectories", "-1")),
        (lambda: several(CORRIDOR, number=2.5), TypeError, ("num_trajectories", "2.5")),
        (lambda: several(CORRIDOR, max_steps=0), ValueError, ("max_steps", "0")),
        (lambda: several(CORRIDOR, max_steps="9"), TypeError, ("max_steps", "'9'")),
        (lambda: several(CORRIDOR, max_steps=11), ValueError, ("max_steps = 11",)),
        (
            lambda: several(sparse_world(start_ended=True)),
            ValueError,
            ("mdp", "initial", "terminal"),
        ),
        (
            lambda: several(CORRIDOR, lambda seen: seen),
            TypeError,
            ("policy", "Tensor"),
        ),
        (
            lambda: several(CORRIDOR, pg.MLPPolicy(1, 3)),
            ValueError,
            ("policy", "Discrete(2)"),
        ),
    ],
)
def test_what_cannot_be_sampled_is_refused_by_name(call, kind, words):
    assert_refused(call, kind, *words)


@each_road
@pytest.mark.parametrize("space", ["observation", "action"])
def test_a_space_that_is_not_supported_is_named(sample, space):
    env = CountingEnv()
    setattr(env, f"{space}_space", gymnasium.spaces.MultiDiscrete([2, 2]))
    assert_refused(lambda: sample(env), ValueError, f"{space} space", "MultiDiscrete")


@each_road
@pytest.mark.parametrize(("seed", "kind"), [(-1, ValueError), (1.5, TypeError)])
def test_a_seed_that_is_none_is_named(sample, seed, kind):
    assert_refused(lambda: sample(CountingEnv(4), seed=seed), kind, "seed", str(seed))


def test_what_an_ended_environment_shows_does_not_matter():
    # The first ends after its first step; its autoreset then shows NaN to the policy.
    envs = SyncVectorEnv([lambda: Haunted(1), lambda: CountingEnv(4)])
    batch = pg.sample_trajectories(envs, pg.MLPPolicy(2, 2), 2)
    assert batch.lengths.tolist() == [1, 4]


class Haunted(CountingEnv):
    """Shows NaN after its first episode."""

    episodes = 0

    def reset(self, **arguments):
        self.episodes += 1
        seen, info = super().reset(**arguments)
        return (seen if self.episodes == 1 else seen * NAN), info
