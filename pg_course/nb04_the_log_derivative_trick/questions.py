"""Notebook 04: how can a gradient be an expectation?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="The log-derivative trick",
    exercises=("score_estimate", "gaussian_score"),
    predictions=(
        Question(
            "where-to-aim",
            "To be paid more in the mean, should we move our aim to the left, where "
            "the payments are highest, or to the right, where they are frequent?",
            (
                Option(
                    "To the left.",
                    "The payments of 3 do pull, but too few throws land there: what "
                    "counts is the reward together with how often it comes.",
                ),
                Option(
                    "To the right.",
                    "The many small payments there outweigh the few high ones.",
                    right=True,
                ),
                Option(
                    "The two lists cannot tell, since the slope of the rule was never "
                    "measured.",
                    "No slope of the rule is needed. What moves with the aim is how "
                    "likely each throw is, and that we know.",
                ),
            ),
        ),
        Question(
            "which-recipe-climbs",
            "Which of the two recipes still points uphill, at less than 90 degrees to "
            "the gradient?",
            (
                Option(
                    "Both; they differ only in length.",
                    "They differ in direction, and one of them by nearly 180 degrees.",
                ),
                Option(
                    "Only (a), the average of $R\\,\\nabla P$ over the samples.",
                    "The samples come as often as $P$ says already; $\\nabla P$ brings "
                    "the factor $P$ a second time, and favours what is already likely.",
                ),
                Option(
                    "Only (b), the average of $R\\,\\nabla\\ln P$ over the three "
                    "actions.",
                    "It is some degrees off and far too long, as it takes rare actions "
                    "for as frequent as the others; but here it still climbs.",
                    right=True,
                ),
                Option(
                    "Neither.",
                    "One of them does, though not straight uphill.",
                ),
            ),
        ),
        Estimate(
            "how-many-times-less-variance",
            "The reward is $R(a) = -(a-1)^2$, smooth and known, and $\\mu=0$. How many "
            "times smaller is the variance of a pathwise sample than that of reward "
            "times score?",
            Slider(1, 40, 1, value=2, label="times smaller"),
            "A sample of the slope says more than a sample of the height, where the "
            "slope is known.",
            holds=(10, 40),
            unit=" times",
        ),
    ),
    self_test=(
        Question(
            "mean-of-the-score",
            "A policy is held fixed, and we average the score $\\nabla\\ln P$ over "
            "very many samples of it, without any reward. What comes out?",
            (
                Option(
                    "The gradient of the entropy.",
                    "In that, each score is weighted with $-\\ln P$. Without a weight "
                    "there is nothing that tells one outcome from another.",
                ),
                Option(
                    "Zero.",
                    "The probabilities sum to 1 whatever $\\theta$ is: what one "
                    "outcome gains the others lose (4.3).",
                    right=True,
                ),
                Option(
                    "The direction that makes the samples more likely.",
                    "So it is for each batch, by chance. In the mean these directions "
                    "cancel, since every outcome is met as often as it is likely.",
                ),
            ),
        ),
        Question(
            "a-step-as-reward",
            "The reward is 1 beyond a line and 0 before it. Its derivative is 0 "
            "wherever it exists. What is $\\nabla J$ for a Gaussian policy?",
            (
                Option(
                    "Zero: nothing can be learned from it.",
                    "That is what differentiating through the reward says (4.6). But "
                    "$J$ is the chance of landing beyond the line, and that changes "
                    "with the mean.",
                ),
                Option(
                    "Undefined, because the reward jumps.",
                    "The mean over a smooth density has no jump: $J$ is as smooth as "
                    "the density is (4.6).",
                ),
                Option(
                    "Not zero; reward times score estimates it.",
                    "The slope of $J$ comes from the probabilities. The reward enters "
                    "as a number (4.6).",
                    right=True,
                ),
            ),
        ),
        Question(
            "a-constant-on-all-rewards",
            "We add 100 to every reward. What happens to the estimate, reward times "
            "score?",
            (
                Option(
                    "Its mean stays, its variance grows.",
                    "The mean score is zero, so its mean times 100 is zero too. The "
                    "noise is not: it grew about two thousand times in 4.4's example.",
                    right=True,
                ),
                Option(
                    "Its mean grows, as every action is now pushed up harder.",
                    "Every <em>sampled</em> action is. But pushing one up pushes the "
                    "others down, and in the mean the extra pushes cancel.",
                ),
                Option(
                    "Nothing at all changes.",
                    "The mean does not. A single sample, though, is now about a "
                    "hundred times as long, in whatever direction its action lies.",
                ),
            ),
        ),
    ),
)
