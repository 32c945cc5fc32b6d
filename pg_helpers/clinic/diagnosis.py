"""What was found out about a loss, in numbers, in words and as a picture."""

from __future__ import annotations

import html
import math
import re
from dataclasses import dataclass, field, fields, is_dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pg_helpers.clinic.picture import as_html, draw, in_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pg_helpers.clinic.off_policy import OffPolicy
    from pg_helpers.clinic.worlds import Worlds


def _plain(value: Any) -> Any:
    """Tensors as lists, records as dicts, NaN and infinity as None."""
    if isinstance(value, Tensor):
        value = value.tolist()
    if is_dataclass(value):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _escaped(text: str) -> str:
    """The text in one line of Markdown, in which no character has a meaning."""
    return re.sub(r"([\\`*_\[\]<>&|~$])", r"\\\1", " ".join(text.split()))


# So many standard errors are not exceeded by chance: in the worst case, once in two
# million samples.
CERTAIN = 5
TO_HORIZON, TO_LONGEST = "to the horizon", "to the longest episode of the batch"


@dataclass(frozen=True)
class Row:
    """How far the mean gradient E[g] is from grad J, for one N and one padding.

    Attributes:
        num_trajectories: N, trajectories in a batch.
        padding: "to the horizon", or "to the longest episode of the batch" as in
            `train`.
        relative_error: ||E[g] - grad J|| / ||grad J||.
        cosine: of the angle between both; 0 where E[g] is 0.
        scale: length of E[g] along grad J, in units of ||grad J||.
        standard_error: of relative_error; 0 where all batches were listed.
        missed: how many trajectories were in none of the batches.
    """

    num_trajectories: int
    padding: str
    relative_error: float
    cosine: float
    scale: float
    standard_error: float
    missed: int

    def __str__(self) -> str:
        """Error, with its standard error, and cosine."""
        error = f"{100 * self.relative_error:.3g} %"
        if self.standard_error > 0:
            error += f" (standard error {100 * self.standard_error:.2g} %)"
        return f"error {error}, cosine {self.cosine:.4f}"


