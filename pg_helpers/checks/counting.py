"""The exercise on how many trajectories there are."""

from __future__ import annotations

from pg_helpers.checks.core import Check, Mistake
from pg_helpers.checks.observers import Case

number_of_trajectories = Check(
    name="number_of_trajectories",
    right=lambda S, A, T: S * (A * S) ** T,
    cases=[
        Case("2 states, 3 actions and a horizon of 1", (2, 3, 1)),
        Case("3 states, 2 actions and a horizon of 2", (3, 2, 2)),
        Case("2 states, 5 actions and a horizon of 4", (2, 5, 4)),
    ],
    mistakes=[
        Mistake(
            "only the actions are counted. After each action the world answers with "
            "one of S states, and a different answer is a different trajectory.",
            lambda S, A, T: A**T,
            lambda S, A, T: S * A**T,
        ),
        Mistake(
            "only the states are counted. Two trajectories through the same states "
            "with different actions are two.",
            lambda S, A, T: S ** (T + 1),
            lambda S, A, T: S**T,
        ),
        Mistake(
            "the start is forgotten: before the first step there are already S states "
            "to begin in. Your number is S times too small.",
            lambda S, A, T: (A * S) ** T,
        ),
        Mistake(
            "that is one step too few. A horizon of T means T actions, and a state "
            "after each of them.",
            lambda S, A, T: S * (A * S) ** (T - 1),
        ),
        Mistake(
            "that is one action too many. There are T + 1 states but only T actions: "
            "nobody acts in the last state.",
            lambda S, A, T: S * (A * S) ** (T + 1),
            lambda S, A, T: (A * S) ** (T + 1),
        ),
        Mistake(
            "the steps are multiplied by their number, where their choices multiply "
            "each other. Each step has all its choices again, whatever came before: "
            "the number grows exponentially with the horizon, not in proportion.",
            lambda S, A, T: S * A * T,
            lambda S, A, T: S * (A * S) * T,
            lambda S, A, T: S * A * S * T + S,
        ),
        Mistake(
            "the choices of a step are added. One action and one next state are "
            "chosen one after the other, so their numbers multiply.",
            lambda S, A, T: S * (A + S) ** T,
            lambda S, A, T: (A + S) ** T,
        ),
    ],
    expected="The result is one whole number: all choices on the way multiply.",
    where="the text of Exercise 3.3, and section 3.5.",
    shows=(
        "with 10 states, 4 actions and a horizon of 10 that makes about 10 to the "
        "power 17, and each further step makes it 40 times as many. The states stand "
        "in it once more than the actions, so doubling them does more harm."
    ),
)
