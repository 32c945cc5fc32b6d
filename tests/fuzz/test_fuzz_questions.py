"""Names, results and progress files that make no sense."""

import json
import os

import pytest
from hostile import judged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judge import covers
from nonsense import THINGS, right_or_not

import pg_course as course
from pg_course.asking import progress
from pg_course.asking.questions import Question
from pg_course.asking.rooms import all_contents

ASKED = [p for contents in all_contents() for p in contents.predictions]
LETTERS = {p.name: p.right for p in ASKED if isinstance(p, Question)}
RANGES = {p.name: p.holds for p in ASKED if not isinstance(p, Question)}
NAMES = ("name", "number", "kind", "result")

names = right_or_not(st.sampled_from([*LETTERS, *RANGES]))


@covers(course.predict)
@given(name=names)
def test_predict(name):
    asked = judged(lambda: course.predict(name()), NAMES)
    known = isinstance(name(), str) and name() in [*LETTERS, *RANGES]
    assert (asked is not None) == known


@covers(course.resolve)
@given(
    name=st.sampled_from([*LETTERS, *RANGES]),
    result=right_or_not(st.sampled_from(["A", "B", "C", "D", "a", 0.5, 3, 95, 1e9])),
)
def test_resolve(name, result):
    value = result()
    # The message names the prediction, the first word of whose name stands alone.
    found = judged(lambda: course.resolve(name, value), (*NAMES, name.split("-")[0]))
    if name in LETTERS:
        assert (found is not None) == (
            isinstance(value, str) and value == LETTERS[name]
        )
    elif found is not None:
        low, high = RANGES[name]
        assert low <= float(value) <= high


@covers(course.self_test)
@given(number=right_or_not(st.integers(-1, 14)))
def test_self_test(number):
    found = judged(lambda: course.self_test(number()), NAMES)
    assert found is None or number() in [contents.number for contents in all_contents()]


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=3)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=5,
)
KEPT = st.dictionaries(
    st.sampled_from([*progress.KINDS, "about"]),
    st.one_of(
        JSON,
        st.dictionaries(
            st.sampled_from([*LETTERS, *RANGES, "other"]), JSON, max_size=3
        ),
    ),
)
CONTENTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"\xff\xfe", b"{", b"[" * 100_000, b"9" * 10_000, b"\0" * 10**6, b"{}" * 10**6]
    ),
    JSON.map(lambda found: json.dumps(found).encode()),
    KEPT.map(lambda found: json.dumps(found).encode()),
    st.just("a folder"),
    st.just("a folder that is not there"),
    st.just("a folder below a file"),
    st.just("a pipe to nowhere"),
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    def put(contents):
        for old in tmp_path.iterdir():
            old.unlink() if old.is_file() or old.is_symlink() else old.rmdir()
        path = tmp_path / "progress.json"
        if isinstance(contents, bytes):
            path.write_bytes(contents)
        elif contents == "a folder":
            path.mkdir()
        elif contents == "a folder below a file":
            path.write_text("x")
            path = path / "below.json"
        elif contents == "a pipe to nowhere":
            path.symlink_to(path)
        monkeypatch.setenv(progress.VARIABLE, str(path))
        monkeypatch.setattr(progress, "_unwritten", {})
        monkeypatch.setattr(progress, "_said", set())
        return path

    return put


@covers(course.show_progress, course.forget_progress)
@settings(suppress_health_check=[*HealthCheck])
@given(contents=CONTENTS, answer=st.sampled_from(["A", "right", 3, 0.5]))
def test_a_progress_file_of_any_content(place, contents, answer):
    path = place(contents)
    readable = contents == "a folder that is not there"
    table = judged(lambda: course.show_progress()._repr_markdown_(), ())
    assert table.count("\n| [") == len(all_contents())
    for name in (next(iter(LETTERS)), next(iter(RANGES))):
        judged(lambda n=name: course.predict(n), ())
        judged(lambda n=name: progress.record("predictions", n, answer), ())
        # Kept in the file or, where that is not ours, as long as the kernel lasts.
        assert progress.answers("predictions")[name] == answer
    if isinstance(contents, bytes) and progress.trouble():
        assert path.read_bytes() == contents  # never overwritten
    if readable:
        assert json.loads(path.read_text())["predictions"]
    try:
        course.forget_progress()
    except OSError as error:
        assert contents in ("a folder", "a folder below a file"), error
    else:
        assert not os.path.lexists(path)
        assert progress.answers("predictions") == {}


def test_a_file_too_deep_to_read(place):
    path = place(b"[" * 100_000)
    assert "is damaged" in progress.trouble()
    assert path.stat().st_size == 100_000


@given(kind=THINGS)
def test_kinds(kind):
    judged(lambda: progress.answers(kind()), NAMES)
    judged(lambda: progress.record(kind(), "x"), NAMES)
