"""What each public function refuses, and in what words: one table for all.

Each argument has something that is right (`good`), what is only just right (`taken`),
and what is refused with a TypeError (`kind`), with a ValueError (`value`) or with a
NotFiniteError (`infinite`). `MEANINGS` says so of the names that many functions share;
a row says it of the others, and `Wrong` of what is refused for other reasons. A
message begins with the argument, says what was expected and repeats what came.
"""

import functools
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from matplotlib.figure import Figure
from torch.distributions import Categorical, Normal
from worlds import Constant, CountingEnv, sparse_world

import pg_course as course
import pg_helpers as pg
from pg_course import arguments
from pg_course.asking import progress
from pg_course.asking.questions import Estimate, Question
from pg_course.asking.rooms import all_contents
from pg_course.shared import crowds
from pg_course.stage import pictures, plots
from pg_course.stage.display import png_of
from pg_course.stage.steered_run import SteeredRun
from pg_helpers import ascent, exact

NAN, INF = float("nan"), float("inf")


@dataclass
class Arg:
    """What an argument may be and what not; `named` if the message says another."""

    good: Any
    taken: Any = ()
    kind: Any = ()
    value: Any = ()
    infinite: Any = ()
    named: str = ""


class Wrong:
    """Changes of a good call, the error that they raise, how its message begins."""

    def __init__(self, begins: str, error: Any = ValueError, /, **changes: Any) -> None:
        self.begins, self.error, self.changes = begins, error, changes


class Row:
    """A function, what it refuses for other reasons, and arguments of its own."""

    def __init__(self, function: Any, /, *others: Wrong, **own: Arg) -> None:
        self.function, self.refusals = function, list(others)
        every = inspect.signature(function).parameters.values()
        names = {p.name for p in every if "*" not in str(p)}
        self.drawn_on = {"axes", "figure"} & names - own.keys()
        shared = {name: MEANINGS[name] for name in names - self.drawn_on - own.keys()}
        self.arguments = own | shared
        for name, a in self.arguments.items():
            begins, errors = a.named or name, (TypeError, ValueError, pg.NotFiniteError)
            for error, bad in zip(errors, (a.kind, a.value, a.infinite), strict=True):
                self.refusals += [Wrong(begins, error, **{name: v}) for v in bad]

    def __str__(self) -> str:
        inner = inspect.unwrap(self.function)
        inner = getattr(inner, "func", inner)
        return f"{inner.__module__.split('.', 1)[-1]}.{inner.__qualname__}"

    def good(self) -> dict[str, Any]:
        """Arguments that are right, and something to draw on."""
        canvas = {name: Figure() for name in self.drawn_on}
        if "axes" in canvas:
            canvas["axes"] = canvas["axes"].add_subplot()
        return {name: a.good for name, a in self.arguments.items()} | canvas


def rows(home: Any, names: str, /, *others: Wrong, **own: Arg) -> list[Row]:
    """A row for each of these functions, with what concerns its arguments."""
    found = []
    for function in (getattr(home, name) for name in names.split()):
        its = inspect.signature(function).parameters.keys()
        shared = [wrong for wrong in others if wrong.changes.keys() <= its]
        found.append(Row(function, *shared, **{n: own[n] for n in own.keys() & its}))
    used = {name for row in found for name in row.arguments}
    assert own.keys() <= used, f"in none of {names}: {own.keys() - used}"
    return found


# Kinds of arguments
NO_INTEGER = [None, "2", 2.0, True]
NO_NUMBER = [None, "0.9", True, 1j]
NOT_POSITIVE = [0, -1e-9, NAN, INF, 10**400]
NO_ARRAY = [None, object(), [1j], ["1"], [[1.0], [1.0, 2.0]]]
NO_TEXTS = [None, "ab", ["a", 3], np.array(["a", "b"])]


def count(good, least=1, most=None, taken=(), value=()):
    """An integer; the largest is tried only where it is `taken`."""
    beyond = [] if most is None else [most + 1]
    small = [least, np.int64(good), *taken]
    return Arg(good, small, NO_INTEGER, [least - 1, *beyond, *value])


def whole(good, *wrong):
    """An integer in a range; nothing slow is tried."""
    return Arg(good, (), NO_INTEGER, wrong)


def index(last):
    """An integer from 0 to the last."""
    return Arg(last, [0], NO_INTEGER, [-1, last + 1])


def fraction(good):
    """A number in [0, 1]."""
    return Arg(good, [0, 1, np.float32(0.5)], NO_NUMBER, [-1e-9, 1 + 1e-9, NAN, INF])


def positive(good, taken=(), value=()):
    """A number above 0, and finite."""
    return Arg(good, taken, NO_NUMBER, [*NOT_POSITIVE, *value])


def array(good, *wrong, taken=(), named=""):
    """Finite numbers of a shape."""
    return Arg(good, taken, NO_ARRAY, wrong, named=named)


def number(good, named=""):
    """One finite number."""
    return array(good, NAN, -INF, [1.0, 2.0], named=named)


def several(*wrong):
    """Some finite numbers."""
    return array(ROW, [[0.5]], [NAN] * 3, *wrong)


def a_world(good, *wrong, infinite=()):
    """A finite world."""
    return Arg(good, (), [None, "corridor", pg.TabularMDP], wrong, infinite)


def a_policy(good, *wrong, kind=(), infinite=()):
    """Something that answers observations with a distribution."""
    none = [None, "greedy", pg.TabularPolicy, lambda seen: seen, lambda seen: 1]
    return Arg(good, (), [*none, *kind], wrong, infinite)


