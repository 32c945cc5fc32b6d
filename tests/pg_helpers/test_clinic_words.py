"""What the clinic says, of losses that it can and cannot examine, and what it draws."""

import html
import math

import numpy as np
import pytest
import torch
from clinic_losses import GAMMA, mask_forgotten, plain, weighted
from matplotlib.figure import Figure
from worlds import clinic_in_a_table

import pg_helpers as pg

UNRELATED = torch.ones((), requires_grad=True)
NOT_FINITE = "on a trajectory of 4 steps. The usual ways there"


def examine(loss, **options):
    return pg.clinic.examine(loss, gamma=GAMMA, **options)


def changed(change):
    """The plain loss, and something done to its value."""
    return lambda log_probs, rewards, mask: change(plain(log_probs, rewards, mask))


def raises(log_probs, rewards, mask):
    raise KeyError("<advantage>")


def backward(log_probs, rewards, mask):
    value = plain(log_probs, rewards, mask)
    value.backward()
    return value


def step_taken(batch, policy):
    value = policy(batch.observations).logits.sum()
    with torch.no_grad():
        next(policy.parameters()).add_(1)
    return value


def freezes(batch, policy):
    return policy.requires_grad_(False)(batch.observations).logits.sum()


@pytest.mark.parametrize(
    "loss, words",
    [
        (raises, "raised KeyError on a trajectory of 4 steps: '<advantage>'"),
        (changed(lambda value: value @ value), "raised RuntimeError on a trajectory"),
        (changed(torch.Tensor.detach), "graph does not reach the policy"),
        (changed(lambda value: UNRELATED * 2), "graph does not reach the policy"),
        (changed(torch.Tensor.item), "returned float, not a tensor"),
        (changed(lambda value: value[None]), "tensor of shape (1,), not a scalar"),
        (changed(torch.Tensor.long), "returned torch.int64, which has no gradient"),
        (changed(lambda value: value * 1j), "cannot be read: the loss: expected real"),
        (changed(lambda value: value / 0), f"The loss is inf {NOT_FINITE}"),
        (changed(lambda value: value * value[None].std()), f"is nan {NOT_FINITE}"),
        (changed(lambda value: value + (0 * value).sqrt()), f"is not, {NOT_FINITE}"),
        (changed(lambda value: value * 1e200), "is as large as"),
        (backward, "could not differentiate the loss on a trajectory of 4 steps"),
        (step_taken, "changes or freezes the parameters"),
        (freezes, "changes or freezes the parameters"),
    ],
)
def test_what_cannot_be_examined_is_said_in_words(loss, words, recwarn):
    policy = pg.clinic.standard_policy(pg.clinic.standard_world())
    before = [parameter.detach().clone() for parameter in policy.parameters()]
    found = examine(loss, policy=policy)
    assert words in found.verdict
    assert math.isinf(found.relative_error)
    assert math.isnan(found.cosine)
    assert not found.unbiased
    assert found.cause == found.alt == ""
    assert str(found) == found.verdict
    page = f"<p><strong>{html.escape(found.verdict)}</strong></p>"
    assert found._repr_html_() == page
    with pytest.raises(ValueError, match="^diagnosis: "):
        found.draw(Figure())
    for parameter, kept in zip(policy.parameters(), before, strict=True):
        assert torch.equal(parameter, kept)
        assert parameter.requires_grad
    assert not recwarn.list


@pytest.mark.parametrize(
    "number, lengths", [(1, "1"), (3, "1 and 1 and 1"), (4, "1 and 1 and 1 ...")]
)
def test_a_batch_is_named_by_its_lengths(number, lengths):
    found = examine(raises, mdp=pg.two_armed_bandit(), num_trajectories=number)
    assert f" {lengths} step{'s' if number > 1 else ''}: " in found.verdict


def test_a_keyboard_interrupt_is_not_a_verdict():
    def interrupted(log_probs, rewards, mask):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine(interrupted)


def test_a_loss_that_compares_the_trajectories_of_a_batch_needs_two():
    loss = weighted(lambda rewards, mask: rewards - rewards.mean())
    world = pg.two_armed_bandit()
    alone = examine(loss, mdp=world, num_trajectories=1)
    assert "num_trajectories=2" in alone.verdict
    two = examine(loss, mdp=world)
    assert two.verdict.startswith("Straight uphill, but 2 times too short")


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("size", [0, 1e-300])
def test_zero_everywhere(number, size):
    loss = changed(lambda value: size * value)
    found = examine(loss, mdp=pg.two_armed_bandit(), num_trajectories=number)
    assert found.verdict.startswith("Zero on every batch")
    assert found.relative_error == 1
    assert found.cause == ""
    assert found.cosine == found.variance == 0


