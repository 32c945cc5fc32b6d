import asyncio
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from types import SimpleNamespace

import pytest
import torch
from screens import Page, everything, shown
from worlds import numbers_of

import pg_helpers as pg
from pg_course.stage import dashboard as dashboards
from pg_course.stage.dashboard import TrainingDashboard

CORRIDOR = pg.corridor()
ENDLESS = {"num_updates": 1_000_000, "num_trajectories": 5, "learning_rate": 0.01}


def dashboard(env=CORRIDOR, make_policy=None, **changes):
    usual = {"num_updates": 12, "num_trajectories": 5, "learning_rate": 0.01}
    return TrainingDashboard(env, pg.TrainConfig(**usual | changes), make_policy)


def sees(board, css_class):
    return shown(board._view.box, css_class).text


def picture(board):
    ((image, alt),) = shown(board._view.box, "pg-picture").pictures
    return image, alt


def press(board, name):
    named = [w for w in everything(board._view.box) if hasattr(w, "click")]
    (button,) = [w for w in named if w.description == name]
    button.click()


class Breaks(torch.nn.Module):
    """A policy that raises at the call of a certain number."""

    def __init__(self, call):
        super().__init__()
        self.inner, self.left = pg.MLPPolicy(1, 2), call

    def forward(self, observations):
        self.left -= 1
        if self.left == 0:
            raise ArithmeticError("the <policy> broke")
        return self.inner(observations)


class Asked(torch.nn.Module):
    """A policy that does something else, once, when it is asked next."""

    def __init__(self):
        super().__init__()
        self.inner, self.do = pg.policy_for(CORRIDOR), None

    def forward(self, observations):
        do, self.do = self.do, None
        if do is not None:
            do()
        return self.inner(observations)


def in_another_thread(call, *arguments, **settings):
    """As JupyterLab delivers the messages of some controls."""
    thread = threading.Thread(target=call, args=arguments, kwargs=settings)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def agree(board):
    """What is shown, what is trained and what is known are of one state."""
    assert board.error is None and sees(board, "pg-error") == ""
    assert board._view.settings.items() <= vars(board.config).items()
    best = pg.exact.optimal_objective(CORRIDOR, board.config.gamma)
    assert board._run.best == best
    board.step()
    assert len(board._run.batch.mask) == board.config.num_trajectories


@pytest.mark.parametrize("env", [CORRIDOR, "CartPole-v1"], ids=str)
def test_a_run_is_that_of_train(env):
    board = dashboard(env)
    board.set(seed=4)  # before the first update: the run begins anew
    history = board.run()
    torch.manual_seed(4)
    policy = pg.MLPPolicy(4, 2) if env == "CartPole-v1" else pg.policy_for(env)
    expected = pg.train(env, policy, board.config, progress=False)
    assert history == board.history == expected and len(history) == 12
    assert torch.equal(numbers_of(board.policy), numbers_of(policy))
    assert board.state == "finished"


def test_steps_make_the_same_run():
    board, whole = dashboard(), dashboard()
    whole.run(3)
    for number in range(3):
        assert len(board.history) == number
        press(board, "Step")
        assert board.state == "stopped"
    assert board.history == whole.history


def test_the_end_is_the_end():
    board = dashboard(num_updates=2)
    board.run()
    for press_again in (board.step, board.stop, board.run):
        press_again()
        assert board.state == "finished" and len(board.history) == 2


