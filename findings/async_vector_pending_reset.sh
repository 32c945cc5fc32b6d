#!/usr/bin/env bash
# Gymnasium: reset() of AsyncVectorEnv does not end a pending autoreset, without shared
# memory: the first step after it is a reset that nobody asked for, with reward 0.
#
# Version: gymnasium 1.4.0 (NumPy 2.2.6).
# One would guess that reset() starts new episodes in every environment, whatever was
# before, so that the next step() acts in them; so it is with SyncVectorEnv, and with
# AsyncVectorEnv as long as shared_memory is True, the default.
# Seen: with shared_memory=False an environment whose episode ended with the last step
# ignores the first action after reset(). It is reset once more, and the step has the
# reward 0 and both flags False. A sampler that resets the vector for each batch then
# records a step that nobody took, and nothing is raised.
# Source: gymnasium/vector/async_vector_env.py, _async_worker: on the command "reset" the
# flag that stands for a pending autoreset is cleared inside `if shared_memory:` only.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet gymnasium==1.4.0 numpy==2.2.6
cat > "$folder/pending.py" <<'PYTHON'
import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv


class TwoSteps(gymnasium.Env):
    """Episodes of two steps, each of which pays 1."""

    observation_space = gymnasium.spaces.Discrete(3)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return 0, {}

    def step(self, action):
        self.time += 1
        return self.time, 1.0, self.time == 2, False, {}


def first_reward_after_reset(envs):
    envs.reset(seed=0)
    nothing = np.zeros(1, dtype=int)
    for _ in range(2):
        ended = envs.step(nothing)[2]
    assert ended.all()
    envs.reset(seed=0)
    reward = float(envs.step(nothing)[1][0])
    envs.close()
    return reward


if __name__ == "__main__":
    found = {
        "SyncVectorEnv": first_reward_after_reset(SyncVectorEnv([TwoSteps])),
        **{
            f"AsyncVectorEnv, shared_memory={shared}": first_reward_after_reset(
                AsyncVectorEnv([TwoSteps], shared_memory=shared)
            )
            for shared in (True, False)
        },
    }
    for name, reward in found.items():
        print(f"{name}: the first step after reset() pays {reward}")
    assert [*found.values()] == [1.0, 1.0, 0.0], "this has changed"
PYTHON
"$folder/venv/bin/python" "$folder/pending.py"
