"""The clinic from a terminal: what it prints, and the status that CI sees."""

import json
import re
import sys
from html import unescape
from types import SimpleNamespace

import mistune
import pytest

from pg_helpers import clinic
from pg_helpers.clinic import Diagnosis, measure
from pg_helpers.clinic.__main__ import main

LOSSES = """
from dataclasses import dataclass
import torch

@dataclass  # looks its module up
class Settings:
    discount: float = 0.95

def plain(log_probs, rewards, mask, discount=0.95):
    discounts = discount ** torch.arange(rewards.shape[1])
    return -((log_probs * mask).sum(1) * (discounts * rewards).sum(1)).mean()

def half(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) / 2

def flipped(log_probs, rewards, mask):
    return -plain(log_probs, rewards, mask)

def undiscounted(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask, 1)

def raises(log_probs, rewards, mask):
    raise ValueError("no such thing")

def drawn(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) * torch.rand(())

def over_the_padding(log_probs, rewards, mask):
    discounts = 0.95 ** torch.arange(rewards.shape[1])
    return -((log_probs * mask).mean(1) * (discounts * rewards).sum(1)).mean()

def leaves(log_probs, rewards, mask):
    raise SystemExit(0)

def short_is_nan(log_probs, rewards, mask):
    return plain(log_probs, rewards, mask) + 0 * rewards.std(1).sum()

number = 3
"""
MEDIAN = """
def median_of_others(log_probs, rewards, mask):
    returns = (0.95 ** torch.arange(rewards.shape[1]) * rewards).sum(1)
    N = len(returns)
    others = returns.expand(N, -1)[~torch.eye(N, dtype=torch.bool)].reshape(N, -1)
    weights = returns - others.median(dim=1).values
    return -((log_probs * mask).sum(1) * weights).mean()
"""
NEIGHBOUR = "from {} import plain\n\ndef own(*batch):\n    return plain(*batch)\n"
THINGS = """
import torch
import pg_helpers as pg

world = pg.random_mdp(3, 2, 3)
policy = pg.TabularPolicy(3, 2)
torch.nn.init.normal_(policy.logits, generator=torch.Generator().manual_seed(1))
far = torch.arange(6.0).reshape(3, 2)

def make_world(seed=2):
    return pg.random_mdp(3, 2, 3, seed=seed)

def other(mdp):
    made = pg.TabularPolicy(mdp.num_states, mdp.num_actions)
    made.logits.data += far[:mdp.num_states, :mdp.num_actions]
    return made

def broken(mdp):
    raise KeyError("no such\\nstate")

def weigh(batch):
    return batch.rewards ** 2

def objective(mdp, policy, gamma):
    return 2 * pg.exact.objective(mdp, policy, gamma)

def summed(log_probs, advantages, mask):
    return -(log_probs * mask * advantages).sum() / len(mask)

def ratios(log_probs, old_log_probs, advantages, mask):
    ratio = (log_probs - old_log_probs).exp()
    clipped = ratio.clamp(0.8, 1.28)
    return -(torch.min(ratio * advantages, clipped * advantages) * mask).sum(1).mean()

def penalised(log_probs, ref_log_probs, advantages, mask):
    penalty = ((log_probs - ref_log_probs) * mask).sum(1).detach()[:, None]
    return -(log_probs * mask * (advantages - 0.04 * penalty)).sum(1).mean()

def by_trajectory(log_probs, returns, mask):
    return -((log_probs * mask).sum(1) * returns).mean()

def through(batch, policy):
    assert policy is globals()["policy"]
    steps = policy(batch.observations).log_prob(batch.actions) * batch.mask
    return -(steps.sum(1) * batch.rewards.sum(1)).mean()
"""
FILES = {"losses.py": LOSSES, "losses.txt": LOSSES, "things.py": THINGS}
FILES |= {
    "by_name.py": NEIGHBOUR.format("losses"),
    "relative.py": NEIGHBOUR.format(".losses"),
    "with.dots.py": NEIGHBOUR.format("losses"),
    "ours/__init__.py": "",
    "ours/core.py": LOSSES,
    "ours/inner/__init__.py": "",
    "ours/inner/own.py": NEIGHBOUR.format("..core"),
    "ours/inner/absolute.py": NEIGHBOUR.format("ours.core"),
}
FILES |= {"broken.py": "1 / 0", "leaves.py": "raise SystemExit(0)"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "DRAWN", (500, 500, 500))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_sample_that_is_too_small_has_a_status_of_its_own(folder, capsys):
    """Minus the median of the others is right: only a large sample could tell."""
    path = folder / "right.py"
    path.write_text(LOSSES + MEDIAN, encoding="utf-8")
    call = [f"{path}:median_of_others", "--num-trajectories", "7"]
    assert main(call) == 3
    assert "Cannot tell" in capsys.readouterr().out
    assert main([*call, "--up-to-scale"]) == 3
    assert main([*call, "--tolerance", "0.9"]) == 0
    assert "Unbiased to within 90 %" in capsys.readouterr().out
    assert main([*call, "--tolerance", "0.9", "--up-to-scale"]) == 0


