"""Notebook 12: is my loss right?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=12,
    file="12_the_loss_clinic",
    title="The loss clinic",
    exercises=(
        "mended_loss",
        "to_go_loss",
        "leave_one_out_loss",
    ),
    predictions=(),
    self_test=(),
)
