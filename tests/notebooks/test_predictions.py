"""Every prediction and self-test of the package stands in its notebook, and is fair."""

import re
from collections import Counter

import pytest
from series import NOTEBOOKS, read

from pg_course.asking.questions import Question, plain
from pg_course.asking.rooms import all_contents

TITLE = re.compile(r"^# (\d+) · (.+)$", re.MULTILINE)
CALL = re.compile(r'course\.(predict|resolve)\(\s*"([^"]+)"')
QUESTIONS = [question for contents in all_contents() for question in contents.self_test]


@pytest.fixture(params=all_contents(), ids=lambda contents: contents.file)
def contents(request):
    return request.param


@pytest.fixture
def cells(contents):
    (path,) = [path for path in NOTEBOOKS if path.stem == contents.file]
    return read(path).cells


def test_every_notebook_has_its_questions():
    assert [contents.file for contents in all_contents()] == [
        path.stem for path in NOTEBOOKS
    ]


def test_number_title_and_exercises_are_those_of_the_notebook(contents, cells):
    assert TITLE.search(cells[0].source).groups() == (
        str(contents.number),
        contents.title,
    )
    tags = [tag for cell in cells for tag in cell.metadata.get("tags", [])]
    checks = [tag for tag in tags if tag.startswith("check-")]
    assert [tag[6:].replace("-", "_") for tag in checks] == list(contents.exercises)
    assert 2 <= len(contents.exercises) <= 4


def test_each_prediction_is_asked_and_then_resolved(contents, cells):
    calls = [
        call
        for cell in cells
        if cell.cell_type == "code"
        for call in CALL.findall(cell.source)
    ]
    names = [asked.name for asked in contents.predictions]
    assert 2 <= len(names) <= 4
    assert sorted(name for word, name in calls if word == "predict") == sorted(names)
    assert sorted(name for word, name in calls if word == "resolve") == sorted(names)
    for name in names:
        assert calls.index(("predict", name)) < calls.index(("resolve", name))


def test_the_result_of_a_prediction_is_computed_not_written_down(cells):
    for cell in cells:
        for line in cell.source.splitlines():
            assert not re.search(r'resolve\("[^"]+", ("[A-E]"|[-\d.]+)\)', line), line


def test_the_self_test_stands_before_the_summary(contents, cells):
    asked = [cell.source for cell in cells].index(
        f"course.self_test({contents.number})"
    )
    assert cells[asked - 1].source.startswith("## Test yourself\n")
    assert cells[asked + 1].source.startswith("## In short\n")
    assert len(contents.self_test) == 3


def test_names_are_unique():
    names = [
        asked.name for contents in all_contents() for asked in contents.predictions
    ]
    names += [question.name for question in QUESTIONS]
    assert max(Counter(names).values()) == 1


def test_the_right_option_cannot_be_told_from_its_place_or_its_length():
    predictions = [
        asked for contents in all_contents() for asked in contents.predictions
    ]
    choices = [asked for asked in predictions if isinstance(asked, Question)]
    for group in (QUESTIONS, choices):
        places = Counter(question.right for question in group)
        assert max(places.values()) <= len(group) / 2
        assert len(places) >= 3
    longest = [
        max(question.options, key=lambda option: len(plain(option.text))).right
        for question in QUESTIONS
    ]
    assert sum(longest) <= 0.5 * len(longest)


def test_every_section_that_a_feedback_names_is_there():
    headings = {
        number
        for path in NOTEBOOKS
        for cell in read(path).cells
        if cell.cell_type == "markdown"
        for number in re.findall(r"^#{2,3} (\d+\.\d+) ", cell.source, re.MULTILINE)
    }
    for question in QUESTIONS:
        for option in question.options:
            for number in re.findall(r"\((?:\w+ )*(\d+\.\d+)\)", option.feedback):
                assert number in headings, (question.name, number)
