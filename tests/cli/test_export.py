import numpy as np
import pytest
from PIL import Image

from tests.helpers import synthetic_logs


@pytest.fixture
def written(tmp_path):
    """Synthetic logs of two layers, two images and three epochs."""
    return synthetic_logs.write(
        str(tmp_path / "logs" / "first"), synthetic_logs.Spec(epochs=3, layers=2, images=2)
    )


def test_a_gif_a_series_and_a_sheet_a_layer(keras_viz, written, tmp_path):
    output = tmp_path / "out"
    status, said, error = keras_viz("export", tmp_path / "logs", "--output", output)
    assert (status, error) == (0, "")
    files = sorted(path.name for path in output.iterdir())
    series = [tag for tag in written.tags if not tag.startswith("images/")]
    assert len([name for name in files if name.endswith(".gif")]) == len(series)
    assert "first-activations-conv2d_0-sheet.png" in files
    assert said.endswith(f"{len(files)} files are in {output}.\n")
    with Image.open(output / "first-grad_cam-conv2d_1-image_0.gif") as gif:
        assert gif.n_frames == 3
        first = np.asarray(gif.convert("RGB"), int)
        gif.seek(2)
        assert np.abs(np.asarray(gif.convert("RGB"), int) - first).mean() > 1
    with Image.open(output / "first-grad_cam-conv2d_1-sheet.png") as sheet:
        assert np.ptp(np.asarray(sheet.convert("L"))) > 100


def test_the_sheet_has_a_row_an_image_and_a_column_an_epoch(keras_viz, written, tmp_path):
    sizes = {}
    for columns in (1, 2, 3, 8):
        output = tmp_path / str(columns)
        keras_viz(
            "export", tmp_path / "logs", "--output", output, "--as", "sheet",
            "--technique", "grad_cam", "--columns", columns, "--size", 32,
        )  # fmt: skip
        (path,) = output.iterdir()
        with Image.open(path) as sheet:
            sizes[columns] = sheet.size
    assert sizes[3][0] - sizes[2][0] == sizes[2][0] - sizes[1][0] > 30
    assert sizes[8] == sizes[3]  # there are three epochs
    assert sizes[1][1] > 2 * 30


def test_only_what_was_asked_for(keras_viz, written, tmp_path):
    output = tmp_path / "out"
    keras_viz(
        "export", tmp_path / "logs", "--output", output, "--technique", "act*",
        "--layer", "conv2d_1", "--run", "first", "--as", "gif",
    )  # fmt: skip
    assert sorted(path.name for path in output.iterdir()) == [
        "first-activations-conv2d_1-image_0.gif",
        "first-activations-conv2d_1-image_1.gif",
    ]


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (["none"], "LOG_DIR: there is no directory none. "),
        (["."], "LOG_DIR: there are no pictures in . "),
        (["{logs}", "--run", "second"], "--run: no run has the name 'second'. There are: first."),
        (["{logs}", "--layer", "x"], "--name, --layer: no pictures have these names. There are: "),
        (
            ["{logs}", "--technique", "x"],
            "--name, --layer: no pictures have these names. There are: ",
        ),
        (["{logs}", "--output", "{file}/out"], "--output: "),
    ],
)
def test_what_can_be_put_right(keras_viz, written, tmp_path, monkeypatch, arguments, beginning):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    (tmp_path / "file").touch()
    places = {"logs": tmp_path / "logs", "file": tmp_path / "file"}
    status, _, error = keras_viz("export", *(a.format(**places) for a in arguments))
    assert status == 2
    assert error.startswith(f"keras-viz export: {beginning.strip()}")
    assert error.count("\n") == 1
