"""Notebook 00: what will I be able to build, and does my set-up work?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="Start here",
    exercises=("mean_return", "share_found"),
    predictions=(
        Estimate(
            "objective-after-training",
            "We let it walk 10 times, nudge the weights so that walks which found the "
            "reward become a little more probable, and do that 500 times. It starts "
            "at $J = 0.41$. Where does $J$ end?",
            Slider(0, 1, 0.05, value=0.4, label="J after training"),
            "That is all but the best possible, 0.90. Nobody told the agent that right "
            "is good: nudges that follow the rewards were enough.",
            holds=(0.85, 0.9025),
            digits=2,
        ),
        Question(
            "two-ways-equally-long",
            "In the top left corner, <em>right</em> and <em>down</em> lead to the "
            "reward equally fast. Will the trained policy take each with probability "
            "one half?",
            (
                Option(
                    "Yes: both are equally good, so it has no reason to prefer one.",
                    "Neither is better, that is true, and at first both are equally "
                    "probable. But nothing holds them there.",
                ),
                Option(
                    "No: it prefers one by far, and with another seed perhaps the "
                    "other.",
                    "Chance decides which of the two is rewarded a little more often; "
                    "training makes it more probable, and so it is tried more often "
                    "still. $J$ is the same either way.",
                    right=True,
                ),
                Option(
                    "No: it prefers one by far, with every seed the same.",
                    "That would take a difference between the two ways, and there is "
                    "none. Only chance differs, and chance goes with the seed.",
                ),
            ),
        ),
    ),
    self_test=(
        Question(
            "three-steps-right",
            "From the middle of the corridor the reward is three steps away. In each "
            "cell a policy steps right with probability 0.9. Of 100 walks, about how "
            "many reach the reward in their first three steps?",
            (
                Option(
                    "All 100, since right is always the more probable step.",
                    "The policy does not take the more probable step: it takes each "
                    "step as often as its probability says (0.2). One step in ten goes "
                    "left.",
                ),
                Option(
                    "About 73, since right has to come three times in a row.",
                    "The steps are drawn one by one: $0.9\\cdot0.9\\cdot0.9 = 0.73$. "
                    "The others get there later, if they have steps left.",
                    right=True,
                ),
                Option(
                    "About 90, since that is the probability of stepping right.",
                    "So many make the first step to the right. The second and the "
                    "third have to go right as well.",
                ),
            ),
        ),
        Question(
            "the-reward-moves-to-the-left",
            "We put the reward at the <em>left</em> end of the corridor and train a "
            "new policy. What else has to be changed in the training of 0.3?",
            (
                Option(
                    "The rule that says which of the steps is a good one.",
                    "There is no such rule. Nobody told the agent that right was good "
                    "(0.2); nobody has to tell it about left.",
                ),
                Option(
                    "The random weights at first, so that it leans to the left.",
                    "It may lean to either side at first. As long as some walks find "
                    "the reward, those are the ones that become more probable (0.3).",
                ),
                Option(
                    "Nothing: the returns of the walks are all that it is told.",
                    "Walks that end at the left end are now the ones that are worth "
                    "something, and become more probable. In 0.4 the same training "
                    "found its way on a grid.",
                    right=True,
                ),
            ),
        ),
        Question(
            "ten-walks-and-the-truth",
            "Listing all trajectories says $J = 0.41$. You let the same agent walk ten "
            "times, and the mean of the ten returns is 0.52. What is wrong?",
            (
                Option(
                    "Nothing: $J$ is a mean over all that can happen, not over ten "
                    "walks.",
                    "Ten walks are a sample, and ten others have another mean. How "
                    "far such means lie from $J$ is a matter of notebook 2.",
                    right=True,
                ),
                Option(
                    "The listing: what really happened counts for more than theory.",
                    "The listing leaves nothing out that can happen, and weighs each "
                    "walk by how often it does; dynamic programming, another method, "
                    "agrees with it to 12 digits (0.5).",
                ),
                Option(
                    "The walks: such a difference shows a mistake in the sampling.",
                    "Ten walks say little: each is worth 0, or something between 0.5 "
                    "and 0.9, and one more that finds the reward moves their mean by "
                    "more than 0.05.",
                ),
            ),
        ),
    ),
)
