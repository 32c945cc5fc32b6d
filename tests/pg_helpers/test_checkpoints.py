"""A run that was cut off goes on as if nothing had been."""

import io
import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from itertools import islice
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from worlds import WORLDS

import pg_helpers as pg
from pg_helpers.checkpoints import Checkpoint
from reliability import runs_to_kill

MDP = WORLDS["random (4, 3), horizon 3"]
CONFIG = pg.TrainConfig(num_updates=12, num_trajectories=4, learning_rate=0.05)
BETTER = replace(CONFIG, weights="rewards_to_go", baseline="batch_mean")

# Environment, policy, settings: of each kind that keeps something of its own.
RUNS = {
    "table": (lambda: MDP, lambda: pg.TabularPolicy(4, 3), CONFIG),
    "network": (lambda: "CartPole-v1", lambda: pg.MLPPolicy(4, 2), BETTER),
    "continuous actions": (
        lambda: gymnasium.make("Pendulum-v1", max_episode_steps=9),
        lambda: pg.GaussianPolicy(3, 1),
        CONFIG,
    ),
    "fewer environments than trajectories": (
        lambda: pg.TabularVectorEnv(MDP, 3),
        lambda: pg.TabularPolicy(4, 3),
        CONFIG,
    ),
    "dropout and buffers": (lambda: pg.corridor(), runs_to_kill.Restless, CONFIG),
}


def begun(name):
    env, policy, config = RUNS[name]
    torch.manual_seed(3)
    return env(), policy(), config


def trained(name, **more):
    env, policy, config = begun(name)
    history = pg.train(env, policy, config, progress=False, **more)
    return runs_to_kill.digest(policy, history)


@pytest.mark.parametrize("stop", [0, 1, 5, 11, 12])
@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_was_left_goes_on_to_the_same_bits(name, stop, tmp_path):
    path = tmp_path / "run.pt"
    env, policy, config = begun(name)
    updates = pg.iterate_training(env, policy, config, path, checkpoint_every=4)
    assert [update.number for update in islice(updates, stop)] == list(range(stop))
    updates.close()
    assert trained(name, checkpoint=path) == trained(name)
    assert len(pg.load_checkpoint(path, policy)) == config.num_updates


