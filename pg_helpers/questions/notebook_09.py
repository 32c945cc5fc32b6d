"""Notebook 09: does it learn?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=9,
    file="09_training",
    title="Training",
    exercises=(
        "total_return",
        "loss",
        "update",
    ),
    predictions=(),
    self_test=(),
)
