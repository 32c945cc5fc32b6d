"""Predictions, self-tests and the overview, as a learner meets them."""

import pytest
from screens import widgets_of

import pg_course as course
from pg_course.asking import progress, series
from pg_course.asking.questions import Contents, Estimate, Option, Question, plain
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
OTHERS = tuple(
    Question(
        f"other-{number}",
        "What then?",
        (Option("No.", "Wrong."), Option("Yes.", "True.", right=True)),
    )
    for number in range(4)
)
OTHERS, LAST = OTHERS[:2], OTHERS[2:]
SMALL = Contents(
    "pg_course.nb07_small", "Small", ("loss",), (WHICH, HOW_MANY), (WHICH, *OTHERS)
)
LATER = Contents("pg_course.nb08_later", "Later", (), (), LAST)


@pytest.fixture(autouse=True)
def _kept(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress, "_unwritten", {})  # what other tests left
    monkeypatch.setattr(series, "all_contents", lambda: (SMALL, LATER))
    monkeypatch.setattr(series, "_resolved", {})


def below(widget):
    """A widget and all that stand in it, in order."""
    return [widget] + [w for c in getattr(widget, "children", ()) for w in below(c)]


def buttons(shown):
    """All buttons of a view."""
    return [widget for widget in below(shown.view) if hasattr(widget, "on_click")]


def said(shown):
    """The lines that are announced when they change."""
    return [widget.value for widget in widgets_of(shown.view, "pg-sentence")]


def texts(shown):
    """All HTML in a view."""
    values = [getattr(widget, "value", "") for widget in below(shown.view)]
    return "\n".join(value for value in values if isinstance(value, str))


# Predictions


def test_a_choice_is_kept_and_held_against_the_result():
    asked = course.predict("which-way")
    assert said(asked) == [""]
    assert [button.description for button in buttons(asked)] == ["A", "B"]
    assert [button.tooltip for button in buttons(asked)] == ["Up.", "Down."]
    buttons(asked)[1].click()
    assert progress.answers("predictions") == {"which-way": "B"}
    assert "Your prediction: <strong>B</strong>" in said(asked)[0]
    assert texts(asked).count("your choice") == 1
    assert "Down. <strong>← your choice" in texts(asked)
    (told,) = said(course.resolve("which-way", "A"))
    assert "You predicted B: Down. That is $-\\nabla J$." in told
    assert "<strong>The result is A:</strong> Up. It does." in told


def test_a_right_choice_is_told_once():
    buttons(course.predict("which-way"))[0].click()
    (told,) = said(course.resolve("which-way", "A"))
    assert told == "<p><strong>As you predicted, A:</strong> Up. It does.</p>"


def test_without_a_choice_the_result_is_told_all_the_same():
    resolved = course.resolve("which-way", "A")
    assert resolved.text == "> <strong>The result is A:</strong> Up. It does."
    assert "No prediction was made" in said(resolved)[0]


def test_a_number_is_kept_and_held_against_the_result():
    asked = course.predict("how-many")
    (slider,) = [widget for widget in below(asked.view) if hasattr(widget, "readout")]
    slider.value = 4.5
    assert progress.answers("predictions") == {}  # not before the button is pressed
    buttons(asked)[0].click()
    assert progress.answers("predictions") == {"how-many": 4.5}
    (told,) = said(course.resolve("how-many", 11.26))
    assert told == (
        "<p>You guessed 4.5 of 16. <strong>The result: 11.3 of 16.</strong> More than "
        "half.</p>"
    )


def test_a_choice_that_comes_after_the_result_is_held_against_it_too():
    resolved = course.resolve("which-way", "A")
    buttons(course.predict("which-way"))[1].click()
    assert "You predicted B" in said(resolved)[0]


def test_a_cell_that_is_run_again_shows_the_last_answer():
    first = course.predict("which-way")
    for button in buttons(first):
        button.click()
    again = course.predict("which-way")
    assert said(again) == said(first)
    assert [b.button_style for b in buttons(again)] == ["", "primary"]
    buttons(course.predict("how-many"))[0].click()
    assert "0.0 of 16" in said(course.predict("how-many"))[0]


@pytest.mark.parametrize("kept", ["C", 3.0, ""])
def test_an_answer_that_is_none_of_the_options_counts_as_none(kept):
    progress.record("predictions", "which-way", kept)
    assert said(course.predict("which-way")) == [""]
    progress.record("predictions", "how-many", kept if kept != 3.0 else 17.0)
    assert said(course.predict("how-many")) == [""]