def test_what_is_printed_can_be_read_by_a_program(folder, capsys):
    call = [f"{folder}/losses.py:half", "--format"]
    assert main([*call, "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["answer"] == "biased" and found["unbiased"] is False
    assert found["relative_error"] == pytest.approx(0.5)
    assert found["rows"][0]["cosine"] == pytest.approx(1)
    assert len(found["expected"]) == len(found["gradient"]) == 17
    assert main([f"{folder}/losses.py:raises", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["answer"] == "fails" and found["relative_error"] is None
    assert main([*call, "html"]) == 1
    assert capsys.readouterr().out.startswith("<p><strong>Straight uphill")


@pytest.mark.parametrize(
    "name",
    ["by_name", "relative", "with.dots", "ours/inner/own", "ours/inner/absolute"],
)
def test_a_file_can_import_its_neighbours(folder, capsys, name):
    assert main([f"{folder}/{name}.py:own"]) == 0
    assert "Unbiased" in capsys.readouterr().out


def test_another_module_of_the_same_name_is_not_taken_for_it(folder, capsys):
    (folder / "json").mkdir()
    (folder / "json" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "json" / "decoder.py").write_text(LOSSES, encoding="utf-8")
    assert main([f"{folder}/json/decoder.py:plain"]) == 2
    assert "another package has the name json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        ("plain", 0, "Unbiased"),
        ("half", 1, "2 times too short"),
        ("half --up-to-scale", 0, "2 times too short"),
        ("half --tolerance 0.6", 0, "2 times too short"),
        ("half --tolerance 0.4", 1, "2 times too short"),
        ("flipped", 1, "The sign is flipped"),
        ("flipped --up-to-scale", 1, "The sign is flipped"),
        ("undiscounted --up-to-scale", 1, "not discounted"),
        ("undiscounted --up-to-scale --tolerance 1", 0, "not discounted"),
        ("undiscounted --gamma 1", 0, "Unbiased"),
        ("plain --num-trajectories 3", 0, "all 29,791 batches of 3"),
        ("plain --num-trajectories 8", 0, "500 sampled batches of 8"),
        ("plain --worlds 3", 0, "In 3 random worlds"),
        ("undiscounted --worlds 3 --gamma 1", 0, "In 3 random worlds"),
        ("undiscounted --worlds 3 --up-to-scale", 1, "In 3 random worlds"),
        ("drawn", 3, "draws random numbers"),
        ("drawn --up-to-scale", 3, "draws random numbers"),
        ("leaves", 1, "raised SystemExit"),
        ("short_is_nan", 1, "is nan"),
        ("short_is_nan --up-to-scale", 1, "is nan"),
        ("over_the_padding", 1, "4 times too short"),
        ("over_the_padding --up-to-scale", 1, "Padded to the longest"),
        ("raises --num-trajectories 2", 1, "of 4 and 4 steps: no such thing"),
    ],
)
def test_the_status_says_if_a_loss_is_right(folder, capsys, arguments, status, words):
    name, *options = arguments.split()
    assert main([f"{folder}/losses.py:{name}", *options]) == status
    told = capsys.readouterr()
    assert words in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("losses.py:missing", "loss: expected"),
        ("losses.py:missing", "to have a 'missing'"),
        ("losses.py:number", "expected a function, got 3"),
        ("losses.py", "expected path/to/file.py:NAME"),
        ("losses.py:", "expected path/to/file.py:NAME"),
        ("none.py:plain", "which is none"),
        (f"{'x' * 5000}.py:plain", "which is none"),
        ("losses.txt:plain", "expected a file that ends in .py"),
        ("broken.py:plain", "ZeroDivisionError: division by zero"),
        ("leaves.py:plain", "SystemExit: 0"),
        ("losses.py:plain --gamma 2", "gamma: "),
        ("losses.py:plain --tolerance 2", "tolerance: "),
        ("losses.py:plain --form rows", "form: "),
        ("losses.py:plain --groups 0 2", "groups: "),
        ("losses.py:plain --mdp NoSuch-v1", "env: expected a registered id"),
        ("losses.py:plain --mdp CliffWalking-v1", "horizon: expected a number of"),
        ("losses.py:plain --horizon 3", "horizon: expected one beside an env"),
        ("losses.py:plain --mdp {}/losses.py:number", "mdp: "),
        (
            "losses.py:plain --policy {}/none.py:policy",
            "policy: expected a Python",
        ),
        ("losses.py:plain --policy {}/things.py:world", "policy: expected a Module"),
        ("losses.py:plain --policy {}/things.py:broken", "broken: KeyError"),
        ("losses.py:plain --policy {}/things.py:policy", "policy: "),
        ("losses.py:plain --behaviour {}/things.py:other", "behaviour: "),
        ("losses.py:plain --advantages sum", "advantages: expected 'total'"),
        ("losses.py:plain --target ppo", "target: expected path/to/file.py:NAME, or"),
        ("losses.py:plain --target ppo_clip:much", "target: ppo_clip:much: could not"),
        ("losses.py:plain --target gspo:-1", "target: gspo:-1: eps: expected"),
        ("losses.py:plain --target surrogate:1", "target: surrogate:1: "),
        ("losses.py:plain --target kl_regularised", "target: kl_regularised: "),
        ("losses.py:plain --target ppo_clip:0.2", "target: expected a loss that asks"),
    ],
)
def test_a_call_that_makes_no_sense_has_the_status_2(folder, capsys, arguments, words):
    place, *options = arguments.replace("{}", str(folder)).split()
    assert main([f"{folder}/{place}", *options]) == 2
    told = capsys.readouterr()
    assert words in told.err and told.err.count("\n") == 1
    assert told.out == ""


