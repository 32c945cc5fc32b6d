"""Training that meets a lie: refused, and nothing is left broken."""

import gymnasium
import pytest
import torch
from hostile import flat, hostile, judged, left_alone
from hostile_vector import vectors
from hypothesis import given
from hypothesis import strategies as st
from judge import covers
from nonsense import right_or_not
from test_fuzz_environments import NAMES
from worlds import CountingEnv

import pg_helpers as pg

NAMES += ("step", "gradient", "rewards", "weights", "loss", "log_probs", "config")
NAMES += ("num_trajectories", "progress", "actions", "distribution")


def run(env, policy, config, made):
    """Train; what is left is what was there after the last update that was made."""

    def call():
        before = [flat(policy)]
        try:
            for update in pg.iterate_training(env, policy, config):
                made.append(update)
                before.append(flat(policy))
        except pg.TrainingStoppedError as error:
            assert error.number == len(made) == len(error.history)
            raise
        finally:
            assert torch.equal(flat(policy), before[-1])
            assert flat(policy).isfinite().all()
        return vars(made[-1].history)

    return call


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


def left_as_it_was(env, policy, config):
    """Judge a training run, and hold its history against the record of the rewards."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        made = []
        found = judged(run(env, policy, config, made), NAMES)
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(threads)
    for number, update in enumerate(made):
        assert update.number == number
        rewards = update.batch.rewards.double()
        discounts = float(config.gamma) ** torch.arange(rewards.shape[1])
        expected = (rewards * discounts).sum(1).mean().item()
        assert update.mean_return == pytest.approx(expected, rel=1e-4, abs=1e-5)
        assert update.mean_length == update.batch.mask.double().sum(1).mean().item()
    return found


@covers(pg.iterate_training, pg.policy_for)
@given(env=hostile, config=configs, double=st.booleans())
def test_training_in_a_single_environment_that_lies(env, config, double):
    policy = judged(lambda: pg.policy_for(env), NAMES)
    policy = policy.double() if double else policy
    found = left_as_it_was(env, policy, config)
    assert found is not None or env.faults or config.learning_rate == 1e30
    assert env.closed == 0


@given(envs=vectors, config=configs)
def test_training_in_a_vector_that_lies(envs, config):
    left_as_it_was(envs, pg.policy_for(envs), config)


MADE: list[gymnasium.Env] = []


def make(**_):
    MADE.append(CountingEnv(3, nan_at=2))
    return MADE[-1]


gymnasium.register("fuzz/Counting-v0", entry_point=make)


@given(number=st.integers(1, 4), updates=st.integers(1, 3))
def test_environments_that_were_made_are_closed(number, updates):
    MADE.clear()
    config = pg.TrainConfig(num_updates=updates, num_trajectories=number)
    policy = pg.MLPPolicy(2, 2)
    with left_alone(policy):
        judged(run("fuzz/Counting-v0", policy, config, []), NAMES)
    assert len(MADE) == number
    assert all(env.closed for env in MADE)


WORLD = pg.corridor(length=3, horizon=4)
POLICY = pg.MLPPolicy(1, 2)
CONFIG = pg.TrainConfig(num_updates=2, num_trajectories=2)


@covers(pg.train)
@given(
    env=right_or_not(st.just("pg_helpers/Corridor-v0")),
    policy=right_or_not(st.just(POLICY)),
    config=right_or_not(st.just(CONFIG)),
    progress=st.sampled_from([False, 0, None]),
)
def test_arguments(env, policy, config, progress):
    env, policy, config = env(), policy(), config()
    with left_alone():
        found = judged(
            lambda: vars(pg.train(env, policy, config, progress=progress)), NAMES
        )
    assert found is None or len(found["loss"]) == 2


def is_ours_or_no_function(thing):
    """What another function raises when it is called is its own."""
    made = thing()
    return not callable(made) or getattr(made, "__module__", "") == __name__


def the_usual(log_probs, rewards, mask):
    return pg.pseudo_loss(log_probs, rewards, mask)


@given(
    loss=right_or_not(st.sampled_from([None, the_usual])),
    optimizer=right_or_not(
        st.sampled_from([None, lambda parameters: torch.optim.SGD(parameters, lr=0.1)])
    ).filter(is_ours_or_no_function),
    schedule=right_or_not(st.sampled_from([None, lambda number: 0.5])).filter(
        is_ours_or_no_function
    ),
)
def test_functions(loss, optimizer, schedule):
    given = {"loss": loss(), "optimizer": optimizer(), "schedule": schedule()}
    with left_alone():
        found = judged(
            lambda: vars(pg.train(WORLD, POLICY, CONFIG, progress=False, **given)),
            (*NAMES, *given),
        )
    assert found is None or len(found["loss"]) == 2


def test_a_trainer_within_an_environment():
    # An environment may train, as one that plans does; the two stay apart.
    class Planner(CountingEnv):
        def step(self, action):
            pg.train(WORLD, pg.MLPPolicy(1, 2), CONFIG, progress=False)
            return super().step(action)

    plain, planned = pg.MLPPolicy(2, 2), pg.MLPPolicy(2, 2)
    planned.load_state_dict(plain.state_dict())
    pg.train(CountingEnv(3), plain, CONFIG, progress=False)
    pg.train(Planner(3), planned, CONFIG, progress=False)
    assert torch.equal(flat(plain), flat(planned))