@pytest.mark.parametrize(
    ("name", "result", "message"),
    [
        ("which-way", "B", "which-way: expected the result 'A'.*got 'B'"),
        ("which-way", 0, "which-way: expected the result 'A'.*got 0"),
        ("how-many", 7.9, "how-many: .* holds for 8 to 16, got 7.9"),
        ("how-many", float("nan"), "how-many: .* got nan"),
        ("who", "A", r"name: expected one of \['how-many', 'which-way'\], got 'who'"),
    ],
)
def test_a_result_of_which_the_texts_are_not_true_is_refused(name, result, message):
    with pytest.raises(ValueError, match=message):
        course.resolve(name, result)


def test_a_number_is_expected_where_one_was_guessed():
    with pytest.raises(TypeError, match="how-many: expected a number, got 'A'"):
        course.resolve("how-many", "A")


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
    kept = {"which-way": "A", "other-0": "B", "other-1": "B"}
    assert progress.answers("questions") == kept
    assert said(course.self_test(7)) == said(test)


def test_a_notebook_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match=r"number: expected one of \[7, 8\], got 9"):
        course.self_test(9)


# Without a kernel


def test_the_text_without_a_kernel_has_the_question_and_folds_the_answers():
    bundle = course.predict("which-way")._repr_mimebundle_()
    assert bundle["text/markdown"] == (
        r"> **Predict.** Where does $\nabla J$ point?"
        "\n>\n> - **A.** Up.\n> - **B.** Down."
    )
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert course.predict("how-many").text.endswith("(From 0.0 to 16.0 of 16.)")
    shown, _, folded = course.self_test(7).text.partition("<details>")
    assert "Where does" in shown and "It does." not in shown
    assert "**A is right.** It does." in folded and "**B.** That is" in folded


def test_a_text_is_plain_without_its_marks():
    assert plain(r"$a \lt b$ &amp; <em>so</em>" + "\n on") == r"a \lt b & so on"


# The overview


def test_the_overview_counts_what_is_done_and_names_what_is_next():
    table = course.show_progress()._repr_markdown_()
    row = "| [7 · Small](07_small.ipynb) | 0 of 2 | 0 of 1 | 0 of 3 |  |"
    assert row in table
    assert "**Next: [7 · Small](07_small.ipynb)**" in table
    buttons(course.predict("which-way"))[0].click()
    progress.record("exercises", "loss")
    progress.record("exercises", "of another notebook")
    buttons(course.self_test(7))[1].click()
    row = "| [7 · Small](07_small.ipynb) | 1 of 2 | 1 of 1 | 0 of 3 | begun |"
    assert row in course.show_progress()._repr_markdown_()


def test_next_is_the_first_unfinished_from_the_last_begun():
    test = course.self_test(8)
    buttons(test)[1].click()
    assert repr(course.show_progress()) == "Next: [8 · Later](08_later.ipynb)"
    buttons(test)[3].click()
    assert "| – | – | 2 of 2 | done |" in course.show_progress()._repr_markdown_()
    assert repr(course.show_progress()) == "Next: [7 · Small](07_small.ipynb)"
    for name in ("which-way", "how-many"):
        buttons(course.predict(name))[0].click()
    progress.record("exercises", "loss")
    for place in (0, 3, 5):
        buttons(course.self_test(7))[place].click()
    assert repr(course.show_progress()) == "All is done."


def test_the_overview_says_where_answers_are_kept(tmp_path, monkeypatch):
    def last():
        return course.show_progress()._repr_markdown_().rpartition("\n\n")[2]

    place = str(tmp_path / "progress.json")
    assert last() == f"Your answers are kept in `{place}`, on this machine alone."
    monkeypatch.setenv("BINDER_SERVICE_HOST", "10.0.0.1")
    assert last() == "Your answers are kept until this Binder machine stops."
    (tmp_path / "progress.json").write_text("{")
    assert "damaged" in last()
    monkeypatch.setenv(progress.VARIABLE, "")
    assert last().startswith("**Next: ")


# What is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Which way"}, "lower-case words"),
        ({"text": "$ x"}, "two dollar signs"),
        ({"text": " "}, "expected words"),
        ({"options": WHICH.options[:1]}, "2 to 5 different options"),
        ({"options": WHICH.options[:1] * 2}, "2 to 5 different options"),
        ({"options": OTHERS[0].options[:1] + WHICH.options[1:]}, "exactly one"),
        ({"options": WHICH.options[:1] + OTHERS[0].options[1:]}, "exactly one"),
        ({"options": (*WHICH.options, Option("x", ""))}, "expected words"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(changes, message):
    given = {"name": WHICH.name, "text": WHICH.text, "options": WHICH.options}
    with pytest.raises(ValueError, match=message):
        Question(**{**given, **changes})


@pytest.mark.parametrize("holds", [(-1, 5), (5, 17), (8, 8), (9, 8)])
def test_an_estimate_that_the_slider_cannot_reach_is_refused(holds):
    with pytest.raises(ValueError, match="within the slider"):
        Estimate("a", "b", Slider(0, 16, 1), "c", holds)
