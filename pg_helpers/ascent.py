"""A step: how an estimate of the gradient moves the parameters, Eq. (4)."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pg_helpers.require import (
    check_finite,
    check_positive,
    check_tensor,
    require,
)

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Adam (Kingma and Ba 2015): up to rounding, the step of `torch.optim.Adam`.

    Written out over one flat vector. The first use of torch.optim also imports
    PyTorch's compiler, which takes longer than training on the corridor.

    Args:
        parameters: changed in place by `step`; those without requires_grad are skipped.
        learning_rate: alpha, roughly the largest step of a parameter.

    Raises:
        TypeError, ValueError: an argument is wrong, or no parameter is trainable.
    """

    description = "Adam of pg_helpers"

    def __init__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float
    ) -> None:
        many = isinstance(parameters, Iterable)
        require(many, "parameters", "several tensors", parameters, TypeError)
        every = list(parameters)
        for parameter in every:
            check_tensor("parameters", parameter)
            require(parameter.is_leaf, "parameters", "leaves of a graph", parameter)
        self.parameters = [p for p in every if p.requires_grad]
        require(self.parameters, "policy", "a trainable parameter", every)
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self._initial_rate = self.learning_rate
        self._sizes = [p.numel() for p in self.parameters]
        self.mean = torch.cat([torch.zeros_like(p).flatten() for p in self.parameters])
        self.mean_square = torch.zeros_like(self.mean)
        self.num_steps = 0

    def scale_learning_rate(self, factor: float) -> None:
        """Set the learning rate to a multiple of the initial one."""
        self.learning_rate = self._initial_rate * factor

    def state(self) -> dict[str, Any]:
        """What the next step depends on, besides the parameters."""
        names = ("mean", "mean_square", "num_steps")
        return {name: getattr(self, name) for name in names}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from the `state` of an Adam of such parameters."""
        fits = state["mean"].shape == state["mean_square"].shape == self.mean.shape
        require(fits, "optimizer", f"{len(self.mean)} numbers in its state", state)
        self.mean = state["mean"].to(self.mean)
        self.mean_square = state["mean_square"].to(self.mean)
        self.num_steps = int(state["num_steps"])

    def step(self, loss: Tensor, max_norm: float | None = None) -> float:
        """Differentiate a loss and move the parameters so that it falls.

        Args:
            loss: scalar () that carries the graph.
            max_norm: a longer gradient is clipped to this norm for the step.

        Returns:
            The Euclidean norm of the gradient, before it is clipped.

        Raises:
            TypeError, ValueError: the loss is not a scalar tensor with a graph that
                reaches a parameter.
            NotFiniteError: the gradient, its square or the step is not finite; nothing
                was changed.
        """
        _, gradient, norm = _differentiate(loss, self.parameters)
        number = self.num_steps + 1
        with torch.no_grad():
            if max_norm is not None:
                gradient = gradient * _clipping(norm, max_norm)
            mean = self.mean.lerp(gradient, 1 - BETA_1)
            mean_square = self.mean_square.lerp(gradient * gradient, 1 - BETA_2)
            # The running means start at 0; the divisions correct that bias.
            root = (mean_square / (1 - BETA_2**number)).sqrt_().add_(EPSILON)
            step = (mean / (1 - BETA_1**number)).div_(root).mul_(self.learning_rate)
            check_finite("gradient, squared", mean_square)
            check_finite("step", step)
            parts = step.split(self._sizes)
            for parameter, part in zip(self.parameters, parts, strict=True):
                parameter.sub_(part.view_as(parameter))
        self.mean, self.mean_square, self.num_steps = mean, mean_square, number
        return norm


class TorchOptimizer:
    """An optimizer of `torch.optim`, with the methods of `Adam`.

    Raises:
        TypeError, ValueError: it is another thing, or LBFGS, which evaluates the loss
            itself, or has no trainable parameter.
    """

    def __init__(self, optimizer: Any) -> None:
        fits = isinstance(optimizer, torch.optim.Optimizer)
        fits = fits and not isinstance(optimizer, torch.optim.LBFGS)
        expected = "a function that returns one of torch.optim, other than LBFGS"
        require(fits, "optimizer", expected, optimizer, TypeError)
        groups = optimizer.param_groups
        self.parameters = [p for g in groups for p in g["params"] if p.requires_grad]
        require(self.parameters, "optimizer", "a trainable parameter", optimizer)
        for group in groups:  # A checkpoint cannot hold NumPy's numbers.
            numbers = {k: v for k, v in group.items() if isinstance(v, np.generic)}
            group.update({name: number.item() for name, number in numbers.items()})
        settings = [{k: v for k, v in g.items() if k != "params"} for g in groups]
        self.description = f"{type(optimizer).__qualname__} {settings}"
        self._optimizer = optimizer
        self._initial_rates = [group["lr"] for group in groups]
        self.state, self.load_state = optimizer.state_dict, optimizer.load_state_dict

    def scale_learning_rate(self, factor: float) -> None:
        """Set the learning rate of each group to a multiple of its initial one."""
        groups = self._optimizer.param_groups
        for group, rate in zip(groups, self._initial_rates, strict=True):
            group["lr"] = rate * factor

    def step(self, loss: Tensor, max_norm: float | None = None) -> float:
        """Differentiate a loss and step, as `Adam.step`."""
        parts, _, norm = _differentiate(loss, self.parameters)
        factor = 1.0 if max_norm is None else _clipping(norm, max_norm)
        before, state = copies_of(self.parameters), copy.deepcopy(self.state())
        try:
            for parameter, part in zip(self.parameters, parts, strict=True):
                parameter.grad = None if part is None else part * factor
            self._optimizer.step()
            kept = [v for of in self._optimizer.state.values() for v in of.values()]
            for tensor in (*self.parameters, *kept):
                if isinstance(tensor, Tensor):
                    check_finite("step", tensor)
        except BaseException:
            self.load_state(state)
            put_back(self.parameters, before)
            raise
        finally:
            self._optimizer.zero_grad()
        return norm


def copies_of(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    """What `put_back` needs to undo a change of parameters."""
    return [p.detach().clone().requires_grad_(p.requires_grad) for p in parameters]


@torch.no_grad()
def put_back(parameters: Iterable[nn.Parameter], copies: list[Tensor]) -> bool:
    """Undo changes of parameters; return whether there were any."""
    changed = False
    for parameter, before in zip(parameters, copies, strict=True):
        frozen = parameter.requires_grad != before.requires_grad
        if frozen or not torch.equal(parameter, before):
            parameter.requires_grad_(before.requires_grad).copy_(before)
            changed = True
    return changed


def _clipping(norm: float, max_norm: float) -> float:
    """The factor that clips a gradient to at most max_norm."""
    return min(1.0, max_norm / max(norm, 1e-300))


def _differentiate(
    loss: Tensor, parameters: list[nn.Parameter]
) -> tuple[tuple[Tensor | None, ...], Tensor, float]:
    """The gradient by parameter, None where the loss does not reach one; flat; length.

    Raises:
        NotFiniteError: a number of it is NaN or infinite.
    """
    check_tensor("loss", loss)
    require(not loss.ndim, "loss", "a scalar", tuple(loss.shape))
    try:
        parts = torch.autograd.grad(loss, parameters, allow_unused=True)
    except RuntimeError as error:
        expected = "one that carries a graph, a new one for each step"
        raise ValueError(f"loss: expected {expected} ({error})") from error
    reached = any(part is not None for part in parts)
    require(reached, "loss", "a graph that reaches the policy's parameters", loss)
    pairs = zip(parts, parameters, strict=True)
    filled = [torch.zeros_like(p) if part is None else part for part, p in pairs]
    gradient = torch.cat([part.flatten() for part in filled])
    norm = gradient.norm().item()
    if not math.isfinite(norm):  # perhaps only the squares are not
        check_finite("gradient", gradient)
        largest = gradient.abs().max().item()
        norm = largest * (gradient / largest).norm().item()
    return parts, gradient, norm
