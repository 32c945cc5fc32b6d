"""Vector environments that lie: refused in words, or sampled as they were."""

from hostile import judged, left_alone, uniform
from hostile_vector import UNKNOWN, vectors
from hypothesis import given
from hypothesis import strategies as st
from test_fuzz_environments import NAMES, check_against

import pg_helpers as pg


@given(envs=vectors, number=st.integers(1, 7))
def test_sample_trajectories(envs, number):
    policy = uniform(envs)
    with left_alone():
        found = judged(
            lambda: vars(pg.sample_trajectories(envs, policy, number, max_steps=9)),
            NAMES,
        )
    named = envs.metadata.get("autoreset_mode")
    if found is not None:
        envs.rounds[-1] = envs.rounds[-1][: number - len(envs.episodes) + envs.num_envs]
        spaces = envs.single_observation_space, envs.single_action_space
        check_against(envs, pg.Trajectories(**found), *spaces)
    unknown = any(named is mode for mode in UNKNOWN)
    assert (found is not None) or envs.faults or unknown
    assert not (found is not None and unknown)


LIES = (None, 0, -1, 2.0, "2", 1, 7, 10**6, True)


@given(envs=vectors, number=st.integers(1, 5), lie=st.sampled_from(LIES))
def test_a_lie_about_the_number_of_agents(envs, number, lie):
    true = envs.num_envs
    shown = envs.reset()
    envs.num_envs, envs.reset, envs.faults = lie, lambda **_: shown, []
    found = judged(
        lambda: pg.sample_trajectories(envs, uniform(envs), number, max_steps=9), NAMES
    )
    assert found is None or (lie == true and lie is not True)
