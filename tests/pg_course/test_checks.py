import re
import signal
import sys
import threading
import time
import warnings
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from answers import CHECKS, RIGHT_ANSWERS, WRONG_ANSWERS
from answers.nb09_training import (
    loss_by_where,
    return_by_horner,
    return_with_prints,
    update_by_an_optimiser,
    update_by_autograd,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pg_course.asking import check as check_module
from pg_course.asking import time_limit
from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case
from pg_course.nb09_training import exercises
from pg_helpers import exact, returns

EACH = pytest.mark.parametrize("name", CHECKS)


def said(outcome):
    """What a check said, without its line breaks."""
    return " ".join(outcome.text.split())


def is_not_right(outcome):
    return outcome.state == "not right" and outcome.text.startswith("Not right: ")


# Wrong answers


@pytest.mark.parametrize(
    ("name", "phrase", "wrong"),
    [
        pytest.param(name, phrase, wrong, id=f"{name}-{wrong.__name__}")
        for name, groups in WRONG_ANSWERS.items()
        for phrase, group in groups.items()
        for wrong in group
    ],
)
def test_a_typical_wrong_answer_gets_its_own_message(name, phrase, wrong, capsys):
    outcome = CHECKS[name](wrong)
    assert is_not_right(outcome)
    assert phrase in said(outcome)
    assert f"Where to look: {CHECKS[name].where}" in said(outcome)
    others = set(WRONG_ANSWERS[name]) - {phrase}
    assert not any(other in said(outcome) for other in others)
    assert capsys.readouterr().out == outcome.text + "\n"


@EACH
def test_every_known_mistake_is_tried_by_a_wrong_answer_written_apart(name):
    phrases = WRONG_ANSWERS[name]
    assert len(phrases) >= 3
    for mistake in CHECKS[name].mistakes:
        assert sum(phrase in mistake.message for phrase in phrases) == 1


@EACH
def test_no_two_answers_do_the_same_on_the_cases(name):
    check = CHECKS[name]
    functions = [check.right, *(w for m in check.mistakes for w in m.wrong)]
    behaviours = [check.observe_all(function) for function in functions]
    for one, other in combinations(behaviours, 2):
        assert not check_module._agree(one, other)


@EACH
def test_no_text_shows_the_answer_shouts_or_repeats_another(name):
    check = CHECKS[name]
    messages = [mistake.message for mistake in check.mistakes]
    assert len(set(messages)) == len(messages)
    for text in [*messages, check.expected, check.where, check.shows]:
        assert "!" not in text
        assert text.isascii()
        assert text.endswith((".", "?"))
        # No call, attribute or operator of Python: words and formulas only.
        assert not re.search(
            r"\w\.\w+\(|\w\(\w+\)\.|[\w)\]] ?(\*\*?|@|[-+*]=) ?\w", text
        )


def test_the_numbers_in_the_messages_are_true():
    def gradients(function):
        seen = exercises.loss.observe_all(function)
        return [s.values["the gradient"] for s in seen]

    # Lengths 5, 2 and 1: N = 3 trajectories, 8 steps, a table of 15 cells.
    right, by_steps, by_cells, summed, own_steps = (
        gradients(f)[1]
        for f in (
            exercises.loss.right,
            *WRONG_ANSWERS["loss"]["this is the mean over all steps taken"],
            *WRONG_ANSWERS["loss"]["this is the mean over all cells"],
            *WRONG_ANSWERS["loss"]["this is the sum over trajectories"],
            *WRONG_ANSWERS["loss"]["divided by its own number of steps"],
        )
    )
    ratio = right.norm() / by_steps.norm()
    assert ratio == pytest.approx(8 / 3)
    assert f"{ratio:.2f} times too short" in said(
        exercises.loss(
            WRONG_ANSWERS["loss"]["this is the mean over all steps taken"][0]
        )
    )
    assert right.norm() / by_cells.norm() == pytest.approx(5)
    assert summed.norm() / right.norm() == pytest.approx(3)
    assert (right / own_steps)[0, 0] == pytest.approx(5)
    assert (right / own_steps)[2, 0] == pytest.approx(1)

    # Two arms that pay 0 and 1: J = sigmoid(difference of the logits), 0.5 at first,
    # with the gradient (-1/4, 1/4). A step of -0.5 times that gives a difference of
    # -0.25, and sigmoid(-0.25) = 0.4378.
    first = exercises.update.cases[0]
    (downhill,) = WRONG_ANSWERS["update"]["the step goes downhill"][:1]
    assert float(
        exercises.moved(downhill, first).values["J after one call"]
    ) == pytest.approx(0.4378, abs=1e-4)


# Right answers


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param(name, answer, id=f"{name}-{answer.__name__}")
        for name, answers in RIGHT_ANSWERS.items()
        for answer in answers
    ],
)
def test_a_right_answer_in_any_style_is_right(name, answer):
    outcome = CHECKS[name](answer)
    assert outcome.state == "right"
    assert said(outcome) == f"Right: {CHECKS[name].shows}"


