"""Notebook 00: what will I be able to build, and does my set-up work?"""

from pg_helpers.questions.core import Contents

CONTENTS = Contents(
    number=0,
    file="00_start_here",
    title="Start here",
    exercises=(),
    predictions=(),
    self_test=(),
)
