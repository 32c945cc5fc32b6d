"""Run the bench_*.py of this folder and write RESULTS.md.

`python benchmarks/run.py notebooks scale` runs only bench_notebooks.py and
bench_scale.py and leaves the other sections as they are. Without names all are run but
those that need packages of their own; `make bench-peers` runs these.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from tools.report import Report  # noqa: E402

HEADER = """# Results

Written by `make bench` and `make bench-peers`; not edited by hand. Times depend on the
machine and its load: trust the ratios, which were measured side by side in one run.
Each section ends with the machine that it was measured on.
"""

REPORT = Report(
    file=FOLDER / "RESULTS.md",
    head=lambda sections: HEADER,
    modules={path.stem[6:]: path.stem for path in sorted(FOLDER.glob("bench_*.py"))},
    apart=frozenset({"peers"}),
)

if __name__ == "__main__":
    REPORT.write(sys.argv[1:])