def test_the_right_update_is_the_exact_gradient_times_the_learning_rate():
    for case in exercises.update.cases:
        mdp, make_policy, learning_rate = case.inputs
        policy = make_policy()
        before = torch.nn.utils.parameters_to_vector(policy.parameters())
        gradient = exact.gradient(mdp, policy, exercises._GAMMA)
        seen = exercises.moved(exercises.update.right, case).values
        after = seen["the vector of parameters after one call"]
        torch.testing.assert_close(
            after,
            (before + learning_rate * gradient).detach().double(),
            rtol=1e-5,
            atol=1e-6,
        )
        # J rises: by the exact numbers, at both steps.
        start = exact.objective(mdp, policy, exercises._GAMMA).item()
        assert start < seen["J after one call"] < seen["J after two calls"]


def test_the_right_loss_by_hand():
    # Eq. (23), terms of each trajectory, from the numbers of the case:
    log_probs, weights, mask = exercises.loss.cases[1].inputs
    sums = [
        np.log([0.5, 0.4, 0.7, 0.2, 0.9]).sum(),
        np.log([0.3, 0.8]).sum(),
        np.log(0.1),
    ]
    by_hand = -(1 * sums[0] - 2 * sums[1] + 3 * sums[2]) / 3
    assert float(exercises.loss.right(log_probs, weights, mask)) == pytest.approx(
        by_hand
    )


# Not yet


def stub(*arguments):
    """What is to be done."""
    ...  # your code


def passing(*arguments):
    pass


def returning_none(*arguments):
    return None


def not_implemented(*arguments):
    raise NotImplementedError


def returning_ellipsis(*arguments):
    result = ...
    return result


def half_filled(*arguments):
    total = ...
    return total.sum()


def half_filled_operator(*arguments):
    return 2.0 * ...


@EACH
@pytest.mark.parametrize(
    "answer",
    [
        None,
        ...,
        stub,
        passing,
        returning_none,
        not_implemented,
        returning_ellipsis,
        half_filled,
        half_filled_operator,
    ],
)
def test_what_is_unanswered_is_not_yet(name, answer):
    outcome = CHECKS[name](answer)
    assert outcome.state == "not yet"
    assert outcome.text.startswith("Not yet: ")
    assert "Where to look" not in outcome.text


@EACH
def test_a_check_without_a_function_is_not_yet(name):
    assert said(CHECKS[name]()) == (
        f"Not yet: write my_{name} in the cell above, run that cell, and then this "
        "one again."
    )


@EACH
def test_an_ellipsis_that_is_left_is_named(name):
    assert "a ... still stands in your function" in said(CHECKS[name](half_filled))


# Faults that need no comparison


def forgotten_return(rewards, gamma):
    total = (gamma ** torch.arange(rewards.shape[1]) * rewards).sum(1)  # noqa: F841


def broadcast_by_itself(log_probs, returns, mask):
    return -(returns * log_probs * mask).sum(1).mean()


def changes_rewards(rewards, gamma):
    rewards *= gamma ** torch.arange(rewards.shape[1])
    return rewards.sum(1)


def changes_log_probs(log_probs, returns, mask):
    log_probs[~mask] = 0
    return -(returns * log_probs.sum(1)).mean()


def changes_returns(log_probs, returns, mask):
    loss = -(returns * (log_probs * mask).sum(1)).mean()
    returns /= 2
    return loss


def breaks_the_policy(policy, loss, learning_rate):
    for parameter in policy.parameters():
        parameter.data = torch.zeros(7)


def deletes_the_parameters(policy, loss, learning_rate):
    policy.parameters = None


def one_argument(rewards):
    return rewards.sum(1)


def yields(*arguments):
    yield 1.0


async def waits(*arguments):
    return 1.0


