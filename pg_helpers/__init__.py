"""Policy gradients by experiment: the functions that the notebooks import.

Nothing is claimed that is not run, and nothing is run that is not checked against the
truth: on a finite world `exact` lists every trajectory.
"""

from pg_helpers import checks, clinic, exact
from pg_helpers.animation import animate, strip, watch
from pg_helpers.arguments import NotFiniteError
from pg_helpers.cartpole import CartPoleVectorEnv
from pg_helpers.checkpoints import load_checkpoint
from pg_helpers.controls import Choice, LogSlider, Slider, Toggle
from pg_helpers.dashboard import TrainingDashboard
from pg_helpers.display import Picture, show
from pg_helpers.envs import TabularEnv, TabularVectorEnv
from pg_helpers.explorer import Explorer
from pg_helpers.losses import pseudo_loss
from pg_helpers.mdp import TabularMDP
from pg_helpers.policies import GaussianPolicy, MLPPolicy, TabularPolicy, policy_for
from pg_helpers.questions import (
    forget_progress,
    predict,
    resolve,
    self_test,
    show_progress,
)
from pg_helpers.returns import rewards_to_go, subtract_batch_mean, total_return
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
    two_armed_bandit,
)

__version__ = "0.1.0"

__all__ = [
    "CartPoleVectorEnv",
    "Choice",
    "Explorer",
    "GaussianPolicy",
    "History",
    "LogSlider",
    "MLPPolicy",
    "NotFiniteError",
    "Picture",
    "Slider",
    "TabularEnv",
    "TabularMDP",
    "TabularPolicy",
    "TabularVectorEnv",
    "Toggle",
    "TrainConfig",
    "TrainingDashboard",
    "TrainingStoppedError",
    "Trajectories",
    "Update",
    "animate",
    "checks",
    "clinic",
    "corridor",
    "exact",
    "forget_progress",
    "grid_world",
    "hill",
    "iterate_training",
    "load_checkpoint",
    "policy_for",
    "predict",
    "pseudo_loss",
    "random_mdp",
    "resolve",
    "rewards_to_go",
    "sample_trajectories",
    "sample_trajectory",
    "self_test",
    "show",
    "show_progress",
    "strip",
    "subtract_batch_mean",
    "total_return",
    "train",
    "two_armed_bandit",
    "watch",
]
