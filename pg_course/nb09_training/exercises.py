"""Exercises of notebook 09: the return, the loss and the update."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from pg_course.asking.check import Check, Mistake
from pg_course.asking.errors import plain_text
from pg_course.asking.observers import (
    Case,
    NotRightError,
    Seen,
    call,
    read_numbers,
    returned_with_gradient,
)
from pg_helpers import exact, losses, returns
from pg_helpers.policies import MLPPolicy, TabularPolicy
from pg_helpers.worlds import corridor, two_armed_bandit


def _powers(rewards: Tensor, gamma: float) -> Tensor:
    """gamma^t for t = 0, 1, ..., T - 1."""
    return gamma ** torch.arange(rewards.shape[1])


total_return = Check(
    name="total_return",
    right=returns.total_return,
    cases=[
        Case(
            "one trajectory with the rewards 4, 2, 8 and gamma = 0.5",
            (torch.tensor([[4.0, 2.0, 8.0]]), 0.5),
        ),
        Case(
            "three trajectories of 4, 2 and 1 steps and gamma = 0.9",
            (torch.tensor([[1, -2, 0.5, 3], [2, 5, 0, 0], [-1, 0, 0, 0]]), 0.9),
        ),
        Case(
            "two trajectories of 3 steps and gamma = 1",
            (torch.tensor([[1.0, 3.0, 5.0], [2.0, -4.0, 7.0]]), 1.0),
        ),
    ],
    mistakes=[
        Mistake(
            "the discount starts one step too early. Nobody has waited for the first "
            "reward, so it counts in full; in your sum it counts gamma times.",
            lambda r, gamma: (gamma * _powers(r, gamma) * r).sum(1),
        ),
        Mistake(
            "the rewards are added up without a discount: the last counts as much as "
            "the first. That is the return for gamma = 1, but for no smaller gamma.",
            lambda r, gamma: r.sum(1),
        ),
        Mistake(
            "this is the reward-to-go: for each step, what is still to come from "
            "there. R(tau) is what the whole trajectory is worth, seen from its start: "
            "one number for each trajectory.",
            returns.rewards_to_go,
            lambda r, gamma: returns.rewards_to_go(r, 1.0),
            lambda r, gamma: _powers(r, gamma) * returns.rewards_to_go(r, gamma),
        ),
        Mistake(
            "these are the discounted rewards, one for each step. R(tau) is one number "
            "for each trajectory: one operation along the time is still missing.",
            lambda r, gamma: _powers(r, gamma) * r,
        ),
        Mistake(
            "this is a mean over the steps, where Eq. (6) has a sum. It divides by all "
            "columns, padding included: one more column of zeros, and every trajectory "
            "would be worth less, though no reward has changed.",
            lambda r, gamma: (_powers(r, gamma) * r).mean(1),
            lambda r, gamma: r.mean(1),
        ),
        Mistake(
            "the sum runs down the trajectories instead of along the time. In an array "
            "(N, T) axis 0 counts the trajectories and axis 1 the steps.",
            lambda r, gamma: (_powers(r, gamma) * r).sum(0),
            lambda r, gamma: (_powers(r.T, gamma)[:, None] * r).sum(0),
            lambda r, gamma: r.sum(0),
        ),
        Mistake(
            "this is one number for all trajectories together. R(tau) belongs to one "
            "trajectory; the mean over trajectories comes later, in the estimate of J, "
            "Eq. (9).",
            lambda r, gamma: (_powers(r, gamma) * r).sum(),
            lambda r, gamma: (_powers(r, gamma) * r).sum(1).mean(),
            lambda r, gamma: r.sum(),
        ),
        Mistake(
            "every reward is discounted alike, by one gamma. The longer a reward has "
            "to be waited for, the less it counts.",
            lambda r, gamma: gamma * r.sum(1),
        ),
        Mistake(
            "gamma is multiplied by t, where Eq. (6) has a power: with yours a reward "
            "counts more the later it comes, and the first not at all.",
            lambda r, gamma: (gamma * torch.arange(r.shape[1]) * r).sum(1),
        ),
        Mistake(
            "the discount runs backward: the last reward counts in full and the first "
            "the least. It is what lies far in the future that counts less.",
            lambda r, gamma: (_powers(r, gamma).flip(0) * r).sum(1),
        ),
        Mistake(
            "only the reward of the last column is in the result. Does your loop "
            "overwrite its total at each step, instead of adding to it?",
            lambda r, gamma: (_powers(r, gamma) * r)[:, -1],
            lambda r, gamma: r[:, -1],
        ),
        Mistake(
            "only the first reward is in the result. Does your loop return in its "
            "first pass?",
            lambda r, gamma: r[:, 0],
        ),
    ],
    expected=(
        "R(tau) is one number for each trajectory, shape (N,): the sum of its rewards, "
        "where each counts less the longer it has to be waited for."
    ),
    where="Eq. (6), in the text of Exercise 9.1; section 9.1 counts the steps.",
    shows=(
        "the first reward counts in full, each later one gamma times less, and every "
        "trajectory has a return of its own, whatever its length."
    ),
)


def _taken(log_probs: Tensor, mask: Tensor) -> Tensor:
    """Log-probabilities of the steps taken, summed for each trajectory."""
    return (log_probs * mask).sum(1)


def _terms(log_probs: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """What Eq. (23) takes the mean of, with its minus."""
    return -returns * _taken(log_probs, mask)


loss = Check(
    name="loss",
    right=losses.pseudo_loss,
    observe=returned_with_gradient,
    cases=[
        Case(
            "one trajectory of two steps with the return 3",
            (
                torch.tensor([[0.5, 0.25]]).log(),
                torch.tensor([3.0]),
                torch.tensor([[True, True]]),
            ),
        ),
        Case(
            "three trajectories of 5, 2 and 1 steps with the returns 1, -2 and 3",
            (
                torch.tensor(
                    [
                        [0.5, 0.4, 0.7, 0.2, 0.9],
                        [0.3, 0.8, 0.6, 0.6, 0.6],
                        [0.1, 0.6, 0.6, 0.6, 0.6],
                    ]
                ).log(),
                torch.tensor([1.0, -2.0, 3.0]),
                torch.arange(5) < torch.tensor([[5], [2], [1]]),
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "the sign is turned round. An optimiser makes a loss smaller, and making "
            "yours smaller makes good trajectories rarer. Eq. (23) begins with a minus "
            "for that reason.",
            lambda lp, r, mask: -losses.pseudo_loss(lp, r, mask),
        ),
        Mistake(
            "this is the mean over all steps taken, where Eq. (23) sums over the steps "
            "and takes the mean over trajectories. With episodes of 5, 2 and 1 steps "
            "your gradient is 2.67 times too short, and the longer the episodes grow, "
            "the shorter it becomes.",
            lambda lp, r, mask: _terms(lp, r, mask).sum() / mask.sum(),
        ),
        Mistake(
            "this is the mean over all cells of the table, padding included, where "
            "Eq. (23) sums over the steps and takes the mean over trajectories. With 5 "
            "columns your gradient is 5 times too short, and one more long trajectory "
            "in the batch would shorten it for all the others.",
            lambda lp, r, mask: _terms(lp, r, mask).mean() / mask.shape[1],
        ),
        Mistake(
            "each trajectory is divided by its own number of steps, where Eq. (23) "
            "sums over the steps. A step in an episode of 5 steps then counts 5 times "
            "less than the only step of an episode of one: the gradient is not only "
            "shorter, it points elsewhere.",
            lambda lp, r, mask: (_terms(lp, r, mask) / mask.sum(1)).mean(),
        ),
        Mistake(
            "the padding is counted. Behind the end of a short trajectory stand "
            "log-probabilities of steps that nobody took, and your gradient pushes on "
            "them too. The mask says which steps were taken.",
            lambda lp, r, mask: (-r * lp.sum(1)).mean(),
            lambda lp, r, mask: (-r * lp.mean(1)).mean(),
        ),
        Mistake(
            "the mask is used the wrong way round: True stands where a step was taken. "
            "Your loss is made of the padding alone.",
            lambda lp, r, mask: _terms(lp, r, ~mask).mean(),
        ),
        Mistake(
            "this is the sum over trajectories, where Eq. (23) has their mean. With 3 "
            "trajectories the gradient is 3 times too long, so that the same learning "
            "rate takes longer steps the more trajectories are sampled.",
            lambda lp, r, mask: _terms(lp, r, mask).sum(),
        ),
        Mistake(
            "this is one number for each trajectory. A loss is a single number: the "
            "mean over trajectories is still missing.",
            _terms,
        ),
        Mistake(
            "here the log-probabilities are put together first, the returns are put "
            "together too, and only then the two are multiplied. No trajectory is "
            "weighed by its own return any more: good and bad ones are pushed alike. "
            "Each product comes first, the mean afterwards.",
            lambda lp, r, mask: -lp[mask].mean() * r.sum(),
            lambda lp, r, mask: -lp[mask].mean() * r.mean(),
            lambda lp, r, mask: -_taken(lp, mask).mean() * r.mean(),
            lambda lp, r, mask: -_taken(lp, mask).mean() * r.sum(),
            lambda lp, r, mask: -_taken(lp, mask).sum() * r.sum(),
            lambda lp, r, mask: -lp.mean() * r.sum(),
        ),
        Mistake(
            "these are probabilities, where Eq. (23) has their logarithms. What is "
            "already likely is then pushed hardest: by Eq. (11) the gradient of P is "
            "that of ln P, times P.",
            lambda lp, r, mask: _terms(lp.exp(), r, mask).mean(),
            lambda lp, r, mask: (-r * _taken(lp, mask).exp()).mean(),
        ),
        Mistake(
            "the returns are not in it: every trajectory is made more likely, the bad "
            "ones too. Averaged over the policy's own samples that gradient is zero.",
            lambda lp, r, mask: -_taken(lp, mask).mean(),
        ),
        Mistake(
            "the mean of the returns is subtracted before they weigh anything. That is "
            "a useful variant with less noise, but it is not Eq. (23): from a single "
            "trajectory it learns nothing.",
            lambda lp, r, mask: _terms(lp, r - r.mean(), mask).mean(),
            lambda lp, r, mask: _terms(
                lp, (r - r.mean()) / (r.std(correction=0) + 1e-8), mask
            ).mean(),
            lambda lp, r, mask: _terms(
                lp, (r - r.mean()) / (r.std() + 1e-8), mask
            ).mean(),
        ),
    ],
    expected=(
        "The loss is a single number, shape (), which carries the graph of log_probs. "
        "Each trajectory adds its return times the log-probabilities of its own steps, "
        "and the mean is taken over trajectories."
    ),
    where="Eq. (23), and for its gradient Eq. (24): Exercise 9.2 and section 9.3.",
    shows=(
        "the gradient of your loss is minus the estimate of the gradient of J, "
        "Eq. (24), and it stays so where trajectories differ in length."
    ),
)


_GAMMA = 0.9


def _undecided() -> nn.Module:
    """A table of zeros for the bandit."""
    return TabularPolicy(num_states=3, num_actions=2)


def _small_network() -> nn.Module:
    """A network with the same weights each time, which draws no random number."""
    with torch.random.fork_rng(devices=[]):
        policy = MLPPolicy(observation_size=1, num_actions=2, hidden=(2,))
    numbers = nn.utils.parameters_to_vector(policy.parameters())
    nn.utils.vector_to_parameters(
        torch.linspace(-1, 1, len(numbers)), policy.parameters()
    )
    return policy


def moved(answer: Callable[..., Any], case: Case) -> Seen:
    """Observe what two updates do to a policy and to the exact J of a small world.

    Args:
        answer: called with a policy, the loss -J and a learning rate.
        case: its inputs are a world, a function that makes a policy, and the rate.

    Returns:
        J and all parameters after one call and after two.

    Raises:
        NotYetError: the function says so.
        NotRightError: it raises, replaces parameters instead of changing them, or
            leaves a policy that cannot be trained further.
    """
    mdp, make_policy, learning_rate = case.inputs
    policy = make_policy()
    parameters = list(policy.parameters())
    values = {}
    for calls in ("one call", "two calls"):
        call(answer, policy, -exact.objective(mdp, policy, _GAMMA), learning_rate)
        _check_same_parameters(parameters, list(policy.parameters()))
        try:
            values[f"J after {calls}"] = exact.objective(mdp, policy, _GAMMA).detach()
        except Exception as error:
            raise NotRightError(
                "after your update the policy no longer works "
                f"({type(error).__name__}: {plain_text(error)})."
            ) from None
        vector = torch.cat([p.detach().flatten() for p in parameters])
        values[f"the vector of parameters after {calls}"] = vector
    return Seen({name: read_numbers(value) for name, value in values.items()})


def _check_same_parameters(
    before: list[nn.Parameter], after: list[nn.Parameter]
) -> None:
    if [id(p) for p in before] != [id(p) for p in after]:
        raise NotRightError(
            "your function puts new parameters in the place of the policy's own. "
            "Whoever holds the old ones, an optimiser for instance, then works on "
            "parameters that the policy no longer has. Keep them, and change the "
            "numbers inside them."
        )
    if not all(p.requires_grad for p in after):
        raise NotRightError(
            "after your update a parameter no longer asks for a gradient, so that the "
            "next update cannot move it. Not recording the step is right; switching "
            "the parameter off for ever is not."
        )


def _adding(change: Callable[[Tensor, Tensor, Tensor, float], Any]) -> Callable:
    """An update that adds change(parameter, gradient, loss, rate) to each parameter."""

    def update(policy: nn.Module, loss: Tensor, learning_rate: float) -> None:
        parameters = list(policy.parameters())
        gradients = torch.autograd.grad(loss, parameters, materialize_grads=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.add_(change(parameter, gradient, loss, learning_rate))

    return update


def _accumulating(policy: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """An update on top of what earlier calls of backward have left."""
    parameters = list(policy.parameters())
    torch.autograd.backward(loss)
    for parameter in parameters:
        assert parameter.grad is not None  # both policies use every parameter
        parameter.data -= learning_rate * parameter.grad


def _only(index: int) -> Callable:
    """An update of one of the policy's tensors."""

    def update(policy: nn.Module, loss: Tensor, learning_rate: float) -> None:
        parameter = list(policy.parameters())[index]
        (gradient,) = torch.autograd.grad(loss, [parameter])
        parameter.data -= learning_rate * gradient

    return update


