"""Predictions, self-tests and the overview, as a learner meets them."""

import re

import pytest
from screens import widgets_of

import pg_course as course
from pg_course.asking import progress, series
from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

WHICH = Question(
    "which-way",
    r"Where does $\nabla J$ point?",
    (Option("Up.", "It does.", right=True), Option("Down.", "That is $-\\nabla J$.")),
)
HOW_MANY = Estimate(
    "how-many",
    "How many of 16?",
    Slider(0, 16, 0.5, label="of 16"),
    "More than half.",
    holds=(8, 16),
    unit=" of 16",
    digits=1,
)
YES_OR_NO = (Option("No.", "Wrong."), Option("Yes.", "True.", right=True))
OTHERS = [Question(f"other-{n}", "What then?", YES_OR_NO) for n in range(4)]
SMALL = Contents(
    "pg_course.nb07_small",
    "Small",
    ("loss",),
    (WHICH, HOW_MANY),
    (WHICH, *OTHERS[:2]),
)
LATER = Contents("pg_course.nb08_later", "Later", (), (), tuple(OTHERS[2:]))


@pytest.fixture(autouse=True)
def _kept(tmp_path, monkeypatch):
    """A series of two small notebooks, of which nothing is done."""
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress, "_unwritten", {})
    monkeypatch.setattr(series, "all_contents", lambda: (SMALL, LATER))
    monkeypatch.setattr(series, "_resolved", {})


def below(widget):
    """A widget and all that are in it, in order."""
    return [widget] + [w for c in getattr(widget, "children", ()) for w in below(c)]


def buttons(shown):
    """All buttons of a view."""
    return [widget for widget in below(shown.view) if hasattr(widget, "on_click")]


def said(shown):
    """The lines that are announced when they change."""
    return [widget.value for widget in widgets_of(shown.view, "pg-sentence")]


def overview():
    return course.show_progress()._repr_markdown_()


# Predictions


def test_a_choice_is_kept_and_compared_with_the_result():
    asked = course.predict("which-way")
    assert said(asked) == [""]
    assert [button.tooltip for button in buttons(asked)] == ["Up.", "Down."]
    for button in buttons(asked):
        button.click()
    assert progress.answers("predictions") == {"which-way": "B"}
    # The cell that is run again shows the last answer.
    for shown in (asked, course.predict("which-way")):
        assert "Your prediction: <strong>B</strong>" in said(shown)[0]
        assert [b.button_style for b in buttons(shown)] == ["", "primary"]
        assert shown.text.endswith("> - **B.** Down.\n>\n> Your prediction: **B**.")
    resolved = course.resolve("which-way", "A")
    assert said(resolved) == [
        "<p>You predicted B: Down. That is $-\\nabla J$.</p>"
        "<p><strong>The result is A:</strong> Up. It does.</p>"
    ]
    # An answer after the result is compared with it too; a right one is told once.
    buttons(asked)[0].click()
    assert said(resolved) == [
        "<p><strong>As you predicted, A:</strong> Up. It does.</p>"
    ]
    assert resolved.text == "> <strong>As you predicted, A:</strong> Up. It does."


def test_without_a_choice_the_result_is_told_all_the_same():
    resolved = course.resolve("which-way", "A")
    assert resolved.text == "> <strong>The result is A:</strong> Up. It does."
    assert "No prediction was made" in said(resolved)[0]


def test_a_number_is_kept_when_its_button_is_pressed_and_compared_with_the_result():
    def slider(shown):
        (found,) = [w for w in below(shown.view) if hasattr(w, "readout")]
        return found

    asked = course.predict("how-many")
    slider(asked).value = 4.5
    assert progress.answers("predictions") == {}
    buttons(asked)[0].click()
    assert progress.answers("predictions") == {"how-many": 4.5}
    assert slider(course.predict("how-many")).value == 4.5
    assert said(course.resolve("how-many", 11.26)) == [
        "<p>You guessed 4.5 of 16. <strong>The result: 11.3 of 16.</strong> More than "
        "half.</p>"
    ]


@pytest.mark.parametrize(
    ("name", "result"),
    [("which-way", "B"), ("how-many", 7.9), ("how-many", 16.1), ("how-many", "nan")],
)
def test_a_result_for_which_the_texts_would_be_false_is_refused(name, result):
    with pytest.raises(ValueError, match=f"{name}: expected .*, got '?{result}"):
        course.resolve(name, result)


# The self-test


def test_every_option_has_its_feedback_and_the_right_ones_are_counted():
    test = course.self_test(7)
    letters = buttons(test)
    assert [button.description for button in letters] == ["A", "B"] * 3
    letters[1].click()
    assert said(test)[0].startswith("<strong>B: Not right.")
    assert "That is $-\\nabla J$." in said(test)[0]
    assert said(test)[3] == "0 of 3 right."
    for button in (letters[0], letters[3], letters[5]):
        button.click()
    assert said(test)[0].startswith("<strong>A: Right.</strong> It does.")
    assert said(test)[3] == "3 of 3 right."
    assert said(course.self_test(7)) == said(test)
    answers = re.findall(r"Your answer: \*\*(.)\*\*", test.text)
    assert answers == ["A", "B", "B"]


# Without a kernel


def test_the_text_without_a_kernel_has_the_question_and_folds_the_answers():
    bundle = course.predict("which-way")._repr_mimebundle_()
    assert bundle["text/markdown"].endswith(
        "point?\n>\n> - **A.** Up.\n> - **B.** Down."
    )
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert course.predict("how-many").text.endswith("(From 0.0 to 16.0 of 16.)")
    shown, _, folded = course.self_test(7).text.partition("<details>")
    assert "Where does" in shown and "It does." not in shown
    assert "**A is right.** It does." in folded and "**B.** That is" in folded


# The overview


def test_the_overview_counts_what_is_done_and_names_what_is_next():
    small, later = "[7 · Small](07_small.ipynb)", "[8 · Later](08_later.ipynb)"
    assert f"| {small} | 0 of 2 | 0 of 1 | 0 of 3 |  |" in overview()
    assert f"**Next: {small}**" in overview()
    buttons(course.predict("which-way"))[1].click()
    progress.record("exercises", "loss")
    progress.record("exercises", "of another notebook")
    buttons(course.self_test(7))[1].click()
    assert f"| {small} | 1 of 2 | 1 of 1 | 0 of 3 | begun |" in overview()
    # Next is the first unfinished one from the last that was begun.
    buttons(course.self_test(8))[1].click()
    assert repr(course.show_progress()) == f"Next: {later}"
    buttons(course.self_test(8))[3].click()
    assert f"| {later} | – | – | 2 of 2 | done |" in overview()
    assert repr(course.show_progress()) == f"Next: {small}"
    buttons(course.predict("how-many"))[0].click()
    for place in (0, 3, 5):
        buttons(course.self_test(7))[place].click()
    assert repr(course.show_progress()) == "All is done."


def test_the_overview_says_where_answers_are_kept(tmp_path, monkeypatch):
    def last():
        return overview().rpartition("\n\n")[2]

    place = tmp_path / "progress.json"
    assert last() == f"Your answers are kept in `{place}`, on this machine alone."
    monkeypatch.setenv("BINDER_SERVICE_HOST", "10.0.0.1")
    assert last() == "Your answers are kept until this Binder machine stops."
    place.write_text("{")
    assert "damaged" in last()
    monkeypatch.setenv(progress.VARIABLE, "")
    assert last().startswith("**Next: ")
