"""How far colours are apart: on a screen, and for eyes that lack one of three cones."""

from itertools import combinations
from typing import Any

import numpy as np
from colorspacious import cspace_convert
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgba
from numpy.typing import ArrayLike, NDArray

DEFICIENCIES = ("deuteranomaly", "protanomaly", "tritanomaly")
WHITE = (1.0, 1.0, 1.0)


def contrast(one: Any, other: Any = WHITE) -> float:
    """Ratio of the relative luminances of two opaque colours, from 1 to 21 (WCAG)."""
    dark, light = sorted(luminance(to_rgba(colour)[:3]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def luminance(rgb: ArrayLike) -> float:
    """Relative luminance of an sRGB colour, (3,) from 0 to 1."""
    s = np.asarray(rgb, dtype=float)
    linear = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def over(colour: Any, ground: Any = WHITE) -> tuple[float, ...]:
    """What is seen where a colour, transparent or not, lies on an opaque one."""
    *rgb, alpha = to_rgba(colour)
    below = np.array(to_rgba(ground)[:3])
    return tuple(alpha * np.array(rgb) + (1 - alpha) * below)


def as_seen(colours: ArrayLike, deficiency: str | None) -> NDArray[np.float64]:
    """Places of sRGB colours, (n, 3), in CAM02-UCS, where distances are differences.

    Args:
        colours: from 0 to 1.
        deficiency: one of `DEFICIENCIES`, at its full severity, or None.
    """
    space: Any = "sRGB1"
    if deficiency:
        space = {"name": "sRGB1+CVD", "cvd_type": deficiency, "severity": 100}
    simulated = np.clip(cspace_convert(colours, space, "sRGB1"), 0, 1)
    return cspace_convert(simulated, "sRGB1", "CAM02-UCS")


def smallest_distance(colours: ArrayLike) -> float:
    """Between any two colours, for the eye that tells those two apart worst."""
    pairs = combinations(np.asarray(colours, dtype=float), 2)
    return min(
        float(np.linalg.norm(np.subtract(*as_seen(pair, eye))))
        for pair in pairs
        for eye in (None, *DEFICIENCIES)
    )


def lightness_is_monotonic(mapping: ScalarMappable) -> bool:
    """Whether a colour scale, over the numbers that it shows, only rises or falls."""
    low, high = mapping.get_clim()
    assert low is not None and high is not None
    values = np.linspace(low, high, 65)
    colours = mapping.to_rgba(values, norm=True)[:, :3]
    steps = np.diff(cspace_convert(colours, "sRGB1", "CAM02-UCS")[:, 0])
    return bool((steps > -0.05).all() or (steps < 0.05).all())


def lightness(colour: Any) -> float:
    """From 0 to 100, as CAM02-UCS has it; what remains in grey."""
    return float(cspace_convert(over(colour), "sRGB1", "CAM02-UCS")[0])
