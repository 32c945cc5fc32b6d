"""What docs/teaching.md says of the notebooks is so."""

import re

import pytest
from series import NOTEBOOKS, ROOT, read

from pg_course.asking.questions import Question
from pg_course.asking.rooms import all_contents

GUIDE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
# Heading, minutes and text of each lesson.
LESSONS = re.findall(
    r"^### (.*?\b(\d+) minutes.*)\n((?:(?!#).*\n)*)", GUIDE, re.MULTILINE
)
CLOCK = re.compile(r"^\| (\d+)–(\d+) \|", re.MULTILINE)
NAMED = re.compile(r'`predict\("([^"]*)"\)`(?: → \*\*([^*]+)\*\*)?')
PREDICTIONS = {
    asked.name: (asked, contents.file)
    for contents in all_contents()
    for asked in contents.predictions
}
TITLE = re.compile(r"^### Exercise (\S+) (★+) \((\d+) min\)", re.MULTILINE)
TEXTS = ["\n".join(c.source for c in read(path).cells) for path in NOTEBOOKS]
# Number, stars and minutes of each exercise.
EXERCISES = [found for text in TEXTS for found in TITLE.findall(text)]


def test_there_is_a_lesson_of_each_kind():
    assert [int(minutes) for _, minutes, _ in LESSONS] == [50, 90]


@pytest.mark.parametrize(("heading", "minutes", "text"), LESSONS)
def test_the_clock_of_a_lesson_runs_to_its_end_without_a_gap(heading, minutes, text):
    starts, ends = zip(*CLOCK.findall(text), strict=True)
    assert [*starts, minutes] == ["0", *ends]
    assert sorted(set(map(int, ends))) == list(map(int, ends))


def test_predictions_exist_in_the_notebook_and_have_the_result_that_are_said():
    assert len(NAMED.findall(GUIDE)) > 5
    for line in GUIDE.splitlines():
        for name, result in NAMED.findall(line):
            asked, file = PREDICTIONS[name]
            if line.startswith("|"):
                assert f"{file}.ipynb" in line, name
            if result and isinstance(asked, Question):
                assert result == asked.right, name
            elif result:
                low, high = asked.holds
                assert low <= float(re.match(r"[\d.]+", result)[0]) <= high, name


def test_exercises_are_those_of_the_notebooks():
    assert sorted(re.findall(r"\b(\d+\.\d+) (★+) (\d+) min", GUIDE)) == sorted(
        EXERCISES
    )


def test_an_exercise_that_is_set_takes_as_long_as_the_notebook_says():
    minutes = {number: minutes for number, _, minutes in EXERCISES}
    mentioned = re.findall(r"Exercise (\d+\.\d+)(?: \((\d+) min\))?", GUIDE)
    assert mentioned
    for number, said in mentioned:
        assert said == minutes[number], number


def test_a_kernel_needs_no_more_memory_than_is_said():
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    most = re.search(r"^\| all, one after the other .*\| (\d+) \|$", results, re.M)
    said = re.search(r"stays below (\d+) MiB", GUIDE)
    assert int(most[1]) < int(said[1])
