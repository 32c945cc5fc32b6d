"""The two warm-ups of notebook 00: a mean over walks, and a share of them."""

from __future__ import annotations

import torch
from torch import Tensor

from pg_course.asking.check import Check, Mistake
from pg_course.asking.observers import Case

mean_return = Check(
    name="mean_return",
    right=lambda returns: returns.mean(),
    cases=[
        Case(
            "three walks with the returns 0.9, 0 and 0.6",
            (torch.tensor([0.9, 0.0, 0.6]),),
        ),
        Case(
            "five walks with the returns 0.8, 0, 0, 0.7 and 0",
            (torch.tensor([0.8, 0.0, 0.0, 0.7, 0.0]),),
        ),
    ],
    mistakes=[
        Mistake(
            "this is the sum of the returns. Twice as many walks by the same agent "
            "would look twice as good; a mean does not grow with their number.",
            lambda returns: returns.sum(),
        ),
        Mistake(
            "the walks that found nothing are left out. They happened too: an agent "
            "that reaches the reward once in a hundred walks would look as good as one "
            "that never fails.",
            lambda returns: returns[returns > 0].mean(),
        ),
        Mistake(
            "the sum is divided by 3. So many walks stood in the example; your "
            "function has to work for any number of them.",
            lambda returns: returns.sum() / 3,
        ),
        Mistake(
            "this is the number of walks. What each of them was worth is not in it.",
            lambda returns: torch.tensor(len(returns)),
        ),
        Mistake(
            "this is the share of the walks that were worth anything. How much each "
            "was worth is lost: a return of 0.6 counts like one of 0.9.",
            lambda returns: (returns > 0).float().mean(),
        ),
        Mistake(
            "this is the best of the walks. One lucky walk among a thousand would hide "
            "all the others.",
            lambda returns: returns.max(),
        ),
        Mistake(
            "this is the middle one of the returns. Where most walks find nothing it "
            "is 0, however much the others were worth.",
            lambda returns: returns.median(),
        ),
        Mistake(
            "the sum is divided by one less than the number of walks. That belongs to "
            "the spread of the returns; with three walks your mean is half as large "
            "again as it should be.",
            lambda returns: returns.sum() / (len(returns) - 1),
        ),
        Mistake(
            "each return is divided by the number of walks, but they are not added "
            "up: there is still one number a walk, where one in all was asked for.",
            lambda returns: returns / len(returns),
        ),
        Mistake(
            "this is the number of walks over the sum of their returns: upside down. "
            "The better the agent, the smaller yours would be.",
            lambda returns: len(returns) / returns.sum(),
        ),
    ],
    expected=(
        "The result is one number: what a walk is worth on average, over all the walks "
        "that were made."
    ),
    where="section 0.2, where J is introduced, and the text of Exercise 0.1.",
    shows=(
        "every walk counts once, those that found nothing too. The mean of 0.9, 0 and "
        "0.6 is 0.5. That is how an exercise works."
    ),
)


def _found(rewards: Tensor) -> Tensor:
    """Whether each walk, a row, found the reward."""
    return (rewards > 0).any(dim=1)


share_found = Check(
    name="share_found",
    right=lambda rewards: _found(rewards).float().mean(),
    cases=[
        Case(
            "the four walks in the text",
            (
                torch.tensor(
                    [
                        [0.0, 0.0, 1.0, 0.0, 0.0],
                        [0.0, 0.0, 0.0, 0.0, 0.0],
                        [0.0, 0.0, 0.0, 0.0, 1.0],
                        [0.0, 0.0, 1.0, 0.0, 0.0],
                    ]
                ),
            ),
        ),
        Case(
            "five walks of three steps, of which only the last found the reward",
            (torch.tensor([[0.0] * 3] * 4 + [[0.0, 0.0, 1.0]]),),
        ),
        Case("two walks of four steps that found nothing", (torch.zeros(2, 4),)),
    ],
    mistakes=[
        Mistake(
            "this is how many walks found it, not which share of them. Of four walks "
            "three is a lot, of a thousand it is next to nothing.",
            lambda rewards: _found(rewards).sum(),
        ),
        Mistake(
            "the table is averaged over all its cells, walks times steps. Give the "
            "walks more time, and the same walks would seem to fail more often. A walk "
            "counts once, however long it is.",
            lambda rewards: rewards.mean(),
        ),
        Mistake(
            "this is the share of the walks that found nothing: an agent that always "
            "fails would get a 1.",
            lambda rewards: 1 - _found(rewards).float().mean(),
        ),
        Mistake(
            "there is an answer for each walk. What is asked for is one number: which "
            "share of these answers is yes.",
            lambda rewards: _found(rewards),
        ),
        Mistake(
            "the question is put to each step, a column, where it belongs to each "
            "walk, a row. In an array (N, T) axis 0 counts the walks and axis 1 the "
            "steps.",
            lambda rewards: (rewards > 0).any(dim=0),
            lambda rewards: (rewards > 0).any(dim=0).float().mean(),
            lambda rewards: rewards.mean(dim=0),
            lambda rewards: rewards.sum(dim=0),
        ),
        Mistake(
            "only the last column is looked at. A walk that gets there early is over; "
            "the rest of its row is filled with zeros.",
            lambda rewards: rewards[:, -1].mean(),
        ),
        Mistake(
            "this is 1 whatever the walks did: all the answers are counted, where only "
            "those that are yes belong on top.",
            lambda rewards: torch.tensor(1.0),
        ),
        Mistake(
            "only the first walk is looked at. Does your loop return in its first "
            "pass?",
            lambda rewards: _found(rewards)[0],
        ),
        Mistake(
            "this says whether any walk at all found the reward: 1 as soon as a single "
            "one did.",
            lambda rewards: (rewards > 0).any().float(),
        ),
        Mistake(
            "the walks that found the reward are divided by the number of steps, the "
            "columns. A share of walks is divided by the number of walks, the rows.",
            lambda rewards: _found(rewards).sum() / rewards.shape[1],
        ),
        Mistake(
            "the mean is taken along each row, so that there is still one number for "
            "each walk: its reward for each step of the table.",
            lambda rewards: rewards.mean(dim=1),
        ),
    ],
    expected=(
        "The result is one number from 0 to 1: how many of the walks, the rows, found "
        "the reward, out of all of them."
    ),
    where="the table in the text of Exercise 0.2, and the corridor of section 0.2.",
    shows=(
        "first a question to each walk, then one number over all of them. Nearly every "
        "formula of the series goes this way: along the time, then over the walks."
    ),
)
