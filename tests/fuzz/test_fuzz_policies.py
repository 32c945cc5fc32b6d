import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge
from nonsense import THINGS, Made, near, right_or_not, tensors
from oracles import softmax
from torch.distributions import Categorical, Independent, Laplace, Normal

import pg_helpers as pg
from pg_helpers import policies

SIZES = right_or_not(
    st.one_of(st.integers(-1, 4), st.integers(1, 4), st.sampled_from([10**9, 2**62]))
)
WIDTHS = right_or_not(
    st.one_of(
        st.lists(st.integers(0, 4), max_size=3),
        st.lists(st.integers(1, 4), max_size=3).map(tuple),
        st.sampled_from([(10**9,), (10**5, 10**5), (True,), (1.5,), ([],), 8, "88"]),
    )
)


def counted(policy):
    return sum(p.numel() for p in policy.parameters())


@covers(pg.MLPPolicy)
@given(SIZES, SIZES, WIDTHS)
def test_a_new_network(size, number, hidden):
    size, number, hidden = size(), number(), hidden()
    names = ("observation_size", "num_actions", "hidden")
    policy = judge(lambda: pg.MLPPolicy(size, number, hidden), names)
    if policy is not None:
        sizes = [size, *hidden, number]
        expected = sum((a + 1) * b for a, b in zip(sizes, sizes[1:], strict=False))
        assert counted(policy) == expected


@covers(pg.TabularPolicy)
@given(SIZES, SIZES)
def test_a_new_table(states, actions):
    states, actions = states(), actions()
    policy = judge(
        lambda: pg.TabularPolicy(states, actions), ("num_states", "num_actions")
    )
    if policy is not None:
        assert counted(policy) == states * actions


STDS = right_or_not(
    st.one_of(st.floats(), st.floats(0.1, 9), st.sampled_from([1e-300, 1e300, 10**400]))
)


@covers(pg.GaussianPolicy)
@given(SIZES, SIZES, WIDTHS, STDS)
def test_a_new_gaussian(size, number, hidden, std):
    size, number, hidden, std = size(), number(), hidden(), std()
    names = ("observation_size", "action_size", "hidden", "initial_std")
    policy = judge(lambda: pg.GaussianPolicy(size, number, hidden, std), names)
    if policy is not None:
        found = policy(torch.zeros(size)).base_dist.stddev
        np.testing.assert_allclose(found.detach(), [float(std)] * number, rtol=1e-3)


@st.composite
def observations(draw):
    """For policies that see three numbers, or one of three states."""
    shape = draw(st.sampled_from([(3,), (2, 3), (2, 1, 3), (0, 3)]))
    kinds = [tensors(shape, (torch.float32,)), near(shape).flatmap(tensors)]
    whole = st.sampled_from([torch.int64, torch.int32, torch.uint8, torch.bool])
    low, high = draw(st.sampled_from([(0, 2), (-1, 3), (0, 1)]))
    numbers = st.lists(st.integers(low, high), max_size=3)
    kinds.append(st.builds(lambda n, t: torch.tensor(n).to(t), numbers, whole))
    return draw(st.one_of(kinds))


SEEN = right_or_not(observations())


def features(seen):
    seen = seen.detach()
    return (
        seen.double().numpy()
        if seen.is_floating_point()
        else np.eye(3)[seen.long().numpy()]
    )


def asked(policy, seen, answer):
    return judge(lambda: getattr(policy(seen), answer), ("observations", "policy"))


def network_of(policy, values):
    """The network's outputs, in NumPy."""
    for layer in policy.network:
        if isinstance(layer, torch.nn.Linear):
            weight, bias = (
                p.detach().double().numpy() for p in (layer.weight, layer.bias)
            )
            values = values @ weight.T + bias
        else:
            values = np.tanh(values)
    return values


def rounding(values):
    return 1e-5 * max(1, *np.abs(values).flat, 1)


@given(SEEN)
def test_what_a_network_is_asked(seen):
    policy, seen = pg.MLPPolicy(3, 2, (4,)), seen()
    found = asked(policy, seen, "probs")
    if found is not None:
        logits = network_of(policy, features(seen))
        expected = softmax(logits.reshape(-1, 2)).reshape(logits.shape)
        np.testing.assert_allclose(found.detach(), expected, atol=rounding(logits))


@given(SEEN)
def test_what_a_table_is_asked(seen):
    policy, seen = pg.TabularPolicy(3, 2), seen()
    with torch.no_grad():
        policy.logits.copy_(torch.tensor([[1.0, 2.0], [0.0, -1.0], [3.0, 3.0]]))
    found = asked(policy, seen, "logits")
    if found is not None:
        raised = features(seen) @ policy.logits.detach().double().numpy()
        apart = found.detach()[..., 0] - found.detach()[..., 1]
        expected = raised[..., 0] - raised[..., 1]
        np.testing.assert_allclose(apart, expected, atol=rounding(raised))