def optional(argument):
    """The same, or None."""
    without = [wrong for wrong in argument.kind if wrong is not None]
    return replace(argument, taken=[None, *argument.taken], kind=without)


# What they are made of
class Spaced(gymnasium.Env):
    """An environment that has spaces, and nothing else."""

    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space


class Through(torch.nn.Sequential):
    """A policy whose logits are what these modules make of what is seen."""

    def forward(self, seen):
        logits = super().forward(seen)
        return Categorical(logits=logits[0] if isinstance(logits, tuple) else logits)


def plain(log_probs, rewards, mask):
    """The pseudo-loss without discount."""
    return -(log_probs * mask * rewards.sum(1, keepdim=True)).sum(1).mean()


def rooms():
    """The experiments of the notebooks, by their numbers."""
    files = Path(course.__file__).parent.glob("nb*/experiments.py")
    names = [file.parent.name for file in files]
    return {int(n[2:4]): import_module(f"pg_course.{n}.experiments") for n in names}


WORLD, TABLE, HILL = pg.random_mdp(3, 2, 2), pg.TabularPolicy(3, 2), pg.hill()
LONG, ENDED = pg.random_mdp(3, 2, 40), sparse_world(start_ended=True)
PARTS = (WORLD.initial, WORLD.transition, 1e39 * WORLD.reward, WORLD.terminal)
HUGE = pg.TabularMDP(*PARTS, horizon=2)
LISTED = exact.trajectories(WORLD)
K = len(LISTED.mask)
FLAT = Categorical(logits=torch.zeros(3, 2))
NAN_TABLE = Categorical(logits=torch.full((3, 2), NAN), validate_args=False)
NOT_A_NUMBER = Constant(NAN_TABLE)
FROZEN = pg.TabularPolicy(3, 2).requires_grad_(False)
# Policies that answer more than the present observation: an average, noise, a memory.
MORE_THAN_SEEN = [
    Through(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)),
    Through(torch.nn.Linear(3, 2), torch.nn.Dropout()),
    Through(torch.nn.GRU(3, 2)),
]
DETACHED = torch.nn.Linear(1, 1)
DETACHED.forward = lambda seen: FLAT
MISFITS = [pg.TabularPolicy(3, 4), pg.TabularPolicy(4, 2), pg.MLPPolicy(1, 2)]
TWO, LINE = spaces.Discrete(2), spaces.Box(-1, 1, (3,))
CUBE, PAIR = spaces.Box(0, 1, (2, 2)), spaces.MultiDiscrete([2, 2])
WALKER, REACHER = CountingEnv(3), CountingEnv(3, action_space=LINE)
UNFIT_FOR_TWO = [pg.MLPPolicy(2, 3), pg.GaussianPolicy(2, 1), Constant(FLAT)]
NO_LOSS = ["loss", 3, dict, lambda a: 0, lambda a, b, c, d: 0, lambda policy, data: 0]
OWN, STILL = (torch.nn.Parameter(torch.ones(2), wanted) for wanted in (True, False))
SGD = partial(torch.optim.SGD, lr=0.1)
NO_OWN_OPTIMIZER = [lambda p: SGD([OWN]), lambda p: SGD([STILL])]
NO_OPTIMIZER = [3, SGD([OWN]), lambda p: list(p), lambda p: torch.optim.LBFGS(p)]
SETTINGS = pg.TrainConfig(num_updates=1, num_trajectories=2)
ONES, TRUE = torch.ones(2, 3), torch.ones(2, 3, dtype=torch.bool)
ONE_NAN = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, NAN]])
LARGE, ZEROS = torch.full((2, 3), 3e38), torch.zeros(2, 3)
NO_MASK = [None, [[True]], ONES, TRUE.numpy(), TRUE.int()]
NO_WEIGHTS = [torch.ones(3), torch.ones(2, 1), torch.tensor(1.0)]
NO_WIDTHS = [None, 5, {4}, (8.0,), ("8",), (True,)]
ROW, ROWS = np.array([0.2, 0.3, 0.5]), np.array([[0.2, 0.3, 0.5], [0.1, 0.9, 0.4]])
ABC, PAIRS = ["a", "b", "c"], np.array([[0.5, 0.5], [0.3, 0.7], [0.6, 0.4]])
FIRST, THREE = array(ROW, [NAN] * 3), several([0.5], [])  # three, as something before
CORRIDOR = pg.corridor(3, horizon=2)
BATCH = pg.sample_trajectories(CORRIDOR, pg.policy_for(CORRIDOR), 2)

