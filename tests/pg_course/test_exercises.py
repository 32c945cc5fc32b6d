"""The exercises of all notebooks: checks, cells and worked answers."""

import inspect
import math
import re
from dataclasses import replace
from functools import cache

import pytest
import torch
from learners import ANSWERS, indexed_score, to_go_loss_above
from series import NOTEBOOKS, read
from torch.nn.functional import cross_entropy

import pg_helpers as pg
from pg_course.asking.check import Check
from pg_course.asking.observers import Case
from pg_course.asking.rooms import all_contents, part, rooms
from pg_helpers import clinic, exact
from pg_helpers.clinic import GAMMA

ROOM = {
    value.name: room
    for room in rooms()
    for value in vars(part(room, "exercises")).values()
    if isinstance(value, Check)
}
CHECKS = {name: getattr(part(room, "exercises"), name) for name, room in ROOM.items()}
EACH = pytest.mark.parametrize("name", CHECKS)


def solution(name):
    """The worked answer."""
    return getattr(part(ROOM[name], "solutions"), f"my_{name}")


def said(outcome):
    """What a check said, without its line breaks."""
    return " ".join(outcome.text.split())


# Right and wrong answers


@EACH
def test_the_worked_answer_is_right(name):
    assert said(CHECKS[name](solution(name))) == f"Right: {CHECKS[name].shows}"


@pytest.mark.parametrize(("name", "answer"), ANSWERS, ids=[name for name, _ in ANSWERS])
def test_an_answer_in_another_notation_is_right(name, answer):
    assert CHECKS[name](answer).state == "right"


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("to_go_loss", to_go_loss_above(10), "variance, or loss A's if that is larger"),
        (
            "to_go_loss",
            lambda lp, r, m: (
                -((pg.total_return(r, GAMMA) - 1) * (lp * m).sum(1)).mean()
            ),
            "what a reward adds to the weights of later steps should be 0 at",
        ),
        (
            "ratio_loss",
            lambda new, old, q: -(((new - old).exp() - 1) * q).mean(),
            "the gradient is right, but the value is not the one asked for",
        ),
        (
            "loss_from_logits",
            lambda z, a, q: cross_entropy(z, a, reduction="none") * q / len(q),
            "the gradient is right, but the value is not the one asked for",
        ),
        (
            "loss_from_logits",
            lambda z, a, q: (
                (cross_entropy(z, a, reduction="none") @ (q - q.mean())) / len(q)
            ),
            "the mean of the q-values is subtracted",
        ),
        ("trajectory_score", indexed_score, "An indexed -= or += changes a row once"),
    ],
)
def test_an_answer_that_is_nearly_right_is_told_what_is_not(name, answer, words):
    outcome = CHECKS[name](answer)
    assert outcome.state == "not right" and words in said(outcome)


def test_every_exercise_is_answered_in_another_notation():
    assert {name for name, _ in ANSWERS} == set(CHECKS)


@EACH
def test_each_known_mistake_is_named_and_taken_for_no_other(name):
    # What a function does on a case is looked at only once.
    check = replace(CHECKS[name], observe=cache(CHECKS[name].observe))
    assert len(check.mistakes) >= 3
    for mistake in check.mistakes:
        for wrong in mistake.wrong:
            text = said(check(wrong))
            assert text.startswith(f"Not right: {mistake.message} For ")
            assert text.endswith(f"Where to look: {check.where}")


@EACH
def test_a_check_draws_no_random_number(name):
    state = torch.get_rng_state()
    CHECKS[name](solution(name))
    assert torch.equal(torch.get_rng_state(), state)


# What is right, by other means


def test_the_right_update_moves_along_the_exact_gradient_of_j():
    check = CHECKS["update"]
    for case in check.cases:
        mdp, make_policy, learning_rate = case.inputs
        policy = make_policy()
        before = torch.nn.utils.parameters_to_vector(policy.parameters())
        gradient = exact.gradient(mdp, policy, gamma=0.9)
        found = check.observe(check.right, case).values
        torch.testing.assert_close(
            found["the vector of parameters after one call"],
            (before + learning_rate * gradient).detach().double(),
            rtol=1e-5,
            atol=1e-6,
        )
        start = exact.objective(mdp, policy, gamma=0.9).item()
        assert start < found["J after one call"] < found["J after two calls"]


