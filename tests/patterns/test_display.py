import numpy as np

from keras_viz_callbacks.patterns.display import to_displayable


def test_a_pattern_is_centred_on_grey_whatever_its_range():
    pattern = np.random.default_rng(0).standard_normal((1, 32, 32, 3)).astype(np.float32)
    shown = to_displayable(pattern)
    assert shown.dtype == np.uint8
    assert abs(shown.mean() - 127.5) < 1
    assert abs(shown.std() - 0.2 * 255) < 2
    np.testing.assert_allclose(
        to_displayable(1000 * pattern + 77).astype(int), shown.astype(int), atol=1
    )


def test_each_pattern_has_its_own_contrast():
    pattern = np.random.default_rng(0).standard_normal((1, 8, 8, 3)).astype(np.float32)
    shown = to_displayable(np.concatenate([pattern, 0.01 * pattern]))
    np.testing.assert_allclose(shown[0].astype(int), shown[1].astype(int), atol=1)


def test_a_flat_image_is_grey():
    assert (to_displayable(np.full((1, 4, 4, 3), 9, np.float32)) == 128).all()
