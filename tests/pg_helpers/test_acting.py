import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles import assert_refused
from torch import nn
from torch.distributions import Categorical, Normal
from worlds import Constant, CountingEnv, flat, random_network

import pg_helpers as pg
from pg_helpers.acting import ask, draw, numpy_network, seeded
from pg_helpers.envs import MAX_ENVS
from pg_helpers.require import NotFiniteError
from pg_helpers.spaces import Spaces

NAN, INF = float("nan"), float("inf")
BOX, TWO, REACH = spaces.Box(-9, 9, (3,)), spaces.Discrete(2), spaces.Box(-1, 1, (2,))
each_precision = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def spaces_of(policy, seen=BOX, taken=TWO):
    env = CountingEnv()
    env.observation_space, env.action_space = seen, taken
    return Spaces(env, policy)


def test_a_policy_is_asked_without_a_graph_and_cannot_change_what_is_seen():
    def greedy(seen):
        assert torch.is_inference_mode_enabled()
        seen.fill_(7)
        return flat(4, 2)

    seen = np.zeros((4, 3), np.float32)
    ask(greedy, seen, spaces_of(greedy))
    assert not seen.any()


def logits(*row):
    """The same logits for each of four observations."""
    return Categorical(logits=torch.tensor([row] * 4), validate_args=False)


def normal(mean, std):
    return Normal(torch.full((4, 2), mean), std, validate_args=False)


def drawing(drawn):
    """A distribution that draws what it is told to."""
    distribution = normal(0.0, 1.0)
    distribution.sample = lambda: drawn
    return distribution


ONE = "policy: expected a torch.distributions object"
OVER_TWO = "policy: expected a distribution over Discrete(2) for observations of shape"
OVER_REACH = "policy: expected a distribution over Box"
DRAW = "policy: expected a draw of shape (4, 2)"


@pytest.mark.parametrize(
    ("taken", "distribution", "kind", "words"),
    [
        (TWO, torch.ones(4, 2), TypeError, ONE),
        (TWO, Categorical, TypeError, ONE),
        (TWO, flat(4, 3), ValueError, OVER_TWO),
        (TWO, flat(2), ValueError, OVER_TWO),
        (TWO, flat(1, 4, 2), ValueError, OVER_TWO),
        (TWO, normal(0.0, 1.0), ValueError, OVER_TWO),
        (TWO, logits(0.0, NAN), NotFiniteError, "policy: expected probabilities"),
        (TWO, logits(0.0, INF), NotFiniteError, "policy: expected probabilities"),
        (REACH, flat(4, 2), ValueError, OVER_REACH),
        (REACH, Normal(torch.zeros(4, 3), 1.0), ValueError, OVER_REACH),
        (REACH, Normal(torch.zeros(2), 1.0), ValueError, OVER_REACH),
        (REACH, normal(NAN, 1.0), NotFiniteError, "policy, actions: expected finite"),
        (REACH, normal(0.0, NAN), NotFiniteError, "policy: expected a density"),
        (REACH, drawing(torch.zeros(9)), ValueError, DRAW),
        (REACH, drawing("left"), ValueError, DRAW),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(taken, distribution, kind, words):
    policy, seen = Constant(distribution), np.zeros((4, 3), np.float32)
    where, generator = spaces_of(policy, taken=taken), np.random.default_rng(0)
    assert_refused(lambda: draw(ask(policy, seen, where), generator), kind, words)


@pytest.mark.parametrize("number", [NAN, INF])
@pytest.mark.parametrize(("env", "size"), [("CartPole-v1", 4), (pg.corridor(), 1)])
def test_what_cannot_be_drawn_from_is_explained_as_by_pytorch(number, env, size):
    policy = pg.MLPPolicy(size, 2)
    with torch.no_grad():
        policy.network[-1].bias[1] = number
    said = []
    for asked in (policy, asked_at_each_step(policy)):
        with pytest.raises(NotFiniteError, match="^policy") as caught:
            pg.sample_trajectories(env, asked, 3)
        said.append(str(caught.value))
    assert said[0] == said[1]


def drawn_inside(seed):
    with seeded(seed, torch.device("cpu")) as (for_env, numbers):
        return for_env, numbers.random(3).tolist(), torch.rand(3).tolist()


def test_a_seed_settles_three_streams_that_differ():
    first, again, other = drawn_inside(5), drawn_inside(5), drawn_inside(6)
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))
    assert drawn_inside(None) != drawn_inside(None)
    for_env, numbers, torchs = first
    assert np.random.default_rng(for_env).random(3).tolist() != numbers
    assert not np.isclose(numbers, torchs).any()


