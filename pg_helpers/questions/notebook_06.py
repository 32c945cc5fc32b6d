"""Notebook 06: how well do a few samples point uphill?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=6,
    file="06_the_policy_gradient",
    title="The policy gradient",
    exercises=(
        "exact_gradient",
        "policy_gradient_estimate",
        "share_uphill",
    ),
    predictions=(),
    self_test=(),
)
