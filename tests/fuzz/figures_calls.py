"""An honest call of each figure function that a reader calls in a notebook."""

import numpy as np
import torch

import pg_helpers as pg
from pg_course.nb01_gradient_ascent import experiments as experiments_01
from pg_course.nb01_gradient_ascent import figures as figures_01
from pg_course.nb02_the_objective import experiments as experiments_02
from pg_course.nb02_the_objective import figures as figures_02
from pg_course.nb03_why_the_gradient_is_hard import figures as figures_03
from pg_course.nb04_the_log_derivative_trick import experiments as experiments_04
from pg_course.nb04_the_log_derivative_trick import figures as figures_04
from pg_course.nb05_trajectory_probability import experiments as experiments_05
from pg_course.nb05_trajectory_probability import figures as figures_05
from pg_course.nb06_the_policy_gradient import experiments as experiments_06
from pg_course.nb06_the_policy_gradient import figures as figures_06
from pg_course.nb07_the_policy_network import experiments as experiments_07
from pg_course.nb07_the_policy_network import figures as figures_07
from pg_course.nb08_the_pseudo_loss import experiments as experiments_08
from pg_course.nb08_the_pseudo_loss import figures as figures_08
from pg_course.nb10_exploration import experiments as experiments_10
from pg_course.nb10_exploration import figures as figures_10
from pg_course.nb11_variance_reduction import experiments as experiments_11
from pg_course.nb11_variance_reduction import figures as figures_11
from pg_course.nb12_the_loss_clinic import figures as figures_12
from pg_course.shared import crowds
from pg_course.stage import pictures, plots

HILL, CORRIDOR = pg.hill(), pg.corridor(3, horizon=3)
LISTED = pg.exact.trajectories(HILL)
K = len(LISTED.mask)
ROW, ROWS = np.array([0.2, 0.3, 0.5]), np.array([[0.2, 0.3, 0.5], [0.1, 0.9, 0.4]])
ABC, TWO = ["a", "b", "c"], np.array([[0.5, 0.5], [0.3, 0.7], [0.6, 0.4]])
ONES = np.full(K, 1 / K)
PI = torch.full((2, HILL.num_states, 2), 0.5, dtype=torch.float64)
FACTORS = [
    figures_05.Factor("start", "P_0(s)", 0.5),
    figures_05.Factor("policy", "pi", 0.2),
]

