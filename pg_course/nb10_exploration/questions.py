"""Notebook 10: where does exploration come from, and where does it go?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="Exploration",
    exercises=(
        "effective_actions",
        "epsilon_greedy",
        "loss_with_entropy",
    ),
    predictions=(
        Question(
            "careful-or-bold",
            "One learner takes steps of size 0.3, another of size 10. Which of them "
            "ends at the far goal more often?",
            (
                Option(
                    "The bold one, with steps of 10.",
                    "A long step is no wider search. What is tried is decided by the "
                    "probabilities, and a long step makes them extreme: after it, "
                    "less is tried.",
                ),
                Option(
                    "The careful one, with steps of 0.3.",
                    "More than nine of ten careful learners end there, of the bold "
                    "ones fewer than six.",
                    right=True,
                ),
                Option(
                    "Neither: they differ only in how soon they arrive.",
                    "What is sampled next depends on where the last step has led, so "
                    "a wrong turn is not always made good.",
                ),
            ),
        ),
        Question(
            "actions-left-at-the-end",
            "When training is over, how many of the four actions does such a learner "
            "still try?",
            (
                Option(
                    "Nearly four: no rule ever told it to stop.",
                    "No rule did. But what is learned is taken from what is tried, as "
                    "probabilities add up to 1.",
                ),
                Option(
                    "Nearly one if it found the far goal; several if it did not.",
                    "It does not know that there is anything left to find. The near "
                    "goal pays too, and the more surely, the less else is tried.",
                ),
                Option(
                    "Nearly one, whether it found the far goal or not.",
                    "Those that found it and those that never will have nearly the "
                    "same entropy.",
                    right=True,
                ),
            ),
        ),
        Estimate(
            "effective-actions-of-a-favourite",
            "One of four actions has the probability 0.7, the three others have 0.1 "
            "each. What is the effective number of actions?",
            Slider(1, 4, 0.1, value=1, label="effective actions"),
            "Although one action is taken seven times of ten, that is nearer to 3 than "
            "to 2: rare actions count for more than their share.",
            holds=(2.5, 3),
            digits=1,
        ),
        Question(
            "long-steps-without-noise",
            "With the exact gradient and steps of 10, where does the learner end?",
            (
                Option(
                    "At the far goal.",
                    "So it does with every step size tried here.",
                    right=True,
                ),
                Option(
                    "At the near goal, as most of the bold ones did.",
                    "They went by ten episodes, and ten episodes mostly hold no far "
                    "goal. In the exact gradient it is always there, with the weight "
                    "of its 10.",
                ),
                Option(
                    "At neither: such steps go too far, and it jumps about.",
                    "These are steps in logits. A long one makes the better way nearly "
                    "certain, and then there is nothing to jump back from.",
                ),
            ),
        ),
    ),
    self_test=(
        Question(
            "the-only-action-that-pays",
            "In one state, the only action that pays has the probability 0.001; no "
            "other pays anything. A batch visits the state ten times. What does it "
            "teach about that action?",
            (
                Option(
                    "A little, since the estimate is right on average.",
                    "The average is made of very many batches without it and one in a "
                    "hundred with a large push (10.2). A single batch nearly always "
                    "teaches nothing.",
                ),
                Option(
                    "Nothing in 99 of 100 batches, since they do not hold it.",
                    "It is missing with the probability $0.999^{10}$, or 99 %. What is "
                    "not tried is not learned from (10.2).",
                    right=True,
                ),
                Option(
                    "That it is to be avoided: the visits were not paid.",
                    "A return of 0 pushes on nothing at all, and the score of an "
                    "action that was not taken is not in the sum (10.4).",
                ),
            ),
        ),
        Question(
            "a-run-that-settled-early",
            "A run of 300 updates tries nearly one action from update 20 on, and its "
            "return stays low. You know of a better goal. What is worth trying?",
            (
                Option(
                    "To begin again, with shorter steps or a bonus for entropy.",
                    "Both kept most learners from settling at the near goal, because "
                    "they act before the policy is certain (10.5, 10.6).",
                    right=True,
                ),
                Option(
                    "To go on for longer: it samples, so it will meet the goal.",
                    "A learner that was stuck met it in fewer than one of 10,000 "
                    "episodes, and its exact gradient was less than a hundredth of "
                    "what it had been. See the common confusions.",
                ),
                Option(
                    "To let it act greedily from now on, so that no random action "
                    "spoils what it has learned.",
                    "Then it tries less still. Learners that act by argmax repeat "
                    "their first episode for ever; see the common confusions.",
                ),
            ),
        ),
        Question(
            "ten-times-the-reward",
            "All rewards of a world are multiplied by 10. With the bonus, "
            "$\\beta=0.3$, training found a good policy before. Which $\\beta$ has the "
            "same best policy now?",
            (
                Option(
                    "0.3: it is a share, and rewards are not in it.",
                    "A nat times $\\beta$ is added to a reward, so $\\beta$ has the "
                    "unit of reward (10.6). On the grid, where rewards are larger, "
                    "0.3 is little; on the corridor it is much (10.8).",
                ),
                Option(
                    "0.03: where more is to be gained, less bonus is needed.",
                    "It would weigh a hundred times less against the reward than "
                    "before, so the best policy is a more certain one (10.6).",
                ),
                Option(
                    "3: it is a price in units of reward, so it rises with them.",
                    "Then $J+\\beta\\mathcal H$ is ten times what it was, for every "
                    "policy, and so the same policy is best (10.6).",
                    right=True,
                ),
            ),
        ),
    ),
)
