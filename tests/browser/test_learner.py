"""A learner's way: answers typed and chosen, judged, kept over a restart, and shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import run_all, write_notebook
from live import Live, faultless, running, worked_answers

from tools import copies

STUB = "def my_score_estimate(rewards, scores):\n    ...  # your code"
CELLS = [
    "import pg_course as course\n"
    "from pg_course.nb04_the_log_derivative_trick import exercises",
    STUB,
    "exercises.score_estimate(my_score_estimate)",
    'course.predict("where-to-aim")',
    'course.resolve("where-to-aim", "B")',
    "course.self_test(4)",
    "course.show_progress()",
]
TAGS = {"exercise_score_estimate": 1, "check_score_estimate": 2}


@pytest.fixture
def live(lab, root: Path, home: Path) -> Iterator[Live]:
    for kept in home.rglob("progress.json"):
        kept.unlink()
    write_notebook(root / "learner.ipynb", CELLS, **TAGS)
    with running(lab, "learner.ipynb") as live:
        faultless(live.faults)
        yield live
        faultless(live.watch.faults)


def test_a_wrong_answer_is_explained_and_the_right_one_accepted(live):
    assert live.output("check-score-estimate").startswith("Not yet: ")
    answer = worked_answers("04_the_log_derivative_trick")["score-estimate"]
    assert answer.count(".mean(dim=0)") == 1
    wrong = answer.replace(".mean(dim=0)", ".sum(dim=0)")
    said = live.type_and_check("score-estimate", wrong)
    assert said.startswith("Not right: ") and "this is the sum over" in said
    assert "Where to look: " in said
    assert live.sign("check-score-estimate") == '"✗ " / ""'
    assert live.type_and_check("score-estimate", answer).startswith("Right: ")
    assert live.sign("check-score-estimate") == '"✓ " / ""'


def test_answers_survive_a_restart_of_the_kernel_and_are_shown(live, home):
    answer = worked_answers("04_the_log_derivative_trick")["score-estimate"]
    live.type_and_check("score-estimate", answer)
    questions = live.page.locator(".pg-question")
    prediction, told, test = (questions.nth(number) for number in range(3))
    prediction.get_by_role("button", name="C", exact=True).press("Enter")
    test.get_by_role("button", name="B", exact=True).first.press("Enter")

    def all_is_said() -> None:
        prediction.get_by_text("Your prediction: C").wait_for()
        told.get_by_text("You predicted C: ").wait_for()
        test.get_by_text("B: Right.").wait_for()

    all_is_said()
    live.page.evaluate("lab.restart()")
    assert questions.count() == 0
    faultless(run_all(live.page))
    all_is_said()
    assert list(home.rglob("progress.json"))
    row = live.page.locator("tr", has_text="The log-derivative trick")
    assert " ".join(row.inner_text().split()).endswith("1 of 3 1 of 2 1 of 3 begun")


def test_a_copy_that_was_only_run_and_saved_gives_way_to_a_new_version(lab, root):
    originals, folder = root / "originals", root / "my_notebooks"
    originals.mkdir()
    for source in ("1 + 1", "2 + 2"):
        write_notebook(originals / "00_small.ipynb", [source])
        copies.copy_all(originals, folder)
        with running(lab, "my_notebooks/00_small.ipynb") as live:
            live.page.keyboard.press("Shift+Enter")  # which adds an empty cell
            live.page.evaluate("notebook.context.save()")
        text = (folder / "00_small.ipynb").read_text("utf-8")
        assert source in text and text.count('"cell_type"') == 2
    assert [path.name for path in folder.glob("*.ipynb")] == ["00_small.ipynb"]