# What an argument of this name may be, wherever a row does not say otherwise
MEANINGS = dict(
    # of mathematics
    gamma=fraction(0.9),
    slip=fraction(0.1),
    horizon=count(3),
    rows=count(2),
    columns=count(2),
    num_actions=count(2),
    action_size=count(2),
    num_states=count(3, value=[2**26 + 1]),
    observation_size=count(3),
    hidden=Arg((4,), [(), [1]], NO_WIDTHS, [(8, 0), (-1,)]),
    seed=count(0, least=0, taken=[2**70]),
    mdp=a_world(WORLD, infinite=[HUGE]),
    policy=a_policy(TABLE, *MISFITS, infinite=[NOT_A_NUMBER]),
    rewards=Arg(
        [[1.0, 2.0]],
        taken=[[1], ONES, np.ones((2, 3, 4))],
        kind=[*NO_ARRAY, "many", [[], [1.0]]],
        value=[torch.tensor(1.0)],
        infinite=[[[1.0, NAN]], [[1.0], [INF]]],
    ),
    mask=Arg(TRUE, kind=NO_MASK, value=[TRUE[0], TRUE[:0]]),
    observations=Arg(
        ZEROS,
        taken=[torch.zeros(3), torch.zeros(4, 2, 3), torch.tensor([0, 2])],
        kind=[None, [0.0] * 3, ZEROS.numpy(), ZEROS.double(), ZEROS * 1j],
        value=[ZEROS.T, *map(torch.tensor, (0.5, [0, 3], [-1, 1]))],
        infinite=[torch.full((2, 3), NAN), torch.tensor([0, 0, NAN])],
    ),
    # of environments
    num_envs=count(2, most=1_000_000),
    max_episode_steps=count(5),
    render_mode=Arg(None, value=["human", 3]),
    options=Arg(None),
    max_steps=Arg(4, [3], NO_INTEGER, [0, -1]),
    # of training
    config=Arg(SETTINGS, kind=[None, {}, pg.TrainConfig]),
    num_updates=count(2),
    num_trajectories=count(2),
    learning_rate=positive(0.1, taken=[5e-324, 1e30, np.float32(0.1)]),
    checkpoint=Arg(None, kind=[3, ""]),
    checkpoint_every=Arg(1),
    loss=Arg(None, [plain], NO_LOSS),
    optimizer=Arg(None, [SGD], NO_OPTIMIZER, NO_OWN_OPTIMIZER),
    schedule=Arg(None, [lambda _: 0], [3, "linear"]),
    progress=Arg(False),
    # of the course
    names=Arg(ABC, kind=NO_TEXTS),
    title=Arg("a"),
    alike=Arg("a"),
    label=Arg("a", kind=[None, 3]),
    number=whole(0, -1),
    num_steps=whole(3, 0, 10_001),
    N=whole(3, 0, 10**7 + 1),
    num_episodes=whole(3, 0, 10**7 + 1),
    kind=Arg("bump", ["step"], value=["hat", None, 3]),
    objective=Arg("expected pay", value=["pay", None]),
    shape=Arg((2, 3), (), [None, 3, (2.0, 3)], [(2,), (0, 3), (2, 3, 1), (10**5, 1)]),
    **dict.fromkeys("mean height worse better wage".split(), number(0.1)),
    **dict.fromkeys("standard_deviation half_life".split(), positive(0.5)),
    **dict.fromkeys("x values pays".split(), several([])),
    **dict.fromkeys("first second low high".split(), THREE),
    **dict.fromkeys("theta logits".split(), array(PAIRS, [1.0], ROW, [NAN, 1])),
    **dict.fromkeys("start mean_rewards".split(), array([0.1, 1], [0.1], [NAN, 1])),
    y=FIRST,
    color=Arg("0.5", value=[None, 3]),
    runs=array(ROWS, [0.5], [[NAN] * 3]),
    band=array((0.1, 0.9), (0.1,), (-0.1, 0.9), (0.1, 1.1)),
    observation=array([0.1, 0, 0.1, 0], [0], [NAN] * 4),
    angles=array([-1, 0, 1], [[0]]),
    velocities=array([-1, 1], [[0]]),
    probability=array(ROWS, ROWS.T, ROWS + 1, [[0.5, 0.5]]),
    epsilon=array(ROW, [-0.1], 1.1, [NAN]),
    each=array([0, 1, 1], [0, 1], [[1, 1, 1]]),
    # worlds, and what is shown
    world=a_world(HILL),
    alt=Arg("It walks.", kind=[None, 3], value=["", " \n "]),
    milliseconds=Arg(300, (), NO_INTEGER[1:], [0, 65_536]),
    index=whole(-1, -3, 2),
    plays=whole(1, 0, 2**31),
    batch=Arg(BATCH, kind=[None, [1]]),
    max_frames=whole(2, 1, 101),
    num_frames=whole(2, 1, 101),
    env=Arg(CORRIDOR, kind=[None, CountingEnv], value=["NoSuchWorld-v0"]),
    make_policy=Arg(None, [lambda: pg.policy_for(CORRIDOR)], [3, dict]),
)


