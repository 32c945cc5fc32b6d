"""Every numbered equation is in a notebook, above a cell that asserts it."""

import ast
import re

import pytest
from series import NOTEBOOKS, read

# Number, notebook and position of every cell tagged eq-NN.
ASSERTING = [
    (int(tag.removeprefix("eq-")), path, position)
    for path in NOTEBOOKS
    for position, cell in enumerate(read(path).cells)
    for tag in cell.metadata.get("tags", [])
    if re.fullmatch(r"eq-\d\d", tag)
]


@pytest.mark.parametrize(("number", "path", "position"), ASSERTING)
def test_a_tagged_cell_asserts_and_is_below_its_equation(number, path, position):
    cells = read(path).cells
    above = [c.source for c in cells[:position] if c.cell_type == "markdown"]
    assert rf"\tag{{{number}}}" in "\n".join(above)
    nodes = ast.walk(ast.parse(cells[position].source))
    assert any(isinstance(node, ast.Assert) for node in nodes)


def test_every_equation_is_asserted_somewhere():
    assert {number for number, _, _ in ASSERTING} == set(range(1, 25))
