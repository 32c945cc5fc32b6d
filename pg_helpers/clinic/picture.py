"""What a loss does to the policy, beside what the gradient of J does.

Matplotlib is imported when a picture is asked for: nothing else here needs it.
"""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION = "#0072B2", "#D55E00"  # of Okabe and Ito, as in the course
_SMALL = 12


def draw(figure: Figure, pushes: Tensor, cloud: Tensor, truth: str) -> None:
    """Draw both halves of the picture.

    Args:
        figure: an empty matplotlib Figure.
        pushes: (2, S, A), how fast a small step along the mean gradient of the loss,
            and along that of J, changes each pi(a|s), per unit of step.
        cloud: (M, 3), gradients of single batches: the component along the gradient of
            J, the one across, and the chance. Row 0 is the mean, row 1 that of J.
        truth: what the loss is held against, such as "the gradient of J".
    """
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.18, top=0.8, wspace=0.3)
    _draw_pushes(figure.add_subplot(1, 2, 1), pushes, truth)
    _draw_cloud(figure.add_subplot(1, 2, 2), cloud, truth)


def as_html(pushes: Tensor, cloud: Tensor, truth: str) -> str:
    """Draw the picture on a figure of its own: an <img> element with the file inside.

    Args:
        pushes: as for `draw`.
        cloud: as for `draw`.
        truth: as for `draw`.
    """
    from matplotlib.figure import Figure
    from PIL import Image

    figure, drawn, file = Figure(figsize=(9, 3.6)), io.BytesIO(), io.BytesIO()
    draw(figure, pushes, cloud, truth)
    figure.savefig(drawn, dpi=100)
    # 256 colours: a third of the size in a notebook.
    image = Image.open(drawn).convert("RGB")
    image.quantize(256, Image.Quantize.MAXCOVERAGE).save(file, "png", optimize=True)
    return (
        f'<img alt="{html.escape(in_words(pushes, truth))}" width="{image.width}" '
        f'height="{image.height}" style="display: block; max-width: 100%; '
        'height: auto" src="data:image/png;base64,'
        f'{base64.b64encode(file.getvalue()).decode()}">'
    )


def in_words(pushes: Tensor, truth: str) -> str:
    """Say for each state toward which action the loss and the truth push."""
    parts = []
    for state, (of_loss, of_j) in enumerate(zip(*pushes, strict=True)):
        if not of_loss.any() and not of_j.any():
            continue
        both = [
            f"action {int(push.argmax())}" if push.any() else "no action"
            for push in (of_loss, of_j)
        ]
        parts.append(f"in state {state} toward {both[0]} ({truth}: {both[1]})")
    return f"Bars: the loss pushes {'; '.join(parts)}. Points: its single gradients."


def _draw_pushes(axes: Axes, pushes: Tensor, truth: str) -> None:
    of_loss, of_j = pushes.numpy()
    seen = np.flatnonzero((of_j != 0).any(axis=1) | (of_loss != 0).any(axis=1))
    names = [f"{state}, {action}" for state in seen for action in range(of_j.shape[1])]
    places = np.arange(len(names))
    grey: dict[str, Any] = {"color": "0.75", "edgecolor": "0.3"}
    axes.bar(places - 0.2, of_j[seen].ravel(), 0.4, label=truth, **grey)
    hatched: dict[str, Any] = {"color": BLUE, "hatch": "//", "edgecolor": "white"}
    axes.bar(places + 0.2, of_loss[seen].ravel(), 0.4, label="this loss", **hatched)
    axes.axhline(0, color="black", linewidth=1)
    axes.set_xticks(places, names)
    axes.tick_params(labelsize=_SMALL)
    axes.set_xlabel("state, action", fontsize=_SMALL)
    axes.set_ylabel("push on $\\pi(a|s)$", fontsize=_SMALL)
    _name(axes, "Where it pushes")


def _draw_cloud(axes: Axes, cloud: Tensor, truth: str) -> None:
    along, across, chance = cloud.numpy().T
    sizes = 8 + 900 * chance[2:] / max(chance[2:].sum(), 1e-300)
    look: Any = {"facecolor": (BLUE, 0.35), "edgecolor": BLUE}
    axes.scatter(along[2:], across[2:], s=sizes, linewidth=0.6, **look)
    axes.plot([0, along[1]], [0, across[1]], color="0.4", linewidth=5, label=truth)
    axes.plot(along[1], across[1], marker="s", markersize=9, color="0.4")
    axes.plot([0, along[0]], [0, across[0]], color=VERMILION, linewidth=2, label="mean")
    axes.plot(along[0], across[0], marker="o", markersize=7, color=VERMILION)
    axes.axhline(0, color="0.5", linewidth=1, zorder=0)
    axes.axvline(0, color="0.5", linewidth=1, zorder=0)
    axes.tick_params(labelsize=_SMALL)
    axes.set_xlabel(f"along {truth}", fontsize=_SMALL)
    axes.set_ylabel("across", fontsize=_SMALL)
    _name(axes, "Its single gradients")


def _name(axes: Axes, title: str) -> None:
    """A title, and under it the legend, where it hides nothing."""
    axes.set_title(title, fontsize=_SMALL + 1, pad=24)
    axes.legend(
        fontsize=_SMALL - 1,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
        frameon=False,
        borderaxespad=0.1,
    )
