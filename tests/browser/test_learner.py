"""A learner's way: answers typed into the exercises, and kept over a restart."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import NOTEBOOKS, Watch, open_notebook, run_all, serve, wait_until_idle
from live import faultless
from playwright.sync_api import Page

# In the worked answers: what a learner writes otherwise, and what must be said then.
SLIPS = {
    "04_the_log_derivative_trick": {
        "score-estimate": (".mean(dim=0)", ".sum(dim=0)", "this is the sum over"),
        "gaussian-score": (
            " - 1 / standard_deviation",
            "",
            "a term of the second column is missing",
        ),
    },
    "06_the_policy_gradient": {
        "exact-gradient": ("returns * probabilities", "returns", "are not in it"),
        "policy-gradient-estimate": (
            " * mask[:, :, None]",
            "",
            "the padding is counted",
        ),
        "share-uphill": ("> 0", ">= 0", "estimates that are zero are counted"),
    },
    "08_the_pseudo_loss": {
        "loss-from-logits": ("return (", "return -(", "the sign is turned round"),
        "all-action-loss": (".softmax(", ".log_softmax(", "here stand logarithms"),
        "ratio-loss": (
            "log_probs - old_log_probs",
            "old_log_probs - log_probs",
            "the ratio is upside down",
        ),
    },
}

CELL = """tag => window.notebook.content.widgets.findIndex(
  cell => (cell.model.getMetadata('tags') ?? []).includes(tag))"""
RESTART = """async () => {
  await window.notebook.sessionContext.session.kernel.restart();
}"""
ANSWER = """async (number) => {
  const cells = window.notebook.content;
  cells.activeCellIndex = number;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("learner")


@pytest.fixture(scope="module")
def own_address(root, home) -> Iterator[str]:
    """A server of their own, with a home in which nothing is kept yet."""
    with serve(root, home) as address:
        yield address


@pytest.fixture
def page(context, own_address) -> Iterator[Page]:
    page = context.new_page()
    watch = Watch(page)
    yield page
    page.evaluate("window.notebook.sessionContext.shutdown()")
    page.close()
    faultless(watch.faults)


def solutions(stem: str) -> dict[str, str]:
    """Worked answers by their tag, with the imports of the file before each."""
    file = NOTEBOOKS.parent / "pg_course" / f"nb{stem}" / "solutions.py"
    text = file.read_text(encoding="utf-8")
    pieces = re.split(r"^# %% (.*)$", text, flags=re.MULTILINE)
    found = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    imports = found.pop("imports", "").strip()
    return {tag: f"{imports}\n\n\n{source.strip()}\n" for tag, source in found.items()}


def cell(page: Page, tag: str):
    return page.locator(".jp-Notebook .jp-Cell").nth(page.evaluate(CELL, tag))


def type_and_run(page: Page, tag: str, source: str) -> None:
    """Replace the text of a cell by keyboard, and run it and its check."""
    editor = cell(page, tag).locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
    wait_until_idle(page)
    run(page, tag.replace("exercise-", "check-"))


def run(page: Page, tag: str) -> None:
    page.evaluate(ANSWER, page.evaluate(CELL, tag))
    wait_until_idle(page)


def output(page: Page, tag: str) -> str:
    return " ".join(cell(page, tag).locator(".jp-OutputArea").inner_text().split())


@pytest.mark.parametrize("stem", SLIPS)
def test_a_wrong_and_then_a_right_answer(stem, page, own_address, screenshots):
    open_notebook(page, own_address, f"notebooks/{stem}.ipynb", kernel=True)
    faultless(run_all(page))
    for name, (right, slip, message) in SLIPS[stem].items():
        answer = solutions(stem)[f"exercise-{name}"]
        assert answer.count(right) == 1, name
        check = f"check-{name}"
        assert output(page, check).startswith("Not yet: ")
        type_and_run(page, f"exercise-{name}", answer.replace(right, slip))
        said = output(page, check)
        assert said.startswith("Not right: ") and message in said, said
        assert "Where to look: " in said
        shot = screenshots / f"learner_{stem[:2]}_{name}_wrong.png"
        cell(page, check).screenshot(path=shot)
        type_and_run(page, f"exercise-{name}", answer)
        assert output(page, check).startswith("Right: ")
        cell(page, check).screenshot(path=Path(str(shot).replace("wrong", "right")))


def test_answers_survive_a_restart_of_the_kernel(page, own_address, home, screenshots):
    stem = "04_the_log_derivative_trick"
    open_notebook(page, own_address, f"notebooks/{stem}.ipynb", kernel=True)
    faultless(run_all(page))
    questions = page.locator(".pg-question")
    prediction, test = questions.first, questions.last
    prediction.get_by_role("button", name="C", exact=True).press("Enter")
    test.get_by_role("button", name="B", exact=True).first.press("Enter")
    said = [prediction.locator(".pg-sentence"), test.locator(".pg-sentence").first]
    for sentence, words in zip(said, ("Your prediction: C", "B: Right."), strict=True):
        sentence.get_by_text(words).wait_for()
    page.evaluate(RESTART)
    page.evaluate(
        "window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
    )
    assert questions.count() == 0
    faultless(run_all(page))
    for sentence, words in zip(said, ("Your prediction: C", "B: Right."), strict=True):
        sentence.get_by_text(words).wait_for()
    told = page.locator(".pg-question", has_text="You predicted C: ")
    assert told.count() == 1
    told.screenshot(path=screenshots / "learner_prediction_after_a_restart.png")
    assert list(home.rglob("progress.json"))


def test_the_first_notebook_shows_what_is_done(page, own_address, screenshots):
    """Comes last: what the tests above did is there to be shown."""
    open_notebook(page, own_address, "notebooks/00_start_here.ipynb", kernel=True)
    faultless(run_all(page))
    table = page.locator(".jp-OutputArea table", has_text="self-test right")
    rows = [" ".join(row.split("\t")) for row in table.inner_text().splitlines()]
    (row,) = [row for row in rows if "The log-derivative trick" in row]
    assert "1 of 3 2 of 2 1 of 3 begun" in row
    (row,) = [row for row in rows if "The pseudo-loss" in row]
    assert "3 of 3" in row and row.endswith("begun")
    table.screenshot(path=screenshots / "learner_progress.png")
    page.get_by_role("link", name="8 · The pseudo-loss").first.wait_for()
