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
    NotFiniteError,
    all_finite,
    check_positive,
    check_tensor,
    finite_array,
    shown,
)


class Adam:
    """Adam (Kingma and Ba, 2015), the step of `torch.optim.Adam` to rounding.

    Written out over one flat vector, for a reason: the first use of torch.optim imports
    PyTorch's compiler, which takes longer than training the corridor does.

    Args:
        parameters: changed in place by `step`; those without requires_grad are skipped.
        learning_rate: alpha, the largest step of a parameter, roughly.
        betas: decay of the running means of the gradient and of its square.
        epsilon: keeps the division finite where the gradient is zero.

    Raises:
        TypeError: parameters are no tensors of floats, or a number is of another kind.
        ValueError: there is no trainable parameter, or a number is out of range.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self.parameters = [p for p in _checked(parameters) if p.requires_grad]
        if not self.parameters:
            raise ValueError("policy: expected a trainable parameter, got none")
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self._unscaled = self.learning_rate
        self.epsilon = check_positive("epsilon", epsilon)
        decays = finite_array("betas", betas)
        if decays.shape != (2,) or (decays < 0).any() or (decays >= 1).any():
            raise ValueError(
                f"betas: expected two numbers from 0 to below 1, got {shown(betas)}"
            )
        self.betas = float(decays[0]), float(decays[1])
        flat = torch.cat([p.detach().flatten() for p in self.parameters])
        self.mean = torch.zeros_like(flat)
        self.mean_square = torch.zeros_like(flat)
        self.num_steps = 0

    @property
    def description(self) -> str:
        """What it is, in words, for a checkpoint."""
        return "Adam of pg_helpers"

    def scale_learning_rate(self, factor: float) -> None:
        """Set the learning rate to so many times what it was at first."""
        self.learning_rate = self._unscaled * factor

    def state(self) -> dict[str, Tensor | int]:
        """What the next step depends on, besides the parameters."""
        return {
            "mean": self.mean,
            "mean_square": self.mean_square,
            "num_steps": self.num_steps,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` of such an optimizer gave.

        Raises:
            ValueError: it is of other parameters; nothing was changed.
        """
        if state["mean"].shape != self.mean.shape:
            raise ValueError(
                f"policy: expected {len(state['mean'])} numbers in its trainable "
                f"parameters, as where the optimizer's state is from, "
                f"got {len(self.mean)}"
            )
        self.mean = state["mean"].to(self.mean)
        self.mean_square = state["mean_square"].to(self.mean)
        self.num_steps = state["num_steps"]

    def step(self, loss: Tensor, max_norm: float | None = None) -> Tensor:
        """Differentiate a loss and move the parameters so that it falls.

        Args:
            loss: scalar that carries the graph.
            max_norm: a longer gradient is shortened to this length for the step.

        Returns:
            Its gradient, flat over the parameters, before it is shortened.

        Raises:
            TypeError: the loss is no tensor of floats.
            ValueError: it is no scalar, cannot be differentiated, or depends on none of
                the parameters.
            NotFiniteError: the gradient or the step is not finite; nothing was changed.
        """
        parts = _gradient(loss, self.parameters)
        found = _flat(parts, self.parameters)
        with torch.no_grad():
            self._move(found * _shortening(found, max_norm) if max_norm else found)
        return found

    def _move(self, gradient: Tensor) -> None:
        beta, beta_square = self.betas
        mean = self.mean.lerp(gradient, 1 - beta)
        mean_square = self.mean_square.lerp(gradient.square(), 1 - beta_square)
        # The running means start at zero; dividing by these corrects the first steps.
        number = self.num_steps + 1
        root = (mean_square / (1 - beta_square**number)).sqrt()
        slope = mean / (1 - beta**number) / (root + self.epsilon)
        theta = torch.cat([p.flatten() for p in self.parameters])
        theta = theta - self.learning_rate * slope
        if not (all_finite(theta) and all_finite(mean_square)):
            culprit = "step" if all_finite(mean_square) else "gradient"
            raise NotFiniteError(
                f"{culprit}: expected finite numbers, got NaN or infinity"
            )
        self.num_steps, self.mean, self.mean_square = number, mean, mean_square
        sizes = [p.numel() for p in self.parameters]
        for parameter, part in zip(self.parameters, theta.split(sizes), strict=True):
            parameter.copy_(part.view_as(parameter))


