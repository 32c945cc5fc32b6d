"""Texts as trajectories, beside a plain list of all texts."""

from itertools import product
from math import prod

import numpy as np
import pytest
import torch
from worlds import random_network

import pg_helpers as pg
from pg_helpers import exact, worlds

VOCABULARY, LENGTH = ["a", "b", "."], 3
PROMPTS = {"x": 0.25, "y": 0.75}


def paid(prompt, text):
    """Depends on the prompt, on the order of the tokens, and on how the text ends."""
    value = sum(2.0**k * (token == "a") for k, token in enumerate(text))
    return value * (1 if prompt == "x" else -3) + 0.1 * (text[-1] == ".")


WORLD = pg.tokens(VOCABULARY, LENGTH, paid, PROMPTS)
POLICY = random_network(WORLD)


def texts():
    """Every text: ended after 1 to 3 tokens, or cut off after 3."""
    found = []
    for length in range(1, LENGTH + 1):
        for text in product(VOCABULARY, repeat=length):
            is_over = text[-1] == "." or length == LENGTH
            if is_over and "." not in text[:-1]:
                found.append(text)
    return found


def features(prompt, prefix):
    """What is seen, put down one by one."""
    seen = [float(prompt == other) for other in PROMPTS]
    for position in range(LENGTH - 1):
        there = prefix[position : position + 1]
        seen += [float(there == (token,)) for token in VOCABULARY[:-1]]
    return seen


def probability(prompt, text):
    """The product of those of its tokens, each given the prompt and those before."""
    before = [features(prompt, text[:k]) for k in range(len(text))]
    pi = POLICY(torch.tensor(before, dtype=torch.float64)).probs.tolist()
    chances = [row[VOCABULARY.index(t)] for row, t in zip(pi, text, strict=True)]
    return PROMPTS[prompt] * prod(chances)


def test_the_trajectories_are_all_texts_with_their_probabilities_and_rewards():
    listed = exact.trajectories(WORLD)
    chances = exact.log_prob(WORLD, POLICY, listed).exp().tolist()
    found = {}
    for k, mask in enumerate(listed.mask):
        text = tuple(VOCABULARY[a] for a in listed.actions[k][mask])
        prompt = "x" if listed.states[k, 0] == 0 else "y"
        assert not listed.rewards[k][mask][:-1].any(), "paid with the last token"
        found[prompt, text] = (chances[k], listed.rewards[k].sum().item())
    every = [*product(PROMPTS, texts())]
    assert len(every) == len(chances) == 2 * (1 + 2 + 4 * 3)
    for key in every:
        assert found[key] == pytest.approx((probability(*key), paid(*key)), abs=1e-12)
    J = sum(probability(*key) * paid(*key) for key in every)
    for method in (exact.objective, exact.objective_by_dp):
        assert method(WORLD, POLICY, 1.0).item() == pytest.approx(J, abs=1e-12)


def test_the_states_are_numbered_by_prompt_length_and_order_and_all_look_different():
    prefixes = [(), *((t,) for t in "ab"), *product("ab", repeat=2)]
    expected = [features(prompt, p) for prompt in PROMPTS for p in prefixes]
    assert WORLD.observations[:-2].tolist() == expected
    assert len(np.unique(WORLD.observations, axis=0)) == len(expected) + 1
    assert not WORLD.observations[-2:].any()
    assert WORLD.terminal.tolist() == [False] * 14 + [True, False]
    assert WORLD.is_sparse and WORLD.horizon == 3
    # From the state of each prefix of "x", by each token; 14 is "ended", 15 "cut off".
    moves = WORLD.transition.argmax(axis=2).tolist()
    assert moves[:3] == [[1, 2, 14], [3, 4, 14], [5, 6, 14]]
    assert moves[3:7] == [[15, 15, 14]] * 4
    assert (moves[7], moves[15]) == ([8, 9, 14], [15, 15, 15])


def test_texts_are_sampled_until_their_end_or_cut_off_at_the_greatest_length():
    batch = pg.sample_trajectories(WORLD, POLICY, 300, seed=0)
    lengths, tokens = batch.mask.sum(1), batch.actions
    last = tokens[torch.arange(300), lengths - 1]
    assert lengths.unique().tolist() == [1, 2, 3]
    assert torch.equal(batch.truncated, last != 2)
    assert (lengths[batch.truncated] == 3).all()


def test_prompts_without_probabilities_are_equally_likely_and_tokens_may_be_two():
    mdp = pg.tokens((0, None), 4, lambda prompt, text: prompt * len(text), [1, 2, 3])
    assert np.flatnonzero(mdp.initial).tolist() == [0, 4, 8]
    assert mdp.initial[mdp.initial > 0].tolist() == [1 / 3] * 3
    # Half of the time each: lengths 1 to 4 with 1/2, 1/4, 1/8 and 1/8, 15/8 on average.
    policy = pg.TabularPolicy(mdp.observations.shape[1], 2).double()
    J = exact.objective(mdp, policy, 1.0).item()
    assert J == pytest.approx(2 * 15 / 8, rel=1e-12)


def test_there_may_be_as_many_texts_as_there_is_room_for(monkeypatch):
    # 16 states, each of 6 features.
    monkeypatch.setattr(worlds, "MOST_ENTRIES", 96)
    pg.tokens(VOCABULARY, LENGTH, paid, PROMPTS)
    monkeypatch.setattr(worlds, "MOST_ENTRIES", 95)
    with pytest.raises(ValueError, match="max_length: .* at most 95, got '3: S = 16"):
        pg.tokens(VOCABULARY, LENGTH, lambda *_: pytest.fail("it began"), PROMPTS)


def test_a_reward_that_is_no_number_is_named_by_its_prompt_and_text():
    words = r"reward of \('a', '\.'\) to 'y': expected finite numbers, got nan"
    wrong = {("y", ("a", ".")): np.nan}
    with pytest.raises(ValueError, match=words):
        pg.tokens(VOCABULARY, 3, lambda *key: wrong.get(key, 1.0), PROMPTS)
