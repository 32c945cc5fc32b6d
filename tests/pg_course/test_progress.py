"""What is kept outlasts the kernel; what cannot be kept is said, once."""

import json
import os
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

import pg_course as course
from pg_course.asking import progress
from pg_course.asking.check import Check
from pg_course.asking.observers import Case

HALF = Check("half", lambda x: x / 2, [Case("x = 4", (4.0,))], [], "", "", "")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A file that does not exist yet, in a folder that does not either."""
    place = tmp_path / "folder" / "progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(place))
    monkeypatch.setattr(progress, "_unwritten", {})
    monkeypatch.setattr(progress, "_said", set())
    return place


def files_beside(place):
    """Without the lock, an empty file that stays."""
    return set(os.listdir(place.parent)) - {f"{place.name}.lock"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is another folder")
def test_the_file_is_where_programs_keep_their_data_unless_another_is_named(
    tmp_path, monkeypatch
):
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    file = Path("policy-gradients-by-experiment", "progress.json")
    assert progress.path() == tmp_path / file
    monkeypatch.setenv(progress.VARIABLE, "a/b")
    assert progress.path() == Path("a/b")
    monkeypatch.setenv(progress.VARIABLE, "")
    assert progress.path() is None


def test_a_file_of_an_earlier_version_is_moved_but_never_over_a_newer_one(
    tmp_path, monkeypatch
):
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    for variable in ("HOME", "USERPROFILE", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    for text in ("kept", "written later"):
        (tmp_path / ".pg_helpers").mkdir()
        (tmp_path / ".pg_helpers" / "progress.json").write_text(text)
        assert progress.path().read_text() == "kept"


def test_the_file_is_plain_holds_the_last_answers_and_says_what_it_is(place):
    assert progress.record("questions", "a", "A") == ""
    assert progress.record("questions", "a", "C") == ""
    assert progress.record("predictions", "b", 0.25) == ""
    assert progress.record("exercises", "c") == ""
    kept = json.loads(place.read_text(encoding="utf-8"))
    assert kept.pop("about").startswith("Progress through the notebooks")
    assert kept == {
        "exercises": {"c": "right"},
        "predictions": {"b": 0.25},
        "questions": {"a": "C"},
    }
    assert files_beside(place) == {place.name}
    # Nothing but the file is read: another kernel may have changed it.
    place.write_text(json.dumps({**kept, "questions": {"a": "B"}}))
    assert progress.answers("questions") == {"a": "B"}


def test_answers_that_are_kept_at_once_are_all_kept(place):
    # The lock holds between threads as it does between kernels.
    begin = threading.Barrier(3)

    def keep(name):
        begin.wait()
        for number in range(20):
            progress.record("questions", f"{name}{number}", "A")

    threads = [threading.Thread(target=keep, args=name) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {f"{name}{number}" for name in "abc" for number in range(20)}
    assert set(json.loads(place.read_text())["questions"]) == expected
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


@pytest.mark.parametrize("damage", ["{", "[1]", '{"exercises": {}}', "[" * 100_000])
def test_a_damaged_file_is_left_alone_and_said_so_once(place, damage):
    place.parent.mkdir()
    place.write_text(damage)
    said = progress.record("questions", "a", "A")
    assert "damaged" in said and str(place) in said
    assert progress.record("questions", "b", "B") == ""
    assert progress.answers("questions") == {"a": "A", "b": "B"}
    assert place.read_text() == damage
    assert progress.trouble() == said


def test_where_nothing_can_be_written_the_answers_last_and_a_check_says_so(
    place, capsys
):
    place.parent.write_text("a file where the folder should be")
    for _ in range(2):
        HALF(lambda x: x / 2)
    out = " ".join(capsys.readouterr().out.split())
    assert out.count("Your answers cannot be kept in ") == 1
    assert "they last until the kernel stops." in out
    assert progress.answers("exercises") == {"half": "right"}


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


def test_a_passed_check_is_kept_and_a_failed_one_changes_nothing(place):
    HALF(lambda x: x)
    assert progress.answers("exercises") == {}
    HALF(lambda x: x / 2)
    HALF(lambda x: x)
    assert progress.answers("exercises") == {"half": "right"}


def test_the_self_test_says_in_its_live_view_how_much_of_the_notebook_is_done(place):
    def last_line(number):
        return course.self_test(number).view.children[-1].value

    progress.record("exercises", "loss")
    progress.record("exercises", "of another notebook")
    assert "1 of 3 exercises done; next: 10 Exploration." in last_line(9)
    assert last_line(12).endswith(
        "0 of 3 exercises done; this is the last notebook.</p>"
    )
    assert "exercises done" not in course.self_test(9).text


def test_a_bar_is_shown_where_answers_are_kept_and_gone_at_the_end(
    place, monkeypatch, capsys
):
    assert list(course.with_bar(iter("ab"), total=2)) == ["a", "b"]
    out, err = capsys.readouterr()
    assert "0/2" in out and out.endswith("\r") and not err
    monkeypatch.setenv(progress.VARIABLE, "")
    assert list(course.with_bar(range(3))) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