# Mathematics
FLAWED = [
    *(replace(LISTED, states=LISTED.states + step) for step in (-1, 1)),
    *(replace(LISTED, actions=LISTED.actions + step) for step in (-1, 1)),
    *(replace(LISTED, mask=LISTED.mask[rows]) for rows in (0, [0, 1])),
    replace(LISTED, states=LISTED.states[:, 1:]),
    replace(LISTED, actions=LISTED.actions[1:]),
]
EACH_ONE = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 0.0], [0.0, 0.0]]).to_sparse()
WORLDS = [
    Row(
        pg.TabularMDP,
        Wrong("reward", TypeError, transition=EACH_ONE),
        Wrong("reward", TypeError, reward=EACH_ONE),
        *(
            Wrong(begins, transition=P, reward=EACH_ONE)
            for begins, P in (
                ("transition", EACH_ONE.T),
                ("transition", torch.ones(4, 2).to_sparse(1)),
                ("transition", NAN * EACH_ONE),
                ("transition[0, 0]", 2 * EACH_ONE),
            )
        ),
        Wrong("reward", transition=EACH_ONE, reward=INF * EACH_ONE),
        Wrong("reward", transition=EACH_ONE, reward=EACH_ONE.T),
        initial=array(
            [1.0, 0.0],
            *([0.5, 0.4], [0.5, 0.6], [1.5, -0.5], [NAN, 1], [INF, 0], [[1.0, 0.0]]),
            *([], np.array(1.0), [1 + 2e-6, 0], [1 - 2e-6, 0], [1 + 5e-7, -5e-7]),
            taken=[[0.5, 0.5], [1 + 9e-7, 0], [0.4, 0.6 - 9e-7]],
        ),
        transition=array(
            [[[0.25, 0.75], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]],
            *([[[0.25, 0.75], row], [[0, 0], [0, 0]]] for row in ([1.5, -0.5], [0, 0])),
            [[[0.25, 0.75], [1, 0]], [[0.5, 0.4], [0, 0]]],
            *map(np.zeros, [(3, 2, 3), (2, 2), (2, 0, 2), (2, 2, 3), (3, 2, 2)]),
            *(np.ones((2, 2, 2)) / 3, np.full((2, 2, 2), NAN)),
            taken=[[[[0, 1], [1, 0]], [[0.5, 0.5], [0, 0]]]],
        ),
        reward=array(np.ones((2, 2, 2)), np.ones((2, 3, 2)), INF * np.ones((2, 2, 2))),
        terminal=array(
            *([False, True], [True, True], [0], [[0, 1]], [0, 2], [0, NAN], [0, -1]),
            taken=[[0, 1], [0.0, 1.0]],
        ),
        horizon=count(3, most=100_000, taken=[100_000]),
        observations=optional(
            array(
                *([[1.0], [2.0]], [1.0, 2.0], [-1, 2], [1, 2, 3], [True, False]),
                *([[1.0]], [[], []], [[1], [NAN]], [[1]] * 3),
                taken=[[1, 0]],
            )
        ),
    ),
    *rows(
        *(pg, "corridor grid_world two_armed_bandit random_mdp hill"),
        Wrong("rows * columns", rows=1, columns=1),
        Wrong("rows * columns", rows=1025, columns=2),
        Wrong("reward_means + noise", reward_means=(1e308, 1), noise=1e308),
        length=count(5, least=3, most=2896),
        reward_means=array((0.4, 0.6), (1, 2, 3), [[1, 2]], (NAN, 1)),
        noise=array(0.1, NAN, INF, [1, 2], [1], taken=[0, -1, np.array(0.5)]),
        num_states=count(3, least=2, most=2896),
    ),
    Row(
        pg.tokens,
        vocabulary=Arg(
            ["a", "b", "."],
            taken=[("a", 3, None)],
            kind=[None, "ab.", 3, {"a", "b"}],
            value=[[], ["a"], ["a", "a", "."]],
        ),
        max_length=count(3, most=100_000, value=[40, 100_000]),
        reward=Arg(
            lambda prompt, text: len(text),
            taken=[lambda *_: True],
            kind=[None, 3, lambda *_: "much", lambda *_: None],
            value=[lambda *_: NAN, lambda *_: [1.0, 2.0]],
        ),
        prompts=Arg(
            ["x", "y"],
            taken=[{"x": 0.4, "y": 0.6}, (1, 1)],
            kind=[None, "xy", 3, {"x", "y"}, {"x": None}],
            value=[[], {}, {"x": 0.4, "y": 0.4}, {"x": NAN}, {"x": [1.0]}],
        ),
    ),
    Row(pg.clinic.standard_policy, mdp=a_world(WORLD)),
]


POLICIES = [
    *rows(
        *(pg, "MLPPolicy TabularPolicy GaussianPolicy"),
        initial_std=positive(0.5, taken=[1e-30, 1e30], value=[1e300, 1e-300]),
    ),
    *(
        Row(policy(3, 2).forward)
        for policy in (pg.MLPPolicy, pg.TabularPolicy, pg.GaussianPolicy)
    ),
    Row(
        pg.policy_for,
        *(
            Wrong("observation space", env=Spaced(seen, TWO))
            for seen in (CUBE, PAIR, spaces.Dict(a=LINE))
        ),
        Wrong("action space", env=Spaced(LINE, CUBE)),
        Wrong("action space", env=Spaced(TWO, PAIR)),
        env=Arg(
            Spaced(LINE, TWO),
            taken=[WORLD, Spaced(LINE, LINE), Spaced(TWO, TWO)],
            kind=[None, "CartPole-v1", gymnasium.Env],
            value=[gymnasium.Env(), Spaced(None, TWO), Spaced(LINE, None)],
        ),
    ),
]

EXACT = [
    *rows(
        *(exact, "trajectories objective gradient expectation"),
        mdp=a_world(WORLD, LONG),
        function=Arg(
            lambda listed: listed.rewards,
            taken=[lambda listed: [1.0] * K, lambda listed: listed.states],
            kind=[None, 3, dict, lambda listed: "a", lambda listed: listed],
            value=[
                lambda listed: {}["broken"],
                *(lambda _, v=v: v for v in (1.0, torch.ones(3), [NAN] * K)),
            ],
            infinite=[lambda listed: torch.full((K,), INF)],
        ),
    ),
    *rows(
        exact, "count_trajectories can_be_listed optimal_objective", mdp=a_world(LONG)
    ),
    *rows(exact, "objective objective_by_dp gradient gradient_by_dp"),
    *rows(exact, "state_values action_values"),
    Row(exact.visits, mdp=a_world(WORLD)),
    *rows(
        *(exact, "score_table log_prob"),
        mdp=a_world(WORLD),
        trajectories=Arg(
            LISTED,
            kind=[
                *(None, WORLD, replace(LISTED, states=LISTED.states.double())),
                *(replace(LISTED, actions=None), replace(LISTED, mask=LISTED.states)),
                replace(LISTED, actions=LISTED.actions.int()),
            ],
            value=FLAWED,
        ),
    ),
    *rows(
        *(exact, "gradient gradient_by_dp score_table estimator_mean"),
        mdp=a_world(WORLD),
        policy=a_policy(TABLE, FROZEN, DETACHED, kind=[lambda seen: FLAT]),
        values=Arg(
            None,
            taken=[torch.ones(3), torch.ones(3, 3), torch.ones(3).int()],
            kind=[0.0, [0.0] * 3, np.zeros(3), torch.ones(3) * 1j],
            value=[*map(torch.ones, (2, (2, 3), (1, 3)))],
            infinite=[torch.full((3,), NAN), 1e300 * torch.ones(3, 3).double()],
        ),
        lam=fraction(0.9),
        discounted=Arg(True, [False], [None, 1, "yes"]),
    ),
    Row(
        exact.estimator_variance,
        policy=a_policy(TABLE, FROZEN, DETACHED, kind=[lambda seen: FLAT]),
        weights=Arg("total_return", ["rewards_to_go"], value=["gae", None, 1]),
    ),
]

