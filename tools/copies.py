"""Give a reader notebooks of their own: copies beside notebooks/, without results.

A file that was changed is never overwritten. Where the original has changed too, the
new version is put beside it; a copy nobody has touched is replaced.
"""

import argparse
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KNOWN = ".copied.json"  # by name, the digest of what was copied


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="as my_notebooks, in the project's folder")
    parser.add_argument("--outputs", action="store_true", help="keep the results")
    options = parser.parse_args(arguments)
    try:
        copy_all(ROOT / "notebooks", ROOT / options.folder, options.outputs)
    except OSError as error:  # read-only, full, or something else has the name
        parser.exit(1, f"The notebooks could not all be copied: {error}\n")


def copy_all(originals: Path, folder: Path, outputs: bool = False) -> None:
    """Copy what is missing, replace what is old and untouched, and say so."""
    folder.mkdir(exist_ok=True)
    known: dict[str, str] = {}
    with suppress(FileNotFoundError, ValueError, TypeError):
        known = dict(json.loads((folder / KNOWN).read_text(encoding="utf-8")))
    for original in sorted(originals.glob("[0-9][0-9]_*.ipynb")):
        notebook = json.loads(original.read_text(encoding="utf-8"))
        new = digest(notebook)
        place, old = free_place(folder / original.name, new, known)
        known[place.name] = new
        if old == new:
            continue
        if place.name != original.name:
            print(f"{original.name}: yours is kept, the new version is {place.name}")
        elif old:
            print(f"{original.name}: replaced by its new version; yours was unchanged")
        write(place, notebook if outputs else cleared(notebook))
    write(folder / KNOWN, known)
    print(f"Your copies of the notebooks are in {folder}")


def free_place(copy: Path, new: str, known: dict[str, str]) -> tuple[Path, str]:
    """Where a version belongs, and the version from which what is there was made.

    That is nothing yet, this version, or an older one that nobody has changed.
    """
    while copy.exists():
        old = known.get(copy.name, "")
        try:
            found = digest(json.loads(copy.read_text(encoding="utf-8")))
        except (ValueError, LookupError, TypeError):
            found = ""  # no notebook any more, but theirs
        if new in (old, found):
            return copy, new
        if old and old == found:
            return copy, old
        copy = copy.with_stem(f"{copy.stem}_new")
        if not copy.exists() and known.get(copy.name) == new:
            return copy, new  # they have thrown it away
    return copy, ""


def digest(notebook: Any) -> str:
    """What stands in the cells, whoever has run or opened it."""
    cells = [[c["cell_type"], "".join(c["source"])] for c in notebook["cells"]]
    filled = [cell for cell in cells if cell[1].strip()]  # JupyterLab adds an empty one
    return hashlib.sha256(json.dumps(filled).encode()).hexdigest()


def cleared(notebook: Any) -> Any:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return notebook


def write(path: Path, content: Any) -> None:
    """Replace a file as a whole, so that a kill never leaves half of one.

    To import `pg_helpers.files` would take two seconds each time.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    beside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(beside, path)


if __name__ == "__main__":
    main()
