import numpy as np
from pointing_game import chance, hits, hottest_pixels
from scenes import scenes

from tests.helpers.recipes import said_by


def test_the_hottest_pixel_is_the_middle_of_the_hottest_cell():
    maps = np.zeros((2, 6, 6), np.float32)
    maps[0, 1, 4] = 3
    pixels = hottest_pixels(maps)
    # Cells are 16 pixels: rows 16 to 31, columns 64 to 79.
    assert pixels[0, 0] in (23, 24)
    assert pixels[0, 1] in (71, 72)
    assert tuple(pixels[1]) == (-1, -1)


def test_boxes_exclude_their_ends_and_a_blank_map_misses():
    box = np.array([[0, 10, 5, 20]])
    for pixel, hit in [((0, 10), True), ((4, 19), True), ((5, 10), False), ((-1, -1), False)]:
        assert hits(np.array([pixel]), box) == [hit]
    assert chance(np.array([[0, 0, 48, 48], [0, 0, 96, 96]])) == 0.625


def test_pointing_at_the_ink_always_hits_and_at_random_as_often_as_chance_says():
    some = scenes(300)
    assert hits(hottest_pixels((some.masks > 0).astype(np.float32)), some.boxes).all()
    rng = np.random.default_rng(0)
    rounds = [hits(rng.integers(0, 96, (300, 2)), some.boxes).mean() for _ in range(50)]
    assert abs(np.mean(rounds) - chance(some.boxes)) < 0.01


def test_the_script_prints_a_row_a_round():
    tiny = ("--epochs", 1, "--scenes", 64, "--held-out", 16)
    header, start, epoch = said_by("pointing_game.py", *tiny).splitlines()[-3:]
    assert header.split() == ["epoch", "accuracy", "conv1", "conv2", "conv3", "conv4", "conv5"]
    assert start.split()[:2] == ["start", "nan"]
    assert len(epoch.split()) == 7
    assert all(0 <= float(share) <= 1 for share in epoch.split()[1:])