@pytest.mark.parametrize(
    ("name", "num_trajectories"),
    [("mended_loss", 1), ("to_go_loss", 1), ("leave_one_out_loss", 2)],
)
def test_the_right_losses_of_the_clinic_are_unbiased(name, num_trajectories):
    right = CHECKS[name].right
    assert clinic.examine(right, num_trajectories=num_trajectories).unbiased


# Numbers in the messages

# What a message says, and how many times the right answer the wrong one then is.
SAID = {
    r"([\d.]+) times too (?:long|large)": lambda number: number,
    r"([\d.]+) times too (?:short|small)": lambda number: 1 / number,
    r"([\d.]+) % too large": lambda percent: 1 + percent / 100,
    r"([\d.]+) % too small": lambda percent: 1 - percent / 100,
    r"(?:only|it is) half as long|, half as long for pairs|by half for two": 1 / 2,
    r"half as large again": 3 / 2,
    r"two thirds for three": 2 / 3,
    r"too long, by a third": 4 / 3,
    r"twice as long|twice too steep": 2,
    r"\bK times too short": 1 / 4,
    r"\bS times too small": 1 / 3,
    r"\bD times too small|gamma times too small": 1 / 2,
    r"\bN times too long": 3,
    r"^the sign is turned round|straight downhill: the sign|straight downhill\. Eq": -1,
    r"the gradient is right": 1,
    r"theta, and the gradient is exactly zero|value, and the gradient is zero": 0,
}
# Inputs that a message speaks of and no case has.
SPOKEN_OF = {
    "ascent_step": [(torch.zeros(2), torch.tensor([0.5, 3.0]), 0.1)],
    "expected_return": [(torch.arange(16.0), torch.full((16,), 1 / 16))],
    "gradient_by_enumeration": [(torch.arange(16.0), torch.eye(16))],
    # With the mean 0 both numbers of the answer are in proportion.
    "estimate_with_error": [(torch.tensor([1.0, -1.0] * n),) for n in (2, 5000)],
}


CLAIMS = [
    pytest.param(mistake, check, pattern, id=f"{name}-{pattern}")
    for name, check in CHECKS.items()
    for mistake in check.mistakes
    for pattern in SAID
    if re.search(pattern, mistake.message)
]


def factors(check, wrong):
    """By how much an answer is too large, for all inputs where that is one factor."""
    more = [Case("", inputs) for inputs in SPOKEN_OF.get(check.name, [])]
    for case in [*check.cases, *more]:
        right = next(iter(check.observe(check.right, case).values.values()))
        found = next(iter(check.observe(wrong, case).values.values()))
        if found.shape == right.shape and right.any():
            factor = (right * found).sum() / right.square().sum()
            if torch.allclose(found, factor * right, rtol=1e-4, atol=1e-6):
                yield float(factor)


@pytest.mark.parametrize(("mistake", "check", "pattern"), CLAIMS)
def test_an_answer_is_as_many_times_too_long_as_its_message_says(
    mistake, check, pattern
):
    expected = SAID[pattern]
    if callable(expected):
        expected = expected(float(re.search(pattern, mistake.message)[1]))
    found = [factor for wrong in mistake.wrong for factor in factors(check, wrong)]
    assert any(math.isclose(f, expected, rel_tol=5e-3, abs_tol=1e-6) for f in found)


def test_no_message_with_a_number_of_times_is_left_out():
    assert {claim.values[2] for claim in CLAIMS} == set(SAID)
    tested = [claim.values[0] for claim in CLAIMS]
    for check in CHECKS.values():
        for mistake in check.mistakes:
            if re.search(r"\b([\d.]+|[A-Z]) times too|% too", mistake.message):
                assert mistake in tested, mistake.message


