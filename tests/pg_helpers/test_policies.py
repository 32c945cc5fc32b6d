from math import log, nan, pi

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from oracles import softmax
from torch import distributions as td

import pg_helpers as pg
from pg_helpers import policies

each_policy = pytest.mark.parametrize(
    "make", [pg.MLPPolicy, pg.TabularPolicy, pg.GaussianPolicy]
)


def random_tensor(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def numbers_of(distribution):
    """What tells one distribution of a policy from another: (..., A)."""
    if isinstance(distribution, td.Categorical):
        return distribution.probs.detach()
    return torch.cat([distribution.mean, distribution.stddev], dim=-1).detach()


def test_the_network_is_tanh_layers_with_logits_at_the_end():
    policy = pg.MLPPolicy(3, 4, hidden=(5, 2)).double()
    seen = random_tensor(6, 3)
    w1, b1, w2, b2, w3, b3 = (p.detach().numpy() for p in policy.parameters())
    hidden = np.tanh(np.tanh(seen.numpy() @ w1.T + b1) @ w2.T + b2)
    expected = softmax(hidden @ w3.T + b3)
    np.testing.assert_allclose(policy(seen).probs.detach(), expected, atol=1e-12)


@pytest.mark.parametrize("make", [pg.MLPPolicy, pg.GaussianPolicy])
def test_the_hidden_layers_are_8_and_8_unless_told(make):
    shapes = [tuple(p.shape) for p in make(1, 2).network.parameters()]
    assert shapes == [(8, 1), (8,), (8, 8), (8,), (2, 8), (2,)]
    shapes = [tuple(p.shape) for p in make(1, 2, hidden=()).network.parameters()]
    assert shapes == [(2, 1), (2,)]


def test_a_table_is_uniform_at_first_and_then_the_softmax_of_its_row():
    policy = pg.TabularPolicy(3, 2).double()
    assert policy(torch.tensor(1)).probs.tolist() == [0.5, 0.5]
    policy.logits.data = random_tensor(3, 2)
    found = policy(torch.tensor([2, 0])).probs.detach()
    expected = softmax(policy.logits.detach().numpy())[[2, 0]]
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_a_table_for_a_world_that_shows_integers():
    ends, zeros = [True, False], np.zeros((2, 3, 2))
    world = pg.TabularMDP([0, 1], zeros + 0.5, zeros, ends, 1, observations=[4, 2])
    policy = pg.policy_for(world)
    assert isinstance(policy, pg.TabularPolicy)
    assert policy.logits.shape == (5, 3)


def test_the_softmax_of_extreme_logits_stays_finite():
    policy = pg.TabularPolicy(1, 3)
    policy.logits.data = torch.tensor([[1000.0, -1000.0, -torch.inf]])
    distribution = policy(torch.tensor(0))
    assert distribution.probs.tolist() == [1, 0, 0]
    assert distribution.logits.tolist() == [0, -2000, -torch.inf]


def test_the_gaussian_log_probability_is_the_sum_of_normal_densities():
    # ln N(a; m, s) = -(a - m)^2 / (2 s^2) - ln s - ln(2 pi) / 2, for each component.
    policy, std = pg.GaussianPolicy(3, 2).double(), np.array([0.7, 2.0])
    policy.log_std.data = torch.from_numpy(np.log(std))
    seen, actions = random_tensor(20, 3), random_tensor(20, 2, seed=1)
    mean = policy.network(seen).detach().numpy()
    terms = -(((actions.numpy() - mean) / std) ** 2) / 2 - np.log(std) - log(2 * pi) / 2
    found = policies.log_prob(policy(seen), actions)
    assert found.shape == (20,)
    np.testing.assert_allclose(found.detach(), terms.sum(1), atol=1e-12)


def test_the_standard_deviation_is_1_at_first_unless_told():
    assert pg.GaussianPolicy(3, 2)(torch.zeros(3)).stddev.tolist() == [1, 1]
    told = pg.GaussianPolicy(3, 2, initial_std=0.25)(torch.zeros(3)).stddev
    assert told.tolist() == pytest.approx([0.25, 0.25])


@each_policy
@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8])
def test_an_integer_is_seen_as_its_one_hot_vector(make, dtype):
    policy = make(4, 2).double()
    integers = torch.tensor([[0, 3], [2, 1]], dtype=dtype)
    one_hot = torch.eye(4, dtype=torch.float64)[integers.long()]
    found, expected = numbers_of(policy(integers)), numbers_of(policy(one_hot))
    np.testing.assert_allclose(found, expected, atol=1e-14, rtol=0)
    assert policy(integers[:0]).batch_shape == (0, 2)


@each_policy
def test_a_batch_gives_what_its_rows_give_one_by_one_or_mapped(make):
    policy = make(3, 2).double()
    seen = random_tensor(2, 5, 3)
    batch = numbers_of(policy(seen))
    for place in np.ndindex(2, 5):
        one = numbers_of(policy(seen[place]))
        np.testing.assert_allclose(batch[place], one, atol=1e-14, rtol=0)
    mapped = torch.func.vmap(lambda row: numbers_of(policy(row)))(seen)
    np.testing.assert_allclose(mapped, batch, atol=1e-14, rtol=0)