PPO = "the surrogate of PPO, clipped at"


@pytest.mark.parametrize(
    "arguments, meant",
    [
        ("summed --mdp {}:make_world", lambda it: dict(mdp=it.make_world())),
        (
            "summed --mdp {}:world --policy {}:other",
            lambda it: dict(mdp=it.world, policy=it.other(it.world)),
        ),
        (
            "through --mdp {}:world --policy {}:policy",
            lambda it: dict(mdp=it.world, policy=it.policy),
        ),
        (
            "summed --groups 1 3 --advantages group",
            lambda it: dict(groups=(1, 3), advantages="group"),
        ),
        ("summed --advantages {}:weigh", lambda it: dict(advantages=it.weigh)),
        ("by_trajectory --form sequence", lambda it: dict(form="sequence")),
        ("summed --target {}:objective", lambda it: dict(target=it.objective)),
        (
            "ratios --target ppo_clip:0.2:0.28 --mdp {}:world --behaviour {}:other",
            lambda it: dict(
                target=clinic.ppo_clip(0.2, 0.28),
                mdp=it.world,
                behaviour=it.other(it.world),
            ),
        ),
        (
            "penalised --mdp {}:world --reference {}:other --target kl_regularised:.04",
            lambda it: dict(
                target=clinic.kl_regularised(0.04),
                mdp=it.world,
                reference=it.other(it.world),
            ),
        ),
    ],
)
def test_what_is_named_is_what_examine_is_given(folder, capsys, arguments, meant):
    path = f"{folder}/things.py"
    name, *options = arguments.replace("{}", path).split()
    main([f"{path}:{name}", "--format", "json", *options])
    found = json.loads(capsys.readouterr().out)
    namespace = {}
    exec(THINGS, namespace)
    asked = clinic.examine(namespace[name], **meant(SimpleNamespace(**namespace)))
    assert asked.relative_error < 2  # a number, not a loss that fails
    assert found == json.loads(json.dumps(asked.to_dict()))
    assert found != json.loads(json.dumps(clinic.examine(namespace[name]).to_dict()))


