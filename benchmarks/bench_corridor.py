"""The corridor run of notebook 09 against a trainer of one state at a time."""

import statistics
import time

import torch
from bench_update import one_state_at_a_time

import pg_helpers as pg
from pg_helpers.execution import one_thread

GAMMA = 0.95
SEEDS = range(5)


def main() -> str:
    """Time both trainers by turns and return a Markdown section."""
    world = pg.corridor()
    optimum = pg.exact.optimal_objective(world, GAMMA)
    config = pg.TrainConfig(gamma=GAMMA)
    together, one_by_one, gaps = [], [], []
    with one_thread():
        for seed in SEEDS:
            policy = new_policy(world, seed)
            start = time.perf_counter()
            pg.train(world, policy, pg.TrainConfig(seed=seed), progress=False)
            together.append(time.perf_counter() - start)
            reached = pg.exact.objective_by_dp(world, policy, GAMMA)
            gaps.append(optimum - reached.item())
            policy = new_policy(world, seed)
            start = time.perf_counter()
            train_one_state_at_a_time(world, policy, config)
            one_by_one.append(time.perf_counter() - start)
    ratios = [slow / fast for slow, fast in zip(one_by_one, together, strict=True)]
    return f"""## The corridor: 1000 updates of 10 trajectories

Network 1-8-8-2 with tanh, Adam 0.001, gamma 0.95, {len(SEEDS)} seeds by turns, one
thread. The other trainer asks the network for one state at a time and differentiates
through the small graphs that this leaves.

| quantity | median | least | most |
|---|---|---|---|
| times faster | {row(ratios, ".1f")} |
| `pg.train`, s | {row(together, ".2f")} |
| one state at a time, s | {row(one_by_one, ".1f")} |
| J below the optimum {optimum:.4f} | {row(gaps, ".4f")} |
"""


def row(values: list[float], spec: str) -> str:
    """Median, minimum and maximum as cells of a table."""
    numbers = (statistics.median(values), min(values), max(values))
    return " | ".join(format(number, spec) for number in numbers)


def new_policy(world: pg.TabularMDP, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return pg.policy_for(world)


def train_one_state_at_a_time(
    world: pg.TabularMDP, policy: torch.nn.Module, config: pg.TrainConfig
) -> None:
    """The same algorithm as it is usually first written."""
    env = pg.TabularEnv(world)
    env.reset(seed=config.seed)
    optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
    for _ in range(config.num_updates):
        one_state_at_a_time(
            env, policy, optimizer, config.num_trajectories, config.gamma
        )


if __name__ == "__main__":
    print(main())
