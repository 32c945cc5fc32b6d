"""Every public function, with one argument replaced by nonsense."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import judge
from nonsense import THINGS, spoiled

import pg_helpers as pg
from pg_helpers import clinic, exact

WORLD = pg.corridor(length=3, horizon=3)
PARTS = ("initial", "transition", "reward", "terminal", "observations")
GAMMA, COUNT, WIDTH = st.floats(0, 1), st.integers(1, 3), st.integers(1, 4)
MDP = st.sampled_from([WORLD, pg.corridor(length=4, horizon=2)])
POLICY = st.builds(pg.MLPPolicy, st.just(1), st.just(2))
TABLES = st.tuples(*[st.floats(-10, 10, width=32)] * 6).map(
    lambda values: torch.tensor(values).reshape(3, 2)
)
MASK = st.sampled_from(
    [
        torch.tensor([[True, True], [True, last], [True, False]])
        for last in (True, False)
    ]
)
CONFIG = st.builds(pg.TrainConfig, num_updates=COUNT, num_trajectories=COUNT)


def loss(log_probs: Any, rewards: Any, mask: Any) -> Any:
    return pg.pseudo_loss(log_probs, pg.total_return(rewards, 0.95), mask)


def sgd(parameters: Any) -> Any:
    return torch.optim.SGD(parameters, lr=0.1)


CALLS = {
    pg.iterate_training: lambda **arguments: list(pg.iterate_training(**arguments)),
    pg.train: partial(pg.train, progress=False),
}


TRAINING = {
    "env": MDP,
    "policy": POLICY,
    "config": CONFIG,
    "loss": st.sampled_from([None, loss]),
    "optimizer": st.sampled_from([None, sgd]),
    "schedule": st.sampled_from([None, lambda number: 0.5]),
}
CHOICE = {"mdp": MDP, "policy": POLICY, "gamma": GAMMA}
TABLE: dict[Callable, dict[str, st.SearchStrategy]] = {
    pg.CartPoleVectorEnv: {"num_envs": COUNT, "max_episode_steps": COUNT},
    pg.GaussianPolicy: {
        "observation_size": WIDTH,
        "action_size": WIDTH,
        "hidden": st.lists(WIDTH, max_size=2),
        "initial_std": st.floats(0.1, 10),
    },
    pg.MLPPolicy: {
        "observation_size": WIDTH,
        "num_actions": WIDTH,
        "hidden": st.lists(WIDTH, max_size=2),
    },
    pg.TabularEnv: {"mdp": MDP},
    pg.TabularMDP: {
        "horizon": COUNT,
        **{name: st.just(torch.tensor(getattr(WORLD, name))) for name in PARTS},
    },
    pg.TabularPolicy: {"num_states": WIDTH, "num_actions": WIDTH},
    pg.TabularVectorEnv: {"mdp": MDP, "num_envs": COUNT},
    pg.TrainConfig: {
        "num_updates": COUNT,
        "num_trajectories": st.integers(2, 3),
        "learning_rate": st.floats(1e-6, 1e6),
        "gamma": GAMMA,
        "seed": st.integers(0, 2**80),
        "weights": st.sampled_from(["total_return", "rewards_to_go"]),
        "baseline": st.sampled_from([None, "batch_mean"]),
        "max_steps": COUNT,
        "max_gradient_norm": st.none() | st.floats(0.1, 10),
    },
    pg.corridor: {"length": st.integers(3, 5), "horizon": COUNT},
    pg.gae: {
        "rewards": TABLES,
        "values": TABLES,
        "mask": MASK,
        "gamma": GAMMA,
        "lam": GAMMA,
        "final_values": st.none(),
    },
    pg.grid_world: {
        "rows": st.integers(2, 4),
        "columns": st.integers(2, 4),
        "slip": GAMMA,
        "horizon": COUNT,
    },
    pg.from_gymnasium: {"env": st.just("FrozenLake-v1"), "horizon": COUNT},
    pg.hill: {"slip": GAMMA, "horizon": COUNT},
    pg.load_checkpoint: {"path": st.just("no such file"), "policy": POLICY},
    pg.policy_for: {"env": MDP, "hidden": st.lists(WIDTH, max_size=2)},
    pg.pseudo_loss: {"log_probs": TABLES, "weights": TABLES, "mask": MASK},
    pg.random_mdp: {
        "num_states": st.integers(2, 4),
        "num_actions": WIDTH,
        "horizon": COUNT,
        "seed": st.integers(0, 2**80),
    },
    pg.rewards_to_go: {"rewards": TABLES, "gamma": GAMMA},
    pg.sample_trajectories: {
        "envs": MDP,
        "policy": POLICY,
        "num_trajectories": COUNT,
        "seed": st.none() | st.integers(0, 2**80),
        "max_steps": st.integers(3, 500),
    },
    pg.sample_trajectory: {
        "env": st.builds(pg.TabularEnv, MDP),
        "policy": POLICY,
        "seed": st.none() | st.integers(0, 2**80),
        "max_steps": st.integers(3, 500),
    },
    pg.subtract_batch_mean: {"weights": TABLES, "mask": MASK},
    pg.tokens: {
        "vocabulary": st.just(["a", "b", "."]),
        "max_length": COUNT,
        "reward": st.just(lambda prompt, text: len(text)),
        "prompts": st.sampled_from([["x", "y"], {"x": 0.5, "y": 0.5}]),
    },
    pg.total_return: {"rewards": TABLES, "gamma": GAMMA},
    pg.train: TRAINING,
    pg.iterate_training: TRAINING,
    pg.two_armed_bandit: {
        "reward_means": st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
        "noise": st.floats(0, 9),
    },
    clinic.examine: {
        "loss": st.just(loss),
        **CHOICE,
        "gamma": st.floats(0.5, 1),  # at 0 the gradient is 0, and refused
        "num_trajectories": st.sampled_from([None, 1, 2]),
        "tolerance": st.none() | st.floats(0, 1),
        "parameters": st.none(),
        "advantages": st.sampled_from(["total", "rtg", "group", "group_std"]),
        "worlds": st.none(),
        "seed": st.integers(0, 2**63 - 1),
    },
    clinic.batch: {
        "num_trajectories": COUNT,
        "mdp": MDP,
        "policy": POLICY,
        "seed": st.integers(0, 2**63 - 1),
    },
    clinic.from_backward: {"run": st.just(loss)},
    clinic.standard_policy: {"mdp": MDP},
    exact.count_trajectories: {"mdp": MDP},
    exact.trajectories: {"mdp": MDP},
    exact.can_be_listed: {"mdp": MDP},
    exact.optimal_objective: {"mdp": MDP, "gamma": GAMMA},
    exact.objective: CHOICE,
    exact.objective_by_dp: CHOICE,
    exact.gradient: CHOICE,
    exact.gradient_by_dp: CHOICE,
    exact.estimator_mean: CHOICE
    | {"values": st.none(), "lam": GAMMA, "discounted": st.booleans()},
    exact.estimator_variance: CHOICE
    | {"weights": st.sampled_from(["total_return", "rewards_to_go"])},
    exact.state_values: CHOICE,
    exact.action_values: CHOICE,
    exact.visits: {"mdp": MDP, "policy": POLICY},
    exact.score_table: {"mdp": MDP, "policy": POLICY},
    exact.log_prob: {
        "mdp": st.just(WORLD),
        "policy": POLICY,
        "trajectories": st.just(exact.trajectories(WORLD)),
    },
    exact.expectation: {
        "mdp": MDP,
        "policy": POLICY,
        "function": st.just(lambda listed: listed.rewards.sum(1)),
    },
}
# What some functions say of an argument by the name of a part of it.
MORE = ("env", "observation", "observations", "action", "actions", "gradient")
MORE += ("checkpoint", "loss", "log_probs", "rewards", "num_trajectories", "config")


def called(function: Callable, arguments: dict[str, Any]) -> Any:
    run = CALLS.get(function, function)
    return judge(lambda: run(**arguments), (*TABLE[function], *MORE))


@pytest.mark.parametrize("function", TABLE, ids=lambda function: function.__name__)
@given(data=st.data())
def test_nonsense_is_refused_or_answered(function, data):
    right = {name: data.draw(of) for name, of in TABLE[function].items()}
    name = data.draw(st.sampled_from([*right]), "replaced")
    nonsense = spoiled(right[name]) | THINGS
    if name in ("loss", "run", "optimizer", "schedule", "function", "reward"):
        nonsense = nonsense.filter(lambda thing: not callable(thing))  # may raise
    called(function, right | {name: data.draw(nonsense, name)})


@pytest.mark.parametrize("function", TABLE, ids=lambda function: function.__name__)
@given(data=st.data())
def test_right_arguments_are_answered(function, data):
    right = {name: data.draw(of, name) for name, of in TABLE[function].items()}
    answer = called(function, right)
    assert answer is not None or function is pg.load_checkpoint


def test_every_public_function_is_in_the_table():
    public = [getattr(pg, name) for name in pg.__all__]
    public += [f for f in vars(exact).values() if public_in_exact(f)]
    missing = {f for f in public if inspect.isfunction(f)} - TABLE.keys()
    assert not missing


def public_in_exact(value: Any) -> bool:
    ours = inspect.isfunction(value) and value.__module__ == exact.__name__
    return ours and not value.__name__.startswith("_")