@pytest.mark.parametrize("every", [1, 5])
def test_at_most_so_many_updates_are_lost_to_a_kill(every, tmp_path):
    path = tmp_path / "run.pt"
    env, policy, config = begun("table")
    reader = pg.TabularPolicy(4, 3)
    updates = pg.iterate_training(env, policy, config, path, every)
    for made, _ in enumerate(updates, start=1):
        kept = pg.load_checkpoint(path, reader)  # what a kill now would leave
        assert len(kept) == made - made % every
        if made % every == 0:
            assert torch.equal(reader.logits, policy.logits)


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path, capsys):
    # The same a hundred times, at random moments: reliability/kills.py.
    path = tmp_path / "run.pt"
    command = [sys.executable, runs_to_kill.__file__, "restless", path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begins\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.kill()
    assert process.communicate()[0] == ""
    again = subprocess.check_output(command, text=True)
    runs_to_kill.main("restless")
    assert again == capsys.readouterr().out and len(again.split()[1]) == 64


def test_a_run_is_made_longer(tmp_path):
    path = tmp_path / "run.pt"
    env, policy, config = begun("network")
    pg.train(env, policy, replace(config, num_updates=7), False, checkpoint=path)
    assert trained("network", checkpoint=path) == trained("network")


def test_a_complete_run_is_read_and_not_made_again(tmp_path):
    path = tmp_path / "run.pt"
    first = trained("table", checkpoint=path)
    written = path.stat().st_mtime_ns
    assert trained("table", checkpoint=path) == first
    assert path.stat().st_mtime_ns == written


def test_the_history_and_the_policy_are_read_for_a_look(tmp_path):
    path = tmp_path / "new folder" / "run.pt"
    env, policy, config = begun("dropout and buffers")
    history = pg.train(env, policy, config, progress=False, checkpoint=str(path))
    reader = runs_to_kill.Restless()
    assert pg.load_checkpoint(str(path), reader) == history
    for name, tensor in policy.state_dict().items():
        assert torch.equal(reader.state_dict()[name], tensor)


class RunsCode:
    """What a pickle does that is opened without care: here, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def in_zip(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3")
        archive.writestr("archive/byteorder", "little")
    return buffer.getvalue()


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def spoilt(whole, tmp_path):
    middle = len(whole) // 2
    trap = RunsCode(tmp_path / "it ran")
    return {
        "empty": b"",
        "cut off": whole[:middle],
        "one byte": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "a text": b"my notes on policy gradients",
        "a zip": in_zip(b"my notes"),
        "a pickle that runs code": pickle.dumps(trap),
        "such a pickle in a zip": in_zip(pickle.dumps(trap, protocol=2)),
        "such a pickle, by torch.save": saved({"format": trap}),
        "a policy": saved(pg.TabularPolicy(4, 3).state_dict()),
        "a list": saved([1, 2]),
        "half of it": saved({"format": "checkpoint of pg_helpers, 3", "settings": {}}),
    }


@pytest.mark.parametrize("kind", list(spoilt(b"12", Path())))
def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone(kind, tmp_path):
    path = tmp_path / "run.pt"
    trained("table", checkpoint=path)
    content = spoilt(path.read_bytes(), tmp_path)[kind]
    path.write_bytes(content)
    env, policy, config = begun("table")
    for call in (
        lambda: pg.train(env, policy, config, False, checkpoint=path),
        lambda: pg.load_checkpoint(path, policy),
    ):
        with pytest.raises(ValueError, match="checkpoint: expected a file that train"):
            call()
    assert path.read_bytes() == content
    assert not (tmp_path / "it ran").exists()
    assert torch.equal(policy.logits, begun("table")[1].logits)


def test_a_folder_in_its_place_is_refused(tmp_path):
    env, policy, config = begun("table")
    with pytest.raises(
        ValueError, match=r"checkpoint: expected a file .* cannot be used \(Is a"
    ):
        pg.train(env, policy, config, checkpoint=tmp_path)


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    path.symlink_to(tmp_path / "missing.pt")
    env, policy, config = begun("table")
    with pytest.raises(ValueError, match=r"checkpoint: expected a file .*\(No such"):
        pg.train(env, policy, config, checkpoint=path)


OTHER = pg.random_mdp(4, 3, 3, seed=2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"config": replace(CONFIG, gamma=0.5)},
            r"gamma = 0\.95 in the file, 0\.5 now",
        ),
        ({"config": replace(CONFIG, seed=1)}, "seed = 0 in the file, 1 now"),
        (
            {"config": replace(CONFIG, num_updates=5)},
            "num_updates: expected at least the 12 that are made, got 5",
        ),
        (
            {"env": OTHER},
            r"env = TabularMDP\(.*\) \w+ in the file, TabularMDP\(.*\) \w+ now",
        ),
        (
            {"env": pg.TabularVectorEnv(MDP, 4)},
            "in the file, TabularVectorEnv of 4 on Tab",
        ),
        ({"env": pg.TabularEnv(MDP)}, "in the file, TabularEnv on TabularMDP"),
        (
            {"policy": pg.TabularPolicy(4, 3).double()},
            r"policy = .*float32 in the file, .*float64 now",
        ),
        ({"policy": pg.MLPPolicy(4, 3)}, "of another: policy = logits"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(changed, message, tmp_path):
    path = tmp_path / "run.pt"
    trained("table", checkpoint=path)
    content = path.read_bytes()
    env, policy, config = begun("table")
    run = {"env": env, "policy": policy, "config": config} | changed
    before = [p.detach().clone() for p in run["policy"].parameters()]
    with pytest.raises(ValueError, match=message):
        pg.train(**run, checkpoint=path)
    assert path.read_bytes() == content
    after = list(run["policy"].parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_other_trainable_parameters_are_refused(tmp_path):
    path = tmp_path / "run.pt"
    trained("network", checkpoint=path)
    env, policy, config = begun("network")
    policy.network[0].weight.requires_grad_(False)
    with pytest.raises(ValueError, match="of 98 trainable numbers now"):
        pg.train(env, policy, config, checkpoint=path)


class Remembers(pg.TabularPolicy):
    def get_extra_state(self):
        return {"a": 1}

    def set_extra_state(self, state):
        pass


def test_a_policy_that_no_file_can_hold_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match="policy: expected tensors in its state_dict"):
        pg.train(MDP, Remembers(4, 3), CONFIG, checkpoint=tmp_path / "run.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"checkpoint": 3}, TypeError, "checkpoint: expected a path, got 3"),
        ({"checkpoint": ""}, TypeError, "checkpoint: expected a path, got ''"),
        ({"checkpoint_every": 0}, ValueError, "checkpoint_every: expected at least 1"),
    ],
)
def test_odd_arguments_are_refused(arguments, error, message, tmp_path):
    env, policy, config = begun("table")
    with pytest.raises(error, match=message):
        pg.train(env, policy, config, **{"checkpoint": tmp_path / "run"} | arguments)


def test_a_missing_file_is_refused_for_a_look(tmp_path):
    with pytest.raises(ValueError, match=r"checkpoint: expected a file .*\(No such"):
        pg.load_checkpoint(tmp_path / "run.pt", pg.TabularPolicy(4, 3))
    with pytest.raises(TypeError, match=r"policy: expected a torch\.nn\.Module"):
        pg.load_checkpoint(tmp_path / "run.pt", None)


def test_where_nothing_can_be_written_training_goes_on_and_says_so_once(tmp_path):
    (tmp_path / "file").write_text("in the place of a folder")
    path = tmp_path / "file" / "run.pt"
    message = r"checkpoint: .* cannot be written \(Not a dir.*there is none yet"
    with pytest.warns(RuntimeWarning, match=message) as said:
        found = trained("table", checkpoint=path, checkpoint_every=1)
    assert found == trained("table") and len(said) == 1


def test_a_disk_that_is_full_for_a_while_costs_nothing_in_the_end(
    tmp_path, monkeypatch
):
    path = tmp_path / "run.pt"
    env, policy, config = begun("table")
    full = [False]

    def fsync(file):
        if full[0]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    sizes = []
    with pytest.warns(RuntimeWarning, match=r"No space.*the last is of 3 upd") as said:
        for update in pg.iterate_training(env, policy, config, path, 1):
            sizes.append(len(pg.load_checkpoint(path, pg.TabularPolicy(4, 3))))
            full[0] = 2 <= update.number < 7
    assert sizes == [1, 2, 3, 3, 3, 3, 3, 3, 9, 10, 11, 12]
    assert len(said) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
    assert trained("table", checkpoint=path) == trained("table")


def test_numpy_numbers_in_the_settings_are_kept_as_plain_ones(tmp_path):
    config = pg.TrainConfig(
        num_updates=np.int64(3), gamma=np.float64(0.9), learning_rate=np.float32(0.5)
    )
    assert [type(v) for v in (config.num_updates, config.gamma)] == [int, float]
    path = tmp_path / "run.pt"
    pg.train(MDP, pg.TabularPolicy(4, 3), config, False, checkpoint=path)
    assert len(pg.load_checkpoint(path, pg.TabularPolicy(4, 3))) == 3


def test_a_checkpoint_is_written_only_when_something_is_new(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    trained("table", checkpoint=path)
    written = []
    monkeypatch.setattr("pg_helpers.checkpoints.replace_file", written.append)
    env, policy, config = begun("table")
    list(pg.iterate_training(env, policy, config, path))
    assert written == []
    assert Checkpoint(path, 5).every == 5
