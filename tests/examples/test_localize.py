import keras
import numpy as np
from boxes import intersection_over_union
from localize import NOTHING, best_share, box_of, boxes_of
from PIL import Image
from scenes import scenes

from tests.helpers.models import small_model
from tests.helpers.recipes import run, said_by


def test_overlap_of_boxes_by_hand():
    boxes = np.array([[0, 0, 10, 10], [0, 5, 10, 15], [10, 10, 20, 20], [0, 0, 0, 0]])
    overlaps = intersection_over_union(boxes[:, None], boxes[None])
    third = 50 / 150
    np.testing.assert_allclose(
        overlaps, [[1, third, 0, 0], [third, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    )


def test_the_box_is_that_of_the_largest_part_above_the_share():
    heat = np.zeros((96, 96), np.float32)
    heat[10:40, 20:50] = 0.6
    heat[70:80, 70:75] = 1
    assert box_of(heat, 0.5) == (10, 20, 40, 50)
    assert box_of(heat, 0.7) == (70, 70, 80, 75)
    assert box_of(np.zeros((6, 6), np.float32), 0.5) == NOTHING


def test_from_the_ink_itself_the_boxes_are_the_true_ones():
    some = scenes(50)
    ink = (some.masks > 0).astype(np.float32)
    share = best_share(ink, some.boxes)
    # The mask ends where the ink is half transparent, a pixel or so inside its box.
    assert intersection_over_union(boxes_of(ink, share), some.boxes).min() > 0.7


def test_the_script_measures_each_layer_beside_players_that_see_nothing(tmp_path):
    picture = tmp_path / "boxes.png"
    tiny = ("--epochs", 1, "--scenes", 64, "--held-out", 16)
    lines = said_by("localize.py", *tiny, "--picture", picture).splitlines()
    rows = [line for line in lines if line.count("0.") >= 3]
    starts = ["chance: anywhere", "always the middle", "conv3, cut", "conv4, cut", "conv5, cut"]
    assert [any(row.startswith(start) for row in rows) for start in starts] == [True] * 5
    assert all(
        0 <= float(value) <= 1 for row in rows for value in row.split()[-3:] if row[0] != "6"
    )
    assert lines[-1].endswith(f"{picture}.")
    assert np.ptp(np.asarray(Image.open(picture).convert("L"))) > 100


def test_it_draws_the_users_own_photographs_by_the_users_own_model(tmp_path):
    small_model().save(tmp_path / "mine.keras")
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, scene in enumerate(scenes(2).images):
        keras.utils.save_img(folder / f"{number}.png", scene)
    picture = tmp_path / "boxes.png"
    mine = ("--model", tmp_path / "mine.keras", "--images", folder)
    said_by("localize.py", *mine, "--picture", picture)
    assert picture.exists()


def test_a_model_without_photographs_is_refused():
    ran = run("localize.py", "--model", "somewhere")
    assert ran.returncode == 2
    assert "--model and --images go together" in ran.stderr
