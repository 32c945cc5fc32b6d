"""Notebook 01: how does learning from rewards differ from fitting data?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="Gradient ascent",
    exercises=(
        "ascent_step",
        "minibatch_gradient",
        "bandit_gradient",
    ),
    predictions=(
        Question(
            "learning-from-a-log",
            "With which probability does this learner pull lever 1 in the end?",
            (
                Option(
                    "About one half, as in the log.",
                    "The log was made with one half, but the steps do not copy it: "
                    "they weigh each pull with what it paid, and lever 1 paid more.",
                ),
                Option(
                    "About three quarters.",
                    "That is the share of lever 1 in all the reward that was written "
                    "down, $0.6/(0.2+0.6)$, and the log determines it exactly.",
                    right=True,
                ),
                Option(
                    "Nearly 1, as there is plenty of evidence that lever 1 is better.",
                    "The evidence is there, but these steps do not weigh evidence: "
                    "they make each recorded pull more probable, in proportion to its "
                    "reward, those of lever 0 too.",
                ),
            ),
        ),
        Estimate(
            "minibatches-that-point-uphill",
            "Close to the best line, how many of 100 mini-batches of 3 points have a "
            "gradient that points uphill on the full error, less than a right angle "
            "away from the true one?",
            Slider(0, 100, 1, value=50, label="of 100 mini-batches"),
            "Most do, but by no means all: three points may happen to lie on one side "
            "of the line, whatever the other seventeen say.",
            holds=(75, 95),
            unit=" of 100",
        ),
        Question(
            "pulls-that-point-uphill",
            "At first the learner prefers the worse lever. No reward is negative, so "
            "a step along $\\hat g$ never makes the lever that was pulled less "
            "probable. Do most pulls point uphill?",
            (
                Option(
                    "Yes, most: otherwise their mean could not be the gradient.",
                    "A mean is not a vote: a few strong pushes outweigh many weak "
                    "ones.",
                ),
                Option(
                    "About as many point uphill as downhill.",
                    "The levers are pulled with unequal probabilities, 0.27 and 0.73, "
                    "and half of the pulls of the worse one pay nothing, so that they "
                    "push nowhere. That leaves unequal shares.",
                ),
                Option(
                    "No: more of them point downhill.",
                    "And yet the mean is exactly $\\nabla J$: the pulls of lever 1 are "
                    "rarer, but each of them pushes harder.",
                    right=True,
                ),
            ),
        ),
        Estimate(
            "runs-that-end-on-the-worse-lever",
            "With $\\alpha = 100$ the first pull that pays decides. Lever 0 is pulled "
            "with probability 0.73 at first and pays nothing in half of its pulls; "
            "lever 1 always pays. How many of 100 runs end on lever 0, the worse one?",
            Slider(0, 100, 1, value=20, label="of 100 runs"),
            "It can be worked out: a pull is of lever 0 and pays with probability "
            "$0.73\\cdot0.5 = 0.37$, and of lever 1 with $0.27$; so the first that "
            "pays is lever 0's with $0.37/(0.37+0.27)$. With $\\alpha = 1$ no run ends "
            "there.",
            holds=(51, 64),
            unit=" of 100",
        ),
    ),
    self_test=(
        Question(
            "a-lopsided-log",
            "Another log of two levers: eight pulls of ten were of lever 0, which pays "
            "1 on average, and two of lever 1, which pays 2. A learner steps along "
            "the average over this log until nothing moves. How often does it pull "
            "lever 1 then?",
            (
                Option(
                    "Nearly always, since lever 1 pays twice as much.",
                    "So would a learner that makes its own pulls. Over a log the steps "
                    "fit it: each lever gets its share of the reward (1.8).",
                ),
                Option(
                    "Two times in three, as $2/(1+2)$ of the pay is lever 1's.",
                    "That would be so if both were pulled equally often, as in 1.8. "
                    "Here lever 0 was pulled four times as often.",
                ),
                Option(
                    "One time in three, though lever 1 pays twice as much.",
                    "Of ten pulls, lever 0 brought $8\\cdot1$ and lever 1 "
                    "$2\\cdot2$: a share of $4/12$. Whoever recorded the log has "
                    "a say in where its learner ends (1.8).",
                    right=True,
                ),
            ),
        ),
        Question(
            "which-one-is-unbiased",
            "The true gradient is 1, a single number. Three estimates of it: which one "
            "is unbiased?",
            (
                Option(
                    "It is $-3$ or $5$, each half of the time.",
                    "Its mean is $(-3+5)/2 = 1$: right on average, and in the single "
                    "case it points the wrong way half of the time (1.3, 1.5).",
                    right=True,
                ),
                Option(
                    "It is $0$ or $1$, each half of the time.",
                    "It never points the wrong way, but its mean is 0.5. Unbiased is a "
                    "word about the mean, not about the single case (1.3).",
                ),
                Option(
                    "It is $0.9$ or $1$, each half of the time.",
                    "It is closest in the single case, but its mean is 0.95. However "
                    "many of these are averaged, the missing twentieth does not come "
                    "back.",
                ),
            ),
        ),
        Question(
            "a-curve-that-falls-smoothly",
            "A learner of levers uses the exact gradient of $J$. Step by step, without "
            "a jump, $J$ falls from 0.31 towards 0.2, the pay of the worse lever. What "
            "is wrong with its code?",
            (
                Option(
                    "The step is too long, so that it ends where the curve is flat.",
                    "Such a step jumps at once. And with the exact gradient it jumped "
                    "to the better lever here: the direction was right (1.7).",
                ),
                Option(
                    "The sign of the step: it goes downhill, and nothing warns it.",
                    "So does descent on $J$ in the last of the confusions above. A "
                    "fit would explode; $J$ falls quietly, to the worst there is.",
                    right=True,
                ),
                Option(
                    "The noise of the pulls, which leads it to the wrong lever.",
                    "An exact gradient is made of no pulls, so it has no noise: the "
                    "same start always gives the same path (1.4).",
                ),
            ),
        ),
    ),
)