SUM = Wrong("rewards", pg.NotFiniteError, rewards=LARGE, gamma=1)
RETURNS = [
    *rows(pg, "total_return rewards_to_go", SUM),
    Row(
        pg.gae,
        Wrong("rewards", pg.NotFiniteError, rewards=LARGE, lam=1, gamma=1),
        rewards=Arg(ONES, (), [None, ONES.numpy(), ONES * 1j], NO_WEIGHTS, [ONE_NAN]),
        values=Arg(ONES, (), [None, 1.0, ONES * 1j], [ONES[0], ONES[:0]], [ONE_NAN]),
        lam=fraction(0.9),
        final_values=Arg(
            None,
            taken=[torch.ones(2)],
            kind=[1.0, np.ones(2)],
            value=[torch.ones(3), ONES],
            infinite=[torch.tensor([1.0, NAN])],
        ),
    ),
    Row(
        pg.subtract_batch_mean,
        weights=Arg(
            torch.ones(2),
            taken=[ONES],
            kind=[None, [1.0, 2.0], np.ones(2), torch.ones(2).int(), ONES * 1j],
            value=NO_WEIGHTS,
            infinite=[ONE_NAN, torch.tensor([1.0, -INF]), LARGE, LARGE[:, 0]],
        ),
    ),
    Row(
        pg.pseudo_loss,
        Wrong("log_probs", pg.NotFiniteError, log_probs=-INF * ONES, weights=ZEROS),
        Wrong("weights * log_probs", pg.NotFiniteError, log_probs=LARGE, weights=LARGE),
        log_probs=Arg(
            -ONES,
            kind=[None, [[1.0]], ONES.numpy(), ONES.long(), ONES * 1j],
            value=[ONES[0], ONES[None], ONES[:0], ONES[:, :0]],
            infinite=[ONE_NAN, INF * ONES],
        ),
        weights=Arg(
            ONES,
            taken=[torch.ones(2), torch.ones(2).int()],
            kind=[None, 1.0, np.ones(2), ONES * 1j],
            value=NO_WEIGHTS,
            infinite=[ONE_NAN, torch.tensor([1.0, -INF])],
        ),
        mask=Arg(TRUE, (), NO_MASK, [TRUE[:, :2], TRUE[0], TRUE & ~TRUE]),
    ),
]


ANSI = Wrong("render_mode", render_mode="ansi")
ONE_SEED = Arg(0, [None, 2**40], ["0", 0.5, True, [1, 2]], [-1])
SEVERAL = pg.TabularVectorEnv(WORLD, 2)
NO_IDS = ["", "NoSuchWorld-v0", "nomodule:Foo-v0", "no id at all"]
ENVS = ("env", "envs")
ENVIRONMENTS = [
    Row(
        pg.TabularEnv,
        mdp=a_world(WORLD, ENDED),
        render_mode=Arg(None, ["ansi"], value=["human", "", 3]),
    ),
    *rows(pg, "TabularVectorEnv CartPoleVectorEnv", ANSI, mdp=a_world(WORLD, ENDED)),
    Row(pg.TabularEnv(WORLD).reset, seed=ONE_SEED),
    Row(SEVERAL.reset, seed=ONE_SEED),
    Row(
        pg.CartPoleVectorEnv(2).reset,
        seed=ONE_SEED,
        options=Arg(None, kind=[3, "low", [0.1]]),
    ),
    *rows(
        *(pg, "sample_trajectory sample_trajectories"),
        Wrong("env", max_steps=2),
        *(Wrong("observation space", **{name: Spaced(PAIR, TWO)}) for name in ENVS),
        *(Wrong("action space", **{name: Spaced(LINE, PAIR)}) for name in ENVS),
        Wrong("mdp", envs=ENDED),
        Wrong("policy", envs=WORLD, policy=MISFITS[0]),
        Wrong("policy", TypeError, envs=WORLD, policy=lambda seen: seen),
        Wrong("policy", pg.NotFiniteError, envs=WORLD, policy=NOT_A_NUMBER),
        Wrong("policy", envs=REACHER),
        Wrong("policy", envs=REACHER, policy=Constant(Normal(0, 1))),
        env=Arg(WALKER, kind=[None, "CartPole-v1", WORLD, SEVERAL]),
        envs=Arg(WALKER, (), [None, CountingEnv, lambda: 0], NO_IDS, named="env"),
        policy=a_policy(pg.MLPPolicy(2, 2), *UNFIT_FOR_TWO),
        num_trajectories=count(2, most=1_000_000),
        seed=ONE_SEED,
    ),
]

