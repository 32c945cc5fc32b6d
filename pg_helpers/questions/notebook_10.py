"""Notebook 10: where does exploration come from, and where does it go?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=10,
    file="10_exploration",
    title="Exploration",
    exercises=(
        "effective_actions",
        "epsilon_greedy",
        "loss_with_entropy",
    ),
    predictions=(),
    self_test=(),
)
