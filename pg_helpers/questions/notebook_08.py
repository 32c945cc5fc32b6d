"""Notebook 08: why is the loss not a loss, and why is cross-entropy right?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=8,
    file="08_the_pseudo_loss",
    title="The pseudo-loss",
    exercises=(
        "loss_from_logits",
        "all_action_loss",
        "ratio_loss",
    ),
    predictions=(),
    self_test=(),
)
