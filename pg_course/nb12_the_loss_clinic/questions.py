"""Notebook 12: is my loss right?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="The loss clinic",
    exercises=(
        "mended_loss",
        "to_go_loss",
        "leave_one_out_loss",
    ),
    predictions=(
        Question(
            "which-of-two-is-right",
            "Both learn, and B learns faster. Whose gradient is right on average?",
            (
                Option(
                    "Only that of loss A.",
                    "Loss B is off by more than 90 % in the world where it learned "
                    "faster.",
                    right=True,
                ),
                Option(
                    "Only that of loss B.",
                    "It credits an action with what comes from the <em>next</em> step "
                    "on, and never with its own reward.",
                ),
                Option(
                    "Those of both; B has less noise.",
                    "It has less noise, but another mean: each action is credited "
                    "from the next step on.",
                ),
                Option(
                    "That of neither.",
                    "Loss A is the plain loss: the whole return, the sum over steps, "
                    "the mean over trajectories.",
                ),
            ),
        ),
        Question(
            "loss-b-in-the-corridor",
            "On the corridor of notebook 9 one walks left or right, and the only "
            "reward is paid for the step into the right end. What will learners with "
            "loss B do there?",
            (
                Option(
                    "Learn faster than with loss A, as here.",
                    "Another world, another bias: what does no harm here may be all "
                    "that matters there.",
                ),
                Option(
                    "Learn more slowly than with loss A, and get there too.",
                    "So it looks for some updates. But a biased gradient climbs "
                    "something else than $J$, and need not stop where $J$ is high.",
                ),
                Option(
                    "Learn at first, and then lose nearly all of it.",
                    "They rise with loss A to more than 0.7, and end near 0.",
                    right=True,
                ),
                Option(
                    "Never learn anything.",
                    "At first loss B points almost straight uphill: most steps to the "
                    "right do have the reward after them.",
                ),
            ),
        ),
        Question(
            "where-no-mask-is-needed",
            "The mask is forgotten twice: once the total return weighs every step, "
            "once the reward-to-go. Which of the two is biased by that?",
            (
                Option(
                    "Both: in either, padded steps are in the sum.",
                    "They are in the sum, but what is their weight?",
                ),
                Option(
                    "Only the one with the total return.",
                    "It weighs steps that nobody took. What is still to come after "
                    "the end is 0, so rewards-to-go weigh the padding with 0.",
                    right=True,
                ),
                Option(
                    "Only the one with the reward-to-go.",
                    "Behind the end there is no reward to come: these weights are 0.",
                ),
                Option(
                    "Neither: the reward of a padded step is 0.",
                    "Its reward is. But the total return, of all steps together, "
                    "would weigh it as well.",
                ),
            ),
        ),
        Estimate(
            "biased-losses-that-learn",
            "Eighteen of the losses that are trained here are biased. All learners "
            "begin near 1.4; those of the right loss end near 2.4. How many of the "
            "eighteen <em>learn</em>, and end above 2?",
            Slider(0, 18, 1, value=0, label="biased losses"),
            "Those that do all point uphill at the start; not all that point uphill "
            "do. To learn is not to be right.",
            holds=(6, 10),
        ),
    ),
    self_test=(
        Question(
            "advantages-on-the-padding",
            "Someone weighs each step with <code>rewards_to_go - values</code>, where "
            "the detached <code>values</code> come from a network, and forgets the "
            "mask. With rewards-to-go that was harmless. Here too?",
            (
                Option(
                    "Yes: after the end, the reward-to-go is still 0.",
                    "It is. But the weight is now 0 minus a value, and that is "
                    "hardly ever 0 (12.3).",
                ),
                Option(
                    "Yes: a baseline of the state never makes a bias.",
                    "Not on a step that was taken, since its action is drawn. The "
                    "actions of the padding are all 0, and drawn by nobody (12.6).",
                ),
                Option(
                    "No: padded steps are weighed with minus a value.",
                    "So steps that nobody took are pushed on, as with the total "
                    "return (12.3). The mask is needed again.",
                    right=True,
                ),
            ),
        ),
        Question(
            "as-fast-as-the-right-one",
            "The examination of a loss says: cosine 0.7, error 90 %. On your task its "
            "training curve is as good as that of the right loss. What follows?",
            (
                Option(
                    "It learns this task; of another task nothing follows.",
                    "A positive cosine holds for one policy in one world. Loss B was "
                    "faster here, and unlearned the corridor (12.12).",
                    right=True,
                ),
                Option(
                    "The examination must be at fault, as the curve shows.",
                    "Eight of eighteen biased losses learned too (12.9). A curve "
                    "shows progress, and not towards what.",
                ),
                Option(
                    "It is right in effect, since the optimiser corrects the error.",
                    "Adam mends every length by itself, and so a part of the error. "
                    "It does not turn a direction (12.9).",
                ),
            ),
        ),
        Question(
            "summed-over-the-batch",
            "A loss is right but for one thing: it is <em>summed</em> over the "
            "trajectories of a batch, where their mean is asked for. What does the "
            "examination say for pairs?",
            (
                Option(
                    "Error 0, cosine 1, length 1: only the learning rate changes.",
                    "For training that may be all. But the error compares the vectors "
                    "themselves, and this one is longer (12.2).",
                ),
                Option(
                    "Error 100 %, cosine 1, length 2: a step twice as long.",
                    "The mean is $2\\nabla J$: the direction is right, and what is too "
                    "much is as long as $\\nabla J$ itself (12.2).",
                    right=True,
                ),
                Option(
                    "Error 50 %, cosine 1, length 0.5: each counts half.",
                    "That is what subtracting the mean of a pair does (12.7). A sum "
                    "of two is twice their mean.",
                ),
            ),
        ),
    ),
)
