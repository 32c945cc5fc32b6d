"""Whether a finite world is a corridor or a grid, read from its moves."""

from __future__ import annotations

import numpy as np

from pg_helpers.mdp import TabularMDP


def is_corridor(mdp: TabularMDP) -> bool:
    """Whether action 0 only steps left, and action 1 right, and the right end pays."""
    return mdp.num_actions == 2 and _moves_between(mdp, [-1, 1], (1, mdp.num_states))


def grid_shape(mdp: TabularMDP) -> tuple[int, int] | None:
    """Rows and columns, where up, right, down and left lead to neighbouring cells."""
    if mdp.num_actions != 4:
        return None
    for columns in range(1, mdp.num_states + 1):
        rows, rest = divmod(mdp.num_states, columns)
        if not rest and _moves_between(
            mdp, [-columns, 1, columns, -1], (rows, columns)
        ):
            return rows, columns
    return None


def _moves_between(mdp: TabularMDP, steps: list[int], shape: tuple[int, int]) -> bool:
    """Whether no action ever leads elsewhere than to a cell beside, or back."""
    cells = np.arange(mdp.num_states)
    rows, columns = np.divmod(cells, shape[1])
    apart = abs(rows[:, None] - rows) + abs(columns[:, None] - columns)
    alive = ~mdp.terminal
    for action, step in enumerate(steps):
        led = (mdp.transition[:, action] > 0) & alive[:, None]
        against = np.eye(mdp.num_states, k=-step, dtype=bool) & (apart == 1)
        if (led & ((apart > 1) | against)).any():
            return False
    return bool(alive.any())