@pytest.mark.parametrize(
    "factor, baseline, words",
    [
        (1.0, 0.0, "Unbiased: its mean is the gradient of J. As noisy as the plain"),
        (1.0, 0.5, "Unbiased: its mean is the gradient of J. No variance is left."),
        (1.0, 0.25, "Unbiased: its mean is the gradient of J. Variance 4 times lower"),
        (1.0, -0.5, "Unbiased: its mean is the gradient of J. Variance 4 times higher"),
        (1.0, 0.00124, "Unbiased: its mean is the gradient of J. Nearly as noisy as"),
        (1.0, 0.00126, "Unbiased: its mean is the gradient of J. Variance 1.01 times"),
        (1.0, -0.00125, "Unbiased: its mean is the gradient of J. Nearly as noisy as"),
        (1.0, -0.00126, "Unbiased: its mean is the gradient of J. Variance 1.01 times"),
        (0.0, 1.0, "Zero on average: it only adds noise."),
        (0.92, 1.0, "Straight uphill, but 8 % too short."),
        (1.25, 1.0, "Straight uphill, but 25 % too long."),
        (1.098, 1.0, "Straight uphill, but 9.8 % too long."),
        (1.4999, 1.0, "Straight uphill, but 50 % too long."),
        (1.5001, 1.0, "Straight uphill, but 1.5 times too long."),
        (0.667, 1.0, "Straight uphill, but 33 % too short."),
        (0.666, 1.0, "Straight uphill, but 1.5 times too short."),
        (-1.0, 1.0, "Straight downhill."),
        (-2.0, 1.0, "Straight downhill, and 2 times too long."),
    ],
)
def test_the_verdict_on_a_bandit(factor, baseline, words):
    """With weights f R - b, rewards 0.4 and 0.6 have the variance (f/2 - b)^2 / 2."""
    policy = pg.TabularPolicy(3, 2).double()
    loss = weighted(lambda rewards, mask: factor * rewards - baseline)
    found = examine(loss, mdp=pg.two_armed_bandit((0.4, 0.6)), policy=policy)
    assert found.verdict.startswith(words)
    assert found.variance == pytest.approx((factor / 2 - baseline) ** 2 / 2)


PUSHES = "it pushes probability toward action {}"
TURNED = f"{PUSHES}, where the gradient of J pushes toward action {{}}"


@pytest.mark.parametrize(
    "factors, state, words",
    [
        ([1, 1, 3], 2, f"In state 2 {PUSHES} too strongly"),
        ([1, 1, 0.2], 2, f"In state 2 {PUSHES} too weakly"),
        ([1, 0, 1], 1, "In state 1 it does nothing"),
        ([9, -0.1, 1], 1, f"In state 1 {TURNED}"),
        ([-3, -2, -3], 1, "Downhill"),
    ],
)
def test_the_state_that_differs_most_is_named(factors, state, words):
    """In a table each state has parameters of its own; here some count more."""
    world, policy = clinic_in_a_table()
    counts = torch.tensor([*factors, 1], dtype=torch.float64)

    def loss(batch, policy):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        log_probs = (batch.observations @ counts) * log_probs
        return plain(log_probs, batch.rewards, batch.mask)

    found = examine(loss, mdp=world, policy=policy)
    of_loss, of_j = found.pushes
    torch.testing.assert_close(of_loss, counts[:, None] * of_j)
    toward = [int(push[state].argmax()) for push in found.pushes]
    assert words.format(*toward) in found.verdict
    said = f"action {toward[0]}" if of_loss[state].any() else "no action"
    expected = f"in state {state} toward {said} (the gradient of J: action {toward[1]})"
    assert expected in found.alt
    assert "in state 3" not in found.alt


def test_text_and_page_show_the_numbers():
    found = examine(mask_forgotten)
    page = found._repr_html_()
    for word in (
        found.verdict,
        "all 31 trajectories",
        f"{100 * found.relative_error:.1f} % of the gradient of J",
        f"{found.cosine:.4f}",
        f"{found.scale:.3f} along",
        f"{found.variance:.3g} (plain: {found.plain_variance:.3g})",
    ):
        assert word in str(found)
        assert word in page
    assert f'alt="{found.alt}"' in page


