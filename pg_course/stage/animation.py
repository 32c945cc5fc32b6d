"""Watching the agent: a trajectory that plays, or its moments side by side."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from pg_course.arguments import iterated
from pg_course.stage.display import Picture, check_alt, clear, empty, png_of, png_size
from pg_course.stage.scenes import Scene, path_of, scene_of
from pg_helpers.require import check_count, finite_array
from pg_helpers.rollout import Trajectories

# The last frame rests, so that one sees how it ended where it starts again.
_REST = 1500  # milliseconds
# Nobody can stop a picture that moves; so by itself it moves no longer than this.
_MOVES = 5000  # milliseconds
_MOST = 100  # moments of a trajectory: each is drawn, and kept


def watch(
    env: Any,
    batch: Trajectories,
    alt: str,
    index: int = -1,
    milliseconds: int | None = None,
    max_frames: int = 40,
    plays: int = 1,
) -> Picture:
    """Play a trajectory: a picture that moves wherever pictures are shown.

    It is an animated PNG, which needs no player: it moves in JupyterLab, in a web page
    and on GitHub, stops after one round, and is its first frame in print.

    Args:
        env: the world, as for `sample_trajectories`.
        batch: trajectories sampled there.
        alt: what happens in it, in words.
        index: which trajectory; the last by default.
        milliseconds: how long a frame stands; by default 300, or less where there are
            many, so that a round takes at most five seconds.
        max_frames: of a longer trajectory that many moments are shown, evenly spaced;
            2 to 100.
        plays: rounds, after which it stops at the last frame.

    Returns:
        A Picture.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: a number is out of range or not finite, the alt is empty, there is
            no such trajectory, the batch is not from this world, or the environment is
            not known.
    """
    scene, path = scene_of(env), _path(batch, index)
    times = _moments(len(path), check_count("max_frames", max_frames, 2, _MOST))
    if milliseconds is None:
        milliseconds = min(300, _MOVES // len(times))
    return animate(_frames(scene, path, times), alt, milliseconds, plays)


def strip(
    env: Any, batch: Trajectories, alt: str, index: int = -1, num_frames: int = 4
) -> Picture:
    """Moments of a trajectory side by side, for print and for who wants it still.

    Args:
        env: the world, as for `sample_trajectories`.
        batch: trajectories sampled there.
        alt: what happens in it, in words.
        index: which trajectory; the last by default.
        num_frames: 2 to 100, evenly spaced, the first and the last moment among them.

    Returns:
        A Picture.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: a number is out of range or not finite, the alt is empty, there is
            no such trajectory, the batch is not from this world, or the environment is
            not known.
    """
    scene, path = scene_of(env), _path(batch, index)
    times = _moments(len(path), check_count("num_frames", num_frames, 2, _MOST))
    width, height = scene.frame_size
    columns = min(len(times), max(2, round(5 * height / width)))
    rows = -(-len(times) // columns)
    panel = 8.4 / columns
    figure = Figure((8.4, rows * panel * height / width + 0.3), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, time in zip(panels, times, strict=False):
        scene.draw_agent(axes, path[: time + 1], f"step {time}")
    for axes in panels[len(times) :]:
        axes.set_axis_off()
    return Picture(png_of(figure, small=True), alt)


def animate(
    frames: Iterable[Figure], alt: str, milliseconds: int = 300, plays: int = 1
) -> Picture:
    """Make an animated PNG of figures.

    Args:
        frames: at least two, all of one size; the same figure may be drawn anew.
        alt: what happens, in words.
        milliseconds: how long a frame stands; the last one rests longer.
        plays: rounds, after which it stops.

    Returns:
        A Picture.

    Raises:
        TypeError: a count is not an integer, or a frame is not a Figure.
        ValueError: a number is below 1, fewer than two frames, or frames of several
            sizes.
    """
    # The format has 16 bits for the one and 31 for the other.
    milliseconds = check_count("milliseconds", milliseconds, at_most=65_535)
    plays = check_count("plays", plays, at_most=2**31 - 1)
    check_alt(alt)
    files = [png_of(frame) for frame in iterated("frames", frames)]
    if len(files) < 2:
        raise ValueError(f"frames: expected at least two, got {len(files)}")
    if len(sizes := {png_size(file)[::-1] for file in files}) > 1:
        raise ValueError(f"frames: expected one size, got {sorted(sizes)}")
    small = _with_one_palette(files)
    file = io.BytesIO()
    small[0].save(
        file,
        "png",
        save_all=True,
        append_images=small[1:],
        duration=[milliseconds] * (len(small) - 1) + [max(milliseconds, _REST)],
        loop=plays,
        optimize=True,
    )
    return Picture(file.getvalue(), alt)


def _with_one_palette(files: list[bytes]) -> list[Image.Image]:
    """Frames reduced to 128 colours, the same for all, as a PNG has one palette.

    The palette is made of the colours that occur, not of the pixels, which would take
    sixty megabytes for forty frames.
    """
    index = np.zeros(1 << 24, dtype=np.uint8)
    for file in files:
        index[_codes(file)] = 1
    occur = index.nonzero()[0]
    colours = np.stack([occur >> 16, occur >> 8, occur], axis=-1).astype(np.uint8)
    reduced = Image.fromarray(colours[None]).quantize(128, Image.Quantize.MAXCOVERAGE)
    index[occur] = np.asarray(reduced)[0]
    frames = [Image.fromarray(index[_codes(file)]) for file in files]
    for frame in frames:
        frame.putpalette(reduced.getpalette() or [])
    return frames


def _codes(file: bytes) -> NDArray[np.int64]:
    """The colour of each pixel as one number, (height, width)."""
    pixels = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    return pixels @ np.array([1 << 16, 1 << 8, 1])


def _frames(scene: Scene, path: NDArray, times: list[int]) -> Iterator[Figure]:
    figure = Figure(figsize=scene.frame_size)
    clear(figure)  # for its margins
    axes = figure.add_subplot()
    for time in times:
        empty(axes)
        scene.draw_agent(axes, path[: time + 1], f"step {time}")
        yield figure


def _path(batch: Trajectories, index: int) -> NDArray:
    if not isinstance(batch, Trajectories):
        raise TypeError(f"batch: expected Trajectories, got {type(batch).__name__}")
    count = len(batch.mask)
    index = check_count("index", index, at_least=-count, at_most=count - 1)
    path = path_of(batch, index)
    finite_array("batch", path)
    return path


def _moments(length: int, most: int) -> list[int]:
    """At most that many of the times 0 to length - 1, evenly spaced, both ends in."""
    return (
        np.unique(np.linspace(0, length - 1, min(length, most)).round())
        .astype(int)
        .tolist()
    )
