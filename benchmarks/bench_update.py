"""Rollout and update: how much faster than one state at a time, how far from bare."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from reporting import by_turns, table
from torch import nn
from torch.distributions import Categorical

import pg_helpers as pg
from pg_helpers.execution import one_thread

GAMMA = 0.95
SIZES = (10, 100, 1000)
FEW = 10  # trajectories of an update one state at a time
ROUNDS = 7

LONG = pg.TrainConfig(
    num_updates=60,
    num_trajectories=16,
    learning_rate=0.02,
    gamma=0.98,
    weights="rewards_to_go",
    baseline="batch_mean",
)


def main() -> str:
    """Time all of it by turns and return a Markdown section."""
    with one_thread():
        rows = [
            compare(name, env, vector(N), policy)
            for name, env, vector, policy in worlds()
            for N in SIZES
        ]
    columns = (
        "world, mean length",
        "N",
        "update: times faster",
        "rollout: times faster",
        "update: times the floor",
        "update, ms",
        "rollout, ms",
    )
    return f"""## One update: sampling, loss, gradient, step

How many times faster than a trainer that asks the network for one state at a time and
differentiates through the small graphs that this leaves: its whole update of 10
trajectories, counted for N of them. The floor is the bare matrix products of the
network, in lock-step, and forward and backward for the steps that were taken, and the
stepping of the environment. Medians by turns of the processor's time, one thread, so
that neighbours count little. On CartPole, `pg.CartPoleVectorEnv`, which is what the id
"CartPole-v1" is run on, and Gymnasium's own vector environment, which gives the same
trajectories; the other trainer steps Gymnasium's single environment in either case.

{table(columns, rows)}
"""


def worlds() -> list[tuple[str, Any, Callable[[int], Any], nn.Module]]:
    """Name, a single environment, how to make a vector of it, and a policy."""
    torch.manual_seed(0)
    corridor, corridor_policy = pg.corridor(), pg.MLPPolicy(1, 2)
    random_policy, trained = pg.MLPPolicy(4, 2, (32, 32)), pg.MLPPolicy(4, 2, (32, 32))
    for update in pg.iterate_training(cartpoles(16), trained, LONG):
        if update.mean_length > 485:
            break
    single = gymnasium.make("CartPole-v1")
    return [
        (
            "corridor",
            pg.TabularEnv(corridor),
            lambda number: pg.TabularVectorEnv(corridor, number),
            corridor_policy,
        ),
        ("CartPole, random policy", single, pg.CartPoleVectorEnv, random_policy),
        ("CartPole, trained policy", single, pg.CartPoleVectorEnv, trained),
        ("Gymnasium's CartPole, random policy", single, cartpoles, random_policy),
        ("Gymnasium's CartPole, trained policy", single, cartpoles, trained),
    ]


def cartpoles(number: int) -> gymnasium.vector.VectorEnv:
    """Gymnasium's own vector environment."""
    return gymnasium.make_vec("CartPole-v1", number)


def compare(
    name: str, env: Any, envs: gymnasium.vector.VectorEnv, policy: nn.Module
) -> list[str]:
    """A row of the table."""
    N = envs.num_envs
    # The policy must stay as it is: steps too small to be seen.
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-12)
    config = pg.TrainConfig(10**6, N, learning_rate=1e-12, gamma=GAMMA)
    updates = pg.iterate_training(envs, policy, config)
    seeds = iter(range(10**6))
    env.reset(seed=0)
    batch = pg.sample_trajectories(envs, policy, N, seed=10**6)
    actions = {
        "slow": lambda: one_state_at_a_time(env, policy, optimizer, FEW, GAMMA),
        "update": lambda: next(updates),
        "rollout": lambda: pg.sample_trajectories(envs, policy, N, next(seeds)),
        "floor": lambda: bare(envs, policy, batch.mask),
    }
    slow, update, rollout, floor = by_turns(actions, ROUNDS).values()
    updates.close()
    slow *= N / FEW
    return [
        f"{name}, {batch.lengths.double().mean():.0f} steps",
        str(N),
        f"**{slow / update:.0f}**",
        f"{slow / rollout:.0f}",
        f"{update / floor:.1f}",
        f"{1e3 * update:.2f}",
        f"{1e3 * rollout:.2f}",
    ]


def one_state_at_a_time(
    env: gymnasium.Env,
    policy: Any,
    optimizer: torch.optim.Optimizer,
    num_trajectories: int,
    gamma: float,
) -> None:
    """One update, as a trainer is usually first written."""
    terms = []
    for _ in range(num_trajectories):
        observation, _ = env.reset()
        log_probs, rewards, ended = [], [], False
        while not ended:
            seen = torch.as_tensor(observation, dtype=torch.float32)
            distribution = Categorical(logits=policy.network(seen))
            action = distribution.sample()
            log_probs.append(distribution.log_prob(action))
            observation, reward, terminated, truncated, _ = env.step(action.item())
            rewards.append(reward)
            ended = terminated or truncated
        total = sum(gamma**time * reward for time, reward in enumerate(rewards))
        terms.append(total * torch.stack(log_probs).sum())
    loss = -torch.stack(terms).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def bare(envs: Any, policy: Any, mask: torch.Tensor) -> None:
    """The products and the stepping that no update from such a batch can do without.

    As many steps of the environments as the longest episode, and for the steps that
    were taken each product of the network, once forward and twice backward. No draws,
    no tanh, no biases, no checks.
    """
    weights = [layer.weight.detach().numpy().T for layer in policy.network[::2]]
    actions = np.arange(envs.num_envs) % 2
    seen, _ = envs.reset(seed=0)
    for _ in range(mask.shape[1]):
        features = seen.astype(np.float32)
        for weight in weights:
            features = features @ weight
        seen, *_ = envs.step(actions)
    for weight in weights:
        given = np.ones((int(mask.sum()), len(weight)), dtype=np.float32)
        answer = given @ weight
        answer @ weight.T
        given.T @ answer


if __name__ == "__main__":
    print(main())
