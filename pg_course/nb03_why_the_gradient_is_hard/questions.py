"""Notebook 03: why can't I just call backward on the average return?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="Why the gradient is hard",
    exercises=(
        "gradient_by_enumeration",
        "finite_difference",
        "number_of_trajectories",
    ),
    predictions=(
        Question(
            "who-gains-when-nothing-is-punished",
            "Every return on this hill is at least 0: nothing is ever punished. We "
            "take one small step up the gradient of the average return. Which "
            "trajectories become more probable?",
            (
                Option(
                    "All sixteen.",
                    "Their probabilities sum to 1 before the step and after it: where "
                    "some rise, others must fall.",
                ),
                Option(
                    "Those with a return above 0.",
                    "To be paid is not enough where others are paid more, and it is "
                    "not even needed: <code>V ↗ R ↗ V</code> rises with a return of 0.",
                ),
                Option(
                    "Those with a return above the average.",
                    "Trajectories share their logits, so each is carried along or "
                    "pushed down by others: <code>R · R ↗ S</code> falls with more "
                    "than twice the average.",
                ),
                Option(
                    "None of these rules is true.",
                    "Nine fall, because the budget is fixed. And the return alone does "
                    "not decide which: <code>R · R ↗ S</code> falls with a return of "
                    "0.9, and <code>V ↗ R ↗ V</code> rises with a return of 0.",
                    right=True,
                ),
            ),
        ),
        Question(
            "average-against-a-logit",
            "For each value of the logit the same random numbers choose 50 "
            "trajectories. The exact $J$ is a smooth curve. What does the average of "
            "the 50 returns look like?",
            (
                Option(
                    "A smooth curve, a little above or below that of $J$.",
                    "So it would be if the returns themselves changed with the logit. "
                    "All that changes is which actions are drawn.",
                ),
                Option(
                    "A jagged line, up and down from point to point.",
                    "All points share their random numbers, so the same actions are "
                    "drawn again as long as the logit has hardly moved.",
                ),
                Option(
                    "A staircase, flat between a few jumps.",
                    "Turn the logit a little, and the same actions are drawn and the "
                    "same rewards come: the slope is 0. Turn it a little more, one "
                    "action flips, and the average jumps.",
                    right=True,
                ),
            ),
        ),
        Estimate(
            "more-trajectories-than-nanoseconds",
            "The hill has three states and two actions; with a horizon of 2 that makes "
            "16 trajectories. From which horizon on are there more of them than "
            "nanoseconds have passed since the Big Bang, $4.4\\cdot10^{26}$?",
            Slider(10, 500, 10, value=250, label="horizon (steps)"),
            "Each step multiplies the number of trajectories, so what grows in "
            "proportion to the horizon is the number of its <em>digits</em>: by about "
            "four in ten steps.",
            holds=(60, 66),
            unit=" steps",
        ),
        Question(
            "where-the-naive-mean-settles",
            "Where is the mean of $R\\,\\nabla P$ over 20,000 sampled trajectories?",
            (
                Option(
                    "At $\\nabla J$, to within 4 standard errors.",
                    "For $J$ that works: (7) has a factor $P$, which sampling puts in. "
                    "(10) has none, and is given one all the same.",
                ),
                Option(
                    "Many standard errors away from $\\nabla J$.",
                    "It has settled firmly, and on the wrong place: on the ridge, "
                    "where $\\nabla J$ is largest, it is about ten times too small. "
                    "More samples would only make it surer of its error.",
                    right=True,
                ),
                Option(
                    "Nowhere yet: its standard error is larger than $\\nabla J$.",
                    "20,000 samples are plenty on this hill: the standard error is "
                    "small beside $\\nabla J$.",
                ),
            ),
        ),
    ),
    self_test=(
        Question(
            "slope-of-the-third",
            "Three trajectories have the returns 2, 5 and 1. As one parameter is "
            "turned up, the probability of the first rises with the slope $+0.3$, and "
            "that of the second falls with $-0.1$. What is the slope of $J$?",
            (
                Option(
                    "It cannot be told without the third slope.",
                    "The third is not free. Probabilities sum to 1, so their slopes "
                    "sum to 0 (3.4): it is $-0.2$.",
                ),
                Option(
                    "$+0.1$",
                    "That is $2\\cdot0.3-5\\cdot0.1$. The third trajectory is in the "
                    "sum too, with the slope $-0.2$, as all share one budget (3.4).",
                ),
                Option(
                    "$-0.1$",
                    "The slopes sum to 0, so the third is $-0.2$ (3.4), and "
                    "$2\\cdot0.3-5\\cdot0.1-1\\cdot0.2=-0.1$. The first gains, and the "
                    "others pay more for it than it brings.",
                    right=True,
                ),
            ),
        ),
        Question(
            "a-world-in-pytorch",
            "A colleague writes the world in PyTorch, with a reward that is a smooth "
            "function of the action's number. The actions are drawn as before. Does "
            "<code>backward</code> on the average return now reach $\\theta$?",
            (
                Option(
                    "Yes: PyTorch knows every operation on the way.",
                    "Not the draw: out of it comes an integer, from which no way leads "
                    "back (3.2).",
                ),
                Option(
                    "No: the way ends where an action is drawn.",
                    "The graph is cut before the world comes in: the probabilities "
                    "lead back to $\\theta$, the drawn actions do not (3.2).",
                    right=True,
                ),
                Option(
                    "Yes, but the gradient that it brings is zero.",
                    "Zero is the slope of the staircase, for someone who could follow "
                    "the way through the drawing (3.2). PyTorch cannot, and says so.",
                ),
            ),
        ),
        Question(
            "weight-of-a-rare-trajectory",
            "A trajectory with $P=0.01$ comes once in a hundred samples. How much does "
            "it contribute to the mean of $R\\,\\nabla P/P$ in the long run, compared "
            "with its term in (10)?",
            (
                Option(
                    "Just as much.",
                    "It is met in one sample of a hundred, and weighs a hundred times "
                    "as much when it is: the two cancel (3.6).",
                    right=True,
                ),
                Option(
                    "A hundredth, as it is so rare.",
                    "So it is in the mean of $R\\,\\nabla P$. The division by $P$ "
                    "makes up for it (3.6).",
                ),
                Option(
                    "A hundred times as much, because of the division.",
                    "Whenever it is met, yes; but that is in one sample of a hundred "
                    "(3.6).",
                ),
            ),
        ),
    ),
)
