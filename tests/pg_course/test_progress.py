"""What is kept is there in another process; what cannot be kept is said, once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

import pg_course as course
from pg_course.asking import progress
from pg_course.nb04_the_log_derivative_trick import exercises


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A file that does not exist yet, in a folder that does not either."""
    place = tmp_path / "folder" / "progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(place))
    monkeypatch.setattr(progress, "_unwritten", {})
    monkeypatch.setattr(progress, "_said", set())
    return place


def in_another_process(expression: str, **environment: str) -> str:
    code = f"from pg_course.asking import progress; print({expression})"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def files_beside(place):
    """Without the lock, an empty file that stays."""
    return set(os.listdir(place.parent)) - {f"{place.name}.lock"}


def path_in_a_home(home, **more):
    """Where another process of the user with this home finds the file."""
    variables = {"HOME": str(home), "USERPROFILE": str(home), "XDG_DATA_HOME": ""}
    code = "import os; os.environ.pop(progress.VARIABLE, None); print(progress.path())"
    return Path(in_another_process(f"exec({code!r}) or ''", **variables | more))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is another folder")
def test_the_file_is_where_programs_keep_their_data_unless_another_is_named(tmp_path):
    project = Path("policy-gradients-by-experiment", "progress.json")
    assert path_in_a_home(tmp_path) == tmp_path / ".local" / "share" / project
    data = tmp_path / "data"
    assert path_in_a_home(tmp_path, XDG_DATA_HOME=str(data)) == data / project
    assert in_another_process("progress.path()", PG_HELPERS_PROGRESS="a/b") == "a/b"
    assert in_another_process("progress.path()", PG_HELPERS_PROGRESS="") == "None"


def test_a_file_where_earlier_versions_kept_it_is_moved(tmp_path):
    old = tmp_path / ".pg_helpers"
    old.mkdir()
    (old / "progress.json").write_text("kept")
    (old / "progress.json.lock").touch()
    place = path_in_a_home(tmp_path)
    assert place.read_text() == "kept" and not old.exists()
    # One that comes later, from an old version beside the new one, is left alone.
    old.mkdir()
    (old / "progress.json").write_text("old")
    assert path_in_a_home(tmp_path).read_text() == "kept"


@pytest.mark.skipif(os.name == "nt", reason="a file stands where a folder should")
def test_an_old_file_that_cannot_be_moved_is_used_where_it_is(tmp_path):
    old = tmp_path / ".pg_helpers" / "progress.json"
    old.parent.mkdir()
    old.write_text("kept")
    (tmp_path / ".local").touch()
    assert path_in_a_home(tmp_path) == old and old.read_text() == "kept"


def test_an_answer_is_read_by_another_process(place):
    assert progress.record("predictions", "a", "B") == ""
    assert progress.record("predictions", "b", 0.25) == ""
    assert progress.record("exercises", "c") == ""
    for kind, kept in {
        "predictions": "{'a': 'B', 'b': 0.25}",
        "exercises": "{'c': 'right'}",
        "questions": "{}",
    }.items():
        assert in_another_process(f"progress.answers({kind!r})") == kept


def test_the_file_is_plain_and_says_what_it_is(place):
    progress.record("questions", "a", "A")
    progress.record("questions", "a", "C")
    kept = json.loads(place.read_text(encoding="utf-8"))
    assert kept.pop("about").startswith("Progress through the notebooks")
    assert kept == {"exercises": {}, "predictions": {}, "questions": {"a": "C"}}
    assert files_beside(place) == {place.name}


KEEP = """
import sys
from pg_course.asking import progress
print(flush=True)
sys.stdin.readline()
for number in range(100):
    progress.record("questions", f"{sys.argv[1]}.{number}", "A")
"""