def raises_in_line_3(*arguments):
    first = 1
    raise ValueError(f"at <object at {hex(id(first))}>\nand more")


def divides_by_zero(rewards, gamma):
    return rewards.sum(1) / 0


def logarithm_of_a_logarithm(log_probs, returns, mask):
    return -(returns * (log_probs.log() * mask).sum(1)).mean()


def huge_view(*arguments):
    return np.broadcast_to(0.0, (10**6, 10**6))


def huge_expansion(*arguments):
    return torch.zeros(1).expand(10**6, 10**6)


@pytest.mark.parametrize(
    ("name", "answer", "phrase"),
    [
        ("total_return", huge_view, "far more numbers than were asked for"),
        ("total_return", huge_expansion, "the shape (1000000, 1000000), far more"),
        ("total_return", forgotten_return, "returns None. Is a return missing"),
        ("total_return", changes_rewards, "changes its first argument in place"),
        ("loss", changes_log_probs, "changes its first argument in place"),
        ("loss", changes_returns, "changes its second argument in place"),
        ("loss", broadcast_by_itself, "does not pair up with the rows"),
        ("update", breaks_the_policy, "the policy no longer works"),
        ("update", deletes_the_parameters, "could not be looked at. Was something"),
        ("total_return", one_argument, "takes 1 positional argument but 2 were given"),
        ("total_return", yields, "an object of type generator"),
        ("total_return", waits, "an object of type coroutine"),
        (
            "total_return",
            raises_in_line_3,
            "in its line 3 (ValueError: at <object at 0x...> and more)",
        ),
        ("total_return", torch.ones(3), "exercises.total_return(my_total_return)"),
        ("total_return", 7.0, "a check is given the function itself"),
        ("total_return", divides_by_zero, "the result is not made of finite numbers"),
        ("loss", logarithm_of_a_logarithm, "of a negative number taken"),
    ],
)
def test_a_fault_is_named(name, answer, phrase):
    outcome = CHECKS[name](answer)
    assert is_not_right(outcome)
    assert phrase in said(outcome)


@pytest.mark.parametrize(
    ("answer", "difference"),
    [
        # 4 + 0.5 * 2 + 0.25 * 8 = 7.
        (lambda r, gamma: 3 * returns.total_return(r, gamma), "[7]; yours is [21]"),
        (lambda r, gamma: r[:, :1], "the shape (1,); yours has (1, 1)"),
        (
            # Right but for the last trajectory of the second case.
            lambda r, gamma: (
                returns.total_return(r, gamma)
                + torch.tensor([0.0, 0, 1])[: len(r)].flip(0)[: len(r)].flip(0)
                * (len(r) == 3)
            ),
            "[1.792, 6.5, -1]; yours is [1.792, 6.5, 0]",
        ),
    ],
)
def test_an_unknown_mistake_is_told_what_was_expected(answer, difference):
    text = said(exercises.total_return(answer))
    assert f"usual slips. {exercises.total_return.expected} For " in text
    assert difference in text


def test_a_right_value_with_a_wrong_gradient_is_not_right():
    def answer(log_probs, returns, mask):
        other = log_probs.sum()
        return loss_by_where(log_probs, returns, mask).detach() + other - other.detach()

    text = said(exercises.loss(answer))
    assert "the gradient should be [-3, -3]; yours is [1, 1]" in text


def test_a_right_gradient_with_a_wrong_value_is_not_right():
    # 3 * (ln 2 + ln 4) = 6.238.
    text = said(exercises.loss(lambda *a: loss_by_where(*a) + 1))
    assert "the result should be 6.238; yours is 7.238" in text


def test_the_factor_of_a_gradient_is_told():
    text = said(exercises.loss(lambda *a: -2.5 * exercises.loss.right(*a)))
    assert f"usual slips. {exercises.loss.expected}" in text
    assert (
        "the gradient should be [-3, -3]; yours is [7.5, 7.5], -2.5 times that in "
        "every entry." in text
    )


def test_numbers_are_shown_with_as_many_digits_as_their_difference_needs():
    answer = lambda r, gamma: returns.total_return(r, gamma) + 0.002  # noqa: E731
    assert "[7]; yours is [7.002]" in said(exercises.total_return(answer))
    # 2e-4 is relative to 7 within the tolerance of 1e-4: right.
    answer = lambda r, gamma: returns.total_return(r, gamma) * (1 + 2e-5)  # noqa: E731
    assert exercises.total_return(answer).state == "right"


