"""How soon a demo follows its control, and what the training dashboard costs.

Every notebook is opened in JupyterLab in a real browser, and every demo in it is moved
by its first slider. Beside it, in the same run, stands ipywidgets' interactive_output
with the same figure and controls.
"""

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))
from lab import open_notebook, run_all, serve  # noqa: E402

import pg_course as course  # noqa: E402
import pg_helpers as pg  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAUSE = 0.25  # seconds from a picture to the next key press
ROUNDS = 3

PLAIN_DEMO = """
import numpy as np
from pg_course.stage import controls
from pg_course.stage.explorer import Explorer

def draw(figure, gamma):
    axes = figure.add_subplot()
    time = np.arange(40)
    axes.plot(time, gamma**time, "o-", label="weight")
    axes.plot(time, np.cumsum(gamma**time) / 40, "--", label="sum / 40")
    axes.set(xlabel="time t (steps)", ylabel="weight of a reward", ylim=(0, 1.05))
    axes.legend()

Explorer(
    draw,
    {"gamma": controls.Slider(0, 1, 0.01, value=0.5)},
    alt=lambda gamma: f"Weights falling by a factor of {gamma} a step.",
    sentence=lambda gamma: f"gamma = {gamma}",
)
"""

# Put at the end of each notebook: for every demo that the kernel holds, the usual way
# to build the same.
INTERACTIVE_OUTPUT = """
def _build_the_usual_way():
    import gc
    import ipywidgets
    import matplotlib.pyplot as plt
    from IPython.display import display
    from pg_course.stage.explorer import Explorer
    from pg_course.stage.views import make_widgets

    def build(demo):
        widgets = make_widgets(demo._controls)
        def update(**values):
            figure = plt.figure(figsize=demo.figure.get_size_inches())
            demo._draw(figure, **{k: demo._controls[k].clean(v)
                                  for k, v in values.items()})
            plt.show()
        output = ipywidgets.interactive_output(update, widgets)
        box = ipywidgets.VBox([*widgets.values(), output])
        display(box.add_class("usual-" + demo.view.model_id))

    for demo in [o for o in gc.get_objects() if isinstance(o, Explorer)]:
        demo.view.add_class("demo-" + demo.view.model_id)
        build(demo)

_build_the_usual_way()
"""

# Resolves to the milliseconds from the next key press inside `box` until a changed
# picture was decoded and painted.
MEASURE = """
(box) => {
  const source = () => [...box.querySelectorAll('img')].map(i => i.src).join();
  const before = source();
  let pressed;
  box.addEventListener('keydown', () => { pressed = performance.now(); },
                       {capture: true, once: true});
  window.measured = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('the picture did not change')), 10000);
    const watch = new MutationObserver(async () => {
      const image = box.querySelector('img');
      if (!image || source() === before) return;
      watch.disconnect();
      await image.decode();
      requestAnimationFrame(() => {
        const painted = new MessageChannel();
        painted.port1.onmessage = () => resolve(performance.now() - pressed);
        painted.port2.postMessage(null);
      });
    });
    watch.observe(box, {subtree: true, childList: true, attributes: true});
  });
}
"""


