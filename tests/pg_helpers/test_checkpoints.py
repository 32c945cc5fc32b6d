"""A run that was cut off goes on as if nothing had been."""

import io
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path

import gymnasium
import pytest
import torch
from torch import nn

import pg_helpers as pg
from reliability.runs_to_kill import Restless

MDP = pg.random_mdp(4, 3, 3, seed=1)
PENDULUM = gymnasium.make("Pendulum-v1", max_episode_steps=5)
CONFIG = pg.TrainConfig(num_updates=4, num_trajectories=4, learning_rate=0.05)
BETTER = replace(CONFIG, weights="rewards_to_go", baseline="batch_mean")
pytestmark = pytest.mark.filterwarnings("ignore:policy. BatchNorm1d")


class RunningMean(nn.Module):
    """A loss with a state: the mean return of the batches so far."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, log_probs, rewards, mask):
        self.mean.mul_(0.5).add_(0.5 * rewards.sum(1).mean())
        return ((self.mean - rewards.sum(1))[:, None] * log_probs * mask).sum(1).mean()


def with_momentum(parameters):
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


def halving(number):
    return 0.5**number


def run_of(env=MDP, policy=None, **more):
    policy = policy or pg.TabularPolicy(4, 3)
    return {"env": env, "policy": policy, "config": CONFIG} | more


# One run of each kind that keeps something of its own.
RUNS = {
    "table": run_of,
    "network": lambda: run_of("CartPole-v1", pg.MLPPolicy(4, 2), config=BETTER),
    "continuous actions": lambda: run_of(PENDULUM, pg.GaussianPolicy(3, 1)),
    "rounds": lambda: run_of(pg.TabularVectorEnv(MDP, 3)),
    "dropout and buffers": lambda: run_of(pg.corridor(), Restless()),
    "a loss with a state": lambda: run_of(loss=RunningMean()),
    "momentum": lambda: run_of(optimizer=with_momentum, schedule=halving),
}


def begun(kind):
    torch.manual_seed(3)
    return RUNS[kind]()


def tensors(policy):
    return {name: tensor.tolist() for name, tensor in policy.state_dict().items()}


def trained(run, checkpoint=None, every=100):
    """What a run leaves: all tensors of its policy, and its history."""
    history = pg.train(
        **run, progress=False, checkpoint=checkpoint, checkpoint_every=every
    )
    return tensors(run["policy"]), history


@pytest.mark.parametrize(
    ("kind", "stop"),
    [*((kind, 2) for kind in RUNS), *(("table", stop) for stop in (0, 1, 3, 4))],
)
def test_a_run_that_was_left_goes_on_to_the_same_bits(kind, stop, tmp_path):
    path = tmp_path / "run.pt"
    updates = pg.iterate_training(**begun(kind), checkpoint=path, checkpoint_every=3)
    assert [update.number for update in islice(updates, stop)] == list(range(stop))
    updates.close()
    whole = trained(begun(kind))
    assert trained(begun(kind), path) == whole
    reader = begun(kind)["policy"]
    history = pg.load_checkpoint(path, reader)
    assert (tensors(reader), history) == whole


@pytest.mark.parametrize("every", [1, 3])
def test_at_most_so_many_updates_are_lost_to_a_kill(every, tmp_path):
    # What a kill would leave is the file as it is while the run goes on.
    path, copy = tmp_path / "run.pt", tmp_path / "copy.pt"
    whole = trained(run_of())
    updates = pg.iterate_training(**run_of(), checkpoint=path, checkpoint_every=every)
    for made, _ in enumerate(updates, start=1):
        kept = pg.load_checkpoint(path, pg.TabularPolicy(4, 3))
        assert len(kept) == made - made % every
        shutil.copy(path, copy)
        assert trained(run_of(), copy) == whole


def test_a_run_is_made_longer(tmp_path):
    path = tmp_path / "new folder" / "run.pt"
    trained(run_of(config=replace(CONFIG, num_updates=2)), str(path))
    assert trained(run_of(), str(path)) == trained(run_of())


def test_a_complete_run_is_read_and_not_written_again(tmp_path, monkeypatch):
    first = trained(run_of(), tmp_path / "run.pt")
    monkeypatch.setattr("pg_helpers.checkpoints.replace_file", None)
    assert trained(run_of(), tmp_path / "run.pt") == first


class RunsCode:
    """What a pickle does that is opened without care: here, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def one_bit_wrong(whole):
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


