import keras
import numpy as np
import pytest

from keras_viz_callbacks.cli import main
from tests.helpers.models import small_model

CLASSES = ("cat", "dog", "fox")


@pytest.fixture
def keras_viz(capsys):
    """Runs the command: (exit status, stdout, stderr)."""

    def run(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            status = ended.code
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture(scope="session")
def training(tmp_path_factory):
    """A finished training: ``checkpoints``, ``weights``, and ``images`` in a folder a class."""
    folder = tmp_path_factory.mktemp("training")
    for name in ("checkpoints", "weights"):
        (folder / name).mkdir()
    rng = np.random.default_rng(0)
    model = small_model()
    model.fit(
        rng.random((24, 16, 16, 3), np.float32),
        rng.integers(0, 3, 24),
        epochs=3,
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(folder / "checkpoints" / "small_{epoch:02d}.keras"),
            keras.callbacks.ModelCheckpoint(
                folder / "weights" / "e{epoch}-{loss:.2f}.weights.h5", save_weights_only=True
            ),
        ],
    )
    for number in range(6):
        path = folder / "images" / CLASSES[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.save_img(path, rng.random((20, 24, 3)))
    return folder
