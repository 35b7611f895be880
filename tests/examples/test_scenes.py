import numpy as np
import pytest
import scenes as module
from scenes import BRIGHTNESS, CLASS_NAMES, FIRST_HELD_OUT_DIGIT, PHOTOGRAPHS, scenes
from sklearn.datasets import load_digits

FIELDS = ("images", "labels", "boxes", "masks")


@pytest.fixture(scope="module", params=["train", "validation"])
def some(request):
    return scenes(200, split=request.param)


def test_shapes_types_and_ranges(some):
    assert some.images.shape == (200, 96, 96, 3)
    assert some.images.dtype == np.float32
    assert 0 <= some.images.min() < 0.1
    assert 0.9 < some.images.max() <= 1
    assert some.labels.shape == (200,)
    assert set(some.labels) == set(range(10))
    assert some.boxes.shape == (200, 4)
    assert some.masks.shape == (200, 96, 96)
    assert some.class_names == CLASS_NAMES
    assert len(some) == 200


@pytest.mark.parametrize("digits_per_scene", [1, 3, (1, 4)])
def test_same_arguments_same_scenes(digits_per_scene):
    first, again = (scenes(20, seed=5, digits_per_scene=digits_per_scene) for _ in range(2))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_a_scene_does_not_depend_on_how_many_are_drawn():
    few, many = scenes(3, seed=1), scenes(9, seed=1)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:3])


def test_seeds_differ():
    assert not np.array_equal(scenes(5, seed=0).images, scenes(5, seed=1).images)


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is the point
    scenes(2)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_the_ink_lies_in_the_box_and_touches_its_sides(some, monkeypatch):
    split = "train" if np.array_equal(scenes(3).images, some.images[:3]) else "validation"
    monkeypatch.setattr(module, "_ink", _no_ink)
    bare = scenes(200, split=split)
    assert bare.images.max() <= BRIGHTNESS
    changed = (some.images != bare.images).any(axis=-1)
    for scene in range(200):
        top, left, bottom, right = some.boxes[scene]
        rows, columns = np.nonzero(changed[scene])
        assert (top, left) == (rows.min(), columns.min())
        assert (bottom, right) == (rows.max() + 1, columns.max() + 1)
        assert 20 < bottom - top <= 70
        # The mask fits the ink: most of the brightest pixels are in it.
        mask = some.masks[scene] == 1 + some.labels[scene]
        assert mask.any()
        assert not some.masks[scene][~changed[scene]].any()
        assert some.images[scene][mask].max(axis=-1).mean() > 2 * BRIGHTNESS


def _no_ink(digit, side, drawn=module._ink):
    return np.zeros_like(drawn(digit, side))


def test_the_splits_share_no_digit_and_no_photograph():
    train, train_classes = module._digits("train")
    held_out, held_out_classes = module._digits("validation")
    digits, classes = load_digits(return_X_y=True)
    assert len(train) + len(held_out) == len(digits)
    assert len(held_out) == len(digits) - FIRST_HELD_OUT_DIGIT
    np.testing.assert_array_equal(np.concatenate([train_classes, held_out_classes]), classes)
    assert not {d.tobytes() for d in train} & {d.tobytes() for d in held_out}
    assert not set(PHOTOGRAPHS["train"]) & set(PHOTOGRAPHS["validation"])
    photographs = [
        {p.tobytes() for p in module._photographs(split)} for split in ("train", "validation")
    ]
    assert [len(p) for p in photographs] == [len(PHOTOGRAPHS["train"]), 3]
    assert not photographs[0] & photographs[1]


@pytest.mark.parametrize("number", [2, 4])
def test_several_digits_never_overlap(number):
    many = scenes(100, digits_per_scene=number)
    assert many.labels.shape == (100, number)
    assert many.boxes.shape == (100, number, 4)
    for labels, boxes, mask in zip(many.labels, many.boxes, many.masks, strict=True):
        covered = np.zeros((96, 96), int)
        for label, (top, left, bottom, right) in zip(labels, boxes, strict=True):
            covered[top:bottom, left:right] += 1
            assert set(np.unique(mask[top:bottom, left:right])) == {0, 1 + label}
        assert covered.max() == 1
        assert not mask[covered == 0].any()


def test_where_a_scene_has_fewer_digits_stands_minus_one():
    many = scenes(100, digits_per_scene=(1, 3))
    found = (many.labels >= 0).sum(axis=1)
    assert set(found) == {1, 2, 3}
    np.testing.assert_array_equal(many.labels < 0, (many.boxes < 0).all(axis=-1))


def test_an_unknown_split():
    with pytest.raises(ValueError, match=r"`split` has to be one of .* Received: split='test'"):
        scenes(1, split="test")


@pytest.mark.parametrize("wrong", [0, 5, (3, 2)])
def test_an_impossible_number_of_digits(wrong):
    with pytest.raises(ValueError, match="`digits_per_scene` has to be a number from 1 to 4"):
        scenes(1, digits_per_scene=wrong)
