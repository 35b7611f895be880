import numpy as np

from keras_viz_callbacks.render.overlay import draw_overlay
from tensorboard_plugin.schema import ClassScore
from tests.helpers.event_logs import rgb

GREY = np.full((32, 32, 3), 100, np.uint8)
HEAT = np.array([[0, 0], [0, 3]], np.float32)
CAT, DOG = ClassScore(0, "cat", 0.2), ClassScore(1, "dog", 0.8)


def overlay(heat_map=HEAT, **scores):
    return rgb(draw_overlay(GREY, heat_map, colormap="turbo", **scores).data)


def test_the_image_is_coloured_only_where_the_map_is_not_zero():
    shown = overlay()
    assert shown.shape == (224, 224, 3)
    assert (shown[:40, :40] == 100).all()
    assert np.abs(shown[-20:, -20:].astype(int) - 100).max() > 40


def test_only_the_shape_of_a_map_counts_not_its_size():
    np.testing.assert_array_equal(overlay(HEAT), overlay(1000 * HEAT))


def test_a_map_with_negative_values_has_both_ends_of_the_colours():
    signed = np.array([[-3, 0], [0, 3]], np.float32)
    shown = rgb(draw_overlay(GREY, signed, colormap="bwr").data).astype(int)
    red, blue = shown[-1, -1], shown[0, 0]
    assert red[0] > red[2] + 100
    assert blue[2] > blue[0] + 100
    # Where the map is zero the image is pale: 110 and 45 % of its grey.
    assert np.abs(shown[0, -20:] - 155).max() <= 3


def test_negative_values_are_as_opaque_as_positive_ones():
    signed = np.array([[-3, 0], [0, 3]], np.float32)
    np.testing.assert_array_equal(
        overlay(signed).shape, overlay(HEAT).shape, "the same size of picture"
    )
    shown = rgb(draw_overlay(GREY, signed, colormap="gray").data).astype(int)
    np.testing.assert_allclose(shown[0, 0] - 155, [-116] * 3, atol=3)
    np.testing.assert_allclose(shown[-1, -1] - 155, [75] * 3, atol=3)


def test_one_pixel_does_not_take_the_colours_of_all_others():
    signed = np.full((20, 20), -1, np.float32)
    signed[0, 0] = 1000
    shown = rgb(draw_overlay(GREY, signed, colormap="bwr").data).astype(int)
    assert shown[-1, -1][2] > shown[-1, -1][0] + 100


def test_a_signed_map_of_one_pixel_is_seen():
    signed = np.zeros((20, 20), np.float32)
    signed[10, 10] = -1
    shown = rgb(draw_overlay(GREY, signed, colormap="bwr").data).astype(int)
    middle = shown[shown.shape[0] * 21 // 40, shown.shape[1] * 21 // 40]
    assert middle[2] > middle[0] + 50


def test_a_map_of_zeros_leaves_the_image_and_says_so():
    blank = overlay(0 * HEAT, prediction=DOG)
    # A JPEG rings beside the frame.
    assert np.abs(blank[16:212, 16:212].astype(int) - 100).max() <= 2
    assert (blank != overlay(HEAT, prediction=DOG)).any()


def test_a_wrong_prediction_is_red_and_a_right_one_green():
    red, green = 0, 1
    wrong = overlay(label=CAT, prediction=DOG)[0, 0]
    right = overlay(label=DOG, prediction=DOG)[0, 0]
    assert wrong[red] > 2 * wrong[green]
    assert right[green] > 2 * right[red]


def test_the_caption_names_label_prediction_and_probability():
    captions = {
        overlay(label=label, prediction=prediction, target=target)[230:].tobytes()
        for label, prediction, target in [
            (CAT, DOG, None),
            (CAT, ClassScore(1, "dog", 0.6), None),
            (CAT, ClassScore(2, "cow", 0.8), None),
            (ClassScore(3, "owl", 0.2), DOG, None),
            (CAT, DOG, CAT),
        ]
    }
    assert len(captions) == 5


def test_any_name_fits_below_the_picture():
    shown = overlay(label=ClassScore(0, "<b>\n" + "naïve 名前 " * 1000), prediction=DOG)
    assert shown.shape == (224 + 4 + 44, 224 + 8, 3)
