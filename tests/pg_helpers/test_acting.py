import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from oracles import assert_refused
from torch import nn
from torch.distributions import Bernoulli, Categorical, Normal
from worlds import Constant, CountingEnv, Rule, flat, random_network

import pg_helpers as pg
from pg_helpers import acting
from pg_helpers.acting import actor, answer, ask, draw, numpy_network, seeded
from pg_helpers.require import NotFiniteError
from pg_helpers.spaces import Spaces

CPU = torch.device("cpu")
BOX, TWO, REACH = spaces.Box(-9, 9, (3,)), spaces.Discrete(2), spaces.Box(-1, 1, (2,))
each_precision = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


class Env(gymnasium.Env):
    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space


def spaces_of(policy, seen=BOX, action=TWO):
    return Spaces(Env(seen, action), policy)


def generator(seed=0):
    return np.random.default_rng(seed)


def test_a_draw_without_chance_is_the_action_that_the_rule_names():
    rule = Rule(lambda seen: seen[..., 0] > 0)
    seen = np.array([[0.5, 0, 0], [-0.5, 0, 0], [1, 0, 0]], np.float32)
    for _ in range(3):
        drawn = draw(ask(rule, seen, spaces_of(rule)), generator())
        assert drawn.tolist() == [1, 0, 1]
    one = draw(ask(rule, seen[0], spaces_of(rule)), generator())
    assert (one.shape, int(one)) == ((), 1)


def test_what_an_environment_shows_is_asked_without_a_graph_and_never_changed():
    def greedy(seen):
        assert torch.is_inference_mode_enabled()
        seen.fill_(7)
        return flat(4, 2)

    seen = np.zeros((4, 3), np.float32)
    ask(greedy, seen, spaces_of(greedy))
    assert not seen.any()


def test_an_answer_carries_its_graph():
    policy = pg.MLPPolicy(3, 2)
    distribution = answer(policy, torch.zeros(4, 3), spaces_of(policy))
    assert distribution.logits.requires_grad


def broken(size):
    logits = torch.tensor([[0.0, float("nan")]] * size)
    return Categorical(logits=logits, validate_args=False)


NAN_MEAN = Normal(torch.full((4, 2), float("nan")), 1.0, validate_args=False)


@pytest.mark.parametrize(
    ("action_space", "distribution", "kind", "words"),
    [
        (TWO, torch.ones(4, 2), TypeError, ("policy", "torch.distributions", "Tensor")),
        (TWO, None, TypeError, ("policy", "NoneType")),
        (TWO, flat(4, 3), ValueError, ("policy", "Discrete(2)", "Categorical", "3")),
        (TWO, flat(2), ValueError, ("policy", "(4, 3)", "Size([2])")),
        (TWO, flat(1, 4, 2), ValueError, ("policy", "Discrete(2)")),
        (TWO, Normal(torch.zeros(4, 2), 1.0), ValueError, ("Discrete(2)", "Normal")),
        (TWO, Bernoulli(torch.ones(4)), ValueError, ("Discrete(2)", "Bernoulli")),
        (REACH, flat(4, 2), ValueError, ("policy", "Box", "Categorical")),
        (REACH, Normal(torch.zeros(4, 3), 1.0), ValueError, ("Box", "(4, 3)")),
        (REACH, Normal(torch.zeros(2), 1.0), ValueError, ("Box", "(2,)")),
        (TWO, broken(4), NotFiniteError, ("policy", "probabilities", "nan")),
        (REACH, NAN_MEAN, NotFiniteError, ("policy", "nan")),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(action_space, distribution, kind, words):
    policy, seen = Constant(distribution), np.zeros((4, 3), np.float32)
    where = spaces_of(policy, action=action_space)
    assert_refused(lambda: draw(ask(policy, seen, where), generator()), kind, *words)


@pytest.mark.parametrize(
    ("policy", "word"), [("greedy", "'greedy'"), (pg.MLPPolicy, "MLPPolicy")]
)
def test_a_name_or_a_class_is_no_policy(policy, word):
    seen = torch.zeros(4, 3)
    asked = lambda: answer(policy, seen, spaces_of(None))  # noqa: E731
    assert_refused(asked, TypeError, "policy", "function of observations", word)


def drawn_inside(seed):
    with seeded(seed, CPU) as (for_env, numbers):
        return for_env, numbers.random(3).tolist(), torch.rand(3).tolist()


def test_a_seed_settles_everything_that_is_drawn_inside():
    first, again, other = drawn_inside(5), drawn_inside(5), drawn_inside(6)
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))
    assert drawn_inside(None) != drawn_inside(None)


def test_the_three_streams_of_a_seed_differ():
    for_env, numbers, torchs = drawn_inside(5)
    assert np.random.default_rng(for_env).random(3).tolist() != numbers
    assert not np.isclose(numbers, torchs).any()


@pytest.mark.parametrize("raises", [False, True])
def test_the_generator_outside_stays_as_it_was(raises):
    before = torch.get_rng_state()
    try:
        with seeded(0, CPU):
            torch.rand(10)
            if raises:
                raise KeyError
    except KeyError:
        pass
    assert torch.equal(torch.get_rng_state(), before)


