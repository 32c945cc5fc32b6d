"""Notebook 06: how well do a few samples point uphill?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="The policy gradient",
    exercises=(
        "exact_gradient",
        "policy_gradient_estimate",
        "share_uphill",
    ),
    predictions=(
        Question(
            "commonest-pull",
            "One trajectory is sampled at this $\\theta$. Which is the commonest?",
            (
                Option(
                    "A pull that points uphill.",
                    "That the pulls are right on average does not make most of them "
                    "right: about a third point uphill.",
                ),
                Option(
                    "A pull of zero.",
                    "Those are the trajectories with a return of 0, about a quarter of "
                    "all that are sampled.",
                ),
                Option(
                    "A pull that points downhill.",
                    "Two of five do, more than of either other kind.",
                    right=True,
                ),
            ),
        ),
        Question(
            "climb-with-fewer-than-half",
            "Suppose that fewer than half of the pulls point uphill. Can a learner "
            "that steps along one pull after the other still climb?",
            (
                Option(
                    "Yes, with small steps.",
                    "Each step goes its own way, but it is the mean of the pulls that "
                    "adds up over many of them, and the mean points uphill.",
                    right=True,
                ),
                Option(
                    "No, it comes down in the end.",
                    "So it would if all steps were alike. But most of the downhill "
                    "pulls cost little, and most of the uphill ones gain much.",
                ),
                Option(
                    "Only if many pulls are averaged for each step.",
                    "Small steps do the averaging on the way: each is made at nearly "
                    "the same place as the one before.",
                ),
            ),
        ),
        Estimate(
            "ten-that-point-uphill",
            "Of the estimates from one trajectory, 35 % point uphill. How many of "
            "those from ten trajectories do?",
            Slider(0, 100, 1, value=35, label="share uphill (%)"),
            "Far more than half: the cloud is several times as wide as the arrow is "
            "long, but its middle is the arrow's tip, and most of it lies on the "
            "uphill side.",
            holds=(80, 93),
            unit=" %",
        ),
    ),
    self_test=(
        Question(
            "a-quarter-of-the-error",
            "With 50 trajectories the estimate has a standard error of 0.2. How many "
            "does it take for 0.05?",
            (
                Option(
                    "200",
                    "The error falls like $1/\\sqrt N$: four times the trajectories "
                    "halve it, and it should be a quarter (6.7).",
                ),
                Option(
                    "800",
                    "Half the error costs four times the trajectories, a quarter of it "
                    "sixteen times (6.7).",
                    right=True,
                ),
                Option(
                    "That depends on $K$, the number of all trajectories.",
                    "Two numbers decide: $N$, and how far single pulls scatter. How "
                    "many different trajectories there are does not come in (6.5).",
                ),
            ),
        ),
        Question(
            "without-repetitions",
            "To save time, a program throws repeated trajectories out of its sample "
            "and averages the pulls of those that are left. What becomes of the "
            "estimate?",
            (
                Option(
                    "Its mean is wrong: the repetitions stood for $P$.",
                    "The world applies the weight $P$ by how often it deals out a "
                    "trajectory (6.4). Now rare and common ones count alike.",
                    right=True,
                ),
                Option(
                    "It gets better, as no trajectory is counted twice any more.",
                    "One that is twice as probable ought to count twice. In the sum "
                    "over all $K$ the factor $P$ sees to that, here only the "
                    "repetitions do (6.4).",
                ),
                Option(
                    "Nothing: what is repeated tells nothing new.",
                    "Of the pull it tells nothing new, but of how probable that pull "
                    "is, and this is its weight in the mean (6.4).",
                ),
            ),
        ),
        Question(
            "one-success-in-a-thousand",
            "One episode of a thousand reaches the goal and gets the return 1; all "
            "others get 0. What are most of the estimates from ten trajectories like?",
            (
                Option(
                    "Small, and mostly pointing uphill.",
                    "So they would be with ten pulls of different directions. Ten "
                    "failures have ten pulls of zero, and no direction (6.3).",
                ),
                Option(
                    "They push down what was done in the failures.",
                    "A return of 0 pushes nothing, neither up nor down: it multiplies "
                    "the score (6.3).",
                ),
                Option(
                    "Exactly zero; few others make up for it.",
                    "Ten failures pull nowhere. About one batch of a hundred holds a "
                    "success, and with its pull the mean is right (6.4).",
                    right=True,
                ),
            ),
        ),
    ),
)
