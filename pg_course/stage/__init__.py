"""What a page shows: demos, dashboards, animations, plots and pictures."""

from typing import Any

from pg_helpers import training


def _close_with_cell(view: Any) -> None:
    from pg_course.stage.views import close_with_cell  # widgets take their time

    close_with_cell(view)


# A progress bar is closed as other views are, once its cell is run again.
training.bar_shown = _close_with_cell
