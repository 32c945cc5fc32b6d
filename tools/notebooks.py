"""Execute the notebooks in place (`run`), or check what is committed (`check`)."""

import argparse
import ast
import copy
import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import nbformat.reader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
CELL_TIMEOUT = 600  # seconds, as for nbval in pyproject.toml
MAX_LINES = 25
# The reason for one thread is in conftest.py.
KERNEL_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PG_HELPERS_PROGRESS": "",  # no predictions of a learner's in the outputs
}
NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
UNREADABLE = (ValueError, nbformat.ValidationError)
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["run", "check"])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
    if not paths:
        print(f"no notebooks in {FOLDER}")
        return 1
    failed = False
    for path in paths:
        # As bytes: reading as text would hide Windows line endings from `check`.
        text = path.read_bytes().decode()
        for fault in run(path, text) if options.command == "run" else check(text):
            failed = True
            print(f"{path.name}: {fault}", flush=True)
    return int(failed)


def run(path: Path, before: str) -> list[str]:
    """Execute a notebook, write it normalised, and return its faults.

    A cell that fails leaves the file as it was.
    """
    started = time.perf_counter()
    try:
        notebook = parse(before)
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=CELL_TIMEOUT,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": str(path.resolve().parent)}},
        )
        client.execute(env={**os.environ, **KERNEL_ENVIRONMENT})
        after = dumps(normalise(notebook))
    except (
        *UNREADABLE,
        CellExecutionError,
        CellTimeoutError,
        DeadKernelError,
    ) as error:
        return [f"not executed, file unchanged: {error}"]
    if after != before:
        path.write_bytes(after.encode())
    state = "unchanged" if after == before else "written"
    print(f"{path.name}: {state}, {time.perf_counter() - started:.1f} s", flush=True)
    return check(after)


def check(text: str) -> list[str]:
    """Return the faults of a notebook's text, one line each."""
    try:
        notebook = parse(text)
        normal = dumps(normalise(notebook))
    except UNREADABLE as error:
        return [f"not a notebook: {one_line(str(error))}"]
    faults = [] if normal == text else ["not normalised: run `make notebooks`"]
    if "widgets" in notebook.metadata:
        faults.append("widget state in the metadata")
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code_cells, start=1):
        faults += [
            f"code cell {number}: {fault}" for fault in cell_faults(cell, number)
        ]
    return faults


def cell_faults(cell: NotebookNode, number: int) -> Iterator[str]:
    if cell.execution_count is None:
        yield "not executed"
    elif cell.execution_count != number:
        yield f"out of order: execution count {cell.execution_count}"
    if (lines := len(cell.source.splitlines())) > MAX_LINES:
        yield f"{lines} lines, more than {MAX_LINES}"
    try:
        ast.parse(cell.source)
    except SyntaxError as error:
        yield f"shell command, magic, or no Python: {one_line(error.text or '')}"
    may_raise = "raises-exception" in cell.metadata.get("tags", [])
    for output in cell.outputs:
        if output.output_type == "error" and not may_raise:
            yield f"error: {output.ename}: {one_line(output.evalue)}"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"stderr: {one_line(output.text)}"
        texts = [
            value for kind, value in output.get("data", {}).items() if "text/" in kind
        ]
        texts += [output[key] for key in ("text", "evalue") if key in output]
        if match := ADDRESS.search("\n".join(texts)):
            yield f"memory address in the output: {match.group()}"


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without whatever may differ between two equal executions."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    ids: set[str] = set()
    for index, cell in enumerate(notebook.cells):
        # An id made from the text, where a random one would differ at each run.
        while cell.get("id", "") in {"", *ids}:
            seed = f"{cell.get('id')} {index} {cell.source}"
            cell.id = hashlib.sha256(seed.encode()).hexdigest()[:8]
        ids.add(cell.id)
        cell.metadata = normalise_metadata(cell.metadata)
        if cell.cell_type == "code":
            cell.outputs = normalise_outputs(cell.outputs)
    return notebook


def normalise_metadata(metadata: NotebookNode) -> NotebookNode:
    hidden = metadata.get("jupyter", {}).get("source_hidden")
    kept = {
        "tags": metadata.get("tags"),
        "cellView": metadata.get("cellView"),
        "slideshow": metadata.get("slideshow"),
        "jupyter": {"source_hidden": True} if hidden else None,
    }
    return nbformat.from_dict({key: value for key, value in kept.items() if value})


def normalise_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    kept: list[NotebookNode] = []
    for output in outputs:
        if (
            output.output_type == "stream"
            and kept
            and kept[-1].get("name") == output.name
        ):
            # How a text is cut into pieces depends on the time of the flushes.
            kept[-1].text += output.text
            continue
        if output.output_type == "error":
            # Frames hold the paths of one machine and the style of one IPython.
            output.traceback = [f"{output.ename}: {output.evalue}"]
        if "data" in output:
            # A view is a random id, which means nothing without a live kernel.
            output.data.pop(WIDGET_VIEW, None)
        if output.get("data") != {}:
            kept.append(output)
    return kept


def one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def parse(text: str) -> NotebookNode:
    """Read a notebook as it stands; nbformat.reads would invent missing ids."""
    notebook = nbformat.reader.reads(text)
    if (major := notebook.get("nbformat")) != 4:
        raise ValueError(f"nbformat {major}, not 4")
    return notebook


def dumps(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"


if __name__ == "__main__":
    sys.exit(main())