@pytest.mark.parametrize(
    "name, words",
    [
        ("surrogate", "the surrogate without clipping"),
        ("ppo_clip:0.2", f"{PPO} 0.8 and 1.2"),
        ("ppo_clip:0.2:0.28", f"{PPO} 0.8 and 1.28"),
        ("dual_clip:0.2:3", f"{PPO} 0.8 and 1.2, and dual-clipped at 3"),
        ("cispo:0.1", "the ratio, clipped at 0.9 and 1.1, as a mere weight"),
        ("gspo:3e-4:4e-4", "clipped at 0.9997 and 1.0004"),
        ("entropy_regularised:0.01", "with an entropy bonus of 0.01"),
        ("kl_regularised:0.04", "with a KL penalty of 0.04"),
    ],
)
def test_a_target_is_called_by_its_name_and_numbers(folder, capsys, name, words):
    main([f"{folder}/things.py:ratios", "--target", name, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert words in found["truth"] + found["off_policy"]["target"]


def seen(markdown):
    """Its verdict and its cells, as a reader sees them."""
    page = mistune.create_markdown(plugins=["table", "strikethrough"])(markdown)
    parts = re.findall("<(?:strong|td)>(.*)</(?:strong|td)>", page)
    return [unescape(part) for part in parts]


def test_markdown_shows_verdict_and_figures_as_they_are(folder, capsys):
    odd = r"1 | 2 * 3 * 4 <b>_x_</b> `y` [z](w) $a$ ~~c~~ &lt; \\| __d__ **e**"
    found = Diagnosis(odd, relative_error=0.5, examined=odd)
    assert seen(found.to_markdown())[:3] == [odd, "examined", odd]
    assert main([f"{folder}/losses.py:half", "--format", "markdown"]) == 1
    verdict, *cells = seen(capsys.readouterr().out)
    assert verdict.startswith("Straight uphill, but 2 times too short")
    assert cells[2:6] == ["error", "50.0 % of the gradient of J", "cosine", "1.0000"]
    assert main([f"{folder}/losses.py:raises", "--format", "markdown"]) == 1
    assert "|" not in capsys.readouterr().out


def test_the_world_may_be_an_environment_of_gymnasium(folder, capsys):
    call = f"{folder / 'losses.py'}:plain --mdp CliffWalking-v1 --horizon 3"
    assert main(call.split()) == 0
    assert "all 64 trajectories" in capsys.readouterr().out
    for loss, status in (("plain", 0), ("half", 1)):
        call = f"{folder / 'losses.py'}:{loss} --mdp FrozenLake-v1"
        assert main(call.split()) == status
        assert "sampled trajectories" in capsys.readouterr().out
