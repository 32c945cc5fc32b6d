from math import log, pi

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles import assert_refused, softmax
from torch.distributions import Categorical, Independent, Normal
from torch.nn import functional as F

import pg_helpers as pg
from pg_helpers.policies import entropy, log_prob, placement, single_spaces


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def numbers_of(distribution):
    """What tells one distribution of a policy from another: (..., A)."""
    if isinstance(distribution, Categorical):
        return distribution.probs
    return torch.cat([distribution.mean, distribution.stddev], dim=-1)


class Spaces(gymnasium.Env):
    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space


BOX = spaces.Box(-1, 1, (3,))
DISCRETE = spaces.Discrete(4)


def test_the_network_is_tanh_layers_with_logits_at_the_end():
    policy = pg.MLPPolicy(3, 4, hidden=(5, 2)).double()
    seen = drawn(6, 3)
    w1, b1, w2, b2, w3, b3 = (p.detach().numpy() for p in policy.parameters())
    hidden = np.tanh(np.tanh(seen.numpy() @ w1.T + b1) @ w2.T + b2)
    expected = softmax(hidden @ w3.T + b3)
    np.testing.assert_allclose(policy(seen).probs.detach(), expected, atol=1e-12)


def test_the_hidden_layers_are_8_and_8_unless_told():
    shapes = [tuple(p.shape) for p in pg.MLPPolicy(1, 2).parameters()]
    assert shapes == [(8, 1), (8,), (8, 8), (8,), (2, 8), (2,)]
    shapes = [tuple(p.shape) for p in pg.MLPPolicy(1, 2, hidden=()).parameters()]
    assert shapes == [(2, 1), (2,)]


def test_a_table_is_uniform_at_first_and_then_the_softmax_of_its_row():
    policy = pg.TabularPolicy(3, 2).double()
    assert policy(torch.tensor(1)).probs.tolist() == [0.5, 0.5]
    with torch.no_grad():
        policy.logits.copy_(drawn(3, 2))
    expected = softmax(policy.logits.detach().numpy())
    found = policy(torch.tensor([2, 0])).probs.detach()
    np.testing.assert_allclose(found, expected[[2, 0]], atol=1e-14)


@pytest.mark.parametrize("make", [pg.MLPPolicy, pg.TabularPolicy, pg.GaussianPolicy])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8])
def test_an_integer_is_seen_as_its_one_hot_vector(make, dtype):
    policy = make(4, 2).double()
    integers = torch.tensor([[0, 3], [2, 1]], dtype=dtype)
    one_hot = torch.eye(4, dtype=torch.float64)[integers.long()]
    found, expected = policy(integers), policy(one_hot)
    assert found.batch_shape == expected.batch_shape == (2, 2)
    torch.testing.assert_close(
        numbers_of(found), numbers_of(expected), atol=1e-14, rtol=0
    )


@pytest.mark.parametrize("make", [pg.MLPPolicy, pg.TabularPolicy])
def test_the_log_probability_is_minus_the_cross_entropy(make):
    policy = make(3, 4).double()
    seen, actions = drawn(7, 3), torch.tensor([0, 1, 2, 3, 2, 1, 0])
    distribution = policy(seen)
    if make is pg.MLPPolicy:
        raw = policy.network(seen)
    else:
        raw = seen @ policy.logits
    expected = -F.cross_entropy(raw, actions, reduction="none")
    found = log_prob(distribution, actions)
    torch.testing.assert_close(found, expected, atol=1e-14, rtol=0)


def test_softmax_of_extreme_logits_stays_finite():
    policy = pg.TabularPolicy(1, 2).double()
    with torch.no_grad():
        policy.logits.copy_(torch.tensor([[1000.0, -1000.0]]))
    distribution = policy(torch.tensor(0))
    assert distribution.probs.tolist() == [1.0, 0.0]
    assert distribution.log_prob(torch.tensor(1)).item() == -2000


def test_the_gaussian_log_probability_is_the_sum_of_normal_densities():
    # ln N(a; m, s) = -(a - m)^2 / (2 s^2) - ln s - ln(2 pi) / 2, for each component.
    policy = pg.GaussianPolicy(3, 2, initial_std=0.7).double()
    with torch.no_grad():
        policy.log_std.copy_(torch.tensor([log(0.7), log(2.0)]))
    seen, actions = drawn(20, 3), drawn(20, 2, seed=1)
    mean = policy.network(seen).detach().numpy()
    std = np.array([0.7, 2.0])
    terms = -(((actions.numpy() - mean) / std) ** 2) / 2 - np.log(std) - log(2 * pi) / 2
    found = log_prob(policy(seen), actions)
    assert found.shape == (20,)
    np.testing.assert_allclose(found.detach(), terms.sum(1), atol=1e-12)


