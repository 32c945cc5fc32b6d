"""The course: what the notebooks show, ask and check, using pg_helpers.

Nothing is imported before it is used: `import pg_course` takes no time.
"""

from importlib import import_module
from typing import Any

# Public names, by the module that has them.
_MODULES = {
    "pg_course.asking.series": (
        "forget_progress",
        "predict",
        "resolve",
        "self_test",
        "show_progress",
        "with_bar",
    ),
    "pg_course.stage.animation": ("animate", "strip", "watch"),
    "pg_course.stage.controls": ("Choice", "LogSlider", "Slider", "Toggle"),
    "pg_course.stage.dashboard": ("TrainingDashboard",),
    "pg_course.stage.display": ("Picture", "show"),
    "pg_course.stage.explorer": ("Explorer",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
