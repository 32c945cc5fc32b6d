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


def test_a_slider_starts_where_it_is_told():
    assert Slider(1, 3, 1).value == 1
    widget = Slider(0, 1, 0.25, value=0.5).widget("share")
    assert (widget.min, widget.max, widget.step) == (0, 1, 0.25)
    assert (widget.value, widget.description) == (0.5, "share")
    assert (widget.readout_format, widget.continuous_update) == (".2f", True)


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
    ("make", "error", "message"),
    [
        (lambda: Slider(1, 1, 1), ValueError, "expected minimum < maximum"),
        (lambda: Slider(0, 1, 0), ValueError, "step > 0"),
        (lambda: Slider(0, 1, 0.3), ValueError, "expected a whole number of steps"),
        (lambda: Slider(0, 2**60, 1), ValueError, "at most 1,000,000,000 of them"),
        (lambda: Slider(0, 1, 0.5, value=2), ValueError, "expected 0 to 1, got 2"),
        (lambda: Slider("0", 1, 1), TypeError, "minimum: expected a number, got '0'"),
        (lambda: Slider(0, 1, True), TypeError, "step: expected a number, got True"),
        (lambda: Slider(0, float("nan"), 1), ValueError, "maximum: expected a finite"),
        (lambda: LogSlider(0, 1), ValueError, "expected 0 < minimum < maximum"),
        (lambda: LogSlider(1, 10, 11), ValueError, "per_decade 1 to 10"),
        (lambda: LogSlider(1, 11), ValueError, "expected a whole number of steps"),
        (lambda: LogSlider(1, 10, value=0.5), ValueError, "expected 1 to 10, got 0.5"),
        (lambda: Choice([1]), ValueError, "expected two or more different options"),
        (lambda: Choice([1, "1"]), ValueError, "expected two or more different"),
        (lambda: Choice("ab"), TypeError, "options: expected a list, got 'ab'"),
        (lambda: Choice([1, 2], value=3), ValueError, r"expected one of \[1, 2\]"),
        (lambda: Toggle(1), TypeError, "expected True or False, got 1"),
    ],
)
def test_a_control_that_could_not_work_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_control_cannot_be_changed():
    with pytest.raises(AttributeError):
        Slider(0, 1, 1).value = 5


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
