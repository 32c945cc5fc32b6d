import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge

import pg_helpers as pg

REWARDS = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.lists(st.lists(st.floats(width=32), max_size=3), max_size=3),
    st.lists(st.lists(st.floats(width=32), max_size=3), max_size=3).map(
        lambda rows: torch.tensor(rows) if len({*map(len, rows)}) == 1 else rows
    ),
)
GAMMAS = st.one_of(st.floats(), st.integers(-1, 2), st.none(), st.booleans())


@covers(pg.total_return)
@given(rewards=REWARDS, gamma=GAMMAS)
def test_total_return(rewards, gamma):
    found = judge(lambda: pg.total_return(rewards, gamma), ("rewards", "gamma"))
    if found is not None:
        rewards = np.asarray(rewards, dtype=float)
        expected = (rewards * float(gamma) ** np.arange(rewards.shape[-1])).sum(-1)
        assert found.numpy() == pytest.approx(expected, rel=1e-4, abs=1e-30)
