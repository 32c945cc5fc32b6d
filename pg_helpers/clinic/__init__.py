"""Is this loss right? Any loss, compared with the exact gradient of J."""

from pg_helpers.clinic.by_hand import batch, from_backward
from pg_helpers.clinic.diagnosis import Diagnosis
from pg_helpers.clinic.examination import check, examine
from pg_helpers.clinic.forms import cispo, dual_clip, gspo, ppo_clip, surrogate
from pg_helpers.clinic.standard import (
    GAMMA,
    near_tie_world,
    standard_policy,
    standard_world,
)
from pg_helpers.clinic.targets import entropy_regularised, kl_regularised

__all__ = [
    "GAMMA",
    "Diagnosis",
    "batch",
    "check",
    "cispo",
    "dual_clip",
    "entropy_regularised",
    "examine",
    "from_backward",
    "gspo",
    "kl_regularised",
    "near_tie_world",
    "ppo_clip",
    "standard_policy",
    "standard_world",
    "surrogate",
]