def test_the_standard_deviation_starts_where_it_is_told():
    distribution = pg.GaussianPolicy(3, 2, initial_std=0.25)(torch.zeros(3))
    torch.testing.assert_close(distribution.stddev, torch.full((2,), 0.25))
    default = pg.GaussianPolicy(3, 2)(torch.zeros(6, 3))
    torch.testing.assert_close(default.stddev, torch.ones(6, 2))


def test_components_that_a_policy_left_apart_are_summed():
    actions = drawn(6, 4)
    apart = Normal(torch.zeros(6, 4, dtype=torch.float64), 1.0)
    found = log_prob(apart, actions)
    together = Independent(apart, 1).log_prob(actions)
    assert found.shape == (6,)
    torch.testing.assert_close(found, together, atol=1e-12, rtol=0)


@pytest.mark.parametrize("make", [pg.MLPPolicy, pg.TabularPolicy, pg.GaussianPolicy])
def test_a_batch_gives_what_its_rows_give_one_by_one(make):
    policy = make(3, 2).double()
    seen = drawn(4, 5, 3)
    batch = policy(seen)
    assert batch.batch_shape == (4, 5)
    for i in range(4):
        for j in range(5):
            one = policy(seen[i, j])
            assert one.batch_shape == ()
            torch.testing.assert_close(
                numbers_of(batch)[i, j], numbers_of(one), atol=1e-14, rtol=0
            )


def test_the_weights_come_from_the_global_generator():
    def weights(seed):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return next(pg.policy_for(pg.corridor()).parameters()).detach()

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


@pytest.mark.parametrize(
    ("observation_space", "action_space", "kind", "seen", "drawn_shape"),
    [
        (BOX, DISCRETE, pg.MLPPolicy, torch.zeros(3), (4,)),
        (DISCRETE, spaces.Discrete(2), pg.TabularPolicy, torch.tensor(3), (2,)),
        (BOX, spaces.Box(-1, 1, (2,)), pg.GaussianPolicy, torch.zeros(3), (2,)),
        (DISCRETE, spaces.Box(0, 1, (2,)), pg.GaussianPolicy, torch.tensor(3), (2,)),
        (
            spaces.Discrete(5, start=7),
            DISCRETE,
            pg.TabularPolicy,
            torch.tensor(4),
            (4,),
        ),
    ],
)
def test_policy_for_fits_the_spaces(
    observation_space, action_space, kind, seen, drawn_shape
):
    policy = pg.policy_for(Spaces(observation_space, action_space))
    assert type(policy) is kind
    distribution = policy(seen)
    output = distribution.mean if kind is pg.GaussianPolicy else distribution.probs
    assert output.shape == drawn_shape
    assert output.dtype == torch.float32


def test_policy_for_takes_worlds_vectors_and_widths():
    mdp = pg.corridor()
    for env in (mdp, pg.TabularEnv(mdp), pg.TabularVectorEnv(mdp, 3)):
        shapes = [p.shape[0] for p in pg.policy_for(env, hidden=(5,)).parameters()]
        assert shapes == [5, 5, 2, 2]
    assert type(pg.policy_for(pg.grid_world())) is pg.MLPPolicy
    assert next(pg.policy_for(pg.grid_world()).parameters()).shape == (8, 16)


def test_spaces_are_those_of_one_environment():
    mdp = pg.corridor()
    one, many = pg.TabularEnv(mdp), pg.TabularVectorEnv(mdp, 3)
    assert single_spaces(many) == (one.observation_space, one.action_space)
    assert single_spaces(one) == (one.observation_space, one.action_space)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_data_go_where_the_parameters_are(dtype):
    cpu = torch.device("cpu")
    assert placement(pg.MLPPolicy(1, 2).to(dtype)) == (cpu, dtype)
    assert placement(torch.nn.Linear(1, 1, device="meta").to(dtype)) == (
        torch.device("meta"),
        dtype,
    )


@pytest.mark.parametrize("policy", [lambda seen: seen, torch.nn.Identity()])
def test_a_rule_without_parameters_computes_in_float32(policy):
    assert placement(policy) == (torch.device("cpu"), torch.float32)


