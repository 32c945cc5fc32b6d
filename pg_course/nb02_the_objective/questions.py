"""Notebook 02: what exactly is being maximised?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="The objective",
    exercises=(
        "discount_weights",
        "expected_return",
        "estimate_with_error",
    ),
    predictions=(
        Question(
            "rest-or-climb",
            "On the ridge our agent dithers: it climbs with probability one half, and "
            "you cannot change that. You decide for the valley. What is worth more on "
            "average?",
            (
                Option(
                    "Always climb: the prize of 0.9 is more than twice 0.38.",
                    "The prize needs two climbs that succeed <em>and</em> a decision "
                    "to climb on the ridge: $\\frac34\\cdot\\frac12\\cdot\\frac34 = "
                    "0.28$ of the episodes from the valley. Without the dithering it "
                    "would be $\\frac34\\cdot\\frac34\\cdot0.9 = 0.51$, and climbing "
                    "would win.",
                ),
                Option(
                    "Always rest: 0.38 for certain is more than a rare 0.9.",
                    "The prize is won in 0.28 of the episodes from the valley, and "
                    "$0.28\\cdot0.9$ is less than 0.38.",
                    right=True,
                ),
                Option(
                    "Neither: on average both come to about the same.",
                    "They are 0.1 apart: $J = 0.43$ against $0.33$. The dithering on "
                    "the ridge costs the climber half of its prizes.",
                ),
            ),
        ),
        Question(
            "whose-return-grows-for-ever",
            "We set $\\gamma = 1$ and give the agent 2, 10, 100, 1000 steps of time. "
            "One agent always climbs, the other always rests. Whose average return "
            "grows for ever?",
            (
                Option(
                    "That of both: without a discount every sum grows for ever.",
                    "A sum grows for ever only if it has ever more terms. Who climbs "
                    "reaches the summit, and the episode is over.",
                ),
                Option(
                    "That of the one who climbs, since the summit pays the most.",
                    "The summit pays 1, but once: then the episode is over.",
                ),
                Option(
                    "That of the one who rests, though it is paid the least.",
                    "Its small rewards never end. Who climbs gets 1 once, and the "
                    "episode is over: there $\\gamma=1$ does no harm.",
                    right=True,
                ),
                Option(
                    "That of neither, as no single reward is above 1.",
                    "Small rewards add up, if there are ever more of them: 0.2 a step, "
                    "for as long as there is time.",
                ),
            ),
        ),
        Question(
            "what-moves-with-theta",
            "Three columns of bars: how probable each story is, what it is worth, and "
            "the product of the two. Which of them change when $\\theta$ does?",
            (
                Option(
                    "The first and the third; what a story is worth never does.",
                    "The world and $\\gamma$ settle what a story is worth; the policy "
                    "changes only how often it happens. The gradient of $J$, in "
                    "notebook 3, will therefore be a gradient of probabilities.",
                    right=True,
                ),
                Option(
                    "The second and the third, as a better policy earns more.",
                    "It earns more because the good stories happen more often. Each "
                    "single story is worth what it was worth before.",
                ),
                Option(
                    "All three: everything in $J$ depends on $\\theta$.",
                    "$J$ does, and through one of its two factors only: the same "
                    "states, actions and rewards are worth the same, whoever goes "
                    "through them.",
                ),
            ),
        ),
        Estimate(
            "error-of-a-hundred-times-as-many",
            "A hundred times as many episodes: how many times smaller is the error of "
            "the estimate?",
            Slider(1, 100, 1, value=2, label="times smaller"),
            "The error falls like $1/\\sqrt N$: halving it takes four times the "
            "episodes. That price follows us through the whole series.",
            holds=(8, 12.5),
            unit=" times",
        ),
    ),
    self_test=(
        Question(
            "eight-later-or-three-now",
            "With $\\gamma = \\frac12$: one episode pays 3 at once and is over, "
            "another pays 0, 0 and 8. Which return is larger?",
            (
                Option(
                    "The first: it is 3, and that of the second 2.",
                    "The 8 comes at $t=2$, so it counts $\\frac14\\cdot8 = 2$; the "
                    "first reward, at $t=0$, counts in full (2.2).",
                    right=True,
                ),
                Option(
                    "The second: it is 4, and that of the first 3.",
                    "The 8 is halved once for each step of waiting, and there are two "
                    "steps from the first reward to the third (2.2).",
                ),
                Option(
                    "The first: it is 1.5, and that of the second 1.",
                    "The decision is right, the numbers are not: nobody waits for the "
                    "very first reward, so its weight is 1 and not $\\gamma$ (2.2).",
                ),
            ),
        ),
        Question(
            "probability-times-frequency",
            "On our hill someone samples $N$ episodes. Since $P$ stands in Eq. (7), "
            "they estimate $J$ by <code>(returns * probabilities).mean()</code>, with "
            "the probability of each sampled trajectory. What comes out?",
            (
                Option(
                    "$J$ as before, but with less noise, as $P$ is known exactly.",
                    "Its mean is no longer $J$, with however little noise: likely "
                    "stories are frequent in the sample already (2.5).",
                ),
                Option(
                    "Too small a number: each story is weighted by $P$ twice.",
                    "Once by how often it comes up, and once by the factor, which is "
                    "at most 0.19 for the undecided policy. Eq. (9) has no $P$ (2.5).",
                    right=True,
                ),
                Option(
                    "Exactly $J$: without the weight, Eq. (9) would be only the mean "
                    "over the list.",
                    "Without it, Eq. (9) is the mean over what happened, repetitions "
                    "included, and these are the weights. Over the list each story "
                    "stands once: that is another sum (2.3).",
                ),
            ),
        ),
        Question(
            "a-fall-after-an-update",
            "Before an update the mean return of 20 episodes was 0.36, after it that "
            "of 20 others is 0.31. The standard error of each is 0.08. Has the update "
            "done harm?",
            (
                Option(
                    "Yes: $J$ has fallen by 0.05, which is a seventh.",
                    "The <em>estimate</em> has. Five batches of one and the same "
                    "policy lay between 0.26 and 0.40 in the last of the confusions "
                    "above, while $J$ stood still.",
                ),
                Option(
                    "No: the dice explain the fall, so $J$ has not changed.",
                    "They can explain it, but so can a lower $J$. Not to see a "
                    "difference is not to know that there is none.",
                ),
                Option(
                    "Nobody can tell: the dice alone do as much.",
                    "To see a difference of 0.05, the errors must be much smaller: "
                    "0.01, an eighth, takes 64 times as many episodes (2.5).",
                    right=True,
                ),
            ),
        ),
    ),
)
