import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from oracles import assert_refused
from torch import nn
from torch.distributions import Categorical
from worlds import Constant, CountingEnv, flat, random_network

import pg_helpers as pg
from pg_helpers.acting import Translator
from pg_helpers.require import NotFiniteError
from pg_helpers.snapshot import (
    NetworkTranslator,
    NumpyNetwork,
    TabularTranslator,
    read_network,
    translator_for,
)

BOX, TWO = spaces.Box(-9, 9, (3,)), spaces.Discrete(2)
each_precision = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def generator(seed=0):
    return np.random.default_rng(seed)


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
def test_the_fast_path_samples_what_the_plain_one_samples(seed, dtype):
    policy = wide_network(seed, dtype)
    envs = gymnasium.make_vec("CartPole-v1", 20, max_episode_steps=40)
    assert type(translator_for(envs, policy)) is NetworkTranslator
    assert type(translator_for(envs, plain(policy))) is Translator
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
    sampled = []
    for kind in (Translator, TabularTranslator, translator_for):
        env = pg.TabularVectorEnv(mdp, 50)
        translator, drawn = kind(env, policy), generator(seed)
        seen, _ = env.reset(seed=seed)
        actions = []
        with torch.inference_mode():
            for step in range(20):
                actions.append(translator.draw(seen, step, drawn))
                seen, *_ = env.step(actions[-1])
        sampled.append(np.array(actions))
    np.testing.assert_array_equal(sampled[0], sampled[1])
    np.testing.assert_array_equal(sampled[0], sampled[2])
    assert len(np.unique(sampled[0])) == 3


def test_a_table_is_made_anew_at_step_0():
    env = pg.TabularVectorEnv(pg.random_mdp(3, 2, 5), 4)
    policy = pg.TabularPolicy(3, 2)
    translator = TabularTranslator(env, policy)
    seen, _ = env.reset(seed=0)
    for action in (1, 0):
        with torch.no_grad():
            policy.logits[:] = torch.eye(2)[action] * 1000
            assert translator.draw(seen, 0, generator()).tolist() == [action] * 4


def test_a_table_asks_the_policy_once_an_episode():
    calls = []

    def policy(seen):
        calls.append(tuple(seen.shape))
        return Categorical(logits=torch.zeros(len(seen), 2))

    pg.sample_trajectories(pg.corridor(), policy, 5)
    assert calls == [(7, 1)]


BROKEN = Categorical(
    logits=torch.tensor([[0.0, float("nan")]] * 3), validate_args=False
)


@pytest.mark.parametrize(
    ("distribution", "kind", "words"),
    [
        (torch.ones(3, 2), TypeError, ("policy", "Tensor")),
        (flat(3, 4), ValueError, ("policy", "Discrete(2)", "(3, 3)")),
        (flat(1, 2), ValueError, ("policy", "Discrete(2)")),
        (BROKEN, NotFiniteError, ("policy", "nan")),
    ],
)
def test_a_table_that_does_not_fit_is_refused(distribution, kind, words):
    env = pg.TabularVectorEnv(pg.random_mdp(3, 2, 5), 4)
    translator = TabularTranslator(env, Constant(distribution))
    seen, _ = env.reset(seed=0)
    assert_refused(lambda: translator.draw(seen, 0, generator()), kind, *words)


@each_precision
@pytest.mark.parametrize("hidden", [(), (5,), (32, 32), (4, 5, 6)])
def test_the_network_in_numpy_has_the_probabilities_of_the_policy(dtype, hidden):
    policy = wide_network(1, dtype, (3, 4), hidden)
    seen = generator().normal(size=(50, 3))
    cumulative = read_network(policy, BOX, spaces.Discrete(4)).cumulative(seen)
    assert cumulative.dtype == str(dtype).removeprefix("torch.")
    with torch.no_grad():
        expected = policy(torch.as_tensor(seen, dtype=dtype)).probs.numpy().cumsum(1)
    tolerance = 50 * torch.finfo(dtype).eps
    found = cumulative / cumulative[:, -1:]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert np.ptp(found[:, 0]) > 0.3, "the observations matter"


def test_logits_beyond_the_range_of_exp_are_no_fault():
    # exp(1000) overflows; the probabilities are 0, 1/2, 1/2.
    network = NumpyNetwork([(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))])
    found = network.cumulative(np.array([[-1000.0, 1000, 1000]]))
    assert found.tolist() == [[0, 1, 2]]


def test_the_policy_is_read_anew_for_each_batch():
    policy = pg.MLPPolicy(4, 2)
    for action in (1, 0, 1):
        with torch.no_grad():
            policy.network[-1].bias[:] = torch.eye(2)[action] * 1000
        batch = pg.sample_trajectories("CartPole-v1", policy, 3)
        assert (batch.actions[batch.mask] == action).all()


def test_only_those_who_still_run_are_asked_for(monkeypatch):
    rows = []
    cumulative = NumpyNetwork.cumulative

    def counting(self, observations):
        rows.append(len(observations))
        return cumulative(self, observations)

    monkeypatch.setattr(NumpyNetwork, "cumulative", counting)
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
    "half precision": pg.MLPPolicy(3, 2).bfloat16(),
    "two precisions": altered(lambda p: p.network[2].double()),
    "another device": pg.MLPPolicy(3, 2).to("meta"),
    "three actions": pg.MLPPolicy(3, 3),
    "four numbers": pg.MLPPolicy(4, 2),
}


@pytest.mark.parametrize("policy", OTHERS.values(), ids=OTHERS.keys())
def test_what_may_be_anything_else_is_left_to_pytorch(policy):
    assert read_network(pg.MLPPolicy(3, 2), BOX, TWO) is not None
    assert read_network(policy, BOX, TWO) is None


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        (spaces.Discrete(3), TWO),
        (spaces.Box(-1, 1, (3, 1)), TWO),
        (BOX, spaces.Discrete(3)),
        (BOX, spaces.Box(-1, 1, (2,))),
    ],
)
def test_spaces_that_do_not_fit_are_left_to_pytorch(seen, action):
    assert read_network(pg.MLPPolicy(3, 2), seen, action) is None
