"""Every exercise has a stub, a check and a solution, and the solution is right."""

import ast
import re
from pathlib import Path

import pytest
from answers import CHECKS
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from series import FOLDER, NOTEBOOKS, ROOT, read

from pg_course.asking.rooms import rooms

TITLE = re.compile(r"^#+ Exercise (\d+\.\d+) ★{1,3} \(\d+ min\): \S", re.MULTILINE)
STATE = re.compile(r"^(Right|Not right|Not yet): ", re.MULTILINE)


def solutions_for(path: Path) -> dict[str, str]:
    """Worked answers to the exercises of a notebook, from its room."""
    file = ROOT / "pg_course" / f"nb{path.stem}" / "solutions.py"
    return solutions_in(file.read_text(encoding="utf-8")) if file.exists() else {}


def solutions_in(text: str) -> dict[str, str]:
    """Worked answers by the tag of their stub, from a text in percent format."""
    pieces = re.split(r"^# %% (.*)$", text, flags=re.M)
    headed = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    return {
        heading.strip(): source.strip()
        for heading, source in headed.items()
        if heading.startswith("exercise-")
    }


def tagged(notebook: NotebookNode, kind: str) -> dict[str, NotebookNode]:
    """Cells by their tag exercise-<name> or check-<name>."""
    return {
        tag: cell
        for cell in notebook.cells
        for tag in cell.metadata.get("tags", [])
        if tag.startswith(f"{kind}-")
    }


