"""Runs pg_course.doctor: `python -m pg_helpers.doctor`."""

import runpy

if __name__ == "__main__":
    runpy.run_module("pg_course.doctor", run_name="__main__")
