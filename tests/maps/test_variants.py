"""What perturbation methods try, on arrays small enough to do it by hand."""

import numpy as np

from keras_viz_callbacks.maps.variants import channel_masks, one_channel_out, resized

# One image, a 1 × 2 map, 3 channels: falling, of one value, rising.
ACTIVATIONS = np.array([[[[4, 5, 0], [0, 5, 2]]]], np.float32)


def test_a_mask_is_a_channels_map_from_0_to_1():
    masks = list(channel_masks(ACTIVATIONS, (1, 2)))
    np.testing.assert_array_equal(masks, [[[[1, 0]]], [[[0, 0]]], [[[0, 1]]]])


def test_a_mask_has_the_places_of_the_image():
    # Half-pixel centres: 4 pixels over 2, at -0.25, 0.25, 0.75 and 1.25 of the map's pixels.
    first = next(channel_masks(ACTIVATIONS, (2, 4)))
    np.testing.assert_allclose(first, [[[1, 0.75, 0.25, 0]] * 2], rtol=1e-6)


def test_each_channel_is_left_out_once():
    np.testing.assert_array_equal(
        list(one_channel_out(ACTIVATIONS, (1, 2))), [[[0, 1, 1]], [[1, 0, 1]], [[1, 1, 0]]]
    )


def test_resizing_is_that_of_pillow():
    from PIL import Image

    image = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    ours = resized(resized(image, 0, 12), 1, 9)
    # Pillow widens its filter where it makes an image smaller; both sides grow here.
    theirs = Image.fromarray(image).resize((9, 12), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-6)