CHANGES = {
    "learning_rate": 0.1,
    "gamma": 0.5,
    "num_trajectories": 30,
    "seed": 3,
    "weights": "rewards_to_go",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_changed_in_another_thread_waits_for_the_update(name):
    board = dashboard(make_policy=Asked)
    board.run(3)
    change = {name: CHANGES[name]}
    board.policy.do = lambda: in_another_thread(board.set, **change)
    assert len(board.run(5).entropy) == 8
    assert getattr(board.config, name) == CHANGES[name]
    assert board._run.changes == [4]
    agree(board)


@pytest.mark.parametrize(
    ("button", "state", "made"),
    [("Start", "stopped", 8), ("Step", "stopped", 8), ("Stop", "stopped", 4)]
    + [("Reset", "ready", 0)],
)
def test_a_button_pressed_in_another_thread_waits_for_the_update(button, state, made):
    board = dashboard(make_policy=Asked)
    board.run(3)

    async def pressed():
        press(board, button)

    board.policy.do = lambda: in_another_thread(asyncio.run, pressed())
    board.run(5)
    assert (board.state, len(board.history)) == (state, made)
    agree(board)


def test_changes_from_many_threads_at_once_are_all_made():
    board = dashboard(**ENDLESS)

    def move():
        for number in range(200):
            board.set(gamma=[0.5, 0.9][number % 2], num_trajectories=[3, 1][number % 2])

    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # seconds from thread to thread
    try:
        with ThreadPoolExecutor() as pool:
            moves = [pool.submit(move) for _ in range(3)]
            while not all(moved.done() for moved in moves):
                board.run(5)
    finally:
        sys.setswitchinterval(often)
    assert [moved.result() for moved in moves] == [None] * 3
    agree(board)


@pytest.mark.parametrize("made", [0, 3])
def test_a_change_that_fails_is_taken_back(made):
    board = dashboard(make_policy=Asked)
    board.run(made)
    run, policy = board._run, board.policy
    fail = lambda: 1 / 0  # noqa: E731
    if made == 0:
        run._make_policy = fail
    else:
        policy.do = fail  # when the exact J is computed
    with pytest.raises((ZeroDivisionError, ValueError), match="division by zero"):
        board.set(gamma=0.5)
    assert board.config.gamma == board._view.settings["gamma"] == 0.95
    assert "division by zero" in sees(board, "pg-error")
    assert board.policy is policy and len(board.history) == made
    board.run(2)
    assert run.changes == []
    agree(board)


def test_training_that_failed_goes_on_after_a_change():
    board = dashboard(make_policy=Asked)
    board.run(3)
    board.policy.do = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        board.step()
    assert board.state == "failed" and len(board.history) == 3
    board.set(learning_rate=0.03)
    assert board.state == "stopped"
    assert len(board.run(2)) == 5
    agree(board)


def test_training_is_done_in_the_main_thread_whoever_starts_it(monkeypatch):
    async def scenario():
        loop = SimpleNamespace(asyncio_loop=asyncio.get_running_loop())
        shell = SimpleNamespace(kernel=SimpleNamespace(io_loop=loop))
        monkeypatch.setattr(dashboards, "get_ipython", lambda: shell)
        board, seen = dashboard(make_policy=Asked), []
        board.policy.do = lambda: seen.append(threading.current_thread())
        in_another_thread(board.start)
        assert "once the cell that is running has ended" in sees(board, "pg-sentence")
        await until(lambda: len(board.history) > 0)
        assert "cell that is running" not in sees(board, "pg-sentence")
        await until(lambda: board.state == "finished")
        assert seen == [threading.main_thread()]

    asyncio.run(scenario())


def test_an_interrupt_ends_training_in_a_cell_and_it_can_go_on():
    board = dashboard(make_policy=Asked, num_updates=9)
    board.run(3)
    board.policy.do = lambda: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        board.run()
    assert board.state == "stopped" and len(board.history) == 3
    assert board.run() == dashboard(make_policy=Asked, num_updates=9).run()


def test_an_interrupt_ends_training_in_the_background_and_it_can_go_on():
    async def scenario():
        boards = [dashboard(make_policy=Asked, **ENDLESS) for _ in range(2)]
        for board in boards:
            board.start()
        await until(lambda: all(len(board.history) > 5 for board in boards))
        signal.raise_signal(signal.SIGINT)
        await until(lambda: all(board.state == "stopped" for board in boards))
        stopped = len(board.history)
        board.start()
        await until(lambda: len(board.history) > stopped + 5)
        board.policy.do = lambda: signal.raise_signal(signal.SIGINT)
        await until(lambda: board._task is None)
        assert board.state == "stopped"
        return board

    before = signal.getsignal(signal.SIGINT)
    board = asyncio.run(scenario())
    assert signal.getsignal(signal.SIGINT) is before
    same_as_in_one_go(board)


async def until(condition, seconds=120.0):
    """Let the event loop work until something holds."""
    end = time.perf_counter() + seconds
    while not condition():
        assert time.perf_counter() < end, "it never came to pass"
        await asyncio.sleep(0.01)


def test_the_buttons_start_stop_and_go_on():
    async def scenario():
        board = dashboard(**ENDLESS)
        press(board, "Start")
        assert board.state == "running" and len(board.history) == 0
        assert sees(board, "pg-sentence").startswith("Training.")
        # Did training keep the kernel to itself, this would never end.
        await until(lambda: len(board.history) > 5)
        press(board, "Stop")
        assert sees(board, "pg-sentence").startswith("Stopped. Start goes on")
        stopped, first = len(board.history), list(board.history.entropy)
        learned = numbers_of(board.policy)
        await asyncio.sleep(0.2)
        assert len(board.history) == stopped and board.state == "stopped"
        assert torch.equal(numbers_of(board.policy), learned), "it keeps the policy"
        for button in ("Start", "Start", "Stop", "Start"):  # faster than it trains
            press(board, button)
        await until(lambda: len(board.history) > stopped + 5)
        press(board, "Stop")
        assert board.history.entropy[:stopped] == first, "it keeps the history"
        return board

    same_as_in_one_go(asyncio.run(scenario()))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def same_as_in_one_go(board):
    """A stop changes nothing in what is learned."""
    torch.manual_seed(0)
    policy = pg.policy_for(CORRIDOR)
    updates = pg.iterate_training(CORRIDOR, policy, board.config)
    *_, last = islice(updates, len(board.history))
    assert board.history == last.history
    assert torch.equal(numbers_of(board.policy), numbers_of(policy))


def test_it_trains_to_the_end_in_the_background():
    async def scenario():
        board = dashboard()
        board.start()
        await until(lambda: sees(board, "pg-sentence").startswith("Finished"))
        return board

    board = asyncio.run(scenario())
    assert board.history == dashboard().run()
    assert sees(board, "pg-progress") == "12 of 12 updates"
    assert sees(board, "pg-sentence").startswith("Finished: all updates are made.")
    assert "After 12 updates" in picture(board)[1]


def test_reset_begins_anew():
    board = dashboard()
    first, untrained = numbers_of(board.policy), picture(board)[0]
    board.run(4)
    history = board.history
    for gamma in (0.5, 0.95):
        board.set(gamma=gamma)
    assert (picture(board)[0] != untrained).any()
    press(board, "Reset")
    assert board.state == "ready" and len(board.history) == 0
    assert torch.equal(numbers_of(board.policy), first)
    assert (picture(board)[0] == untrained).all()
    assert sees(board, "pg-progress") == "0 of 12 updates"
    assert board.run(4) == history


def test_settings_hold_from_the_next_update_on():
    board = dashboard()
    board.run(3)
    board.set(gamma=0.5, num_trajectories=30)
    assert (board.config.gamma, board.config.num_trajectories) == (0.5, 30)
    assert len(board.history) == 3 and board.state == "stopped"
    board.step()
    assert len(board._run.batch.mask) == 30
    board.set(weights="rewards_to_go", seed=4)
    board.reset()
    torch.manual_seed(4)
    policy = pg.policy_for(CORRIDOR)
    expected = pg.train(CORRIDOR, policy, board.config, progress=False)
    assert board.config.weights == "rewards_to_go" and board.config.seed == 4
    assert board.run() == expected


def test_a_change_is_marked_and_the_best_is_that_of_the_settings_since():
    board = dashboard()
    board.run(4)
    board.set(gamma=0.5)
    board.run(3)
    lines = {line.get_label(): line for line in board._figure.axes[0].lines}
    assert "change" in lines
    assert list(lines["best J"].get_xdata()) == [4.5, 10.5]
    assert set(lines["best J"].get_ydata()) == {0.25}


def test_an_error_in_training_is_shown_and_keeps_what_was_learned():
    # The policy is asked several times an update: it breaks in one of the first, when
    # the exact objective asks it.
    board = dashboard(make_policy=lambda: Breaks(20))
    with pytest.raises(ValueError, match="policy: .*, got Arithmetic.* <policy> broke"):
        board.run()
    assert board.state == "failed" and isinstance(board.error, ValueError)
    assert "ArithmeticError: the <policy> broke" in sees(board, "pg-error")
    made = len(board.history)
    assert 0 < made < 12
    assert sees(board, "pg-progress") == f"{made} of 12 updates"
    for ignored in (board.step, board.stop):
        ignored()
        assert len(board.history) == made and board.state == "failed"
    board.reset()
    assert board.error is None and sees(board, "pg-error") == ""


def test_an_error_in_the_background_is_shown():
    async def scenario():
        board = dashboard(make_policy=lambda: Breaks(30), **ENDLESS)
        board.start()
        await until(lambda: sees(board, "pg-sentence").startswith("Failed"))
        return board

    board = asyncio.run(scenario())
    assert "ArithmeticError: the <policy> broke" in sees(board, "pg-error")
    assert len(board.history) > 0


def test_an_error_in_drawing_does_not_stop_the_training(monkeypatch):
    board = dashboard()
    monkeypatch.setattr(dashboards, "draw_run", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        board.run()
    assert len(board.history) == 12 and board.state == "finished"
    assert "ZeroDivisionError" in sees(board, "pg-error")


def test_words_and_picture_follow_the_training():
    board = dashboard()
    assert picture(board)[1] == "Training dashboard. No update has been made yet."
    assert sees(board, "pg-sentence").strip() == (
        "Ready. Start trains to the end, Step makes a single update."
    )
    before = picture(board)[0]
    board.step()
    image, alt = picture(board)
    assert image.shape == before.shape and (image != before).any()
    assert alt.startswith("Training dashboard. After 1 update the mean return")
    assert "After 1 update" in sees(board, "pg-sentence")
    (bar,) = [w for w in everything(board._view.box) if hasattr(w, "bar_style")]
    assert (bar.value, bar.max) == (1, 12)


@pytest.mark.parametrize(
    "env",
    [pg.random_mdp(4, 3, 3), "CartPole-v1", "FrozenLake-v1"],
    ids=str,
)
def test_every_world_has_a_dashboard(env):
    board = dashboard(env, num_updates=2)
    before = picture(board)[0]
    board.run()
    assert board.error is None
    assert (picture(board)[0] != before).any()


def test_a_redrawn_picture_is_that_of_a_new_figure():
    # Axes are used again; nothing of an earlier picture may stay on them.
    board, fresh = dashboard(pg.grid_world()), dashboard(pg.grid_world())
    for _ in range(4):
        board.step()
    fresh.run(4)
    assert (picture(board)[0] == picture(fresh)[0]).all()
    board.reset()
    assert (picture(board)[0] == picture(dashboard(pg.grid_world()))[0]).all()


def test_what_is_stored_in_a_notebook_names_no_trained_number():
    board = dashboard()
    first, _ = board._repr_mimebundle_()
    board.run()
    later, metadata = board._repr_mimebundle_()
    assert set(later) == {
        "application/vnd.jupyter.widget-view+json",
        "text/html",
        "image/png",
        "text/plain",
    }
    assert first["text/plain"].startswith("Training dashboard before the first update")
    assert re.findall(r"\d[\d.]*", later["text/plain"]) == ["12"]
    ((image, alt),) = Page(later["text/html"]).pictures
    assert alt == later["text/plain"] == metadata["image/png"]["alt"]
    assert abs(image - picture(board)[0]).max() < 32, "the picture is that of now"
