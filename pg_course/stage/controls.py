"""The controls of a demo: what may be chosen, in words, and what it looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import ipywidgets

from pg_course.arguments import as_float
from pg_helpers.require import shown

LARGEST, SMALLEST = 1e100, 1e-9  # of what a slider may show, and of its steps
MOST_STEPS = 10**9  # from 0: beyond, floats would miss the places of a slider


class Control(Protocol):
    """One parameter of a demo: what `Slider`, `LogSlider`, `Choice`, `Toggle` are."""

    @property
    def value(self) -> Any:
        """The initial value."""

    @property
    def label(self) -> str:
        """What it is called; empty for the name of the parameter."""

    def widget(self, label: str) -> Any:
        """Make the ipywidget, at the initial value."""

    def clean(self, value: Any) -> Any:
        """Turn a widget's value into the parameter, or refuse it."""

    def near(self, value: Any) -> list[Any]:
        """Parameters that one key press leads to."""


@dataclass(frozen=True)
class Slider:
    """A number from `minimum` to `maximum` in equal steps; int if all three are.

    Attributes:
        minimum: the left end.
        maximum: the right end, a whole number of steps away.
        step: what an arrow key moves.
        value: at first and after a reset; the minimum by default.
        label: stands before the slider and is its accessible name; the name of the
            parameter by default.

    Raises:
        TypeError: an end, the step or the value is not a number.
        ValueError: the ends are in the wrong order, are not a whole number of steps
            apart, do not hold the value, or are more than a billion steps from 0.
    """

    minimum: float
    maximum: float
    step: float
    value: Any = None
    label: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("minimum", "maximum", "step"):
            _check_number(name, getattr(self, name))
        _check_label(self.label)
        if not self.minimum < self.maximum or self.step < SMALLEST:
            raise ValueError(
                f"Slider: expected minimum < maximum, step > 0, at least {SMALLEST:g}: "
                f"{shown(self)}"
            )
        steps = (self.maximum - self.minimum) / self.step
        far = max(abs(self.minimum), abs(self.maximum)) > MOST_STEPS * self.step
        if far or round(steps) < 1 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                "Slider: expected a whole number of steps, and at most "
                f"{MOST_STEPS:,} of them from 0 to an end: {shown(self)}"
            )
        first = self.minimum if self.value is None else self.value
        object.__setattr__(self, "value", self.clean(first))

    @property
    def _decimals(self) -> int:
        """Digits after the point that the smallest of the three numbers needs."""
        texts = [f"{x:.10f}".rstrip("0") for x in (self.minimum, self.step)]
        return max(len(text) - text.index(".") - 1 for text in texts)

    def widget(self, label: str) -> Any:
        """Make the ipywidget."""
        whole = self._decimals == 0
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        return kind(
            value=self.value,
            min=self.minimum,
            max=self.maximum,
            step=self.step,
            description=label,
            readout_format="d" if whole else f".{self._decimals}f",
        )

    def clean(self, value: Any) -> float:
        """Move to the nearest step, free of rounding: 0.95, not 0.9500000000000001."""
        number = _check_number("value", value)
        if not self.minimum - 1e-9 <= number <= self.maximum + 1e-9:
            raise ValueError(
                f"value: expected {self.minimum} to {self.maximum}, got {shown(value)}"
            )
        nearest = self.minimum + round((number - self.minimum) / self.step) * self.step
        return round(nearest, self._decimals) if self._decimals else round(nearest)

    def near(self, value: float) -> list[float]:
        """One step up and one down."""
        both = (value + self.step, value - self.step)
        low, high = self.minimum - 1e-9, self.maximum + 1e-9
        return [self.clean(x) for x in both if low <= x <= high]