FOUR = torch.full((1, 4), 0.25)
COIN = torch.zeros(1, 2)
REWARDS = torch.tensor([[4.0, 2.0, 8.0]])


@pytest.mark.parametrize(
    ("name", "message", "inputs", "number"),
    [
        ("discount_weights", "0.9; with yours 0.1", (0.9, 2), [1, 0.1]),
        ("discount_weights", "with yours about 0.53", (0.9, 2), [1, 0.53]),
        ("gaussian_score", "half as long as", (torch.tensor([3.0]), 2, 0.5), [[2, 6]]),
        ("stable_softmax", "2.11", (torch.tensor([[2.0, 1, 0]]),), [[0.88, 0.73, 0.5]]),
        ("entropy_of_logits", "yours says 1.", (COIN,), [1]),
        ("entropy_of_logits", "yours is half of ln 2", (COIN,), [math.log(2) / 2]),
        ("entropy_of_logits", "For a fair coin it is 2", (COIN,), [2]),
        ("effective_actions", "ln 4 = 1.39", (FOUR,), [1.39]),
        ("effective_actions", "2 for four equal actions", (FOUR,), [2]),
        ("effective_actions", "count as 7.39", (FOUR,), [7.39]),
        ("effective_actions", "count as 2.61", (FOUR,), [2.61]),
        ("effective_actions", "give you a quarter", (FOUR,), [0.25]),
        ("effective_actions", "count as 1.41", (FOUR,), [1.41]),
        ("effective_actions", "count as 5.66", (FOUR,), [5.66]),
        (
            "effective_actions",
            "it gives 1.92 and not 2.56",
            (torch.tensor([[0.7, 0.1, 0.1, 0.1]]),),
            [1.92],
        ),
        (
            "epsilon_greedy",
            "the best should have 0.7; yours has 0.6",
            (torch.tensor([0.0, 3, 1, 2]), 0.4),
            [0.4 / 3, 0.6, 0.4 / 3, 0.4 / 3],
        ),
        # Right are 7, 3 and 2.
        ("discounted_rewards_to_go", "8, four times", (REWARDS, 0.5), [[7, 6, 8]]),
        ("discounted_rewards_to_go", "four times too", (REWARDS, 0.5), [[7, 1.5, 0.5]]),
        ("best_constant_baseline", "the mean is 1.5", None, 1.5),
        ("update", "J falls from 0.5 to 0.44", None, 0.44),
    ],
)
def test_the_number_in_a_message_is_what_the_wrong_answer_gives(
    name, message, inputs, number
):
    check = CHECKS[name]
    mistake = [m for m in check.mistakes if message in m.message][-1]
    case = Case("", inputs) if inputs else check.cases[0]
    found = next(iter(check.observe(mistake.wrong[0], case).values.values()))
    expected = torch.tensor(number, dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=0, atol=0.005)


def test_where_the_mean_gradients_of_the_clinic_point():
    def steps(name, message):
        check = CHECKS[name]
        (mistake,) = (m for m in check.mistakes if message in m.message)
        for function in (check.right, mistake.wrong[0]):
            seen = check.observe(function, check.cases[0])
            yield seen.values["the mean gradient step"]

    def cosine(name, message):
        return torch.cosine_similarity(*steps(name, message), dim=0)

    # Between 60 and 90 degrees.
    assert 0 < cosine("mended_loss", "turns the mean by more than 60 degrees") < 0.5
    assert 0 < cosine("mended_loss", "the mean turns by more than 60 degrees") < 0.5
    assert cosine("mended_loss", "so strongly that the mean points downhill") < 0
    assert cosine("to_go_loss", "the mean points downhill here") < 0
    right, without_gamma = steps("to_go_loss", "off by 1 %")
    assert (without_gamma - right).norm() / right.norm() == pytest.approx(
        0.01, abs=0.0005
    )


# In the notebooks