@given(SEEN)
def test_what_a_gaussian_is_asked(seen):
    policy, seen = pg.GaussianPolicy(3, 2, (4,)), seen()
    found = asked(policy, seen, "mean")
    if found is not None:
        expected = network_of(policy, features(seen))
        np.testing.assert_allclose(found.detach(), expected, atol=rounding(expected))


@given(st.sampled_from([1e30, 1e38, -1e38]))
def test_observations_that_overflow_the_network_are_refused(size):
    policy = pg.MLPPolicy(2, 2, ())
    with torch.no_grad():
        policy.network[0].weight.copy_(torch.tensor([[9.0, 9.0], [-9.0, 9.0]]) * 1e9)
    seen = torch.full((2,), size)
    assert asked(policy, seen, "logits") is None


BOX = spaces.Box(-1, 1, (2,))
SPACES = {
    "3 numbers": spaces.Discrete(3),
    "10^12 numbers": spaces.Discrete(10**12),
    "a vector": BOX,
    "a matrix": spaces.Box(-1, 1, (2, 2)),
    "nothing": spaces.Box(-1, 1, (0,)),
    "one number": spaces.Box(-1, 1, ()),
    "bits": spaces.MultiBinary(3),
    "a dictionary": spaces.Dict({"a": BOX}),
    "a text": spaces.Text(3),
}


class Anywhere(gymnasium.Env):
    def __init__(self, seen, done):
        self.observation_space, self.action_space = seen, done


def environments():
    chosen = st.sampled_from(list(SPACES))
    return st.builds(
        lambda seen, done: Made(
            f"{seen} seen, {done} done", lambda: Anywhere(SPACES[seen], SPACES[done])
        ),
        chosen,
        chosen,
    )


@covers(pg.policy_for, policies.single_spaces)
@given(right_or_not(environments()), WIDTHS)
def test_policy_for(env, hidden):
    env, hidden = env(), hidden()
    names = ("env", "hidden", "observation", "action", "observation_size", "num_states")
    names = (*names, "action_size", "num_actions")
    both = judge(lambda: policies.single_spaces(env), ("env",))
    policy = judge(lambda: pg.policy_for(env, hidden), names)
    if policy is not None:
        seen, done = both
        number = torch.zeros((), dtype=torch.int64)
        answer = policy(torch.zeros(2) if seen is BOX else number)
        assert answer.sample().shape == done.shape


@covers(policies.placement)
@given(THINGS)
def test_placement(policy):
    policy = policy()
    device, dtype = judge(lambda: policies.placement(policy), ())
    assert (device.type, dtype) == ("cpu", torch.float32)


ANSWERS = {
    "categorical": lambda logits: Categorical(logits=logits, validate_args=False),
    "one never": lambda logits: Categorical(
        logits=logits + torch.tensor([0.0, -9e999, 0.0]), validate_args=False
    ),
    "apart": lambda logits: Normal(logits, 2.0),
    "together": lambda logits: Independent(Normal(logits, 2.0), 1),
    "no entropy": lambda logits: torch.distributions.MixtureSameFamily(
        Categorical(logits=logits), Laplace(logits, 1.0)
    ),
}


@covers(policies.log_prob, policies.entropy)
@given(
    name=st.sampled_from([*ANSWERS]),
    logits=st.lists(st.floats(-9, 9, width=32), min_size=6, max_size=6),
    seed=st.integers(0, 99),
)
def test_log_prob_and_entropy(name, logits, seed):
    torch.manual_seed(seed)
    logits = torch.tensor(logits).reshape(2, 3)
    distribution = ANSWERS[name](logits)
    actions = distribution.sample()
    found = judge(lambda: policies.log_prob(distribution, actions), ())
    entropy = judge(lambda: policies.entropy(distribution, found), ())
    assert found.shape == entropy.shape == (2,)
    if isinstance(distribution, Categorical):
        table = softmax(distribution.logits.double().numpy())
        expected = np.log([table[row, int(a)] for row, a in enumerate(actions)])
        terms = table * np.log(np.where(table > 0, table, 1))
        np.testing.assert_allclose(entropy, -terms.sum(-1), atol=1e-5)
    elif name == "no entropy":
        expected = -entropy
    else:
        away = (actions.double() - logits.double()).numpy() / 2
        density = np.exp(-(away**2) / 2) / np.sqrt(2 * np.pi) / 2
        expected = np.log(density).sum(1)
        of_one = np.log(2 * np.sqrt(2 * np.pi * np.e))
        np.testing.assert_allclose(entropy, [3 * of_one] * 2, rtol=1e-5)
    np.testing.assert_allclose(found, expected, atol=1e-4)
