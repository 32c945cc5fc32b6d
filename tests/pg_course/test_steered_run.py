import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from worlds import numbers_of

import pg_helpers as pg
from pg_course.stage.steered_run import SteeredRun

CORRIDOR = pg.corridor()


def config(**changes):
    usual = {"num_updates": 12, "num_trajectories": 5, "learning_rate": 0.02}
    return pg.TrainConfig(**usual | changes)


def go_on(run, updates):
    for _ in range(updates):
        run.update()


def test_a_run_ends_after_its_updates():
    run = SteeredRun(CORRIDOR, config(num_updates=2))
    go_on(run, 3)
    assert run.is_complete and len(run.history) == 2


def test_random_numbers_of_others_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run = SteeredRun(CORRIDOR, config())
    go_on(run, 2)
    run.change(seed=1)
    run.reset()
    assert torch.equal(torch.rand(3), expected)


def test_a_change_goes_on_from_the_policy_as_it_is():
    run = SteeredRun(CORRIDOR, config())
    go_on(run, 4)
    learned, entropy = numbers_of(run.policy), run.history.entropy[:4]
    run.change(learning_rate=1e-9)
    assert torch.equal(numbers_of(run.policy), learned)
    go_on(run, 3)
    # A step of Adam is at most about the learning rate: nothing moved any more.
    assert abs(numbers_of(run.policy) - learned).max() < 1e-7
    assert len(run.history) == 7 and run.history.entropy[:4] == entropy
    run.change(learning_rate=0.1)
    run.update()
    assert abs(numbers_of(run.policy) - learned).max() == pytest.approx(0.1, rel=0.01)
    assert run.changes == [4, 7]


def test_no_batch_is_drawn_twice():
    run = SteeredRun(CORRIDOR, config(learning_rate=1e-9, num_trajectories=40))
    batches = []
    for _ in range(3):
        run.update()
        batches.append(run.batch.actions.flatten().tolist())
        run.change(gamma=0.9)
    assert batches[0] != batches[1] != batches[2] != batches[0]


def test_the_truth_is_noted_on_the_way():
    run = SteeredRun(CORRIDOR, config(num_updates=250))
    # The best walks three cells: gamma squared, as the reward comes with step 2.
    assert run.best == pytest.approx(0.95**2)
    assert run.exact_updates == [0]
    start = pg.exact.objective(CORRIDOR, run.policy, 0.95).item()
    assert run.exact[0] == pytest.approx(start, rel=1e-5)
    go_on(run, 11)
    assert run.exact_updates == [0, 2, 4, 6, 8, 10]
    run.change(gamma=0.5)
    assert run.best == pytest.approx(0.25)
    assert run.exact_updates[-1] == 11
    now = pg.exact.objective(CORRIDOR, run.policy, 0.5).item()
    assert run.exact[-1] == pytest.approx(now, rel=1e-5)


def test_an_environment_of_ones_own_stays_open():
    env = SyncVectorEnv([lambda: pg.TabularEnv(CORRIDOR)] * 2)
    run = SteeredRun(env, config())
    go_on(run, 2)
    run.close()
    go_on(run, 2)
    assert not env.closed and len(run.history) == 4


def test_a_run_in_words():
    run = SteeredRun(CORRIDOR, config())
    assert run.in_words() == "No update has been made yet."
    run.update()
    assert run.in_words() == (
        f"After 1 update the mean return of a batch is "
        f"{run.history.mean_return[0]:.2f}; the exact J was {run.exact[1]:.2f} after "
        f"1, and the best is 0.90. The entropy is {run.history.entropy[0]:.2f} nats."
    )
