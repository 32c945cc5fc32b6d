"""Notebook 11: how much faster can the same gradient be estimated?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="Variance reduction",
    exercises=(
        "discounted_rewards_to_go",
        "best_constant_baseline",
        "leave_one_out",
    ),
    predictions=(
        Question(
            "gift-and-gradient",
            "What does the gift do to the exact gradient $\\nabla J$?",
            (
                Option(
                    "It gets longer: every action is now followed by more reward.",
                    "Every action alike. What one action gains over another is what "
                    "it was.",
                ),
                Option(
                    "It turns, towards the actions that are often taken.",
                    "These meet the gift more often, but their scores are the "
                    "smaller for it: on average the pushes cancel.",
                ),
                Option(
                    "Nothing: it is the same vector, to the last digit.",
                    "The gift says nothing about any decision.",
                    right=True,
                ),
            ),
        ),
        Estimate(
            "episodes-with-the-gift",
            "How many times as many episodes do you need with the gift, to estimate "
            "$\\nabla J$ to 10 % of its length?",
            Slider(1, 400, 1, value=1, label="times as many"),
            "The gift multiplies every score, by more than anything the agent could "
            "earn. A baseline takes it out again, to the last digit.",
            holds=(100, 400),
            unit=" times",
        ),
        Question(
            "pairs-with-mean-zero",
            "Which of the 25 means are zero?",
            (
                Option(
                    "None: all of them are needed, or the sum would be biased.",
                    "What has mean zero can be left out of a sum without a bias.",
                ),
                Option(
                    "Those with $k\\lt t$: the reward came before the action.",
                    "Ten of the 25, and no other.",
                    right=True,
                ),
                Option(
                    "Those with $k\\gt t$: later rewards are earned by later actions.",
                    "An action decides where one stands later, and so what can be "
                    "earned there.",
                ),
                Option(
                    "All but those with $k=t$: an action earns its own reward.",
                    "That would be so if no action led anywhere. Here climbing pays "
                    "steps later.",
                ),
            ),
        ),
        Question(
            "gradient-of-the-last-door",
            "The rewards-to-go of each episode are centred within that episode. What "
            "is left of the gradient for the last of the five doors?",
            (
                Option(
                    "As much as for the first: they all matter alike.",
                    "They do. But they do not have the same part in the episode's "
                    "own mean, which is taken away.",
                ),
                Option(
                    "It turns negative: late actions are punished.",
                    "Late weights are indeed negative on average. But they are so for "
                    "the right and for the left door, and what counts is the "
                    "difference.",
                ),
                Option(
                    "Nothing: it is exactly zero.",
                    "For the first door four fifths are left, and for each later one a "
                    "fifth less. Division by the spread does not bring the last one "
                    "back.",
                    right=True,
                ),
            ),
        ),
    ),
    self_test=(
        Question(
            "all-returns-are-negative",
            "Each step costs 1 until an exit is found, so every return is negative. "
            "No baseline is used. What does the policy gradient do on average?",
            (
                Option(
                    "It makes every action that is taken less probable.",
                    "A single episode does so with its own actions. But those of a "
                    "state add up to 1, and on average what costs less than the rest "
                    "rises. See the common confusions.",
                ),
                Option(
                    "It stands still until a baseline makes some returns positive.",
                    "A baseline changes the noise and not the mean (11.4): what can "
                    "be learned with one can be learned without.",
                ),
                Option(
                    "It favours the actions after which the exit comes sooner.",
                    "The mean asks who earned more, not whether it was more than "
                    "0: a constant on all returns leaves it as it is (11.10).",
                    right=True,
                ),
            ),
        ),
        Question(
            "a-baseline-that-knows-the-action",
            "A network sees the state <em>and the action just taken</em>, and has "
            "learned to predict the reward-to-go perfectly on average. It is "
            "detached, and subtracted as a baseline. What becomes of the estimate?",
            (
                Option(
                    "Its mean is zero: nothing is learned, from however many episodes.",
                    "Each action is held against its own average, and on average does "
                    "not exceed it (11.4).",
                    right=True,
                ),
                Option(
                    "It is right on average, with less noise than by any other.",
                    "It would be right on average if it were fixed before the action "
                    "is drawn. Then what is subtracted has the mean zero; here it has "
                    "not (11.4).",
                ),
                Option(
                    "It is right on average, since the network is detached.",
                    "Detaching keeps the gradient out of the network. What is "
                    "subtracted still depends on the action, and its mean is not zero "
                    "(11.4).",
                ),
            ),
        ),
        Question(
            "quiet-and-a-little-biased",
            "The bias of an estimator is 12 % of the gradient's length; its variance "
            "is a hundredth of the plain one's. How many episodes does it need for a "
            "root-mean-square error of 10 %?",
            (
                Option(
                    "A hundredth of what the plain one needs.",
                    "So it would be without the bias. The mean squared error is "
                    "$\\text{bias}^2+\\text{variance}/N$ (11.8).",
                ),
                Option(
                    "No number suffices, however small the variance is.",
                    "$N$ makes the variance small, but the bias stays, and 12 % is "
                    "more than 10 % (11.8).",
                    right=True,
                ),
                Option(
                    "More than a hundredth, to average the bias out as well.",
                    "What is off in the mean is off in every average (11.8).",
                ),
            ),
        ),
    ),
)
