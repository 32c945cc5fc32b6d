"""Checkpoints of any content: read rightly, or refused and left alone."""

import io
import tempfile
import zipfile
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge

import pg_helpers as pg
from pg_helpers.files import replace_file

WORLD = pg.two_armed_bandit()
CONFIG = pg.TrainConfig(num_updates=2, num_trajectories=2)
NAMES = ("path", "policy", "checkpoint", "checkpoint_every")
INNARDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def whole():
    """A checkpoint, by train."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        pg.train(WORLD, table(), CONFIG, progress=False, checkpoint=path)
        return path.read_bytes()


def table():
    return pg.TabularPolicy(WORLD.num_states, WORLD.num_actions)


WHOLE = whole()
WHOLE_PARTS = torch.load(io.BytesIO(WHOLE), weights_only=True)


def zipped(name, content):
    buffer = io.BytesIO(WHOLE)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


contents = st.one_of(
    st.just(WHOLE),
    st.binary(max_size=50),
    st.builds(saved, INNARDS),
    # One part is another thing.
    st.builds(
        lambda name, inner: saved({**WHOLE_PARTS, name: inner}),
        st.sampled_from(sorted(WHOLE_PARTS)),
        INNARDS,
    ),
    # So is one part of a part.
    st.builds(
        lambda name, part, inner: saved(
            {**WHOLE_PARTS, name: {**WHOLE_PARTS[name], part: inner}}
        ),
        st.sampled_from(["settings", "states", "optimizer"]),
        st.sampled_from(["policy", "loss", "mean", "num_steps", "seed", "new"]),
        INNARDS | st.builds(torch.zeros, st.lists(st.integers(0, 3), max_size=2)),
    ),
    st.integers(0, len(WHOLE)).map(lambda end: WHOLE[:end]),
    st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)).map(
        lambda at: WHOLE[: at[0]] + bytes([WHOLE[at[0]] ^ at[1]]) + WHOLE[at[0] + 1 :]
    ),
    st.builds(zipped, st.text("ab/.", min_size=1, max_size=6), st.binary(max_size=9)),
)


@covers(pg.load_checkpoint)
@given(content=contents)
def test_a_file_of_any_content(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        path.write_bytes(content)
        reader = table()
        before = [p.detach().clone() for p in reader.parameters()]
        found = judge(lambda: pg.load_checkpoint(path, reader), NAMES)
        if found is None:
            assert all(map(torch.equal, reader.parameters(), before))
        else:
            # Read by others' means; what is damaged, others cannot read at all.
            there = torch.load(path, weights_only=True)
            assert list(vars(found).values()) == there["history"].tolist()
            assert torch.equal(reader.logits, there["states"]["policy"]["logits"])
        other = table()
        judge(
            lambda: pg.train(WORLD, other, CONFIG, progress=False, checkpoint=path),
            NAMES,
        )
        assert path.read_bytes() == content


@covers(pg.load_checkpoint)
@given(
    path=INNARDS | st.just(b"run.pt") | st.just("\0") | st.just("x" * 300),
    every=INNARDS,
)
def test_a_path_of_any_kind(path, every):
    policy = table()
    judge(lambda: pg.load_checkpoint(path, policy), NAMES)
    if not isinstance(path, str) and path is not None:
        judge(lambda: pg.train(WORLD, policy, CONFIG, False, path, every), NAMES)


@covers(replace_file)
@given(first=st.binary(max_size=9), second=st.binary(max_size=9))
def test_a_file_is_what_was_written_last(first, second):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a" / "b"
        for content in (first, second):
            judge(lambda content=content: replace_file(path, content), ())
            assert path.read_bytes() == content
