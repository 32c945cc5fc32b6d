"""A cell that is run again: what it showed before is closed, and nothing else."""

import asyncio
import sys
from pathlib import Path

import pytest
from ipywidgets.widgets.widget import _instances

import pg_course as course
import pg_helpers as pg
from pg_course.stage import views

sys.path.insert(0, str(Path(__file__).parents[2] / "reliability"))
from browserless import page  # noqa: E402

IMPORTS = """
import pg_course as course, pg_helpers as pg
from pg_course.stage import plots
"""


@pytest.fixture
def run(monkeypatch):
    """Display things as a run of a cell would."""
    monkeypatch.setattr(views, "_shown", {})
    runs = iter(range(100))

    def run(cell, *things):
        number = str(next(runs)) if cell else ""
        monkeypatch.setattr(views, "running_cell", lambda: (cell, number))
        for thing in things:
            thing._repr_mimebundle_()

    return run


def explorer() -> course.Explorer:
    return course.Explorer(
        lambda figure, x: figure.add_subplot().plot([0, x]),
        {"x": course.Slider(0, 4, 1)},
        alt=lambda x: f"A line to {x}.",
        sentence=lambda x: f"x = {x}",
        figsize=(2, 1),
    )


def dashboard() -> course.TrainingDashboard:
    return course.TrainingDashboard(pg.corridor(), pg.TrainConfig(num_updates=1000))


MAKERS = {
    "explorer": explorer,
    "dashboard": dashboard,
    "prediction": lambda: course.predict("what-jitters"),
    "result": lambda: course.resolve("what-jitters", "B"),
    "self-test": lambda: course.self_test(9),
}


def is_open(demo: course.Explorer) -> bool:
    return demo.view.comm is not None


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_cell_that_is_run_again_leaves_no_widget_behind(run, make):
    run("a", make())
    before = len(_instances)
    for _ in range(2):
        run("a", make())
    assert len(_instances) == before


def test_what_a_cell_shows_in_one_run_stays_until_the_next(run):
    first, second, third = explorer(), explorer(), explorer()
    run("a", first, second)
    assert is_open(first) and is_open(second)
    run("a", third)
    assert not is_open(first) and not is_open(second) and is_open(third)


def test_a_demo_that_is_shown_once_more_stays_as_it_is(run):
    demo = explorer()
    run("a", demo)
    demo.set(x=3)
    comm = demo.view.comm
    run("a", demo)
    assert demo.view.comm is comm and demo.parameters == {"x": 3}


def test_a_demo_that_another_cell_shows_too_stays(run):
    demo = explorer()
    run("a", demo)
    run("b", demo)
    run("a", explorer())
    assert is_open(demo)
    run("b", explorer())
    assert not is_open(demo)


def test_where_no_page_names_the_cell_nothing_is_closed(run):
    demos = [explorer() for _ in range(3)]
    for demo in demos:
        run("", demo)
    assert all(map(is_open, demos))


def test_a_closed_demo_opens_again_as_it_was(run):
    demo = explorer()
    run("a", demo)
    demo.set(x=2)
    shown = demo._picture.value
    run("a", explorer())
    assert not is_open(demo) and demo._picture.value == "" and not demo._kept
    run("a", demo)
    assert is_open(demo) and demo._picture.value == shown
    assert all(part.comm is not None for part in views._parts(demo.view))
    demo._widgets["x"].value = 4
    assert "A line to 4." in demo._picture.value


def test_a_dashboard_that_nobody_sees_pauses_and_can_go_on(run):
    async def train() -> None:
        training = dashboard()
        run("a", training)
        training.start()
        await asyncio.sleep(0)
        run("a", dashboard())
        assert training.state == "paused"
        made = len(training.history)
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert len(training.history) - made <= 1
        run("a", training)
        assert "alt=" in training._view._picture.value
        training.step()

    asyncio.run(train())


SHOWN = {
    "question": 'course.predict("what-jitters")',
    "bar": "world = pg.corridor()\n"
    "pg.train(world, pg.policy_for(world), pg.TrainConfig(num_updates=2))",
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_a_real_kernel_names_the_cell_that_runs(show):
    with page() as notebook:
        count = "from ipywidgets.widgets.widget import _instances as w; print(len(w))"
        notebook.run("imports", IMPORTS)
        notebook.run("a", show)
        once = notebook.run("count", count)
        notebook.run("a", show)
        assert notebook.run("count", count) == once
        notebook.run("b", show)
        assert int(notebook.run("count", count)) == 2 * int(once) > 0
        assert notebook.errors == []
