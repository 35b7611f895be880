import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.helpers.recipes import (
    ENVIRONMENT,
    EXAMPLES,
    is_a_picture,
    said_by,
    write_classes,
)

LESSON = EXAMPLES / "lesson"
LANGUAGES = ("en", "es")
SMALL = {"EPOCHS": 1, "PIECES": 16, "FILTERS": 2, "PATTERN_STEPS": 2}
CONVOLUTIONS = {"conv1": (148, 32), "conv2": (72, 64), "conv3": (34, 128), "conv4": (15, 128)}
POOLINGS = {"pool1": (74, 32), "pool2": (36, 64), "pool3": (17, 128), "pool4": (7, 128)}


def notebook(language, folder=LESSON):
    return json.loads((folder / f"lesson.{language}.ipynb").read_text(encoding="utf-8"))


def sources(made):
    return [(cell["cell_type"], "".join(cell["source"])) for cell in made["cells"]]


def test_the_products_are_those_of_the_source(tmp_path):
    said_by("lesson/build.py", "--output", tmp_path)
    assert (tmp_path / "lesson.py").read_text() == (LESSON / "lesson.py").read_text()
    for language in LANGUAGES:
        assert sources(notebook(language, tmp_path)) == sources(notebook(language))


def test_both_languages_tell_the_same():
    english, spanish = (sources(notebook(language)) for language in LANGUAGES)
    assert [kind for kind, _ in english] == [kind for kind, _ in spanish]
    for (kind, text), (_, texto) in zip(english, spanish, strict=True):
        if kind == "markdown":
            assert text.splitlines()[0].count("#") == texto.splitlines()[0].count("#")
            assert text != texto
        else:
            assert "«" not in text + texto
            # The same program, with other strings and comments.
            assert _names(text) == _names(texto)


def _names(code):
    code = re.sub(r"#[^\n]*", "", code)
    return re.findall(r"^\s*(?:def|import|from|for|if)? *[\w.]+(?: =|\()", code, re.MULTILINE)


def test_committed_notebooks_are_light():
    for language in LANGUAGES:
        assert (LESSON / f"lesson.{language}.ipynb").stat().st_size < 1.5e6


def check_what_was_said(said):
    for name, (side, channels) in {**CONVOLUTIONS, **POOLINGS}.items():
        assert re.search(rf"{name} +\(1, {side}, {side}, {channels}\)", said)
    assert "(1, 150, 150, 3)" in said
    difference = re.search(r"(?:largest difference|mayor diferencia): (\S+)", said)
    assert float(difference[1]) < 1e-5
    shares = dict(re.findall(r"^((?:conv|pool)\d) +[\d.]+% +([\d.]+)%$", said, re.MULTILINE))
    assert set(shares) == {*CONVOLUTIONS, *POOLINGS}
    return {name: float(share) / 100 for name, share in shares.items()}


@pytest.fixture
def small_arguments(tmp_path):
    arguments = [f"--{name.lower().replace('_', '-')}={value}" for name, value in SMALL.items()]
    return [*arguments, "--pictures", tmp_path / "pictures"]


def test_the_script(small_arguments, tmp_path):
    said = said_by("lesson/lesson.py", *small_arguments)
    check_what_was_said(said)
    assert re.search(r"channel 4: .*\nchannel 7: ", said)
    assert "map 24 × 24" in said
    assert str(tmp_path / "pictures") in said.splitlines()[-1]
    pictures = {path.stem: path for path in (tmp_path / "pictures").iterdir()}
    assert {f"activations_{name}" for name in (*CONVOLUTIONS, *POOLINGS)} < set(pictures)
    for name in ("cat", "channels_4_and_7", "class_activation_map", "lesson", "patterns_vgg16"):
        assert is_a_picture(pictures[name])


def test_a_photograph_data_a_model_and_weights_of_ones_own(small_arguments, tmp_path):
    import keras
    from keras import layers

    photograph = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(photograph).save(tmp_path / "mine.png")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((150, 150, 3)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="mine"),
            layers.MaxPooling2D(8),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.save(tmp_path / "mine.keras")
    vgg16 = keras.applications.VGG16(weights=None, include_top=False)
    vgg16.save_weights(tmp_path / "vgg16_notop.weights.h5")
    said = said_by(
        "lesson/lesson.py",
        *small_arguments,
        *("--photograph", tmp_path / "mine.png", "--model", tmp_path / "mine.keras"),
        *("--data", write_classes(tmp_path / "data", ["ant", "bee"])),
        *("--vgg16-weights", tmp_path / "vgg16_notop.weights.h5"),
    )
    assert re.search(r"mine +\(1, 150, 150, 8\)", said)
    assert re.search(r"^ant: [\d.]+%, map 150 × 150", said, re.MULTILINE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notebook(language, monkeypatch, tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    node = nbformat.read(LESSON / f"lesson.{language}.ipynb", as_version=4)
    (settings,) = (cell for cell in node.cells if "parameters" in cell.metadata.get("tags", ()))
    settings.source += "".join(f"\n{name} = {value}" for name, value in SMALL.items())
    client = nbclient.NotebookClient(
        node, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in node.cells for output in cell.get("outputs", ())]
    check_what_was_said("".join(o.text for o in outputs if o.get("name") == "stdout"))
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 15


@pytest.mark.slow
def test_blank_channels_grow_with_depth_and_the_network_learns(tmp_path):
    """The whole lesson: minutes on two cores."""
    said = said_by("lesson/lesson.py", "--pictures", tmp_path)
    shares = check_what_was_said(said)
    assert max(shares["conv1"], shares["conv2"]) < shares["conv3"] < shares["conv4"]
    assert float(said.split("val_accuracy: ")[-1].split()[0]) > 0.6
