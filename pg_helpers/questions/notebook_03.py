"""Notebook 03: why can't I just call backward on the average return?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=3,
    file="03_why_the_gradient_is_hard",
    title="Why the gradient is hard",
    exercises=(
        "gradient_by_enumeration",
        "finite_difference",
        "number_of_trajectories",
    ),
    predictions=(),
    self_test=(),
)
