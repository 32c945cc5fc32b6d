"""Every prediction and self-test of the package is in its notebook, and is fair."""

import re
from collections import Counter

import pytest
from series import NOTEBOOKS, read

from pg_course.asking.questions import Question, plain
from pg_course.asking.rooms import all_contents

TITLE = re.compile(r"^# (\d+) · (.+)$", re.MULTILINE)
CALL = re.compile(r'course\.(predict|resolve)\(\s*"([^"]+)"')
PREDICTIONS = [asked for contents in all_contents() for asked in contents.predictions]
CHOICES = [asked for asked in PREDICTIONS if isinstance(asked, Question)]
SELF_TESTS = [asked for contents in all_contents() for asked in contents.self_test]
EACH = pytest.mark.parametrize(
    ("contents", "cells"),
    [(c, read(path).cells) for c, path in zip(all_contents(), NOTEBOOKS, strict=True)],
    ids=[path.stem for path in NOTEBOOKS],
)


@EACH
def test_number_and_title_are_those_of_the_notebook(contents, cells):
    assert TITLE.search(cells[0].source).groups() == (
        str(contents.number),
        contents.title,
    )
    assert 2 <= len(contents.exercises) <= 4


@EACH
def test_each_prediction_is_asked_and_then_resolved(contents, cells):
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    calls = [call for source in code for call in CALL.findall(source)]
    names = [asked.name for asked in contents.predictions]
    assert 2 <= len(names) <= 4
    for word in ("predict", "resolve"):
        assert sorted(n for w, n in calls if w == word) == sorted(names)
    for name in names:
        assert calls.index(("predict", name)) < calls.index(("resolve", name))


@EACH
def test_the_result_of_a_prediction_is_computed_not_written_down(contents, cells):
    for cell in cells:
        assert not re.search(r'resolve\("[^"]+", ("[A-E]"|[-\d.]+)\)', cell.source)


@EACH
def test_the_self_test_is_before_the_summary(contents, cells):
    sources = [cell.source for cell in cells]
    asked = sources.index(f"course.self_test({contents.number})")
    assert sources[asked - 1].startswith("## Test yourself\n")
    assert sources[asked + 1].startswith("## In short\n")
    assert len(contents.self_test) == 3


def test_names_are_unique():
    names = Counter(asked.name for asked in [*PREDICTIONS, *SELF_TESTS])
    assert max(names.values()) == 1


@pytest.mark.parametrize("group", [CHOICES, SELF_TESTS], ids=["choices", "self-tests"])
def test_the_right_option_cannot_be_told_from_its_place(group):
    places = Counter(question.right for question in group)
    assert max(places.values()) <= len(group) / 2
    assert len(places) >= 3


def test_the_right_option_cannot_be_told_from_its_length():
    longest = [
        max(question.options, key=lambda option: len(plain(option.text))).right
        for question in SELF_TESTS
    ]
    assert sum(longest) <= 0.5 * len(longest)


def test_every_section_that_a_feedback_names_is_there():
    cells = [cell for path in NOTEBOOKS for cell in read(path).cells]
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    headings = re.findall(r"^#{2,3} (\d+\.\d+) ", text, re.MULTILINE)
    for question in SELF_TESTS:
        for option in question.options:
            for number in re.findall(r"\((?:\w+ )*(\d+\.\d+)\)", option.feedback):
                assert number in headings, (question.name, number)