# Bounded in time


def loops(*arguments):
    while True:
        pass


def loops_in_one_line(*arguments):
    while True:
        pass  # noqa: E701


def sleeps(*arguments):
    time.sleep(3)


def recurses(*arguments):
    return recurses(*arguments)


def counts_for_ever(*arguments):
    total = torch.zeros(1)
    for step in iter(int, 1):
        total = total + step
    return total


def prints_for_ever(*arguments):
    while True:
        print("a line")


def endless_list(*arguments):
    class Endless(list):
        def __iter__(self):
            while True:
                yield []

    return Endless([1.0])


@EACH
def test_an_endless_loop_is_bounded_in_time(name, capsys):
    started = time.perf_counter()
    outcome = CHECKS[name](loops)
    assert time.perf_counter() - started < 2.5
    assert is_not_right(outcome)
    assert "did not come back within 1.5 seconds" in said(outcome)
    assert "restart the kernel" not in said(outcome)
    assert capsys.readouterr().out == outcome.text + "\n"


SOON = 4  # seconds, on a machine that has much else to do; the functions never end


@pytest.fixture
def short_limit(monkeypatch):
    monkeypatch.setattr(check_module, "TIME_LIMIT", 0.2)


@EACH
@pytest.mark.parametrize(
    "answer", [loops_in_one_line, counts_for_ever, prints_for_ever, sleeps]
)
def test_whatever_does_not_end_is_bounded_in_time(name, answer, short_limit, capsys):
    started = time.perf_counter()
    outcome = CHECKS[name](answer)
    assert time.perf_counter() - started < SOON
    assert is_not_right(outcome)
    assert "did not come back within 0.2 seconds" in said(outcome)
    assert ("restart the kernel" in said(outcome)) == (answer is sleeps)
    assert capsys.readouterr().out == outcome.text + "\n"


def test_a_result_that_does_not_end_is_bounded_in_time(short_limit):
    started = time.perf_counter()
    assert is_not_right(exercises.total_return(endless_list))
    assert time.perf_counter() - started < SOON


def test_a_function_that_will_not_stop_is_left_behind_in_words(short_limit):
    released = threading.Event()

    def stubborn(*arguments):
        while not released.is_set():
            try:
                while True:
                    time.sleep(0.001)
                    if released.is_set():
                        break
            except BaseException:
                pass

    started = time.perf_counter()
    outcome = exercises.total_return(stubborn)
    took = time.perf_counter() - started
    released.set()
    assert took < SOON
    assert "could not be stopped" in said(outcome)
    assert "restart the kernel" in said(outcome)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signal")
def test_an_interruption_by_the_user_reaches_the_user():
    def interrupt():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    before = set(threading.enumerate())
    stop_button = threading.Timer(0.2, interrupt)
    stop_button.start()
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        exercises.total_return(loops)
    stop_button.join()
    assert time.perf_counter() - started < SOON
    assert set(threading.enumerate()) <= before


def test_the_check_comes_back_in_any_thread(short_limit):
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(exercises.loss(loops)))
    thread.start()
    thread.join(5)
    assert is_not_right(outcomes[0])


def test_threads_that_were_stopped_are_gone(short_limit):
    before = set(threading.enumerate())
    exercises.total_return(loops)
    assert set(threading.enumerate()) <= before


@EACH
def test_endless_recursion_is_named(name):
    assert "calls itself without an end" in said(CHECKS[name](recurses))


def test_the_bound_leaves_nothing_of_the_function_to_its_caller():
    with pytest.raises(time_limit.OutOfTimeError) as error:
        time_limit.run_bounded(loops, 0.05)
    assert error.value.stopped
    with pytest.raises(RuntimeError, match="without a result"):
        time_limit.run_bounded(lambda: sys.exit(3), 1.5)
    assert time_limit.run_bounded(lambda: print("said") or 5, 1.5) == (5, "said\n")


def test_what_an_optimiser_needs_is_loaded_before_the_clock_starts(monkeypatch):
    made = []
    monkeypatch.setattr(torch.optim, "SGD", lambda *a, **k: made.append(k))
    exercises._load_optimizers(update_by_autograd)
    assert made == []
    exercises._load_optimizers(update_by_an_optimiser)
    assert len(made) == 1
    exercises._load_optimizers(partial(update_by_an_optimiser))
    assert len(made) == 2
    assert exercises.update.prepare is exercises._load_optimizers


