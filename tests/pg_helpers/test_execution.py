"""An interrupt at any moment leaves a policy and a history that belong together."""

import signal
import sys
import threading
from pathlib import Path

import pytest
import torch
from jupyter_client.manager import start_new_kernel
from worlds import WORLDS

import pg_helpers as pg
from pg_helpers.execution import one_thread, uninterrupted

MDP = WORLDS["random (4, 3), horizon 3"]
CONFIG = pg.TrainConfig(num_updates=4, num_trajectories=3, learning_rate=0.1)
PACKAGE = str(Path(pg.__file__).parent)
HEART = {"_reinforce", "step", "append", "uninterrupted"}


def after_each_update():
    """Logits and history after 0, 1, 2, ... updates, of a run that is left alone."""
    policy = pg.TabularPolicy(4, 3)
    found = [(policy.logits.tolist(), [])]
    for update in pg.iterate_training(MDP, policy, CONFIG):
        found.append((policy.logits.tolist(), list(update.history.loss)))
    return found


def lines_of(call, interrupt_at=None):
    """Run it; name of the function of each line of ours, and interrupt before one."""
    names = []

    def trace(frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            names.append(frame.f_code.co_name)
            if len(names) == interrupt_at:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return names


def test_an_interrupt_before_any_line_leaves_whole_updates(tmp_path):
    truth = after_each_update()

    def train(number=None):
        policy = pg.TabularPolicy(4, 3)
        path = tmp_path / f"{number}.pt"
        history = pg.train(MDP, policy, CONFIG, False, path, checkpoint_every=2)
        return path, policy, history

    names = lines_of(train)
    made = [i + 1 for i, name in enumerate(names) if name == "_reinforce"]
    # Within training every 97th line, and each line of an update's inmost part.
    heart = [i for i in range(made[0], made[-1]) if names[i - 1] in HEART]
    moments = {*range(made[0], made[-1], 97), *heart[len(heart) // 3 :: 2]}
    counts = set()
    for moment in sorted(moments):
        found = []
        with pytest.warns(RuntimeWarning, match=r"train: interrupted after \d of 4"):
            lines_of(lambda n=moment, to=found: to.extend(train(n)), moment)
        path, policy, history = found
        assert (policy.logits.tolist(), history.loss) == truth[len(history)]
        reader = pg.TabularPolicy(4, 3)
        assert pg.load_checkpoint(path, reader) == history  # nothing is lost
        assert torch.equal(reader.logits, policy.logits)
        counts.add(len(history))
    assert counts >= {0, 1, 2, 3} and len(moments) > 60


def test_in_a_loop_of_ones_own_an_interrupt_is_an_interrupt():
    policy = pg.TabularPolicy(4, 3)
    seen = []
    with pytest.raises(KeyboardInterrupt):
        for update in pg.iterate_training(MDP, policy, CONFIG):
            seen.append(update.history)
            signal.raise_signal(signal.SIGINT)
    assert (policy.logits.tolist(), seen[0].loss) == after_each_update()[1]


def test_an_interrupt_waits_for_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_the_block_comes_before_the_interrupt():
    with pytest.raises(KeyboardInterrupt) as caught, uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise KeyError("first")
    assert isinstance(caught.value.__context__, KeyError)


def test_in_another_thread_the_block_is_a_plain_one():
    done = []

    def work():
        with uninterrupted():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.default_int_handler]


def test_one_thread_ends_with_the_block():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


BEGIN = """
import torch, pg_helpers as pg
world = pg.corridor()
policy = pg.MLPPolicy(1, 2)
config = pg.TrainConfig(num_updates=10**7)
print("begins", flush=True)
history = pg.train(world, policy, config, progress=False)
"""
LOOK = """
torch.manual_seed(0)
made = len(history)
assert 0 < made < 10**7, made
assert all(p.isfinite().all() for p in policy.parameters())
further = pg.train(world, policy, pg.TrainConfig(num_updates=3), progress=False)
print(made == len(history.entropy), len(further))
"""


def test_the_stop_button_of_a_notebook_leaves_policy_and_history():
    manager, client = start_new_kernel()
    printed = []

    def note(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
            if printed == ["begins\n"]:  # what takes hours
                threading.Timer(1, manager.interrupt_kernel).start()

    try:
        reply = client.execute_interactive(BEGIN, timeout=120, output_hook=note)
        assert reply["content"]["status"] == "ok", reply["content"]
        assert "train: interrupted after" in "".join(printed)
        printed.clear()
        reply = client.execute_interactive(
            LOOK, timeout=60, output_hook=lambda m: printed.append(m["content"])
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        assert {"name": "stdout", "text": "True 3\n"} in printed
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