@pytest.mark.parametrize("seed", [5116, 9305])
def test_the_seed_of_every_environment_fits_into_an_int_of_32_bits(seed):
    # The raw numbers drawn from these two seeds are 78,214 below and 49,700 above 2^31.
    # Environment number i of a vector gets the seed plus i.
    assert 1000 < drawn_inside(seed)[0] <= 2**31 - MAX_ENVS


def test_half_of_the_seeds_of_environments_are_in_the_upper_half():
    upper = [drawn_inside(seed)[0] > 2**30 for seed in range(40)]
    assert 10 < sum(upper) < 30


def wide_network(dtype=torch.float64, sizes=(4, 2), hidden=(32, 32)):
    """A network whose probabilities are far from uniform."""
    policy = pg.MLPPolicy(*sizes, hidden).to(dtype)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.mul_(4)
    return policy


def asked_at_each_step(policy):
    """The same policy, as a function, for which there is no short cut."""
    dtype = next(policy.parameters()).dtype
    return lambda seen: policy(seen.to(dtype))


@each_precision
def test_the_short_cut_in_numpy_samples_what_pytorch_samples(dtype):
    policy = wide_network(dtype)
    envs = gymnasium.make_vec("CartPole-v1", 20, max_episode_steps=40)
    fast = pg.sample_trajectories(envs, policy, 20)
    slow = pg.sample_trajectories(envs, asked_at_each_step(policy), 20)
    # A function has no parameters: it is asked in float32, as are its numbers.
    assert torch.equal(fast.observations.float(), slow.observations)
    for name in ("actions", "mask", "truncated"):
        assert torch.equal(getattr(fast, name), getattr(slow, name))
    assert len(fast.lengths.unique()) > 3


class Mirrored(pg.TabularVectorEnv):
    """Shows the world the other way round, so that there is no table for it."""

    def reset(self, **arguments):
        seen, info = super().reset(**arguments)
        return -seen, info

    def step(self, actions):
        seen, *rest = super().step(actions)
        return -seen, *rest


@each_precision
def test_a_table_draws_what_the_policy_asked_at_each_step_draws(dtype):
    # All episodes reach the horizon: what an ended agent does would change the draws
    # of the world, which all agents share.
    mdp = pg.random_mdp(5, 3, 20)
    mdp = pg.TabularMDP(mdp.initial, mdp.transition, mdp.reward, [False] * 5, 20)
    policy = random_network(mdp, hidden=(8, 8)).to(dtype)
    asked = asked_at_each_step(policy)
    by_table = pg.sample_trajectories(mdp, policy, 50).actions
    as_function = pg.sample_trajectories(mdp, asked, 50).actions
    mirrored = pg.sample_trajectories(Mirrored(mdp, 50), lambda seen: asked(-seen), 50)
    assert torch.equal(by_table, as_function)
    assert torch.equal(by_table, mirrored.actions)
    assert mirrored.observations.min() == -1
    assert len(by_table.unique()) == 3


def test_a_table_asks_the_policy_once_for_all_states():
    calls = []

    def policy(seen):
        calls.append(tuple(seen.shape))
        return flat(len(seen), 2)

    pg.sample_trajectories(pg.corridor(), policy, 5)
    assert calls == [(7, 1)]


