"""A real training in the background, watched while it runs."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serve

EPOCHS = 4


@pytest.fixture
def training(tmp_path):
    """Trains in a thread; each epoch waits for `release()`."""
    import keras
    import numpy as np

    from keras_viz_callbacks import ActivationGrid, GradCAM
    from tests.helpers.models import small_model

    log_dir = str(tmp_path / "run1")
    random = np.random.default_rng(0)
    images, labels = random.random((12, 16, 16, 3), np.float32), np.arange(12) % 3
    turns = threading.Semaphore(0)
    wait = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs=None: turns.acquire())
    callbacks = [
        wait,
        ActivationGrid(log_dir, images[:2]),
        GradCAM(log_dir, images[:2], labels=labels[:2], class_names=["a", "b", "c"]),
    ]
    model = small_model()
    thread = threading.Thread(
        target=lambda: model.fit(images, labels, epochs=EPOCHS, verbose=0, callbacks=callbacks)
    )
    thread.start()
    yield turns.release
    for _ in range(EPOCHS):
        turns.release()
    thread.join()


def test_epochs_of_a_running_training_arrive_by_themselves(training, tmp_path, new_tab):
    training()
    tab = new_tab(serve(str(tmp_path)))
    expect(tab.find(".exact")).to_have_value("0", timeout=30_000)
    for epoch in range(1, EPOCHS):
        training()
        expect(tab.find(".exact")).to_have_value(str(epoch), timeout=30_000)
    tab.expect_pictures(".frame.now img")
    expect(tab.find(".about .numbers").first).to_contain_text("dead")
    tab.button("Class map").click()
    expect(tab.find(".outcome .verdict")).to_be_visible()
    expect(tab.find(".sheet canvas")).to_be_visible()
    tab.button("Channels").click()
    expect(tab.find(".channels button").first).to_be_visible()
