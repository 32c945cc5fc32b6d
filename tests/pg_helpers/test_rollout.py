import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from torch.distributions import Categorical
from worlds import CountingEnv, Rule, random_network, random_table

import pg_helpers as pg
from pg_helpers.require import NotFiniteError

MODES = list(AutoresetMode)
each_mode = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
FIELDS = (
    "observations",
    "actions",
    "rewards",
    "mask",
    "truncated",
    "final_observations",
)

# Its action is the parity of the number of steps taken, which CountingEnv shows.
parity = Rule(lambda seen: seen[..., 1].long() % 2)


def same(first, second):
    return all(torch.equal(getattr(first, f), getattr(second, f)) for f in FIELDS)


def vector(mode=AutoresetMode.NEXT_STEP, lengths=(2, 5, 1), **options):
    makers = [
        lambda number=number, length=length: CountingEnv(
            length, truncates=number == 1, name=float(number), **options
        )
        for number, length in enumerate(lengths)
    ]
    return SyncVectorEnv(makers, autoreset_mode=mode)


@each_mode
@pytest.mark.parametrize("num_trajectories", [1, 3, 7])
def test_each_environment_runs_exactly_one_episode_in_its_turn(mode, num_trajectories):
    # Environments of 2, 5 (cut off) and 1 steps, in rounds of three; step t is taken by
    # action t % 2 and pays t + 1 + 0.1 (t % 2).
    batch = pg.sample_trajectories(vector(mode), parity, num_trajectories)
    lengths = [2, 5, 1, 2, 5, 1, 2][:num_trajectories]
    longest = max(lengths)
    names = [number % 3 for number in range(num_trajectories)]
    assert batch.lengths.tolist() == lengths
    assert batch.truncated.tolist() == [name == 1 for name in names]
    assert batch.final_observations.tolist() == [
        [name, length] for name, length in zip(names, lengths, strict=True)
    ]
    for row, (name, length) in enumerate(zip(names, lengths, strict=True)):
        padding = longest - length
        times = range(length)
        assert batch.mask[row].tolist() == [True] * length + [False] * padding
        assert batch.observations[row].tolist() == (
            [[name, time] for time in times] + [[0.0, 0.0]] * padding
        )
        assert batch.actions[row].tolist() == [t % 2 for t in times] + [0] * padding
        torch.testing.assert_close(
            batch.rewards[row],
            torch.tensor([t + 1 + 0.1 * (t % 2) for t in times] + [0.0] * padding),
        )


def test_a_single_environment_runs_as_often_as_asked():
    env = CountingEnv(3)
    batch = pg.sample_trajectories(env, parity, 4)
    assert batch.lengths.tolist() == [3, 3, 3, 3]
    assert env.closed == 0


def test_a_lock_step_of_one_is_the_plain_loop():
    mdp = pg.random_mdp(4, 3, 6)
    policy = random_table(4, 3)
    for seed in range(20):
        one = pg.sample_trajectory(pg.TabularEnv(mdp), policy, seed)
        assert same(one, pg.sample_trajectories(pg.TabularEnv(mdp), policy, 1, seed))


def follow(mdp, state, rule):
    """Plain loop over the arrays of a world without chance, from a state."""
    states, actions, rewards = [state], [], []
    while not mdp.terminal[states[-1]] and len(actions) < mdp.horizon:
        before = states[-1]
        actions.append(rule(before))
        states.append(int(mdp.transition[before, actions[-1]].argmax()))
        rewards.append(mdp.reward[before, actions[-1], states[-1]])
    return states, actions, rewards


def right_then_down(state):
    return 1 if state % 3 < 2 else 2


GRID = pg.grid_world(3, 3, horizon=3)
grid_rule = Rule(lambda seen: torch.where(seen.argmax(-1) % 3 < 2, 1, 2), 4)


def assert_followed(batch):
    """Each trajectory on GRID is that of the plain loop from the same start."""
    for row, length in enumerate(batch.lengths.tolist()):
        start = int(batch.observations[row, 0].argmax())
        states, actions, rewards = follow(GRID, start, right_then_down)
        seen = batch.observations[row, :length].argmax(-1)
        assert seen.tolist() == states[:-1]
        assert batch.actions[row, :length].tolist() == actions
        assert batch.rewards[row, :length].tolist() == rewards
        assert batch.final_observations[row].argmax() == states[-1]
        assert batch.truncated[row] == (states[-1] != 8)
        assert not batch.actions[row, length:].any()
        assert not batch.rewards[row, length:].any()
        assert not batch.observations[row, length:].any()


@pytest.mark.parametrize("num_envs", [1, 7, 40, 60])
def test_a_world_without_chance_gives_the_trajectories_of_the_plain_loop(num_envs):
    batch = pg.sample_trajectories(pg.TabularVectorEnv(GRID, num_envs), grid_rule, 40)
    assert batch.mask.shape == (40, 3)
    assert_followed(batch)
    assert set(batch.lengths.tolist()) == {1, 2, 3}
    assert 0 < batch.truncated.sum() < 40


def test_one_after_another_gives_the_trajectories_of_the_plain_loop():
    starts = set()
    for seed in range(20):
        batch = pg.sample_trajectory(pg.TabularEnv(GRID), grid_rule, seed)
        assert batch.mask.shape[0] == 1
        assert_followed(batch)
        starts.add(int(batch.observations[0, 0].argmax()))
    assert len(starts) > 4


