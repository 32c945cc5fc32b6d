"""The package's own environments, told nonsense and asked in any order."""

import gymnasium
import numpy as np
from hostile import judged
from hypothesis import given
from hypothesis import strategies as st
from judge import covers
from nonsense import THINGS, right_or_not, thing
from worlds import sparse_world

import pg_helpers as pg
from pg_helpers.cartpole import in_arrays
from pg_helpers.spaces import VectorOfOne, as_vector_env

WORLDS = {
    "corridor": pg.corridor(length=3, horizon=4),
    "random": pg.random_mdp(3, 2, 3, seed=1),
    "sparse": sparse_world(),
    "starts ended": sparse_world(start_ended=True),
}
NAMES = ("mdp", "num_envs", "render_mode", "max_episode_steps", "env")
SEEDS = st.sampled_from(
    [thing(w) for w in ("None", "0", "np.int64(7)", "2**31", "2**200", "-1", "[1, 2]")]
)
OPTIONS = st.sampled_from(
    [
        thing(w)
        for w in (
            "None", "{}", "{'low': -0.1, 'high': 0.1}", "{'state': 1}",
            "{'reset_mask': np.array([True])}",
        )
    ]
)  # fmt: skip
ACTIONS = st.sampled_from([thing(w) for w in ("0", "1", "np.int64(1)", "np.uint8(0)")])
MANY = st.sampled_from(
    [
        thing(w)
        for w in (
            "np.array([0, 1])", "[1, 1]", "np.array([0, 1], 'u1')", "np.array([1])",
            "np.array([0, 2])", "np.array([0, -1])", "np.array([True, False])",
            "torch.tensor([0, 1])", "np.array([0.0, 1.0])", "np.array([0, 2**63])",
        )
    ]
)  # fmt: skip
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("reset"), right_or_not(SEEDS), right_or_not(OPTIONS)),
        st.tuples(st.just("step"), right_or_not(ACTIONS), right_or_not(MANY)),
        st.tuples(st.just("step"), ACTIONS, MANY),
        st.tuples(st.sampled_from(["render", "close", "states"]), THINGS, THINGS),
    ),
    max_size=8,
)
DONE = ("step", "action", "actions", "seed", "options", "states", "reset")


@covers(pg.TabularEnv)
@given(
    world=right_or_not(st.sampled_from([*WORLDS])),
    render_mode=st.sampled_from([thing(w) for w in ("None", "'ansi'", "'human'", "1")]),
    deeds=DEEDS,
)
def test_one_agent(world, render_mode, deeds):
    mdp = WORLDS.get(world(), world()) if isinstance(world(), str) else world()
    env = judged(lambda: pg.TabularEnv(mdp, render_mode()), NAMES)
    if env is None:
        fits = any(mdp is WORLDS[name] for name in ("corridor", "random", "sparse"))
        assert not fits or render_mode.words not in ("None", "'ansi'")
        return
    state = time = over = None
    for deed, first, second in deeds:
        if deed == "reset":
            found = judged(
                lambda a=first, b=second: env.reset(seed=a(), options=b()), DONE
            )
            if found is not None:
                state, time, over = found[1]["state"], 0, False
                assert mdp.initial[state] > 0
        elif deed == "step":
            found = judged(lambda a=first: env.step(a()), DONE)
            if found is None:
                continue
            assert over is False
            seen, reward, terminated, truncated, info = found
            before, state, time = state, info["state"], time + 1
            action = int(first())
            assert mdp.transition[before, action, state] > 0
            assert reward == mdp.reward[before, action, state]
            assert np.array_equal(seen, mdp.observations[state])
            assert terminated == mdp.terminal[state]
            assert truncated == (time >= mdp.horizon and not terminated)
            over = terminated or truncated
        elif deed == "render":
            line = judged(env.render, DONE)
            assert (line is not None) == (render_mode() == "ansi")
        elif deed == "close":
            env.close()


def shape_is(found, number):
    seen, rewards, terminated, truncated, _ = found
    for array in (seen, rewards, terminated, truncated):
        assert len(array) == number
    assert rewards.shape == terminated.shape == truncated.shape
    assert terminated.dtype == truncated.dtype == bool


@covers(pg.TabularVectorEnv)
@given(
    world=right_or_not(st.sampled_from([*WORLDS])),
    number=right_or_not(st.sampled_from([1, 2, np.int64(2), 2**40])),
    deeds=DEEDS,
)
def test_many_agents(world, number, deeds):
    mdp = WORLDS.get(world(), world()) if isinstance(world(), str) else world()
    envs = judged(lambda: pg.TabularVectorEnv(mdp, number()), NAMES)
    states = None
    for deed, first, second in deeds if envs is not None else ():
        if deed == "reset":
            found = judged(
                lambda a=first, b=second: envs.reset(seed=a(), options=b()), DONE
            )
            states = states if found is None else found[1]["state"]
        elif deed == "step":
            found = judged(lambda b=second: envs.step(b()), DONE)
            if found is None:
                continue
            shape_is(found, number())
            after, over = found[4]["state"], mdp.terminal[states]
            chosen = np.asarray(second())
            for agent in np.flatnonzero(~over & (envs._times > 0)):
                way = states[agent], chosen[agent], after[agent]
                assert mdp.transition[way] > 0
                assert found[1][agent] == mdp.reward[way]
            states = after
        elif deed == "states":
            found = judged(lambda: envs.states, DONE)
            assert (found is None) == (states is None)


@covers(pg.CartPoleVectorEnv)
@given(
    number=right_or_not(st.sampled_from([1, 2, np.int64(2), 2**40])),
    limit=right_or_not(st.sampled_from([1, 3, 500])),
    deeds=DEEDS,
)
def test_cartpoles(number, limit, deeds):
    envs = judged(lambda: pg.CartPoleVectorEnv(number(), limit()), NAMES)
    begun = False
    for deed, first, second in deeds if envs is not None else ():
        if deed == "reset":
            found = judged(
                lambda a=first, b=second: envs.reset(seed=a(), options=b()), DONE
            )
            begun = begun or found is not None
        elif deed == "step":
            found = judged(lambda b=second: envs.step(b()), DONE)
            assert begun or found is None
            if found is not None:
                shape_is(found, number())


IDS = ("Corridor", "GridWorld", "TwoArmedBandit")


@given(
    name=st.sampled_from(IDS),
    vector=st.booleans(),
    arguments=st.dictionaries(
        st.sampled_from(["length", "horizon", "shape", "slip"]),
        THINGS,
        max_size=2,
    ),
)
def test_registered_ids(name, vector, arguments):
    made = {key: value() for key, value in arguments.items()}
    make = gymnasium.make_vec if vector else gymnasium.make
    names = (*made, *NAMES)

    def call():
        try:
            return make(f"pg_helpers/{name}-v0", **made)
        except TypeError as error:
            # gymnasium.make wraps what is raised while an environment is made.
            if "unexpected keyword" in str(error) or error.__cause__ is None:
                return None
            raise error.__cause__ from None

    env = judged(call, names)
    if env is not None:
        env.close()


@covers(as_vector_env, VectorOfOne, in_arrays)
@given(
    env=right_or_not(st.sampled_from(["CartPole-v1", "pg_helpers/Corridor-v0"])),
    number=right_or_not(st.sampled_from([1, 2])),
)
def test_a_vector_of_anything(env, number):
    def call():
        with as_vector_env(env(), number()) as envs:
            return (envs.num_envs,)

    found = judged(call, NAMES)
    assert found is None or found == (number(),)
