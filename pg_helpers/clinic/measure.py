"""The gradient of a loss on every batch, or in words why there is none."""

from __future__ import annotations

import os
import random
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from pg_helpers.ascent import copies_of, put_back
from pg_helpers.binder import BoundLoss
from pg_helpers.clinic.case import Case
from pg_helpers.clinic.traces import traces
from pg_helpers.require import check_tensor
from pg_helpers.returns import rewards_to_go
from pg_helpers.rollout import Trajectories

# How a loss can be asked about batches. Mapped over all of them, it is some hundred
# times as fast as one by one; it must not look into its numbers to decide what to do.
# Many losses look at the mask alone, and can be mapped over batches of equal lengths.
AT_ONCE, BY_LENGTHS, ONE_BY_ONE = range(3)
# As many batches are listed, in each way; where there are more, some are drawn.
LISTED = (400_000, 50_000, 5_000)
DRAWN = (150_000, 30_000, 3_000)
# As many steps, and numbers in gradients, they may have together, drawn or listed; and
# those of them that are mapped at once.
_MOST_STEPS, _MOST_NUMBERS, _MOST_LISTED = 10_000_000, 2**23, 2**25
_STEPS, _NUMBERS = 2**17, 2**22
# Batches of as many different lengths are mapped by lengths without a second thought.
_FEW = 200
# Mapped gradients are compared with those of the loop on as many batches, and answers
# with those to the same questions.
_COMPARED, _REPEATED = 6, 12
# Relative differences that are rounding, in float64 and below: of two answers, and of
# a mapped answer, whose last product is in float64, and one of the loop.
_SAME, _SAME_BELOW, _AS_LOOP_BELOW = 1e-9, 2e-5, 1e-3


class FaultError(Exception):
    """The loss cannot be examined; the message says why, in whole sentences.

    Attributes:
        undecided: whether it may be right nevertheless.
    """

    def __init__(self, message: str, undecided: bool = False) -> None:
        super().__init__(message)
        self.undecided = undecided


class SlowerError(Exception):
    """The loss cannot be asked in this way; the next is slower."""