def main() -> str:
    """Measure every demo, and return a section of Markdown."""
    lines = [
        "## Latency of the demos",
        "",
        "Milliseconds from a key press to the changed picture, in headless Chromium "
        "and JupyterLab; median and 95th percentile. A step is an arrow key, pressed "
        f"{PAUSE} s after the last picture: the Explorer has drawn it ahead. A jump is "
        "a page key, to a picture that was never drawn.",
        "",
        "| notebook | demo | Explorer, step | interactive_output | Explorer, jump | "
        "interactive_output |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        notebooks, home = Path(temporary, "notebooks"), Path(temporary, "home")
        names = prepare(notebooks)
        home.mkdir()
        with serve(notebooks, home) as address:
            for name in names:
                lines += rows(address, name)
    return "\n".join(lines) + "\n\n" + dashboard_section()


def rows(address: str, name: str) -> Iterator[str]:
    """A line of the table for each demo of a notebook that has a slider."""
    with browser_page(address, name) as page:
        marks = page.eval_on_selector_all(
            ".pg-explorer",
            "boxes => boxes.map(b => /demo-\\w+/.exec(b.className)[0])",
        )
        for number, mark in enumerate(marks, start=1):
            pair = (f".{mark}", f".{mark.replace('demo-', 'usual-')}")
            if page.locator(f"{pair[0]} [role=slider]").count() > 0:
                # Jumps first: later the Explorer knows every picture.
                jumps = measure(page, pair, ["PageUp"] * 4, rounds=1)
                steps = measure(page, pair, ["ArrowRight"] * 10, rounds=ROUNDS)
                cells = [name, str(number), *map(numbers, (*steps, *jumps))]
                yield f"| {' | '.join(cells)} |"


def measure(
    page: Page, pair: tuple[str, str], keys: list[str], rounds: int
) -> tuple[list[float], list[float]]:
    """Times of a demo and of its rival, taken in turns.

    A round goes on where the last one ended, and turns back at the slider's end.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for selector, found in zip(pair, times, strict=True):
            box = page.locator(selector)
            handle = box.locator("[role=slider]").first
            handle.scroll_into_view_if_needed()
            if number == 0:
                handle.press("Home")
                time.sleep(1)
            back = {"ArrowRight": "ArrowLeft", "PageUp": "PageDown"}
            for key in keys:
                at_the_end = handle.get_attribute("aria-valuenow") == (
                    handle.get_attribute("aria-valuemax")
                )
                box.evaluate(MEASURE)
                handle.press(back[key] if at_the_end else key)
                found.append(page.evaluate("window.measured"))
                time.sleep(PAUSE)
    return times


def numbers(times: list[float]) -> str:
    """Median and 95th percentile."""
    times = sorted(times)
    last = times[round(0.95 * (len(times) - 1))]
    return f"{statistics.median(times):.0f}, {last:.0f}"


def prepare(folder: Path) -> list[str]:
    """Copy the notebooks that hold a demo, and one of our own, and add the rival."""
    folder.mkdir()
    for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"):
        shutil.copy(path, folder)
    own = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(PLAIN_DEMO)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(own, folder / "plain.ipynb")
    names = []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if "Explorer(" in "".join(cell.source for cell in notebook.cells):
            notebook.cells.append(nbformat.v4.new_code_cell(INTERACTIVE_OUTPUT))
            nbformat.write(notebook, path)
            names.append(path.name)
    return names


@contextmanager
def browser_page(address: str, name: str) -> Iterator[Page]:
    """A page with the notebook open and all its cells run."""
    programs = (os.environ.get("PG_CHROMIUM"), *map(shutil.which, BROWSERS))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, programs), None),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        open_notebook(page, address, name, kernel=True)
        run_all(page)
        yield page
        browser.close()


def dashboard_section() -> str:
    """How much slower a run is when a dashboard shows it, as Markdown."""
    lines = [
        "## Cost of the training dashboard",
        "",
        "Seconds for the same run by `iterate_training` alone and in a dashboard that "
        "trains in the background of an event loop; medians of 3.",
        "",
        "| world | updates | alone | in a dashboard | throughput lost |",
        "|---|---|---|---|---|",
    ]
    # So small a step that the episodes stay as long as they are.
    usual = {"learning_rate": 1e-6, "num_trajectories": 10}
    for name, env, number in (
        ("corridor", pg.corridor(), 3000),
        ("CartPole-v1", "CartPole-v1", 600),
    ):
        config = pg.TrainConfig(num_updates=number, **usual)
        alone, watched = [], []
        for _ in range(3):
            policy = course.TrainingDashboard(env, config).policy
            started = time.perf_counter()
            pg.train(env, policy, config, progress=False)
            alone.append(time.perf_counter() - started)
            watched.append(asyncio.run(seconds_in_a_dashboard(env, config)))
        lost = 1 - statistics.median(alone) / statistics.median(watched)
        seconds = " | ".join(f"{statistics.median(x):.1f}" for x in (alone, watched))
        lines.append(f"| {name} | {number} | {seconds} | {lost:.0%} |")
    return "\n".join(lines) + "\n"


async def seconds_in_a_dashboard(env: object, config: pg.TrainConfig) -> float:
    dashboard = course.TrainingDashboard(env, config)
    started = time.perf_counter()
    dashboard.start()
    while dashboard.state == "running":
        await asyncio.sleep(0.01)
    return time.perf_counter() - started


if __name__ == "__main__":
    print(main())
