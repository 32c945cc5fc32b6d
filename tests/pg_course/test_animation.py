import io

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from screens import Page, middle, near

import pg_helpers as pg
from pg_course.stage.animation import animate, strip, watch
from pg_course.stage.display import png_size
from pg_course.stage.pictures import BLUE
from pg_course.stage.scenes import path_of, states_of

CORRIDOR = pg.corridor(horizon=6)
ALT = "The agent walks to and fro."


@pytest.fixture(scope="module")
def batch():
    """Trajectories of 3 to 6 steps; the last one turns round."""
    torch.manual_seed(0)
    return pg.sample_trajectories(CORRIDOR, pg.MLPPolicy(1, 2), 20, seed=1)


@pytest.fixture(scope="module")
def played(batch):
    return watch(CORRIDOR, batch, ALT, milliseconds=200)


def frames_of(picture):
    """Pixels and milliseconds of each frame of a PNG file, and how often it plays."""
    with Image.open(io.BytesIO(picture.png)) as file:
        found = []
        for number in range(getattr(file, "n_frames", 1)):
            file.seek(number)
            image = np.asarray(file.convert("RGB")).astype(int)
            found.append((image, file.info.get("duration")))
        return found, file.info.get("loop")


def test_every_step_is_a_frame_and_the_last_one_rests(batch, played):
    states = states_of(CORRIDOR, path_of(batch))
    assert len(set(np.diff(states))) > 1
    frames, plays = frames_of(played)
    assert len(frames) == len(states) == batch.lengths[-1] + 1
    assert [time for _, time in frames] == [200] * (len(frames) - 1) + [1500]
    assert plays == 1
    # The agent is where it was.
    columns = np.array([middle(near(image, BLUE))[0] for image, _ in frames])
    slope, offset = np.polyfit(states, columns, 1)
    assert slope > 40
    assert columns == pytest.approx(offset + slope * states, abs=2)


def test_a_long_trajectory_is_thinned_and_rests_within_five_seconds():
    world, policy = pg.corridor(length=5, horizon=200), pg.MLPPolicy(1, 2)
    policy.network[-1].bias.data[0] = 1000.0  # always left, against the wall
    batch = pg.sample_trajectories(world, policy, 1)
    assert batch.lengths.tolist() == [200]
    frames, _ = frames_of(watch(world, batch, ALT, max_frames=20))
    assert len(frames) == 20
    assert sum(time for _, time in frames[:-1]) <= 5000


def test_an_animation_has_alternative_text_and_its_first_frame_in_print(played):
    data, _ = played._repr_mimebundle_()
    assert data["text/plain"] == ALT
    ((image, alt),) = Page(data["text/html"]).pictures
    assert alt == ALT
    assert (image == frames_of(played)[0][0][0]).all()


@pytest.mark.parametrize("env", [pg.grid_world(), "CartPole-v1"], ids=str)
def test_a_strip_is_still_and_as_wide_as_the_page(env):
    policy = pg.MLPPolicy(4, 2) if env == "CartPole-v1" else pg.policy_for(env)
    picture = strip(env, pg.sample_trajectories(env, policy, 1, seed=0), ALT)
    assert len(frames_of(picture)[0]) == 1
    width, height = png_size(picture.png)
    assert width == 840 and height < 600


def test_frames_share_a_palette_that_keeps_colours_close_and_white_white():
    def gradient(channel):
        figure = Figure(figsize=(4, 2))
        colours = np.zeros((100, 200, 3))
        colours[..., channel] = np.linspace(0, 1, 200)
        figure.figimage(colours)
        return figure

    # More colours than the palette holds.
    frames, _ = frames_of(animate(map(gradient, range(3)), ALT))
    for channel, (image, _) in enumerate(frames):
        drawn = image[-100:, :200]
        assert abs(drawn[0, :, channel] - np.linspace(0, 255, 200)).max() < 16
        assert (image[0, -1] == 255).all()
