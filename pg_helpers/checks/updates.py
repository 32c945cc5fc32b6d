"""The exercise on the update, Eq. (3), (4) and (24)."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from pg_helpers import exact
from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.errors import plain_text
from pg_helpers.checks.observers import Case, NotRightError, Seen, call, read_numbers
from pg_helpers.policies import MLPPolicy, TabularPolicy
from pg_helpers.worlds import corridor, two_armed_bandit

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
