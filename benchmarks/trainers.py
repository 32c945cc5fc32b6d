"""The trainers that bench_peers.py sets side by side on CartPole, and their clock."""

import math
import statistics
import time
from collections.abc import Callable

import gymnasium
import torch
from bench_cartpole import GOAL, HIDDEN, SETTINGS, greedy, mean_length
from torch import nn
from torch.distributions import Categorical

import pg_helpers as pg

BUDGET = 60.0  # seconds of training, after which a run counts as not solved
EVERY = 2000  # environment steps from one evaluation to the next
NUM_PEER_ENVS = 8


class Run:
    """One training run on the clock, which stands still while the policy is judged.

    The clock counts the time of the processor: a busy machine slows no method.
    """

    def __init__(self, seed: int, judges: gymnasium.vector.VectorEnv, budget: float):
        self.seed, self.judges, self.budget = seed, judges, budget
        self.seconds, self.steps, self.due = 0.0, 0, EVERY
        # When each policy first averaged the goal: seconds and environment steps.
        self.solved: dict[str, tuple[float, int]] = {}
        self.started = time.process_time()

    def seconds_until(self, kind: str) -> float:
        """Training time until the policy of that kind was solved, or infinity."""
        return self.solved[kind][0] if kind in self.solved else math.inf

    def goes_on(self, steps: int, policy: Callable) -> bool:
        """Called after each update; judges the policy where that is due."""
        self.seconds += time.process_time() - self.started
        self.steps = steps
        if steps >= self.due:
            self.due = (steps // EVERY + 1) * EVERY
            for kind, judged in (("sampled", policy), ("greedy", greedy(policy))):
                if kind not in self.solved:
                    if mean_length(self.judges, judged, self.seed) >= GOAL:
                        self.solved[kind] = (self.seconds, steps)
        self.started = time.process_time()
        return self.seconds < self.budget and len(self.solved) < 2


def ours(seed: int, start: Callable[[], Run]) -> Run:
    envs = gymnasium.make_vec("CartPole-v1", SETTINGS["num_trajectories"])
    torch.manual_seed(seed)
    policy = pg.policy_for(envs, HIDDEN)
    config = pg.TrainConfig(seed=seed, **{**SETTINGS, "num_updates": 10**6})
    run, steps = start(), 0
    for update in pg.iterate_training(envs, policy, config):
        steps += int(update.batch.mask.sum())
        if not run.goes_on(steps, policy):
            return run
    return run


def pytorch_example(seed: int, start: Callable[[], Run]) -> Run:
    """REINFORCE after the description of PyTorch's example, one state at a time."""
    torch.manual_seed(seed)
    env = gymnasium.make("CartPole-v1")
    policy = WithDropout()
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    run, steps, going = start(), 0, True
    while going:
        log_probs, rewards, ended = [], [], False
        observation, _ = env.reset(seed=seed if steps == 0 else None)
        while not ended:
            distribution = policy(torch.from_numpy(observation)[None])
            action = distribution.sample()
            log_probs.append(distribution.log_prob(action))
            observation, reward, terminated, truncated, _ = env.step(action.item())
            rewards.append(reward)
            ended = terminated or truncated
        returns = torch.tensor(whitened_returns(rewards, gamma=0.99))
        loss = -(torch.cat(log_probs) * returns).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += len(rewards)
        policy.eval()
        going = run.goes_on(steps, policy)
        policy.train()
    return run


class WithDropout(nn.Module):
    """The example's network: 4-128-2, dropout of 0.6 while it is trained."""

    def __init__(self):
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(4, 128), nn.Dropout(0.6), nn.ReLU(), nn.Linear(128, 2)
        )

    def forward(self, observations: torch.Tensor) -> Categorical:
        return Categorical(logits=self.network(observations))


def whitened_returns(rewards: list[float], gamma: float) -> list[float]:
    """Discounted rewards-to-go, less their mean, over their standard deviation."""
    returns, following = [], 0.0
    for reward in reversed(rewards):
        following = reward + gamma * following
        returns.append(following)
    middle, spread = statistics.mean(returns), statistics.stdev(returns)
    return [(value - middle) / (spread + 1e-8) for value in reversed(returns)]


def stable_baselines(
    name: str, num_steps: float, **settings: object
) -> Callable[[int, Callable[[], Run]], Run]:
    """A method that trains a model of stable-baselines3 with 8 environments."""

    def train(seed: int, start: Callable[[], Run]) -> Run:
        import stable_baselines3
        from stable_baselines3.common.callbacks import BaseCallback
        from stable_baselines3.common.env_util import make_vec_env

        class Judge(BaseCallback):
            def _on_training_start(self) -> None:
                self.run = start()

            def _on_rollout_start(self) -> None:
                # After the update of the rollout before; nothing else may end a run.
                self.going = self.run.goes_on(self.num_timesteps, distribution)

            def _on_step(self) -> bool:
                return self.going

        def distribution(observations: torch.Tensor) -> Categorical:
            return model.policy.get_distribution(observations).distribution

        envs = make_vec_env("CartPole-v1", NUM_PEER_ENVS, seed=seed)
        algorithm = getattr(stable_baselines3, name)
        model = algorithm("MlpPolicy", envs, seed=seed, device="cpu", **settings)
        judge = Judge()
        model.learn(int(num_steps), callback=judge)
        if judge.going:
            judge.run.goes_on(model.num_timesteps, distribution)
        return judge.run

    return train


OURS = "pg_helpers"
METHODS: dict[str, Callable[[int, Callable[[], Run]], Run]] = {
    OURS: ours,
    "PyTorch's REINFORCE example": pytorch_example,
}
# Those of rl-baselines3-zoo, hyperparams/a2c.yml and ppo.yml, CartPole-v1. What the
# zoo does not name has its default; "lin_x" is a schedule from x down to 0.
PEERS = {
    "stable-baselines3 A2C": stable_baselines("A2C", 5e5, ent_coef=0.0),
    "stable-baselines3 PPO": stable_baselines(
        "PPO",
        1e5,
        n_steps=32,
        batch_size=256,
        gae_lambda=0.8,
        gamma=0.98,
        n_epochs=20,
        ent_coef=0.0,
        learning_rate=lambda remaining: 0.001 * remaining,
        clip_range=lambda remaining: 0.2 * remaining,
    ),
}
