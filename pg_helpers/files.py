"""Files that are replaced as a whole, so that a kill never leaves half of one."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes, beside: Path | None = None) -> None:
    """Write a file beside, then put it in the place of the old one at a stroke.

    Args:
        path: of the file; folders that are missing are made.
        content: all of it.
        beside: where it is written first, in the same folder; by default the path with
            ".partial" after it.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    if beside is None:
        beside = path.with_name(f"{path.name}.partial")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut might leave an empty file
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
