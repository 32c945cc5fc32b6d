import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge import covers, judge

from pg_helpers.clinic import __main__ as command

FILES = {
    "right": "def loss(log_probs, rewards, mask):\n    return LOSS\n",
    "raises": "1 / 0\n",
    "leaves": "import sys\nsys.exit(0)\n",
    "grammar": "def loss(\n",
    "bytes": "\x00\xff",
    "number": "loss = 3\n",
    "arguments": "def loss():\n    pass\n",
    "nothing": "",
}
LOSS = (
    "-((log_probs * mask).sum(1) * (0.95 ** __import__('torch').arange("
    "rewards.shape[1]) * rewards).sum(1)).mean()"
)
PLACES = ["{}/right.py:loss", "{}/right.py:loss"] + [
    *(f"{{}}/{name}.py:loss" for name in FILES),
    *("{}/right.py", "{}/right.py:", ":loss", ":", "", "{}:loss", "{}/none.py:loss"),
    *("{}/right.py:None", "{}/right.py:loss.loss", "{}/right.txt:loss"),
    *("x" * 5000 + ".py:loss", "\x00.py:loss", "{}/right.py:\udcff"),
]
OPTIONS = ["--gamma", "--num-trajectories", "--tolerance"]
VALUES = [
    "0.95",
    "1",
    "2",
    "nan",
    "inf",
    "-1",
    "1e400",
    "10**9",
    "1000000000",
    "seven",
    "",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("losses")
    for name, text in FILES.items():
        text = text.replace("LOSS", LOSS)
        (folder / f"{name}.py").write_bytes(text.encode("latin-1"))
    (folder / "right.txt").write_text(FILES["right"].replace("LOSS", LOSS))
    return folder


@covers(command.main)
@given(
    st.sampled_from(PLACES),
    st.lists(st.tuples(st.sampled_from(OPTIONS), st.sampled_from(VALUES)), max_size=2),
    st.lists(st.sampled_from(["--up-to-scale", "--so", "more"]), max_size=1),
)
def test_the_command_line(folder, place, options, more):
    arguments = [place.format(folder), *(word for pair in options for word in pair)]

    def call():
        try:
            return command.main([*arguments, *more])
        except SystemExit as stop:  # argparse: usage, and status 2
            return stop.code

    status = judge(call, ())
    assert status in (0, 1, 2)
    if status == 0:
        assert "right." in place or "leaves" not in place
        assert dict(options).get("--gamma", "0.95") == "0.95"
    if "right.py:loss" in place and place.endswith(":loss") and not (options or more):
        assert status == 0
