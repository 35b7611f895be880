import numpy as np

from keras_viz_callbacks.maps.channels import statistics

#                channel 0, 1, 2 of a 1 × 2 map
ACTIVATION = np.array([[[0, 1, -3], [0, 3, 5]]], np.float32)


def test_statistics_by_hand():
    found = statistics(ACTIVATION)
    np.testing.assert_array_equal(found.minimum, [0, 1, -3])
    np.testing.assert_array_equal(found.maximum, [0, 3, 5])
    np.testing.assert_array_equal(found.mean, [0, 2, 1])
    np.testing.assert_array_equal(found.std, [0, 1, 4])
    np.testing.assert_array_equal(found.blank, [True, False, False])


def test_what_is_not_finite_is_left_out():
    activation = ACTIVATION.copy()
    activation[0, 0, 1] = np.nan
    activation[:, :, 2] = np.inf
    found = statistics(activation)
    np.testing.assert_array_equal(found.mean, [0, 3, np.nan])
    np.testing.assert_array_equal(found.minimum, [0, 3, np.nan])
    np.testing.assert_array_equal(found.blank, [True, False, False])