# The first is an Axes or a Figure where it is in the list below; no reader changes it.
CALLS = {
    plots.curve: {"values": ROW, "label": "a", "number": 1, "x": [1, 2, 3]},
    plots.spread_band: {
        **{"runs": ROWS, "label": "a", "number": 1, "x": [1, 2, 3]},
        "band": (0.1, 0.9),
    },
    plots.fill_band: {"x": [1, 2, 3], "low": ROW, "high": ROW + 1, "color": "0.5"},
    plots.paired_bars: {
        **{"names": ABC, "first": ROW, "second": ROW},
        "labels": ("a", "b"),
    },
    plots.reference_line: {"height": 0.5, "label": "a"},
    pictures.draw_corridor: {"length": 5, "position": 2, "title": "a"},
    pictures.draw_grid: {"shape": (2, 3), "path": [0, 1], "title": "a"},
    pictures.draw_cartpole: {"observation": [0.1, 0, 0.1, 0], "title": "a"},
    pictures.draw_corridor_policy: {
        **{"probabilities": TWO, "terminal": [False, False, True]},
    },
    pictures.draw_grid_policy: {
        "shape": (1, 2),
        "probabilities": np.full((2, 4), 0.25),
        "terminal": [False, True],
    },
    pictures.draw_cartpole_policy: {
        **{"angles": [-1, 0, 1], "velocities": [-1, 1], "probability": ROWS},
    },
    pictures.draw_lines: {"series": {"a": ROW, "b": ROW}, "y": "y", "x": "x"},
    experiments_01.line_path: {
        **{"x": ROW, "y": ROW, "learning_rate": 0.1, "num_steps": 3, "start": [0, 1]},
    },
    experiments_01.squared_errors: {"theta": TWO, "x": ROW, "y": ROW},
    experiments_01.lever_path: {
        **{"mean_rewards": [0.1, 0.9], "learning_rate": 0.1, "num_steps": 3},
        "start": [0, 1],
    },
    experiments_01.pull_paths: {
        **{"mean_rewards": [0.1, 0.9], "noise": 0.1, "learning_rate": 0.1},
        **{"num_steps": 3, "start": [0, 1], "num_runs": 2, "seed": 1},
    },
    experiments_01.probabilities: {"logits": TWO},
    figures_01.draw_line_run: {"path": TWO, "x": ROW, "y": [0.1, 0.5, 0.2]},
    figures_01.draw_lever_run: {"path": TWO, "mean_rewards": [0.1, 0.9]},
    figures_01.draw_two_kinds_of_data: {
        **{"x": ROW, "y": ROW, "lines": TWO, "counts": TWO, "labels": ABC},
    },
    figures_03.draw_slopes: {"slopes": {"a": ROW}, "names": ABC},
    figures_03.draw_changes: {
        **{"before": ROW, "after": ROW, "names": ABC, "pushed": 1},
        "limits": (0.8, 0.5),
    },
    figures_03.draw_counts: {"counts": {"a": [1, 2, 3]}, "landmarks": {"b": 4.0}},
    figures_02.short_names: {"listed": LISTED},
    figures_02.table: {"listed": LISTED, "probabilities": ONES, "returns": ONES},
    figures_02.draw_trajectories: {"names": ABC, "probabilities": ROW, "returns": ROW},
    figures_02.draw_discounts: {"gamma": 0.9, "delay": 3, "level": 0.2},
    figures_02.draw_density: {"actions": ROW, "density": ROW, "returns": ROW},
    experiments_02.fit_line: {"x": ROW, "y": ROW, "standard_errors": ROW},
    figures_02.draw_errors: {
        **{"numbers": [1, 10, 100], "errors": ROW, "slope": -0.5, "height": 0.1},
    },
    experiments_04.reward: {"kind": "bump", "actions": ROW},
    experiments_04.exact_gradient: {
        "kind": "step",
        "mean": 0.1,
        "standard_deviation": 0.5,
    },
    experiments_04.handed_over: {
        "seed": 1,
        "mean": 0.1,
        "standard_deviation": 0.5,
        "N": 3,
    },
    experiments_04.staircase: {"actions": ROW},
    experiments_04.staircase_objective: {"mean": 0.1, "standard_deviation": 0.5},
    figures_04.draw_areas: {"probabilities": ROW, "scores": ROW, "names": ABC},
    figures_04.draw_pushes: {
        **{"kind": "bump", "mean": 0.1, "standard_deviation": 0.5, "noise": ROW},
        "heights": ROW,
    },
    figures_05.draw_factors: {"factors": FACTORS, "multiplied": 1},
    figures_05.draw_underflow: {"logarithms": -ROW, "products": {"a": ROW}},
    experiments_05.chi_square: {"counts": [20, 30, 50], "probabilities": ROW},
    experiments_06.shares: {
        "estimates": TWO,
        "gradient": [0.1, 1],
        "probabilities": ROW,
    },
    experiments_06.distinct: {"points": TWO, "probabilities": ROW},
    figures_06.draw_cloud: {
        **{"estimates": TWO, "gradient": [0.1, 1], "reach": 0.8},
        **{"probabilities": ROW, "area": 100},
    },
    figures_06.write_beside: {"point": [0.1, 0.2], "text": "a"},
    experiments_06.plane_of: {"mdp": CORRIDOR, "gamma": 0.9},
    experiments_07.drawn: {"probabilities": ROW, "uniform": [0.1, 0.9]},
    figures_07.draw_policy: {"probabilities": ROW, "actions": [0, 2, 1]},
    figures_07.draw_signed: {"matrix": ROWS, "rows": ["a", "b"], "columns": ABC},
    figures_07.draw_reach: {
        **{"targets": ROW, "means": ROW, "standard_deviation": 0.1, "title": "a"},
    },
    experiments_08.follow: {
        **{"objective": "expected pay", "start": 0.1, "worse": 0.5, "better": 1.0},
        **{"learning_rate": 0.5, "num_updates": 3},
    },
    experiments_08.tipping_point: {"worse": 0.5, "better": 1.0},
    figures_08.draw_paths: {"paths": {"a": ROW}, "tipping": 0.3},
    figures_08.draw_race: {"runs": {"a": ROWS}, "best": 1.0, "worst": 0.5},
    figures_08.draw_losses: {"objective": ROW, "losses": {"a": ROW}},
    crowds.two_goals: {"near": 1.0, "far": 10.0, "horizon": 3},
    crowds.along: {"world": HILL, "probabilities": PI, "each": [0, 1, 1], "gamma": 0.9},
    crowds.objectives: {"world": HILL, "probabilities": PI, "gamma": 0.9},
    figures_10.draw_goals: {"shape": (2, 3), "places": {"a": (0, 1)}},
    figures_10.draw_shares: {"labels": ABC, "shares": {"a": ROW}, "x_label": "x"},
    figures_10.draw_price: {"labels": ABC, "reached": ROW, "best": 0.6},
    experiments_10.effective_of_epsilon: {"epsilon": ROW, "num_actions": 3},
    experiments_10.schedule: {"start": 0.5, "half_life": 3, "num_episodes": 3},
    figures_10.draw_effective: {
        **{"episodes": [1, 2, 3], "learned": ROWS, "scheduled": ROW},
        "num_actions": 3,
    },
    experiments_11.with_rewards: {"world": HILL, "reward": HILL.reward + 1},
    experiments_11.doors: {"pays": ROW, "alike": True},
    experiments_11.loan: {"wage": 0.1},
    figures_11.text_table: {"head": ABC, "rows": [["a", 1.5, 2]]},
    figures_11.draw_credit: {"table": ROWS[:, :2], "title": "a"},
    figures_11.draw_height: {
        **{"heights": ROW, "variances": ROW, "marks": {"a": (0.1, 0.2)}},
    },
    figures_11.draw_dropped: {
        **{"names": ABC, "parts": (ROW, ROW), "gammas": ROW, "errors": ROW},
        **{"cosines": ROW, "chosen": 1},
    },
    figures_11.draw_episodes: {"names": ABC, "numbers": ROW},
    figures_12.draw_courses: {
        **{"right": ROWS, "others": {"a": ROWS}, "start": 0.1, "columns": 4},
    },
    figures_12.draw_mixture: {
        **{"names": ABC, "pushes": (ROW, ROW), "shares": ROW, "cosines": ROW},
        "at": 1,
    },
    figures_12.draw_pushes: {"names": ABC, "of_loss": ROW, "of_j": ROW},
}