@dataclass(frozen=True, repr=False, eq=False)
class Diagnosis:
    """A loss held against the gradient of J.

    With g minus the gradient of the loss, which gradient descent adds to theta, and
    E[g] its mean over all batches of N trajectories that the policy samples. Where the
    loss could not be examined, the verdict says why, the relative error is infinite,
    and the other numbers are NaN.

    Attributes:
        verdict: what was found, in a few sentences.
        answer: "unbiased", "biased", or "cannot tell" where a sample is too small, or
            the loss draws random numbers; "fails" where there is no gradient to judge.
        cause: the faults that it was recognised by, as one phrase; empty where there
            are none, or none that is known.
        relative_error: ||E[g] - grad J|| / ||grad J||; 0 for a right loss.
        cosine: of the angle between E[g] and grad J; 0 where E[g] is 0.
        scale: length of E[g] along grad J, in units of ||grad J||.
        variance: total variance of g, the mean of ||g - E[g]||^2.
        plain_variance: that of the plain estimator (19) from as many trajectories.
        standard_error: of relative_error, where batches were sampled; 0 where all
            were listed, or the loss was recognised and its mean is known.
        num_trajectories: N, trajectories in a batch.
        examined: how many batches of how many trajectories.
        rows: error and cosine for this N; then with other padding, where that makes a
            difference; then for a larger N, where the loss mixes the trajectories.
        off_policy: what a loss with old log-probabilities does with the ratio.
        worlds: the same in other worlds, where that was asked for.
        not_examined: what the verdict says nothing about.
        expected: E[g], (P,), in the order of policy.parameters().
        gradient: grad J, (P,).
        truth: what is called grad J here, in words: another target may be given.
    """

    verdict: str
    answer: str = "fails"
    cause: str = ""
    relative_error: float = math.inf
    cosine: float = math.nan
    scale: float = math.nan
    variance: float = math.nan
    plain_variance: float = math.nan
    standard_error: float = math.nan
    num_trajectories: int = 0
    examined: str = "nothing"
    rows: tuple[Row, ...] = ()
    off_policy: OffPolicy | None = None
    worlds: Worlds | None = None
    not_examined: tuple[str, ...] = ()
    expected: Tensor = field(default_factory=lambda: torch.empty(0))
    gradient: Tensor = field(default_factory=lambda: torch.empty(0))
    truth: str = "the gradient of J"
    # For the picture: what g and grad J do to pi, (2, S, A); single g in the plane of
    # both with their chances, (M, 3).
    pushes: Tensor = field(default_factory=lambda: torch.empty(0))
    cloud: Tensor = field(default_factory=lambda: torch.empty(0))

    def __str__(self) -> str:
        """Verdict and figures, on lines of their own."""
        return "\n".join(
            [self.verdict, *(f"  {name:16}{value}" for name, value in self._figures())]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th scope='row' style='text-align: left'>{name}</th>"
            f"<td style='text-align: left'>{html.escape(value)}</td></tr>"
            for name, value in self._figures()
        )
        parts = [f"<p><strong>{html.escape(self.verdict)}</strong></p>"]
        if rows:
            parts.append(f"<table>{rows}</table>")
        if self.pushes.numel() and find_spec("matplotlib"):
            parts.append(as_html(self.pushes, self.cloud, self.truth))
        return "".join(parts)

    def to_markdown(self) -> str:
        """Verdict, and a table of the figures, as for the summary of a CI job."""
        parts = [f"**{_escaped(self.verdict)}**"]
        if figures := self._figures():
            rows = [f"| {name} | {_escaped(value)} |" for name, value in figures]
            parts.append("\n".join(["| figure | value |", "|---|---|", *rows]))
        return "\n\n".join(parts)

    @property
    def unbiased(self) -> bool:
        """Whether E[g] is grad J, within the tolerance and beyond doubt."""
        return self.answer == "unbiased"

    @property
    def alt(self) -> str:
        """The picture in words; empty where there is none."""
        return in_words(self.pushes, self.truth) if self.pushes.numel() else ""

    def draw(self, figure: Figure) -> None:
        """Draw what the loss does to the policy, and how noisily.

        Args:
            figure: an empty matplotlib Figure.

        Raises:
            ValueError: the loss could not be examined.
        """
        if not self.pushes.numel():
            raise ValueError(
                "diagnosis: expected one with a gradient to draw, got the verdict: "
                f"{self.verdict}"
            )
        draw(figure, self.pushes, self.cloud, self.truth)

    def answer_up_to_scale(self, tolerance: float) -> str:
        """The answer if only the direction counts: in each world, with each padding.

        Args:
            tolerance: largest error that is left when the length is mended, the sine of
                the angle between E[g] and grad J.
        """
        if self.answer not in ("biased", "cannot tell") or not self.rows:
            return self.answer
        answer, least = "unbiased", math.sqrt(1 - tolerance**2) - 1e-12
        if self.off_policy is not None:
            answer = self.off_policy.answer(tolerance, up_to_scale=True)
        if answer == "biased":
            return answer
        if self.worlds and self.worlds.cosine.min() < least:
            return "biased"
        for row in self.rows:
            if row.num_trajectories != self.num_trajectories:
                continue
            across = math.sqrt(max(0.0, 1 - row.cosine**2))
            doubt = CERTAIN * row.standard_error / max(abs(row.scale), 1e-300)
            if row.cosine <= 0 or across - doubt > tolerance:
                return "biased"
            if across + doubt > tolerance or row.missed:
                answer = "cannot tell"
        return answer

    def to_dict(self) -> dict[str, Any]:
        """All that was found but the picture, in numbers, texts and lists, as for JSON.

        A number that is not finite is None.
        """
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("pushes", "cloud"):
            del found[name]
        found["unbiased"] = self.unbiased
        return {name: _plain(value) for name, value in found.items()}

    def with_worlds(self, worlds: Worlds, tolerance: float) -> Diagnosis:
        """The same, after the loss was examined in other worlds too."""
        doubt, answer = CERTAIN * worlds.standard_error, self.answer
        if answer == "unbiased" and (worlds.relative_error + doubt > tolerance).any():
            answer = "cannot tell"
        if answer in ("unbiased", "cannot tell"):
            biased = (worlds.relative_error - doubt > tolerance).any()
            answer = "biased" if biased else answer
        return replace(
            self,
            verdict=f"{self.verdict} {worlds}",
            answer=answer,
            worlds=worlds,
            not_examined=self.not_examined[1:],
        )

    def _figures(self) -> list[tuple[str, str]]:
        if math.isinf(self.relative_error):
            return []
        error = f"{100 * self.relative_error:.1f} % of {self.truth}"
        if self.standard_error > 0:
            error += f" (standard error {100 * self.standard_error:.2g} %)"
        figures = [
            ("examined", self.examined),
            ("error", error),
            ("cosine", f"{self.cosine:.4f}"),
            ("length", f"{self.scale + 0:.3f} along {self.truth}"),
            ("variance", f"{self.variance:.3g} (plain: {self.plain_variance:.3g})"),
        ]
        for row in self.rows[1:]:
            cut = row.padding == TO_LONGEST
            name = "cut to longest" if cut else f"N = {row.num_trajectories}"
            figures.append((name, str(row)))
        if self.not_examined:
            figures.append(("not examined", "; ".join(self.not_examined)))
        return figures