def test_kernels_that_keep_answers_at_once_lose_none(place):
    command = [sys.executable, "-c", KEEP]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    kernels = [subprocess.Popen([*command, name], **pipes) for name in "abc"]
    for kernel in kernels:
        kernel.stdout.readline()  # It has imported all that it needs.
    for kernel in kernels:
        kernel.stdin.write("now\n")
        kernel.stdin.flush()
    for kernel in kernels:
        kernel.communicate()
        assert kernel.returncode == 0
    assert set(progress.answers("questions")) == {
        f"{name}.{number}" for name in "abc" for number in range(100)
    }
    assert files_beside(place) == {place.name}


def test_beside_a_kernel_that_is_stopped_in_the_middle_answers_are_kept(
    place, monkeypatch
):
    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    place.parent.mkdir()
    with FileLock(f"{place}.lock"):
        assert progress.record("questions", "a", "A") == ""
    assert json.loads(place.read_text())["questions"] == {"a": "A"}


def test_to_forget_deletes_the_file(place):
    progress.record("questions", "a", "A")
    course.forget_progress()
    assert not place.exists()
    assert progress.answers("questions") == {}
    course.forget_progress()  # Nothing is left to forget.


def test_without_a_file_an_answer_lasts_as_long_as_the_kernel(place, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, "")
    assert progress.record("questions", "a", "A") == ""
    assert progress.answers("questions") == {"a": "A"}
    assert not place.exists()
    progress.forget()
    assert progress.answers("questions") == {}


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[1]",
        "\x00",
        '{"exercises": {}}',
        '{"exercises": 1, "predictions": {}, "questions": {}}',
        '{"exercises": {}, "predictions": {"a": [1]}, "questions": {}}',
    ],
)
def test_a_damaged_file_is_left_alone_and_said_so_once(place, damage):
    place.parent.mkdir()
    place.write_text(damage)
    said = progress.record("questions", "a", "A")
    assert "damaged" in said and str(place) in said
    assert progress.record("questions", "b", "B") == ""
    assert progress.answers("questions") == {"a": "A", "b": "B"}
    assert place.read_text() == damage
    assert progress.trouble() == said


def test_where_nothing_can_be_written_the_answers_last_and_it_is_said(place):
    place.parent.write_text("a file where the folder should be")
    said = progress.record("exercises", "a")
    assert said.startswith("Your answers cannot be kept in ")
    assert said.endswith("they last until the kernel stops.")
    assert progress.record("exercises", "b") == ""
    assert progress.answers("exercises") == {"a": "right", "b": "right"}


def test_a_disk_that_fails_while_the_file_is_replaced_loses_nothing(place, monkeypatch):
    progress.record("exercises", "a")
    before = place.read_bytes()

    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert "No space left on device" in progress.record("exercises", "b")
    assert place.read_bytes() == before
    assert files_beside(place) == {place.name}
    assert progress.answers("exercises") == {"a": "right", "b": "right"}


def test_another_kind_is_refused(place):
    for call in (progress.answers, lambda kind: progress.record(kind, "a")):
        with pytest.raises(ValueError, match="kind: expected one of .* got 'x'"):
            call("x")


def test_a_passed_check_is_kept_and_a_failed_one_is_not(place, capsys):
    check = exercises.score_estimate
    check(lambda rewards, scores: rewards @ scores)
    assert progress.answers("exercises") == {}
    check(lambda rewards, scores: rewards @ scores / len(rewards))
    assert progress.answers("exercises") == {"score_estimate": "right"}
    check(lambda rewards, scores: scores)  # Once right, it stays so.
    assert progress.answers("exercises") == {"score_estimate": "right"}
    assert "cannot be kept" not in capsys.readouterr().out


def test_a_check_says_in_words_that_its_result_cannot_be_kept(place, capsys):
    place.parent.write_text("a file where the folder should be")
    for _ in range(2):
        exercises.score_estimate(lambda rewards, scores: rewards @ scores / len(scores))
    assert capsys.readouterr().out.count("Your answers cannot be kept") == 1
