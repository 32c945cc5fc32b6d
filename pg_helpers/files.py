"""Files that are replaced as a whole, so that a kill never leaves half of one."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes, beside: Path | None = None) -> None:
    """Write the content to a file beside, then replace the old file in one step.

    Args:
        path: of the file; missing folders are made.
        content: all of it.
        beside: in the same folder; by default path with ".partial" appended.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    beside = beside or path.with_name(f"{path.name}.partial")
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut might leave an empty file
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
