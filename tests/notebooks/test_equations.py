"""Every numbered equation stands in a notebook, above a cell that asserts it."""

import ast
import re

import pytest
from nbformat import NotebookNode
from series import NOTEBOOKS, read

NUMBERS = range(1, 25)


def asserting_cells(notebook: NotebookNode) -> dict[int, list[int]]:
    """Positions of the cells tagged eq-NN, by the number of the equation."""
    found: dict[int, list[int]] = {}
    for position, cell in enumerate(notebook.cells):
        for tag in cell.metadata.get("tags", []):
            if match := re.fullmatch(r"eq-(\d\d)", tag):
                found.setdefault(int(match[1]), []).append(position)
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tagged_cell_asserts_and_stands_below_its_equation(path):
    notebook = read(path)
    for number, positions in asserting_cells(notebook).items():
        above = "\n".join(
            cell.source
            for cell in notebook.cells[: positions[0]]
            if cell.cell_type == "markdown"
        )
        assert rf"\tag{{{number}}}" in above, f"Eq. ({number}) does not stand above"
        for position in positions:
            nodes = ast.walk(ast.parse(notebook.cells[position].source))
            assert any(isinstance(node, ast.Assert) for node in nodes), number


@pytest.mark.parametrize("number", NUMBERS)
def test_every_equation_is_asserted_somewhere(number):
    assert any(number in asserting_cells(read(path)) for path in NOTEBOOKS)
