"""How a check judges whatever a learner hands to it, on a check of a few lines."""

import signal
import sys
import threading
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from pg_course.asking import check as check_module
from pg_course.asking import time_limit
from pg_course.asking.check import Check, Mistake
from pg_course.asking.examined_loss import (
    PAIRS,
    SINGLES,
    mean_and_variance,
    mean_gradient,
)
from pg_course.asking.observers import Case, returned_with_gradient
from pg_course.nb09_training.exercises import update
from pg_course.nb12_the_loss_clinic.exercises import mended_loss
from pg_helpers import exact
from pg_helpers.clinic import GAMMA, standard_policy, standard_world

HALF = Check(
    name="half",
    right=lambda x, scale: x / 2,
    cases=[
        Case("x = [4, 2]", (torch.tensor([4.0, 2.0]), torch.ones(2))),
        Case("eight numbers", (torch.arange(8.0).reshape(2, 4), torch.ones(4))),
    ],
    mistakes=[
        Mistake("this is twice the number.", lambda x, scale: 2 * x),
        Mistake("this is the number itself.", lambda x, scale: x),
    ],
    expected="Half of x has the shape of x.",
    where="Eq. (0).",
    shows="you can halve.",
)
# The same, where the gradient of the result is looked at too.
SLOPE = replace(HALF, name="slope", observe=returned_with_gradient)


def said(outcome):
    """What a check said, without its line breaks."""
    return " ".join(outcome.text.split())


def is_not_right(outcome):
    return outcome.state == "not right" and outcome.text.startswith("Not right: ")


# Right, a known mistake, and any other


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda x, scale: 0.5 * x, "Right: you can halve."),
        (
            lambda x, scale: x + x,
            "Not right: this is twice the number.\nFor x = [4, 2] the result should be "
            "[2, 1]; yours is [8, 4], 4 times that in\nevery entry.\n"
            "Where to look: Eq. (0).",
        ),
    ],
)
def test_the_text_is_printed_once(answer, text, capsys):
    outcome = HALF(answer)
    assert outcome.text == text
    assert capsys.readouterr().out == text + "\n"
    assert outcome._ipython_display_() is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, scale: x.double() / 2,
        lambda x, scale: (x.flip(0) / 2).numpy()[::-1],
        lambda x, scale: (x / 2).tolist(),
        lambda x, scale: torch.nn.Parameter(x / 2),
        lambda x, scale: x / 2 * (1 + 2e-5),
        partial(lambda divisor, x, scale: x / divisor, 2),
    ],
)
def test_the_same_numbers_are_right_in_any_form(answer):
    assert HALF(answer).state == "right"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, s: x[None] / 2, "the shape (2,); yours has (1, 2)."),
        (lambda x, s: x / 2 + 4e-4, "should be [2, 1]; yours is [2.0004, 1.0004]."),
        (
            lambda x, s: x / 2 + (x == 6),
            "For eight numbers the result should be 3 at [1, 2]; yours is 4.",
        ),
        (lambda x, s: x / 0, "is not made of finite numbers. Was something divided"),
    ],
)
def test_an_unknown_mistake_is_described_by_its_first_difference(answer, words):
    assert f"usual slips. {HALF.expected} For " in said(HALF(answer))
    assert words in said(HALF(answer))