CUBE = spaces.Box(0, 1, (2, 2))


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: pg.MLPPolicy(0, 2), ValueError, ("observation_size", "1", "0")),
        (lambda: pg.MLPPolicy(2.0, 2), TypeError, ("observation_size", "2.0")),
        (lambda: pg.MLPPolicy(2, 0), ValueError, ("num_actions", "1", "0")),
        (lambda: pg.MLPPolicy(2, "2"), TypeError, ("num_actions", "'2'")),
        (lambda: pg.MLPPolicy(2, 2, (8, 0)), ValueError, ("hidden", "1", "0")),
        (lambda: pg.MLPPolicy(2, 2, (8.0,)), TypeError, ("hidden", "8.0")),
        (lambda: pg.MLPPolicy(2, 2, 5), TypeError, ("hidden", "sequence", "5")),
        (
            lambda: pg.GaussianPolicy(2, 2, initial_std="a"),
            TypeError,
            ("initial_std", "'a'"),
        ),
        (lambda: pg.TabularPolicy(0, 2), ValueError, ("num_states", "0")),
        (lambda: pg.TabularPolicy(2, 0), ValueError, ("num_actions", "0")),
        (lambda: pg.TabularPolicy(None, 2), TypeError, ("num_states", "None")),
        (lambda: pg.GaussianPolicy(0, 2), ValueError, ("observation_size", "0")),
        (lambda: pg.GaussianPolicy(2, 0), ValueError, ("action_size", "0")),
        (lambda: pg.GaussianPolicy(2, True), TypeError, ("action_size", "True")),
        (
            lambda: pg.GaussianPolicy(2, 2, initial_std=0.0),
            ValueError,
            ("initial_std", "positive", "0.0"),
        ),
        (
            lambda: pg.GaussianPolicy(2, 2, initial_std=1e300),
            ValueError,
            ("initial_std", "float32", "1e+300"),
        ),
        (
            lambda: pg.GaussianPolicy(2, 2, initial_std=float("nan")),
            ValueError,
            ("initial_std", "nan"),
        ),
        (lambda: pg.policy_for("CartPole-v1"), TypeError, ("env", "'CartPole-v1'")),
        (lambda: single_spaces(None), TypeError, ("env", "Gymnasium", "None")),
        (
            lambda: pg.policy_for(Spaces(CUBE, DISCRETE)),
            ValueError,
            ("observation space", "one axis", "(2, 2)"),
        ),
        (
            lambda: pg.policy_for(Spaces(BOX, CUBE)),
            ValueError,
            ("action space", "one axis", "(2, 2)"),
        ),
        (
            lambda: pg.policy_for(Spaces(BOX, spaces.MultiBinary(3))),
            ValueError,
            ("action space", "MultiBinary(3)"),
        ),
        (
            lambda: pg.policy_for(Spaces(spaces.Dict(a=BOX), DISCRETE)),
            ValueError,
            ("observation space", "Dict"),
        ),
    ],
)
def test_each_maker_of_policies_refuses_by_name(call, kind, words):
    assert_refused(call, kind, *words)


@pytest.mark.parametrize("make", [pg.MLPPolicy, pg.TabularPolicy, pg.GaussianPolicy])
@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (torch.zeros(2, 4), ("(..., 3)", "(2, 4)")),
        (torch.tensor(0.5), ("(..., 3)", "()")),
        (torch.tensor([0, 3]), ("0 to 2", "(0, 3)")),
        (torch.tensor([-1, 1]), ("0 to 2", "(-1, 1)")),
    ],
)
def test_an_observation_of_the_wrong_length_is_refused(make, seen, words):
    assert_refused(lambda: make(3, 2)(seen), ValueError, "observations", *words)


def test_no_observations_give_no_actions():
    nothing = torch.zeros(0, dtype=torch.int64)
    assert pg.TabularPolicy(2, 3)(nothing).logits.shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_entropy_is_that_of_the_distribution(dtype):
    logits = 5 * torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    logits[0, 1] = -torch.inf  # an action that is never taken
    distribution = Categorical(logits=logits.to(dtype))
    found = entropy(distribution, torch.zeros(40))
    tolerance = 10 * torch.finfo(dtype).eps
    expected = distribution.entropy()
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)
    uniform = Categorical(logits=torch.zeros(5, 4))
    assert entropy(uniform, torch.zeros(5)).numpy() == pytest.approx(log(4))