A_MODULE = Arg(
    TABLE, (), [None, "table", pg.TabularPolicy, lambda seen: FLAT], [FROZEN]
)
AN_ENV = Arg(WORLD, kind=[None, CountingEnv], value=NO_IDS)
AT_ONCE = [  # before the first update is asked for
    Wrong("loss", loss=plain, config=replace(SETTINGS, baseline="batch_mean")),
    Wrong("loss", loss=plain, config=replace(SETTINGS, weights="rewards_to_go")),
    Wrong("checkpoint_every", TypeError, checkpoint="run.pt", checkpoint_every=1.0),
    Wrong("checkpoint_every", checkpoint="run.pt", checkpoint_every=0),
]
IN_TIME = [
    Wrong("observations", policy=pg.TabularPolicy(4, 2)),
    Wrong("policy", policy=pg.TabularPolicy(3, 4)),
    Wrong("env", config=replace(SETTINGS, max_steps=1)),
    Wrong("mdp", env=ENDED),
]


@functools.wraps(pg.iterate_training)
def first_update(**given):
    return next(pg.iterate_training(**given))


@functools.wraps(pg.load_checkpoint)
def loaded(path, policy):
    """Load a checkpoint that was written just now."""
    pg.train(WORLD, pg.TabularPolicy(3, 2), SETTINGS, False, checkpoint="run.pt")
    return pg.load_checkpoint(path, policy)


def adam_step(loss):
    """A step on a loss; a function makes one with a new graph."""
    return ascent.Adam([OWN], 0.1).step(loss() if callable(loss) else loss)


LEARNING = [
    Row(
        pg.TrainConfig,
        Wrong("num_trajectories", num_trajectories=1, baseline="batch_mean"),
        weights=Arg("total_return", ["rewards_to_go"], value=["x", None, 3, []]),
        baseline=Arg(None, ["batch_mean"], value=["mean", 3, np.ones(2)]),
        max_steps=count(5),
        max_gradient_norm=optional(positive(1)),
    ),
    Row(
        pg.from_gymnasium,
        Wrong("env", TypeError, env=pg.hill()),
        Wrong("horizon", env="CliffWalking-v1", horizon=None),
        env=Arg("FrozenLake-v1", kind=[None, 3], value=["NoSuchWorld-v0"]),
        horizon=optional(count(3)),
    ),
    Row(
        pg.MaskInObservation,
        Wrong("action space", env=Spaced(TWO, LINE)),
        Wrong("observation space", env=Spaced(spaces.Sequence(TWO), TWO)),
        env=Arg(WALKER),
    ),
    Row(
        pg.MaskedPolicy,
        policy=Arg(TABLE, kind=[None, "greedy", pg.TabularPolicy]),
    ),
    Row(pg.iterate_training, *AT_ONCE, policy=A_MODULE, env=Arg(WORLD)),
    Row(first_update, *IN_TIME, policy=A_MODULE, env=AN_ENV),
    Row(pg.train, *AT_ONCE, *IN_TIME, policy=A_MODULE, env=AN_ENV),
    Row(
        loaded,
        Wrong("checkpoint", policy=pg.TabularPolicy(3, 3)),
        path=Arg("run.pt", (), [None, 3, ""], ["missing.pt"], named="checkpoint"),
        policy=Arg(pg.TabularPolicy(3, 2), kind=[None, "table", pg.TabularPolicy]),
    ),
    Row(
        ascent.Adam,
        Wrong("policy", parameters=[]),
        Wrong("policy", parameters=[STILL]),
        parameters=Arg([OWN, STILL], (), [None, 3, [3.0], [ONES * 1j]], [[2 * OWN]]),
    ),
    Row(
        adam_step,
        loss=Arg(
            lambda: 0 * OWN.sum(),
            kind=[None, 1.0, torch.tensor(1j)],
            value=[OWN * 2, torch.tensor(1.0), TABLE.logits.sum()],
        ),
    ),
    Row(
        pg.clinic.check,
        loss=Arg(plain, kind=[None, *NO_LOSS]),
        up_to_scale=Arg(False, [True], [None, 1, "yes"]),
        tolerance=Arg(1.0, kind=NO_NUMBER[1:], value=[-1e-9, 1 + 1e-9, NAN]),
    ),
    *rows(
        *(pg.clinic, "examine batch from_backward"),
        Wrong("gradient of J", loss=plain, mdp=pg.two_armed_bandit((0, 0))),
        Wrong("worlds", mdp=None, worlds=1),
        Wrong("reference", target=pg.clinic.kl_regularised(1, pg.TabularPolicy(3, 4))),
        *[
            Wrong("groups", error, num_trajectories=None, groups=wrong)
            for error, several in (
                (TypeError, [3, (2,), (2, 2.0), "ab"]),
                (ValueError, [(0, 2), (40, 40)]),
            )
            for wrong in several
        ],
        loss=Arg(plain, kind=[None, *NO_LOSS]),
        run=Arg(plain, kind=[None, *NO_LOSS], named="loss"),
        mdp=Arg(WORLD, (), ["corridor", pg.TabularMDP], [ENDED], [HUGE]),
        policy=Arg(
            TABLE,
            kind=["greedy", lambda seen: FLAT, pg.GaussianPolicy(3, 2)],
            value=[FROZEN, *MISFITS, *MORE_THAN_SEEN],
            infinite=[NOT_A_NUMBER],
        ),
        num_trajectories=Arg(1, (), NO_INTEGER[1:], [0, 1001]),
        tolerance=Arg(None, [0, 1], NO_NUMBER[1:], [-1e-9, 1 + 1e-9, NAN]),
        parameters=Arg(
            None, [[TABLE.logits]], [3, TABLE.logits], [[], [1.0], [torch.ones(3, 2)]]
        ),
        worlds=Arg(None, (), NO_INTEGER[1:], [0, 1001]),
        advantages=Arg("total", ["rtg", "gae", "group"], value=["sum", None, 3]),
        target=Arg(
            None,
            taken=[torch.ones(6), exact.objective, pg.clinic.kl_regularised(1, TABLE)],
            kind=[1.0, [1.0] * 6, torch.ones(6) * 1j, lambda *given: 1.0],
            value=[
                *(torch.ones(3), torch.full((6,), NAN), torch.zeros(6)),
                *(lambda: 1, lambda *given: ONES, pg.clinic.surrogate),
            ],
        ),
        groups=Arg(None, value=[(1, 1)]),
        behaviour=Arg(None, kind=["greedy"], value=[TABLE]),
        reference=Arg(
            None,
            taken=[TABLE, FROZEN],
            kind=["greedy", pg.GaussianPolicy(3, 2)],
            value=[*MISFITS, *MORE_THAN_SEEN],
        ),
        form=Arg("padded", ["sequence"], value=["rows", None, 3]),
        seed=Arg(0, [2**63 - 1], NO_INTEGER, [-1, 2**63]),
    ),
    *rows(
        *(pg.clinic, "ppo_clip dual_clip cispo gspo"),
        eps=positive(0.2),
        eps_high=optional(positive(0.3)),
        c=positive(3, value=[1]),
    ),
    *rows(
        *(pg.clinic, "entropy_regularised kl_regularised"),
        beta=positive(0.1),
        reference=Arg(None, [TABLE], kind=["greedy", 3]),
    ),
]
MATHEMATICS = [*WORLDS, *POLICIES, *EXACT, *RETURNS, *ENVIRONMENTS, *LEARNING]


