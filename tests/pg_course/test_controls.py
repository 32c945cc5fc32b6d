import ipywidgets
import pytest

from pg_course.stage.controls import Choice, LogSlider, Slider, Toggle


def test_a_slider_of_whole_numbers_gives_whole_numbers():
    slider = Slider(-2, 10, 3, value=4)
    assert isinstance(slider.widget("k"), ipywidgets.IntSlider)
    assert slider.value == 4 and isinstance(slider.value, int)
    assert [slider.clean(v) for v in (-2, -1, 0, 5.4, 10)] == [-2, -2, 1, 4, 10]


def test_a_slider_gives_round_decimals():
    slider = Slider(0, 1, 0.05, value=0.95)
    # 0.05 * 19 is 0.9500000000000001, and JavaScript sends what it computed.
    sent = [0.05 * k for k in range(21)]
    expected = "0.0 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4 0.45 0.5 0.55 0.6 0.65 0.7 "
    expected += "0.75 0.8 0.85 0.9 0.95 1.0"
    assert [str(slider.clean(v)) for v in sent] == expected.split()


def test_a_log_slider_moves_in_equal_ratios():
    slider = LogSlider(0.01, 10, per_decade=5)
    # Ten to the multiples of a fifth: 1, 1.585, 2.512, 3.981, 6.310.
    decade = [1.0, 1.6, 2.5, 4.0, 6.3]
    expected = [float(f"{x}e{k}") for k in (-2, -1, 0) for x in decade] + [10.0]
    sent = [10 ** (-2 + k / 5) for k in range(16)]
    assert [slider.clean(v) for v in sent] == expected
    assert [slider.clean(v) for v in expected] == expected
    widget = slider.widget("rate")
    assert (widget.min, widget.max, widget.value) == (-2, 1, 0.01)


def test_a_choice_is_shown_as_it_is_written():
    choice = Choice([1, 10.5, None, "all"], value=10.5)
    widget = choice.widget("N")
    assert [text for text, _ in widget.options] == ["1", "10.5", "None", "all"]
    assert widget.value == choice.clean(10.5) == 10.5
    assert Choice(("a", "b")).value == "a"


def test_a_toggle_is_on_or_off():
    assert Toggle().value is False
    assert Toggle(True).widget("noise").value is True


@pytest.mark.parametrize(
    ("control", "value", "near"),
    [
        (Slider(0, 3, 1), 0, [1]),
        (Slider(0, 3, 1), 3, [2]),
        (Slider(0, 0.3, 0.1), 0.2, [0.3, 0.1]),
        (LogSlider(0.01, 100, 1), 1.0, [10.0, 0.1]),
        (LogSlider(0.01, 100, 1), 100.0, [10.0]),
        (LogSlider(0.1, 1, 5), 0.63, [1.0, 0.4]),
        (Choice(["a", "b", "c"]), "a", ["b"]),
        (Choice(["a", "b", "c"]), "b", ["c", "a"]),
        (Choice(["a", "b", "c"]), "c", ["b"]),
        (Toggle(), False, [True]),
    ],
)
def test_what_one_key_press_leads_to(control, value, near):
    assert control.near(value) == near
