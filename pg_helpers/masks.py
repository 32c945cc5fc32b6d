"""Actions that a state does not allow: masks in the observation, read by a policy."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Categorical

from pg_helpers.policies import flattening, not_flat
from pg_helpers.require import check_count, require

_MASK = "action_mask"


class MaskInObservation(gymnasium.Wrapper):
    """Shows the action mask behind the observation, for a `MaskedPolicy`.

    The observation is flattened as by `FlattenObservation` (a number becomes one-hot),
    and the A entries of the mask follow: 1 for an action that is allowed, else 0. The
    mask is the entry "action_mask" of a Dict observation, where there is one, else of
    the info that `reset` and `step` return, as Taxi has it.

    Args:
        env: an environment with A discrete actions.

    Raises:
        ValueError: the actions are not Discrete, or the observation cannot be
            flattened; from `reset` and `step`, if there is no mask of A entries.
    """

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        seen: Any = env.observation_space
        taken: Any = env.action_space
        is_discrete = isinstance(taken, spaces.Discrete)
        require(is_discrete, "action space", "Discrete", taken)
        self._in_dict = isinstance(seen, spaces.Dict) and _MASK in seen.spaces
        if self._in_dict:
            seen = spaces.Dict({k: v for k, v in seen.items() if k != _MASK})
        can = not not_flat(seen)
        expected = f"one that can be flattened{flattening(seen)}"
        require(can, "observation space", expected, seen)
        flat: Any = spaces.flatten_space(seen)
        self._seen, self._num_actions = seen, int(taken.n)
        none, every = np.zeros(self._num_actions), np.ones(self._num_actions)
        low, high = np.append(flat.low, none), np.append(flat.high, every)
        ends = low.astype(np.float32), high.astype(np.float32)
        self.observation_space = spaces.Box(*ends)

    def reset(self, **options: Any) -> tuple[NDArray, dict[str, Any]]:
        """Start an episode."""
        seen, info = self.env.reset(**options)
        return self._with_mask(seen, info), info

    def step(self, action: Any) -> tuple[NDArray, Any, bool, bool, dict[str, Any]]:
        """Act once."""
        seen, reward, terminated, truncated, info = self.env.step(action)
        return self._with_mask(seen, info), reward, terminated, truncated, info

    def _with_mask(self, seen: Any, info: dict[str, Any]) -> NDArray:
        mask: Any = seen.get(_MASK) if self._in_dict else info.get(_MASK)
        fits = np.shape(mask) == (self._num_actions,) and np.isin(mask, (0, 1)).all()
        expected = f"'{_MASK}' of {self._num_actions} entries, 0 or 1"
        require(fits, "env", expected, mask)
        if self._in_dict:
            seen = {name: part for name, part in seen.items() if name != _MASK}
        flat: Any = spaces.flatten(self._seen, seen)
        return np.append(flat, mask).astype(np.float32)


class MaskedPolicy(nn.Module):
    """A policy that never takes an action whose entry in the mask is 0.

    The last A numbers of an observation are the mask, and the others are what the inner
    policy sees. A mask of zeros alone, as in a padded step, allows every action.

    Args:
        policy: maps observations without the mask to a Categorical over A actions.
        num_actions: A.

    Raises:
        TypeError: policy is not a Module, or num_actions no integer.
        ValueError: num_actions is below 1.
    """

    def __init__(self, policy: nn.Module, num_actions: int) -> None:
        super().__init__()
        is_module = isinstance(policy, nn.Module)
        require(is_module, "policy", "a Module", policy, TypeError)
        self.policy = policy
        self.num_actions = check_count("num_actions", num_actions)

    def forward(self, observations: Tensor) -> Categorical:
        """Return pi(a|s) for observations (..., D + A).

        Returns:
            A `Categorical` with batch shape (...); the logits of what is not allowed
            are minus infinity.

        Raises:
            TypeError: the inner policy does not return a Categorical.
            ValueError: observations are no vectors of floats.
        """
        has_mask = observations.ndim and observations.is_floating_point()
        expected = "vectors with a mask at their end"
        require(has_mask, "observations", expected, observations)
        seen = observations[..., : -self.num_actions]
        mask = observations[..., -self.num_actions :] != 0
        allowed = mask | ~mask.any(dim=-1, keepdim=True)
        answer = self.policy(seen)
        known = isinstance(answer, Categorical)
        expected = "a Categorical over the actions"
        require(known, "policy", expected, type(answer), TypeError)
        logits = answer.logits.masked_fill(~allowed, -torch.inf)
        return Categorical(logits=logits, validate_args=False)