@dataclass(frozen=True)
class LogSlider:
    """A positive number from `minimum` to `maximum` in equal ratios.

    Attributes:
        minimum: the left end, above zero.
        maximum: the right end.
        per_decade: steps from 1 to 10, at most 10.
        value: at first and after a reset; the minimum by default.
        label: as for `Slider`.

    Raises:
        TypeError: an end or the value is not a number.
        ValueError: the ends are not positive, are in the wrong order, are not a whole
            number of steps apart, or do not hold the value.
    """

    minimum: float
    maximum: float
    per_decade: int = 5
    value: Any = None
    label: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("minimum", "maximum", "per_decade"):
            _check_number(name, getattr(self, name))
        _check_label(self.label)
        whole = float(self.per_decade).is_integer() and 1 <= self.per_decade <= 10
        if not SMALLEST <= self.minimum < self.maximum or not whole:
            raise ValueError(
                f"LogSlider: expected 0 < minimum < maximum, per_decade "
                f"1 to 10: {shown(self)}"
            )
        steps = self.per_decade * math.log10(self.maximum / self.minimum)
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError(
                f"LogSlider: expected a whole number of steps: {shown(self)}"
            )
        first = self.minimum if self.value is None else self.value
        object.__setattr__(self, "value", self.clean(first))

    def widget(self, label: str) -> Any:
        """Make the ipywidget."""
        return ipywidgets.FloatLogSlider(
            value=self.value,
            min=math.log10(self.minimum),
            max=math.log10(self.maximum),
            step=1 / self.per_decade,
            description=label,
            readout_format=".2g",
        )

    def clean(self, value: Any) -> float:
        """Move to the nearest step, to two significant digits."""
        number = _check_number("value", value)
        if not self.minimum * (1 - 1e-6) <= number <= self.maximum * (1 + 1e-6):
            raise ValueError(
                f"value: expected {self.minimum} to {self.maximum}, got {shown(value)}"
            )
        steps = round(self.per_decade * math.log10(number / self.minimum))
        return float(f"{self.minimum * 10 ** (steps / self.per_decade):.2g}")

    def near(self, value: float) -> list[float]:
        """One step up and one down."""
        ratio = 10 ** (1 / self.per_decade)
        both = (value * ratio, value / ratio)
        return [self.clean(x) for x in both if self.minimum <= x <= self.maximum]


@dataclass(frozen=True)
class Choice:
    """One of a few values.

    Attributes:
        options: at least two, all different, shown as str() writes them.
        value: at first and after a reset; the first option by default.
        label: as for `Slider`.

    Raises:
        TypeError: options is not a sequence, or an option is neither text nor number.
        ValueError: fewer than two options, two that look the same, or a value that is
            none of them.
    """

    options: Sequence[Any]
    value: Any = None
    label: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        if isinstance(self.options, str) or not isinstance(self.options, Sequence):
            raise TypeError(f"options: expected a list, got {shown(self.options)}")
        _check_label(self.label)
        for option in self.options:
            if not _is_plain(option):
                raise TypeError(
                    "options: expected texts, numbers, True, False or None, "
                    f"got {shown(option)}"
                )
        if len({str(option) for option in self.options}) < max(2, len(self.options)):
            raise ValueError(
                f"Choice: expected two or more different options, got {self.options}"
            )
        first = self.options[0] if self.value is None else self.value
        object.__setattr__(self, "value", self.clean(first))

    def widget(self, label: str) -> Any:
        """Make the ipywidget."""
        options = [(str(option), option) for option in self.options]
        return ipywidgets.Dropdown(options=options, value=self.value, description=label)

    def clean(self, value: Any) -> Any:
        """Check that it is an option."""
        if not _is_plain(value) or value not in self.options:
            raise ValueError(
                f"value: expected one of {list(self.options)}, got {shown(value)}"
            )
        return self.options[self.options.index(value)]

    def near(self, value: Any) -> list[Any]:
        """The options below and above."""
        at = self.options.index(value)
        return [*self.options[at + 1 : at + 2], *self.options[max(at - 1, 0) : at]]


@dataclass(frozen=True)
class Toggle:
    """On or off.

    Attributes:
        value: at first and after a reset.
        label: as for `Slider`.

    Raises:
        TypeError: the value is not a bool.
    """

    value: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        _check_label(self.label)
        self.clean(self.value)

    def widget(self, label: str) -> Any:
        """Make the ipywidget."""
        return ipywidgets.Checkbox(value=self.value, description=label, indent=False)

    def clean(self, value: Any) -> bool:
        """Check that it is a bool."""
        if not isinstance(value, bool):
            raise TypeError(f"value: expected True or False, got {shown(value)}")
        return value

    def near(self, value: bool) -> list[bool]:
        """The other."""
        return [not value]


def _is_plain(option: Any) -> bool:
    """Whether it can be written and compared; an array and NaN cannot."""
    word = option is None or isinstance(option, str | bool)
    return word or (isinstance(option, Real) and abs(as_float(option)) <= LARGEST)


def _check_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number, got {shown(value)}")
    number = as_float(value)
    if not abs(number) <= LARGEST:
        raise ValueError(
            f"{name}: expected a finite number, at most {LARGEST:g}, got {shown(value)}"
        )
    return number


def _check_label(label: Any) -> None:
    if not isinstance(label, str):
        raise TypeError(f"label: expected a text, got {shown(label)}")
