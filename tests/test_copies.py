"""A reader's own copies of the notebooks: nothing of theirs is ever lost."""

import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from series import NOTEBOOKS, ROOT

from tools import copies

NAME = "04_topic.ipynb"


class Series:
    """One notebook, and a reader who has a copy of it."""

    def __init__(self, root: Path) -> None:
        self.originals, self.folder = root / "notebooks", root / "my_notebooks"
        self.originals.mkdir()
        self.publish("first")

    def publish(self, source: str) -> None:
        output = new_output("stream", name="stdout", text="the answer")
        cell = new_code_cell(source, id="code", outputs=[output], execution_count=1)
        cells = [new_markdown_cell("# Title", id="title"), cell]
        nbformat.write(new_notebook(cells=cells), self.originals / NAME)

    def update(self) -> None:
        copies.copy_all(self.originals, self.folder)

    def edit(self, source: str, name: str = NAME) -> bytes:
        notebook = nbformat.read(self.folder / name, as_version=4)
        notebook.cells[1].source = source
        nbformat.write(notebook, self.folder / name)
        return (self.folder / name).read_bytes()

    def sources(self) -> dict[str, str]:
        """What the code cell of each copy says."""
        found = sorted(self.folder.glob("*.ipynb"))
        return {p.name: nbformat.read(p, as_version=4).cells[1].source for p in found}


@pytest.fixture
def series(tmp_path):
    series = Series(tmp_path)
    series.update()
    return series


def test_a_copy_has_no_results_and_the_original_keeps_them(series):
    copy = nbformat.read(series.folder / NAME, as_version=4)
    original = nbformat.read(series.originals / NAME, as_version=4)
    assert original.cells[1].outputs[0].text == "the answer"
    assert (copy.cells[1].outputs, copy.cells[1].execution_count) == ([], None)
    copy.cells[1] |= original.cells[1]
    assert copy == original


def test_a_lecturers_copy_is_the_notebook_to_the_last_byte(tmp_path):
    copies.copy_all(ROOT / "notebooks", tmp_path / "my_lecture", outputs=True)
    for path in NOTEBOOKS:
        assert (tmp_path / "my_lecture" / path.name).read_bytes() == path.read_bytes()


def test_what_was_only_run_is_replaced_by_a_new_version(series, capsys):
    copy = nbformat.read(series.folder / NAME, as_version=4)
    copy.metadata.language_info = {"name": "python", "version": "3.13"}
    copy.cells[1].outputs = [new_output("stream", name="stdout", text="run")]
    copy.cells.append(new_code_cell(""))  # as JupyterLab does at the end
    nbformat.write(copy, series.folder / NAME)
    series.publish("second")
    series.update()
    assert series.sources() == {NAME: "second"}
    assert f"{NAME}: replaced by its new version" in capsys.readouterr().out


def test_what_was_changed_is_kept_and_the_new_version_is_beside(series, capsys):
    mine = series.edit("mine")
    series.update()
    assert (series.folder / NAME).read_bytes() == mine
    assert "new version" not in capsys.readouterr().out
    for version in ("second", "third"):
        series.publish(version)
        series.update()
        assert series.sources() == {NAME: "mine", "04_topic_new.ipynb": version}
        assert "yours is kept" in capsys.readouterr().out
    series.edit("mine too", "04_topic_new.ipynb")
    series.update()
    assert "yours is kept" not in capsys.readouterr().out
    series.publish("fourth")
    series.update()
    assert list(series.sources().values()) == ["mine", "mine too", "fourth"]
    assert (series.folder / NAME).read_bytes() == mine


@pytest.mark.parametrize("name", [NAME, copies.KNOWN])
@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}'])
def test_a_damaged_file_is_no_reason_to_overwrite(series, name, text):
    series.edit("mine")
    (series.folder / name).write_text(text)
    before = (series.folder / NAME).read_bytes()
    series.publish("second")
    series.update()
    assert (series.folder / NAME).read_bytes() == before


def test_a_new_version_that_was_thrown_away_stays_away(series):
    series.edit("mine")
    series.publish("second")
    series.update()
    (series.folder / "04_topic_new.ipynb").unlink()
    series.update()
    assert series.sources() == {NAME: "mine"}
    series.publish("third")
    series.update()
    assert series.sources() == {NAME: "mine", "04_topic_new.ipynb": "third"}


def test_a_copy_that_was_deleted_is_made_anew(series):
    (series.folder / NAME).unlink()
    series.update()
    assert series.sources() == {NAME: "first"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_a_folder_that_cannot_be_had_is_named_in_a_sentence(tmp_path, capsys):
    taken = tmp_path / "my_notebooks"
    taken.write_text("a file of theirs")
    with pytest.raises(SystemExit) as stopped:
        copies.main([str(taken)])
    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and str(taken) in told
    assert taken.read_text() == "a file of theirs"


@pytest.mark.parametrize("folder", ["my_notebooks", "my_lecture"])
def test_git_does_not_see_the_copies(folder):
    command = ["git", "check-ignore", "-q", f"{folder}/{NAME}"]
    assert subprocess.run(command, cwd=ROOT).returncode == 0