def test_a_sign_follows_the_text_in_a_notebook_alone(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(check_module, "display", lambda data, raw: shown.append(data))
    HALF(lambda x, scale: x / 2)
    assert not shown
    monkeypatch.setattr(check_module.InteractiveShell, "initialized", lambda: True)
    for answer in (None, lambda x, scale: x / 2, lambda x, scale: x):
        HALF(answer)
    right, wrong = (data["text/html"] for data in shown)
    assert '"✓ "' in right and 'class="pg-right"' in right
    assert '"✗ "' in wrong and 'class="pg-not-right"' in wrong
    assert "Right: " in capsys.readouterr().out


# Not yet


def stub(*arguments):
    """What is to be done."""
    ...  # your code


def raising(error):
    def function(*arguments):
        raise error

    return function


@pytest.mark.parametrize(
    "answer", [None, ..., stub, raising(NotImplementedError()), lambda *given: ...]
)
def test_what_is_unanswered_is_not_yet(answer):
    assert said(HALF(answer)).startswith("Not yet: write my_half in the cell above")


@pytest.mark.parametrize("check", [HALF, SLOPE, update, mended_loss])
def test_an_ellipsis_that_is_left_is_named(check):
    outcome = check(lambda *given: 2 * ...)
    assert outcome.state == "not yet"
    assert "a ... still stands in your function" in said(outcome)


# Faults that need no comparison


def changes_its_first_argument(x, scale):
    x /= 2
    return x


def changes_its_second_argument(x, scale):
    scale += 1
    return x / 2


def recursion(*arguments):
    return recursion(*arguments)


def raises_in_line_3(*arguments):
    first = 1
    raise ValueError(f"at <object at {hex(id(first))}>\nand more")


def calls_backward(x, scale):
    (x.sum() / 2).backward()
    return x / 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (print, "returns None. Is a return missing"),
        (changes_its_first_argument, "right, but the function changes its first arg"),
        (changes_its_second_argument, "the function changes its second argument in"),
        (lambda x, s: (y for y in x), "an object of type generator"),
        (lambda x: x, "takes 1 positional argument but 2 were given"),
        (lambda x, s: np.broadcast_to(0.0, (10**6, 10**6)), "far more numbers than"),
        (lambda x, s: torch.zeros(1).expand(10**6, 10**6), "(1000000, 1000000), far"),
        (lambda x, s: [[1.0]] * 20_000, "the result has far more numbers"),
        (lambda x, s: x * 1j, "complex numbers"),
        (torch.ones(3), "without parentheses after it: exercises.half(my_half)"),
        (raises_in_line_3, "in its line 3 (ValueError: at <object at 0x...> and more)"),
        (raising(KeyboardInterrupt()), "exception in its line 2 (KeyboardInterrupt)."),
        (raising(NotImplementedError("later")), "(NotImplementedError: later)"),
        (recursion, "calls itself without an end"),
        (lambda x, s: x + torch.ones(3), "lines up the last axes: a vector of the"),
        (
            lambda x, s: torch.nn.Parameter(x).sub_(1),
            "there is a way to tell PyTorch not to record",
        ),
        (lambda x, s: x.sum().backward(), "does not depend on any parameter"),
        (
            lambda x, s: [y.backward() for y in 2 * [torch.nn.Parameter(x).norm()]],
            "A graph can be walked back once only",
        ),
        (lambda x, s: torch.nn.Parameter(x).numpy(), "Stay with tensors wherever"),
        (lambda x, s: 2 * x.grad, "A None stands where a number was expected"),
        (lambda x, s: (x > 0).mean(), "True and False have no mean in PyTorch"),
    ],
)
def test_a_fault_is_named(answer, words):
    outcome = HALF(answer)
    assert is_not_right(outcome)
    assert words in said(outcome)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, s: x.detach() / 2, "the result carries no graph"),
        (calls_backward, "your function calls backward itself"),
        (lambda x, s: x.mul_(0.5).exp().log(), "its first argument in place"),
        # Right in one of the two, wrong in the other.
        (lambda x, s: x - x.detach() / 2, "the gradient should be [0.5, 0.5]; yours"),
        (lambda x, s: x / 2 + 1, "the result should be [2, 1]; yours is [3, 2]."),
        (lambda x, s: x / 2 + 1, "the gradient is right, but the value is not the one"),
    ],
)
def test_a_fault_of_the_gradient_is_named(answer, words):
    outcome = SLOPE(answer)
    assert is_not_right(outcome)
    assert words in said(outcome)


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (
            lambda policy: setattr(policy.logits, "data", torch.zeros(7)),
            "the policy no longer works",
        ),
        (
            lambda policy: setattr(policy, "logits", torch.nn.Parameter(policy.logits)),
            "puts new parameters in the place of the policy's own",
        ),
        (
            lambda policy: policy.logits.requires_grad_(False),
            "a parameter no longer asks for a gradient",
        ),
        (
            lambda policy: setattr(policy, "parameters", None),
            "could not be looked at. Was something replaced",
        ),
    ],
)
def test_what_an_update_breaks_is_named(breaks, words):
    assert words in said(update(lambda policy, loss, learning_rate: breaks(policy)))


def test_what_is_seen_of_a_loss_is_its_gradient_on_average_and_its_variance():
    policy = standard_policy(standard_world())
    truth = exact.gradient(standard_world(), policy, GAMMA)
    found = mean_gradient(mended_loss.right, SINGLES).values["the mean gradient step"]
    torch.testing.assert_close(found, truth.double(), rtol=1e-6, atol=1e-9)
    # Twice a loss has twice its mean gradient and four times its variance.
    one = mean_and_variance(mended_loss.right, PAIRS).values
    twice = mean_and_variance(lambda *given: 2 * mended_loss.right(*given), PAIRS)
    for name, factor in zip(one, (2, 4), strict=True):
        torch.testing.assert_close(twice.values[name], factor * one[name])


# Whatever does not end


def loops(*arguments):
    while True:
        pass


def prints_without_end(*arguments):
    while True:
        print("a line")


def catches_everything(*arguments):
    while True:
        try:
            loops()
        except Exception:
            pass