# The course
experiments = rooms()
CROWD = torch.full((2, 3, 2), 0.5, dtype=torch.float64)
PLAYED = crowds.play(HILL, CROWD, 4, np.random.default_rng(0))
PI = array(CROWD, np.ones((3, 2)), np.ones((1, 2, 2)), np.full((1, 3, 2), NAN))
NEAR_FAR = array(1.0, INF, named="near, far")
FIGURES = [
    *rows(plots, "curve spread_band", x=Arg(ROW, (), NO_ARRAY[1:], [[[0.5]]])),
    *rows(
        *(plots, "fill_band reference_line paired_bars"),
        label=Arg("a"),
        labels=Arg(ABC[:2], (), NO_TEXTS, [["a"], ABC]),
    ),
    *rows(
        *(pictures, "draw_corridor draw_grid draw_cartpole draw_cartpole_policy"),
        length=whole(5, 0),
        position=index(4),
        path=Arg([0, 5], [[]], [None, "01", [0.5]], [[-1], [0, 6]]),
    ),
]
EXPERIMENTS = [
    *rows(experiments[1], "line_path squared_errors lever_path probabilities"),
    *rows(experiments[4], "exact_gradient handed_over"),
    *rows(
        *(experiments[8], "follow"),
        start=Arg(0.1, (), NO_NUMBER, [0, 1, 1.5, NAN]),
        num_updates=whole(3, 0, 100_001),
    ),
    *rows(
        *(crowds, "two_goals objectives along play at_steps"),
        near=NEAR_FAR,
        far=NEAR_FAR,
        probabilities=PI,
        num_episodes=count(2),
        generator=Arg(np.random.default_rng(0)),
        played=Arg(PLAYED),
        table=Arg(CROWD, value=[CROWD[:1], CROWD[0, 0]]),
    ),
    *rows(experiments[10], "effective_of_epsilon schedule", start=fraction(0.5)),
    *rows(experiments[11], "doors loan"),
]

ENDS = dict(
    minimum=Arg(1, (), NO_NUMBER, [NAN, INF, -1e101]),
    maximum=Arg(10, (), NO_NUMBER, [NAN, INF, -1e101]),
    value=Arg(None, [1, 10], NO_NUMBER[1:], [0.5, 11, NAN]),
)
NO_LISTS = [None, 7, "ab", b"ab", np.array(7), np.ones(2), torch.ones(2)]
FRAMES = [Figure(figsize=(width, 1)) for width in (1, 1, 2)]
CONTROLS = {"height": course.Slider(0, 1, 0.5), "framed": course.Toggle()}
NO_CONTROLS = [None, 3, {"height": 1}, {"height": course.Slider}]
QUESTIONS = [asked for contents in all_contents() for asked in contents.predictions]
CHOICE = next(asked for asked in QUESTIONS if isinstance(asked, Question))
GUESS = next(asked for asked in QUESTIONS if isinstance(asked, Estimate))


@cache
def explorer():
    words = dict(alt=lambda **p: "A bar.", sentence=lambda **p: "It is.")
    return course.Explorer(lambda figure, **p: None, CONTROLS, **words)


@cache
def dashboard():
    return course.TrainingDashboard(CORRIDOR, SETTINGS)