class TorchOptimizer:
    """An optimizer of `torch.optim`, with the methods of `Adam`.

    Args:
        optimizer: of the policy's parameters.

    Raises:
        TypeError: it is none, or one that calls the loss itself, as LBFGS does.
        ValueError: it has no trainable parameter.
    """

    def __init__(self, optimizer: Any) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(
                "optimizer: expected a function of parameters that returns one of "
                f"torch.optim, got one that returns {shown(optimizer)}"
            )
        if isinstance(optimizer, torch.optim.LBFGS):
            raise TypeError("optimizer: expected one that steps once, got LBFGS")
        self._optimizer = optimizer
        groups = optimizer.param_groups
        self.parameters = [p for g in groups for p in g["params"] if p.requires_grad]
        if not self.parameters:
            raise ValueError("optimizer: expected a trainable parameter, got none")
        for group in groups:  # NumPy's numbers no checkpoint can hold
            group.update({k: _as_plain(v) for k, v in group.items() if k != "params"})
        self._unscaled = [group["lr"] for group in groups]
        settings = [{k: v for k, v in g.items() if k != "params"} for g in groups]
        self.description = f"{type(optimizer).__qualname__} {settings}"

    def scale_learning_rate(self, factor: float) -> None:
        """Set each learning rate to so many times what it was at first."""
        for group, rate in zip(
            self._optimizer.param_groups, self._unscaled, strict=True
        ):
            group["lr"] = rate * factor

    def state(self) -> dict[str, Any]:
        """What the next step depends on, besides the parameters."""
        return self._optimizer.state_dict()

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` of such an optimizer gave.

        Raises:
            ValueError: it is of other parameters.
        """
        self._optimizer.load_state_dict(state)

    def step(self, loss: Tensor, max_norm: float | None = None) -> Tensor:
        """Differentiate a loss and step; as `Adam.step`."""
        parts = _gradient(loss, self.parameters)
        found = _flat(parts, self.parameters)
        if not all_finite(found):
            raise NotFiniteError(
                "gradient: expected finite numbers, got NaN or infinity"
            )
        factor = _shortening(found, max_norm) if max_norm else 1.0
        before = copies_of(self.parameters)
        state = copy.deepcopy(self.state())
        try:
            for parameter, part in zip(self.parameters, parts, strict=True):
                parameter.grad = None if part is None else part * factor
            self._optimizer.step()
            self._check_finite()
        except BaseException:
            self.load_state(state)
            put_back(self.parameters, before)
            raise
        finally:
            self._optimizer.zero_grad()
        return found

    def _check_finite(self) -> None:
        kept = [v for of in self._optimizer.state.values() for v in of.values()]
        tensors = [v for v in (*self.parameters, *kept) if isinstance(v, Tensor)]
        if not all(all_finite(tensor.detach()) for tensor in tensors):
            raise NotFiniteError("step: expected finite numbers, got NaN or infinity")


def copies_of(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    """What `put_back` needs to undo a change of parameters."""
    return [p.detach().clone().requires_grad_(p.requires_grad) for p in parameters]


def put_back(parameters: Iterable[nn.Parameter], copies: list[Tensor]) -> bool:
    """Undo what was done to parameters; return whether anything was."""
    changed = False
    with torch.no_grad():
        for parameter, before in zip(parameters, copies, strict=True):
            frozen = parameter.requires_grad != before.requires_grad
            if frozen or not torch.equal(parameter, before):
                parameter.requires_grad_(before.requires_grad).copy_(before)
                changed = True
    return changed


def _as_plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def length(gradient: Tensor) -> float:
    """Euclidean norm, also where the squares overflow."""
    plain = gradient.norm().item()
    if math.isfinite(plain):
        return plain
    wide = gradient.double()
    largest = wide.abs().max()
    return (largest * (wide / largest).norm()).item()


def _flat(parts: list[Tensor | None], parameters: list[nn.Parameter]) -> Tensor:
    """The gradient as one vector; zero where the loss does not depend on one."""
    return torch.cat(
        [
            torch.zeros_like(p).flatten() if part is None else part.flatten()
            for part, p in zip(parts, parameters, strict=True)
        ]
    )


def _gradient(loss: Tensor, parameters: list[nn.Parameter]) -> list[Tensor | None]:
    """Of a loss by each parameter; None where it does not depend on one."""
    check_tensor("loss", loss)
    if loss.ndim:
        raise ValueError(f"loss: expected a scalar, got shape {tuple(loss.shape)}")
    try:
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
    except RuntimeError as error:
        raise ValueError(
            f"loss: expected one that carries a graph, once for each step ({error})"
        ) from error
    if all(part is None for part in found):
        raise ValueError(
            "loss: expected one that depends on the policy's parameters, got one whose "
            "graph reaches none of them"
        )
    return list(found)


def _shortening(gradient: Tensor, max_norm: float) -> float:
    """The factor, at most 1, that makes a gradient no longer than that."""
    return min(1.0, max_norm / max(length(gradient), 1e-300))


def _checked(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    listed = list(parameters)
    for parameter in listed:
        check_tensor("parameters", parameter)
        if parameter.requires_grad and not parameter.is_leaf:
            raise ValueError("parameters: expected leaves of a graph, got a result")
    return listed
