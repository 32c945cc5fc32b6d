"""Install the series as Binder does, soundly and with faults, and see what is said."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from outcome import outcome

from tools import bounds

ROOT = Path(__file__).resolve().parent.parent
# conda-forge's names of the builds without CUDA and without Qt.
PIP_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
# Root may write everywhere; without its capabilities it is a user like others.
LIMITED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
THREADS = """import os, torch, pg_helpers
print(os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"],
      torch.get_num_threads(), pg_helpers.__version__)"""
NOTEBOOK = """import nbformat, nbclient
notebook = nbformat.read("00_start_here.ipynb", as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
print(notebook.cells[4].outputs[0].text)"""
WORKS = "Your set-up works"


@dataclass
class Place:
    """A clone of the repository, and a Python that stands in for conda's.

    Attributes:
        folder: that holds both.
        rows: of the table: what was tried, whether it went as it should, what was said.
    """

    folder: Path
    rows: list[tuple[str, bool, str]] = field(default_factory=list)

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"

    @property
    def packages(self) -> Path:
        (found,) = (self.folder / "env" / "lib").glob("python*/site-packages")
        return found

    def run(
        self, *command: object, cwd: Path | None = None, limited: bool = False, **env
    ) -> tuple[int, str]:
        """Run a command as Binder would; its status and all that it said."""
        kept = ("PYTHONPATH", "MPLBACKEND", "PG_HELPERS_PROGRESS", "VIRTUAL_ENV")
        environment = {k: v for k, v in os.environ.items() if k not in kept}
        environment["PATH"] = f"{self.python.parent}:{environment['PATH']}"
        environment["HOME"] = str(self.folder / "home")
        prefix = LIMITED if limited and os.geteuid() == 0 else []
        done = subprocess.run(
            [*prefix, *map(str, command)],
            cwd=cwd or self.clone,
            env=environment | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def doctor(self, **more: object) -> tuple[int, str]:
        """Ask the doctor, from a folder that is no checkout."""
        more.setdefault("cwd", self.folder / "home")
        return self.run(
            self.clone / "start", "python", "-m", "pg_helpers.doctor", **more
        )

    def expect(self, tried: str, done: tuple[int, str], fails: bool, *words: str):
        """Note whether a command failed as it should, and said these words."""
        status, text = done
        flat = " ".join(text.split())
        right = (status != 0) == fails and all(word in flat for word in words)
        line = next((x for x in text.splitlines() if words and words[0] in x), "")
        if not right:
            print(f"{tried}: status {status}\n{text[-3000:]}", flush=True)
        told = line.replace("|", "/").replace(str(self.folder), "…").strip()
        self.rows.append((tried, right, told[:150]))


def main() -> str:
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name))
        place.folder.chmod(0o755)
        (place.folder / "home").mkdir()
        make(place)
        before(place)
        sound(place)
        without_rights(place)
        moved(place)
    return section(place.rows)


def make(place: Place) -> None:
    """Clone what is committed, and install what environment.yml names."""
    subprocess.run(["git", "clone", "-q", ROOT, place.clone], check=True)
    subprocess.run([sys.executable, "-m", "venv", place.folder / "env"], check=True)
    listed = yaml.safe_load((place.clone / "environment.yml").read_text())
    lines = [line for line in listed["dependencies"] if not line.startswith("python=")]
    names = re.compile("|".join(PIP_NAMES))
    wanted = [names.sub(lambda match: PIP_NAMES[match[0]], line) for line in lines]
    options = shlex.split(os.environ.get("PIP_ARGS", ""))
    command = [place.python, "-m", "pip", "install", "-q", *options, "-U"]
    status, said = place.run(*command, "-c", "constraints.txt", *wanted)
    if status:
        raise RuntimeError(
            f"the packages of environment.yml cannot be installed: {said}"
        )


def before(place: Place) -> None:
    """What is said where postBuild has not run, or cannot."""
    notebook = json.loads((place.clone / "notebooks/00_start_here.ipynb").read_text())
    first = "".join(notebook["cells"][3]["source"])
    notebooks = place.clone / "notebooks"
    done = place.run("python", "-c", first, cwd=notebooks)
    words = "This kernel does not find pg_helpers"
    place.expect("notebook 00 in a Python without the package", done, True, words)
    for name, words in (("setuptools", "setuptools"), ("torch", "torch is not inst")):
        with away(place, name):
            done = place.run("./postBuild")
        place.expect(f"postBuild without {name}", done, True, words)


def sound(place: Place) -> None:
    """All that Binder does, and a reader after it."""
    place.expect("postBuild", place.run("./postBuild"), False, WORKS)
    place.expect("postBuild once more", place.run("./postBuild"), False, WORKS)
    done = place.run("./start", "python", "-c", THREADS, cwd=place.clone)
    place.expect("start, and the import of the package", done, False, "1 1 1 0.1.0")
    done = place.run("./start", "python", "-c", "import sys; sys.exit('ended with 1')")
    place.expect("start with a command that fails", done, True, "ended with 1")
    place.expect("the doctor", place.doctor(), False, WORKS)
    done = place.run(
        "../start", "python", "-c", NOTEBOOK, cwd=place.clone / "notebooks"
    )
    place.expect("notebook 00", done, False, WORKS)


def without_rights(place: Place) -> None:
    """A user of a hub, who may write into their home and nowhere else."""
    shutil.copytree(place.clone / "notebooks", place.folder / "home" / "notebooks")
    limited = {"cwd": place.folder / "home" / "notebooks", "limited": True}
    ours = [place.clone, place.folder / "env"]
    subprocess.run(["chmod", "-R", "a-w", *ours], check=True)
    try:
        done = place.run("touch", place.packages / "new", **limited)
        place.expect("writing into a read-only installation", done, True, "denied")
        place.expect("the doctor there", place.doctor(**limited), False, WORKS)
        done = place.run(place.clone / "start", "python", "-c", NOTEBOOK, **limited)
        place.expect("notebook 00 there", done, False, WORKS)
        done = place.doctor(cwd=place.clone / "notebooks", limited=True)
        words = ("nothing can be written", "are not saved")
        place.expect("a folder of notebooks that is read-only", done, True, *words)
    finally:
        subprocess.run(["chmod", "-R", "u+w", *ours], check=True)


def moved(place: Place) -> None:
    """A folder that was renamed after the installation, and a postBuild cut off."""
    other = place.folder / "renamed"
    place.clone.rename(other)
    done = place.run(other / "start", "python", "-m", "pg_helpers.doctor", cwd=other)
    words = "is not installed for this Python"
    place.expect(
        "the folder was renamed", done, True, words, "pip install --no-deps -e"
    )
    other.rename(place.clone)
    name = bounds.project()["name"]
    place.run("python", "-m", "pip", "uninstall", "-q", "-y", name)
    for seconds in ("0.5", "2", "4"):
        place.run("timeout", "-s", "KILL", seconds, "./postBuild")
        done = place.run("./postBuild")
        place.expect(f"postBuild, killed after {seconds} s, again", done, False, WORKS)


@contextmanager
def away(place: Place, name: str) -> Iterator[None]:
    """A package that is not there: neither its code nor its description."""
    there = [place.packages / name, *place.packages.glob(f"{name}-*.dist-info")]
    for path in there:
        path.rename(path.with_name(f"away.{path.name}"))
    try:
        yield
    finally:
        for path in there:
            path.with_name(f"away.{path.name}").rename(path)


def section(rows: list[tuple[str, bool, str]]) -> str:
    """The section of the report."""
    right = sum(went for _, went, _ in rows)
    lost = "nothing" if right == len(rows) else f"{len(rows) - right} said too little"
    lines = [
        f"| {tried} | {'yes' if ok else '**no**'} | {said} |"
        for tried, ok, said in rows
    ]
    table = "\n".join(lines)
    return f"""## Installing

{outcome(f"{len(rows)} installations, sound and broken", str(right), lost)}

A clone of what is committed, in a fresh folder; a fresh environment with the packages
of environment.yml, installed by pip in the versions of constraints.txt, since no conda
was at hand; then `postBuild`, `start`, the doctor and notebook 00 in it, as on Binder.
*As it should* means: a sound installation works; a broken one says in words what is
wrong.

| what was tried | as it should | what was said |
|---|---|---|
{table}
"""


if __name__ == "__main__":
    print(main())
