"""Notebook 07: how does a network become a policy?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=7,
    file="07_the_policy_network",
    title="The policy network",
    exercises=(
        "stable_softmax",
        "entropy_of_logits",
        "gaussian_log_prob",
    ),
    predictions=(),
    self_test=(),
)
