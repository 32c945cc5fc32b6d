"""Settings for every test, those of the notebooks included."""

import os

import matplotlib
import pytest

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


def pytest_collectstart(collector: pytest.Collector) -> None:
    # tqdm writes its rates to stderr, and they differ from run to run. Images and
    # widget views, whose ids are random, nbval skips by itself.
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)
