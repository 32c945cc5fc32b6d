"""Questions as widgets: answered by mouse or keyboard, and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets

from pg_course.asking import markdown, progress
from pg_course.asking.questions import Contents, Estimate, Prediction, Question, plain
from pg_course.stage.display import Bundle
from pg_course.stage.views import Accessible, Live, control_row, display_data

_CHOSEN = " <strong>← your choice</strong>"
_WIDE = {"flex": "1 1 0", "min_width": "0"}
# As large as the text of the notebook, and set apart from it. What MathJax hides for
# screen readers must not make its line wider, as it may where fonts are wide.
_STYLE = """
.pg-question {
  border-left: 4px solid #0072b2; padding-left: 12px; margin: 4px 0;
  font-size: calc(1.1 * var(--jp-content-font-size1, 14px));
}
.pg-question .widget-html-content, .pg-question .widget-htmlmath-content {
  font-size: inherit; line-height: 1.45; padding: 2px 0;
}
.pg-question .widget-html, .pg-question .widget-htmlmath,
.pg-question .widget-label, .pg-question .widget-readout { font-size: inherit; }
.pg-question p { margin: 0 0 0.5em; }
.pg-question mjx-assistive-mml { width: 1px !important; }
"""


class Shown(Live):
    """Something to show: a live view, and Markdown where there is no kernel.

    Attributes:
        view: the ipywidget, of the CSS class pg-question.
        text: the Markdown.
    """

    line = "Run this cell to answer."

    def __init__(self, parts: list[Any], text: str) -> None:
        style = ipywidgets.HTML(f"<style>{_STYLE}</style>")
        self.view = ipywidgets.VBox([*parts, style, Accessible()]).add_class(
            "pg-question"
        )
        self.text = text

    def __repr__(self) -> str:
        """The text, for who has neither."""
        return plain(self.text)

    def _live(self) -> dict[str, Any]:
        return display_data(self.view, lambda: None, lambda: None)

    def _still(self) -> Bundle:
        return {"text/markdown": self.text, "text/plain": repr(self)}, {}

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> dict[str, Any]:
        """The live view, and what stands in its place."""
        return {**self._live(), **self._still()[0]}


class Options:
    """The options of a question: a button with a letter, and its text.

    Attributes:
        view: the ipywidget.
    """

    def __init__(self, question: Question, choose: Callable[[str], None]) -> None:
        self._question = question
        self._buttons, self._texts, rows = {}, {}, []
        for letter, option in question.answers.items():
            button = ipywidgets.Button(
                description=letter,
                tooltip=plain(option.text),
                layout={"width": "3em", "flex": "none"},
            )
            button.on_click(lambda _, letter=letter: choose(letter))
            text = ipywidgets.HTMLMath(option.text, layout=_WIDE)
            self._buttons[letter], self._texts[letter] = button, text
            rows.append(
                ipywidgets.HBox([button, text], layout={"align_items": "center"})
            )
        self.view = ipywidgets.VBox(rows)

    def mark(self, chosen: str) -> None:
        """Show which option is chosen; in words, not only by colour."""
        for letter, option in self._question.answers.items():
            mine = letter == chosen
            self._buttons[letter].button_style = "primary" if mine else ""
            self._texts[letter].value = option.text + (_CHOSEN if mine else "")


class AskedPrediction(Shown):
    """A prediction to be made before the result is seen.

    Args:
        asked: the question.
        guessed: called after a guess was kept.
    """

    def __init__(self, asked: Prediction, guessed: Callable[[], None]) -> None:
        self._asked, self._guessed = asked, guessed
        question = ipywidgets.HTMLMath(f"<strong>Predict.</strong> {asked.text}")
        self._said = ipywidgets.HTMLMath().add_class("pg-sentence")
        if isinstance(asked, Question):
            self._options = Options(asked, self._commit)
            control = self._options.view
        else:
            control = self._slider_row(asked)
        super().__init__([question, control, self._said], markdown.of_prediction(asked))
        if guess := guess_of(asked):
            self._mark(guess)

    def _slider_row(self, asked: Estimate) -> Any:
        self._slider = asked.slider.widget(asked.slider.label)
        commit = ipywidgets.Button(description="This is my guess")
        commit.on_click(lambda _: self._commit(asked.slider.clean(self._slider.value)))
        kept = kept_answer(asked)
        if kept is not None:
            self._slider.value = kept
        return control_row([self._slider, commit])

    def _commit(self, answer: str | float) -> None:
        trouble = progress.record("predictions", self._asked.name, answer)
        self._mark(guess_of(self._asked), trouble)
        self._guessed()

    def _mark(self, guess: str, trouble: str = "") -> None:
        self.text = markdown.of_prediction(self._asked, guess)
        if isinstance(self._asked, Question):
            self._options.mark(guess)
        self._said.value = (
            f"Your prediction: <strong>{guess}</strong>. Run on: it is compared with "
            f"the result. {trouble}"
        )


class Resolved(Shown):
    """A result, held against the guess.

    Args:
        asked: the question.
        result: the right letter, or the number in words.
    """

    line = "Run this cell to compare it with your prediction."

    def __init__(self, asked: Prediction, result: str) -> None:
        self._asked, self._result = asked, result
        self._said = ipywidgets.HTMLMath().add_class("pg-sentence")
        super().__init__([self._said], "")
        self.refresh()

    def refresh(self) -> None:
        """Say it again, after another guess."""
        guess = guess_of(self._asked)
        self.text = markdown.of_result(self._asked, self._result, guess)
        said = markdown.said_of_result(self._asked, self._result, guess)
        if not guess:
            said.append("(No prediction was made above.)")
        self._said.value = "".join(f"<p>{paragraph}</p>" for paragraph in said)


class SelfTest(Shown):
    """The questions at the end of a notebook, each option with its feedback.

    Args:
        contents: of the notebook.
    """

    def __init__(self, contents: Contents) -> None:
        self._contents, self._questions = contents, contents.self_test
        self._said, self._options, parts = {}, {}, []
        for number, question in enumerate(self._questions, 1):
            text = f"<strong>Question {number}.</strong> {question.text}"
            options = Options(question, partial(self._choose, question))
            said = ipywidgets.HTMLMath().add_class("pg-sentence")
            self._options[question.name], self._said[question.name] = options, said
            parts += [ipywidgets.HTMLMath(text), options.view, said]
        self._sum = ipywidgets.HTML().add_class("pg-sentence")
        super().__init__([*parts, self._sum], markdown.of_self_test(contents))
        for question in self._questions:
            if letter := answered(question):
                self._mark(question, letter)

    def _choose(self, question: Question, letter: str) -> None:
        trouble = progress.record("questions", question.name, letter)
        self._mark(question, letter, trouble)

    def _mark(self, question: Question, letter: str, trouble: str = "") -> None:
        option = question.answers[letter]
        verdict = "Right." if option.right else "Not right. Think again:"
        self._options[question.name].mark(letter)
        self._said[
            question.name
        ].value = f"<strong>{letter}: {verdict}</strong> {option.feedback} {trouble}"
        chosen = {asked.name: answered(asked) for asked in self._questions}
        self.text = markdown.of_self_test(self._contents, chosen)
        right = sum(chosen[asked.name] == asked.right for asked in self._questions)
        self._sum.value = f"{right} of {len(self._questions)} right."


def kept_answer(asked: Estimate) -> float | None:
    """The number that was guessed, or None; also where what was kept is no such."""
    kept = progress.answers("predictions").get(asked.name)
    try:
        return asked.slider.clean(kept)
    except (TypeError, ValueError):
        return None


def guess_of(asked: Prediction) -> str:
    """The guess as it is shown: a letter, or a number in words; empty for none."""
    if isinstance(asked, Question):
        kept = progress.answers("predictions").get(asked.name)
        return str(kept) if kept in asked.answers else ""
    number = kept_answer(asked)
    return "" if number is None else asked.in_words(number)


def answered(question: Question) -> str:
    """The letter chosen last in a self-test; empty for none."""
    kept = progress.answers("questions").get(question.name)
    return str(kept) if kept in question.answers else ""
