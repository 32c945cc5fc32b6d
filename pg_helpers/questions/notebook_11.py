"""Notebook 11: how much faster can the same gradient be estimated?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=11,
    file="11_variance_reduction",
    title="Variance reduction",
    exercises=(
        "discounted_rewards_to_go",
        "best_constant_baseline",
        "leave_one_out",
    ),
    predictions=(),
    self_test=(),
)
