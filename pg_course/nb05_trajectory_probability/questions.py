"""Notebook 05: where did the unknown dynamics go?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="The probability of a trajectory",
    exercises=(
        "trajectory_log_prob",
        "trajectory_score",
    ),
    predictions=(
        Question(
            "what-two-climbers-share",
            "Which of the four are the same for both climbers: "
            "$P(\\tau\\mid\\theta)$, $\\nabla\\ln P(\\tau\\mid\\theta)$, "
            "$J(\\theta)$, $\\nabla J(\\theta)$?",
            (
                Option(
                    "None of them.",
                    "The slip is in $\\ln P$, but as a term without $\\theta$, and a "
                    "gradient by $\\theta$ takes no notice of that.",
                ),
                Option(
                    "Only $\\nabla\\ln P(\\tau\\mid\\theta)$.",
                    "The slip is a term of $\\ln P$ without $\\theta$, and drops out "
                    "of its gradient. In the other three it stays.",
                    right=True,
                ),
                Option(
                    "Both gradients, $\\nabla\\ln P(\\tau\\mid\\theta)$ and "
                    "$\\nabla J(\\theta)$.",
                    "$\\nabla J$ is an average over the trajectories that are met, and "
                    "the slip decides how often each is met.",
                ),
                Option(
                    "What belongs to the report, $P(\\tau\\mid\\theta)$ and "
                    "$\\nabla\\ln P(\\tau\\mid\\theta)$.",
                    "Two climbs that both succeed are rare where most climbs slide: "
                    "the same report has two probabilities.",
                ),
            ),
        ),
        Question(
            "sixteen-by-independence",
            "Which probability does this product give to the 16 possible trajectories "
            "together?",
            (
                Option(
                    "Less than 1.",
                    "The rest goes to trajectories that cannot happen, such as a nap "
                    "in the valley from which one wakes on the summit.",
                    right=True,
                ),
                Option(
                    "Exactly 1.",
                    "It is 1 over <em>all</em> sequences of five entries, also those "
                    "that cannot happen: without conditions nothing rules them out.",
                ),
                Option(
                    "More than 1.",
                    "Independent events have probabilities too, which sum to 1 over "
                    "all sequences; the 16 are some of these.",
                ),
            ),
        ),
        Estimate(
            "steps-until-the-product-is-zero",
            "PyTorch computes in float32 unless told otherwise. Its smallest positive "
            "number is about $10^{-45}$. After how many steps of such an episode, each "
            "with a factor of 0.4 or 0.6, has the product (13) become 0?",
            Slider(20, 2000, 20, value=1000, label="steps"),
            "Each step takes away about 0.3 of a decimal place, so that 45 places are "
            "used up after some 150 steps. In float64, which has 324, it takes about "
            "1100. An episode of CartPole may last 500.",
            holds=(130, 180),
            unit=" steps",
        ),
    ),
    self_test=(
        Question(
            "not-a-number-in-long-episodes",
            "A program multiplies $\\pi_\\theta(a_t\\mid s_t)$ over an episode, takes "
            "the logarithm and differentiates it. In short episodes the gradient is "
            "right, in long ones it is not a number. What is wrong?",
            (
                Option(
                    "The product is 0 by the time its logarithm is taken.",
                    "Every step makes it smaller, until the computer has no such "
                    "number any more. A sum of logarithms has no such end (5.5).",
                    right=True,
                ),
                Option(
                    "The probabilities of the world are missing from the product.",
                    "They bring terms without $\\theta$, which add nothing to the "
                    "gradient, in short episodes or in long ones (5.6).",
                ),
                Option(
                    "The sum of that many scores is too large for the computer.",
                    "Over 2000 steps that sum came out right; it was the product that "
                    "failed (5.5).",
                ),
            ),
        ),
        Question(
            "five-times-in-the-valley",
            "In the valley our policy rests with probability 0.4. An episode acts "
            "there five times: three rests, two climbs. What stands in "
            "$\\nabla\\ln P(\\tau\\mid\\theta)$ at the entry for resting there?",
            (
                Option(
                    "$+3$",
                    "That counts the rests. But each of them adds $1-0.4$, not 1, and "
                    "the climbs take something away (5.5).",
                ),
                Option(
                    "$+1.8$",
                    "Those are the three rests, with $1-0.4$ each. A climb makes "
                    "resting less probable: each of the two adds $-0.4$ (5.5).",
                ),
                Option(
                    "$+1$",
                    "$3\\cdot(1-0.4)-2\\cdot0.4=1$ (5.5). In five visits two rests "
                    "were to be expected, and there were three.",
                    right=True,
                ),
            ),
        ),
        Question(
            "when-the-wind-changes",
            "Overnight the wind changes $P(s'\\mid s,a)$; policy and rewards stay. You "
            "kept yesterday's trajectories with their returns and scores. Does the "
            "mean of return times score estimate today's $\\nabla J$?",
            (
                Option(
                    "Yes: neither returns nor scores contain the dynamics.",
                    "They do not. But the mean runs over trajectories as often as they "
                    "were met, and that is where the dynamics are (5.7).",
                ),
                Option(
                    "No: they come in the proportions of yesterday.",
                    "Each return and each score is still right. How often each "
                    "trajectory is met is not (5.7).",
                    right=True,
                ),
                Option(
                    "No: the scores must be computed afresh.",
                    "Not a bit of them changes with the world: a score knows the "
                    "trajectory and the policy only (5.6).",
                ),
            ),
        ),
    ),
)