def test_the_picture_shows_what_was_measured():
    found = examine(mask_forgotten)
    figure = Figure()
    found.draw(figure)
    bars, cloud = figure.axes
    labels = [label.get_text() for label in bars.get_xticklabels()]
    assert labels == ["0, 0", "0, 1", "1, 0", "1, 1", "2, 0", "2, 1"]
    of_loss, of_j = found.pushes[:, :3].flatten(1).tolist()
    heights = [bar.get_height() for bar in bars.patches]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in bars.patches]
    assert heights == pytest.approx(of_j + of_loss)
    assert middles == pytest.approx([*np.arange(6) - 0.2, *np.arange(6) + 0.2])
    length = float(found.gradient.norm())
    along = float(found.expected @ found.gradient) / length
    across = math.sqrt(float(found.expected.norm()) ** 2 - along**2)
    lines = np.concatenate([line.get_xydata() for line in cloud.lines[:4]])
    truth, mean = (length, 0), (along, across)
    expected = [(0, 0), truth, truth, (0, 0), mean, mean]
    np.testing.assert_allclose(lines, expected, atol=1e-9)
    points = np.asarray(cloud.collections[0].get_offsets())
    areas = cloud.collections[0].get_sizes() - 8
    assert len(points) == 31
    assert areas.sum() == pytest.approx(900)
    assert areas @ points / 900 == pytest.approx(mean, abs=1e-6)
    names = [text.get_text() for axes in figure.axes for text in axes.legend_.texts]
    assert names == ["the gradient of J", "this loss", "the gradient of J", "mean"]


def test_where_every_trajectory_gives_the_same_gradient_there_is_no_noise():
    # Both arms are as likely, and their scores and rewards are each other's opposite.
    bandit = pg.two_armed_bandit((-1.0, 1.0), noise=0.0)
    policy = pg.TabularPolicy(bandit.num_states, 2)
    found = pg.clinic.examine(plain, mdp=bandit, policy=policy, gamma=GAMMA)
    assert found.variance == found.plain_variance == 0
    assert found.verdict.endswith("No noise here at all.")
    lifted = weighted(lambda rewards, mask: rewards.sum(1, True) + 0.5)
    found = pg.clinic.examine(lifted, mdp=bandit, policy=policy, gamma=GAMMA)
    assert found.unbiased
    assert found.verdict.endswith("Noisy, where the plain estimator has no noise.")


def test_what_holds_for_one_padding_only_is_not_called_unbiased():
    def divided_by_the_horizon(log_probs, rewards, mask):
        return plain(log_probs, rewards, mask) * mask.shape[1] / 4

    def with_a_spread(log_probs, rewards, mask):
        return plain(log_probs, rewards, mask) + 0 * rewards.std(1).sum()

    found = examine(divided_by_the_horizon)
    assert found.answer == "biased"
    assert found.verdict.startswith("Padded to the horizon it is unbiased: its mean")
    assert "But padded to the longest episode of each batch" in found.verdict
    assert [row.padding for row in found.rows] == [
        "to the horizon",
        "to the longest episode of the batch",
    ]
    error = f"{100 * found.rows[1].relative_error:.1f} %"
    assert f"cut to longest  error {error}, cosine" in str(found)
    found = examine(with_a_spread)
    assert found.answer == "fails"
    assert not found.unbiased
    assert "as in training: The loss is nan on a trajectory of 1 step" in found.verdict


def test_a_factor_is_named_only_where_it_is_one():
    """A quarter in a world of four steps, and twice the mean of two."""
    for loss, N in ((lambda v: v / 4, 1), (lambda v: 2 * v, 2)):
        assert examine(changed(loss), num_trajectories=N).cause == ""


def test_a_tolerance_is_named_where_it_decides():
    loss = changed(lambda value: value / 2)
    for tolerance, answer in ((0.49, "biased"), (0.51, "unbiased")):
        found = examine(loss, tolerance=tolerance)
        assert found.answer == answer
        assert "Straight uphill, but 2 times too short." in found.verdict
        is_named = found.verdict.startswith("Unbiased to within 51 %. Straight")
        assert is_named is (answer == "unbiased")
