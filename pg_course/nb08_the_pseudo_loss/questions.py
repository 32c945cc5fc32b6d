"""Notebook 08: why is the loss not a loss, and why is cross-entropy right?"""

from pg_course.asking.questions import Contents, Estimate, Option, Question
from pg_course.stage.controls import Slider

CONTENTS = Contents(
    room=__package__,
    title="The pseudo-loss",
    exercises=(
        "loss_from_logits",
        "all_action_loss",
        "ratio_loss",
    ),
    predictions=(
        Question(
            "what-the-colleagues-learners-learned",
            "While their loss fell, what have the 20 learners learned? (The reason "
            "comes in 8.7, the answer in 8.9.)",
            (
                Option(
                    "Nothing.",
                    "So it is in reading (a), whose gradient is 0. The colleague's "
                    "loss is (b), and has a gradient.",
                ),
                Option(
                    "The better arm, only more slowly.",
                    "It would be found from a start above $\\tfrac13$. Below that the "
                    "mean step leads away from it, and these learners began at 0.25.",
                ),
                Option(
                    "The worse arm.",
                    "All 20 of them. Their loss is a true one, of another objective: "
                    "one that prefers what is already likely.",
                    right=True,
                ),
                Option(
                    "Some the one, some the other.",
                    "Single steps are a matter of chance. On average they lead away "
                    "from the better arm, and all 20 went the same way.",
                ),
            ),
        ),
        Question(
            "cross-entropy-with-its-own-samples",
            "A fair coin is the policy, and its own tosses are the labels. What are "
            "the mean of the cross-entropy and the mean of its gradient?",
            (
                Option(
                    "Both are 0.",
                    "The labels do come from the very same distribution. But a single "
                    "label is certain, and the policy is not: the cross-entropy would "
                    "be 0 only if it were certain too.",
                ),
                Option(
                    "The cross-entropy is $\\ln 2$, the gradient 0.",
                    "A label is one toss, not the distribution. Each toss wants to be "
                    "repeated; over the coin's own tosses these wishes cancel.",
                    right=True,
                ),
                Option(
                    "The cross-entropy is $\\ln 2$, the gradient is not 0.",
                    "Something that can be made smaller seems to need a slope. But the "
                    "tosses are held fixed: heads pull one way as often as tails pull "
                    "the other.",
                ),
            ),
        ),
        Estimate(
            "where-steps-on-one-batch-end",
            "On the bandit of 8.1, whose arms pay 0.5 and 1, a batch is sampled at "
            "$p=0.25$, so large that it holds both arms in exact proportion. After "
            "2000 steps on this one batch, how probable is the better arm?",
            Slider(0, 100, 1, value=25, label="better arm (%)"),
            "There the loss has a true minimum: the policy imitates the batch, in "
            "proportion to frequency times pay, $0.25\\cdot1$ against $0.75\\cdot0.5$.",
            holds=(39.5, 40.5),
            unit=" %",
        ),
        Question(
            "what-a-mean-over-steps-does",
            "In batches of one to three trajectories, what does a division by the "
            "number of steps do to the mean gradient?",
            (
                Option(
                    "It shortens it and turns it.",
                    "A step in a short episode counts more than one in a long episode.",
                    right=True,
                ),
                Option(
                    "It shortens it, and the direction stays.",
                    "Within one batch all is divided by one number. But another batch "
                    "has another one, smaller where the episodes were short, and the "
                    "mean is taken over all of them.",
                ),
                Option(
                    "Nothing: in the mean the lengths cancel.",
                    "There are at least as many steps as trajectories, and mostly "
                    "more; so a division by them cannot leave the length as it was.",
                ),
            ),
        ),
    ),
    self_test=(
        Question(
            "cross-entropy-times-q-and-then-the-mean",
            "A program has the line <code>loss = (F.cross_entropy(logits, actions) * "
            "q_values).mean()</code>. What is wrong with it?",
            (
                Option(
                    "Nothing: it is the right-hand column of 8.4 on one line.",
                    'Nearly. But there <code>reduction="none"</code> asks for one '
                    "number a sample; without it PyTorch takes the mean at once (8.4).",
                ),
                Option(
                    "The minus of Eq. (23) is missing: it makes good actions rarer.",
                    "The cross-entropy has it already: it is $-\\ln\\pi$ of the action "
                    "taken (8.4).",
                ),
                Option(
                    "No action is weighed by its own q, only by the mean of all.",
                    'Without <code>reduction="none"</code> the cross-entropy is one '
                    "number for the batch, so that all actions share one weight. Each "
                    "is to meet its own q, and then the mean is taken (8.4).",
                    right=True,
                ),
            ),
        ),
        Question(
            "another-batch-for-ever",
            "Arm 0 pays 1 and arm 1 pays 3. A large batch is sampled from a policy "
            "that takes each arm half of the time, and then many steps are made on "
            "that batch alone. Where does the probability of arm 1 end?",
            (
                Option(
                    "At 0.75.",
                    "The batch is imitated in proportion to frequency times pay: "
                    "$0.5\\cdot3$ against $0.5\\cdot1$ (8.12). Fresh samples would "
                    "lead further.",
                    right=True,
                ),
                Option(
                    "At 1.",
                    "Fresh samples lead there. In this batch arm 0 keeps its "
                    "half for ever, and each of these samples pays, so it is imitated "
                    "too (8.12).",
                ),
                Option(
                    "At 0.5.",
                    "So it would be without weights: plain imitation. Here each sample "
                    "of arm 1 counts three times as much (8.12).",
                ),
            ),
        ),
        Question(
            "rewards-of-minus-one-and-zero",
            "A failure is paid $-1$ and a success 0, so that the loss of a success is "
            "always 0. Does the policy learn to succeed?",
            (
                Option(
                    "No: a success says nothing, so it cannot become more likely.",
                    "It has no push of its own. But failures push themselves down, and "
                    "as probabilities sum to 1, the success rises (Common confusions).",
                ),
                Option(
                    "Yes, by the same mean gradient as with pays of 0 and 1.",
                    "A constant on all rewards leaves the mean gradient as it is "
                    "(8.11). Now the failures do the work that the successes did.",
                    right=True,
                ),
                Option(
                    "No: a failure has the lower loss of the two, so it is preferred.",
                    "Its loss is $\\ln\\pi$, below 0, and lowest where $\\pi$ is "
                    "small: a step makes it rarer. The slope decides, not the value "
                    "(8.11).",
                ),
            ),
        ),
    ),
)
