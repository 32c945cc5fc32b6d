"""The examples of docs/environments.md do what the page says."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "environments.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)


@pytest.mark.parametrize("code, told", BLOCKS)
def test_an_example_prints_what_the_page_says(code, told, capsys):
    exec(code, {})
    assert capsys.readouterr().out == told