def changed(whole, **parts):
    return saved(torch.load(io.BytesIO(whole)) | parts)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole, trap: b"",
        lambda whole, trap: whole[: len(whole) // 2],
        lambda whole, trap: one_bit_wrong(whole),
        lambda whole, trap: b"my notes on policy gradients",
        lambda whole, trap: saved({"format": trap}),
        lambda whole, trap: saved(pg.TabularPolicy(4, 3).state_dict()),
        lambda whole, trap: changed(whole, format="checkpoint of pg_helpers, 2"),
        lambda whole, trap: changed(whole, history=torch.zeros(5, 4)),
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(damage, tmp_path):
    path = tmp_path / "run.pt"
    trained(run_of(), path)
    content = damage(path.read_bytes(), RunsCode(tmp_path / "it ran"))
    path.write_bytes(content)
    run = run_of()
    for call in (
        lambda: pg.train(**run, checkpoint=path),
        lambda: pg.load_checkpoint(path, run["policy"]),
    ):
        with pytest.raises(ValueError, match="^checkpoint: expected a file that train"):
            call()
    assert path.read_bytes() == content
    assert not (tmp_path / "it ran").exists()
    assert not run["policy"].logits.any()


def test_what_is_no_file_is_refused(tmp_path):
    link = tmp_path / "link.pt"
    link.symlink_to(tmp_path / "missing.pt")
    for path, reason in ((tmp_path, "Is a dir"), (link, "No such")):
        with pytest.raises(ValueError, match=rf"cannot be used \({reason}"):
            pg.train(**run_of(), checkpoint=path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": replace(CONFIG, gamma=0.5)}, r"gamma = 0\.95 in the file, 0\.5"),
        (
            {"config": replace(CONFIG, num_updates=3)},
            "num_updates: expected at least the 4 that are made, got 3",
        ),
        ({"env": pg.random_mdp(4, 3, 3, seed=2)}, r"env = TabularMDP\(.*\) \w+ in the"),
        (
            {"env": pg.TabularVectorEnv(MDP, 4)},
            r", TabularVectorEnv of 4 on TabularMDP",
        ),
        ({"env": pg.TabularEnv(MDP)}, r"in the file, TabularEnv on TabularMDP\(.* now"),
        ({"env": PENDULUM}, "in the file, TimeLimit Pendulum-v1 now"),
        (
            {"policy": pg.TabularPolicy(4, 3).double()},
            r"policy = .*float32 in the file",
        ),
        ({"policy": pg.MLPPolicy(4, 3)}, r"policy = logits \(4, 3\) torch.float32 in"),
        ({"loss": None}, r"loss = RunningMean \w+ in the file, pseudo_loss now"),
        (
            {"optimizer": None},
            r"optimizer = SGD \[.*0.1.* file, Adam of .* of 12 train",
        ),
        ({"schedule": None}, r"schedule = halving \w+ in the file, none now"),
        ({"schedule": lambda number: 0.5}, r"schedule = halving \w+ in the file, "),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(changes, message, tmp_path):
    path = tmp_path / "run.pt"
    own = {"loss": RunningMean(), "optimizer": with_momentum, "schedule": halving}
    trained(run_of(**own), path)
    content = path.read_bytes()
    run = run_of(**own | changes)
    before = tensors(run["policy"])
    with pytest.raises(ValueError, match=message):
        pg.train(**run, checkpoint=path)
    assert path.read_bytes() == content
    assert tensors(run["policy"]) == before


def test_a_run_with_another_frozen_layer_is_refused(tmp_path):
    run, frozen = begun("network"), begun("network")
    trained(run, tmp_path / "run.pt")
    frozen["policy"].network[0].weight.requires_grad_(False)
    with pytest.raises(ValueError, match="of 98 trainable numbers now"):
        pg.train(**frozen, checkpoint=tmp_path / "run.pt")


class Remembers(pg.TabularPolicy):
    def get_extra_state(self):
        return {"a": 1}


def test_a_policy_that_no_file_can_hold_is_refused_before_training(tmp_path):
    run = run_of(policy=Remembers(4, 3))
    with pytest.raises(ValueError, match="policy: expected tensors in its state_dict"):
        pg.train(**run, checkpoint=tmp_path / "run.pt")
    assert list(tmp_path.iterdir()) == []


class Heavy(pg.TabularPolicy):
    """Its state is of tensors, but of none that the next load would take."""

    def load_state_dict(self, *arguments, **options):
        raise RuntimeError("of another shape")


def test_a_policy_that_cannot_be_loaded_again_is_refused_before_training(tmp_path):
    run = run_of(policy=Heavy(4, 3))
    with pytest.raises(ValueError, match="of another shape"):
        pg.train(**run, checkpoint=tmp_path / "run.pt")


def test_where_nothing_can_be_written_training_goes_on_and_says_so_once(tmp_path):
    (tmp_path / "file").write_text("in the place of a folder")
    message = r"checkpoint: .* cannot be written \(Not a dir.*there is none yet"
    with pytest.warns(RuntimeWarning, match=message) as said:
        found = trained(run_of(), tmp_path / "file" / "run.pt", every=1)
    assert len(said) == 1
    assert found == trained(run_of())


def test_a_disk_that_is_full_for_a_while_costs_nothing_in_the_end(
    tmp_path, monkeypatch
):
    path = tmp_path / "run.pt"
    full = []

    def fsync(file):
        if full:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    run = run_of(config=replace(CONFIG, num_updates=7))
    updates = pg.iterate_training(**run, checkpoint=path, checkpoint_every=1)
    sizes = []
    full.append(True)
    with pytest.warns(RuntimeWarning, match=r"No space.*the last is of 0 upd") as said:
        for update in updates:
            sizes.append(len(pg.load_checkpoint(path, pg.TabularPolicy(4, 3))))
            if update.number == 3:
                full.clear()
    assert sizes == [0, 0, 0, 0, 5, 6, 7]
    assert len(said) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
