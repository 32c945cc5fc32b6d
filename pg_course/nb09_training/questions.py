"""Notebook 09: does it learn?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="Training",
    exercises=(
        "total_return",
        "loss",
        "update",
    ),
    predictions=(
        Question(
            "commonest-estimate-from-one-walk",
            "With only <em>one</em> trajectory an estimate, what is the commonest "
            "value?",
            (
                Option(
                    "Exactly 0.",
                    "Half of the single walks never find the reward. Their return is "
                    "0, so they say nothing: they leave every probability as it is.",
                    right=True,
                ),
                Option(
                    "About 1.",
                    "That is the mean. It is made of many estimates that say nothing "
                    "and others that are much too long.",
                ),
                Option(
                    "2 or more.",
                    "There are many of those, since the walks that pay must make up "
                    "for the rest. But they are of several lengths, and the estimates "
                    "from walks that do not pay are all alike.",
                ),
            ),
        ),
        Question(
            "what-jitters",
            "The batch average is made from 10 episodes, and so is each step. What "
            "jitters from one update to the next?",
            (
                Option(
                    "The batch average and $J$.",
                    "Each step is noisy, but small, and the next one errs another way. "
                    "What the policy is worth changes little from one to the next.",
                ),
                Option(
                    "The batch average, but hardly $J$.",
                    "Ten episodes are few. The noise is in the measurement far more "
                    "than in the policy.",
                    right=True,
                ),
                Option(
                    "Hardly anything: the average follows $J$ closely.",
                    "Whether four or seven of ten walks find the reward is a matter of "
                    "luck, whatever $J$ is.",
                ),
            ),
        ),
        Estimate(
            "how-long-an-untrained-policy-balances",
            "How many steps, on average, does an untrained policy keep the pole up?",
            Slider(0, 200, 5, value=100, label="steps"),
            "The pole tips over by itself, and random pushes do not keep it from "
            "falling: 475 is far away.",
            holds=(10, 50),
            unit=" steps",
        ),
        Estimate(
            "share-of-time-in-the-world",
            "What share of an update's time is spent in the world, in calls of "
            "<code>step</code>? (The rest is PyTorch: the network with the draw of an "
            "action, and the backward pass.)",
            Slider(0, 100, 5, value=50, label="the world (%)"),
            "Most of the time goes elsewhere, though many who wait for their agent "
            "suspect the environment.",
            holds=(0, 50),
            unit=" %",
        ),
    ),
    self_test=(
        Question(
            "the-best-of-fifty-checkpoints",
            "Fifty checkpoints of a run are compared by the mean return of the batch "
            "that each had just sampled, ten episodes. The best has 0.89. What would "
            "its mean over thousands of fresh episodes be?",
            (
                Option(
                    "About 0.89: each of these means is right on average.",
                    "Each by itself is. But this one was chosen for being the highest "
                    "of fifty, and luck is a part of what made it so (9.8).",
                ),
                Option(
                    "Probably lower: it was chosen partly for its luck.",
                    "What a choice was made by flatters the result. So the policy is "
                    "judged once more, on episodes that decided nothing (9.8).",
                    right=True,
                ),
                Option(
                    "Probably higher: ten episodes are too few to show all of it.",
                    "Ten episodes err either way (9.6). But the highest of fifty means "
                    "is more likely one that erred upward (9.8).",
                ),
            ),
        ),
        Question(
            "trajectories-for-a-tenth-of-the-noise",
            "With $N=10$ the estimates scatter along the true gradient by about a "
            "third of its length. How many trajectories make it a thirtieth?",
            (
                Option(
                    "About 1000.",
                    "The spread shrinks like $1/\\sqrt N$, so a tenth of it costs a "
                    "hundred times as many (9.2).",
                    right=True,
                ),
                Option(
                    "About 100.",
                    "Ten times as many trajectories make the spread $\\sqrt{10}$ times "
                    "smaller, about 3, not 10 (9.2).",
                ),
                Option(
                    "About 32.",
                    "This is $\\sqrt{10}$ times as many. The square root belongs to "
                    "what is gained, so the price is the square: $10^2$ (9.2).",
                ),
            ),
        ),
        Question(
            "stopping-when-the-loss-rises",
            "On CartPole, with plain returns as weights, a colleague stops the "
            "training once the loss has risen for twenty updates, as for a "
            "classifier. What will happen?",
            (
                Option(
                    "It stops near the best policy, which is what the rule is for.",
                    "For a classifier the loss measures how bad it is. The value of "
                    "the loss (23) measures nothing (Common confusions).",
                ),
                Option(
                    "It never stops, as gradient steps make a loss smaller each time.",
                    "They would, on a fixed batch. Here every update has a new batch, "
                    "from another policy, and the loss more than doubled in the run "
                    "above (Common confusions).",
                ),
                Option(
                    "It may stop while the policy is getting better and better.",
                    "Longer episodes have more terms and larger returns, so the loss "
                    "grew <em>because</em> the policy improved (Common confusions).",
                    right=True,
                ),
            ),
        ),
    ),
)