class Asker:
    """A loss and the batches of a case, with the fastest way to bring them together.

    Attributes:
        loss: that is asked.
        case: a world and the policy that the gradient is taken of.
        way: one of AT_ONCE, BY_LENGTHS, ONE_BY_ONE.

    Args:
        loss: that is asked.
        case: a world and the policy that the gradient is taken of.
    """

    def __init__(self, loss: BoundLoss, case: Case) -> None:
        self.loss, self.case, self.way = loss, case, AT_ONCE
        self._by_log_probs = "policy" not in loss.asks
        self._reached = self._has_graph = False
        self._holder = _Holder(loss, case)
        self._trainable = [p for p in case.parameters if p.requires_grad]
        self._num_numbers = case.scores.shape[1]

    def most_listed(self) -> int:
        """How many batches may be listed, in the present way."""
        fitting = _MOST_LISTED // self._num_numbers
        return min(LISTED[self.way], max(LISTED[ONE_BY_ONE], fitting))

    def most_drawn(self, num_trajectories: int) -> int:
        """How many batches of so many trajectories may be drawn."""
        steps = num_trajectories * self.case.horizon
        fitting = min(_MOST_STEPS // steps, _MOST_NUMBERS // self._num_numbers)
        return min(DRAWN[self.way], max(DRAWN[ONE_BY_ONE], fitting))

    def __call__(self, index: Tensor, cut: bool = False) -> Tensor:
        """Minus the gradient of the loss on each batch: what gradient descent adds.

        Args:
            index: int64 (B, N), which trajectories the batches are made of.
            cut: whether a batch is padded to its longest trajectory, as by `train`,
                and not to the horizon.

        Returns:
            float64 (B, P), in the order of policy.parameters(), of those that
            count; zero for frozen ones.

        Raises:
            FaultError: the loss raises, is not a finite scalar, changes the policy, or
                its graph never reaches the policy.
            SlowerError: it has to be asked in another way, which is set now.
        """
        found = None
        with _quiet(), self._unchanged():
            if self.way == ONE_BY_ONE:
                found = self._one_by_one(index, cut)
            else:
                chosen = torch.linspace(0, len(index) - 1, _COMPARED).long().unique()
                compared = self._one_by_one(index[chosen], cut)
                # Each thing that cannot be mapped raises an error of its own.
                with suppress(Exception):
                    mapped = self._mapped(index, cut)
                    agree = self.same(mapped[chosen], compared, mapped=True)
                    found = mapped if agree else None
        if found is None:
            self.way += 1
            raise SlowerError
        if not self._reached:
            raise FaultError(_OTHER_POLICY if self._has_graph else _NO_GRAPH)
        return found

    def check_repeats(self, index: Tensor) -> None:
        """Ask twice about each batch, some more where random numbers are drawn.

        A loss that keeps something, such as a log of what it was asked, is asked one by
        one from then on: what it kept of mapped tensors would be of no use.

        Raises:
            FaultError: it answers differently, or as when it is called.
        """
        things = self.loss.loss, self.case.policy
        before, drawn = traces(*things), _random_state()
        first = self.one_by_one(index[:_REPEATED])
        if _random_state() == drawn:
            index = index[:_REPEATED]
        else:
            first = self.one_by_one(index)
        if not self.same(first, self.one_by_one(index)):
            raise FaultError(
                "The loss answers differently when it is asked about the same batch "
                "again: it draws random numbers, or remembers earlier batches. Nothing "
                "exact can be said of it. Call eval() on its modules, and hand over "
                "running statistics and noise as constants.",
                undecided=True,
            )
        if traces(*things) != before:
            self.way = ONE_BY_ONE

    def one_by_one(self, index: Tensor) -> Tensor:
        """The same as a call, padded to the horizon, in the slowest way."""
        with _quiet(), self._unchanged():
            return self._one_by_one(index, False)

    def holds_ratio(self, index: Tensor) -> bool:
        """Whether there is an exp(l - l') in the loss, and was 1 at every step."""
        with _quiet(), self._unchanged():
            value = self._value(index[0], False)
        return any(_is_ratio(node) for node in _nodes(value.grad_fn))

    def same(self, one: Tensor, other: Tensor, mapped: bool = False) -> bool:
        """Whether two sets of gradients differ by no more than rounding."""
        tolerance = _SAME
        if self.case.log_pi.dtype != torch.float64:
            tolerance = _AS_LOOP_BELOW if mapped else _SAME_BELOW
        least = 1e-6 * self.case.rounding * self.case.size
        return bool((one - other).norm() <= tolerance * other.norm() + least)

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        parameters = list(self.case.policy.parameters())
        kept = copies_of(parameters)
        try:
            yield
        finally:
            if put_back(parameters, kept):
                raise FaultError(
                    "The loss changes or freezes the parameters of the policy. A loss "
                    "only says what is wrong with them; the step is the optimiser's."
                )

    def _one_by_one(self, index: Tensor, cut: bool) -> Tensor:
        rows = [self._slopes(self._value(row, cut), row) for row in index]
        return torch.cat(rows).double().cpu()

    def _value(self, row: Tensor, cut: bool) -> Tensor:
        lengths = self.case.lengths[row]
        length = int(lengths.max()) if cut else self.case.horizon
        try:
            with torch.enable_grad():  # whatever the loss does with the mode
                given = self.case.given(self.loss.asks, row, length)
                value = self._holder(self.case.batch(row, length), given)
        except (Exception, SystemExit) as error:
            raise FaultError(
                f"The loss raised {type(error).__name__} on {_named(lengths)}: "
                f"{error}{_place(error)}"
            ) from error
        _check_value(value, lengths)
        return value

    def _slopes(self, value: Tensor, row: Tensor) -> Tensor:
        """Minus the gradient by the parameters, (1, P)."""
        found: Sequence[Tensor | None] = [None] * len(self._trainable)
        if value.requires_grad:
            self._has_graph = True
            where = _named(self.case.lengths[row])
            try:
                found = torch.autograd.grad(value, self._trainable, allow_unused=True)
            except (RuntimeError, ValueError) as error:
                raise FaultError(
                    f"PyTorch could not differentiate the loss on {where}: {error}"
                ) from error
            if any(part is not None and not part.isfinite().all() for part in found):
                raise FaultError(
                    "The value of the loss is finite, but its gradient is not, on "
                    f"{where}. {_WHY_NOT_FINITE}"
                )
        return self._columns([part if part is None else part[None] for part in found])

    def _columns(self, found: Sequence[Tensor | None], number: int = 1) -> Tensor:
        """Minus what was found for each trainable parameter, (number, P)."""
        self._reached = self._reached or any(part is not None for part in found)
        parts, remaining = [], iter(found)
        for parameter in self.case.parameters:
            part = next(remaining) if parameter.requires_grad else None
            if part is None:
                part = parameter.new_zeros(number, parameter.numel())
            parts.append(-part.detach().reshape(number, -1))
        return torch.cat(parts, dim=1)

    def _mapped(self, index: Tensor, cut: bool) -> Tensor:
        lengths = self.case.lengths[index]
        longest = lengths.amax(dim=1).clamp(min=0 if cut else self.case.horizon)
        alike = longest
        if self.way == BY_LENGTHS:
            alike = lengths.unique(dim=0, return_inverse=True)[1]
        sizes = alike.bincount()
        if len(sizes) > max(_FEW, len(index) / 5):
            raise SlowerError  # no two are alike
        wide = self.case.scores.shape
        found = self.case.scores.new_empty(len(index), self._num_numbers)
        for rows in alike.argsort(stable=True).split(sizes[sizes > 0].tolist()):
            length = int(longest[rows[0]])
            fit = _STEPS // (index.shape[1] * length), _NUMBERS // max(wide)
            for chunk in rows.split(max(1, min(fit))):
                found[chunk] = self._map(index[chunk], length)
        if not found.isfinite().all():
            raise SlowerError  # one by one it is said what and where
        return found

    def _map(self, index: Tensor, length: int) -> Tensor:
        """Minus the gradient (B, P).

        Each value depends on its own batch only: the gradient of their sum holds that
        of each.
        """
        case = self.case
        batch = case.batch(index, length)
        parts = vars(batch).copy()
        mask = parts.pop("mask")
        in_mask: int | None = 0
        if self.way == BY_LENGTHS:
            mask, in_mask = mask[0], None

        more = case.given(self.loss.asks, index, length)

        def ask(
            given: Any, parts: dict[str, Tensor], mask: Tensor, more: dict[str, Tensor]
        ) -> Any:
            batch = Trajectories(**parts, mask=mask)
            if self._by_log_probs:
                return self._holder.called(batch, more | {"log_probs": given})
            return functional_call(self._holder, given, (batch, more))

        given: Any
        if self._by_log_probs:
            pairs = case.pairs(index, length)
            given = case.log_pi.flatten()[pairs].requires_grad_()
            leaves = [given]
        else:
            named = case.policy.named_parameters()
            names = {id(p): f"policy.{name}" for name, p in named}
            leaves = [
                p.detach().expand(len(index), *p.shape).clone().requires_grad_()
                for p in self._trainable
            ]
            every = zip(self._trainable, leaves, strict=True)
            given = {names[id(p)]: leaf for p, leaf in every}
        values = vmap(ask, in_dims=(0, 0, in_mask, 0))(given, parts, mask, more)
        if values.shape != index.shape[:1] or not values.is_floating_point():
            raise SlowerError
        wanted = [*leaves, *self._trainable]
        found = torch.autograd.grad(values.sum(), wanted, allow_unused=True)
        slopes, others = found[: len(leaves)], found[len(leaves) :]
        if any(other is not None for other in others):
            # It reaches the policy on a way of its own.
            if not self._by_log_probs:
                raise SlowerError
            self._by_log_probs = False
            return self._map(index, length)
        if not values.isfinite().all():
            raise SlowerError
        if not self._by_log_probs:
            return self._columns(slopes, len(index)).double().cpu()
        if slopes[0] is None:
            raise SlowerError
        self._reached = True
        by_log_pi = torch.zeros(len(index), len(case.scores), dtype=torch.float64)
        slope = slopes[0].double().cpu()
        by_log_pi.scatter_add_(1, pairs.flatten(1), -slope.flatten(1))
        return by_log_pi @ case.scores


class _Holder(nn.Module):
    """A loss as a module of its policy, whose parameters can be exchanged."""

    def __init__(self, loss: BoundLoss, case: Case) -> None:
        super().__init__()
        self.loss, self.policy, self.case = loss, case.policy, case

    def forward(self, batch: Trajectories, given: dict[str, Tensor]) -> Any:
        if "log_probs" in self.loss.asks:
            log_probs = self.policy(batch.observations).log_prob(batch.actions)
            given = given | {"log_probs": log_probs}
        return self.called(batch, given)

    def called(self, batch: Trajectories, given: dict[str, Tensor]) -> Any:
        """The value of the loss, with log-probabilities that are given."""
        asks, case, N = self.loss.asks, self.case, len(batch.mask)
        if "advantages" in asks - given.keys():
            given["advantages"] = case.advantages(batch)
        if "returns" in asks:
            given["returns"] = rewards_to_go(batch.rewards, case.gamma)
        if "group" in asks:
            size = case.law.sizes(N)[1]
            given["group"] = torch.arange(N, device=batch.mask.device) // size
        return self.loss(batch, self.policy, given)


def _random_state() -> tuple[Any, ...]:
    of_numpy = str(np.random.get_state())
    return random.getstate(), of_numpy, torch.get_rng_state().tolist()


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # What comes of it is NaN, and the verdict has words for that.
        warnings.filterwarnings("ignore", r"(std|var)\(\): degrees of freedom")
        warnings.filterwarnings("ignore", "There is a performance drop")
        yield


def _nodes(node: Any) -> set[Any]:
    """All nodes of a graph."""
    seen, ahead = set(), [node]
    while ahead:
        node = ahead.pop()
        if node is not None and node not in seen:
            seen.add(node)
            ahead += [after for after, _ in node.next_functions]
    return seen


def _is_ratio(node: Any) -> bool:
    return node.name() == "ExpBackward0" and bool((node._saved_result == 1).all())


_NO_GRAPH = (
    "The graph does not reach the policy: the loss has no gradient. Something on the "
    "way cuts it, such as detach(), item(), torch.no_grad(), torch.tensor(...) or a "
    "NumPy array."
)
_OTHER_POLICY = (
    "The graph does not reach the policy that is examined, but it reaches other "
    "parameters: the loss was built on another object. Examine it with policy= that "
    "object, or use the one that is handed over."
)
_WHY_NOT_FINITE = (
    "The usual ways there: the standard deviation of a single number (one trajectory, "
    "or an episode of one step), a division by zero, the logarithm of zero, 0 times "
    "infinity at padded steps."
)
_NOT_THEIRS = tuple(
    f"{home}{os.sep}"
    for home in (Path(torch.__file__).parent, Path(__file__).parents[1])
)


def _place(error: BaseException) -> str:
    """Where in the user's own code it was raised: file, line and the line itself."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith(_NOT_THEIRS)]
    if not own:
        return ""
    name, line = Path(own[-1].filename).name, own[-1].line
    shown = f": {line}" if line else ""
    return f" ({name}, line {own[-1].lineno}, in {own[-1].name}{shown})"


def _check_value(value: Any, lengths: Tensor) -> None:
    if not isinstance(value, Tensor):
        advice = "A number has no graph: leave item() and float() out of it."
        if isinstance(value, tuple | list | dict):
            advice = "Return the loss alone, without the figures beside it."
        kind = type(value).__name__
        raise FaultError(f"The loss returned {kind}, not a tensor. {advice}")
    try:
        check_tensor("the loss", value)
    except TypeError as error:
        raise FaultError(f"The loss cannot be read: {error}.") from error
    if value.ndim != 0:
        shape = tuple(value.shape)
        raise FaultError(
            f"The loss returned a tensor of shape {shape}, not a scalar. Sum over the "
            "steps, then take the mean over the trajectories."
        )
    if not value.is_floating_point():
        raise FaultError(f"The loss returned {value.dtype}, which has no gradient.")
    if not value.isfinite():
        raise FaultError(
            f"The loss is {value.item()} on {_named(lengths)}. {_WHY_NOT_FINITE}"
        )


def _named(lengths: Tensor) -> str:
    every = lengths.tolist()
    steps = " and ".join(map(str, every[:3])) + (" ..." if every[3:] else "")
    if len(every) == 1:
        return f"a trajectory of {steps} step{'s' if every[0] > 1 else ''}"
    return f"a batch of trajectories of {steps} steps"
