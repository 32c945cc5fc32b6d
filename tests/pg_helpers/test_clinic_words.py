"""What the clinic says, of losses that it can and cannot examine, and what it draws."""

import math

import numpy as np
import pytest
import torch
from clinic_losses import (
    GAMMA,
    batch_mean,
    mask_forgotten,
    plain,
    sign_flipped,
    total,
)
from matplotlib.figure import Figure
from oracles import assert_refused, finite_differences
from worlds import clinic_in_a_table, random_table, sparse_world

import pg_helpers as pg


def examine(loss, **options):
    return pg.clinic.examine(loss, gamma=GAMMA, **options)


def raises(log_probs, rewards, mask):
    raise KeyError("advantage")


def wrong_shapes(log_probs, rewards, mask):
    return log_probs @ rewards


def detached(log_probs, rewards, mask):
    return plain(log_probs.detach(), rewards, mask)


def without_grad(batch, policy):
    with torch.no_grad():
        log_probs = policy(batch.observations).log_prob(batch.actions)
    return plain(log_probs, batch.rewards, batch.mask)


def of_something_else(log_probs, rewards, mask):
    return torch.ones((), requires_grad=True) * total(rewards).mean()


def a_float(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask).item()


def a_vector(log_probs, rewards, mask):
    return (log_probs * mask).sum(1) * total(rewards)


def integers(log_probs, rewards, mask):
    return mask.sum()


def not_a_number(log_probs, rewards, mask):
    weights = total(rewards)
    return plain(log_probs, rewards, mask) / weights.std(correction=0)


def not_a_number_backwards(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) + (0 * log_probs).sqrt().sum()


def graph_is_gone(log_probs, rewards, mask):
    loss = plain(log_probs, rewards, mask)
    loss.backward()
    return loss


@pytest.mark.parametrize(
    "loss, words",
    [
        (raises, ["raised KeyError", "a trajectory of", "advantage"]),
        (wrong_shapes, ["raised RuntimeError", "cannot be multiplied"]),
        (detached, ["graph does not reach the policy", "detach()"]),
        (without_grad, ["graph does not reach the policy"]),
        (of_something_else, ["graph does not reach the policy"]),
        (a_float, ["returned float, not a tensor", "item()"]),
        (a_vector, ["shape (1,), not a scalar", "mean over the trajectories"]),
        (integers, ["int64", "no gradient"]),
        (
            not_a_number,
            ["The loss is", "of 4 steps", "standard deviation of a single number"],
        ),
        (not_a_number_backwards, ["its gradient is not"]),
        (graph_is_gone, ["could not differentiate", "a trajectory of 4 steps"]),
        (lambda log_probs, rewards, mask: None, ["returned NoneType"]),
    ],
)
def test_what_cannot_be_examined_is_said_in_words(loss, words):
    found = examine(loss)
    for word in words:
        assert word in found.verdict
    assert math.isinf(found.relative_error) and not found.unbiased
    assert found.cause == "" and math.isnan(found.cosine)
    assert str(found) == found.verdict and found.alt == ""
    assert "<img" not in found._repr_html_()
    assert_refused(lambda: found.draw(Figure()), ValueError, found.verdict)


def test_keyboard_interrupt_is_not_a_verdict():
    def interrupted(log_probs, rewards, mask):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine(interrupted)


def test_zero_everywhere():
    def broadcast(batch, policy):
        """The weight on every action's probability: each row sums to 1."""
        everything = policy(batch.observations).probs.sum(-1)
        return plain(everything, batch.rewards, batch.mask)

    for number in (1, 2):
        found = examine(broadcast, num_trajectories=number)
        assert found.verdict.startswith("Zero on every batch")
        assert "sum to 1" in found.verdict and found.cause == ""
        assert found.relative_error == 1 and found.cosine == 0 == found.variance


