"""Checkpoints of any content: read rightly, or refused and left as they are."""

import io
import tempfile
import zipfile
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import judge

import pg_helpers as pg

WORLD = pg.two_armed_bandit()
CONFIG = pg.TrainConfig(num_updates=2, num_trajectories=2)
NAMES = ("path", "policy", "checkpoint")
INNARDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def table():
    return pg.TabularPolicy(WORLD.num_states, WORLD.num_actions)


def trained():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        pg.train(WORLD, table(), CONFIG, progress=False, checkpoint=path)
        return path.read_bytes()


WHOLE = trained()
PARTS = torch.load(io.BytesIO(WHOLE), weights_only=True)


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def with_part(name, inner):
    return saved({**PARTS, name: inner})


def with_part_of_a_part(name, part, inner):
    return saved({**PARTS, name: {**PARTS[name], part: inner}})


def flipped(place, bit):
    return WHOLE[:place] + bytes([WHOLE[place] ^ 1 << bit]) + WHOLE[place + 1 :]


def with_file(name, content):
    buffer = io.BytesIO(WHOLE)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


contents = st.one_of(
    st.just(WHOLE),
    st.binary(max_size=50),
    INNARDS.map(saved),
    st.builds(with_part, st.sampled_from(sorted(PARTS)), INNARDS),
    st.builds(
        with_part_of_a_part,
        st.sampled_from(["settings", "states", "optimizer"]),
        st.sampled_from(["policy", "loss", "mean", "num_steps", "seed", "new"]),
        INNARDS | st.builds(torch.zeros, st.lists(st.integers(0, 3), max_size=2)),
    ),
    st.integers(0, len(WHOLE)).map(lambda end: WHOLE[:end]),
    st.builds(flipped, st.integers(0, len(WHOLE) - 1), st.integers(0, 7)),
    st.builds(with_file, st.text("ab/.", min_size=1, max_size=6), st.binary()),
)


@given(content=contents)
def test_a_file_of_any_content_is_read_rightly_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        path.write_bytes(content)
        reader = table()
        before = reader.logits.detach().clone()
        history = judge(lambda: pg.load_checkpoint(path, reader), NAMES)
        if history is None:
            assert torch.equal(reader.logits, before)
        else:  # by PyTorch alone the same is read
            there = torch.load(path, weights_only=True)
            assert list(vars(history).values()) == there["history"].tolist()
            assert torch.equal(reader.logits, there["states"]["policy"]["logits"])

        def resume():
            return pg.train(WORLD, table(), CONFIG, progress=False, checkpoint=path)

        judge(resume, NAMES)
        assert path.read_bytes() == content
