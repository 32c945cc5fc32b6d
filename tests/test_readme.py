"""The examples of the README do what it says."""

import re
from pathlib import Path

import torch

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(.*?)(?=\n\S|\Z)", README, re.DOTALL)


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_clinic_says_what_is_printed_there(capsys):
    (code, told), *others = [block for block in BLOCKS if "clinic" in block[0]]
    assert not others
    exec(code, {})
    assert words(told) and capsys.readouterr().out.startswith(words(told))


def test_the_package_can_be_used_without_notebooks(capsys):
    (code, _), *others = [block for block in BLOCKS if "pg.train" in block[0]]
    assert not others
    torch.manual_seed(0)
    exec(code, {})
    objective = float(re.search(r"tensor\((.*?),", capsys.readouterr().out)[1])
    assert 0.85 < objective < 0.9025  # the optimum
