import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from screens import Page, middle, near

import pg_helpers as pg
from pg_course.stage.animation import animate, strip, watch
from pg_course.stage.display import Picture, png_size
from pg_course.stage.pictures import BLUE
from pg_course.stage.scenes import path_of, states_of

CORRIDOR = pg.corridor()
ALT = "The agent walks to and fro."


def sample(env=CORRIDOR, number=3, policy=None):
    policy = pg.policy_for(CORRIDOR) if policy is None else policy
    return pg.sample_trajectories(env, policy, number, seed=0)


def frames_of(picture):
    """Pixels and milliseconds of each frame of a PNG file."""
    with Image.open(io.BytesIO(picture.png)) as file:
        found = []
        for number in range(getattr(file, "n_frames", 1)):
            file.seek(number)
            image = np.asarray(file.convert("RGB")).astype(int)
            found.append((image, file.info.get("duration")))
        return found, file.info.get("loop")


def test_every_step_is_a_frame_and_the_agent_is_where_it_was():
    batch = sample()
    states = states_of(CORRIDOR, path_of(batch))
    frames, plays = frames_of(watch(CORRIDOR, batch, ALT))
    assert len(frames) == len(states) == batch.lengths[-1] + 1
    columns = np.array([middle(near(image, BLUE))[0] for image, _ in frames])
    slope, offset = np.polyfit(states, columns, 1)
    assert slope > 40
    assert columns == pytest.approx(offset + slope * states, abs=2)
    assert plays == 1


def test_the_last_frame_rests():
    frames, _ = frames_of(watch(CORRIDOR, sample(), ALT, milliseconds=200))
    times = [time for _, time in frames]
    assert set(times[:-1]) == {200} and times[-1] == 1500


def test_a_long_trajectory_is_thinned_and_takes_five_seconds():
    mdp = pg.corridor(length=9, horizon=200)
    policy = pg.MLPPolicy(1, 2)
    for parameter in policy.parameters():
        parameter.data.zero_()
    policy.network[-1].bias.data[0] = 50.0  # always left, against the wall
    batch = sample(mdp, 1, policy)
    assert batch.lengths.tolist() == [200]
    picture = watch(mdp, batch, ALT, max_frames=20)
    frames, _ = frames_of(picture)
    assert len(frames) == 20
    assert sum(time for _, time in frames[:-1]) <= 5000
    assert len(picture.png) < 100_000


def test_which_trajectory_is_shown():
    batch = sample(number=20)
    lengths = batch.lengths.tolist()
    assert len(set(lengths)) > 1
    for index in (0, 7, -1):
        frames, _ = frames_of(watch(CORRIDOR, batch, ALT, index=index))
        assert len(frames) == lengths[index] + 1


def test_it_has_alternative_text_and_is_one_picture():
    picture = watch(CORRIDOR, sample(), ALT)
    assert isinstance(picture, Picture)
    data, _ = picture._repr_mimebundle_()
    assert data["text/plain"] == ALT
    ((image, alt),) = Page(data["text/html"]).pictures
    assert alt == ALT
    # A reader that knows no animation sees the first frame.
    assert abs(image - frames_of(picture)[0][0][0]).max() == 0


def test_the_same_trajectory_gives_the_same_file():
    batch = sample()
    assert watch(CORRIDOR, batch, ALT) == watch(CORRIDOR, batch, ALT)
    assert strip(CORRIDOR, batch, ALT) == strip(CORRIDOR, batch, ALT)


@pytest.mark.parametrize(
    ("env", "policy"),
    [
        (CORRIDOR, pg.MLPPolicy(1, 2)),
        (pg.grid_world(), pg.MLPPolicy(16, 4)),
        ("CartPole-v1", pg.MLPPolicy(4, 2)),
    ],
    ids=["corridor", "grid", "CartPole"],
)
def test_a_strip_is_still_and_as_wide_as_the_page(env, policy):
    picture = strip(env, sample(env, policy=policy), ALT)
    assert len(frames_of(picture)[0]) == 1
    width, height = png_size(picture.png)
    assert width == 840 and height < 600


def test_a_strip_shows_as_many_moments_as_asked():
    for number in (2, 3, 6):
        frames, _ = frames_of(strip(CORRIDOR, sample(), ALT, num_frames=number))
        agents = near(frames[0][0], BLUE)
        # Each agent is a disk of one size.
        area = near(
            frames_of(strip(CORRIDOR, sample(), ALT, num_frames=2))[0][0][0], BLUE
        )
        assert agents.sum() == pytest.approx(number * area.sum() / 2, rel=0.1)


def figures(*colours, size=(2, 1)):
    figure = Figure(figsize=size)
    for colour in colours:
        figure.set_facecolor(colour)
        yield figure


def test_any_figures_can_be_animated():
    frames, plays = frames_of(
        animate(figures("red", "lime", "blue"), ALT, milliseconds=100, plays=3)
    )
    colours = [image[50, 100].tolist() for image, _ in frames]
    assert colours == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert plays == 3


def test_a_palette_for_all_frames_keeps_the_colours_that_cover_most():
    # More colours than the palette holds: each is close to its own, and white is white.
    def gradients():
        for channel in range(3):
            figure = Figure(figsize=(4, 2))
            colours = np.zeros((1, 200, 3))
            colours[..., channel] = np.linspace(0, 1, 200)
            figure.figimage(np.repeat(colours, 100, axis=0))
            yield figure

    frames, _ = frames_of(animate(gradients(), ALT))
    for channel, (image, _) in enumerate(frames):
        drawn = image[-100:, :200]
        assert abs(drawn[0, :, channel] - np.linspace(0, 255, 200)).max() < 16
        assert (image[0, -1] == 255).all()


def test_bad_arguments_are_refused():
    batch = sample()
    with pytest.raises(ValueError, match="^alt: expected a text"):
        watch(CORRIDOR, batch, "")
    with pytest.raises(ValueError, match="^index: expected at most 2, got 3"):
        watch(CORRIDOR, batch, ALT, index=3)
    with pytest.raises(TypeError, match="^batch: expected Trajectories, got list"):
        strip(CORRIDOR, [1, 2], ALT)
    with pytest.raises(ValueError, match="^max_frames: expected at least 2"):
        watch(CORRIDOR, batch, ALT, max_frames=1)
    with pytest.raises(ValueError, match="^frames: expected at least two, got 1"):
        animate(figures("red"), ALT)
    with pytest.raises(ValueError, match="^plays: expected at least 1"):
        animate(figures("red", "blue"), ALT, plays=0)
    with pytest.raises(ValueError, match="^frames: expected one size"):
        animate([*figures("red"), *figures("red", size=(3, 1))], ALT)
