from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode, v4
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks

Change = Callable[[NotebookNode], object]


def executed(*sources: str) -> NotebookNode:
    """A notebook as `run` leaves it: each cell printed one line."""
    cells = [new_markdown_cell("# Title", id="title")]
    for number, source in enumerate(sources, start=1):
        output = new_output("stream", name="stdout", text=f"line {number}\n")
        cells.append(
            new_code_cell(
                source, id=f"code-{number}", execution_count=number, outputs=[output]
            )
        )
    return notebooks.normalise(new_notebook(cells=cells))


def faults_after(change: Change) -> list[str]:
    notebook = executed("a = 1", "b = 2")
    change(notebook)
    return notebooks.check(notebooks.dumps(notebook))


def first_code_cell(notebook: NotebookNode) -> NotebookNode:
    return notebook.cells[1]


def with_output(output: NotebookNode) -> Change:
    return lambda notebook: first_code_cell(notebook).outputs.append(output)


def with_source(source: str) -> Change:
    return lambda notebook: first_code_cell(notebook).update(source=source)


def with_count(count: int | None) -> Change:
    return lambda notebook: first_code_cell(notebook).update(execution_count=count)


ERROR = new_output(
    "error", ename="ValueError", evalue="no", traceback=["ValueError: no"]
)


def test_a_good_notebook_has_no_fault():
    assert faults_after(lambda notebook: None) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (with_count(None), "not executed"),
        (with_count(5), "out of order: execution count 5"),
        (with_output(ERROR), "error: ValueError: no"),
        (
            with_output(new_output("stream", name="stderr", text="a\nwarning\n")),
            "stderr: a warning",
        ),
        (
            with_output(
                new_output("display_data", {"text/plain": "<at 0x7f00aa11bb22>"})
            ),
            "memory address in the output: 0x7f00aa11bb22",
        ),
        (with_source("x = 1\n" * 26), "26 lines, more than 25"),
        *[
            (with_source(source), f"shell command, magic, or no Python: {source}")
            for source in ("%%time", "x.y = !ls", "x = %system ls", "pip install x")
        ],
    ],
)
def test_each_fault_of_a_cell_is_the_only_one_named(change, fault):
    assert faults_after(change) == [f"code cell 1: {fault}"]


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook: notebook.metadata.update(title="x"),
        lambda notebook: notebook.metadata.language_info.update(version="3.11.7"),
        lambda notebook: first_code_cell(notebook).metadata.update(collapsed=True),
        lambda notebook: first_code_cell(notebook).metadata.update(
            execution={"iopub.execute_input": "2026-01-01T00:00:00Z"}
        ),
        lambda notebook: first_code_cell(notebook).update(id="title"),
        with_output(new_output("stream", name="stdout", text="in two pieces\n")),
        with_output(new_output("display_data", {notebooks.WIDGET_VIEW: {}})),
    ],
)
def test_what_is_not_normalised_is_named(change):
    # Not by dumps(), which refuses what is not valid, such as a second equal id.
    notebook = executed("a = 1")
    assert notebooks.check(v4.writes(notebook) + "\n") == []
    change(notebook)
    assert notebooks.check(v4.writes(notebook) + "\n") == [
        "not normalised: run `make notebooks`"
    ]


def test_normalise_keeps_what_matters_and_is_idempotent():
    cell = new_code_cell(
        "a = 1",
        id="keep-me",
        metadata={
            "tags": ["eq-23"],
            "cellView": "form",
            "slideshow": {"slide_type": "slide"},
            "jupyter": {"source_hidden": True, "outputs_hidden": True},
            "scrolled": True,
        },
        outputs=[
            new_output("stream", name="stdout", text="one "),
            new_output("stream", name="stdout", text="two\n"),
            new_output(
                "display_data",
                {"image/png": "AAAA", notebooks.WIDGET_VIEW: {"model_id": "f00"}},
                metadata={"image/png": {"alt": "a figure"}},
            ),
            new_output("stream", name="stdout", text="three\n"),
        ],
    )
    before = new_notebook(cells=[cell])
    after = notebooks.normalise(before)
    assert after.cells[0].id == "keep-me"
    assert after.cells[0].metadata == {
        "tags": ["eq-23"],
        "cellView": "form",
        "slideshow": {"slide_type": "slide"},
        "jupyter": {"source_hidden": True},
    }
    first, figure, last = after.cells[0].outputs
    assert (first.text, last.text) == ("one two\n", "three\n")
    assert figure.data == {"image/png": "AAAA"}
    assert figure.metadata == {"image/png": {"alt": "a figure"}}
    assert notebooks.normalise(after) == after
    assert len(before.cells[0].outputs) == 4, "the argument must stay as it was"


def write(path: Path, *sources: str, tags: tuple[str, ...] = ()) -> None:
    cells = [new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
    path.write_text(notebooks.dumps(new_notebook(cells=cells)), encoding="utf-8")


def test_running_twice_gives_identical_bytes_without_a_fault(tmp_path, capsys):
    path = tmp_path / "00_small.ipynb"
    write(
        path,
        "import os\nfrom pathlib import Path\nprint(Path.cwd().name)",
        "print(os.environ['OMP_NUM_THREADS'], os.environ['OPENBLAS_NUM_THREADS'])",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "import ipywidgets\nipywidgets.IntSlider()",
        "print('α', flush=True)\nprint('β')",
    )
    assert notebooks.main(["run", str(path)]) == 0
    once = path.read_bytes()
    assert notebooks.main(["run", str(path)]) == 0
    assert path.read_bytes() == once
    assert "unchanged" in capsys.readouterr().out
    assert notebooks.main(["check", str(path)]) == 0

    cells = notebooks.parse(once.decode()).cells
    assert cells[0].outputs[0].text == f"{tmp_path.name}\n"
    assert cells[1].outputs[0].text == "1 1\n"
    assert "image/png" in cells[2].outputs[0].data
    assert cells[4].outputs[0].text == "α\nβ\n"
    assert "α" in once.decode(), "letters stay readable in the file"


def test_a_failing_cell_leaves_the_file_and_fails_the_run(tmp_path, capsys):
    path = tmp_path / "00_broken.ipynb"
    write(path, "raise ValueError('the reason')")
    before = path.read_bytes()
    assert notebooks.main(["run", str(path)]) == 1
    assert path.read_bytes() == before
    assert "the reason" in capsys.readouterr().out
