"""What is asked: predictions before a result, and questions at the end."""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass

from pg_course.stage.controls import Slider
from pg_helpers.require import shown

LETTERS = "ABCDE"


@dataclass(frozen=True)
class Option:
    """One of the answers to a question.

    Attributes:
        text: what it says, as `Question.text` is written.
        feedback: what helps someone who chose it: why it is right, or what thought
            leads there and where it goes wrong.
        right: whether it is the right one.
    """

    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    r"""A question with two to five options, of which one is right.

    Texts are HTML (<em>, <code>) with formulas between dollar signs, in which "smaller
    than" is \lt: they are shown live and as Markdown.

    Attributes:
        name: unique in the series, lower-case words with hyphens.
        text: the question.
        options: what may be chosen.

    Raises:
        ValueError: a name of another form, a text with an odd number of dollar signs or
            without a word, fewer than two or more than five options, two that say the
            same, or not exactly one that is right.
    """

    name: str
    text: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        """Validate."""
        _check_name(self.name)
        texts = [option.text for option in self.options]
        _check_texts(self.name, self.text, *texts)
        _check_texts(self.name, *(option.feedback for option in self.options))
        if not 2 <= len(set(texts)) == len(texts) <= len(LETTERS):
            raise ValueError(f"{self.name}: expected 2 to 5 different options: {texts}")
        if sum(option.right for option in self.options) != 1:
            raise ValueError(f"{self.name}: expected exactly one option that is right")

    @property
    def answers(self) -> dict[str, Option]:
        """The options by their letters."""
        return dict(zip(LETTERS, self.options, strict=False))

    @property
    def right(self) -> str:
        """The letter of the right option."""
        return next(letter for letter, option in self.answers.items() if option.right)

    def check_result(self, result: str | float) -> str:
        """Return the result, or say that the texts would not be true of it.

        Raises:
            ValueError: it is not the letter of the right option.
        """
        if not isinstance(result, str) or result != self.right:
            raise ValueError(
                f"{self.name}: expected the result {self.right!r}, of which the "
                f"question's texts speak, got {shown(result)}"
            )
        return self.right


@dataclass(frozen=True)
class Estimate:
    """A number to be guessed with a slider.

    Attributes:
        name: as for `Question`.
        text: what is to be guessed, as `Question.text` is written.
        slider: where the guess can stand; its label is the accessible name.
        meaning: what the result says; stands beside it.
        holds: the smallest and the largest result for which that is true.
        unit: follows the number, with a space where one belongs: " %", " m".
        digits: after the decimal point, of guess and result.

    Raises:
        ValueError: as for `Question`, or the slider cannot reach all that holds.
    """

    name: str
    text: str
    slider: Slider
    meaning: str
    holds: tuple[float, float]
    unit: str = ""
    digits: int = 0

    def __post_init__(self) -> None:
        """Validate."""
        _check_name(self.name)
        _check_texts(self.name, self.text, self.meaning)
        low, high = self.holds
        if not self.slider.minimum <= low < high <= self.slider.maximum:
            raise ValueError(
                f"{self.name}: expected holds = (low, high) within the slider, "
                f"got {self.holds}"
            )

    def in_words(self, number: float) -> str:
        """A guess or the result, with its unit."""
        return f"{round(number, self.digits) + 0.0:.{self.digits}f}{self.unit}"

    def check_result(self, result: str | float) -> str:
        """Return the result in words, or say that the text would not be true of it.

        Raises:
            TypeError: it is not a number.
            ValueError: it is outside of what holds.
        """
        try:
            number = float(result)
        except Exception as error:  # an integer of 400 digits is no float
            raise TypeError(
                f"{self.name}: expected a number, got {shown(result)}"
            ) from error
        low, high = self.holds
        if not (math.isfinite(number) and low <= number <= high):
            raise ValueError(
                f"{self.name}: expected a result of which the texts are true, what is "
                f"said holds for {low} to {high}, got {number}"
            )
        return self.in_words(number)


Prediction = Question | Estimate


@dataclass(frozen=True)
class Contents:
    """What there is to do in one notebook.

    Attributes:
        room: the package of its room, pg_course.nbNN_topic.
        title: as in its first line, without the number.
        exercises: the names of their checks.
        predictions: asked by `predict`, each answered by `resolve`.
        self_test: the three questions at the end.
    """

    room: str
    title: str
    exercises: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    self_test: tuple[Question, ...]

    @property
    def file(self) -> str:
        """Name of the notebook, without .ipynb."""
        return self.room.rpartition(".nb")[2]

    @property
    def number(self) -> int:
        """Number of the notebook."""
        return int(self.file[:2])


def plain(text: str) -> str:
    """A text without its marks, on one line."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>|\$", "", text).split()))


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name: expected lower-case words with hyphens, got {name!r}")


def _check_texts(name: str, *texts: str) -> None:
    for text in texts:
        if not plain(text) or text.count("$") % 2:
            raise ValueError(
                f"{name}: expected words, and formulas between two dollar signs, "
                f"got {text!r}"
            )