def test_a_loss_that_compares_the_trajectories_of_a_batch():
    assert "num_trajectories=2" in examine(batch_mean).verdict


def test_lengths():
    """Percent where it is near 1, times where it is far from it."""
    for factor, words in [
        (0.92, "8 % too short"),
        (1.25, "25 % too long"),
        (0.25, "4 times too short"),
        (3.0, "3 times too long"),
    ]:
        found = examine(lambda *batch, factor=factor: factor * plain(*batch))
        assert words in found.verdict and found.verdict.startswith("Straight uphill")
        assert found.scale == pytest.approx(factor)
    found = examine(lambda *batch: 3 * sign_flipped(*batch))
    assert found.verdict.startswith("Straight downhill, and 3 times too long")


def test_where_it_pushes_is_where_probabilities_go():
    """The bars against finite differences of pi along both gradients."""
    world = sparse_world()
    policy = pg.clinic.standard_policy(world)
    found = examine(mask_forgotten, mdp=world, policy=policy)
    assert found.pushes.shape == (2, 4, 2)
    parameters = torch.nn.utils.parameters_to_vector(policy.parameters()).detach()

    def probabilities(shift, direction):
        moved = pg.clinic.standard_policy(world)
        torch.nn.utils.vector_to_parameters(
            parameters + float(shift[0]) * direction, moved.parameters()
        )
        return moved(torch.tensor(world.observations)).probs.detach().numpy()

    for push, direction in zip(
        found.pushes, (found.expected, found.gradient), strict=True
    ):
        for state, action in np.ndindex(2, 2):  # 2 and 3 are terminal

            def one(shift, direction=direction, place=(state, action)):
                return float(probabilities(shift, direction)[place])

            slope = finite_differences(one, np.zeros(1))[0]
            assert float(push[state, action]) == pytest.approx(slope, abs=1e-8)
        assert not push[2:].any()


def test_the_verdict_names_the_worst_state():
    found = examine(mask_forgotten)
    of_loss, of_j = found.pushes
    turned = [s for s in range(3) if of_loss[s].argmax() != of_j[s].argmax()]
    state = max(turned, key=lambda s: (of_loss[s] - of_j[s]).abs().sum())
    toward, rather = int(of_loss[state].argmax()), int(of_j[state].argmax())
    assert (
        f"In state {state} it pushes probability toward action {toward}, where the "
        f"gradient of J pushes toward action {rather}"
    ) in found.verdict
    assert (
        f"in state {state} toward action {toward} (the gradient of J: action {rather})"
        in found.alt
    )


@pytest.mark.parametrize("factor, words", [(3.0, "too strongly"), (0.2, "too weakly")])
def test_too_much_and_too_little_in_one_state(factor, words):
    """In a table each state has parameters of its own; here state 2 counts more."""
    world, policy = clinic_in_a_table()

    def loss(batch, policy):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        counts = 1 + (factor - 1) * batch.observations[..., 2]
        return plain(counts * log_probs, batch.rewards, batch.mask)

    found = examine(loss, mdp=world, policy=policy)
    push = found.pushes[1, 2]
    toward = int(push.argmax())
    expected = f"In state 2 it pushes probability toward action {toward} {words}"
    assert expected in found.verdict
    torch.testing.assert_close(found.pushes[0, 2], factor * push)


def test_which_form_a_loss_has():
    """By the number of its arguments; where both fit, by the name of the second."""

    def of_batch(batch, policy, strength=1.0):
        log_probs = policy(batch.observations).log_prob(batch.actions)
        return strength * plain(log_probs, batch.rewards, batch.mask)

    def with_a_default(log_probs, rewards, mask=None, gamma=GAMMA):
        return plain(log_probs, rewards, mask)

    for loss in (of_batch, with_a_default, lambda *arguments: plain(*arguments)):
        assert examine(loss).unbiased


