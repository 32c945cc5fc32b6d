"""Notebook 01: how does learning from rewards differ from fitting data?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=1,
    file="01_gradient_ascent",
    title="Gradient ascent",
    exercises=(
        "ascent_step",
        "minibatch_gradient",
        "bandit_gradient",
    ),
    predictions=(),
    self_test=(),
)
