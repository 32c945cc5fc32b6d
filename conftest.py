"""Settings for every test, those of the notebooks included."""

import os
import tempfile
from pathlib import Path

import matplotlib
import pytest

from tools import guard

# The notebooks' kernels inherit these. On small networks a second thread gains
# nothing, and stalls whenever another process wants the core. They must be set
# before torch and NumPy are loaded.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

# No test reads or writes what a learner has done.
os.environ["PG_HELPERS_PROGRESS"] = ""

# Not by the environment variable MPLBACKEND: the kernels would inherit it and lose
# the inline backend that puts figures into the notebooks.
matplotlib.use("agg")

# Nothing here reaches a network; kernels start no programs and read no pickles.
SETTINGS = tempfile.TemporaryDirectory(prefix="pg-kernels-", ignore_cleanup_errors=True)
guard.install()
guard.guard_kernels(Path(SETTINGS.name))


def pytest_collectstart(collector: pytest.Collector) -> None:
    # tqdm writes its rates to stderr, and they differ from run to run. Images and
    # widget views, whose ids are random, nbval skips by itself.
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    # Also where what was refused was caught, by a library or by a notebook.
    if lines := guard.refused():
        pytest.fail("\n".join(lines), pytrace=False)