@pytest.fixture
def short_limit(monkeypatch):
    """For answers that never end: nothing depends on how long the limit is."""
    monkeypatch.setattr(check_module, "TIME_LIMIT", 0.1)


@pytest.mark.parametrize("answer", [loops, prints_without_end, catches_everything])
def test_what_does_not_end_is_stopped_and_named(answer, short_limit, capsys):
    before = set(threading.enumerate())
    outcome = HALF(answer)
    assert set(threading.enumerate()) <= before
    assert is_not_right(outcome)
    assert "my_half did not come back within 0.1 seconds" in said(outcome)
    assert "restart the kernel" not in said(outcome)
    assert capsys.readouterr().out == outcome.text + "\n"


def test_what_cannot_be_stopped_is_left_behind_in_words(short_limit):
    # Judged in a thread that is not the main one: an alarm signal would fail there.
    released, outcomes = threading.Event(), []
    asleep = lambda *arguments: released.wait(60)  # noqa: E731
    judge = threading.Thread(target=lambda: outcomes.append(HALF(asleep)))
    judge.start()
    judge.join(60)
    released.set()
    assert "It could not be stopped and may still be running" in said(outcomes[0])
    assert "restart the kernel" in said(outcomes[0])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signal")
def test_an_interruption_by_the_user_reaches_the_user_and_ends_the_answer():
    main, running = threading.main_thread().ident, []

    def interrupts(*arguments):
        running.append(threading.current_thread())
        while sys._current_frames()[main].f_code.co_name != "run_bounded":
            pass
        signal.pthread_kill(main, signal.SIGINT)
        loops()

    with pytest.raises(KeyboardInterrupt):
        HALF(interrupts)
    running[0].join(60)
    assert not running[0].is_alive()


def test_an_optimiser_is_loaded_before_the_clock_starts_if_one_is_used(monkeypatch):
    events = []

    def clock(function, seconds):
        events.append("clock")
        return time_limit.run_bounded(function, 60)

    def by_an_optimiser(policy, loss, learning_rate):
        torch.optim.SGD(policy.parameters(), lr=learning_rate)

    monkeypatch.setattr(check_module, "run_bounded", clock)
    monkeypatch.setattr(torch.optim, "SGD", lambda *a, **k: events.append("optimiser"))
    update(update.right)
    assert events == ["clock"]
    update(by_an_optimiser)
    assert events[1:3] == ["optimiser", "clock"]


# Anything at all


def printing(text):
    def function(*arguments):
        print(text)
        print(text, file=sys.stderr)
        warnings.warn("a warning", stacklevel=1)

    return function


ODD = [
    *["a text", 3.0, float, torch.Tensor, sys.exit, lambda *arguments, key: 0],
    lambda *arguments: torch.zeros(3, device="meta"),
    lambda *arguments: torch.zeros(3).to_sparse(),
    lambda *arguments: np.array(["a text"]),
    lambda *arguments: [10**400],
    raising(SystemExit(0)),
    raising(ValueError("\ud800 \a" + "x" * 10**6)),
    printing("\ud800\a" + "y" * 10**6),
]


@pytest.mark.parametrize("check", [HALF, SLOPE, update, mended_loss])
@pytest.mark.parametrize("answer", ODD)
def test_anything_gets_a_short_text_and_never_a_traceback(check, answer, capfd):
    outcome = check(answer)
    assert outcome.state in ("not yet", "not right")
    assert type(outcome.text) is str and len(outcome.text) < 1500
    out, err = capfd.readouterr()
    assert out.endswith(outcome.text + "\n") and len(out) < 4000
    assert out.encode().decode() == out  # any stream can show it
    assert err == ""


# What a check leaves behind


def test_a_check_leaves_its_cases_alone():
    before = [case.inputs[0].clone() for case in HALF.cases]
    for check in (HALF, SLOPE):
        check(changes_its_first_argument)
        check(changes_its_second_argument)
    for case, old in zip(HALF.cases, before, strict=True):
        assert torch.equal(case.inputs[0], old)
        assert (case.inputs[1] == 1).all()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("check", [HALF, SLOPE, update, mended_loss])
def test_a_check_works_where_gradients_are_switched_off(check, mode):
    with mode():
        assert check(check.right).state == "right"
        assert is_not_right(check(check.mistakes[0].wrong[0]))


def test_what_a_function_prints_is_shown_before_the_text_and_not_without_end(capsys):
    before = sys.stdout
    HALF(lambda x, scale: print(tuple(x.shape)) or x / 2)
    assert sys.stdout is before
    assert capsys.readouterr().out == "(2,)\n(2, 4)\nRight: you can halve.\n"
    HALF(printing("z" * 10_000))
    out = capsys.readouterr().out
    assert out.count("z") == 2000
    assert "\n(the rest of what it printed is left out)\nNot right: " in out
