"""When captures are due, from hand-made sequences of hooks, without Keras."""

import pytest

from keras_viz_callbacks.callbacks.schedule import Due, Schedule


def due_epochs(schedule, epochs, *, first=0, batches=1, stopped_at=None):
    """Epochs at whose end a capture is due, and whether one is at the end of the training."""
    schedule.begin(epochs, batches)
    found = []
    for epoch in range(first, epochs):
        schedule.begin_epoch(epoch)
        for batch in range(batches):
            assert schedule.end_batch(batch) is None
        is_stopped = epoch == stopped_at
        due = schedule.end_epoch(epoch, is_stopped=is_stopped)
        if due is not None:
            assert due.is_last == (is_stopped or epoch == epochs - 1)
            found.append(epoch)
        if is_stopped:
            break
    return found, schedule.end()


@pytest.mark.parametrize(
    ("every", "epochs", "expected"),
    [(1, 3, [0, 1, 2]), (2, 5, [0, 2, 4]), (3, 5, [0, 3, 4]), (9, 1, [0]), (9, 4, [0, 3])],
)
def test_every_n_epochs_and_the_last(every, epochs, expected):
    schedule = Schedule(every=every)
    assert due_epochs(schedule, epochs) == (expected, None)
    assert schedule.planned_captures() == len(expected)


def test_epochs_count_from_0_whatever_the_first():
    assert due_epochs(Schedule(every=2), 6, first=3) == ([4, 5], None)


def test_the_epoch_in_which_the_training_is_stopped_is_the_last():
    assert due_epochs(Schedule(every=100), 50, stopped_at=7) == ([0, 7], None)


def test_a_training_that_a_later_callback_stops_is_captured_at_its_end():
    schedule = Schedule(every=100)
    schedule.begin(epochs=50)
    for epoch in range(3):
        schedule.begin_epoch(epoch)
        schedule.end_batch(0)
        assert (schedule.end_epoch(epoch) is None) == (epoch > 0)
    assert schedule.end() == Due(is_last=True)
    assert schedule.epoch == 2


def test_a_training_without_a_batch_has_no_last_epoch():
    schedule = Schedule()
    schedule.begin(epochs=2)
    schedule.begin_epoch(0)
    assert schedule.end() is None


def test_a_skipped_capture_of_what_turns_out_to_be_the_last_epoch_is_due_again():
    schedule = Schedule()
    schedule.begin(epochs=9)
    schedule.begin_epoch(0)
    schedule.end_batch(0)
    assert schedule.end_epoch(0) == Due(is_last=False)
    assert schedule.end() is None
    schedule.skip()
    assert schedule.end() == Due(is_last=True)


def due_batches(schedule, epochs, batches, *, before=0):
    """Global batches after which a capture is due; ``batches``: those that Keras reports."""
    schedule.begin(epochs, len(batches))
    found = []
    for epoch in range(epochs):
        schedule.begin_epoch(epoch)
        for batch in batches:
            if schedule.end_batch(batch, before) is not None:
                found.append(before + schedule.batches)
        assert schedule.end_epoch(epoch) is None
    assert schedule.end() is None
    return found


@pytest.mark.parametrize(
    ("update_freq", "expected"), [(1, [1, 2, 3, 4, 5, 6]), (2, [2, 4, 6]), (4, [4]), (7, [])]
)
def test_batches_are_counted_over_epochs(update_freq, expected):
    schedule = Schedule(update_freq)
    assert due_batches(schedule, 2, [0, 1, 2]) == expected
    assert schedule.planned_captures() == len(expected)


@pytest.mark.parametrize(
    ("update_freq", "reported", "expected"),
    [(2, [2], [3, 6]), (2, [3, 7], [4, 8, 12, 16]), (5, [3, 7], [8, 12, 16])],
)
def test_of_several_batches_in_one_execution_only_the_last_is_reported(
    update_freq, reported, expected
):
    assert due_batches(Schedule(update_freq), 2, reported) == expected


def test_batches_go_on_after_those_of_earlier_trainings():
    assert due_batches(Schedule(4), 1, [0, 1, 2], before=3) == [4]
    schedule = Schedule(2)
    assert due_batches(schedule, 1, [0, 1, 2]) == due_batches(schedule, 1, [0, 1, 2]) == [2]


@pytest.mark.parametrize(
    ("arguments", "epochs", "steps", "expected"),
    [
        ({}, None, 3, None),
        ({"every": 3}, 7, None, 3),
        ({"every": 3}, 8, None, 4),
        ({"update_freq": 2}, 5, 3, 7),
        ({"update_freq": 2}, 5, None, None),
    ],
)
def test_planned_captures(arguments, epochs, steps, expected):
    schedule = Schedule(**arguments)
    schedule.begin(epochs, steps)
    assert schedule.planned_captures() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"update_freq": "batch"},
            '`update_freq` must be "epoch" or a positive number of training batches. '
            "Received: update_freq='batch'",
        ),
        ({"every": 0}, "`every` must be a positive number of epochs. Received: every=0"),
        ({"every": True}, "`every` must be a positive number of epochs. Received: every=True"),
        (
            {"update_freq": 2, "every": 2},
            '`every` counts epochs, so it goes with update_freq="epoch" only. '
            "Received: every=2, update_freq=2",
        ),
    ],
)
def test_what_is_no_frequency(arguments, message):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        Schedule(**arguments)
    assert str(raised.value) == message