@pytest.mark.parametrize(("env", "size"), [("CartPole-v1", 4), (pg.corridor(), 1)])
def test_the_policy_is_read_anew_for_each_batch(env, size):
    policy = pg.MLPPolicy(size, 2)
    for action in (1, 0, 1):
        with torch.no_grad():
            policy.network[-1].bias[:] = torch.eye(2)[action] * 1000
        batch = pg.sample_trajectories(env, policy, 3)
        assert (batch.actions[batch.mask] == action).all()


@each_precision
@pytest.mark.parametrize("hidden", [(), (4, 5, 6)])
def test_the_network_in_numpy_has_the_probabilities_of_the_policy(dtype, hidden):
    policy = wide_network(dtype, (3, 4), hidden)
    seen = np.random.default_rng(0).normal(size=(50, 3))
    network = numpy_network(policy, spaces_of(policy, taken=spaces.Discrete(4)))
    cumulative = network(seen)
    assert cumulative.dtype == str(dtype).removeprefix("torch.")
    with torch.no_grad():
        expected = policy(torch.as_tensor(seen, dtype=dtype)).probs.numpy().cumsum(1)
    tolerance = 50 * torch.finfo(dtype).eps
    found = cumulative / cumulative[:, -1:]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert np.ptp(found[:, 0]) > 0.3, "the observations matter"


def test_where_there_is_one_action_it_is_taken():
    env = CountingEnv(action_space=spaces.Discrete(1))
    batch = pg.sample_trajectories(env, pg.MLPPolicy(2, 1), 2)
    assert batch.actions.tolist() == [[0, 0, 0]] * 2


def test_logits_beyond_the_range_of_exp_are_no_fault():
    # exp(1000) overflows; the probabilities are 0, 1/2, 1/2.
    policy = pg.MLPPolicy(3, 3, hidden=())
    with torch.no_grad():
        policy.network[0].weight.copy_(torch.eye(3))
        policy.network[0].bias.zero_()
    network = numpy_network(policy, spaces_of(policy, taken=spaces.Discrete(3)))
    assert network(np.array([[-1000.0, 1000, 1000]])).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: setattr(p, "__class__", type("Other", (pg.MLPPolicy,), {})),
        lambda p: setattr(p, "network", nn.Linear(3, 2)),
        lambda p: setattr(p, "forward", lambda seen: None),
        lambda p: p.network.__setitem__(1, nn.ReLU()),
        lambda p: p.network.__setitem__(2, nn.Linear(8, 8, bias=False)),
        lambda p: p.network.append(nn.Tanh()),
        lambda p: p.register_forward_hook(print),
        lambda p: p.network[2].register_forward_hook(print),
        lambda p: p.network.register_forward_pre_hook(print),
        lambda p: nn.utils.parametrizations.weight_norm(p.network[2]),
        lambda p: p.network[2].double(),
        lambda p: p.half(),
        lambda p: p.to("meta"),
    ],
)
def test_an_altered_network_is_left_to_pytorch(change):
    policy = pg.MLPPolicy(3, 2)
    assert numpy_network(policy, spaces_of(policy)) is not None
    change(policy)
    assert numpy_network(policy, spaces_of(policy)) is None


UNFIT = [(spaces.Discrete(3), TWO), (BOX, spaces.Discrete(3)), (BOX, REACH)]
UNFIT += [(spaces.Box(-1, 1, (4,)), TWO), (spaces.Box(-1, 1, (3, 1)), TWO)]


@pytest.mark.parametrize(("seen", "taken"), UNFIT)
def test_spaces_that_do_not_fit_are_left_to_pytorch(seen, taken):
    policy = pg.MLPPolicy(3, 2)
    assert numpy_network(policy, spaces_of(policy, seen, taken)) is None
