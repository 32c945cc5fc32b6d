"""Policy gradients by experiment: the mathematics, the trainer and the loss clinic.

Nothing is claimed that is not run, and nothing is run that is not checked against the
truth: on a finite world `exact` lists every trajectory.
"""

import sys
from importlib import import_module
from typing import Any

try:
    from pg_helpers import exact
    from pg_helpers.cartpole import CartPoleVectorEnv
    from pg_helpers.checkpoints import load_checkpoint
    from pg_helpers.envs import TabularEnv, TabularVectorEnv
    from pg_helpers.losses import pseudo_loss
    from pg_helpers.masks import MaskedPolicy, MaskInObservation
    from pg_helpers.mdp import TabularMDP
    from pg_helpers.models import from_gymnasium
    from pg_helpers.policies import GaussianPolicy, MLPPolicy, TabularPolicy, policy_for
    from pg_helpers.require import NotFiniteError
    from pg_helpers.returns import (
        gae,
        rewards_to_go,
        subtract_batch_mean,
        total_return,
    )
    from pg_helpers.rollout import Trajectories, sample_trajectories, sample_trajectory
    from pg_helpers.runs import History, TrainConfig
    from pg_helpers.training import (
        TrainingStoppedError,
        Update,
        iterate_training,
        train,
    )
    from pg_helpers.worlds import (
        corridor,
        grid_world,
        hill,
        random_mdp,
        tokens,
        two_armed_bandit,
    )
except (ImportError, OSError) as error:
    if (getattr(error, "name", None) or "").startswith("pg_helpers"):
        raise
    # `python -m pg_helpers.doctor` passes here, and then says more.
    if "pg_helpers.doctor" not in sys.orig_argv:
        raise ImportError(
            f"{error}\n\nWhat is wrong with this installation, and how to fix it, says "
            f"this command:\n{sys.executable} -m pg_helpers.doctor"
        ) from error

__version__ = "0.1.0"

__all__ = [
    "CartPoleVectorEnv",
    "GaussianPolicy",
    "History",
    "MLPPolicy",
    "MaskInObservation",
    "MaskedPolicy",
    "NotFiniteError",
    "TabularEnv",
    "TabularMDP",
    "TabularPolicy",
    "TabularVectorEnv",
    "TrainConfig",
    "TrainingStoppedError",
    "Trajectories",
    "Update",
    "clinic",
    "corridor",
    "exact",
    "from_gymnasium",
    "gae",
    "grid_world",
    "hill",
    "iterate_training",
    "load_checkpoint",
    "policy_for",
    "pseudo_loss",
    "random_mdp",
    "rewards_to_go",
    "sample_trajectories",
    "sample_trajectory",
    "subtract_batch_mean",
    "tokens",
    "total_return",
    "train",
    "two_armed_bandit",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Import the clinic at its first use."""
    if name == "clinic":
        return import_module("pg_helpers.clinic")
    raise AttributeError(
        f"module 'pg_helpers' has no attribute {name!r}; what teaches (predict, "
        "Explorer, figures, ...) is in pg_course"
    )
