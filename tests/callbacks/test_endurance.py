"""Nothing accumulates over many epochs with every callback attached."""

import os
import sys
import threading

import keras
import pytest

from tests.helpers.backends import not_on
from tests.helpers.resource_growth import everything, train

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="threads and open files are counted in /proc/self"
)

EPOCHS = 61
LEAK = (
    0.2  # of a thing an epoch; a thread of a library's pool may begin late, one of a capture's is 1
)


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    """Readings of a training with all callbacks."""
    return train(EPOCHS, everything(tmp_path_factory.mktemp("logs")))


def test_no_thread_and_no_open_file_accumulates(readings):
    early, last = readings[1], readings[-1]
    assert (early.epoch, last.epoch) == (10, 60)
    epochs = last.epoch - early.epoch
    assert last.threads - early.threads < LEAK * epochs
    assert last.descriptors - early.descriptors < LEAK * epochs


@not_on("torch", "every pass runs its Python code there, and nothing is compiled")
def test_nothing_is_traced_or_compiled_after_the_first_captures(readings):
    first, last = readings[0], readings[-1]
    assert first.calls > 0
    assert first.compiled > 0
    assert last.calls == first.calls
    assert last.compiled == first.compiled


class Leak(keras.callbacks.Callback):
    """Keeps one more thing of each kind after every epoch."""

    def __init__(self):
        super().__init__()
        self.descriptors = []
        self.threads = []
        self.ended = threading.Event()

    def on_epoch_end(self, epoch, logs=None):
        """Opens a file, starts a thread, and calls the first layer."""
        self.descriptors.append(os.open(os.devnull, os.O_RDONLY))
        self.threads.append(threading.Thread(target=self.ended.wait, daemon=True))
        self.threads[-1].start()
        self.model.layers[0](keras.ops.zeros((1, 16, 16, 3)))

    def close(self):
        """Closes and ends them."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.ended.set()
        for thread in self.threads:
            thread.join()


def test_what_accumulates_is_seen():
    leak = Leak()
    try:
        first, last = train(11, [leak])
    finally:
        leak.close()
    assert last.descriptors - first.descriptors >= 10
    assert last.threads - first.threads >= 7  # an idle one of another test may have ended
    assert last.calls - first.calls >= 10
