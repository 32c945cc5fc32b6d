"""Notebook 05: where did the unknown dynamics go?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=5,
    file="05_trajectory_probability",
    title="The probability of a trajectory",
    exercises=(
        "trajectory_log_prob",
        "trajectory_score",
    ),
    predictions=(),
    self_test=(),
)