STAGE = [
    *rows(
        *(course, "watch strip animate"),
        Wrong("figure", TypeError, frames=[1, 2]),
        frames=Arg(FRAMES[:2], kind=NO_LISTS, value=[[], FRAMES[:1], FRAMES[1:]]),
    ),
    *rows(
        *(course, "show Picture"),
        figure=Arg(Figure((1, 1)), kind=[None, [1, 2]]),
        png=Arg(png_of(Figure((1, 1))), kind=[None, ["a.png"]], value=[b"", b"GIF89a"]),
    ),
    Row(
        course.Slider,
        Wrong("Slider", minimum=10),
        *(Wrong("Slider", step=step) for step in (0, 0.7, 1e-9)),
        step=Arg(0.5, (), NO_NUMBER, [NAN]),
        **ENDS,
    ),
    Row(
        course.LogSlider,
        *(Wrong("LogSlider", minimum=low) for low in (0, 10, 11, 0.9)),
        Wrong("LogSlider", per_decade=11),
        per_decade=Arg(5, [1, 10], NO_NUMBER),
        **ENDS,
    ),
    Row(
        course.Choice,
        *(Wrong("Choice", options=few) for few in ([], [1], [1, "1"])),
        options=Arg([1, 2], kind=[None, "ab", [1, [2]], {1, 2}]),
        value=Arg(None, [2], value=[3, [1]]),
    ),
    Row(course.Toggle, value=Arg(True, kind=[None, 1, "on"])),
    Row(
        course.Explorer,
        draw=Arg(lambda figure, **p: None, kind=[None, "bar"]),
        controls=Arg(CONTROLS, (), NO_CONTROLS, [{}]),
        alt=Arg(lambda **p: "A bar.", (), [None, "A bar."], [lambda **p: ""]),
        sentence=Arg(lambda **p: "It is.", (), [None, "It is."]),
        figsize=Arg((2, 1), (), [None, 3, (1, 2, 3), ("a", 1)], [(0, 1), (41, 1)]),
    ),
    Row(
        lambda **parameters: explorer().set(**parameters),
        Wrong("set", TypeError, h=1),
        height=Arg(0.5, [0, 1], ["half"], [2], named="value"),
        framed=Arg(False, kind=[1], named="value"),
    ),
    Row(course.TrainingDashboard, config=Arg(SETTINGS, kind=[{"seed": 0}, 3])),
    Row(
        lambda num_updates: dashboard().run(num_updates),
        num_updates=Arg(0, (), NO_INTEGER[1:], [-1]),
    ),
    Row(
        lambda **settings: dashboard().set(**settings),
        Wrong("set", TypeError, N=10),
        gamma=Arg(0.95, value=[0.123], named="value"),
    ),
    Row(SteeredRun),
    Row(
        course.predict, name=Arg(CHOICE.name, [GUESS.name], value=[None, "who", 3, []])
    ),
    Row(
        course.resolve,
        *(Wrong(CHOICE.name, result=wrong) for wrong in ("Z", 0, None)),
        *(Wrong(GUESS.name, name=GUESS.name, result=far) for far in (1e9, NAN)),
        Wrong(GUESS.name, TypeError, name=GUESS.name, result="A"),
        name=Arg(CHOICE.name, value=[None, "who", 3, []]),
        result=Arg(CHOICE.right),
    ),
    Row(course.self_test, number=Arg(7, value=[None, -1, 99, 7.0, "7"])),
    Row(
        course.with_bar,
        iterable=Arg(range(3), [iter("")], [None, 3]),
        total=Arg(3, [0, None], [1.5, "3"], [-1]),
    ),
    Row(progress.answers, kind=Arg("exercises", value=[None, "x", 3])),
    Row(
        partial(Estimate, "a", "b", course.Slider(0, 16, 1), "c"),
        holds=Arg((0, 16), value=[(-1, 5), (5, 17), (8, 8), (9, 8)], named="a"),
        unit=Arg(""),
        digits=Arg(0),
    ),
]


TABLE_OF_ALL = [*MATHEMATICS, *FIGURES, *EXPERIMENTS, *STAGE]

pytestmark = pytest.mark.usefixtures("without_examination", "_elsewhere")


@pytest.fixture
def _elsewhere(tmp_path, monkeypatch):
    """Files are written into a folder of the test, and answers are kept there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))


def contents(value: Any) -> Any:
    """All numbers and words in an argument, to be compared with what they were."""
    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    elif is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, Mapping):
        return {key: contents(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [contents(part) for part in value]
    if isinstance(value, torch.Tensor):
        value = value.detach().to_dense().numpy()
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    return None if isinstance(value, Figure) else repr(value)


@pytest.mark.parametrize("row", TABLE_OF_ALL, ids=str)
def test_what_is_right_is_taken(row):
    good = row.good()
    row.function(**good)
    for name, argument in row.arguments.items():
        for value in argument.taken:
            row.function(**good | {name: value})


@pytest.mark.parametrize("row", TABLE_OF_ALL, ids=str)
def test_what_is_wrong_is_refused_by_name_and_left_alone(row):
    good = row.good()
    for wrong in row.refusals:
        given = good | wrong.changes
        before = contents(given)
        try:
            row.function(**given)
            error = None
        except Exception as caught:
            error = caught
        case = f"{row}, {wrong.changes}: {error!r}"
        assert type(error) is wrong.error, case
        begins = rf"{re.escape(wrong.begins)}[: \[].*expected "
        is_right = str(error) == wrong.begins or re.match(begins, str(error), re.DOTALL)
        assert is_right, case
        came = wrong.changes.get(wrong.begins)
        if isinstance(came, str | int | float) and ", got " in str(error):
            assert repr(came)[:300] in str(error), case
        assert contents(given) == before, case


# They hold what the package gives: nobody is meant to fill them in.
RECORDS = "AllTrajectories Diagnosis History Trajectories Update".split()
ERRORS = "NotFiniteError TrainingStoppedError".split()


@pytest.mark.parametrize("package", [pg, exact, pg.clinic])
def test_every_public_function_is_in_the_table(package):
    in_table = {inspect.unwrap(row.function) for row in TABLE_OF_ALL}
    for name in package.__all__:
        thing = getattr(package, name)
        if callable(thing) and name not in RECORDS + ERRORS:
            assert thing in in_table or not inspect.signature(thing).parameters, name


def test_a_number_in_an_array_is_a_number_and_a_huge_one_is_infinite():
    assert arguments.check_number("x", np.array(2.5)) == 2.5
    assert [arguments.as_float(x) for x in (10**400, -(10**400), 3)] == [INF, -INF, 3]
