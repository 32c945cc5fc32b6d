"""Exercises of notebook 08: pseudo-losses, Eq. (23), and the ratio of two policies."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case, gradient_alone, returned_with_gradient


def _taken(table: Tensor, actions: Tensor) -> Tensor:
    """The entry of the action taken in each row, (N,)."""
    return table.gather(1, actions[:, None])[:, 0]


def _terms(logits: Tensor, actions: Tensor, q: Tensor) -> Tensor:
    """What the mean is taken of."""
    return cross_entropy(logits, actions, reduction="none") * q


_LOGITS = torch.tensor(
    [[1.0, -0.5, 0.25], [0.0, 2.0, -1.0], [0.5, 0.75, -0.25], [-1.0, 0.5, 1.5]]
)
_ACTIONS = torch.tensor([2, 1, 0, 1])

loss_from_logits = Check(
    name="loss_from_logits",
    right=lambda logits, actions, q: _terms(logits, actions, q).mean(),
    observe=gradient_alone,
    cases=[
        Case(
            "one sample with the logits 0 and 1, the action 0 and q = 2",
            (torch.tensor([[0.0, 1.0]]), torch.tensor([0]), torch.tensor([2.0])),
        ),
        Case(
            "four samples and three actions",
            (_LOGITS, _ACTIONS, torch.tensor([2.0, -1.0, 0.5, 3.0])),
        ),
    ],
    mistakes=[
        Mistake(
            "the softmax is multiplied by q all along its row. Each row of "
            "probabilities adds up to 1, whatever theta is, so the value does not "
            "depend on theta, and the gradient is exactly zero: section 8.7 (a).",
            lambda z, a, q: -(z.softmax(1) * q[:, None]).mean(),
            lambda z, a, q: -(z.softmax(1) * q[:, None]).sum(1).mean(),
            lambda z, a, q: -(z.softmax(1) * q[:, None]).sum(),
        ),
        Mistake(
            "this weighs the probability of the action taken, where its logarithm "
            "belongs. Sampling counts a likely action often already, so it counts "
            "twice: on the bandit of section 8.7 (b) the gradient points to the wrong "
            "arm.",
            lambda z, a, q: -(_taken(z.softmax(1), a) * q).mean(),
        ),
        Mistake(
            "the q-values are not in it: this is the mean cross-entropy. Averaged over "
            "the policy's own samples its gradient is exactly zero, section 8.6. It is "
            "q that says which sample deserves to be repeated.",
            lambda z, a, q: cross_entropy(z, a),
        ),
        Mistake(
            "the labels are the most probable actions. The label is the action that "
            "was taken and that q belongs to: section 8.5 shows where the other choice "
            "leads.",
            lambda z, a, q: _terms(z, z.argmax(1), q).mean(),
        ),
        Mistake(
            "the sign is turned round. An optimiser makes a loss smaller; making yours "
            "smaller makes the actions with a large q rarer. Section 8.3 shows what "
            "the minus is for.",
            lambda z, a, q: -_terms(z, a, q).mean(),
        ),
        Mistake(
            "this is the sum over the samples, where their mean was asked for. With 4 "
            "samples the gradient is 4 times too long, and a larger batch would take "
            "longer steps at the same learning rate.",
            lambda z, a, q: _terms(z, a, q).sum(),
        ),
        Mistake(
            "this is one number for each sample; the mean over the samples is still "
            "missing. A gradient belongs to a single number.",
            _terms,
        ),
        Mistake(
            "the cross-entropy has taken its mean over the samples before q came in, "
            "so every q meets the same number. In section 8.4 it is asked for one "
            "number a sample; the mean is the last thing to do.",
            lambda z, a, q: cross_entropy(z, a) * q,
        ),
        Mistake(
            "here every row of logits meets the actions of all samples: a table "
            "(N, N), where only its diagonal is due. From row i only the entry of "
            "action i is needed.",
            lambda z, a, q: -(z.log_softmax(1)[:, a] * q).mean(),
            lambda z, a, q: -(z.log_softmax(1)[:, a] * q[:, None]).mean(),
        ),
        Mistake(
            "the mean is taken of each factor, and only then the two are multiplied. "
            "No action is weighed by its own q any more. Each product comes first, the "
            "mean afterwards.",
            lambda z, a, q: cross_entropy(z, a) * q.mean(),
            lambda z, a, q: cross_entropy(z, a) * q.sum(),
        ),
        Mistake(
            "these are logits, not logarithms of probabilities: the softmax is "
            "missing. Its denominator is what pushes the other actions down.",
            lambda z, a, q: -(_taken(z, a) * q).mean(),
        ),
        Mistake(
            "the softmax is taken twice. The cross-entropy of PyTorch takes logits and "
            "does the softmax itself; given probabilities, it takes them for logits, "
            "and the gradient is far too small.",
            lambda z, a, q: _terms(z.softmax(1), a, q).mean(),
        ),
        Mistake(
            "the mean runs over all cells of the table, the actions that were not "
            "taken included. With 3 actions the gradient is 3 times too short.",
            lambda z, a, q: _terms(z, a, q).mean() / z.shape[1],
        ),
        Mistake(
            "the mean of the q-values is subtracted before they weigh anything. That "
            "is a useful variant with less noise, but not the estimate asked for: from "
            "a single sample it learns nothing.",
            lambda z, a, q: _terms(z, a, q - q.mean()).mean(),
            lambda z, a, q: _terms(z, a, (q - q.mean()) / (q.std() + 1e-8)).mean(),
            lambda z, a, q: _terms(
                z, a, (q - q.mean()) / (q.std(correction=0) + 1e-8)
            ).mean(),
        ),
        Mistake(
            "every action is treated as if it had been taken: the logarithms are added "
            "up all along the row. Only the action that was taken has earned this q.",
            lambda z, a, q: -(z.log_softmax(1) * q[:, None]).sum(1).mean(),
            lambda z, a, q: -(z.log_softmax(1) * q[:, None]).mean(),
        ),
        Mistake(
            "the softmax runs down the samples instead of along the actions. In a "
            "table (N, A) axis 1 counts the actions.",
            lambda z, a, q: -(_taken(z.log_softmax(0), a) * q).mean(),
        ),
    ],
    expected=(
        "The loss is a single number, shape (), which carries the graph of the logits. "
        "Its gradient is that of minus the mean over the samples of q times the "
        "log-probability of the action that was taken; its value does not count."
    ),
    where="sections 8.4 to 8.7, and the text of Exercise 8.1.",
    shows=(
        "cross-entropy with the actions taken as labels, each weighed by its own q: "
        "the gradient is minus the estimate of the gradient of J."
    ),
)


def _all_actions(logits: Tensor, q: Tensor) -> Tensor:
    return -(logits.softmax(1) * q).sum(1).mean()


_Q_TABLE = torch.tensor(
    [[2.0, -1.0, 0.5], [0.25, 1.0, -2.0], [1.5, 0.0, 3.0], [-0.5, 2.5, 1.0]]
)

all_action_loss = Check(
    name="all_action_loss",
    right=_all_actions,
    observe=returned_with_gradient,
    cases=[
        Case(
            "one state with the logits 0 and 1 and the values 4 and 2",
            (torch.tensor([[0.0, 1.0]]), torch.tensor([[4.0, 2.0]])),
        ),
        Case("four states and three actions", (_LOGITS, _Q_TABLE)),
    ],
    mistakes=[
        Mistake(
            "here stand logarithms, which belong to sampled actions. Nothing is "
            "sampled here: each action must count as often as the policy takes it, "
            "and with logarithms all count alike.",
            lambda z, q: -(z.log_softmax(1) * q).sum(1).mean(),
            lambda z, q: -(z.log_softmax(1) * q).mean(),
        ),
        Mistake(
            "the sign is turned round: an optimiser makes a loss smaller, and with "
            "yours the expected value becomes smaller too.",
            lambda z, q: -_all_actions(z, q),
        ),
        Mistake(
            "this is the sum over the states, where their mean was asked for. With 4 "
            "states the gradient is 4 times too long.",
            lambda z, q: -(z.softmax(1) * q).sum(),
        ),
        Mistake(
            "this is the mean over all cells of the table. Along the actions the "
            "probabilities are the weights already, so a sum is due there: with 3 "
            "actions the gradient is 3 times too short.",
            lambda z, q: -(z.softmax(1) * q).mean(),
        ),
        Mistake(
            "this is one number for each state; the mean over the states is still "
            "missing. A gradient belongs to a single number.",
            lambda z, q: -(z.softmax(1) * q).sum(1),
        ),
        Mistake(
            "these are logits, not probabilities: the softmax is missing. Without it "
            "nothing holds the sum at 1, and the loss can fall for ever.",
            lambda z, q: -(z * q).sum(1).mean(),
            lambda z, q: -(z * q).mean(),
        ),
        Mistake(
            "the softmax runs down the states instead of along the actions. In a table "
            "(N, A) axis 1 counts the actions, and it is along them that the "
            "probabilities of a policy sum to 1.",
            lambda z, q: -(z.softmax(0) * q).sum(1).mean(),
        ),
        Mistake(
            "the values are put together before the probabilities weigh them. Then "
            "all actions of a state have the same value, and the gradient is zero: "
            "section 8.7 (a).",
            lambda z, q: -(z.softmax(1) * q.mean(1, keepdim=True)).sum(1).mean(),
            lambda z, q: -(z.softmax(1) * q.sum(1, keepdim=True)).sum(1).mean(),
        ),
        Mistake(
            "the probabilities are squared. That is what reading (b) of section 8.7 "
            "amounts to: it prefers what is already likely.",
            lambda z, q: -(z.softmax(1) ** 2 * q).sum(1).mean(),
            lambda z, q: -(z.softmax(1) ** 2 * q).sum(1).mean() / 2,
        ),
        Mistake(
            "the logarithm is weighed by a probability that is differentiated too. "
            "The probability alone does the work; its logarithm is not needed here.",
            lambda z, q: -(z.softmax(1) * z.log_softmax(1) * q).sum(1).mean(),
        ),
        Mistake(
            "the gradient is right, but the value is not the one asked for: minus the "
            "mean over the states of the expected value. No logarithm is needed.",
            lambda z, q: -(z.softmax(1).detach() * z.log_softmax(1) * q).sum(1).mean(),
        ),
        Mistake(
            "only one action of each state is in it. There is a value for every "
            "action, so none has to be picked.",
            lambda z, q: -(z.softmax(1).amax(1) * _taken(q, z.argmax(1))).mean(),
            lambda z, q: -_taken(z.softmax(1) * q, q.argmax(1)).mean(),
        ),
    ],
    expected=(
        "The loss is a single number, shape (): minus the mean over the states of the "
        "expected value under the policy, a sum along the actions."
    ),
    where="section 8.7 (c), and the text of Exercise 8.2.",
    shows=(
        "with a value for every action, softmax times Q is right, and no action needs "
        "to be sampled."
    ),
)


def _ratio_terms(log_probs: Tensor, old: Tensor, q: Tensor) -> Tensor:
    return -(log_probs - old).exp() * q


ratio_loss = Check(
    name="ratio_loss",
    right=lambda *given: _ratio_terms(*given).mean(),
    observe=returned_with_gradient,
    cases=[
        Case(
            "one sample whose probability has risen from 0.2 to 0.5, with q = 2",
            (torch.tensor([0.5]).log(), torch.tensor([0.2]).log(), torch.tensor([2.0])),
        ),
        Case(
            "four samples",
            (
                torch.tensor([0.5, 0.3, 0.9, 0.05]).log(),
                torch.tensor([0.25, 0.4, 0.6, 0.35]).log(),
                torch.tensor([1.0, -2.0, 0.5, 3.0]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the ratio is upside down. A sample that the new policy takes more often "
            "than the old one did is too rare in the batch, so it must count more.",
            lambda new, old, q: _ratio_terms(old, new, q).mean(),
        ),
        Mistake(
            "the sign is turned round. An optimiser makes a loss smaller; making yours "
            "smaller makes the samples with a large q rarer.",
            lambda *given: -_ratio_terms(*given).mean(),
        ),
        Mistake(
            "this is the logarithm of the ratio, not the ratio. Its gradient is that "
            "of the stale loss: the old log-probabilities are constants, and a "
            "constant that is subtracted changes no gradient.",
            lambda new, old, q: -((new - old) * q).mean(),
        ),
        Mistake(
            "one logarithm is divided by the other. The ratio asked for is that of the "
            "probabilities: the logarithm of a quotient is a difference.",
            lambda new, old, q: -(new / old * q).mean(),
        ),
        Mistake(
            "the old log-probabilities are not in it: as if the batch had been sampled "
            "by the present policy. Section 8.12 shows where that leads.",
            lambda new, old, q: -(new * q).mean(),
            lambda new, old, q: -((new - new.detach()).exp() * q).mean(),
        ),
        Mistake(
            "the old probabilities are not in it. What is left is reading (b) of "
            "section 8.7, which prefers what is already likely.",
            lambda new, old, q: -(new.exp() * q).mean(),
        ),
        Mistake(
            "this is the sum over the samples, where their mean was asked for. With 4 "
            "samples the gradient is 4 times too long.",
            lambda *given: _ratio_terms(*given).sum(),
        ),
        Mistake(
            "it is divided by the sum of the ratios, not by the number of samples. "
            "That weighted mean is less noisy, but biased for a small batch.",
            lambda new, old, q: (
                _ratio_terms(new, old, q).sum() / (new - old).exp().sum()
            ),
            lambda new, old, q: (
                _ratio_terms(new, old, q).sum() / (new - old).exp().sum().detach()
            ),
        ),
        Mistake(
            "the mean of the q-values is subtracted before they weigh anything: a "
            "useful variant, but not the loss asked for.",
            lambda new, old, q: _ratio_terms(new, old, q - q.mean()).mean(),
        ),
        Mistake(
            "this is one number for each sample; the mean over the samples is still "
            "missing. A gradient belongs to a single number.",
            _ratio_terms,
        ),
        Mistake(
            "the mean of the ratios and the mean of the q-values are taken first, and "
            "then multiplied. No sample is weighed by its own q any more.",
            lambda new, old, q: -(new - old).exp().mean() * q.mean(),
            lambda new, old, q: -(new.mean() - old.mean()).exp() * q.mean(),
        ),
        Mistake(
            "the gradient is right, but the value is not the one asked for: the ratio "
            "itself carries the graph, so no logarithm needs to stand beside it.",
            lambda new, old, q: -((new - old).exp().detach() * new * q).mean(),
        ),
        Mistake(
            "the ratio is clipped. That is PPO's next step, for large changes; here "
            "the plain ratio is asked for, whose mean gradient is exact.",
            lambda new, old, q: -((new - old).exp().clamp(0.8, 1.2) * q).mean(),
            lambda new, old, q: (
                -torch.minimum(
                    (new - old).exp() * q, (new - old).exp().clamp(0.8, 1.2) * q
                ).mean()
            ),
        ),
    ],
    expected=(
        "The loss is a single number, shape (), which carries the graph of log_probs: "
        "minus the mean over the samples of q times the ratio of the new probability "
        "to the old one."
    ),
    where="sections 8.8 and 8.12, and the text of Exercise 8.3.",
    shows=(
        "each sample counts as often as the new policy would have drawn it, and at the "
        "old policy the gradient is that of Eq. (23)."
    ),
)
