"""Questions as Markdown, for where no kernel runs: a fresh clone, a page, a slide."""

from __future__ import annotations

from collections.abc import Mapping

from pg_course.asking.questions import Contents, Estimate, Prediction, Question


def of_prediction(asked: Prediction, guess: str = "") -> str:
    """The question, what may be answered, and what was."""
    if isinstance(asked, Estimate):
        low = asked.in_words(asked.slider.minimum).removesuffix(asked.unit)
        high = asked.in_words(asked.slider.maximum)
        said = f"**Predict.** {asked.text} (From {low} to {high}.)"
    else:
        said = f"**Predict.** {asked.text}\n\n{_options(asked)}"
    return _quoted(said + (f"\n\nYour prediction: **{guess}**." if guess else ""))


def of_result(asked: Prediction, result: str, guess: str = "") -> str:
    """The result, held against a guess if there is one."""
    return _quoted("\n\n".join(said_of_result(asked, result, guess)))


def said_of_result(asked: Prediction, result: str, guess: str) -> list[str]:
    """Paragraphs that hold a guess against the result.

    Args:
        asked: the question.
        result: the right letter, or the number in words.
        guess: the same of the guess; empty if there is none.
    """
    if isinstance(asked, Estimate):
        first = f"You guessed {guess}. " if guess else ""
        return [f"{first}<strong>The result: {result}.</strong> {asked.meaning}"]
    said = []
    if guess == result:
        said.append(f"<strong>As you predicted, {result}:</strong>")
    else:
        if guess:
            chosen = asked.answers[guess]
            said.append(f"You predicted {guess}: {chosen.text} {chosen.feedback}")
        said.append(f"<strong>The result is {result}:</strong>")
    right = asked.answers[result]
    return [*said[:-1], f"{said[-1]} {right.text} {right.feedback}"]


def of_self_test(contents: Contents, chosen: Mapping[str, str] = {}) -> str:
    """The questions, and all that is to be said of their options, folded.

    Args:
        contents: of the notebook.
        chosen: the letter of the answer to each question, empty for none.
    """
    parts = []
    for number, question in enumerate(contents.self_test, 1):
        parts.append(f"**Question {number}.** {question.text}\n\n{_options(question)}")
        if letter := chosen.get(question.name):
            parts.append(f"Your answer: **{letter}**.")
    answers = []
    for number, question in enumerate(contents.self_test, 1):
        lines = [
            f"- **{letter}{' is right' if option.right else ''}.** {option.feedback}"
            for letter, option in question.answers.items()
        ]
        answers.append(f"**Question {number}**\n\n" + "\n".join(lines))
    folded = "\n\n".join(answers)
    parts.append(f"<details><summary>Answers</summary>\n\n{folded}\n\n</details>")
    return "\n\n".join(parts)


def _options(question: Question) -> str:
    return "\n".join(
        f"- **{letter}.** {option.text}" for letter, option in question.answers.items()
    )


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