TITLE = re.compile(r"^#+ Exercise (\d+\.\d+) ★{1,3} \(\d+ min\): \S", re.MULTILINE)
NUMBERS = re.compile(r"(?:[Ss]ections?|Exercise)((?:(?:,| and| to)? \d+\.\d+)+)")


def cells(name):
    """The cells of the notebook that has the exercise."""
    (path,) = (path for path in NOTEBOOKS if f"nb{path.stem}" == ROOM[name])
    return read(path).cells


def index_of(name, kind):
    """Where the cell tagged exercise-<name> or check-<name> is."""
    tag = f"{kind}-{name.replace('_', '-')}"
    (index,) = (
        index
        for index, cell in enumerate(cells(name))
        if tag in cell.metadata.get("tags", [])
    )
    return index


def words_of(notebook_cells):
    return "\n".join(c.source for c in notebook_cells if c.cell_type == "markdown")


def test_every_notebook_has_a_room_and_names_its_exercises_in_their_order():
    assert rooms() == [f"nb{path.stem}" for path in NOTEBOOKS]
    for path, contents in zip(NOTEBOOKS, all_contents(), strict=True):
        tags = [tag for c in read(path).cells for tag in c.metadata.get("tags", [])]
        for kind in ("exercise-", "check-"):
            found = [tag for tag in tags if tag.startswith(kind)]
            names = [tag.removeprefix(kind).replace("-", "_") for tag in found]
            assert tuple(names) == contents.exercises
    assert [name for c in all_contents() for name in c.exercises] == list(CHECKS)


@EACH
def test_title_and_hint_stub_and_check_follow_each_other(name):
    stub, check = index_of(name, "exercise"), index_of(name, "check")
    found = cells(name)
    text = found[stub - 1].source
    assert TITLE.search(text)
    assert "<details>" in text and "</details>" in text
    assert all(cell.cell_type == "markdown" for cell in found[stub + 1 : check])
    assert found[check].source == f"exercises.{name}(my_{name})"


@EACH
def test_the_untouched_stub_is_not_yet_an_answer(name):
    space = {}
    exec(cells(name)[index_of(name, "exercise")].source, space)
    stub = space[f"my_{name}"]
    outcome = CHECKS[name](stub)
    assert outcome.state == "not yet"
    (output,) = cells(name)[index_of(name, "check")].outputs
    assert output.text == outcome.text + "\n"
    assert inspect.signature(stub) == inspect.signature(solution(name))


@EACH
def test_the_worked_answer_would_run_in_the_place_of_the_stub(name):
    answer = solution(name)
    above = cells(name)[: index_of(name, "exercise")]
    code = "\n".join(cell.source for cell in above if cell.cell_type == "code")
    for needed in set(answer.__code__.co_names) & set(answer.__globals__):
        defined = rf"^({needed} = |.*\b(import|as) {needed}$)"
        assert re.search(defined, code, re.MULTILINE), needed


@EACH
def test_the_sections_and_equations_that_a_check_names_are_in_the_notebook(name):
    check = CHECKS[name]
    own = words_of(cells(name))
    series = "\n".join(words_of(read(path).cells) for path in NOTEBOOKS)
    texts = [check.where, check.expected, check.shows]
    texts += [mistake.message for mistake in check.mistakes]
    for text in texts:
        for group in NUMBERS.findall(text):
            for number in re.findall(r"\d+\.\d+", group):
                heading = rf"^##+ (Exercise )?{re.escape(number)} "
                assert re.search(heading, own, re.MULTILINE), number
        for reading in re.findall(r"section \d+\.\d+ (\([a-z]\))", text):
            assert f"**{reading} " in own
        for number in re.findall(r"Eqs?\. \((\d+)\)", text):
            assert rf"\tag{{{number}}}" in (own if text == check.where else series)
    (title,) = TITLE.findall(cells(name)[index_of(name, "exercise") - 1].source)
    assert set(re.findall(r"Exercise (\d+\.\d+)", check.where)) <= {title}