@each_policy
def test_observations_and_parameters_that_are_not_finite_are_told_apart(make):
    policy = make(3, 2)
    with pytest.raises(pg.NotFiniteError, match="observations: .* nan at "):
        policy(torch.tensor([1.0, nan, 1.0]))
    for parameter in policy.parameters():
        before = parameter.detach().clone()
        parameter.data.fill_(nan)
        with pytest.raises(pg.NotFiniteError, match="policy"):
            policy(torch.ones(3))
        parameter.data.copy_(before)


def test_a_policy_may_have_2_to_the_27_weights_and_no_more():
    with torch.device("meta"):  # takes no memory
        pg.MLPPolicy(2**13, 2**13, (2**13,))
        pg.TabularPolicy(2**14, 2**13)
        with pytest.raises(ValueError, match="hidden: expected at most 134,217,728 "):
            pg.MLPPolicy(1, 2, (2**27 // 3 + 1,))
        with pytest.raises(ValueError, match="num_states: expected at most "):
            pg.TabularPolicy(2**27 + 1, 1)


class Spaces(gymnasium.Env):
    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space


NUMBER, VECTOR = spaces.Discrete(4), spaces.Box(-1, 1, (3,))
WORLD = pg.TabularMDP([1], [[[1], [1]]], [[[0], [0]]], [0], 1, [[1, 2, 3]])


@pytest.mark.parametrize(
    ("env", "kind", "num_inputs", "num_outputs"),
    [
        (Spaces(NUMBER, spaces.Discrete(2)), pg.TabularPolicy, 4, 2),
        (Spaces(VECTOR, NUMBER), pg.MLPPolicy, 3, 4),
        (Spaces(VECTOR, spaces.Box(-1, 1, (2,))), pg.GaussianPolicy, 3, 2),
        (Spaces(NUMBER, spaces.Box(0, 1, (2,))), pg.GaussianPolicy, 4, 2),
        (WORLD, pg.MLPPolicy, 3, 2),
        (pg.TabularEnv(WORLD), pg.MLPPolicy, 3, 2),
        (pg.TabularVectorEnv(WORLD, 5), pg.MLPPolicy, 3, 2),
    ],
)
def test_policy_for_fits_the_spaces(env, kind, num_inputs, num_outputs):
    policy = pg.policy_for(env)
    assert type(policy) is kind
    drawn = policy(torch.zeros(7, num_inputs))
    output = drawn.mean if kind is pg.GaussianPolicy else drawn.probs
    assert output.shape == (7, num_outputs)
    assert output.dtype == torch.float32
    if kind is not pg.TabularPolicy:
        wider = pg.policy_for(env, hidden=(5,)).network
        assert [layer.out_features for layer in wider[::2]] == [5, num_outputs]


def test_data_go_where_the_first_floating_point_parameter_is():
    steps = torch.nn.Parameter(torch.tensor([1]), requires_grad=False)
    meta = torch.device("meta")
    weights = torch.nn.Parameter(torch.zeros(1, device=meta, dtype=torch.float64))
    both = torch.nn.ParameterList([steps, weights])
    assert policies.placement(both) == (meta, torch.float64)
    for without in (torch.nn.Identity(), lambda seen: seen):
        assert policies.placement(without) == (torch.device("cpu"), torch.float32)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(st.lists(st.floats(-15, 15, width=32), min_size=6, max_size=6))
def test_log_probabilities_and_entropy_of_actions_are_those_of_torch(dtype, numbers):
    logits = torch.tensor(numbers, dtype=dtype).reshape(2, 3)
    logits[0, 1] = -torch.inf  # an action that is never taken
    distribution, actions = td.Categorical(logits=logits), torch.tensor([2, 1])
    log_probs = policies.log_prob(distribution, actions)
    assert torch.equal(log_probs, distribution.log_prob(actions))
    tolerance = 10 * torch.finfo(dtype).eps
    found, expected = policies.entropy(distribution, log_probs), distribution.entropy()
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("shape", [(6,), (6, 4), (6, 2, 3)])
def test_components_that_a_policy_left_apart_are_summed(shape):
    actions, apart = random_tensor(*shape), td.Normal(random_tensor(*shape, seed=1), 2)
    together = td.Independent(apart, len(shape) - 1)
    for answer in (apart, together):
        found = policies.log_prob(answer, actions)
        np.testing.assert_allclose(found, together.log_prob(actions), atol=1e-12)
        np.testing.assert_allclose(policies.entropy(answer, found), together.entropy())


def test_without_a_closed_form_the_entropy_is_minus_the_log_probabilities():
    parts = td.Categorical(logits=torch.zeros(2, 3)), td.Laplace(torch.zeros(2, 3), 1)
    found = policies.entropy(td.MixtureSameFamily(*parts), torch.tensor([-1.0, 2.0]))
    assert found.tolist() == [1.0, -2.0]