def signature(source: str, function: str) -> str | None:
    """Arguments of a function that a source defines."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return ast.unparse(node.args)
    return None


def faults(notebook: NotebookNode, solutions: dict[str, str]) -> list[str]:
    """What is wrong with the exercises of a notebook, before any is run."""
    found = []
    exercises, checked = tagged(notebook, "exercise"), tagged(notebook, "check")
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    for tag in {*exercises, *checked}:
        if tags.count(tag) > 1:
            found.append(f"{tag}: more than once")
    for tag in solutions.keys() - exercises.keys():
        found.append(f"{tag}: a solution without a stub")
    for tag in checked:
        if tag.replace("check-", "exercise-", 1) not in exercises:
            found.append(f"{tag}: a check without a stub")
    for tag, stub in exercises.items():
        if tag not in solutions:
            found.append(f"{tag}: no solution")
        found += [f"{tag}: {fault}" for fault in faults_of_one(notebook, tag, stub)]
        name = tag.removeprefix("exercise-").replace("-", "_")
        arguments = signature(stub.source, f"my_{name}")
        if arguments is None:
            found.append(f"{tag}: the stub does not define my_{name}")
        elif tag in solutions and signature(solutions[tag], f"my_{name}") != arguments:
            found.append(f"{tag}: the solution does not define my_{name}({arguments})")
    return found


def faults_of_one(notebook: NotebookNode, tag: str, stub: NotebookNode) -> list[str]:
    name = tag.removeprefix("exercise-").replace("-", "_")
    at = notebook.cells.index(stub)
    code_after = [c for c in notebook.cells[at + 1 :] if c.cell_type == "code"]
    check_tag = tag.replace("exercise-", "check-", 1)
    if not code_after or check_tag not in code_after[0].metadata.get("tags", []):
        return [f"the next code cell is not tagged {check_tag}"]
    found = []
    if f"exercises.{name}(my_{name})" not in code_after[0].source:
        found.append(f"the check cell does not call exercises.{name}(my_{name})")
    check = CHECKS.get(name)
    if check is None:
        return [*found, f"there is no exercises.{name}"]
    text = notebook.cells[at - 1].source if at else ""
    title = TITLE.search(text)
    if title is None:
        found.append("no title such as '### Exercise 9.1 ★ (5 min): ...' above it")
    elif any(n != title[1] for n in re.findall(r"Exercise (\d+\.\d+)", check.where)):
        found.append(f"the check sends to another exercise: {check.where}")
    if "<details>" not in text or "</details>" not in text:
        found.append("no folded hint above it")
    everything = "\n".join(cell.source for cell in notebook.cells)
    for number in re.findall(r"\((\d+)\)", check.where):
        if rf"\tag{{{number}}}" not in everything:
            found.append(
                f"the check sends to Eq. ({number}), which does not stand here"
            )
    for number in re.findall(r"section (\d+\.\d+)", check.where):
        if not re.search(rf"^## {re.escape(number)} \S", everything, re.MULTILINE):
            found.append(f"the check sends to section {number}, which is not here")
    return found


def states(notebook: NotebookNode) -> dict[str, list[str]]:
    """What each check cell said, by its tag; other outputs by their type."""
    return {
        tag: [
            word
            for output in cell.outputs
            for word in (
                STATE.findall(output.text)
                if output.output_type == "stream" and output.name == "stdout"
                else [output.output_type]
            )
        ]
        for tag, cell in tagged(notebook, "check").items()
    }


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return notebook


def solved(notebook: NotebookNode, solutions: dict[str, str]) -> NotebookNode:
    """A notebook with the worked answers in the place of the stubs."""
    for tag, stub in tagged(notebook, "exercise").items():
        stub.source = solutions[tag]
    return notebook


# The notebooks

WITH_EXERCISES = [path for path in NOTEBOOKS if tagged(read(path), "exercise")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_exercise_has_its_parts(path):
    assert faults(read(path), solutions_for(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_with_the_stubs_every_check_says_not_yet(path):
    # Read from the committed outputs, which nbval holds against a run.
    for tag, words in states(read(path)).items():
        assert words == ["Not yet"], tag


@pytest.mark.parametrize("path", WITH_EXERCISES, ids=lambda path: path.stem)
def test_with_the_solutions_the_notebook_runs_and_every_check_says_right(path):
    notebook = read(path)
    run(solved(notebook, solutions_for(path)), path.parent)
    for tag, words in states(notebook).items():
        assert words == ["Right"], tag


def test_every_notebook_has_a_room_and_every_room_a_notebook():
    assert rooms() == [f"nb{path.stem}" for path in NOTEBOOKS]


# What the tests above are worth, on a small notebook

STUB = '''def my_total_return(rewards, gamma):
    """R(tau) of each trajectory."""
    ...  # your code'''
SOLUTION = '''def my_total_return(rewards, gamma):
    """R(tau) of each trajectory."""
    return (gamma ** torch.arange(rewards.shape[1]) * rewards).sum(1)'''
WRONG = """def my_total_return(rewards, gamma):
    return rewards.sum(1)"""
TEXT = r"""## 9.1 A section
### Exercise 9.1 ★ (5 min): the return
$$R = \sum_t \gamma^t r_t \tag{6}$$
<details><summary>Hint</summary>Think.</details>"""


def small(stub: str = STUB, text: str = TEXT) -> NotebookNode:
    """Imports, text, stub, check, and a cell that does not need the answer."""

    def code(source: str, *tags: str) -> NotebookNode:
        return new_code_cell(source, metadata={"tags": list(tags)})

    return new_notebook(
        cells=[
            code("import torch\nfrom pg_course.nb09_training import exercises"),
            new_markdown_cell(text),
            code(stub, "exercise-total-return"),
            code("exercises.total_return(my_total_return)", "check-total-return"),
            code("print(torch.ones(2).sum().item())"),
        ]
    )


def changed(index: int, **changes: object) -> NotebookNode:
    notebook = small()
    notebook.cells[index].update(changes)
    return notebook


def retagged(index: int, *tags: str) -> NotebookNode:
    notebook = small()
    notebook.cells[index].metadata.tags = list(tags)
    return notebook


def without(index: int) -> NotebookNode:
    notebook = small()
    del notebook.cells[index]
    return notebook


ANSWERS = {"exercise-total-return": SOLUTION}


def test_a_good_notebook_has_no_fault():
    assert faults(small(), ANSWERS) == []
    assert faults(new_notebook(cells=[new_code_cell("1")]), {}) == []


@pytest.mark.parametrize(
    ("notebook", "solutions", "fault"),
    [
        (small(), {}, "no solution"),
        (
            small(),
            {**ANSWERS, "exercise-b": ""},
            "exercise-b: a solution without a stub",
        ),
        (without(2), {}, "check-total-return: a check without a stub"),
        (without(3), ANSWERS, "the next code cell is not tagged check-total-return"),
        (retagged(3, "check-loss"), ANSWERS, "is not tagged check-total-return"),
        (retagged(4, "check-total-return"), ANSWERS, "more than once"),
        (
            changed(3, source="exercises.loss(my_total_return)"),
            ANSWERS,
            "does not call exercises.total_return(my_total_return)",
        ),
        (changed(2, source="x = 1"), ANSWERS, "does not define my_total_return"),
        (
            small(),
            {"exercise-total-return": "def my_total_return(rewards): pass"},
            "the solution does not define my_total_return(rewards, gamma)",
        ),
        (small(text=TEXT.replace("★", "")), ANSWERS, "no title"),
        (small(text=TEXT.replace("9.1", "9.2")), ANSWERS, "sends to another exercise"),
        (small(text=TEXT.replace("details", "b")), ANSWERS, "no folded hint"),
        (small(text=TEXT.replace("tag{6}", "tag{7}")), ANSWERS, "sends to Eq. (6)"),
    ],
)
def test_each_fault_of_an_exercise_is_named(notebook, solutions, fault):
    assert fault in "\n".join(faults(notebook, solutions))


def test_a_section_that_is_not_there_is_named():
    notebook = small(STUB.replace("total_return(rewards", "loss(rewards"))
    notebook.cells[2].metadata.tags = ["exercise-loss"]
    notebook.cells[3].metadata.tags = ["check-loss"]
    fault = "exercise-loss: the check sends to section 9.3, which is not here"
    assert fault in faults(notebook, {})
    notebook.cells[0:0] = [new_markdown_cell("## 9.3 A loss")]
    assert fault not in faults(notebook, {})


def test_a_check_that_does_not_exist_is_named():
    notebook = small()
    notebook.cells[2].metadata.tags = ["exercise-nonsense"]
    notebook.cells[3].metadata.tags = ["check-nonsense"]
    assert "exercise-nonsense: there is no exercises.nonsense" in faults(notebook, {})


def test_solutions_are_read_cell_by_cell():
    text = (
        "# A comment\n\n# %% imports\nimport torch\n\n\n# %% exercise-a\n"
        "def my_a():\n    return 5 % 2\n\n\n# %% exercise-b-c\nx = 1\n"
    )
    assert solutions_in(text) == {
        "exercise-a": "def my_a():\n    return 5 % 2",
        "exercise-b-c": "x = 1",
    }
    assert solutions_for(Path("99_none.ipynb")) == {}


def test_what_a_check_cell_said_is_read_from_its_outputs():
    def after(*outputs: NotebookNode) -> list[str]:
        notebook = small()
        notebook.cells[3].outputs = list(outputs)
        return states(notebook)["check-total-return"]

    def printed(text: str) -> NotebookNode:
        return new_output("stream", name="stdout", text=text)

    assert after() == []
    assert after(printed("Not yet: write it.\n")) == ["Not yet"]
    assert after(printed("a print\nNot right: no.\n")) == ["Not right"]
    assert after(printed("Right: yes.\n")) == ["Right"]
    assert after(printed("Right?\n")) == []
    assert after(
        printed("Right: yes.\n"),
        new_output("execute_result", {"text/plain": "1"}, execution_count=1),
    ) == ["Right", "execute_result"]


def test_in_a_kernel_a_check_prints_its_text_once_and_the_notebook_goes_on(tmp_path):
    imports, _, _, check, last = small().cells
    cells = [imports]
    for tag, source in {"stub": STUB, "wrong": WRONG, "solution": "replaced"}.items():
        cells += [
            new_code_cell(source, metadata={"tags": [f"exercise-{tag}"]}),
            new_code_cell(check.source, metadata={"tags": [f"check-{tag}"]}),
        ]
    notebook = new_notebook(cells=[*cells, last])
    answers = {"exercise-stub": STUB, "exercise-wrong": WRONG}
    run(solved(notebook, {**answers, "exercise-solution": SOLUTION}), tmp_path)
    assert states(notebook) == {
        "check-stub": ["Not yet"],
        "check-wrong": ["Not right"],
        "check-solution": ["Right"],
    }
    assert notebook.cells[-1].outputs[0].text == "2.0\n"


def test_the_worked_answers_of_notebook_09_are_right():
    answers = solutions_for(FOLDER / "09_training.ipynb")
    assert set(answers) == {"exercise-total-return", "exercise-loss", "exercise-update"}
    for tag, source in answers.items():
        name = tag.removeprefix("exercise-")
        space: dict = {"torch": __import__("torch")}
        exec(source, space)
        check = CHECKS[name.replace("-", "_")]
        assert check(space[f"my_{check.name}"]).state == "right"
