"""The limit on the time of captures."""

import pytest

from keras_viz_callbacks.callbacks.budget import Budget


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


def test_without_a_limit_every_capture_is_allowed_and_with_one_the_first():
    assert simulated(None, 20, 1, lambda number: 100)[1] == list(range(20))
    assert simulated(0.01, 2, 1, lambda number: 100)[1] == [0]


def test_a_capture_that_is_being_drawn_counts_with_the_mean_time():
    clock = Clock()
    budget = Budget(0.1, clock)
    budget.begin()
    assert budget.allows()
    budget.begin_capture()
    clock.now += 1000
    assert not budget.allows()  # its time is not known yet
    with budget.spending():
        clock.now += 50
    budget.end_capture()
    assert budget.allows()  # 50 more of 1100
    budget.begin_capture()
    assert not budget.allows()  # 100 more
