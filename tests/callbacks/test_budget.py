"""The bound on what captures cost, and the filters that are spread over captures."""

import time

import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, FilterPatterns
from keras_viz_callbacks.callbacks.budget import Budget
from keras_viz_callbacks.summary.event_file import EventFile
from tests.helpers.models import small_model


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def simulated(share, captures, epoch, costs):
    """Share of the time that was spent, and which of the captures were made."""
    clock = Clock()
    budget = Budget(share, clock)
    budget.begin()
    spent, made = 0.0, []
    for number in range(captures):
        clock.now += epoch
        if budget.allows():
            budget.begin_capture()
            with budget.spending():
                clock.now += costs(number)
                spent += costs(number)
            budget.end_capture()
            made.append(number)
    return spent / clock.now, made


@pytest.mark.parametrize("cost", [0.5, 3.0, 40.0])
@pytest.mark.parametrize("share", [0.02, 0.05, 0.3])
def test_captures_take_their_share_of_a_long_training_and_no_more(share, cost):
    taken, made = simulated(share, 5000, 10, lambda number: cost)
    assert taken <= share
    if cost / (10 + cost) > share:
        assert taken > share - 0.01
    else:
        assert len(made) == 5000


def test_captures_of_changing_length_stay_within_a_percent():
    taken, _ = simulated(0.05, 5000, 10, lambda number: 1 + 5 * (number % 7 == 0))
    assert 0.04 < taken < 0.06


def test_without_a_bound_and_at_first_everything_is_allowed():
    assert simulated(None, 20, 1, lambda number: 100)[1] == list(range(20))
    assert simulated(0.01, 2, 1, lambda number: 100)[1] == [0]


def test_what_is_still_being_drawn_counts_as_if_it_were_done():
    clock = Clock()
    budget = Budget(0.1, clock)
    budget.begin()
    assert budget.allows()
    budget.begin_capture()
    clock.now += 1000
    assert not budget.allows()  # nobody knows what it will have cost
    with budget.spending():
        clock.now += 50
    budget.end_capture()
    assert budget.allows()  # 50 more of 1100
    budget.begin_capture()
    assert not budget.allows()  # 100 more


def test_writing_counts(tmp_path, images, monkeypatch):
    callback = ActivationGrid(tmp_path, images[:1], max_overhead=0.5, on_error="raise")
    flush = EventFile.flush

    def slow(self):
        time.sleep(0.3)
        flush(self)

    monkeypatch.setattr(EventFile, "flush", slow)
    small_model().fit(images, np.zeros(len(images)), verbose=0, callbacks=[callback])
    assert callback.budget.spent >= 0.3


def test_what_was_skipped_is_said_in_the_record_and_the_last_epoch_is_drawn(
    tmp_path, images, labels, read_log, monkeypatch
):
    model = small_model()
    callback = ActivationGrid(tmp_path, images[:1], max_overhead=0.01, on_error="raise")
    capture = callback._capture

    def slow():
        time.sleep(0.2)
        return capture()

    monkeypatch.setattr(callback, "_capture", slow)
    model.fit(images, labels, epochs=6, verbose=0, callbacks=[callback])
    log = read_log(tmp_path)
    tag = "activations/conv_a/image_0"
    assert log.steps(tag) == [0, 5]
    assert log.records["keras_viz", tag, 0].note is None
    note = log.records["keras_viz", tag, 5].note
    assert note == "4 captures before this one were skipped (max_overhead)"


def test_layers_of_filters_take_turns(tmp_path, images, labels, read_log):
    model = small_model()
    callback = FilterPatterns(tmp_path, filters=2, steps=1, layers_per_capture=1)
    model.fit(images, labels, epochs=4, verbose=0, callbacks=[callback])
    log = read_log(tmp_path)
    assert log.steps("filters/conv_a") == [0, 2]
    assert log.steps("filters/conv_b") == [1, 3]


@pytest.mark.parametrize("share", [0, -0.1, 1.5])
def test_a_share_is_between_0_and_1(share, tmp_path):
    with pytest.raises(ValueError, match=r"`max_overhead` must be a share .* max_overhead="):
        ActivationGrid(tmp_path, np.zeros((1, 4, 4, 3)), max_overhead=share)


@pytest.mark.parametrize(
    ("arguments", "captures"), [({}, 5), ({"every": 3}, 3), ({"update_freq": 2}, 7)]
)
def test_the_first_capture_tells_what_the_training_will_write(
    tmp_path, images, labels, caplog, read_log, arguments, captures
):
    callback = FilterPatterns(tmp_path, filters=2, steps=1, **arguments)
    with caplog.at_level("INFO", logger="keras_viz_callbacks"):
        small_model().fit(images, labels, batch_size=2, epochs=5, verbose=0, callbacks=[callback])
    (said,) = [r for r in caplog.records if "a capture" in r.getMessage()]
    log = read_log(tmp_path)
    first = min(step for _, _, step in log.pictures)
    size = sum(len(png) for (_, _, step), png in log.pictures.items() if step == first)
    total = f"about {captures * size / 1e6:.0f} MB in {captures}."
    assert said.getMessage() == f"filters writes {size / 1e6:.2f} MB a capture, {total}"
    assert len({step for _, _, step in log.pictures}) == captures