def wide_network(seed, dtype=torch.float64, sizes=(4, 2), hidden=(32, 32)):
    """A network whose probabilities are far from uniform."""
    torch.manual_seed(seed)
    policy = pg.MLPPolicy(*sizes, hidden).to(dtype)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.mul_(4)
    return policy


def plain(policy):
    """The same policy, of a kind that is asked at every step."""
    dtype = next(policy.parameters()).dtype
    return lambda seen: policy(seen.to(dtype))


@pytest.mark.parametrize("seed", range(3))
@each_precision
def test_the_short_cut_samples_what_the_plain_way_samples(seed, dtype):
    policy = wide_network(seed, dtype)
    envs = gymnasium.make_vec("CartPole-v1", 20, max_episode_steps=40)
    assert numpy_network(policy, Spaces(envs, policy)) is not None
    assert numpy_network(plain(policy), Spaces(envs, plain(policy))) is None
    fast = pg.sample_trajectories(envs, policy, 20, seed)
    slow = pg.sample_trajectories(envs, plain(policy), 20, seed)
    # A function has no parameters: it is asked in float32, as are its numbers.
    assert torch.equal(fast.observations.float(), slow.observations)
    for name in ("actions", "mask", "truncated"):
        assert torch.equal(getattr(fast, name), getattr(slow, name))
    assert 0 < fast.actions.double().mean() < 1
    assert len(fast.lengths.unique()) > 3


@pytest.mark.parametrize("seed", range(5))
@each_precision
def test_a_table_draws_what_the_policy_asked_at_each_step_draws(seed, dtype):
    mdp = pg.random_mdp(5, 3, 20, seed=seed)
    policy = random_network(mdp, seed, hidden=(8, 8)).to(dtype)
    running, sampled = np.arange(50), []
    for asked in (policy, plain(policy)):
        env = pg.TabularVectorEnv(mdp, 50)
        where = Spaces(env, policy)
        for by_table in (True, False):
            act, drawn = actor(env, asked, where), generator(seed)
            seen, _ = env.reset(seed=seed)
            actions = []
            for _ in range(20):
                if by_table:
                    actions.append(act(seen, running, drawn))
                else:
                    actions.append(draw(ask(asked, seen, where), drawn))
                seen, *_ = env.step(actions[-1])
            sampled.append(np.array(actions))
    for other in sampled[1:]:
        np.testing.assert_array_equal(sampled[0], other)
    assert len(np.unique(sampled[0])) == 3


def test_a_table_is_made_anew_for_each_batch():
    policy = pg.TabularPolicy(3, 2)
    envs = pg.TabularVectorEnv(pg.random_mdp(3, 2, 5), 4)
    for action in (1, 0):
        with torch.no_grad():
            policy.logits[:] = torch.eye(2)[action] * 1000
        batch = pg.sample_trajectories(envs, policy, 4)
        assert (batch.actions[batch.mask] == action).all()


def test_a_table_asks_the_policy_once():
    calls = []

    def policy(seen):
        calls.append(tuple(seen.shape))
        return Categorical(logits=torch.zeros(len(seen), 2))

    pg.sample_trajectories(pg.corridor(), policy, 5)
    assert calls == [(7, 1)]


@pytest.mark.parametrize(
    ("distribution", "kind", "words"),
    [
        (torch.ones(3, 2), TypeError, ("policy", "Tensor")),
        (flat(3, 4), ValueError, ("policy", "Discrete(2)", "(3, 3)")),
        (flat(1, 2), ValueError, ("policy", "Discrete(2)")),
        (broken(3), NotFiniteError, ("policy", "nan")),
    ],
)
def test_a_table_that_does_not_fit_is_refused(distribution, kind, words):
    mdp = pg.random_mdp(3, 2, 5)
    policy = Constant(distribution)
    assert_refused(lambda: pg.sample_trajectories(mdp, policy, 4), kind, *words)


@each_precision
@pytest.mark.parametrize("hidden", [(), (5,), (32, 32), (4, 5, 6)])
def test_the_network_in_numpy_has_the_probabilities_of_the_policy(dtype, hidden):
    policy = wide_network(1, dtype, (3, 4), hidden)
    seen = generator().normal(size=(50, 3))
    network = numpy_network(policy, spaces_of(policy, action=spaces.Discrete(4)))
    cumulative = network(seen)
    assert cumulative.dtype == str(dtype).removeprefix("torch.")
    with torch.no_grad():
        expected = policy(torch.as_tensor(seen, dtype=dtype)).probs.numpy().cumsum(1)
    tolerance = 50 * torch.finfo(dtype).eps
    found = cumulative / cumulative[:, -1:]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert np.ptp(found[:, 0]) > 0.3, "the observations matter"


