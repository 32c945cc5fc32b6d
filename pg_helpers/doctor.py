"""`python -m pg_helpers.doctor` runs the doctor, who lives in pg_course."""

import runpy

if __name__ == "__main__":
    runpy.run_module("pg_course.doctor", run_name="__main__")
