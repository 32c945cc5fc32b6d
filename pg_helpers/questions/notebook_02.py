"""Notebook 02: what exactly is being maximised?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=2,
    file="02_the_objective",
    title="The objective",
    exercises=(
        "discount_weights",
        "expected_return",
        "estimate_with_error",
    ),
    predictions=(),
    self_test=(),
)
