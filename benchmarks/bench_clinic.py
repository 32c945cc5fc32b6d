"""How many batches a second a loss is asked about, mapped and one by one."""

import torch
from reporting import by_turns, significant, table

import pg_helpers as pg
from pg_helpers.binder import BoundLoss
from pg_helpers.clinic.batches import sampled_batches
from pg_helpers.clinic.case import Case
from pg_helpers.clinic.measure import ONE_BY_ONE, Asker
from pg_helpers.execution import one_thread

ROUNDS = 5
MANY, FEW = 50_000, 300


def grpo(log_probs, rewards, mask):
    """Returns whitened over the batch, a clipped ratio, each text's mean."""
    scores = rewards.sum(1)
    advantages = ((scores - scores.mean()) / (scores.std() + 1e-6))[:, None]
    ratio = (log_probs - log_probs.detach()).exp()
    clipped = ratio.clamp(0.8, 1.2)
    terms = -torch.min(ratio * advantages, clipped * advantages) * mask
    return (terms.sum(1) / mask.sum(1)).mean()


def main() -> str:
    """Measure everything and return Markdown."""
    world = pg.clinic.standard_world()
    case = Case(world, pg.clinic.standard_policy(world), pg.clinic.GAMMA)
    rows = []
    for N in (2, 4, 8):
        mapped, loop = (Asker(BoundLoss(grpo), case) for _ in range(2))
        loop.way = ONE_BY_ONE
        many = sampled_batches(case.law, N, MANY, 0).index
        few = many[:FEW]
        gap = (mapped(few) - loop(few)).norm() / loop(few).norm()
        assert gap < 1e-12, "the two gradients differ"
        actions = {
            "mapped": lambda asker=mapped, index=many: asker(index),
            "loop": lambda asker=loop, index=few: asker(index),
            "whole": lambda N=N: pg.clinic.examine(grpo, num_trajectories=N),
        }
        with one_thread():
            seconds = by_turns(actions, ROUNDS)
        fast, slow = MANY / seconds["mapped"], FEW / seconds["loop"]
        found = pg.clinic.examine(grpo, num_trajectories=N)
        rows.append(
            (
                N,
                significant(fast / slow),
                f"{fast:,.0f}",
                f"{slow:,.0f}",
                found.examined,
                significant(seconds["whole"]),
                f"{found.relative_error:.1%} ± {found.standard_error:.2g}",
            )
        )
    head = (
        "N",
        "mapped / one by one",
        "mapped, batches a second",
        "one by one",
        "a whole examination",
        "s",
        "error and its standard error",
    )
    return f"""## The clinic: a GRPO-like loss on batches of N trajectories

On the standard world, whose 31 trajectories last one to four steps; medians of
{ROUNDS} rounds by turns, processor time on one core. Both ways give the same gradients
(checked). A whole examination also measures another N, tries the other padding and
looks for a cause.

{table(head, rows)}
"""


if __name__ == "__main__":
    print(main())
