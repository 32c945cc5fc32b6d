"""An interrupt at any moment leaves a policy and a history that belong together."""

import signal
import sys
import threading
from pathlib import Path

import pytest
import torch

import pg_helpers as pg
from pg_helpers.execution import one_thread, uninterrupted

MDP = pg.random_mdp(2, 2, 2, seed=0)
CONFIG = pg.TrainConfig(num_updates=2, num_trajectories=2, learning_rate=0.1)
PACKAGE = str(Path(pg.__file__).parent)


def train(path=None):
    policy = pg.TabularPolicy(2, 2)
    history = pg.train(MDP, policy, CONFIG, False, path, checkpoint_every=1)
    return policy, history


def lines_of(call, interrupt_at=None):
    """The function of each line that was run; interrupt before one of the lines."""
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
    policy = pg.TabularPolicy(2, 2)
    truth = [(policy.logits.tolist(), [])]
    for update in pg.iterate_training(MDP, policy, CONFIG):
        truth.append((policy.logits.tolist(), list(update.history.loss)))
    names = lines_of(lambda: train(tmp_path / "whole.pt"))
    lines = [i + 1 for i, name in enumerate(names) if name == "_reinforce"]
    # Every 97th line of training, and every third of the last 80: the last step.
    first, last = lines[0], lines[-1]
    moments = {*range(first, last, 97), *range(last - 80, last + 1, 3)}
    counts = set()
    for moment in sorted(moments):
        path, left = tmp_path / f"{moment}.pt", []
        with pytest.warns(RuntimeWarning, match=r"train: interrupted after \d of 2"):
            lines_of(lambda to=path, kept=left: kept.extend(train(to)), moment)
        policy, history = left
        assert (policy.logits.tolist(), history.loss) == truth[len(history)]
        reader = pg.TabularPolicy(2, 2)
        assert pg.load_checkpoint(path, reader) == history  # nothing is lost
        assert torch.equal(reader.logits, policy.logits)
        counts.add(len(history))
    assert counts == {0, 1, 2}


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
    handlers = []

    def work():
        with uninterrupted():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_one_thread_ends_with_the_block_even_after_an_error():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(KeyError), one_thread():
            assert torch.get_num_threads() == 1
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
