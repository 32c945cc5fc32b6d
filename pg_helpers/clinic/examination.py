"""The examination: a loss is asked about every batch, and its mean gradient judged."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pg_helpers.binder import SEQUENCE, BoundLoss, Loss
from pg_helpers.clinic.answers import (
    SHARE,
    Answers,
    answers,
    by_singles,
    couples,
    depends_on_padding,
    mixes,
)
from pg_helpers.clinic.batches import MOST_TRAJECTORIES
from pg_helpers.clinic.case import LISTED, Advantages, Case, cosine
from pg_helpers.clinic.causes import Cause, cause_of, with_exact_mean
from pg_helpers.clinic.diagnosis import (
    CERTAIN,
    TO_HORIZON,
    TO_LONGEST,
    Diagnosis,
    Row,
)
from pg_helpers.clinic.forms import Form
from pg_helpers.clinic.measure import Asker, FaultError
from pg_helpers.clinic.off_policy import OffPolicy, off_policy
from pg_helpers.clinic.standard import GAMMA, world_and_policy
from pg_helpers.clinic.targets import Regularised, Target
from pg_helpers.clinic.untouched import untouched
from pg_helpers.clinic.words import Findings, verdict
from pg_helpers.clinic.worlds import over_worlds
from pg_helpers.execution import one_thread
from pg_helpers.mdp import TabularMDP
from pg_helpers.require import check_count, check_fraction, require
from pg_helpers.returns import total_return

# The picture shows as many single gradients, the likeliest, and is turned so that as
# many scatter widely in it.
_DRAWN, _SPREAD = 300, 5000
MOST_WORLDS = 1000
_WORST = ("biased", "fails", "cannot tell", "unbiased")
# A loss that draws random numbers is asked twice about as many batches.
_REPEATED = 300


def examine(
    loss: Loss,
    *,
    mdp: TabularMDP | None = None,
    policy: nn.Module | None = None,
    gamma: float = GAMMA,
    num_trajectories: int | None = None,
    groups: tuple[int, int] | None = None,
    target: Target | None = None,
    tolerance: float | None = None,
    parameters: Iterable[Tensor] | None = None,
    advantages: Advantages = "total",
    behaviour: nn.Module | None = None,
    reference: nn.Module | None = None,
    form: str = "padded",
    worlds: int | None = None,
    seed: int = 0,
) -> Diagnosis:
    """Compare the mean gradient of a loss with the gradient of J, exactly.

    The loss is asked for its gradient on every batch of N trajectories that the policy
    can sample, and these gradients are averaged, each weighted by its probability. In
    the standard world that is done for N up to 5 (two, if the loss cannot be mapped
    over batches by `torch.func.vmap`). For larger N some batches are sampled, and the
    diagnosis has standard errors, unless the loss is recognised and its mean known.
    So it has in a world with too many trajectories to be listed, such as FrozenLake:
    some thousands of them are drawn, half of these so that rare rewards are seen, and
    the gradient of J is computed by dynamic programming.

    There are three answers: unbiased, biased, and "cannot tell", where the sample is
    too small for the tolerance. The answer is "unbiased" only if it is so with both
    paddings: to the world's horizon and, as in `train`, to the longest episode of each
    batch.

    A loss takes one of two forms, in any order by these names, or in this order by
    others; it may be an nn.Module with such a `forward`:

    - `loss(log_probs, rewards, mask)`, each (N, T), T the padded length. Padded steps
      hold state 0, action 0 and reward 0: their log-probability is a number with
      a gradient like any other, as in `train`, so that a missing mask shows.
      Other names are in `pg_helpers.binder.NAMES`, among them `advantages` and
      `old_log_probs`; what trl, verl and CleanRL call them is understood too. A loss
      with old log-probabilities is also asked about trajectories of another policy.
    - `loss(batch, policy)`, batch a `pg.Trajectories` padded in the same way: for
      losses with baselines, ratios or values. Only the gradient by the parameters of
      the policy counts.

    Known causes are recognised by comparing the loss with some 2500 recipes, right and
    wrong ones, on up to 300 batches, also if a baseline that does not depend on the
    action or an entropy bonus stands beside them.

    Args:
        loss: what gradient descent is to minimise. What it raises becomes a verdict.
        mdp: the world; `standard_world()` by default.
        policy: a Categorical over its actions; `standard_policy(mdp)` by default. Use
            float64: in float32 a bias below 0.01 % cannot be told from rounding.
        gamma: discount of J, in [0, 1]; it must be that of the loss.
        num_trajectories: N, from 1 to 1000. By default 1, or 2 if the loss mixes the
            trajectories of a batch, so that pairs give more than the mean of two.
        groups: (P, G), P prompts with G trajectories each, as for GRPO: batches of P G
            trajectories, of which every G in a row start in the same state. The start
            of each group is drawn from the world's.
        target: what the loss is held against instead of J: the exact objective as a
            function of (mdp, policy, gamma) that returns a scalar with a graph;
            `entropy_regularised` or `kl_regularised`; a flat (P,) gradient; or, for the
            trajectories of another policy, `surrogate`, `ppo_clip`, `dual_clip`,
            `cispo` or `gspo`.
        tolerance: largest relative error that counts as unbiased, in [0, 1]; by default
            what rounding explains, 1e-6 in float64 and 1e-4 in float32.
        parameters: those of the policy's that count, such as the actor's where a critic
            is part of the same module; all by default.
        advantages: what a loss is given that asks for `advantages`: "total", R(tau) for
            each step; "rtg", the reward-to-go G_t; "group", R(tau) minus the mean of
            the group, or of the batch where there are no groups; "group_std", that
            divided by the spread plus 1e-4; "gae", by `pg.gae` with the true V and
            lambda 0.95; or a function of a `pg.Trajectories` that returns (N, T) or
            (N,).
        behaviour: the policy whose trajectories a loss with old log-probabilities is
            asked about too; by default one that is so far away that ratios lie beyond
            the usual bounds on both sides.
        reference: what gives `ref_log_probs`; by default the policy with its logits
            moved at random.
        form: "padded", (N, T); "flat", the steps of all trajectories one after another,
            (M,), as for every loss that asks for `dones` or `episode`; or "sequence":
            rewards, returns, advantages and values are (N,).
        worlds: in so many random worlds it is examined too, from 1 to 1000.
        seed: of drawn trajectories, of sampled batches, and of the random state that
            the loss finds.

    Returns:
        The diagnosis; its verdict says what was found.

    Raises:
        TypeError: loss is not a function of such arguments, or another argument is of
            the wrong kind.
        ValueError: a number is out of range, the world does not fit the policy, or has
            too many trajectories to be listed for this target, behaviour or groups; the
            policy's answers depend on more than the present observation, a parameter is
            not the policy's, the target has another shape, or the gradient to be held
            against is zero or beyond comparison.
    """
    bound = BoundLoss(loss, form)
    gamma = check_fraction("gamma", gamma)
    if num_trajectories is not None:
        most = MOST_TRAJECTORIES
        num_trajectories = check_count("num_trajectories", num_trajectories, 1, most)
    if groups is not None:
        require(
            num_trajectories is None, "groups", "no num_trajectories beside", groups
        )
        groups = _checked_groups(groups)
        num_trajectories = groups[0] * groups[1]
    if tolerance is not None:
        tolerance = check_fraction("tolerance", tolerance)
    if worlds is not None:
        worlds = check_count("worlds", worlds, at_most=MOST_WORLDS)
        alone = mdp is policy is parameters is behaviour is reference is None
        alone = alone and not isinstance(target, Tensor)
        expected = "no mdp, policy, parameters or gradient: each world has its own"
        require(alone, "worlds", expected, worlds)
    seed = check_count("seed", seed, at_least=0, at_most=2**63 - 1)
    mdp, policy = world_and_policy(mdp, policy)
    for name, other in (("behaviour", behaviour), ("reference", reference)):
        is_module = other is None or isinstance(other, nn.Module)
        require(is_module, name, "a Module", other, TypeError)
    if isinstance(target, Regularised) and target.reference is not None:
        one = reference in (None, target.reference)
        require(one, "reference", "that of the target", reference)
        reference = target.reference
    one_each = form != SEQUENCE or advantages != "gae"
    require(one_each, "advantages", "one number for each sequence", advantages)
    off = behaviour is not None or isinstance(target, Form)
    fits = not off or "old_log_probs" in bound.asks
    name = "target" if behaviour is None else "behaviour"
    require(fits, name, "a loss that asks for old_log_probs", sorted(bound.asks))
    grads = torch.inference_mode(False), torch.enable_grad()
    with (
        grads[0],
        grads[1],
        one_thread(),
        untouched(policy, loss, behaviour, reference),
    ):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        options: dict[str, Any] = {
            "target": target,
            "advantages": advantages,
            "groups": groups,
        }
        own: dict[str, Any] = {
            "parameters": parameters,
            "reference": reference,
            "seed": seed,
        }
        case = Case(mdp, policy, gamma, **own, **options)
        listed = behaviour is None or case.drawn is None
        require(listed, "mdp", LISTED.format("behaviour"), mdp)
        old = None if behaviour is None else case.table("behaviour", mdp, behaviour)
        if old is not None:
            least = float(old.exp()[case.pi > 0].min())
            expected = "some chance for each action that the policy may take"
            require(least > 0, "behaviour", expected, least)
        examination = _Examination(Asker(bound, case), seed, tolerance, old)
        try:
            found = examination.diagnosis(num_trajectories)
            if worlds is not None:
                N, recognised = examination.asked_about, examination.recognised
                spread = over_worlds(bound, gamma, N, worlds, recognised, **options)
                found = found.with_worlds(spread, examination.tolerance)
            return found
        except FaultError as fault:
            answer = "cannot tell" if fault.undecided else "fails"
            return Diagnosis(str(fault), answer=answer)


def check(
    loss: Loss,
    *,
    up_to_scale: bool = False,
    tolerance: float | None = None,
    **options: Any,
) -> Diagnosis:
    """Examine a loss in a test, and raise an AssertionError unless it is right.

    Args:
        loss: as for `examine`.
        up_to_scale: whether any length will do, if the direction is right.
        tolerance: as for `examine`; with `up_to_scale` that of the direction, 1e-6 by
            default.
        **options: the other arguments of `examine`.

    Returns:
        The diagnosis.

    Raises:
        AssertionError: the answer is not "unbiased"; its message is the diagnosis.
        TypeError, ValueError: as for `examine`.
    """
    is_bool = isinstance(up_to_scale, bool)
    require(is_bool, "up_to_scale", "True or False", up_to_scale, TypeError)
    found = examine(loss, tolerance=tolerance, **options)
    answer = found.answer
    if up_to_scale:
        answer = found.answer_up_to_scale(1e-6 if tolerance is None else tolerance)
    if answer != "unbiased":
        raise AssertionError(str(found))
    return found


def _checked_groups(groups: Any) -> tuple[int, int]:
    is_pair = isinstance(groups, tuple | list) and len(groups) == 2
    require(is_pair, "groups", "(P, G)", groups, TypeError)
    P, G = (check_count("groups", number) for number in groups)
    require(P * G <= MOST_TRAJECTORIES, "groups", "a smaller batch", (P, G))
    return P, G


class _Examination:
    """What is asked of one loss in one case, and how it is judged."""

    def __init__(
        self,
        asker: Asker,
        seed: int,
        tolerance: float | None,
        behaviour: Tensor | None,
    ) -> None:
        self._asker, self._case, self._seed = asker, asker.case, seed
        self._behaviour = behaviour
        self.tolerance = max(asker.case.rounding, tolerance or 0.0)
        self.recognised: Cause | None = None

    def diagnosis(self, num_trajectories: int | None) -> Diagnosis:
        """Ask the loss, compare and judge."""
        case = self._case
        for N in [num_trajectories] if num_trajectories else [2, 1]:
            try:
                self._check_repeats(N)
                break
            except FaultError as fault:  # if it cannot be asked, that shows below
                if fault.undecided:
                    raise
        mixing = self._mixing(num_trajectories)
        many = num_trajectories or (2 if mixing else 1)
        N = many if couples(self._asker, many, self._seed) else case.law.sizes(many)[1]
        self.asked_about, self._times = N, many // N
        asked = answers(self._asker, N, self._seed)
        pairs = answers(self._asker, 2, self._seed) if N == 1 and mixing else None
        if pairs and pairs.found.any() and not asked.found.any():
            raise FaultError(
                "Zero for every single trajectory, but not for two: the loss compares "
                "the trajectories of a batch. Examine it with num_trajectories=2."
            )
        # Of a loss that mixes them, single trajectories do not tell all causes apart.
        of = pairs or asked
        asks = self._asker.loss.asks
        self.recognised = cause_of(of.found, case, of.batches.index, asks)
        asked = with_exact_mean(asked, self.recognised, case)
        if asked.batches.sampled and mixing is False and case.drawn is None:
            asked = by_singles(asked, self._asker, self._seed)
        row = self._row(asked)
        cut, failure = self._cut(asked)
        summed = of.batches.num_trajectories if mixing is not False else 1
        because = self._because(summed, bool(cut), row.relative_error)
        larger, not_examined = self._larger(asked, mixing)
        off = self._off_policy(N, not_examined)
        on_policy = self._answer([row, *cut], failure)
        off_answer = off.answer(self.tolerance) if off else "unbiased"
        truth, length = case.truth, float(case.truth.norm())
        expected, uncertain = asked.expected, CERTAIN * row.standard_error
        findings = Findings(
            relative_error=row.relative_error,
            cosine=row.cosine,
            scale=row.scale,
            variance=asked.variance / self._times,
            plain_variance=case.plain_variance(many),
            standard_error=row.standard_error,
            answer=min(on_policy, off_answer, key=_WORST.index),
            cause=because,
            pushes=torch.stack([case.push(step) for step in (expected, truth)]),
        )
        close = max(case.rounding, uncertain) * length
        across = expected - row.scale * truth
        words = verdict(
            findings,
            zero=float(expected.norm()) <= close,
            straight=float(across.norm()) <= close,
            truth=case.name,
            exact=case.rounding,
            here=self._answer([row], ""),
            tolerance=self.tolerance,
            others=[r for r in (*cut, *larger) if _differ(r, row)],
            failure=failure,
            missed=asked.missed,
            off_fault=off_answer != on_policy == "unbiased",
        )
        if off is not None and off.fault:
            because = ", and ".join(filter(None, [because, off.form]))
        examined = asked.batches.in_words
        if many != (num_trajectories or 1):
            examined += " (chosen because the loss mixes the trajectories of a batch)"
        if self._times > 1:
            examined += " (each batch gives the mean over its groups)"
        return Diagnosis(
            f"{words} {off}" if off else words,
            **findings._asdict() | {"cause": because},
            num_trajectories=many,
            examined=examined,
            rows=(row, *cut, *larger),
            off_policy=off,
            not_examined=tuple(not_examined),
            expected=expected,
            gradient=truth,
            truth=case.name,
            cloud=_cloud(asked.found, expected, truth, asked.batches.chance),
        )

    def _because(self, summed: int, padded: bool, error: float) -> str:
        """The cause in words; empty where none is known.

        Args:
            summed: number of trajectories that a loss may have summed over.
            padded: whether padding makes a difference.
            error: relative error of the mean.
        """
        case, cause = self._case, self.recognised
        # A baseline is no fault.
        if cause is None or error <= case.rounding and not cause.alone:
            return ""
        words = cause.in_words(summed, case.horizon if padded else 1)
        if case.groups is not None and self.asked_about == case.groups[1]:
            words = words.replace("over the batch", "over the group")
        return words

    def _off_policy(self, N: int, not_examined: list[str]) -> OffPolicy | None:
        """What a loss with old log-probabilities does on another's trajectories."""
        if "old_log_probs" not in self._asker.loss.asks:
            return None
        form = self._case.form
        if self._case.drawn is not None:
            not_examined.append("trajectories of another policy")
            return None
        try:
            return off_policy(
                self._asker, N, self._seed, self.recognised, form, self._behaviour
            )
        except FaultError as fault:
            if form is not None or self._behaviour is not None:
                raise
            not_examined.append(f"trajectories of another policy: {fault}")
            return None

    def _mixing(self, num_trajectories: int | None) -> bool | None:
        """Whether the loss mixes the trajectories of a batch; None where unknown."""
        try:
            return mixes(self._asker, self._seed)
        except FaultError:
            if num_trajectories is None:
                raise
            return None  # it may need batches of another size

    def _check_repeats(self, N: int) -> None:
        """On batches of the least return first: the largest may settle a memory."""
        case, generator = self._case, np.random.default_rng(self._seed)
        returns = total_return(case.every.rewards.cpu().double(), case.gamma).abs()
        least = returns.argsort(stable=True)
        chosen = least[torch.linspace(0, len(least) - 1, 8).long()]
        rest = torch.from_numpy(generator.integers(len(least), size=(_REPEATED, N)))
        rest[: len(chosen), 0] = chosen
        self._asker.check_repeats(rest)

    def _row(self, asked: Answers, padding: str = TO_HORIZON) -> Row:
        """How far the mean gradient is from the truth."""
        expected, truth = asked.expected, self._case.truth
        length = float(truth.norm())
        return Row(
            num_trajectories=asked.batches.num_trajectories * self._times,
            padding=padding,
            relative_error=float((expected - truth).norm()) / length,
            cosine=cosine(expected, truth),
            scale=float(expected @ truth) / length**2,
            standard_error=asked.uncertain / length,
            missed=asked.missed,
        )

    def _cut(self, asked: Answers) -> tuple[list[Row], str]:
        """The row for batches that are cut to their longest episode, or a failure.

        There is no row where that makes no difference.
        """
        N = asked.batches.num_trajectories
        try:
            if not depends_on_padding(self._asker, asked, self._seed):
                return [], ""
            cut = answers(self._asker, N, self._seed, cut=True)
            cut = with_exact_mean(cut, self.recognised, self._case)
        except FaultError as fault:
            return [], str(fault)
        return [self._row(cut, TO_LONGEST)], ""

    def _larger(
        self, asked: Answers, mixing: bool | None
    ) -> tuple[list[Row], list[str]]:
        """The row for a larger N, if that may differ; and what is not looked at."""
        rows, missing = [], ["other worlds and policies"]
        if self._case.drawn is not None:
            missing.append("trajectories that were not drawn")
        if self._case.every.mask.all():
            missing.append("padding: every episode has the same length")
        asker = self._asker
        if "old_log_probs" not in asker.loss.asks and asker.holds_ratio(
            asked.batches.index
        ):
            missing.append("ratios other than 1: the policy is the one that sampled")
        N = asked.batches.num_trajectories
        more = 2 if N == 1 else max(4, 2 * N)
        if self._case.groups is not None:
            more = 2 * N
            missing.append("groups of another size")
            if self._times > 1 or not couples(asker, more, self._seed):
                mixing = False  # not those of several groups
        if mixing is not False and more <= MOST_TRAJECTORIES:
            try:
                larger = answers(asker, more, self._seed, share=SHARE)
                rows.append(self._row(larger))
            except FaultError as fault:
                missing.append(f"N = {more}: {fault}")
        return rows, missing

    def _answer(self, rows: list[Row], failure: str) -> str:
        """That of the worst row."""
        most = max(r.relative_error - CERTAIN * r.standard_error for r in rows)
        if most > self.tolerance:
            return "biased"
        if failure:
            return "fails"
        most = max(r.relative_error + CERTAIN * r.standard_error for r in rows)
        missed = any(r.missed for r in rows)
        return "cannot tell" if missed or most > self.tolerance else "unbiased"


def _differ(one: Row, other: Row) -> bool:
    noise = CERTAIN * (one.standard_error + other.standard_error)
    return abs(one.relative_error - other.relative_error) > max(1e-6, noise)


def _cloud(found: Tensor, expected: Tensor, truth: Tensor, chance: Tensor) -> Tensor:
    """Mean, truth and the likeliest gradients in a plane, with chances, (M, 3)."""
    along = truth / truth.norm()
    across = expected - (expected @ along) * along
    likeliest = chance.argsort(descending=True, stable=True)
    if across.norm() <= 1e-6 * truth.norm():
        # No bias to show: the direction in which the gradients scatter most.
        some = likeliest[:_SPREAD]
        rest = found[some] - torch.outer(found[some] @ along, along)
        weighted = chance[some].sqrt()[:, None] * rest
        across = torch.linalg.svd(weighted, full_matrices=False).Vh[0]
    plane = torch.stack([along, across / across.norm().clamp(min=1e-300)], dim=1)
    rows = torch.cat([expected[None], truth[None], found[likeliest[:_DRAWN]]])
    chances = torch.cat([chance.new_ones(2), chance[likeliest[:_DRAWN]]])
    return torch.cat([rows @ plane, chances[:, None]], dim=1)