def _load_optimizers(answer: Any) -> None:
    """Let PyTorch load what its optimisers need, before the clock starts.

    The first of them takes about a second to make, in any program.
    """
    names = (
        answer.__code__.co_names if type(answer) is FunctionType else dir(torch.optim)
    )
    if set(names) & {"optim", *dir(torch.optim)}:
        torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)


update = Check(
    name="update",
    right=_adding(lambda parameter, gradient, loss, rate: -rate * gradient),
    observe=moved,
    prepare=_load_optimizers,
    cases=[
        Case(
            "a bandit whose arms pay 0 and 1, and learning_rate = 0.5,",
            (two_armed_bandit((0, 1)), _undecided, 0.5),
        ),
        Case(
            "a corridor of 5 cells, a small network, and learning_rate = 0.2,",
            (corridor(5, horizon=4), _small_network, 0.2),
        ),
    ],
    mistakes=[
        Mistake(
            "the step goes downhill: on a bandit whose arms pay 0 and 1, J falls from "
            "0.5 to 0.44. The loss has its minus sign already: by Eq. (24) its "
            "gradient points away from better policies.",
            _adding(lambda parameter, gradient, loss, rate: rate * gradient),
        ),
        Mistake(
            "the parameters are where they were before. Either the gradient was "
            "cleared before it was used, or the new values went into a new name, which "
            "is forgotten when the function ends. The policy's own parameters have to "
            "change, in place.",
            _adding(lambda parameter, gradient, loss, rate: 0),
        ),
        Mistake(
            "the first step is right, the second is not: backward adds to the gradient "
            "that earlier calls have left, so that your second step contains the first "
            "one again. Each update needs a gradient of its own.",
            _accumulating,
        ),
        Mistake(
            "the learning rate has no effect: your step is as long with a small one as "
            "with a large one. It is for the caller to say how far to go.",
            _adding(lambda parameter, gradient, loss, rate: -gradient),
        ),
        Mistake(
            "the learning rate enters twice: with half the rate your step is four "
            "times shorter, not two times.",
            _adding(lambda parameter, gradient, loss, rate: -(rate**2) * gradient),
        ),
        Mistake(
            "the step is taken twice: every parameter moves by two times what Eq. (4) "
            "says.",
            _adding(lambda parameter, gradient, loss, rate: -2 * rate * gradient),
        ),
        Mistake(
            "every parameter moves equally far, however steep J is along it. That is "
            "the first step of Adam; in Eq. (4) a parameter moves in proportion to its "
            "gradient.",
            _adding(lambda parameter, gradient, loss, rate: -rate * gradient.sign()),
        ),
        Mistake(
            "all parameters move by the same number: the value of the loss is "
            "subtracted, not its gradient. The value says nothing about the direction.",
            _adding(lambda parameter, gradient, loss, rate: -rate * loss),
        ),
        Mistake(
            "the parameters are set to the step, where Eq. (4) adds the step to them: "
            "what they had learned before is lost.",
            _adding(
                lambda parameter, gradient, loss, rate: -rate * gradient - parameter
            ),
        ),
        Mistake(
            "only one of the network's tensors moves. A network with one hidden layer "
            "has four: weights and biases of two layers.",
            _only(0),
            _only(-1),
        ),
    ],
    expected=(
        "After one call every parameter of the policy has moved, in place, by the "
        "learning rate times its entry of the gradient of J, so that J is higher."
    ),
    where="Eq. (4), and for the sign Eq. (24): Exercise 9.3 and section 9.4.",
    shows=(
        "every parameter moves in place and in proportion to its own gradient, each "
        "update starts from a gradient of its own, and the exact J rises."
    ),
)
