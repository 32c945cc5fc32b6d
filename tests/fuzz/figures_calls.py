"""An honest call of each figure function that a reader calls in a notebook."""

import numpy as np
import torch

import pg_helpers as pg
from pg_helpers import pictures, plots
from pg_helpers.figures import (
    ascent_paths,
    cloud,
    coupling,
    crowds,
    exploration,
    factors,
    objective,
    patients,
    planes,
    pseudo_loss,
    score,
    softmax,
    variance,
    variance_pictures,
)

HILL, CORRIDOR = pg.hill(), pg.corridor(3, horizon=3)
LISTED = pg.exact.trajectories(HILL)
K = len(LISTED.mask)
ROW, ROWS = np.array([0.2, 0.3, 0.5]), np.array([[0.2, 0.3, 0.5], [0.1, 0.9, 0.4]])
ABC, TWO = ["a", "b", "c"], np.array([[0.5, 0.5], [0.3, 0.7], [0.6, 0.4]])
ONES = np.full(K, 1 / K)
PI = torch.full((2, HILL.num_states, 2), 0.5, dtype=torch.float64)
FACTORS = [factors.Factor("start", "P_0(s)", 0.5), factors.Factor("policy", "pi", 0.2)]

# The first is an Axes or a Figure where it is in the list below; no reader changes it.
CALLS = {
    plots.curve: {"values": ROW, "label": "a", "number": 1, "x": [1, 2, 3]},
    plots.spread_band: {
        **{"runs": ROWS, "label": "a", "number": 1, "x": [1, 2, 3]},
        "band": (0.1, 0.9),
    },
    plots.fill_band: {"x": [1, 2, 3], "low": ROW, "high": ROW + 1, "color": "0.5"},
    plots.moving_mean: {"values": ROW, "width": 2},
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
    ascent_paths.line_path: {
        **{"x": ROW, "y": ROW, "learning_rate": 0.1, "num_steps": 3, "start": [0, 1]},
    },
    ascent_paths.squared_errors: {"theta": TWO, "x": ROW, "y": ROW},
    ascent_paths.lever_path: {
        **{"mean_rewards": [0.1, 0.9], "learning_rate": 0.1, "num_steps": 3},
        "start": [0, 1],
    },
    ascent_paths.pull_paths: {
        **{"mean_rewards": [0.1, 0.9], "noise": 0.1, "learning_rate": 0.1},
        **{"num_steps": 3, "start": [0, 1], "num_runs": 2, "seed": 1},
    },
    ascent_paths.probabilities: {"logits": TWO},
    ascent_paths.draw_line_run: {"path": TWO, "x": ROW, "y": [0.1, 0.5, 0.2]},
    ascent_paths.draw_lever_run: {"path": TWO, "mean_rewards": [0.1, 0.9]},
    ascent_paths.draw_two_kinds_of_data: {
        **{"x": ROW, "y": ROW, "lines": TWO, "counts": TWO, "labels": ABC},
    },
    coupling.draw_slopes: {"slopes": {"a": ROW}, "names": ABC},
    coupling.draw_changes: {
        **{"before": ROW, "after": ROW, "names": ABC, "pushed": 1},
        "limits": (0.8, 0.5),
    },
    coupling.draw_counts: {"counts": {"a": [1, 2, 3]}, "landmarks": {"b": 4.0}},
    objective.short_names: {"listed": LISTED},
    objective.table: {"listed": LISTED, "probabilities": ONES, "returns": ONES},
    objective.draw_trajectories: {"names": ABC, "probabilities": ROW, "returns": ROW},
    objective.draw_discounts: {"gamma": 0.9, "delay": 3, "level": 0.2},
    objective.draw_density: {"actions": ROW, "density": ROW, "returns": ROW},
    objective.fit_line: {"x": ROW, "y": ROW, "standard_errors": ROW},
    objective.draw_errors: {
        **{"numbers": [1, 10, 100], "errors": ROW, "slope": -0.5, "height": 0.1},
    },
    score.reward: {"kind": "bump", "actions": ROW},
    score.exact_gradient: {"kind": "step", "mean": 0.1, "standard_deviation": 0.5},
    score.handed_over: {"seed": 1, "mean": 0.1, "standard_deviation": 0.5, "N": 3},
    score.staircase: {"actions": ROW},
    score.staircase_objective: {"mean": 0.1, "standard_deviation": 0.5},
    score.draw_areas: {"probabilities": ROW, "scores": ROW, "names": ABC},
    score.draw_pushes: {
        **{"kind": "bump", "mean": 0.1, "standard_deviation": 0.5, "noise": ROW},
        "heights": ROW,
    },
    factors.draw_factors: {"factors": FACTORS, "multiplied": 1},
    factors.draw_underflow: {"logarithms": -ROW, "products": {"a": ROW}},
    factors.chi_square: {"counts": [20, 30, 50], "probabilities": ROW},
    cloud.shares: {"estimates": TWO, "gradient": [0.1, 1], "probabilities": ROW},
    cloud.distinct: {"points": TWO, "probabilities": ROW},
    cloud.draw_cloud: {
        **{"estimates": TWO, "gradient": [0.1, 1], "reach": 0.8},
        **{"probabilities": ROW, "area": 100},
    },
    cloud.write_beside: {"point": [0.1, 0.2], "text": "a"},
    planes.plane_of: {"mdp": CORRIDOR, "gamma": 0.9},
    softmax.drawn: {"probabilities": ROW, "uniform": [0.1, 0.9]},
    softmax.draw_policy: {"probabilities": ROW, "actions": [0, 2, 1]},
    softmax.draw_signed: {"matrix": ROWS, "rows": ["a", "b"], "columns": ABC},
    softmax.draw_reach: {
        **{"targets": ROW, "means": ROW, "standard_deviation": 0.1, "title": "a"},
    },
    pseudo_loss.follow: {
        **{"objective": "expected pay", "start": 0.1, "worse": 0.5, "better": 1.0},
        **{"learning_rate": 0.5, "num_updates": 3},
    },
    pseudo_loss.tipping_point: {"worse": 0.5, "better": 1.0},
    pseudo_loss.draw_paths: {"paths": {"a": ROW}, "tipping": 0.3},
    pseudo_loss.draw_race: {"runs": {"a": ROWS}, "best": 1.0, "worst": 0.5},
    pseudo_loss.draw_losses: {"objective": ROW, "losses": {"a": ROW}},
    crowds.two_goals: {"near": 1.0, "far": 10.0, "horizon": 3},
    crowds.along: {"world": HILL, "probabilities": PI, "each": [0, 1, 1], "gamma": 0.9},
    crowds.objectives: {"world": HILL, "probabilities": PI, "gamma": 0.9},
    exploration.draw_goals: {"shape": (2, 3), "places": {"a": (0, 1)}},
    exploration.draw_shares: {"labels": ABC, "shares": {"a": ROW}, "x_label": "x"},
    exploration.draw_price: {"labels": ABC, "reached": ROW, "best": 0.6},
    exploration.effective_of_epsilon: {"epsilon": ROW, "num_actions": 3},
    exploration.schedule: {"start": 0.5, "half_life": 3, "num_episodes": 3},
    exploration.draw_effective: {
        **{"episodes": [1, 2, 3], "learned": ROWS, "scheduled": ROW},
        "num_actions": 3,
    },
    variance.with_rewards: {"world": HILL, "reward": HILL.reward + 1},
    variance.doors: {"pays": ROW, "alike": True},
    variance.loan: {"wage": 0.1},
    variance.text_table: {"head": ABC, "rows": [["a", 1.5, 2]]},
    variance_pictures.draw_credit: {"table": ROWS[:, :2], "title": "a"},
    variance_pictures.draw_height: {
        **{"heights": ROW, "variances": ROW, "marks": {"a": (0.1, 0.2)}},
    },
    variance_pictures.draw_dropped: {
        **{"names": ABC, "parts": (ROW, ROW), "gammas": ROW, "errors": ROW},
        **{"cosines": ROW, "chosen": 1},
    },
    variance_pictures.draw_episodes: {"names": ABC, "numbers": ROW},
    patients.draw_courses: {
        **{"right": ROWS, "others": {"a": ROWS}, "start": 0.1, "columns": 4},
    },
    patients.draw_mixture: {
        **{"names": ABC, "pushes": (ROW, ROW), "shares": ROW, "cosines": ROW},
        "at": 1,
    },
    patients.draw_pushes: {"names": ABC, "of_loss": ROW, "of_j": ROW},
}