def test_logits_beyond_the_range_of_exp_are_no_fault():
    # exp(1000) overflows; the probabilities are 0, 1/2, 1/2.
    policy = pg.MLPPolicy(3, 3, hidden=())
    with torch.no_grad():
        policy.network[0].weight.copy_(torch.eye(3))
        policy.network[0].bias.zero_()
    network = numpy_network(policy, spaces_of(policy, action=spaces.Discrete(3)))
    assert network(np.array([[-1000.0, 1000, 1000]])).tolist() == [[0, 1, 2]]


def test_the_network_is_read_anew_for_each_batch():
    policy = pg.MLPPolicy(4, 2)
    for action in (1, 0, 1):
        with torch.no_grad():
            policy.network[-1].bias[:] = torch.eye(2)[action] * 1000
        batch = pg.sample_trajectories("CartPole-v1", policy, 3)
        assert (batch.actions[batch.mask] == action).all()


def test_only_those_who_still_run_are_asked_for(monkeypatch):
    rows = []

    def counting(policy, spaces):
        network = numpy_network(policy, spaces)

        def counted(observations):
            rows.append(len(observations))
            return network(observations)

        return counted

    monkeypatch.setattr(acting, "numpy_network", counting)
    envs = SyncVectorEnv([lambda n=n: CountingEnv(n) for n in (1, 4, 2)])
    pg.sample_trajectories(envs, pg.MLPPolicy(2, 2), 3)
    assert rows == [3, 2, 1, 1]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize(("env", "size"), [("CartPole-v1", 4), (pg.corridor(), 1)])
def test_what_cannot_be_drawn_from_is_explained_as_by_pytorch(number, env, size):
    policy = pg.MLPPolicy(size, 2)
    with torch.no_grad():
        policy.network[-1].bias[1] = number
    words = []
    for asked in (policy, plain(policy)):
        with pytest.raises(NotFiniteError, match="policy") as caught:
            pg.sample_trajectories(env, asked, 3)
        words.append(str(caught.value))
    assert words[0] == words[1]


class Doubled(pg.MLPPolicy):
    def forward(self, seen):
        return Categorical(logits=2 * super().forward(seen).logits)


def altered(change):
    policy = pg.MLPPolicy(3, 2)
    change(policy)
    return policy


def hook(module):
    module.register_forward_hook(lambda module, given, result: result)


def pre_hook(module):
    module.register_forward_pre_hook(lambda module, given: given)


def swap_layer(policy, number, layer):
    policy.network[number] = layer


OTHERS = {
    "a subclass": Doubled(3, 2),
    "a function": lambda seen: None,
    "a table": pg.TabularPolicy(3, 2),
    "a density": pg.GaussianPolicy(3, 2),
    "other units": altered(lambda p: swap_layer(p, 1, nn.ReLU())),
    "another layer": altered(lambda p: swap_layer(p, 2, nn.Identity())),
    "one layer more": altered(lambda p: p.network.append(nn.Tanh())),
    "no bias": altered(lambda p: swap_layer(p, 2, nn.Linear(8, 8, bias=False))),
    "another network": altered(lambda p: setattr(p, "network", nn.Linear(3, 2))),
    "a hook": altered(hook),
    "a hook of a layer": altered(lambda p: hook(p.network[2])),
    "a hook before": altered(lambda p: pre_hook(p.network)),
    "another forward": altered(lambda p: setattr(p, "forward", lambda seen: None)),
    "a parametrized layer": altered(
        lambda p: nn.utils.parametrizations.weight_norm(p.network[2])
    ),
    "two precisions": altered(lambda p: p.network[2].double()),
    "another device": pg.MLPPolicy(3, 2).to("meta"),
    "three actions": pg.MLPPolicy(3, 3),
    "four numbers": pg.MLPPolicy(4, 2),
}


@pytest.mark.parametrize("policy", OTHERS.values(), ids=OTHERS.keys())
def test_what_may_be_anything_else_is_left_to_pytorch(policy):
    usual = pg.MLPPolicy(3, 2)
    assert numpy_network(usual, spaces_of(usual)) is not None
    assert numpy_network(policy, spaces_of(policy)) is None


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        (spaces.Discrete(3), TWO),
        (spaces.Box(-1, 1, (3, 1)), TWO),
        (BOX, spaces.Discrete(3)),
        (BOX, REACH),
    ],
)
def test_spaces_that_do_not_fit_are_left_to_pytorch(seen, action):
    policy = pg.MLPPolicy(3, 2)
    assert numpy_network(policy, spaces_of(policy, seen, action)) is None


class Mirrored(pg.TabularVectorEnv):
    """Shows the corridor the other way round."""

    def reset(self, **arguments):
        seen, info = super().reset(**arguments)
        return -seen, info

    def step(self, actions):
        seen, *rest = super().step(actions)
        return -seen, *rest


def test_a_policy_sees_what_a_subclass_of_the_worlds_vector_shows():
    leaning = Rule(lambda seen: seen[..., 0] > 0.1)
    batch = pg.sample_trajectories(Mirrored(pg.corridor(), 3), leaning, 3)
    assert (batch.actions == (batch.observations[..., 0] > 0.1))[batch.mask].all()
    assert batch.actions.any() and not batch.actions[batch.mask].all()
