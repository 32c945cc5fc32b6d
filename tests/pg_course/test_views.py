"""A cell that is run again: what it showed before is closed, and nothing else."""

import asyncio
import sys
from pathlib import Path

import pytest
from ipywidgets.widgets.widget import _instances
from screens import shown

import pg_course as course
import pg_helpers as pg
from pg_course.stage import views

sys.path.insert(0, str(Path(__file__).parents[2] / "reliability"))
from browserless import page  # noqa: E402

SHOW_A_QUESTION_AND_A_PROGRESS_BAR = """
import pg_course as course, pg_helpers as pg
from ipywidgets.widgets.widget import _instances
course.predict("what-jitters")._repr_mimebundle_()
world = pg.corridor()
pg.train(world, pg.policy_for(world), pg.TrainConfig(num_updates=2))
print(len(_instances))
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


def alt_of(demo: course.Explorer) -> str:
    ((_, alt),) = shown(demo.view, "pg-picture").pictures
    return alt


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_cell_that_is_run_again_leaves_no_widget_behind(run, make):
    run("a", make())
    before = len(_instances)
    run("a", make())
    assert len(_instances) == before


@pytest.mark.parametrize(
    ("runs", "left"),
    [
        (["a: x y"], "xy"),
        (["a: x y", "a: z"], "z"),
        (["a: x", "b: x", "a: y"], "xy"),
        (["a: x", "b: x", "a: y", "b: z"], "yz"),
        # No page names the cells.
        ([": x", ": y"], "xy"),
    ],
)
def test_what_only_earlier_runs_of_a_cell_showed_is_closed(run, runs, left):
    demos = {}
    for cell, names in (line.split(":") for line in runs):
        demos |= {name: explorer() for name in names.split() if name not in demos}
        run(cell, *(demos[name] for name in names.split()))
    assert "".join(name for name in demos if is_open(demos[name])) == left


def test_a_closed_demo_opens_again_as_it_was(run):
    demo = explorer()
    run("a", demo)
    demo.set(x=2)
    run("a", explorer())
    assert not is_open(demo)
    run("a", demo)
    assert is_open(demo)
    assert alt_of(demo) == "A line to 2."
    demo.set(x=4)
    assert alt_of(demo) == "A line to 4."


def test_a_dashboard_that_nobody_sees_stops_and_can_go_on(run):
    async def train() -> None:
        training = dashboard()
        run("a", training)
        training.start()
        await asyncio.sleep(0)
        run("a", explorer())
        assert training.state == "stopped"
        made = len(training.history)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(training.history) - made <= 1
        run("a", training)
        assert shown(training._view.box, "pg-picture").pictures
        training.step()
        assert len(training.history) > made

    asyncio.run(train())


def test_beside_a_view_is_stored_what_it_showed_when_it_came_to_rest(monkeypatch):
    shown, stored = [], []
    monkeypatch.setattr(views, "_REST", 0.01)
    monkeypatch.setattr(views, "display", lambda data, **more: shown.append(data))
    monkeypatch.setattr(views, "update_display", lambda data, **_: stored.append(data))

    async def use() -> None:
        demo = explorer()
        demo._ipython_display_()
        demo._ipython_display_()  # as another cell would; both places have one name
        for x in (1, 2, 4):
            demo.set(x=x)
        await asyncio.sleep(0.1)
        demo.set(x=3)
        for part in views._parts(demo.view):
            part.close()
        await asyncio.sleep(0.1)

    asyncio.run(use())
    view, line, still = shown[:3]
    assert set(view) == {"application/vnd.jupyter.widget-view+json"}
    assert line["text/plain"] == "Run this cell to move it."
    assert still["text/plain"] == "A line to 0."
    assert [data["text/plain"] for data in stored] == ["A line to 4."]


def test_a_real_kernel_names_the_cell_that_runs():
    with page() as notebook:
        counts = [
            int(notebook.run(cell, SHOW_A_QUESTION_AND_A_PROGRESS_BAR))
            for cell in ("a", "a", "b")
        ]
        assert counts == [counts[0], counts[0], 2 * counts[0]]
        assert counts[0] > 0 and notebook.errors == []