def test_preparing_is_not_timed_and_a_stub_is_not_prepared(short_limit):
    prepared = []

    def prepare(answer):
        time.sleep(0.3)
        prepared.append(answer)

    check = replace(exercises.total_return, prepare=prepare)
    assert check(stub).state == "not yet"
    assert prepared == []
    assert check(return_by_horner).state == "right"
    assert prepared == [return_by_horner]


# Anything at all


class HostileError(Exception):
    def __str__(self):
        raise SystemExit

    __repr__ = __str__


class LyingError(Exception):
    @property
    def __traceback__(self):
        raise KeyboardInterrupt


class Hostile:
    """Raises whatever is asked of it, with an answer that is of no use to anyone."""

    def __getattribute__(self, name):
        raise KeyboardInterrupt(name)

    def __call__(self, *arguments):
        return self

    def __repr__(self):
        raise SystemExit

    __str__ = __len__ = __array__ = __float__ = __iter__ = __bool__ = __eq__ = __repr__
    __hash__ = None


class EqualToAll(torch.Tensor):
    """Says yes to every comparison, and stays itself under every function."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return (
            torch.ones(()).as_subclass(cls) if function is torch.allclose else args[0]
        )


class Text(str):
    def __getitem__(self, key):
        raise SystemExit

    def __radd__(self, other):
        raise SystemExit


def raising(error):
    def function(*arguments):
        raise error

    return function


def constant(value):
    return lambda *arguments: value


def printing(text):
    def function(*arguments):
        print(text)
        print(text, file=sys.stderr)
        warnings.warn("a warning", stacklevel=1)

    return function


def first_argument(*arguments):
    return arguments[0]


class Box:
    """Hides its content from Hypothesis, which looks closely at what it draws."""

    def __init__(self, content):
        self.content = content


def one_of_these(*objects):
    boxes = [Box(content) for content in objects]
    return st.sampled_from(range(len(boxes))).map(lambda index: boxes[index])


numbers = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=5),
    st.binary(max_size=5),
)
arrays = hnp.arrays(
    dtype=st.one_of(
        hnp.floating_dtypes(),
        hnp.integer_dtypes(),
        hnp.boolean_dtypes(),
        hnp.unicode_string_dtypes(),
        hnp.datetime64_dtypes(),
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
tensors = hnp.arrays(
    dtype=st.sampled_from(["float32", "float64", "int64", "bool", "complex64"]),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
).map(torch.tensor)
odd = one_of_these(
    np.broadcast_to(0.0, (10**6, 10**6)),
    torch.zeros(1).expand(10**6, 10**6),
    torch.zeros(3, device="meta"),
    torch.zeros(3).to_sparse(),
    torch.zeros(3).as_subclass(EqualToAll),
    torch.nn.Parameter(torch.zeros(())),
    [0.0] * 10**5,
    [[]] * 10**4,
    np.array([None, "text", ()], dtype=object),
    [Hostile()],
    10**400,
    "x" * 10**7,
    Text("text"),
    Hostile(),
    Hostile,
    object(),
    range(10**12),
    iter(()),
    (x for x in range(3)),
    stub,
    ValueError,
    torch,
    exercises.loss,
)
values = st.one_of(
    st.one_of(
        numbers,
        arrays,
        tensors,
        st.lists(numbers, max_size=4),
        st.dictionaries(st.text(max_size=3), numbers, max_size=2),
    ).map(Box),
    odd,
)
errors = st.one_of(
    one_of_these(
        KeyboardInterrupt(),
        SystemExit(0),
        GeneratorExit(),
        StopIteration(),
        MemoryError(),
        RecursionError(),
        HostileError(),
        LyingError(),
        BaseExceptionGroup("group", [ValueError(), KeyboardInterrupt()]),
        NotImplementedError("later"),
        Exception("x" * 10**6),
        ValueError(Text("text")),
        ValueError("a surrogate \ud800 and a bell \a"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    ),
    st.text(max_size=300).map(ValueError).map(Box),
)
texts = st.one_of(st.text().map(Box), one_of_these(Text("t"), "\ud800", "y" * 10**6))
functions = st.one_of(
    values.map(lambda box: Box(constant(box.content))),
    errors.map(lambda box: Box(raising(box.content))),
    texts.map(lambda box: Box(printing(box.content))),
    one_of_these(first_argument, yields, waits, Hostile(), Hostile, partial(stub, 1)),
    one_of_these(print, len, sys.exit, list, dict, type, object, super, torch.Tensor),
    one_of_these(lambda: 0, lambda *a, key: 0, lambda a: a, lambda *a: locals()),
)


@EACH
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(box=st.one_of(values, functions))
def test_anything_gets_a_text_never_a_traceback_never_a_pass(name, box, capfd):
    outcome = CHECKS[name](box.content)
    assert outcome.state in ("not yet", "not right")
    assert type(outcome.text) is str
    assert outcome.text.startswith(("Not yet: ", "Not right: "))
    assert len(outcome.text) < 1500
    out, err = capfd.readouterr()
    assert out.endswith(outcome.text + "\n")
    assert len(out) < 4000
    assert err == ""


@EACH
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit(), HostileError()]
)
def test_an_exception_of_any_kind_becomes_a_text(name, error):
    outcome = CHECKS[name](raising(error))
    assert is_not_right(outcome)
    assert f"({type(error).__name__}" in said(outcome)


@pytest.mark.parametrize(
    "make", [raising(ValueError("\ud800\a")), printing("\ud800\a")]
)
def test_what_no_stream_can_encode_is_replaced(make, capsys):
    text = said(exercises.total_return(make))
    assert text.startswith("Not right: ")
    out = capsys.readouterr().out
    assert out.encode().decode() == out
    assert "?" in out


# What a check leaves behind


@EACH
def test_a_check_draws_no_random_number_and_leaves_its_cases_alone(name):
    state = torch.get_rng_state()
    before = CHECKS[name].observe_all(CHECKS[name].right)
    for answer in (RIGHT_ANSWERS[name][0], changes_rewards, changes_log_probs):
        CHECKS[name](answer)
    assert torch.equal(torch.get_rng_state(), state)
    after = CHECKS[name].observe_all(CHECKS[name].right)
    assert all(
        torch.equal(one.values[key], other.values[key])
        for one, other in zip(before, after, strict=True)
        for key in one.values
    )


@EACH
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_check_works_where_gradients_are_switched_off(name, mode):
    with mode():
        assert CHECKS[name](RIGHT_ANSWERS[name][0]).state == "right"
        wrong = next(iter(WRONG_ANSWERS[name].values()))[0]
        assert is_not_right(CHECKS[name](wrong))


def test_what_a_function_prints_is_shown_but_not_without_end(capsys):
    before = sys.stdout
    outcome = exercises.total_return(return_with_prints)
    assert sys.stdout is before
    assert capsys.readouterr().out == (
        f"shape (1, 3)\nshape (3, 4)\nshape (2, 3)\n{outcome.text}\n"
    )
    exercises.total_return(printing("z" * 10_000))
    out = capsys.readouterr().out
    assert out.count("z") == 2000
    assert "(the rest of what it printed is left out)" in out


def test_an_outcome_and_a_check_show_no_address():
    outcome = exercises.total_return(stub)
    assert repr(outcome) == "Outcome(state='not yet')"
    assert outcome._ipython_display_() is None
    assert repr(exercises.total_return) == "<check of my_total_return>"


def test_the_same_answer_gets_the_same_text():
    for name, groups in WRONG_ANSWERS.items():
        (wrong, *_) = next(iter(groups.values()))
        assert CHECKS[name](wrong).text == CHECKS[name](wrong).text


# The mechanism, on a check of a few lines


def test_a_check_of_a_few_lines_works_like_the_others():
    check = Check(
        name="half",
        right=lambda x: x / 2,
        cases=[Case("x = 4", (torch.tensor(4.0),))],
        mistakes=[
            Mistake("this is twice the number.", lambda x: 2 * x),
        ],
        expected="Half of x is one number.",
        where="Eq. (0).",
        shows="you can halve.",
    )
    assert check(lambda x: 0.5 * x).text == "Right: you can halve."
    assert check(lambda x: x + x).text == (
        "Not right: this is twice the number.\n"
        "For x = 4 the result should be 2; yours is 8.\n"
        "Where to look: Eq. (0)."
    )
    assert check(lambda x: x).text == (
        "Not right: this is none of the usual slips. Half of x is one number.\n"
        "For x = 4 the result should be 2; yours is 4.\n"
        "Where to look: Eq. (0)."
    )
