"""How a section says what came of it, so that the table at the top can repeat it."""

import re

LINE = re.compile(
    r"^\*\*Tried: (.+?)\. As they should: (.+?)\. Lost: (.+?)\.\*\*$", re.M
)


def outcome(tried: str, survived: str, lost: str = "nothing") -> str:
    """The line for the table: what was tried, how many ended well, what was lost.

    Raises:
        ValueError: a part holds what would break the line or the table.
    """
    for part in (tried, survived, lost):
        if not re.fullmatch(r"[^.|*\n]+", part):
            raise ValueError(
                f"expected a text without . | * or a new line, got {part!r}"
            )
    return f"**Tried: {tried}. As they should: {survived}. Lost: {lost}.**"
