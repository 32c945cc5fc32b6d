"""What docs/teaching.md says of the notebooks is so."""

import re

import pytest
from series import NOTEBOOKS, ROOT, read

from pg_course.asking.questions import Question
from pg_course.asking.rooms import all_contents

GUIDE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
LESSON = re.compile(r"^### (.*?\b(\d+) minutes.*)$", re.MULTILINE)
CLOCK = re.compile(r"^\| (\d+)–(\d+) \|", re.MULTILINE)
NAMED = re.compile(r'`predict\("([^"]*)"\)`(?: → \*\*([^*]+)\*\*)?')
PREDICTIONS = {
    asked.name: (asked, contents.file)
    for contents in all_contents()
    for asked in contents.predictions
}


def lessons(text: str) -> list[tuple[str, int, str]]:
    """Heading, minutes and text of each lesson."""
    pieces = LESSON.split(text)
    texts = [re.split(r"^#", piece, flags=re.MULTILINE)[0] for piece in pieces[3::3]]
    return list(zip(pieces[1::3], map(int, pieces[2::3]), texts, strict=True))


def off_the_clock(text: str, minutes: int) -> list[str]:
    """Where the rows of a lesson leave a gap, overlap or miss its end."""
    rows = [(int(start), int(end)) for start, end in CLOCK.findall(text)]
    ends = [0, *(end for _, end in rows)]
    starts = [*(start for start, _ in rows), minutes]
    gaps = [
        f"{end}, then {start}"
        for end, start in zip(ends, starts, strict=True)
        if end != start
    ]
    return gaps + [f"{start}–{end}" for start, end in rows if start >= end]


def wrongly_named(text: str) -> list[str]:
    """Predictions that do not exist, have another result or stand elsewhere."""
    found = []
    for line in text.splitlines():
        for name, result in NAMED.findall(line):
            asked, file = PREDICTIONS.get(name, (None, ""))
            if asked is None:
                found.append(f"{name}: no such prediction")
            elif line.startswith("|") and f"{file}.ipynb" not in line:
                found.append(f"{name}: stands in {file}")
            elif isinstance(asked, Question):
                if result not in ("", asked.right):
                    found.append(f"{name}: {asked.right}, not {result}")
            elif result:
                low, high = asked.holds
                if not low <= float(re.match(r"[\d.]+", result)[0]) <= high:
                    found.append(f"{name}: {result} is not in {asked.holds}")
    return found


def exercises() -> dict[str, tuple[str, str]]:
    """Stars and minutes of each exercise, by its number, from the notebooks."""
    title = re.compile(r"^### Exercise (\S+) (★+) \((\d+) min\)", re.MULTILINE)
    texts = ["\n".join(c.source for c in read(path).cells) for path in NOTEBOOKS]
    return {number: found for t in texts for number, *found in title.findall(t)}


@pytest.mark.parametrize("lesson", lessons(GUIDE), ids=lambda lesson: lesson[0])
def test_the_clock_of_a_lesson_runs_to_its_end(lesson):
    _, minutes, text = lesson
    assert off_the_clock(text, minutes) == []


def test_there_is_a_lesson_of_each_kind():
    minutes = [minutes for _, minutes, _ in lessons(GUIDE)]
    assert minutes == [50, 90, 90, 90, 90, 90]


def test_predictions_exist_and_have_that_result():
    assert len(NAMED.findall(GUIDE)) > 20
    assert wrongly_named(GUIDE) == []


def test_exercises_are_those_of_the_notebooks():
    listed = re.findall(r"\b(\d+\.\d+) (★+) (\d+) min", GUIDE)
    assert len(listed) == len({number for number, *_ in listed})
    assert {number: found for number, *found in listed} == exercises()


def test_an_exercise_that_is_set_takes_as_long_as_the_notebook_says():
    mentioned = re.findall(r"Exercise (\d+\.\d+)(?: \((\d+) min\))?", GUIDE)
    assert mentioned
    for number, minutes in mentioned:
        assert minutes == exercises()[number][1], number


def test_a_kernel_needs_no_more_memory_than_is_said():
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    most = re.search(r"^\| all, one after the other .*\| (\d+) \|$", results, re.M)
    said = re.search(r"stays below (\d+) MiB", GUIDE)
    assert int(most[1]) < int(said[1])


def test_each_fault_is_named():
    asked = '| [04](04_the_log_derivative_trick.ipynb) | `predict("where-to-aim")`'
    assert wrongly_named(f"{asked} → **B**") == wrongly_named(asked) == []
    assert wrongly_named(f"{asked} → **A**") == ["where-to-aim: B, not A"]
    assert wrongly_named(asked.replace("04_", "05_")) != []
    assert wrongly_named(asked.replace("aim", "shoot")) != []
    guess = '`predict("how-many-times-less-variance")` → '
    assert wrongly_named(f"{guess}**22 times**") == []
    assert wrongly_named(f"{guess}**2 times**") != []
    assert off_the_clock("| 0–6 | a |\n| 6–10 | b |", 10) == []
    assert off_the_clock("| 0–6 | a |\n| 6–10 | b |", 50) == ["10, then 50"]
    assert off_the_clock("| 0–6 | a |\n| 7–10 | b |", 10) == ["6, then 7"]
    assert off_the_clock("", 10) == ["0, then 10"]