@pytest.mark.parametrize("lock_step", [True, False])
def test_actions_are_clipped_for_the_environment_alone(lock_step):
    box = gymnasium.spaces.Box(-0.5, 0.5, (2,))
    env = CountingEnv(4, action_space=box)
    policy = pg.GaussianPolicy(2, 2, initial_std=3.0)
    if lock_step:
        batch = pg.sample_trajectories(env, policy, 5)
    else:
        batch = pg.sample_trajectory(env, policy)
    drawn = batch.actions.reshape(-1, 2).numpy()
    assert batch.actions.shape[1:] == (4, 2)
    assert np.abs(drawn).max() > 1
    np.testing.assert_array_equal(env.received, drawn.clip(-0.5, 0.5))
    paid = np.array(env.received).sum(1).reshape(-1, 4) * 0.1 + [1, 2, 3, 4]
    np.testing.assert_allclose(batch.rewards, paid, rtol=1e-6)


def test_gaussian_actions_have_the_mean_and_the_spread_of_the_policy():
    # 4,000 draws. Standard errors: s / sqrt(n) of the mean, s / sqrt(2 n) of the
    # standard deviation, for s = 0.5: 0.0079 and 0.0056. Within 4 of them.
    box = gymnasium.spaces.Box(-10, 10, (1,))
    policy = pg.GaussianPolicy(2, 1, hidden=(), initial_std=0.5)
    with torch.no_grad():
        policy.network[0].weight.zero_()
        policy.network[0].bias.fill_(0.3)
    envs = vector(lengths=[1] * 400, action_space=box)
    drawn = pg.sample_trajectories(envs, policy, 4000).actions.flatten().double()
    assert abs(drawn.mean() - 0.3) < 4 * 0.5 / 4000**0.5
    assert abs(drawn.std() - 0.5) < 4 * 0.5 / 8000**0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_have_the_precision_of_the_policy(dtype):
    torch.manual_seed(0)  # an early action 1, whatever ran before
    policy = pg.MLPPolicy(2, 2).to(dtype)
    batch = pg.sample_trajectories(vector(), policy, 3)
    assert {batch.observations.dtype, batch.rewards.dtype} == {dtype}
    assert batch.final_observations.dtype == dtype
    assert batch.actions.dtype == torch.int64
    assert batch.mask.dtype == batch.truncated.dtype == torch.bool
    # Tenths have no exact binary form: float32 would show from the eighth digit on.
    actions, rewards = batch.actions[1].tolist(), batch.rewards[1].tolist()
    assert 1 in actions
    expected = [t + 1 + 0.1 * action for t, action in enumerate(actions)]
    assert rewards == pytest.approx(expected, rel=2 * torch.finfo(dtype).eps)


def test_a_batch_carries_no_graph_but_can_be_trained_on():
    mdp = pg.corridor()
    policy = random_network(mdp)
    batch = pg.sample_trajectories(mdp, policy, 5)
    assert not any(getattr(batch, field).requires_grad for field in FIELDS)
    (-policy(batch.observations).log_prob(batch.actions).sum()).backward()


def uniform(seen):
    return Categorical(logits=torch.zeros(*seen.shape[:-1], 2))


BOX_POLICY = pg.GaussianPolicy(2, 1)
BOX_SPACE = gymnasium.spaces.Box(-1, 1, (1,))
LONG = pg.random_mdp(4, 2, 30, seed=5)
SAMPLERS = {
    "table": lambda seed: pg.sample_trajectories(LONG, random_table(4, 2), 30, seed),
    "lock-step": lambda seed: pg.sample_trajectories("CartPole-v1", uniform, 6, seed),
    "lock-step, Box": lambda seed: pg.sample_trajectories(
        vector(action_space=BOX_SPACE), BOX_POLICY, 4, seed
    ),
    "plain loop": lambda seed: pg.sample_trajectory(
        gymnasium.make("CartPole-v1"), uniform, seed
    ),
    "plain loop, Box": lambda seed: pg.sample_trajectory(
        CountingEnv(action_space=BOX_SPACE), BOX_POLICY, seed
    ),
}
each_sampler = pytest.mark.parametrize("sample", SAMPLERS.values(), ids=SAMPLERS.keys())


@each_sampler
def test_a_seed_gives_one_sample_and_another_seed_another(sample):
    first, again = sample(3), sample(3)
    others = [sample(seed) for seed in (0, 4, None, None)]
    assert same(first, again)
    assert not any(same(first, other) for other in others)
    assert not same(others[2], others[3])


@each_sampler
def test_the_global_generators_stay_as_they_were(sample):
    torchs, numpys = torch.get_rng_state(), np.random.get_state()[1].tolist()
    sample(0)
    assert torch.equal(torch.get_rng_state(), torchs)
    assert np.random.get_state()[1].tolist() == numpys


def test_the_global_generator_stays_as_it_was_after_an_error():
    before = torch.get_rng_state()
    env = CountingEnv(action_space=BOX_SPACE, nan_at=2)
    for sample in (pg.sample_trajectory, lambda *a: pg.sample_trajectories(*a, 3)):
        with pytest.raises(NotFiniteError):
            sample(env, BOX_POLICY)
        assert torch.equal(torch.get_rng_state(), before)
