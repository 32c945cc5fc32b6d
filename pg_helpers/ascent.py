"""A step: how an estimate of the gradient moves the parameters, Eq. (4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from pg_helpers.arguments import (
    NotFiniteError,
    all_finite,
    check_positive,
    check_tensor,
    finite_array,
    iterated,
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

    @torch.no_grad()
    def step(self, loss: Tensor) -> Tensor:
        """Differentiate a loss and move the parameters so that it falls.

        Args:
            loss: scalar that carries the graph.

        Returns:
            Its gradient, flat over the parameters.

        Raises:
            TypeError: the loss is no tensor of floats.
            ValueError: it is no scalar, or cannot be differentiated.
            NotFiniteError: the gradient or the step is not finite; nothing was changed.
        """
        check_tensor("loss", loss)
        if loss.ndim:
            raise ValueError(f"loss: expected a scalar, got shape {tuple(loss.shape)}")
        try:
            found = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        except RuntimeError as error:
            raise ValueError(
                f"loss: expected one that carries a graph, once for each step ({error})"
            ) from error
        gradient = torch.cat([g.flatten() for g in found])
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
        return gradient


def _checked(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    listed = list(iterated("parameters", parameters))
    for parameter in listed:
        check_tensor("parameters", parameter)
        if parameter.requires_grad and not parameter.is_leaf:
            raise ValueError("parameters: expected leaves of a graph, got a result")
    return listed
