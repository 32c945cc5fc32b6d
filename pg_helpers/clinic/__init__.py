"""Is this loss right? Any loss, compared with the exact gradient of J."""

from pg_helpers.clinic.by_hand import batch, from_backward
from pg_helpers.clinic.diagnosis import Diagnosis
from pg_helpers.clinic.examination import check, examine
from pg_helpers.clinic.standard import (
    GAMMA,
    near_tie_world,
    standard_policy,
    standard_world,
)

__all__ = [
    "GAMMA",
    "Diagnosis",
    "batch",
    "check",
    "examine",
    "from_backward",
    "near_tie_world",
    "standard_policy",
    "standard_world",
]
