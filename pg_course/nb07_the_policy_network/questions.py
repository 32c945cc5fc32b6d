"""Notebook 07: how does a network become a policy?"""

from pg_course.asking.questions import Contents, Option, Question

CONTENTS = Contents(
    room=__package__,
    title="The policy network",
    exercises=(
        "stable_softmax",
        "entropy_of_logits",
        "gaussian_log_prob",
    ),
    predictions=(
        Question(
            "steps-to-leave-a-wrong-certainty",
            "A slot machine has two arms. Arm 0 pays 0, arm 1 pays 1, always. A policy "
            "with two logits, one an arm, starts out 99.99 % sure of arm 0. It climbs "
            "its objective with the <em>exact</em> gradient, no sampling noise, "
            "learning rate 1. After how many steps does it pull the right arm half of "
            "the time?",
            (
                Option(
                    "After about 10.",
                    "The logits lie 9.2 apart, so that ten steps of length 1 would do. "
                    "But the steps are as short as the slope, and that is "
                    "$p(1-p)$, at first 0.0001.",
                ),
                Option(
                    "After about 100.",
                    "It is of that order from a start at 1 %, where the slope is a "
                    "hundred times larger.",
                ),
                Option(
                    "After about 5000.",
                    "There was no noise, and the gradient was exact. But it is short "
                    "where the policy is certain, also where that is wrong.",
                    right=True,
                ),
                Option(
                    "Never: there is no slope at such a place.",
                    "The slope $p(1-p)$ is small and never 0. Each step makes the next "
                    "a little longer.",
                ),
            ),
        ),
        Question(
            "what-carries-a-graph",
            "Which of the three carry a graph back to the parameters?",
            (
                Option(
                    "The probabilities and the log-probability.",
                    "The action is an integer, an index, and there is no such thing as "
                    "a slightly larger index.",
                    right=True,
                ),
                Option(
                    "All three, as each is made from the network's output.",
                    "The action was drawn with the help of the probabilities; but the "
                    "draw gives an index, and an index has no derivative.",
                ),
                Option(
                    "Only the log-probability, as it alone is asked of an action.",
                    "The probabilities come straight from the network, so they carry "
                    "its graph too. The log-probability is made of them.",
                ),
            ),
        ),
        Question(
            "what-the-car-learns",
            "Ten seeds, 20 updates of 16 episodes each. What does the mean return do, "
            "and does the car reach the flag?",
            (
                Option(
                    "It rises, and cars reach the flag.",
                    "A return that rises need not come from what we hoped for: there "
                    "is a cost that can be saved as well.",
                ),
                Option(
                    "It rises, but no car reaches the flag.",
                    "As far as the samples can tell, force only costs. So what the car "
                    "learns is to stand still.",
                    right=True,
                ),
                Option(
                    "It stays as it was: without the flag there is nothing to learn.",
                    "There is: each step costs $0.1\\,a^2$, so every sample says that "
                    "less force would have been better.",
                ),
            ),
        ),
    ),
    self_test=(
        Question(
            "ratio-of-the-other-two",
            "A softmax policy over three actions has the probabilities 0.2, 0.3 and "
            "0.5. The logit of the <em>first</em> is raised so far that its "
            "probability becomes 0.6. What are the other two now?",
            (
                Option(
                    "0.15 and 0.25: what is left is shared as before, 3 to 5.",
                    "The difference of their two logits is as it was, and only "
                    "differences count (7.1). So the likelier one loses more, as the "
                    "Jacobian's entries $-\\pi_a\\pi_b$ say (7.3).",
                    right=True,
                ),
                Option(
                    "0.1 and 0.3: the first gained 0.4, and each gives half of it.",
                    "They would then stand 1 to 3. But nobody touched the difference "
                    "of their logits, which fixes their ratio (7.1).",
                ),
                Option(
                    "0.3 and 0.5, as their logits have not been touched.",
                    "Together with 0.6 these are 1.4. All actions share one "
                    "denominator: what one gains the others lose (7.3).",
                ),
            ),
        ),
        Question(
            "flat-return-without-entropy",
            "A training log: the mean return has been flat for a thousand updates, and "
            "both the entropy and the gradient are close to 0. What does it tell you?",
            (
                Option(
                    "The policy has converged: it is close to a maximum of $J$.",
                    "At a maximum the gradient vanishes, but so does it far from one, "
                    "wherever the policy is certain. The flat part of the curves in "
                    "7.5 looks like this.",
                ),
                Option(
                    "The noise of the samples hides the gradient; larger batches help.",
                    "In 7.5 the gradient was exact, and the curve was as flat: the "
                    "slope itself is small.",
                ),
                Option(
                    "The policy is certain; whether it is right, the log cannot tell.",
                    "The factor $p(1-p)$ is small at both ends (7.5). To know which "
                    "end it is, compare with a return known to be good (7.7).",
                    right=True,
                ),
            ),
        ),
        Question(
            "never-more-certain-than-73-percent",
            "A game with two actions is trained for very long. However well one of "
            "them pays, its probability stays below 0.74 in every state. What do you "
            "look for in the program?",
            (
                Option(
                    "A learning rate that is too small for the logits to grow.",
                    "A small step is slow, but it is no limit: at 0.74 the slope "
                    "$p(1-p)$ is still 0.19 (7.5), so the probability rises on.",
                ),
                Option(
                    "A softmax at the end of the network, before the policy's own.",
                    "Probabilities, taken for logits, differ by at most 1. That allows "
                    "$e$ to 1 and no more, 0.73 to 0.27 (Common confusions).",
                    right=True,
                ),
                Option(
                    "Rewards that are all positive, so that both actions are pushed.",
                    "In 7.5 no reward is negative either, and there is a slope all the "
                    "same: what one action gains the other loses.",
                ),
            ),
        ),
    ),
)