def test_a_target_goes_by_its_name():
    world, policy = clinic_in_a_table()
    truth = 2 * pg.exact.gradient(world, policy, GAMMA)
    found = examine(mask_forgotten, mdp=world, policy=policy, target=truth)
    assert "not the target" in found.verdict and "gradient of J" not in str(found)
    assert "the target: action" in found.alt


def test_a_spread_of_one_number_warns_nobody(recwarn):
    def whitened(log_probs, rewards, mask):
        weights = total(rewards)
        return plain(log_probs, rewards, mask) / weights.std()

    assert "standard deviation of a single number" in examine(whitened).verdict
    assert not recwarn.list


def test_text_and_page():
    found = examine(mask_forgotten)
    for word in (
        found.verdict,
        "all 31 trajectories",
        f"{100 * found.relative_error:.1f} %",
        f"{found.cosine:.4f}",
        f"{found.variance:.3g}",
        f"{found.plain_variance:.3g}",
    ):
        assert word in str(found) and word in found._repr_html_()
    assert f'alt="{found.alt}"' in found._repr_html_()


def test_what_a_loss_raises_is_no_html():
    def hostile(log_probs, rewards, mask):
        raise ValueError("<script>")

    page = examine(hostile)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_what_is_drawn():
    found = examine(mask_forgotten)
    figure = Figure()
    found.draw(figure)
    left, right = figure.axes
    heights = [bar.get_height() for bar in left.patches]
    of_loss, of_j = found.pushes[:, :3].flatten(1).tolist()
    assert heights == pytest.approx(of_j + of_loss)
    lines = [line.get_xydata() for line in right.lines]
    tips = {tuple(np.round(line[-1], 9)) for line in lines}
    length = found.gradient.norm().item()
    along = (found.expected @ found.gradient).item() / length
    across = math.sqrt(found.expected.norm().item() ** 2 - along**2)
    assert (round(length, 9), 0.0) in tips
    assert any(tip == pytest.approx((along, across)) for tip in tips)
    points = np.asarray(right.collections[0].get_offsets())
    assert len(points) == 31
    chances = right.collections[0].get_sizes() - 8
    mean = chances @ points / chances.sum()
    assert mean == pytest.approx((along, across), abs=1e-6)


@pytest.mark.parametrize(
    "options, kind, words",
    [
        ({"loss": 3}, TypeError, ["loss", "3"]),
        ({"loss": lambda x: x}, TypeError, ["loss", "(log_probs, rewards, mask)"]),
        ({"gamma": 1.5}, ValueError, ["gamma", "1.5"]),
        ({"gamma": "much"}, TypeError, ["gamma", "much"]),
        ({"num_trajectories": 0}, ValueError, ["num_trajectories", "0"]),
        ({"num_trajectories": 1.0}, TypeError, ["num_trajectories", "1.0"]),
        ({"mdp": "CartPole-v1"}, TypeError, ["mdp", "CartPole-v1"]),
        ({"policy": plain}, TypeError, ["policy", "function"]),
        ({"policy": random_table(3, 2)}, ValueError, ["(..., 3)", "2)"]),
        ({"target": 1.0}, TypeError, ["target", "tensor"]),
        ({"target": torch.ones(3)}, ValueError, ["target", "(3,)"]),
        ({"target": torch.full((17,), math.nan)}, ValueError, ["target", "finite"]),
        ({"seed": -1}, ValueError, ["seed", "-1"]),
        ({"mdp": sparse_world(start_ended=True)}, ValueError, ["mdp", "terminal"]),
        ({"mdp": pg.corridor(7, 40)}, ValueError, ["trajectories", "GiB"]),
        ({"mdp": pg.two_armed_bandit((0, 0))}, ValueError, ["gradient of J", "zero"]),
    ],
)
def test_bad_input_is_refused(options, kind, words):
    arguments = {"loss": plain, **options}
    loss = arguments.pop("loss")
    assert_refused(lambda: pg.clinic.examine(loss, **arguments), kind, *words)
